//! Feeds that somebody has more of and nobody is asked for yet, in the order in which they will be.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use ssb_keys::FeedId;

/// The feeds that wait, each once.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    turns: BTreeMap<FeedId, Turn>,
    /// The same, by their turns.
    queue: BTreeSet<(Turn, FeedId)>,
}

/// What comes first: what is to be believed, then what is near.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Turn {
    /// Who says that it has more of it did not send what it said that it has lately.
    pub(super) is_doubtful: bool,
    pub(super) rank: u32,
}

impl Waiting {
    /// A feed waits for this turn, whatever it waited for before.
    pub(super) fn insert(&mut self, feed: FeedId, turn: Turn) {
        self.remove(&feed);
        self.turns.insert(feed, turn);
        self.queue.insert((turn, feed));
    }

    /// A feed waits no more.
    pub(super) fn remove(&mut self, feed: &FeedId) {
        if let Some(turn) = self.turns.remove(feed) {
            self.queue.remove(&(turn, *feed));
        }
    }

    pub(super) fn contains(&self, feed: &FeedId) -> bool {
        self.turns.contains_key(feed)
    }

    /// Whose turn is next.
    pub(super) fn first(&self) -> Option<(Turn, FeedId)> {
        self.queue.first().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn feed(n: u8) -> FeedId {
        FeedId::from_bytes([n; 32])
    }

    const fn turn(is_doubtful: bool, rank: u32) -> Turn {
        Turn { is_doubtful, rank }
    }

    #[test]
    fn what_is_believed_comes_first_and_then_what_is_near_each_once() {
        let mut waiting = Waiting::default();
        waiting.insert(feed(1), turn(true, 1));
        waiting.insert(feed(2), turn(false, 2));
        waiting.insert(feed(3), turn(false, 1));
        waiting.insert(feed(4), turn(false, 1));
        waiting.insert(feed(4), turn(false, 9));

        let mut order = Vec::new();
        while let Some((_, feed)) = waiting.first() {
            assert!(waiting.contains(&feed));
            waiting.remove(&feed);
            assert!(!waiting.contains(&feed));
            order.push(feed);
        }

        assert_eq!(order, [feed(3), feed(2), feed(4), feed(1)]);
    }
}
