//! Downloads: whom to ask for what, and what becomes of it.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

use ssb_keys::BlobId;
use ssb_keys::FeedId;

use super::Wants;
use super::event::Connection;
use super::event::Fetch;
use super::event::Outcome;
use super::event::Output;
use super::lately::Lately;
use super::limits::DAY;
use super::limits::DISK_PAUSE;
use super::limits::DOUBTED_FOR;
use super::limits::DOUBTED_MAX;
use super::limits::FETCHES_MAX;
use super::limits::FETCHES_PER_PEER_MAX;
use super::limits::PROGRESS_MIN;
use super::limits::RETRY_AFTER;
use super::limits::SET_BACK_MAX;
use super::limits::STALLED_AFTER;

/// All downloads, and why some are not begun.
#[derive(Debug)]
pub(super) struct Fetches {
    all: BTreeMap<BlobId, Fetching>,
    next: u64,
    /// How many bytes of downloads have come over each connection.
    received: BTreeMap<Connection, u64>,
    /// Who refused what, or was too slow with it.
    set_back: Lately<(Connection, BlobId)>,
    /// Who sent something else than they said.
    doubted: Lately<FeedId>,
    /// Until when nothing can be written.
    paused: Option<Duration>,
    /// Whether some was not begun because nobody could pay.
    is_short: bool,
}

/// A download.
#[derive(Debug)]
pub(super) struct Fetching {
    pub(super) fetch: Fetch,
    connection: Connection,
    /// To whom its bytes are charged, unless the owner wants it, and how many.
    pub(super) payer: Option<FeedId>,
    charged: u64,
    received: u64,
    /// When it was looked at last.
    checked: Duration,
    /// What had come by then, and what had over its connection.
    before: (u64, u64),
}

impl Wants {
    /// Begins the download of a blob that is wanted, if it is not under way, and there are a holder who may be asked and somebody
    /// who pays.
    pub(super) fn try_fetch(&mut self, id: BlobId, now: Duration) {
        if !self.fetches.has_room() || self.fetches.all.contains_key(&id) {
            return;
        }
        let Some(want) = self.wants.get(&id) else { return };
        let Some((connection, len_max)) = self.holder(&id) else { return };
        let payer = if want.own.is_some() {
            None
        } else {
            let payer = self.accounts.charge(want.peers.iter(), len_max, &self.policy, now);
            self.wake_at(now.saturating_add(DAY));
            if payer.is_none() {
                self.fetches.is_short = true;
                return;
            }
            payer
        };
        let charged = if payer.is_some() { len_max } else { 0 };
        let fetch = self.fetches.begin(id, connection, payer, charged, now);
        self.wake_at(now.saturating_add(STALLED_AFTER));
        self.outbox.push_back(Output::Fetch { fetch, connection, id, len_max });
    }

    /// Begins downloads over a connection over which there may be room for more: first what the owner wants.
    pub(super) fn fill(&mut self, connection: Connection, now: Duration) {
        for own_first in [true, false] {
            let Some(partner) = self.partners.get(&connection) else { return };
            let is_next = |id: &&BlobId| {
                self.wants.get(*id).is_some_and(|want| want.own.is_some() == own_first)
                    && !self.fetches.all.contains_key(*id)
            };
            let ids: Vec<BlobId> = partner.held.keys().filter(is_next).copied().collect();
            for id in ids {
                if !self.fetches.has_room() || self.fetches.load(connection) >= FETCHES_PER_PEER_MAX {
                    return;
                }
                self.try_fetch(id, now);
            }
        }
    }

    fn fill_all(&mut self, now: Duration) {
        let connections: Vec<Connection> = self.partners.keys().copied().collect();
        connections.into_iter().for_each(|connection| self.fill(connection, now));
    }

