//! Single messages, out of order: who wants which, and who may have it (ssb-ooo 1.3.3 with gossip-query 2.0.2).
//!
//! A reply often stands in a feed that nobody here follows. Whoever wants such a message asks all peers for it by its id; those
//! who do not have it ask theirs, up to [`DISTANCE_MAX`] connections away, and whoever has it answers. What comes is kept beside
//! the log, and only for a while: it is part of no feed here, so nothing is said of what stands before or behind it.
//!
//! Unlike JavaScript's peers, ours forget what they were asked, answer nobody whom the author blocks, pass on nothing that the
//! owner blocks or has removed, and look at an answer only if they asked this peer for it.

pub mod item;
pub mod stream;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use ssb_keys::FeedId;
use ssb_keys::MessageId;
use ssb_keys::verify::KeyCache;
use ssb_msg::Message;
use ssb_msg::Signing;
use ssb_msg::Unverified;

use crate::connection::ConnectionId;
use crate::event::Letter;
use crate::event::Output;
use crate::event::Ticket;
use crate::scope::Scope;
use crate::time::Uptime;

/// From so many connections away a want is answered (gossip-query 2.0.2). The first who wants something says 1.
pub const DISTANCE_MAX: u8 = 3;

/// The most that is asked for at a time on behalf of peers, and as much more for the owner. More is not asked for.
pub const WANTS_MAX: usize = 1024;

/// The most of it for one peer. What it wants beyond that takes the place of what it wanted first.
pub const WANTS_PER_PEER_MAX: usize = 64;

/// For so long a message is asked for because a peer wants it (ssb-ooo 1.3.3, where nothing is ever forgotten).
pub const PASSED_ON_FOR: Duration = Duration::from_secs(30);

/// How long the owner waits unless told otherwise (`ooo.timeout`, ssb-ooo 1.3.3).
pub const PATIENCE: Duration = Duration::from_secs(5);

/// The longest that the owner waits, even who wants to wait for ever.
pub const PATIENCE_MAX: Duration = Duration::from_secs(60 * 60);

/// The most bytes of messages that are kept beside the log. The oldest go first.
pub const KEPT_LEN_MAX: usize = 4 * 1024 * 1024;

/// A message that a peer wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Which.
    pub id: MessageId,
    /// How far away whoever wants it is, from 1 to [`DISTANCE_MAX`].
    pub distance: u8,
    /// Whose it is, if the log has it.
    pub author: Option<FeedId>,
}

/// Who is at the other end of a stream.
#[derive(Debug)]
struct Partner {
    viewer: FeedId,
    /// What it wants that was passed on, oldest first.
    passed_on: VecDeque<MessageId>,
}

/// Who wants a message that is not here.
#[derive(Debug)]
struct Want {
    /// How far away the nearest of them is from those who are asked.
    distance: u8,
    /// Who was asked and has not answered.
    asked: BTreeSet<ConnectionId>,
    /// Peers who wait for it, and until when.
    peers: BTreeMap<ConnectionId, Uptime>,
    /// Calls of the owner that wait for it, and until when.
    owners: Vec<(Ticket, Uptime)>,
}

/// A message beside the log.
#[derive(Debug)]
struct Kept {
    author: FeedId,
    json: Arc<str>,
}

/// The messages that are wanted, and those that came.
#[derive(Debug)]
pub struct Ooo {
    signing: Signing,
    keys: KeyCache,
    /// Connections with a stream.
    partners: BTreeMap<ConnectionId, Partner>,
    wants: BTreeMap<MessageId, Want>,
    kept: BTreeMap<MessageId, Kept>,
    /// In which order they came.
    order: VecDeque<MessageId>,
    kept_len: usize,
    /// When the first of those who wait may have waited long enough.
    due: Option<Uptime>,
}

impl Ooo {
    /// One that knows nothing yet, of a network that signs like this.
    pub const fn new(signing: Signing) -> Self {
        Self {
            signing,
            keys: KeyCache::new(),
            partners: BTreeMap::new(),
            wants: BTreeMap::new(),
            kept: BTreeMap::new(),
            order: VecDeque::new(),
            kept_len: 0,
            due: None,
        }
    }

    /// There is a stream with `viewer`, who is asked for all that is wanted.
    pub(crate) fn opened(&mut self, connection: ConnectionId, viewer: FeedId, out: &mut VecDeque<Output>) {
        self.partners.insert(connection, Partner { viewer, passed_on: VecDeque::new() });
        let mut questions = Vec::new();
        for (id, want) in &mut self.wants {
            // Who wants it itself does not have it.
            if !want.peers.contains_key(&connection) && want.asked.insert(connection) {
                questions.push((*id, want.distance));
            }
        }
        if !questions.is_empty() {
            out.push_back(Letter::OooAsk(questions).to(connection));
        }
    }

