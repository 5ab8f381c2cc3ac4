//! The other end of a connection: what is known of it, and what it is told behind an event.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;

use ssb_keys::FeedId;

use super::WISHED_MAX;
use crate::connection::ConnectionId;
use crate::connection::Side;
use crate::ebt::note::Note;
use crate::ebt::serving::Serve;
use crate::event::Letter;
use crate::event::Output;
use crate::time::Uptime;

/// The other end of a connection.
#[derive(Debug)]
pub(super) struct Partner {
    pub(super) peer: FeedId,
    pub(super) side: Side,
    pub(super) stage: Stage,
    /// Whether it has said anything on this stream.
    pub(super) is_heard: bool,
    pub(super) feeds: BTreeMap<FeedId, Shared>,
    /// When its last message came.
    pub(super) heard: Uptime,
    /// How often it owed a feed and did not send it, less what it has sent since; at most [`STALLS_MAX`].
    stalls: u32,
    /// When feeds without a source may come from it.
    pub(super) settles: Option<Uptime>,
    /// When feeds of which it says nothing are noted once more.
    pub(super) silent: Option<Uptime>,
    /// Feeds of which it is not sent what is new.
    pub(super) news: BTreeSet<FeedId>,
    pub(super) news_due: Option<Uptime>,
    /// When feeds that it owed and did not send are asked for again.
    pub(super) retries: BTreeSet<(Uptime, FeedId)>,
    pub(super) resets: BTreeSet<FeedId>,
    pub(super) notes: BTreeMap<FeedId, Note>,
    pub(super) serve: BTreeMap<FeedId, Serve>,
    /// Feeds that were sent to it until it was told that they are not exchanged: it still waits for more, and does not ask anew
    /// (epidemic-broadcast-trees 7.0.0 and 9.0.4).
    pub(super) parted: BTreeSet<FeedId>,
    /// Feeds that it wants and that it was refused, because there was nothing for it here.
    pub(super) wished: BTreeSet<FeedId>,
}

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// There is no stream; at this time one is made.
    Idle { call: Uptime },
    /// We called, and the peer has not said anything yet; at this time notes are sent anyway.
    Called { greet: Uptime },
    /// Both sides speak.
    Open,
    /// The peer does not speak this protocol.
    Legacy,
}

/// A feed on one connection.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shared {
    /// How far the peer has it, as far as is known.
    pub(super) theirs: Option<u64>,
    /// The peer does not replicate it with us.
    pub(super) refused: bool,
    /// The peer wanted it before it was exchanged, and has not said that it does not want it any more.
    pub(super) wished: bool,
    /// What follows is sent to the peer.
    pub(super) serves: bool,
    /// What was noted last.
    pub(super) said: Option<Note>,
    /// How far the peer knows that we have it. Who refuses a feed forgets that.
    pub(super) told: Option<u64>,
    /// How often the peer owed it and did not send it.
    pub(super) strikes: u8,
    /// How often it was given up for that, to be asked again later, with more patience.
    pub(super) rounds: u8,
    /// What it sent of the feed was none, or contradicts it: nothing more is taken.
    pub(super) is_bad: bool,
    /// How far the peer had it when it was to be sent something that was deleted here: until it says something else, it can be
    /// sent nothing, and no more is said to be here.
    pub(super) hole: Option<u64>,
    /// When a message of it did not follow what the log holds.
    pub(super) gap: Option<Uptime>,
}

impl Shared {
    /// Whether what follows cannot be sent to the peer, because it was deleted here.
    pub(super) fn is_short(&self) -> bool {
        self.hole.is_some() && self.theirs == self.hole
    }

    /// Whether it is news to the peer that this is here. Who is sent the feed sees it.
    pub(super) fn is_news(&self, held: u64) -> bool {
        !self.serves && !self.is_short() && self.theirs < Some(held) && self.told < Some(held)
    }

    /// What may be noted: no more than can be sent.
    pub(super) fn honest(&self, note: Note) -> Note {
        match (note, self.hole.filter(|_| self.is_short())) {
            (Note::Has { sequence, send }, Some(hole)) => Note::Has { sequence: sequence.min(hole), send },
            (note, _) => note,
        }
    }
}

