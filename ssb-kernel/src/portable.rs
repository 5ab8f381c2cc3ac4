//! The safe twin of every kernel: the crates salsa20 and poly1305.

use poly1305::Poly1305;
use poly1305::universal_hash::KeyInit as _;
use salsa20::Salsa20;
use salsa20::cipher::KeyIvInit as _;
use salsa20::cipher::StreamCipher as _;
use salsa20::cipher::consts::U10;
use salsa20::hsalsa;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::cipher::Forged;
use crate::cipher::TAG_LEN;

/// HSalsa20: the key for all nonces with this prefix (D. J. Bernstein, "Extending the Salsa20 nonce").
pub(crate) fn subkey(key: &[u8; 32], prefix: &[u8; 16]) -> Zeroizing<[u8; 32]> {
    // Ten times two rounds.
    Zeroizing::new(hsalsa::<U10>(key.into(), prefix.into()).into())
}

pub(crate) fn seal(subkey: &[u8; 32], nonce: &[u8; 8], text: &mut [u8]) -> [u8; TAG_LEN] {
    let (mut cipher, mac_key) = start(subkey, nonce);
    cipher.apply_keystream(text);
    tag(&mac_key, text)
}

pub(crate) fn open(
    subkey: &[u8; 32],
    nonce: &[u8; 8],
    text: &mut [u8],
    tag: &[u8; TAG_LEN],
) -> Result<(), Forged> {
    let (mut cipher, mac_key) = start(subkey, nonce);
    if !bool::from(self::tag(&mac_key, text).ct_eq(tag)) {
        return Err(Forged);
    }
    cipher.apply_keystream(text);
    Ok(())
}

// The first 32 bytes of the key stream are the key of the MAC; the text starts behind them.
fn start(subkey: &[u8; 32], nonce: &[u8; 8]) -> (Salsa20, Zeroizing<[u8; 32]>) {
    let mut cipher = Salsa20::new(subkey.into(), nonce.into());
    let mut mac_key = Zeroizing::new([0; 32]);
    cipher.apply_keystream(mac_key.as_mut_slice());
    (cipher, mac_key)
}

pub(crate) fn tag(key: &[u8; 32], text: &[u8]) -> [u8; TAG_LEN] {
    Poly1305::new(key.into()).compute_unpadded(text).into()
}
