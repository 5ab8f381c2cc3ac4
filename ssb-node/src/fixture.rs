//! A log in a directory of its own, for unit tests.

use std::path::Path;

use ssb_keys::Keypair;
use ssb_log::Disk;
use ssb_log::Reader;
use ssb_log::Store;
use ssb_msg::Message;
use ssb_msg::Signing;
use tempfile::TempDir;

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
        self.count += 1;
        let at = f64::from(self.count) * STEP;
        let store = self.store.as_mut().unwrap();
        let message = store.sign_next(content, at, author, &Signing::plain(), at).unwrap();
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
