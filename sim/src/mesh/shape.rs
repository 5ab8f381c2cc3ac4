//! Who is connected with whom, and who follows whom.
//!
//! A network consists of communities of at most [`COMMUNITY_MAX`]. Members of a small one follow each other; of a larger one each
//! follows [`FOLLOWS`] members and those it is connected with, and wants the feeds that those follow, too. If there are several
//! communities, one node in [`BRIDGE_EVERY`] looks for a friend in another one, with whom it is connected; nobody has two, and pubs none.

use std::collections::BTreeSet;
use std::ops::Range;

use thiserror::Error;

use crate::random::Random;

/// How large a community is at most: with friends elsewhere nobody wants more than 400 feeds.
pub const COMMUNITY_MAX: usize = 335;

/// Members of a community of this size, and of smaller ones, all follow each other.
pub const ACQUAINTED_MAX: usize = 100;

/// How many others each member of a larger community follows.
pub const FOLLOWS: usize = 30;

/// One node in so many has a friend in another community.
pub const BRIDGE_EVERY: usize = 10;

/// One node in so many is a pub, where there are pubs.
pub const PUB_EVERY: usize = 50;

/// Of how many pubs everybody else is a member.
pub const PUBS_EACH: usize = 2;

/// How connections lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topology {
    /// Each is connected with the next.
    Line,
    /// A line whose ends are connected.
    Ring,
    /// Each is connected with five others at random.
    Regular,
    /// Each is connected with the four next to it on a ring; and one in four pairs across it.
    SmallWorld,
    /// All pubs of a community are connected with each other, everybody else with two of them.
    Pubs,
}

impl Topology {
    /// Every topology.
    pub const ALL: [Self; 5] = [Self::Line, Self::Ring, Self::Regular, Self::SmallWorld, Self::Pubs];

    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Line => "line",
            Self::Ring => "ring",
            Self::Regular => "regular",
            Self::SmallWorld => "small-world",
            Self::Pubs => "pubs",
        }
    }

    /// From how it is written.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topology| topology.name() == name)
    }
}

/// The nodes of a network, by number.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Who dials whom.
    pub links: Vec<(usize, usize)>,
    /// Whom each follows, in order.
    pub follows: Vec<Vec<usize>>,
    /// The community of each.
    pub communities: Vec<usize>,
    /// Whose feeds each wants, its own among them, in order.
    pub wants: Vec<Vec<usize>>,
}

/// A line or a ring is one community, and this is too long for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a line or a ring has at most {COMMUNITY_MAX} nodes, not {nodes}")]
pub struct TooLong {
    /// How many nodes there should be.
    pub nodes: usize,
}

impl Shape {
    /// A network of so many nodes.
    ///
    /// # Errors
    ///
    /// [`TooLong`] for a line or a ring.
    pub fn new(topology: Topology, nodes: usize, random: &mut Random) -> Result<Self, TooLong> {
        let communities = nodes.div_ceil(COMMUNITY_MAX).max(1);
        if communities > 1 && matches!(topology, Topology::Line | Topology::Ring) {
            return Err(TooLong { nodes });
        }
        let mut links = BTreeSet::new();
        let mut follows = vec![BTreeSet::new(); nodes];
        let mut hubs = BTreeSet::new();
        let mut of_node = Vec::with_capacity(nodes);
        for number in 0..communities {
            let members = number * nodes / communities..(number + 1) * nodes / communities;
            of_node.extend(members.clone().map(|_| number));
            let inside = connect(topology, &members, random);
            acquaint(topology, &members, &inside, &mut follows, random);
            hubs.extend(pubs(topology, &members));
            links.extend(inside);
        }
        // Whoever were a friend of a pub would want all that it does.
        let mut bridged = hubs;
        for node in (0..nodes).step_by(BRIDGE_EVERY) {
            let friend = random.index(nodes);
            let is_far = of_node.get(friend) != of_node.get(node);
            if is_far && bridged.is_disjoint(&BTreeSet::from([node, friend])) {
                bridged.extend([node, friend]);
                links.insert(in_order(node, friend));
                befriend(&mut follows, node, friend);
            }
        }
        let follows: Vec<Vec<usize>> = follows.into_iter().map(|all| all.into_iter().collect()).collect();
        let wants = (0..nodes).map(|node| wanted(&follows, node)).collect();
        // Whoever has the lower number would dial everybody else, and be known by nobody.
        let turn = |(one, two): (usize, usize)| if random.once_in(2) { (one, two) } else { (two, one) };
        Ok(Self { links: links.into_iter().map(turn).collect(), follows, communities: of_node, wants })
    }

    /// With whom each node is connected.
    pub fn neighbours(&self) -> Vec<Vec<usize>> {
        let mut all = vec![Vec::new(); self.follows.len()];
        for (one, two) in &self.links {
            for (from, to) in [(one, two), (two, one)] {
                if let Some(of_node) = all.get_mut(*from) {
                    of_node.push(*to);
                }
            }
        }
        all
    }

    /// How many others each feed can reach: over connections between nodes that want it.
    pub fn reach(&self) -> Vec<u32> {
        let neighbours = self.neighbours();
        let wants = |node: usize, feed: &usize| {
            self.wants.get(node).is_some_and(|wanted| wanted.binary_search(feed).is_ok())
        };
        let mut seen_for = vec![usize::MAX; neighbours.len()];
        let reach = (0..neighbours.len()).map(|feed| {
            let (mut queue, mut count) = (vec![feed], 0_u32);
            while let Some(node) = queue.pop() {
                let Some(seen) = seen_for.get_mut(node) else { continue };
                if std::mem::replace(seen, feed) == feed {
                    continue;
                }
                count += 1;
                let next = neighbours.get(node).into_iter().flatten().copied();
                queue.extend(next.filter(|next| wants(*next, &feed)));
            }
            count - 1
        });
        reach.collect()
    }
}

