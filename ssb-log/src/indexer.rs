//! Keeps the indexes of content up with the log, in the background.
//!
//! An [`Indexer`] belongs to a thread of its own: [`work`](Indexer::work) does a bounded piece of what there is to do and
//! says whether there is more. Nobody waits for it; queries read in the log what it has not come to yet.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::sync::RwLockReadGuard;
use std::sync::RwLockWriteGuard;
use std::sync::atomic::Ordering;

use ssb_keys::FeedId;
use ssb_keys::MessageId;
use thiserror::Error;

use crate::base;
use crate::base::Part;
use crate::compact::Compactor;
use crate::index::Indexes;
use crate::index::contacts::said;
use crate::index::content::ContentIndex;
use crate::index::content::ContentIndexes;
use crate::index::content::Indexed;
use crate::index::ids::IDS;
use crate::index::ids::id_key;
use crate::index::opened;
use crate::index::private::FOUND;
use crate::index::private::Private;
use crate::log::Kind;
use crate::ordinal::Ordinal;
use crate::postings;
use crate::postings::Index;
use crate::postings::Postings;
use crate::read::LogReader;
use crate::read::ReadError;
use crate::reader::stored;
use crate::run::Posting;
use crate::run::Run;
use crate::run::RunError;
use crate::segments;
use crate::segments::Stretch;
use crate::storage::Directory;
use crate::storage::IoError;
use crate::storage::Storage;

/// After so many records an index puts what it has in memory into a file.
pub const FLUSH_LEN: u32 = 16_384;

/// The same while the log is further ahead than this, so that a log whose indexes are missing is not written down file by file,
/// each with a sync, and these then merged.
const CATCH_UP_LEN: u32 = 8 * FLUSH_LEN;

/// How many bytes of records are read at once.
const PAGE_LEN: usize = 1024 * 1024;

/// The same of those that are tried to be opened: should all of them be sealed, that takes tens of milliseconds.
const SEALED_PAGE_LEN: usize = 128 * 1024;

/// The one who keeps the indexes of content. There is one of a [`Store`](crate::Store).
pub struct Indexer<D: Directory> {
    directory: Arc<D>,
    log: LogReader<D>,
    primary: Arc<RwLock<Indexes<D::File>>>,
    indexes: Arc<ContentIndexes<D::File>>,
    private: Option<Arc<Private<D::File>>>,
    /// The files with what is known of the first records, in order.
    parts: Vec<Stretch>,
    /// Of which generation of the log they are: a compacted one has its records elsewhere.
    generation: u64,
    /// Who may have said in private whom they follow or block, in what was looked at lately.
    secretive: BTreeSet<FeedId>,
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
    pub(crate) fn new(
        directory: Arc<D>,
        log: LogReader<D>,
        (primary, indexes, private): Shared<D::File>,
        parts: Vec<Stretch>,
    ) -> Self {
        let secretive = BTreeSet::new();
        Self { directory, log, primary, indexes, private, parts, generation: 0, secretive }
    }

    /// Does the next piece of work: some records more, or one file.
    ///
    /// # Errors
    ///
    /// [`IndexError`]. What was done before stays done.
    pub fn work(&mut self) -> Result<Progress, IndexError> {
        if self.rebuild_ids()?
            || self.flush_base(FLUSH_LEN)?
            || self.flush_ids(FLUSH_LEN)?
            || self.merge_ids()?
        {
            return Ok(Progress::More);
        }
        let is_far_behind = self.behind() > CATCH_UP_LEN;
        let flush_len = if is_far_behind { CATCH_UP_LEN } else { FLUSH_LEN };
        for which in ContentIndex::ALL {
            // Runs are merged once, in the end.
            if self.flush(which, flush_len)? || (!is_far_behind && self.merge(which)?) {
                return Ok(Progress::More);
            }
        }
        if self.flush_contacts(flush_len)? || self.apply()? == Progress::More {
            return Ok(Progress::More);
        }
        // Last: whoever sends what costs a look keeps nothing else waiting.
        self.work_private()
    }

