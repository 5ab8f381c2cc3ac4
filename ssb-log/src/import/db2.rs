//! `db2/log.bipf`: async-append-only-log 4.3.10, with which ssb-db2 stores messages.
//!
//! The file is blocks of [`BLOCK_LEN`] bytes. In a block stand records without gaps, and zeros behind the last:
//!
//! ```text
//! ├────────┼──────────┤
//! │ length │ data ... │        length u16, little endian; 0 where the block ends
//! └────────┴──────────┘
//! ```
//!
//! No record crosses into another block. A deleted record keeps its length and has zeros for data.

use std::io;
use std::io::Read;
use std::io::Seek;

use super::Damage;
use super::Encoding;
use super::Item;
use super::Record;
use super::window::Window;
use super::window::to_u64;

/// How many bytes a block has.
pub const BLOCK_LEN: usize = 64 * 1024;

/// A `log.bipf` that is being read, from its start to its end.
#[derive(Debug)]
pub struct Db2<R> {
    window: Window<R>,
    /// Where the next record, or the end of a block, starts.
    at: u64,
}

impl<R: Read + Seek> Db2<R> {
    /// Opens a log.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn open(input: R) -> io::Result<Self> {
        Ok(Self { window: Window::new(input)?, at: 0 })
    }

    /// How many bytes the file has.
    #[must_use]
    pub const fn file_len(&self) -> u64 {
        self.window.len()
    }

    fn step(&mut self) -> io::Result<Option<Item>> {
        while self.at < self.window.len() {
            let block_end = (self.at / to_u64(BLOCK_LEN) + 1).saturating_mul(to_u64(BLOCK_LEN));
            if let Some(item) =
                self.step_in(block_end.min(self.window.len()), block_end >= self.window.len())?
            {
                return Ok(Some(item));
            }
        }
        Ok(None)
    }

    /// What comes next in a block, which the file may have only in part; `None` if it ends.
    fn step_in(&mut self, end: u64, is_last: bool) -> io::Result<Option<Item>> {
        let offset = self.at;
        let is_whole = end.is_multiple_of(to_u64(BLOCK_LEN));
        let Some(length) = self.window.get(offset, LENGTH_LEN)?.filter(|_| offset + LENGTH_BYTES <= end)
        else {
            self.at = end;
            return Ok((!is_whole).then(|| Item::Torn { offset, len: end - offset }));
        };
        let len = little_endian(length);
        if len == 0 {
            return self.end_block(end, is_last);
        }
        let next = offset + LENGTH_BYTES + u64::from(len);
        if next > end {
            self.at = end;
            let len = end - offset;
            return Ok(Some(if is_last {
                Item::Torn { offset, len }
            } else {
                Item::Damaged { offset, len, why: Damage::Unframed }
            }));
        }
        let data = self.window.get(offset + LENGTH_BYTES, usize::from(len))?;
        let data = data.ok_or(io::ErrorKind::UnexpectedEof)?;
        self.at = next;
        let len = next - offset;
        Ok(Some(if data.iter().all(|byte| *byte == 0) {
            Item::Deleted { offset, len }
        } else {
            Item::Record(Record { offset, len, encoding: Encoding::Bipf, bytes: data.to_vec() })
        }))
    }

    // Behind the last record are only zeros, and only behind a record: else something was lost here.
    fn end_block(&mut self, end: u64, is_last: bool) -> io::Result<Option<Item>> {
        let offset = self.at;
        let is_empty = offset.is_multiple_of(to_u64(BLOCK_LEN));
        let rest = usize::try_from(end - offset).unwrap_or(usize::MAX);
        let rest = self.window.get(offset, rest)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        self.at = end;
        if !is_empty && rest.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let len = end - offset;
        Ok(Some(if is_last {
            Item::Torn { offset, len }
        } else {
            Item::Damaged { offset, len, why: Damage::Unframed }
        }))
    }
}

impl<R: Read + Seek> Iterator for Db2<R> {
    type Item = io::Result<Item>;

    fn next(&mut self) -> Option<io::Result<Item>> {
        let item = self.step();
        if item.is_err() {
            // Nothing more can be said of the file.
            self.at = self.window.len();
        }
        item.transpose()
    }
}

fn little_endian(bytes: &[u8]) -> u16 {
    bytes.first_chunk().map_or(0, |bytes| u16::from_le_bytes(*bytes))
}

/// How many bytes a length has.
const LENGTH_LEN: usize = 2;
const LENGTH_BYTES: u64 = 2;
