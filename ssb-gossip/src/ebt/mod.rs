//! Epidemic broadcast trees: one stream for all feeds.
//!
//! Each side says in notes how far it has each feed, and whether the other is to send what follows. [`Ebt`] decides what is
//! noted to whom, which peer each feed comes from, and what is sent to each; what notes look like is in [`note`], and what is
//! sent next on one connection in [`serving`]; a [`stream`] stands between the two and a connection. The protocol is version 3
//! of epidemic-broadcast-trees, as ssb-ebt 5 and 9 speak it. They fall silent in some cases, which are told and mended here:
//!
//! - Two peers that met with empty feeds note nothing, and so never hear of a first message: every feed that is wanted is
//!   noted on every connection.
//! - A stream that ends because both sides made one at the same time is not made anew: after [`CALL_AFTER`] it is, by
//!   whichever side is ours.
//! - A peer remembers what we had before our log was lost, and takes the higher number. A feed of which it does not speak is
//!   refused and then noted once more: that makes it forget.
//! - A peer that has more and does not send it is told so again, then made to forget, then asked the old way, then left in peace for
//!   a while ([`RETRY_AFTER`]) and asked again, with more patience; and the feed comes from another peer meanwhile, if one has it.
//!
//! Nothing is remembered of a peer from one connection to the next: all that is wanted is noted anew, and every note answered, by
//! JavaScript's peers too, so what was remembered would be said again anyway; and it may be of a log that was lost since.
//!
//! A feed comes from one peer at a time, its source. Of feeds that somebody has more of, so many are fetched at once
//! ([`FETCHES_MAX`]), nearer ones first; the others are noted as not to be sent until it is their turn. Whoever says that it has more
//! and does not send it is asked after all others, and for few feeds at once ([`DOUBTS_MAX`]): a lie keeps nothing else waiting.

pub mod note;
mod owed;
mod partner;
pub mod serving;
pub mod stream;
pub mod tally;
mod waiting;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::time::Duration;

use ssb_keys::FeedId;
use ssb_muxrpc::RequestId;

use crate::connection::ConnectionId;
use crate::connection::Side;
use crate::ebt::note::Note;
use crate::ebt::partner::Partner;
use crate::ebt::partner::Shared;
use crate::ebt::partner::Stage;
use crate::ebt::serving::Serve;
use crate::ebt::waiting::Turn;
use crate::ebt::waiting::Waiting;
use crate::event::Letter;
use crate::event::Output;
use crate::scope::Scope;
use crate::time::Uptime;

/// How many feeds are fetched at once, of all peers together.
pub const FETCHES_MAX: usize = 128;

/// Feeds of who did not send what it owed lately are fetched only while fewer than this are.
pub const DOUBTS_MAX: usize = 32;

/// For so long a peer who dialed may call `ebt.replicate` before we do, and a stream that ended is not made anew.
pub const CALL_AFTER: Duration = Duration::from_secs(3);

/// A peer that was called says something within this time, or notes are sent unasked.
pub const GREET_AFTER: Duration = Duration::from_secs(5);

/// For so long notes come in after the first ones.
pub const SETTLE_AFTER: Duration = Duration::from_millis(500);

/// For so long those who are not sent a message are not told of it: most get it from another.
pub const NEWS_AFTER: Duration = Duration::from_millis(500);

/// The same for those who dialed. They know by themselves, mostly, and tell first: one of two is enough.
pub const NEWS_AFTER_GUESTS: Duration = Duration::from_millis(1500);

/// For so long a feed's source may be behind another peer before that one becomes the source.
pub const GRACE: Duration = Duration::from_secs(1);

/// A peer that owes messages sends one within this time.
pub const STALL_AFTER: Duration = Duration::from_secs(3);

/// A feed that is owed comes within this time, whatever else the peer sends.
pub const FEED_STALL_AFTER: Duration = Duration::from_secs(30);

/// A feed that a peer owed and did not send is asked for again after this time, and after twice that the next time.
pub const RETRY_AFTER: Duration = Duration::from_secs(30);

