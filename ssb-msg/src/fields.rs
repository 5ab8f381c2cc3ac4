//! What a message says, whether or not its signature has been checked.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use ssb_keys::FeedId;
use ssb_keys::MessageId;
use ssb_keys::Signature;
use ssb_keys::hash;

use crate::content::Content;
use crate::limits::UNITS_MAX;

/// The fields of a message together with the bytes they were read from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fields {
    /// Compact JSON in the message's own key order.
    pub(crate) compact: Box<str>,
    pub(crate) id: MessageId,
    pub(crate) stated: Stated,
}

/// What stands in the JSON of a message, every field by itself well-formed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stated {
    pub(crate) previous: Option<MessageId>,
    pub(crate) author: FeedId,
    pub(crate) sequence: u32,
    pub(crate) timestamp: f64,
    /// Where the content is in the compact JSON: an object, or a string with its quotes.
    pub(crate) content: Range<usize>,
    /// The content's `type`; encrypted content has none.
    pub(crate) content_type: Option<Box<str>>,
    pub(crate) signature: Signature,
}

impl Fields {
    /// Computes the id from the signing form with the signature in it, and cuts that form down to what is signed.
    ///
    /// # Errors
    ///
    /// The number of UTF-16 code units when they are more than [`UNITS_MAX`].
    pub(crate) fn new(compact: &str, mut pretty: String, stated: Stated) -> Result<(Self, String), usize> {
        let low_bytes;
        let hashed = if pretty.is_ascii() {
            pretty.as_bytes()
        } else {
            low_bytes = low_bytes_of_units(&pretty);
            &low_bytes
        };
        if hashed.len() > UNITS_MAX {
            return Err(hashed.len());
        }
        let id = MessageId::from_bytes(hash::sha256(hashed));
        // The signature is the last key: `,\n  "signature": "..."\n}`.
        let signed_len = pretty.len().saturating_sub(SIGNATURE_LINE_LEN);
        pretty.truncate(signed_len);
        pretty.push_str("\n}");
        Ok((Self { compact: compact.into(), id, stated }, pretty))
    }

    pub(crate) fn content(&self) -> Content<'_> {
        let json = self.compact.get(self.stated.content.clone()).unwrap_or_default();
        match &self.stated.content_type {
            Some(type_name) => Content::Object { type_name, json },
            None => Content::Encrypted(json.get(1..json.len().saturating_sub(1)).unwrap_or_default()),
        }
    }
}

/// What Node's "latin1" encoding makes of a string: the low byte of every UTF-16 code unit.
fn low_bytes_of_units(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let ascii_len = rest.bytes().position(|byte| !byte.is_ascii()).unwrap_or(rest.len());
        let (ascii, others) = rest.split_at(ascii_len);
        bytes.extend_from_slice(ascii.as_bytes());
        let mut chars = others.chars();
        if let Some(char) = chars.next() {
            let mut units = [0; 2];
            bytes.extend(char.encode_utf16(&mut units).iter().map(|unit| unit.to_le_bytes()[0]));
        }
        rest = chars.as_str();
    }
    bytes
}

/// Gives a type with `fields: Fields` the methods that read them.
macro_rules! accessors {
    () => {
        /// The SHA-256 of the signing form with the signature in it.
        pub fn id(&self) -> ssb_keys::MessageId {
            self.fields.id
        }

        /// Whose feed it is in.
        pub fn author(&self) -> ssb_keys::FeedId {
            self.fields.stated.author
        }

        /// Its place in the feed, from 1 to [`SEQUENCE_MAX`](crate::limits::SEQUENCE_MAX).
        pub fn sequence(&self) -> u32 {
            self.fields.stated.sequence
        }

        /// The id of the message before it; `None` for the first and only for the first.
        pub fn previous(&self) -> Option<ssb_keys::MessageId> {
            self.fields.stated.previous
        }

        /// When its author says it was made, in milliseconds since 1970: any finite number.
        pub fn timestamp(&self) -> f64 {
            self.fields.stated.timestamp
        }

        /// The signature.
        pub fn signature(&self) -> ssb_keys::Signature {
            self.fields.stated.signature
        }

        /// Compact JSON of the message in its own key order: what is kept and passed on.
        ///
        /// For nearly every message these are the bytes it was parsed from.
        pub fn compact(&self) -> &[u8] {
            self.fields.compact.as_bytes()
        }

        /// [`compact`](Self::compact) as text.
        pub fn json(&self) -> &str {
            &self.fields.compact
        }

        /// What the author wanted to say.
        pub fn content(&self) -> crate::content::Content<'_> {
            self.fields.content()
        }
    };
}
pub(crate) use accessors;

/// The length of `,\n  "signature": "<88>.sig.ed25519"\n}`.
const SIGNATURE_LINE_LEN: usize = 18 + SIGNATURE_TEXT_LEN + 3;

const SIGNATURE_TEXT_LEN: usize = 88 + ".sig.ed25519".len();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_gives_its_low_byte() {
        assert_eq!(low_bytes_of_units("aé\u{141}😀"), [0x61, 0xe9, 0x41, 0x3d, 0x00]);
    }
}
