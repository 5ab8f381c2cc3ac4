//! Who follows and blocks whom, and so whose feeds are wanted.
//!
//! The rules are those of ssb-friends 4.1.4 over layered-graph 1.2.0. An edge says follow (1), block (−1) or neither
//! (−2). Hops count from the own feed at 0: a follow adds one, a block or an unfollow at distance `n` excludes its
//! target with −(n+1) or −(n+2). Between two ways the shorter counts, and of two as short the follow. Where blocks count
//! [first-person](Blocks::FirstPerson), which JavaScript has not, nobody but the own feed excludes anybody.
//!
//! What changes is measured anew from where it changed, in the order of distance (DynamicSWSF-FP of Ramalingam and Reps, 1996): a
//! contact message of somebody far away costs nothing, however large the graph is.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use ssb_keys::FeedId;
use ssb_msg::content::Relation;

use crate::recent::Recent;

/// A follow graph seen from one feed.
#[derive(Clone, Debug)]
pub struct Graph {
    start: FeedId,
    hops_max: i32,
    blocks: Blocks,
    numbers: BTreeMap<FeedId, Number>,
    nodes: Vec<Node>,
    /// Of whom somebody says something else since hops were measured.
    stale: BTreeSet<Number>,
    /// Feeds that are to be exchanged with others than before, since that was last asked.
    touched: BTreeSet<FeedId>,
    recent: Recent,
}

/// Whose blocks and unfollows exclude a feed that others follow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Blocks {
    /// Those of everybody near, as in ssb-friends.
    #[default]
    Transitive,
    /// Those of the own feed only.
    FirstPerson,
}

/// A feed, in the order in which they were first heard of.
type Number = u32;

#[derive(Clone, Debug)]
struct Node {
    id: FeedId,
    says: BTreeMap<Number, Relation>,
    /// Who says something of it.
    said_by: BTreeSet<Number>,
    at: Option<Distance>,
}

/// How far a feed is, and whether it is excluded there: of two ways the lesser counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Distance {
    steps: i32,
    is_excluded: bool,
}

impl Distance {
    const ZERO: Self = Self { steps: 0, is_excluded: false };

    const fn hops(self) -> i32 {
        if self.is_excluded { -self.steps } else { self.steps }
    }
}

impl Graph {
    /// The graph around `start`, in which feeds up to `hops_max` follows away are wanted.
    pub fn new(start: FeedId, hops_max: u8, blocks: Blocks) -> Self {
        let mut graph = Self {
            start,
            hops_max: i32::from(hops_max),
            blocks,
            numbers: BTreeMap::new(),
            nodes: Vec::new(),
            stale: BTreeSet::new(),
            touched: BTreeSet::new(),
            recent: Recent::default(),
        };
        let number = graph.add(start);
        graph.node_mut(number).at = Some(Distance::ZERO);
        graph
    }

    /// Takes in a contact message: `author` now stands in `relation` to `contact`.
    pub fn set(&mut self, author: FeedId, contact: FeedId, relation: Relation) {
        let (from, to) = (self.add(author), self.add(contact));
        let before = self.node_mut(from).says.insert(to, relation);
        self.node_mut(to).said_by.insert(from);
        if before != Some(relation) {
            self.changed(from, to, [before, Some(relation)]);
        }
    }

    /// Nothing is known any more of what `author` says of `contact`.
    pub fn unset(&mut self, author: &FeedId, contact: &FeedId) {
        let Some((from, to)) = self.number(author).zip(self.number(contact)) else { return };
        if let Some(before) = self.node_mut(from).says.remove(&to) {
            self.node_mut(to).said_by.remove(&from);
            self.changed(from, to, [Some(before), None]);
        }
    }

    /// Nothing is known any more of what `author` says of anybody.
    pub fn forget(&mut self, author: &FeedId) {
        let Some(from) = self.number(author) else { return };
        for (to, before) in std::mem::take(&mut self.node_mut(from).says) {
            self.node_mut(to).said_by.remove(&from);
            self.changed(from, to, [Some(before), None]);
        }
    }

    /// Brings hops up to date. Returns the feeds whose hops are others now, and those whose blocks are: they are to be exchanged
    /// with others than before, perhaps.
    pub fn update(&mut self) -> BTreeSet<FeedId> {
        let stale = std::mem::take(&mut self.stale);
        if stale.len() > MANY.max(self.nodes.len() / 8) {
            self.measure_all();
        } else {
            self.measure_from(stale);
        }
        std::mem::take(&mut self.touched)
    }

    /// How far away `feed` is: negative if excluded, `None` if nobody near says anything of it.
    pub fn hops(&self, feed: &FeedId) -> Option<i32> {
        self.node(self.number(feed)?).at.map(Distance::hops)
    }