/// Of so many feeds that a peer wants and was refused it is told when something of them comes. Of more it has to ask anew over
/// another connection.
pub const WISHED_MAX: usize = 4_096;

/// For so long a peer may leave out a feed before it is made to forget what it remembers of us.
pub const SILENT_AFTER: Duration = Duration::from_secs(10);

/// What is exchanged with whom.
#[derive(Debug, Default)]
pub struct Ebt {
    partners: BTreeMap<ConnectionId, Partner>,
    feeds: BTreeMap<FeedId, Feed>,
    /// Feeds that somebody has more of and nobody is asked for yet.
    waiting: Waiting,
    /// Feeds whose source has more.
    fetching: BTreeSet<FeedId>,
    timers: BTreeSet<(Uptime, FeedId)>,
}

/// Where a feed comes from.
#[derive(Clone, Copy, Debug, Default)]
struct Feed {
    source: Option<ConnectionId>,
    /// When the source is looked at.
    due: Option<Uptime>,
    /// Since when it is owed.
    since: Uptime,
}

/// What is to be asked the old way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// The peer does not speak this protocol: everything. Of a peer who dialed, the own feed only, until it asks itself.
    All(ConnectionId, Side),
    /// The peer owes this feed for too long.
    Feed(ConnectionId, FeedId),
}

/// How it stands with a feed on one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How far the peer has it, as far as is known. `None` if it does not replicate it with us, or has not said.
    pub theirs: Option<u64>,
    /// Whether it said that it does not replicate it with us.
    pub is_refused: bool,
    /// Whether it is sent to the peer.
    pub sends: bool,
    /// Whether the peer is to send it.
    pub receives: bool,
    /// How far the peer was told that we have it.
    pub noted: Option<u64>,
    /// How often the peer owed it and did not send it, up to four times; then it is asked again after a while.
    pub strikes: u8,
}

impl Ebt {
    /// How it stands with a feed, by peer.
    pub fn standings(&self, feed: &FeedId) -> BTreeMap<FeedId, Standing> {
        let of_feed = |partner: &Partner| {
            let shared = partner.feeds.get(feed)?;
            let receives = matches!(shared.said, Some(Note::Has { send: true, .. }));
            let Shared { theirs, refused: is_refused, serves: sends, told: noted, strikes, .. } = *shared;
            Some((partner.peer, Standing { theirs, is_refused, sends, receives, noted, strikes }))
        };
        self.partners.values().filter_map(of_feed).collect()
    }

    /// A connection with a peer is open.
    pub fn opened(
        &mut self,
        connection: ConnectionId,
        peer: FeedId,
        side: Side,
        scope: &Scope,
        now: Uptime,
        out: &mut VecDeque<Output>,
    ) {
        // Who dialed, calls; the other waits for that, but not for ever.
        let call = if side == Side::Dialed { now } else { now.after(CALL_AFTER) };
        self.partners.insert(connection, Partner::new(peer, side, call));
        self.tick_partner(connection, scope, now, out);
    }

    /// A connection is gone.
    pub fn closed(&mut self, connection: ConnectionId, scope: &Scope, now: Uptime) {
        self.leave(connection, scope, now);
        let peer = self.partners.remove(&connection).map(|partner| partner.peer);
        // Another connection with the same peer waited for this one's end.
        for other in self.partners.values_mut().filter(|other| Some(other.peer) == peer) {
            if let Stage::Idle { call } = &mut other.stage {
                *call = now;
            }
        }
        self.fetch(scope, now);
    }

    /// The peer calls `ebt.replicate`.
    pub fn asked(
        &mut self,
        connection: ConnectionId,
        request: RequestId,
        scope: &Scope,
        now: Uptime,
        out: &mut VecDeque<Output>,
    ) {
        let Some(partner) = self.partners.get(&connection) else {
            return out.push_back(Letter::EbtRefuse { request }.to(connection));
        };
        // If both call, one of the two calls has to be the one.
        if partner.side == Side::Dialed && partner.has_stream() {
            return out.push_back(Letter::EbtRefuse { request }.to(connection));
        }
        self.leave(connection, scope, now);
        if let Some(partner) = self.partners.get_mut(&connection) {
            partner.begin();
            out.push_back(Letter::EbtAccept { request }.to(connection));
            self.greet(connection, scope, now);
        }
        self.fetch(scope, now);
    }

