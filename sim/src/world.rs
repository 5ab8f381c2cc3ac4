//! A whole run: sets the nodes up, lets happen what happens, and holds all of it against what must be.

mod blobs;

use std::collections::BTreeMap;
use std::sync::Arc;

use ssb_gossip::address::Address;
use ssb_gossip::connection::ConnectionId;
use ssb_gossip::ebt;
use ssb_gossip::event::Input;
use ssb_gossip::event::Target;
use ssb_gossip::event::Ticket;
use ssb_gossip::peer::Peer;
use ssb_gossip::peers::Whereabouts;
use ssb_keys::BlobId;
use ssb_keys::FeedId;
use ssb_keys::Keypair;
use ssb_keys::hash::sha256;
use ssb_keys::network::NetworkKey;
use ssb_keys::published_mark::PublishedMark;
use ssb_log::faulty::Faulty;
use ssb_log::faulty::Times;
use ssb_log::memory::Memory;
use ssb_muxrpc::Kind;
use ssb_muxrpc::Method;
use ssb_muxrpc::Methods;
use ssb_muxrpc::Roles;

use crate::blobs::Shelf;
use crate::blobs::bytes;
use crate::connection::ANONYMOUS;
use crate::connection::Connection;
use crate::network::End;
use crate::network::Event;
use crate::network::Network;
use crate::network::Notice;
use crate::node::Broken;
use crate::node::Found;
use crate::node::Node;
use crate::node::Removed;
use crate::node::Wish;
use crate::random::Random;
use crate::rude::Rude;
use crate::scenario::Role;
use crate::scenario::SECOND;
use crate::scenario::Scenario;
use crate::scenario::Step;
use crate::trace::Trace;
use crate::truth::Truth;

/// How long after the last fault everybody must have what they want. It is less than ten minutes with the storm before, so
/// that no connection ends because it is idle: a question that was forgotten stays forgotten, and is found here.
const CONVERGENCE_MAX: u64 = 450 * SECOND;

/// The same if connections fall silent, which each end notices for itself after ten minutes and then dials again.
const CONVERGENCE_MAX_AFTER_SILENCE: u64 = 2_000 * SECOND;

/// All nodes and all between them.
#[derive(Debug)]
pub struct World {
    network: Network,
    places: Vec<Place>,
    truth: Truth,
    /// The blobs that there may be.
    blobs: Vec<(BlobId, Arc<[u8]>)>,
    methods: Arc<Methods>,
    calm_since: u64,
    restores: u64,
    /// Who lost everything but the secret, and perhaps the mark, the last one last: a feed whose holders refuse its author
    /// does not come back.
    restored: Vec<usize>,
    crashes: u64,
}

/// Where a node lives, and what is left of it when it crashes.
#[derive(Debug)]
struct Place {
    me: Keypair,
    memory: Memory,
    mark: PublishedMark,
    life: u64,
    inhabitant: Inhabitant,
    /// What of each feed left this place.
    sent: BTreeMap<FeedId, u32>,
    /// What its owner removed for good.
    removed: Removed,
    shelf: Shelf,
}

#[derive(Debug)]
enum Inhabitant {
    Ours(Box<Node>),
    Rude(Box<Rude>),
    Nobody,
}

/// What a run came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// How many nodes there were.
    pub nodes: usize,
    /// How many messages were written.
    pub messages: usize,
    /// How many copies of messages there were in the end.
    pub copies: usize,
    /// How often a node crashed.
    pub crashes: u64,
    /// How many nodes lost all but their secret.
    pub restores: u64,
    /// How many nodes know of forks, each fork counted once for each.
    pub forks: usize,
    /// How many single messages came to owners who had asked for them, and whose nodes have not crashed since.
    pub fetched: usize,
    /// How many blobs came to nodes from others.
    pub blobs: usize,
    /// How many bytes were sent.
    pub bytes: u64,
    /// How long it took, in virtual seconds.
    pub seconds: u64,
    /// SHA-256 of all bytes sent, with when and where.
    pub digest: [u8; 32],
}

