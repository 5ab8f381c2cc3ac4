//! A log in a directory of its own, for unit tests.

use std::path::Path;

use serde_json::Map;
use serde_json::Value;
use ssb_keys::Keypair;
use ssb_log::Disk;
use ssb_log::Reader;
use ssb_log::Store;
use ssb_msg::Message;
use ssb_msg::Signing;
use tempfile::TempDir;

use crate::rpc::source::Source;
use crate::rpc::source::Then;

/// Receive times, and timestamps, grow by this from 0.
pub(crate) const STEP: f64 = 10.0;

/// A home with a log.
pub(crate) struct Fixture {
    home: TempDir,
    store: Option<Store<Disk>>,
    count: u32,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(Disk::open(&home.path().join("log")).unwrap()).unwrap();
        Self { home, store: Some(store), count: 0 }
    }

    /// Stores the next message of a feed, at the next receive time.
    pub(crate) fn publish(&mut self, author: &Keypair, content: &str) -> Message {
        self.publish_claiming(author, content, f64::from(self.count + 1) * STEP)
    }

    /// As [`publish`](Self::publish), with a timestamp of the author's own.
    pub(crate) fn publish_claiming(&mut self, author: &Keypair, content: &str, timestamp: f64) -> Message {
        self.count += 1;
        let at = f64::from(self.count) * STEP;
        let store = self.store.as_mut().unwrap();
        let message = store.sign_next(content, timestamp, author, &Signing::plain(), at).unwrap();
        let _ = store.commit().unwrap();
        message
    }

    /// Stores posts with so much text.
    pub(crate) fn publish_posts(&mut self, author: &Keypair, count: usize, text_len: usize) -> Vec<Message> {
        let content = format!(r#"{{"type":"post","text":"{}"}}"#, "x".repeat(text_len));
        (0..count).map(|_| self.publish(author, &content)).collect()
    }

    /// The store, for somebody else to write.
    pub(crate) fn take(&mut self) -> Store<Disk> {
        self.store.take().unwrap()
    }

    /// The store, to write to.
    pub(crate) fn store(&mut self) -> &mut Store<Disk> {
        self.store.as_mut().unwrap()
    }

    pub(crate) fn reader(&self) -> Reader<Disk> {
        self.store.as_ref().unwrap().reader()
    }

    pub(crate) fn path(&self) -> &Path {
        self.home.path()
    }
}

/// A key pair by number.
pub(crate) fn key(n: u8) -> Keypair {
    Keypair::from_seed(&[n; 32])
}

/// Options, from JSON.
pub(crate) fn options(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap()
}

/// All items of a stream up to its end or a wait, that, and how many pages had any.
pub(crate) fn pull_all(stream: &mut impl Source, fixture: &Fixture) -> (Vec<String>, Then, usize) {
    let (mut items, mut pages) = (Vec::new(), 0);
    loop {
        let page = stream.pull(&fixture.reader());
        pages += usize::from(!page.items.is_empty());
        items.extend(page.items);
        if page.then != Then::More {
            return (items, page.then, pages);
        }
    }
}
