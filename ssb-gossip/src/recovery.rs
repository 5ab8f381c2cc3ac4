//! May we publish yet?
//!
//! A key whose feed may be longer elsewhere must not sign: two messages with one sequence fork the feed, and nothing
//! mends a fork. [`Recovery`] holds the published-mark against what the log holds, and while it does not permit
//! publishing, asks every peer for the own feed. One peer's answer counts if it came to its end, held at least
//! one message, was accepted whole and is durable, and the log then reaches the mark. An empty answer opens nothing, and
//! neither does a log that reaches the mark before the answer ends: the mark may be as old as a backup it came from.
//! The gate opens when two peers' answers count; or one, if no other is still being answered, or none comes to its end within
//! [`SECOND_WITHIN`].

use std::collections::BTreeMap;
use std::time::Duration;

use ssb_keys::FeedId;
use ssb_keys::published_mark::Origin;
use ssb_keys::published_mark::PublishedMark;
use thiserror::Error;

use crate::connection::ConnectionId;
use crate::connection::StreamId;
use crate::time::Uptime;

/// How long a peer that had nothing for us is left in peace before it is asked again.
pub const ASK_AGAIN_AFTER: Duration = Duration::from_secs(30);

/// How long the answer of one peer waits for that of another who is asked, too: that one may have more.
pub const SECOND_WITHIN: Duration = Duration::from_secs(10);

/// The gate on publishing.
#[derive(Clone, Debug)]
pub struct Recovery {
    mark: PublishedMark,
    /// Decided at the start, and again only when a mark was saved.
    gate: Result<(), Locked>,
    /// The last durable sequence of the own feed.
    held: u32,
    attempts: BTreeMap<ConnectionId, Attempt>,
    /// Whose answers count, and since when.
    answers: BTreeMap<FeedId, Uptime>,
}

/// What one peer was asked.
#[derive(Clone, Debug)]
enum Attempt {
    /// The peer sends what it has. `pending` items were handed on and have no verdict yet.
    Asked { peer: FeedId, stream: StreamId, received: u32, pending: u32, ended: bool, refused: bool },
    /// It had nothing that helps; at this time it is asked again.
    Rests { until: Uptime },
}

impl Recovery {
    /// The gate of a node whose log holds the own feed up to `held`.
    pub const fn new(mark: PublishedMark, held: u32) -> Self {
        Self { mark, gate: gate(mark, held), held, attempts: BTreeMap::new(), answers: BTreeMap::new() }
    }

    /// Whether the next message may be signed.
    ///
    /// # Errors
    ///
    /// [`Locked`] says why not.
    pub const fn check(&self) -> Result<(), Locked> {
        self.gate
    }

    /// The mark as it stands.
    pub const fn mark(&self) -> PublishedMark {
        self.mark
    }

    /// Whether this peer is to be asked for the own feed now.
    pub fn should_ask(&self, connection: ConnectionId, now: Uptime) -> bool {
        self.check().is_err()
            && match self.attempts.get(&connection) {
                None => true,
                Some(Attempt::Rests { until }) => now >= *until,
                Some(Attempt::Asked { .. }) => false,
            }
    }

    /// From which sequence to ask: the last one held, so that a peer that has as much as we have can say so.
    pub const fn ask_from(&self) -> u32 {
        if self.held == 0 { 1 } else { self.held }
    }

    /// A peer was asked, on this stream.
    pub fn asked(&mut self, connection: ConnectionId, peer: FeedId, stream: StreamId) {
        let asked = Attempt::Asked { peer, stream, received: 0, pending: 0, ended: false, refused: false };
        self.attempts.insert(connection, asked);
    }

    /// A peer could not be asked: as much is asked of it as may be.
    pub fn not_asked(&mut self, connection: ConnectionId, now: Uptime) {
        self.attempts.insert(connection, Attempt::Rests { until: now.after(ASK_AGAIN_AFTER) });
    }

    /// An item came on a stream that is no message at all, and was not handed on.
    pub fn refused(&mut self, connection: ConnectionId, stream: StreamId) {
        if let Some((.., refused)) = self.counts(connection, stream) {
            *refused = true;
        }
    }

