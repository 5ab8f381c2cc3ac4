//! Boxes as text: what stands in a private message instead of its content.
//!
//! Canonical base64, then `.box`.

use alloc::string::String;
use alloc::vec::Vec;

use ssb_keys::FeedId;
use ssb_keys::Keypair;

use crate::Opened;
use crate::SealError;
use crate::suffixed;

/// Seals `plain` for up to [`RECIPIENTS_MAX`](crate::limits::RECIPIENTS_MAX) recipients, as [`seal`](crate::seal()) does.
///
/// # Errors
///
/// [`SealError`] if there are no recipients or too many, or if one of them has no usable key.
pub fn seal(plain: &[u8], recipients: &[FeedId], seed: &[u8; 32]) -> Result<String, SealError> {
    crate::seal(plain, recipients, seed).map(|boxed| encode(&boxed))
}

/// Opens the content of a message, if it is a box for `me`.
///
/// Returns `None` if it is for others, damaged, or no box at all, and never says which.
pub fn open(content: &str, me: &Keypair) -> Option<Opened> {
    crate::open(&decode(content)?, me)
}

/// The text of a box.
pub fn encode(boxed: &[u8]) -> String {
    suffixed::encode(boxed, SUFFIX)
}

/// The box of a text. Whether it is one at all shows when it is opened.
///
/// The text has to end with `.box`, and what stands before its *first* dot counts (ssb-private1 1.0.1, ssb-keys 8.5.0):
/// validators let anything through between the two.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    suffixed::decode(text, SUFFIX)
}

const SUFFIX: &str = ".box";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_survives_its_text() {
        for boxed in [b"".as_slice(), b"x", b"xy", b"xyz"] {
            assert_eq!(decode(&encode(boxed)).as_deref(), Some(boxed));
        }
    }

    #[test]
    fn the_text_ends_with_box_and_nothing_else() {
        assert_eq!(encode(b"xyz"), "eHl6.box");
        for text in ["eHl6", "eHl6.box2", "eHl6.boxes", "eHl6.box ", "eHl6.BOX", "eHl6box", ""] {
            assert_eq!(decode(text), None, "{text:?}");
        }
    }

    #[test]
    fn what_stands_between_the_first_dot_and_the_suffix_is_skipped() {
        assert_eq!(decode("eHl6.box.é.box").as_deref(), Some(b"xyz".as_slice()));
    }

    #[test]
    fn base64_that_is_not_canonical_is_no_box() {
        for text in ["eHl.box", "eHk.box", "eHl=.box", "eHl6\n.box", "@eHl6.box", "eHl-.box", " eHl6.box"] {
            assert_eq!(decode(text), None, "{text:?}");
        }
    }
}
