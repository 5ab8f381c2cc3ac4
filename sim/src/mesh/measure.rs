//! A run: everybody gets what was written before, then single messages, then many at once.

use std::fs;
use std::time::Duration;
use std::time::Instant;

use ssb_gossip::connection::ConnectionId;
use ssb_gossip::connection::Side;
use ssb_gossip::peer::Peer;
use ssb_keys::network::NetworkKey;
use thiserror::Error;

use super::archive::Archive;
use super::line;
use super::line::Line;
use super::node::Node;
use super::outside::Event;
use super::outside::Outside;
use super::outside::Tally;
use super::outside::Verifying;
use super::shape::Shape;
use super::shape::TooLong;
use super::shape::Topology;
use crate::connection::ANONYMOUS;
use crate::random::Random;
use crate::scenario::SECOND;

/// The most copies of messages that the first phase has: feeds are as long as that allows.
pub const DELIVERIES_MAX: u64 = 9_000_000;

/// Within this time all connections are made, in microseconds.
const DIALED_WITHIN: u64 = 5 * SECOND;

/// How long bytes travel at least and at most, by connection.
const LATENCY: (u64, u64) = (20_000, 200_000);

/// After the first phase the network is left alone for so long: timers for peers that say nothing pass.
const SETTLED_AFTER: u64 = 30 * SECOND;

/// So long after one message the next is written; so long after all of a burst it is over, notes and all.
const PAUSE: u64 = 5 * SECOND;

/// A phase that takes longer does not come to its end.
const PATIENCE: u64 = 1_000 * SECOND;

/// By how many authors a burst is.
const BURST_AUTHORS: u32 = 5;

/// What is measured.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How connections lie.
    pub topology: Topology,
    /// How many nodes there are.
    pub nodes: usize,
    /// How many messages each feed has at first, at most.
    pub messages: u32,
    /// How many single messages are written then.
    pub singles: u32,
    /// How many messages each of the five authors of a burst writes at once.
    pub burst: u32,
    /// What chance depends on.
    pub seed: u64,
    /// Whether signatures are verified.
    pub verifying: Verifying,
    /// Whether connections are sealed.
    pub sealing: Sealing,
    /// How long all of it may take.
    pub within: Duration,
}

/// Whether connections are sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealing {
    /// With the secret handshake, and box streams.
    Sealed,
    /// Not at all.
    Open,
}

impl Plan {
    /// What is usual.
    pub const fn new(topology: Topology, nodes: usize) -> Self {
        Self {
            topology,
            nodes,
            messages: 5,
            singles: 20,
            burst: 20,
            seed: 1,
            verifying: Verifying::All,
            sealing: Sealing::Sealed,
            within: Duration::from_secs(3600),
        }
    }
}

/// What was measured.
#[derive(Clone, Debug)]
pub struct Measured {
    /// What for.
    pub plan: Plan,
    /// How many connections there were.
    pub connections: usize,
    /// How many the best connected node had.
    pub connections_max: usize,
    /// How many feeds are wanted by all together, their own not among them.
    pub wanted: usize,
    /// How many feeds are wanted by who wants most.
    pub wanted_max: usize,
    /// How many messages each feed had at first.
    pub messages: u32,
    /// How everybody got what was written before.
    pub first: Phase,
    /// How single messages got to everybody.
    pub singles: Phase,
    /// How many messages at once got to everybody.
    pub burst: Phase,
    /// How long it took.
    pub wall: Duration,
    /// The most memory that the process had, in bytes; 0 where that is not told.
    pub memory: u64,
}

/// A part of a run.
#[derive(Clone, Debug, Default)]
pub struct Phase {
    /// What was counted.
    pub tally: Tally,
    /// How long it took until all who can get it had all, in microseconds.
    pub took: u64,
    /// How long that took for each message, in order.
    pub each: Vec<u64>,
}