    /// All feeds at a distance, excluded ones with a negative number, in the order of their ids.
    pub fn all(&self) -> impl Iterator<Item = (FeedId, i32)> {
        self.numbers.iter().filter_map(|(feed, number)| Some((*feed, self.node(*number).at?.hops())))
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
        self.node(self.number(author)?).says.get(&self.number(contact)?).copied()
    }

    /// Who says something of somebody.
    pub fn authors(&self) -> impl Iterator<Item = FeedId> {
        let says_something = |number: &Number| !self.node(*number).says.is_empty();
        self.numbers.iter().filter(move |(_, number)| says_something(number)).map(|(author, _)| *author)
    }

    /// What `author` says of everybody, in the order of their ids.
    pub fn relations_of(&self, author: FeedId) -> impl Iterator<Item = (FeedId, Relation)> {
        let says = self.number(&author).map(|author| &self.node(author).says);
        let says = says.into_iter().flatten().map(|(contact, relation)| (self.node(*contact).id, *relation));
        let in_order: BTreeMap<FeedId, Relation> = says.collect();
        in_order.into_iter()
    }

    /// Who says something of `contact`, and what, in the order of their ids.
    pub fn relations_to(&self, contact: &FeedId) -> impl Iterator<Item = (FeedId, Relation)> {
        let to = self.number(contact);
        let said_by = to.into_iter().flat_map(|to| self.node(to).said_by.iter().map(move |from| (to, *from)));
        let says = said_by.filter_map(|(to, from)| {
            let author = self.node(from);
            Some((author.id, *author.says.get(&to)?))
        });
        let in_order: BTreeMap<FeedId, Relation> = says.collect();
        in_order.into_iter()
    }

    /// Who says what of whom.
    pub fn edges(&self) -> impl Iterator<Item = (FeedId, FeedId, Relation)> {
        self.authors().flat_map(|author| {
            self.relations_of(author).map(move |(contact, relation)| (author, contact, relation))
        })
    }

    /// What changed last of who says what of whom.
    pub const fn recent(&self) -> &Recent {
        &self.recent
    }

    /// Those who follow each other from `start` to a feed that is near, both among them; nothing if it is not.
    pub fn path(&self, feed: &FeedId) -> Vec<FeedId> {
        let mut path = vec![*feed];
        let mut at = *feed;
        while let Some(hops) = self.hops(&at).filter(|hops| *hops > 0) {
            let follows = self.relations_to(&at).filter(|(_, relation)| *relation == Relation::Follow);
            let before = follows.map(|(author, _)| author).find(|author| self.hops(author) == Some(hops - 1));
            let Some(before) = before else { return Vec::new() };
            path.push(before);
            at = before;
        }
        path.reverse();
        path
    }

    /// Who of those who are near excludes a feed, and how.
    pub fn excluded_by(&self, feed: &FeedId) -> Option<(FeedId, Relation)> {
        let says = self.relations_to(feed).filter(|(author, relation)| {
            *relation != Relation::Follow && self.wants(author) && self.excludes(author)
        });
        says.min_by_key(|(author, relation)| (self.hops(author), *relation != Relation::Block, *author))
    }

    /// From whom hops are counted.
    pub const fn start(&self) -> FeedId {
        self.start
    }

    /// Up to how many hops feeds are wanted.
    pub fn hops_max(&self) -> u8 {
        u8::try_from(self.hops_max).unwrap_or(u8::MAX)
    }

    /// How far feeds are from another one; in reverse, how far that is from them. All blocks count, as in ssb-friends.
    pub fn hops_from(&self, start: FeedId, hops_max: u8, is_reverse: bool) -> BTreeMap<FeedId, i32> {
        let mut graph = Self::new(start, hops_max, Blocks::Transitive);
        for (author, contact, relation) in self.edges() {
            let (author, contact) = if is_reverse { (contact, author) } else { (author, contact) };
            graph.set(author, contact, relation);
        }
        graph.measure_all();
        graph.all().collect()
    }

    /// Whether `author` blocks `contact`.
    pub fn blocks(&self, author: &FeedId, contact: &FeedId) -> bool {
        self.relation(author, contact) == Some(Relation::Block)
    }

    fn is_near(&self, hops: i32) -> bool {
        (0..=self.hops_max).contains(&hops)
    }

    /// Whether it counts whom a feed does not want.
    fn excludes(&self, author: &FeedId) -> bool {
        self.blocks == Blocks::Transitive || *author == self.start
    }

    fn changed(&mut self, from: Number, to: Number, relations: [Option<Relation>; 2]) {
        self.stale.insert(to);
        let [_, now] = relations;
        self.recent.push(self.node(from).id, self.node(to).id, now);
        if relations.contains(&Some(Relation::Block)) {
            let (author, contact) = (self.node(from).id, self.node(to).id);
            // Its author does not want it to be given to the other; and whom we block we exchange nothing of.
            self.touched.insert(author);
            if author == self.start {
                self.touched.insert(contact);
            }
        }
    }

