//! Who wants which blobs, who has them, and who gets them from whom (`blobs.createWants` of ssb-blobs 1.2.2).
//!
//! Two nodes tell each other which blobs are wanted, and from how many connections away: 1 is the speaker. Who has one says how
//! many bytes it has; who does not have it asks others for it, as if it wanted it itself, one step further, up to
//! [`Policy::sympathy`]. So a blob comes from as many connections away, one step after the other.
//!
//! Unlike JavaScript's nodes, this one asks others only for what is wanted by peers whose feeds it replicates, within limits of
//! wants and of bytes; believes nobody about sizes, takes no byte more than was announced, and takes a download elsewhere that
//! stalls; and tells of the blobs it has only those who want them, or, if the owner [pushes](Input::Push) one, everybody until
//! enough peers have it.
//!
//! [`Wants`] is a machine: it owns no socket, no file and no clock. Take in each event with [`handle`](Wants::handle), do what
//! [`poll`](Wants::poll) says, and come back at the [`deadline`](Wants::deadline). Times are counted from any moment on that the
//! caller chooses.

mod account;
pub mod event;
mod fetching;
pub mod item;
mod lately;
pub mod limits;
mod partner;

use alloc::collections::BTreeMap;
use alloc::collections::BTreeSet;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::time::Duration;

use ssb_keys::BlobId;
use ssb_keys::FeedId;

use self::account::Accounts;
use self::account::Expired;
use self::event::Connection;
use self::event::Input;
use self::event::Output;
use self::event::Standing;
use self::fetching::Fetches;
use self::item::Word;
use self::lately::Lately;
use self::limits::DAY;
use self::limits::FOREIGN_LEN_PER_DAY;
use self::limits::OWN_WANTS_MAX;
use self::limits::PEER_LEN_PER_DAY;
use self::limits::PUSHES_MAX;
use self::limits::PUSHY;
use self::limits::REMEMBERED_FOR;
use self::limits::REMOVED_FOR;
use self::limits::REMOVED_MAX;
use self::limits::SYMPATHY;
use self::partner::Partner;
use crate::EMPTY;
use crate::limits::FETCHED_LEN_MAX;

/// What an owner may choose. The defaults are JavaScript's where it has any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// From how many connections away a blob is asked for; 1 is the owner, and with 0 or 1 nothing is asked for others.
    pub sympathy: u8,
    /// How many peers have a pushed blob before it is pushed no longer.
    pub pushy: usize,
    /// Whether peers hear only of what is pushed.
    pub stingy: bool,
    /// Blobs that are fetched have fewer bytes than this.
    pub len_max: u64,
    /// The most bytes that are taken for others on behalf of one peer in a day.
    pub peer_len_per_day: u64,
    /// The most bytes that are taken for others in a day.
    pub foreign_len_per_day: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            sympathy: SYMPATHY,
            pushy: PUSHY,
            stingy: false,
            len_max: FETCHED_LEN_MAX,
            peer_len_per_day: PEER_LEN_PER_DAY,
            foreign_len_per_day: FOREIGN_LEN_PER_DAY,
        }
    }
}

/// All that is wanted, here and by peers.
#[derive(Debug)]
pub struct Wants {
    policy: Policy,
    partners: BTreeMap<Connection, Partner>,
    /// What is wanted here, by the owner or by peers, and is not here.
    wants: BTreeMap<BlobId, Want>,
    /// How many of them the owner wants.
    own: usize,
    accounts: Accounts,
    /// What is pushed, and who has said that they have it.
    pushes: BTreeMap<BlobId, BTreeSet<FeedId>>,
    fetches: Fetches,
    /// What was removed.
    removed: Lately<BlobId>,
    /// What is to be said next, at the end of an event.
    words: BTreeMap<Connection, Vec<(BlobId, Word)>>,
    outbox: VecDeque<Output>,
    /// When something may have to be done.
    due: Option<Duration>,
}

