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
    /// It waits, and another message of some line does not any more: one of them forks the feed.
    Instead { line: u64 },
    /// There is no room.
    Full,
}

/// Messages by the place in their feed for which they wait.
#[derive(Debug, Default)]
pub(super) struct Pending {
    waiting: BTreeMap<(FeedId, u32), (Message, u64)>,
    len: usize,
}

impl Pending {
    /// Keeps a message of some line, in place of one that waits for the same place.
    pub(super) fn keep(&mut self, message: &Message, line: u64) -> Kept {
        let len = message.json().len() + COST;
        if self.len + len > PENDING_LEN_MAX {
            return Kept::Full;
        }
        self.len += len;
        let place = (message.author(), message.sequence());
        match self.waiting.insert(place, (message.clone(), line)) {
            None => Kept::Alone,
            Some((other, line)) => {
                self.len -= other.json().len() + COST;
                if other.id() == message.id() { Kept::Twice } else { Kept::Instead { line } }
            }
        }
    }

    /// The message that follows this one, if it waits, and its line.
    pub(super) fn follows(&mut self, message: &Message) -> Option<(Message, u64)> {
        let place = (message.author(), message.sequence().checked_add(1)?);
        let (message, line) = self.waiting.remove(&place)?;
        self.len -= message.json().len() + COST;
        Some((message, line))
    }

    /// The lines of all that still wait.
    pub(super) fn lines(&self) -> impl Iterator<Item = u64> {
        self.waiting.values().map(|(_, line)| *line)
    }
}

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

        assert_eq!(pending.keep(&second, 5), Kept::Alone);
        assert_eq!(pending.keep(&second, 6), Kept::Twice);
        assert_eq!(pending.keep(&other, 7), Kept::Instead { line: 6 });
        assert_eq!(pending.lines().collect::<Vec<_>>(), [7]);

        assert_eq!(
            pending.follows(&first).map(|(message, line)| (message.id(), line)),
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

        assert_eq!(pending.keep(&second, 1), Kept::Alone);
        assert_eq!(pending.keep(&first, 2), Kept::Full);
    }
}
