//! Bytes as the text of which the end says what they are.

use alloc::string::String;
use alloc::vec::Vec;

use ssb_keys::base64;

pub(crate) fn encode(bytes: &[u8], suffix: &str) -> String {
    let mut text = base64::encode(bytes);
    text.push_str(suffix);
    text
}

/// What stands before the first dot, if the text ends with the suffix.
pub(crate) fn decode(text: &str, suffix: &str) -> Option<Vec<u8>> {
    let (digits, _) = text.ends_with(suffix).then(|| text.split_once('.'))??;
    base64::decode(digits).ok()
}