/// The connections inside a community.
fn connect(topology: Topology, members: &Range<usize>, random: &mut Random) -> BTreeSet<(usize, usize)> {
    let mut links = BTreeSet::new();
    let all: Vec<usize> = members.clone().collect();
    match topology {
        Topology::Line => chain(&all, 1, &mut links),
        Topology::Ring => {
            chain(&all, 1, &mut links);
            links.extend(all.first().zip(all.last()).map(|(first, last)| (*first, *last)));
        }
        Topology::Regular => {
            for _ in 0..2 {
                let order = shuffled(&all, random);
                chain(&order, 1, &mut links);
                links.extend(order.first().zip(order.last()).map(|(one, two)| in_order(*one, *two)));
            }
            let order = shuffled(&all, random);
            links.extend(order.chunks_exact(2).filter_map(|pair| match pair {
                [one, two] => Some(in_order(*one, *two)),
                _ => None,
            }));
        }
        Topology::SmallWorld => {
            let around: Vec<usize> = all.iter().chain(all.iter().take(2)).copied().collect();
            chain(&around, 1, &mut links);
            chain(&around, 2, &mut links);
            for _ in 0..all.len() / 2 {
                let [one, two] = [(); 2].map(|()| members.start + random.index(members.len()));
                links.insert(in_order(one, two));
            }
        }
        Topology::Pubs => {
            let pubs = pubs(topology, members);
            for node in members.clone() {
                if pubs.contains(&node) {
                    links.extend((pubs.start..node).map(|other| (other, node)));
                } else {
                    let chosen = (0..PUBS_EACH).map(|_| pubs.start + random.index(pubs.len()));
                    links.extend(chosen.map(|hub| in_order(hub, node)));
                }
            }
        }
    }
    links.retain(|(one, two)| one != two);
    links
}

/// Who follows whom inside a community.
fn acquaint(
    topology: Topology,
    members: &Range<usize>,
    links: &BTreeSet<(usize, usize)>,
    follows: &mut [BTreeSet<usize>],
    random: &mut Random,
) {
    let hubs = pubs(topology, members);
    for node in members.clone() {
        let Some(followed) = follows.get_mut(node) else { continue };
        if members.len() <= ACQUAINTED_MAX || hubs.contains(&node) {
            followed.extend(members.clone());
        } else {
            followed.extend((0..FOLLOWS).map(|_| members.start + random.index(members.len())));
        }
        followed.remove(&node);
    }
    for (one, two) in links {
        befriend(follows, *one, *two);
    }
}

fn befriend(follows: &mut [BTreeSet<usize>], one: usize, two: usize) {
    for (from, to) in [(one, two), (two, one)] {
        if let Some(followed) = follows.get_mut(from) {
            followed.insert(to);
        }
    }
}

fn wanted(follows: &[Vec<usize>], node: usize) -> Vec<usize> {
    let mut wanted = BTreeSet::from([node]);
    for friend in follows.get(node).into_iter().flatten() {
        wanted.insert(*friend);
        wanted.extend(follows.get(*friend).into_iter().flatten());
    }
    wanted.into_iter().collect()
}

fn pubs(topology: Topology, members: &Range<usize>) -> Range<usize> {
    let count = if topology == Topology::Pubs { (members.len() / PUB_EVERY).max(1) } else { 0 };
    members.start..members.start + count
}

/// Connects each with the one that comes so many behind it.
fn chain(order: &[usize], step: usize, links: &mut BTreeSet<(usize, usize)>) {
    links.extend(order.iter().zip(order.iter().skip(step)).map(|(one, two)| in_order(*one, *two)));
}

fn shuffled(all: &[usize], random: &mut Random) -> Vec<usize> {
    let mut order = all.to_vec();
    for last in (1..order.len()).rev() {
        order.swap(last, random.index(last + 1));
    }
    order
}

fn in_order(one: usize, two: usize) -> (usize, usize) {
    (one.min(two), one.max(two))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(topology: Topology, nodes: usize) -> Shape {
        Shape::new(topology, nodes, &mut Random::new(7)).unwrap()
    }

    #[test]
    fn every_feed_reaches_everybody_in_a_small_network() {
        for topology in Topology::ALL {
            let shape = shape(topology, 60);

            assert_eq!(shape.reach(), [59; 60], "{topology:?}");
        }
    }

    #[test]
    fn in_a_large_network_nobody_wants_more_than_400_feeds_and_most_reach_who_wants_them() {
        for topology in [Topology::Regular, Topology::SmallWorld, Topology::Pubs] {
            let shape = shape(topology, 1_000);

            let wanted: usize = shape.wants.iter().map(|wanted| wanted.len() - 1).sum();
            let reached: u32 = shape.reach().into_iter().sum();
            let most = shape.wants.iter().map(Vec::len).max().unwrap();
            assert!(most <= 400, "{topology:?}: {most}");
            assert!(f64::from(reached) > 0.9 * wanted as f64, "{topology:?}: {reached} of {wanted}");
        }
    }

    #[test]
    fn the_degree_is_about_five() {
        for topology in [Topology::Regular, Topology::SmallWorld] {
            let links = shape(topology, 1_000).links.len();

            assert!((2_300..2_800).contains(&links), "{topology:?}: {links}");
        }
    }

    #[test]
    fn a_long_line_is_refused() {
        let shape = Shape::new(Topology::Line, COMMUNITY_MAX + 1, &mut Random::new(1));

        assert_eq!(shape.map(drop), Err(TooLong { nodes: COMMUNITY_MAX + 1 }));
    }
}
