//! Standard base64, canonical only.
//!
//! Canonical means: the standard alphabet, padding present, unused low bits of the last character zero, and nothing
//! else anywhere, not even a final line feed. Two texts that differ never mean the same bytes, so a reference has one
//! spelling. Rule: ssb-ref 2.16.0 and is-canonical-base64 1.1.1.

use alloc::string::String;
use alloc::vec::Vec;

use ::base64::Engine as _;
use ::base64::engine::general_purpose::STANDARD;
use ::base64::engine::general_purpose::URL_SAFE;
use thiserror::Error;

/// The text of `bytes`, with padding.
pub fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The bytes of a canonical text.
///
/// # Errors
///
/// [`NotCanonical`] for any other text.
pub fn decode(text: &str) -> Result<Vec<u8>, NotCanonical> {
    STANDARD.decode(text).map_err(|_| NotCanonical)
}

/// Exactly `N` bytes from a canonical text, without an allocation.
///
/// # Errors
///
/// [`NotCanonical`] for any other text, also for a canonical one of another length.
pub fn decode_array<const N: usize>(text: &str) -> Result<[u8; N], NotCanonical> {
    decode_array_with(&STANDARD, text)
}

/// Whether `text` is canonical base64.
///
/// Allocates nothing. The empty text is canonical: it is the text of no bytes.
pub fn is_canonical(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = match bytes {
        _ if !bytes.len().is_multiple_of(4) => return false,
        [digits @ .., b'=', b'='] if matches!(digits.last(), Some(b'A' | b'Q' | b'g' | b'w')) => digits,
        [.., b'=', b'='] => return false,
        [digits @ .., b'='] if digits.last().is_some_and(|last| b"AEIMQUYcgkosw048".contains(last)) => digits,
        [.., b'='] => return false,
        digits => digits,
    };
    digits.iter().all(|&digit| digit.is_ascii_alphanumeric() || digit == b'+' || digit == b'/')
}

/// A text that is not canonical base64, or not of the wanted length. Whoever wrote it is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not canonical base64 of the expected length")]
pub struct NotCanonical;

pub(crate) fn encode_into<'a, const N: usize>(bytes: &[u8], out: &'a mut [u8; N]) -> &'a str {
    let len = STANDARD.encode_slice(bytes, out).expect("callers size `out` for `bytes`");
    core::str::from_utf8(out.get(..len).expect("the length written")).expect("base64 is ASCII")
}

pub(crate) fn encode_url_safe(bytes: &[u8]) -> String {
    URL_SAFE.encode(bytes)
}

pub(crate) fn decode_array_url_safe<const N: usize>(text: &str) -> Result<[u8; N], NotCanonical> {
    decode_array_with(&URL_SAFE, text)
}

fn decode_array_with<const N: usize>(
    engine: &impl ::base64::Engine,
    text: &str,
) -> Result<[u8; N], NotCanonical> {
    if text.len() != N.div_ceil(3) * 4 {
        return Err(NotCanonical);
    }
    let mut bytes = [0; N];
    match engine.decode_slice(text, &mut bytes) {
        Ok(len) if len == N => Ok(bytes),
        _ => Err(NotCanonical),
    }
}