    /// Our call, or the peer's, is over.
    pub fn ended(&mut self, connection: ConnectionId, scope: &Scope, now: Uptime) -> Option<Fallback> {
        self.leave(connection, scope, now);
        self.fetch(scope, now);
        let has_other = self.has_other_stream(connection);
        let partner = self.partners.get_mut(&connection)?;
        let is_legacy = !partner.is_heard && !has_other;
        partner.stage = if is_legacy { Stage::Legacy } else { Stage::Idle { call: now.after(CALL_AFTER) } };
        is_legacy.then_some(Fallback::All(connection, partner.side))
    }

    /// Whether there is a stream on this connection.
    pub fn speaks(&self, connection: ConnectionId) -> bool {
        self.partners.get(&connection).is_some_and(Partner::has_stream)
    }

    /// Notes came.
    pub fn noted(
        &mut self,
        connection: ConnectionId,
        notes: Vec<(FeedId, Note)>,
        scope: &Scope,
        now: Uptime,
    ) {
        self.heard(connection, scope, now);
        for (feed, note) in notes {
            self.note(connection, feed, note, scope, now);
        }
        self.fetch(scope, now);
    }

    /// A message came. Returns whether it was asked for.
    pub fn received(&mut self, connection: ConnectionId, feed: &FeedId, scope: &Scope, now: Uptime) -> bool {
        self.heard(connection, scope, now);
        let Some(partner) = self.partners.get_mut(&connection) else { return false };
        partner.heard = now;
        let was_asked = scope.asks(feed, &partner.peer)
            && matches!(partner.feeds.get(feed), Some(Shared { said: Some(Note::Has { .. }), .. }));
        let from = self.feeds.get(feed).and_then(|state| state.source);
        if was_asked && from == Some(connection) && self.fetching.contains(feed) {
            self.set_due(*feed, Some(now.after(STALL_AFTER)));
        }
        was_asked
    }

    /// A message is durable, from this connection if it is named. What the log holds has it already.
    pub fn stored(
        &mut self,
        from: Option<ConnectionId>,
        feed: FeedId,
        sequence: u32,
        scope: &Scope,
        now: Uptime,
    ) {
        self.offer(feed, scope);
        for (connection, partner) in &mut self.partners {
            let Some(shared) = partner.feeds.get_mut(&feed) else { continue };
            if Some(*connection) == from {
                shared.theirs = shared.theirs.max(Some(sequence.into()));
                shared.strikes = 0;
                partner.gave();
            } else if !shared.refused && !shared.serves && shared.theirs < Some(sequence.into()) {
                partner.news.insert(feed);
                let pause = if partner.side == Side::Dialed { NEWS_AFTER } else { NEWS_AFTER_GUESTS };
                partner.news_due.get_or_insert(now.after(pause));
            }
        }
        if self.fetching.contains(&feed) {
            if self.owes(&feed, scope) {
                self.owed_since(feed, now);
            } else {
                self.fetched(&feed);
                self.claim(feed, scope, now);
                self.fetch(scope, now);
            }
        }
    }

    /// A message from this connection was known already.
    pub fn known(&mut self, connection: ConnectionId, feed: FeedId, scope: &Scope) {
        if self.feeds.get(&feed).and_then(|state| state.source) != Some(connection) {
            self.say(connection, feed, has(&feed, false, scope));
        }
    }

    /// A message from this connection does not follow what the log holds: it may have been told to send from elsewhere. What is
    /// under way behind it does not follow, either, and says nothing more.
    pub fn gap(&mut self, connection: ConnectionId, feed: FeedId, scope: &Scope, now: Uptime) {
        let is_source = self.source(&feed) == Some(connection);
        let Some(shared) = self.shared(connection, &feed) else { return };
        if is_source && shared.gap.is_none_or(|gap| now.since(gap) >= GRACE) {
            shared.gap = Some(now);
            self.strike(connection, feed, scope, now);
            self.fetch(scope, now);
        }
    }

