//! What of the log is kept, and for how long: by distance, age and room, as one policy.
//!
//! A [`Policy`] only says what should go; [`Store::decide`](crate::Store::decide) makes it so, and a compaction gives the
//! space back. What is [kept](Standing::Kept), the own feed above all, is never touched.
//!
//! - Feeds that are too far away are forgotten. They come back when they are near enough again and somebody has them.
//! - Messages that were received too long ago are deleted. Their feed goes on behind them.
//! - If the log is larger than its quota, the feeds farthest away lose their oldest messages, then those a step nearer, until
//!   an eighth of the quota is free, so that this is not to be done again for every message.
//!
//! ```
//! use std::time::Duration;
//!
//! use ssb_keys::FeedId;
//! use ssb_log::retain::{Policy, Standing, plan};
//! # use ssb_log::{Store, memory::Memory};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (mut store, _) = Store::open(Memory::new())?;
//! # let (me, friend) = (FeedId::from_bytes([1; 32]), FeedId::from_bytes([2; 32]));
//! # let now = 1_491_901_740_000.0;
//! let policy = Policy { hops: Some(2), age: Some(Duration::from_secs(365 * 86_400)), quota: Some(1 << 30) };
//! let standing = |feed: &FeedId| match feed {
//!     feed if *feed == me => Standing::Kept,
//!     feed if *feed == friend => Standing::Near(1),
//!     _ => Standing::Far,
//! };
//! let decisions = plan(&store.reader(), &policy, standing, now)?;
//! store.decide(&decisions, now)?;
//! # Ok(())
//! # }
//! ```

use std::collections::BTreeMap;
use std::time::Duration;

use ssb_keys::FeedId;

use crate::compact::gain;
use crate::decision::Decision;
use crate::ordinal::Ordinal;
use crate::read::ReadError;
use crate::reader::Reader;
use crate::storage::Directory;

/// What is kept. Where nothing is said nothing goes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Policy {
    /// Feeds further away than so many steps go, whole.
    pub hops: Option<u8>,
    /// Messages that were received longer ago than this go.
    pub age: Option<Duration>,
    /// The log should not be larger than so many bytes.
    pub quota: Option<u64>,
}

impl Policy {
    /// Whether it ever lets anything go.
    pub const fn is_idle(&self) -> bool {
        self.hops.is_none() && self.age.is_none() && self.quota.is_none()
    }
}

/// How a feed stands to the owner. What is said later goes earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It is the own one, or its owner wants to keep it.
    Kept,
    /// It is so many steps away.
    Near(u8),
    /// It is not within reach, or blocked.
    Far,
}

/// What should go now, at `now` in milliseconds since 1970. Nothing, if it was planned and decided before and nothing came since.
///
/// # Errors
///
/// [`ReadError`] of a record whose receive time was looked at.
pub fn plan<D: Directory>(
    reader: &Reader<D>,
    policy: &Policy,
    standing: impl Fn(&FeedId) -> Standing,
    now: f64,
) -> Result<Vec<Decision>, ReadError> {
    let mut decisions = Vec::new();
    let mut staying = Vec::new();
    for latest in reader.feeds() {
        let standing = standing(&latest.feed);
        let is_far = match standing {
            Standing::Kept => continue,
            Standing::Near(hops) => policy.hops.is_some_and(|most| hops > most),
            Standing::Far => policy.hops.is_some(),
        };
        if is_far {
            decisions.push(Decision::Forget { feed: latest.feed });
        } else {
            staying.push((latest.feed, standing));
        }
    }
    let mut going: BTreeMap<FeedId, u32> = BTreeMap::new();
    if let Some(age) = policy.age {
        let end = reader.received(..now - age.as_secs_f64() * 1000.0)?.end;
        for (feed, _) in &staying {
            let old = reader.sizes(feed).into_iter().take_while(|size| size.at < end);
            going.extend(old.last().map(|size| (*feed, size.sequence)));
        }
    }
    if let Some(quota) = policy.quota.filter(|quota| reader.file_len() > *quota) {
        let forgotten = decisions.iter().flat_map(|decision| reader.sizes(&decision.feed()));
        let mut freed: u64 = reader.reclaimable() + forgotten.map(|size| gain(size.len)).sum::<u64>();
        for (feed, upto) in &going {
            let old = reader.sizes(feed).into_iter().take_while(|size| size.sequence <= *upto);
            freed += old.map(|size| gain(size.len)).sum::<u64>();
        }
        let wanted = reader.file_len() - (quota - quota / FREE_SHARE);
        make_room(reader, &staying, &mut going, wanted.saturating_sub(freed));
    }
    for (feed, upto) in going {
        // What went before need not go again.
        if let Some(from) = reader.next_sequence(&feed, 1).filter(|from| *from <= upto) {
            decisions.push(Decision::Delete { feed, from, upto });
        }
    }
    Ok(decisions)
}

/// Adds to `going` until `wanted` bytes more go, or nothing is left that may.
fn make_room<D: Directory>(
    reader: &Reader<D>,
    staying: &[(FeedId, Standing)],
    going: &mut BTreeMap<FeedId, u32>,
    wanted: u64,
) {
    let mut classes: BTreeMap<Standing, Vec<FeedId>> = BTreeMap::new();
    for (feed, standing) in staying {
        classes.entry(*standing).or_default().push(*feed);
    }
    let mut freed = 0;
    for (_, feeds) in classes.into_iter().rev() {
        let mut all = Vec::new();
        for feed in feeds {
            let gone_upto = going.get(&feed).copied().unwrap_or(0);
            let left = reader.sizes(&feed).into_iter().filter(|size| size.sequence > gone_upto);
            all.extend(left.map(|size| (size, feed)));
        }
        all.sort_unstable_by_key(|(size, _)| size.at);
        for (size, feed) in all {
            if freed >= wanted {
                return;
            }
            freed += gain(size.len);
            let upto = going.entry(feed).or_default();
            *upto = (*upto).max(size.sequence);
        }
    }
}

/// Where a message of a feed stands, and how long it is there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) sequence: u32,
    pub(crate) at: Ordinal,
    pub(crate) len: u64,
}

/// Which part of the quota is free after room was made.
const FREE_SHARE: u64 = 8;