    /// Puts what is in memory of an index into a file, if that is of at least so many records: as before a stop, so that the
    /// next start has little to read.
    ///
    /// # Errors
    ///
    /// [`IndexError`]; what is not in a file is made anew from the log.
    pub fn finish(&mut self, least: u32) -> Result<(), IndexError> {
        let least = least.max(1);
        self.flush_base(least)?;
        self.flush_ids(least)?;
        self.flush_contacts(least)?;
        ContentIndex::ALL.into_iter().try_for_each(|which| self.flush(which, least).map(drop))?;
        let Some(private) = self.private.clone() else { return Ok(()) };
        self.flush_opened(&private, least)?;
        self.flush_found(&private, least).map(drop)
    }

    /// Throws away what the indexes know. [`work`](Self::work) makes them anew, and whoever asks reads the log meanwhile.
    ///
    /// # Errors
    ///
    /// [`IndexError`] if a file cannot be removed: at the next start it may be used again.
    pub fn forget(&mut self) -> Result<(), IndexError> {
        self.primary().ids_are_damaged.store(true, Ordering::Release);
        for which in ContentIndex::ALL {
            self.indexes.write(which).clear();
        }
        self.forget_base()?;
        ContentIndex::ALL.iter().try_for_each(|which| self.remove_all(which.name()))?;
        match &self.private {
            Some(private) => {
                private.found_mut().clear();
                private.opened_mut().clear(&*self.directory).map_err(io)?;
            }
            None => self.remove_all(opened::NAME)?,
        }
        self.remove_all(FOUND.name)
    }

    /// Who may have said to the owner in private whom they follow or block, in messages that were looked at since the last call:
    /// [`Reader::private_words`](crate::Reader::private_words) has what.
    pub fn secretive(&mut self) -> BTreeSet<FeedId> {
        std::mem::take(&mut self.secretive)
    }

    /// How far the indexes are behind the log, in records: the one that is furthest.
    pub fn behind(&self) -> u32 {
        let private = self.private.iter().map(|private| private_end(private));
        self.log.end().get().saturating_sub(self.ends().into_iter().chain(private).min().unwrap_or(0))
    }

    /// What gives back the space of what is gone, as [`Store::compactor`](crate::Store::compactor) does.
    pub fn compactor(&self) -> Compactor<D> {
        Compactor::new(Arc::clone(&self.directory), self.log.clone(), Arc::clone(&self.primary))
    }

    /// How much memory the indexes take, in bytes, about.
    pub fn memory(&self) -> usize {
        self.indexes.memory() + self.private.as_ref().map_or(0, |private| private.memory())
    }

    // What is known of the records is written before what their ids are found by, which would be of no use alone.
    fn flush_base(&mut self, least: u32) -> Result<bool, IndexError> {
        let generation = self.log.generation();
        if self.generation != generation {
            self.forget_base()?;
            self.generation = generation;
        }
        let from = self.parts.last().map_or(0, |part| part.to);
        let part = {
            let primary = self.primary();
            let stretch = Stretch { from, to: primary.ledger.feeds.end() };
            if stretch.to - from < least {
                return Ok(false);
            }
            // The lock holds the writer back, so that both are of one moment.
            let lens = self.log.lens(stretch.from..stretch.to);
            let (authors, feeds) = primary.ledger.since(from);
            Part { stretch, last: [0; 32], lens, authors, feeds }
        };
        let mut part = Part { last: self.last(part.stretch)?, ..part };
        // As runs are merged, but before they are written: they are read whole to be joined.
        while let Some(before) =
            self.parts.last().filter(|before| before.len() < 2 * part.stretch.len()).copied()
        {
            let Some(first) = Part::load(&*self.directory, before) else {
                return self.forget_base().map(|()| true);
            };
            part = first.join(&part);
            self.parts.pop();
        }
        part.save(&*self.directory).map_err(io)?;
        self.parts.push(part.stretch);
        self.remove_unused(base::NAME)
    }