    /// A message from this connection is none, or contradicts the feed: the feed does not come from there any more.
    pub fn refused(&mut self, connection: ConnectionId, feed: FeedId, scope: &Scope, now: Uptime) {
        if let Some(shared) = self.shared(connection, &feed) {
            shared.strikes = STRIKES_MAX;
            shared.is_bad = true;
            self.say(connection, feed, has(&feed, false, scope));
            self.unsource(connection, feed, scope, now);
            self.fetch(scope, now);
        }
    }

    /// A message that the peer should be sent was deleted here.
    pub fn incomplete(&mut self, connection: ConnectionId, feed: FeedId, scope: &Scope, now: Uptime) {
        if let Some(shared) = self.shared(connection, &feed) {
            (shared.serves, shared.hole) = (false, shared.theirs);
            self.unsource(connection, feed, scope, now);
            self.fetch(scope, now);
            self.reset(connection, feed, scope);
        }
    }

    /// Something that was deleted of a feed is here again: it may be what somebody would need next.
    pub fn came_back(&mut self, feed: FeedId, scope: &Scope) {
        for connection in self.partners.keys().copied().collect::<Vec<_>>() {
            let Some(shared) = self.shared(connection, &feed) else { continue };
            if shared.hole.take().is_some() {
                self.tell(connection, feed, scope);
            }
        }
    }

    /// These feeds may be wanted now, or not any more, or be for others than before.
    pub fn scope_changed(&mut self, feeds: &BTreeSet<FeedId>, scope: &Scope, now: Uptime) {
        // They may be nearer now, or further away.
        feeds.iter().for_each(|feed| self.waiting.remove(feed));
        for connection in self.partners.keys().copied().collect::<Vec<_>>() {
            for feed in feeds {
                let Some(partner) = self.partners.get(&connection) else { continue };
                let (peer, is_shared) = (partner.peer, partner.feeds.contains_key(feed));
                if scope.asks(feed, &peer) {
                    self.greet_with(connection, *feed, scope, now);
                } else if is_shared && scope.offers(feed, &peer) {
                    // Of a feed that is not wanted any more, others still get what is here.
                    self.unsource(connection, *feed, scope, now);
                } else if is_shared {
                    self.part(connection, *feed, scope, now);
                }
            }
        }
        for feed in feeds {
            self.offer(*feed, scope);
            self.claim(*feed, scope, now);
        }
        self.fetch(scope, now);
    }

    /// The log holds nothing of a feed any more.
    pub fn emptied(&mut self, feed: FeedId, scope: &Scope, now: Uptime) {
        for connection in self.partners.keys().copied().collect::<Vec<_>>() {
            self.part(connection, feed, scope, now);
            self.greet_with(connection, feed, scope, now);
        }
        self.fetch(scope, now);
    }

    /// When to come back with [`tick`](Self::tick).
    pub fn deadline(&self) -> Option<Uptime> {
        let of_partners = self.partners.values().filter_map(Partner::deadline).min();
        let of_feeds = self.timers.first().map(|(due, _)| *due);
        of_partners.into_iter().chain(of_feeds).min()
    }

    /// Time has passed. `waits` says that peers wait because of us: then they owe nothing.
    pub fn tick(
        &mut self,
        waits: bool,
        scope: &Scope,
        now: Uptime,
        out: &mut VecDeque<Output>,
    ) -> Vec<Fallback> {
        let mut fallbacks = Vec::new();
        let connections: Vec<ConnectionId> = self.partners.keys().copied().collect();
        for connection in connections {
            self.tick_partner(connection, scope, now, out);
        }
        while let Some((due, feed)) = self.timers.first().copied()
            && due <= now
        {
            self.set_due(feed, Some(now.after(STALL_AFTER)));
            if !waits {
                fallbacks.extend(self.look_at(feed, scope, now));
            }
        }
        self.fetch(scope, now);
        fallbacks
    }

