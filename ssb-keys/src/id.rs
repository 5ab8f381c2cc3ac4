//! What the three classic kinds of id have in common.

use thiserror::Error;

/// Why a text is not an id of the wanted kind. Whoever wrote the text is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseIdError {
    /// It does not start with the sigil of its kind.
    #[error("id does not start with `{sigil}`")]
    Sigil {
        /// The sigil that was expected.
        sigil: char,
    },
    /// It does not end with the suffix of its kind.
    #[error("id does not end with `{suffix}`")]
    Suffix {
        /// The suffix that was expected, with its dot.
        suffix: &'static str,
    },
    /// What stands between is not the canonical base64 of 32 bytes.
    #[error("id is not canonical base64 of 32 bytes")]
    Base64,
}

/// Takes `text` apart into its 32 bytes.
pub(crate) fn parse(text: &str, sigil: char, suffix: &'static str) -> Result<[u8; 32], ParseIdError> {
    let rest = text.strip_prefix(sigil).ok_or(ParseIdError::Sigil { sigil })?;
    let digits = rest.strip_suffix(suffix).ok_or(ParseIdError::Suffix { suffix })?;
    crate::base64::decode_array(digits).map_err(|_| ParseIdError::Base64)
}

/// Defines an id: 32 bytes with a sigil text.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $sigil:literal, $suffix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 32]);

        impl $name {
            /// The length of the sigil text in bytes.
            pub const TEXT_LEN: usize = 1 + 44 + $suffix.len();

            /// An id of these bytes.
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// Parses the sigil text.
            ///
            /// # Errors
            ///
            /// [`ParseIdError`](crate::ParseIdError) says which part of the text is wrong.
            pub fn parse(text: &str) -> Result<Self, crate::ParseIdError> {
                crate::id::parse(text, $sigil, $suffix).map(Self)
            }

            /// The 32 bytes.
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl core::str::FromStr for $name {
            type Err = crate::ParseIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }

        /// The sigil text.
        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                let mut text = [0; 44];
                write!(f, concat!($sigil, "{}", $suffix), crate::base64::encode_into(&self.0, &mut text))
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                core::fmt::Display::fmt(self, f)
            }
        }
    };
}
pub(crate) use id;
