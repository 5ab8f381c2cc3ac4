//! Reads a small LevelDB, and makes a new one: JavaScript keeps keys in such a directory (level 6.0.1, leveldown 5.6.0).
//!
//! What stands in one is loaded at once, and never changed. While another program has it open, it must not be loaded.
//!
//! ```text
//! CURRENT          the name of the manifest
//! MANIFEST-000002  a journal of edits: which tables there are, and from which journal on there is something new
//! 000005.ldb       a table: entries in the order of their keys, of which older ones may have other values
//! 000006.log       a journal of batches: what was written since
//! ```
//!
//! ```
//! use ssb_log::leveldb;
//! use ssb_log::leveldb::Files;
//!
//! let files: Files = leveldb::create([(b"key".as_slice(), b"value".as_slice())]);
//! let entries = files.entries(|key| key == b"key")?;
//! assert_eq!(**entries[b"key".as_slice()], *b"value");
//! # Ok::<(), leveldb::ReadError>(())
//! ```

mod create;
mod files;
mod input;
mod journal;
mod manifest;
mod snappy;
mod table;

pub use create::create;
pub use files::Entries;
pub use files::Files;
pub use files::LoadError;
pub use files::ReadError;
pub use files::TOTAL_LEN_MAX;
pub use table::BLOCK_LEN_MAX;

/// The checksum of something: LevelDB does not store a CRC-32C as it is, so that one of bytes that hold one is of use.
fn checksum(pieces: &[&[u8]]) -> u32 {
    let crc = pieces.iter().fold(0, |crc, piece| crc32c::crc32c_append(crc, piece));
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}
