//! How far replication is, counted when somebody asks.

use std::collections::BTreeMap;

use ssb_keys::FeedId;

use super::Core;
use crate::ebt::tally::QUIET_AFTER;
use crate::event::Giver;
use crate::event::Input;
use crate::event::Outcome;
use crate::time::Uptime;

/// How far replication is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// How many peers are connected.
    pub peers: usize,
    /// How many of them have said what they have.
    pub settled: usize,
    /// How many feeds are wanted, the own one among them.
    pub feeds: usize,
    /// Of how many of them a connected peer has more than is here.
    pub owed: usize,
    /// How many of those no connected peer is asked for any more: it did not send them, or not what follows.
    pub stuck: usize,
    /// How many messages of feeds that are wanted are here.
    pub held: u64,
    /// How many more of them connected peers have.
    pub missing: u64,
    /// How many messages of peers were stored since the node started.
    pub stored: u64,
    /// How many bytes of messages came from peers since then.
    pub received_len: u64,
    /// How many bytes of messages wait to be stored.
    pub waiting_len: usize,
    /// How many messages of feeds that are wanted were here when the node started.
    pub held_at_start: u64,
}

impl Progress {
    /// Whether nothing more is to be expected: somebody is connected, all have said what they have, and what is to come of it has.
    pub const fn is_idle(&self) -> bool {
        self.peers > 0 && self.settled == self.peers && self.owed == self.stuck && self.waiting_len == 0
    }
}

/// What came from peers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Traffic {
    stored: u64,
    received_len: u64,
    /// When the last item of a history stream came.
    heard: Option<Uptime>,
    held_at_start: u64,
}

impl Traffic {
    pub(super) const fn starting_with(held_at_start: u64) -> Self {
        Self { stored: 0, received_len: 0, heard: None, held_at_start }
    }

    /// Counts what an event brings.
    pub(super) fn count(&mut self, input: &Input, now: Uptime) {
        let count = |len: usize| u64::try_from(len).unwrap_or(u64::MAX);
        match input {
            Input::Items { items, .. } => {
                self.heard = Some(now);
                self.received_len += items.iter().map(|(_, raw)| count(raw.len())).sum::<u64>();
            }
            Input::EbtMessages { messages, .. } => {
                self.received_len += messages.iter().map(|(_, raw)| count(raw.len())).sum::<u64>();
            }
            Input::Verdicts(verdicts) => {
                let stored = verdicts.iter().filter(|verdict| {
                    matches!(verdict.giver, Some(Giver::Peer(_) | Giver::Ebt(..)))
                        && matches!(verdict.outcome, Outcome::Stored { .. })
                });
                self.stored += count(stored.count());
            }
            _ => {}
        }
    }
}

impl Core {
    /// Of how many feeds each peer has more than is here, if of any.
    pub fn pending(&self) -> BTreeMap<FeedId, usize> {
        self.ebt.pending(&self.scope)
    }

    /// How far replication is. Looks at every feed that is wanted, with every peer.
    pub fn progress(&self, now: Uptime) -> Progress {
        let Traffic { stored, received_len, heard, held_at_start } = self.traffic;
        let is_quiet = heard.is_none_or(|heard| now.since(heard) >= QUIET_AFTER);
        let tally = self.ebt.tally(&self.scope);
        let settled = self.ebt.settled(now, is_quiet);
        Progress {
            peers: settled.len(),
            settled: settled.values().filter(|is_settled| **is_settled).count(),
            feeds: tally.feeds,
            owed: tally.owed,
            stuck: tally.stuck,
            held: tally.held,
            missing: tally.missing,
            stored,
            received_len,
            waiting_len: self.in_flight,
            held_at_start,
        }
    }
}
