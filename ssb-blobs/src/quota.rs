//! Which blobs go when there are too many, or when nobody refers to them any more.
//!
//! What its owner brought, pinned, or refers to never goes. Of the others go first those to which no message refers, then
//! those to which only feeds farther away refer, and of such the oldest. Blobs that their owner asked for, or of which nobody
//! remembers who brought them, go last if no message that can be read refers to them: they may belong to private ones.
//!
//! ```
//! use ssb_blobs::quota::{Plan, Policy, Standing};
//! use ssb_keys::BlobId;
//!
//! let [mine, friend_s, nobody_s] = [1, 2, 3].map(|n| BlobId::from_bytes([n; 32]));
//! let policy = Policy { quota: Some(1_000_000), orphans: None };
//! let mut plan = Plan::new(&policy, 2_700_000, 1_491_901_740_000);
//! plan.consider(mine, Standing::Kept, 0, 900_000);
//! plan.consider(friend_s, Standing::Near(1), 1_000, 900_000);
//! plan.consider(nobody_s, Standing::Orphan, 2_000, 900_000);
//! assert_eq!(plan.going(), [nobody_s, friend_s]);
//! ```

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::time::Duration;

use ssb_keys::BlobId;

use crate::limits::GOING_MAX;
use crate::limits::ROOM_MIN;

/// What is kept. Where nothing is said nothing goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// All blobs should not have more than so many bytes. When they do, an eighth of it is to be free afterwards, so that this
    /// is not to be done again for every blob.
    pub quota: Option<u64>,
    /// Blobs that came for others so long ago, and to which no message refers, go.
    pub orphans: Option<Duration>,
}

impl Policy {
    /// Whether it ever lets anything go.
    pub const fn is_idle(&self) -> bool {
        self.quota.is_none() && self.orphans.is_none()
    }

    /// How much room has to be made in a store of so many bytes.
    fn excess(&self, room: u64) -> u64 {
        match self.quota {
            Some(quota) if room > quota => room - (quota - quota / FREE_SHARE),
            _ => 0,
        }
    }
}

/// How a blob stands to the owner of the store. What is said later goes earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Its owner brought it, pinned it, or refers to it.
    Kept,
    /// Its owner asked for it, or nobody remembers who brought it; and no message refers to it.
    Unexplained,
    /// The nearest feed that refers to it is so many steps away.
    Near(u8),
    /// Only feeds that are not within reach, or are blocked, refer to it.
    Far,
    /// It came for others, and no message refers to it.
    Orphan,
}

/// Finds out which blobs go, while it is told of one after the other, in any order. Remembers no more than those.
#[derive(Clone, Debug)]
pub struct Plan {
    wanted: u128,
    /// Orphans that came before this go in any case.
    expired: u64,
    /// The first to go comes first.
    going: BTreeMap<Place, u128>,
    /// The sum of those.
    sum: u128,
}

