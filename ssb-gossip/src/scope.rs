//! Which feeds are to be replicated and with whom, and how far they are here.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use ssb_keys::FeedId;

use crate::event::Again;
use crate::graph::Graph;

/// What the parts of a core that replicate look at.
#[derive(Debug)]
pub struct Scope {
    /// The own feed.
    pub me: FeedId,
    /// Who follows and blocks whom.
    pub graph: Graph,
    held: BTreeMap<FeedId, u32>,
    banned: BTreeSet<FeedId>,
    /// What the owner asked for, however far it is.
    requests: BTreeMap<FeedId, bool>,
    /// What is known to have forked, and where.
    forks: BTreeMap<FeedId, u32>,
    /// Whose feeds are kept from whom, by the owner's word.
    withheld: BTreeSet<(FeedId, FeedId)>,
}

/// The most feeds that the owner's requests are remembered of; more are not taken.
pub const REQUESTS_MAX: usize = 65_536;

/// The most pairs of feeds and peers that the owner keeps apart; more are not taken.
pub const WITHHELD_MAX: usize = 65_536;

impl Scope {
    /// Of a log that holds these feeds so far, from which those others were removed for good, and in which some have forked.
    pub fn new(
        me: FeedId,
        graph: Graph,
        held: Vec<(FeedId, u32)>,
        banned: Vec<FeedId>,
        forks: Vec<(FeedId, u32)>,
    ) -> Self {
        Self {
            me,
            graph,
            held: held.into_iter().collect(),
            banned: banned.into_iter().collect(),
            requests: BTreeMap::new(),
            forks: forks.into_iter().collect(),
            withheld: BTreeSet::new(),
        }
    }

    /// A message is durable.
    pub fn stored(&mut self, feed: FeedId, sequence: u32) {
        self.held.insert(feed, sequence);
    }

    /// The log holds nothing of a feed any more.
    pub fn emptied(&mut self, feed: FeedId, again: Again) {
        self.held.remove(&feed);
        self.forks.remove(&feed);
        match again {
            Again::Allowed => self.banned.remove(&feed),
            Again::Refused => self.banned.insert(feed),
        };
    }

    /// A feed has forked. What came here first goes on.
    pub fn forked(&mut self, feed: FeedId, sequence: u32) {
        self.forks.entry(feed).or_insert(sequence);
    }

    /// The sequence of a message that contradicts what the log holds of a feed, if there is one.
    pub fn fork(&self, feed: &FeedId) -> Option<u32> {
        self.forks.get(feed).copied()
    }

    /// All feeds that have forked.
    pub fn forks(&self) -> impl Iterator<Item = (FeedId, u32)> {
        self.forks.iter().map(|(feed, sequence)| (*feed, *sequence))
    }

    /// The last sequence of a feed; 0 if there is nothing of it.
    pub fn held(&self, feed: &FeedId) -> u32 {
        self.held.get(feed).copied().unwrap_or(0)
    }

    /// Whether the owner removed a feed for good.
    pub fn bans(&self, feed: &FeedId) -> bool {
        self.banned.contains(feed)
    }

    /// From now on a feed is wanted, or not, however far it is. The own one always is.
    pub fn request(&mut self, feed: FeedId, wanted: bool) {
        if feed != self.me && (self.requests.len() < REQUESTS_MAX || self.requests.contains_key(&feed)) {
            self.requests.insert(feed, wanted);
        }
    }

    /// What the owner asked for, if anything.
    pub fn requested(&self, feed: &FeedId) -> Option<bool> {
        self.requests.get(feed).copied()
    }

    /// From now on a peer does not get what an author wrote, or gets it again (`replicate.block`, ssb-replicate 1.3.5). What the
    /// own feed is kept from counts as blocked. Unlike there, an author's own block is never lifted by this.
    pub fn withhold(&mut self, author: FeedId, peer: FeedId, withheld: bool) {
        if !withheld {
            self.withheld.remove(&(author, peer));
        } else if self.withheld.len() < WITHHELD_MAX {
            self.withheld.insert((author, peer));
        }
    }

