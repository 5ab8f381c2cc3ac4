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

    /// The keys under which a message is found.
    pub(crate) fn keys(self, message: &str) -> Vec<u64> {
        let mut keys = Vec::new();
        let Some(content) = locate::content(message) else { return keys };
        match self {
            Self::Types => {
                keys.extend(locate::member(content, "type").map(text_key));
                keys.extend(has_contact(content).then(contact_key));
            }
            Self::Links => locate::targets(content, |target| keys.push(target_key(&target))),
            Self::Roots => {
                keys.extend(locate::roots(content).map(|root| target_key(&Target::Message(root))));
            }
        }
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}

/// Whether a file is what a crash has left of one that was being written.
fn is_left_over(name: &str) -> bool {
    let mut indexes = ContentIndex::ALL.iter().map(|which| which.name()).chain([contacts::NAME]);
    name.ends_with(ASIDE) && indexes.any(|index| name.starts_with(index))
}

/// Whether content has a feed as its `contact`.
pub(crate) fn has_contact(content: &str) -> bool {
    locate::member(content, "contact")
        .and_then(locate::plain_text)
        .is_some_and(|id| FeedId::parse(id).is_ok())
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
        let sorted = |mut keys: Vec<u64>| {
            keys.sort_unstable();
            keys
        };

        assert_eq!(ContentIndex::Types.keys(&message), [text_key("\"post\"")]);
        assert_eq!(ContentIndex::Links.keys(&message), sorted(vec![key(&one), key(&two), key(&three)]));
        assert_eq!(ContentIndex::Roots.keys(&message), sorted(vec![key(&one), key(&three)]));
        for which in ContentIndex::ALL {
            assert_eq!(which.keys(r#"{"content":"xyz.box"}"#), Vec::<u64>::new());
        }
    }
}
