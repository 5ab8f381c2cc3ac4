//! Where the message with an id is.

use ssb_keys::MessageId;

use crate::postings::Index;

/// The index.
pub(crate) const IDS: Index = Index { name: "ids", tag: *b"mids", block_len: 256 };

/// The key of an id: its first 5 bytes, which two of a million messages share once in a million logs. Others can share them
/// on purpose, so whoever asks has to look at the candidates.
pub(crate) fn id_key(id: &MessageId) -> u64 {
    let first: [u8; 8] = *id.as_bytes().first_chunk().expect("an id has 32 bytes");
    u64::from_be_bytes(first) >> 24
}