impl World {
    /// The world of a scenario, before anything happened.
    pub fn new(scenario: Scenario, trace: Trace) -> Self {
        let mut keys = Random::new(scenario.seed.rotate_left(32));
        let roles = scenario.roles.iter().enumerate();
        let places = roles.map(|(number, role)| Place::new(*role, number, &keys.seed())).collect();
        let public = Roles::of(&[ANONYMOUS]);
        let history = Method::new("createHistoryStream", Kind::Source).allowed_to(public);
        let ping = Method::new("gossip.ping", Kind::Duplex).allowed_to(public);
        let ebt = ebt::stream::method().allowed_to(public);
        let ooo = Method::new("ooo.stream", Kind::Duplex).allowed_to(public);
        let wants = Method::new("blobs.createWants", Kind::Source).allowed_to(public);
        let get = Method::new("blobs.get", Kind::Source).allowed_to(public);
        let methods = Methods::new([history, ping, ebt, ooo, wants, get], Roles::of(&[]));
        let methods = methods.expect("their paths differ");
        let lens = scenario.blobs.iter().enumerate();
        let contents = lens.map(|(number, len)| bytes(scenario.seed, number, *len));
        let blobs = contents.map(|bytes| (BlobId::from_bytes(sha256(&bytes)), bytes)).collect();
        Self {
            network: Network::new(scenario, trace),
            places,
            truth: Truth::default(),
            blobs,
            methods: Arc::new(methods),
            calm_since: 0,
            restores: 0,
            restored: Vec::new(),
            crashes: 0,
        }
    }

    /// Runs to the end.
    pub fn run(&mut self) -> Result<Report, Broken> {
        for place in self.places.iter().filter(|place| matches!(place.inhabitant, Inhabitant::Rude(_))) {
            let Inhabitant::Rude(rude) = &place.inhabitant else { continue };
            for (index, branch) in rude.branches().into_iter().enumerate() {
                for message in branch {
                    let (author, id) = (place.me.id(), message.id());
                    if index > 0 {
                        self.truth.also_wrote(author, id);
                    } else if !self.truth.wrote(author, message.sequence(), id, message.json()) {
                        return Err("two nodes have one key".to_owned());
                    }
                }
            }
        }
        for node in 0..self.places.len() {
            let delay = self.network.random.below(SECOND);
            self.network.after(delay, Event::Start { node });
            for _ in 0..self.network.random.between(1, 5) {
                let delay = self.network.random.between(SECOND, 3 * SECOND);
                self.network.after(delay, Event::Publish { node: Some(node) });
            }
        }
        self.storm();
        self.network.after(SECOND, Event::Check);
        while let Some(event) = self.network.happen() {
            if let Some(report) = self.step(event)? {
                return Ok(report);
            }
        }
        Err("nothing happens any more".to_owned())
    }

    /// What happened last.
    pub const fn trace(&self) -> &Trace {
        &self.network.trace
    }

    /// When it is.
    pub const fn micros(&self) -> u64 {
        self.network.micros()
    }

    fn storm(&mut self) {
        let Scenario { storm, publishes, accidents, blob_steps, .. } = self.network.scenario;
        self.network.is_stormy = true;
        let script = self.network.scenario.script.clone();
        let (publishes, accidents, blob_steps) =
            if script.is_empty() { (publishes, accidents, blob_steps) } else { (0, 0, 0) };
        for (after, step) in script {
            self.network.after(after.min(storm), Event::Scripted(step));
        }
        for _ in 0..publishes {
            let delay = self.network.random.below(storm);
            self.network.after(delay, Event::Publish { node: None });
        }
        for _ in 0..accidents {
            let delay = self.network.random.below(storm);
            self.network.after(delay, Event::Accident);
        }
        for _ in 0..blob_steps {
            let delay = self.network.blob_random.below(storm);
            self.network.after(delay, Event::Blob);
        }
        self.network.after(storm, Event::Calm);
    }

