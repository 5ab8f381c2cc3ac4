//! A node that has no disk: a core, and the ends of its connections.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;

use ssb_blobs::wants::Policy;
use ssb_gossip::connection::ConnectionId;
use ssb_gossip::core::Core;
use ssb_gossip::core::Start;
use ssb_gossip::event::Giver;
use ssb_gossip::event::Group;
use ssb_gossip::event::Ingest;
use ssb_gossip::event::Input;
use ssb_gossip::event::Outcome;
use ssb_gossip::event::Output;
use ssb_gossip::event::Refusal;
use ssb_gossip::event::Verdict;
use ssb_gossip::firewall::Firewall;
use ssb_gossip::graph::Blocks;
use ssb_gossip::lan::Lan;
use ssb_gossip::retention::Retention;
use ssb_gossip::verify::verify;
use ssb_keys::FeedId;
use ssb_keys::published_mark::PublishedMark;
use ssb_msg::Signing;
use ssb_msg::Unverified;
use ssb_msg::content::Contact;
use ssb_msg::content::Relation;

use super::line::Line;
use super::outside::Event;
use super::outside::Outside;
use super::outside::Verifying;
use super::shape::Shape;
use crate::connection::micros;

/// How long it takes until something is verified and durable, in microseconds.
const COMMIT: u64 = 5_000;

/// How many follows away feeds are wanted.
const HOPS: u8 = 2;

/// A node.
#[derive(Debug)]
pub struct Node {
    number: usize,
    community: usize,
    me: FeedId,
    core: Core,
    lines: BTreeMap<ConnectionId, Line>,
    inbox: VecDeque<Input>,
    /// Connections that may have something to do.
    dirty: BTreeSet<ConnectionId>,
    pending: Vec<Judged>,
    has_commit: bool,
    timer_at: Option<u64>,
}

/// A message that is looked at, and waits for a commit.
#[derive(Debug)]
struct Judged {
    giver: Option<Giver>,
    len: usize,
    claim: Result<(FeedId, u32), Refusal>,
}

impl Node {
    /// A node that holds its own feed up to `held`, and knows whom it follows and whom those follow.
    pub fn new(number: usize, held: u32, shape: &Shape, outside: &Outside) -> Self {
        let me = outside.archive.id(number);
        let follows_of = |node: usize| shape.follows.get(node).into_iter().flatten().copied();
        let mut contacts = Vec::new();
        for author in std::iter::once(number).chain(follows_of(number)) {
            let id = outside.archive.id(author);
            contacts.extend(follows_of(author).map(|contact| {
                (id, Contact { contact: outside.archive.id(contact), relation: Relation::Follow })
            }));
        }
        let core = Core::new(Start {
            me,
            signing: Signing::plain(),
            hops: HOPS,
            blocks: Blocks::Transitive,
            mark: PublishedMark::created(me).reopened(u64::from(held)),
            held: Vec::from([(me, held)]),
            contacts,
            seeds: Vec::new(),
            stored: Vec::new(),
            pubs: Vec::new(),
            dialing: None,
            lan: Lan::Off,
            firewall: Firewall::default(),
            blobs: Policy::default(),
            pushes: Vec::new(),
            banned: Vec::new(),
            forks: Vec::new(),
            retention: Retention::Everything,
        });
        Self {
            number,
            community: shape.communities.get(number).copied().unwrap_or_default(),
            me,
            core,
            lines: BTreeMap::new(),
            inbox: VecDeque::new(),
            dirty: BTreeSet::new(),
            pending: Vec::new(),
            has_commit: false,
            timer_at: None,
        }
    }

    /// The decisions.
    pub const fn core(&self) -> &Core {
        &self.core
    }

    /// A connection was made.
    pub fn connect(&mut self, id: ConnectionId, line: Line, outside: &mut Outside) {
        self.lines.insert(id, line);
        self.dirty.insert(id);
        self.act(outside);
    }

    /// Bytes came.
    pub fn arrive(&mut self, id: ConnectionId, bytes: Vec<u8>, outside: &mut Outside) {
        if let Some(line) = self.lines.get_mut(&id) {
            line.arrive(bytes);
            self.dirty.insert(id);
            self.act(outside);
        }
    }

    /// A deadline of a connection has come.
    pub fn tick_line(&mut self, id: ConnectionId, outside: &mut Outside) {
        if let Some(line) = self.lines.get_mut(&id) {
            line.tick(outside);
            self.dirty.insert(id);
            self.act(outside);
        }
    }

    /// A deadline of the core has come, unless it has changed since.
    pub fn tick_core(&mut self, outside: &mut Outside) {
        if self.timer_at.is_some_and(|at| outside.micros() >= at) {
            self.timer_at = None;
            self.inbox.push_back(Input::Tick);
            self.act(outside);
        }
    }

    /// Its owner has written the next message of its feed.
    pub fn publish(&mut self, sequence: u32, outside: &mut Outside) {
        self.pending.push(Judged { giver: None, len: 0, claim: Ok((self.me, sequence)) });
        self.schedule_commit(outside);
    }

