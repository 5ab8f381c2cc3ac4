//! What must be on disk, and what indexes must say of it.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::PathBuf;

use interop::fail;
use ssb_keys::FeedId;
use ssb_keys::MessageId;
use ssb_log::Disk;
use ssb_log::Ordinal;
use ssb_log::Reader;
use ssb_log::Store;
use ssb_log::query::Filter;
use ssb_log::query::Query;
use ssb_log::query::Target;
use ssb_msg::Unverified;

use crate::load::Feeds;

/// A directory, and what is known to be in it.
pub(super) struct Home {
    path: PathBuf,
    me: Option<FeedId>,
    /// Of its owner, in no order.
    acknowledged: Vec<MessageId>,
    /// How many of these were looked for.
    checked: usize,
    /// Feeds that an import died with, and whether it had told that all are stored.
    newest: Option<(Feeds, bool)>,
    /// All before, as far as they are stored.
    stored: Vec<(FeedId, Vec<MessageId>)>,
    messages: u32,
    tally: Tally,
}

#[derive(Default)]
struct Tally {
    whole_imports: u32,
    part_imports: u32,
    lost_imports: u32,
    torn: u32,
}

const PAGE_LEN: usize = 1024 * 1024;

impl Home {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            me: None,
            acknowledged: Vec::new(),
            checked: 0,
            newest: None,
            stored: Vec::new(),
            messages: 0,
            tally: Tally::default(),
        }
    }

    /// What the owner's programs were told to be stored.
    pub(super) fn published(&mut self, (me, acknowledged): (FeedId, Vec<Vec<MessageId>>)) {
        self.me = Some(me);
        self.acknowledged.extend(acknowledged.into_iter().flatten());
    }

    pub(super) fn imported(&mut self, feeds: Feeds, is_whole: bool) {
        self.newest = Some((feeds, is_whole));
    }

    /// Looks for what the last round stored.
    pub(super) fn check_new(&mut self) {
        let reader = self.open();
        let new = self.acknowledged.get(self.checked..).unwrap_or_default();
        new.iter().for_each(|id| assert_stored(&reader, id));
        self.checked = self.acknowledged.len();
        let Some((feeds, is_whole)) = self.newest.take() else { return };
        let (mut count, mut all) = (0, 0);
        for (feed, ids) in feeds.all {
            let len = reader.latest(&feed).map_or(0, |latest| latest.sequence);
            let len = usize::try_from(len).expect("few");
            assert!(!is_whole || len == ids.len(), "{len} of {} messages of {feed} are stored", ids.len());
            (count, all) = (count + len, all + ids.len());
            let kept = ids.into_iter().take(len).collect();
            self.stored.push((feed, kept));
        }
        match count {
            0 => self.tally.lost_imports += 1,
            count if count == all => self.tally.whole_imports += 1,
            _ => self.tally.part_imports += 1,
        }
    }

    /// Looks at every message, and asks the same of indexes as they are and of indexes that are made anew.
    pub(super) fn check_all(&mut self) {
        let reader = self.open();
        let feeds = self.check_chains(&reader);
        self.messages = reader.len();
        self.acknowledged.iter().for_each(|id| assert_stored(&reader, id));
        for (feed, ids) in &self.stored {
            assert_eq!(feeds.get(feed).map_or(&[][..], Vec::as_slice), ids, "what is stored of {feed}");
        }
        let here = self.answers();
        let anew = Self { path: self.path.with_extension("anew"), me: self.me, ..Self::new(PathBuf::new()) };
        let _ = fs::remove_dir_all(&anew.path);
        fs::create_dir_all(anew.log()).expect("the lab is writable");
        fs::copy(self.log().join("records"), anew.log().join("records")).expect("the lab is writable");
        assert_eq!(here, anew.answers());
        fs::remove_dir_all(&anew.path).expect("the lab is writable");
    }

    /// A run in which nothing happened shows nothing.
    pub(super) fn assert_worth_it(&self, kills: u32) {
        assert!(self.acknowledged.len() >= usize::try_from(kills / 4).expect("few"), "{self}");
        assert!(self.tally.part_imports + self.tally.lost_imports > kills / 20, "{self}");
    }

    /// Each feed is one chain from its first message on, and every message is what its id says.
    fn check_chains(&self, reader: &Reader<Disk>) -> BTreeMap<FeedId, Vec<MessageId>> {
        let mut feeds: BTreeMap<FeedId, Vec<MessageId>> = BTreeMap::new();
        let mut at = Ordinal::ZERO;
        loop {
            let page = reader.page(at..reader.end(), PAGE_LEN).unwrap_or_else(|error| fail(error));
            let Some(next) = page.last().and_then(|stored| stored.ordinal.next()) else { return feeds };
            for stored in page {
                let message = Unverified::parse(stored.json.as_bytes()).unwrap_or_else(|error| fail(error));
                let feed = feeds.entry(message.author()).or_default();
                assert_eq!(message.id(), stored.id, "at {}", stored.ordinal);
                assert_eq!(message.previous(), feed.last().copied(), "at {}", stored.ordinal);
                feed.push(stored.id);
                assert_eq!(
                    usize::try_from(message.sequence()).ok(),
                    Some(feed.len()),
                    "at {}",
                    stored.ordinal
                );
            }
            at = next;
        }
    }

    /// What the indexes say.
    fn answers(&self) -> Vec<String> {
        let (store, _) = self.store();
        let reader = store.reader();
        let feeds: Vec<FeedId> = reader.feeds().iter().map(|latest| latest.feed).collect();
        let some_feeds = some(&feeds);
        let messages: Vec<MessageId> = some(&(0..reader.len()).collect::<Vec<u32>>())
            .map(|at| reader.read(Ordinal::new(*at)).unwrap_or_else(|error| fail(error)).id)
            .collect();
        let mut answers = vec![format!("{:?}", reader.feeds()), format!("{:?}", store.contacts())];
        answers.extend(messages.iter().map(|id| {
            let found = reader.get(id).unwrap_or_else(|error| fail(error));
            format!("{id}: {:?}", found.map(|stored| stored.ordinal))
        }));
        let types = ["post", "vote", "contact", "about"].map(Filter::of_type);
        let links = some_feeds.map(|feed| Filter::links_to(Target::Feed(*feed)));
        let roots =
            messages.iter().flat_map(|id| [Filter::links_to(Target::Message(*id)), Filter::root(*id)]);
        let mine = self.me.map(Filter::author);
        for filter in types.into_iter().chain(links).chain(roots).chain(mine).chain([Filter::contacts()]) {
            answers.push(format!("{filter:?}: {:?}", ask(&reader, Query::new(filter.clone()))));
            let newest = Query::new(filter.clone()).descending().limit(10);
            answers.push(format!("{filter:?}, newest: {:?}", ask(&reader, newest)));
        }
        answers
    }

    fn open(&mut self) -> Reader<Disk> {
        let (store, was_torn) = self.store();
        self.tally.torn += u32::from(was_torn);
        // Readers outlive the store, and its lock.
        store.reader()
    }

    fn store(&self) -> (Store<Disk>, bool) {
        let disk = Disk::open(&self.log()).unwrap_or_else(|error| fail(error));
        let (store, recovery) = Store::open(disk).unwrap_or_else(|error| fail(error));
        (store, recovery.cut.is_some())
    }

    fn log(&self) -> PathBuf {
        self.path.join("log")
    }
}

impl fmt::Display for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally { whole_imports, part_imports, lost_imports, torn } = &self.tally;
        write!(
            f,
            "{} messages; {} published ones were acknowledged; of imports {whole_imports} came whole, {part_imports} in \
             part, {lost_imports} not at all; {torn} torn ends were cut; nothing is lost, indexes equal a rebuild",
            self.messages,
            self.acknowledged.len()
        )
    }
}

fn assert_stored(reader: &Reader<Disk>, id: &MessageId) {
    let stored = reader.get(id).unwrap_or_else(|error| fail(error));
    assert!(stored.is_some(), "{id} was acknowledged, and is not stored");
}

fn ask(reader: &Reader<Disk>, query: Query) -> Vec<Ordinal> {
    let mut answer = reader.query(query);
    let mut found = Vec::new();
    while !answer.is_over() {
        let page = answer.page(PAGE_LEN).unwrap_or_else(|error| fail(error));
        found.extend(page.iter().map(|stored| stored.ordinal));
    }
    found
}

/// Twenty of them, or all.
fn some<T>(all: &[T]) -> impl Iterator<Item = &T> {
    all.iter().step_by((all.len() / 20).max(1))
}