    fn step(&mut self, event: Event) -> Result<Option<Report>, Broken> {
        match event {
            Event::Arrive { link, to, bytes } => {
                if let Some(node) = self.network.arrive(link, to, bytes) {
                    self.pump(node, link)?;
                }
            }
            Event::HangUp { link, to } => {
                if let Some(node) = self.network.hang_up(link, to) {
                    self.pump(node, link)?;
                }
            }
            Event::Pump { node, link } => self.pump(node, link)?,
            Event::Turn { node, life } => {
                self.with(node, life, Node::turn)?;
            }
            Event::Verify { node, life, group } => {
                self.with(node, life, |node, network, _, _| {
                    node.verify(group, network);
                    Ok(())
                })?;
            }
            Event::Commit { node, life } => {
                self.with(node, life, Node::commit)?;
            }
            Event::Dial { node, life, target } => {
                let address = self.address(target)?;
                let ticket = u64::try_from(target).map(Ticket).map_err(|error| error.to_string())?;
                self.with(node, life, |node, network, _, _| {
                    let to = Target::At(Whereabouts::in_parts(address));
                    node.input(Input::Dial { ticket, to }, network);
                    Ok(())
                })?;
            }
            Event::Publish { node } => {
                self.publish(node)?;
                self.fetch()?;
            }
            Event::Accident => {
                let (number, kind) = self.chance();
                self.accident(number, kind)?;
            }
            Event::Blob => {
                let random = &mut self.network.blob_random;
                let (node, blob) = (random.index(self.places.len()), random.index(self.blobs.len()));
                let kind = random.below(blobs::KINDS);
                self.blob(node, blob, kind)?;
            }
            Event::Scripted(Step::Blob { node, blob, kind }) => {
                self.blob(node % self.places.len(), blob, kind % blobs::KINDS)?;
            }
            Event::Scripted(Step::Publish { node, about, kind }) => {
                let (count, about) = (self.places.len(), about % self.places.len().saturating_sub(1).max(1));
                self.write(node % count, about + 1, kind % 20)?;
            }
            Event::Scripted(Step::Accident { node, kind }) => {
                self.accident(node % self.places.len(), kind % 7)?;
            }
            Event::Start { node } => self.start(node)?,
            Event::Check => {
                self.network.after(SECOND, Event::Check);
                return self.check();
            }
            Event::Heal => self.network.heal(),
            Event::Calm => {
                self.network.heal();
                self.network.say(|| "calm".to_owned());
                self.network.is_stormy = false;
                self.calm_since = self.network.micros();
            }
        }
        Ok(None)
    }

    /// Lets a node of ours act, and does what it wishes.
    fn with(
        &mut self,
        number: usize,
        life: u64,
        act: impl FnOnce(&mut Node, &mut Network, &mut Truth, &mut Vec<Wish>) -> Result<(), Broken>,
    ) -> Result<(), Broken> {
        let place = self.places.get_mut(number).ok_or("no such node")?;
        let Inhabitant::Ours(node) = &mut place.inhabitant else { return Ok(()) };
        if node.life() != life {
            return Ok(());
        }
        let mut wishes = Vec::new();
        act(node, &mut self.network, &mut self.truth, &mut wishes)?;
        for feed in node.emptied() {
            place.sent.remove(&feed);
        }
        for wish in wishes {
            match wish {
                Wish::Dial(target) => self.dial(number, life, target),
                Wish::DialUnasked(key) => self.dial_unasked(number, life, key)?,
                Wish::NotDialed(target) => self.dial_later(number, life, target),
                Wish::Undialed(link) => {
                    let target = self.network.node(link, End::Listener).ok_or("no such connection")?;
                    self.undialed(number, life, self.place(target).me.id())?;
                }
                Wish::Over(link, end) => {
                    let listener = self.network.node(link, End::Listener);
                    self.network.close(link, end);
                    let is_told = !self.network.scenario.dials_unasked;
                    if let (End::Dialer, Some(target), true) = (end, listener, is_told) {
                        self.dial_later(number, life, target);
                    }
                }
                Wish::Crash => self.crash(number),
            }
        }
        Ok(())
    }

    fn pump(&mut self, number: usize, link: ConnectionId) -> Result<(), Broken> {
        let place = self.places.get_mut(number).ok_or("no such node")?;
        match &mut place.inhabitant {
            Inhabitant::Rude(rude) => rude.pump(link, &mut self.network),
            Inhabitant::Ours(_) => {
                let life = place.life;
                self.with(number, life, |node, network, truth, wishes| {
                    node.pump(link, network, truth, wishes)
                })?;
            }
            Inhabitant::Nobody => {}
        }
        Ok(())
    }

    fn dial_later(&mut self, node: usize, life: u64, target: usize) {
        let delay = self.network.random.between(SECOND / 10, 8 * SECOND);
        self.network.after(delay, Event::Dial { node, life, target });
    }

