//! Questions over the messages.

use std::collections::BTreeMap;
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
use ssb_msg::Unverified;
use ssb_msg::content::Contact;
use ssb_msg::content::Relation;
use ssb_msg::json;

use crate::compact::gain;
use crate::fields::Fields;
use crate::fork::Fork;
use crate::fork::ForkProof;
use crate::index::Indexes;
use crate::index::contacts;
use crate::index::content::ContentIndex;
use crate::index::content::ContentIndexes;
use crate::index::feeds::FeedNumber;
use crate::index::feeds::Latest;
use crate::index::ids::id_key;
use crate::index::private::Private;
use crate::log::Kind;
use crate::opener::Shown;
use crate::ordinal::Ordinal;
use crate::query::Answer;
use crate::query::ByTime;
use crate::query::Filter;
use crate::query::Order;
use crate::query::Query;
use crate::query::view::Question;
use crate::query::view::Walk;
use crate::read::Entry;
use crate::read::LogReader;
use crate::read::ReadError;
use crate::retain::Size;
use crate::storage::Directory;
use crate::tail::Follower;
use crate::tombstone::Tombstone;

/// Reads the durable messages of a [`Store`](crate::Store). Clones read the same store, from any thread.
///
/// Between two calls the log may grow, and messages may be deleted; nothing else about an answer ever changes.
///
/// A reader reads what anybody may see, unless it is the [private](crate::Store::private_reader) one of the owner, which sees in
/// plain text what was sealed for them: each [`Stored`] then has that, too, and queries look at it.
pub struct Reader<D: Directory> {
    log: LogReader<D>,
    indexes: Arc<RwLock<Indexes<D::File>>>,
    content: Arc<ContentIndexes<D::File>>,
    private: Option<Arc<Private<D::File>>>,
}

impl<D: Directory> Reader<D> {
    pub(crate) const fn new(
        log: LogReader<D>,
        indexes: Arc<RwLock<Indexes<D::File>>>,
        content: Arc<ContentIndexes<D::File>>,
        private: Option<Arc<Private<D::File>>>,
    ) -> Self {
        Self { log, indexes, content, private }
    }

    /// The same without what only the owner may see.
    #[must_use]
    pub fn sealed(&self) -> Self {
        Self { private: None, ..self.clone() }
    }

    /// The messages that a query finds.
    pub fn query(&self, query: Query) -> Answer<D> {
        Answer::new(self.clone(), query)
    }

    /// What answers a question of JavaScript's clients, of the messages before `end`.
    ///
    /// # Errors
    ///
    /// [`ReadError`] of a message by which it is found out where to begin.
    pub fn walk(&self, question: Question, end: Ordinal) -> Result<Walk<D>, ReadError> {
        Walk::new(self.clone(), question, end)
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
        self.find(id, |at| match self.read(at) {
            Ok(stored) => Ok((stored.id == *id).then_some(stored)),
            Err(ReadError::Absent) => Ok(None),
            Err(error) => Err(error),
        })
    }

    /// The message with this id for somebody, and where it stands. `None` also if its author blocks them with the last word here.
    ///
    /// # Errors
    ///
    /// [`ReadError`] if it, one whose id starts alike, or what the author says cannot be read.
    pub fn get_for(&self, id: &MessageId, viewer: &FeedId) -> Result<Option<(Place, Stored)>, ReadError> {
        let Some(place) = self.place_of(id)? else { return Ok(None) };
        if self.relation(&place.feed, viewer)? == Some(Relation::Block) {
            return Ok(None);
        }
        Ok(self.get(id)?.map(|stored| (place, stored)))
    }

    /// Who wrote the message with this id, if it is here.
    ///
    /// # Errors
    ///
    /// [`ReadError`] if it, or one whose id starts alike, cannot be read.
    pub fn author_of(&self, id: &MessageId) -> Result<Option<FeedId>, ReadError> {
        Ok(self.place_of(id)?.filter(|place| place.is_here).map(|place| place.feed))
    }

