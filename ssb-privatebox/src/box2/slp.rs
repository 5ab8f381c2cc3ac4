//! Several byte strings as one, so that no two lists have the same: shallow length-prefixed encoding (envelope-spec 1.1.1).

use alloc::vec::Vec;

/// The items, each behind its length as a little-endian `u16`.
///
/// # Panics
///
/// If an item is longer than 65,535 bytes. Ours are ids and labels.
pub(super) fn encode<'a>(items: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut encoded = Vec::new();
    for item in items {
        let len = u16::try_from(item.len()).expect("ids and labels are short");
        encoded.extend_from_slice(&len.to_le_bytes());
        encoded.extend_from_slice(item);
    }
    encoded
}