    fn dial(&mut self, number: usize, life: u64, target: usize) {
        // Who is connected is mostly not dialed again, as by programs that know.
        let is_in_vain = self.is_connected(number, target) && !self.network.random.once_in(8);
        if self.place(number).life != life || !self.reaches(number, target) || is_in_vain {
            self.dial_later(number, life, target);
            return;
        }
        self.connect(number, target);
    }

    fn is_connected(&self, number: usize, target: usize) -> bool {
        let peer = self.place(target).me.id();
        matches!(&self.place(number).inhabitant, Inhabitant::Ours(node) if node.is_connected(&peer))
    }

    /// A node dials by its own schedule.
    fn dial_unasked(&mut self, number: usize, life: u64, key: FeedId) -> Result<(), Broken> {
        let target =
            self.places.iter().position(|place| place.me.id() == key).ok_or("nobody has this key")?;
        if self.reaches(number, target) {
            self.connect(number, target);
            return Ok(());
        }
        self.undialed(number, life, key)
    }

    fn undialed(&mut self, number: usize, life: u64, peer: FeedId) -> Result<(), Broken> {
        self.with(number, life, |node, network, _, _| {
            node.input(Input::DialFailed { peer, error: "nobody is there".to_owned() }, network);
            Ok(())
        })
    }

    /// Whether both are up, and bytes go from one to the other.
    fn reaches(&self, number: usize, target: usize) -> bool {
        let is_up = |number: usize| !matches!(self.place(number).inhabitant, Inhabitant::Nobody);
        is_up(number) && is_up(target) && self.network.is_one_side(number, target)
    }

    fn connect(&mut self, number: usize, target: usize) {
        let link = self.network.connect(number, target);
        let (ours, theirs) = (self.network.random.seed(), self.network.random.seed());
        let (key, methods) = (self.place(target).me.id(), Arc::clone(&self.methods));
        for (at, end) in [(number, End::Dialer), (target, End::Listener)] {
            let Some(place) = self.places.get_mut(at) else { continue };
            let me = &place.me;
            match &mut place.inhabitant {
                Inhabitant::Ours(node) => {
                    let peer = match end {
                        End::Dialer => Peer::dial(me, &NetworkKey::MAIN, key, &ours, &methods, ANONYMOUS),
                        End::Listener => Peer::accept(me, &NetworkKey::MAIN, &theirs, &methods),
                    };
                    node.connect(link, Connection::new(link, end, at, me.id(), peer, &self.network));
                }
                Inhabitant::Rude(rude) => rude.connect(link, &theirs, &methods, &self.network),
                Inhabitant::Nobody => {}
            }
            self.network.after(1, Event::Pump { node: at, link });
        }
        self.network.say(|| format!("node {number} dials {target}: connection {}", link.0));
    }

    fn start(&mut self, number: usize) -> Result<(), Broken> {
        let targets = self.network.scenario.dials.get(number).cloned().unwrap_or_default();
        let seeds = targets.iter().map(|target| self.address(*target)).collect::<Result<Vec<_>, _>>()?;
        let place = self.places.get_mut(number).ok_or("no such node")?;
        if !matches!(place.inhabitant, Inhabitant::Nobody) {
            return Ok(());
        }
        place.life += 1;
        let life = place.life;
        let fails = self.network.disks_fail() && self.network.random.once_in(6);
        let calls = if fails { self.network.random.between(20, 600) } else { u64::MAX };
        let disk = Faulty::new(place.memory.clone(), calls, Times::Forever);
        let (me, mark, removed) = (place.me.clone(), place.mark, place.removed.clone());
        let found = Found { me, mark, disk, seeds, removed, shelf: place.shelf.clone() };
        let mut node = match Node::start(number, life, found, &self.network.scenario) {
            Ok(node) => node,
            Err(_) if fails => {
                self.crash(number);
                return Ok(());
            }
            Err(error) => return Err(format!("node {number} does not start: {error}")),
        };
        self.network.say(|| format!("node {number} starts, life {life}"));
        for (sequence, id, json) in node.own_messages() {
            if !self.truth.wrote(place.me.id(), sequence, id, &json) {
                return Err(format!("node {number} started with another {sequence} of its own"));
            }
        }
        for (feed, sequence) in &place.sent {
            if node.held(feed) < *sequence {
                return Err(format!("node {number} had sent {sequence} of {feed}, and has lost it"));
            }
        }
        node.check_copies(&self.truth)?;
        place.inhabitant = Inhabitant::Ours(Box::new(node));
        self.network.after(1, Event::Turn { node: number, life });
        if !self.network.scenario.dials_unasked {
            for target in self.network.scenario.dials.get(number).cloned().unwrap_or_default() {
                self.dial_later(number, life, target);
            }
        }
        Ok(())
    }