    /// The first thing that `look` makes of a record that may have this id.
    fn find<T>(
        &self,
        id: &MessageId,
        look: impl Fn(Ordinal) -> Result<Option<T>, ReadError>,
    ) -> Result<Option<T>, ReadError> {
        let (cursors, end) = {
            let indexes = self.indexes();
            if indexes.ids_are_damaged.load(atomic::Ordering::Acquire) {
                drop(indexes);
                return self.search(id, look);
            }
            (indexes.ids.likely(id_key(id)), indexes.ids.end())
        };
        debug_assert!(end <= self.end().get(), "an index is never ahead of the log");
        for mut cursor in cursors {
            loop {
                match cursor.page() {
                    Ok(None) => break,
                    Ok(Some(candidates)) => {
                        for at in candidates {
                            if let Some(found) = look(Ordinal::new(at))? {
                                return Ok(Some(found));
                            }
                        }
                    }
                    Err(_) => {
                        self.indexes().ids_are_damaged.store(true, atomic::Ordering::Release);
                        return self.search(id, look);
                    }
                }
            }
        }
        Ok(None)
    }

    /// The same without the index: slow, and right.
    fn search<T>(
        &self,
        id: &MessageId,
        look: impl Fn(Ordinal) -> Result<Option<T>, ReadError>,
    ) -> Result<Option<T>, ReadError> {
        let mut from = Ordinal::ZERO;
        loop {
            let page = self.log.page(from..self.end(), SEARCH_LEN)?;
            let Some(last) = page.last() else { return Ok(None) };
            from = last.ordinal.next().ok_or(ReadError::Absent)?;
            for entry in page.iter().filter(|entry| entry.id == *id.as_bytes()) {
                if let Some(found) = look(entry.ordinal)? {
                    return Ok(Some(found));
                }
            }
        }
    }

    /// Where the message with this id stands in its feed, also if it was deleted and its feed goes on without it.
    ///
    /// # Errors
    ///
    /// [`ReadError`] if it, or one whose id starts alike, cannot be read.
    pub fn place_of(&self, id: &MessageId) -> Result<Option<Place>, ReadError> {
        self.find(id, |at| {
            let entry = self.log.read(at)?;
            let is_it = entry.id == *id.as_bytes();
            Ok(is_it.then(|| self.place(id, entry)).flatten())
        })
    }

    fn place(&self, id: &MessageId, entry: Entry) -> Option<Place> {
        let (feed, sequence, contact) = match entry.kind {
            Kind::Message => {
                let stored = self.message(entry)?.ok()?;
                let message = Unverified::parse(stored.json.as_bytes()).ok()?;
                let said = contacts::said(stored.shown());
                (message.author(), message.sequence(), said.map(|(_, said)| said.contact))
            }
            Kind::Tombstone => {
                let tombstone = Tombstone::parse(&entry.body)?;
                (tombstone.author, tombstone.sequence, None)
            }
            Kind::Decision | Kind::ForkProof => return None,
        };
        let indexes = self.indexes();
        let slot = indexes.ledger.feeds.by_sequence(&feed, sequence)?;
        let is_here = !indexes.ledger.gone.contains(slot);
        drop(indexes);
        // The feed may have begun anew, and forked.
        let is_it = self.log.read(slot).is_ok_and(|entry| entry.id == *id.as_bytes());
        is_it.then_some(Place { feed, sequence, is_here, contact })
    }

    /// The message at a place in the log.
    ///
    /// # Errors
    ///
    /// [`ReadError::Absent`] if there is none (any more), or the log is shorter.
    pub fn read(&self, at: Ordinal) -> Result<Stored, ReadError> {
        if self.indexes().ledger.gone.contains(at) {
            return Err(ReadError::Absent);
        }
        self.message(self.log.read(at)?).unwrap_or(Err(ReadError::Absent))
    }

