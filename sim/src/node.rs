//! A node of ours, as ssb-node runs it, but in turns of virtual time: a core, a store on memory that can fail, and what
//! verifiers and log thread do.

mod checks;
mod removal;
mod wishes;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::sync::Arc;

use ssb_gossip::address::Address;
use ssb_gossip::connection::ConnectionId;
use ssb_gossip::core::Core;
use ssb_gossip::core::GROUP_LEN_MAX;
use ssb_gossip::core::IN_FLIGHT_LEN_MAX;
use ssb_gossip::core::ITEM_COST_MIN;
use ssb_gossip::core::Start;
use ssb_gossip::event::Draft;
use ssb_gossip::event::Group;
use ssb_gossip::event::Ingest;
use ssb_gossip::event::Input;
use ssb_gossip::event::Letter;
use ssb_gossip::event::Outcome;
use ssb_gossip::event::Output;
use ssb_gossip::event::Refusal;
use ssb_gossip::event::Removal;
use ssb_gossip::event::Ticket;
use ssb_gossip::event::Verdict;
use ssb_gossip::firewall::Firewall;
use ssb_gossip::graph::Blocks;
use ssb_gossip::history::contact_of;
use ssb_gossip::lan::Lan;
use ssb_gossip::ooo::PATIENCE;
use ssb_gossip::retention::Retention;
use ssb_gossip::scheduler::Dialing;
use ssb_gossip::streams::ITEMS_LEN_MAX;
use ssb_gossip::verify::InOrder;
use ssb_gossip::verify::Verified;
use ssb_gossip::verify::verify;
use ssb_keys::BlobId;
use ssb_keys::FeedId;
use ssb_keys::Keypair;
use ssb_keys::MessageId;
use ssb_keys::published_mark::PublishedMark;
use ssb_keys::verify::KeyCache;
use ssb_log::Ordinal;
use ssb_log::Reader;
use ssb_log::Store;
use ssb_log::faulty::Faulty;
use ssb_log::memory::Memory;
use ssb_log::store::ProveError;
use ssb_log::store::Refused;
use ssb_msg::Message;
use ssb_msg::Signing;
use ssb_msg::limits::WIRE_LEN_MAX;

pub use self::removal::Removed;
use self::removal::Wanted;
use crate::blobs::Shelf;
use crate::connection::Connection;
use crate::connection::MEMORY_MAX;
use crate::connection::micros;
use crate::network::End;
use crate::network::Event;
use crate::network::Network;
use crate::scenario::Scenario;
use crate::truth::Truth;

/// The disk of a node.
pub type Disk = Faulty<Memory>;

/// What one life of a node holds in memory.
#[derive(Debug)]
pub struct Node {
    number: usize,
    life: u64,
    me: Keypair,
    /// The published-mark, as it is on disk.
    mark: PublishedMark,
    core: Core,
    store: Store<Disk>,
    reader: Reader<Disk>,
    keys: KeyCache,
    connections: BTreeMap<ConnectionId, Connection>,
    inbox: VecDeque<Input>,
    results: VecDeque<Input>,
    /// What the verifiers have, who finish in any order.
    verifying: BTreeMap<u64, Group>,
    verified: InOrder,
    /// How many bytes the core is charged for what has no verdict yet.
    in_flight: usize,
    own: VecDeque<Own>,
    has_turn: bool,
    has_commit: bool,
    timer_at: Option<u64>,
    timestamp: f64,
    /// How much of the log was held against the truth.
    checked: Ordinal,
    /// What of each feed left this node.
    sent: BTreeMap<FeedId, u32>,
    /// What its owner removed for good.
    removed: Removed,
    /// Feeds of which nothing may be left.
    emptied: Vec<FeedId>,
    /// Messages of other branches than the log has.
    forks: Vec<Message>,
    /// Single messages that its owner waits for, by ticket, and what was removed when it asked.
    fetching: BTreeMap<u64, (MessageId, Removed)>,
    /// Those that came and were not looked at yet.
    fetched: Vec<(MessageId, Removed, Arc<str>)>,
    /// How many have come.
    got: usize,
    /// How often its owner has asked for one.
    calls: u64,
    shelf: Shelf,
    /// Who has said over which connection that it wants which blob.
    asked: BTreeSet<(ConnectionId, BlobId)>,
    /// What was said or asked of blobs that should not have been.
    slips: Vec<Broken>,
}

