//! Messages as they come in, well-formed but not to be trusted.

use alloc::string::String;
use core::fmt;

use ssb_keys::verify::BadSignature;
use ssb_keys::verify::KeyCache;
use thiserror::Error;

use crate::fields::Fields;
use crate::fields::accessors;
use crate::json;
use crate::message::Message;
use crate::message::verify_group;
use crate::scan;
use crate::shape;
use crate::signing::Signing;

/// A message that says who wrote it, without proof.
#[derive(Clone, PartialEq)]
pub struct Unverified {
    pub(crate) fields: Fields,
    /// The signing form without the signature: what the signature is over.
    pub(crate) signed: String,
}

impl Unverified {
    /// Reads the JSON of one message and checks all that needs neither its author's key nor its feed.
    ///
    /// # Errors
    ///
    /// [`ParseError`] names the first rule it breaks. ssb-validate 4.1.4 takes no such message either, except where our
    /// rule is the stricter one: a `previous` or `timestamp` of any type but its own, a timestamp that overflows,
    /// a signature of more than 64 bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        // Only the slow way knows how to say what is wrong.
        match scan::scan(bytes) {
            Some(unverified) => Ok(unverified),
            None => shape::parse(bytes),
        }
    }

    /// Checks the signature.
    ///
    /// # Errors
    ///
    /// [`BadSignature`] when it is not the author's, or was made for another network.
    pub fn verify(self, signing: &Signing, keys: &mut KeyCache) -> Result<Message, BadSignature> {
        verify_group(alloc::vec![self], signing, keys).pop().unwrap_or(Err(BadSignature))
    }

    accessors!();
}

impl fmt::Debug for Unverified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unverified")
            .field("id", &self.id())
            .field("json", &self.json())
            .finish_non_exhaustive()
    }
}

/// Why bytes are no message of any feed. The writer is at fault; nothing can be done with the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseError {
    /// Not JSON, or more of it than [`WIRE_LEN_MAX`](crate::limits::WIRE_LEN_MAX).
    #[error("message is not JSON: {0}")]
    Json(#[source] json::ParseError),
    /// JSON, but not an object.
    #[error("message is not an object")]
    NotAnObject,
    /// Not exactly the seven keys in one of the two orders: `previous`; `author` and `sequence` either way round;
    /// `timestamp`, `hash`, `content`, `signature`.
    #[error("message does not have the seven keys in order")]
    Keys,
    /// `previous` is neither a message id nor null.
    #[error("previous is neither a message id nor null")]
    Previous,
    /// `author` is not a feed id.
    #[error("author is not a feed id")]
    Author,
    /// `sequence` is not a whole number from 1 to [`SEQUENCE_MAX`](crate::limits::SEQUENCE_MAX).
    #[error("sequence is not a whole number from 1 to 2147483647")]
    Sequence,
    /// A first message with a `previous`, or a later one without.
    #[error("previous does not fit sequence {sequence}")]
    First {
        /// The sequence it claims.
        sequence: u32,
    },
    /// `timestamp` is not a finite number.
    #[error("timestamp is not a finite number")]
    Timestamp,
    /// `hash` is not `"sha256"`.
    #[error("hash is not sha256")]
    Hash,
    /// `content` is neither an object nor an encrypted string: canonical base64, `.box`, and anything on one line.
    #[error("content is neither an object nor encrypted")]
    Content,
    /// The `type` of the content is not a string, or missing.
    #[error("type of the content is not a string")]
    Type,
    /// The `type` of the content is shorter than [`TYPE_UNITS_MIN`](crate::limits::TYPE_UNITS_MIN) or longer than
    /// [`TYPE_UNITS_MAX`](crate::limits::TYPE_UNITS_MAX).
    #[error("type of the content has {units} UTF-16 units, not 3 to 52")]
    TypeLength {
        /// Its UTF-16 code units.
        units: usize,
    },
    /// `signature` is not canonical base64 of 64 bytes and `.sig.ed25519`.
    #[error("signature is not an ed25519 signature")]
    Signature,
    /// The signing form, signature included, has more than [`UNITS_MAX`](crate::limits::UNITS_MAX) units.
    #[error("message of {units} UTF-16 units exceeds 8192")]
    TooLong {
        /// Its UTF-16 code units.
        units: usize,
    },
}