    /// How far `to` is if one goes through `from`.
    fn through(&self, from: &Node, to: Number) -> Option<Distance> {
        let relation = *from.says.get(&to)?;
        self.along(from, relation)
    }

    fn along(&self, from: &Node, relation: Relation) -> Option<Distance> {
        let Distance { steps, is_excluded: false } = from.at? else { return None };
        if steps >= self.hops_max || (relation != Relation::Follow && !self.excludes(&from.id)) {
            return None;
        }
        Some(match relation {
            Relation::Follow => Distance { steps: steps + 1, is_excluded: false },
            Relation::Block => Distance { steps: steps + 1, is_excluded: true },
            Relation::Neutral => Distance { steps: steps + 2, is_excluded: true },
        })
    }

    /// How far a feed is by what is known of those who say something of it.
    fn nearest(&self, to: Number) -> Option<Distance> {
        let node = self.node(to);
        if node.id == self.start {
            return Some(Distance::ZERO);
        }
        node.said_by.iter().filter_map(|from| self.through(self.node(*from), to)).min()
    }

    /// Feeds settle in the order of their distance, follows before blocks of the same length.
    fn measure_all(&mut self) {
        let before: Vec<Option<Distance>> =
            self.nodes.iter_mut().map(|node| std::mem::take(&mut node.at)).collect();
        let start = self.add(self.start);
        let mut proposed = BTreeMap::from([(Distance::ZERO, vec![start])]);
        while let Some((distance, feeds)) = proposed.pop_first() {
            for number in feeds {
                let node = self.node_mut(number);
                if node.at.is_some() {
                    continue;
                }
                node.at = Some(distance);
                let node = self.node(number);
                for (contact, relation) in &node.says {
                    if let Some(distance) = self.along(node, *relation) {
                        proposed.entry(distance).or_default().push(*contact);
                    }
                }
            }
        }
        let moved = self.nodes.iter().zip(&before).filter(|(node, before)| node.at != **before);
        self.touched.extend(moved.map(|(node, _)| node.id));
    }

    /// The same, where only what is said of these feeds is new.
    fn measure_from(&mut self, stale: BTreeSet<Number>) {
        let mut before: BTreeMap<Number, Option<Distance>> = BTreeMap::new();
        let mut queue: BTreeSet<(Distance, Number)> = BTreeSet::new();
        let least = |one: Option<Distance>, other: Option<Distance>| one.into_iter().chain(other).min();
        for number in stale {
            let (is, should) = (self.node(number).at, self.nearest(number));
            if is != should {
                queue.extend(least(is, should).map(|distance| (distance, number)));
            }
        }
        // Whatever is nearer than what comes first is right, as every way is longer than what it begins with.
        while let Some((first, number)) = queue.pop_first() {
            let (is, should) = (self.node(number).at, self.nearest(number));
            let Some(distance) = least(is, should).filter(|_| is != should) else { continue };
            if distance > first {
                queue.insert((distance, number));
                continue;
            }
            let is_nearer = should == Some(distance);
            let after = should.filter(|_| is_nearer);
            before.entry(number).or_insert(is);
            let node = self.node(number);
            let ways = node
                .says
                .iter()
                .map(|(contact, relation)| (*contact, *relation, self.along(node, *relation)));
            let ways: Vec<(Number, Relation, Option<Distance>)> = ways.collect();
            self.node_mut(number).at = after;
            for (contact, relation, old) in ways {
                let (at, new) = (self.node(contact).at, self.along(self.node(number), relation));
                let is_nearer = new.is_some_and(|new| at.is_none_or(|at| new < at));
                let is_lost = old.is_some() && old == at && new != old;
                if is_nearer || is_lost {
                    queue.extend(least(at, new).map(|distance| (distance, contact)));
                }
            }
            if !is_nearer {
                queue.extend(should.map(|should| (should, number)));
            }
        }
        let moved = before.into_iter().filter(|(number, before)| self.node(*number).at != *before);
        let moved: Vec<FeedId> = moved.map(|(number, _)| self.node(number).id).collect();
        self.touched.extend(moved);
    }

    fn add(&mut self, feed: FeedId) -> Number {
        let next = Number::try_from(self.nodes.len()).expect("a log has fewer than 2^32 records");
        let number = *self.numbers.entry(feed).or_insert(next);
        if number == next {
            self.nodes.push(Node { id: feed, says: BTreeMap::new(), said_by: BTreeSet::new(), at: None });
        }
        number
    }

    fn number(&self, feed: &FeedId) -> Option<Number> {
        self.numbers.get(feed).copied()
    }

