//! The reading half of a log.

use std::fmt;
use std::ops::Bound;
use std::ops::Range;
use std::ops::RangeBounds;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::sync::RwLockReadGuard;

use thiserror::Error;

use crate::frame::Frame;
use crate::log::Kind;
use crate::log::Record;
use crate::offsets::Offsets;
use crate::ordinal::Ordinal;
use crate::storage::Directory;
use crate::storage::IoError;
use crate::storage::Storage;
use crate::tail::Follower;
use crate::tail::Tail;

/// Reads what is published of a log. Clones read the same log, from any thread, while its writer goes on.
pub struct LogReader<D: Directory> {
    shared: Arc<Shared<D::File>>,
}

impl<D: Directory> LogReader<D> {
    pub(crate) const fn new(shared: Arc<Shared<D::File>>) -> Self {
        Self { shared }
    }

    /// Reads one record.
    ///
    /// # Errors
    ///
    /// [`ReadError`]; never a record that is not what was written.
    pub fn read(&self, at: Ordinal) -> Result<Entry, ReadError> {
        let end = at.next().ok_or(ReadError::Absent)?;
        let (file, span) = self.shared.part(at..end).ok_or(ReadError::Absent)?;
        only_entry(bytes(&*file, &span)?, span.start, at)
    }

    /// Reads the records at some places, each for itself, but those that stand near each other with one read.
    pub(crate) fn read_all(&self, places: &[Ordinal]) -> Vec<Result<Entry, ReadError>> {
        let (file, spans) = self.shared.spans(places);
        let all: Vec<(Ordinal, Option<Range<u64>>)> = places.iter().copied().zip(spans).collect();
        let mut entries = Vec::with_capacity(all.len());
        let mut rest = all.as_slice();
        while let Some(((at, span), others)) = rest.split_first() {
            let Some(span) = span else {
                entries.push(Err(ReadError::Absent));
                rest = others;
                continue;
            };
            let (count, all_of_them) = near(span, others);
            let (group, others) = rest.split_at(count);
            rest = others;
            if count == 1 {
                entries.push(bytes(&*file, span).and_then(|bytes| only_entry(bytes, span.start, *at)));
                continue;
            }
            let read = bytes(&*file, &all_of_them);
            entries.extend(group.iter().map(|(at, span)| {
                let (span, bytes) =
                    (span.as_ref().ok_or(ReadError::Absent)?, read.as_ref().map_err(|error| *error)?);
                let skipped =
                    usize::try_from(span.start - all_of_them.start).map_err(|_| ReadError::Absent)?;
                // What is missing at the end of the file is told by the checksum.
                Ok(entry(bytes.get(skipped..).unwrap_or_default(), span.start, *at)?.0)
            }));
        }
        entries
    }

    /// Reads records in order from the start of `range`, until it ends or the records read have `len_max` bytes.
    /// At least one, if the range has any that is there.
    ///
    /// # Errors
    ///
    /// [`ReadError`] of the first that cannot be read.
    pub fn page(&self, range: Range<Ordinal>, len_max: usize) -> Result<Vec<Entry>, ReadError> {
        let range = range.start..range.end.min(self.end());
        let Some(first) = self.shared.span(range.start).filter(|_| !range.is_empty()) else {
            return Ok(Vec::new());
        };
        let fits = |end: Ordinal| {
            self.shared.span(end).is_some_and(|span| within(&(first.start..span.end), len_max))
        };
        let last = partition(range.start..before(range.end), |at| Ok(fits(next(at))))?;
        self.run(range.start..next(last))
    }

    /// As [`page`](Self::page), but from the end of `range` backwards: the last record comes first.
    ///
    /// # Errors
    ///
    /// [`ReadError`] of the first that cannot be read.
    pub fn page_back(&self, range: Range<Ordinal>, len_max: usize) -> Result<Vec<Entry>, ReadError> {
        let range = range.start..range.end.min(self.end());
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let Some(last) = self.shared.span(before(range.end)) else { return Ok(Vec::new()) };
        let fits = |start: Ordinal| {
            self.shared.span(start).is_some_and(|span| within(&(span.start..last.end), len_max))
        };
        let first = partition(range.start..before(range.end), |at| Ok(!fits(at)))?;
        let mut entries = self.run(first..range.end)?;
        entries.reverse();
        Ok(entries)
    }