/// Why nothing was measured.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MeasureError {
    /// There is no such network.
    #[error(transparent)]
    TooLong(#[from] TooLong),
    /// Something happened that must not.
    #[error("after {micros} us: {what}")]
    Broken {
        /// When.
        micros: u64,
        /// What.
        what: String,
    },
    /// Not everybody got what they can get.
    #[error("{owed} copies of messages are missing after {micros} us")]
    Stuck {
        /// When.
        micros: u64,
        /// How much is missing.
        owed: u64,
    },
    /// The time was up.
    #[error("{owed} copies of messages were missing when the time was up, after {micros} us")]
    TimeUp {
        /// When.
        micros: u64,
        /// How much was missing.
        owed: u64,
    },
}

/// Measures.
///
/// # Errors
///
/// [`MeasureError`] says why not.
pub fn measure(plan: Plan) -> Result<Measured, MeasureError> {
    let started = Instant::now();
    forget_memory_peak();
    let mut random = Random::new(plan.seed);
    let shape = Shape::new(plan.topology, plan.nodes, &mut random)?;
    let mut world = World::new(plan, shape, started, random);
    let first = world.first()?;
    let singles = world.singles()?;
    let burst = world.burst()?;
    let shape = &world.shape;
    Ok(Measured {
        plan,
        connections: shape.links.len(),
        connections_max: shape.neighbours().iter().map(Vec::len).max().unwrap_or_default(),
        wanted: shape.wants.iter().map(|wanted| wanted.len() - 1).sum(),
        wanted_max: shape.wants.iter().map(Vec::len).max().unwrap_or_default(),
        messages: world.messages,
        first,
        singles,
        burst,
        wall: started.elapsed(),
        memory: memory_peak(),
    })
}

struct World {
    plan: Plan,
    shape: Shape,
    nodes: Vec<Node>,
    outside: Outside,
    random: Random,
    messages: u32,
    started: Instant,
}

impl World {
    fn new(plan: Plan, shape: Shape, started: Instant, mut random: Random) -> Self {
        let reach = shape.reach();
        let each: u64 = reach.iter().copied().map(u64::from).sum();
        let most = u32::try_from(DELIVERIES_MAX / each.max(1)).unwrap_or(u32::MAX).max(1);
        let messages = plan.messages.min(most);
        let mut archive = Archive::new(&reach, &mut random);
        for author in 0..plan.nodes {
            for _ in 0..messages {
                archive.write(author, 0, &mut random);
            }
        }
        let communities = shape.communities.last().map_or(1, |last| last + 1);
        let mut outside = Outside::new(archive, communities, plan.verifying);
        let nodes = (0..plan.nodes).map(|number| Node::new(number, messages, &shape, &outside)).collect();
        for link in 0..shape.links.len() {
            outside.after(random.below(DIALED_WITHIN), Event::Dial { link });
        }
        Self { plan, shape, nodes, outside, random, messages, started }
    }

    fn first(&mut self) -> Result<Phase, MeasureError> {
        let took = self.until_all_have_all()?;
        self.until(self.outside.micros() + SETTLED_AFTER)?;
        Ok(Phase { tally: self.outside.tally, took, each: Vec::new() })
    }

    fn singles(&mut self) -> Result<Phase, MeasureError> {
        let (before, since) = (self.outside.tally, self.outside.micros());
        let mut each = Vec::new();
        for _ in 0..self.plan.singles {
            let author = self.random.index(self.plan.nodes);
            self.publish(author, 1);
            each.push(self.until_all_have_all()?);
            self.until(self.outside.micros() + PAUSE)?;
        }
        each.sort_unstable();
        let took = self.outside.micros() - since;
        Ok(Phase { tally: self.outside.tally.since(before), took, each })
    }

    fn burst(&mut self) -> Result<Phase, MeasureError> {
        let before = self.outside.tally;
        for _ in 0..BURST_AUTHORS {
            let author = self.random.index(self.plan.nodes);
            self.publish(author, self.plan.burst);
        }
        let took = self.until_all_have_all()?;
        self.until(self.outside.micros() + PAUSE)?;
        Ok(Phase { tally: self.outside.tally.since(before), took, each: Vec::new() })
    }

