//! XSalsa20-Poly1305, detached: NaCl's `secretbox` with the tag apart from the text.

use poly1305::Poly1305;
use salsa20::XSalsa20;
use salsa20::cipher::KeyIvInit as _;
use salsa20::cipher::StreamCipher as _;
use subtle::ConstantTimeEq as _;
use thiserror::Error;
use zeroize::Zeroize as _;

/// The length of a tag in bytes. Attached, it stands in front of the text.
pub const TAG_LEN: usize = 16;

/// Encrypts `text` in place and returns its tag.
///
/// A pair of key and nonce must never seal two different texts.
pub fn seal(key: &[u8; 32], nonce: &[u8; 24], text: &mut [u8]) -> [u8; TAG_LEN] {
    let (mut cipher, mac) = start(key, nonce);
    cipher.apply_keystream(text);
    mac.compute_unpadded(text).into()
}

/// Checks `tag` and decrypts `text` in place; leaves it as it is on failure.
///
/// # Errors
///
/// [`Forged`] if the tag does not match: another key or nonce, or altered bytes.
pub fn open(key: &[u8; 32], nonce: &[u8; 24], text: &mut [u8], tag: &[u8; TAG_LEN]) -> Result<(), Forged> {
    let (mut cipher, mac) = start(key, nonce);
    let expected: [u8; TAG_LEN] = mac.compute_unpadded(text).into();
    if !bool::from(expected.ct_eq(tag)) {
        return Err(Forged);
    }
    cipher.apply_keystream(text);
    Ok(())
}

/// A box that does not open: another key or nonce, or altered bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("secret box failed authentication")]
pub struct Forged;

// The first 32 bytes of the key stream are the key of the MAC; the text starts behind them.
fn start(key: &[u8; 32], nonce: &[u8; 24]) -> (XSalsa20, Poly1305) {
    use poly1305::universal_hash::KeyInit as _;

    let mut cipher = XSalsa20::new(key.into(), nonce.into());
    let mut mac_key = [0; 32];
    cipher.apply_keystream(&mut mac_key);
    let mac = Poly1305::new(&mac_key.into());
    mac_key.zeroize();
    (cipher, mac)
}