/// What a node finds when it starts.
#[derive(Debug)]
pub struct Found {
    /// The secret.
    pub me: Keypair,
    /// The published-mark.
    pub mark: PublishedMark,
    /// The disk.
    pub disk: Disk,
    /// Peers that it knows from the start.
    pub seeds: Vec<Address>,
    /// What its owner has removed.
    pub removed: Removed,
    /// Its blobs.
    pub shelf: Shelf,
}

#[derive(Debug)]
enum Own {
    Publish(String),
    SaveMark(PublishedMark),
    Remove(Removal),
    Readmit(Removal),
    Retain(Vec<(FeedId, u8)>),
}

/// What a node asks the world to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Wish {
    /// Dial a node, given by its number.
    Dial(usize),
    /// Dial who has this key, as the node decided by itself.
    DialUnasked(FeedId),
    /// It was not allowed to dial; perhaps later.
    NotDialed(usize),
    /// It dialed in vain.
    Undialed(ConnectionId),
    /// A connection is over.
    Over(ConnectionId, End),
    /// Its disk has failed: nothing but a new start helps.
    Crash,
}

/// What must hold, and does not.
pub type Broken = String;

impl Node {
    /// Starts on what is on disk.
    pub fn start(number: usize, life: u64, found: Found, scenario: &Scenario) -> Result<Self, String> {
        let Found { me, mark, disk, seeds, removed, shelf } = found;
        let shelf = shelf.at_start();
        let (store, _) = Store::open(disk).map_err(|error| error.to_string())?;
        let reader = store.reader();
        let held = reader.feeds().into_iter().map(|latest| (latest.feed, latest.sequence)).collect();
        let everything = Ordinal::ZERO..reader.end();
        let mut contacts = Vec::new();
        let all = match reader.page(everything, usize::MAX) {
            Ok(all) => all,
            Err(error) => return Err(error.to_string()),
        };
        for stored in all {
            let author = reader.author(stored.ordinal).and_then(|number| reader.feed_id(number));
            contacts.extend(author.zip(contact_of(&stored.json)));
        }
        let banned = reader.banned();
        let dialing = scenario.dials_unasked.then_some(Dialing {
            seeds: true,
            local: true,
            friends: true,
            global: true,
            pubs: false,
            chance: life.wrapping_mul(31).wrapping_add(scenario.seed),
        });
        let retention = if scenario.retention.is_idle() { Retention::Everything } else { Retention::Policy };
        let mark = mark.reopened(u64::from(store.state(&me.id()).sequence()));
        let core = Core::new(Start {
            me: me.id(),
            signing: Signing::plain(),
            hops: scenario.hops,
            blocks: Blocks::Transitive,
            mark,
            held,
            contacts,
            seeds,
            stored: Vec::new(),
            pubs: Vec::new(),
            dialing,
            lan: Lan::Off,
            firewall: Firewall::default(),
            blobs: scenario.wants,
            pushes: shelf.pushes.clone(),
            banned,
            forks: reader.forks().iter().map(|fork| (fork.feed, fork.sequence)).collect(),
            retention,
        });
        Ok(Self {
            number,
            life,
            me,
            mark,
            core,
            store,
            reader,
            keys: KeyCache::new(),
            connections: BTreeMap::new(),
            results: VecDeque::new(),
            verifying: BTreeMap::new(),
            verified: InOrder::default(),
            in_flight: 0,
            own: VecDeque::new(),
            has_turn: false,
            has_commit: false,
            timer_at: None,
            timestamp: 0.0,
            checked: Ordinal::ZERO,
            sent: BTreeMap::new(),
            removed,
            emptied: Vec::new(),
            forks: Vec::new(),
            fetching: BTreeMap::new(),
            fetched: Vec::new(),
            got: 0,
            calls: 0,
            inbox: shelf.wanted().iter().map(|id| wishes::want(*id)).collect(),
            shelf,
            asked: BTreeSet::new(),
            slips: Vec::new(),
        })
    }