    /// The stream with a peer is over.
    pub(crate) fn ended(&mut self, connection: ConnectionId) {
        self.partners.remove(&connection);
        self.wants.retain(|_, want| {
            want.asked.remove(&connection);
            want.peers.remove(&connection);
            want.is_wanted()
        });
    }

    /// A peer wants messages: those of the log that it may have are served, and others asked for.
    pub(crate) fn wanted(
        &mut self,
        connection: ConnectionId,
        wants: Vec<Wanted>,
        scope: &Scope,
        now: Uptime,
        out: &mut VecDeque<Output>,
    ) {
        let Some(Partner { viewer, .. }) = self.partners.get(&connection) else { return };
        let (viewer, mut served) = (*viewer, Vec::new());
        for Wanted { id, distance, author } in wants {
            if let Some(author) = author {
                if may_have(&author, &viewer, scope) {
                    served.push(id);
                }
            } else if let Some(kept) = self.kept.get(&id) {
                if may_have(&kept.author, &viewer, scope) {
                    out.push_back(Letter::OooTell(id, Arc::clone(&kept.json)).to(connection));
                }
            } else if distance < DISTANCE_MAX {
                self.pass_on(connection, id, distance + 1, now, out);
            }
        }
        if !served.is_empty() {
            out.push_back(Letter::OooServe(served).to(connection));
        }
    }

    fn pass_on(
        &mut self,
        connection: ConnectionId,
        id: MessageId,
        distance: u8,
        now: Uptime,
        out: &mut VecDeque<Output>,
    ) {
        let all: usize = self.partners.values().map(|partner| partner.passed_on.len()).sum();
        let Some(Partner { passed_on, .. }) = self.partners.get_mut(&connection) else { return };
        passed_on.retain(|earlier| *earlier != id);
        if all >= WANTS_MAX && passed_on.len() < WANTS_PER_PEER_MAX {
            return;
        }
        passed_on.push_back(id);
        let dropped = if passed_on.len() > WANTS_PER_PEER_MAX { passed_on.pop_front() } else { None };
        if let Some(dropped) = dropped {
            self.lose_interest(connection, &dropped);
        }
        let until = now.after(PASSED_ON_FOR);
        self.want(id, distance, until, Some(connection), out).peers.insert(connection, until);
    }

    /// The owner wants a message that the log does not have, and waits so long for it.
    pub(crate) fn fetch(
        &mut self,
        ticket: Ticket,
        id: MessageId,
        patience: Duration,
        now: Uptime,
        out: &mut VecDeque<Output>,
    ) {
        if let Some(kept) = self.kept.get(&id) {
            return out.push_back(Output::Fetched { ticket, json: Some(Arc::clone(&kept.json)) });
        }
        let waiting: usize = self.wants.values().map(|want| want.owners.len()).sum();
        if self.partners.is_empty() || waiting >= WANTS_MAX {
            return out.push_back(Output::Fetched { ticket, json: None });
        }
        let until = now.after(patience.min(PATIENCE_MAX));
        self.want(id, 1, until, None, out).owners.push((ticket, until));
    }

    /// Asks everybody who was not asked yet, but whoever wants it.
    fn want(
        &mut self,
        id: MessageId,
        distance: u8,
        until: Uptime,
        wanted_by: Option<ConnectionId>,
        out: &mut VecDeque<Output>,
    ) -> &mut Want {
        self.due = Some(self.due.map_or(until, |due| due.min(until)));
        let want = self.wants.entry(id).or_insert_with(|| Want {
            distance,
            asked: BTreeSet::new(),
            peers: BTreeMap::new(),
            owners: Vec::new(),
        });
        // Who was asked from farther away may not have asked others.
        let is_nearer = distance < want.distance;
        want.distance = want.distance.min(distance);
        for connection in self.partners.keys() {
            if Some(*connection) != wanted_by && (want.asked.insert(*connection) || is_nearer) {
                out.push_back(Letter::OooAsk(vec![(id, distance)]).to(*connection));
            }
        }
        want
    }

