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

use crate::index::contacts;
use crate::index::contacts::Contacts;
use crate::locate;
use crate::locate::Content;
use crate::locate::Target;
use crate::postings::Index;
use crate::postings::Postings;
use crate::segments::ASIDE;
use crate::storage::Directory;
use crate::storage::Storage;

/// Which index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContentIndex {
    /// By the type of the content; and all that has a contact, together.
    Types,
    /// By what the content points at, anywhere in it.
    Links,
    /// By the first message of the thread or tangle that it belongs to.
    Roots,
}

impl ContentIndex {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Types, Self::Links, Self::Roots];

    /// What its files are called.
    pub const fn name(self) -> &'static str {
        self.index().name
    }

    pub(crate) const fn index(self) -> Index {
        match self {
            Self::Types => Index { name: "types", tag: *b"type" },
            Self::Links => Index { name: "links", tag: *b"link" },
            Self::Roots => Index { name: "roots", tag: *b"root" },
        }
    }

    /// Hands the keys under which a message is found to `each`, some perhaps twice.
    pub(crate) fn keys(self, content: &Content<'_>, mut each: impl FnMut(u64)) {
        match self {
            Self::Types => {
                content.kind.map(text_key).into_iter().for_each(&mut each);
                if content.contact.is_some_and(is_feed) {
                    each(contact_key());
                }
            }
            Self::Links => locate::targets(content.text, |target| each(target_key(&target))),
            Self::Roots => content.roots().for_each(|root| each(target_key(&Target::Message(root)))),
        }
    }
}

/// Whether a file is what a crash has left of one that was being written.
fn is_left_over(name: &str) -> bool {
    let mut indexes = ContentIndex::ALL.iter().map(|which| which.name()).chain([contacts::NAME]);
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

/// The key of a raw string.
pub(crate) fn text_key(raw: &str) -> u64 {
    let mut hash = Sha256::new();
    hash.update(raw.as_bytes());
    first_eight(&hash.finish())
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

/// All three and the contacts, shared by those who ask and the one who keeps them.
#[derive(Debug)]
pub(crate) struct ContentIndexes<F> {
    all: [RwLock<Postings<F>>; 3],
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
        let [types, links, roots] = &self.all;
        match which {
            ContentIndex::Types => types,
            ContentIndex::Links => links,
            ContentIndex::Roots => roots,
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
        let content = Content::of(&message).unwrap();
        let keys = |which: ContentIndex| {
            let mut keys = Vec::new();
            which.keys(&content, |key| keys.push(key));
            keys
        };

        assert_eq!(keys(ContentIndex::Types), [text_key("\"post\"")]);
        assert_eq!(keys(ContentIndex::Links), [key(&one), key(&two), key(&one), key(&three)]);
        assert_eq!(keys(ContentIndex::Roots), [key(&one), key(&three)]);
        assert!(Content::of(r#"{"content":"xyz.box"}"#).is_none());
    }
}
