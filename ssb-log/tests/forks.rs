//! Of a feed that has forked the first branch goes on, and the proof is kept as long as its messages are.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail tests")]

mod shared;

use std::collections::BTreeMap;

use ssb_keys::verify::KeyCache;
use ssb_log::Decision;
use ssb_log::Fork;
use ssb_log::Store;
use ssb_log::check::Check;
use ssb_log::check::Fault;
use ssb_log::compact::Progress;
use ssb_log::faulty::Faulty;
use ssb_log::faulty::Times;
use ssb_log::fork::ForkProof;
use ssb_log::indexer;
use ssb_log::log::Kind;
use ssb_log::log::Record;
use ssb_log::memory::Memory;
use ssb_log::storage::Directory;
use ssb_log::store::Refused;
use ssb_msg::Message;
use ssb_msg::Signing;
use ssb_msg::Unverified;

use shared::NOW;
use shared::author;
use shared::feed_saying;
use shared::open;

/// Two branches of one feed.
fn branches() -> [Vec<Message>; 2] {
    ["hello", "goodbye"].map(|word| feed_saying(&author(1), 4, word))
}

/// A store with the first two messages of the first branch, and those of the other offered.
fn forked<D: Directory>(directory: D) -> Store<D> {
    let [ours, theirs] = branches();
    let mut store = open(directory);
    for message in &ours[..2] {
        store.offer(message, NOW).unwrap();
    }
    let _ = store.commit().unwrap();
    for (message, sequence) in theirs.iter().zip(1..=3) {
        assert_eq!(store.offer(message, NOW), Err(Refused::Fork { sequence }));
    }
    store
}

fn forks<D: Directory>(store: &Store<D>) -> Vec<Fork> {
    store.reader().forks()
}

fn compact(store: &mut Store<Memory>) {
    let mut compactor = store.compactor();
    while compactor.work(1_000).unwrap() == Progress::More {}
    store.finish_compaction(compactor).unwrap();
}

fn index(store: &Store<Memory>) {
    let mut indexer = store.indexer();
    while indexer.work() == Ok(indexer::Progress::More) {}
    indexer.finish(1).unwrap();
}

#[test]
fn a_proof_holds_both_messages_and_outlives_everything() {
    let ([ours, theirs], memory) = (branches(), Memory::new());
    let mut store = forked(memory.clone());
    assert_eq!((store.prove(&theirs[1], NOW), store.prove(&theirs[0], NOW)), (Ok(true), Ok(false)));
    let expected = [Fork { feed: author(1).id(), sequence: 2 }];
    let check = |store: &Store<Memory>| {
        assert_eq!(forks(store), expected);
        let proof = store.reader().fork_proof(&expected[0].feed).unwrap().unwrap();
        assert_eq!((proof.first().id(), proof.second().id()), (ours[1].id(), theirs[1].id()));
        assert_eq!(shared::texts(store).len(), 2, "it is no message");
        assert_eq!(store.reader().gone(), store.reader().end().get() - store.reader().len());
    };
    check(&store);

    store.offer(&ours[2], NOW).unwrap();
    let _ = store.commit().unwrap();
    store.decide(&[Decision::Delete { feed: expected[0].feed, from: 3, upto: 3 }], NOW).unwrap();
    compact(&mut store);
    check(&store);
    index(&store);
    drop(store);

    check(&open(memory));
}

#[test]
fn a_message_that_follows_another_branch_is_proof_enough() {
    let [_, theirs] = branches();
    let mut store = forked(Memory::new());

    assert_eq!(store.prove(&theirs[2], NOW), Ok(true));

    assert_eq!(forks(&store), [Fork { feed: author(1).id(), sequence: 3 }]);
}

#[test]
fn without_the_message_that_it_contradicts_there_is_no_proof() {
    let [ours, theirs] = branches();
    let mut store = forked(Memory::new());
    let feed = author(1).id();
    store.decide(&[Decision::Delete { feed, from: 2, upto: 2 }], NOW).unwrap();

    assert_eq!((store.prove(&theirs[2], NOW), store.prove(&ours[1], NOW)), (Ok(false), Ok(false)));

    assert_eq!(forks(&store), []);
}

#[test]
fn a_proof_goes_with_the_messages_that_it_holds() {
    let feed = author(1).id();
    for decision in [
        Decision::Delete { feed, from: 2, upto: 2 },
        Decision::Delete { feed, from: 1, upto: 1 },
        Decision::Forget { feed },
        Decision::Ban { feed },
    ] {
        let ([_, theirs], memory) = (branches(), Memory::new());
        let mut store = forked(memory.clone());
        store.prove(&theirs[1], NOW).unwrap();
        index(&store);

        store.decide(&[decision], NOW).unwrap();

        assert_eq!(forks(&store), []);
        compact(&mut store);
        let records = memory.bytes("records").unwrap();
        assert!(!records.windows(9).any(|part| part == b"goodbye 2"), "{decision:?}");
        drop(store);
        assert_eq!(forks(&open(memory)), []);
    }
}

#[test]
fn whenever_the_disk_fails_the_proof_is_whole_or_not_there() {
    let [_, theirs] = branches();
    for calls in 0.. {
        let memory = Memory::new();
        drop(forked(memory.clone()));
        let disk = Faulty::new(memory.clone(), calls, Times::Forever);
        let proved = Store::open(disk).is_ok_and(|(mut store, _)| store.prove(&theirs[1], NOW).is_ok());

        let after = memory.crash_torn(|sector| sector % 2 == 0);
        let (store, _) = Store::open(after).unwrap();
        if proved {
            assert_eq!(forks(&store).len(), 1);
        }
        let latest = store.reader().latest(&author(1).id());
        assert_eq!(latest.map(|latest| latest.sequence), Some(2));
        if proved {
            break;
        }
    }
}

#[test]
fn a_check_verifies_both_messages_of_a_proof() {
    let [ours, theirs] = branches();
    let mut text = String::from_utf8(theirs[1].compact().to_vec()).unwrap();
    // Another character of the signature.
    let at = text.rfind(".sig.").unwrap() - 10;
    let other = if text.as_bytes()[at] == b'A' { "B" } else { "A" };
    text.replace_range(at..=at, other);
    let parse = |text: &[u8]| Unverified::parse(text).unwrap();
    let proof = ForkProof::new(parse(ours[1].compact()), parse(text.as_bytes())).unwrap();
    let (id, body) = proof.to_record();
    let memory = Memory::new();
    drop(forked(memory.clone()));
    let (mut log, _) = ssb_log::Log::open(memory.clone()).unwrap();
    log.append(&[Record { kind: Kind::ForkProof, id, received: NOW + 10.0, body: &body }]).unwrap();
    let _ = log.sync().unwrap();
    drop(log);

    let (mut check, mut keys) = (Check::begin(&memory).unwrap(), KeyCache::new());
    while check.work(|all| ssb_msg::verify_group(all, &Signing::plain(), &mut keys)).unwrap() {}

    let faults: BTreeMap<u64, Fault> =
        check.defects().iter().map(|defect| (defect.offset, defect.fault)).collect();
    assert_eq!(faults.into_values().collect::<Vec<_>>(), [Fault::Signature]);
}
