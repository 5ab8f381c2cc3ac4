//! One end of a connection, as ssb-node's peer task lives it: bytes between the network and a [`Peer`], calls between
//! the peer and its node. Here nothing waits: [`pump`](Connection::pump) does what can be done now.

use std::collections::BTreeMap;
use std::collections::VecDeque;

use ssb_gossip::connection::ConnectionId;
use ssb_gossip::connection::Side;
use ssb_gossip::connection::StreamId;
use ssb_gossip::event::Input;
use ssb_gossip::history::HistoryQuery;
use ssb_gossip::history::Served;
use ssb_gossip::peer::Peer;
use ssb_gossip::peer::PeerEvent;
use ssb_keys::FeedId;
use ssb_log::Ordinal;
use ssb_log::Reader;
use ssb_log::faulty::Faulty;
use ssb_log::memory::Memory;
use ssb_muxrpc::Body;
use ssb_muxrpc::Kind;
use ssb_muxrpc::RemoteError;
use ssb_muxrpc::RequestId;
use ssb_muxrpc::Role;

use crate::network::End;
use crate::network::Event;
use crate::network::Network;
use crate::network::Read;
use crate::network::Written;

/// What strangers may be.
pub const ANONYMOUS: Role = Role::new(1);

/// The most items that go to the core at once.
pub const ITEMS_LEN_MAX: usize = 256;

/// The most memory that the buffers of one peer may take: what is sealed, what waits to be sealed up to its limit with
/// a page and a frame on top, and what was read, each with the slack of a vector.
pub const MEMORY_MAX: usize = 2 * 1024 * 1024;

/// What the core says to a connection.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the fields are those of the core's outputs")]
pub enum Letter {
    /// Let the guest in.
    Admit,
    /// Turn the guest away.
    Refuse,
    /// Say goodbye.
    Close,
    /// Ask for a feed.
    Ask { stream: StreamId, query: HistoryQuery },
    /// End a stream that we asked for.
    Stop { stream: StreamId },
    /// Answer a call.
    ServeHistory { request: RequestId, allowed: bool },
}

/// A connection of one node.
#[derive(Debug)]
pub struct Connection {
    id: ConnectionId,
    end: End,
    node: usize,
    me: FeedId,
    peer: Peer,
    letters: VecDeque<Letter>,
    items: Vec<(StreamId, Vec<u8>)>,
    asked: BTreeMap<RequestId, StreamId>,
    unserved: BTreeMap<RequestId, HistoryQuery>,
    ready: VecDeque<(RequestId, Served)>,
    waiting: BTreeMap<RequestId, Served>,
    /// How far the log was when `waiting` was last looked at.
    seen: Ordinal,
    timer_at: Option<u64>,
    ended: Option<String>,
}

/// What came of pumping.
#[derive(Debug, Default)]
pub struct Pumped {
    /// What the core is to hear.
    pub inputs: Vec<Input>,
    /// What was sent: whose message, which, to whom.
    pub sent: Vec<(FeedId, u32, FeedId)>,
    /// A read of the log failed.
    pub failed: bool,
    /// The connection is over.
    pub is_over: bool,
}

impl Connection {
    /// An end of a connection that was just made.
    pub fn new(
        id: ConnectionId,
        end: End,
        node: usize,
        me: FeedId,
        mut peer: Peer,
        network: &Network,
    ) -> Self {
        peer.start(network.now());
        Self {
            id,
            end,
            node,
            me,
            peer,
            letters: VecDeque::new(),
            items: Vec::new(),
            asked: BTreeMap::new(),
            unserved: BTreeMap::new(),
            ready: VecDeque::new(),
            waiting: BTreeMap::new(),
            seen: Ordinal::ZERO,
            timer_at: None,
            ended: None,
        }
    }

    /// The core says something.
    pub fn tell(&mut self, letter: Letter) {
        self.letters.push_back(letter);
    }

    /// Which end it is.
    pub const fn end(&self) -> End {
        self.end
    }

    /// Who is at the other end, once calls go both ways.
    pub fn remote(&self) -> Option<FeedId> {
        self.peer.remote().filter(|_| self.peer.is_open())
    }