/// How much is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stats {
    /// What the owner wants.
    pub own: usize,
    /// What is wanted on behalf of peers, counted once for each.
    pub adopted: usize,
    /// Peers on whose behalf something is done, or was today.
    pub accounts: usize,
    /// What is pushed.
    pub pushes: usize,
    /// Downloads.
    pub fetches: usize,
    /// What is remembered of what one peer wants, where that is most.
    pub wanted_max: usize,
    /// What is remembered of what one peer has, where that is most.
    pub held_max: usize,
    /// What was removed and is not wanted for others.
    pub removed: usize,
}

/// A blob that is wanted.
#[derive(Debug)]
struct Want {
    /// The programs of the owner that wait for it, if the owner wants it.
    own: Option<BTreeSet<Connection>>,
    /// On whose behalf else it is wanted.
    peers: BTreeSet<FeedId>,
    /// What peers were told: from how many connections away.
    distance: u8,
}

impl Wants {
    /// A node that has just started, and goes on pushing these blobs.
    pub fn new(policy: Policy, pushes: impl IntoIterator<Item = BlobId>) -> Self {
        Self {
            policy,
            partners: BTreeMap::new(),
            wants: BTreeMap::new(),
            own: 0,
            accounts: Accounts::default(),
            pushes: pushes.into_iter().take(PUSHES_MAX).map(|id| (id, BTreeSet::new())).collect(),
            fetches: Fetches::default(),
            removed: Lately::new(REMOVED_FOR, REMOVED_MAX),
            words: BTreeMap::new(),
            outbox: VecDeque::new(),
            due: None,
        }
    }

    /// Takes in one event. Drain [`poll`](Self::poll) before the next call. `now` never goes back.
    pub fn handle(&mut self, input: Input, now: Duration) {
        debug_assert!(self.outbox.is_empty(), "poll() was not drained");
        match input {
            Input::Opened { connection, peer, standing } => {
                self.partners.insert(connection, Partner::new(peer, standing));
                self.accounts.came(&peer);
            }
            Input::Closed { connection } => self.closed(connection, now),
            Input::Moved { peer, standing } => self.moved(&peer, standing, now),
            Input::Listens { connection } => self.listens(connection),
            Input::Deaf { connection } => {
                if let Some(partner) = self.partners.get_mut(&connection) {
                    partner.listens = false;
                }
            }
            Input::Said { connection, words } => self.said(connection, words, now),
            Input::Claimed { connection, ids } => {
                let size = self.policy.len_max.saturating_sub(1);
                ids.into_iter().for_each(|id| self.has(connection, id, size));
                self.fill(connection, now);
            }
            Input::Found { connection, found } => self.found(connection, found, now),
            Input::Want { connection, id } => self.want(connection, id, now),
            Input::Unwant { id } => self.unwant(&id, now),
            Input::Push { id } => self.push(id),
            Input::Stored { id, size } => self.stored(id, size, now),
            Input::Removed { id } => self.removed(id, now),
            Input::Progress { fetch, received } => self.fetches.progress(fetch, received),
            Input::Ended { fetch, outcome } => self.ended(fetch, outcome, now),
            Input::Tick => self.tick(now),
        }
        let words = core::mem::take(&mut self.words).into_iter();
        self.outbox.extend(words.map(|(connection, words)| Output::Say { connection, words }));
    }

    /// What must be done next.
    pub fn poll(&mut self) -> Option<Output> {
        self.outbox.pop_front()
    }

    /// When to come back with [`Input::Tick`] even if nothing happens.
    pub const fn deadline(&self) -> Option<Duration> {
        self.due
    }

    /// What peers are told is wanted, and from how many connections away; without what is pushed.
    pub fn wanted(&self) -> impl Iterator<Item = (BlobId, u8)> {
        self.wants.iter().map(|(id, want)| (*id, want.distance))
    }

    /// What is pushed.
    pub fn pushes(&self) -> impl Iterator<Item = BlobId> {
        self.pushes.keys().copied()
    }

    /// What is being downloaded, and over which connection.
    pub fn fetches(&self) -> impl Iterator<Item = (BlobId, Connection)> {
        self.fetches.all()
    }

