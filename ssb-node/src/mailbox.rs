//! A queue from many senders who never wait to one receiver who does.
//!
//! The core sends to peers through these: it must not wait for anybody, so a peer whose mailbox is full is dropped.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;

/// The most letters that wait in one mailbox: more than the core ever has to say at once to a peer that listens.
pub(crate) const MAILBOX_LEN_MAX: usize = 32_768;

/// One end of a queue; clones are the same queue.
pub(crate) struct Mailbox<T>(Arc<Mutex<State<T>>>);

struct State<T> {
    letters: VecDeque<T>,
    len_max: usize,
    waker: Option<Waker>,
    closed: bool,
}

impl<T> Mailbox<T> {
    pub(crate) fn new() -> Self {
        Self::with_room(MAILBOX_LEN_MAX)
    }

    /// One in which so many letters may wait.
    pub(crate) fn with_room(len_max: usize) -> Self {
        Self(Arc::new(Mutex::new(State { letters: VecDeque::new(), len_max, waker: None, closed: false })))
    }

    /// Puts a letter in. False if it is full or closed, and then the letter is lost.
    pub(crate) fn send(&self, letter: T) -> bool {
        let mut state = self.lock();
        if state.closed || state.letters.len() >= state.len_max {
            return false;
        }
        state.letters.push_back(letter);
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }

    /// Takes the next letter out, or arranges to be woken by one. `None` once it is closed.
    pub(crate) fn poll_next(&self, context: &mut Context<'_>) -> Poll<Option<T>> {
        let mut state = self.lock();
        match state.letters.pop_front() {
            Some(letter) => Poll::Ready(Some(letter)),
            None if state.closed => Poll::Ready(None),
            None => {
                state.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Refuses letters from now on and forgets those inside.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.letters = VecDeque::new();
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Whether it takes no more letters.
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Nothing here can panic with the lock held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Clone for Mailbox<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> fmt::Debug for Mailbox<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox").field("len", &self.lock().letters.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_arrive_in_order_until_it_is_closed() {
        let mailbox = Mailbox::new();
        let mut context = Context::from_waker(Waker::noop());
        assert!(mailbox.send(1));
        assert!(mailbox.send(2));

        assert_eq!(mailbox.poll_next(&mut context), Poll::Ready(Some(1)));
        mailbox.close();

        assert_eq!(mailbox.poll_next(&mut context), Poll::Ready(None));
        assert!(!mailbox.send(3));
    }

    #[test]
    fn a_full_mailbox_takes_no_more() {
        let mailbox = Mailbox::new();
        for n in 0..MAILBOX_LEN_MAX {
            assert!(mailbox.send(n));
        }

        assert!(!mailbox.send(0));
    }
}
