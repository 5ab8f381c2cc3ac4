//! Writes a run as its entries come, so that one of any length needs little memory.

use std::io;

use super::HEADER_LEN;
use super::Header;
use super::Posting;
use super::block;
use super::block::BLOCK_LEN;
use crate::storage::Storage;

/// Takes sorted entries, writes them, and in the end what finds them again.
pub(crate) struct RunWriter<'a, F> {
    file: &'a F,
    block_len: usize,
    header_crc: u32,
    /// What is not written yet: whole blocks.
    buffer: Vec<u8>,
    /// Where the buffer belongs.
    offset: u64,
    /// The entries of the block that is being filled, without the first.
    block: Vec<u8>,
    first: Posting,
    last: Option<Posting>,
    table: Vec<u8>,
    blocks: u32,
}

/// How much is written at once.
const BUFFER_LEN: usize = 256 * 1024;

impl<'a, F: Storage> RunWriter<'a, F> {
    /// Starts a file that is empty, with blocks of about so many bytes: at most [`BLOCK_LEN`].
    pub(crate) fn new(file: &'a F, header: Header, block_len: usize) -> Self {
        let buffer = header.to_bytes().to_vec();
        Self {
            file,
            block_len: block_len.min(BLOCK_LEN),
            header_crc: crc32c::crc32c(&buffer),
            buffer,
            offset: 0,
            block: Vec::new(),
            first: Posting { key: 0, at: 0 },
            last: None,
            table: Vec::new(),
            blocks: 0,
        }
    }

    /// Adds an entry that is larger than all before it.
    pub(crate) fn push(&mut self, posting: Posting) -> io::Result<()> {
        if let Some(last) = self.last.filter(|_| self.block.len() < self.block_len) {
            block::push(posting, last, &mut self.block);
        } else {
            self.end_block()?;
            self.first = posting;
        }
        self.last = Some(posting);
        Ok(())
    }

    /// Writes all that is left. The file is not synced.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.end_block()?;
        let table_at = self.offset + u64::try_from(self.buffer.len()).map_err(io::Error::other)?;
        let mut footer = Vec::new();
        footer.extend_from_slice(&table_at.to_le_bytes());
        footer.extend_from_slice(&self.blocks.to_le_bytes());
        let crc = crc32c::crc32c_append(crc32c::crc32c_append(self.header_crc, &self.table), &footer);
        self.buffer.append(&mut self.table);
        self.buffer.append(&mut footer);
        self.buffer.extend_from_slice(&crc.to_le_bytes());
        self.file.write_at(self.offset, &self.buffer)
    }

    fn end_block(&mut self) -> io::Result<()> {
        if self.last.is_none() {
            return Ok(());
        }
        let crc = block_crc(self.header_crc, self.blocks, &self.block);
        let len = u32::try_from(self.block.len() + 4).expect("a block is short");
        self.buffer.extend_from_slice(&crc.to_le_bytes());
        self.buffer.append(&mut self.block);
        self.table.extend_from_slice(&self.first.key.to_le_bytes());
        self.table.extend_from_slice(&self.first.at.to_le_bytes());
        self.table.extend_from_slice(&len.to_le_bytes());
        self.blocks = self.blocks.checked_add(1).ok_or(io::ErrorKind::FileTooLarge)?;
        self.last = None;
        if self.buffer.len() >= BUFFER_LEN {
            self.file.write_at(self.offset, &self.buffer)?;
            self.offset += u64::try_from(self.buffer.len()).map_err(io::Error::other)?;
            self.buffer.clear();
        }
        Ok(())
    }
}

/// The checksum of a block in its place.
pub(super) fn block_crc(header_crc: u32, number: u32, entries: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c_append(header_crc, &number.to_le_bytes()), entries)
}

/// Where the first block stands.
pub(super) const FIRST_BLOCK: u64 = HEADER_LEN as u64;
