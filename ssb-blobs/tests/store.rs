//! What a store takes, gives and remembers, on real files.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail tests")]

use std::fs;
use std::path::Path;

use ssb_blobs::Disk;
use ssb_blobs::EMPTY;
use ssb_blobs::Store;
use ssb_blobs::limits::ROOM_MIN;
use ssb_blobs::store::Facts;
use ssb_blobs::store::Origin;
use ssb_blobs::writer::Expected;
use ssb_blobs::writer::Stored;
use ssb_blobs::writer::WriteError;
use ssb_keys::BlobId;
use ssb_keys::FeedId;
use ssb_keys::hash::sha256;
use tempfile::TempDir;

const NOW: u64 = 1_491_901_740_000;

const OWN: Expected = Expected { id: None, len_max: None, origin: Origin::Own };

/// A store in a directory of its own.
struct Scene {
    home: TempDir,
    store: Store<Disk>,
}

impl Scene {
    fn new() -> Self {
        Self::with_quota(None)
    }

    fn with_quota(quota: Option<u64>) -> Self {
        let home = tempfile::tempdir().unwrap();
        let store = open(home.path(), quota);
        Self { home, store }
    }

    fn reopen(self) -> Self {
        drop(self.store);
        let store = open(self.home.path(), None);
        Self { home: self.home, store }
    }

    fn add(&self, expected: Expected, bytes: &[u8]) -> Result<Stored, WriteError> {
        let mut writer = self.store.writer(expected)?;
        writer.write(bytes)?;
        writer.finish(NOW)
    }

    fn read(&self, id: &BlobId) -> Option<Vec<u8>> {
        let mut reader = self.store.read(id).unwrap()?;
        let (mut bytes, mut piece) = (Vec::new(), [0; 7]);
        loop {
            match reader.read(&mut piece).unwrap() {
                0 => return Some(bytes),
                count => bytes.extend_from_slice(&piece[..count]),
            }
        }
    }

    fn all(&self) -> Vec<BlobId> {
        (0..=255).flat_map(|first| self.store.page(first).unwrap()).map(|(id, _)| id).collect()
    }

    /// What is being written.
    fn aside(&self) -> usize {
        fs::read_dir(self.home.path().join("blobs/tmp")).unwrap().count()
    }
}

fn open(home: &Path, quota: Option<u64>) -> Store<Disk> {
    Store::open(Disk::open(&home.join("blobs")).unwrap(), quota).unwrap()
}

fn id(bytes: &[u8]) -> BlobId {
    BlobId::from_bytes(sha256(bytes))
}

fn peer(n: u8) -> Expected {
    Expected { origin: Origin::Peer(FeedId::from_bytes([n; 32])), ..OWN }
}

#[test]
fn a_blob_is_found_where_javascript_looks_for_it() {
    let scene = Scene::new();

    let stored = scene.add(OWN, b"hello").unwrap();

    assert_eq!(stored, Stored { id: id(b"hello"), size: 5, was_here: false });
    let path = "blobs/sha256/2c/f24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    assert_eq!(fs::read(scene.home.path().join(path)).unwrap(), b"hello");
    assert_eq!(scene.aside(), 0);
}

#[test]
fn what_javascript_has_stored_is_served_as_it_is() {
    let scene = Scene::new();
    let directory = scene.home.path().join("blobs/sha256/2c");
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("f24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"), b"hello")
        .unwrap();
    fs::write(directory.join("not a blob"), b"").unwrap();
    fs::write(scene.home.path().join("blobs/sha256/other"), b"").unwrap();

    assert_eq!(scene.read(&id(b"hello")).unwrap(), b"hello");

    assert_eq!(scene.all(), [id(b"hello")]);
    let facts = scene.store.facts(&id(b"hello")).unwrap().unwrap();
    assert_eq!((facts.size, facts.origin), (5, Origin::Unknown));
    assert!(facts.seen > NOW);
    assert_eq!(scene.store.room().unwrap(), ROOM_MIN);
}

#[test]
fn what_is_not_there_is_no_error() {
    let scene = Scene::new();
    let nothing = id(b"nothing");

    assert_eq!(scene.read(&nothing), None);

    assert_eq!(scene.store.size(&nothing).unwrap(), None);
    assert_eq!(scene.store.facts(&nothing).unwrap(), None);
    assert!(!scene.store.mark(&nothing, |facts| facts.is_pinned = true).unwrap());
    assert!(!scene.store.remove(&nothing).unwrap());
}