    /// Who it is.
    pub const fn id(&self) -> FeedId {
        self.me.id()
    }

    /// The published-mark, as it is on disk.
    pub const fn mark(&self) -> PublishedMark {
        self.mark
    }

    /// Which life it is.
    pub const fn life(&self) -> u64 {
        self.life
    }

    /// Feeds that are known to have forked.
    pub fn forks(&self) -> usize {
        self.core.forks().count()
    }

    /// How far the log holds a feed.
    pub fn held(&self, feed: &FeedId) -> u32 {
        self.reader.latest(feed).map_or(0, |latest| latest.sequence)
    }

    /// The decisions.
    pub const fn core(&self) -> &Core {
        &self.core
    }

    /// All connections.
    pub fn connections(&self) -> impl Iterator<Item = (ConnectionId, &Connection)> {
        self.connections.iter().map(|(id, connection)| (*id, connection))
    }

    /// What of each feed left this node.
    pub const fn sent(&self) -> &BTreeMap<FeedId, u32> {
        &self.sent
    }

    /// What its owner removed for good.
    pub const fn removed(&self) -> &Removed {
        &self.removed
    }

    /// Feeds that were removed since this was last asked, or may have been.
    pub fn emptied(&mut self) -> Vec<FeedId> {
        std::mem::take(&mut self.emptied)
    }

    /// How much of a feed somebody gets who has it up to `from`. Nothing more if a message before that was deleted: who was told
    /// so asks again only over another connection.
    pub fn gives(&self, feed: &FeedId, from: u32) -> u32 {
        let whole = (1..).take_while(|sequence| self.reader.by_sequence(feed, *sequence).is_some()).last();
        whole.unwrap_or(0).max(from)
    }

    /// Whether it has a whole feed, up to `latest`.
    pub fn has_whole(&self, feed: &FeedId, latest: u32) -> bool {
        self.gives(feed, 0) == latest
    }

    /// Its owner wants a single message, by its id, if the log does not have it.
    pub fn fetch(&mut self, id: MessageId, network: &mut Network) {
        if let Ok(None) = self.reader.get(&id) {
            self.calls += 1;
            let number = self.calls;
            self.fetching.insert(number, (id, self.removed.clone()));
            self.input(Input::Fetch { ticket: Ticket(number), id, patience: PATIENCE }, network);
        }
    }

    /// How many calls of its owner wait for single messages.
    pub fn fetching(&self) -> usize {
        self.fetching.len()
    }

    /// How many single messages its owner got from others.
    pub const fn got(&self) -> usize {
        self.got
    }

    /// A connection was made.
    pub fn connect(&mut self, id: ConnectionId, connection: Connection) {
        self.connections.insert(id, connection);
    }

    /// Whether calls go both ways over a connection with this peer.
    pub fn is_connected(&self, peer: &FeedId) -> bool {
        self.connections.values().any(|connection| connection.remote() == Some(*peer))
    }

    /// Something happens that the core decides about.
    pub fn input(&mut self, input: Input, network: &mut Network) {
        self.inbox.push_back(input);
        self.schedule_turn(network);
    }

