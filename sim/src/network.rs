//! The outside of all nodes: the clock, what happens next, the bytes under way, and chance.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::time::Duration;

use ssb_gossip::connection::ConnectionId;
use ssb_gossip::time::Now;
use ssb_gossip::time::UnixMillis;
use ssb_gossip::time::Uptime;
use ssb_keys::hash::Sha256;

use crate::random::Random;
use crate::scenario::Scenario;
use crate::scenario::Step;
use crate::trace::Trace;

/// Virtual time, event queue, and pipes.
#[derive(Debug)]
pub struct Network {
    /// What was chosen for this run.
    pub scenario: Scenario,
    /// Everything left to chance.
    pub random: Random,
    /// All of that which concerns blobs.
    pub blob_random: Random,
    /// What happened last.
    pub trace: Trace,
    /// Whether things go wrong now.
    pub is_stormy: bool,
    now: u64,
    queue: BTreeMap<(u64, u64), Event>,
    events: u64,
    /// How far the wall clock of each node is off, in milliseconds.
    skews: Vec<f64>,
    links: BTreeMap<ConnectionId, Link>,
    /// On which side of a split each node is, if there is one.
    sides: Vec<bool>,
    connections: u64,
    digest: Sha256,
    sent: u64,
}

/// What happens at some time. What names a `life` is void once that life of the node is over.
#[derive(Debug)]
#[expect(missing_docs, reason = "the fields say what they are")]
pub enum Event {
    /// Bytes reach the other end of a pipe.
    Arrive { link: ConnectionId, to: End, bytes: Vec<u8> },
    /// The end of file does.
    HangUp { link: ConnectionId, to: End },
    /// A connection may go on, or its deadline has come.
    Pump { node: usize, link: ConnectionId },
    /// The core takes what waits for it, or its deadline has come.
    Turn { node: usize, life: u64 },
    /// A verifier of a node is done with a group.
    Verify { node: usize, life: u64, group: u64 },
    /// The log has done what it had taken.
    Commit { node: usize, life: u64 },
    /// A node dials another.
    Dial { node: usize, life: u64, target: usize },
    /// Somebody writes something.
    Publish { node: Option<usize> },
    /// Something goes wrong.
    Accident,
    /// An owner does something with a blob.
    Blob,
    /// What the scenario says.
    Scripted(Step),
    /// A node that crashed starts again.
    Start { node: usize },
    /// All nodes are looked at.
    Check,
    /// What was split is one again.
    Heal,
    /// Faults stop.
    Calm,
}

/// One end of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Of who dialed.
    Dialer,
    /// Of who was dialed.
    Listener,
}

impl End {
    /// The opposite one.
    pub const fn other(self) -> Self {
        match self {
            Self::Dialer => Self::Listener,
            Self::Listener => Self::Dialer,
        }
    }
}

/// A connection between two nodes.
#[derive(Debug)]
struct Link {
    dialer: usize,
    listener: usize,
    to_dialer: Pipe,
    to_listener: Pipe,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Works,
    /// Both ends see the end of file, and nothing else.
    Cut,
    /// Nothing arrives any more, and nobody is told.
    Silent,
}

/// Bytes on their way in one direction.
#[derive(Debug, Default)]
struct Pipe {
    flying: usize,
    arrived: VecDeque<u8>,
    /// When the last of it arrives: bytes do not overtake each other.
    last: u64,
    hung_up: bool,
    /// Whether the reader is gone.
    is_broken: bool,
    /// Whether the writer waits for room.
    is_awaited: bool,
    /// Whether the writer gave the connection up.
    is_closed: bool,
}

/// What a read found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// So many bytes.
    Some(usize),
    /// None yet.
    Wait,
    /// None ever again.
    End,
}

/// What a write did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// So many bytes were taken.
    Some(usize),
    /// There is no room.
    Wait,
    /// Nobody reads.
    Broken,
}

