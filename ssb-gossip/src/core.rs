//! The heart of a node: takes in what happened, and says what must now be done.
//!
//! [`Core`] decides whom to let in, which feeds to ask of whom, what of their answers is handed on to be verified, and
//! whether a message may be published. It owns no socket, no file and no clock: the shell (or a simulator) calls
//! [`handle`](Core::handle) with one event, drains [`poll`](Core::poll), and comes back at the
//! [`deadline`](Core::deadline).

mod local;
pub mod progress;
pub mod table;
pub mod watch;
mod wishes;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::time::Duration;

use ssb_blobs::wants::Policy;
use ssb_blobs::wants::Wants;
use ssb_blobs::wants::event::Input as BlobInput;
use ssb_keys::BlobId;
use ssb_keys::FeedId;
use ssb_keys::published_mark::PublishedMark;
use ssb_msg::Signing;
use ssb_msg::content::Contact;
use ssb_msg::limits::WIRE_LEN_MAX;

use self::progress::Traffic;
use self::watch::Revisions;
use crate::address::Address;
use crate::blobs::Blobs;
use crate::connection::ConnectionId;
use crate::connection::Side;
use crate::connection::StreamId;
use crate::ebt::Ebt;
use crate::ebt::Fallback;
use crate::ebt::Standing;
use crate::event::DialRefusal;
use crate::event::Giver;
use crate::event::Group;
use crate::event::Ingest;
use crate::event::Input;
use crate::event::Letter;
use crate::event::Outcome;
use crate::event::Output;
use crate::event::Refusal;
use crate::event::Removal;
use crate::event::Source;
use crate::event::Target;
use crate::event::Ticket;
use crate::event::Verdict;
use crate::explain::Explanation;
use crate::explain::Reason;
use crate::explain::Trouble;
use crate::firewall::Firewall;
use crate::graph::Blocks;
use crate::graph::Graph;
use crate::lan::Lan;
use crate::lan::neighbours::Neighbours;
use crate::ooo::Ooo;
use crate::peers::Peers;
use crate::peers::Remembered;
use crate::peers::Whereabouts;
use crate::recovery::Recovery;
use crate::replicator::Replicator;
use crate::retention::Clockwork;
use crate::retention::Retention;
use crate::scheduler::Dialing;
use crate::scheduler::Scheduler;
use crate::scope::Scope;
use crate::time::Now;
use crate::time::UnixMillis;
use crate::time::Uptime;

/// The most bytes of messages that wait for their verdict before the core wants no more: some seconds of verifying.
pub const IN_FLIGHT_LEN_MAX: usize = 4 * 1024 * 1024;

/// What the smallest message is charged: a group of tiny ones costs more than its bytes.
pub const ITEM_COST_MIN: usize = 2048;

/// The most messages of one group.
pub const GROUP_LEN_MAX: usize = 64;

/// For so long a change of the table of peers is in memory only.
pub const KEEP_AFTER: Duration = Duration::from_secs(10);

/// What a node knew when it started.
#[derive(Debug)]
pub struct Start {
    /// The own feed.
    pub me: FeedId,
    /// How the network signs messages.
    pub signing: Signing,
    /// How many follows away feeds are replicated (`friends.hops`).
    pub hops: u8,
    /// Whose blocks exclude a feed that others follow.
    pub blocks: Blocks,
    /// The published-mark beside the secret.
    pub mark: PublishedMark,
    /// How far the log holds each feed.
    pub held: Vec<(FeedId, u32)>,
    /// All contacts of the log: who said it, and what.
    pub contacts: Vec<(FeedId, Contact)>,
    /// Peers to know from the start (`seeds`).
    pub seeds: Vec<Address>,
    /// Feeds that the owner removed for good.
    pub banned: Vec<FeedId>,
    /// Feeds that are known to have forked, and the sequence of the message that contradicts what the log holds.
    pub forks: Vec<(FeedId, u32)>,
    /// Whether there is a policy for what of the log is kept.
    pub retention: Retention,
    /// Peers that were known before.
    pub stored: Vec<Remembered>,
    /// Peers that messages announce.
    pub pubs: Vec<Address>,
    /// Whom to dial unasked; `None` for nobody.
    pub dialing: Option<Dialing>,
    /// Whether peers are found in the local network.
    pub lan: Lan,
    /// Who may connect.
    pub firewall: Firewall,
    /// Which blobs are asked for, and how much of that.
    pub blobs: Policy,
    /// Blobs that were pushed before.
    pub pushes: Vec<BlobId>,
}

