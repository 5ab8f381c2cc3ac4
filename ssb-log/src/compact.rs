//! Gives back the space of what is gone, while readers and the writer go on.
//!
//! A [`Compactor`] copies the log into another file, a piece at a time, on a thread of its own. Every record keeps its number:
//! what is gone becomes a tombstone of 52 or 96 bytes. When it has come to the end,
//! [`Store::finish_compaction`](crate::Store::finish_compaction) copies what was committed since and gives the file the
//! name of the other one. Whenever power is lost, there is one of the two.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;

use thiserror::Error;

use ssb_msg::Unverified;

use crate::frame;
use crate::frame::Before;
use crate::frame::PREFIX_LEN;
use crate::index::Indexes;
use crate::log::AppendError;
use crate::log::Kind;
use crate::log::Record;
use crate::offsets::Offsets;
use crate::read::Entry;
use crate::read::LogReader;
use crate::read::ReadError;
use crate::segments;
use crate::storage::Directory;
use crate::storage::IoError;
use crate::storage::Storage;
use crate::tombstone::TOMBSTONE_LEN;
use crate::tombstone::Tombstone;

/// The name of the file while it is being written.
pub(crate) const COMPACTED: &str = "records.compacted";

/// How much is copied at once in the end.
const PIECE_LEN: usize = 1024 * 1024;

/// Copies a log without what is gone.
pub struct Compactor<D: Directory> {
    directory: Arc<D>,
    log: LogReader<D>,
    indexes: Arc<RwLock<Indexes<D::File>>>,
    /// Once something was written.
    file: Option<D::File>,
    offsets: Offsets,
}

/// What [`Compactor::work`] came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There is more to copy.
    More,
    /// All is copied that is in the log now.
    Copied,
}

/// How long the log was before and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compacted {
    /// In bytes.
    pub before: u64,
    /// In bytes.
    pub after: u64,
}

/// A copy that has all records and is synced.
pub(crate) struct Finished<F> {
    pub(crate) file: F,
    pub(crate) offsets: Offsets,
}

/// Why a log was not compacted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CompactError {
    /// The log cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The copy cannot be written: the disk may have no room for it.
    #[error("the compacted log cannot be written: {0}")]
    Io(#[source] IoError),
    /// The log cannot go on with the copy.
    #[error(transparent)]
    Append(#[from] AppendError),
}

impl<D: Directory> Compactor<D> {
    pub(crate) fn new(directory: Arc<D>, log: LogReader<D>, indexes: Arc<RwLock<Indexes<D::File>>>) -> Self {
        Self { directory, log, indexes, file: None, offsets: Offsets::new() }
    }

    /// Copies the next records, about `len_max` bytes of them: at least one, if there is any.
    ///
    /// # Errors
    ///
    /// [`CompactError`]. The log is as it was; drop the compactor, and start another one later.
    pub fn work(&mut self, len_max: usize) -> Result<Progress, CompactError> {
        let file = match self.file.take() {
            Some(file) => file,
            None => self.begin().map_err(io_error)?,
        };
        let file = self.file.insert(file);
        let page = self.log.page(self.offsets.next()..self.log.end(), len_max)?;
        if page.is_empty() {
            return Ok(Progress::Copied);
        }
        let mut bytes = Vec::new();
        let (start, mut at) = (self.offsets.end(), self.offsets.end());
        for entry in page {
            let from = bytes.len();
            let tombstone = remains(&self.indexes, &entry);
            let (kind, body) = match &tombstone {
                Remains::All => (entry.kind, entry.body.as_slice()),
                Remains::Tombstone(body) => (Kind::Tombstone, body.as_slice()),
                Remains::Nothing => (Kind::Tombstone, [].as_slice()),
            };
            let record = Record { kind, id: entry.id, received: entry.received, body };
            // When the file gets its name all of it is synced.
            frame::encode(&record, Before::Synced, at, &mut bytes);
            let len = u32::try_from(bytes.len() - from).expect("a record is far shorter than 4 GiB");
            self.offsets.push(len);
            at += u64::from(len);
        }
        file.write_at(start, &bytes).map_err(io_error)?;
        Ok(Progress::More)
    }

    /// Syncs what was copied, so that little is left to do in the end.
    ///
    /// # Errors
    ///
    /// As of [`work`](Self::work).
    pub fn sync(&mut self) -> Result<(), CompactError> {
        self.file.as_ref().map_or(Ok(()), Storage::sync).map_err(io_error)
    }

    /// How many records were copied.
    pub fn copied(&self) -> u32 {
        self.offsets.next().get()
    }

    /// Copies what is left. Nobody may append meanwhile.
    pub(crate) fn finish(mut self) -> Result<Finished<D::File>, CompactError> {
        while self.work(PIECE_LEN)? == Progress::More {}
        self.sync()?;
        match self.file.take() {
            Some(file) => {
                Ok(Finished { file, offsets: std::mem::replace(&mut self.offsets, Offsets::new()) })
            }
            None => unreachable!("work makes the file"),
        }
    }

    fn begin(&self) -> io::Result<D::File> {
        segments::remove(&*self.directory, COMPACTED)?;
        let file = self.directory.create(COMPACTED)?;
        file.write_at(0, &frame::header())?;
        Ok(file)
    }
}

impl<D: Directory> Drop for Compactor<D> {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            // What stays is removed when the log is next opened or compacted.
            let _ = self.directory.remove(COMPACTED);
        }
    }
}

impl<D: Directory> fmt::Debug for Compactor<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compactor").field("copied", &self.copied()).finish_non_exhaustive()
    }
}

/// What is left of a record.
enum Remains {
    All,
    Tombstone([u8; TOMBSTONE_LEN]),
    Nothing,
}

fn remains<F: Storage>(indexes: &RwLock<Indexes<F>>, entry: &Entry) -> Remains {
    let indexes = indexes.read().unwrap_or_else(PoisonError::into_inner);
    if !indexes.ledger.gone.contains(entry.ordinal) {
        return Remains::All;
    }
    let tombstone = match entry.kind {
        Kind::Message => Unverified::parse(&entry.body).ok().map(|message| Tombstone {
            author: message.author(),
            sequence: message.sequence(),
            timestamp: message.timestamp(),
        }),
        Kind::Tombstone => Tombstone::parse(&entry.body),
        Kind::Decision => return Remains::All,
        // What it holds goes with the messages of its feed.
        Kind::ForkProof => {
            let is_kept = indexes.ledger.forks.values().any(|(_, at)| *at == entry.ordinal);
            return if is_kept { Remains::All } else { Remains::Nothing };
        }
    };
    match tombstone {
        Some(tombstone) if !indexes.ledger.feeds.is_of_the_past(&tombstone.author, entry.ordinal) => {
            Remains::Tombstone(tombstone.to_bytes())
        }
        _ => Remains::Nothing,
    }
}

/// How much shorter a log gets by a record of so many bytes that becomes a tombstone.
pub(crate) const fn gain(len: u64) -> u64 {
    len.saturating_sub((PREFIX_LEN + TOMBSTONE_LEN) as u64)
}

fn io_error(error: io::Error) -> CompactError {
    CompactError::Io(error.into())
}
