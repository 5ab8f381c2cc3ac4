//! The key that separates one network from another.

use crate::base64;
use crate::base64::NotCanonical;
use crate::hmac;

/// The network key of the handshake, the `caps.shs` of its configuration.
///
/// Peers with different keys cannot greet each other. It is public knowledge on its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkKey([u8; 32]);

impl NetworkKey {
    /// The key of the main network, as ssb-caps 1.1.0 has it.
    pub const MAIN: Self = Self([
        0xd4, 0xa1, 0xcb, 0x88, 0xa6, 0x6f, 0x02, 0xf8, 0xdb, 0x63, 0x5c, 0xe2, 0x64, 0x41, 0xcc, 0x5d, 0xac,
        0x1b, 0x08, 0x42, 0x0c, 0xea, 0xac, 0x23, 0x08, 0x39, 0xb7, 0x55, 0x84, 0x5a, 0x9f, 0xfb,
    ]);

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

    /// The MAC of `message` under this key.
    pub fn authenticate(&self, message: &[u8]) -> [u8; 32] {
        hmac::authenticate(&self.0, message)
    }

    /// Whether `tag` is the MAC of `message` under this key, in constant time.
    pub fn check(&self, message: &[u8], tag: &[u8; 32]) -> bool {
        hmac::check(&self.0, message, tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn main_is_the_key_that_everybody_knows() {
        assert_eq!(NetworkKey::parse("1KHLiKZvAvjbY1ziZEHMXawbCEIM6qwjCDm3VYRan/s="), Ok(NetworkKey::MAIN));
    }
}
