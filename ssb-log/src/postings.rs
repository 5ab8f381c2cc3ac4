//! An index: for each key the records that have it, in runs on disk and, of the newest records, in memory.
//!
//! The runs cover the log from its first record on, one behind the other, so the records of a key are those of each run in
//! turn, and then those in memory.

use std::io;
use std::ops::ControlFlow;
use std::ops::Range;
use std::sync::Arc;

use crate::recent::Recent;
use crate::run::Header;
use crate::run::Posting;
use crate::run::Run;
use crate::run::RunError;
use crate::run::RunWriter;
use crate::run::merge::merge;
use crate::segments;
use crate::segments::Stretch;
use crate::storage::Directory;
use crate::storage::Storage;

/// What an index knows of the records before [`end`](Self::end).
#[derive(Debug)]
pub(crate) struct Postings<F> {
    index: Index,
    runs: Arc<Vec<Arc<Run<F>>>>,
    /// Of the records from `flushed` on.
    recent: Recent,
    flushed: u32,
    end: u32,
}

/// What an index is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Index {
    /// What the names of its files start with.
    pub(crate) name: &'static str,
    /// What the files say they are of.
    pub(crate) tag: [u8; 4],
    /// About how long a block is: to look up a key a whole one is read.
    pub(crate) block_len: usize,
}

/// In which order records come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The one received first comes first.
    Ascending,
    /// The one received last comes first.
    Descending,
}

impl<F: Storage> Postings<F> {
    /// Opens what is on disk of an index. `last` gives the id of a record, and `None` if the log is shorter. Files that do
    /// not belong to the log, or are damaged, are left out, with all behind them; their names are returned.
    pub(crate) fn open<D: Directory<File = F>>(
        directory: &D,
        index: Index,
        names: &[String],
        last: impl Fn(u32) -> Option<[u8; 32]>,
    ) -> (Self, Vec<String>) {
        let (chain, mut unused) = segments::chain(index.name, names);
        let mut runs = Vec::new();
        let mut is_sound = true;
        for stretch in chain {
            let name = stretch.name(index.name);
            let run = is_sound.then(|| last(stretch.to - 1)).flatten().and_then(|last| {
                let file = directory.open(&name).ok()?;
                Run::open(file, Header { index: index.tag, stretch, last }).ok()
            });
            match run {
                Some(run) => runs.push(Arc::new(run)),
                None => {
                    is_sound = false;
                    unused.push(name);
                }
            }
        }
        let end = runs.last().map_or(0, |run| run.stretch().to);
        let runs = Arc::new(runs);
        (Self { index, runs, recent: Recent::default(), flushed: end, end }, unused)
    }

    /// Takes in the keys of the next record.
    pub(crate) fn apply(&mut self, at: u32, keys: impl IntoIterator<Item = u64>) {
        self.apply_all(at..at + 1, keys.into_iter().map(|key| Posting { key, at }).collect());
    }

    /// Takes in the keys of the next records.
    pub(crate) fn apply_all(&mut self, records: Range<u32>, postings: Vec<Posting>) {
        assert_eq!(records.start, self.end, "records are indexed in order");
        debug_assert!(postings.iter().all(|posting| records.contains(&posting.at)), "of these records");
        self.recent.push(postings);
        self.end = records.end;
    }

    /// How many records it knows of.
    pub(crate) const fn end(&self) -> u32 {
        self.end
    }

    /// How many of these are in files.
    pub(crate) const fn flushed(&self) -> u32 {
        self.flushed
    }

    /// How much memory it takes, in bytes, about.
    pub(crate) fn memory(&self) -> usize {
        self.recent.capacity() * size_of::<Posting>()
            + self.runs.iter().map(|run| run.memory()).sum::<usize>()
    }

    /// The records of a key that are in `range`.
    pub(crate) fn cursor(&self, key: u64, range: Range<u32>, order: Order) -> Cursor<F> {
        let recent = self.recent.records(key, range.clone());
        Cursor { key, range, order, runs: Arc::clone(&self.runs), recent, next_run: 0, next_block: None }
    }