    fn flush_ids(&self, least: u32) -> Result<bool, IndexError> {
        let (stretch, entries) = {
            let primary = self.primary();
            let to = self.parts.last().map_or(0, |part| part.to);
            let stretch = Stretch { from: primary.ids.flushed(), to };
            if to.saturating_sub(stretch.from) < least {
                return Ok(false);
            }
            (stretch, primary.ids.unflushed(to))
        };
        let last = self.last(stretch)?;
        let run = postings::flush(&*self.directory, IDS, stretch, last, &entries).map_err(io)?;
        self.primary_mut().ids.flushed_to(run.map_err(run_error)?);
        Ok(true)
    }

    fn merge_ids(&self) -> Result<bool, IndexError> {
        let Some(runs) = self.primary().ids.to_merge() else { return Ok(false) };
        match self.merged(IDS, &runs, |last| *last) {
            Ok(run) => {
                self.primary_mut().ids.merged(run);
                self.remove_runs(IDS, &runs);
            }
            Err(RunError::Damaged) => self.primary().ids_are_damaged.store(true, Ordering::Release),
            Err(RunError::Io(error)) => return Err(IndexError::Io(error)),
        }
        Ok(true)
    }

    // Whoever asks searches the log meanwhile.
    fn rebuild_ids(&self) -> Result<bool, IndexError> {
        if !self.primary().ids_are_damaged.load(Ordering::Acquire) {
            return Ok(false);
        }
        self.remove_all(IDS.name)?;
        let (mut ids, _) = Postings::open(&*self.directory, IDS, &[], |_| None);
        loop {
            let page = self.log.page(Ordinal::new(ids.end())..self.log.end(), PAGE_LEN)?;
            for entry in &page {
                ids.apply(entry.ordinal.get(), [id_key(&MessageId::from_bytes(entry.id))]);
            }
            let mut primary = self.primary_mut();
            // The writer waits for us now, and what is not in the log yet comes to the new one.
            if ids.end() == primary.ledger.feeds.end() {
                primary.ids = ids;
                primary.ids_are_damaged.store(false, Ordering::Release);
                return Ok(true);
            }
        }
    }

