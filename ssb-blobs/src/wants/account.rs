//! What is done for peers: how much each wants that others are asked for, and how many bytes that has cost.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

use ssb_keys::BlobId;
use ssb_keys::FeedId;

use super::Policy;
use super::limits::ACCOUNTS_MAX;
use super::limits::ADOPTED_MAX;
use super::limits::ADOPTED_PER_DAY_MAX;
use super::limits::ADOPTED_PER_PEER_MAX;
use super::limits::DAY;
use super::limits::PASSED_ON_PER_PEER_MAX;
use super::limits::REMEMBERED_FOR;

/// The accounts of all peers for which something is done.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    all: BTreeMap<FeedId, Account>,
    /// How much is adopted of all of them together.
    adopted: usize,
    /// What all of them together have cost.
    day: Day,
}

#[derive(Debug, Default)]
struct Account {
    /// What others are asked for, and from how far away the peer says that it is wanted.
    adopted: BTreeMap<BlobId, u8>,
    /// How much of that others want, beyond the peer.
    passed_on: usize,
    /// Whether the peer wants more by itself than there was room for.
    wants_more: bool,
    /// Whether it passes on more than there was room for.
    passes_on_more: bool,
    day: Day,
    /// Since when it has no connection.
    left: Option<Duration>,
}

/// What was done since the first time.
#[derive(Clone, Copy, Debug, Default)]
struct Day {
    began: Option<Duration>,
    adopted: u32,
    len: u64,
}

impl Account {
    /// How much of what it wants by itself, or for others, is adopted, and how much may be.
    fn usage(&self, is_passed_on: bool) -> (usize, usize) {
        if is_passed_on {
            (self.passed_on, PASSED_ON_PER_PEER_MAX)
        } else {
            (self.adopted.len() - self.passed_on, ADOPTED_PER_PEER_MAX)
        }
    }

    const fn has_more(&mut self, is_passed_on: bool) -> &mut bool {
        if is_passed_on { &mut self.passes_on_more } else { &mut self.wants_more }
    }
}

impl Accounts {
    /// Charges a want to a peer. Returns whether it may have it.
    pub(super) fn adopt(&mut self, peer: FeedId, id: BlobId, distance: u8, now: Duration) -> bool {
        if !self.all.contains_key(&peer) && self.all.len() >= ACCOUNTS_MAX {
            return false;
        }
        let account = self.all.entry(peer).or_default();
        let is_passed_on = distance > 1;
        let (len, len_max) = account.usage(is_passed_on);
        let has_room = len < len_max;
        if let Some(before) = account.adopted.get_mut(&id) {
            if *before > 1 && !is_passed_on && has_room {
                account.passed_on -= 1;
                *before = distance;
            }
            return true;
        }
        account.day.begin(now);
        let may = self.adopted < ADOPTED_MAX && has_room && account.day.adopted < ADOPTED_PER_DAY_MAX;
        if may {
            account.adopted.insert(id, distance);
            account.passed_on += usize::from(is_passed_on);
            account.day.adopted += 1;
            self.adopted += 1;
        } else if !has_room {
            *account.has_more(is_passed_on) = true;
        }
        may
    }

    /// A peer gets nothing more of this want: it is over, or the peer is. Returns whether there is room now for more that it wants.
    pub(super) fn settle(&mut self, peer: &FeedId, id: &BlobId) -> bool {
        let Some(account) = self.all.get_mut(peer) else { return false };
        let Some(distance) = account.adopted.remove(id) else { return false };
        let is_passed_on = distance > 1;
        account.passed_on -= usize::from(is_passed_on);
        self.adopted -= 1;
        let (len, len_max) = account.usage(is_passed_on);
        len <= len_max / 2 && core::mem::take(account.has_more(is_passed_on))
    }

    /// Nothing more is done for a peer. Returns what it wanted. What it has cost is still known.
    pub(super) fn forsake(&mut self, peer: &FeedId) -> Vec<BlobId> {
        let Some(account) = self.all.get_mut(peer) else { return Vec::new() };
        let adopted = core::mem::take(&mut account.adopted);
        account.passed_on = 0;
        account.wants_more = false;
        account.passes_on_more = false;
        self.adopted -= adopted.len();
        adopted.into_keys().collect()
    }

    /// A peer has a connection.
    pub(super) fn came(&mut self, peer: &FeedId) {
        if let Some(account) = self.all.get_mut(peer) {
            account.left = None;
        }
    }

    /// A peer has none any more. Returns whether anything is remembered of it.
    pub(super) fn left(&mut self, peer: &FeedId, now: Duration) -> bool {
        let Some(account) = self.all.get_mut(peer) else { return false };
        account.left = Some(now);
        true
    }

