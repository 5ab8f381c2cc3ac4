//! XSalsa20-Poly1305, detached: NaCl's `secretbox` with the tag apart from the text.

use core::fmt;

use thiserror::Error;

/// The length of a tag in bytes. Attached, it stands in front of the text.
pub const TAG_LEN: usize = ssb_kernel::TAG_LEN;

/// Encrypts `text` in place and returns its tag.
///
/// A pair of key and nonce must never seal two different texts.
pub fn seal(key: &[u8; 32], nonce: &[u8; 24], text: &mut [u8]) -> [u8; TAG_LEN] {
    Cipher::new(key).seal(nonce, text)
}

/// Checks `tag` and decrypts `text` in place; leaves it as it is on failure.
///
/// # Errors
///
/// [`Forged`] if the tag does not match: another key or nonce, or altered bytes.
pub fn open(key: &[u8; 32], nonce: &[u8; 24], text: &mut [u8], tag: &[u8; TAG_LEN]) -> Result<(), Forged> {
    Cipher::new(key).open(nonce, text, tag)
}

/// A key for many boxes, of which those with the same first 16 bytes of the nonce share some work. Wiped when dropped, never
/// printed.
#[derive(Clone)]
pub struct Cipher(ssb_kernel::Cipher);

impl Cipher {
    /// Nothing is computed yet.
    pub fn new(key: &[u8; 32]) -> Self {
        Self(ssb_kernel::Cipher::new(key))
    }

    /// As [`seal`].
    ///
    /// A pair of key and nonce must never seal two different texts.
    pub fn seal(&mut self, nonce: &[u8; 24], text: &mut [u8]) -> [u8; TAG_LEN] {
        self.0.seal(nonce, text)
    }

    /// As [`open`].
    ///
    /// # Errors
    ///
    /// [`Forged`] if the tag does not match: another key or nonce, or altered bytes.
    pub fn open(&mut self, nonce: &[u8; 24], text: &mut [u8], tag: &[u8; TAG_LEN]) -> Result<(), Forged> {
        self.0.open(nonce, text, tag).map_err(|ssb_kernel::Forged| Forged)
    }
}

impl fmt::Debug for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cipher").finish_non_exhaustive()
    }
}

/// A box that does not open: another key or nonce, or altered bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("secret box failed authentication")]
pub struct Forged;
