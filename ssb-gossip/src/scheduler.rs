//! Whom to dial, and when; and which of two connections with one peer stays.
//!
//! Known peers are of four kinds, and of each kind so many are connected at once: that bounds what a node without visitors does,
//! and leaves room for every kind. A peer whose dials fail, or whose connections end at once, rests longer each time, with some
//! chance, so that those who lost each other at one moment do not all come back at another. Two connections with one peer become one
//! soon: of two that were dialed at the same time by either side, both sides keep that which the lower key dialed; else the older
//! one is probably dead, whatever it looks like.

use std::collections::BTreeMap;
use std::time::Duration;

use ssb_keys::FeedId;

use crate::connection::ConnectionId;
use crate::connection::Side;
use crate::lan::neighbours::Left;
use crate::lan::neighbours::Standing;
use crate::peers::Known;
use crate::peers::Peers;
use crate::scope::Scope;
use crate::time::Uptime;
use crate::wish::Habit;
use crate::wish::Kind;

/// How many peers of a kind are connected before no more of it are dialed: seeds, the local network (and as many there whose
/// feeds are wanted), friends, all others.
pub const QUOTAS: [usize; 4] = [3, 3, 3, 2];

/// How long a peer rests after its first failure; twice that after the second, and so on.
pub const REST: Duration = Duration::from_secs(4);

/// How long a peer rests at most, ...
pub const REST_MAX: Duration = Duration::from_secs(60 * 60);

/// ... unless so many dials failed, which takes days.
pub const FAILURES_DEAD: u32 = 64;

/// Within this time a peer that was just learned of is dialed.
pub const FIRST_WITHIN: Duration = Duration::from_secs(1);

/// How long a peer rests that is as good as dead.
pub const REST_DEAD: Duration = Duration::from_secs(24 * 60 * 60);

/// A connection that lasts so long was none that failed.
pub const STEADY_AFTER: Duration = Duration::from_secs(30);

/// For so long there may be two connections with one peer whose key is higher than ours.
pub const TWINS_AFTER: Duration = Duration::from_millis(500);

/// The same, if our key is the higher one: a node like this has ended one of them by then.
pub const TWINS_LATER: Duration = Duration::from_millis(900);

/// Which kinds of peers a node dials by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialing {
    /// Those that it was told to know from the start.
    pub seeds: bool,
    /// Those of the local network.
    pub local: bool,
    /// Those whose feed is wanted.
    pub friends: bool,
    /// All others.
    pub global: bool,
    /// Whether peers are learned of from messages of type `pub`.
    pub pubs: bool,
    /// Any number: what chance depends on.
    pub chance: u64,
}

impl Dialing {
    /// Nobody is dialed.
    pub const NOBODY: Self =
        Self { seeds: false, local: false, friends: false, global: false, pubs: false, chance: 0 };
}

/// When whom to dial.
#[derive(Debug)]
pub struct Scheduler {
    me: FeedId,
    dialing: Dialing,
    /// Whether the owner wants nobody to be dialed for now.
    is_stopped: bool,
    links: BTreeMap<ConnectionId, Link>,
    attempts: BTreeMap<FeedId, Attempt>,
    /// Who has more than one connection, and since when.
    twins: BTreeMap<FeedId, Uptime>,
    /// How many connections peers have called over.
    called: u64,
    /// When to look again.
    next: Option<Uptime>,
}

/// A connection.
#[derive(Clone, Copy, Debug)]
struct Link {
    peer: FeedId,
    opened: Uptime,
    /// How many connections had been called over when it was.
    called: Option<u64>,
}

/// How it goes with dialing a peer.
#[derive(Clone, Copy, Debug, Default)]
struct Attempt {
    failures: u32,
    due: Uptime,
    /// When to dial it in the local network, if that is sooner.
    near: Option<Uptime>,
    is_under_way: bool,
}

impl Attempt {
    fn at(&self) -> Uptime {
        self.near.map_or(self.due, |near| near.min(self.due))
    }
}

