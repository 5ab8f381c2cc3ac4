//! Who follows and blocks whom, and so whose feeds are wanted.
//!
//! The rules are those of ssb-friends 4.1.4 over layered-graph 1.2.0. An edge says follow (1), block (−1) or neither
//! (−2). Hops count from the own feed at 0: a follow adds one, a block or an unfollow at distance `n` excludes its
//! target with −(n+1) or −(n+2). Between two ways the shorter counts, and of two as short the follow.

use std::collections::BTreeMap;

use ssb_keys::FeedId;
use ssb_msg::content::Relation;

/// A follow graph seen from one feed.
#[derive(Clone, Debug)]
pub struct Graph {
    start: FeedId,
    hops_max: i32,
    edges: BTreeMap<FeedId, BTreeMap<FeedId, Relation>>,
    hops: BTreeMap<FeedId, i32>,
    stale: bool,
    /// Whether `start` itself said something new: whom it blocks counts at any distance.
    own_changed: bool,
}

impl Graph {
    /// The graph around `start`, in which feeds up to `hops_max` follows away are wanted.
    pub fn new(start: FeedId, hops_max: u8) -> Self {
        let hops = BTreeMap::from([(start, 0)]);
        Self {
            start,
            hops_max: i32::from(hops_max),
            edges: BTreeMap::new(),
            hops,
            stale: false,
            own_changed: false,
        }
    }

    /// Takes in a contact message: `author` now stands in `relation` to `contact`.
    pub fn set(&mut self, author: FeedId, contact: FeedId, relation: Relation) {
        let before = self.edges.entry(author).or_default().insert(contact, relation);
        let changed = before != Some(relation);
        self.stale |= changed;
        self.own_changed |= changed && author == self.start;
    }

    /// Nothing is known any more of what `author` says of `contact`.
    pub fn unset(&mut self, author: &FeedId, contact: &FeedId) {
        let changed = self.edges.get_mut(author).is_some_and(|edges| edges.remove(contact).is_some());
        self.stale |= changed;
        self.own_changed |= changed && *author == self.start;
    }

    /// Nothing is known any more of what `author` says of anybody.
    pub fn forget(&mut self, author: &FeedId) {
        let changed = self.edges.remove(author).is_some();
        self.stale |= changed;
        self.own_changed |= changed && *author == self.start;
    }

    /// Brings hops up to date. Returns whether they, or whom the own feed blocks, may have changed.
    pub fn update(&mut self) -> bool {
        if !std::mem::take(&mut self.stale) {
            return false;
        }
        let hops = self.measure();
        let changed = hops != self.hops;
        self.hops = hops;
        changed | std::mem::take(&mut self.own_changed)
    }

    /// How far away `feed` is: negative if excluded, `None` if nobody near says anything of it.
    pub fn hops(&self, feed: &FeedId) -> Option<i32> {
        self.hops.get(feed).copied()
    }

    /// All feeds at a distance, excluded ones with a negative number.
    pub fn all(&self) -> impl Iterator<Item = (FeedId, i32)> {
        self.hops.iter().map(|(feed, hops)| (*feed, *hops))
    }

    /// The feeds to replicate, the own one among them, in the order of their ids.
    pub fn wanted(&self) -> impl Iterator<Item = FeedId> {
        self.all().filter(|(_, hops)| self.is_near(*hops)).map(|(feed, _)| feed)
    }

    /// Whether `feed` is to be replicated.
    pub fn wants(&self, feed: &FeedId) -> bool {
        self.hops(feed).is_some_and(|hops| self.is_near(hops))
    }

    /// What `author` says of `contact`.
    pub fn relation(&self, author: &FeedId, contact: &FeedId) -> Option<Relation> {
        self.edges.get(author)?.get(contact).copied()
    }

    /// Who says something of somebody.
    pub fn authors(&self) -> impl Iterator<Item = FeedId> {
        self.edges.iter().filter(|(_, edges)| !edges.is_empty()).map(|(author, _)| *author)
    }

    /// What `author` says of everybody.
    pub fn relations_of(&self, author: FeedId) -> impl Iterator<Item = (FeedId, Relation)> {
        self.edges.get(&author).into_iter().flatten().map(|(contact, relation)| (*contact, *relation))
    }

    /// Who says what of whom.
    pub fn edges(&self) -> impl Iterator<Item = (FeedId, FeedId, Relation)> {
        self.authors().flat_map(|author| {
            self.relations_of(author).map(move |(contact, relation)| (author, contact, relation))
        })
    }

