//! Who is heard in the local network, where, and until when.
//!
//! Anybody can say anything about anybody there, so a node may seem to be in several places. They are tried one by one, those first
//! for which there is the best reason; a place where a dial failed comes last, and a dial that failed there is none of those that make
//! a peer rest that is known from elsewhere. When there is no room left, whoever is wanted takes the room of a stranger, and
//! who has signed that of hearsay.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use ssb_keys::FeedId;

use crate::address::Address;
use crate::lan::Lan;
use crate::lan::beacon::Beacon;
use crate::lan::beacon::Proof;
use crate::time::Uptime;

/// How often a node says where it is (ssb-lan 1.2.3; ssb-local 1.0.0 does it every second).
pub const BEACON_PERIOD: Duration = Duration::from_secs(2);

/// How long a node is remembered that says nothing any more (ssb-local 1.0.0, and ssb-conn 6.0.4 with what ssb-lan finds).
pub const SILENCE_MAX: Duration = Duration::from_secs(10);

/// For so long a place where a dial failed counts as such.
pub const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// How many nodes are remembered.
pub const NEIGHBOURS_MAX: usize = 128;

/// How many of them may be strangers: those whose feed is not wanted.
pub const STRANGERS_MAX: usize = 32;

/// How many nodes are remembered of one host.
pub const PER_HOST_MAX: usize = 8;

/// How many places are remembered of one node.
pub const PLACES_MAX: usize = 4;

/// Who is heard in the local network.
#[derive(Debug)]
pub struct Neighbours {
    /// At most [`NEIGHBOURS_MAX`].
    heard: BTreeMap<FeedId, Neighbour>,
    next_beacon: Option<Uptime>,
    is_on: bool,
}

/// Somebody whose feed is wanted, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Its feed is not wanted.
    Stranger,
    /// Its feed is wanted.
    Wanted,
}

/// What was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// Nothing new, or nothing there is room for.
    None,
    /// Somebody may be in a place where nobody looked yet; and somebody else may have had to make room.
    Place {
        /// Where.
        address: Address,
        /// Who is forgotten for that.
        forgotten: Option<FeedId>,
    },
}

#[derive(Debug)]
struct Neighbour {
    standing: Standing,
    /// At least one, at most [`PLACES_MAX`], no address twice.
    places: Vec<Place>,
    /// Where it is being dialed.
    tried: Option<Address>,
    /// When to see whether it is still heard.
    due: Uptime,
}

#[derive(Debug)]
struct Place {
    address: Address,
    source: Ipv4Addr,
    proof: Proof,
    heard: Uptime,
    failures: u32,
    failed: Uptime,
}

impl Neighbours {
    /// Nobody is heard.
    pub fn new(lan: Lan) -> Self {
        let is_on = lan == Lan::On;
        Self { heard: BTreeMap::new(), next_beacon: is_on.then(Uptime::default), is_on }
    }

    /// A packet was heard. Whoever is busy is being dialed or connected, and makes no room.
    pub fn hear(
        &mut self,
        beacon: &Beacon,
        source: Ipv4Addr,
        standing: Standing,
        now: Uptime,
        is_busy: impl Fn(&FeedId) -> bool,
    ) -> News {
        let Some(address) = beacon.address_at(source).filter(|_| self.is_on) else { return News::None };
        let (key, proof) = (beacon.key(), beacon.proof(source));
        let place = Place { address, source, proof, heard: now, failures: 0, failed: now };
        if let Some(neighbour) = self.heard.get_mut(&key) {
            neighbour.standing = standing;
            neighbour.due = now.after(SILENCE_MAX);
            let address = place.address.clone();
            let is_new = neighbour.hear(place, now);
            return if is_new { News::Place { address, forgotten: None } } else { News::None };
        }
        let mut forgotten = None;
        if let Some(scarce) = self.scarce(source, standing) {
            let Some(last) = self.least(scarce, (standing, proof), is_busy) else { return News::None };
            self.heard.remove(&last);
            forgotten = Some(last);
        }
        let address = place.address.clone();
        let due = now.after(SILENCE_MAX);
        self.heard.insert(key, Neighbour { standing, places: vec![place], tried: None, due });
        debug_assert!(self.heard.len() <= NEIGHBOURS_MAX);
        News::Place { address, forgotten }
    }

    /// Where to dial a peer that is due. If it is known from elsewhere, only where no dial has failed.
    pub fn place(&mut self, peer: &FeedId, known: KnownFrom) -> Option<Address> {
        let neighbour = self.heard.get_mut(peer)?;
        let best = neighbour.best()?;
        if known == KnownFrom::Elsewhere && best.failures > 0 {
            return None;
        }
        let address = best.address.clone();
        neighbour.tried = Some(address.clone());
        Some(address)
    }

    /// A dial of a peer failed. `None` if it was not dialed here; else whether there is a better place left.
    pub fn failed(&mut self, peer: &FeedId, now: Uptime) -> Option<Left> {
        let neighbour = self.heard.get_mut(peer)?;
        let tried = neighbour.tried.take()?;
        let place = neighbour.places.iter_mut().find(|place| place.address == tried);
        let failures = place.map_or(u32::MAX, |place| {
            place.failures = place.failures.saturating_add(1);
            place.failed = now;
            place.failures
        });
        let is_better = neighbour.best().is_some_and(|best| best.failures < failures);
        Some(if is_better { Left::Better } else { Left::NoBetter })
    }