    /// Sends what is to be said. To be called behind every event.
    pub fn flush(&mut self, out: &mut VecDeque<Output>) {
        for (connection, partner) in &mut self.partners {
            partner.flush(*connection, out);
        }
    }

    fn tick_partner(
        &mut self,
        connection: ConnectionId,
        scope: &Scope,
        now: Uptime,
        out: &mut VecDeque<Output>,
    ) {
        let Some(stage) = self.partners.get(&connection).map(|partner| partner.stage) else { return };
        let waits = matches!(stage, Stage::Idle { call } if call <= now) && self.has_other_stream(connection);
        let Some(partner) = self.partners.get_mut(&connection) else { return };
        match stage {
            Stage::Idle { .. } if waits => partner.stage = Stage::Idle { call: now.after(CALL_AFTER) },
            Stage::Idle { call } if call <= now => {
                partner.is_heard = false;
                partner.stage = Stage::Called { greet: now.after(GREET_AFTER) };
                out.push_back(Letter::EbtCall.to(connection));
            }
            Stage::Called { greet } if greet <= now => {
                partner.begin();
                self.greet(connection, scope, now);
            }
            Stage::Open => self.tick_open(connection, scope, now),
            Stage::Idle { .. } | Stage::Called { .. } | Stage::Legacy => {}
        }
    }

    fn tick_open(&mut self, connection: ConnectionId, scope: &Scope, now: Uptime) {
        let Some(partner) = self.partners.get_mut(&connection) else { return };
        if partner.settles.is_some_and(|due| due <= now) {
            partner.settles = None;
            for feed in partner.feeds.keys().copied().collect::<Vec<_>>() {
                self.adopt(connection, feed, scope);
            }
        }
        let Some(partner) = self.partners.get_mut(&connection) else { return };
        if partner.silent.is_some_and(|due| due <= now) {
            partner.silent = None;
            let is_silent = |shared: &Shared| shared.theirs.is_none() && !shared.refused;
            let silent = partner.feeds.iter().filter(|(_, shared)| is_silent(shared)).map(|(feed, _)| *feed);
            for feed in silent.collect::<Vec<_>>() {
                self.reset(connection, feed, scope);
            }
        }
        self.retry(connection, scope, now);
        let Some(partner) = self.partners.get_mut(&connection) else { return };
        if partner.news_due.is_some_and(|due| due <= now) {
            partner.news_due = None;
            for feed in std::mem::take(&mut partner.news) {
                self.tell(connection, feed, scope);
            }
        }
    }

    /// Whether there is a stream with the same peer on another connection.
    fn has_other_stream(&self, connection: ConnectionId) -> bool {
        let peer = self.partners.get(&connection).map(|partner| partner.peer);
        let mut others = self.partners.iter().filter(|(other, _)| **other != connection);
        others.any(|(_, other)| Some(other.peer) == peer && other.has_stream())
    }

    /// The peer says something, perhaps for the first time.
    fn heard(&mut self, connection: ConnectionId, scope: &Scope, now: Uptime) {
        let Some(partner) = self.partners.get_mut(&connection) else { return };
        if std::mem::replace(&mut partner.is_heard, true) {
            return;
        }
        if matches!(partner.stage, Stage::Called { .. }) {
            partner.begin();
        }
        partner.is_heard = true;
        partner.settles = Some(now.after(SETTLE_AFTER));
        partner.silent = Some(now.after(SILENT_AFTER));
        self.greet(connection, scope, now);
    }

    /// Notes all feeds that were not noted yet, and asks for those that come from nobody. A peer who called waits for the first
    /// item: the own feed is always in it.
    fn greet(&mut self, connection: ConnectionId, scope: &Scope, now: Uptime) {
        scope.wanted().for_each(|feed| self.greet_with(connection, feed, scope, now));
    }

