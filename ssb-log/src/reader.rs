//! Questions over the messages.

use std::fmt;
use std::ops::Range;
use std::ops::RangeBounds;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::sync::RwLockReadGuard;
use std::sync::atomic;

use ssb_keys::FeedId;
use ssb_keys::MessageId;

use crate::index::Indexes;
use crate::index::content::ContentIndexes;
use crate::index::feeds::FeedNumber;
use crate::index::feeds::Latest;
use crate::index::ids::id_key;
use crate::ordinal::Ordinal;
use crate::query::Answer;
use crate::query::ByTime;
use crate::query::Order;
use crate::query::Query;
use crate::read::Entry;
use crate::read::LogReader;
use crate::read::ReadError;
use crate::storage::Directory;
use crate::tail::Follower;

/// Reads the durable messages of a [`Store`](crate::Store). Clones read the same store, from any thread.
///
/// The log may grow between two calls; nothing else about an answer ever changes.
pub struct Reader<D: Directory> {
    log: LogReader<D>,
    indexes: Arc<RwLock<Indexes<D::File>>>,
    content: Arc<ContentIndexes<D::File>>,
}

impl<D: Directory> Reader<D> {
    pub(crate) const fn new(
        log: LogReader<D>,
        indexes: Arc<RwLock<Indexes<D::File>>>,
        content: Arc<ContentIndexes<D::File>>,
    ) -> Self {
        Self { log, indexes, content }
    }

    /// The messages that a query finds.
    pub fn query(&self, query: Query) -> Answer<D> {
        Answer::new(self.clone(), query)
    }

    /// Where the messages are whose times ([`Stored::time`]) are in a range, by these.
    pub fn by_time(&self, times: impl RangeBounds<f64>, order: Order) -> ByTime<D> {
        ByTime::new(self.clone(), (times.start_bound().cloned(), times.end_bound().cloned()), order)
    }

    /// The message with this id.
    ///
    /// # Errors
    ///
    /// [`ReadError`] if it, or one whose id starts alike, cannot be read.
    pub fn get(&self, id: &MessageId) -> Result<Option<Stored>, ReadError> {
        let (cursors, end) = {
            let indexes = self.indexes();
            if indexes.ids_are_damaged.load(atomic::Ordering::Acquire) {
                drop(indexes);
                return self.search(id);
            }
            (indexes.ids.likely(id_key(id)), indexes.ids.end())
        };
        debug_assert!(end <= self.len(), "an index is never ahead of the log");
        for mut cursor in cursors {
            loop {
                match cursor.page() {
                    Ok(None) => break,
                    Ok(Some(candidates)) => {
                        for at in candidates {
                            let stored = self.read(Ordinal::new(at))?;
                            if stored.id == *id {
                                return Ok(Some(stored));
                            }
                        }
                    }
                    Err(_) => {
                        self.indexes().ids_are_damaged.store(true, atomic::Ordering::Release);
                        return self.search(id);
                    }
                }
            }
        }
        Ok(None)
    }

    /// Looks for a message without the index: slow, and right.
    fn search(&self, id: &MessageId) -> Result<Option<Stored>, ReadError> {
        let mut from = Ordinal::ZERO;
        loop {
            let page = self.page(from..self.end(), SEARCH_LEN)?;
            let Some(last) = page.last() else { return Ok(None) };
            from = last.ordinal.next().ok_or(ReadError::Absent)?;
            if let Some(found) = page.into_iter().find(|stored| stored.id == *id) {
                return Ok(Some(found));
            }
        }
    }

    /// The message at a place in the log.
    ///
    /// # Errors
    ///
    /// [`ReadError::Absent`] if the log is shorter.
    pub fn read(&self, at: Ordinal) -> Result<Stored, ReadError> {
        stored(self.log.read(at)?)
    }

    /// Messages in the order in which they were received, from the start of `range`, until it ends or they take `len_max`
    /// bytes in the file. At least one, if the range has any that is there.
    ///
    /// # Errors
    ///
    /// [`ReadError`] of the first that cannot be read.
    pub fn page(&self, range: Range<Ordinal>, len_max: usize) -> Result<Vec<Stored>, ReadError> {
        self.log.page(range, len_max)?.into_iter().map(stored).collect()
    }

    /// As [`page`](Self::page), but from the end of `range` backwards: the message received last comes first.
    ///
    /// # Errors
    ///
    /// [`ReadError`] of the first that cannot be read.
    pub fn page_back(&self, range: Range<Ordinal>, len_max: usize) -> Result<Vec<Stored>, ReadError> {
        self.log.page_back(range, len_max)?.into_iter().map(stored).collect()
    }

