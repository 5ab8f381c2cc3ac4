//! What opens the body of one box.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use ssb_keys::base64;
use ssb_keys::base64::NotCanonical;
use ssb_keys::secretbox;
use ssb_keys::secretbox::TAG_LEN;
use zeroize::Zeroizing;

use crate::limits::HEADER_LEN;
use crate::limits::KEY_LEN;
use crate::limits::NONCE_LEN;
use crate::limits::SLOT_LEN;

/// What every recipient of a box finds in their slot: how many slots there are, and the key of what follows them.
///
/// Whoever has it reads this one box; JavaScript calls it `unbox`. Wiped when dropped, never printed.
#[derive(Clone)]
pub struct ReadKey(Zeroizing<[u8; KEY_LEN]>);

impl ReadKey {
    /// Parses 44 characters of canonical base64, as `unbox` has them.
    ///
    /// # Errors
    ///
    /// [`NotCanonical`] for any other text.
    pub fn parse(text: &str) -> Result<Self, NotCanonical> {
        base64::decode_array(text).map(|bytes| Self(Zeroizing::new(bytes)))
    }

    /// Opens the box that the key belongs to.
    ///
    /// Returns `None` for any other box, and for a damaged one.
    pub fn open(&self, boxed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let nonce = boxed.first_chunk::<NONCE_LEN>()?;
        let [count, key @ ..] = &*self.0;
        // The count is the sender's word: it may point anywhere, also behind the end.
        let body = boxed.get(HEADER_LEN + SLOT_LEN * usize::from(*count)..)?;
        let (tag, text) = body.split_first_chunk::<TAG_LEN>()?;
        let mut plain = Zeroizing::new(text.to_vec());
        secretbox::open(key, nonce, &mut plain, tag).ok()?;
        Some(plain)
    }

    /// The key of these bytes, as [`as_bytes`](Self::as_bytes) has them.
    pub const fn from_bytes(bytes: Zeroizing<[u8; KEY_LEN]>) -> Self {
        Self(bytes)
    }

    /// The count of slots, then the key of the body: a secret.
    pub fn as_bytes(&self) -> &[u8; KEY_LEN] {
        &self.0
    }

    /// The text of the key, in base64: a secret.
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(base64::encode(self.0.as_slice()))
    }

    pub(crate) fn new(count: u8, body_key: &[u8; 32]) -> Self {
        let mut bytes = Zeroizing::new([0; KEY_LEN]);
        let [first, key @ ..] = &mut *bytes;
        (*first, *key) = (count, *body_key);
        Self(bytes)
    }
}

impl fmt::Debug for ReadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadKey").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn a_key_survives_its_text() {
        let key = ReadKey::new(7, &[9; 32]);

        let read = ReadKey::parse(&key.to_text()).unwrap();

        assert_eq!(read.as_bytes(), key.as_bytes());
    }

    #[test]
    fn a_key_of_another_length_is_refused() {
        for len in [0, 32, 34] {
            assert_eq!(ReadKey::parse(&base64::encode(&[1; 34][..len])).unwrap_err(), NotCanonical);
        }
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", ReadKey::new(1, &[9; 32])), "ReadKey { .. }");
    }
}
