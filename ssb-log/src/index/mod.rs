//! What is known of the messages without reading them. Rebuilt from the log whenever that is opened.

pub mod content;
pub mod feeds;
pub mod ids;

use thiserror::Error;

use ssb_keys::FeedId;
use ssb_keys::MessageId;

use crate::index::feeds::Feeds;
use crate::index::ids::Ids;
use crate::ordinal::Ordinal;

/// All indexes, at the same position of the log.
#[derive(Debug, Default)]
pub(crate) struct Indexes {
    pub(crate) feeds: Feeds,
    pub(crate) ids: Ids,
}

impl Indexes {
    /// Takes in the next message of the log.
    pub(crate) fn apply(&mut self, at: Ordinal, facts: &Facts) -> Result<(), BrokenChain> {
        self.feeds.apply(at, facts)?;
        self.ids.insert(&facts.id, at);
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
