//! Messages to put into stores, and logs to break.

#![allow(dead_code, reason = "not every test file needs all of it")]
#![expect(clippy::unwrap_used, reason = "helpers of tests fail tests")]

use ssb_keys::Keypair;
use ssb_log::Store;
use ssb_log::memory::Memory;
use ssb_log::storage::Directory;
use ssb_msg::Message;
use ssb_msg::Signing;
use ssb_msg::ValidationState;
use ssb_msg::draft;

pub(crate) const NOW: f64 = 1_491_901_740_000.0;

pub(crate) fn author(number: u8) -> Keypair {
    Keypair::from_seed(&[number; 32])
}

/// A feed of `count` messages that says what `word` is in each.
pub(crate) fn feed_saying(keypair: &Keypair, count: u32, word: &str) -> Vec<Message> {
    feed_of(keypair, (1..=count).map(|sequence| format!(r#"{{"type":"post","text":"{word} {sequence}"}}"#)))
}

/// A feed with these contents.
pub(crate) fn feed_of(keypair: &Keypair, contents: impl IntoIterator<Item = String>) -> Vec<Message> {
    let mut state = ValidationState::new(keypair.id());
    let mut messages = Vec::new();
    for (content, sequence) in contents.into_iter().zip(1_u32..) {
        let message =
            draft::sign(&content, &state, NOW + f64::from(sequence), keypair, &Signing::plain()).unwrap();
        let next = state.check(&message).unwrap();
        state.advance(next);
        messages.push(message);
    }
    messages
}

pub(crate) fn feed(number: u8, count: u32) -> Vec<Message> {
    feed_saying(&author(number), count, "hello")
}

/// The store of a directory that needs no repair.
pub(crate) fn open<D: Directory>(directory: D) -> Store<D> {
    let (store, recovery) = Store::open(directory).unwrap();
    assert_eq!(recovery.cut, None);
    store
}

/// What `records` holds after each of these batches was committed, and the messages.
pub(crate) fn committed(batches: &[u32]) -> (Vec<u8>, Vec<Message>) {
    let memory = Memory::new();
    let messages = feed(1, batches.iter().sum());
    let mut store = open(memory.clone());
    let mut rest = messages.iter();
    for count in batches {
        for message in rest.by_ref().take(*count as usize) {
            store.offer(message, NOW).unwrap();
        }
        let _ = store.commit().unwrap();
    }
    drop(store);
    (memory.bytes("records").unwrap(), messages)
}

/// The JSON of all messages of a store, in order.
pub(crate) fn texts<D: Directory>(store: &Store<D>) -> Vec<String> {
    let reader = store.reader();
    let all = ssb_log::Ordinal::ZERO..reader.end();
    reader.page(all, usize::MAX).unwrap().into_iter().map(|stored| stored.json).collect()
}