#[test]
fn the_empty_blob_is_always_there_and_nowhere_stored() {
    let scene = Scene::new();
    assert_eq!(EMPTY, id(b""));

    let stored = scene.add(Expected { id: Some(EMPTY), ..OWN }, b"").unwrap();

    assert_eq!(stored, Stored { id: EMPTY, size: 0, was_here: true });
    assert_eq!(scene.store.size(&EMPTY).unwrap(), Some(0));
    assert_eq!(scene.read(&EMPTY).unwrap(), b"");
    assert_eq!(scene.all(), []);
    assert_eq!(scene.aside(), 0);
}

#[test]
fn a_blob_that_is_not_the_expected_one_is_not_stored() {
    let scene = Scene::new();
    let expected = Expected { id: Some(id(b"hello")), ..OWN };

    let error = scene.add(expected, b"hullo").unwrap_err();

    assert_eq!(error, WriteError::WrongHash { actual: id(b"hullo"), expected: id(b"hello") });
    let text = error.to_string();
    let (actual, expected) = (id(b"hullo"), id(b"hello"));
    assert_eq!(text, format!("actual hash:{actual} did not match expected id:{expected}"));
    assert_eq!((scene.all(), scene.aside()), (vec![], 0));
}

#[test]
fn a_blob_may_be_as_long_as_is_allowed_and_no_longer() {
    let scene = Scene::new();
    let expected = Expected { len_max: Some(10), ..OWN };
    let mut writer = scene.store.writer(expected).unwrap();
    writer.write(&[1; 6]).unwrap();
    writer.write(&[1; 4]).unwrap();

    assert_eq!(writer.finish(NOW).unwrap().size, 10);

    let mut writer = scene.store.writer(expected).unwrap();
    writer.write(&[1; 10]).unwrap();
    assert_eq!(writer.write(&[1]), Err(WriteError::TooLong { len_max: 10 }));
    drop(writer);
    assert_eq!((scene.all().len(), scene.aside()), (1, 0));
}

#[test]
fn what_is_given_up_leaves_nothing_behind() {
    let scene = Scene::new();
    let mut writer = scene.store.writer(OWN).unwrap();
    writer.write(b"half of it").unwrap();
    assert_eq!(scene.aside(), 1);

    drop(writer);

    assert_eq!((scene.all(), scene.aside()), (vec![], 0));
}

#[test]
fn two_who_write_one_blob_store_it_once() {
    let scene = Scene::new();
    let (mut first, mut second) =
        (scene.store.writer(peer(1)).unwrap(), scene.store.writer(peer(2)).unwrap());
    for part in [b"one ".as_slice(), b"blob"] {
        first.write(part).unwrap();
        second.write(part).unwrap();
    }

    assert!(!second.finish(NOW).unwrap().was_here);
    assert!(first.finish(NOW + 1).unwrap().was_here);

    let facts = scene.store.facts(&id(b"one blob")).unwrap().unwrap();
    assert_eq!((facts.origin, facts.seen), (peer(2).origin, NOW));
    assert_eq!(scene.aside(), 0);
    assert_eq!(scene.store.room().unwrap(), ROOM_MIN);
}

#[test]
fn a_blob_that_is_removed_can_be_read_on_by_who_reads_it() {
    let scene = Scene::new();
    let stored = scene.add(OWN, b"hello").unwrap();
    let mut reader = scene.store.read(&stored.id).unwrap().unwrap();

    assert!(scene.store.remove(&stored.id).unwrap());

    let mut piece = [0; 10];
    assert_eq!(reader.read(&mut piece).unwrap(), 5);
    assert_eq!(scene.read(&stored.id), None);
    assert_eq!(scene.store.room().unwrap(), 0);
}

#[test]
fn who_brought_a_blob_and_what_was_said_of_it_is_remembered() {
    let scene = Scene::new();
    let stored = scene.add(peer(7), b"hello").unwrap();
    assert!(scene.store.mark(&stored.id, |facts| facts.is_pinned = true).unwrap());

    let scene = scene.reopen();

    let facts = Facts { size: 5, seen: NOW, origin: peer(7).origin, is_pinned: true };
    assert_eq!(scene.store.facts(&stored.id).unwrap(), Some(facts));
    let of_shelf = scene.store.page(stored.id.as_bytes()[0]).unwrap();
    assert_eq!(of_shelf, [(stored.id, facts)]);
}

