//! Messages that came before those they follow.

use std::collections::BTreeMap;

use ssb_keys::FeedId;
use ssb_msg::Message;

/// The most bytes of messages that wait for those before them. Beyond it, messages that come early are refused; the same
/// input once more takes them then.
pub const PENDING_LEN_MAX: usize = 64 * 1024 * 1024;

/// What each of them counts for beside its text.
const COST: usize = 512;

/// What became of a message that came early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// It waits.
    Alone,
    /// It waits, as it did before.
    Twice,
    /// It waits, and another message of some place does not any more: one of them forks the feed.
    Instead { place: u64 },
    /// There is no room.
    Full,
}

/// Messages by the place in their feed for which they wait.
#[derive(Debug, Default)]
pub(super) struct Pending {
    waiting: BTreeMap<(FeedId, u32), Waiting>,
    len: usize,
}

impl Pending {
    /// Keeps a message that stands in some place, instead of one that waits for the same.
    pub(super) fn keep(&mut self, message: &Message, received: Option<f64>, place: u64) -> Kept {
        let len = message.json().len() + COST;
        if self.len + len > PENDING_LEN_MAX {
            return Kept::Full;
        }
        self.len += len;
        let turn = (message.author(), message.sequence());
        match self.waiting.insert(turn, (message.clone(), received, place)) {
            None => Kept::Alone,
            Some((other, _, place)) => {
                self.len -= other.json().len() + COST;
                if other.id() == message.id() { Kept::Twice } else { Kept::Instead { place } }
            }
        }
    }

    /// The message that follows this one, if it waits.
    pub(super) fn follows(&mut self, message: &Message) -> Option<Waiting> {
        let turn = (message.author(), message.sequence().checked_add(1)?);
        let waiting = self.waiting.remove(&turn)?;
        self.len -= waiting.0.json().len() + COST;
        Some(waiting)
    }

    /// Whose all are that still wait, and where they stand.
    pub(super) fn places(&self) -> impl Iterator<Item = (FeedId, u64)> {
        self.waiting.iter().map(|((feed, _), (_, _, place))| (*feed, *place))
    }
}

/// A message, when it was received if that is known, and where it stands.
type Waiting = (Message, Option<f64>, u64);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::key;
    use ssb_msg::Signing;
    use ssb_msg::ValidationState;
    use ssb_msg::draft;

    fn feed(word: &str) -> [Message; 2] {
        let mut state = ValidationState::new(key(1).id());
        [(); 2].map(|()| {
            let content = format!(r#"{{"type":"post","text":"{word}"}}"#);
            let message = draft::sign(&content, &state, 1.0, &key(1), &Signing::plain()).unwrap();
            state.advance(state.check(&message).unwrap());
            message
        })
    }

    #[test]
    fn a_message_waits_until_the_one_before_it_comes() {
        let mut pending = Pending::default();
        let ([first, second], [_, other]) = (feed("a"), feed("b"));

        assert_eq!(pending.keep(&second, None, 5), Kept::Alone);
        assert_eq!(pending.keep(&second, None, 6), Kept::Twice);
        assert_eq!(pending.keep(&other, None, 7), Kept::Instead { place: 6 });
        assert_eq!(pending.places().collect::<Vec<_>>(), [(other.author(), 7)]);

        assert_eq!(
            pending.follows(&first).map(|(message, _, place)| (message.id(), place)),
            Some((other.id(), 7))
        );
        assert!(pending.follows(&first).is_none());
        assert_eq!(pending.len, 0);
    }

    #[test]
    fn there_is_room_for_so_much_and_no_more() {
        let [first, second] = feed("a");
        let len = second.json().len() + COST;
        let mut pending = Pending { len: PENDING_LEN_MAX - len, ..Pending::default() };

        assert_eq!(pending.keep(&second, None, 1), Kept::Alone);
        assert_eq!(pending.keep(&first, None, 2), Kept::Full);
    }
}
