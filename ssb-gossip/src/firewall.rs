//! Who may connect at all.
//!
//! Decided when a guest has proven who it is and before it hears anything, so that whoever is turned away costs one handshake. Whom
//! the owner blocks is turned away whatever else holds. Rules: ssb-conn-firewall 1.1.4, which is a plugin of ssb-conn; ssb-server
//! 16.0.1 has none and lets everybody in who is not blocked.

use std::collections::BTreeMap;
use std::time::Duration;

use ssb_keys::FeedId;

use crate::scope::Scope;
use crate::time::Uptime;

/// For so long whoever was dialed may call back (ssb-conn-firewall 1.1.4).
pub const CALL_BACK_WITHIN: Duration = Duration::from_secs(5 * 60);

/// How many who were dialed are remembered.
pub const DIALED_MAX: usize = 512;

/// Whose connections are accepted, of those whom the owner does not block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Admission {
    /// Everybody's.
    #[default]
    Everyone,
    /// Of those whose feed is wanted, and of those who were dialed a short time ago.
    Followed,
    /// Nobody's but the owner's.
    Nobody,
}

impl Admission {
    /// The one of this name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Everyone, Self::Followed, Self::Nobody].into_iter().find(|one| one.as_str() == name)
    }

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Everyone => "everyone",
            Self::Followed => "followed",
            Self::Nobody => "none",
        }
    }
}

/// Says who is let in.
#[derive(Clone, Debug, Default)]
pub struct Firewall {
    admission: Admission,
    /// Who is let in whatever else holds, beside the own key.
    owners: Vec<FeedId>,
    /// At most [`DIALED_MAX`]; nobody if everybody is let in anyway.
    dialed: BTreeMap<FeedId, Uptime>,
}

impl Firewall {
    /// Lets in whom `admission` says, and those who have all rights.
    pub const fn new(admission: Admission, owners: Vec<FeedId>) -> Self {
        Self { admission, owners, dialed: BTreeMap::new() }
    }

    /// Somebody is dialed.
    pub fn dialed(&mut self, peer: FeedId, now: Uptime) {
        if self.admission != Admission::Followed {
            return;
        }
        self.dialed.retain(|_, dialed| now.since(*dialed) < CALL_BACK_WITHIN);
        if self.dialed.len() < DIALED_MAX || self.dialed.contains_key(&peer) {
            self.dialed.insert(peer, now);
        }
    }

    /// Whether a guest is let in.
    pub fn admits(&self, guest: &FeedId, scope: &Scope, now: Uptime) -> bool {
        if scope.blocks(guest) {
            return false;
        }
        let is_owner = *guest == scope.me || self.owners.contains(guest);
        let was_dialed =
            || self.dialed.get(guest).is_some_and(|dialed| now.since(*dialed) < CALL_BACK_WITHIN);
        match self.admission {
            Admission::Everyone => true,
            Admission::Followed => is_owner || scope.wants(guest) || was_dialed(),
            Admission::Nobody => is_owner,
        }
    }
}
