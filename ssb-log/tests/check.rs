//! A check finds every defect, and a repair keeps everything that is whole.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail tests")]

mod shared;

use std::sync::LazyLock;

use proptest::prelude::*;
use ssb_keys::verify::KeyCache;
use ssb_log::Decision;
use ssb_log::Store;
use ssb_log::check::Check;
use ssb_log::check::Defect;
use ssb_log::check::Fault;
use ssb_log::check::Repaired;
use ssb_log::faulty::Faulty;
use ssb_log::faulty::Times;
use ssb_log::indexer::Progress;
use ssb_log::log::Kind;
use ssb_log::log::Log;
use ssb_log::log::Record;
use ssb_log::memory::Memory;
use ssb_log::recover::RECORDS;
use ssb_log::storage::Directory;
use ssb_log::store::Flaw;
use ssb_msg::Message;
use ssb_msg::Signing;
use ssb_msg::Unverified;

use shared::NOW;
use shared::feed;

fn run<D: Directory>(directory: &D) -> Check<'_, D> {
    let mut keys = KeyCache::new();
    let mut check = Check::begin(directory).unwrap();
    while check.work(|messages| ssb_msg::verify_group(messages, &Signing::plain(), &mut keys)).unwrap() {}
    check
}

fn defects(memory: &Memory) -> Vec<(u64, u64, Fault)> {
    run(memory).defects().iter().map(|Defect { offset, len, fault, .. }| (*offset, *len, *fault)).collect()
}

fn repair(memory: &Memory) -> Repaired {
    let repaired = run(memory).repair().unwrap();
    let again = run(memory);
    assert!(again.is_sound(), "{:?}", again.defects());
    repaired
}

fn texts(memory: &Memory) -> Vec<String> {
    let (store, recovery) = Store::open(memory.clone()).unwrap();
    assert_eq!(recovery.cut, None);
    shared::texts(&store)
}

/// Two feeds in turn, of which something was deleted, with all indexes; and the messages that are there.
static SOUND: LazyLock<(Memory, Vec<Message>)> = LazyLock::new(|| {
    let memory = Memory::new();
    let mut store = shared::open(memory.clone());
    let feeds = [feed(1, 8), feed(2, 8)];
    for (one, two) in feeds[0].iter().zip(&feeds[1]) {
        store.offer(one, NOW).unwrap();
        store.offer(two, NOW).unwrap();
        let _ = store.commit().unwrap();
    }
    let author = feeds[1][0].author();
    store.decide(&[Decision::Delete { feed: author, from: 3, upto: 4 }], NOW).unwrap();
    let compactor = store.compactor();
    store.finish_compaction(compactor).unwrap();
    store.decide(&[Decision::Delete { feed: author, from: 6, upto: 6 }], NOW).unwrap();
    let mut indexer = store.indexer();
    while indexer.work() == Ok(Progress::More) {}
    indexer.finish(1).unwrap();
    let in_turn = feeds[0].iter().zip(&feeds[1]).flat_map(|(one, two)| [one, two]);
    let is_here = |message: &&Message| message.author() != author || ![3, 4, 6].contains(&message.sequence());
    let messages = in_turn.filter(is_here).cloned().collect();
    drop(store);
    (memory, messages)
});

fn copy(memory: &Memory) -> Memory {
    memory.crash()
}

#[test]
fn a_sound_log_has_no_defects() {
    let (memory, messages) = &*SOUND;

    let check = run(memory);

    assert!(check.is_sound(), "{:?}", check.defects());
    // One that was deleted is still in the file.
    assert_eq!(check.messages() as usize, messages.len() + 1);
    let (looked_at, len) = check.progress();
    assert_eq!((looked_at, len), (len, memory.bytes(RECORDS).unwrap().len() as u64));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_byte_changes_is_found_and_what_is_whole_is_kept(
        file in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        flip in 1..=255_u8,
    ) {
        let (sound, messages) = &*SOUND;
        let memory = copy(sound);
        let mut names = memory.list().unwrap();
        names.retain(|name| name != "lock");
        let name = &names[file.index(names.len())];
        let mut bytes = memory.bytes(name).unwrap();
        let place = at.index(bytes.len());
        bytes[place] ^= flip;
        memory.put(name, &bytes);

        if name == RECORDS && place < 16 {
            prop_assert!(Check::begin(&memory).is_err());
            return Ok(());
        }
        let check = run(&memory);
        prop_assert!(!check.is_sound(), "{name} {place}");
        prop_assert!(check.defects().iter().any(|defect| defect.path.to_str() == Some(name)));
        drop(check);
        let repaired = repair(&memory);

        let kept = texts(&memory);
        let (store, _) = Store::open(memory.clone()).unwrap();
        let mut indexer = store.indexer();
        while indexer.work() == Ok(Progress::More) {}
        indexer.finish(1).unwrap();
        drop((store, indexer));
        let (store, _) = Store::open(memory.clone()).unwrap();
        prop_assert_eq!(&shared::texts(&store), &kept);
        prop_assert_eq!(store.reader().len() as usize, kept.len());
        drop(store);
        let adrift = repaired.adrift.map(|(_, path)| memory.bytes(path.to_str().unwrap()).unwrap());
        let adrift = String::from_utf8(adrift.unwrap_or_default()).unwrap();
        let mut lost = 0;
        for message in messages {
            let is_kept = kept.iter().any(|text| text == message.json());
            lost += u32::from(!is_kept && !adrift.lines().any(|line| line == message.json()));
        }
        // What does not name the message or is not of it may have changed, and then nothing is lost at all.
        prop_assert!(lost <= 1, "{lost} messages are lost");
        prop_assert!(lost == 0 || name == RECORDS);
        // And what was deleted stays so, unless that very record was hit.
        let deleted = |kept: &str| !messages.iter().any(|message| message.json() == kept);
        prop_assert!(kept.iter().filter(|kept| deleted(kept)).count() <= 1);
    }

    #[test]
    fn wherever_the_file_is_cut_what_is_before_is_kept(at in any::<prop::sample::Index>()) {
        let (sound, _) = &*SOUND;
        let memory = copy(sound);
        let bytes = memory.bytes(RECORDS).unwrap();
        let len = 16 + at.index(bytes.len() - 16);
        memory.put(RECORDS, &bytes[..len]);
        let before = run(&memory).messages();

        let repaired = repair(&memory);

        prop_assert!(repaired.adrift.is_none());
        let cut = repaired.cut.map_or(0, |(len, _)| len);
        prop_assert!(memory.bytes(RECORDS).unwrap().len() as u64 + cut == len as u64);
        prop_assert_eq!(run(&memory).messages(), before);
    }
}