    /// Charges so many bytes to one of those who want them: the one that has cost least so far. `None` if that is too much.
    pub(super) fn charge<'a>(
        &mut self,
        peers: impl Iterator<Item = &'a FeedId>,
        len: u64,
        policy: &Policy,
        now: Duration,
    ) -> Option<FeedId> {
        self.day.begin(now);
        if self.day.len.saturating_add(len) > policy.foreign_len_per_day {
            return None;
        }
        let mut cheapest: Option<(u64, FeedId)> = None;
        for peer in peers {
            let Some(account) = self.all.get_mut(peer) else { continue };
            account.day.begin(now);
            let cost = account.day.len;
            if cost.saturating_add(len) <= policy.peer_len_per_day
                && cheapest.is_none_or(|(least, _)| cost < least)
            {
                cheapest = Some((cost, *peer));
            }
        }
        let (_, peer) = cheapest?;
        self.all.get_mut(&peer)?.day.len += len;
        self.day.len += len;
        Some(peer)
    }

    /// Bytes that were charged were not needed.
    pub(super) fn refund(&mut self, peer: &FeedId, len: u64) {
        if let Some(account) = self.all.get_mut(peer) {
            account.day.len = account.day.len.saturating_sub(len);
        }
        self.day.len = self.day.len.saturating_sub(len);
    }

    /// Forgets what was wanted by peers that left long ago, and closes accounts in which nothing is left.
    pub(super) fn expire(&mut self, now: Duration) -> Expired {
        let is_over =
            |account: &Account| account.left.is_some_and(|left| left.saturating_add(REMEMBERED_FOR) <= now);
        let over: Vec<FeedId> =
            self.all.iter().filter(|(_, account)| is_over(account)).map(|(peer, _)| *peer).collect();
        let mut wants = Vec::new();
        for peer in over {
            wants.extend(self.forsake(&peer).into_iter().map(|id| (peer, id)));
        }
        let mut has_renewed = self.day.end(now);
        self.all.retain(|_, account| {
            has_renewed |= account.day.end(now);
            !account.adopted.is_empty() || account.day.began.is_some()
        });
        Expired { wants, has_renewed }
    }

    /// When to [`expire`](Self::expire), which may let more be done, too.
    pub(super) fn deadline(&self) -> Option<Duration> {
        let accounts = self.all.values().flat_map(|account| {
            let left = account.left.filter(|_| !account.adopted.is_empty());
            [account.day.over(), left.map(|left| left.saturating_add(REMEMBERED_FOR))]
        });
        accounts.chain([self.day.over()]).flatten().min()
    }

    /// How many bytes a peer has cost since its day began.
    pub(super) fn cost(&self, peer: &FeedId) -> u64 {
        self.all.get(peer).map_or(0, |account| account.day.len)
    }

    /// How many all of them have.
    pub(super) const fn total(&self) -> u64 {
        self.day.len
    }

    /// How much a peer passes on that is adopted.
    pub(super) fn passed_on(&self, peer: &FeedId) -> usize {
        self.all.get(peer).map_or(0, |account| account.passed_on)
    }

    /// How much is adopted, counted once for each peer.
    pub(super) const fn adopted(&self) -> usize {
        self.adopted
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }
}

/// What came of the time that has passed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Expired {
    /// Who wanted what that nothing is done about any more.
    pub(super) wants: Vec<(FeedId, BlobId)>,
    /// Whether a day has ended, so that more may be done.
    pub(super) has_renewed: bool,
}

impl Day {
    /// Something is done at this time: if no day has begun, or it is over, one begins.
    fn begin(&mut self, now: Duration) {
        self.end(now);
        self.began.get_or_insert(now);
    }

    /// Forgets it if it is over. Returns whether it is.
    fn end(&mut self, now: Duration) -> bool {
        let is_over = self.over().is_some_and(|over| over <= now);
        if is_over {
            *self = Self::default();
        }
        is_over
    }