    /// A connection goes on.
    pub fn pump(
        &mut self,
        id: ConnectionId,
        network: &mut Network,
        truth: &Truth,
        wishes: &mut Vec<Wish>,
    ) -> Result<(), Broken> {
        let room = network.scenario.inbox_len.saturating_sub(self.inbox.len());
        let Some(connection) = self.connections.get_mut(&id) else { return Ok(()) };
        let pumped = connection.pump(network, &self.reader, &mut self.shelf, room);
        let (memory, end, was_open) = (connection.memory(), connection.end(), connection.was_open());
        if memory > MEMORY_MAX {
            return Err(format!("the buffers of connection {} take {memory} bytes", id.0));
        }
        for input in &pumped.inputs {
            self.asked.extend(wishes::asked(input));
        }
        self.inbox.extend(pumped.inputs);
        if pumped.is_over {
            self.connections.remove(&id);
            self.inbox.push_back(Input::Closed { connection: id });
            if end == End::Dialer && !was_open {
                wishes.push(Wish::Undialed(id));
            }
            wishes.push(Wish::Over(id, end));
        }
        if pumped.failed {
            wishes.push(Wish::Crash);
        }
        for (feed, sequence, viewer) in pumped.sent {
            self.check_sent(feed, sequence, viewer, truth)?;
        }
        if !self.inbox.is_empty() {
            self.schedule_turn(network);
        }
        Ok(())
    }

    /// The core takes in what waits for it, results first.
    pub fn turn(
        &mut self,
        network: &mut Network,
        truth: &mut Truth,
        wishes: &mut Vec<Wish>,
    ) -> Result<(), Broken> {
        self.has_turn = false;
        if self.timer_at.is_some_and(|at| network.micros() >= at) {
            self.timer_at = None;
            self.handle(Input::Tick, network, wishes);
        }
        while let Some(input) = self.results.pop_front() {
            self.handle(input, network, wishes);
        }
        while !self.core.is_congested()
            && let Some(input) = self.inbox.pop_front()
        {
            self.handle(input, network, wishes);
        }
        self.check_blobs(&network.scenario)?;
        if self.in_flight > IN_FLIGHT_LEN_MAX + ITEMS_LEN_MAX * WIRE_LEN_MAX {
            return Err(format!("{} bytes wait for their verdicts", self.in_flight));
        }
        if let Some(deadline) = self.core.deadline() {
            let delay = micros(deadline.since(network.uptime())).max(1);
            let at = network.micros() + delay;
            if self.timer_at.is_none_or(|timer| at < timer) {
                self.timer_at = Some(at);
                network.after(delay, Event::Turn { node: self.number, life: self.life });
            }
        }
        let ids: Vec<ConnectionId> = self.connections.keys().copied().collect();
        for id in ids {
            self.pump(id, network, truth, wishes)?;
        }
        Ok(())
    }

    /// A verifier is done with a group.
    pub fn verify(&mut self, number: u64, network: &mut Network) {
        if let Some(group) = self.verifying.remove(&number) {
            self.verified.insert(number, verify(group.items, &Signing::plain(), &mut self.keys));
            self.schedule_commit(network);
        }
    }