    /// Notes a feed that is wanted, if it was not yet.
    fn greet_with(&mut self, connection: ConnectionId, feed: FeedId, scope: &Scope, now: Uptime) {
        let Some(partner) = self.partners.get_mut(&connection) else { return };
        if partner.stage != Stage::Open || !scope.asks(&feed, &partner.peer) {
            return;
        }
        let is_settled = partner.is_settled();
        self.share(connection, feed, scope);
        if self.source(&feed).is_none() {
            self.claim(feed, scope, now);
            if is_settled {
                self.adopt(connection, feed, scope);
            }
        }
    }

    /// Who wanted a feed in vain is told of it, if there is something of it by now. It may have been under way when the feed was
    /// wanted no more; or the owner has brought it.
    fn offer(&mut self, feed: FeedId, scope: &Scope) {
        let waits = |partner: &Partner| partner.wished.contains(&feed) && scope.offers(&feed, &partner.peer);
        let waiting =
            self.partners.iter().filter(|(_, partner)| waits(partner)).map(|(connection, _)| *connection);
        for connection in waiting.collect::<Vec<_>>() {
            self.share(connection, feed, scope);
        }
    }

    /// A feed is exchanged on this connection from now on, if it was not yet.
    fn share(&mut self, connection: ConnectionId, feed: FeedId, scope: &Scope) {
        let Some(partner) = self.partners.get_mut(&connection) else { return };
        let shared = partner.feeds.entry(feed).or_default();
        shared.wished |= partner.wished.remove(&feed);
        if shared.said.is_none() {
            if partner.parted.remove(&feed) {
                shared.serves = true;
                partner.serve.insert(feed, Serve::Resume);
            }
            self.say(connection, feed, has(&feed, false, scope));
        }
    }

    fn note(&mut self, connection: ConnectionId, feed: FeedId, note: Note, scope: &Scope, now: Uptime) {
        let source = self.source(&feed);
        let Some(partner) = self.partners.get_mut(&connection) else { return };
        if !scope.offers(&feed, &partner.peer) {
            if note == Note::Refused {
                partner.wished.remove(&feed);
            } else {
                partner.notes.insert(feed, Note::Refused);
                partner.wish(feed);
            }
            return;
        }
        let held = u64::from(scope.held(&feed));
        let shared = partner.feeds.entry(feed).or_default();
        let was_served = shared.serves;
        match note {
            Note::Refused => {
                (shared.refused, shared.wished, shared.serves) = (true, false, false);
                (shared.theirs, shared.told) = (None, None);
                if was_served {
                    partner.serve.insert(feed, Serve::Stop);
                }
                self.unsource(connection, feed, scope, now);
            }
            Note::Has { sequence, send } => {
                let from = u32::try_from(sequence).ok().and_then(|sequence| sequence.checked_add(1));
                (shared.refused, shared.theirs) = (false, Some(sequence));
                shared.serves = send && from.is_some() && !shared.is_short();
                if shared.serves || was_served {
                    let from = from.filter(|_| shared.serves);
                    partner.serve.insert(feed, from.map_or(Serve::Stop, Serve::From));
                }
                if shared.said.is_none() || shared.is_news(held) {
                    self.say(connection, feed, has(&feed, source == Some(connection), scope));
                }
                if sequence > held {
                    self.claim(feed, scope, now);
                } else {
                    if source == Some(connection) && self.fetching.contains(&feed) {
                        self.fetched(&feed);
                        self.claim(feed, scope, now);
                    }
                    if self.partners.get(&connection).is_some_and(Partner::is_settled) {
                        self.adopt(connection, feed, scope);
                    }
                }
            }
        }
    }

    /// A feed without a source comes from here, if nobody is known to have more.
    fn adopt(&mut self, connection: ConnectionId, feed: FeedId, scope: &Scope) {
        let held = u64::from(scope.held(&feed));
        let is_free = scope.wants(&feed) && self.source(&feed).is_none() && !self.waiting.contains(&feed);
        let Some(shared) = self.shared(connection, &feed) else { return };
        let is_fit = !shared.refused && !shared.is_short() && shared.strikes < STRIKES_MAX;
        if is_free && is_fit && shared.theirs <= Some(held) {
            self.set_source(connection, feed, scope);
        }
    }