impl Partner {
    pub(super) const fn new(peer: FeedId, side: Side, call: Uptime) -> Self {
        Self {
            peer,
            side,
            stage: Stage::Idle { call },
            is_heard: false,
            feeds: BTreeMap::new(),
            heard: call,
            stalls: 0,
            settles: None,
            silent: None,
            news: BTreeSet::new(),
            news_due: None,
            retries: BTreeSet::new(),
            resets: BTreeSet::new(),
            notes: BTreeMap::new(),
            serve: BTreeMap::new(),
            parted: BTreeSet::new(),
            wished: BTreeSet::new(),
        }
    }

    pub(super) const fn has_stream(&self) -> bool {
        matches!(self.stage, Stage::Called { .. } | Stage::Open)
    }

    /// Whether all is known that a peer says at first.
    pub(super) fn is_settled(&self) -> bool {
        self.stage == Stage::Open && self.is_heard && self.settles.is_none()
    }

    /// It wants a feed and was refused.
    pub(super) fn wish(&mut self, feed: FeedId) {
        if self.wished.len() < WISHED_MAX {
            self.wished.insert(feed);
        }
    }

    /// It owed a feed and did not send it.
    pub(super) fn stalled(&mut self) {
        self.stalls = self.stalls.saturating_add(1).min(STALLS_MAX);
    }

    /// It sent a message that is new.
    pub(super) const fn gave(&mut self) {
        self.stalls = self.stalls.saturating_sub(1);
    }

    /// Whether it says that it has more than it sends.
    pub(super) const fn stalls(&self) -> bool {
        self.stalls > 0
    }

    /// Whether it may be that it has no more of a feed, although it says so.
    pub(super) fn is_doubted(&self, feed: &FeedId) -> bool {
        let is_struck = |shared: &Shared| shared.strikes > 0 || shared.rounds > 0;
        self.stalls() || self.feeds.get(feed).is_some_and(is_struck)
    }

    /// A stream begins.
    pub(super) fn begin(&mut self) {
        self.stage = Stage::Open;
        self.is_heard = false;
    }

    /// Nothing is known of the peer any more, and nothing to be said.
    pub(super) fn forget(&mut self) {
        (self.settles, self.silent, self.news_due) = (None, None, None);
        self.feeds.clear();
        self.news.clear();
        self.resets.clear();
        self.notes.clear();
        self.serve.clear();
        self.parted.clear();
        self.wished.clear();
        self.retries.clear();
    }

    pub(super) fn deadline(&self) -> Option<Uptime> {
        match self.stage {
            Stage::Idle { call } => Some(call),
            Stage::Called { greet } => Some(greet),
            Stage::Open => {
                let retry = self.retries.first().map(|(due, _)| *due);
                [self.settles, self.silent, self.news_due, retry].into_iter().flatten().min()
            }
            Stage::Legacy => None,
        }
    }

    pub(super) fn flush(&mut self, connection: ConnectionId, out: &mut VecDeque<Output>) {
        let resets: Vec<(FeedId, Note)> =
            std::mem::take(&mut self.resets).into_iter().map(|feed| (feed, Note::Refused)).collect();
        let notes: Vec<(FeedId, Note)> = std::mem::take(&mut self.notes).into_iter().collect();
        for notes in [resets, notes] {
            if !notes.is_empty() {
                out.push_back(Letter::EbtNotes(notes).to(connection));
            }
        }
        if !self.serve.is_empty() {
            let serve = std::mem::take(&mut self.serve).into_iter().collect();
            out.push_back(Letter::EbtServe(serve).to(connection));
        }
    }
}

/// After so many new messages a peer is trusted again, however many feeds it did not send.
const STALLS_MAX: u32 = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_stalled_ever_so_often_is_believed_again_after_so_many_messages() {
        let mut partner = Partner::new(FeedId::from_bytes([1; 32]), Side::Dialed, Uptime::default());
        for _ in 0..10 * STALLS_MAX {
            partner.stalled();
        }

        for _ in 1..STALLS_MAX {
            partner.gave();
        }
        assert!(partner.stalls());
        partner.gave();

        assert!(!partner.stalls());
    }
}