    /// The log does what it had taken: signs, appends, syncs, and tells.
    pub fn commit(
        &mut self,
        network: &mut Network,
        truth: &mut Truth,
        wishes: &mut Vec<Wish>,
    ) -> Result<(), Broken> {
        self.has_commit = false;
        let earlier = self.results.len();
        let mut verdicts = Vec::new();
        let mut written = Vec::new();
        let mut marks = Vec::new();
        let mut decisions = Vec::new();
        let mut retained = None;
        for own in std::mem::take(&mut self.own) {
            match own {
                Own::Publish(content) => written.extend(self.sign(&content, network)),
                Own::SaveMark(mark) => marks.push(mark),
                Own::Remove(what) => decisions.push((what, Wanted::Gone)),
                Own::Readmit(what) => decisions.push((what, Wanted::Back)),
                Own::Retain(steps) => retained = Some(steps),
            }
        }
        let (me, received) = (self.me.id(), network.now_at(self.number).wall.0);
        verdicts.extend(written.iter().map(|message| Verdict {
            giver: None,
            len: 0,
            outcome: stored(message),
        }));
        while let Some(group) = self.verified.pop() {
            if group.len() > GROUP_LEN_MAX {
                return Err(format!("a group has {} messages", group.len()));
            }
            for item in group {
                self.in_flight -= item.len.max(ITEM_COST_MIN);
                let verdict = self.offer(item, received);
                if let Verdict { giver, outcome: Outcome::Refused(why), .. } = &verdict {
                    network.say(|| format!("node {} refuses a message of {giver:?}: {why:?}", self.number));
                }
                verdicts.push(verdict);
            }
        }
        if self.store.queued() > 0 {
            let (own, mark) = (self.store.state(&me).sequence(), &mut self.mark);
            let saves = !network.random.once_in(200) || !network.disks_fail();
            let committed = self.store.commit_with(|| {
                let raised = mark.raised(u64::from(own));
                if raised != *mark {
                    if !saves {
                        return Err(std::io::Error::other("told to fail"));
                    }
                    *mark = raised;
                }
                Ok(())
            });
            if let Err(error) = committed {
                network.say(|| format!("node {}: {error}", self.number));
                wishes.push(Wish::Crash);
                return Ok(());
            }
        }
        for message in std::mem::take(&mut self.forks) {
            let (feed, sequence) = (message.author(), message.sequence());
            match self.store.prove(&message, received) {
                Ok(true) => self.results.push_back(Input::Forked { feed, sequence }),
                Ok(false) | Err(ProveError::Read(_)) => {}
                Err(error) => {
                    network.say(|| format!("node {}: {error}", self.number));
                    wishes.push(Wish::Crash);
                    return Ok(());
                }
            }
        }
        if let Some(steps) = retained
            && let Err(error) = self.retain(&steps, &network.scenario.retention, received)
        {
            network.say(|| format!("node {}: {error}", self.number));
            wishes.push(Wish::Crash);
            return Ok(());
        }
        for (what, wanted) in decisions {
            if let Err(error) = self.decide(what, wanted, received) {
                network.say(|| format!("node {}: {error}", self.number));
                wishes.push(Wish::Crash);
                return Ok(());
            }
        }
        for message in &written {
            network.say(|| format!("node {}: wrote {}", self.number, message.sequence()));
            if !truth.wrote(me, message.sequence(), message.id(), message.json()) {
                return Err(format!("node {} forked its feed at {}", self.number, message.sequence()));
            }
        }
        for mark in marks {
            let mark = PublishedMark { sequence: mark.sequence.max(self.mark.sequence), ..mark };
            network.say(|| format!("node {}: may publish again after {}", self.number, mark.sequence));
            self.mark = mark;
            self.results.push_back(Input::MarkSaved(mark));
        }
        if !verdicts.is_empty() {
            // Before what else comes of this commit, and behind what came of those before.
            self.results.insert(earlier, Input::Verdicts(verdicts));
        }
        self.schedule_turn(network);
        self.check_copies(truth)
    }

    /// The messages of the own feed in the log, after a start.
    pub fn own_messages(&self) -> Vec<(u32, MessageId, String)> {
        let page = self.reader.feed_page(&self.me.id(), 1, usize::MAX).unwrap_or_default();
        (1..).zip(page).map(|(sequence, stored)| (sequence, stored.id, stored.json)).collect()
    }

