//! What a network signs.

use alloc::borrow::Cow;

use ssb_keys::hmac;
use ssb_keys::hmac::HmacKey;

/// How messages of one network are signed.
///
/// The main network signs the text of a message itself. A network whose configuration has a `caps.sign` signs the MAC
/// of the text under that key, so that its messages are worthless elsewhere. The id of a message is the same in both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signing {
    key: Option<HmacKey>,
}

impl Signing {
    /// As the main network does it: without a key.
    pub const fn plain() -> Self {
        Self { key: None }
    }

    /// Under the `caps.sign` of a network.
    pub const fn keyed(key: HmacKey) -> Self {
        Self { key: Some(key) }
    }

    /// The bytes that the signature is over.
    pub(crate) fn bytes<'a>(&self, text: &'a str) -> Cow<'a, [u8]> {
        match &self.key {
            None => Cow::Borrowed(text.as_bytes()),
            Some(key) => Cow::Owned(hmac::authenticate(key.as_bytes(), text.as_bytes()).to_vec()),
        }
    }
}
