//! Why a box cannot be sealed.

use ssb_keys::FeedId;
use thiserror::Error;

/// Why nothing was sealed. The caller asked for what cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SealError {
    /// There are no recipients: nobody could open the box. Name one.
    #[error("a box needs at least one recipient")]
    NoRecipients,
    /// There are more recipients than allowed. Send several messages.
    #[error("{count} recipients are more than the {max} allowed")]
    TooManyRecipients {
        /// How many there are.
        count: usize,
        /// How many there may be.
        max: u8,
    },
    /// This recipient's id is no key with which a secret can be shared: nobody owns it. Leave it out.
    #[error("recipient {id} has an unusable key")]
    WeakKey {
        /// The recipient.
        id: FeedId,
    },
}
