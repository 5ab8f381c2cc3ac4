//! The newest changes of who says what of whom, for those who follow them.
//!
//! Who follows remembers how many changes there were when it looked last, and is given those behind that. There is room for so
//! many; who is further behind is told so, and has to look at the whole graph again.

use std::collections::VecDeque;

use ssb_keys::FeedId;
use ssb_msg::content::Relation;

/// The most changes that are remembered: what a burst of messages brings, in half a MiB.
pub const RECENT_MAX: usize = 8_192;

/// What `author` now says of `contact`; `None` for nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Who says it.
    pub author: FeedId,
    /// Of whom.
    pub contact: FeedId,
    /// What.
    pub relation: Option<Relation>,
}

/// The newest changes of a graph.
#[derive(Clone, Debug, Default)]
pub struct Recent {
    /// At most [`RECENT_MAX`].
    edges: VecDeque<Edge>,
    /// How many changes there ever were.
    count: u64,
}

impl Recent {
    /// Something changed.
    pub(crate) fn push(&mut self, author: FeedId, contact: FeedId, relation: Option<Relation>) {
        if self.edges.len() == RECENT_MAX {
            self.edges.pop_front();
        }
        self.edges.push_back(Edge { author, contact, relation });
        self.count += 1;
    }

    /// How many changes there were so far.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The changes behind the first `seen`. `None` if not all of them are remembered any more.
    pub fn since(&self, seen: u64) -> Option<impl Iterator<Item = Edge>> {
        let missed = usize::try_from(self.count.saturating_sub(seen)).ok()?;
        let skipped = self.edges.len().checked_sub(missed)?;
        Some(self.edges.iter().skip(skipped).copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_keeps_up_misses_nothing_and_who_does_not_is_told() {
        let feed = |n| FeedId::from_bytes([n; 32]);
        let contacts = |recent: &Recent, seen| {
            recent.since(seen).map(|edges| edges.map(|edge| edge.contact).collect::<Vec<_>>())
        };
        let mut recent = Recent::default();
        assert_eq!(contacts(&recent, 0), Some(Vec::new()));

        recent.push(feed(0), feed(1), Some(Relation::Follow));
        recent.push(feed(0), feed(2), None);
        assert_eq!(contacts(&recent, 0), Some(vec![feed(1), feed(2)]));
        assert_eq!(contacts(&recent, 1), Some(vec![feed(2)]));
        assert_eq!(contacts(&recent, 2), Some(Vec::new()));

        for _ in 0..RECENT_MAX {
            recent.push(feed(0), feed(3), None);
        }
        assert_eq!(contacts(&recent, 1), None);
        assert_eq!(contacts(&recent, 2).map(|edges| edges.len()), Some(RECENT_MAX));
    }
}
