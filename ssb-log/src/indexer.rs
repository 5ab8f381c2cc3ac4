//! Keeps the indexes of content up with the log, in the background.
//!
//! An [`Indexer`] belongs to a thread of its own: [`work`](Indexer::work) does a bounded piece of what there is to do and
//! says whether there is more. Nobody waits for it; queries read in the log what it has not come to yet.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

use crate::index::content::ContentIndex;
use crate::index::content::ContentIndexes;
use crate::ordinal::Ordinal;
use crate::postings;
use crate::read::LogReader;
use crate::read::ReadError;
use crate::run::RunError;
use crate::segments;
use crate::segments::Stretch;
use crate::storage::Directory;
use crate::storage::IoError;

/// After so many records an index puts what it has in memory into a file.
pub const FLUSH_LEN: u32 = 16_384;

/// How many bytes of records are read at once.
const PAGE_LEN: usize = 1024 * 1024;

/// The one who keeps the indexes of content. There is one of a [`Store`](crate::Store).
pub struct Indexer<D: Directory> {
    directory: Arc<D>,
    log: LogReader<D>,
    indexes: Arc<ContentIndexes<D::File>>,
}

/// What [`Indexer::work`] came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There is more to do, now.
    More,
    /// All is done until the log grows.
    UpToDate,
}

/// Why an index does not come further. Queries go on and read the log instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IndexError {
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] ReadError),
    /// A file of an index cannot be written or read. It is tried again with the next call.
    #[error("index cannot be written: {0}")]
    Io(#[source] IoError),
}

impl<D: Directory> Indexer<D> {
    pub(crate) const fn new(
        directory: Arc<D>,
        log: LogReader<D>,
        indexes: Arc<ContentIndexes<D::File>>,
    ) -> Self {
        Self { directory, log, indexes }
    }

    /// Does the next piece of work: some records more, or one file.
    ///
    /// # Errors
    ///
    /// [`IndexError`]. What was done before stays done.
    pub fn work(&mut self) -> Result<Progress, IndexError> {
        for which in ContentIndex::ALL {
            if self.flush(which)? || self.merge(which)? {
                return Ok(Progress::More);
            }
        }
        self.apply()
    }

    /// Puts all that is in memory into files, as before a stop.
    ///
    /// # Errors
    ///
    /// [`IndexError`]; what is not in a file is made anew from the log.
    pub fn finish(&mut self) -> Result<(), IndexError> {
        ContentIndex::ALL.into_iter().try_for_each(|which| self.flush_from(which, 1).map(drop))
    }

    /// How far the indexes are behind the log, in records: the one that is furthest.
    pub fn behind(&self) -> u32 {
        let end = ContentIndex::ALL.iter().map(|which| self.indexes.read(*which).end()).min().unwrap_or(0);
        self.log.end().get().saturating_sub(end)
    }

    /// How much memory the indexes take, in bytes, about.
    pub fn memory(&self) -> usize {
        self.indexes.memory()
    }

    // Reads once for all that are equally far, which is all but those that are made anew.
    fn apply(&mut self) -> Result<Progress, IndexError> {
        let ends = ContentIndex::ALL.map(|which| self.indexes.read(which).end());
        let from = ends.into_iter().min().unwrap_or(0);
        let stop = ends.into_iter().filter(|end| *end > from).min().unwrap_or(u32::MAX);
        // No further than the next file.
        let stop = stop.min(from.saturating_add(FLUSH_LEN));
        let page = self.log.page(Ordinal::new(from)..Ordinal::new(stop), PAGE_LEN)?;
        if page.is_empty() {
            return Ok(Progress::UpToDate);
        }
        for (which, _) in ContentIndex::ALL.into_iter().zip(ends).filter(|(_, end)| *end == from) {
            let keys: Vec<Vec<u64>> = page
                .iter()
                .map(|entry| {
                    std::str::from_utf8(&entry.body).map(|text| which.keys(text)).unwrap_or_default()
                })
                .collect();
            let mut postings = self.indexes.write(which);
            for (entry, keys) in page.iter().zip(keys) {
                postings.apply(entry.ordinal.get(), keys);
            }
        }
        Ok(Progress::More)
    }

    fn flush(&self, which: ContentIndex) -> Result<bool, IndexError> {
        self.flush_from(which, FLUSH_LEN)
    }

    fn flush_from(&self, which: ContentIndex, least: u32) -> Result<bool, IndexError> {
        let (stretch, entries) = {
            let postings = self.indexes.read(which);
            let stretch = Stretch { from: postings.flushed(), to: postings.end() };
            if stretch.len() < least {
                return Ok(false);
            }
            (stretch, postings.unflushed(stretch.to))
        };
        let last = self.log.read(Ordinal::new(stretch.to - 1))?.id;
        let run = postings::flush(&*self.directory, which.index(), stretch, last, &entries).map_err(io)?;
        let run = run.map_err(run_error)?;
        self.indexes.write(which).flushed_to(run);
        Ok(true)
    }

    fn merge(&self, which: ContentIndex) -> Result<bool, IndexError> {
        let Some(runs) = self.indexes.read(which).to_merge() else { return Ok(false) };
        let end = runs.last().map_or(0, |run| run.stretch().to);
        let last = self.log.read(Ordinal::new(end - 1))?.id;
        match postings::write_merged(&*self.directory, which.index(), &runs, last) {
            Ok(run) => {
                self.indexes.write(which).merged(run);
                for run in runs {
                    // What stays is left out at the next start, and removed then.
                    let _ = segments::remove(&*self.directory, &run.stretch().name(which.name()));
                }
                Ok(true)
            }
            Err(RunError::Damaged) => {
                self.forget(which)?;
                Ok(true)
            }
            Err(RunError::Io(error)) => Err(IndexError::Io(error)),
        }
    }

    /// Begins an index anew.
    fn forget(&self, which: ContentIndex) -> Result<(), IndexError> {
        self.indexes.write(which).clear();
        let names = self.directory.list().map_err(io)?;
        let (chain, others) = segments::chain(which.name(), &names);
        let chain = chain.into_iter().map(|stretch| stretch.name(which.name()));
        chain.chain(others).try_for_each(|name| segments::remove(&*self.directory, &name)).map_err(io)
    }
}

impl<D: Directory> fmt::Debug for Indexer<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Indexer").field("behind", &self.behind()).finish_non_exhaustive()
    }
}

fn io(error: std::io::Error) -> IndexError {
    IndexError::Io(error.into())
}

fn run_error(error: RunError) -> IndexError {
    match error {
        RunError::Io(error) => IndexError::Io(error),
        RunError::Damaged => IndexError::Io(std::io::Error::from(std::io::ErrorKind::InvalidData).into()),
    }
}
