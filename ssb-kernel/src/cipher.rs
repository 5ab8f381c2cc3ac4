//! Secret boxes.

use core::fmt;

use thiserror::Error;
use zeroize::Zeroizing;

use crate::Backend;
use crate::portable;

/// The length of a tag in bytes.
pub const TAG_LEN: usize = 16;

/// XSalsa20-Poly1305 under one key, detached: NaCl's `secretbox` with the tag apart from the text.
///
/// What depends on the key and the first 16 bytes of the nonce only is kept from one box to the next: nonces that count
/// cost less than others.
#[derive(Clone)]
pub struct Cipher {
    key: Zeroizing<[u8; 32]>,
    subkey: Option<Subkey>,
    backend: Backend,
}

impl Cipher {
    /// With the [best](Backend::best) code.
    pub fn new(key: &[u8; 32]) -> Self {
        Self::on(Backend::best(), key)
    }

    /// With this code.
    pub fn on(backend: Backend, key: &[u8; 32]) -> Self {
        Self { key: Zeroizing::new(*key), subkey: None, backend }
    }

    /// Encrypts `text` in place and returns its tag.
    ///
    /// A pair of key and nonce must never seal two different texts.
    pub fn seal(&mut self, nonce: &[u8; 24], text: &mut [u8]) -> [u8; TAG_LEN] {
        let backend = self.backend;
        let (subkey, nonce) = self.under(nonce);
        backend.seal(subkey, nonce, text)
    }

    /// Checks `tag` and decrypts `text` in place; leaves it as it is on failure.
    ///
    /// # Errors
    ///
    /// [`Forged`] if the tag does not match: another key or nonce, or altered bytes.
    pub fn open(&mut self, nonce: &[u8; 24], text: &mut [u8], tag: &[u8; TAG_LEN]) -> Result<(), Forged> {
        let backend = self.backend;
        let (subkey, nonce) = self.under(nonce);
        backend.open(subkey, nonce, text, tag)
    }

    // XSalsa20 is Salsa20 under a key for the first 16 bytes of the nonce.
    fn under<'a>(&'a mut self, nonce: &'a [u8; 24]) -> (&'a [u8; 32], &'a [u8; 8]) {
        let prefix = nonce.first_chunk().expect("a nonce has 24 bytes");
        let rest = nonce.last_chunk().expect("a nonce has 24 bytes");
        let Self { key, subkey, .. } = self;
        let known = subkey.take().filter(|subkey| subkey.prefix == *prefix);
        let new = || Subkey { prefix: *prefix, bytes: portable::subkey(key, prefix) };
        (&subkey.insert(known.unwrap_or_else(new)).bytes, rest)
    }
}

impl fmt::Debug for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cipher").field("backend", &self.backend.name()).finish_non_exhaustive()
    }
}

// What a key becomes for all nonces that begin with `prefix`.
#[derive(Clone)]
struct Subkey {
    prefix: [u8; 16],
    bytes: Zeroizing<[u8; 32]>,
}

/// A box that does not open: another key or nonce, or altered bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("secret box failed authentication")]
pub struct Forged;
