//! What is taken, what is refused, and when it becomes visible.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail tests")]

mod shared;

use ssb_keys::MessageId;
use ssb_log::Ordinal;
use ssb_log::limits::UNSYNCED_LEN_MAX;
use ssb_log::log::AppendError;
use ssb_log::log::Kind;
use ssb_log::log::Log;
use ssb_log::log::Record;
use ssb_log::memory::Memory;
use ssb_log::read::ReadError;
use ssb_log::recover::RECORDS;
use ssb_log::store::Flaw;
use ssb_log::store::OpenError;
use ssb_log::store::PublishError;
use ssb_log::store::Refused;
use ssb_msg::Signing;
use ssb_msg::draft::DraftError;

use shared::NOW;
use shared::author;
use shared::feed;
use shared::feed_saying;
use shared::open;

#[test]
fn what_is_committed_is_there_after_reopening() {
    let memory = Memory::new();
    let mut store = open(memory.clone());
    for message in feed(1, 3) {
        store.offer(&message, NOW).unwrap();
    }
    assert_eq!(store.commit().unwrap().end(), Ordinal::new(3));
    drop(store);

    let store = open(memory.crash());

    let expected: Vec<String> = feed(1, 3).iter().map(|message| message.json().to_owned()).collect();
    assert_eq!(shared::texts(&store), expected);
}

#[test]
fn nothing_is_visible_before_it_is_committed() {
    let mut store = open(Memory::new());
    let reader = store.reader();
    let [message] = feed(1, 1).try_into().unwrap();

    store.offer(&message, NOW).unwrap();

    assert_eq!(store.queued(), 1);
    assert_eq!(reader.len(), 0);
    assert_eq!(reader.latest(&message.author()), None);
    assert_eq!(reader.get(&message.id()), Ok(None));
    assert_eq!(reader.read(Ordinal::ZERO), Err(ReadError::Absent));
    let _ = store.commit().unwrap();
    assert_eq!(reader.get(&message.id()).unwrap().unwrap().json, message.json());
}

#[test]
fn a_message_is_taken_once() {
    let mut store = open(Memory::new());
    let messages = feed(1, 3);
    for message in &messages {
        store.offer(message, NOW).unwrap();
    }

    let again = |store: &mut ssb_log::Store<Memory>| {
        messages.iter().map(|message| store.offer(message, NOW)).collect::<Vec<_>>()
    };
    assert_eq!(again(&mut store), [Err(Refused::Known); 3]);
    let _ = store.commit().unwrap();
    assert_eq!(again(&mut store), [Err(Refused::Known); 3]);
    assert_eq!(store.reader().len(), 3);
}

#[test]
fn a_fork_is_told_wherever_it_starts() {
    let mut store = open(Memory::new());
    for message in feed(1, 2) {
        store.offer(&message, NOW).unwrap();
    }
    let _ = store.commit().unwrap();
    store.offer(&feed(1, 4)[2], NOW).unwrap();
    store.offer(&feed(1, 4)[3], NOW).unwrap();

    let fork = feed_saying(&author(1), 5, "other");

    for (sequence, message) in (1..).zip(fork) {
        assert_eq!(store.offer(&message, NOW), Err(Refused::Fork { sequence }), "message {sequence}");
    }
}

#[test]
fn a_message_that_comes_early_is_a_gap() {
    let mut store = open(Memory::new());

    let early = feed(1, 3).remove(2);

    assert_eq!(store.offer(&early, NOW), Err(Refused::Gap { expected: 1, found: 3 }));
}

