//! What is known of the messages without reading them.

pub(crate) mod contacts;
pub mod content;
pub mod feeds;
pub mod ids;

use std::sync::atomic::AtomicBool;

use thiserror::Error;

use ssb_keys::FeedId;
use ssb_keys::MessageId;

use crate::index::feeds::Feeds;
use crate::index::ids::id_key;
use crate::ordinal::Ordinal;
use crate::postings::Postings;
use crate::storage::Storage;

/// What the writer itself needs, at the position of the log.
#[derive(Debug)]
pub(crate) struct Indexes<F> {
    pub(crate) feeds: Feeds,
    pub(crate) ids: Postings<F>,
    /// A file of `ids` was found to be damaged, so that the log itself has to be searched until it is made anew.
    pub(crate) ids_are_damaged: AtomicBool,
}

impl<F: Storage> Indexes<F> {
    pub(crate) const fn new(feeds: Feeds, ids: Postings<F>) -> Self {
        Self { feeds, ids, ids_are_damaged: AtomicBool::new(false) }
    }

    /// Takes in the next message of the log.
    pub(crate) fn apply(&mut self, at: Ordinal, facts: &Facts) -> Result<(), BrokenChain> {
        self.feeds.apply(at, facts)?;
        self.ids.apply(at.get(), [id_key(&facts.id)]);
        Ok(())
    }
}

/// What of a message goes into an index.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Facts {
    pub(crate) id: MessageId,
    pub(crate) author: FeedId,
    pub(crate) sequence: u32,
    pub(crate) previous: Option<MessageId>,
    pub(crate) timestamp: f64,
}

impl Facts {
    pub(crate) fn of(message: &ssb_msg::Message) -> Self {
        Self {
            id: message.id(),
            author: message.author(),
            sequence: message.sequence(),
            previous: message.previous(),
            timestamp: message.timestamp(),
        }
    }

    pub(crate) fn stated(message: &ssb_msg::Unverified) -> Self {
        Self {
            id: message.id(),
            author: message.author(),
            sequence: message.sequence(),
            previous: message.previous(),
            timestamp: message.timestamp(),
        }
    }
}

/// A message in the log does not follow the one before it in its feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("message {sequence} of {author} does not follow the one before it")]
pub struct BrokenChain {
    /// Whose feed it is.
    pub author: FeedId,
    /// What the message says its sequence is.
    pub sequence: u32,
}