    /// A dial of a peer has succeeded.
    pub fn reached(&mut self, peer: &FeedId) {
        let Some(neighbour) = self.heard.get_mut(peer) else { return };
        let tried = neighbour.tried.take();
        if let Some(place) = neighbour.places.iter_mut().find(|place| Some(&place.address) == tried.as_ref())
        {
            place.failures = 0;
        }
    }

    /// Forgets who is not heard any more, nor busy, and tells who that was.
    pub fn forget(&mut self, now: Uptime, is_busy: impl Fn(&FeedId) -> bool) -> Vec<FeedId> {
        let mut forgotten = Vec::new();
        self.heard.retain(|peer, neighbour| {
            if neighbour.due > now {
                return true;
            }
            if is_busy(peer) {
                neighbour.due = now.after(SILENCE_MAX);
                return true;
            }
            forgotten.push(*peer);
            false
        });
        forgotten
    }

    /// Whether it is time to say where this node is, which counts as done.
    pub fn is_beacon_due(&mut self, now: Uptime) -> bool {
        let is_due = self.next_beacon.is_some_and(|next| next <= now);
        if is_due {
            self.next_beacon = Some(now.after(BEACON_PERIOD));
        }
        is_due
    }

    /// When to come back.
    pub fn deadline(&self) -> Option<Uptime> {
        self.heard.values().map(|neighbour| neighbour.due).chain(self.next_beacon).min()
    }

    /// What there is too much of for one more to be remembered.
    fn scarce(&self, source: Ipv4Addr, standing: Standing) -> Option<Scarce> {
        let count = |scarce: Scarce| self.heard.values().filter(|neighbour| scarce.is_of(neighbour)).count();
        if count(Scarce::OfHost(source)) >= PER_HOST_MAX {
            return Some(Scarce::OfHost(source));
        }
        if standing == Standing::Stranger && count(Scarce::Strangers) >= STRANGERS_MAX {
            return Some(Scarce::Strangers);
        }
        (self.heard.len() >= NEIGHBOURS_MAX).then_some(Scarce::All)
    }

    /// Who has to make room for somebody of a rank: the one of the lowest, if that is lower.
    fn least(
        &self,
        scarce: Scarce,
        rank: (Standing, Proof),
        is_busy: impl Fn(&FeedId) -> bool,
    ) -> Option<FeedId> {
        let here = self.heard.iter().filter(|(_, neighbour)| scarce.is_of(neighbour));
        let idle = here.filter(|(peer, neighbour)| neighbour.rank() < rank && !is_busy(peer));
        idle.min_by_key(|(peer, neighbour)| (neighbour.rank(), neighbour.due, **peer)).map(|(peer, _)| *peer)
    }
}

impl Neighbour {
    /// Whether to look there: it is new, or a dial there failed a long time ago.
    fn hear(&mut self, place: Place, now: Uptime) -> bool {
        if let Some(known) = self.places.iter_mut().find(|known| known.address == place.address) {
            // A signature is repeated now and then; it lasts for as long as the place is heard at all.
            let lasts = now.since(known.heard) < SILENCE_MAX;
            known.proof = if lasts { known.proof.max(place.proof) } else { place.proof };
            known.heard = now;
            let again = known.failures > 0 && now.since(known.failed) >= LOOK_AGAIN_AFTER;
            if again {
                known.failures = 0;
            }
            return again;
        }
        self.places.retain(|known| now.since(known.heard) < SILENCE_MAX);
        if self.places.len() >= PLACES_MAX {
            let worst = self.places.iter().enumerate().max_by_key(|(_, known)| known.order());
            match worst.map(|(at, known)| (at, known.order() > place.order())) {
                Some((at, true)) => drop(self.places.remove(at)),
                _ => return false,
            }
        }
        self.places.push(place);
        true
    }

    /// Where to look first.
    fn best(&self) -> Option<&Place> {
        self.places.iter().min_by_key(|place| place.order())
    }

    fn rank(&self) -> (Standing, Proof) {
        let proof = self.places.iter().map(|place| place.proof).max();
        (self.standing, proof.unwrap_or(Proof::Hearsay))
    }
}

impl Place {
    fn order(&self) -> (u32, std::cmp::Reverse<Proof>) {
        (self.failures, std::cmp::Reverse(self.proof))
    }
}

/// Where a peer is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownFrom {
    /// The local network only.
    Here,
    /// Somewhere else too.
    Elsewhere,
}

/// Whether there is a place where fewer dials failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// There is.
    Better,
    /// There is none.
    NoBetter,
}

/// What there can be too much of.
#[derive(Clone, Copy, Debug)]
enum Scarce {
    All,
    Strangers,
    OfHost(Ipv4Addr),
}

impl Scarce {
    fn is_of(self, neighbour: &Neighbour) -> bool {
        match self {
            Self::All => true,
            Self::Strangers => neighbour.standing == Standing::Stranger,
            Self::OfHost(host) => neighbour.places.iter().any(|place| place.source == host),
        }
    }
}