    /// Somebody may have more of a feed than we do.
    fn claim(&mut self, feed: FeedId, scope: &Scope, now: Uptime) {
        if self.fetching.contains(&feed) || !scope.wants(&feed) {
            return;
        }
        if self.owes(&feed, scope) {
            self.fetching.insert(feed);
            self.owed_since(feed, now);
        } else if let Some(connection) = self.candidate(&feed, None, scope) {
            let state = self.feeds.entry(feed).or_default();
            match (state.source, state.due) {
                (None, _) => self.waiting.insert(feed, self.turn(connection, &feed, scope)),
                // It probably comes from the source, too.
                (Some(_), None) => self.set_due(feed, Some(now.after(GRACE))),
                (Some(_), Some(_)) => {}
            }
        }
    }

    /// Asks for feeds that wait, as many as may be fetched at once.
    fn fetch(&mut self, scope: &Scope, now: Uptime) {
        while let Some((turn, feed)) = self.waiting.first() {
            let fetches_max = if turn.is_doubtful { DOUBTS_MAX } else { FETCHES_MAX };
            if self.fetching.len() >= fetches_max {
                break;
            }
            self.waiting.remove(&feed);
            let candidate = self.candidate(&feed, None, scope).filter(|_| scope.wants(&feed));
            let Some(connection) = candidate else { continue };
            let turn_now = self.turn(connection, &feed, scope);
            if turn_now > turn {
                // Meanwhile it is doubtful.
                self.waiting.insert(feed, turn_now);
                continue;
            }
            self.set_source(connection, feed, scope);
            self.fetching.insert(feed);
            self.owed_since(feed, now);
        }
    }

    /// When a feed is to be fetched from here, among those that wait.
    fn turn(&self, connection: ConnectionId, feed: &FeedId, scope: &Scope) -> Turn {
        let is_doubtful = self.partners.get(&connection).is_some_and(|partner| partner.is_doubted(feed));
        Turn { is_doubtful, rank: rank(feed, scope) }
    }

    /// Who should be asked for more of a feed: who failed us least with it, then with others, then who has most; and of those not
    /// always the same.
    fn candidate(&self, feed: &FeedId, except: Option<ConnectionId>, scope: &Scope) -> Option<ConnectionId> {
        let held = u64::from(scope.held(feed));
        let of_feed = |connection: &ConnectionId, partner: &Partner| {
            let shared = partner.feeds.get(feed)?;
            let theirs = shared.theirs.filter(|theirs| *theirs > held)?;
            let turn = connection.0.wrapping_mul(u64::from(feed.as_bytes()[0]) * 2 + 1) % 64;
            let is_fit = !shared.refused && shared.strikes < STRIKES_MAX && Some(*connection) != except;
            is_fit.then_some((shared.strikes, partner.stalls(), Reverse(theirs), turn, *connection))
        };
        let all = self.partners.iter().filter_map(|(connection, partner)| of_feed(connection, partner));
        all.min().map(|(.., connection)| connection)
    }

    fn set_source(&mut self, connection: ConnectionId, feed: FeedId, scope: &Scope) {
        let before = self.feeds.entry(feed).or_default().source.replace(connection);
        if let Some(before) = before.filter(|before| *before != connection) {
            self.say(before, feed, has(&feed, false, scope));
        }
        self.say(connection, feed, has(&feed, true, scope));
    }

    /// A feed does not come from here any more: from somebody else, if there is one.
    fn unsource(&mut self, connection: ConnectionId, feed: FeedId, scope: &Scope, now: Uptime) {
        if self.source(&feed) != Some(connection) {
            return;
        }
        self.fetched(&feed);
        self.feeds.remove(&feed);
        // Who has refused it, too: it may send it one day.
        self.say(connection, feed, has(&feed, false, scope));
        self.claim(feed, scope, now);
        let others =
            self.partners.iter().filter(|(other, partner)| **other != connection && partner.is_settled());
        for other in others.map(|(other, _)| *other).collect::<Vec<_>>() {
            self.adopt(other, feed, scope);
        }
    }

