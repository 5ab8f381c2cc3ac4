//! What of a core can be followed: whoever shows a part of it hears when there may be something new to show.

use ssb_keys::FeedId;

use super::Core;

/// A part of a core.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// How far feeds are.
    Hops,
    /// Who follows and blocks whom.
    Graph,
    /// Which feeds are wanted.
    Scope,
    /// Who is known, who is connected, and how it goes with them.
    Peers,
    /// How far replication is: whatever happens may change that.
    Progress,
}

/// How often the parts that have no count of their own may have changed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Revisions {
    pub(super) hops: u64,
    pub(super) scope: u64,
    pub(super) events: u64,
}

impl Core {
    /// The feeds that are wanted, the own one among them: first those that are near, in the order of their ids.
    pub fn wanted(&self) -> impl Iterator<Item = FeedId> {
        self.scope.wanted()
    }

    /// A number that is another when a part may have changed, and never comes again.
    pub const fn revision(&self, topic: Topic) -> u64 {
        match topic {
            Topic::Hops => self.revisions.hops,
            Topic::Graph => self.scope.graph.recent().count(),
            Topic::Scope => self.revisions.scope,
            Topic::Peers => self.peers.changes(),
            Topic::Progress => self.revisions.events,
        }
    }
}