    /// The records received between two times: `(Bound::Excluded(gt), Bound::Included(lte))`, `gte..lt` and so on.
    ///
    /// # Errors
    ///
    /// [`ReadError`] of a record on the way.
    pub fn received(&self, times: impl RangeBounds<f64>) -> Result<Range<Ordinal>, ReadError> {
        let all = Ordinal::ZERO..self.end();
        let first = |is_before: &dyn Fn(f64) -> bool| {
            partition(all.clone(), |at| self.read(at).map(|entry| is_before(entry.received)))
        };
        let start = match times.start_bound() {
            Bound::Included(&time) => first(&|received| received < time)?,
            Bound::Excluded(&time) => first(&|received| received <= time)?,
            Bound::Unbounded => all.start,
        };
        let end = match times.end_bound() {
            Bound::Included(&time) => first(&|received| received <= time)?,
            Bound::Excluded(&time) => first(&|received| received < time)?,
            Bound::Unbounded => all.end,
        };
        Ok(start..end.max(start))
    }

    /// The ordinal behind the last record that is there.
    pub fn end(&self) -> Ordinal {
        self.shared.tail.end()
    }

    /// Waits for the log to grow.
    pub fn follow(&self) -> Follower {
        self.shared.tail.follow()
    }

    /// How often all records moved to another file.
    pub(crate) fn generation(&self) -> u64 {
        self.shared.place().generation
    }

    /// How long the records of a range are in the file, as far as they are there.
    pub(crate) fn lens(&self, range: Range<u32>) -> Vec<u32> {
        let place = self.shared.place();
        let spans = range.map_while(|at| place.offsets.span(Ordinal::new(at)));
        spans.map(|span| u32::try_from(span.end - span.start).expect("a record is short")).collect()
    }

    /// How long one record is in the file.
    pub(crate) fn len(&self, at: Ordinal) -> Option<u64> {
        self.shared.span(at).map(|span| span.end - span.start)
    }

    /// How long the file is that has the records, in bytes.
    pub(crate) fn file_len(&self) -> u64 {
        self.shared.place().offsets.end()
    }

    /// Neighbours, with one read. The range is not empty and published.
    fn run(&self, range: Range<Ordinal>) -> Result<Vec<Entry>, ReadError> {
        let (file, span) = self.shared.part(range.clone()).ok_or(ReadError::Absent)?;
        let bytes = bytes(&*file, &span)?;
        let mut entries = Vec::with_capacity(range.end.index() - range.start.index());
        let (mut rest, mut offset, mut at) = (bytes.as_slice(), span.start, range.start);
        while at < range.end {
            let (entry, len) = entry(rest, offset, at)?;
            entries.push(entry);
            rest = rest.get(len..).unwrap_or_default();
            offset += u64::try_from(len).map_err(|_| ReadError::Absent)?;
            at = next(at);
        }
        Ok(entries)
    }
}

impl<D: Directory> Clone for LogReader<D> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<D: Directory> fmt::Debug for LogReader<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogReader").field("end", &self.end()).finish_non_exhaustive()
    }
}

/// A record that was read from a log.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its number.
    pub ordinal: Ordinal,
    /// Where it stands in the file.
    pub offset: u64,
    /// What the body is.
    pub kind: Kind,
    /// What it is found by.
    pub id: [u8; 32],
    /// When it was received, in milliseconds since 1970.
    pub received: f64,
    /// What it holds.
    pub body: Vec<u8>,
}

/// Why a record could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// There is no record of that number, or it is not durable yet.
    #[error("record is not in the log")]
    Absent,
    /// It is not what was written: the disk is failing, or somebody wrote to the file.
    #[error("log is damaged at byte {offset}")]
    Damaged {
        /// Where the record stands in the file.
        offset: u64,
    },
    /// The disk is failing.
    #[error("log cannot be read: {0}")]
    Io(#[source] IoError),
}

/// What the writer and its readers share.
#[derive(Debug)]
pub(crate) struct Shared<F> {
    place: RwLock<Place<F>>,
    tail: Arc<Tail>,
}

/// Where the records are that readers may see.
#[derive(Debug)]
pub(crate) struct Place<F> {
    file: Arc<F>,
    offsets: Offsets,
    /// How often all records moved to another file.
    generation: u64,
}

impl<F> Shared<F> {
    pub(crate) fn new(file: Arc<F>, offsets: Offsets) -> Self {
        let tail = Tail::default();
        tail.advance(offsets.next());
        Self { place: RwLock::new(Place { file, offsets, generation: 0 }), tail: Arc::new(tail) }
    }

    pub(crate) fn tail(&self) -> &Tail {
        &self.tail
    }

    /// Publishes records of these lengths.
    pub(crate) fn extend(&self, lens: impl Iterator<Item = u32>) {
        let mut place = self.place.write().unwrap_or_else(PoisonError::into_inner);
        for len in lens {
            place.offsets.push(len);
        }
        self.tail.advance(place.offsets.next());
    }