    /// Messages of one feed from `sequence` on, which starts at 1, until it ends or their JSON has `len_max` bytes. At
    /// least one, if there is any.
    ///
    /// # Errors
    ///
    /// [`ReadError`] of the first that cannot be read.
    pub fn feed_page(&self, feed: &FeedId, sequence: u32, len_max: usize) -> Result<Vec<Stored>, ReadError> {
        self.page_of((sequence..=u32::MAX).map_while(|sequence| self.by_sequence(feed, sequence)), len_max)
    }

    /// The messages at some places, in that order, until their JSON has `len_max` bytes. At least one, if there is any place.
    ///
    /// # Errors
    ///
    /// [`ReadError`] of the first that cannot be read.
    pub fn page_of(
        &self,
        places: impl IntoIterator<Item = Ordinal>,
        len_max: usize,
    ) -> Result<Vec<Stored>, ReadError> {
        let mut page = Vec::new();
        let mut len = 0;
        for at in places {
            let stored = self.read(at)?;
            len += stored.json.len();
            if len > len_max && !page.is_empty() {
                break;
            }
            page.push(stored);
        }
        Ok(page)
    }

    /// The messages received between two times, as `(Bound::Excluded(gt), Bound::Included(lte))`, `gte..lt` and so on.
    ///
    /// # Errors
    ///
    /// [`ReadError`] of a message on the way.
    pub fn received(&self, times: impl RangeBounds<f64>) -> Result<Range<Ordinal>, ReadError> {
        self.log.received(times)
    }

    /// Where a message of a feed is.
    pub fn by_sequence(&self, feed: &FeedId, sequence: u32) -> Option<Ordinal> {
        self.indexes().feeds.by_sequence(feed, sequence)
    }

    /// The end of a feed; `None` if there is nothing of it.
    pub fn latest(&self, feed: &FeedId) -> Option<Latest> {
        let indexes = self.indexes();
        indexes.feeds.number(feed).and_then(|number| indexes.feeds.latest(number))
    }

    /// The ends of all feeds, by number.
    pub fn feeds(&self) -> Vec<Latest> {
        self.indexes().feeds.all().collect()
    }

    /// Whose message is at a place in the log, without reading it.
    pub fn author(&self, at: Ordinal) -> Option<FeedNumber> {
        self.indexes().feeds.author(at)
    }

    /// The number of a feed; `None` if there is nothing of it.
    pub fn feed_number(&self, feed: &FeedId) -> Option<FeedNumber> {
        self.indexes().feeds.number(feed)
    }

    /// The feed that has a number.
    pub fn feed_id(&self, number: FeedNumber) -> Option<FeedId> {
        self.indexes().feeds.id(number)
    }

    /// The ordinal behind the last message.
    pub fn end(&self) -> Ordinal {
        self.log.end()
    }

    /// How many messages there are.
    pub fn len(&self) -> u32 {
        self.end().get()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Waits for messages to be committed.
    pub fn follow(&self) -> Follower {
        self.log.follow()
    }

    pub(crate) fn content(&self) -> &ContentIndexes<D::File> {
        &self.content
    }

    /// Where the messages of a feed are that stand in a part of the log.
    pub(crate) fn places(&self, feed: &FeedId, range: Range<u32>) -> Vec<u32> {
        let indexes = self.indexes();
        let all = indexes.feeds.ordinals(feed, 1);
        let start = all.partition_point(|at| at.get() < range.start);
        let end = all.partition_point(|at| at.get() < range.end).max(start);
        all.get(start..end).unwrap_or_default().iter().map(|at| at.get()).collect()
    }

    fn indexes(&self) -> RwLockReadGuard<'_, Indexes<D::File>> {
        self.indexes.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: Directory> Clone for Reader<D> {
    fn clone(&self) -> Self {
        Self { log: self.log.clone(), indexes: Arc::clone(&self.indexes), content: Arc::clone(&self.content) }
    }
}

impl<D: Directory> fmt::Debug for Reader<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("end", &self.end()).finish_non_exhaustive()
    }
}

/// A message as it stands in the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// Its place in the log.
    pub ordinal: Ordinal,
    /// The id of the message.
    pub id: MessageId,
    /// When it was received, in milliseconds since 1970. No two messages have the same.
    pub received: f64,
    /// Compact JSON in the message's own key order: what is passed on.
    pub json: String,
}

/// How much is read at once in search of a message.
const SEARCH_LEN: usize = 1024 * 1024;

fn stored(entry: Entry) -> Result<Stored, ReadError> {
    let json = String::from_utf8(entry.body).map_err(|_| ReadError::Damaged { offset: entry.offset })?;
    Ok(Stored { ordinal: entry.ordinal, id: MessageId::from_bytes(entry.id), received: entry.received, json })
}