#[test]
fn drafts_follow_what_is_not_committed_yet() {
    let mut store = open(Memory::new());
    let me = author(1);
    let mut publish = |content| store.sign_next(content, NOW, &me, &Signing::plain(), NOW);

    let first = publish(r#"{"type":"post"}"#).unwrap();
    let second = publish(r#"{"type":"post"}"#).unwrap();

    assert_eq!(second.previous(), Some(first.id()));
    assert_eq!(
        publish(r#"{"type":"post","recps":[]}"#).unwrap_err(),
        PublishError::Draft(DraftError::Recipients)
    );
    let _ = store.commit().unwrap();
    assert_eq!(store.reader().latest(&me.id()).unwrap().id, second.id());
}

#[test]
fn an_empty_commit_changes_nothing() {
    let memory = Memory::new();
    let mut store = open(memory.clone());
    let before = memory.bytes(RECORDS);

    assert_eq!(store.commit().unwrap().end(), Ordinal::ZERO);

    assert_eq!(memory.bytes(RECORDS), before);
}

#[test]
fn receive_times_are_kept_and_made_to_grow() {
    let mut store = open(Memory::new());
    for (message, time) in feed(1, 4).into_iter().zip([NOW, NOW, NOW - 5.0, NOW + 1.0]) {
        store.offer(&message, time).unwrap();
    }
    let _ = store.commit().unwrap();

    let reader = store.reader();
    let times: Vec<f64> = (0..4).map(|at| reader.read(Ordinal::new(at)).unwrap().received).collect();

    assert_eq!((times[0], times[3]), (NOW, NOW + 1.0));
    assert!(times.is_sorted_by(|a, b| a < b), "{times:?}");
}

#[test]
fn receive_times_grow_across_openings() {
    let memory = Memory::new();
    let mut store = open(memory.clone());
    store.offer(&feed(1, 1)[0], NOW).unwrap();
    let _ = store.commit().unwrap();
    drop(store);

    let mut store = open(memory);
    store.offer(&feed(2, 1)[0], 0.0).unwrap();
    let _ = store.commit().unwrap();

    assert!(store.reader().read(Ordinal::new(1)).unwrap().received > NOW);
}

#[test]
fn no_more_is_taken_than_fits_between_two_syncs() {
    let mut log = Log::open(Memory::new()).unwrap().0;
    let body = vec![b'x'; 65_536 - 52];
    let record = Record { kind: Kind::Message, id: [0; 32], received: NOW, body: &body };
    let fits = UNSYNCED_LEN_MAX / 65_536;

    let _ = log.append(&vec![record; fits]).unwrap();
    assert_eq!(log.append(&[record]), Err(AppendError::Unsynced));

    let durable = log.sync().unwrap();
    log.publish(durable);
    assert!(log.append(&[record]).is_ok());
}

#[test]
fn a_body_of_the_limit_fits_and_one_byte_more_does_not() {
    let mut log = Log::open(Memory::new()).unwrap().0;
    let body = vec![b'x'; 65_537];
    let record = |body| Record { kind: Kind::Message, id: [0; 32], received: NOW, body };

    assert_eq!(log.append(&[record(&body)]), Err(AppendError::TooLong { len: 65_537 }));
    assert_eq!(log.append(&[record(&body[1..])]), Ok(Ordinal::ZERO..Ordinal::new(1)));
}

#[test]
fn the_log_alone_shows_only_what_is_published() {
    let mut log = Log::open(Memory::new()).unwrap().0;
    let record = Record { kind: Kind::Message, id: [0; 32], received: NOW, body: b"a" };
    let reader = log.reader();

    let _ = log.append(&[record]).unwrap();
    let first = log.sync().unwrap();
    let _ = log.append(&[record]).unwrap();
    log.publish(first);
    assert_eq!(reader.end(), Ordinal::new(1));

    let second = log.sync().unwrap();
    log.publish(second);
    log.publish(first);
    assert_eq!(reader.end(), Ordinal::new(2));
}

/// Opening a log that holds these records.
fn opening(records: &[Record<'_>]) -> OpenError {
    let memory = Memory::new();
    let mut log = Log::open(memory.clone()).unwrap().0;
    let _ = log.append(records).unwrap();
    drop(log);
    ssb_log::Store::open(memory).unwrap_err()
}

fn flawed(offset: u64, flaw: Flaw) -> OpenError {
    OpenError::Flawed { path: RECORDS.into(), offset, flaw }
}

#[test]
fn records_that_are_whole_but_wrong_are_named() {
    let messages = feed(1, 3);
    let record = |at: usize| Record {
        kind: Kind::Message,
        id: *messages[at].id().as_bytes(),
        received: NOW,
        body: messages[at].compact(),
    };
    let second = 16 + record(0).stored_len() as u64;

    let wrong_id = Record { id: *MessageId::from_bytes([0; 32]).as_bytes(), ..record(1) };
    assert_eq!(opening(&[record(0), wrong_id]), flawed(second, Flaw::Id));

    let spaced = format!(" {}", messages[1].json());
    let loose = Record { body: spaced.as_bytes(), ..record(1) };
    assert_eq!(opening(&[record(0), loose]), flawed(second, Flaw::Form));

    let proof = Record { kind: Kind::ForkProof, ..record(1) };
    assert_eq!(opening(&[record(0), proof]), flawed(second, Flaw::Body));

    let tombstone = Record { kind: Kind::Tombstone, ..record(1) };
    assert_eq!(opening(&[record(0), tombstone]), flawed(second, Flaw::Body));

    let decision = Record { kind: Kind::Decision, ..record(1) };
    assert_eq!(opening(&[record(0), decision]), flawed(second, Flaw::Body));

    let text = Record { body: b"hello", ..record(1) };
    assert!(matches!(opening(&[record(0), text]), OpenError::Flawed { flaw: Flaw::Parse(_), .. }));

    assert!(matches!(opening(&[record(0), record(2)]), OpenError::Flawed { flaw: Flaw::Chain(_), .. }));
}
