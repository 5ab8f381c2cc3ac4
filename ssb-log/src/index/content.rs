//! What content says, by key: its type, what it points at, and the thread it belongs to.
//!
//! These indexes follow the log behind the writer. What they do not know yet, a query reads in the log itself, so they may
//! be missing, behind or thrown away at any time, and only time is lost.

use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::sync::RwLockReadGuard;
use std::sync::RwLockWriteGuard;

use ssb_keys::FeedId;
use ssb_keys::hash::Sha256;

use crate::fields;
use crate::index::contacts;
use crate::index::contacts::Contacts;
use crate::index::opened;
use crate::index::private;
use crate::locate;
use crate::locate::Content;
use crate::locate::Target;
use crate::mention;
use crate::postings::Index;
use crate::postings::Postings;
use crate::run::BLOCK_LEN;
use crate::segments::ASIDE;
use crate::storage::Directory;
use crate::storage::Storage;

/// Which index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContentIndex {
    /// By the type of the content; and all that has a contact, together.
    Types,
    /// By what the content points at, anywhere in it, and by the channels that it mentions.
    Links,
    /// By the first message of the thread or tangle that it belongs to.
    Roots,
    /// By the time that the author claims, or that of the receipt.
    Times,
}

/// What of a record indexes are made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Indexed<'a> {
    pub(crate) text: &'a str,
    pub(crate) content: Option<Content<'a>>,
    pub(crate) received: f64,
}

impl<'a> Indexed<'a> {
    pub(crate) fn new(body: &'a [u8], received: f64) -> Self {
        let text = std::str::from_utf8(body).unwrap_or_default();
        Self { text, content: Content::of(text), received }
    }
}

impl ContentIndex {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Types, Self::Links, Self::Roots, Self::Times];

    /// What its files are called.
    pub const fn name(self) -> &'static str {
        self.index().name
    }

    pub(crate) const fn index(self) -> Index {
        match self {
            Self::Types => Index { name: "types", tag: *b"type", block_len: BLOCK_LEN },
            Self::Links => Index { name: "links", tag: *b"lnk2", block_len: BLOCK_LEN },
            Self::Roots => Index { name: "roots", tag: *b"root", block_len: BLOCK_LEN },
            Self::Times => Index { name: "times", tag: *b"time", block_len: BLOCK_LEN },
        }
    }

    /// Hands the keys under which a message is found to `each`, some perhaps twice.
    pub(crate) fn keys(self, message: &Indexed<'_>, mut each: impl FnMut(u64)) {
        let content = message.content.unwrap_or_default();
        match self {
            Self::Types => {
                content.kind.map(text_key).into_iter().for_each(&mut each);
                if content.contact.is_some_and(is_feed) {
                    each(contact_key());
                }
            }
            Self::Links => {
                locate::targets(content.text, |target| each(target_key(&target)));
                mention::channels(content.text).iter().for_each(|channel| each(text_key(channel)));
            }
            Self::Roots => content.roots().for_each(|root| each(target_key(&Target::Message(root)))),
            Self::Times => each(time_key(fields::time(message.text, message.received))),
        }
    }
}

/// Whether a file is what a crash has left of one that was being written.
fn is_left_over(name: &str) -> bool {
    let others = [contacts::NAME, opened::NAME, private::FOUND.name];
    let mut indexes = ContentIndex::ALL.iter().map(|which| which.name()).chain(others);
    name.ends_with(ASIDE) && indexes.any(|index| name.starts_with(index))
}

/// Whether content has a feed as its `contact`.
pub(crate) fn has_contact(content: &str) -> bool {
    locate::member(content, "contact").is_some_and(is_feed)
}

fn is_feed(raw: &str) -> bool {
    locate::plain_text(raw).is_some_and(|id| FeedId::parse(id).is_ok())
}

/// The key of all content that has: of no type, as raw strings have quotes.
pub(crate) fn contact_key() -> u64 {
    text_key("contact")
}

/// The key of a raw string, or of a channel, which has no quotes.
pub(crate) fn text_key(raw: &str) -> u64 {
    let mut hash = Sha256::new();
    hash.update(raw.as_bytes());
    first_eight(&hash.finish())
}

/// The key of a time: keys are in the order of times.
pub(crate) fn time_key(time: f64) -> u64 {
    // Whatever sign a zero has, it is the same time.
    let bits = (time + 0.0).to_bits();
    if bits >> 63 == 0 { bits | 1 << 63 } else { !bits }
}

/// The time that has a key.
pub(crate) fn time_of_key(key: u64) -> f64 {
    f64::from_bits(if key >> 63 == 0 { !key } else { key & !(1 << 63) })
}

