//! Signatures, as 64 bytes and as text.

use core::fmt;
use core::str::FromStr;

use thiserror::Error;

use crate::base64;

/// An ed25519 signature: 64 bytes, not yet checked against anything.
///
/// Text: 88 characters of canonical base64 and `.sig.ed25519`. JavaScript also takes 65 and 66 bytes and checks the
/// first 64, so that a relay could give a stranger's message a second id; we take exactly 64.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature([u8; 64]);

impl Signature {
    /// A signature of these bytes.
    pub const fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// Parses the text form.
    ///
    /// # Errors
    ///
    /// [`ParseSignatureError`] for anything but canonical base64 of 64 bytes with the suffix.
    pub fn parse(text: &str) -> Result<Self, ParseSignatureError> {
        let digits = text.strip_suffix(SUFFIX).ok_or(ParseSignatureError)?;
        base64::decode_array(digits).map(Self).map_err(|_| ParseSignatureError)
    }

    /// The 64 bytes: R, then S.
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

impl FromStr for Signature {
    type Err = ParseSignatureError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; 88];
        write!(f, "{}{SUFFIX}", base64::encode_into(&self.0, &mut text))
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is not a signature. Whoever wrote it is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a signature of 64 bytes ending in `.sig.ed25519`")]
pub struct ParseSignatureError;

const SUFFIX: &str = ".sig.ed25519";
