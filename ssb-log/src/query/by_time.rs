//! Messages by the time that their authors claim, or that of their receipt if the author claims a later one or none.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::fmt;
use std::ops::Bound;
use std::ops::Range;
use std::sync::Arc;

use crate::index::content::ContentIndex;
use crate::index::content::time_key;
use crate::index::content::time_of_key;
use crate::ordinal::Ordinal;
use crate::postings::Order;
use crate::read::ReadError;
use crate::reader::Reader;
use crate::run::Posting;
use crate::run::Run;
use crate::storage::Directory;

/// Where the messages of a stretch of time are, in order, some at a time. What is stored after the question is not among them.
pub struct ByTime<D: Directory> {
    reader: Reader<D>,
    order: Order,
    /// From the first entry on up to, and without, the other.
    wanted: Range<Posting>,
    end: u32,
    heads: Vec<Head<D>>,
    /// Entries of records that are in no run, sorted.
    recent: VecDeque<Posting>,
    /// Records that no index knows of, and were not read yet.
    unread: Range<u32>,
}

/// A run, as far as it was read.
struct Head<D: Directory> {
    run: Arc<Run<D::File>>,
    blocks: Range<usize>,
    entries: VecDeque<Posting>,
}

/// How much is read at once of what no index knows.
const PAGE_LEN: usize = 1024 * 1024;

impl<D: Directory> ByTime<D> {
    pub(crate) fn new(reader: Reader<D>, times: (Bound<f64>, Bound<f64>), order: Order) -> Self {
        let start = match times.0 {
            Bound::Included(time) => Posting { key: time_key(time), at: 0 },
            Bound::Excluded(time) => Posting { key: time_key(time).saturating_add(1), at: 0 },
            Bound::Unbounded => Posting { key: 0, at: 0 },
        };
        let upto = match times.1 {
            Bound::Included(time) => Posting { key: time_key(time).saturating_add(1), at: 0 },
            Bound::Excluded(time) => Posting { key: time_key(time), at: 0 },
            Bound::Unbounded => Posting { key: u64::MAX, at: u32::MAX },
        };
        let end = reader.end().get();
        let mut this = Self {
            reader,
            order,
            wanted: start..upto.max(start),
            end,
            heads: Vec::new(),
            recent: VecDeque::new(),
            unread: 0..end,
        };
        this.begin();
        this
    }

    /// Whether all were given.
    pub fn is_over(&self) -> bool {
        self.unread.is_empty() && self.recent.is_empty() && self.heads.iter().all(Head::is_over)
    }

    /// The next messages, no more than so many. Ask again until [`is_over`](Self::is_over): there may be none although there are
    /// more. Of messages of the same time the one received first comes first, or last if the order is that.
    ///
    /// # Errors
    ///
    /// [`ReadError`] of a message that no index knows of.
    pub fn page(&mut self, count: usize) -> Result<Vec<(f64, Ordinal)>, ReadError> {
        if !self.unread.is_empty() {
            self.read_more()?;
            return Ok(Vec::new());
        }
        let mut page = Vec::new();
        while page.len() < count {
            match self.next() {
                Ok(Some(posting)) if self.reader.is_gone(Ordinal::new(posting.at)) => {}
                Ok(Some(posting)) => page.push((time_of_key(posting.key), Ordinal::new(posting.at))),
                Ok(None) => break,
                // A file is damaged: the log itself has it all, and the index is made anew when it is merged or opened.
                Err(Damaged) if page.is_empty() => {
                    self.heads.clear();
                    self.recent.clear();
                    self.unread = 0..self.end;
                    break;
                }
                Err(Damaged) => break,
            }
        }
        // What was given is not wanted again, whatever happens.
        if let Some((time, at)) = page.last() {
            let last = Posting { key: time_key(*time), at: at.get() };
            match self.order {
                Order::Ascending => self.wanted.start = Posting { at: last.at.saturating_add(1), ..last },
                Order::Descending => self.wanted.end = last,
            }
        }
        Ok(page)
    }

    fn begin(&mut self) {
        let index = self.reader.content().read(ContentIndex::Times);
        let known = index.end().min(self.end);
        for run in index.runs() {
            let first = run.block_of(self.wanted.start);
            let last = run.block_of(self.wanted.end);
            let blocks = if run.blocks() == 0 { 0..0 } else { first..last + 1 };
            self.heads.push(Head { run: Arc::clone(run), blocks, entries: VecDeque::new() });
        }
        let recent = index.recent_between(self.wanted.clone());
        drop(index);
        self.recent = recent.into_iter().filter(|posting| posting.at < known).collect();
        self.unread.start = known;
    }

    fn read_more(&mut self) -> Result<(), ReadError> {
        let page = self.reader.page(Ordinal::new(self.unread.start)..Ordinal::new(self.unread.end), PAGE_LEN);
        let page = page?;
        self.unread.start = page.last().map_or(self.unread.end, |last| last.ordinal.get() + 1);
        let postings =
            page.iter().map(|stored| Posting { key: time_key(stored.time()), at: stored.ordinal.get() });
        self.recent.extend(postings.filter(|posting| self.wanted.contains(posting)));
        if self.unread.is_empty() {
            self.recent.make_contiguous().sort();
        }
        Ok(())
    }

    fn next(&mut self) -> Result<Option<Posting>, Damaged> {
        let (order, wanted, end) = (self.order, self.wanted.clone(), self.end);
        for head in &mut self.heads {
            head.fill(order, |posting| wanted.contains(posting) && posting.at < end)?;
        }
        let all = self.heads.iter_mut().map(|head| &mut head.entries).chain([&mut self.recent]);
        let with_next = all.filter(|entries| !entries.is_empty());
        Ok(match order {
            Order::Ascending => {
                with_next.min_by_key(|entries| entries.front().copied()).and_then(VecDeque::pop_front)
            }
            Order::Descending => with_next
                .min_by_key(|entries| entries.back().copied().map(Reverse))
                .and_then(VecDeque::pop_back),
        })
    }
}

/// A file of the index is not what was written, or cannot be read.
struct Damaged;

impl<D: Directory> Head<D> {
    fn is_over(&self) -> bool {
        self.blocks.is_empty() && self.entries.is_empty()
    }

    /// Reads blocks until there is an entry that is wanted, or none is left.
    fn fill(&mut self, order: Order, is_wanted: impl Fn(&Posting) -> bool) -> Result<(), Damaged> {
        while self.entries.is_empty() {
            let block = match order {
                Order::Ascending => self.blocks.next(),
                Order::Descending => self.blocks.next_back(),
            };
            let Some(block) = block else { return Ok(()) };
            let entries = self.run.block(block).map_err(|_| Damaged)?;
            self.entries = entries.into_iter().filter(&is_wanted).collect();
        }
        Ok(())
    }
}

impl<D: Directory> fmt::Debug for ByTime<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByTime")
            .field("wanted", &self.wanted)
            .field("order", &self.order)
            .finish_non_exhaustive()
    }
}
