//! Answers a query, page by page.

use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;

use super::Query;
use super::plan::Plan;
use super::plan::Source;
use super::plan::Whom;
use crate::ordinal::Ordinal;
use crate::postings::Cursor;
use crate::postings::Order;
use crate::postings::Postings;
use crate::read::ReadError;
use crate::reader::AT_ONCE_MAX;
use crate::reader::LEN_USUAL;
use crate::reader::Reader;
use crate::reader::Stored;
use crate::storage::Directory;

/// The messages that a query finds, a page at a time.
///
/// An answer is a cursor: it holds no message, and what it was asked for in ascending order goes on with what came since.
pub struct Answer<D: Directory> {
    reader: Reader<D>,
    plan: Plan,
    order: Order,
    left: u64,
    /// What was not looked at yet of the part that was asked for.
    rest: Range<u32>,
    /// What indexes know of it.
    lookup: Option<Lookup<D>>,
    /// What they do not know yet.
    scan: Range<u32>,
    /// What was looked at, and is behind the end of a page.
    held: Vec<Ordinal>,
}

/// Candidates in order, of a part of the log.
struct Lookup<D: Directory> {
    feeds: Vec<VecDeque<u32>>,
    cursors: Vec<(Cursor<D::File>, VecDeque<u32>, bool)>,
    /// Of which part of the log these are all there are.
    covers: Range<u32>,
}

/// A file of an index is not what was written, or cannot be read.
struct Damaged;

/// How many candidates are read before a page ends although none was wanted, so that a caller is never kept for long.
const CANDIDATES_MAX: usize = 4_096;

impl<D: Directory> Answer<D> {
    pub(crate) fn new(reader: Reader<D>, query: Query) -> Self {
        let mut rest = query.range.start.get()..query.range.end.get();
        if query.order == Order::Descending {
            // What comes later is not before what was given.
            rest.end = rest.end.min(reader.end().get());
        }
        Self {
            plan: Plan::of(query.filter.0),
            reader,
            order: query.order,
            left: query.limit.unwrap_or(u64::MAX),
            rest,
            lookup: None,
            scan: 0..0,
            held: Vec::new(),
        }
    }

    /// How it is found.
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Whether all that was there was given: later calls give what came since, if it goes forward.
    pub fn is_over(&self) -> bool {
        self.left == 0 || (self.held.is_empty() && self.rest.start >= self.end())
    }

    /// The next messages, until they have `len_max` bytes of JSON. Ask again until [`is_over`](Self::is_over): a page may be
    /// empty although there are more.
    ///
    /// # Errors
    ///
    /// [`ReadError`] of a message on the way. It is not given with later calls either.
    pub fn page(&mut self, len_max: usize) -> Result<Vec<Stored>, ReadError> {
        let (mut page, mut len, mut count) = (Vec::new(), 0, 0);
        while self.left > 0 && len < len_max && count < CANDIDATES_MAX {
            let places = self.candidates(len_max - len);
            if places.is_empty() {
                break;
            }
            count += places.len();
            let read = self.reader.read_all(&places);
            for (nth, read) in read.into_iter().enumerate() {
                let hold = |from: usize| places.get(from..).unwrap_or_default().to_vec();
                if self.left == 0 || len >= len_max {
                    self.held = hold(nth);
                    break;
                }
                let stored = match read {
                    // No message, or none any more.
                    Err(ReadError::Absent) => continue,
                    Err(error) if page.is_empty() => {
                        self.held = hold(nth + 1);
                        return Err(error);
                    }
                    // What was found before it is given first.
                    Err(_) => {
                        self.held = hold(nth);
                        return Ok(page);
                    }
                    Ok(stored) => stored,
                };
                if self.plan.check.holds(stored.shown()) {
                    len += stored.shown().len();
                    self.left -= 1;
                    page.push(stored);
                }
            }
        }
        Ok(page)
    }

    /// The next records that may be wanted: about as many as have so many bytes.
    fn candidates(&mut self, len: usize) -> Vec<Ordinal> {
        if !self.held.is_empty() {
            return std::mem::take(&mut self.held);
        }
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        let count = (len / LEN_USUAL).clamp(1, AT_ONCE_MAX).min(left);
        std::iter::from_fn(|| self.candidate()).map(Ordinal::new).take(count).collect()
    }

    /// The end of what can be looked at now.
    fn end(&self) -> u32 {
        self.rest.end.min(self.reader.end().get())
    }

