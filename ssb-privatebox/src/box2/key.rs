//! What opens one box.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use ssb_keys::CloakedId;
use ssb_keys::MessageId;
use ssb_keys::base64;
use ssb_keys::base64::NotCanonical;
use ssb_keys::bfe::Id;
use ssb_keys::hkdf;
use ssb_keys::secretbox;
use ssb_keys::secretbox::TAG_LEN;
use zeroize::Zeroizing;

use super::Place;
use super::limits::HEADER_LEN;
use super::limits::NONCE;
use super::slp;

/// What every recipient of a box finds: the key of its header and its body.
///
/// Whoever has it reads this one box. Wiped when dropped, never printed.
#[derive(Clone)]
pub struct ReadKey(Zeroizing<[u8; 32]>);

impl ReadKey {
    /// Parses 44 characters of canonical base64.
    ///
    /// # Errors
    ///
    /// [`NotCanonical`] for any other text.
    pub fn parse(text: &str) -> Result<Self, NotCanonical> {
        base64::decode_array(text).map(|bytes| Self(Zeroizing::new(bytes)))
    }

    /// Opens the box that the key belongs to, in its place.
    ///
    /// Returns `None` for any other box, and for a damaged one.
    pub fn open(&self, boxed: &[u8], place: &Place) -> Option<Zeroizing<Vec<u8>>> {
        let header = self.header(boxed.first_chunk()?, place)?;
        // The sender's word: it may point anywhere, also behind the end.
        let body = boxed.get(usize::from(header.body_at)..)?;
        let (tag, text) = body.split_first_chunk::<TAG_LEN>()?;
        let mut plain = Zeroizing::new(text.to_vec());
        secretbox::open(&self.body_key(place), &NONCE, &mut plain, tag).ok()?;
        Some(plain)
    }

    /// What those who can read the message call it: this key has to be that of its box.
    pub fn cloak(&self, message: MessageId) -> CloakedId {
        let info = slp::encode([b"cloaked_msg_id".as_slice(), &Id::Message(message).encode()]);
        CloakedId::from_bytes(*hkdf::expand(&self.0, &info))
    }

    /// The key of these bytes, as [`as_bytes`](Self::as_bytes) has them.
    pub const fn from_bytes(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(bytes)
    }

    /// The bytes of the key: a secret.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The text of the key, in base64: a secret.
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(base64::encode(self.0.as_slice()))
    }

    pub(super) fn of_message_key(message_key: &[u8; 32], place: &Place) -> Self {
        Self(place.derive(message_key, &["read_key"]))
    }

    /// What the header says, if it is the header that the key belongs to.
    pub(super) fn header(&self, sealed: &[u8; HEADER_LEN], place: &Place) -> Option<Header> {
        let (tag, text) = sealed.split_first_chunk::<TAG_LEN>()?;
        let mut text = Zeroizing::new(*text.first_chunk::<TEXT_LEN>()?);
        secretbox::open(&self.header_key(place), &NONCE, text.as_mut_slice(), tag).ok()?;
        // Nothing is known of flags and extensions.
        let [low, high, ..] = *text;
        Some(Header { body_at: u16::from_le_bytes([low, high]) })
    }

    pub(super) fn header_key(&self, place: &Place) -> Zeroizing<[u8; 32]> {
        place.derive(&self.0, &["header_key"])
    }

    pub(super) fn body_key(&self, place: &Place) -> Zeroizing<[u8; 32]> {
        place.derive(&self.0, &["body_key"])
    }
}

impl fmt::Debug for ReadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadKey").finish_non_exhaustive()
    }
}

/// What the header of a box says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Where the body starts, counted from the start of the box.
    pub(super) body_at: u16,
}

impl Header {
    /// The sealed header of a box.
    pub(super) fn seal(self, key: &ReadKey, place: &Place) -> [u8; HEADER_LEN] {
        let [low, high] = self.body_at.to_le_bytes();
        let mut sealed = [0; HEADER_LEN];
        let (tag, text) = sealed.split_first_chunk_mut::<TAG_LEN>().expect("a header is longer than a tag");
        text.iter_mut().zip([low, high]).for_each(|(to, from)| *to = from);
        *tag = secretbox::seal(&key.header_key(place), &NONCE, text);
        sealed
    }
}

const TEXT_LEN: usize = HEADER_LEN - TAG_LEN;

#[cfg(test)]
mod tests {
    use alloc::format;

    use ssb_keys::FeedId;

    use super::*;

    #[test]
    fn a_key_survives_its_text() {
        let key = ReadKey(Zeroizing::new([9; 32]));

        assert_eq!(*ReadKey::parse(&key.to_text()).unwrap().0, *key.0);
    }

    #[test]
    fn a_key_of_another_length_is_refused() {
        for len in [0, 31, 33] {
            assert_eq!(ReadKey::parse(&base64::encode(&[1; 33][..len])).unwrap_err(), NotCanonical);
        }
    }

    #[test]
    fn a_header_says_where_the_body_is_to_whoever_has_the_key() {
        let (key, place) = (ReadKey(Zeroizing::new([9; 32])), Place::new(FeedId::from_bytes([1; 32]), None));
        let header = Header { body_at: 0x0120 };

        let sealed = header.seal(&key, &place);

        assert_eq!(key.header(&sealed, &place), Some(header));
        assert_eq!(ReadKey(Zeroizing::new([8; 32])).header(&sealed, &place), None);
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", ReadKey(Zeroizing::new([9; 32]))), "ReadKey { .. }");
    }
}