    // Reads once for all that are equally far, which is all but those that are made anew.
    fn apply(&mut self) -> Result<Progress, IndexError> {
        let ends = self.ends();
        let from = ends.into_iter().min().unwrap_or(0);
        let stop = ends.into_iter().filter(|end| *end > from).min().unwrap_or(u32::MAX);
        // No further than the next file.
        let stop = stop.min(from.saturating_add(FLUSH_LEN));
        let page = self.log.page(Ordinal::new(from)..Ordinal::new(stop), PAGE_LEN)?;
        let Some(last) = page.last() else { return Ok(Progress::UpToDate) };
        let records = from..last.ordinal.get() + 1;
        // Nothing is found by what is no message.
        let messages: Vec<(u32, Indexed<'_>)> = page
            .iter()
            .filter(|entry| entry.kind == Kind::Message)
            .map(|entry| (entry.ordinal.get(), Indexed::new(&entry.body, entry.received)))
            .collect();
        for (which, _) in ContentIndex::ALL.into_iter().zip(ends).filter(|(_, end)| *end == from) {
            let mut postings = Vec::new();
            for (at, message) in &messages {
                which.keys(message, |key| postings.push(Posting { key, at: *at }));
            }
            self.indexes.write(which).apply_all(records.clone(), postings);
        }
        let mut contacts = self.indexes.contacts();
        if contacts.end() == from {
            let of_contacts = messages
                .iter()
                .filter(|(_, message)| message.content.is_some_and(|content| content.contact.is_some()));
            // What is gone is out of files and memory since the decision, and stays so.
            let primary = self.primary();
            let here = of_contacts.filter(|(at, _)| !primary.ledger.gone.contains(Ordinal::new(*at)));
            contacts.apply(records, here.filter_map(|(_, message)| said(message.text)));
        }
        Ok(Progress::More)
    }

    /// Goes on with what the owner can read, if this is theirs: some records more, or one file.
    fn work_private(&mut self) -> Result<Progress, IndexError> {
        let Some(private) = self.private.clone() else { return Ok(Progress::UpToDate) };
        let is_far_behind = self.log.end().get().saturating_sub(private_end(&private)) > CATCH_UP_LEN;
        let flush_len = if is_far_behind { CATCH_UP_LEN } else { FLUSH_LEN };
        if self.flush_opened(&private, flush_len)?
            || self.flush_found(&private, flush_len)?
            || (!is_far_behind && self.merge_found(&private)?)
        {
            return Ok(Progress::More);
        }
        let ends = [private.opened().end(), private.found().end()];
        let [from, stop] = [ends[0].min(ends[1]), ends[0].max(ends[1])];
        // No further than one of them that has its files still, and the next file.
        let stop =
            Some(stop).filter(|stop| from < *stop).unwrap_or(u32::MAX).min(from.saturating_add(FLUSH_LEN));
        let page = self.log.page(Ordinal::new(from)..Ordinal::new(stop), SEALED_PAGE_LEN)?;
        let Some(last) = page.last() else { return Ok(Progress::UpToDate) };
        let records = from..last.ordinal.get() + 1;
        let (mut opened, mut found) = (Vec::new(), Vec::new());
        for stored in page.into_iter().filter_map(stored) {
            let stored = stored?;
            let at = stored.ordinal.get();
            let is_gone = self.primary().ledger.gone.contains(stored.ordinal);
            if let Some(entry) = if is_gone { None } else { private.look(&stored) } {
                if entry.has_contact {
                    self.secretive.extend(stored.fields().and_then(|fields| fields.author()));
                }
                opened.push((at, entry.key));
                found.extend(entry.found.into_iter().map(|key| Posting { key, at }));
            }
        }
        if ends[0] == from {
            private.opened_mut().apply(records.clone(), opened);
        }
        if ends[1] == from {
            private.found_mut().apply_all(records, found);
        }
        private.indexed(private.opened().end());
        Ok(Progress::More)
    }

    fn flush_opened(&self, private: &Private<D::File>, least: u32) -> Result<bool, IndexError> {
        let stretch = private.opened().unflushed();
        if stretch.len() < least {
            return Ok(false);
        }
        let last = private.bind(&self.last(stretch)?);
        private.opened_mut().flush(&*self.directory, last).map_err(io)?;
        Ok(true)
    }

    fn flush_found(&self, private: &Private<D::File>, least: u32) -> Result<bool, IndexError> {
        let (stretch, entries) = {
            let found = private.found();
            let stretch = Stretch { from: found.flushed(), to: found.end() };
            if stretch.len() < least {
                return Ok(false);
            }
            (stretch, found.unflushed(stretch.to))
        };
        let last = private.bind(&self.last(stretch)?);
        let run = postings::flush(&*self.directory, FOUND, stretch, last, &entries).map_err(io)?;
        private.found_mut().flushed_to(run.map_err(run_error)?);
        Ok(true)
    }

    fn merge_found(&self, private: &Private<D::File>) -> Result<bool, IndexError> {
        let Some(runs) = private.found().to_merge() else { return Ok(false) };
        match self.merged(FOUND, &runs, |last| private.bind(last)) {
            Ok(run) => {
                private.found_mut().merged(run);
                self.remove_runs(FOUND, &runs);
            }
            Err(RunError::Damaged) => {
                private.found_mut().clear();
                self.remove_all(FOUND.name)?;
            }
            Err(RunError::Io(error)) => return Err(IndexError::Io(error)),
        }
        Ok(true)
    }

    /// How far each of them is, the contacts last.
    fn ends(&self) -> [u32; 5] {
        let [types, links, roots, times] = ContentIndex::ALL.map(|which| self.indexes.read(which).end());
        [types, links, roots, times, self.indexes.contacts().end()]
    }

    fn flush_contacts(&self, least: u32) -> Result<bool, IndexError> {
        let mut contacts = self.indexes.contacts();
        let stretch = contacts.unflushed();
        if stretch.len() < least {
            return Ok(false);
        }
        contacts.flush(&*self.directory, self.last(stretch)?).map_err(io)?;
        Ok(true)
    }

    fn flush(&self, which: ContentIndex, least: u32) -> Result<bool, IndexError> {
        let (stretch, entries) = {
            let postings = self.indexes.read(which);
            let stretch = Stretch { from: postings.flushed(), to: postings.end() };
            if stretch.len() < least {
                return Ok(false);
            }
            (stretch, postings.unflushed(stretch.to))
        };
        let last = self.last(stretch)?;
        let run = postings::flush(&*self.directory, which.index(), stretch, last, &entries).map_err(io)?;
        let run = run.map_err(run_error)?;
        self.indexes.write(which).flushed_to(run);
        Ok(true)
    }

    fn merge(&self, which: ContentIndex) -> Result<bool, IndexError> {
        let Some(runs) = self.indexes.read(which).to_merge() else { return Ok(false) };
        match self.merged(which.index(), &runs, |last| *last) {
            Ok(run) => {
                self.indexes.write(which).merged(run);
                self.remove_runs(which.index(), &runs);
            }
            Err(RunError::Damaged) => {
                self.indexes.write(which).clear();
                self.remove_all(which.name())?;
            }
            Err(RunError::Io(error)) => return Err(IndexError::Io(error)),
        }
        Ok(true)
    }

    fn merged(
        &self,
        index: Index,
        runs: &[Arc<Run<D::File>>],
        bind: impl FnOnce(&[u8; 32]) -> [u8; 32],
    ) -> Result<Run<D::File>, RunError> {
        let end = runs.last().map_or(0, |run| run.stretch().to);
        let last = self.log.read(Ordinal::new(end - 1)).map_err(|_| RunError::Damaged)?.id;
        postings::write_merged(&*self.directory, index, runs, bind(&last))
    }

    fn forget_base(&mut self) -> Result<(), IndexError> {
        self.parts.clear();
        self.remove_all(base::NAME)
    }

    /// The id of the last record of a stretch.
    fn last(&self, stretch: Stretch) -> Result<[u8; 32], IndexError> {
        Ok(self.log.read(Ordinal::new(stretch.to - 1))?.id)
    }

    fn remove_runs(&self, index: Index, runs: &[Arc<Run<D::File>>]) {
        for run in runs {
            // What stays is left out at the next start, and removed then.
            let _ = segments::remove(&*self.directory, &run.stretch().name(index.name));
        }
    }

    /// Removes the files of an index that are not part of its chain any more.
    fn remove_unused(&self, index: &str) -> Result<bool, IndexError> {
        let (_, unused) = segments::chain(index, &self.directory.list().map_err(io)?);
        unused.iter().try_for_each(|name| segments::remove(&*self.directory, name)).map_err(io)?;
        Ok(true)
    }

    fn remove_all(&self, index: &str) -> Result<(), IndexError> {
        let names = self.directory.list().map_err(io)?;
        let (chain, others) = segments::chain(index, &names);
        let chain = chain.into_iter().map(|stretch| stretch.name(index));
        chain.chain(others).try_for_each(|name| segments::remove(&*self.directory, &name)).map_err(io)
    }

    fn primary(&self) -> RwLockReadGuard<'_, Indexes<D::File>> {
        self.primary.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn primary_mut(&self) -> RwLockWriteGuard<'_, Indexes<D::File>> {
        self.primary.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: Directory> fmt::Debug for Indexer<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Indexer").field("behind", &self.behind()).finish_non_exhaustive()
    }
}

/// What those who read share with the one who keeps it.
type Shared<F> = (Arc<RwLock<Indexes<F>>>, Arc<ContentIndexes<F>>, Option<Arc<Private<F>>>);

/// How far both kinds of its files are.
fn private_end<F: Storage>(private: &Private<F>) -> u32 {
    private.opened().end().min(private.found().end())
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