    /// How many bytes were taken for others today on behalf of a peer, with what may still come of downloads.
    pub fn cost(&self, peer: &FeedId) -> u64 {
        self.accounts.cost(peer)
    }

    /// The same of all peers.
    pub const fn foreign_len(&self) -> u64 {
        self.accounts.total()
    }

    /// How much of what is wanted beyond a peer others are asked for on its behalf.
    pub fn passed_on(&self, peer: &FeedId) -> usize {
        self.accounts.passed_on(peer)
    }

    /// How much is remembered.
    pub fn stats(&self) -> Stats {
        let partners = || self.partners.values();
        Stats {
            own: self.own,
            adopted: self.accounts.adopted(),
            accounts: self.accounts.len(),
            pushes: self.pushes.len(),
            fetches: self.fetches.all().count(),
            wanted_max: partners().map(Partner::wanted_len).max().unwrap_or(0),
            held_max: partners().map(|partner| partner.held.len()).max().unwrap_or(0),
            removed: self.removed.len(),
        }
    }

    fn closed(&mut self, connection: Connection, now: Duration) {
        for programs in self.wants.values_mut().filter_map(|want| want.own.as_mut()) {
            programs.remove(&connection);
        }
        let Some(partner) = self.partners.remove(&connection) else { return };
        let has_others = self.partners.values().any(|other| other.peer == partner.peer);
        if !has_others && self.accounts.left(&partner.peer, now) {
            self.wake_at(now.saturating_add(REMEMBERED_FOR));
        }
        for id in self.fetches.closed(connection) {
            self.end_fetch(&id, 0, now);
            self.try_fetch(id, now);
        }
    }

    fn moved(&mut self, peer: &FeedId, standing: Standing, now: Duration) {
        let mut is_new = false;
        for partner in self.partners.values_mut().filter(|partner| partner.peer == *peer) {
            is_new |= partner.standing != standing;
            partner.standing = standing;
        }
        match standing {
            Standing::Near if is_new => self.reconsider(peer),
            Standing::Near => {}
            Standing::Stranger => {
                for id in self.accounts.forsake(peer) {
                    self.lose_interest(peer, &id, now);
                }
            }
        }
    }

    /// More of what a peer wants may be adopted than before, or be here by now.
    fn reconsider(&mut self, peer: &FeedId) {
        let partners = self.partners.iter().filter(|(_, partner)| partner.peer == *peer);
        let wanted = partners.map(|(connection, partner)| (*connection, partner.wanted()));
        let wanted: Vec<_> = wanted.filter(|(_, ids)| !ids.is_empty()).collect();
        wanted.into_iter().for_each(|(connection, ids)| self.look_up(connection, ids));
    }

    /// A want is over for these peers.
    fn settle(&mut self, id: &BlobId, mut peers: BTreeSet<FeedId>) {
        peers.retain(|peer| self.accounts.settle(peer, id));
        peers.iter().for_each(|peer| self.reconsider(peer));
    }

    fn listens(&mut self, connection: Connection) {
        let Some(partner) = self.partners.get_mut(&connection) else { return };
        partner.listens = true;
        let unanswered = partner.wanted();
        self.say_wants(connection);
        if !unanswered.is_empty() {
            self.look_up(connection, unanswered);
        }
    }

    fn said(&mut self, connection: Connection, words: Vec<(BlobId, Word)>, now: Duration) {
        let (mut has_wants, mut unknown) = (false, Vec::new());
        for (id, word) in words {
            match word {
                Word::Has(size) => self.has(connection, id, size),
                Word::Wanted(distance) => {
                    has_wants = true;
                    if id == EMPTY || (self.policy.stingy && !self.pushes.contains_key(&id)) {
                        continue;
                    }
                    if let Some(partner) = self.partners.get_mut(&connection) {
                        partner.wants(id, distance);
                    }
                    if self.wants.contains_key(&id) {
                        self.adopt(connection, id, now);
                    } else {
                        unknown.push(id);
                    }
                }
            }
        }
        if has_wants {
            self.look_up(connection, unknown);
        }
        self.fill(connection, now);
    }

