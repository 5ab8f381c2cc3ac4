//! `crypto_auth`: HMAC-SHA-512 cut to its first 32 bytes, as libsodium defines it.

use ::hmac::Hmac;
use ::hmac::KeyInit as _;
use ::hmac::Mac as _;
use sha2::Sha512;
use subtle::ConstantTimeEq as _;

use crate::base64;
use crate::base64::NotCanonical;

/// A network's message-signing key, the `caps.sign` of its configuration.
///
/// Messages of a network that has one are signed over their MAC under this key, so that they are worthless elsewhere.
/// The key is known to everybody on its network: it separates networks and hides nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HmacKey([u8; 32]);

impl HmacKey {
    /// A key of these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Parses 44 characters of canonical base64.
    ///
    /// # Errors
    ///
    /// [`NotCanonical`] for any other text.
    pub fn parse(text: &str) -> Result<Self, NotCanonical> {
        base64::decode_array(text).map(Self)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// The MAC of `message` under `key`.
pub fn authenticate(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha512>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    let full = mac.finalize().into_bytes();
    *full.first_chunk().expect("SHA-512 has 64 bytes")
}

/// Whether `tag` is the MAC of `message` under `key`, in constant time.
pub fn check(key: &[u8; 32], message: &[u8], tag: &[u8; 32]) -> bool {
    authenticate(key, message).ct_eq(tag).into()
}