    /// What was to be stored is durable.
    pub fn commit(&mut self, outside: &mut Outside) {
        self.has_commit = false;
        let mut held: BTreeMap<FeedId, u32> = BTreeMap::new();
        let mut stored = Vec::new();
        let mut verdicts = Vec::with_capacity(self.pending.len());
        for Judged { giver, len, claim } in std::mem::take(&mut self.pending) {
            let outcome = match claim {
                Err(refusal) => {
                    outside.fail(|| format!("node {} refuses a message: {refusal:?}", self.number));
                    Outcome::Refused(refusal)
                }
                Ok((feed, sequence)) => {
                    let held = held.entry(feed).or_insert_with(|| self.core.held(&feed));
                    if sequence == *held + 1 {
                        *held = sequence;
                        stored.push(feed);
                        self.count(giver.is_some(), feed, sequence, outside);
                        Outcome::Stored { feed, sequence, contact: None }
                    } else if sequence <= *held {
                        outside.tally.known += 1;
                        Outcome::Known { feed, held: *held }
                    } else {
                        outside.tally.gaps += 1;
                        Outcome::Refused(Refusal::Gap)
                    }
                }
            };
            verdicts.push(Verdict { giver, len, outcome });
        }
        self.inbox.push_back(Input::Verdicts(verdicts));
        self.act(outside);
        for (id, line) in &mut self.lines {
            for feed in &stored {
                if line.wake(feed) {
                    self.dirty.insert(*id);
                }
            }
        }
        self.act(outside);
    }

    fn count(&self, is_delivery: bool, feed: FeedId, sequence: u32, outside: &mut Outside) {
        if !is_delivery {
            return;
        }
        match outside.archive.delivered(&feed, sequence, outside.micros()) {
            Some(len) => {
                outside.tally.stored += 1;
                outside.tally.stored_len += len;
            }
            None => outside.fail(|| format!("node {} got {sequence} of {feed}, unreachable", self.number)),
        }
    }

    /// Goes on until nothing more can be done now.
    fn act(&mut self, outside: &mut Outside) {
        loop {
            while let Some(input) = self.inbox.pop_front() {
                self.core.handle(input, outside.now());
                while let Some(output) = self.core.poll() {
                    self.carry_out(output, outside);
                }
            }
            let Some(id) = self.dirty.pop_first() else { break };
            if let Some(line) = self.lines.get_mut(&id) {
                line.pump(&self.core, outside, &mut self.inbox);
            }
        }
        let Some(deadline) = self.core.deadline() else { return };
        let delay = micros(deadline.since(outside.now().uptime)).max(1);
        let at = outside.micros() + delay;
        if self.timer_at.is_none_or(|timer| at < timer) {
            self.timer_at = Some(at);
            outside.after(delay, Event::CoreTimer { node: self.number });
        }
    }

    fn carry_out(&mut self, output: Output, outside: &mut Outside) {
        match output {
            Output::Tell { connection, letter } => {
                if let Some(line) = self.lines.get_mut(&connection) {
                    line.tell(letter);
                    self.dirty.insert(connection);
                }
            }
            Output::Ingest(group) => self.judge(group, outside),
            Output::SavePeers | Output::SavePushes | Output::Changed(_) => {}
            other => outside.fail(|| format!("node {} wants {other:?}", self.number)),
        }
    }

    /// Looks at messages, as verifiers do.
    fn judge(&mut self, group: Group, outside: &mut Outside) {
        let archive = &outside.archive;
        let place = |feed: FeedId, sequence: u32, json: &str| {
            // What nobody wrote would have been signed by somebody nevertheless.
            let is_written =
                archive.message(&feed, sequence).is_some_and(|written| written.json.as_str() == json);
            if is_written { Ok((feed, sequence)) } else { Err(Refusal::Fork) }
        };
        match outside.verifying {
            Verifying::All => {
                let Some(keys) = outside.keys.get_mut(self.community) else { return };
                let verified = verify(group.items, &outside.signing, keys);
                self.pending.extend(verified.into_iter().map(|item| {
                    let claim = item
                        .message
                        .and_then(|message| place(message.author(), message.sequence(), message.json()));
                    Judged { giver: Some(item.giver), len: item.len, claim }
                }));
            }
            Verifying::Nothing => {
                self.pending.extend(group.items.into_iter().map(|Ingest { giver, raw, .. }| {
                    let claim = Unverified::parse(&raw)
                        .map_err(|_| Refusal::Malformed)
                        .and_then(|message| place(message.author(), message.sequence(), message.json()));
                    Judged { giver: Some(giver), len: raw.len(), claim }
                }));
            }
        }
        self.schedule_commit(outside);
    }

    fn schedule_commit(&mut self, outside: &mut Outside) {
        if !std::mem::replace(&mut self.has_commit, true) {
            outside.after(COMMIT, Event::Commit { node: self.number });
        }
    }
}
