//! Wakes those who wait for the log to grow.
//!
//! A [`Follower`] is a wake-up and nothing else: what came is read from the log, so a slow follower costs no memory and
//! misses nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::mem;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;

use crate::ordinal::Ordinal;

/// One who waits for the log to grow. Dropping it ends the waiting.
///
/// ```
/// use std::future::poll_fn;
///
/// async fn follow(reader: ssb_log::Reader<ssb_log::Disk>) {
///     let mut follower = reader.follow();
///     let mut seen = reader.end();
///     loop {
///         let end = poll_fn(|context| follower.poll_past(context, seen)).await;
///         // Read what is between `seen` and `end` here.
///         seen = end;
///     }
/// }
/// ```
pub struct Follower {
    tail: Arc<Tail>,
    /// Under which our waker stands, if it does.
    key: u64,
}

impl Follower {
    /// The end of the log once it is past `seen`, the end as the caller knows it.
    ///
    /// While it is not, the task of `context` is woken at the next growth; only the latest task that asked is.
    pub fn poll_past(&mut self, context: &mut Context<'_>, seen: Ordinal) -> Poll<Ordinal> {
        // Wakers are the code of others: they are cloned and dropped while nothing is locked.
        let waker = context.waker().clone();
        let mut waiters = self.tail.waiters();
        // Looked at under the lock: `wake` takes it after the end has moved, so it comes either before this look or
        // finds our waker.
        let end = self.tail.end();
        let (poll, _waker) = if end > seen {
            (Poll::Ready(end), waiters.wakers.remove(&self.key))
        } else {
            (Poll::Pending, waiters.wakers.insert(self.key, waker))
        };
        drop(waiters);
        poll
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let waker = self.tail.waiters().wakers.remove(&self.key);
        drop(waker);
    }
}

impl fmt::Debug for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follower").field("end", &self.tail.end()).finish_non_exhaustive()
    }
}

/// The end of the log as its readers may know it, and who waits for it to move.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    end: AtomicU32,
    waiters: Mutex<Waiters>,
}

impl Tail {
    /// Moves the end to `end`, which must not be before the present one. Wakes nobody yet.
    pub(crate) fn advance(&self, end: Ordinal) {
        self.end.store(end.get(), Ordering::Release);
    }

    /// Wakes all who wait, once.
    pub(crate) fn wake(&self) {
        let wakers = mem::take(&mut self.waiters().wakers);
        for waker in wakers.into_values() {
            waker.wake();
        }
    }

    pub(crate) fn follow(self: &Arc<Self>) -> Follower {
        let mut waiters = self.waiters();
        let key = waiters.next_key;
        waiters.next_key += 1;
        drop(waiters);
        Follower { tail: Arc::clone(self), key }
    }

    pub(crate) fn end(&self) -> Ordinal {
        Ordinal::new(self.end.load(Ordering::Acquire))
    }

    fn waiters(&self) -> MutexGuard<'_, Waiters> {
        self.waiters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As many as there are live streams, which the server of the streams limits.
#[derive(Debug, Default)]
struct Waiters {
    wakers: BTreeMap<u64, Waker>,
    next_key: u64,
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Counter(AtomicUsize);

    impl Wake for Counter {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn grow(tail: &Tail, end: u32) {
        tail.advance(Ordinal::new(end));
        tail.wake();
    }

    #[test]
    fn a_follower_is_woken_once_per_growth_it_waited_for() {
        let tail = Arc::new(Tail::default());
        let counter = Arc::new(Counter::default());
        let waker = Waker::from(Arc::clone(&counter));
        let mut context = Context::from_waker(&waker);
        let mut follower = tail.follow();

        assert_eq!(follower.poll_past(&mut context, Ordinal::ZERO), Poll::Pending);
        assert_eq!(follower.poll_past(&mut context, Ordinal::ZERO), Poll::Pending);
        grow(&tail, 2);
        grow(&tail, 3);
        assert_eq!(counter.0.load(Ordering::SeqCst), 1);

        assert_eq!(follower.poll_past(&mut context, Ordinal::ZERO), Poll::Ready(Ordinal::new(3)));
        assert_eq!(follower.poll_past(&mut context, Ordinal::new(3)), Poll::Pending);
        grow(&tail, 4);
        assert_eq!(counter.0.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn a_dropped_follower_leaves_nothing_behind() {
        let tail = Arc::new(Tail::default());
        let counter = Arc::new(Counter::default());
        let waker = Waker::from(Arc::clone(&counter));
        let mut follower = tail.follow();
        assert_eq!(follower.poll_past(&mut Context::from_waker(&waker), Ordinal::ZERO), Poll::Pending);

        drop(follower);

        assert!(tail.waiters().wakers.is_empty());
        grow(&tail, 1);
        assert_eq!(counter.0.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn followers_do_not_share_a_wake_up() {
        let tail = Arc::new(Tail::default());
        let counters = [Arc::new(Counter::default()), Arc::new(Counter::default())];
        let mut followers = [tail.follow(), tail.follow()];
        for (follower, counter) in followers.iter_mut().zip(&counters) {
            let waker = Waker::from(Arc::clone(counter));
            assert!(follower.poll_past(&mut Context::from_waker(&waker), Ordinal::ZERO).is_pending());
        }

        grow(&tail, 1);

        assert!(counters.iter().all(|counter| counter.0.load(Ordering::SeqCst) == 1));
    }

    #[test]
    fn no_wake_up_is_lost_between_threads() {
        const ROUNDS: u32 = 2000;
        struct Unpark(std::thread::Thread);
        impl Wake for Unpark {
            fn wake(self: Arc<Self>) {
                self.0.unpark();
            }
        }
        let tail = Arc::new(Tail::default());
        let mut follower = tail.follow();

        let waiting = std::thread::spawn(move || {
            let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
            let mut seen = Ordinal::ZERO;
            while seen < Ordinal::new(ROUNDS) {
                match follower.poll_past(&mut Context::from_waker(&waker), seen) {
                    Poll::Ready(end) => seen = end,
                    Poll::Pending => std::thread::park(),
                }
            }
            seen
        });
        for end in 1..=ROUNDS {
            grow(&tail, end);
        }

        assert_eq!(waiting.join().unwrap(), Ordinal::new(ROUNDS));
    }
}
