//! What is known of the messages without reading them.

pub(crate) mod contacts;
pub mod content;
pub mod feeds;
pub(crate) mod gone;
pub mod ids;
pub(crate) mod ledger;
pub(crate) mod opened;
pub(crate) mod private;

use std::sync::atomic::AtomicBool;

use thiserror::Error;

use ssb_keys::FeedId;
use ssb_keys::MessageId;
use ssb_msg::Unverified;

use crate::decision::Decision;
use crate::fork::Fork;
use crate::index::ids::id_key;
use crate::index::ledger::Ledger;
use crate::ordinal::Ordinal;
use crate::postings::Postings;
use crate::storage::Storage;
use crate::tombstone::Tombstone;

/// What the writer itself needs, at the position of the log.
#[derive(Debug)]
pub(crate) struct Indexes<F> {
    pub(crate) ledger: Ledger,
    pub(crate) ids: Postings<F>,
    /// A file of `ids` was found to be damaged, so that the log itself has to be searched until it is made anew.
    pub(crate) ids_are_damaged: AtomicBool,
}

impl<F: Storage> Indexes<F> {
    pub(crate) const fn new(ledger: Ledger, ids: Postings<F>) -> Self {
        Self { ledger, ids, ids_are_damaged: AtomicBool::new(false) }
    }

    /// Takes in the next record of the log.
    pub(crate) fn apply(&mut self, at: Ordinal, fact: &Fact<'_>) -> Result<(), BrokenChain> {
        self.ledger.apply(at, fact)?;
        self.ids.apply(at.get(), [id_key(&fact.id())]);
        Ok(())
    }
}

/// What a record is to the indexes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fact<'a> {
    /// A message.
    Message(Facts),
    /// The place of a message that was deleted.
    Tombstone(MessageId, Tombstone),
    /// Where a message of a feed that is gone stood.
    Nobody(MessageId),
    /// What the owner wants gone or back, and the id of the record.
    Decisions([u8; 32], &'a [Decision]),
    /// The proof of a fork, and the id of the record.
    Fork([u8; 32], Fork),
}

impl Fact<'_> {
    const fn id(&self) -> MessageId {
        match self {
            Self::Message(facts) => facts.id,
            Self::Tombstone(id, _) | Self::Nobody(id) => *id,
            Self::Decisions(id, _) | Self::Fork(id, _) => MessageId::from_bytes(*id),
        }
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

    pub(crate) fn stated(message: &Unverified) -> Self {
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