impl Network {
    /// An empty network.
    pub fn new(scenario: Scenario, trace: Trace) -> Self {
        let mut random = Random::new(!scenario.seed);
        let skews = scenario.roles.iter().map(|_| skew(&mut random)).collect();
        Self {
            random,
            blob_random: Random::new(scenario.seed.rotate_left(16)),
            scenario,
            trace,
            is_stormy: true,
            now: 0,
            queue: BTreeMap::new(),
            events: 0,
            skews,
            links: BTreeMap::new(),
            sides: Vec::new(),
            connections: 0,
            digest: Sha256::new(),
            sent: 0,
        }
    }

    /// Lets something happen later.
    pub fn after(&mut self, delay: u64, event: Event) {
        self.at(self.now + delay, event);
    }

    /// Goes on to what happens next.
    pub fn happen(&mut self) -> Option<Event> {
        let ((at, _), event) = self.queue.pop_first()?;
        self.now = at;
        Some(event)
    }

    /// Connects two nodes.
    pub fn connect(&mut self, dialer: usize, listener: usize) -> ConnectionId {
        let id = ConnectionId(self.connections);
        self.connections += 1;
        let (to_dialer, to_listener) = (Pipe::default(), Pipe::default());
        self.links.insert(id, Link { dialer, listener, to_dialer, to_listener, state: State::Works });
        id
    }

    /// Writes at one end, as much as there is room for.
    pub fn write(&mut self, id: ConnectionId, from: End, bytes: &[u8]) -> Written {
        let Some(link) = self.links.get_mut(&id) else { return Written::Broken };
        let (works, is_silent) = (link.state == State::Works, link.state == State::Silent);
        let pipe = link.pipe(from.other());
        if pipe.is_broken && !is_silent {
            return Written::Broken;
        }
        let room = self.scenario.pipe_len.saturating_sub(pipe.flying + pipe.arrived.len());
        let chunk = usize::try_from(self.random.between(1, self.scenario.chunk_max)).unwrap_or(usize::MAX);
        let count = bytes.len().min(room).min(chunk);
        if count == 0 {
            pipe.is_awaited = true;
            return Written::Wait;
        }
        let latency = self.random.between(1, self.scenario.latency_max);
        pipe.last = pipe.last.max(self.now + latency);
        pipe.flying += count;
        let (at, bytes) = (pipe.last, bytes.iter().take(count).copied().collect::<Vec<u8>>());
        self.digest.update(&self.now.to_le_bytes());
        self.digest.update(&id.0.to_le_bytes());
        self.digest.update(&[u8::from(from == End::Dialer)]);
        self.digest.update(&bytes);
        self.sent += u64::try_from(count).unwrap_or(u64::MAX);
        if works {
            self.at(at, Event::Arrive { link: id, to: from.other(), bytes });
        }
        Written::Some(count)
    }

    /// Reads at one end.
    pub fn read(&mut self, id: ConnectionId, at: End, buffer: &mut [u8]) -> Read {
        let Some(link) = self.links.get_mut(&id) else { return Read::End };
        let writer = link.node(at.other());
        let pipe = link.pipe(at);
        if pipe.arrived.is_empty() {
            return if pipe.hung_up { Read::End } else { Read::Wait };
        }
        let count = buffer.len().min(pipe.arrived.len());
        for (to, from) in buffer.iter_mut().zip(pipe.arrived.drain(..count)) {
            *to = from;
        }
        if std::mem::take(&mut pipe.is_awaited) {
            self.after(1, Event::Pump { node: writer, link: id });
        }
        Read::Some(count)
    }

    /// Bytes arrive. Returns at whose end.
    pub fn arrive(&mut self, id: ConnectionId, to: End, bytes: Vec<u8>) -> Option<usize> {
        let link = self.links.get_mut(&id).filter(|link| link.state == State::Works)?;
        let node = link.node(to);
        let pipe = link.pipe(to);
        pipe.flying -= bytes.len();
        pipe.arrived.extend(bytes);
        Some(node)
    }

    /// The end of file arrives. Returns at whose end.
    pub fn hang_up(&mut self, id: ConnectionId, to: End) -> Option<usize> {
        let link = self.links.get_mut(&id).filter(|link| link.state == State::Works)?;
        let node = link.node(to);
        link.pipe(to).hung_up = true;
        Some(node)
    }