/// When the table of peers is to be kept.
#[derive(Debug, Default)]
struct Keeping {
    /// What was kept last.
    revision: u64,
    due: Option<Uptime>,
}

impl Keeping {
    /// Whether it is time, which counts as done.
    fn is_due(&mut self, revision: u64, now: Uptime) -> bool {
        if revision == self.revision {
            return false;
        }
        let due = *self.due.get_or_insert_with(|| now.after(KEEP_AFTER));
        let is_due = due <= now;
        if is_due {
            *self = Self { revision, due: None };
        }
        is_due
    }
}

/// The decisions of a node.
#[derive(Debug)]
pub struct Core {
    scope: Scope,
    recovery: Recovery,
    replicator: Replicator,
    ebt: Ebt,
    peers: Peers,
    scheduler: Scheduler,
    keeping: Keeping,
    neighbours: Neighbours,
    firewall: Firewall,
    retention: Clockwork,
    ooo: Ooo,
    blobs: Blobs,
    /// Who waits for the end of all connections with a peer, and hears what then.
    parting: Vec<(FeedId, Output)>,
    revisions: Revisions,
    traffic: Traffic,
    outbox: VecDeque<Output>,
    groups: u64,
    in_flight: usize,
}

impl Core {
    /// A node that has just started and has no connection.
    pub fn new(start: Start) -> Self {
        let mut graph = Graph::new(start.me, start.hops, start.blocks);
        for (author, contact) in start.contacts {
            graph.set(author, contact.contact, contact.relation);
        }
        graph.update();
        let mut peers = Peers::new(start.me);
        let learned = |all: Vec<Address>, source: &'static str| {
            let source = Some(source.to_owned());
            all.into_iter().map(move |address| Remembered {
                address,
                source: source.clone(),
                failures: 0,
                autoconnect: true,
            })
        };
        let all = learned(start.seeds, "seed").chain(start.stored).chain(learned(start.pubs, "pub"));
        all.for_each(|peer| peers.remember(peer));
        let own = start.held.iter().find(|(feed, _)| *feed == start.me).map_or(0, |(_, sequence)| *sequence);
        let scope = Scope::new(start.me, graph, start.held, start.banned, start.forks);
        let traffic = Traffic::starting_with(scope.wanted().map(|feed| u64::from(scope.held(&feed))).sum());
        Self {
            scope,
            recovery: Recovery::new(start.mark, own),
            replicator: Replicator::default(),
            ebt: Ebt::default(),
            peers,
            scheduler: Scheduler::new(start.me, start.dialing),
            keeping: Keeping::default(),
            neighbours: Neighbours::new(start.lan),
            firewall: start.firewall,
            retention: Clockwork::new(start.retention),
            ooo: Ooo::new(start.signing),
            blobs: Blobs::new(start.blobs, start.pushes),
            parting: Vec::new(),
            revisions: Revisions::default(),
            traffic,
            outbox: VecDeque::new(),
            groups: 0,
            in_flight: 0,
        }
    }

    /// Takes in one event. Drain [`poll`](Self::poll) before the next call.
    pub fn handle(&mut self, input: Input, now: Now) {
        debug_assert!(self.outbox.is_empty(), "poll() was not drained");
        self.revisions.events += 1;
        self.traffic.count(&input, now.uptime);
        self.take_in(input, now);
        self.ebt.flush(&mut self.outbox);
        if self.keeping.is_due(self.peers.revision(), now.uptime) {
            self.outbox.push_back(Output::SavePeers);
        }
    }

    fn take_in(&mut self, input: Input, now: Now) {
        match input {
            Input::Guest { connection, peer } => {
                let admitted = self.firewall.admits(&peer, &self.scope, now.uptime);
                self.outbox.push_back(if admitted {
                    Letter::Admit.to(connection)
                } else {
                    Letter::Refuse.to(connection)
                });
            }
            Input::Opened { connection, peer, side } => self.opened(connection, peer, side, now),
            Input::Closed { connection } => {
                self.replicator.closed(connection);
                self.ebt.closed(connection, &self.scope, now.uptime);
                self.ooo.ended(connection);
                self.blobs.closed(connection, now.uptime, &mut self.outbox);
                let opens = self.recovery.closed(connection, now.uptime);
                self.open_gate(opens);
                self.scheduler.closed(connection, &self.peers, now.uptime);
                let parted = self.peers.closed(connection, now.wall, &mut self.outbox);
                let done = self.parting.extract_if(.., |(peer, _)| Some(*peer) == parted);
                self.outbox.extend(done.map(|(_, answer)| answer));
            }
            Input::HistoryAsked { connection, request, feed } => {
                let viewer = self.replicator.peer(connection);
                // Unlike JavaScript's, nothing leaves here of what the owner blocks.
                let allowed = viewer
                    .is_none_or(|viewer| !self.scope.blocks(&feed) && !self.scope.keeps_from(&feed, &viewer));
                self.outbox.push_back(Letter::ServeHistory { request, allowed }.to(connection));
                // Whoever asks the old way replicates the old way: it can be asked for everything (ssb-replicate 1.3.5).
                if !self.ebt.speaks(connection) {
                    self.replicator.activate(connection, &self.scope, &mut self.outbox);
                }
            }
            Input::EbtAsked { connection, request } => {
                self.ebt.asked(connection, request, &self.scope, now.uptime, &mut self.outbox);
            }
            Input::EbtNotes { connection, notes } => {
                self.ebt.noted(connection, notes, &self.scope, now.uptime);
            }
            Input::EbtMessages { connection, messages } => self.messages(connection, messages, now.uptime),
            Input::EbtIncomplete { connection, feed } => {
                self.ebt.incomplete(connection, feed, &self.scope, now.uptime);
            }
            Input::EbtEnded { connection } => {
                let fallback = self.ebt.ended(connection, &self.scope, now.uptime);
                self.fall_back(fallback);
            }
            Input::OooOpened { connection } => {
                // Who is no peer is the owner.
                let viewer = self.replicator.peer(connection).unwrap_or(self.scope.me);
                self.ooo.opened(connection, viewer, &mut self.outbox);
            }
            Input::OooWanted { connection, wants } => {
                self.ooo.wanted(connection, wants, &self.scope, now.uptime, &mut self.outbox);
            }
            Input::OooAnswered { connection, answers } => {
                self.ooo.answered(connection, answers, &self.scope, &mut self.outbox);
            }
            Input::OooEnded { connection } => self.ooo.ended(connection),
            Input::Fetch { ticket, id, patience } => {
                self.ooo.fetch(ticket, id, patience, now.uptime, &mut self.outbox);
            }
            Input::Blobs(input) => {
                if let BlobInput::Listens { connection } = input {
                    self.scheduler.called(connection.into());
                }
                self.blobs.handle(input, now.uptime, &mut self.outbox);
            }
            Input::Items { connection, items } => self.items(connection, items),
            Input::StreamEnded { connection, stream, failed } => {
                self.replicator.ended(connection, stream);
                let opens = self.recovery.ended(connection, stream, failed, now.uptime);
                self.open_gate(opens);
            }
            Input::Verdicts(verdicts) => self.verdicts(verdicts, now.uptime),
            Input::Dial { ticket, to } => self.dial(ticket, to, now),
            Input::DialFailed { peer, error } => self.dial_failed(peer, &error, now),
            Input::Beacon { source, beacon } => self.heard(&beacon, source, now),
            Input::AddPeer { ticket, place, source } => {
                let added = self.peers.add(place, source.as_deref(), now.wall, &mut self.outbox);
                let outcome = added.map(|known| known.cloned().map(Box::new));
                self.scheduler.changed(now.uptime);
                self.outbox.push_back(Output::PeerAdded { ticket, outcome });
            }
            Input::Announced { address } if self.scheduler.learns() => {
                let place = Whereabouts::written(&address.to_string(), address);
                // More than there is room for are more than anybody dials.
                let _ = self.peers.add(place, Some("pub"), now.wall, &mut self.outbox);
                self.scheduler.changed(now.uptime);
            }
            Input::Announced { .. } => {}
            Input::Forked { feed, sequence } => self.scope.forked(feed, sequence),
            Input::Request { ticket, feed, wanted } => {
                self.scope.request(feed, wanted);
                self.scope_changed(&BTreeSet::from([feed]), now.uptime);
                self.outbox.push_back(Output::Done { ticket });
            }
            Input::RemovePeer { ticket, peer } => {
                self.peers.remove(&peer, &mut self.outbox);
                self.outbox.push_back(Output::Done { ticket });
            }
            Input::Disconnect { ticket, peer } => self.disconnect(ticket, peer, now.wall),
            Input::Reconnect { ticket } => {
                let connections = self.replicator.connections();
                self.close(connections);
                self.outbox.push_back(Output::Done { ticket });
            }
            Input::Wish { ticket, wish } => self.grant(ticket, wish, now),
            Input::Pinged { connection, rtt, skew } => self.peers.pinged(connection, rtt, skew),
            Input::Publish { ticket, draft } => self.outbox.push_back(match self.recovery.check() {
                Ok(()) => Output::Publish { ticket, draft },
                Err(locked) => Output::PublishRefused { ticket, locked },
            }),
            Input::Add { ticket, feed, raw } => {
                let mut group = Vec::new();
                self.gather(&mut group, Ingest { giver: Giver::Owner(ticket), feed, raw });
                self.emit(group);
            }
            Input::Remove { ticket, what: Removal::Feed(feed) } if feed == self.scope.me => {
                self.outbox.push_back(Output::NotRemoved { ticket });
            }
            Input::Remove { ticket, what } => {
                match what {
                    Removal::Message(id) => self.ooo.forget(&id),
                    Removal::Feed(feed) => self.ooo.forget_feed(&feed),
                }
                self.outbox.push_back(Output::Remove { ticket, what });
            }
            Input::Readmit { ticket, what } => self.outbox.push_back(Output::Readmit { ticket, what }),
            Input::Emptied { feed, again } => {
                self.scope.emptied(feed, again);
                self.replicator.emptied(feed, &self.scope, &mut self.outbox);
                self.ebt.emptied(feed, &self.scope, now.uptime);
                self.ooo.forget_feed(&feed);
                let (moved, out) = (BTreeSet::from([feed]), &mut self.outbox);
                self.blobs.scope_changed(&moved, &self.scope, now.uptime, out);
                self.scope.graph.forget(&feed);
                self.graph_changed(now.uptime);
            }
            Input::Related { author, contact, relation } => {
                match relation {
                    Some(relation) => self.scope.graph.set(author, contact, relation),
                    None => self.scope.graph.unset(&author, &contact),
                }
                self.graph_changed(now.uptime);
            }
            Input::MarkSaved(mark) => self.recovery.saved(mark),
            Input::Tick => {
                let opens = self.recovery.tick(now.uptime);
                self.open_gate(opens);
                for connection in self.replicator.connections() {
                    self.recover(connection, now.uptime);
                }
                let waits = self.is_congested();
                let fallbacks = self.ebt.tick(waits, &self.scope, now.uptime, &mut self.outbox);
                self.fall_back(fallbacks);
                self.ooo.tick(now.uptime, &mut self.outbox);
                self.blobs.handle(BlobInput::Tick, now.uptime, &mut self.outbox);
                self.look_around(now);
                self.schedule(now);
                // Before the own feed is recovered nobody knows who is near.
                if self.retention.is_due(now.uptime) && self.recovery.check().is_ok() {
                    let near = self
                        .scope
                        .graph
                        .all()
                        .filter_map(|(feed, hops)| Some((feed, u8::try_from(hops).ok()?)));
                    self.outbox.push_back(Output::Retain { steps: near.collect() });
                }
            }
        }
    }

    /// What must be done next.
    pub fn poll(&mut self) -> Option<Output> {
        self.outbox.pop_front()
    }

    /// When to come back with [`Input::Tick`] even if nothing happens.
    pub fn deadline(&self) -> Option<Uptime> {
        let deadlines = [
            self.recovery.deadline(),
            self.retention.deadline(),
            self.ebt.deadline(),
            self.scheduler.deadline(),
            self.neighbours.deadline(),
            self.ooo.deadline(),
            self.blobs.deadline(),
            self.keeping.due,
        ];
        deadlines.into_iter().flatten().min()
    }

    /// Whether so much waits for verdicts that peers should wait with more items.
    pub const fn is_congested(&self) -> bool {
        self.in_flight > IN_FLIGHT_LEN_MAX
    }

    /// The follow graph.
    pub const fn graph(&self) -> &Graph {
        &self.scope.graph
    }

    /// Whether a feed is to be replicated: it is near enough, and the owner did not remove it for good.
    pub fn wants(&self, feed: &FeedId) -> bool {
        self.scope.wants(feed)
    }

    /// Whether a feed is to be asked of a peer: it is wanted, and its author does not block the peer.
    pub fn asks(&self, feed: &FeedId, peer: &FeedId) -> bool {
        self.scope.asks(feed, peer)
    }

    /// How far the log holds a feed.
    pub fn held(&self, feed: &FeedId) -> u32 {
        self.scope.held(feed)
    }

    /// How it stands with a feed, by peer.
    pub fn standings(&self, feed: &FeedId) -> BTreeMap<FeedId, Standing> {
        self.ebt.standings(feed)
    }

    /// Why a feed does or does not arrive.
    pub fn explain(&self, feed: &FeedId) -> Explanation {
        Explanation {
            feed: *feed,
            held: self.scope.held(feed),
            reason: Reason::of(feed, &self.scope),
            fork: self.scope.fork(feed),
            connections: self.connections(),
            peers: self.ebt.standings(feed).into_iter().collect(),
            is_stopped: self.scheduler.is_stopped(),
            troubles: Trouble::newest(&self.peers),
        }
    }

    /// Feeds that have forked, and the sequence of the message that contradicts what the log holds.
    pub fn forks(&self) -> impl Iterator<Item = (FeedId, u32)> {
        self.scope.forks()
    }

    /// Whether the owner blocks a feed.
    pub fn blocks(&self, feed: &FeedId) -> bool {
        self.scope.blocks(feed)
    }

    /// The gate on publishing.
    pub const fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// How many connections with peers are open.
    pub fn connections(&self) -> usize {
        self.replicator.connections().len()
    }

    /// Single messages that peers are asked for.
    pub const fn ooo(&self) -> &Ooo {
        &self.ooo
    }

    /// Blobs that are wanted.
    pub const fn blobs(&self) -> &Wants {
        self.blobs.wants()
    }

    /// The table of known peers.
    pub const fn peers(&self) -> &Peers {
        &self.peers
    }

    fn dial(&mut self, ticket: Ticket, to: Target, now: Now) {
        let place = match to {
            Target::At(place) => place,
            Target::Known(peer) => match self.peers.get(&peer) {
                Some(known) => known.place.clone(),
                None => return self.outbox.push_back(Output::NotKnown { ticket, peer }),
            },
        };
        let address = place.address().clone();
        let key = address.key();
        let refusal = (key == self.scope.me).then_some(DialRefusal::Ourselves);
        let refusal = refusal.or_else(|| self.scope.blocks(&key).then_some(DialRefusal::Blocked));
        if let Some(reason) = refusal {
            return self.outbox.push_back(Output::DialRefused { ticket, reason });
        }
        // Whoever is dialed is announced by that; and dialed even if there is no room to remember it.
        let _ = self.peers.add(place, Some("manual"), now.wall, &mut self.outbox);
        self.peers.dialing(&key, now.wall);
        self.scheduler.dialing(key);
        self.firewall.dialed(key, now.uptime);
        self.outbox.push_back(Output::Dial { ticket: Some(ticket), address });
    }

    fn disconnect(&mut self, ticket: Ticket, peer: FeedId, now: UnixMillis) {
        match self.peers.disconnecting(&peer, now) {
            None => self.outbox.push_back(Output::NotKnown { ticket, peer }),
            Some(connections) if connections.is_empty() => self.outbox.push_back(Output::Done { ticket }),
            Some(connections) => {
                self.close(connections);
                self.parting.push((peer, Output::Done { ticket }));
            }
        }
    }

    fn opened(&mut self, connection: ConnectionId, peer: FeedId, side: Side, now: Now) {
        // The owner's own programs are no peers: they have nothing to give.
        if side == Side::Local || peer == self.scope.me {
            return self.blobs.attended(connection, self.scope.me, now.uptime, &mut self.outbox);
        }
        if self.scope.blocks(&peer) {
            self.close([connection]);
            if side == Side::Dialed {
                self.dial_failed(peer, "blocked", now);
            }
            return;
        }
        self.peers.opened(connection, &peer, side, now.wall, &mut self.outbox);
        self.scheduler.opened(connection, peer, side, now.uptime);
        if side == Side::Dialed {
            self.neighbours.reached(&peer);
        }
        if side == Side::Dialed && self.peers.get(&peer).is_some() {
            self.outbox.push_back(Letter::Ping.to(connection));
        }
        self.replicator.opened(connection, peer);
        self.recover(connection, now.uptime);
        self.ebt.opened(connection, peer, side, &self.scope, now.uptime, &mut self.outbox);
        self.blobs.opened(connection, peer, &self.scope, now.uptime, &mut self.outbox);
    }

    /// Connections are to end.
    fn close(&mut self, connections: impl IntoIterator<Item = ConnectionId>) {
        self.outbox.extend(connections.into_iter().map(|connection| Letter::Close.to(connection)));
    }

    /// Dials who is due, and ends what is one connection too many.
    fn schedule(&mut self, now: Now) {
        let surplus = self.scheduler.surplus(now.uptime);
        self.close(surplus);
        let due = self.scheduler.due(self.peers.all(), &self.scope, now.uptime);
        let due: Vec<Address> = due.into_iter().map(|known| known.place.address().clone()).collect();
        for address in due {
            let address = self.nearest(address);
            self.peers.dialing(&address.key(), now.wall);
            self.firewall.dialed(address.key(), now.uptime);
            self.outbox.push_back(Output::Dial { ticket: None, address });
        }
    }

    /// Asks the old way.
    fn fall_back(&mut self, fallbacks: impl IntoIterator<Item = Fallback>) {
        for fallback in fallbacks {
            match fallback {
                Fallback::All(connection, Side::Dialed) => {
                    self.replicator.ask_live(connection, self.scope.me, &self.scope, &mut self.outbox);
                    self.replicator.activate(connection, &self.scope, &mut self.outbox);
                }
                Fallback::All(connection, _) => {
                    self.replicator.ask_live(connection, self.scope.me, &self.scope, &mut self.outbox);
                }
                Fallback::Feed(connection, feed) => {
                    self.replicator.ask_live(connection, feed, &self.scope, &mut self.outbox);
                }
            }
        }
    }

    fn recover(&mut self, connection: ConnectionId, now: Uptime) {
        let peer = self.replicator.peer(connection);
        if let Some(peer) = peer.filter(|_| self.recovery.should_ask(connection, now)) {
            let from = self.recovery.ask_from();
            match self.replicator.ask_stored(connection, self.scope.me, from, &mut self.outbox) {
                Some(stream) => self.recovery.asked(connection, peer, stream),
                None => self.recovery.not_asked(connection, now),
            }
        }
    }

    /// Publishing is open once the mark is saved.
    fn open_gate(&mut self, opens: bool) {
        if opens {
            self.outbox.push_back(Output::SaveMark(self.recovery.recovered()));
        }
    }

    fn items(&mut self, connection: ConnectionId, items: Vec<(StreamId, Vec<u8>)>) {
        let mut group = Vec::new();
        for (stream, raw) in items {
            let Some(feed) = self.replicator.feed_of(connection, stream) else { continue };
            let source = Source { connection, stream };
            if raw.len() > WIRE_LEN_MAX {
                self.recovery.refused(connection, stream);
                self.replicator.refused(source, Refusal::Malformed, &self.scope, &mut self.outbox);
                continue;
            }
            self.recovery.received(connection, stream);
            self.gather(&mut group, Ingest { giver: Giver::Peer(source), feed, raw });
        }
        self.emit(group);
    }

    fn messages(&mut self, connection: ConnectionId, messages: Vec<(FeedId, Vec<u8>)>, now: Uptime) {
        let mut group = Vec::new();
        for (feed, raw) in messages {
            if !self.ebt.received(connection, &feed, &self.scope, now) {
                continue;
            }
            if raw.len() > WIRE_LEN_MAX {
                self.ebt.refused(connection, feed, &self.scope, now);
                continue;
            }
            self.gather(&mut group, Ingest { giver: Giver::Ebt(connection, feed), feed, raw });
        }
        self.emit(group);
    }

    /// Charges for a message, and hands on the group that it fills.
    fn gather(&mut self, group: &mut Vec<Ingest>, item: Ingest) {
        self.in_flight += item.raw.len().max(ITEM_COST_MIN);
        group.push(item);
        if group.len() == GROUP_LEN_MAX {
            self.emit(std::mem::take(group));
        }
    }

    fn emit(&mut self, items: Vec<Ingest>) {
        if !items.is_empty() {
            self.outbox.push_back(Output::Ingest(Group { number: self.groups, items }));
            self.groups += 1;
        }
    }

    fn verdicts(&mut self, verdicts: Vec<Verdict>, now: Uptime) {
        let mut opens = false;
        for Verdict { giver, len, outcome } in verdicts {
            if giver.is_some() {
                self.in_flight = self.in_flight.saturating_sub(len.max(ITEM_COST_MIN));
            }
            let (source, ebt) = match giver {
                Some(Giver::Peer(source)) => (Some(source), None),
                Some(Giver::Ebt(connection, feed)) => (None, Some((connection, feed))),
                Some(Giver::Owner(_)) | None => (None, None),
            };
            let accepted = !matches!(outcome, Outcome::Refused(_));
            match outcome {
                Outcome::Stored { feed, sequence, contact } => {
                    let came_back = sequence <= self.scope.held(&feed);
                    self.scope.stored(feed, sequence);
                    if came_back {
                        self.ebt.came_back(feed, &self.scope);
                    }
                    self.ebt.stored(ebt.map(|(connection, _)| connection), feed, sequence, &self.scope, now);
                    if feed == self.scope.me {
                        self.recovery.held(sequence);
                    }
                    if let Some(contact) = contact {
                        self.scope.graph.set(feed, contact.contact, contact.relation);
                    }
                }
                Outcome::Known { feed, held } => {
                    // What the owner let come back may be there at once.
                    let is_more = held > self.scope.held(&feed);
                    if is_more {
                        self.scope.stored(feed, held);
                    }
                    if let Some((connection, feed)) = ebt {
                        self.ebt.known(connection, feed, &self.scope);
                    }
                    if is_more {
                        self.ebt.stored(None, feed, held, &self.scope, now);
                    }
                }
                Outcome::Refused(reason) => {
                    if let Some(source) = source {
                        self.replicator.refused(source, reason, &self.scope, &mut self.outbox);
                    }
                    match ebt {
                        Some((connection, feed)) if reason == Refusal::Gap => {
                            self.ebt.gap(connection, feed, &self.scope, now);
                        }
                        Some((connection, feed)) => self.ebt.refused(connection, feed, &self.scope, now),
                        None => {}
                    }
                }
            }
            if let Some(source) = source {
                opens |= self.recovery.judged(source.connection, source.stream, accepted, now);
            }
        }
        self.open_gate(opens);
        self.graph_changed(now);
    }

    fn graph_changed(&mut self, now: Uptime) {
        let feeds = self.scope.graph.update();
        if !feeds.is_empty() {
            self.revisions.hops += 1;
            self.scope_changed(&feeds, now);
        }
    }

    /// These feeds may be wanted now, or not any more, or be for others than before.
    fn scope_changed(&mut self, feeds: &BTreeSet<FeedId>, now: Uptime) {
        self.revisions.scope += 1;
        self.replicator.scope_changed(feeds, &self.scope, &mut self.outbox);
        self.ebt.scope_changed(feeds, &self.scope, now);
        self.blobs.scope_changed(feeds, &self.scope, now, &mut self.outbox);
        self.scheduler.changed(now);
    }
}
