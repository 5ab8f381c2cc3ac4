//! What is sent next on one connection: a cursor for each feed that the peer wants, never a queue of messages.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;

use ssb_keys::FeedId;

use crate::history::HistoryQuery;
use crate::history::Served;
use crate::history::ServedThen;

/// What a peer is to be sent of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serve {
    /// What follows, from this sequence on.
    From(u32),
    /// Nothing.
    Stop,
    /// What follows what it was sent last, before that was [stopped](Self::Stop).
    Resume,
}

/// The feeds that are sent to a peer.
#[derive(Debug, Default)]
pub struct Serving {
    /// The next sequence of each.
    next: BTreeMap<FeedId, u32>,
    /// That of those which are not sent any more.
    stopped: BTreeMap<FeedId, u32>,
    /// Those that may have something to send, in turn; each once.
    ready: VecDeque<FeedId>,
    is_ready: BTreeSet<FeedId>,
}

/// What came of a page of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The feed goes on.
    GoesOn,
    /// The next message was deleted here, so that the peer gets no more of it.
    Incomplete,
}

impl Serving {
    /// From now on this is sent of a feed.
    pub fn set(&mut self, feed: FeedId, serve: Serve) {
        let from = match serve {
            Serve::From(from) => Some(from),
            Serve::Stop => {
                self.stopped.extend(self.next.remove(&feed).map(|next| (feed, next)));
                None
            }
            Serve::Resume => self.stopped.get(&feed).copied(),
        };
        if let Some(from) = from {
            self.stopped.remove(&feed);
            self.next.insert(feed, from);
            self.wake(&feed);
        }
    }

    /// The log has grown by a message of this feed.
    pub fn wake(&mut self, feed: &FeedId) {
        if self.next.contains_key(feed) && self.is_ready.insert(*feed) {
            self.ready.push_back(*feed);
        }
    }

    /// The peer has sent this message of a feed itself: it need not get it back.
    pub fn received(&mut self, feed: &FeedId, sequence: u64) {
        if let Some(next) = self.next.get_mut(feed).filter(|next| u64::from(**next) == sequence) {
            *next = next.saturating_add(1);
        }
    }

    /// Whether nothing is sent to the peer.
    pub fn is_empty(&self) -> bool {
        self.next.is_empty()
    }

    /// The feed whose turn it is, and its next sequence. [`sent`](Self::sent) is to follow. What has nothing to send, because the
    /// log holds the feed up to `latest`, waits until it is [woken](Self::wake): most of what comes, the peer sent itself.
    pub fn pop(&mut self, latest: impl Fn(&FeedId) -> u32) -> Option<(FeedId, u32)> {
        loop {
            let feed = self.ready.pop_front()?;
            self.is_ready.remove(&feed);
            if let Some(next) = self.next.get(&feed).filter(|next| **next <= latest(&feed)) {
                return Some((feed, *next));
            }
        }
    }

    /// What a page of a feed is made with: a stream of bare messages for the peer, from this sequence on.
    pub const fn cursor(feed: FeedId, from: u32, viewer: FeedId, latest: u32) -> Served {
        Served::new(HistoryQuery::replicate(feed, from, true), viewer, latest)
    }