    /// Those who follow each other from `start` to a feed that is near, both among them; nothing if it is not.
    pub fn path(&self, feed: &FeedId) -> Vec<FeedId> {
        let mut path = vec![*feed];
        let mut at = *feed;
        while let Some(hops) = self.hops(&at).filter(|hops| *hops > 0) {
            let follows = |author: &FeedId| self.relation(author, &at) == Some(Relation::Follow);
            let before = self.all().find(|(author, theirs)| *theirs == hops - 1 && follows(author));
            let Some((before, _)) = before else { return Vec::new() };
            path.push(before);
            at = before;
        }
        path.reverse();
        path
    }

    /// Who of those who are near excludes a feed, and how.
    pub fn excluded_by(&self, feed: &FeedId) -> Option<(FeedId, Relation)> {
        let near = self.all().filter(|(_, hops)| self.is_near(*hops));
        let mut says: Vec<(i32, FeedId, Relation)> = near
            .filter_map(|(author, hops)| Some((hops, author, self.relation(&author, feed)?)))
            .filter(|(_, _, relation)| *relation != Relation::Follow)
            .collect();
        says.sort_by_key(|(hops, author, relation)| (*hops, *relation != Relation::Block, *author));
        says.first().map(|(_, author, relation)| (*author, *relation))
    }

    /// From whom hops are counted.
    pub const fn start(&self) -> FeedId {
        self.start
    }

    /// Up to how many hops feeds are wanted.
    pub fn hops_max(&self) -> u8 {
        u8::try_from(self.hops_max).unwrap_or(u8::MAX)
    }

    /// How far feeds are from another one; in reverse, how far that is from them.
    pub fn hops_from(&self, start: FeedId, hops_max: u8, is_reverse: bool) -> BTreeMap<FeedId, i32> {
        let mut graph = Self::new(start, hops_max);
        for (author, contact, relation) in self.edges() {
            let (author, contact) = if is_reverse { (contact, author) } else { (author, contact) };
            graph.set(author, contact, relation);
        }
        graph.measure()
    }

    /// Whether `author` blocks `contact`.
    pub fn blocks(&self, author: &FeedId, contact: &FeedId) -> bool {
        self.edges.get(author).and_then(|edges| edges.get(contact)) == Some(&Relation::Block)
    }

    fn is_near(&self, hops: i32) -> bool {
        (0..=self.hops_max).contains(&hops)
    }

    // Feeds settle in the order of their distance, follows before blocks of the same length.
    fn measure(&self) -> BTreeMap<FeedId, i32> {
        let mut settled = BTreeMap::from([(self.start, 0)]);
        let mut proposed: BTreeMap<(i32, bool), Vec<FeedId>> = BTreeMap::new();
        let expand = |from: &FeedId, at: i32, proposed: &mut BTreeMap<(i32, bool), Vec<FeedId>>| {
            if at < 0 || at >= self.hops_max {
                return;
            }
            for (contact, relation) in self.edges.get(from).into_iter().flatten() {
                let (distance, excluded) = match relation {
                    Relation::Follow => (at + 1, false),
                    Relation::Block => (at + 1, true),
                    Relation::Neutral => (at + 2, true),
                };
                proposed.entry((distance, excluded)).or_default().push(*contact);
            }
        };
        expand(&self.start, 0, &mut proposed);
        while let Some(((distance, excluded), feeds)) = proposed.pop_first() {
            let hops = if excluded { -distance } else { distance };
            for feed in feeds {
                if settled.contains_key(&feed) {
                    continue;
                }
                settled.insert(feed, hops);
                expand(&feed, hops, &mut proposed);
            }
        }
        settled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(n: u8) -> FeedId {
        FeedId::from_bytes([n; 32])
    }

    #[test]
    fn the_own_feed_is_always_wanted() {
        let graph = Graph::new(feed(0), 0);

        assert_eq!(graph.wanted().collect::<Vec<_>>(), [feed(0)]);
    }

    #[test]
    fn follows_of_follows_are_wanted_up_to_the_limit() {
        let mut graph = Graph::new(feed(0), 2);
        for n in 0..4 {
            graph.set(feed(n), feed(n + 1), Relation::Follow);
        }

        assert!(graph.update());

        assert_eq!(graph.wanted().collect::<Vec<_>>(), [feed(0), feed(1), feed(2)]);
        assert!(!graph.wants(&feed(3)));
    }

    #[test]
    fn an_own_block_excludes_what_friends_follow() {
        let mut graph = Graph::new(feed(0), 2);
        graph.set(feed(0), feed(1), Relation::Follow);
        graph.set(feed(1), feed(2), Relation::Follow);
        graph.set(feed(0), feed(2), Relation::Block);
        graph.update();

        assert!(!graph.wants(&feed(2)));
        assert!(graph.blocks(&feed(0), &feed(2)));

        graph.set(feed(0), feed(2), Relation::Follow);
        graph.update();
        assert!(graph.wants(&feed(2)));
    }
}
