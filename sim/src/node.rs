//! A node of ours, as ssb-node runs it, but in turns of virtual time: a core, a store on memory that can fail, and what
//! verifiers and log thread do.

use std::collections::BTreeMap;
use std::collections::VecDeque;

use ssb_gossip::connection::ConnectionId;
use ssb_gossip::core::Core;
use ssb_gossip::core::GROUP_LEN_MAX;
use ssb_gossip::core::IN_FLIGHT_LEN_MAX;
use ssb_gossip::core::ITEM_COST_MIN;
use ssb_gossip::core::Start;
use ssb_gossip::event::Group;
use ssb_gossip::event::Ingest;
use ssb_gossip::event::Input;
use ssb_gossip::event::Letter;
use ssb_gossip::event::Outcome;
use ssb_gossip::event::Output;
use ssb_gossip::event::Refusal;
use ssb_gossip::event::Verdict;
use ssb_gossip::history::contact_of;
use ssb_gossip::streams::ITEMS_LEN_MAX;
use ssb_gossip::verify::InOrder;
use ssb_gossip::verify::Verified;
use ssb_gossip::verify::verify;
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
use ssb_log::store::Refused;
use ssb_msg::Message;
use ssb_msg::Signing;
use ssb_msg::limits::WIRE_LEN_MAX;

use crate::connection::Connection;
use crate::connection::MEMORY_MAX;
use crate::connection::micros;
use crate::network::End;
use crate::network::Event;
use crate::network::Network;
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
    /// How much of the log was held against the truth, and how far each feed of it goes.
    checked: Ordinal,
    copies: BTreeMap<FeedId, u32>,
    /// What of each feed left this node.
    sent: BTreeMap<FeedId, u32>,
}

#[derive(Debug)]
enum Own {
    Publish(String),
    SaveMark(PublishedMark),
}

/// What a node asks the world to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Wish {
    /// Dial a node, given by its number.
    Dial(usize),
    /// It was not allowed to dial; perhaps later.
    NotDialed(usize),
    /// A connection is over.
    Over(ConnectionId, End),
    /// Its disk has failed: nothing but a new start helps.
    Crash,
}

/// What must hold, and does not.
pub type Broken = String;

impl Node {
    /// Starts on what is on disk.
    pub fn start(
        number: usize,
        life: u64,
        me: Keypair,
        mark: PublishedMark,
        disk: Disk,
        hops: u8,
    ) -> Result<Self, String> {
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
        let mark = mark.reopened(u64::from(store.state(&me.id()).sequence()));
        let (seeds, stored) = (Vec::new(), Vec::new());
        let core = Core::new(Start { me: me.id(), hops, mark, held, contacts, seeds, stored });
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
            inbox: VecDeque::new(),
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
            copies: BTreeMap::new(),
            sent: BTreeMap::new(),
        })
    }

    /// The published-mark, as it is on disk.
    pub const fn mark(&self) -> PublishedMark {
        self.mark
    }

    /// Which life it is.
    pub const fn life(&self) -> u64 {
        self.life
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

    /// A connection was made.
    pub fn connect(&mut self, id: ConnectionId, connection: Connection) {
        self.connections.insert(id, connection);
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
        let pumped = connection.pump(network, &self.reader, room);
        let (memory, end) = (connection.memory(), connection.end());
        if memory > MEMORY_MAX {
            return Err(format!("the buffers of connection {} take {memory} bytes", id.0));
        }
        self.inbox.extend(pumped.inputs);
        if pumped.is_over {
            self.connections.remove(&id);
            self.inbox.push_back(Input::Closed { connection: id });
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
        let mut verdicts = Vec::new();
        let mut written = Vec::new();
        let mut marks = Vec::new();
        for own in std::mem::take(&mut self.own) {
            match own {
                Own::Publish(content) => written.extend(self.sign(&content, network)),
                Own::SaveMark(mark) => marks.push(mark),
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
                verdicts.push(self.offer(item, received));
            }
        }
        if self.store.queued() > 0 {
            let (own, mark) = (self.store.state(&me).sequence(), &mut self.mark);
            let saves = !network.random.once_in(200) || !network.is_stormy;
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
            self.results.push_front(Input::Verdicts(verdicts));
        }
        self.schedule_turn(network);
        self.check_copies(truth)
    }

    /// Holds the whole log against what authors wrote.
    pub fn check_all(&mut self, truth: &Truth) -> Result<(), Broken> {
        self.checked = Ordinal::ZERO;
        self.copies.clear();
        self.check_copies(truth)
    }

    /// Holds everything in the log that was not looked at yet against what authors wrote.
    pub fn check_copies(&mut self, truth: &Truth) -> Result<(), Broken> {
        let Ok(page) = self.reader.page(self.checked..self.reader.end(), usize::MAX) else { return Ok(()) };
        let me = self.me.id();
        for stored in page {
            let author = self.reader.author(stored.ordinal).and_then(|number| self.reader.feed_id(number));
            let author = author.ok_or("a message has no author")?;
            let sequence = self.copies.get(&author).copied().unwrap_or(0) + 1;
            if truth.id(&author, sequence) != Some(stored.id) {
                return Err(format!("node {} holds as {author} {sequence} what nobody wrote", self.number));
            }
            if truth.blocked_at(&author, &me).is_some_and(|from| sequence >= from) {
                return Err(format!("node {} got {sequence} of {author}, who blocks it", self.number));
            }
            self.copies.insert(author, sequence);
            self.checked = stored.ordinal.next().ok_or("the log is full")?;
        }
        Ok(())
    }

    /// The messages of the own feed in the log, after a start.
    pub fn own_messages(&self) -> Vec<(u32, MessageId, String)> {
        let page = self.reader.feed_page(&self.me.id(), 1, usize::MAX).unwrap_or_default();
        (1..).zip(page).map(|(sequence, stored)| (sequence, stored.id, stored.json)).collect()
    }

    fn check_sent(
        &mut self,
        feed: FeedId,
        sequence: u32,
        viewer: FeedId,
        truth: &Truth,
    ) -> Result<(), Broken> {
        let number = self.number;
        if self.held(&feed) < sequence {
            return Err(format!("node {number} sent {sequence} of {feed} before it was durable"));
        }
        if feed == self.me.id()
            && self.mark.permits(self.mark.sequence)
            && self.mark.sequence < u64::from(sequence)
        {
            return Err(format!("node {number} sent its own {sequence} before the mark was saved"));
        }
        if truth.blocked_at(&feed, &viewer).is_some_and(|from| sequence >= from) {
            return Err(format!("node {number} sent {sequence} of {feed} to {viewer}, who is blocked"));
        }
        let sent = self.sent.entry(feed).or_default();
        *sent = (*sent).max(sequence);
        Ok(())
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
                Output::Publish { content, .. } => self.own.push_back(Own::Publish(content)),
                Output::PublishRefused { locked, .. } => {
                    network.say(|| format!("node {} may not publish: {locked:?}", self.number));
                }
                Output::SaveMark(mark) => self.own.push_back(Own::SaveMark(mark)),
                Output::Dial { ticket, .. } => wishes.push(Wish::Dial(target(ticket.0))),
                Output::Changed(_) => {}
                Output::Done { .. } | Output::PeerAdded { .. } | Output::NotKnown { .. } => {
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
                Err(Refused::Known) => Outcome::Known,
                Err(Refused::Fork { .. }) => Outcome::Refused(Refusal::Fork),
                Err(Refused::Gap { .. }) => Outcome::Refused(Refusal::Gap),
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
