//! What all sides get: messages of a thousand authors, generated once, the same everywhere.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use serde_json::Value;
use ssb_keys::FeedId;
use ssb_keys::MessageId;

use crate::javascript;

/// Messages in a folder: `msgs.jsonl`, their ids in `keys.txt`, and what is notable of them in `meta.json`.
#[derive(Debug)]
pub struct Data {
    /// How many.
    pub count: u32,
    /// The folder.
    pub folder: PathBuf,
}

impl Data {
    /// The first so many messages, from `target/bench-data`, or made.
    pub fn made(count: u32) -> io::Result<Self> {
        let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench-data");
        let this = Self { count, folder: all.join(count.to_string()) };
        if !this.folder.is_dir() {
            let aside = all.join(format!("{count}.new"));
            javascript::generate(&aside, count)?;
            fs::rename(&aside, &this.folder)?;
        }
        Ok(this)
    }

    /// Those of a folder that was made.
    pub fn of(folder: &Path, count: u32) -> Self {
        Self { count, folder: folder.to_owned() }
    }

    /// The messages, a line each.
    pub fn messages(&self) -> PathBuf {
        self.folder.join("msgs.jsonl")
    }

    /// Their ids, in the same order.
    pub fn ids(&self) -> io::Result<Vec<MessageId>> {
        let text = fs::read_to_string(self.folder.join("keys.txt"))?;
        text.lines().map(|id| MessageId::parse(id).map_err(io::Error::other)).collect()
    }

    /// What is notable of them.
    pub fn meta(&self) -> PathBuf {
        self.folder.join("meta.json")
    }

    /// All feeds, as text.
    pub fn feeds(&self) -> io::Result<Vec<String>> {
        let meta: Value = serde_json::from_slice(&fs::read(self.meta())?)?;
        let feeds = meta.get("feeds").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        Ok(feeds.iter().filter_map(|feed| Some(feed.get("id")?.as_str()?.to_owned())).collect())
    }

    /// The longest feed, and a message that many voted for: as db.js picks them.
    pub fn notable(&self) -> io::Result<(FeedId, MessageId)> {
        let meta: Value = serde_json::from_slice(&fs::read(self.meta())?)?;
        let feeds = meta.get("feeds").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let len = |feed: &&Value| feed.get("seq").and_then(Value::as_u64);
        // Of two as long the first.
        let hot = feeds.iter().rev().max_by_key(len).and_then(|feed| feed.get("id")?.as_str());
        let voted = meta.pointer("/topVoted/5/0").and_then(Value::as_str);
        let feed = FeedId::parse(hot.unwrap_or_default()).map_err(io::Error::other)?;
        let message = MessageId::parse(voted.unwrap_or_default()).map_err(io::Error::other)?;
        Ok((feed, message))
    }
}
