//! Kernels for CPUs with AVX2: many blocks side by side.

mod poly1305;
mod salsa20;
mod vector;

use subtle::ConstantTimeEq as _;

use crate::cipher::Forged;
use crate::cipher::TAG_LEN;
use salsa20::Stream;

/// A proof that this CPU has AVX2.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Avx2(());

impl Avx2 {
    /// Asks the CPU, the first time. Nothing else makes a value of this type.
    #[inline]
    pub(crate) fn of_this_cpu() -> Option<Self> {
        cpufeatures::new!(avx2, "avx2");
        avx2::get().then_some(Self(()))
    }

    #[expect(unsafe_code, reason = "calls what is compiled for AVX2")]
    pub(crate) fn seal(self, subkey: &[u8; 32], nonce: &[u8; 8], text: &mut [u8]) -> [u8; TAG_LEN] {
        // SAFETY: that `self` exists proves that this CPU has AVX2, and no more is asked.
        unsafe { seal(subkey, nonce, text) }
    }

    #[expect(unsafe_code, reason = "calls what is compiled for AVX2")]
    pub(crate) fn open(
        self,
        subkey: &[u8; 32],
        nonce: &[u8; 8],
        text: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), Forged> {
        // SAFETY: that `self` exists proves that this CPU has AVX2, and no more is asked.
        unsafe { open(subkey, nonce, text, tag) }
    }

    #[cfg(test)]
    #[expect(unsafe_code, reason = "calls what is compiled for AVX2")]
    pub(crate) fn tag(self, mac_key: &[u8; 32], text: &[u8]) -> [u8; TAG_LEN] {
        // SAFETY: that `self` exists proves that this CPU has AVX2, and no more is asked.
        unsafe { poly1305::tag(mac_key, text) }
    }

    #[cfg(test)]
    #[expect(unsafe_code, reason = "calls what is compiled for AVX2")]
    pub(crate) fn eight_blocks(self, subkey: &[u8; 32], nonce: &[u8; 8], number: u64) -> [u8; 512] {
        // SAFETY: that `self` exists proves that this CPU has AVX2, and no more is asked.
        unsafe { salsa20::eight_blocks(subkey, nonce, number) }
    }
}

#[target_feature(enable = "avx2")]
fn seal(subkey: &[u8; 32], nonce: &[u8; 8], text: &mut [u8]) -> [u8; TAG_LEN] {
    let stream = Stream::new(subkey, nonce, text.len());
    stream.xor(text);
    poly1305::tag(&stream.mac_key(), text)
}

#[target_feature(enable = "avx2")]
fn open(subkey: &[u8; 32], nonce: &[u8; 8], text: &mut [u8], tag: &[u8; TAG_LEN]) -> Result<(), Forged> {
    let stream = Stream::new(subkey, nonce, text.len());
    if !bool::from(poly1305::tag(&stream.mac_key(), text).ct_eq(tag)) {
        return Err(Forged);
    }
    stream.xor(text);
    Ok(())
}
