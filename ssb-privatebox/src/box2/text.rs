//! Boxes as text: what stands in a private message instead of its content.
//!
//! Canonical base64, then `.box2`.

use alloc::string::String;
use alloc::vec::Vec;

use super::Opened;
use super::Place;
use super::RecipientKey;
use super::SealError;
use crate::suffixed;

/// Seals `plain` for up to [`RECIPIENTS_MAX`](super::limits::RECIPIENTS_MAX) recipients, as [`seal`](super::seal()) does.
///
/// # Errors
///
/// [`SealError`], as [`seal`](super::seal()) has it.
pub fn seal(
    plain: &[u8],
    place: &Place,
    recipients: &[RecipientKey],
    message_key: &[u8; 32],
) -> Result<String, SealError> {
    super::seal(plain, place, recipients, message_key).map(|boxed| encode(&boxed))
}

/// Opens the content of a message that stands in `place`, if it is a box for one of the keys, as [`open`](super::open()) does.
///
/// Returns `None` if it is for others, from another place, damaged, or no box at all, and never says which.
pub fn open<'a>(
    content: &str,
    place: &Place,
    keys: impl IntoIterator<Item = &'a RecipientKey>,
) -> Option<Opened> {
    super::open(&decode(content)?, place, keys)
}

/// The text of a box.
pub fn encode(boxed: &[u8]) -> String {
    suffixed::encode(boxed, SUFFIX)
}

/// The box of a text. Whether it is one at all shows when it is opened.
///
/// The text has to end with `.box2`, and what stands before its *first* dot counts (ssb-db2 8.1.0): validators let anything
/// through between the two.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    suffixed::decode(text, SUFFIX)
}

const SUFFIX: &str = ".box2";

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
    fn the_text_ends_with_box2_and_nothing_else() {
        assert_eq!(encode(b"xyz"), "eHl6.box2");
        for text in ["eHl6", "eHl6.box", "eHl6.box22", "eHl6.box2 ", "eHl6.BOX2", "eHl6box2", ""] {
            assert_eq!(decode(text), None, "{text:?}");
        }
    }

    #[test]
    fn what_stands_between_the_first_dot_and_the_suffix_is_skipped() {
        assert_eq!(decode("eHl6.box.é.box2").as_deref(), Some(b"xyz".as_slice()));
    }
}
