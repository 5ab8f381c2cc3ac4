//! What the owner of a key can read of what was sealed for a few: each message is tried once, and what came of it is remembered.
//!
//! Two kinds of files, both of no use to anybody who has not the secret. [`Opened`] has which messages were opened, and what opens
//! each of them again, sealed. Postings have by what they are found: their types, links and roots under keys that only the
//! owner can make. Of both the header is bound to the owner, so that another one begins anew.
//!
//! No plain text is kept, and nothing that the secret beside it does not open already.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::sync::RwLockReadGuard;
use std::sync::RwLockWriteGuard;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use ssb_keys::MessageId;
use ssb_keys::hash::Sha256;
use ssb_keys::hmac;
use ssb_keys::secretbox;
use ssb_keys::secretbox::TAG_LEN;
use ssb_privatebox::limits::KEY_LEN;
use zeroize::Zeroizing;

use crate::fields::Fields;
use crate::index::content::ContentIndex;
use crate::index::content::Indexed;
use crate::index::opened::Opened;
use crate::index::opened::SEALED_LEN;
use crate::index::opened::SealedKey;
use crate::index::opened::Unreadable;
use crate::opener;
use crate::opener::Format;
use crate::opener::Key;
use crate::opener::Opener;
use crate::opener::Shown;
use crate::postings::Index;
use crate::postings::Postings;
use crate::reader::Stored;
use crate::run::BLOCK_LEN;
use crate::storage::Directory;
use crate::storage::Storage;

/// By what private messages are found.
pub(crate) const FOUND: Index = Index { name: "private", tag: *b"priv", block_len: BLOCK_LEN };

/// Of so many messages that the index has not come to it is remembered what came of the first look.
const TRIED_MAX: usize = 4_096;

/// What the owner of a key can read of a log.
pub(crate) struct Private<F> {
    opener: Opener,
    secrets: Secrets,
    opened: RwLock<Opened<F>>,
    found: RwLock<Postings<F>>,
    /// What came of messages at which somebody looked before the index came to them. `None` if they are for others.
    tried: Mutex<BTreeMap<u32, Option<Key>>>,
    trials: AtomicU64,
}

/// What of a message goes into the index, if it was opened.
pub(crate) struct Entry {
    pub(crate) key: SealedKey,
    /// By what it is found.
    pub(crate) found: Vec<u64>,
    /// Whether it may say who follows or blocks whom.
    pub(crate) has_contact: bool,
}

impl<F: Storage> Private<F> {
    /// Opens what is on disk. What cannot be used of it is removed, and will be made anew. `last` gives the id of a record.
    pub(crate) fn open<D: Directory<File = F>>(
        directory: &D,
        opener: Opener,
        last: impl Fn(u32) -> Option<[u8; 32]>,
    ) -> io::Result<Self> {
        let names = directory.list()?;
        let secrets = Secrets::of(&opener);
        let bound = |at| last(at).map(|last| secrets.bind(&last));
        let (opened, unused) = Opened::open(directory, &names, bound);
        let (found, others) = Postings::open(directory, FOUND, &names, bound);
        for name in unused.into_iter().chain(others) {
            // What stays is left out again at the next start.
            let _ = directory.remove(&name);
        }
        Ok(Self {
            opener,
            secrets,
            opened: RwLock::new(opened),
            found: RwLock::new(found),
            tried: Mutex::default(),
            trials: AtomicU64::new(0),
        })
    }

    /// What a message says to the owner. `None` if it is for everybody, or for others.
    pub(crate) fn show(&self, stored: &Stored) -> Option<Shown> {
        // Most messages are sealed for nobody, and that shows at once.
        let fields = stored.fields().filter(|fields| Format::of(fields.content()).is_some())?;
        let at = stored.ordinal.get();
        let known = {
            let opened = self.opened();
            if at < opened.end() { Some(opened.key(at)) } else { None }
        };
        let key = match known {
            Some(Ok(None)) => return None,
            Some(Ok(Some(sealed))) => {
                let bytes = self.secrets.unseal(&stored.id, &sealed);
                bytes.and_then(|bytes| Key::from_bytes(bytes, &fields))
            }
            // The file is damaged, which is told when it is merged or opened: the message itself has it all.
            Some(Err(Unreadable)) => None,
            None => Some(self.try_ahead(at, &fields)?),
        };
        let again = key.and_then(|key| opener::Opened::with(&key, &fields));
        again.or_else(|| self.try_now(&fields))?.show(&stored.json)
    }

