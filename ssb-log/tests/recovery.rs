//! What a crash leaves is repaired, what a bad disk leaves is named, and nothing wrong is ever returned.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail tests")]

mod shared;

use ssb_log::Ordinal;
use ssb_log::Store;
use ssb_log::log::Kind;
use ssb_log::log::Log;
use ssb_log::log::Record;
use ssb_log::memory::Memory;
use ssb_log::read::ReadError;
use ssb_log::recover;
use ssb_log::recover::RECORDS;
use ssb_log::storage::Directory;
use ssb_log::storage::Storage;
use ssb_log::store::OpenError;
use ssb_msg::Message;

use shared::NOW;

fn with(bytes: &[u8]) -> Memory {
    let memory = Memory::new();
    memory.put(RECORDS, bytes);
    memory
}

/// Where each record starts, and the end.
fn offsets(messages: &[Message]) -> Vec<usize> {
    let mut end = 16;
    let ends = messages.iter().map(|message| {
        end += 52 + message.compact().len();
        end
    });
    std::iter::once(16).chain(ends).collect()
}

/// Opening gives a prefix of the messages, at least `least` of them, and whatever is missing was kept; or an error.
fn check_prefix(bytes: &[u8], messages: &[Message], least: usize) -> Result<usize, OpenError> {
    let memory = with(bytes);
    let (store, recovery) = Store::open(memory.clone())?;
    let texts = shared::texts(&store);
    assert!(texts.len() >= least);
    assert!(texts.iter().zip(messages).all(|(text, message)| text == message.json()));
    assert_eq!(recovery.records as usize, texts.len());
    match recovery.cut {
        Some(cut) => {
            let kept = memory.bytes(cut.kept.to_str().unwrap()).unwrap();
            assert_eq!([memory.bytes(RECORDS).unwrap(), kept.clone()].concat(), bytes);
            assert_eq!((cut.offset, cut.len), (offsets(messages)[texts.len()] as u64, kept.len() as u64));
        }
        None => assert_eq!(memory.bytes(RECORDS).unwrap(), bytes),
    }
    drop(store);
    // And that is the end of it.
    assert_eq!(Store::open(memory.crash()).unwrap().1.cut, None);
    Ok(texts.len())
}

#[test]
fn cut_at_every_byte_it_gives_the_whole_records_before_it() {
    let (bytes, messages) = shared::committed(&[2, 1, 2]);
    let offsets = offsets(&messages);
    assert_eq!(*offsets.last().unwrap(), bytes.len());

    for len in 16..=bytes.len() {
        let whole = offsets.iter().filter(|offset| **offset <= len).count() - 1;
        assert_eq!(check_prefix(&bytes[..len], &messages, whole), Ok(whole), "cut to {len}");
    }
    for len in 0..16 {
        let path = RECORDS.into();
        let expected = if len < 8 {
            recover::OpenError::Foreign { path }
        } else {
            recover::OpenError::Damaged { path, offset: 0 }
        };
        assert_eq!(check_prefix(&bytes[..len], &messages, 0), Err(expected.into()), "cut to {len}");
    }
}

#[test]
fn whichever_bit_is_flipped_no_message_is_altered() {
    let (bytes, messages) = shared::committed(&[2, 1, 1]);
    let offsets = offsets(&messages);

    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let hit = offsets.iter().rposition(|offset| *offset <= bit / 8);

        let found = check_prefix(&flipped, &messages, 0);

        match hit {
            None => assert!(found.is_err(), "bit {bit} of the header"),
            // The last batch could be what a crash left.
            Some(3) => assert_eq!(found, Ok(3), "bit {bit}"),
            Some(hit) => {
                let damaged =
                    recover::OpenError::Damaged { path: RECORDS.into(), offset: offsets[hit] as u64 };
                assert_eq!(found, Err(damaged.into()), "bit {bit}");
            }
        }
    }
}

#[test]
fn whichever_byte_is_overwritten_no_message_is_altered() {
    let (bytes, messages) = shared::committed(&[1, 1]);

    for at in 0..bytes.len() {
        for value in [0, b' ', 0xff] {
            let mut changed = bytes.clone();
            changed[at] = value;
            if changed != bytes {
                assert!(
                    check_prefix(&changed, &messages, 0).is_ok_and(|count| count == 1)
                        == (at >= offsets(&messages)[1])
                );
            }
        }
    }
}

#[test]
fn damage_before_a_synced_batch_changes_nothing_on_disk() {
    let (mut bytes, _) = shared::committed(&[1, 1]);
    bytes[100] ^= 1;
    let memory = with(&bytes);

    let error = Store::open(memory.clone()).unwrap_err();

    assert_eq!(error, recover::OpenError::Damaged { path: RECORDS.into(), offset: 16 }.into());
    assert_eq!(
        error.to_string(),
        "records is damaged at byte 16; bring back a copy, or move it away and replicate again"
    );
    assert_eq!(memory.bytes(RECORDS).unwrap(), bytes);
    assert!(memory.list().unwrap().iter().all(|name| !name.starts_with("cut-")));
}