    /// An item came on a stream and was handed on for verification.
    pub fn received(&mut self, connection: ConnectionId, stream: StreamId) {
        if let Some((received, pending, ..)) = self.counts(connection, stream) {
            *received += 1;
            *pending += 1;
        }
    }

    /// An item got its verdict. Returns whether the gate can open now: then [`saved`](Self::saved) is
    /// to follow with what is [`recovered`](Self::recovered).
    pub fn judged(
        &mut self,
        connection: ConnectionId,
        stream: StreamId,
        accepted: bool,
        now: Uptime,
    ) -> bool {
        if let Some((_, pending, _, refused)) = self.counts(connection, stream) {
            *pending = pending.saturating_sub(1);
            *refused |= !accepted;
        }
        self.settle(connection, now)
    }

    /// A stream ended, as planned or not. Returns whether the gate can open now.
    pub fn ended(&mut self, connection: ConnectionId, stream: StreamId, failed: bool, now: Uptime) -> bool {
        if let Some((_, _, ended, refused)) = self.counts(connection, stream) {
            *ended = true;
            *refused |= failed;
        }
        self.settle(connection, now)
    }

    /// The own feed is durable up to here.
    pub fn held(&mut self, sequence: u32) {
        self.held = self.held.max(sequence);
    }

    /// The mark as it is to be saved when the gate opens.
    pub const fn recovered(&self) -> PublishedMark {
        PublishedMark { feed: self.mark.feed, origin: Origin::Recovered, sequence: self.held as u64 }
    }

    /// The mark was saved like this: the gate follows it.
    pub fn saved(&mut self, mark: PublishedMark) {
        self.mark = mark;
        self.gate = gate(mark, self.held);
        if self.check().is_ok() {
            self.attempts.clear();
            self.answers.clear();
        }
    }

    /// A connection is gone. Returns whether the gate can open now.
    pub fn closed(&mut self, connection: ConnectionId, now: Uptime) -> bool {
        self.attempts.remove(&connection);
        self.opens(now)
    }

    /// Time has passed. Returns whether the gate can open now.
    pub fn tick(&mut self, now: Uptime) -> bool {
        self.opens(now)
    }

    /// When a peer is to be asked again.
    pub fn deadline(&self) -> Option<Uptime> {
        let resting = self.attempts.values().filter_map(|attempt| match *attempt {
            Attempt::Rests { until } => Some(until),
            Attempt::Asked { .. } => None,
        });
        resting.chain(self.waits_until()).min()
    }

    fn counts(
        &mut self,
        connection: ConnectionId,
        on: StreamId,
    ) -> Option<(&mut u32, &mut u32, &mut bool, &mut bool)> {
        match self.attempts.get_mut(&connection)? {
            Attempt::Asked { stream, received, pending, ended, refused, .. } if *stream == on => {
                Some((received, pending, ended, refused))
            }
            _ => None,
        }
    }

    fn settle(&mut self, connection: ConnectionId, now: Uptime) -> bool {
        let Some(attempt) = self.attempts.get_mut(&connection) else { return false };
        let Attempt::Asked { peer, received, pending: 0, ended: true, refused, .. } = *attempt else {
            return false;
        };
        *attempt = Attempt::Rests { until: now.after(ASK_AGAIN_AFTER) };
        let reaches_mark = u64::from(self.held) >= self.mark.sequence;
        if received > 0 && !refused && reaches_mark && self.check().is_err() {
            self.answers.entry(peer).or_insert(now);
        }
        self.opens(now)
    }

    /// Whether the gate can open. It is said once for the same answers.
    fn opens(&mut self, now: Uptime) -> bool {
        let is_asked = |attempt: &Attempt| matches!(attempt, Attempt::Asked { .. });
        let is_enough = self.answers.len() > 1
            || self.waits_until().is_some_and(|until| until <= now || !self.attempts.values().any(is_asked));
        if is_enough {
            self.answers.clear();
        }
        is_enough
    }

    /// Until when the first answer that counts waits for another.
    fn waits_until(&self) -> Option<Uptime> {
        self.answers.values().min().map(|since| since.after(SECOND_WITHIN))
    }
}

const fn gate(mark: PublishedMark, held: u32) -> Result<(), Locked> {
    match mark {
        mark if mark.permits(held as u64) => Ok(()),
        PublishedMark { sequence, .. } if (held as u64) < sequence => {
            Err(Locked::ShortLog { held, published: sequence })
        }
        _ => Err(Locked::ForeignSecret),
    }
}

