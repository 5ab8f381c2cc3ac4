//! What one connection may have waiting for the core: so many bytes, and then it reads on only when the core has taken some.
//!
//! The inbox counts events, and one event may be all that a peer says of 65,536 feeds: without a share in bytes a few peers could
//! fill it with hundreds of megabytes while the core waits for the log. Connections wait for the core here, and nobody else waits.

use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;

use ssb_blobs::wants::event::Input as Blobs;
use ssb_blobs::wants::item::Word;
use ssb_gossip::ebt::note::Note;
use ssb_gossip::event::Input;
use ssb_gossip::ooo::Wanted;
use ssb_keys::BlobId;
use ssb_keys::FeedId;

/// Once so much of a connection waits for the core, nothing more is read of it. With the largest event on top, 3 MiB of notes, what was
/// made of its bytes takes less than 4 MiB.
pub(crate) const SHARE_LEN_MAX: usize = 512 * 1024;

/// The share of one connection. Clones are the same one.
#[derive(Clone, Default)]
pub(crate) struct Share(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    len: usize,
    waker: Option<Waker>,
}

/// A part of a share, which comes back when this is dropped.
#[derive(Debug)]
pub(crate) struct Part {
    share: Share,
    len: usize,
}

impl Share {
    /// What an event takes of the share until the core has taken it in.
    pub(crate) fn part(&self, event: &Input) -> Part {
        let len = len(event);
        self.lock().len += len;
        Part { share: self.clone(), len }
    }

    /// Ready while more may be read, else wakes when that has changed.
    pub(crate) fn poll_room(&self, context: &Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if state.len < SHARE_LEN_MAX {
            return Poll::Ready(());
        }
        state.waker = Some(context.waker().clone());
        Poll::Pending
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing here can panic with the lock held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Share").field("len", &self.lock().len).finish_non_exhaustive()
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let mut state = self.share.lock();
        state.len -= self.len;
        let waker = if state.len < SHARE_LEN_MAX { state.waker.take() } else { None };
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// How many bytes an event takes.
fn len(event: &Input) -> usize {
    size_of::<Input>()
        + match event {
            Input::EbtNotes { notes, .. } => notes.capacity() * size_of::<(FeedId, Note)>(),
            Input::EbtMessages { messages, .. } => messages.iter().map(|(_, raw)| of_item(raw)).sum(),
            Input::Items { items, .. } => items.iter().map(|(_, raw)| of_item(raw)).sum(),
            Input::OooAnswered { answers, .. } => answers.iter().map(|(_, raw)| of_item(raw)).sum(),
            Input::Blobs(Blobs::Said { words, .. }) => words.capacity() * size_of::<(BlobId, Word)>(),
            Input::Blobs(Blobs::Found { found, .. }) => found.capacity() * size_of::<(BlobId, Option<u64>)>(),
            Input::Blobs(Blobs::Claimed { ids, .. }) => ids.capacity() * size_of::<BlobId>(),
            Input::OooWanted { wants, .. } => wants.capacity() * size_of::<Wanted>(),
            _ => 0,
        }
}

/// The bytes of an item, and what stands beside them.
const fn of_item(raw: &[u8]) -> usize {
    raw.len() + size_of::<(FeedId, Vec<u8>)>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ssb_gossip::connection::ConnectionId;
    use ssb_gossip::ebt::note::NOTES_MAX;
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering;
    use std::task::Wake;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A message that takes so many bytes of a share.
    fn message(len: usize) -> Input {
        let raw = vec![b' '; len - size_of::<Input>() - size_of::<(FeedId, Vec<u8>)>()];
        Input::EbtMessages { connection: ConnectionId(1), messages: vec![(FeedId::from_bytes([1; 32]), raw)] }
    }

    #[test]
    fn a_full_share_has_room_when_the_core_has_taken_some() {
        let (share, woken) = (Share::default(), Arc::new(Woken::default()));
        let waker = Waker::from(Arc::clone(&woken));
        let context = Context::from_waker(&waker);

        let _first = share.part(&message(SHARE_LEN_MAX - 1_000));
        assert_eq!(share.poll_room(&context), Poll::Ready(()));
        let second = share.part(&message(999));
        assert_eq!(share.poll_room(&context), Poll::Ready(()));
        let third = share.part(&message(300));
        let fourth = share.part(&message(300));
        assert_eq!(share.poll_room(&context), Poll::Pending);

        drop(third);
        assert_eq!((share.poll_room(&context), woken.0.load(Ordering::Relaxed)), (Poll::Pending, 0));
        drop(fourth);
        assert_eq!((share.poll_room(&context), woken.0.load(Ordering::Relaxed)), (Poll::Ready(()), 1));
        drop(second);
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn the_largest_event_fits_on_top_of_what_waits_and_takes_less_than_4_mib() {
        let feed = FeedId::from_bytes([1; 32]);
        let notes = vec![(feed, Note::Refused); NOTES_MAX];
        let largest = Input::EbtNotes { connection: ConnectionId(1), notes };
        let share = Share::default();

        let _waits = share.part(&message(SHARE_LEN_MAX - 1));
        assert!(share.poll_room(&Context::from_waker(Waker::noop())).is_ready());
        let _more = share.part(&largest);

        let len = share.lock().len;
        assert!(len > 3 << 20, "{len}");
        assert!(len < 4 << 20, "{len}");
    }
}
