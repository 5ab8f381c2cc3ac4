//! A log in a directory of its own, for unit tests.

use std::path::Path;
use std::time::Duration;

use serde_json::Map;
use serde_json::Value;
use ssb_blobs::wants::Policy;
use ssb_gossip::core::Core;
use ssb_gossip::core::Start;
use ssb_gossip::event::Input;
use ssb_gossip::event::Outcome;
use ssb_gossip::event::Verdict;
use ssb_gossip::firewall::Firewall;
use ssb_gossip::graph::Blocks;
use ssb_gossip::lan::Lan;
use ssb_gossip::retention::Retention;
use ssb_gossip::time::Now;
use ssb_gossip::time::UnixMillis;
use ssb_gossip::time::Uptime;
use ssb_keys::FeedId;
use ssb_keys::Keypair;
use ssb_keys::MessageId;
use ssb_keys::published_mark::PublishedMark;
use ssb_log::Disk;
use ssb_log::Opener;
use ssb_log::Reader;
use ssb_log::Store;
use ssb_msg::Message;
use ssb_msg::Signing;
use ssb_msg::content::Contact;
use ssb_msg::content::Relation;
use ssb_privatebox::box2::Place;
use ssb_privatebox::box2::RecipientKey;
use tempfile::TempDir;

use crate::followers;
use crate::followers::Cursor;
use crate::rpc::source::Source;
use crate::rpc::source::Then;

/// Receive times, and timestamps, grow by this from 0.
pub(crate) const STEP: f64 = 10.0;

/// A home with a log.
pub(crate) struct Fixture {
    home: TempDir,
    store: Option<Store<Disk>>,
    count: u32,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let (mut store, _) = Store::open(Disk::open(&home.path().join("log")).unwrap()).unwrap();
        store.unlock(Opener::new(key(1))).unwrap();
        Self { home, store: Some(store), count: 0 }
    }

    /// Stores the next message of a feed, at the next receive time.
    pub(crate) fn publish(&mut self, author: &Keypair, content: &str) -> Message {
        self.publish_claiming(author, content, f64::from(self.count + 1) * STEP)
    }

    /// As [`publish`](Self::publish), with a timestamp of the author's own.
    pub(crate) fn publish_claiming(&mut self, author: &Keypair, content: &str, timestamp: f64) -> Message {
        self.count += 1;
        let at = f64::from(self.count) * STEP;
        let store = self.store.as_mut().unwrap();
        let message = store.sign_next(content, timestamp, author, &Signing::plain(), at).unwrap();
        let _ = store.commit().unwrap();
        message
    }

    /// Stores posts with so much text.
    pub(crate) fn publish_posts(&mut self, author: &Keypair, count: usize, text_len: usize) -> Vec<Message> {
        let content = format!(r#"{{"type":"post","text":"{}"}}"#, "x".repeat(text_len));
        (0..count).map(|_| self.publish(author, &content)).collect()
    }

    /// The store, for somebody else to write.
    pub(crate) fn take(&mut self) -> Store<Disk> {
        self.store.take().unwrap()
    }

    /// The store, to write to.
    pub(crate) fn store(&mut self) -> &mut Store<Disk> {
        self.store.as_mut().unwrap()
    }

    pub(crate) fn reader(&self) -> Reader<Disk> {
        self.store.as_ref().unwrap().reader()
    }

    /// What key 1 may see.
    pub(crate) fn private_reader(&self) -> Reader<Disk> {
        self.store.as_ref().unwrap().private_reader()
    }

    pub(crate) fn path(&self) -> &Path {
        self.home.path()
    }
}

/// Content that only these keys can open.
pub(crate) fn sealed(plain: &str, recipients: &[u8]) -> String {
    let recipients: Vec<FeedId> = recipients.iter().map(|n| key(*n).id()).collect();
    format!("\"{}\"", ssb_privatebox::text::seal(plain.as_bytes(), &recipients, &[7; 32]).unwrap())
}

