//! Takes a blob in, piece by piece.
//!
//! The pieces are hashed while they are written to a file aside, which gets the name of the blob when all of it is there, is
//! what was expected, and is on disk. Whoever looks for the blob finds all of it or nothing.

use std::fmt;
use std::io;
use std::io::Write as _;
use std::sync::Arc;

use ssb_keys::BlobId;
use ssb_keys::hash::Sha256;
use thiserror::Error;

use crate::files::File as _;
use crate::files::Files;
use crate::store::Facts;
use crate::store::Inside;
use crate::store::Origin;

/// What is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Only the blob with this id, if there is one.
    pub id: Option<BlobId>,
    /// At most so many bytes, if there is a limit.
    pub len_max: Option<u64>,
    /// Who brings it.
    pub origin: Origin,
}

/// What has become of a blob that was taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its id.
    pub id: BlobId,
    /// How many bytes it has.
    pub size: u64,
    /// Whether the store had it before. It always has the empty one.
    pub was_here: bool,
}

/// A blob on its way in. Dropped before it is [finished](Writer::finish), it leaves nothing behind.
pub struct Writer<F: Files> {
    inside: Arc<Inside<F>>,
    /// The file aside. `None` once it has the name of the blob.
    aside: Option<String>,
    file: F::File,
    hash: Sha256,
    len: u64,
    expected: Expected,
}

impl<F: Files> Writer<F> {
    pub(crate) fn new(inside: &Arc<Inside<F>>, expected: Expected) -> Result<Self, WriteError> {
        let (aside, file) = inside.create_aside()?;
        let inside = Arc::clone(inside);
        Ok(Self { inside, aside: Some(aside), file, hash: Sha256::new(), len: 0, expected })
    }

    /// Takes the next piece. After an error there is no use in going on.
    ///
    /// # Errors
    ///
    /// [`WriteError::TooLong`] as soon as it is, or [`WriteError::Io`].
    pub fn write(&mut self, piece: &[u8]) -> Result<(), WriteError> {
        self.len = u64::try_from(piece.len()).map_or(u64::MAX, |len| self.len.saturating_add(len));
        if let Some(len_max) = self.expected.len_max.filter(|len_max| self.len > *len_max) {
            return Err(WriteError::TooLong { len_max });
        }
        self.file.write_all(piece)?;
        self.hash.update(piece);
        Ok(())
    }

    /// All pieces have come. Returns when the blob is in the store and survives a loss of power. `now` is in milliseconds since
    /// 1970.
    ///
    /// # Errors
    ///
    /// [`WriteError`]; nothing is stored then.
    pub fn finish(mut self, now: u64) -> Result<Stored, WriteError> {
        let id = BlobId::from_bytes(std::mem::take(&mut self.hash).finish());
        if let Some(expected) = self.expected.id.filter(|expected| *expected != id) {
            return Err(WriteError::WrongHash { actual: id, expected });
        }
        let mut stored = Stored { id, size: self.len, was_here: true };
        if self.len == 0 {
            return Ok(stored);
        }
        self.file.sync()?;
        let origin = self.expected.origin;
        let facts = Facts { size: self.len, seen: now, origin, is_pinned: false };
        let aside = self.aside.as_deref().expect("it is not finished before");
        if self.inside.keep(aside, &id, facts)? {
            self.aside = None;
            stored.was_here = false;
        }
        Ok(stored)
    }

    /// How many bytes have come.
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether none have.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl<F: Files> Drop for Writer<F> {
    fn drop(&mut self) {
        if let Some(aside) = self.aside.take() {
            // If it stays, the next start removes it.
            let _ = self.inside.remove_aside(&aside);
        }
    }
}

impl<F: Files> fmt::Debug for Writer<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { len, expected, .. } = self;
        f.debug_struct("Writer").field("len", len).field("expected", expected).finish_non_exhaustive()
    }
}

/// Why a blob was not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WriteError {
    /// It has more bytes than were announced or are allowed: whoever sent it lied, or asked for too much.
    #[error("blob has more than {len_max} bytes")]
    TooLong {
        /// How many it may have.
        len_max: u64,
    },
    /// It is another blob than the expected one: whoever sent it has something else, or damaged it.
    #[error("actual hash:{actual} did not match expected id:{expected}")]
    WrongHash {
        /// What came.
        actual: BlobId,
        /// What was wanted.
        expected: BlobId,
    },
    /// The store is above its quota, and takes blobs of others only when some were removed.
    #[error("the store of blobs is full")]
    Full,
    /// The system's fault, such as a full disk.
    #[error("{0}")]
    Io(io::ErrorKind),
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> Self {
        Self::Io(error.kind())
    }
}
