//! LevelDBs of JavaScript, and what is left of one.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail tests"
)]

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use ssb_log::leveldb;
use ssb_log::leveldb::Entries;
use ssb_log::leveldb::Files;
use ssb_log::leveldb::LoadError;
use ssb_log::leveldb::ReadError;
use ssb_log::leveldb::TOTAL_LEN_MAX;
use ssb_msg::json;
use ssb_msg::json::Value;

#[test]
fn vectors_of_leveldown_are_read_as_it_reads_them() {
    let text = fs::read_to_string(vectors().join("entries.jsonl")).unwrap();
    for row in text.lines().map(|line| json::parse_within(line.as_bytes(), 1 << 20).unwrap()) {
        let name = row.get("name").and_then(Value::as_text).unwrap().decode().into_owned();
        let mut expected = array(row.get("entries").unwrap()).map(|entry| {
            let mut entry = array(entry).map(|text| text.as_text().unwrap().decode().into_owned());
            (entry.next().unwrap(), entry.next().unwrap())
        });

        let files = Files::load(&vectors().join(&name)).unwrap();

        assert_eq!(texts(&files.entries(|_| true).unwrap()), expected.by_ref().collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn only_what_is_wanted_is_kept() {
    let files = Files::load(&vectors().join("reopened")).unwrap();

    let found = files.entries(|key| [b"key0".as_slice(), b"key1", b"key2"].contains(&key)).unwrap();

    // The first was removed and came back, the second was removed for good.
    let expected =
        [("key0", "back"), ("key2", "value 2 abab")].map(|(key, value)| (key.into(), value.into()));
    assert_eq!(texts(&found), expected);
}

#[test]
fn what_is_made_is_read_again() {
    let entries = [(b"a".as_slice(), b"1".as_slice()), (b"", b""), (b"long", &[7; 1_000])];

    let files = leveldb::create(entries);

    let found = files.entries(|_| true).unwrap();
    assert_eq!(found.len(), 3);
    assert!(entries.iter().all(|(key, value)| found[*key].as_slice() == *value));
}

#[test]
fn without_one_of_its_files_nothing_is_known() {
    let names = ["CURRENT", "MANIFEST-000007", "000005.ldb", "000008.ldb"];
    let expected = [ReadError::NoDatabase, ReadError::Missing, ReadError::Missing, ReadError::Missing];
    for (missing, expected) in names.into_iter().zip(expected) {
        let all = Files::load(&vectors().join("reopened")).unwrap();
        assert!(all.iter().any(|(name, _)| name == missing));
        let rest = all.iter().filter(|(name, _)| *name != missing);
        let rest = Files::new(rest.map(|(name, bytes)| (name.to_owned(), bytes.to_vec())));

        assert_eq!(rest.entries(|_| true).unwrap_err(), expected, "without {missing}");
    }
}

#[test]
fn damaged_tables_and_manifests_are_noticed() {
    let all = Files::load(&vectors().join("reopened")).unwrap();
    let expected = all.entries(|_| true).unwrap();
    let mut noticed = 0;
    for (name, bytes) in all.iter().filter(|(name, _)| !name.ends_with(".log") && *name != "CURRENT") {
        // The first record of a manifest is long enough, and after it come others.
        let places = if name.starts_with("MANIFEST") { 7..57 } else { 0..bytes.len() };
        for at in places.step_by(13) {
            match damaged(&all, name, at).entries(|_| true) {
                // What is between the parts of a table counts for nothing.
                Ok(found) => assert!(name.ends_with(".ldb") && found == expected, "{name} at {at}"),
                Err(error) => noticed += u32::from(error == ReadError::Damaged),
            }
        }
    }
    assert!(noticed > 400, "{noticed}");
}

#[test]
fn a_damaged_journal_ends_there() {
    let all = Files::load(&vectors().join("reopened")).unwrap();
    let has = |files: &Files, key: &str| files.entries(|found| found == key.as_bytes()).unwrap().len() == 1;

    // First a key comes back, then one is removed.
    assert_eq!([has(&all, "key0"), has(&all, "key1")], [true, false]);
    let second = damaged(&all, "000009.log", 45);
    assert_eq!([has(&second, "key0"), has(&second, "key1")], [true, true]);
    let first = damaged(&all, "000009.log", 15);
    assert_eq!([has(&first, "key0"), has(&first, "key1")], [false, true]);
}

#[test]
fn files_that_are_none_of_its_own_are_left_out() {
    let directory = tempfile::tempdir().unwrap();
    for name in
        ["CURRENT", "LOG", "LOCK", "LOG.old", "000001.log", "x.log", "000002.dbtmp", "MANIFEST-000001"]
    {
        fs::write(directory.path().join(name), "x").unwrap();
    }

    let files = Files::load(directory.path()).unwrap();

    let names: Vec<&str> = files.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["000001.log", "CURRENT", "MANIFEST-000001"]);
    assert_eq!(format!("{files:?}"), r#"["000001.log", "CURRENT", "MANIFEST-000001"]"#);
}

#[test]
fn what_is_longer_than_keys_is_not_loaded() {
    let directory = tempfile::tempdir().unwrap();
    let set_len = |name: &str, len: u64| {
        fs::File::create(directory.path().join(name)).unwrap().set_len(len).unwrap();
    };
    set_len("CURRENT", 16);
    set_len("000001.log", TOTAL_LEN_MAX - 16);
    assert!(Files::load(directory.path()).is_ok());

    set_len("000002.log", 1);

    assert!(matches!(Files::load(directory.path()), Err(LoadError::TooLong)));
    assert!(matches!(Files::load(&directory.path().join("none")), Err(LoadError::Io(_))));
}

/// The same files, of which one has a wrong byte.
fn damaged(files: &Files, name: &str, at: usize) -> Files {
    let with_damage = |(other, bytes): (&str, &[u8])| {
        let mut bytes = bytes.to_vec();
        if other == name {
            bytes[at] ^= 1 << (at % 8);
        }
        (other.to_owned(), bytes)
    };
    Files::new(files.iter().map(with_damage))
}

fn texts(entries: &Entries) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    entries.iter().map(|(key, value)| (text(key), text(value))).collect()
}

fn array(value: &Value) -> impl Iterator<Item = &Value> {
    match value {
        Value::Array(items) => items.iter(),
        other => panic!("{} is no array", json::compact(other)),
    }
}

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/leveldb")
}