    /// The next record that may be wanted, which then counts as looked at.
    fn candidate(&mut self) -> Option<u32> {
        loop {
            let end = self.end();
            if self.rest.start >= end {
                // One that waits holds on to nothing.
                self.lookup = None;
                return None;
            }
            let next = match self.order {
                Order::Ascending => self.rest.start,
                Order::Descending => end - 1,
            };
            if self.scan.contains(&next) {
                self.looked_at(next..next + 1);
                return Some(next);
            }
            match self.lookup.as_mut().filter(|lookup| lookup.covers.contains(&next)) {
                None => self.look_up(self.rest.start..end),
                Some(lookup) => match lookup.next(self.order) {
                    Ok(Some(at)) => {
                        self.looked_at(at..at + 1);
                        return Some(at);
                    }
                    Ok(None) => {
                        let covered = lookup.covers.clone();
                        self.looked_at(covered);
                    }
                    // The index is damaged: the log itself has it all, and the index is made anew when it is merged or opened.
                    Err(Damaged) => {
                        self.plan.source = Source::Log;
                        self.lookup = None;
                    }
                },
            }
        }
    }

    /// What is on the nearer side of `done` was looked at, too.
    const fn looked_at(&mut self, done: Range<u32>) {
        match self.order {
            Order::Ascending => self.rest.start = done.end,
            Order::Descending => self.rest.end = done.start,
        }
    }

    fn look_up(&mut self, range: Range<u32>) {
        let end = range.end;
        let mut lookup = Lookup { feeds: Vec::new(), cursors: Vec::new(), covers: range };
        lookup.add(&self.plan.source, &self.reader, self.order);
        self.scan = lookup.covers.end..end;
        self.lookup = Some(lookup);
    }
}

impl<D: Directory> Lookup<D> {
    fn add(&mut self, source: &Source, reader: &Reader<D>, order: Order) {
        match source {
            Source::Log => self.covers.end = self.covers.start,
            Source::Feed(feed) => {
                let mut places = reader.places(feed, self.covers.clone());
                if order == Order::Descending {
                    places.reverse();
                }
                self.feeds.push(places.into());
            }
            Source::Opened => {
                // Nobody else has any.
                let Some(private) = reader.private() else { return };
                let (mut places, end) = private.places(self.covers.clone());
                self.covers.end = self.covers.end.min(end).max(self.covers.start);
                if order == Order::Descending {
                    places.reverse();
                }
                self.feeds.push(places.into());
            }
            Source::Index { index, key, of } => {
                if *of == Whom::Anybody {
                    self.add_cursor(&reader.content().read(*index), *key, order);
                }
                if let Some(private) = reader.private() {
                    self.add_cursor(&private.found(), private.find(*index, *key), order);
                }
            }
            Source::Union(sources) => {
                for source in sources {
                    self.add(source, reader, order);
                }
            }
        }
    }

    fn add_cursor(&mut self, postings: &Postings<D::File>, key: u64, order: Order) {
        self.covers.end = self.covers.end.min(postings.end()).max(self.covers.start);
        self.cursors.push((postings.cursor(key, self.covers.clone(), order), VecDeque::new(), false));
    }

    /// The next candidate. Each comes once.
    fn next(&mut self, order: Order) -> Result<Option<u32>, Damaged> {
        let covers = self.covers.clone();
        let mut heads = BTreeSet::new();
        for places in &mut self.feeds {
            // One source may reach further than another.
            places.retain(|at| covers.contains(at));
            heads.extend(places.front());
        }
        for (cursor, known, is_done) in &mut self.cursors {
            while known.is_empty() && !*is_done {
                match cursor.page() {
                    Ok(Some(page)) => known.extend(page.into_iter().filter(|at| covers.contains(at))),
                    Ok(None) => *is_done = true,
                    Err(_) => return Err(Damaged),
                }
            }
            heads.extend(known.front());
        }
        let next = match order {
            Order::Ascending => heads.first().copied(),
            Order::Descending => heads.last().copied(),
        };
        let all = self.feeds.iter_mut().chain(self.cursors.iter_mut().map(|(_, known, _)| known));
        for known in all.filter(|known| known.front().copied() == next) {
            known.pop_front();
        }
        Ok(next)
    }
}

impl<D: Directory> fmt::Debug for Answer<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("plan", &self.plan).field("rest", &self.rest).finish_non_exhaustive()
    }
}