#[test]
fn records_that_trade_places_are_no_records() {
    // Both have the same length, so everything but the place is right.
    let (bytes, messages) = shared::committed(&[1, 1, 1]);
    let ends = offsets(&messages);
    let span = |at: usize| &bytes[ends[at]..ends[at + 1]];
    // The first message has no `previous`, so only the later two can trade.
    assert_eq!(span(1).len(), span(2).len());
    let traded = [&bytes[..ends[1]], span(2), span(1)].concat();

    assert_eq!(check_prefix(&traded, &messages, 1), Ok(1));
}

#[test]
fn zeros_behind_the_last_record_are_a_torn_tail() {
    let (mut bytes, messages) = shared::committed(&[1]);
    bytes.resize(bytes.len() + 4096, 0);

    assert_eq!(check_prefix(&bytes, &messages, 1), Ok(1));
}

#[test]
fn a_batch_with_a_hole_is_cut_at_the_hole() {
    // Sectors of one write can reach the disk in any order: the last two records are whole, the one before is not.
    let (mut bytes, messages) = shared::committed(&[1, 4]);
    let hole = offsets(&messages)[2];
    bytes[hole..hole + 52].fill(0);

    assert_eq!(check_prefix(&bytes, &messages, 2), Ok(2));
}

#[test]
fn after_a_repair_writing_goes_on_where_it_was_cut() {
    let (bytes, messages) = shared::committed(&[1, 2]);
    let memory = with(&bytes[..bytes.len() - 1]);
    let (mut store, _) = Store::open(memory.clone()).unwrap();

    store.offer(&messages[2], NOW + 100.0).unwrap();
    let _ = store.commit().unwrap();
    drop(store);

    let store = shared::open(memory.crash());
    let texts = shared::texts(&store);
    assert_eq!(texts, messages.iter().map(|message| message.json().to_owned()).collect::<Vec<_>>());
}

#[test]
fn what_a_killed_process_had_written_is_made_durable_before_it_is_shown() {
    let memory = Memory::new();
    let mut log = Log::open(memory.clone()).unwrap().0;
    let record = Record { kind: Kind::Message, id: [0; 32], received: NOW, body: b"{}" };
    let _ = log.append(&[record]).unwrap();
    drop(log);
    assert_eq!(Log::open(memory.crash()).unwrap().1.records, 0);

    let (mut log, recovery) = Log::open(memory.clone()).unwrap();

    assert_eq!(recovery.records, 1);
    assert_eq!(log.sync().unwrap().end(), Ordinal::new(1));
    assert_eq!(Log::open(memory.crash()).unwrap().1.records, 1);
}

#[test]
fn appends_without_a_sync_between_them_are_one_batch() {
    // Else a tear in the first would pass for damage, because the second is whole.
    let memory = Memory::new();
    let mut log = Log::open(memory.clone()).unwrap().0;
    let body = [b'x'; 1000];
    let record = Record { kind: Kind::Message, id: [0; 32], received: NOW, body: &body };
    for _ in 0..3 {
        let _ = log.append(&[record]).unwrap();
    }
    drop(log);

    let recovery = Log::open(memory.crash_torn(|sector| sector != 3)).unwrap().1;

    assert_eq!((recovery.records, recovery.cut.unwrap().offset), (1, 16 + 1052));
}

#[test]
fn a_log_of_a_later_version_is_named() {
    let (mut bytes, _) = shared::committed(&[1]);
    bytes[8] = 2;
    let crc = crc32c::crc32c(&bytes[..12]);
    bytes[12..16].copy_from_slice(&crc.to_le_bytes());

    assert_eq!(
        Store::open(with(&bytes)).unwrap_err(),
        recover::OpenError::Newer { path: RECORDS.into(), version: 2 }.into()
    );
}

#[test]
fn a_file_that_is_no_log_is_left_alone() {
    let memory = with(b"{\"key\": 1}, and so on");

    let error = Store::open(memory.clone()).unwrap_err();

    assert_eq!(error, recover::OpenError::Foreign { path: RECORDS.into() }.into());
    assert_eq!(memory.bytes(RECORDS).unwrap(), b"{\"key\": 1}, and so on");
}

#[test]
fn damage_while_it_runs_is_an_error_of_that_record_only() {
    let (bytes, messages) = shared::committed(&[3]);
    let memory = with(&bytes);
    let store = shared::open(memory.clone());
    let offset = offsets(&messages)[1] as u64;
    memory.open(RECORDS).unwrap().write_at(offset + 60, b"x").unwrap();

    let reader = store.reader();

    assert_eq!(reader.read(Ordinal::new(1)), Err(ReadError::Damaged { offset }));
    assert_eq!(reader.get(&messages[1].id()), Err(ReadError::Damaged { offset }));
    assert_eq!(reader.page(Ordinal::ZERO..reader.end(), usize::MAX), Err(ReadError::Damaged { offset }));
    assert_eq!(reader.read(Ordinal::new(2)).unwrap().json, messages[2].json());
}

#[test]
fn a_file_that_becomes_shorter_while_it_runs_is_damage() {
    let (bytes, messages) = shared::committed(&[2]);
    let memory = with(&bytes);
    let store = shared::open(memory.clone());
    memory.open(RECORDS).unwrap().truncate(100).unwrap();

    assert_eq!(
        store.reader().read(Ordinal::new(1)),
        Err(ReadError::Damaged { offset: offsets(&messages)[1] as u64 })
    );
}
