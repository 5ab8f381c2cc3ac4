//! The core, driven by what happens and judged by what it says must be done.

#![expect(clippy::indexing_slicing, clippy::panic, reason = "helpers of tests fail tests")]

mod adding;
mod admission;
mod asking;
mod dialing;
mod explaining;
mod flooding;
mod flow;
mod gate;
mod laws;
mod local;
mod peers;
mod progress;
mod removing;
mod screens;
mod singles;
mod trees;
mod verdicts;
mod wants;
mod wishes;

use std::sync::Arc;
use std::time::Duration;

use ssb_blobs::wants::Policy;
use ssb_gossip::connection::ConnectionId;
use ssb_gossip::connection::Side;
use ssb_gossip::connection::StreamId;
use ssb_gossip::core::Core;
use ssb_gossip::core::Start;
use ssb_gossip::event::Giver;
use ssb_gossip::event::Input;
use ssb_gossip::event::Letter;
use ssb_gossip::event::Outcome;
use ssb_gossip::event::Output;
use ssb_gossip::event::Refusal;
use ssb_gossip::event::Source;
use ssb_gossip::event::Verdict;
use ssb_gossip::firewall::Firewall;
use ssb_gossip::graph::Blocks;
use ssb_gossip::history::HistoryQuery;
use ssb_gossip::lan::Lan;
use ssb_gossip::retention::Retention;
use ssb_gossip::time::Now;
use ssb_gossip::time::UnixMillis;
use ssb_gossip::time::Uptime;
use ssb_keys::FeedId;
use ssb_keys::published_mark::PublishedMark;
use ssb_msg::Signing;
use ssb_msg::content::Contact;
use ssb_msg::content::Relation;
use ssb_muxrpc::Kind;
use ssb_muxrpc::RequestId;
use ssb_muxrpc::Role;
use ssb_muxrpc::Session;

/// The own feed, as a number for [`feed`].
const ME: u8 = 0;

/// How long the messages of these tests are: less than the least that is charged.
const LEN: usize = 300;

fn feed(n: u8) -> FeedId {
    FeedId::from_bytes([n; 32])
}

/// One of more feeds than [`feed`] has, and none of those.
fn numbered(n: usize) -> FeedId {
    let mut bytes = [9; 32];
    bytes[..8].copy_from_slice(&n.to_le_bytes());
    FeedId::from_bytes(bytes)
}

/// A core and its clock.
struct Node {
    core: Core,
    now: Uptime,
}

impl Node {
    fn start(start: Start) -> Self {
        Self { core: Core::new(start), now: Uptime::new(Duration::from_secs(100)) }
    }

    /// With a secret of its own and an empty log.
    fn new() -> Self {
        Self::start(fresh())
    }

    /// Who follows these feeds and has nothing of them.
    fn following(feeds: &[u8]) -> Self {
        let contacts = feeds.iter().map(|followed| says(ME, Relation::Follow, *followed)).collect();
        Self::start(Start { contacts, ..fresh() })
    }

    fn handle(&mut self, input: Input) -> Vec<Output> {
        self.core.handle(input, Now { uptime: self.now, wall: UnixMillis(0.0) });
        std::iter::from_fn(|| self.core.poll()).collect()
    }

    /// A connection with a peer that replicates the old way.
    fn open(&mut self, connection: u64, peer: u8, side: Side) -> Vec<Output> {
        let connection = ConnectionId(connection);
        let mut outputs = self.handle(Input::Opened { connection, peer: feed(peer), side });
        let calls = [Letter::EbtCall, Letter::BlobsCall].map(|call| call.to(connection));
        outputs.retain(|output| !calls.contains(output));
        outputs.extend(self.handle(Input::EbtEnded { connection }));
        outputs
    }

    fn close(&mut self, connection: u64) -> Vec<Output> {
        self.handle(Input::Closed { connection: ConnectionId(connection) })
    }

    /// `count` messages of `len` bytes on one stream.
    fn items(&mut self, connection: u64, stream: u64, count: usize, len: usize) -> Vec<Output> {
        let items = (0..count).map(|_| (StreamId(stream), vec![b' '; len])).collect();
        self.handle(Input::Items { connection: ConnectionId(connection), items })
    }