    /// Looks at a message for the index.
    pub(crate) fn look(&self, stored: &Stored) -> Option<Entry> {
        let fields = stored.fields().filter(|fields| Format::of(fields.content()).is_some())?;
        let tried = self.tried().get(&stored.ordinal.get()).cloned();
        let opened = match tried {
            Some(key) => opener::Opened::with(&key?, &fields)?,
            None => self.try_now(&fields)?,
        };
        let shown = opened.show(&stored.json)?;
        let message = Indexed::new(shown.as_str().as_bytes(), stored.received);
        let mut found = Vec::new();
        for which in [ContentIndex::Types, ContentIndex::Links, ContentIndex::Roots] {
            which.keys(&message, |key| found.push(self.find(which, key)));
        }
        let has_contact = message.content.is_some_and(|content| content.contact.is_some());
        Some(Entry { key: self.secrets.seal(&stored.id, &opened.key().to_bytes()), found, has_contact })
    }

    pub(crate) const fn opener(&self) -> &Opener {
        &self.opener
    }

    /// Under which key messages are found here that an index of what is for everybody would have under another.
    pub(crate) fn find(&self, which: ContentIndex, key: u64) -> u64 {
        self.secrets.blind(which, key)
    }

    /// Where messages are that were opened, in a part of the log; and how much of that part is known.
    pub(crate) fn places(&self, range: Range<u32>) -> (Vec<u32>, u32) {
        let opened = self.opened();
        (opened.places(range).to_vec(), opened.end())
    }

    /// How many messages were tried to be opened: with a multiplication on the curve each.
    pub(crate) fn trials(&self) -> u64 {
        self.trials.load(Ordering::Relaxed)
    }

    /// The index knows of the records before `end` now.
    pub(crate) fn indexed(&self, end: u32) {
        let mut tried = self.tried();
        *tried = tried.split_off(&end);
    }

    /// What a file says its last record is.
    pub(crate) fn bind(&self, last: &[u8; 32]) -> [u8; 32] {
        self.secrets.bind(last)
    }

    pub(crate) fn opened(&self) -> RwLockReadGuard<'_, Opened<F>> {
        self.opened.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn opened_mut(&self) -> RwLockWriteGuard<'_, Opened<F>> {
        self.opened.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn found(&self) -> RwLockReadGuard<'_, Postings<F>> {
        self.found.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn found_mut(&self) -> RwLockWriteGuard<'_, Postings<F>> {
        self.found.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// How much memory it takes, in bytes, about.
    pub(crate) fn memory(&self) -> usize {
        self.opened().memory() + self.found().memory()
    }

    /// What opens a message that the index has not come to yet.
    fn try_ahead(&self, at: u32, message: &Fields<'_>) -> Option<Key> {
        if let Some(key) = self.tried().get(&at) {
            return key.clone();
        }
        let key = self.try_now(message).map(|opened| opened.key().clone());
        let mut tried = self.tried();
        if tried.len() < TRIED_MAX {
            tried.insert(at, key.clone());
        }
        key
    }

    fn try_now(&self, message: &Fields<'_>) -> Option<opener::Opened> {
        self.trials.fetch_add(1, Ordering::Relaxed);
        self.opener.open(message)
    }

    fn tried(&self) -> MutexGuard<'_, BTreeMap<u32, Option<Key>>> {
        self.tried.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<F> fmt::Debug for Private<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Private").field("opener", &self.opener).finish_non_exhaustive()
    }
}

/// What is made of the owner's secret, for the files. Wiped when dropped, never printed.
struct Secrets {
    /// Who it is, and with which keys.
    owner: Zeroizing<[u8; 32]>,
    /// Seals what opens messages.
    seal: Zeroizing<[u8; 32]>,
    /// Hides by what they are found.
    blind: Zeroizing<[u8; 32]>,
}

impl Secrets {
    fn of(opener: &Opener) -> Self {
        let secret = opener.keypair().to_secret();
        let seed = secret.first_chunk::<32>().expect("a secret has 64 bytes");
        let derive = |name: &[u8]| Zeroizing::new(hmac::authenticate(seed, name));
        Self {
            owner: Zeroizing::new(hmac::authenticate(seed, &opener.digest())),
            seal: derive(b"ssb-log: what opens private messages"),
            blind: derive(b"ssb-log: by what private messages are found"),
        }
    }

