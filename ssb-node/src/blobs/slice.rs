//! A part of a blob, and how far it was read.
//!
//! From one read to the next no file is open: there may be as many of these as somebody likes to ask for.

use std::io;
use std::ops::Range;

use ssb_blobs::Disk;
use ssb_blobs::Store;
use ssb_blobs::limits::PIECE_LEN;
use ssb_keys::BlobId;

use super::JOB_LEN;

/// A part of a blob that is being read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slice {
    id: BlobId,
    /// What is left to be read, if the blob has so much.
    range: Range<u64>,
}

impl Slice {
    /// All of a blob.
    pub(crate) const fn whole(id: BlobId) -> Self {
        Self { id, range: 0..u64::MAX }
    }

    /// From here on reads only these bytes.
    pub(crate) const fn select(&mut self, range: Range<u64>) {
        self.range = range;
    }

    /// Which blob it is of.
    pub(crate) const fn id(&self) -> &BlobId {
        &self.id
    }

    /// Reads the next pieces, none at the end. `None` if the blob is not here. Blocks.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub(crate) fn read(&mut self, store: &Store<Disk>) -> io::Result<Option<Vec<Vec<u8>>>> {
        let Some(mut reader) = store.read(&self.id)? else { return Ok(None) };
        reader.select(self.range.clone())?;
        let mut pieces = Vec::new();
        while pieces.len() < JOB_LEN / PIECE_LEN && reader.left() > 0 {
            let mut piece = vec![0; usize::try_from(reader.left()).unwrap_or(PIECE_LEN).min(PIECE_LEN)];
            let count = reader.read(&mut piece)?;
            self.range.start += u64::try_from(count).expect("memory is addressed with 64 bits or fewer");
            pieces.push(piece);
        }
        Ok(Some(pieces))
    }
}