    /// One end is given up: what it wrote still arrives, then the end of file.
    pub fn close(&mut self, id: ConnectionId, end: End) {
        let now = self.now;
        let Some(link) = self.links.get_mut(&id) else { return };
        let to = end.other();
        link.pipe(to).is_closed = true;
        link.pipe(end).is_broken = true;
        let at = link.pipe(to).last.max(now);
        if link.pipe(end).is_closed {
            self.links.remove(&id);
        } else {
            self.at(at + 1, Event::HangUp { link: id, to });
        }
    }

    /// Loses a connection: bytes under way are lost, and both ends see the end of file, or nothing ever again.
    pub fn cut(&mut self, id: ConnectionId, notice: Notice) {
        let Some(link) = self.links.get_mut(&id) else { return };
        if notice == Notice::Nobody {
            link.state = State::Silent;
            return;
        }
        link.state = State::Cut;
        let nodes = [link.dialer, link.listener];
        for to in [End::Dialer, End::Listener] {
            let pipe = link.pipe(to);
            let is_closed = pipe.is_closed;
            *pipe = Pipe { hung_up: true, is_broken: true, is_closed, ..Pipe::default() };
        }
        for node in nodes {
            self.after(1, Event::Pump { node, link: id });
        }
    }

    /// Whether a disk may fail now.
    pub const fn disks_fail(&self) -> bool {
        self.is_stormy && self.scenario.disks_fail
    }

    /// Nodes on different sides do not reach each other from now on. What is between them is lost, and nobody is told.
    pub fn split(&mut self, sides: Vec<bool>) {
        self.sides = sides;
        let across = self.links.iter().filter(|(_, link)| !self.is_one_side(link.dialer, link.listener));
        // Where no connection falls silent, an accident tells both ends.
        let notice = if self.scenario.has_silence { Notice::Nobody } else { Notice::Both };
        for id in across.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.cut(id, notice);
        }
    }

    /// Everybody reaches everybody again.
    pub fn heal(&mut self) {
        self.sides.clear();
    }

    /// Whether no split is between two nodes.
    pub fn is_one_side(&self, one: usize, other: usize) -> bool {
        self.sides.get(one) == self.sides.get(other)
    }

    /// The connections that work.
    pub fn living(&self) -> Vec<ConnectionId> {
        self.links.iter().filter(|(_, link)| link.state == State::Works).map(|(id, _)| *id).collect()
    }

    /// Who is at an end of a connection.
    pub fn node(&self, id: ConnectionId, end: End) -> Option<usize> {
        self.links.get(&id).map(|link| link.node(end))
    }

    /// What a node takes for the time. All of them have the same clock.
    pub fn now(&self) -> Now {
        // 2020 began there.
        let millis = u32::try_from(self.now / 1000).expect("no run lasts for weeks");
        let wall = UnixMillis(1_577_836_800_000.0 + f64::from(millis));
        Now { uptime: self.uptime(), wall }
    }

    /// The same as a node sees it.
    pub fn now_at(&self, node: usize) -> Now {
        let Now { uptime, wall } = self.now();
        let skew = self.skews.get(node).copied().unwrap_or_default();
        Now { uptime, wall: UnixMillis(wall.0 + skew) }
    }

    /// The wall clock of a node is set to something else.
    pub fn set_clock(&mut self, node: usize) {
        let skew = skew(&mut self.random);
        if let Some(place) = self.skews.get_mut(node) {
            *place = skew;
        }
    }

    /// The same without the wall clock.
    pub const fn uptime(&self) -> Uptime {
        Uptime::new(Duration::from_micros(self.now))
    }

    /// Microseconds since the run began.
    pub const fn micros(&self) -> u64 {
        self.now
    }

    /// How many bytes were sent.
    pub const fn sent(&self) -> u64 {
        self.sent
    }

    /// A digest of all bytes sent, with when and on which connection.
    pub fn digest(&self) -> [u8; 32] {
        self.digest.clone().finish()
    }

    /// Writes a line into the trace.
    pub fn say(&mut self, line: impl FnOnce() -> String) {
        self.trace.say(self.now, line);
    }

    fn at(&mut self, at: u64, event: Event) {
        self.queue.insert((at, self.events), event);
        self.events += 1;
    }
}

/// Who notices that a connection is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Both ends, at once.
    Both,
    /// Neither.
    Nobody,
}