    /// All records of a key, wherever they are found soonest: in memory, or else in the longest run.
    pub(crate) fn likely(&self, key: u64) -> [Cursor<F>; 2] {
        let flushed = self.flushed;
        [flushed..u32::MAX, 0..flushed].map(|range| self.cursor(key, range, Order::Ascending))
    }

    /// The files, in the order of the records they cover.
    pub(crate) fn runs(&self) -> &[Arc<Run<F>>] {
        &self.runs
    }

    /// The entries in memory from one up to, and without, another, sorted.
    pub(crate) fn recent_between(&self, range: Range<Posting>) -> Vec<Posting> {
        self.recent.between(range)
    }

    /// What [`flush`] needs of the records before `upto`, which are durable.
    pub(crate) fn unflushed(&self, upto: u32) -> Vec<Posting> {
        self.recent.before(upto)
    }

    /// Goes on with a run that has what was in memory of the records before its end.
    pub(crate) fn flushed_to(&mut self, run: Run<F>) {
        let Stretch { from, to } = run.stretch();
        assert_eq!(from, self.flushed, "runs have no gaps");
        self.recent.drop_before(to);
        self.flushed = to;
        Arc::make_mut(&mut self.runs).push(Arc::new(run));
    }

    /// Goes on with one run in place of those it was made of.
    pub(crate) fn merged(&mut self, run: Run<F>) {
        let Stretch { from, to } = run.stretch();
        let runs = Arc::make_mut(&mut self.runs);
        let start = runs.partition_point(|run| run.stretch().from < from);
        let end = runs.partition_point(|run| run.stretch().to <= to);
        runs.splice(start..end, [Arc::new(run)]);
    }

    /// The runs that should become one, if any should.
    pub(crate) fn to_merge(&self) -> Option<Vec<Arc<Run<F>>>> {
        // The newest of each size wait for one more of their size, as the digits of a binary number do.
        let mut start = self.runs.len().checked_sub(1)?;
        let mut len = self.runs.get(start)?.stretch().len();
        while let Some(before) = start.checked_sub(1).and_then(|before| self.runs.get(before)) {
            if before.stretch().len() >= len.saturating_mul(2) {
                break;
            }
            start -= 1;
            len += before.stretch().len();
        }
        let runs = self.runs.get(start..)?;
        (runs.len() > 1).then(|| runs.to_vec())
    }

    /// Forgets everything: a file turned out to be damaged.
    pub(crate) fn clear(&mut self) {
        let (runs, recent) = (Arc::default(), Recent::default());
        *self = Self { index: self.index, runs, recent, flushed: 0, end: 0 };
    }
}

/// Writes a run of these entries.
pub(crate) fn flush<D: Directory>(
    directory: &D,
    index: Index,
    stretch: Stretch,
    last: [u8; 32],
    postings: &[Posting],
) -> io::Result<Result<Run<D::File>, RunError>> {
    let header = Header { index: index.tag, stretch, last };
    let name = stretch.name(index.name);
    segments::create(directory, &name, |file| {
        let mut writer = RunWriter::new(file, header, index.block_len);
        postings.iter().try_for_each(|posting| writer.push(*posting))?;
        writer.finish()
    })?;
    Ok(Run::open(directory.open(&name)?, header))
}

/// Writes one run of several that touch.
pub(crate) fn write_merged<D: Directory>(
    directory: &D,
    index: Index,
    runs: &[Arc<Run<D::File>>],
    last: [u8; 32],
) -> Result<Run<D::File>, RunError> {
    let (Some(first), Some(end)) = (runs.first(), runs.last()) else { return Err(RunError::Damaged) };
    let stretch = Stretch { from: first.stretch().from, to: end.stretch().to };
    let header = Header { index: index.tag, stretch, last };
    let name = stretch.name(index.name);
    // Damage in one of them is something else than a disk that cannot be written: the file that was begun gets no name.
    let mut failed = None;
    let made = segments::create(directory, &name, |file| {
        let mut writer = RunWriter::new(file, header, index.block_len);
        if let Err(error) = merge(runs, &mut writer) {
            failed = Some(error);
            return Err(io::ErrorKind::InvalidData.into());
        }
        writer.finish()
    });
    if let Some(error) = failed {
        return Err(error);
    }
    made?;
    Run::open(directory.open(&name)?, header)
}

