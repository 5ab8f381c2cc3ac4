//! One end of a connection, as ssb-node's peer task lives it: bytes between the network and a [`Peer`], calls between
//! the peer and its node. Here nothing waits: [`pump`](Connection::pump) does what can be done now.

use std::collections::BTreeMap;
use std::collections::VecDeque;

use ssb_gossip::connection::ConnectionId;
use ssb_gossip::connection::Side;
use ssb_gossip::ebt::serving::Serving;
use ssb_gossip::ebt::stream::EbtStream;
use ssb_gossip::event::Input;
use ssb_gossip::event::Letter;
use ssb_gossip::history::HistoryQuery;
use ssb_gossip::history::INCOMPLETE;
use ssb_gossip::history::Served;
use ssb_gossip::history::ServedPage;
use ssb_gossip::history::ServedThen;
use ssb_gossip::ooo::stream::OooStream;
use ssb_gossip::peer::Peer;
use ssb_gossip::peer::PeerEvent;
use ssb_gossip::peer::Timeouts;
use ssb_gossip::ping::PAUSE;
use ssb_gossip::ping::PingStreams;
use ssb_gossip::streams::HistoryStreams;
use ssb_keys::FeedId;
use ssb_log::Ordinal;
use ssb_log::Reader;
use ssb_log::faulty::Faulty;
use ssb_log::memory::Memory;
use ssb_log::read::ReadError;
use ssb_msg::content::Relation;
use ssb_muxrpc::Body;
use ssb_muxrpc::Kind;
use ssb_muxrpc::RemoteError;
use ssb_muxrpc::RequestId;
use ssb_muxrpc::Role;

use crate::blobs::Blobs;
use crate::blobs::Shelf;
use crate::network::End;
use crate::network::Event;
use crate::network::Network;
use crate::network::Read;
use crate::network::Written;

/// The number of `ebt.replicate` in the table of methods.
pub const EBT: usize = 2;

/// The number of `ooo.stream` in it.
pub const OOO: usize = 3;

/// The number of `blobs.createWants` in it.
pub const WANTS: usize = 4;

/// The number of `blobs.get` in it.
pub const GET: usize = 5;

/// What strangers may be.
pub const ANONYMOUS: Role = Role::new(1);

/// The most memory that the buffers of one peer may take: what is sealed, what waits to be sealed up to its limit with
/// a page and a frame on top, and what was read, each with the slack of a vector.
pub const MEMORY_MAX: usize = 2 * 1024 * 1024;