    /// The messages at some places, each for itself: [`ReadError::Absent`] where there is none (any more). Those that stand near
    /// each other are read at once.
    pub fn read_all(&self, places: &[Ordinal]) -> Vec<Result<Stored, ReadError>> {
        let gone: Vec<bool> = {
            let indexes = self.indexes();
            places.iter().map(|at| indexes.ledger.gone.contains(*at)).collect()
        };
        let entries = self.log.read_all(places);
        let stored = |entry: Result<Entry, ReadError>| self.message(entry?).unwrap_or(Err(ReadError::Absent));
        let read = |(is_gone, entry)| if is_gone { Err(ReadError::Absent) } else { stored(entry) };
        gone.into_iter().zip(entries).map(read).collect()
    }

    /// Messages in the order in which they were received, from the start of `range`, until it ends or they take `len_max`
    /// bytes in the file. At least one, if the range has any that is there; places without a message are passed over.
    ///
    /// # Errors
    ///
    /// [`ReadError`] of the first that cannot be read.
    pub fn page(&self, range: Range<Ordinal>, len_max: usize) -> Result<Vec<Stored>, ReadError> {
        let Range { mut start, end } = range.start..range.end.min(self.end());
        loop {
            start = self.indexes().ledger.gone.skip(start);
            if start >= end {
                return Ok(Vec::new());
            }
            let entries = self.log.page(start..end, len_max)?;
            start = entries.last().and_then(|entry| entry.ordinal.next()).unwrap_or(end);
            let page = self.messages(entries)?;
            if !page.is_empty() {
                return Ok(page);
            }
        }
    }

    /// As [`page`](Self::page), but from the end of `range` backwards: the message received last comes first.
    ///
    /// # Errors
    ///
    /// [`ReadError`] of the first that cannot be read.
    pub fn page_back(&self, range: Range<Ordinal>, len_max: usize) -> Result<Vec<Stored>, ReadError> {
        let Range { start, mut end } = range.start..range.end.min(self.end());
        loop {
            end = self.indexes().ledger.gone.skip_back(end);
            if start >= end {
                return Ok(Vec::new());
            }
            let entries = self.log.page_back(start..end, len_max)?;
            end = entries.last().map_or(start, |entry| entry.ordinal);
            let page = self.messages(entries)?;
            if !page.is_empty() {
                return Ok(page);
            }
        }
    }

    /// Those of these that are messages, and not gone.
    fn messages(&self, mut entries: Vec<Entry>) -> Result<Vec<Stored>, ReadError> {
        let indexes = self.indexes();
        entries.retain(|entry| !indexes.ledger.gone.contains(entry.ordinal));
        drop(indexes);
        entries.into_iter().filter_map(|entry| self.message(entry)).collect()
    }

    /// Messages of one feed from `sequence` on, which starts at 1, until it ends, one is missing because it was deleted, or
    /// their JSON has `len_max` bytes. At least one, if that of `sequence` is there.
    ///
    /// # Errors
    ///
    /// [`ReadError`] of the first that cannot be read.
    pub fn feed_page(&self, feed: &FeedId, sequence: u32, len_max: usize) -> Result<Vec<Stored>, ReadError> {
        self.page_of((sequence..=u32::MAX).map_while(|sequence| self.by_sequence(feed, sequence)), len_max)
    }