    /// So many messages of a feed were sent from `from` on.
    pub fn sent<E>(&mut self, feed: FeedId, from: u32, count: usize, then: &ServedThen<E>) -> Sent {
        // Meanwhile the peer may have asked for something else.
        let Some(next) = self.next.get_mut(&feed).filter(|next| **next == from) else { return Sent::GoesOn };
        *next = from.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
        match then {
            ServedThen::More => self.wake(&feed),
            ServedThen::Wait => {}
            // The author blocks the peer, which the core hears of by itself; or the log cannot be read.
            ServedThen::Over | ServedThen::Failed(_) => self.set(feed, Serve::Stop),
            ServedThen::Incomplete => {
                self.set(feed, Serve::Stop);
                return Sent::Incomplete;
            }
        }
        Sent::GoesOn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(n: u8) -> FeedId {
        FeedId::from_bytes([n; 32])
    }

    fn pop(serving: &mut Serving) -> Option<(FeedId, u32)> {
        serving.pop(|_| u32::MAX)
    }

    fn sent(serving: &mut Serving, n: u8, from: u32, count: usize, then: &ServedThen<()>) -> Sent {
        serving.sent(feed(n), from, count, then)
    }

    #[test]
    fn feeds_take_turns_and_go_on_where_they_were() {
        let mut serving = Serving::default();
        serving.set(feed(1), Serve::From(1));
        serving.set(feed(2), Serve::From(5));

        assert_eq!(pop(&mut serving), Some((feed(1), 1)));
        sent(&mut serving, 1, 1, 3, &ServedThen::More);
        assert_eq!(pop(&mut serving), Some((feed(2), 5)));
        sent(&mut serving, 2, 5, 0, &ServedThen::Wait);
        assert_eq!(pop(&mut serving), Some((feed(1), 4)));
        sent(&mut serving, 1, 4, 1, &ServedThen::Wait);
        assert_eq!(pop(&mut serving), None);

        serving.wake(&feed(2));
        serving.wake(&feed(2));
        serving.wake(&feed(3));
        assert_eq!(pop(&mut serving), Some((feed(2), 5)));
        assert_eq!(pop(&mut serving), None);
    }

    #[test]
    fn what_grows_while_it_is_read_is_looked_at_again() {
        let mut serving = Serving::default();
        serving.set(feed(1), Serve::From(1));
        pop(&mut serving);
        serving.wake(&feed(1));
        sent(&mut serving, 1, 1, 2, &ServedThen::Wait);

        assert_eq!(pop(&mut serving), Some((feed(1), 3)));
    }

    #[test]
    fn what_was_asked_meanwhile_counts() {
        let mut serving = Serving::default();
        serving.set(feed(1), Serve::From(5));
        pop(&mut serving);
        serving.set(feed(1), Serve::From(2));
        sent(&mut serving, 1, 5, 3, &ServedThen::Wait);
        assert_eq!(pop(&mut serving), Some((feed(1), 2)));

        serving.set(feed(1), Serve::Stop);
        sent(&mut serving, 1, 2, 3, &ServedThen::More);
        serving.wake(&feed(1));
        assert_eq!(pop(&mut serving), None);
        assert!(serving.is_empty());
    }

    #[test]
    fn what_the_peer_sends_is_not_sent_back() {
        let mut serving = Serving::default();
        serving.set(feed(1), Serve::From(4));
        for sequence in [4, 5, 9, 2] {
            serving.received(&feed(1), sequence);
            serving.received(&feed(2), sequence);
        }

        assert_eq!(pop(&mut serving), Some((feed(1), 6)));
        assert_eq!(pop(&mut serving), None);
    }

    #[test]
    fn a_feed_of_which_there_is_no_more_has_no_turn_until_it_grows() {
        let mut serving = Serving::default();
        serving.set(feed(1), Serve::From(4));
        serving.set(feed(2), Serve::From(4));
        assert_eq!(serving.pop(|of| if *of == feed(1) { 3 } else { 4 }), Some((feed(2), 4)));
        assert_eq!(serving.pop(|_| 4), None);

        serving.wake(&feed(1));
        assert_eq!(serving.pop(|_| 4), Some((feed(1), 4)));
    }

    #[test]
    fn what_was_stopped_goes_on_where_it_was() {
        let mut serving = Serving::default();
        serving.set(feed(1), Serve::From(1));
        pop(&mut serving);
        sent(&mut serving, 1, 1, 4, &ServedThen::Wait);
        serving.set(feed(1), Serve::Stop);
        assert_eq!(pop(&mut serving), None);

        serving.set(feed(1), Serve::Resume);
        assert_eq!(pop(&mut serving), Some((feed(1), 5)));
        serving.set(feed(2), Serve::Resume);
        assert_eq!(pop(&mut serving), None, "it was never sent");
    }

    #[test]
    fn a_feed_with_a_hole_or_that_is_over_is_not_sent_any_more() {
        for (then, expected) in [
            (ServedThen::Incomplete, Sent::Incomplete),
            (ServedThen::Over, Sent::GoesOn),
            (ServedThen::Failed(()), Sent::GoesOn),
        ] {
            let mut serving = Serving::default();
            serving.set(feed(1), Serve::From(1));
            pop(&mut serving);

            assert_eq!(sent(&mut serving, 1, 1, 1, &then), expected);
            serving.wake(&feed(1));
            assert_eq!(pop(&mut serving), None);
        }
    }
}