    /// The records that are published stand in another file from now on, at other places.
    pub(crate) fn moved(&self, file: Arc<F>, offsets: Offsets) {
        let mut place = self.place.write().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(place.offsets.next(), offsets.next(), "all records move");
        let generation = place.generation + 1;
        *place = Place { file, offsets, generation };
    }

    /// The bytes of neighbours, and the file they are in. `None` if there are no such records.
    fn part(&self, range: Range<Ordinal>) -> Option<(Arc<F>, Range<u64>)> {
        let place = self.place();
        let (first, last) = (place.offsets.span(range.start)?, place.offsets.span(before(range.end))?);
        Some((Arc::clone(&place.file), first.start..last.end))
    }

    /// The file, and where in it the records at some places are.
    fn spans(&self, places: &[Ordinal]) -> (Arc<F>, Vec<Option<Range<u64>>>) {
        let place = self.place();
        (Arc::clone(&place.file), places.iter().map(|at| place.offsets.span(*at)).collect())
    }

    fn span(&self, at: Ordinal) -> Option<Range<u64>> {
        self.place().offsets.span(at)
    }

    fn place(&self) -> RwLockReadGuard<'_, Place<F>> {
        self.place.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many of these stand near the first, that itself among them, and where all of them are.
fn near(first: &Range<u64>, others: &[(Ordinal, Option<Range<u64>>)]) -> (usize, Range<u64>) {
    let (mut count, mut wanted, mut all) = (1, first.end - first.start, first.clone());
    for (_, span) in others {
        let Some(span) = span else { break };
        let with_it = all.start.min(span.start)..all.end.max(span.end);
        wanted += span.end - span.start;
        let len = with_it.end - with_it.start;
        if len > NEAR_LEN_MAX || len > wanted.saturating_mul(NEAR_SHARE) {
            break;
        }
        (count, all) = (count + 1, with_it);
    }
    (count, all)
}

/// The most that is read at once for records that stand near each other ...
const NEAR_LEN_MAX: u64 = 256 * 1024;

/// ... of which one part in so many is wanted: more would cost more than another read.
const NEAR_SHARE: u64 = 6;

/// A part of a file. Spans are of our own making, so their length is no one else's choice.
fn bytes<F: Storage>(file: &F, span: &Range<u64>) -> Result<Vec<u8>, ReadError> {
    let len = usize::try_from(span.end - span.start).map_err(|_| ReadError::Absent)?;
    let mut bytes = vec![0; len];
    let count = file.read_at(span.start, &mut bytes).map_err(|error| ReadError::Io(error.into()))?;
    // A file that has become shorter is as broken as one that has changed: the checksum says so.
    bytes.truncate(count);
    Ok(bytes)
}

/// The record that `bytes`, the file from `offset` on, start with, and its length.
fn entry(bytes: &[u8], offset: u64, ordinal: Ordinal) -> Result<(Entry, usize), ReadError> {
    let frame = Frame::parse(bytes, offset).map_err(|_| ReadError::Damaged { offset })?;
    let entry = with_body(frame.record, frame.record.body.to_vec(), offset, ordinal);
    Ok((entry, frame.len))
}

/// The same, of bytes that are nothing else: their memory becomes its body.
fn only_entry(mut bytes: Vec<u8>, offset: u64, ordinal: Ordinal) -> Result<Entry, ReadError> {
    let frame = Frame::parse(&bytes, offset).map_err(|_| ReadError::Damaged { offset })?;
    let (body_len, frame_len) = (frame.record.body.len(), frame.len);
    let entry = with_body(frame.record, Vec::new(), offset, ordinal);
    bytes.truncate(frame_len);
    bytes.drain(..frame_len - body_len);
    Ok(Entry { body: bytes, ..entry })
}

const fn with_body(record: Record<'_>, body: Vec<u8>, offset: u64, ordinal: Ordinal) -> Entry {
    Entry { ordinal, offset, kind: record.kind, id: record.id, received: record.received, body }
}

/// The first of `range` for which `holds` does not hold, or its end. It holds for none after that one.
fn partition(
    range: Range<Ordinal>,
    holds: impl Fn(Ordinal) -> Result<bool, ReadError>,
) -> Result<Ordinal, ReadError> {
    let (mut low, mut high) = (range.start.get(), range.end.get());
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(Ordinal::new(middle))? {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(Ordinal::new(low))
}

fn within(span: &Range<u64>, len_max: usize) -> bool {
    usize::try_from(span.end - span.start).is_ok_and(|len| len <= len_max)
}

fn next(at: Ordinal) -> Ordinal {
    at.next().expect("an end comes after it")
}

fn before(end: Ordinal) -> Ordinal {
    Ordinal::new(end.get().saturating_sub(1))
}