    /// Whether a feed is near enough or was asked for, and was neither removed for good nor kept from us.
    pub fn wants(&self, feed: &FeedId) -> bool {
        let is_wanted = self.requests.get(feed).copied().unwrap_or_else(|| self.graph.wants(feed));
        is_wanted && !self.bans(feed) && !self.shuns(feed)
    }

    /// All feeds that are wanted.
    pub fn wanted(&self) -> impl Iterator<Item = FeedId> {
        let asked = self.requests.iter().filter(|(_, wanted)| **wanted).map(|(feed, _)| *feed);
        let near = self.graph.wanted().filter(|feed| !self.requests.contains_key(feed));
        near.chain(asked).filter(|feed| !self.bans(feed) && !self.shuns(feed))
    }

    /// Whether a feed is to be asked of a peer: it is wanted, and its author does not block the peer.
    pub fn asks(&self, feed: &FeedId, peer: &FeedId) -> bool {
        self.wants(feed) && !self.keeps_from(feed, peer)
    }

    /// Whether a peer may have a feed: what is here, even if it is not wanted any more, but neither what the owner blocks nor
    /// what its author does not want the peer to have.
    pub fn offers(&self, feed: &FeedId, peer: &FeedId) -> bool {
        (self.held(feed) > 0 || self.wants(feed))
            && !self.bans(feed)
            && !self.blocks(feed)
            && !self.keeps_from(feed, peer)
    }

    /// Whether a feed is kept from a peer: its author blocks that peer, or the owner says so.
    pub fn keeps_from(&self, author: &FeedId, peer: &FeedId) -> bool {
        self.graph.blocks(author, peer) || self.withheld.contains(&(*author, *peer))
    }

    /// Whether the owner blocks a feed.
    pub fn blocks(&self, feed: &FeedId) -> bool {
        self.keeps_from(&self.me, feed)
    }

    /// Whether the owner blocks a feed without having published it.
    pub fn shuns(&self, feed: &FeedId) -> bool {
        self.withheld.contains(&(self.me, *feed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Blocks;

    fn numbered(n: usize) -> FeedId {
        let mut bytes = [7; 32];
        bytes[..8].copy_from_slice(&n.to_le_bytes());
        FeedId::from_bytes(bytes)
    }

    #[test]
    fn so_many_are_kept_apart_and_no_more() {
        let me = numbered(0);
        let mut scope =
            Scope::new(me, Graph::new(me, 2, Blocks::Transitive), Vec::new(), Vec::new(), Vec::new());
        for n in 1..=WITHHELD_MAX + 1 {
            scope.withhold(numbered(1), numbered(n), true);
        }
        assert!(scope.keeps_from(&numbered(1), &numbered(WITHHELD_MAX)));
        assert!(!scope.keeps_from(&numbered(1), &numbered(WITHHELD_MAX + 1)));

        scope.withhold(numbered(1), numbered(1), false);
        scope.withhold(numbered(1), numbered(WITHHELD_MAX + 1), true);

        assert!(scope.keeps_from(&numbered(1), &numbered(WITHHELD_MAX + 1)));
    }

    #[test]
    fn so_many_requests_are_remembered_and_no_more_and_none_about_the_own_feed() {
        let me = numbered(0);
        let mut scope =
            Scope::new(me, Graph::new(me, 2, Blocks::Transitive), Vec::new(), Vec::new(), Vec::new());
        scope.request(me, false);
        for n in 1..=REQUESTS_MAX + 1 {
            scope.request(numbered(n), true);
        }
        assert!(scope.wants(&me));
        assert!(scope.wants(&numbered(REQUESTS_MAX)));
        assert!(!scope.wants(&numbered(REQUESTS_MAX + 1)));

        scope.request(numbered(1), false);

        assert!(!scope.wants(&numbered(1)), "what is remembered can be changed");
    }
}