#[test]
fn a_lost_message_sets_the_rest_of_its_feed_adrift_and_they_come_back() {
    let (bytes, messages) = shared::committed(&[2, 2, 2]);
    let memory = Memory::new();
    let first = 16 + 52 + messages[0].compact().len();
    let second = first + 52 + messages[1].compact().len();
    let mut broken = bytes.clone();
    broken[first + 100] ^= 1;
    memory.put(RECORDS, &broken);

    let found = defects(&memory);
    assert_eq!(found[0], (first as u64, (second - first) as u64, Fault::Damaged));
    assert_eq!(found.len(), 5);
    assert!(found[1..].iter().all(|(.., fault)| matches!(fault, Fault::Flawed(Flaw::Chain(_)))));

    let repaired = repair(&memory);

    assert_eq!(repaired.records, 1);
    let (len, path) = repaired.cut.unwrap();
    assert_eq!(memory.bytes(path.to_str().unwrap()).unwrap(), broken[first..]);
    assert_eq!(len, (bytes.len() - first) as u64);
    let (count, path) = repaired.adrift.unwrap();
    assert_eq!(count, 4);
    let mut store = shared::open(memory.clone());
    store.offer(&messages[1], NOW).unwrap();
    let lines = String::from_utf8(memory.bytes(path.to_str().unwrap()).unwrap()).unwrap();
    for line in lines.lines() {
        let message = Unverified::parse(line.as_bytes()).unwrap();
        store.offer(&message.verify(&Signing::plain(), &mut KeyCache::new()).unwrap(), NOW).unwrap();
    }
    let _ = store.commit().unwrap();
    assert_eq!(shared::texts(&store), messages.iter().map(Message::json).collect::<Vec<_>>());
}

#[test]
fn a_wrong_signature_is_found() {
    let messages = feed(1, 3);
    let forged = messages[1].json().replace("hello 2", "hullo 2");
    let forged = Unverified::parse(forged.as_bytes()).unwrap();
    let memory = Memory::new();
    let mut log = Log::open(memory.clone()).unwrap().0;
    let record = |id: [u8; 32], body| Record { kind: Kind::Message, id, received: NOW, body };
    let first = record(*messages[0].id().as_bytes(), messages[0].compact());
    let second = record(*forged.id().as_bytes(), forged.compact());
    log.append(&[first, second]).unwrap();
    drop(log);

    let offset = 16 + first.stored_len() as u64;
    assert_eq!(defects(&memory), [(offset, second.stored_len() as u64, Fault::Signature)]);

    assert_eq!(repair(&memory).records, 1);
    assert_eq!(texts(&memory), [messages[0].json()]);
}

#[test]
fn whichever_call_of_a_repair_fails_there_is_a_log_and_the_next_repair_succeeds() {
    let (mut bytes, messages) = shared::committed(&[2, 2, 2]);
    let at = bytes.len() - 200;
    bytes[at] ^= 1;
    for times in [Times::Once, Times::Forever] {
        let mut call = 0;
        loop {
            let memory = Memory::new();
            memory.put(RECORDS, &bytes);
            let faulty = Faulty::new(memory.clone(), call, times);
            let repaired = match Check::begin(&faulty) {
                Err(_) => false,
                Ok(mut check) => {
                    let mut keys = KeyCache::new();
                    let signing = Signing::plain();
                    let worked = loop {
                        match check.work(|all| ssb_msg::verify_group(all, &signing, &mut keys)) {
                            Ok(true) => {}
                            Ok(false) => break true,
                            Err(_) => break false,
                        }
                    };
                    worked && check.repair().is_ok()
                }
            };

            for after in [memory.crash(), memory.crash_torn(|sector| sector.is_multiple_of(2)), memory] {
                if !repaired || !run(&after).is_sound() {
                    repair(&after);
                }
                assert_eq!(texts(&after), messages[..5].iter().map(Message::json).collect::<Vec<_>>());
            }
            if repaired {
                break;
            }
            call += 1;
        }
        assert!(call > 12, "a repair makes {call} calls");
    }
}

#[test]
fn long_damage_is_searched_to_its_end() {
    let (bytes, messages) = shared::committed(&[1, 1]);
    let len = 3 * 1024 * 1024;
    let second = 16 + 52 + messages[0].compact().len();
    let memory = Memory::new();
    // What follows stands where it did not stand when it was written, and so is no record.
    memory.put(RECORDS, &[&bytes[..second], &vec![0xff; len], &bytes[second..]].concat());

    let rest = (bytes.len() - second + len) as u64;
    assert_eq!(defects(&memory), [(second as u64, rest, Fault::Torn)]);
    assert_eq!(repair(&memory).records, 1);
}