    /// The machine of a node loses power: what was not synced is there in part, or not.
    fn crash(&mut self, number: usize) {
        let Some(place) = self.places.get_mut(number) else { return };
        let random = &mut self.network.random;
        place.memory = place.memory.crash_torn(|_| random.once_in(2));
        if let Inhabitant::Ours(node) = std::mem::replace(&mut place.inhabitant, Inhabitant::Nobody) {
            self.crashes += 1;
            place.mark = node.mark();
            place.removed = node.removed().clone();
            place.shelf = node.shelf().clone();
            for (feed, sequence) in node.sent() {
                let sent = place.sent.entry(*feed).or_default();
                *sent = (*sent).max(*sequence);
            }
            for (link, connection) in node.connections() {
                let is_noticed = !self.network.scenario.has_silence || !self.network.random.once_in(4);
                self.network.cut(link, if is_noticed { Notice::Both } else { Notice::Nobody });
                self.network.close(link, connection.end());
            }
        }
        self.network.say(|| format!("node {number} crashes"));
        let delay = self.network.random.between(SECOND / 10, 20 * SECOND);
        self.network.after(delay, Event::Start { node: number });
    }

    /// With whom something goes wrong, and what.
    fn chance(&mut self) -> (usize, u64) {
        (self.network.random.index(self.places.len()), self.network.random.below(7))
    }

    fn accident(&mut self, number: usize, kind: u64) -> Result<(), Broken> {
        let links = self.network.living();
        match kind {
            6 => self.split(),
            0 if matches!(self.place(number).inhabitant, Inhabitant::Ours(_)) => self.crash(number),
            4 => self.network.set_clock(number),
            5 => self.remove(number)?,
            cause if !links.is_empty() => {
                let index = self.network.random.index(links.len());
                let link = *links.get(index).ok_or("no such connection")?;
                let is_silent = cause == 1 && self.network.scenario.has_silence;
                let notice = if is_silent { Notice::Nobody } else { Notice::Both };
                self.network.say(|| format!("connection {} is lost: {notice:?}", link.0));
                self.network.cut(link, notice);
            }
            _ => {}
        }
        Ok(())
    }

    /// Two halves of the network do not reach each other for a while.
    fn split(&mut self) {
        let sides = self.places.iter().map(|_| self.network.random.once_in(2)).collect();
        self.network.split(sides);
        let pause = self.network.random.between(SECOND, 60 * SECOND);
        self.network.after(pause, Event::Heal);
    }

    /// An owner removes something for good, or lets it come back.
    fn remove(&mut self, number: usize) -> Result<(), Broken> {
        // While a feed comes back to its author nobody may have a part of it: see README.md.
        if !self.restored.is_empty() {
            return Ok(());
        }
        let life = self.place(number).life;
        self.with(number, life, |node, network, _, _| {
            let ticket = Ticket(0);
            let input = if network.random.once_in(2) {
                node.removable(&mut network.random).map(|what| Input::Remove { ticket, what })
            } else {
                node.readmittable(&mut network.random).map(|what| Input::Readmit { ticket, what })
            };
            if let Some(input) = input {
                node.input(input, network);
            }
            Ok(())
        })
    }

    fn publish(&mut self, node: Option<usize>) -> Result<(), Broken> {
        let random = &mut self.network.random;
        let number = match (node, self.restored.last().copied()) {
            (Some(number), _) => number,
            (None, Some(restored)) if random.once_in(2) => restored,
            _ => random.index(self.places.len()),
        };
        let away = random.index(self.places.len() - 1) + 1;
        let kind = if node.is_some() { 0 } else { random.below(20) };
        self.write(number, away, kind)
    }