    /// A peer says what messages are.
    pub(crate) fn answered(
        &mut self,
        connection: ConnectionId,
        answers: Vec<(MessageId, Vec<u8>)>,
        scope: &Scope,
        out: &mut VecDeque<Output>,
    ) {
        for (id, raw) in answers {
            let asked = self.wants.get_mut(&id).is_some_and(|want| want.asked.remove(&connection));
            if !asked {
                continue;
            }
            let Some(message) = self.verified(id, &raw) else { continue };
            let Some(want) = self.wants.remove(&id) else { continue };
            let (author, json) = (message.author(), Arc::<str>::from(message.json()));
            // What the log has been past it either has by now, or is not to have.
            let is_of_log = scope.held(&author) >= message.sequence() || scope.bans(&author);
            for connection in want.peers.into_keys() {
                let Some(partner) = self.partners.get_mut(&connection) else { continue };
                partner.settled(&id);
                if is_of_log {
                    out.push_back(Letter::OooServe(vec![id]).to(connection));
                } else if may_have(&author, &partner.viewer, scope) {
                    out.push_back(Letter::OooTell(id, Arc::clone(&json)).to(connection));
                }
            }
            for (ticket, _) in want.owners {
                let json = (!is_of_log).then(|| Arc::clone(&json));
                out.push_back(Output::Fetched { ticket, json });
            }
            if !is_of_log {
                self.keep(id, author, json);
            }
        }
    }

    fn verified(&mut self, id: MessageId, raw: &[u8]) -> Option<Message> {
        let message = Unverified::parse(raw).ok()?.verify(&self.signing, &mut self.keys).ok()?;
        (message.id() == id).then_some(message)
    }

    fn keep(&mut self, id: MessageId, author: FeedId, json: Arc<str>) {
        self.kept_len += json.len();
        self.kept.insert(id, Kept { author, json });
        self.order.push_back(id);
        while self.kept_len > KEPT_LEN_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.drop_kept(&oldest);
        }
    }

    fn drop_kept(&mut self, id: &MessageId) {
        if let Some(kept) = self.kept.remove(id) {
            self.kept_len -= kept.json.len();
        }
    }

    /// The owner wants nothing of this message any more.
    pub(crate) fn forget(&mut self, id: &MessageId) {
        self.drop_kept(id);
        self.order.retain(|kept| kept != id);
    }

    /// The owner wants nothing of this feed any more.
    pub(crate) fn forget_feed(&mut self, feed: &FeedId) {
        let of_feed = self.kept.iter().filter(|(_, kept)| kept.author == *feed);
        let of_feed: Vec<MessageId> = of_feed.map(|(id, _)| *id).collect();
        of_feed.iter().for_each(|id| self.forget(id));
    }

    /// Gives up what was waited for long enough.
    pub(crate) fn tick(&mut self, now: Uptime, out: &mut VecDeque<Output>) {
        if self.due.is_none_or(|due| due > now) {
            return;
        }
        let Self { wants, partners, .. } = self;
        wants.retain(|id, want| {
            for (connection, _) in want.peers.extract_if(.., |_, until| *until <= now) {
                if let Some(partner) = partners.get_mut(&connection) {
                    partner.settled(id);
                }
            }
            for (ticket, _) in want.owners.extract_if(.., |(_, until)| *until <= now) {
                out.push_back(Output::Fetched { ticket, json: None });
            }
            want.is_wanted()
        });
        self.due = self.wants.values().flat_map(Want::deadlines).min();
    }

    /// When to [`tick`](Self::tick).
    pub(crate) const fn deadline(&self) -> Option<Uptime> {
        self.due
    }

    /// Messages that are asked for, and the distance that is said with each.
    pub fn wants(&self) -> impl Iterator<Item = (MessageId, u8)> {
        self.wants.iter().map(|(id, want)| (*id, want.distance))
    }

    fn lose_interest(&mut self, connection: ConnectionId, id: &MessageId) {
        if let Some(want) = self.wants.get_mut(id) {
            want.peers.remove(&connection);
            if !want.is_wanted() {
                self.wants.remove(id);
            }
        }
    }
}

impl Partner {
    /// It has this one, or has waited long enough.
    fn settled(&mut self, id: &MessageId) {
        self.passed_on.retain(|earlier| earlier != id);
    }
}

impl Want {
    fn is_wanted(&self) -> bool {
        !self.peers.is_empty() || !self.owners.is_empty()
    }

    fn deadlines(&self) -> impl Iterator<Item = Uptime> {
        self.peers.values().copied().chain(self.owners.iter().map(|(_, until)| *until))
    }
}

/// Whether a peer may have a message of this author from here.
fn may_have(author: &FeedId, viewer: &FeedId, scope: &Scope) -> bool {
    !scope.bans(author) && !scope.blocks(author) && !scope.keeps_from(author, viewer)
}