    /// A download is over. Whatever comes of it, the next holder is asked if the blob is still wanted.
    pub(super) fn ended(&mut self, fetch: Fetch, outcome: Outcome, now: Duration) {
        let Some((id, connection)) = self.fetches.named(fetch) else { return };
        match outcome {
            Outcome::Stored { .. } => {}
            Outcome::WrongHash | Outcome::TooLong => self.doubt(connection, &id, now),
            Outcome::Refused => self.set_back(connection, id, now),
            Outcome::Failed => {
                let until = now.saturating_add(DISK_PAUSE);
                self.fetches.paused = Some(until);
                self.wake_at(until);
            }
        }
        let size = if let Outcome::Stored { size } = outcome { size } else { 0 };
        let freed = self.take_fetch(&id, size);
        if let Outcome::Stored { size } = outcome {
            self.stored(id, size, now);
        }
        self.try_fetch(id, now);
        self.refill(freed, now);
    }

    /// Ends a download that is not needed, or not to be waited for. Of the bytes that were charged so many were needed.
    pub(super) fn end_fetch(&mut self, id: &BlobId, len: u64, now: Duration) {
        let Some(freed) = self.take_fetch(id, len) else { return };
        if self.partners.contains_key(&freed.connection) {
            self.outbox.push_back(Output::Stop { connection: freed.connection, fetch: freed.fetch });
        }
        self.refill(Some(freed), now);
    }

    /// Ends downloads that stall, and begins what had to wait; with `has_more`, because more may be done than before.
    pub(super) fn check_fetches(&mut self, has_more: bool, now: Duration) {
        for (id, connection, pace) in self.fetches.check(now) {
            if pace == Pace::Stalled || self.holder(&id).is_some() {
                self.set_back(connection, id, now);
                self.end_fetch(&id, 0, now);
                self.try_fetch(id, now);
            }
        }
        let is_over = self.fetches.paused.is_some_and(|until| until <= now);
        if is_over {
            self.fetches.paused = None;
        }
        let is_trusted = !self.fetches.doubted.expire(now).is_empty();
        for (_, id) in self.fetches.set_back.expire(now) {
            self.try_fetch(id, now);
        }
        if has_more || is_over || is_trusted {
            self.fill_all(now);
        }
    }

    /// A holder sent something else than it said.
    fn doubt(&mut self, connection: Connection, id: &BlobId, now: Duration) {
        if let Some(partner) = self.partners.get(&connection) {
            let until = self.fetches.doubted.add(partner.peer, now);
            self.wake_at(until);
        }
        if self.partners.get_mut(&connection).is_some_and(|partner| partner.lacks(id)) {
            self.say_wants(connection);
        }
    }

    /// A holder is not asked again for a blob for a while.
    fn set_back(&mut self, connection: Connection, id: BlobId, now: Duration) {
        let until = self.fetches.set_back.add((connection, id), now);
        self.wake_at(until);
    }

    /// Who may be asked for a blob: over which connection, and how many bytes it has there.
    fn holder(&self, id: &BlobId) -> Option<(Connection, u64)> {
        let holders = self.partners.iter().filter_map(|(connection, partner)| {
            let size = partner.held.get(id)?;
            let load = self.fetches.load(*connection);
            let may_be_asked = load < FETCHES_PER_PEER_MAX
                && !self.fetches.doubted.contains(&partner.peer)
                && !self.fetches.set_back.contains(&(*connection, *id))
                && self.fetches.all.get(id).is_none_or(|fetching| fetching.connection != *connection);
            may_be_asked.then_some((load, *connection, *size))
        });
        holders.min().map(|(_, connection, size)| (connection, size))
    }

    /// Forgets a download. Of the bytes that were charged so many were needed.
    fn take_fetch(&mut self, id: &BlobId, len: u64) -> Option<Freed> {
        let mut was_full = !self.fetches.has_room();
        let Fetching { fetch, connection, payer, charged, .. } = self.fetches.all.remove(id)?;
        if let Some(payer) = payer {
            let unused = charged.saturating_sub(len);
            self.accounts.refund(&payer, unused);
            was_full |= unused > 0 && core::mem::take(&mut self.fetches.is_short);
        }
        Some(Freed { fetch, connection, was_full })
    }

    fn refill(&mut self, freed: Option<Freed>, now: Duration) {
        match freed {
            Some(Freed { was_full: true, .. }) => self.fill_all(now),
            Some(Freed { connection, .. }) => self.fill(connection, now),
            None => {}
        }
    }
}