    /// How much memory its buffers take.
    pub fn memory(&self) -> usize {
        self.peer.memory()
    }

    /// Does all that can be done now. `room` is how many events the core still takes.
    pub fn pump(&mut self, network: &mut Network, reader: &Reader<Faulty<Memory>>, room: usize) -> Pumped {
        let mut out = Pumped::default();
        loop {
            let mut moved = self.pump_letters(network, reader, &mut out);
            moved |= self.pump_sources(network, reader, &mut out);
            self.pump_timer(network);
            let has_room = out.inputs.len() < room;
            if has_room {
                moved |= self.pump_events(&mut out);
            }
            if let Some(reason) = self.ended.take() {
                network.say(|| format!("node {} connection {}: {reason}", self.node, self.id.0));
                self.write(network);
                out.is_over = true;
                return out;
            }
            moved |= self.write(network);
            if has_room && self.peer.takes_bytes() {
                moved |= self.read(network);
            }
            if !moved {
                self.set_timer(network);
                return out;
            }
        }
    }

    fn pump_letters(&mut self, network: &Network, reader: &Reader<Faulty<Memory>>, out: &mut Pumped) -> bool {
        let mut moved = false;
        while let Some(letter) = self.letters.pop_front() {
            moved = true;
            match letter {
                Letter::Admit => self.peer.admit(ANONYMOUS),
                Letter::Refuse => self.peer.refuse(),
                Letter::Close => self.peer.close(network.now()),
                Letter::Ask { stream, query } => {
                    match self.peer.call(&["createHistoryStream"], Kind::Source, &query.to_args()) {
                        Ok(request) => {
                            self.asked.insert(request, stream);
                        }
                        Err(_) => {
                            let connection = self.id;
                            self.tell_core(Input::StreamEnded { connection, stream, failed: true }, out);
                        }
                    }
                }
                Letter::Stop { stream } => {
                    let mut asked = self.asked.iter();
                    let request = asked.find(|(_, asked)| **asked == stream).map(|(request, _)| *request);
                    if let Some(request) = request {
                        self.asked.remove(&request);
                        self.peer.end(request);
                    }
                }
                Letter::ServeHistory { request, allowed } => match self.unserved.remove(&request) {
                    Some(query) if allowed => {
                        let viewer = self.peer.remote().unwrap_or(self.me);
                        let served = Served::new(query, viewer, latest(reader, &query.feed));
                        self.ready.push_back((request, served));
                    }
                    Some(_) => self.peer.end(request),
                    None => {}
                },
            }
        }
        moved
    }

    /// Pulls one page, if little waits to be written.
    fn pump_sources(&mut self, network: &Network, reader: &Reader<Faulty<Memory>>, out: &mut Pumped) -> bool {
        self.wake(reader);
        let page_len = network.scenario.page_len;
        if self.peer.buffered() >= page_len {
            return false;
        }
        let Some((request, mut served)) = self.ready.pop_front() else { return false };
        let (feed, viewer) = (served.feed(), self.peer.remote().unwrap_or(self.me));
        let latest = latest(reader, &feed);
        let mut len = 0;
        while let Some(sequence) = served.next(latest) {
            if len >= page_len {
                self.ready.push_back((request, served));
                return true;
            }
            let stored = match reader.feed_page(&feed, sequence, 1) {
                Ok(page) => page.into_iter().next(),
                Err(error) => {
                    out.failed = true;
                    self.peer.refuse_call(request, &RemoteError::new(error.to_string()));
                    return true;
                }
            };
            let Some(stored) = stored else { break };
            let Some(item) = served.item(&stored.id, stored.received, &stored.json) else { break };
            len += item.len();
            self.peer.item(request, Body::Json(&item));
            out.sent.push((feed, sequence, viewer));
        }
        if served.is_over(latest) {
            self.peer.end(request);
        } else {
            self.waiting.insert(request, served);
        }
        true
    }

    /// Streams that wait for a feed which has grown are ready again.
    fn wake(&mut self, reader: &Reader<Faulty<Memory>>) {
        if std::mem::replace(&mut self.seen, reader.end()) == reader.end() {
            return;
        }
        let grown: Vec<RequestId> = self
            .waiting
            .iter()
            .filter(|(_, served)| served.next(latest(reader, &served.feed())).is_some())
            .map(|(request, _)| *request)
            .collect();
        for request in grown {
            self.ready.extend(self.waiting.remove(&request).map(|served| (request, served)));
        }
    }