    /// When it is over, if it has begun.
    fn over(&self) -> Option<Duration> {
        self.began.map(|began| began.saturating_add(DAY))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn numbered(n: usize) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&n.to_le_bytes());
        bytes
    }

    fn peer(n: usize) -> FeedId {
        FeedId::from_bytes(numbered(n))
    }

    fn id(n: usize) -> BlobId {
        BlobId::from_bytes(numbered(n))
    }

    const NOW: Duration = Duration::ZERO;

    #[test]
    fn one_peer_has_so_many_wants_and_passes_so_many_on() {
        let mut accounts = Accounts::default();
        for n in 0..PASSED_ON_PER_PEER_MAX {
            assert!(accounts.adopt(peer(1), id(n), 2, NOW));
        }
        assert!(!accounts.adopt(peer(1), id(5000), 2, NOW));
        for n in 0..ADOPTED_PER_PEER_MAX {
            assert!(accounts.adopt(peer(1), id(6000 + n), 1, NOW));
        }
        assert!(!accounts.adopt(peer(1), id(5000), 1, NOW));
        assert!(accounts.adopt(peer(1), id(0), 2, NOW), "it has that one");

        accounts.settle(&peer(1), &id(0));
        assert!(accounts.adopt(peer(1), id(5000), 2, NOW));
        assert!(accounts.adopt(peer(2), id(5000), 2, NOW), "others notice nothing");
    }

    #[test]
    fn what_a_peer_passed_on_and_wants_itself_now_counts_as_its_own_if_there_is_room() {
        let mut accounts = Accounts::default();
        for n in 0..PASSED_ON_PER_PEER_MAX {
            accounts.adopt(peer(1), id(n), 2, NOW);
        }

        for n in 0..PASSED_ON_PER_PEER_MAX {
            assert!(accounts.adopt(peer(1), id(n), 1, NOW));
        }

        let free = (0..PASSED_ON_PER_PEER_MAX).filter(|n| accounts.adopt(peer(1), id(5000 + n), 2, NOW));
        assert_eq!(free.count(), ADOPTED_PER_PEER_MAX);
        assert!(!accounts.adopt(peer(1), id(9000), 1, NOW));
    }

    #[test]
    fn one_peer_has_so_many_wants_in_a_day() {
        let mut accounts = Accounts::default();
        for n in 0..usize::try_from(ADOPTED_PER_DAY_MAX).unwrap() {
            assert!(accounts.adopt(peer(1), id(n), 1, NOW));
            accounts.settle(&peer(1), &id(n));
        }
        let almost = DAY - Duration::from_nanos(1);
        assert!(!accounts.adopt(peer(1), id(5000), 1, almost));

        assert!(accounts.adopt(peer(1), id(5000), 1, DAY));
    }

    #[test]
    fn all_peers_have_so_many_wants() {
        let mut accounts = Accounts::default();
        for n in 0..ADOPTED_MAX {
            assert!(accounts.adopt(peer(n / ADOPTED_PER_PEER_MAX), id(n), 1, NOW));
        }
        assert!(!accounts.adopt(peer(100), id(1), 1, NOW));

        assert_eq!(accounts.forsake(&peer(0)).len(), ADOPTED_PER_PEER_MAX);

        assert!(accounts.adopt(peer(100), id(1), 1, NOW));
        assert_eq!(accounts.adopted(), ADOPTED_MAX - ADOPTED_PER_PEER_MAX + 1);
    }

    #[test]
    fn so_many_peers_have_accounts() {
        let mut accounts = Accounts::default();
        for n in 0..ACCOUNTS_MAX {
            assert!(accounts.adopt(peer(n), id(1), 1, NOW));
        }

        assert!(!accounts.adopt(peer(ACCOUNTS_MAX), id(1), 1, NOW));
        assert!(accounts.adopt(peer(0), id(2), 1, NOW), "who has one keeps it");
        assert_eq!(accounts.len(), ACCOUNTS_MAX);
    }

    #[test]
    fn bytes_are_charged_to_whoever_has_cost_least_until_it_is_too_much() {
        let policy = Policy { peer_len_per_day: 100, foreign_len_per_day: 250, ..Policy::default() };
        let mut accounts = Accounts::default();
        let all = [peer(1), peer(2), peer(3), peer(4)];
        for peer in all.iter().take(3) {
            accounts.adopt(*peer, id(1), 1, NOW);
        }
        let mut charge = |len| accounts.charge(all.iter(), len, &policy, NOW);

        assert_eq!(charge(101), None);
        assert_eq!([charge(60), charge(70), charge(80)], [peer(1), peer(2), peer(3)].map(Some));
        assert_eq!(charge(41), None, "41 is more than anybody has left");
        assert_eq!(charge(40), Some(peer(1)));
        assert_eq!(charge(1), None, "all together have cost 250");

        accounts.refund(&peer(3), 80);
        assert_eq!((accounts.cost(&peer(3)), accounts.total()), (0, 170));
        assert_eq!(accounts.charge(all.iter(), 80, &policy, NOW), Some(peer(3)));
        assert_eq!(accounts.charge(all.iter(), 1, &policy, DAY), Some(peer(1)), "another day");
    }

    #[test]
    fn who_left_is_remembered_for_a_while_with_all_it_wants() {
        let mut accounts = Accounts::default();
        accounts.adopt(peer(1), id(1), 1, NOW);
        accounts.adopt(peer(2), id(2), 1, NOW);
        accounts.left(&peer(1), Duration::from_secs(5));
        accounts.left(&peer(2), Duration::from_secs(5));
        accounts.came(&peer(2));
        assert_eq!(accounts.deadline(), Some(DAY));
        assert_eq!(accounts.expire(DAY), Expired { wants: Vec::new(), has_renewed: true });

        let gone = Duration::from_secs(5) + REMEMBERED_FOR;
        assert_eq!(accounts.deadline(), Some(gone));
        let wants = vec![(peer(1), id(1))];
        assert_eq!(accounts.expire(gone), Expired { wants, has_renewed: false });
        assert_eq!((accounts.deadline(), accounts.len()), (None, 1));
    }
}