    fn node(&self, number: Number) -> &Node {
        let index = usize::try_from(number).expect("memory is addressed with 32 bits or more");
        self.nodes.get(index).expect("numbers are of feeds that are there")
    }

    fn node_mut(&mut self, number: Number) -> &mut Node {
        let index = usize::try_from(number).expect("memory is addressed with 32 bits or more");
        self.nodes.get_mut(index).expect("numbers are of feeds that are there")
    }
}

/// From so many changes on everything is measured anew, if they are an eighth of all feeds, too.
const MANY: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn feed(n: u8) -> FeedId {
        FeedId::from_bytes([n; 32])
    }

    #[test]
    fn the_own_feed_is_always_wanted() {
        let graph = Graph::new(feed(0), 0, Blocks::Transitive);

        assert_eq!(graph.wanted().collect::<Vec<_>>(), [feed(0)]);
    }

    #[test]
    fn follows_of_follows_are_wanted_up_to_the_limit() {
        let mut graph = Graph::new(feed(0), 2, Blocks::Transitive);
        for n in 0..4 {
            graph.set(feed(n), feed(n + 1), Relation::Follow);
        }

        assert_eq!(graph.update(), BTreeSet::from([feed(1), feed(2)]));

        assert_eq!(graph.wanted().collect::<Vec<_>>(), [feed(0), feed(1), feed(2)]);
        assert!(!graph.wants(&feed(3)));
    }

    #[test]
    fn an_own_block_excludes_what_friends_follow() {
        let mut graph = Graph::new(feed(0), 2, Blocks::Transitive);
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

    #[test]
    fn first_person_nobody_else_excludes_anybody() {
        for (blocks, hops) in [(Blocks::Transitive, Some(-2)), (Blocks::FirstPerson, Some(3))] {
            let mut graph = Graph::new(feed(0), 3, blocks);
            for (author, contact) in [(0, 1), (0, 2), (2, 3), (3, 5)] {
                graph.set(feed(author), feed(contact), Relation::Follow);
            }
            graph.set(feed(1), feed(5), Relation::Block);
            graph.update();

            assert_eq!(graph.hops(&feed(5)), hops);
            assert_eq!(graph.excluded_by(&feed(5)), (hops == Some(-2)).then_some((feed(1), Relation::Block)));
            graph.set(feed(0), feed(5), Relation::Block);
            graph.update();
            assert_eq!(graph.hops(&feed(5)), Some(-1));
        }
    }

    #[test]
    fn who_blocks_whom_is_told_whatever_the_hops_are() {
        let mut graph = Graph::new(feed(0), 1, Blocks::Transitive);
        graph.set(feed(7), feed(8), Relation::Block);
        assert_eq!(graph.update(), BTreeSet::from([feed(7)]));
        graph.set(feed(0), feed(9), Relation::Block);
        assert_eq!(graph.update(), BTreeSet::from([feed(0), feed(9)]));
        graph.unset(&feed(7), &feed(8));
        assert_eq!(graph.update(), BTreeSet::from([feed(7)]));
        graph.set(feed(7), feed(8), Relation::Follow);
        assert_eq!(graph.update(), BTreeSet::new());
    }

    /// What is said: by whom, of whom, what; 3 takes it back, 4 takes back all that the author says.
    fn steps() -> impl Strategy<Value = Vec<(u8, u8, u8)>> {
        proptest::collection::vec((0..9_u8, 0..9_u8, 0..5_u8), 1..120)
    }

    proptest! {
        #[test]
        fn what_is_measured_bit_by_bit_is_what_is_measured_at_once(
            steps in steps(),
            hops_max in 0..5_u8,
            first_person in any::<bool>(),
            at_once in 1..6_usize
        ) {
            let blocks = if first_person { Blocks::FirstPerson } else { Blocks::Transitive };
            let mut graph = Graph::new(feed(0), hops_max, blocks);
            for steps in steps.chunks(at_once) {
                let before: BTreeMap<FeedId, i32> = graph.all().collect();
                for (author, contact, what) in steps {
                    match what {
                        0 => graph.set(feed(*author), feed(*contact), Relation::Follow),
                        1 => graph.set(feed(*author), feed(*contact), Relation::Block),
                        2 => graph.set(feed(*author), feed(*contact), Relation::Neutral),
                        3 => graph.unset(&feed(*author), &feed(*contact)),
                        _ => graph.forget(&feed(*author)),
                    }
                }
                let touched = graph.update();
                let mut whole = graph.clone();
                whole.measure_all();

                let after: BTreeMap<FeedId, i32> = graph.all().collect();
                prop_assert_eq!(&after, &whole.all().collect::<BTreeMap<_, _>>());
                let moved = (0..9).map(feed).filter(|feed| before.get(feed) != after.get(feed));
                prop_assert!(moved.into_iter().all(|feed| touched.contains(&feed)));
            }
        }
    }
}