    /// Some owner wants to see some message.
    fn fetch(&mut self) -> Result<(), Broken> {
        let random = &mut self.network.random;
        let number = random.index(self.places.len());
        let Some(id) = self.truth.any(random) else { return Ok(()) };
        let life = self.place(number).life;
        self.with(number, life, |node, network, _, _| {
            node.fetch(id, network);
            Ok(())
        })
    }

    /// An owner writes something, perhaps about a node that is so many places further.
    fn write(&mut self, number: usize, away: usize, kind: u64) -> Result<(), Broken> {
        let random = &mut self.network.random;
        let about = self.places.get((number + away) % self.places.len()).ok_or("no such node")?.me.id();
        // A node that begins to want a feed now has a part of it for a while, and would tell its author that this part is
        // all: then the author forks, and no rule of one node alone can know. See README.md.
        let content = match kind {
            0..=4 if self.restored.is_empty() => {
                format!(r#"{{"type":"contact","contact":"{about}","following":true}}"#)
            }
            5 if self.restored.is_empty() => {
                format!(r#"{{"type":"contact","contact":"{about}","following":false}}"#)
            }
            6 if self.restored.is_empty() => {
                format!(r#"{{"type":"contact","contact":"{about}","blocking":true}}"#)
            }
            _ => {
                let len_max = if random.once_in(5) { 6_000 } else { 60 };
                let len = random.index(len_max);
                format!(r#"{{"type":"post","text":"{}"}}"#, "é".repeat(len / 2))
            }
        };
        let life = self.place(number).life;
        self.with(number, life, |node, network, _, _| {
            node.input(Input::Publish { ticket: Ticket(0), draft: content.into() }, network);
            Ok(())
        })
    }

    fn check(&mut self) -> Result<Option<Report>, Broken> {
        for place in &mut self.places {
            if let Inhabitant::Ours(node) = &mut place.inhabitant {
                node.check_copies(&self.truth)?;
                if let Some(id) = node.shelf().forged() {
                    return Err(format!("a node has as {id} what is something else"));
                }
            }
        }
        if self.network.is_stormy {
            return Ok(None);
        }
        let is_slow = self.network.scenario.has_silence || self.network.scenario.dials_unasked;
        let patience = if is_slow { CONVERGENCE_MAX_AFTER_SILENCE } else { CONVERGENCE_MAX };
        match self.converged() {
            Ok(()) => {}
            Err(why) if self.network.micros() > self.calm_since + patience => return Err(why),
            Err(_) => return Ok(None),
        }
        if self.restores < self.network.scenario.restores && self.restore() {
            return Ok(None);
        }
        for place in &mut self.places {
            if let Inhabitant::Ours(node) = &mut place.inhabitant {
                node.check_all(&self.truth)?;
            }
        }
        Ok(Some(self.report()))
    }

    /// Takes everything but the secret, and perhaps the mark, from a node of ours, if there is one whose feed every other
    /// has whole or not at all.
    fn restore(&mut self) -> bool {
        self.restores += 1;
        let first = self.network.random.index(self.places.len());
        let mut all = (first..self.places.len()).chain(0..first);
        let Some(number) = all.find(|number| self.may_be_restored(*number)) else { return false };
        self.network.say(|| format!("node {number} loses its log"));
        self.restored.push(number);
        self.crash(number);
        if let Some(place) = self.places.get_mut(number) {
            place.memory = Memory::new();
            if self.network.random.once_in(2) {
                place.mark = PublishedMark::unknown(place.me.id());
            }
            place.sent.clear();
            place.removed = Removed::default();
            place.shelf = Shelf::default();
        }
        self.storm();
        true
    }

    fn may_be_restored(&self, number: usize) -> bool {
        if self.network.scenario.roles.get(number) != Some(&Role::Ours) {
            return false;
        }
        let me = self.place(number).me.id();
        let latest = self.truth.latest(&me);
        let mut whole = 0;
        for (other, node) in self.ours() {
            match node.held(&me) {
                held if held == latest => {
                    whole += usize::from(other != number && node.has_whole(&me, latest));
                }
                0 => {}
                _ => return false,
            }
        }
        latest > 0 && whole > 0
    }

    /// Whether everybody has what they want of what those they are connected with have.
    fn converged(&self) -> Result<(), String> {
        for (dialer, targets) in self.network.scenario.dials.iter().enumerate() {
            for listener in targets {
                if self.network.scenario.roles.get(*listener) != Some(&Role::Ours) {
                    continue;
                }
                let (one, two) = (self.node(dialer)?, self.node(*listener)?);
                let (first, second) = (self.place(dialer).me.id(), self.place(*listener).me.id());
                if one.core().graph().blocks(&first, &second) || two.core().graph().blocks(&second, &first) {
                    continue;
                }
                let meets = |node: &Node, id| node.connections().any(|(_, with)| with.remote() == Some(id));
                if !meets(one, second) || !meets(two, first) {
                    return Err(format!("nodes {dialer} and {listener} have no connection"));
                }
                self.has_all(dialer, one, first, two)?;
                self.has_all(*listener, two, second, one)?;
            }
        }
        for (number, node) in self.ours() {
            let me = self.place(number).me.id();
            if node.fetching() > 0 {
                return Err(format!("node {number} has not answered its owner"));
            }
            if node.held(&me) < self.truth.latest(&me) && !self.restored.contains(&number) {
                return Err(format!("node {number} has lost messages of its own"));
            }
        }
        self.has_blobs()
    }

    fn has_all(&self, number: usize, node: &Node, me: FeedId, other: &Node) -> Result<(), String> {
        for feed in node.core().graph().wanted().filter(|feed| node.core().wants(feed)) {
            let held = node.held(&feed);
            let theirs = other.gives(&feed, held);
            // Who is blocked by the author is not asked, even if that was taken back in a message that only they have.
            let is_kept_away = !node.core().asks(&feed, &other.id());
            let is_blocked = other.core().blocks(&feed) || self.truth.is_forked(&feed) || is_kept_away;
            if held < theirs
                && !is_blocked
                && self.truth.blocked_at(&feed, &me, other.held(&feed), |_| false).is_none()
            {
                let why = [node, other].map(|node| node.core().explain(&feed).to_string()).concat();
                return Err(format!("node {number} has {held} of {feed}, a neighbour has {theirs}: {why}"));
            }
        }
        Ok(())
    }

    fn report(&self) -> Report {
        let copies = self.ours().flat_map(|(_, node)| {
            self.places.iter().map(|place| usize::try_from(node.held(&place.me.id())).unwrap_or(usize::MAX))
        });
        Report {
            nodes: self.places.len(),
            messages: self.truth.messages(),
            copies: copies.sum(),
            crashes: self.crashes,
            restores: self.restores,
            forks: self.ours().map(|(_, node)| node.forks()).sum(),
            fetched: self.ours().map(|(_, node)| node.got()).sum(),
            blobs: self.ours().map(|(_, node)| node.shelf().fetched()).sum(),
            bytes: self.network.sent(),
            seconds: self.network.micros() / SECOND,
            digest: self.network.digest(),
        }
    }

    fn ours(&self) -> impl Iterator<Item = (usize, &Node)> {
        self.places.iter().enumerate().filter_map(|(number, place)| match &place.inhabitant {
            Inhabitant::Ours(node) => Some((number, node.as_ref())),
            _ => None,
        })
    }

    fn node(&self, number: usize) -> Result<&Node, String> {
        match &self.place(number).inhabitant {
            Inhabitant::Ours(node) => Ok(node),
            _ => Err(format!("node {number} is down")),
        }
    }

    /// Where a node is dialed.
    fn address(&self, number: usize) -> Result<Address, Broken> {
        Address::net("localhost", 8008, self.place(number).me.id()).map_err(|error| error.to_string())
    }

    fn place(&self, number: usize) -> &Place {
        self.places.get(number).expect("nodes are numbered by their places")
    }
}

impl Place {
    fn new(role: Role, number: usize, seed: &[u8; 32]) -> Self {
        let me = Keypair::from_seed(seed);
        let inhabitant = match role {
            Role::Ours => Inhabitant::Nobody,
            rude => Inhabitant::Rude(Box::new(Rude::new(rude, number, me.clone()))),
        };
        let mark = PublishedMark::created(me.id());
        Self {
            me,
            memory: Memory::new(),
            mark,
            life: 0,
            inhabitant,
            sent: BTreeMap::new(),
            removed: Removed::default(),
            shelf: Shelf::default(),
        }
    }
}
