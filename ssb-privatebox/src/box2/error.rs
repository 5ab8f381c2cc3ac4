//! Why a box2 cannot be sealed.

use thiserror::Error;

/// Why nothing was sealed. The caller asked for what cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SealError {
    /// There is nothing to seal.
    #[error("a box needs a text")]
    NoText,
    /// There are no recipients: nobody could open the box. Name one.
    #[error("a box needs at least one recipient")]
    NoRecipients,
    /// There are more recipients than allowed. Send several messages, or make a group.
    #[error("{count} recipients are more than the {max} allowed")]
    TooManyRecipients {
        /// How many there are.
        count: usize,
        /// How many there may be.
        max: usize,
    },
    /// A group is not the first of the recipients, where alone its members look. So there can be only one.
    #[error("recipient {at} is a group and not the first recipient")]
    MisplacedGroup {
        /// The place of the group among the recipients, counted from 0.
        at: usize,
    },
    /// The message key is all zeros, which no randomness gives.
    #[error("the message key is not random")]
    ZeroKey,
}