    fn publish(&mut self, author: usize, count: u32) {
        for _ in 0..count {
            let sequence = self.outside.archive.write(author, self.outside.micros(), &mut self.random);
            if let Some(node) = self.nodes.get_mut(author) {
                node.publish(sequence, &mut self.outside);
            }
        }
    }

    /// Goes on until nobody misses anything that they can get. Returns how long that took.
    fn until_all_have_all(&mut self) -> Result<u64, MeasureError> {
        let since = self.outside.micros();
        while self.outside.archive.owed() > 0 {
            if !self.step(since + PATIENCE)? {
                let (micros, owed) = (self.outside.micros(), self.outside.archive.owed());
                return Err(MeasureError::Stuck { micros, owed });
            }
        }
        Ok(self.outside.micros() - since)
    }

    fn until(&mut self, at: u64) -> Result<(), MeasureError> {
        while self.step(at)? {}
        Ok(())
    }

    /// Lets one thing happen, if one does up to a time.
    fn step(&mut self, upto: u64) -> Result<bool, MeasureError> {
        let Some(event) = self.outside.happen(upto) else { return Ok(false) };
        let outside = &mut self.outside;
        match event {
            Event::Dial { link } => self.dial(link),
            Event::Arrive { node, link, bytes } => {
                if let Some(node) = self.nodes.get_mut(node) {
                    node.arrive(link, bytes, outside);
                }
            }
            Event::LineTimer { node, link } => {
                if let Some(node) = self.nodes.get_mut(node) {
                    node.tick_line(link, outside);
                }
            }
            Event::CoreTimer { node } => {
                if let Some(node) = self.nodes.get_mut(node) {
                    node.tick_core(outside);
                }
            }
            Event::Commit { node } => {
                if let Some(node) = self.nodes.get_mut(node) {
                    node.commit(outside);
                }
            }
        }
        let micros = self.outside.micros();
        if let Some(what) = self.outside.broken.take() {
            return Err(MeasureError::Broken { micros, what });
        }
        if self.started.elapsed() > self.plan.within {
            return Err(MeasureError::TimeUp { micros, owed: self.outside.archive.owed() });
        }
        Ok(true)
    }

    fn dial(&mut self, link: usize) {
        let Some((dialer, listener)) = self.shape.links.get(link).copied() else { return };
        let (least, most) = LATENCY;
        let latency = self.random.between(least, most);
        let (ours, theirs) = (self.random.seed(), self.random.seed());
        let outside = &mut self.outside;
        let (dials, listens) = (outside.archive.key(dialer), outside.archive.key(listener));
        let methods = &outside.methods;
        let peers = match self.plan.sealing {
            Sealing::Sealed => [
                Peer::dial(dials, &NetworkKey::MAIN, listens.id(), &ours, methods, ANONYMOUS),
                Peer::accept(listens, &NetworkKey::MAIN, &theirs, methods),
            ],
            Sealing::Open => [listens, dials].map(|other| Peer::local(other.id(), methods, ANONYMOUS)),
        };
        let ends = [([dialer, listener], Side::Dialed), ([listener, dialer], Side::Accepted)];
        let id: ConnectionId = line::id(link);
        for (peer, (nodes, side)) in peers.into_iter().zip(ends) {
            let line = Line::new(link, nodes, side, latency, peer, outside);
            let [node, _] = nodes;
            if let Some(node) = self.nodes.get_mut(node) {
                node.connect(id, line, outside);
            }
        }
    }
}

/// The most memory that the process had, in bytes; 0 where that is not told.
fn memory_peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = peak.and_then(|peak| peak.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kibibytes.unwrap_or_default() * 1024
}

/// Begins to look for the most memory anew, where that can be done.
fn forget_memory_peak() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}
