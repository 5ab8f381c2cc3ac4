//! On real files.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail tests")]

mod shared;

use std::fs;
use std::path::Path;

use ssb_log::Disk;
use ssb_log::Store;
use ssb_log::recover;
use ssb_log::storage::Directory;
use ssb_log::storage::Storage;
use ssb_log::store::OpenError;

use shared::NOW;
use shared::feed;

fn disk(path: &Path) -> Disk {
    Disk::open(path).unwrap()
}

#[test]
fn a_store_is_created_with_its_directories_and_reopened() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("a/b/log");
    let mut store = shared::open(disk(&path));
    for message in feed(1, 3) {
        store.offer(&message, NOW).unwrap();
    }
    let _ = store.commit().unwrap();
    let before = shared::texts(&store);
    drop(store);

    assert_eq!(shared::texts(&shared::open(disk(&path))), before);
    assert_eq!(disk(&path).list().unwrap(), ["lock", "records"]);
}

#[test]
fn a_second_store_is_told_who_has_the_first() {
    let home = tempfile::tempdir().unwrap();
    let store = shared::open(disk(home.path()));

    let error = Store::open(disk(home.path())).unwrap_err();

    let pid = Some(std::process::id());
    let OpenError::Log(recover::OpenError::Locked { path, pid: found }) = &error else { panic!("{error}") };
    assert!(path.starts_with(home.path()));
    assert_eq!(*found, pid);
    assert!(
        error.to_string().contains(&format!("is locked by process {}: stop it", std::process::id())),
        "{error}"
    );
    drop(store);
    assert!(Store::open(disk(home.path())).is_ok());
}

#[test]
fn readers_outlive_the_store_and_do_not_hold_its_lock() {
    let home = tempfile::tempdir().unwrap();
    let mut store = shared::open(disk(home.path()));
    store.offer(&feed(1, 1)[0], NOW).unwrap();
    let _ = store.commit().unwrap();
    let reader = store.reader();
    drop(store);

    let _again = shared::open(disk(home.path()));

    assert!(reader.get(&feed(1, 1)[0].id()).unwrap().is_some());
}

#[test]
fn a_torn_tail_is_cut_and_kept() {
    let home = tempfile::tempdir().unwrap();
    let (bytes, _) = shared::committed(&[1, 1]);
    fs::write(home.path().join("records"), &bytes[..bytes.len() - 5]).unwrap();

    let (store, recovery) = Store::open(disk(home.path())).unwrap();

    let cut = recovery.cut.unwrap();
    assert_eq!(store.reader().len(), 1);
    assert_eq!(cut.kept, home.path().join(format!("cut-{}", cut.offset)));
    assert_eq!(fs::read(cut.kept).unwrap().len() as u64, cut.len);
    assert_eq!(fs::metadata(home.path().join("records")).unwrap().len(), cut.offset);
}

#[test]
fn what_stands_in_the_way_is_named() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("records")).unwrap();

    let error = Store::open(disk(home.path())).unwrap_err();

    let OpenError::Log(recover::OpenError::Io { path, .. }) = &error else { panic!("{error}") };
    assert_eq!(*path, home.path().join("records"));
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_what_is_created() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("log");
    let _store = shared::open(disk(&path));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;

    assert_eq!(mode(&path), 0o700);
    assert_eq!(mode(&path.join("records")), 0o600);
    assert_eq!(mode(&path.join("lock")), 0o600);
}

#[test]
fn a_file_reads_what_was_written_and_stops_at_its_end() {
    let home = tempfile::tempdir().unwrap();
    let directory = disk(home.path());
    let file = directory.create("a").unwrap();
    file.write_at(0, b"0123456789").unwrap();
    file.truncate(8).unwrap();
    let mut buffer = [0; 5];

    assert_eq!(file.read_at(2, &mut buffer).unwrap(), 5);
    assert_eq!(&buffer, b"23456");
    assert_eq!(file.read_at(6, &mut buffer).unwrap(), 2);
    assert_eq!(file.read_at(60, &mut buffer).unwrap(), 0);
    assert_eq!(file.len().unwrap(), 8);
    assert!(directory.create("a").is_err());
}
