//! How fast messages become durable, come back, and how long opening takes; on the disk of the temporary directory.
//!
//! The messages are signed before the clock starts; their signatures are not checked here.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::time::Duration;
use std::time::Instant;

use ssb_keys::Keypair;
use ssb_log::Disk;
use ssb_log::Ordinal;
use ssb_log::Store;
use ssb_msg::Message;
use ssb_msg::Signing;
use ssb_msg::ValidationState;
use ssb_msg::draft;

const MESSAGES: u32 = 10_000;
const BATCH: usize = 1000;
/// Each has a sync of its own.
const SINGLE: usize = 500;
const NOW: f64 = 1_491_901_740_000.0;

fn main() {
    let messages = messages();
    let len: usize = messages.iter().map(|message| message.compact().len()).sum();
    println!("{MESSAGES} messages of {} bytes on average", len / messages.len());

    let together = tempfile::tempdir().expect("there is a temporary directory");
    let mut store = open(&together);
    report("append, batches of 1000", messages.len(), time(|| append(&mut store, &messages, BATCH)));

    let single = tempfile::tempdir().expect("there is a temporary directory");
    let mut slow = open(&single);
    let few = messages.get(..SINGLE).unwrap_or_default();
    report("append, one by one", few.len(), time(|| append(&mut slow, few, 1)));

    drop(store);
    let mut reopened = None;
    report("open", messages.len(), time(|| reopened = Some(open(&together))));

    let reader = reopened.expect("it was opened").reader();
    assert_eq!(reader.len(), MESSAGES, "a message is missing");
    report(
        "get by id",
        messages.len(),
        time(|| {
            for message in &messages {
                assert!(reader.get(&message.id()).expect("it can be read").is_some(), "a message is missing");
            }
        }),
    );
    report(
        "pages of 64 KiB",
        messages.len(),
        time(|| {
            let mut at = Ordinal::ZERO;
            while at < reader.end() {
                let page = reader.page(at..reader.end(), 65_536).expect("it can be read");
                at = page.last().and_then(|stored| stored.ordinal.next()).expect("a page has a message");
            }
        }),
    );
}

/// Of ten feeds in turn, each about 750 bytes.
fn messages() -> Vec<Message> {
    let keypairs: Vec<Keypair> = (0..10).map(|seed| Keypair::from_seed(&[seed; 32])).collect();
    let mut states: Vec<ValidationState> =
        keypairs.iter().map(|keypair| ValidationState::new(keypair.id())).collect();
    let text = "x".repeat(370);
    let mut messages = Vec::new();
    while messages.len() < MESSAGES as usize {
        for (keypair, state) in keypairs.iter().zip(&mut states) {
            let content = format!(r#"{{"type":"post","text":"{text}"}}"#);
            let message = draft::sign(&content, state, NOW, keypair, &Signing::plain()).expect("it is valid");
            let next = state.check(&message).expect("it is the next one");
            state.advance(next);
            messages.push(message);
        }
    }
    messages
}

fn open(directory: &tempfile::TempDir) -> Store<Disk> {
    let disk = Disk::open(&directory.path().join("log")).expect("it can be created");
    Store::open(disk).expect("it is sound").0
}

fn append(store: &mut Store<Disk>, messages: &[Message], batch: usize) {
    for batch in messages.chunks(batch) {
        for message in batch {
            store.offer(message, NOW).expect("it is the next one");
        }
        let _ = store.commit().expect("the disk is sound");
    }
}

fn time(run: impl FnOnce()) -> Duration {
    let start = Instant::now();
    run();
    start.elapsed()
}

fn report(what: &str, count: usize, took: Duration) {
    let rate = count as f64 / took.as_secs_f64();
    println!("{what:<26}{count:>7} in {:>8.1} ms{rate:>12.0} a second", took.as_secs_f64() * 1000.0);
}
