//! The file of a log, damaged in any way.

use std::sync::LazyLock;

use ssb_keys::hash::sha256;
use ssb_log::Store;
use ssb_log::log::Kind;
use ssb_log::log::Log;
use ssb_log::log::Record;
use ssb_log::memory::Memory;
use ssb_log::recover::RECORDS;

use crate::script::Script;

/// Opens a log file: either it is refused by name and stays as it is, or what is found is the front of what was written,
/// and the log goes on from there.
///
/// Script: whether the rest is the file, or what follows its header, or batches of records and then damages.
pub fn log_recover(data: &[u8]) {
    let script = &mut Script::new(data);
    match script.below(3) {
        0 => check(script.rest(), None),
        1 => check(&[HEADER.as_slice(), script.rest()].concat(), None),
        _ => {
            let (mut file, written) = written(script);
            let whole = file.clone();
            while !script.is_empty() {
                damage(&mut file, data, script);
            }
            if file == whole {
                assert_eq!(records(&file).as_ref(), Ok(&written));
            }
            check(&file, Some(&written));
        }
    }
}

/// Script: for each batch the lengths of its records, and whether it is synced.
fn written(script: &mut Script<'_>) -> (Vec<u8>, Vec<Vec<u8>>) {
    let memory = Memory::new();
    let mut log = Log::open(memory.clone()).expect("an empty directory").0;
    let mut bodies: Vec<Vec<u8>> = Vec::new();
    for _ in 0..=script.below(4) {
        let first = bodies.len();
        for number in 0..=script.below(4) {
            let len = script.short() % BODY_LEN_MAX;
            bodies.push(noise(&[script.byte(), number.to_le_bytes()[0]], len));
        }
        let batch: Vec<Record<'_>> = bodies[first..].iter().map(|body| record(body)).collect();
        assert_eq!(log.append(&batch).map(|ordinals| ordinals.end.get() as usize), Ok(bodies.len()));
        if script.flag() {
            assert!(log.sync().is_ok());
        }
    }
    (memory.bytes(RECORDS).expect("the log has a file"), bodies)
}

/// What is put there is noise, not the script's own bytes: a checksum is no defence against a forger.
///
/// Script: where, what, how much.
fn damage(file: &mut Vec<u8>, data: &[u8], script: &mut Script<'_>) {
    let at = (script.below(16) << 16 | script.short()) % (file.len() + 1);
    match script.below(6) {
        0 => file.truncate(at),
        1 => {
            let noise = noise(data, 1 + script.below(256));
            file.iter_mut().skip(at).zip(noise).for_each(|(to, from)| *to = from);
        }
        2 => drop(file.splice(at..at, noise(data, 1 + script.below(256)))),
        3 => drop(file.drain(at..file.len().min(at + 1 + script.below(256)))),
        4 => {
            // A piece of the file stands elsewhere, too.
            let from = script.short() % (file.len() + 1);
            let piece = file[from..file.len().min(from + 256)].to_vec();
            drop(file.splice(at..at, piece));
        }
        _ => file.iter_mut().skip(at).take(script.below(256)).for_each(|byte| *byte = 0),
    }
}

fn check(file: &[u8], written: Option<&[Vec<u8>]>) {
    let memory = Memory::new();
    memory.put(RECORDS, file);
    let mut found = Vec::new();
    let opened = Log::open_with(&memory, |visited| found.push(visited.record.body.to_vec()));
    let (mut log, recovery) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            assert_eq!(memory.bytes(RECORDS).as_deref(), Some(file), "a refused file was changed");
            assert_eq!(Log::open(memory).err(), Some(error));
            return;
        }
    };
    assert_eq!(recovery.records as usize, found.len());
    if let Some(written) = written {
        assert!(written.starts_with(&found), "a record was lost from the middle, or altered");
    }
    if let Some(cut) = &recovery.cut {
        let (kept, torn) = file.split_at(usize::try_from(cut.offset).expect("it is in memory"));
        let name = cut.kept.to_str().expect("a name of ours");
        assert_eq!(memory.bytes(RECORDS).as_deref(), Some(kept));
        assert_eq!(memory.bytes(name).as_deref(), Some(torn), "what was cut off is not kept");
        assert_eq!(cut.len, torn.len() as u64);
    }

    // It goes on from there, and nothing is left to repair.
    let next = b"next".to_vec();
    let ordinals = log.append(&[record(&next)]).expect("memory does not fail");
    let durable = log.sync().expect("memory does not fail");
    log.publish(durable);
    assert_eq!(log.reader().read(ordinals.start).map(|entry| entry.body), Ok(next.clone()));
    drop(log);
    found.push(next);
    let crashed = memory.crash();
    assert_eq!(crashed.bytes(RECORDS), memory.bytes(RECORDS));
    assert_eq!(records(&crashed.bytes(RECORDS).expect("it is durable")), Ok(found));
    // None of the records is a message, but that is for the store to say.
    assert!(written.is_none() || Store::open(crashed).is_err());
}

/// All that is found in a file, if nothing of it was cut.
fn records(file: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let memory = Memory::new();
    memory.put(RECORDS, file);
    let mut found = Vec::new();
    let opened = Log::open_with(&memory, |visited| found.push(visited.record.body.to_vec()));
    let (_, recovery) = opened.map_err(|error| error.to_string())?;
    if recovery.cut.is_some() { Err(format!("{:?}", recovery.cut)) } else { Ok(found) }
}

fn record(body: &[u8]) -> Record<'_> {
    Record { kind: Kind::Message, id: sha256(body), received: 1_500_000_000_000.0, body }
}

/// Bytes that depend on all of `seed`, and that nobody chose.
fn noise(seed: &[u8], len: usize) -> Vec<u8> {
    let seed = sha256(seed);
    (0_u32..).flat_map(|count| sha256(&[seed.as_slice(), &count.to_le_bytes()].concat())).take(len).collect()
}

/// Longer records show nothing else.
const BODY_LEN_MAX: usize = 3000;

/// What a new log is.
static HEADER: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let memory = Memory::new();
    assert!(Log::open(memory.clone()).is_ok());
    memory.bytes(RECORDS).expect("the log has a file")
});
