//! The files of a new LevelDB.

use zeroize::Zeroizing;

use super::Files;
use super::files::WRITTEN;
use super::input::put_string;
use super::journal;
use super::manifest;

/// A LevelDB with these entries, as one looks that was closed before its first table was written.
///
/// # Panics
///
/// If they have more than some 32 KiB together. What is made here is short.
pub fn create<'a>(entries: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) -> Files {
    let (mut batch, mut count) = (Zeroizing::new(Vec::new()), 0_u32);
    for (key, value) in entries {
        batch.push(WRITTEN);
        put_string(key, &mut batch);
        put_string(value, &mut batch);
        count += 1;
    }
    // The first is the first thing that was ever written.
    let batch = Zeroizing::new([1_u64.to_le_bytes().as_slice(), &count.to_le_bytes(), &batch].concat());
    Files::new([
        ("CURRENT".to_owned(), b"MANIFEST-000001\n".to_vec()),
        ("MANIFEST-000001".to_owned(), manifest::of_journal(2)),
        ("000002.log".to_owned(), journal::of_records(&[&batch])),
    ])
}