/// How slow a download is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    /// It shares a connection with others that come.
    Slow,
    /// Hardly anything comes over its connection.
    Stalled,
}

/// There is room for another download.
#[derive(Clone, Copy, Debug)]
struct Freed {
    fetch: Fetch,
    connection: Connection,
    /// Whether others may have waited for that.
    was_full: bool,
}

impl Fetches {
    /// So much of a download has come.
    pub(super) fn progress(&mut self, fetch: Fetch, received: u64) {
        if let Some(fetching) = self.all.values_mut().find(|fetching| fetching.fetch == fetch) {
            let more = received.saturating_sub(fetching.received);
            fetching.received += more;
            let all = self.received.entry(fetching.connection).or_default();
            *all = all.saturating_add(more);
        }
    }

    /// What is being downloaded, and over which connection.
    pub(super) fn all(&self) -> impl Iterator<Item = (BlobId, Connection)> {
        self.all.iter().map(|(id, fetching)| (*id, fetching.connection))
    }

    /// A connection is gone. Returns what was being downloaded over it.
    pub(super) fn closed(&mut self, connection: Connection) -> Vec<BlobId> {
        self.received.remove(&connection);
        self.over(connection)
    }

    fn over(&self, connection: Connection) -> Vec<BlobId> {
        self.all().filter(|(_, over)| *over == connection).map(|(id, _)| id).collect()
    }

    /// The download of a blob.
    pub(super) fn get(&self, id: &BlobId) -> Option<&Fetching> {
        self.all.get(id)
    }

    /// When to check downloads, or begin some that wait.
    pub(super) fn deadline(&self) -> Option<Duration> {
        let checks = self.all.values().map(|fetching| fetching.checked.saturating_add(STALLED_AFTER));
        checks
            .chain([self.set_back.deadline(), self.doubted.deadline(), self.paused].into_iter().flatten())
            .min()
    }

    fn begin(
        &mut self,
        id: BlobId,
        connection: Connection,
        payer: Option<FeedId>,
        charged: u64,
        now: Duration,
    ) -> Fetch {
        let fetch = Fetch(self.next);
        self.next += 1;
        let before = (0, self.received_over(connection));
        let fetching = Fetching { fetch, connection, payer, charged, received: 0, checked: now, before };
        self.all.insert(id, fetching);
        fetch
    }

    /// Looks at those whose time has come, and returns those that are slow.
    fn check(&mut self, now: Duration) -> Vec<(BlobId, Connection, Pace)> {
        let mut slow = Vec::new();
        for (id, fetching) in &mut self.all {
            if fetching.checked.saturating_add(STALLED_AFTER) > now {
                continue;
            }
            let over = self.received.get(&fetching.connection).copied().unwrap_or_default();
            let (before, over_before) = core::mem::replace(&mut fetching.before, (fetching.received, over));
            fetching.checked = now;
            if fetching.received - before < PROGRESS_MIN {
                let is_alive = over - over_before >= PROGRESS_MIN;
                let pace = if is_alive { Pace::Slow } else { Pace::Stalled };
                slow.push((*id, fetching.connection, pace));
            }
        }
        slow
    }

    fn received_over(&self, connection: Connection) -> u64 {
        self.received.get(&connection).copied().unwrap_or_default()
    }

    fn named(&self, fetch: Fetch) -> Option<(BlobId, Connection)> {
        let (id, fetching) = self.all.iter().find(|(_, fetching)| fetching.fetch == fetch)?;
        Some((*id, fetching.connection))
    }

    fn has_room(&self) -> bool {
        self.paused.is_none() && self.all.len() < FETCHES_MAX
    }

    /// How many downloads there are over a connection.
    fn load(&self, connection: Connection) -> usize {
        self.all.values().filter(|fetching| fetching.connection == connection).count()
    }
}

impl Default for Fetches {
    fn default() -> Self {
        Self {
            all: BTreeMap::new(),
            next: 0,
            received: BTreeMap::new(),
            set_back: Lately::new(RETRY_AFTER, SET_BACK_MAX),
            doubted: Lately::new(DOUBTED_FOR, DOUBTED_MAX),
            paused: None,
            is_short: false,
        }
    }
}