/// What kind of peer a known one is.
pub fn kind_of(known: &Known, scope: &Scope) -> Kind {
    match known.source.as_deref() {
        Some("seed") => Kind::Seed,
        Some("local") => Kind::Local,
        _ if scope.graph.wants(&known.key()) => Kind::Friend,
        _ => Kind::Global,
    }
}

/// Whether a peer has room beside the strangers of its kind: in the local network there are as many as anybody likes.
fn standing_of(known: &Known, scope: &Scope) -> Standing {
    let is_near = kind_of(known, scope) == Kind::Local && scope.graph.wants(&known.key());
    if is_near { Standing::Wanted } else { Standing::Stranger }
}

const fn quota(kind: Kind) -> usize {
    let [seeds, local, friends, global] = QUOTAS;
    match kind {
        Kind::Seed => seeds,
        Kind::Local => local,
        Kind::Friend => friends,
        Kind::Global => global,
    }
}

impl Dialing {
    const fn dials(self, kind: Kind) -> bool {
        match kind {
            Kind::Seed => self.seeds,
            Kind::Local => self.local,
            Kind::Friend => self.friends,
            Kind::Global => self.global,
        }
    }

    const fn dials_any(self) -> bool {
        self.seeds || self.local || self.friends || self.global
    }

    const fn habit(&mut self, habit: Habit) -> &mut bool {
        match habit {
            Habit::Dial(Kind::Seed) => &mut self.seeds,
            Habit::Dial(Kind::Local) => &mut self.local,
            Habit::Dial(Kind::Friend) => &mut self.friends,
            Habit::Dial(Kind::Global) => &mut self.global,
            Habit::Learn => &mut self.pubs,
        }
    }
}

impl Scheduler {
    /// The scheduler of a node without connections. `None` dials nobody.
    pub fn new(me: FeedId, dialing: Option<Dialing>) -> Self {
        let dialing = dialing.unwrap_or(Dialing::NOBODY);
        let next = dialing.dials_any().then(Uptime::default);
        let (links, attempts, twins) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { me, dialing, is_stopped: false, links, attempts, twins, called: 0, next }
    }

    /// From now on the node has a habit, or has not.
    pub const fn switch(&mut self, habit: Habit, is_on: bool, now: Uptime) {
        *self.dialing.habit(habit) = is_on;
        self.changed(now);
    }

    /// From now on nobody is dialed unasked.
    pub const fn stop(&mut self) {
        self.is_stopped = true;
        self.next = None;
    }

    /// From now on peers are dialed again.
    pub const fn start(&mut self, now: Uptime) {
        self.is_stopped = false;
        self.changed(now);
    }

    /// Whether the owner wants nobody to be dialed for now.
    pub const fn is_stopped(&self) -> bool {
        self.is_stopped
    }

    /// Whether peers are learned of from messages.
    pub const fn learns(&self) -> bool {
        self.dialing.pubs
    }

    /// Whether peers are found in the local network, if they can be.
    pub const fn finds_neighbours(&self) -> bool {
        self.dialing.local && !self.is_stopped
    }

    /// Peers, or whose feeds are wanted, may be others now.
    pub const fn changed(&mut self, now: Uptime) {
        if self.dialing.dials_any() && !self.is_stopped {
            self.next = Some(now);
        }
    }

    /// A peer is being dialed.
    pub fn dialing(&mut self, peer: FeedId) {
        let attempt = self.attempts.entry(peer).or_default();
        attempt.is_under_way = true;
        attempt.near = None;
    }

    /// A peer may be somewhere in the local network, however long it rests elsewhere. One that is new is dialed soon anyway.
    pub fn near(&mut self, peer: &FeedId, now: Uptime) {
        let chance = self.dialing.chance;
        if let Some(attempt) = self.attempts.get_mut(peer) {
            attempt.near = Some(now.after(by_chance(FIRST_WITHIN, chance, peer, attempt.failures)));
        }
        self.changed(now);
    }

