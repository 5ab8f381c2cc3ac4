//! Ids as bytes that say what they are: a type, a format, and the 32 bytes (SIP 8, "Binary Field Encodings").

use thiserror::Error;

use crate::BlobId;
use crate::FeedId;
use crate::MessageId;

/// The length of an encoded id.
pub const LEN: usize = 34;

/// An id of one of the formats we know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Id {
    /// A classic feed: type 0, format 0.
    Feed(FeedId),
    /// A classic message: type 1, format 0.
    Message(MessageId),
    /// A classic blob: type 2, format 0.
    Blob(BlobId),
}

impl Id {
    /// The 34 bytes: type, format, data.
    pub fn encode(&self) -> [u8; LEN] {
        let (kind, data) = match self {
            Self::Feed(id) => (0, id.as_bytes()),
            Self::Message(id) => (1, id.as_bytes()),
            Self::Blob(id) => (2, id.as_bytes()),
        };
        let mut bytes = [0; LEN];
        bytes[0] = kind;
        bytes[2..].copy_from_slice(data);
        bytes
    }

    /// Reads what [`encode`](Self::encode) writes.
    ///
    /// # Errors
    ///
    /// [`UnknownFormat`] for types and formats that are not classic ids.
    pub fn decode(bytes: &[u8; LEN]) -> Result<Self, UnknownFormat> {
        let ([kind, format], data) =
            bytes.split_first_chunk().map(|(head, data)| (*head, data)).unwrap_or_default();
        let data = *data.first_chunk().ok_or(UnknownFormat { kind, format })?;
        match (kind, format) {
            (0, 0) => Ok(Self::Feed(FeedId::from_bytes(data))),
            (1, 0) => Ok(Self::Message(MessageId::from_bytes(data))),
            (2, 0) => Ok(Self::Blob(BlobId::from_bytes(data))),
            _ => Err(UnknownFormat { kind, format }),
        }
    }
}

/// A type and format that is none of ours: made by a newer program, or not an id at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("unknown id of type {kind}, format {format}")]
pub struct UnknownFormat {
    /// The type byte.
    pub kind: u8,
    /// The format byte.
    pub format: u8,
}
