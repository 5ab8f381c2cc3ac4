//! Reads a blob, or a part of one, piece by piece.

use std::fmt;
use std::io;
use std::io::Read as _;
use std::io::Seek as _;
use std::io::SeekFrom;
use std::ops::Range;

use crate::files::Files;

/// A blob that is being read. It can be read to its end even if it is removed meanwhile.
pub struct Reader<F: Files> {
    /// The empty blob has no file.
    file: Option<F::File>,
    len: u64,
    left: u64,
}

impl<F: Files> Reader<F> {
    pub(crate) fn new(file: F::File, len: u64) -> Self {
        Self { file: Some(file), len, left: len }
    }

    pub(crate) const fn empty() -> Self {
        Self { file: None, len: 0, left: 0 }
    }

    /// From here on reads only these bytes; what is behind the end of the blob is left out.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn select(&mut self, range: Range<u64>) -> io::Result<()> {
        let start = range.start.min(self.len);
        self.left = range.end.min(self.len).saturating_sub(start);
        match &mut self.file {
            Some(file) => file.seek(SeekFrom::Start(start)).map(drop),
            None => Ok(()),
        }
    }

    /// Reads the next bytes, as many as there are up to the length of `piece`. Returns how many; 0 at the end.
    ///
    /// # Errors
    ///
    /// Those of the system; [`io::ErrorKind::UnexpectedEof`] if the file has become shorter.
    pub fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(piece.len());
        let (wanted, _) = piece.split_at_mut(wanted);
        if let Some(file) = &mut self.file {
            file.read_exact(wanted)?;
        }
        self.left -= u64::try_from(wanted.len()).expect("memory is addressed with 64 bits or fewer");
        Ok(wanted.len())
    }

    /// How many bytes the whole blob has.
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether it is the empty blob.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many bytes are still to be read.
    pub const fn left(&self) -> u64 {
        self.left
    }
}

impl<F: Files> fmt::Debug for Reader<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("len", &self.len).field("left", &self.left).finish_non_exhaustive()
    }
}