    /// A dial in the local network failed, which says nothing of the peer: perhaps it is in a better place there.
    pub fn missed(&mut self, peer: FeedId, left: Left, now: Uptime) {
        if let Some(attempt) = self.attempts.get_mut(&peer) {
            attempt.is_under_way = false;
            attempt.near = (left == Left::Better).then_some(now);
        }
        self.changed(now);
    }

    /// A peer that is not connected is not known any more.
    pub fn forget(&mut self, peer: &FeedId) {
        self.attempts.remove(peer);
    }

    /// A dial failed.
    pub fn failed(&mut self, peer: FeedId, peers: &Peers, now: Uptime) {
        self.rest(peer, false, peers, now);
    }

    /// A connection is open.
    pub fn opened(&mut self, connection: ConnectionId, peer: FeedId, side: Side, now: Uptime) {
        if self.links.values().any(|link| link.peer == peer) {
            let wait = if self.me < peer { TWINS_AFTER } else { TWINS_LATER };
            self.twins.entry(peer).or_insert_with(|| now.after(wait));
        }
        self.links.insert(connection, Link { peer, opened: now, called: None });
        if side == Side::Dialed {
            self.attempts.entry(peer).or_default().is_under_way = false;
        }
        self.changed(now);
    }

    /// The peer calls something that it calls as soon as a connection is open.
    pub fn called(&mut self, connection: ConnectionId) {
        if let Some(link) = self.links.get_mut(&connection)
            && link.called.is_none()
        {
            link.called = Some(self.called);
            self.called += 1;
        }
    }

    /// A connection is gone.
    pub fn closed(&mut self, connection: ConnectionId, peers: &Peers, now: Uptime) {
        let Some(link) = self.links.remove(&connection) else { return };
        if !self.links.values().any(|other| other.peer == link.peer) {
            self.rest(link.peer, now.since(link.opened) >= STEADY_AFTER, peers, now);
        }
    }

    /// When to come back.
    pub fn deadline(&self) -> Option<Uptime> {
        self.twins.values().copied().chain(self.next).min()
    }

    /// Connections that are to end, as there is another with the same peer.
    pub fn surplus(&mut self, now: Uptime) -> Vec<ConnectionId> {
        let mut surplus = Vec::new();
        let due = self.twins.extract_if(.., |_, due| *due <= now).map(|(peer, _)| peer);
        for peer in due.collect::<Vec<_>>() {
            let all = self.links.iter().filter(|(_, link)| link.peer == peer);
            // The one stays that is the newest to the peer: to ssb-ebt and ssb-blobs that is the one that counts, and the older one
            // may be dead. What has not come yet over one comes later than all that has.
            let age = |link: &Link| (link.called.unwrap_or(u64::MAX), link.opened);
            let mut all: Vec<_> = all.map(|(id, link)| (age(link), *id)).collect();
            all.sort_unstable();
            all.pop();
            surplus.extend(all.into_iter().map(|(_, id)| id));
        }
        surplus
    }