    /// A feed is not exchanged on this connection any more.
    fn part(&mut self, connection: ConnectionId, feed: FeedId, scope: &Scope, now: Uptime) {
        let Some(partner) = self.partners.get_mut(&connection) else { return };
        let Some(shared) = partner.feeds.remove(&feed) else { return };
        if shared.theirs.is_some() || shared.wished {
            partner.wish(feed);
        }
        if shared.serves {
            partner.serve.insert(feed, Serve::Stop);
            partner.parted.insert(feed);
        }
        partner.notes.remove(&feed);
        partner.news.remove(&feed);
        partner.resets.insert(feed);
        self.unsource(connection, feed, scope, now);
    }

    /// A stream is over.
    fn leave(&mut self, connection: ConnectionId, scope: &Scope, now: Uptime) {
        let Some(partner) = self.partners.get_mut(&connection) else { return };
        let feeds = std::mem::take(&mut partner.feeds);
        partner.forget();
        for feed in feeds.into_keys() {
            self.unsource(connection, feed, scope, now);
        }
    }

    /// Makes the peer forget what it remembers of us, and notes the feed anew.
    fn reset(&mut self, connection: ConnectionId, feed: FeedId, scope: &Scope) {
        if let Some(partner) = self.partners.get_mut(&connection) {
            partner.resets.insert(feed);
        }
        let send = self.source(&feed) == Some(connection);
        self.say(connection, feed, has(&feed, send, scope));
    }

    /// Tells a peer who is not sent a feed how far we have it, if that is news.
    fn tell(&mut self, connection: ConnectionId, feed: FeedId, scope: &Scope) {
        let (send, held) = (self.source(&feed) == Some(connection), u64::from(scope.held(&feed)));
        let Some(shared) = self.shared(connection, &feed) else { return };
        if !shared.refused && shared.is_news(held) {
            self.say(connection, feed, has(&feed, send, scope));
        }
    }

    fn say(&mut self, connection: ConnectionId, feed: FeedId, note: Note) {
        let Some(partner) = self.partners.get_mut(&connection) else { return };
        if let Some(shared) = partner.feeds.get_mut(&feed) {
            let note = shared.honest(note);
            shared.said = Some(note);
            shared.told = sequence_of(note);
            partner.news.remove(&feed);
            partner.notes.insert(feed, note);
        }
    }

    fn fetched(&mut self, feed: &FeedId) {
        self.fetching.remove(feed);
        self.set_due(*feed, None);
    }

    fn set_due(&mut self, feed: FeedId, due: Option<Uptime>) {
        let Some(state) = self.feeds.get_mut(&feed) else { return };
        if let Some(before) = state.due {
            self.timers.remove(&(before, feed));
        }
        state.due = due;
        self.timers.extend(due.map(|due| (due, feed)));
    }

    /// Whether the source of a feed has more of it than we do.
    fn owes(&self, feed: &FeedId, scope: &Scope) -> bool {
        let source = self.source(feed).and_then(|source| self.partners.get(&source));
        let theirs = source.and_then(|partner| partner.feeds.get(feed)?.theirs);
        theirs > Some(u64::from(scope.held(feed)))
    }

    fn source(&self, feed: &FeedId) -> Option<ConnectionId> {
        self.feeds.get(feed)?.source
    }

    fn shared(&mut self, connection: ConnectionId, feed: &FeedId) -> Option<&mut Shared> {
        self.partners.get_mut(&connection)?.feeds.get_mut(feed)
    }
}

/// So often a peer may owe a feed and not send it: told again, made to forget, asked the old way; then it is not asked again.
const STRIKES_MAX: u8 = 4;

fn has(feed: &FeedId, send: bool, scope: &Scope) -> Note {
    Note::Has { sequence: scope.held(feed).into(), send }
}

const fn sequence_of(note: Note) -> Option<u64> {
    match note {
        Note::Refused => None,
        Note::Has { sequence, .. } => Some(sequence),
    }
}

/// Which feeds come first: the own one, then the nearer ones.
fn rank(feed: &FeedId, scope: &Scope) -> u32 {
    scope.graph.hops(feed).map_or(u32::MAX, i32::unsigned_abs)
}
