//! What is true of all blobs, however they are cut.

use proptest::prelude::*;
use ssb_blobs::Store;
use ssb_blobs::limits::ROOM_MIN;
use ssb_blobs::memory::Memory;
use ssb_blobs::quota::Plan;
use ssb_blobs::quota::Policy;
use ssb_blobs::quota::Standing;
use ssb_blobs::store::Origin;
use ssb_blobs::writer::Expected;
use ssb_keys::BlobId;
use ssb_keys::hash::sha256;

fn pieces() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..20)
}

fn blob() -> impl Strategy<Value = (BlobId, Standing, u64, u64)> {
    let standing = prop_oneof![
        Just(Standing::Kept),
        Just(Standing::Unexplained),
        (0..4_u8).prop_map(Standing::Near),
        Just(Standing::Far),
        Just(Standing::Orphan),
    ];
    (any::<[u8; 32]>().prop_map(BlobId::from_bytes), standing, 0..10_u64, 0..100_000_u64)
}

proptest! {
    #[test]
    fn however_a_blob_is_cut_it_is_the_same_one(pieces in pieces()) {
        let store = Store::open(Memory::new(), None).unwrap();
        let mut writer = store.writer(Expected { id: None, len_max: None, origin: Origin::Own }).unwrap();

        for piece in &pieces {
            writer.write(piece).unwrap();
        }

        let stored = writer.finish(0).unwrap();
        prop_assert_eq!(stored.id, BlobId::from_bytes(sha256(&pieces.concat())));
    }

    #[test]
    fn a_range_is_that_part_of_the_blob(pieces in pieces(), start in 0..7_000_u64, len in 0..7_000_u64, at_once in 1..500_usize) {
        let store = Store::open(Memory::new(), None).unwrap();
        let mut writer = store.writer(Expected { id: None, len_max: None, origin: Origin::Own }).unwrap();
        writer.write(&pieces.concat()).unwrap();
        let stored = writer.finish(0).unwrap();

        let mut reader = store.read(&stored.id).unwrap().unwrap();
        reader.select(start..start + len).unwrap();
        let (mut read, mut piece) = (Vec::new(), vec![0; at_once]);
        loop {
            let count = reader.read(&mut piece).unwrap();
            read.extend_from_slice(&piece[..count]);
            if count == 0 {
                break;
            }
        }

        let whole = pieces.concat();
        let [start, end] = [start, start + len].map(|at| usize::try_from(at).unwrap().min(whole.len()));
        prop_assert_eq!(&read, &whole[start..end]);
        prop_assert_eq!(reader.left(), 0);
    }

    #[test]
    fn in_whatever_order_a_plan_hears_of_blobs_the_same_ones_go(
        blobs in prop::collection::btree_map(any::<u8>(), blob(), 0..40),
        wanted in 0..1_000_000_u64,
    ) {
        let policy = Policy { quota: Some(0), orphans: None };
        let (mut plan, mut backwards) = (Plan::new(&policy, wanted, 0), Plan::new(&policy, wanted, 0));

        blobs.values().for_each(|(id, standing, seen, size)| plan.consider(*id, *standing, *seen, *size));
        blobs.values().rev().for_each(|(id, standing, seen, size)| backwards.consider(*id, *standing, *seen, *size));

        let going = plan.going();
        prop_assert_eq!(&going, &backwards.going());
        // As many as must, and none too many.
        let room = |id: &BlobId| blobs.values().find(|blob| blob.0 == *id).map_or(0, |blob| blob.3.max(ROOM_MIN));
        let gain: u64 = going.iter().map(room).sum();
        let may_go: u64 = blobs.values().filter(|blob| blob.1 != Standing::Kept).map(|blob| blob.3.max(ROOM_MIN)).sum();
        prop_assert!(gain >= wanted.min(may_go));
        prop_assert!(going.last().is_none_or(|last| gain - room(last) < wanted));
    }
}