    /// Of one message there is one key, so that nothing else is ever sealed in its name.
    fn seal(&self, id: &MessageId, key: &[u8; KEY_LEN]) -> SealedKey {
        let mut text = Zeroizing::new(*key);
        let tag = secretbox::seal(&self.seal, nonce(id), text.as_mut_slice());
        let mut sealed = [0; SEALED_LEN];
        let (first, rest) = sealed.split_at_mut(TAG_LEN);
        first.copy_from_slice(&tag);
        rest.copy_from_slice(text.as_slice());
        sealed
    }

    /// `None` if it is not what was sealed.
    fn unseal(&self, id: &MessageId, sealed: &SealedKey) -> Option<Zeroizing<[u8; KEY_LEN]>> {
        let (tag, text) = sealed.split_first_chunk::<TAG_LEN>()?;
        let mut key = Zeroizing::new(*text.first_chunk()?);
        secretbox::open(&self.seal, nonce(id), key.as_mut_slice(), tag).ok()?;
        Some(key)
    }

    fn blind(&self, which: ContentIndex, key: u64) -> u64 {
        let mut input = which.index().tag.to_vec();
        input.extend_from_slice(&key.to_le_bytes());
        let mac = hmac::authenticate(&self.blind, &input);
        u64::from_le_bytes(*mac.first_chunk().expect("a MAC has 32 bytes"))
    }

    fn bind(&self, last: &[u8; 32]) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(last);
        hash.update(self.owner.as_slice());
        hash.finish()
    }
}

fn nonce(id: &MessageId) -> &[u8; 24] {
    id.as_bytes().first_chunk().expect("an id has 32 bytes")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::slice;

    use ssb_keys::Keypair;
    use ssb_privatebox::box2::RecipientKey;

    use super::*;

    fn secrets(n: u8) -> Secrets {
        Secrets::of(&Opener::new(Keypair::from_seed(&[n; 32])))
    }

    #[test]
    fn what_opens_a_message_is_sealed_for_its_owner_and_that_message() {
        let (mine, theirs) = (secrets(1), secrets(2));
        let [id, other] = [1, 2].map(|n| MessageId::from_bytes([n; 32]));

        let sealed = mine.seal(&id, &[7; KEY_LEN]);

        assert_eq!(*mine.unseal(&id, &sealed).unwrap(), [7; KEY_LEN]);
        assert!(mine.unseal(&other, &sealed).is_none());
        assert!(theirs.unseal(&id, &sealed).is_none());
        for at in 0..SEALED_LEN {
            let mut damaged = sealed;
            damaged[at] ^= 1;
            assert!(mine.unseal(&id, &damaged).is_none());
        }
    }

    #[test]
    fn by_what_a_message_is_found_only_its_owner_can_tell() {
        let (mine, theirs) = (secrets(1), secrets(2));

        let found = mine.blind(ContentIndex::Types, 5);

        assert_eq!(found, mine.blind(ContentIndex::Types, 5));
        assert_ne!(found, mine.blind(ContentIndex::Types, 6));
        assert_ne!(found, mine.blind(ContentIndex::Links, 5));
        assert_ne!(found, theirs.blind(ContentIndex::Types, 5));
    }

    #[test]
    fn a_file_belongs_to_its_owner_and_its_log() {
        let (mine, theirs) = (secrets(1), secrets(2));

        assert_eq!(mine.bind(&[1; 32]), mine.bind(&[1; 32]));
        assert_ne!(mine.bind(&[1; 32]), mine.bind(&[2; 32]));
        assert_ne!(mine.bind(&[1; 32]), theirs.bind(&[1; 32]));
    }

    #[test]
    fn with_another_key_the_owner_begins_anew() {
        let with_keys = |keys: &[RecipientKey]| {
            Secrets::of(&Opener::with_keys(Keypair::from_seed(&[1; 32]), keys)).bind(&[1; 32])
        };
        let [group, other] = [1, 2].map(|n| RecipientKey::group(&[n; 32]));

        assert_eq!(with_keys(&[]), secrets(1).bind(&[1; 32]));
        assert_eq!(with_keys(slice::from_ref(&group)), with_keys(slice::from_ref(&group)));
        let same_bytes = RecipientKey::oneself(&[1; 32]);
        let all = [vec![], vec![group.clone()], vec![other.clone()], vec![same_bytes], vec![group, other]];
        let all = all.map(|keys| with_keys(&keys));
        assert_eq!(BTreeSet::from(all).len(), 5);
    }
}
