//! Whether a message may follow what is known of its feed.

use ssb_keys::FeedId;
use ssb_keys::MessageId;
use thiserror::Error;

use crate::limits::SEQUENCE_MAX;
use crate::message::Message;

/// The end of one feed: all that is needed to judge the next message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidationState {
    author: FeedId,
    /// 0 exactly when `latest` is `None`, at most [`SEQUENCE_MAX`].
    sequence: u32,
    latest: Option<MessageId>,
}

impl ValidationState {
    /// Of a feed of which nothing is known.
    pub const fn new(author: FeedId) -> Self {
        Self { author, sequence: 0, latest: None }
    }

    /// Of a feed whose latest message is known, whoever checked it.
    ///
    /// # Panics
    ///
    /// When `sequence` is 0 or above [`SEQUENCE_MAX`]: no message has such a sequence.
    pub fn resume(author: FeedId, sequence: u32, latest: MessageId) -> Self {
        assert!((1..=SEQUENCE_MAX).contains(&sequence), "{sequence} is not a sequence");
        Self { author, sequence, latest: Some(latest) }
    }

    /// Moves to a message that was checked against this very state.
    ///
    /// # Panics
    ///
    /// When `next` was checked against another one.
    #[expect(clippy::needless_pass_by_value, reason = "a proof is used up")]
    pub fn advance(&mut self, next: Next) {
        assert_eq!(next.author, self.author, "next is of another feed");
        assert_eq!(next.previous, self.latest, "next follows another message");
        self.sequence = next.sequence;
        self.latest = Some(next.id);
    }

    /// Whether `message` is the next one of this feed.
    ///
    /// # Errors
    ///
    /// [`ChainError`] tells a message that is only early or late from one that proves a fork.
    pub fn check(&self, message: &Message) -> Result<Next, ChainError> {
        let found = message.sequence();
        let expected = self.sequence + 1;
        if message.author() != self.author {
            return Err(ChainError::WrongAuthor { found: message.author() });
        }
        if found > expected {
            return Err(ChainError::Gap { expected, found });
        }
        if found < self.sequence {
            return Err(ChainError::Behind { latest: self.sequence, found });
        }
        if Some(message.id()) == self.latest {
            return Err(ChainError::AlreadyHave { sequence: found });
        }
        if found == self.sequence || message.previous() != self.latest {
            return Err(ChainError::Fork { sequence: found });
        }
        Ok(Next { author: self.author, previous: self.latest, sequence: found, id: message.id() })
    }

    /// Whose feed it is.
    pub const fn author(&self) -> FeedId {
        self.author
    }

    /// The sequence of the latest message, 0 when there is none.
    pub const fn sequence(&self) -> u32 {
        self.sequence
    }

    /// The id of the latest message.
    pub const fn latest(&self) -> Option<MessageId> {
        self.latest
    }
}

/// Proof that a message extends its feed. Made only by [`ValidationState::check`].
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the feed has not moved until `advance` is called"]
pub struct Next {
    author: FeedId,
    previous: Option<MessageId>,
    sequence: u32,
    id: MessageId,
}

/// Why a message is not the next one of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ChainError {
    /// It is of another feed: a mistake of the caller.
    #[error("message is by {found}")]
    WrongAuthor {
        /// Its author.
        found: FeedId,
    },
    /// It is the latest message itself.
    #[error("message {sequence} is already here")]
    AlreadyHave {
        /// Its sequence.
        sequence: u32,
    },
    /// It is older than the latest message. Normally already here; if the one that is here has another id, a fork.
    #[error("message {found} is behind {latest}")]
    Behind {
        /// The sequence of the latest message.
        latest: u32,
        /// Its sequence.
        found: u32,
    },
    /// It contradicts the latest message: the author has signed two feeds. Keep both as proof.
    #[error("message {sequence} forks its feed")]
    Fork {
        /// Its sequence.
        sequence: u32,
    },
    /// Messages between the latest and it are missing.
    #[error("message {found} came when {expected} was expected")]
    Gap {
        /// The sequence that would be next.
        expected: u32,
        /// Its sequence.
        found: u32,
    },
}