/// The key of an id. Ids are as good as hashes; whoever makes some that start alike on purpose makes others read more.
pub(crate) fn target_key(target: &Target) -> u64 {
    match target {
        Target::Feed(id) => first_eight(id.as_bytes()),
        Target::Message(id) => first_eight(id.as_bytes()),
        Target::Blob(id) => first_eight(id.as_bytes()),
    }
}

fn first_eight(bytes: &[u8; 32]) -> u64 {
    u64::from_le_bytes(*bytes.first_chunk().expect("there are 32 bytes"))
}

/// All of them and the contacts, shared by those who ask and the one who keeps them.
#[derive(Debug)]
pub(crate) struct ContentIndexes<F> {
    all: [RwLock<Postings<F>>; 4],
    /// Held while a file of theirs is written or removed.
    contacts: Mutex<Contacts>,
}

impl<F: Storage> ContentIndexes<F> {
    /// Opens what is on disk of them. What cannot be used of it is removed, and will be made anew.
    pub(crate) fn open<D: Directory<File = F>>(
        directory: &D,
        last: impl Fn(u32) -> Option<[u8; 32]>,
    ) -> io::Result<Arc<Self>> {
        let names = directory.list()?;
        for name in names.iter().filter(|name| is_left_over(name)) {
            // What stays is in nobody's way.
            let _ = directory.remove(name);
        }
        let open = |which: ContentIndex| {
            let (postings, unused) = Postings::open(directory, which.index(), &names, &last);
            for name in unused {
                // What stays is left out again at the next start.
                let _ = directory.remove(&name);
            }
            RwLock::new(postings)
        };
        let all = ContentIndex::ALL.map(open);
        let (contacts, unused) = Contacts::open(directory, &names, &last);
        for name in unused {
            // As above.
            let _ = directory.remove(&name);
        }
        Ok(Arc::new(Self { all, contacts: Mutex::new(contacts) }))
    }

    pub(crate) fn contacts(&self) -> MutexGuard<'_, Contacts> {
        self.contacts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn read(&self, which: ContentIndex) -> RwLockReadGuard<'_, Postings<F>> {
        self.get(which).read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self, which: ContentIndex) -> RwLockWriteGuard<'_, Postings<F>> {
        self.get(which).write().unwrap_or_else(PoisonError::into_inner)
    }

    /// How much memory they take, in bytes, about.
    pub(crate) fn memory(&self) -> usize {
        ContentIndex::ALL.iter().map(|which| self.read(*which).memory()).sum()
    }

    fn get(&self, which: ContentIndex) -> &RwLock<Postings<F>> {
        let [types, links, roots, times] = &self.all;
        match which {
            ContentIndex::Types => types,
            ContentIndex::Links => links,
            ContentIndex::Roots => roots,
            ContentIndex::Times => times,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_found_by_its_type_its_links_and_its_roots() {
        let [one, two, three] = ["A", "B", "C"].map(|letter| format!("%{}A=.sha256", letter.repeat(42)));
        let message = format!(
            r#"{{"author":"x","content":{{"type":"post","root":"{one}","branch":["{two}","{one}"],"tangles":{{"a":{{"root":"{three}"}},"b":{{"root":null}}}}}}}}"#
        );
        let key = |text: &str| target_key(&Target::parse(text).unwrap());
        let keys_of = |message: &str, which: ContentIndex| {
            let mut keys = Vec::new();
            which.keys(&Indexed::new(message.as_bytes(), 7.0), |key| keys.push(key));
            keys
        };
        let keys = |which| keys_of(&message, which);

        assert_eq!(keys(ContentIndex::Types), [text_key("\"post\"")]);
        assert_eq!(keys(ContentIndex::Links), [key(&one), key(&two), key(&one), key(&three)]);
        assert_eq!(keys(ContentIndex::Roots), [key(&one), key(&three)]);
        for which in [ContentIndex::Types, ContentIndex::Links, ContentIndex::Roots] {
            assert_eq!(keys_of(r#"{"content":"xyz.box"}"#, which), [0; 0]);
        }
        assert_eq!(keys(ContentIndex::Times), [time_key(7.0)]);
        assert_eq!(keys_of(r#"{"timestamp":5.5,"content":"xyz.box"}"#, ContentIndex::Times), [time_key(5.5)]);
    }

    #[test]
    fn keys_of_times_are_in_their_order() {
        let times = [
            f64::MIN,
            -1.5,
            -f64::MIN_POSITIVE,
            0.0,
            f64::MIN_POSITIVE,
            1.0,
            1.5e12,
            1.5e12 + 0.001,
            f64::MAX,
        ];
        let keys = times.map(time_key);

        assert!(keys.is_sorted_by(|one, other| one < other));
        assert_eq!(keys.map(time_of_key), times);
        assert_eq!(time_key(-0.0), time_key(0.0));
    }
}