impl Plan {
    /// A plan for a store of `room` bytes, at `now` in milliseconds since 1970.
    pub fn new(policy: &Policy, room: u64, now: u64) -> Self {
        let age = policy.orphans.map(|age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
        Self {
            wanted: u128::from(policy.excess(room)),
            expired: age.map_or(0, |age| now.saturating_sub(age)),
            going: BTreeMap::new(),
            sum: 0,
        }
    }

    /// There is also this blob, here since `seen`, in milliseconds since 1970, with so many bytes.
    pub fn consider(&mut self, id: BlobId, standing: Standing, seen: u64, size: u64) {
        if standing == Standing::Kept {
            return;
        }
        let room = u128::from(size.max(ROOM_MIN));
        let place = Place { standing: Reverse(standing), seen, id };
        if let Some(before) = self.going.insert(place, room) {
            self.sum -= before;
        }
        self.sum += room;
        while let Some((last, room)) = self.going.last_key_value() {
            let is_needed = self.sum - room < self.wanted || self.is_expired(last);
            if is_needed && self.going.len() <= GOING_MAX {
                return;
            }
            self.sum -= room;
            self.going.pop_last();
        }
    }

    /// Those that go, the first one first.
    pub fn going(&self) -> Vec<BlobId> {
        self.going.keys().map(|place| place.id).collect()
    }

    fn is_expired(&self, place: &Place) -> bool {
        place.standing == Reverse(Standing::Orphan) && place.seen < self.expired
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    standing: Reverse<Standing>,
    seen: u64,
    id: BlobId,
}

/// Which part of the quota is free after room was made.
const FREE_SHARE: u64 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    /// A plan by which as many go as may.
    fn everything() -> Plan {
        wanting(u64::MAX)
    }

    /// A plan that makes room for so many bytes.
    fn wanting(bytes: u64) -> Plan {
        Plan::new(&Policy { quota: Some(0), orphans: None }, bytes, 0)
    }

    fn id(n: usize) -> BlobId {
        let mut bytes = [0; 32];
        for (to, from) in bytes.iter_mut().zip(n.to_be_bytes()) {
            *to = from;
        }
        BlobId::from_bytes(bytes)
    }

    #[test]
    fn orphans_go_before_the_far_the_far_before_the_near_and_the_old_before_the_new() {
        let blobs = [
            (Standing::Near(1), 1),
            (Standing::Orphan, 9),
            (Standing::Kept, 0),
            (Standing::Near(2), 5),
            (Standing::Unexplained, 0),
            (Standing::Far, 3),
            (Standing::Near(2), 4),
            (Standing::Orphan, 8),
        ];
        let mut plan = everything();

        for (n, (standing, seen)) in blobs.into_iter().enumerate() {
            plan.consider(id(n), standing, seen, 10_000);
        }

        assert_eq!(plan.going(), [7, 1, 5, 6, 3, 0, 4].map(id));
    }

    #[test]
    fn no_more_go_than_must() {
        let mut plan = wanting(20_000);

        for n in 0..10 {
            plan.consider(id(n), Standing::Orphan, u64::try_from(100 - n).unwrap(), 10_000);
        }

        assert_eq!(plan.going(), [9, 8].map(id));
        let mut nothing = wanting(0);
        nothing.consider(id(1), Standing::Orphan, 0, 10_000);
        assert!(nothing.going().is_empty());
    }

    #[test]
    fn a_short_blob_counts_as_a_block_of_the_disk() {
        let mut plan = wanting(2 * ROOM_MIN);

        for n in 0..5 {
            plan.consider(id(n), Standing::Orphan, 0, 1);
        }

        assert_eq!(plan.going().len(), 2);
    }

    #[test]
    fn a_plan_lets_so_many_go_and_no_more() {
        let mut plan = everything();

        for n in 0..GOING_MAX {
            plan.consider(id(n), Standing::Orphan, 1, 1);
        }
        assert_eq!(plan.going().len(), GOING_MAX);
        plan.consider(id(GOING_MAX), Standing::Orphan, 0, 1);

        assert_eq!(plan.going().len(), GOING_MAX);
        assert_eq!(plan.going().first(), Some(&id(GOING_MAX)));
    }

    #[test]
    fn room_is_made_down_to_seven_eighths_of_the_quota() {
        let excess = |room, quota| Policy { quota: Some(quota), orphans: None }.excess(room);

        assert_eq!(excess(800, 800), 0);
        assert_eq!(excess(801, 800), 101);
        assert_eq!(excess(5, 0), 5);
        assert_eq!(excess(u64::MAX, u64::MAX), 0);
        assert_eq!(Policy::default().excess(u64::MAX), 0);
    }

    #[test]
    fn orphans_go_by_themselves_when_they_are_old_enough() {
        let policy = Policy { quota: None, orphans: Some(Duration::from_secs(1)) };
        let mut plan = Plan::new(&policy, 0, 5_000);

        for (n, (standing, seen)) in [
            (Standing::Orphan, 3_999),
            (Standing::Orphan, 4_000),
            (Standing::Far, 1),
            (Standing::Unexplained, 1),
            (Standing::Kept, 1),
        ]
        .into_iter()
        .enumerate()
        {
            plan.consider(id(n), standing, seen, 10_000);
        }

        assert_eq!(plan.going(), [id(0)]);
        assert!(Policy::default().is_idle() && !policy.is_idle());
    }
}