/// Finds the records of a key, some at a time.
#[derive(Debug)]
pub(crate) struct Cursor<F> {
    key: u64,
    range: Range<u32>,
    order: Order,
    runs: Arc<Vec<Arc<Run<F>>>>,
    recent: Vec<u32>,
    /// How many runs are done, in the order of reading; one more than there are when what is in memory is done, too.
    next_run: usize,
    /// The block of the run to read next, once one was looked up.
    next_block: Option<usize>,
}

impl<F: Storage> Cursor<F> {
    /// The next records, in order: at least one, or `None` if there are no more.
    pub(crate) fn page(&mut self) -> Result<Option<Vec<u32>>, RunError> {
        let stops = self.runs.len() + 1;
        while self.next_run < stops {
            let memory_turn = match self.order {
                Order::Ascending => self.next_run + 1 == stops,
                Order::Descending => self.next_run == 0,
            };
            let page = if memory_turn {
                self.next_run += 1;
                let mut recent = std::mem::take(&mut self.recent);
                if self.order == Order::Descending {
                    recent.reverse();
                }
                recent
            } else {
                self.block_page()?
            };
            if !page.is_empty() {
                return Ok(Some(page));
            }
        }
        Ok(None)
    }

    fn block_page(&mut self) -> Result<Vec<u32>, RunError> {
        let place = match self.order {
            Order::Ascending => self.next_run,
            Order::Descending => self.runs.len() - self.next_run,
        };
        let Some(run) = self.runs.get(place).map(Arc::clone) else { return Err(RunError::Damaged) };
        let Stretch { from, to } = run.stretch();
        if run.blocks() == 0 || self.range.start >= to || self.range.end <= from {
            self.go_on();
            return Ok(Vec::new());
        }
        let number = self.next_block.unwrap_or_else(|| {
            let at = match self.order {
                Order::Ascending => self.range.start,
                Order::Descending => self.range.end,
            };
            run.block_of(Posting { key: self.key, at })
        });
        let (mut page, mut is_before, mut is_behind) = (Vec::new(), false, false);
        let (first, end) =
            (Posting { key: self.key, at: self.range.start }, Posting { key: self.key, at: self.range.end });
        run.read_block(number, |posting| {
            is_behind = posting >= end;
            if is_behind {
                return ControlFlow::Break(());
            }
            if posting < first {
                is_before = true;
            } else {
                page.push(posting.at);
            }
            ControlFlow::Continue(())
        })?;
        match self.order {
            Order::Ascending if !is_behind && number + 1 < run.blocks() => self.next_block = Some(number + 1),
            Order::Descending if !is_before && number > 0 => self.next_block = Some(number - 1),
            _ => self.go_on(),
        }
        if self.order == Order::Descending {
            page.reverse();
        }
        Ok(page)
    }