    /// The messages at some places, in that order, until their JSON has `len_max` bytes. At least one, if there is any. Places
    /// whose message was deleted meanwhile are passed over.
    ///
    /// # Errors
    ///
    /// [`ReadError`] of the first that cannot be read.
    pub fn page_of(
        &self,
        places: impl IntoIterator<Item = Ordinal>,
        len_max: usize,
    ) -> Result<Vec<Stored>, ReadError> {
        let (mut page, mut len) = (Vec::new(), 0);
        // An end stays one: behind a message that is missing there may be others.
        let mut places = places.into_iter().fuse();
        while len < len_max || page.is_empty() {
            // About as many as are missing: most messages are longer than this.
            let count = (len_max.saturating_sub(len) / LEN_USUAL).clamp(1, AT_ONCE_MAX);
            let next: Vec<Ordinal> = places.by_ref().take(count).collect();
            if next.is_empty() {
                break;
            }
            for read in self.read_all(&next) {
                let stored = match read {
                    Err(ReadError::Absent) => continue,
                    read => read?,
                };
                len += stored.shown().len();
                if len > len_max && !page.is_empty() {
                    return Ok(page);
                }
                page.push(stored);
            }
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

    /// Where a message of a feed is. `None` if it was deleted, or never was here.
    pub fn by_sequence(&self, feed: &FeedId, sequence: u32) -> Option<Ordinal> {
        let indexes = self.indexes();
        indexes.ledger.feeds.by_sequence(feed, sequence).filter(|at| !indexes.ledger.gone.contains(*at))
    }

    /// The sequence of the first message of a feed from `sequence` on that is there. `None` if there is none.
    pub fn next_sequence(&self, feed: &FeedId, sequence: u32) -> Option<u32> {
        let indexes = self.indexes();
        let all = indexes.ledger.feeds.ordinals(feed, sequence.max(1));
        let skipped = all.iter().position(|at| !indexes.ledger.gone.contains(*at))?;
        sequence.max(1).checked_add(u32::try_from(skipped).ok()?)
    }

    /// A message that was deleted and may come back, as long as its bytes are in the file: until the log is compacted.
    ///
    /// # Errors
    ///
    /// [`ReadError`] if it cannot be read.
    pub fn retained(&self, feed: &FeedId, sequence: u32) -> Result<Option<String>, ReadError> {
        let slot = {
            let indexes = self.indexes();
            indexes
                .ledger
                .feeds
                .by_sequence(feed, sequence)
                .filter(|at| indexes.ledger.gone.may_come_back(*at))
        };
        let Some(at) = slot else { return Ok(None) };
        stored(self.log.read(at)?).map(|stored| stored.map(|stored| stored.json)).transpose()
    }

    /// The feeds of which nothing is taken, because the owner wants so.
    pub fn banned(&self) -> Vec<FeedId> {
        self.indexes().ledger.gone.banned().iter().copied().collect()
    }

    /// The feeds of which two messages contradict each other, in the order of their ids. Each goes on with the messages that
    /// came here first.
    pub fn forks(&self) -> Vec<Fork> {
        let indexes = self.indexes();
        let forks = indexes.ledger.forks.iter();
        forks.map(|(feed, (sequence, _))| Fork { feed: *feed, sequence: *sequence }).collect()
    }

    /// The proof that a feed has forked, if it is known to.
    ///
    /// # Errors
    ///
    /// [`ReadError`] if it cannot be read.
    pub fn fork_proof(&self, feed: &FeedId) -> Result<Option<ForkProof>, ReadError> {
        let place = self.indexes().ledger.forks.get(feed).copied();
        let Some((_, at)) = place else { return Ok(None) };
        let entry = self.log.read(at)?;
        Ok(ForkProof::decode(&entry.id, &entry.body))
    }

    /// The end of a feed, whether or not its latest message was deleted; `None` if there is nothing of it.
    pub fn latest(&self, feed: &FeedId) -> Option<Latest> {
        let indexes = self.indexes();
        indexes.ledger.feeds.number(feed).and_then(|number| indexes.ledger.feeds.latest(number))
    }

    /// What `author` says of `contact` with the latest message here that says something of it.
    ///
    /// # Errors
    ///
    /// [`ReadError`] of a message of the author.
    pub fn relation(&self, author: &FeedId, contact: &FeedId) -> Result<Option<Relation>, ReadError> {
        let filter = Filter::author(*author).and(Filter::contacts());
        let mut answer = self.query(Query::new(filter).descending());
        while !answer.is_over() {
            for stored in answer.page(SEARCH_LEN)? {
                let said = json::parse(stored.shown().as_bytes()).ok();
                let said = said.as_ref().and_then(|message| Contact::read(message.get("content")?));
                if let Some(said) = said.filter(|said| said.contact == *contact) {
                    return Ok(Some(said.relation));
                }
            }
        }
        Ok(None)
    }

    /// Of what `author` says of others in the messages before `end`, the words that were said to the owner in private, and that no
    /// later one has replaced.
    ///
    /// # Errors
    ///
    /// [`ReadError`] of a message of the author.
    pub fn private_words(&self, author: &FeedId, end: Ordinal) -> Result<Vec<Contact>, ReadError> {
        let filter = Filter::author(*author).and(Filter::contacts());
        let mut answer = self.query(Query::new(filter).within(Ordinal::ZERO..end));
        let mut words = BTreeMap::new();
        while !answer.is_over() {
            for stored in answer.page(SEARCH_LEN)? {
                if let Some((_, said)) = contacts::said(stored.shown()) {
                    words.insert(said.contact, (said.relation, stored.opened.is_some()));
                }
            }
        }
        let private = words.into_iter().filter(|(_, (_, is_private))| *is_private);
        Ok(private.map(|(contact, (relation, _))| Contact { contact, relation }).collect())
    }

    /// The ends of all feeds, by number.
    pub fn feeds(&self) -> Vec<Latest> {
        self.indexes().ledger.feeds.all().collect()
    }

    /// Whose message is at a place in the log, or was, without reading it.
    pub fn author(&self, at: Ordinal) -> Option<FeedNumber> {
        self.indexes().ledger.feeds.author(at)
    }

    /// The authors of the messages at these places, in their order, without reading them.
    pub fn authors(&self, places: Range<Ordinal>) -> impl Iterator<Item = FeedId> {
        let places = (places.start.get()..places.end.get()).map(Ordinal::new);
        places.filter_map(|at| self.author(at).and_then(|number| self.feed_id(number)))
    }

    /// The number of a feed; `None` if there is nothing of it.
    pub fn feed_number(&self, feed: &FeedId) -> Option<FeedNumber> {
        self.indexes().ledger.feeds.number(feed)
    }

    /// The feed that has a number.
    pub fn feed_id(&self, number: FeedNumber) -> Option<FeedId> {
        self.indexes().ledger.feeds.id(number)
    }

    /// The ordinal behind the last record.
    pub fn end(&self) -> Ordinal {
        self.log.end()
    }

    /// Up to where the indexes of content know the messages. What is behind it a query reads in the log itself.
    pub fn indexed(&self) -> Ordinal {
        let content = self.content.read(ContentIndex::Links).end();
        Ordinal::new(self.private().map_or(content, |own| content.min(own.found().end())))
    }

    /// How many messages there are. Fewer than records, if some were deleted.
    pub fn len(&self) -> u32 {
        // The lock keeps the writer from moving one of them.
        let indexes = self.indexes();
        self.end().get() - indexes.ledger.gone.count()
    }

    /// How many places of the log hold no message, or none any more.
    pub fn gone(&self) -> u32 {
        self.indexes().ledger.gone.count()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How long the file of the log is, in bytes.
    pub fn file_len(&self) -> u64 {
        self.log.file_len()
    }

    /// How many bytes of it a compaction gives back, about.
    pub fn reclaimable(&self) -> u64 {
        let lens = self.log.lens(0..self.end().get());
        let indexes = self.indexes();
        let gone = (0..).map(Ordinal::new).zip(lens).filter(|(at, _)| indexes.ledger.gone.contains(*at));
        gone.filter(|(at, _)| indexes.ledger.feeds.author(*at).is_some())
            .map(|(_, len)| gain(u64::from(len)))
            .sum()
    }

    /// Waits for messages to be committed.
    pub fn follow(&self) -> Follower {
        self.log.follow()
    }

    /// The messages of a feed that are there, by sequence, and how long they are in the file.
    pub(crate) fn sizes(&self, feed: &FeedId) -> Vec<Size> {
        let indexes = self.indexes();
        let all = (1..).zip(indexes.ledger.feeds.ordinals(feed, 1).iter().copied());
        let here = all.filter(|(_, at)| !indexes.ledger.gone.contains(*at));
        let sizes = here.filter_map(|(sequence, at)| Some(Size { sequence, at, len: self.log.len(at)? }));
        sizes.collect()
    }

    /// Whether there is no message at a place, or none any more.
    pub(crate) fn is_gone(&self, at: Ordinal) -> bool {
        self.indexes().ledger.gone.contains(at)
    }

    pub(crate) fn content(&self) -> &ContentIndexes<D::File> {
        &self.content
    }

    /// What only the owner may see, if this reader may.
    pub(crate) fn private(&self) -> Option<&Private<D::File>> {
        self.private.as_deref()
    }

    /// What a message that may not be here says to the owner, if it was sealed for them and this reader is theirs. Nothing of it is
    /// remembered.
    pub fn open(&self, message: &str) -> Option<Shown> {
        self.private()?.opener().open(&Fields::of(message)?)?.show(message)
    }

    /// The same of a box that stands alone: the JSON in it, as [`Opener::unbox`](crate::Opener::unbox) has it.
    pub fn unbox(&self, boxed: &str) -> Option<String> {
        self.private()?.opener().unbox(boxed)
    }

    /// How many messages were tried to be opened by all who read or index them for the owner, since the store was opened: each
    /// costs a multiplication on the curve.
    pub fn trials(&self) -> u64 {
        self.private().map_or(0, Private::trials)
    }

    /// Where the messages of a feed are that stand in a part of the log.
    pub(crate) fn places(&self, feed: &FeedId, range: Range<u32>) -> Vec<u32> {
        let indexes = self.indexes();
        let all = indexes.ledger.feeds.ordinals(feed, 1);
        if !indexes.ledger.feeds.is_in_order(feed) {
            let mut places: Vec<u32> =
                all.iter().map(|at| at.get()).filter(|at| range.contains(at)).collect();
            places.sort_unstable();
            return places;
        }
        let start = all.partition_point(|at| at.get() < range.start);
        let end = all.partition_point(|at| at.get() < range.end).max(start);
        all.get(start..end).unwrap_or_default().iter().map(|at| at.get()).collect()
    }

    fn indexes(&self) -> RwLockReadGuard<'_, Indexes<D::File>> {
        self.indexes.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None` if it is something else.
    fn message(&self, entry: Entry) -> Option<Result<Stored, ReadError>> {
        let stored = stored(entry)?;
        Some(
            stored
                .map(|stored| Stored { opened: self.private().and_then(|own| own.show(&stored)), ..stored }),
        )
    }
}

impl<D: Directory> Clone for Reader<D> {
    fn clone(&self) -> Self {
        Self {
            log: self.log.clone(),
            indexes: Arc::clone(&self.indexes),
            content: Arc::clone(&self.content),
            private: self.private.clone(),
        }
    }
}

impl<D: Directory> fmt::Debug for Reader<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("end", &self.end()).finish_non_exhaustive()
    }
}

/// Where a message stands, or stood, in its feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its author.
    pub feed: FeedId,
    /// Its sequence.
    pub sequence: u32,
    /// Whether it is there, and was not deleted.
    pub is_here: bool,
    /// Whom it says something of, as long as the log was not compacted since it was deleted.
    pub contact: Option<FeedId>,
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
    /// The message in plain text, if it was sealed for the owner and the reader is theirs. For nobody else's eyes.
    pub opened: Option<Shown>,
}

impl Stored {
    /// The message as whoever reads it sees it, as JSON.
    pub fn shown(&self) -> &str {
        self.opened.as_ref().map_or(&self.json, Shown::as_str)
    }
}

/// How many messages are read at once at most.
pub(crate) const AT_ONCE_MAX: usize = 128;

/// How long a message is, about, or longer.
pub(crate) const LEN_USUAL: usize = 512;

/// How much is read at once in search of a message.
const SEARCH_LEN: usize = 1024 * 1024;

/// A message as everybody sees it. `None` if it is something else.
pub(crate) fn stored(entry: Entry) -> Option<Result<Stored, ReadError>> {
    if entry.kind != Kind::Message {
        return None;
    }
    let damaged = ReadError::Damaged { offset: entry.offset };
    Some(String::from_utf8(entry.body).map_err(|_| damaged).map(|json| Stored {
        ordinal: entry.ordinal,
        id: MessageId::from_bytes(entry.id),
        received: entry.received,
        json,
        opened: None,
    }))
}