    /// Whom to dial now. Each of them counts as being dialed.
    pub fn due<'a>(&mut self, known: &'a [Known], scope: &Scope, now: Uptime) -> Vec<&'a Known> {
        if self.next.is_none_or(|next| next > now) {
            return Vec::new();
        }
        self.next = None;
        let dialing = self.dialing;
        let mut chosen = Vec::new();
        let kinds = Kind::ALL.into_iter().filter(|kind| dialing.dials(*kind));
        let crowds = kinds.flat_map(|kind| [(kind, Standing::Wanted), (kind, Standing::Stranger)]);
        for crowd @ (kind, _) in crowds {
            let crowd_of = |known: &Known| (kind_of(known, scope), standing_of(known, scope));
            let all = || known.iter().filter(|known| crowd_of(known) == crowd);
            let mut busy = all().filter(|known| self.is_busy(&known.key())).count();
            let at_rest = |known: &&Known| {
                known.autoconnect && !self.is_busy(&known.key()) && !scope.blocks(&known.key())
            };
            let at_rest: Vec<&Known> = all().filter(at_rest).collect();
            let mut idle: Vec<(Attempt, &Known)> =
                at_rest.into_iter().map(|known| (self.attempt(known, dialing, now), known)).collect();
            idle.sort_by_key(|(attempt, known)| {
                (attempt.at() > now, attempt.near.is_none(), attempt.failures, attempt.at(), known.key())
            });
            for (attempt, known) in idle {
                if busy >= quota(kind) {
                    break;
                }
                if attempt.at() <= now {
                    busy += 1;
                    self.dialing(known.key());
                    chosen.push(known);
                } else {
                    self.next = Some(self.next.map_or(attempt.at(), |next| next.min(attempt.at())));
                }
            }
        }
        chosen
    }

    /// What is known of dialing a peer; of one that is new, that it is to be dialed about now.
    fn attempt(&mut self, known: &Known, dialing: Dialing, now: Uptime) -> Attempt {
        *self.attempts.entry(known.key()).or_insert_with(|| {
            let failures = known.failure.unwrap_or_default();
            Attempt {
                failures,
                due: now.after(by_chance(FIRST_WITHIN, dialing.chance, &known.key(), failures)),
                near: None,
                is_under_way: false,
            }
        })
    }

    /// Whether a peer is connected or being dialed.
    pub fn is_busy(&self, peer: &FeedId) -> bool {
        self.attempts.get(peer).is_some_and(|attempt| attempt.is_under_way)
            || self.links.values().any(|link| link.peer == *peer)
    }

    /// A peer is left in peace for a while. Of who is not in the table, and so never dialed, nothing is remembered.
    fn rest(&mut self, peer: FeedId, was_good: bool, peers: &Peers, now: Uptime) {
        if peers.get(&peer).is_none() {
            self.attempts.remove(&peer);
            return;
        }
        let chance = self.dialing.chance;
        let attempt = self.attempts.entry(peer).or_default();
        attempt.is_under_way = false;
        attempt.failures = if was_good { 0 } else { attempt.failures.saturating_add(1) };
        let rest = match attempt.failures {
            FAILURES_DEAD.. => REST_DEAD,
            failures => REST.saturating_mul(1 << failures.min(16)).min(REST_MAX),
        };
        attempt.due = now.after(rest / 2 + by_chance(rest, chance, &peer, attempt.failures));
        self.changed(now);
    }
}

/// Some part of a time.
fn by_chance(whole: Duration, chance: u64, peer: &FeedId, failures: u32) -> Duration {
    let first: [u8; 8] = *peer.as_bytes().first_chunk().expect("a key has 32 bytes");
    // The finaliser of SplitMix64.
    let mut mixed = chance ^ u64::from_le_bytes(first) ^ u64::from(failures).rotate_left(32);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let part = u32::try_from((mixed ^ (mixed >> 31)) >> 40).expect("24 bits are left");
    whole.mul_f64(f64::from(part) / f64::from(1 << 24))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_leave_nothing_behind() {
        let [me, stranger] = [1, 2].map(|n| FeedId::from_bytes([n; 32]));
        let dialing =
            Dialing { seeds: true, local: true, friends: true, global: true, pubs: true, chance: 0 };
        let (mut scheduler, peers, now) =
            (Scheduler::new(me, Some(dialing)), Peers::new(me), Uptime::default());
        for side in [Side::Accepted, Side::Dialed] {
            scheduler.dialing(stranger);
            scheduler.opened(ConnectionId(1), stranger, side, now);
            scheduler.closed(ConnectionId(1), &peers, now);
            scheduler.dialing(stranger);
            scheduler.failed(stranger, &peers, now);

            assert!(scheduler.attempts.is_empty() && scheduler.links.is_empty());
        }
    }
}