    fn look_up(&mut self, connection: Connection, ids: Vec<BlobId>) {
        self.outbox.push_back(Output::LookUp { connection, ids });
    }

    fn has(&mut self, connection: Connection, id: BlobId, size: u64) {
        let Some(partner) = self.partners.get_mut(&connection) else { return };
        if let Some(peers) = self.pushes.get_mut(&id) {
            peers.insert(partner.peer);
            if peers.len() >= self.policy.pushy {
                self.pushes.remove(&id);
                self.outbox.push_back(Output::SavePushes);
            }
        }
        if self.wants.contains_key(&id) && (1..self.policy.len_max).contains(&size) {
            partner.has(id, size);
        }
    }

    fn found(&mut self, connection: Connection, found: Vec<(BlobId, Option<u64>)>, now: Duration) {
        for (id, size) in found {
            let Some(partner) = self.partners.get_mut(&connection) else { return };
            match size.filter(|size| *size > 0) {
                Some(size) => {
                    if partner.listens {
                        partner.is_told(&id);
                        self.say(connection, id, Word::Has(size));
                    }
                }
                None => self.adopt(connection, id, now),
            }
        }
    }

    /// A peer wants a blob that is not here: others are asked for it, if that is not too much.
    fn adopt(&mut self, connection: Connection, id: BlobId, now: Duration) {
        let Some(partner) = self.partners.get(&connection) else { return };
        let (peer, is_near) = (partner.peer, partner.standing == Standing::Near);
        let Some(distance) = partner.distance(&id) else { return };
        // Who wants it from farther away than others were told may want it because they were.
        let is_echo = self.wants.get(&id).is_some_and(|want| distance > want.distance);
        let is_too_far = distance >= self.policy.sympathy;
        if !is_near || is_echo || is_too_far || self.removed.contains(&id) {
            return;
        }
        if self.accounts.adopt(peer, id, distance, now) {
            self.wake_at(now.saturating_add(DAY));
            self.ask_for(id, distance + 1).peers.insert(peer);
            self.try_fetch(id, now);
        }
    }

    fn want(&mut self, connection: Option<Connection>, id: BlobId, now: Duration) {
        let is_known = self.wants.get(&id).is_some_and(|want| want.own.is_some());
        if id == EMPTY || (!is_known && self.own >= OWN_WANTS_MAX) {
            let is_here = id == EMPTY;
            let answer = connection.map(|connection| Output::Answer { connection, id, is_here });
            return self.outbox.extend(answer);
        }
        self.removed.remove(&id);
        self.own += usize::from(!is_known);
        self.ask_for(id, 1).own.get_or_insert_default().extend(connection);
        self.try_fetch(id, now);
    }

    fn unwant(&mut self, id: &BlobId, now: Duration) {
        if let Some(want) = self.wants.get_mut(id)
            && want.own.take().is_some()
        {
            self.own -= 1;
            self.review(id, now);
        }
    }

    /// Others are asked for a blob, unless they were before and from no farther away.
    fn ask_for(&mut self, id: BlobId, distance: u8) -> &mut Want {
        let is_nearer = self.wants.get(&id).is_none_or(|want| distance < want.distance);
        if is_nearer && !self.pushes.contains_key(&id) {
            self.say_to_all(id, Word::Wanted(distance));
        }
        let want = Want { own: None, peers: BTreeSet::new(), distance };
        let want = self.wants.entry(id).or_insert(want);
        want.distance = want.distance.min(distance);
        want
    }

    fn push(&mut self, id: BlobId) {
        let is_new = !self.pushes.contains_key(&id);
        if id == EMPTY || (is_new && self.pushes.len() >= PUSHES_MAX) {
            return;
        }
        // As in JavaScript: who then wants it is told that it is here.
        self.say_to_all(id, Word::Wanted(1));
        if is_new {
            self.pushes.insert(id, BTreeSet::new());
            self.outbox.push_back(Output::SavePushes);
        }
    }