    fn ended(&mut self, connection: u64, stream: u64) -> Vec<Output> {
        self.stream_ended(connection, stream, false)
    }

    fn stream_ended(&mut self, connection: u64, stream: u64, failed: bool) -> Vec<Output> {
        let (connection, stream) = (ConnectionId(connection), StreamId(stream));
        self.handle(Input::StreamEnded { connection, stream, failed })
    }

    fn verdict(&mut self, connection: u64, stream: u64, outcome: Outcome) -> Vec<Output> {
        let source = Source { connection: ConnectionId(connection), stream: StreamId(stream) };
        let giver = Some(Giver::Peer(source));
        self.handle(Input::Verdicts(vec![Verdict { giver, len: LEN, outcome }]))
    }

    fn stored(&mut self, connection: u64, stream: u64, author: u8, sequence: u32) -> Vec<Output> {
        let outcome = Outcome::Stored { feed: feed(author), sequence, contact: None };
        self.verdict(connection, stream, outcome)
    }

    fn refused(&mut self, connection: u64, stream: u64, reason: Refusal) -> Vec<Output> {
        self.verdict(connection, stream, Outcome::Refused(reason))
    }

    /// A dial failed, at this time of the wall clock.
    fn fail(&mut self, millis: f64, peer: u8, error: &str) {
        let input = Input::DialFailed { peer: feed(peer), error: error.to_owned() };
        self.core.handle(input, Now { uptime: self.now, wall: UnixMillis(millis) });
        while self.core.poll().is_some() {}
    }

    /// So much later, with all that comes due on the way.
    fn later(&mut self, later: Duration) -> Vec<Output> {
        let end = self.now.after(later);
        let mut outputs = Vec::new();
        while let Some(due) = self.core.deadline().filter(|due| *due <= end) {
            self.now = due.max(self.now);
            outputs.extend(self.handle(Input::Tick));
        }
        self.now = end;
        outputs
    }

    /// The owner published a contact message.
    fn set(&mut self, relation: Relation, contact: u8) -> Vec<Output> {
        let contact = Some(Contact { contact: feed(contact), relation });
        let outcome = Outcome::Stored { feed: feed(ME), sequence: 1, contact };
        self.handle(Input::Verdicts(vec![Verdict { giver: None, len: 0, outcome }]))
    }
}

fn fresh() -> Start {
    Start {
        me: feed(ME),
        signing: Signing::plain(),
        hops: 2,
        blocks: Blocks::Transitive,
        mark: PublishedMark::created(feed(ME)),
        held: Vec::new(),
        contacts: Vec::new(),
        seeds: Vec::new(),
        banned: Vec::new(),
        forks: Vec::new(),
        retention: Retention::Everything,
        stored: Vec::new(),
        pubs: Vec::new(),
        dialing: None,
        lan: Lan::Off,
        firewall: Firewall::default(),
        blobs: Policy::default(),
        pushes: Vec::new(),
    }
}

fn says(author: u8, relation: Relation, contact: u8) -> (FeedId, Contact) {
    (feed(author), Contact { contact: feed(contact), relation })
}

/// The question for a feed from a sequence on, and what comes after.
fn ask(connection: u64, stream: u64, author: u8, from: u32) -> Output {
    question(connection, stream, author, from, true)
}

/// The question for what is stored of the own feed.
fn ask_stored(connection: u64, stream: u64, from: u32) -> Output {
    question(connection, stream, ME, from, false)
}

fn question(connection: u64, stream: u64, author: u8, from: u32, live: bool) -> Output {
    let query = HistoryQuery::replicate(feed(author), from, live);
    Letter::Ask { stream: StreamId(stream), query }.to(ConnectionId(connection))
}

fn stop(connection: u64, stream: u64) -> Output {
    Letter::Stop { stream: StreamId(stream) }.to(ConnectionId(connection))
}

/// The number of some call. Only a session makes them.
fn request() -> RequestId {
    let call = Session::new(Arc::default(), Role::new(0)).call(&["whoami"], Kind::Async, "[]");
    call.expect("it is the first call")
}