/// Why nothing may be published yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Locked {
    /// The secret was not created by this node, or its feed was lost and has not come back whole, so it may be longer
    /// elsewhere.
    #[error(
        "publishing is locked: this node did not create its secret, or lost messages of its feed, so the feed may be \
         longer elsewhere and the next message would fork it for good. Connect to a peer that has the feed and it is \
         recovered; or, if this feed has never been published anywhere else, restart with --new-feed"
    )]
    ForeignSecret,
    /// The log holds less of the own feed than was published from here.
    #[error(
        "publishing is locked: {published} messages of this feed were published from here but the log held {held} \
         when it was opened, so the next message would fork it for good. Connect to a peer that has the feed and it \
         is recovered; or, if the lost messages never reached anybody, restart with --new-feed"
    )]
    ShortLog {
        /// The last sequence in the log when the node started.
        held: u32,
        /// The last sequence that left this node.
        published: u64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: ConnectionId = ConnectionId(1);
    const STREAM: StreamId = StreamId(1);
    const NOW: Uptime = Uptime::new(Duration::from_secs(1));

    fn feed() -> FeedId {
        FeedId::from_bytes([1; 32])
    }

    fn locked() -> Recovery {
        let mut recovery = Recovery::new(PublishedMark::unknown(feed()), 0);
        recovery.asked(PEER, feed(), STREAM);
        recovery
    }

    #[test]
    fn a_secret_of_our_own_may_sign_at_once() {
        assert_eq!(Recovery::new(PublishedMark::created(feed()), 0).check(), Ok(()));
    }

    #[test]
    fn a_log_shorter_than_the_mark_may_not() {
        let mark = PublishedMark { sequence: 5, ..PublishedMark::created(feed()) };

        assert_eq!(Recovery::new(mark, 4).check(), Err(Locked::ShortLog { held: 4, published: 5 }));
        assert_eq!(Recovery::new(mark, 5).check(), Ok(()));
    }

    #[test]
    fn an_empty_answer_opens_nothing() {
        let mut recovery = locked();

        assert!(!recovery.ended(PEER, STREAM, false, NOW));
        assert!(!recovery.should_ask(PEER, NOW));
        assert!(recovery.should_ask(PEER, NOW.after(ASK_AGAIN_AFTER)));
        assert_eq!(recovery.deadline(), Some(NOW.after(ASK_AGAIN_AFTER)));
    }

    #[test]
    fn an_answer_counts_once_it_ended_and_all_of_it_is_durable() {
        let mut recovery = locked();
        recovery.received(PEER, STREAM);
        recovery.received(PEER, STREAM);
        recovery.held(1);
        assert!(!recovery.judged(PEER, STREAM, true, NOW));
        assert!(!recovery.ended(PEER, STREAM, false, NOW), "one item has no verdict yet");

        recovery.held(2);
        assert!(recovery.judged(PEER, STREAM, true, NOW));

        assert_eq!(
            recovery.recovered(),
            PublishedMark { feed: feed(), origin: Origin::Recovered, sequence: 2 }
        );
        recovery.saved(recovery.recovered());
        assert_eq!(recovery.check(), Ok(()));
    }

    #[test]
    fn a_refused_item_or_a_broken_stream_opens_nothing() {
        for (accepted, failed) in [(false, false), (true, true)] {
            let mut recovery = locked();
            recovery.received(PEER, STREAM);
            recovery.held(1);
            recovery.judged(PEER, STREAM, accepted, NOW);

            assert!(!recovery.ended(PEER, STREAM, failed, NOW));
        }
    }

    #[test]
    fn an_answer_that_does_not_reach_the_mark_opens_nothing() {
        let mark = PublishedMark { sequence: 5, ..PublishedMark::created(feed()) };
        let mut recovery = Recovery::new(mark, 2);
        recovery.asked(PEER, feed(), STREAM);
        assert_eq!(recovery.ask_from(), 2);
        recovery.received(PEER, STREAM);
        recovery.held(3);
        recovery.judged(PEER, STREAM, true, NOW);

        assert!(!recovery.ended(PEER, STREAM, false, NOW));
    }
}