#[test]
fn what_the_owner_brings_is_the_owners_whoever_brought_it_first() {
    let scene = Scene::new();
    scene.add(peer(7), b"hello").unwrap();

    assert!(scene.add(OWN, b"hello").unwrap().was_here);
    assert!(scene.add(peer(7), b"hello").unwrap().was_here);

    let facts = scene.store.facts(&id(b"hello")).unwrap().unwrap();
    assert_eq!((facts.origin, facts.seen), (Origin::Own, NOW));
}

#[test]
fn a_blob_that_comes_back_is_a_new_one() {
    let scene = Scene::new();
    let stored = scene.add(OWN, b"hello").unwrap();
    scene.store.mark(&stored.id, |facts| facts.is_pinned = true).unwrap();
    scene.store.remove(&stored.id).unwrap();

    scene.add(peer(7), b"hello").unwrap();

    let facts = scene.store.facts(&stored.id).unwrap().unwrap();
    assert_eq!((facts.origin, facts.is_pinned), (peer(7).origin, false));
}

#[test]
fn a_table_that_is_lost_or_damaged_costs_only_what_was_in_it() {
    let scene = Scene::new();
    let stored = scene.add(peer(7), b"hello").unwrap();
    let table = scene.home.path().join("blobs/table/2c");
    let mut bytes = fs::read(&table).unwrap();
    bytes[60] ^= 1;
    bytes.extend_from_slice(b"torn");
    fs::write(&table, bytes).unwrap();

    let facts = scene.store.facts(&stored.id).unwrap().unwrap();
    assert_eq!((facts.size, facts.origin), (5, Origin::Unknown));
    scene.store.mark(&stored.id, |facts| facts.is_pinned = true).unwrap();
    assert!(scene.store.facts(&stored.id).unwrap().unwrap().is_pinned);

    fs::remove_file(table).unwrap();
    assert!(!scene.store.facts(&stored.id).unwrap().unwrap().is_pinned);
    assert_eq!(scene.read(&stored.id).unwrap(), b"hello");
}

#[test]
fn a_table_does_not_grow_with_what_is_out_of_date() {
    let scene = Scene::new();
    let stored = scene.add(OWN, b"hello").unwrap();
    let table = scene.home.path().join("blobs/table/2c");

    let mut longest = 0;
    for n in 0..100 {
        scene.store.mark(&stored.id, |facts| facts.is_pinned = n % 2 == 0).unwrap();
        longest = longest.max(fs::metadata(&table).unwrap().len());
    }

    assert!(longest < 2_000, "{longest} bytes for one blob");
    assert!(!scene.store.facts(&stored.id).unwrap().unwrap().is_pinned);
}

#[test]
fn above_its_quota_a_store_takes_only_what_its_owner_brings() {
    let scene = Scene::with_quota(Some(20_000));
    // Both began while there was room.
    let late = scene.store.writer(peer(1)).unwrap();
    scene.add(peer(1), &[1; 20_000]).unwrap();
    scene.add(peer(1), &[2; 10_000]).unwrap();
    assert!(scene.store.is_full().unwrap());

    let mut writer = late;
    writer.write(&[3; 10]).unwrap();
    assert_eq!(writer.finish(NOW), Err(WriteError::Full));
    assert_eq!(scene.add(peer(1), &[3; 10]).unwrap_err(), WriteError::Full);
    assert_eq!(scene.add(OWN, &[4; 10]).unwrap().size, 10);

    scene.store.remove(&id(&[1; 20_000])).unwrap();
    assert_eq!(scene.store.room().unwrap(), 10_000 + ROOM_MIN);
    assert_eq!(scene.add(peer(1), &[3; 10]).unwrap().size, 10);
}

#[cfg(unix)]
#[test]
fn what_is_made_only_its_owner_can_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let scene = Scene::new();
    scene.add(OWN, b"hello").unwrap();
    let mode = |path: &str| fs::metadata(scene.home.path().join(path)).unwrap().permissions().mode() & 0o777;

    assert_eq!(["blobs", "blobs/tmp", "blobs/sha256/2c", "blobs/table"].map(mode), [0o700; 4]);
    assert_eq!(mode("blobs/table/2c"), 0o600);
    let path = "blobs/sha256/2c/f24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    assert_eq!(mode(path), 0o600);
}
