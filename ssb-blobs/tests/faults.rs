//! A blob that is acknowledged survives, and what is there is whole, whichever call fails and whenever power is lost.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail tests")]

use std::collections::BTreeSet;

use ssb_blobs::Store;
use ssb_blobs::faulty::Faulty;
use ssb_blobs::faulty::Times;
use ssb_blobs::files::Files;
use ssb_blobs::memory::Memory;
use ssb_blobs::store::Origin;
use ssb_blobs::writer::Expected;
use ssb_blobs::writer::WriteError;
use ssb_keys::BlobId;
use ssb_keys::hash::sha256;

const NOW: u64 = 1_491_901_740_000;
const LEN: usize = 10_000;
const QUOTA: u64 = 1_000_000;

/// What somebody who does these things, one after the other, was told.
#[derive(Debug, Default)]
struct Told {
    stored: BTreeSet<u8>,
    pinned: bool,
    removed: bool,
}

fn bytes(n: u8) -> Vec<u8> {
    [n].repeat(LEN)
}

fn id(n: u8) -> BlobId {
    BlobId::from_bytes(sha256(&bytes(n)))
}

fn add<F: Files>(store: &Store<F>, n: u8) -> Result<(), WriteError> {
    let mut writer = store.writer(Expected { id: Some(id(n)), len_max: None, origin: Origin::Own })?;
    for piece in bytes(n).chunks(4_096) {
        writer.write(piece)?;
    }
    writer.finish(NOW).map(drop)
}

/// Adds three blobs, pins the first, removes the second, and adds a fourth.
fn run<F: Files>(files: F) -> Told {
    let mut told = Told::default();
    let Ok(store) = Store::open(files, Some(QUOTA)) else { return told };
    for n in 1..=3 {
        // Who fails tries once more.
        if add(&store, n).is_ok() || add(&store, n).is_ok() {
            told.stored.insert(n);
        }
    }
    told.pinned = store.mark(&id(1), |facts| facts.is_pinned = true).is_ok_and(|was_here| was_here);
    told.removed = store.remove(&id(2)).is_ok_and(|was_here| was_here);
    if add(&store, 4).is_ok() {
        told.stored.insert(4);
    }
    // Whatever has happened, the sum is that of what is there.
    let pages: Result<Vec<_>, _> = (0..=255).map(|first| store.page(first)).collect();
    if let (Ok(room), Ok(pages)) = (store.room(), pages) {
        assert_eq!(room, pages.iter().flatten().map(|(_, facts)| facts.size).sum::<u64>());
    }
    told
}

fn check(files: &Memory, told: &Told) {
    let store = Store::open(files.clone(), Some(QUOTA)).unwrap();
    for n in &told.stored {
        // A removal that fails may have happened all the same.
        assert!(*n == 2 || store.size(&id(*n)).unwrap().is_some(), "{n} of {told:?}");
    }
    if told.pinned && told.stored.contains(&1) {
        assert!(store.facts(&id(1)).unwrap().unwrap().is_pinned, "{told:?}");
    }
    assert!(!told.removed || store.size(&id(2)).unwrap().is_none());
    // Nothing else is there, and what is there is whole.
    let mut sum = 0;
    for (id, facts) in (0..=255).flat_map(|first| store.page(first).unwrap()) {
        let mut read = vec![0; LEN + 1];
        let count = store.read(&id).unwrap().unwrap().read(&mut read).unwrap();
        assert_eq!((count, BlobId::from_bytes(sha256(&read[..count]))), (LEN, id));
        sum += facts.size;
    }
    assert_eq!(store.room().unwrap(), sum);
    assert!(files.paths().iter().all(|path| !path.starts_with("tmp/")), "{files:?}");
}

#[test]
fn whichever_call_fails_what_was_acknowledged_is_there_and_whole() {
    for times in [Times::Once, Times::Forever] {
        let mut call = 0;
        loop {
            let memory = Memory::new();
            let faulty = Faulty::new(memory.clone(), call, times);
            let told = run(faulty.clone());
            let done = faulty.calls() <= call;
            if done {
                assert_eq!(told.stored, BTreeSet::from([1, 2, 3, 4]));
                assert!(told.pinned && told.removed);
            }

            check(&memory.crash(), &told);
            check(&memory, &told);

            if done {
                break;
            }
            call += 1;
        }
        assert!(call > 100, "a run makes {call} calls");
    }
}

#[test]
fn a_full_disk_in_the_middle_of_a_blob_leaves_nothing_of_it() {
    let memory = Memory::new();
    drop(Store::open(memory.clone(), None).unwrap());
    let counting = Faulty::new(memory.clone(), u64::MAX, Times::Once);
    drop(Store::open(counting.clone(), None).unwrap());
    // Opening, creating the file, and the first of its pieces succeed.
    let store = Store::open(Faulty::new(memory.clone(), counting.calls() + 2, Times::Once), None).unwrap();

    assert_eq!(add(&store, 1), Err(WriteError::Io(std::io::ErrorKind::StorageFull)));

    assert_eq!(memory.paths(), Vec::<String>::new());
    assert_eq!(add(&store, 1), Ok(()));
}

#[test]
fn what_was_being_written_is_gone_after_the_next_start() {
    let memory = Memory::new();
    let store = Store::open(memory.clone(), None).unwrap();
    let mut writer = store.writer(Expected { id: None, len_max: None, origin: Origin::Own }).unwrap();
    writer.write(b"half of it").unwrap();
    assert_eq!(memory.paths(), ["tmp/0"]);
    std::mem::forget(writer);

    drop(Store::open(memory.clone(), None).unwrap());

    assert_eq!(memory.paths(), Vec::<String>::new());
}
