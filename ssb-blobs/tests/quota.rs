//! An hour of other people's blobs, twice what the quota allows: a store never has more than that and one blob, and its owner's
//! blobs are whole.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail tests")]

use std::collections::BTreeMap;

use ssb_blobs::Store;
use ssb_blobs::limits::ROOM_MIN;
use ssb_blobs::memory::Memory;
use ssb_blobs::quota::Plan;
use ssb_blobs::quota::Policy;
use ssb_blobs::quota::Standing;
use ssb_blobs::store::Facts;
use ssb_blobs::store::Origin;
use ssb_blobs::writer::Expected;
use ssb_blobs::writer::WriteError;
use ssb_keys::BlobId;
use ssb_keys::FeedId;
use ssb_keys::hash::sha256;

const QUOTA: u64 = 1_000_000;

/// The largest blob that comes.
const BLOB_MAX: u64 = 60_000;

/// An hour, in milliseconds.
const HOUR: u64 = 3_600_000;

/// Who refers to a blob is a matter of the log: here it is written down.
#[derive(Default)]
struct Network {
    standings: BTreeMap<BlobId, Standing>,
    /// Numbers that are always the same, and follow no rule.
    dice: u64,
}

impl Network {
    fn roll(&mut self, sides: u64) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = sha256(&self.dice.to_le_bytes());
        self.dice += 1;
        u64::from_le_bytes([a, b, c, d, e, f, g, h]) % sides
    }

    /// The bytes of a blob that nobody has seen.
    fn bytes(&mut self) -> Vec<u8> {
        let len = usize::try_from(1 + self.roll(BLOB_MAX)).unwrap();
        let mut bytes = vec![7; len];
        bytes.splice(..8.min(len), self.dice.to_le_bytes().into_iter().take(len));
        bytes
    }

    fn standing(&self, id: &BlobId, facts: &Facts) -> Standing {
        if facts.is_kept() {
            Standing::Kept
        } else {
            self.standings.get(id).copied().unwrap_or(Standing::Orphan)
        }
    }
}

fn add(store: &Store<Memory>, bytes: &[u8], origin: Origin, now: u64) -> Result<BlobId, WriteError> {
    let mut writer = store.writer(Expected { id: None, len_max: Some(BLOB_MAX), origin })?;
    bytes.chunks(4_096).try_for_each(|piece| writer.write(piece))?;
    writer.finish(now).map(|stored| stored.id)
}

/// What a node does when its store is full. Returns what went.
fn clean(store: &Store<Memory>, network: &Network, now: u64) -> Vec<(Standing, u64)> {
    let policy = Policy { quota: store.quota(), orphans: None };
    let mut plan = Plan::new(&policy, store.room().unwrap(), now);
    for (id, facts) in (0..=u8::MAX).flat_map(|first| store.page(first).unwrap()) {
        plan.consider(id, network.standing(&id, &facts), facts.seen, facts.size);
    }
    let going = plan.going().into_iter().map(|id| {
        let facts = store.facts(&id).unwrap().unwrap();
        assert!(store.remove_if(&id, |facts| !facts.is_kept()).unwrap());
        (network.standing(&id, &facts), facts.seen)
    });
    going.collect()
}

#[test]
fn a_store_that_gets_twice_its_quota_in_an_hour_never_has_more_than_that_and_one_blob() {
    let store = Store::open(Memory::new(), Some(QUOTA)).unwrap();
    let (mut network, mut own) = (Network::default(), Vec::new());
    let (mut offered, mut taken, mut refused, mut most) = (0, 0, 0, 0);
    let mut now = 0;
    while now < HOUR || offered < 2 * QUOTA {
        now += HOUR / 100;
        let bytes = network.bytes();
        let len = u64::try_from(bytes.len()).unwrap();
        // Now and then the owner brings something, too, for which there is always room.
        if network.roll(10) == 0 && own.len() < 4 && !store.is_full().unwrap() {
            own.push(add(&store, &bytes, Origin::Own, now).unwrap());
        } else {
            let standing = match network.roll(4) {
                0 => Standing::Orphan,
                1 => Standing::Far,
                hops => Standing::Near(u8::try_from(hops).unwrap()),
            };
            network.standings.insert(BlobId::from_bytes(sha256(&bytes)), standing);
            offered += len.max(ROOM_MIN);
            match add(&store, &bytes, Origin::Peer(FeedId::from_bytes([9; 32])), now) {
                Ok(_) => taken += 1,
                Err(WriteError::Full) => refused += 1,
                Err(error) => panic!("{error}"),
            }
        }
        let room = store.room().unwrap();
        most = most.max(room);
        assert!(room <= QUOTA + BLOB_MAX, "{room}");
        // The node is not always quick about it.
        if store.is_full().unwrap() && network.roll(3) == 0 {
            let went = clean(&store, &network, now);
            // First those that nobody refers to, then the farthest, the oldest first.
            assert!(went.is_sorted_by_key(|(standing, seen)| (std::cmp::Reverse(*standing), *seen)));
            assert!(store.room().unwrap() <= QUOTA - QUOTA / 8);
        }
    }

    assert!(
        most > QUOTA && taken > 30 && refused > 0 && own.len() == 4,
        "{most} {taken} {refused} {}",
        own.len()
    );
    for id in own {
        let mut bytes = vec![0; usize::try_from(BLOB_MAX).unwrap()];
        let count = store.read(&id).unwrap().unwrap().read(&mut bytes).unwrap();
        bytes.truncate(count);
        assert_eq!(BlobId::from_bytes(sha256(&bytes)), id);
    }
}

#[test]
fn a_store_of_its_owners_blobs_alone_stays_as_it_is_however_full() {
    let store = Store::open(Memory::new(), Some(QUOTA)).unwrap();
    let mut network = Network::default();
    while !store.is_full().unwrap() {
        add(&store, &network.bytes(), Origin::Own, 0).unwrap();
    }
    let before = store.room().unwrap();

    assert_eq!(clean(&store, &network, 1), []);

    assert_eq!(store.room().unwrap(), before);
    let somebody_s = add(&store, b"one more", Origin::Peer(FeedId::from_bytes([9; 32])), 1);
    assert_eq!(somebody_s, Err(WriteError::Full));
}