/// A connection of one node.
#[derive(Debug)]
pub struct Connection {
    id: ConnectionId,
    end: End,
    node: usize,
    me: FeedId,
    peer: Peer,
    letters: VecDeque<Letter>,
    streams: HistoryStreams,
    pings: PingStreams,
    ebt: EbtStream,
    ooo: OooStream,
    blobs: Blobs,
    ready: VecDeque<(RequestId, Served)>,
    waiting: BTreeMap<RequestId, Served>,
    /// How far the log was when `waiting` was last looked at.
    seen: Ordinal,
    timer_at: Option<u64>,
    ended: Option<String>,
    /// Whether calls ever went both ways.
    was_open: bool,
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
        peer.start(Timeouts::default(), network.now_at(node));
        Self {
            id,
            end,
            node,
            me,
            peer,
            letters: VecDeque::new(),
            streams: HistoryStreams::new(id),
            pings: PingStreams::new(id, PAUSE),
            ebt: EbtStream::new(id),
            ooo: OooStream::new(id),
            blobs: Blobs::new(id),
            ready: VecDeque::new(),
            waiting: BTreeMap::new(),
            seen: Ordinal::ZERO,
            timer_at: None,
            ended: None,
            was_open: false,
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

    /// Whether calls ever went both ways.
    pub const fn was_open(&self) -> bool {
        self.was_open
    }

    /// How much memory its buffers take.
    pub fn memory(&self) -> usize {
        self.peer.memory()
    }

    /// Does all that can be done now. `room` is how many events the core still takes.
    pub fn pump(
        &mut self,
        network: &mut Network,
        reader: &Reader<Faulty<Memory>>,
        shelf: &mut Shelf,
        room: usize,
    ) -> Pumped {
        let mut out = Pumped::default();
        loop {
            let mut moved = self.pump_letters(network);
            moved |= self.pump_sources(network, reader, &mut out);
            moved |= self.pump_ebt(network, reader, &mut out);
            moved |= self.pump_ooo(network, reader, &mut out);
            moved |= self.blobs.pump(network, shelf, &mut self.peer);
            // Behind what is sent: pages may be so small here that they wait until nothing else does.
            self.tell_core(&mut out);
            self.pump_timer(network);
            let has_room = out.inputs.len() < room;
            if has_room {
                moved |= self.pump_events(network, reader, &mut out);
            }
            if let Some(reason) = self.ended.take() {
                network.say(|| format!("node {} connection {}: {reason}", self.node, self.id.0));
                self.write(network);
                out.is_over = true;
                return out;
            }
            moved |= self.write(network);
            if has_room && self.takes_events() && self.peer.takes_bytes() {
                moved |= self.read(network);
            }
            if !moved {
                self.set_timer(network);
                return out;
            }
        }
    }

    fn pump_letters(&mut self, network: &Network) -> bool {
        let mut moved = false;
        while let Some(letter) = self.letters.pop_front() {
            moved = true;
            match letter {
                Letter::Admit => self.peer.admit(ANONYMOUS),
                Letter::Refuse => self.peer.refuse(),
                Letter::Close => self.peer.close(network.now_at(self.node)),
                Letter::Ping => self.pings.call(&mut self.peer, network.now_at(self.node)),
                Letter::Ask { stream, query } => self.streams.ask(stream, &query, &mut self.peer),
                Letter::Stop { stream } => self.streams.stop(stream, &mut self.peer),
                Letter::ServeHistory { request, allowed } => {
                    let served = self.streams.serve(request, allowed, &mut self.peer);
                    self.ready.extend(served.map(|served| (request, served)));
                }
                Letter::EbtCall => self.ebt.call(&mut self.peer),
                Letter::EbtAccept { request } => self.ebt.accept(request, &mut self.peer),
                Letter::EbtRefuse { request } => self.ebt.refuse(request, &mut self.peer),
                Letter::EbtNotes(notes) => self.ebt.note(notes),
                Letter::EbtServe(feeds) => self.ebt.serve(feeds),
                Letter::OooAsk(wants) => self.ooo.ask(wants),
                Letter::OooServe(ids) => self.ooo.serve(ids),
                Letter::OooTell(id, json) => self.ooo.tell(id, json),
                Letter::BlobsCall => self.blobs.stream.call(&mut self.peer),
                Letter::BlobsSay(words) => self.blobs.stream.say(words, &mut self.peer),
                Letter::BlobsLookUp(ids) => self.blobs.stream.look_up(ids),
                Letter::BlobFetch { fetch, id, len_max } => {
                    self.blobs.downloads.fetch(fetch, id, len_max, &mut self.peer);
                }
                Letter::BlobStop { fetch } => self.blobs.downloads.stop(fetch, &mut self.peer),
                // Owners look for themselves.
                Letter::BlobAnswer { .. } => {}
            }
        }
        moved
    }

    /// Sends a page of a feed that the peer noted, if little waits to be written.
    fn pump_ebt(&mut self, network: &Network, reader: &Reader<Faulty<Memory>>, out: &mut Pumped) -> bool {
        let page_len = network.scenario.page_len;
        if self.peer.buffered() >= page_len {
            return false;
        }
        let Some((feed, from)) = self.ebt.pop(|feed| latest(reader, feed)) else { return false };
        let (viewer, latest) = (self.peer.remote().unwrap_or(self.me), latest(reader, &feed));
        let page = read_page(&mut Serving::cursor(feed, from, viewer, latest), reader, page_len);
        out.sent.extend(page.items.iter().map(|(sequence, _)| (feed, *sequence, viewer)));
        if self.ebt.send(feed, from, page, &mut self.peer).is_err() {
            out.failed = true;
        }
        self.tell_core(out);
        true
    }

    /// Looks up what the peer wants, or sends it a message that it may have, if little waits to be written.
    fn pump_ooo(&mut self, network: &Network, reader: &Reader<Faulty<Memory>>, out: &mut Pumped) -> bool {
        let wants = self.ooo.unknown();
        if !wants.is_empty() {
            let found = wants.into_iter().map(|(id, distance)| Ok((id, distance, reader.author_of(&id)?)));
            match found.collect::<Result<_, ReadError>>() {
                Ok(found) => self.ooo.found(found),
                Err(_) => out.failed = true,
            }
            self.tell_core(out);
            return true;
        }
        if self.peer.buffered() >= network.scenario.page_len {
            return false;
        }
        let Some(id) = self.ooo.pop() else { return false };
        let viewer = self.peer.remote().unwrap_or(self.me);
        match reader.get_for(&id, &viewer) {
            Ok(Some((place, stored))) => {
                out.sent.push((place.feed, place.sequence, viewer));
                self.ooo.tell(id, stored.json.into());
            }
            Ok(None) => {}
            Err(_) => out.failed = true,
        }
        true
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
        let page = read_page(&mut served, reader, page_len);
        for (sequence, item) in page.items {
            self.peer.item(request, Body::Json(&item));
            out.sent.push((feed, sequence, viewer));
        }
        match page.then {
            ServedThen::More => self.ready.push_back((request, served)),
            ServedThen::Wait => {
                self.waiting.insert(request, served);
            }
            ServedThen::Over => self.peer.end(request),
            ServedThen::Incomplete => self.peer.refuse_call(request, &RemoteError::new(INCOMPLETE)),
            ServedThen::Failed(error) => {
                let error: ReadError = error;
                out.failed = true;
                self.peer.refuse_call(request, &RemoteError::new(error.to_string()));
            }
        }
        true
    }

    /// Streams that wait for a feed which has grown are ready again.
    fn wake(&mut self, reader: &Reader<Faulty<Memory>>) {
        let seen = std::mem::replace(&mut self.seen, reader.end());
        if seen == reader.end() {
            return;
        }
        if !self.ebt.is_idle() {
            reader.authors(seen..reader.end()).for_each(|feed| self.ebt.wake(&feed));
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
            self.peer.tick(network.now_at(self.node));
            self.pings.tick(&mut self.peer, network.now_at(self.node));
        }
    }

    fn pump_events(&mut self, network: &Network, reader: &Reader<Faulty<Memory>>, out: &mut Pumped) -> bool {
        let mut moved = false;
        while self.ended.is_none() && self.takes_events() {
            let Some(event) = self.peer.poll() else { break };
            moved = true;
            let connection = self.id;
            match event {
                PeerEvent::Guest(peer) => self.streams.tell(Input::Guest { connection, peer }),
                PeerEvent::Open(peer) => {
                    self.was_open = true;
                    let side = if self.end == End::Dialer { Side::Dialed } else { Side::Accepted };
                    self.streams.tell(Input::Opened { connection, peer, side });
                    self.ooo.opened(side, &mut self.peer);
                }
                PeerEvent::Called { request, method, args, .. } if method.index() == EBT => {
                    let args = args.to_vec();
                    self.ebt.called(request, &args, &mut self.peer);
                }
                PeerEvent::Called { request, method, .. } if method.index() == OOO => {
                    self.ooo.called(request, &mut self.peer);
                }
                PeerEvent::Called { request, method, .. } if method.index() == WANTS => {
                    self.blobs.stream.called(request, &mut self.peer);
                }
                PeerEvent::Called { request, method, args, .. } if method.index() == GET => {
                    self.blobs.asked(request, args);
                }
                PeerEvent::Called { request, kind: Kind::Duplex, .. } => self.pings.called(request),
                PeerEvent::Called { request, args, .. } => {
                    let query = HistoryQuery::parse(args);
                    let viewer = self.peer.remote().unwrap_or(self.me);
                    let served = query.map(|query| Served::new(query, viewer, latest(reader, &query.feed)));
                    self.streams.called(request, served, &mut self.peer);
                }
                PeerEvent::Item { request, kind, body } => {
                    if !self.streams.item(request, body)
                        && !self.ebt.item(request, body)
                        && !self.ooo.item(request, body)
                        && !self.blobs.stream.item(request, body)
                    {
                        let (body, now) = (body.to_vec(), network.now_at(self.node));
                        if self.blobs.downloads.item(request, kind, &body, &mut self.peer) {
                            // It was a piece of a blob.
                        } else if let Some(input) = self.pings.item(request, &body, &mut self.peer, now) {
                            self.streams.tell(input);
                        }
                    }
                }
                PeerEvent::StreamEnded { request, error } => {
                    self.streams.ended(request, error.is_some());
                    self.ebt.ended(request);
                    self.ooo.ended(request, &mut self.peer);
                    self.blobs.ended(request, error.is_some(), &mut self.peer);
                    self.pings.ended(request, &mut self.peer);
                    self.ready.retain(|(ready, _)| *ready != request);
                    self.waiting.remove(&request);
                }
                PeerEvent::Ended(result) => {
                    self.ended =
                        Some(result.map_or_else(|error| error.to_string(), |()| "closed".to_owned()));
                }
                PeerEvent::Failed { request, .. } => self.blobs.stream.failed(request),
                PeerEvent::Answered { .. } | PeerEvent::Goodbye => {}
            }
        }
        self.tell_core(out);
        moved
    }

    /// Whether the peer may go on: not while the core has not taken what came before.
    fn takes_events(&self) -> bool {
        !self.streams.is_full() && !self.ebt.is_full() && !self.ooo.is_full() && !self.blobs.stream.is_full()
    }

    fn write(&mut self, network: &mut Network) -> bool {
        let mut moved = false;
        while !self.peer.outgoing().is_empty() {
            match network.write(self.id, self.end, self.peer.outgoing()) {
                Written::Some(count) => self.peer.wrote(count, network.now_at(self.node)),
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
            Read::Some(count) => self.peer.filled(count, network.now_at(self.node)),
            Read::End => self.peer.hung_up(),
            Read::Wait => {
                self.peer.rest();
                return false;
            }
        }
        true
    }

    fn set_timer(&mut self, network: &mut Network) {
        let deadline = self.peer.deadline().into_iter().chain(self.pings.deadline(&self.peer)).min();
        let Some(deadline) = deadline else { return };
        let delay = micros(deadline.since(network.uptime())).max(1);
        let at = network.micros() + delay;
        // A later deadline is looked at when the earlier one has passed.
        if self.timer_at.is_none_or(|timer| at < timer) {
            self.timer_at = Some(at);
            network.after(delay, Event::Pump { node: self.node, link: self.id });
        }
    }

    fn tell_core(&mut self, out: &mut Pumped) {
        out.inputs.extend(std::iter::from_fn(|| self.streams.poll()));
        out.inputs.extend(std::iter::from_fn(|| self.ebt.poll(&mut self.peer)));
        out.inputs.extend(std::iter::from_fn(|| self.ooo.poll(&mut self.peer)));
        out.inputs.extend(std::iter::from_fn(|| self.blobs.poll(&mut self.peer)));
    }
}

/// A time as the virtual clock counts, rounded up.
pub fn micros(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1000)).unwrap_or(u64::MAX)
}

fn read_page(served: &mut Served, reader: &Reader<Faulty<Memory>>, len_max: usize) -> ServedPage<ReadError> {
    let (feed, viewer) = (served.feed(), served.viewer());
    let read = |sequence, len| {
        let page = reader.feed_page(&feed, sequence, len)?;
        Ok(page.into_iter().map(|stored| (stored.id, stored.received, stored.json)).collect())
    };
    let is_blocked = || Ok(reader.relation(&feed, &viewer)? == Some(Relation::Block));
    served.page(latest(reader, &feed), len_max, read, is_blocked)
}

fn latest(reader: &Reader<Faulty<Memory>>, feed: &FeedId) -> u32 {
    reader.latest(feed).map_or(0, |latest| latest.sequence)
}