impl Link {
    const fn node(&self, end: End) -> usize {
        match end {
            End::Dialer => self.dialer,
            End::Listener => self.listener,
        }
    }

    const fn pipe(&mut self, to: End) -> &mut Pipe {
        match to {
            End::Dialer => &mut self.to_dialer,
            End::Listener => &mut self.to_listener,
        }
    }
}

/// How far a wall clock is off, in milliseconds: mostly not much, sometimes decades, either way.
fn skew(random: &mut Random) -> f64 {
    const DAY: u64 = 86_400_000;
    let reach = match random.below(4) {
        0 => 1,
        1 => 60_000,
        2 => DAY,
        _ => 10_000 * DAY,
    };
    let skew = f64::from(u32::try_from(random.below(reach) / 1_000).expect("it is less than 30 years"));
    skew * if random.once_in(2) { 1_000.0 } else { -1_000.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Mode;

    fn network(pipe_len: usize) -> Network {
        let scenario = Scenario { pipe_len, chunk_max: 7, ..Scenario::new(1, 2..=2) };
        Network::new(scenario, Trace::new(Mode::Kept))
    }

    /// Writes at the dialer's end and reads at the other until nothing happens, then says what came and how it stands.
    fn carry(network: &mut Network, link: ConnectionId, mut bytes: &[u8]) -> (Vec<u8>, Read) {
        let mut came = Vec::new();
        let mut buffer = [0; 5];
        loop {
            while let Written::Some(count) = network.write(link, End::Dialer, bytes) {
                bytes = &bytes[count..];
            }
            let read = network.read(link, End::Listener, &mut buffer);
            if let Read::Some(count) = read {
                came.extend_from_slice(&buffer[..count]);
                continue;
            }
            match network.happen() {
                Some(Event::Arrive { link, to, bytes }) => {
                    assert_eq!(network.arrive(link, to, bytes), Some(1));
                }
                Some(Event::HangUp { link, to }) => {
                    network.hang_up(link, to);
                }
                Some(_) => {}
                None => return (came, read),
            }
        }
    }

    #[test]
    fn bytes_arrive_whole_and_in_order_however_small_the_pipe_is() {
        let bytes: Vec<u8> = (0..=255).collect();
        for pipe_len in [1, 10, 1000] {
            let mut network = network(pipe_len);
            let link = network.connect(0, 1);

            assert_eq!(carry(&mut network, link, &bytes), (bytes.clone(), Read::Wait));
            assert_eq!(network.sent(), 256);
        }
    }

    #[test]
    fn what_was_written_before_a_close_arrives_before_the_end_of_file() {
        let mut network = network(1000);
        let link = network.connect(0, 1);
        assert!(matches!(network.write(link, End::Dialer, b"bye"), Written::Some(1..)));

        network.close(link, End::Dialer);

        let (came, read) = carry(&mut network, link, b"");
        assert!(b"bye".starts_with(&came) && !came.is_empty());
        assert_eq!(read, Read::End);
        assert_eq!(network.write(link, End::Listener, b"?"), Written::Broken);
    }

    #[test]
    fn a_cut_loses_what_is_under_way_and_both_ends_know() {
        let mut network = network(1000);
        let link = network.connect(0, 1);
        network.write(link, End::Dialer, b"lost");

        network.cut(link, Notice::Both);

        while let Some(event) = network.happen() {
            if let Event::Arrive { link, to, bytes } = event {
                assert_eq!(network.arrive(link, to, bytes), None);
            }
        }
        for end in [End::Dialer, End::Listener] {
            assert_eq!(network.read(link, end, &mut [0; 9]), Read::End);
            assert_eq!(network.write(link, end, b"?"), Written::Broken);
        }
    }

    #[test]
    fn a_silent_connection_takes_bytes_until_it_is_full_and_nobody_knows() {
        let mut network = network(10);
        let link = network.connect(0, 1);

        network.cut(link, Notice::Nobody);

        assert_eq!(carry(&mut network, link, &[1; 100]), (vec![], Read::Wait));
        assert_eq!(network.sent(), 10);
        assert_eq!(network.living(), []);
    }
}
