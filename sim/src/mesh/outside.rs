//! All that nodes share: the clock and what happens next, the archive, what they are told to do, and what is counted.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Duration;

use ssb_gossip::connection::ConnectionId;
use ssb_gossip::ebt;
use ssb_gossip::time::Now;
use ssb_gossip::time::UnixMillis;
use ssb_gossip::time::Uptime;
use ssb_keys::verify::KeyCache;
use ssb_msg::Signing;
use ssb_muxrpc::Kind;
use ssb_muxrpc::Method;
use ssb_muxrpc::Methods;
use ssb_muxrpc::Roles;

use super::archive::Archive;
use super::archive::wall;
use crate::connection::ANONYMOUS;

/// What nodes share.
#[derive(Debug)]
pub struct Outside {
    /// Every message.
    pub archive: Archive,
    /// What peers may call.
    pub methods: Arc<Methods>,
    /// What is counted.
    pub tally: Tally,
    /// Whether signatures are verified.
    pub verifying: Verifying,
    /// How messages are signed.
    pub signing: Signing,
    /// The keys of authors, for each community.
    pub keys: Vec<KeyCache>,
    /// What must not happen, and did.
    pub broken: Option<String>,
    now: u64,
    events: u64,
    queue: BinaryHeap<Due>,
}

/// Whether signatures are verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verifying {
    /// Each at each node.
    All,
    /// None.
    Nothing,
}

/// What happens.
#[derive(Debug)]
#[expect(missing_docs, reason = "the fields say what they are")]
pub enum Event {
    /// A connection is made.
    Dial { link: usize },
    /// Bytes reach an end of a connection.
    Arrive { node: usize, link: ConnectionId, bytes: Vec<u8> },
    /// A deadline of a connection has come.
    LineTimer { node: usize, link: ConnectionId },
    /// A deadline of a core has come.
    CoreTimer { node: usize },
    /// What a node was to store is durable.
    Commit { node: usize },
}

/// What is counted, of all nodes together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Bytes on all connections, sealed.
    pub wire_len: u64,
    /// Messages that were sent.
    pub sent: u64,
    /// Their bytes, as they were before anything was put around them.
    pub sent_len: u64,
    /// Notes that were sent.
    pub notes: u64,
    /// Their bytes.
    pub notes_len: u64,
    /// Messages that came for the first time.
    pub stored: u64,
    /// Their bytes: the least that can be sent.
    pub stored_len: u64,
    /// Messages that came again.
    pub known: u64,
    /// Messages that came before those that they follow.
    pub gaps: u64,
    /// How often a core asked the old way.
    pub fallbacks: u64,
}

impl Outside {
    /// A time at which nothing has happened.
    pub fn new(archive: Archive, communities: usize, verifying: Verifying) -> Self {
        let public = Roles::of(&[ANONYMOUS]);
        let ping = Method::new("gossip.ping", Kind::Duplex).allowed_to(public);
        let ebt = ebt::stream::method().allowed_to(public);
        let ooo = Method::new("ooo.stream", Kind::Duplex).allowed_to(public);
        let methods = Methods::new([ping, ebt, ooo], Roles::of(&[])).expect("their paths differ");
        Self {
            archive,
            methods: Arc::new(methods),
            tally: Tally::default(),
            verifying,
            signing: Signing::plain(),
            keys: vec![KeyCache::new(); communities],
            broken: None,
            now: 0,
            events: 0,
            queue: BinaryHeap::new(),
        }
    }

    /// What happens next, up to a time. Without any the clock stands there.
    pub fn happen(&mut self, upto: u64) -> Option<Event> {
        if self.queue.peek().is_none_or(|due| due.at > upto) {
            self.now = self.now.max(upto);
            return None;
        }
        let due = self.queue.pop()?;
        self.now = due.at;
        Some(due.event)
    }

    /// Something will happen, so many microseconds from now.
    pub fn after(&mut self, delay: u64, event: Event) {
        self.events += 1;
        self.queue.push(Due { at: self.now + delay, number: self.events, event });
    }

    /// Something must not happen, and did.
    pub fn fail(&mut self, what: impl FnOnce() -> String) {
        self.broken.get_or_insert_with(what);
    }

    /// When it is, in microseconds.
    pub const fn micros(&self) -> u64 {
        self.now
    }

    /// When it is, as machines are told.
    pub fn now(&self) -> Now {
        let uptime = Uptime::new(Duration::from_micros(self.now));
        Now { uptime, wall: UnixMillis(wall(self.now)) }
    }
}

impl Tally {
    /// What was counted since another one.
    #[must_use]
    pub const fn since(self, before: Self) -> Self {
        Self {
            wire_len: self.wire_len - before.wire_len,
            sent: self.sent - before.sent,
            sent_len: self.sent_len - before.sent_len,
            notes: self.notes - before.notes,
            notes_len: self.notes_len - before.notes_len,
            stored: self.stored - before.stored,
            stored_len: self.stored_len - before.stored_len,
            known: self.known - before.known,
            gaps: self.gaps - before.gaps,
            fallbacks: self.fallbacks - before.fallbacks,
        }
    }

    /// Sealed bytes for each byte of a message that somebody did not have.
    pub fn cost(self) -> f64 {
        ratio(self.wire_len, self.stored_len)
    }

    /// How often a message was sent for each time that somebody did not have it.
    pub fn copies(self) -> f64 {
        ratio(self.sent, self.stored)
    }
}

/// One number by another; 0 for nothing of nothing.
pub fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Something that will happen: of two, the later one is less, as the greatest comes first.
#[derive(Debug)]
struct Due {
    at: u64,
    number: u64,
    event: Event,
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}