    fn handle(&mut self, input: Input, network: &mut Network, wishes: &mut Vec<Wish>) {
        self.core.handle(input, network.now_at(self.number));
        while let Some(output) = self.core.poll() {
            match output {
                Output::Tell { connection, letter } => self.tell(connection, letter),
                Output::Ingest(group) => {
                    self.in_flight += group.items.iter().map(charge).sum::<usize>();
                    let (node, life, number) = (self.number, self.life, group.number);
                    self.verifying.insert(number, group);
                    let delay = network.random.between(1, network.scenario.commit_max);
                    network.after(delay, Event::Verify { node, life, group: number });
                }
                Output::Publish { draft: Draft::Content(content), .. } => {
                    self.own.push_back(Own::Publish(content));
                }
                Output::Publish { draft: Draft::Private { .. }, .. } => {
                    unreachable!("nobody here has secrets")
                }
                Output::PublishRefused { locked, .. } => {
                    network.say(|| format!("node {} may not publish: {locked:?}", self.number));
                }
                Output::SaveMark(mark) => self.own.push_back(Own::SaveMark(mark)),
                Output::Remove { what, .. } => self.own.push_back(Own::Remove(what)),
                Output::Readmit { what, .. } => self.own.push_back(Own::Readmit(what)),
                Output::Retain { steps } => self.own.push_back(Own::Retain(steps)),
                // Whom a node knows, the seed says.
                Output::SavePeers => {}
                Output::SavePushes => self.shelf.pushes = self.core.blobs().pushes().collect(),
                Output::Dial { ticket, address } => wishes.push(match ticket {
                    Some(ticket) => Wish::Dial(target(ticket.0)),
                    None => Wish::DialUnasked(address.key()),
                }),
                Output::Changed(_) | Output::Beacon => {}
                Output::Fetched { ticket, json } => {
                    let call = self.fetching.remove(&ticket.0).expect("each call is answered once");
                    self.fetched.extend(json.map(|json| (call.0, call.1, json)));
                }
                Output::Done { .. }
                | Output::Said { .. }
                | Output::PeerAdded { .. }
                | Output::NotKnown { .. }
                | Output::NotRemoved { .. } => {
                    unreachable!("the owner of node {} asks for none of these", self.number)
                }
                Output::DialRefused { ticket, .. } => wishes.push(Wish::NotDialed(target(ticket.0))),
            }
        }
        if !self.own.is_empty() {
            self.schedule_commit(network);
        }
    }

    fn schedule_commit(&mut self, network: &mut Network) {
        if !std::mem::replace(&mut self.has_commit, true) {
            let delay = network.random.between(1, network.scenario.commit_max);
            network.after(delay, Event::Commit { node: self.number, life: self.life });
        }
    }

    fn tell(&mut self, connection: ConnectionId, letter: Letter) {
        self.check_letter(connection, &letter);
        if let Some(connection) = self.connections.get_mut(&connection) {
            connection.tell(letter);
        }
    }

    fn sign(&mut self, content: &str, network: &Network) -> Option<Message> {
        // The core holds the gate. This is the last look at the mark before a signature that cannot be taken back.
        let held = self.store.state(&self.me.id()).sequence();
        if !self.mark.permits(u64::from(held)) {
            return None;
        }
        self.timestamp = network.now_at(self.number).wall.0.max(self.timestamp + 1.0);
        let (now, signing) = (self.timestamp, Signing::plain());
        self.store.sign_next(content, now, &self.me, &signing, now).ok()
    }

    fn offer(&mut self, item: Verified, received: f64) -> Verdict {
        let Verified { giver, len, message } = item;
        let outcome = match message {
            Err(refusal) => Outcome::Refused(refusal),
            Ok(message) => match self.store.offer(&message, received) {
                Ok(()) => stored(&message),
                Err(Refused::Known) => {
                    Outcome::Known { feed: message.author(), held: self.held(&message.author()) }
                }
                Err(Refused::Fork { .. }) => {
                    self.forks.push(message);
                    Outcome::Refused(Refusal::Fork)
                }
                Err(Refused::Gap { .. }) => Outcome::Refused(Refusal::Gap),
                Err(Refused::Banned) => Outcome::Refused(Refusal::Banned),
                // Never because a commit is full: the core has less in flight than fits into one.
                Err(_) => Outcome::Refused(Refusal::Storage),
            },
        };
        Verdict { giver: Some(giver), len, outcome }
    }

    fn schedule_turn(&mut self, network: &mut Network) {
        if !std::mem::replace(&mut self.has_turn, true) {
            let delay = network.random.between(1, 2_000);
            network.after(delay, Event::Turn { node: self.number, life: self.life });
        }
    }
}

/// What the core charges for a message until its verdict.
fn charge(item: &Ingest) -> usize {
    item.raw.len().max(ITEM_COST_MIN)
}

fn stored(message: &Message) -> Outcome {
    let contact = contact_of(message.json());
    Outcome::Stored { feed: message.author(), sequence: message.sequence(), contact }
}

fn target(ticket: u64) -> usize {
    usize::try_from(ticket).expect("tickets are numbers of nodes")
}
