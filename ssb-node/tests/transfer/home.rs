//! A data directory in which no node runs, and feeds for it.

use std::fs;
use std::path::PathBuf;

use ssb_keys::Keypair;
use ssb_log::Disk;
use ssb_log::Ordinal;
use ssb_log::Store;
use ssb_log::Stored;
use ssb_msg::Message;
use ssb_msg::Signing;
use ssb_msg::ValidationState;
use ssb_msg::draft;
use ssb_node::config::Config;
use ssb_node::transfer::Migrated;
use ssb_node::transfer::Selection;
use ssb_node::transfer::Summary;
use ssb_node::transfer::export;
use ssb_node::transfer::import;
use ssb_node::transfer::take_over;
use tempfile::TempDir;

pub(super) struct Home(TempDir);

impl Home {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(super) fn path(&self) -> PathBuf {
        self.0.path().join("home")
    }

    pub(super) fn config(&self) -> Config {
        Config::new(self.path())
    }

    /// A file that was here before.
    pub(super) fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub(super) fn take_over(&self) -> Vec<Migrated> {
        take_over(&self.config(), |_| {}).unwrap()
    }

    pub(super) fn import(&self, lines: &[String]) -> Summary {
        let text = lines.join("\n");
        import(&self.config(), text.as_bytes(), |_| {}).unwrap()
    }

    pub(super) fn export(&self, selection: Selection) -> Vec<String> {
        let mut output = Vec::new();
        let count = export(&self.config(), selection, &mut output).unwrap();
        let lines: Vec<String> = String::from_utf8(output).unwrap().lines().map(str::to_owned).collect();
        assert_eq!(lines.len() as u64, count);
        lines
    }

    pub(super) fn stored(&self) -> Vec<Stored> {
        let (store, _) = Store::open(Disk::open(&self.path().join("log")).unwrap()).unwrap();
        let reader = store.reader();
        reader.page(Ordinal::ZERO..reader.end(), usize::MAX).unwrap()
    }

    /// All messages, in the order in which they were received.
    pub(super) fn messages(&self) -> Vec<String> {
        self.stored().into_iter().map(|stored| stored.json).collect()
    }
}

pub(super) fn key(n: u8) -> Keypair {
    Keypair::from_seed(&[n; 32])
}

/// The first messages of a feed, each with the content for its place, counted from 0.
pub(super) fn feed(
    author: u8,
    count: u32,
    signing: &Signing,
    content: impl Fn(u32) -> String,
) -> Vec<Message> {
    let mut state = ValidationState::new(key(author).id());
    (0..count)
        .map(|n| {
            let message =
                draft::sign(&content(n), &state, f64::from(n) + 0.5, &key(author), signing).unwrap();
            state.advance(state.check(&message).unwrap());
            message
        })
        .collect()
}

pub(super) fn texts(messages: &[Message]) -> Vec<String> {
    messages.iter().map(|message| message.json().to_owned()).collect()
}