    fn go_on(&mut self) {
        self.next_run += 1;
        self.next_block = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Memory;
    use crate::run::BLOCK_LEN;
    use proptest::prelude::*;

    type File = <Memory as Directory>::File;

    const INDEX: Index = Index { name: "test", tag: *b"test", block_len: BLOCK_LEN };

    fn last(at: u32) -> [u8; 32] {
        let mut id = [9; 32];
        id[..4].copy_from_slice(&at.to_le_bytes());
        id
    }

    fn open(memory: &Memory) -> (Postings<File>, Vec<String>) {
        Postings::open(memory, INDEX, &memory.list().unwrap(), |at| Some(last(at)))
    }

    fn flush_all(memory: &Memory, postings: &mut Postings<File>) {
        let stretch = Stretch { from: postings.flushed(), to: postings.end() };
        if stretch.from < stretch.to {
            let entries = postings.unflushed(stretch.to);
            let run = flush(memory, INDEX, stretch, last(stretch.to - 1), &entries).unwrap().unwrap();
            postings.flushed_to(run);
        }
    }

    fn merge_all(memory: &Memory, postings: &mut Postings<File>) {
        while let Some(runs) = postings.to_merge() {
            let end = runs.last().unwrap().stretch().to;
            let run = write_merged(memory, INDEX, &runs, last(end - 1)).unwrap();
            postings.merged(run);
        }
    }

    fn found(postings: &Postings<File>, key: u64, range: Range<u32>, order: Order) -> Vec<u32> {
        let mut cursor = postings.cursor(key, range, order);
        std::iter::from_fn(|| cursor.page().unwrap()).flatten().collect()
    }

    #[derive(Clone, Debug)]
    enum Step {
        Apply(Vec<u64>),
        ApplyMany(u64, u32),
        Flush,
        Merge,
        Reopen,
    }

    fn step() -> impl Strategy<Value = Step> {
        let key = prop_oneof![0..6_u64, Just(u64::MAX), Just(1 << 40)];
        prop_oneof![
            6 => proptest::collection::vec(key.clone(), 0..4).prop_map(Step::Apply),
            2 => (key, 1..700_u32).prop_map(|(key, count)| Step::ApplyMany(key, count)),
            2 => Just(Step::Flush),
            1 => Just(Step::Merge),
            1 => Just(Step::Reopen),
        ]
    }

    proptest! {
        #[test]
        fn whatever_is_flushed_merged_and_reopened_a_key_has_its_records(
            steps in proptest::collection::vec(step(), 0..40),
            window in (0..2_000_u32, 0..2_000_u32),
        ) {
            let memory = Memory::new();
            let (mut postings, _) = open(&memory);
            let mut model: Vec<Vec<u64>> = Vec::new();
            for step in steps {
                match step {
                    Step::Apply(keys) => {
                        postings.apply(postings.end(), keys.iter().copied());
                        model.push(keys);
                    }
                    Step::ApplyMany(key, count) => {
                        for _ in 0..count {
                            postings.apply(postings.end(), [key]);
                            model.push(vec![key]);
                        }
                    }
                    Step::Flush => flush_all(&memory, &mut postings),
                    Step::Merge => merge_all(&memory, &mut postings),
                    Step::Reopen => {
                        flush_all(&memory, &mut postings);
                        let (again, unused) = open(&memory);
                        prop_assert_eq!(again.end(), postings.end());
                        for name in unused {
                            memory.remove(&name).unwrap();
                        }
                        postings = again;
                    }
                }
            }
            let range = window.0.min(window.1)..window.0.max(window.1);
            for key in (0..6).chain([u64::MAX, 1 << 40, 77]) {
                let expected: Vec<u32> = (0..).zip(&model)
                    .filter(|(at, keys)| range.contains(at) && keys.contains(&key))
                    .map(|(at, _)| at)
                    .collect();
                prop_assert_eq!(&found(&postings, key, range.clone(), Order::Ascending), &expected);
                let mut backwards = found(&postings, key, range.clone(), Order::Descending);
                backwards.reverse();
                prop_assert_eq!(&backwards, &expected);
            }
        }
    }

    #[test]
    fn runs_are_merged_like_the_digits_of_a_number() {
        let memory = Memory::new();
        let (mut postings, _) = open(&memory);
        let mut most = 0;
        for _ in 0..64 {
            postings.apply(postings.end(), [1]);
            flush_all(&memory, &mut postings);
            merge_all(&memory, &mut postings);
            most = most.max(postings.runs.len());
        }

        assert_eq!(postings.runs.len(), 1);
        assert!(most <= 6, "{most} runs");
    }

    #[test]
    fn a_run_of_another_log_and_all_behind_it_are_left_out() {
        let memory = Memory::new();
        let (mut postings, _) = open(&memory);
        for _ in 0..3 {
            postings.apply(postings.end(), [1]);
            flush_all(&memory, &mut postings);
        }
        let id = |at| Some(if at == 1 { [0; 32] } else { last(at) });

        let (postings, unused) = Postings::<File>::open(&memory, INDEX, &memory.list().unwrap(), id);

        assert_eq!(postings.end(), 1);
        assert_eq!(unused, ["test-1-2", "test-2-3"]);
    }
}
