//! What the owner wants of the connections of a node.

use ssb_keys::FeedId;

use crate::address::Address;
use crate::peers::Whereabouts;

/// Something that the owner wants. Each is answered: [`Output::Said`](crate::event::Output::Said) unless it says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// A peer is to be known until it is forgotten (`conn.remember`, ssb-conn 6.0.4). What is `None` stays as it is.
    /// [`Output::PeerAdded`](crate::event::Output::PeerAdded) says why it cannot be.
    Remember {
        /// Where it is.
        place: Whereabouts,
        /// Where it was learned of.
        source: Option<String>,
        /// Whether it is dialed unasked.
        autoconnect: Option<bool>,
    },
    /// Who is kept at this address is to be forgotten (`conn.forget`).
    Forget(Address),
    /// A peer is to be known for as long as the node runs (`conn.stage`). The answer says whether it is new;
    /// [`Output::PeerAdded`](crate::event::Output::PeerAdded) why it cannot be.
    Stage {
        /// Where it is.
        place: Whereabouts,
        /// Where it was learned of.
        source: Option<String>,
    },
    /// Who is known at this address for as long as the node runs is not to be known any more (`conn.unstage`). The answer says
    /// whether there was one.
    Unstage(Address),
    /// The connections with a peer, known or not, are to end (`conn.disconnect`). The answer comes when they have, and says
    /// whether there were any.
    Part(FeedId),
    /// Peers are to be dialed unasked again (`conn.start`).
    Start,
    /// No peer is to be dialed unasked, and the connections there are end (`conn.stop`).
    Stop,
    /// The node is to have a habit, or not, until it stops (`gossip.enable` and `gossip.disable`, ssb-gossip 1.1.1).
    Switch(Habit, Switched),
    /// What an author wrote is to be kept from a peer, or not any more (`replicate.block`, ssb-replicate 1.3.5, and `ebt.block`,
    /// ssb-ebt 5.6.7).
    Withhold {
        /// Whose feed. The own one keeps us from the peer's, too, and the peer from connecting.
        author: FeedId,
        /// From whom.
        peer: FeedId,
        /// Whether it is kept.
        withheld: bool,
    },
}

/// Which way a habit is switched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switched {
    /// From now on.
    On,
    /// Not any more.
    Off,
}

/// What a node does by itself and the owner can switch while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    /// Dials peers of this kind.
    Dial(Kind),
    /// Learns peers from messages of type `pub`.
    Learn,
}

impl Habit {
    /// By the word of ssb-gossip 1.1.1 for it. `None` for what nobody does.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "pub" | "autoPopulate" => Some(Self::Learn),
            _ => Kind::ALL.into_iter().find(|kind| kind.as_str() == word).map(Self::Dial),
        }
    }
}

/// What kind of peer somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One that the node was told to know from the start.
    Seed,
    /// One of the local network.
    Local,
    /// One whose feed is wanted.
    Friend,
    /// Any other.
    Global,
}

impl Kind {
    /// All of them, in the order in which they are dialed.
    pub const ALL: [Self; 4] = [Self::Seed, Self::Local, Self::Friend, Self::Global];

    /// The word of ssb-gossip 1.1.1 for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Seed => "seed",
            Self::Local => "local",
            Self::Friend => "friends",
            Self::Global => "global",
        }
    }
}