    fn pump_timer(&mut self, network: &Network) {
        if self.timer_at.is_some_and(|at| network.micros() >= at) {
            self.timer_at = None;
            self.peer.tick(network.now());
        }
    }

    fn pump_events(&mut self, out: &mut Pumped) -> bool {
        let mut moved = false;
        while self.ended.is_none() && self.items.len() < ITEMS_LEN_MAX {
            let Some(event) = self.peer.poll() else { break };
            moved = true;
            let connection = self.id;
            match event {
                PeerEvent::Guest(peer) => out.inputs.push(Input::Guest { connection, peer }),
                PeerEvent::Open(peer) => {
                    let side = if self.end == End::Dialer { Side::Dialed } else { Side::Accepted };
                    out.inputs.push(Input::Opened { connection, peer, side });
                }
                PeerEvent::Called { request, args, .. } => match HistoryQuery::parse(args) {
                    Some(query) => {
                        self.unserved.insert(request, query);
                        let asked = Input::HistoryAsked { connection, request, feed: query.feed };
                        self.tell_core(asked, out);
                    }
                    None => self.peer.end(request),
                },
                PeerEvent::Item { request, body, .. } => {
                    if let Some(stream) = self.asked.get(&request) {
                        self.items.push((*stream, body.to_vec()));
                    }
                }
                PeerEvent::StreamEnded { request, error } => {
                    let failed = error.is_some();
                    if let Some(stream) = self.asked.remove(&request) {
                        self.tell_core(Input::StreamEnded { connection, stream, failed }, out);
                    }
                    self.unserved.remove(&request);
                    self.ready.retain(|(ready, _)| *ready != request);
                    self.waiting.remove(&request);
                }
                PeerEvent::Ended(result) => {
                    self.ended =
                        Some(result.map_or_else(|error| error.to_string(), |()| "closed".to_owned()));
                }
                PeerEvent::Answered { .. } | PeerEvent::Failed { .. } | PeerEvent::Goodbye => {}
            }
        }
        self.flush_items(out);
        moved
    }

    fn write(&mut self, network: &mut Network) -> bool {
        let mut moved = false;
        while !self.peer.outgoing().is_empty() {
            match network.write(self.id, self.end, self.peer.outgoing()) {
                Written::Some(count) => self.peer.wrote(count, network.now()),
                Written::Wait => break,
                Written::Broken => {
                    self.ended.get_or_insert_with(|| "nobody reads any more".to_owned());
                    return true;
                }
            }
            moved = true;
        }
        moved
    }

    fn read(&mut self, network: &mut Network) -> bool {
        match network.read(self.id, self.end, self.peer.space()) {
            Read::Some(count) => self.peer.filled(count, network.now()),
            Read::End => self.peer.hung_up(),
            Read::Wait => {
                self.peer.rest();
                return false;
            }
        }
        true
    }

    fn set_timer(&mut self, network: &mut Network) {
        let Some(deadline) = self.peer.deadline() else { return };
        let delay = micros(deadline.since(network.uptime())).max(1);
        let at = network.micros() + delay;
        // A later deadline is looked at when the earlier one has passed.
        if self.timer_at.is_none_or(|timer| at < timer) {
            self.timer_at = Some(at);
            network.after(delay, Event::Pump { node: self.node, link: self.id });
        }
    }

    fn flush_items(&mut self, out: &mut Pumped) {
        if !self.items.is_empty() {
            let items = std::mem::take(&mut self.items);
            out.inputs.push(Input::Items { connection: self.id, items });
        }
    }

    // What came before goes before.
    fn tell_core(&mut self, input: Input, out: &mut Pumped) {
        self.flush_items(out);
        out.inputs.push(input);
    }
}

/// A time as the virtual clock counts, rounded up.
pub fn micros(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1000)).unwrap_or(u64::MAX)
}

fn latest(reader: &Reader<Faulty<Memory>>, feed: &FeedId) -> u32 {
    reader.latest(feed).map_or(0, |latest| latest.sequence)
}
