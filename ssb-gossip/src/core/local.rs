//! What the core makes of who is heard in the local network.

use std::net::Ipv4Addr;

use ssb_keys::FeedId;

use super::Core;
use crate::address::Address;
use crate::event::Output;
use crate::lan::beacon::Beacon;
use crate::lan::neighbours::KnownFrom;
use crate::lan::neighbours::Left;
use crate::lan::neighbours::News;
use crate::lan::neighbours::Standing;
use crate::peers::Tenure;
use crate::peers::Whereabouts;
use crate::time::Now;

/// The source of peers that are known from the local network (ssb-gossip 1.1.1).
const LOCAL: &str = "local";

impl Core {
    /// A packet of the local network came from `source`.
    pub(super) fn heard(&mut self, beacon: &Beacon, source: Ipv4Addr, now: Now) {
        let key = beacon.key();
        if key == self.scope.me || self.scope.blocks(&key) || !self.scheduler.finds_neighbours() {
            return;
        }
        let standing = if self.scope.wants(&key) { Standing::Wanted } else { Standing::Stranger };
        let scheduler = &self.scheduler;
        let is_busy = |peer: &FeedId| scheduler.is_busy(peer);
        let News::Place { address, forgotten } =
            self.neighbours.hear(beacon, source, standing, now.uptime, is_busy)
        else {
            return;
        };
        if let Some(peer) = forgotten {
            self.forget_neighbour(peer);
        }
        if self.peers.get(&key).is_none() {
            let place = Whereabouts::written(&address.to_string(), address);
            // More than there is room for are more than anybody dials.
            let _ = self.peers.add(place, Some(LOCAL), now.wall, &mut self.outbox);
        }
        self.scheduler.near(&key, now.uptime);
    }

    /// Says where this node is, if it is time for that, and forgets who is silent.
    pub(super) fn look_around(&mut self, now: Now) {
        if self.neighbours.is_beacon_due(now.uptime) && self.scheduler.finds_neighbours() {
            self.outbox.push_back(Output::Beacon);
        }
        let scheduler = &self.scheduler;
        for peer in self.neighbours.forget(now.uptime, |peer| scheduler.is_busy(peer)) {
            self.forget_neighbour(peer);
        }
    }

    /// Where to dial a peer that is known to be at `address`: where it is heard, if it is.
    pub(super) fn nearest(&mut self, address: Address) -> Address {
        let key = address.key();
        let known = self.known_from(&key);
        let Some(heard) = self.neighbours.place(&key, known) else { return address };
        if known == KnownFrom::Here {
            self.peers.moved(Whereabouts::written(&heard.to_string(), heard.clone()));
        }
        heard
    }

    /// A dial failed. What others say of a peer in the local network must not make it rest if it is known from elsewhere, or
    /// heard in another place.
    pub(super) fn dial_failed(&mut self, peer: FeedId, error: &str, now: Now) {
        let left = self.neighbours.failed(&peer, now.uptime);
        match left {
            Some(left) if left == Left::Better || self.known_from(&peer) == KnownFrom::Elsewhere => {
                self.peers.not_dialed(&peer, now.wall);
                self.scheduler.missed(peer, left, now.uptime);
            }
            _ => {
                self.peers.failed(&peer, error, now.wall, &mut self.outbox);
                self.scheduler.failed(peer, &self.peers, now.uptime);
            }
        }
    }

    fn known_from(&self, peer: &FeedId) -> KnownFrom {
        match self.peers.get(peer) {
            Some(known) if known.tenure == Tenure::Known && known.source.as_deref() == Some(LOCAL) => {
                KnownFrom::Here
            }
            _ => KnownFrom::Elsewhere,
        }
    }

    /// What is known from elsewhere stays.
    fn forget_neighbour(&mut self, peer: FeedId) {
        if self.known_from(&peer) == KnownFrom::Here {
            self.peers.remove(&peer, &mut self.outbox);
            self.scheduler.forget(&peer);
        }
    }
}