/// Content that only a key can open, in the feed of another, behind a message.
pub(crate) fn box2(plain: &str, author: u8, previous: Option<MessageId>, recipient: u8) -> String {
    let place = Place::new(key(author).id(), previous);
    let direct = RecipientKey::direct(&key(author), key(recipient).id()).unwrap();
    let boxed = ssb_privatebox::box2::text::seal(plain.as_bytes(), &place, &[direct], &[7; 32]).unwrap();
    format!("\"{boxed}\"")
}

/// A key pair by number.
pub(crate) fn key(n: u8) -> Keypair {
    Keypair::from_seed(&[n; 32])
}

/// The core of key 1 with an empty log, in which these contacts stand. It dials nobody.
pub(crate) fn core(contacts: &[(u8, Relation, u8)]) -> Core {
    let says = |(author, relation, contact): &(u8, Relation, u8)| {
        (key(*author).id(), Contact { contact: key(*contact).id(), relation: *relation })
    };
    let me = key(1).id();
    Core::new(Start {
        me,
        signing: Signing::plain(),
        hops: 2,
        blocks: Blocks::Transitive,
        mark: PublishedMark::created(me),
        held: Vec::new(),
        contacts: contacts.iter().map(says).collect(),
        seeds: Vec::new(),
        stored: Vec::new(),
        pubs: Vec::new(),
        banned: Vec::new(),
        forks: Vec::new(),
        retention: Retention::Everything,
        dialing: None,
        lan: Lan::Off,
        firewall: Firewall::default(),
        blobs: Policy::default(),
        pushes: Vec::new(),
    })
}

/// Something happens to a core, and nobody cares what it does.
pub(crate) fn tell(core: &mut Core, input: Input) {
    core.handle(input, NOW);
    while core.poll().is_some() {}
}

/// A contact message of an author is stored.
pub(crate) fn relate(core: &mut Core, author: u8, relation: Relation, contact: u8) {
    let contact = Some(Contact { contact: key(contact).id(), relation });
    let feed = key(author).id();
    let outcome = Outcome::Stored { feed, sequence: core.held(&feed) + 1, contact };
    tell(core, Input::Verdicts(vec![Verdict { giver: None, len: 0, outcome }]));
}

/// What a cursor has to tell now, and what follows.
pub(crate) fn look_all(cursor: &mut impl Cursor, core: &Core) -> (Vec<String>, followers::Then) {
    let mut items = Vec::new();
    loop {
        let news = cursor.look(core, NOW);
        items.extend(news.items);
        if news.then != followers::Then::More {
            return (items, news.then);
        }
    }
}

/// A text in which `"@1"` to `"@9"` stand for the ids of keys.
pub(crate) fn named(text: &str) -> String {
    let id = |n: u8| format!("\"{}\"", key(n).id());
    (1..=9).fold(text.to_owned(), |text, n| text.replace(&format!("\"@{n}\""), &id(n)))
}

/// The same backwards.
pub(crate) fn unnamed(text: &str) -> String {
    (1..=9).fold(text.to_owned(), |text, n| text.replace(&key(n).id().to_string(), &format!("@{n}")))
}

/// When these tests happen.
pub(crate) const NOW: Now = Now { uptime: Uptime::new(Duration::ZERO), wall: UnixMillis(0.0) };

/// Options, from JSON.
pub(crate) fn options(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap()
}

/// All items of a stream up to its end or a wait, that, and how many pages had any.
pub(crate) fn pull_all(stream: &mut impl Source, fixture: &Fixture) -> (Vec<String>, Then, usize) {
    pull_all_from(stream, &fixture.reader())
}

/// The same, for whoever may see this.
pub(crate) fn pull_all_from(
    stream: &mut (impl Source + ?Sized),
    reader: &Reader<Disk>,
) -> (Vec<String>, Then, usize) {
    let (mut items, mut pages) = (Vec::new(), 0);
    loop {
        let page = stream.pull(reader);
        pages += usize::from(!page.items.is_empty());
        items.extend(page.items);
        if page.then != Then::More {
            return (items, page.then, pages);
        }
    }
}
