//! LevelDBs, whatever is in them.

use std::collections::BTreeMap;

use ssb_log::leveldb;
use ssb_log::leveldb::Files;

use crate::script::Script;

/// Reads what was made, whole or damaged in one place, and files of any kind: a journal, a manifest, a table and what else
/// there is. Whatever is found was wanted.
///
/// Script: whether the rest is files, each behind its name; or some entries and a damage.
pub fn leveldb_read(data: &[u8]) {
    let script = &mut Script::new(data);
    if script.flag() {
        read_any(script);
    } else {
        read_made(script);
    }
}

fn read_made(script: &mut Script<'_>) {
    let entries: Vec<(&[u8], &[u8])> = (0..script.below(8)).map(|_| (script.run(), script.run())).collect();
    // The last one that was written counts.
    let expected: BTreeMap<&[u8], &[u8]> = entries.iter().copied().collect();
    let files = leveldb::create(entries);
    let found = files.entries(|_| true).expect("nothing is damaged");
    let found = found.iter().map(|(key, value)| (key.as_slice(), value.as_slice()));
    assert!(found.eq(expected.clone()), "what was made is not found");

    let (which, at, bit) = (script.below(3), script.short(), script.below(8));
    let damaged = files.iter().zip(0..).map(|((name, bytes), number)| {
        let mut bytes = bytes.to_vec();
        if number == which
            && let Some(byte) = bytes.get_mut(at)
        {
            *byte ^= 1 << bit;
        }
        (name.to_owned(), bytes)
    });
    // All was written at once: it is all there, or nothing is.
    if let Ok(found) = Files::new(damaged).entries(|_| true) {
        let found = found.iter().map(|(key, value)| (key.as_slice(), value.as_slice()));
        assert!(found.clone().next().is_none() || found.eq(expected), "what was never written is found");
    }
}

fn read_any(script: &mut Script<'_>) {
    let mut files = vec![("CURRENT".to_owned(), b"MANIFEST-000001\n".to_vec())];
    while !script.is_empty() {
        let name = match script.below(5) {
            0 => "MANIFEST-000001".to_owned(),
            1 => format!("{:06}.log", script.byte()),
            2 => format!("{:06}.ldb", script.byte()),
            3 => "CURRENT".to_owned(),
            _ => String::from_utf8_lossy(script.run()).into_owned(),
        };
        let len = script.short();
        let bytes = (0..len).map_while(|_| if script.is_empty() { None } else { Some(script.byte()) });
        files.push((name, bytes.collect()));
    }
    let is_wanted = |key: &[u8]| key.first().is_some_and(|first| first % 2 == 0);
    if let Ok(found) = Files::new(files).entries(is_wanted) {
        assert!(found.keys().all(|key| is_wanted(key)));
    }
}
