//! Sorted entries of an index in a file: which records have a key.
//!
//! ```text
//! header   0          8         12      16     20     24        56        60
//!          ├──────────┼─────────┼───────┼──────┼──────┼─────────┼─────────┤
//!          │"ssb-run\n"│ version │ index │ from │ to   │ last id │ CRC-32C │   of the 56 bytes before it
//!          └──────────┴─────────┴───────┴──────┴──────┴─────────┴─────────┘
//! blocks   each: u32 CRC-32C, then entries
//! table    for each block: u64 first key, u32 its record, u32 length; and the offset of the first block is 60
//! footer   u64 offset of the table, u32 blocks, u32 CRC-32C of header, table and the 12 bytes before it
//! ```
//!
//! Little endian. An entry is a key and the ordinal of a record; entries are sorted by both and no two are equal. In a block
//! each key is written as what it is more than the one before it, and each ordinal too if the key is the same, as numbers of
//! 7 bits a byte, the lowest first. The CRC of a block is seeded with that of the header and its place, so that a block of
//! another file, or in another place, is no block.
//!
//! `index` is four ASCII letters. `last id` is the id of the last record that the file covers: a file of another log, or of
//! this one before it was cut, is told by it.

mod block;
pub(crate) mod merge;
mod read;
mod write;

use thiserror::Error;

use crate::segments::Stretch;
use crate::storage::IoError;

pub(crate) use self::block::BLOCK_LEN;
pub(crate) use self::read::Run;
pub(crate) use self::write::RunWriter;

/// Which record has which key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Posting {
    pub(crate) key: u64,
    pub(crate) at: u32,
}

/// What a file says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// The index, in four letters.
    pub(crate) index: [u8; 4],
    pub(crate) stretch: Stretch,
    /// The id of the last record of the stretch.
    pub(crate) last: [u8; 32],
}

/// Why a file of an index cannot be used. It is made anew from the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum RunError {
    /// Its bytes are not what was written, or another version wrote it, or it is of another log.
    #[error("index is damaged")]
    Damaged,
    /// The system says no.
    #[error(transparent)]
    Io(#[from] IoError),
}

impl From<std::io::Error> for RunError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error.into())
    }
}

const MAGIC: &[u8; 8] = b"ssb-run\n";

/// The format that is written and read here.
const VERSION: u32 = 1;

pub(crate) const HEADER_LEN: usize = 60;

const FOOTER_LEN: usize = 16;

const TABLE_ENTRY_LEN: usize = 16;

impl Header {
    pub(crate) fn to_bytes(self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        let fields: [&[u8]; 6] = [
            MAGIC,
            &VERSION.to_le_bytes(),
            &self.index,
            &self.stretch.from.to_le_bytes(),
            &self.stretch.to.to_le_bytes(),
            &self.last,
        ];
        let mut rest = bytes.as_mut_slice();
        for field in fields {
            let (place, behind) = rest.split_at_mut(field.len());
            place.copy_from_slice(field);
            rest = behind;
        }
        let (text, crc) = bytes.split_at_mut(HEADER_LEN - 4);
        crc.copy_from_slice(&crc32c::crc32c(text).to_le_bytes());
        bytes
    }

    /// `None` if it is not one that is written here.
    pub(crate) fn parse(bytes: &[u8; HEADER_LEN]) -> Option<Self> {
        let (_, rest) = bytes.split_first_chunk::<8>()?;
        let (_, rest) = rest.split_first_chunk::<4>()?;
        let (index, rest) = rest.split_first_chunk::<4>()?;
        let (from, rest) = rest.split_first_chunk::<4>()?;
        let (to, rest) = rest.split_first_chunk::<4>()?;
        let stretch = Stretch { from: u32::from_le_bytes(*from), to: u32::from_le_bytes(*to) };
        let header = Self { index: *index, stretch, last: *rest.first_chunk::<32>()? };
        (header.to_bytes() == *bytes).then_some(header)
    }
}