    fn stored(&mut self, id: BlobId, size: u64, now: Duration) {
        self.removed.remove(&id);
        let want = self.wants.remove(&id);
        let (own, peers) = want.map(|want| (want.own, want.peers)).unwrap_or_default();
        self.own -= usize::from(own.is_some());
        let programs = own.into_iter().flatten();
        self.outbox.extend(programs.map(|connection| Output::Answer { connection, id, is_here: true }));
        // It may be known to be here before its download is known to be over.
        self.end_fetch(&id, size, now);
        let is_told_of = size > 0 && (!self.policy.stingy || self.pushes.contains_key(&id));
        let (mut told, mut asked) = (Vec::new(), Vec::new());
        for (connection, partner) in &mut self.partners {
            if is_told_of && partner.is_told(&id) {
                told.push(*connection);
            }
            if partner.lacks(&id) {
                asked.push(*connection);
            }
        }
        told.into_iter().for_each(|connection| self.say(connection, id, Word::Has(size)));
        asked.into_iter().for_each(|connection| self.say_wants(connection));
        self.settle(&id, peers);
    }

    fn removed(&mut self, id: BlobId, now: Duration) {
        if self.pushes.remove(&id).is_some() {
            self.outbox.push_back(Output::SavePushes);
        }
        let until = self.removed.add(id, now);
        self.wake_at(until);
        let peers = self.wants.get_mut(&id).map(|want| core::mem::take(&mut want.peers));
        self.settle(&id, peers.unwrap_or_default());
        self.review(&id, now);
    }

    fn tick(&mut self, now: Duration) {
        if self.due.is_none_or(|due| due > now) {
            return;
        }
        self.removed.expire(now);
        let Expired { wants, has_renewed } = self.accounts.expire(now);
        for (peer, id) in wants {
            self.lose_interest(&peer, &id, now);
        }
        self.check_fetches(has_renewed, now);
        let deadlines = [self.removed.deadline(), self.accounts.deadline(), self.fetches.deadline()];
        self.due = deadlines.into_iter().flatten().min();
    }

    /// A blob is not wanted on behalf of this peer any more.
    fn lose_interest(&mut self, peer: &FeedId, id: &BlobId, now: Duration) {
        if let Some(want) = self.wants.get_mut(id) {
            want.peers.remove(peer);
        }
        self.review(id, now);
    }

    /// Fewer want a blob than before: perhaps nobody does, or nobody who pays for its download.
    fn review(&mut self, id: &BlobId, now: Duration) {
        let Some(want) = self.wants.get(id) else { return };
        let is_paid = self.fetches.get(id).is_none_or(|fetching| {
            want.own.is_some() || fetching.payer.is_some_and(|payer| want.peers.contains(&payer))
        });
        let is_over = want.own.is_none() && want.peers.is_empty();
        if !is_paid {
            self.end_fetch(id, 0, now);
        }
        if !is_over {
            return self.try_fetch(*id, now);
        }
        self.wants.remove(id);
        let mut asked = Vec::new();
        for (connection, partner) in &mut self.partners {
            if partner.lacks(id) {
                asked.push(*connection);
            }
        }
        asked.into_iter().for_each(|connection| self.say_wants(connection));
    }

    /// Says all that is wanted.
    fn say_wants(&mut self, connection: Connection) {
        if self.partners.get(&connection).is_none_or(|partner| !partner.listens) {
            return;
        }
        let pushes = self.pushes.keys().map(|id| (*id, 1));
        let wants = self.wants.iter().map(|(id, want)| (*id, want.distance));
        let wants = wants.filter(|(id, _)| !self.pushes.contains_key(id));
        let words = wants.chain(pushes).map(|(id, distance)| (id, Word::Wanted(distance)));
        self.words.entry(connection).or_default().extend(words);
    }

    fn say_to_all(&mut self, id: BlobId, word: Word) {
        for (connection, partner) in &self.partners {
            if partner.listens {
                self.words.entry(*connection).or_default().push((id, word));
            }
        }
    }

    fn say(&mut self, connection: Connection, id: BlobId, word: Word) {
        self.words.entry(connection).or_default().push((id, word));
    }

    fn wake_at(&mut self, at: Duration) {
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }
}
