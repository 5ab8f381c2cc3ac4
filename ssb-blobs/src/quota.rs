//! Which blobs go when there are too many.
//!
//! What its owner brought, pinned, or refers to never goes. Of the others go first those to which no message refers, then
//! those to which only feeds farther away refer, and of such the oldest. Blobs of which nobody remembers who brought them, and
//! to which no message that can be read refers, go last: they may belong to private messages of their owner.
//!
//! ```
//! use ssb_blobs::quota::{Plan, Standing};
//! use ssb_keys::BlobId;
//!
//! let [mine, friend_s, nobody_s] = [1, 2, 3].map(|n| BlobId::from_bytes([n; 32]));
//! let mut plan = Plan::new(1_000_000);
//! plan.consider(mine, Standing::Kept, 0, 900_000);
//! plan.consider(friend_s, Standing::Near(1), 1_000, 900_000);
//! plan.consider(nobody_s, Standing::Orphan, 2_000, 900_000);
//! assert_eq!(plan.going(), [nobody_s, friend_s]);
//! ```

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use ssb_keys::BlobId;

use crate::limits::GOING_MAX;
use crate::limits::ROOM_MIN;

/// How a blob stands to the owner of the store. What is said later goes earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Its owner brought it, pinned it, or refers to it.
    Kept,
    /// Nobody remembers who brought it, and no message refers to it.
    Unexplained,
    /// The nearest feed that refers to it is so many steps away.
    Near(u8),
    /// Only feeds that are not within reach, or are blocked, refer to it.
    Far,
    /// No message refers to it.
    Orphan,
}

/// How much room has to be made so that a store of `room` bytes keeps its `quota`: none, or as much as leaves an eighth of the
/// quota free, so that this is not to be done again for every blob.
pub fn excess(room: u64, quota: u64) -> u64 {
    if room > quota { room - (quota - quota / FREE_SHARE) } else { 0 }
}

/// Finds out which blobs go, while it is told of one after the other, in any order. Remembers no more than those.
#[derive(Clone, Debug)]
pub struct Plan {
    wanted: u64,
    /// The first to go comes first.
    going: BTreeMap<Place, u128>,
    /// The sum of those.
    sum: u128,
}

impl Plan {
    /// A plan that makes room for at least `wanted` bytes, if enough may go.
    pub const fn new(wanted: u64) -> Self {
        Self { wanted, going: BTreeMap::new(), sum: 0 }
    }

    /// There is also this blob, here since `seen`, in milliseconds since 1970, with so many bytes.
    pub fn consider(&mut self, id: BlobId, standing: Standing, seen: u64, size: u64) {
        if standing == Standing::Kept {
            return;
        }
        let room = u128::from(size.max(ROOM_MIN));
        let place = Place { standing: core::cmp::Reverse(standing), seen, id };
        if let Some(before) = self.going.insert(place, room) {
            self.sum -= before;
        }
        self.sum += room;
        while let Some((_, room)) = self.going.last_key_value()
            && (self.sum - room >= u128::from(self.wanted) || self.going.len() > GOING_MAX)
        {
            self.sum -= room;
            self.going.pop_last();
        }
    }

    /// Those that go, the first one first.
    pub fn going(&self) -> Vec<BlobId> {
        self.going.keys().map(|place| place.id).collect()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    standing: core::cmp::Reverse<Standing>,
    seen: u64,
    id: BlobId,
}

/// Which part of the quota is free after room was made.
const FREE_SHARE: u64 = 8;

#[cfg(test)]
mod tests {
    use super::*;

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
        let mut plan = Plan::new(u64::MAX);

        for (n, (standing, seen)) in blobs.into_iter().enumerate() {
            plan.consider(id(n), standing, seen, 10_000);
        }

        assert_eq!(plan.going(), [7, 1, 5, 6, 3, 0, 4].map(id));
    }

    #[test]
    fn no_more_go_than_must() {
        let mut plan = Plan::new(20_000);

        for n in 0..10 {
            plan.consider(id(n), Standing::Orphan, u64::try_from(100 - n).unwrap(), 10_000);
        }

        assert_eq!(plan.going(), [9, 8].map(id));
        let mut nothing = Plan::new(0);
        nothing.consider(id(1), Standing::Orphan, 0, 10_000);
        assert!(nothing.going().is_empty());
    }

    #[test]
    fn a_short_blob_counts_as_a_block_of_the_disk() {
        let mut plan = Plan::new(2 * ROOM_MIN);

        for n in 0..5 {
            plan.consider(id(n), Standing::Orphan, 0, 1);
        }

        assert_eq!(plan.going().len(), 2);
    }

    #[test]
    fn a_plan_lets_so_many_go_and_no_more() {
        let mut plan = Plan::new(u64::MAX);

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
        assert_eq!(excess(800, 800), 0);
        assert_eq!(excess(801, 800), 101);
        assert_eq!(excess(5, 0), 5);
        assert_eq!(excess(u64::MAX, u64::MAX), 0);
    }
}
