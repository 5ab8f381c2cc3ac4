//! The keys of box2 that JavaScript keeps beside the secret (ssb-keyring 7.0.0): a LevelDB in the folder `keyring`.
//!
//! What is there is read at the start, while no other program may have it open, and never changed. Where there is none, the key with
//! which the owner seals for themselves follows from the secret, so that it cannot be lost without that; and the folder is made
//! before the first message is sealed with it, so that JavaScript will open those, too.

use std::fmt;
use std::fs;
use std::fs::DirBuilder;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde::Deserialize;
use ssb_keys::Keypair;
use ssb_keys::base64;
use ssb_keys::hmac;
use ssb_log::leveldb;
use ssb_log::leveldb::Entries;
use ssb_log::leveldb::Files;
use ssb_log::leveldb::LoadError;
use ssb_log::leveldb::ReadError;
use ssb_privatebox::box2::RecipientKey;
use ssb_privatebox::box2::Scheme;
use thiserror::Error;
use zeroize::Zeroizing;

/// How many keys of groups are used at most: each is tried with every message of box2.
pub(crate) const GROUP_KEYS_MAX: usize = 64;

/// What the folder is called.
const NAME: &str = "keyring";

/// Under which key the own key is kept, and how those of groups begin (charwise 3.0.1).
const OWN: &[u8] = b"Jown_key";
const GROUP: &[u8] = b"KJgroup\"";

/// Which schemes the numbers stand for that are kept instead of their names.
const GROUP_NUMBER: u64 = 1;
const OWN_NUMBER: u64 = 2;

/// The keys of box2 that are nobody's own key pair. Never printed.
pub(crate) struct Keyring {
    /// What the owner seals with for themselves. `None` if the folder has none.
    own: Option<RecipientKey>,
    /// What follows from the secret: it was the own key if the folder was lost.
    derived: RecipientKey,
    groups: Vec<RecipientKey>,
    /// Whether the folder is there.
    is_kept: bool,
}

impl Keyring {
    /// Reads the folder in a data directory, if it is there.
    ///
    /// # Errors
    ///
    /// [`Unusable`] if it is there and cannot be read.
    pub(crate) fn load(home: &Path, me: &Keypair) -> Result<Self, Unusable> {
        let derived = derived(me);
        let folder = home.join(NAME);
        if !folder.try_exists().map_err(LoadError::Io)? {
            let own = Some(derived.clone());
            return Ok(Self { own, derived, groups: Vec::new(), is_kept: false });
        }
        let entries = Files::load(&folder)?.entries(|key| key == OWN || key.starts_with(GROUP))?;
        Ok(Self { own: own(&entries), derived, groups: groups(&entries), is_kept: true })
    }

    /// What is left if the folder cannot be read: what is sealed for the owner alone cannot be made then.
    pub(crate) fn unusable(me: &Keypair) -> Self {
        Self { own: None, derived: derived(me), groups: Vec::new(), is_kept: true }
    }

    /// All keys, for whoever opens messages.
    pub(crate) fn keys(&self) -> Vec<RecipientKey> {
        self.groups.iter().chain(&self.own).chain([&self.derived]).cloned().collect()
    }

    /// What seals for the owner. The folder has it then.
    ///
    /// # Errors
    ///
    /// Those of the directory; or it has a folder that has no such key.
    pub(crate) fn own(&mut self, home: &Path) -> io::Result<&RecipientKey> {
        let own = self.own.as_ref().ok_or_else(|| io::Error::other("the keyring has no key of one's own"))?;
        if !self.is_kept {
            keep(own, home)?;
            self.is_kept = true;
        }
        Ok(own)
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").field("groups", &self.groups.len()).finish_non_exhaustive()
    }
}

/// Why the folder could not be used.
#[derive(Debug, Error)]
pub(crate) enum Unusable {
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Read(#[from] ReadError),
}

fn derived(me: &Keypair) -> RecipientKey {
    let secret = me.to_secret();
    let seed = secret.first_chunk().expect("a secret has 64 bytes");
    let key = Zeroizing::new(hmac::authenticate(seed, b"ssb-node: what is sealed with box2 for oneself"));
    RecipientKey::oneself(&key)
}

/// What is kept of a key, or of a group. Its texts are borrowed, so that nothing of them is left behind.
#[derive(Deserialize)]
struct Info<'a> {
    #[serde(borrow)]
    key: Option<&'a str>,
    #[serde(borrow)]
    scheme: Option<SchemeName<'a>>,
    #[serde(borrow, default, rename = "readKeys")]
    read_keys: Vec<Info<'a>>,
    #[serde(borrow, rename = "writeKey")]
    write_key: Option<Box<Info<'a>>>,
}

/// The schemes that are in use have numbers.
#[derive(Deserialize, PartialEq)]
#[serde(untagged)]
enum SchemeName<'a> {
    Number(u64),
    Name(&'a str),
}

impl<'a> Info<'a> {
    fn parse(value: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(value).ok()
    }

    fn key(&self, scheme: Scheme, number: u64) -> Option<Zeroizing<[u8; 32]>> {
        let named = [SchemeName::Number(number), SchemeName::Name(scheme.name())];
        let is_wanted = self.scheme.as_ref().is_some_and(|kept| named.contains(kept));
        is_wanted.then(|| base64::decode_array(self.key?).ok().map(Zeroizing::new)).flatten()
    }
}

/// `{"key": base64, "scheme": 2}`
fn own(entries: &Entries) -> Option<RecipientKey> {
    let key = Info::parse(entries.get(OWN)?)?.key(Scheme::Oneself, OWN_NUMBER)?;
    Some(RecipientKey::oneself(&key))
}

/// `{"readKeys": [{"key": base64, "scheme": 1}], "writeKey": …}`, or, as older versions kept it, one key alone.
fn groups(entries: &Entries) -> Vec<RecipientKey> {
    let mut keys: Vec<Zeroizing<[u8; 32]>> = Vec::new();
    let values = entries.iter().filter(|(key, _)| key.starts_with(GROUP)).map(|(_, value)| value);
    for info in values.filter_map(|value| Info::parse(value)) {
        let all = info.read_keys.iter().chain(info.write_key.as_deref()).chain([&info]);
        for key in all.filter_map(|info| info.key(Scheme::Group, GROUP_NUMBER)) {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    keys.iter().take(GROUP_KEYS_MAX).map(|key| RecipientKey::group(key)).collect()
}

/// Makes the folder, whole or not at all.
fn keep(own: &RecipientKey, home: &Path) -> io::Result<()> {
    let (folder, aside) = (home.join(NAME), home.join(format!("{NAME}.new")));
    match fs::remove_dir_all(&aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        // What a crash has left.
        _ => {}
    }
    DirBuilder::new().mode(0o700).create(&aside)?;
    let key = Zeroizing::new(base64::encode(own.as_bytes()));
    let value = Zeroizing::new(format!("{{\"key\":\"{}\",\"scheme\":{OWN_NUMBER}}}", *key));
    for (name, bytes) in leveldb::create([(OWN, value.as_bytes())]).iter() {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(aside.join(name))?;
        file.write_all(bytes)?;
        file.sync_all()?;
    }
    File::open(&aside)?.sync_all()?;
    // Over nothing but an empty folder.
    fs::rename(&aside, &folder)?;
    File::open(home)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn me() -> Keypair {
        Keypair::from_seed(&[1; 32])
    }

    /// A data directory with a keyring of these entries.
    fn home(entries: &[(&str, &str)]) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(NAME);
        fs::create_dir(&folder).unwrap();
        let entries = entries.iter().map(|(key, value)| (key.as_bytes(), value.as_bytes()));
        for (name, bytes) in leveldb::create(entries).iter() {
            fs::write(folder.join(name), bytes).unwrap();
        }
        home
    }

    /// The keys that are found there, but for the one that follows from the secret.
    fn keys(entries: &[(&str, &str)]) -> Vec<(Scheme, [u8; 32])> {
        let keyring = Keyring::load(home(entries).path(), &me()).unwrap();
        let keys = keyring.keys();
        let (last, keys) = keys.split_last().unwrap();
        assert_eq!(last.as_bytes(), derived(&me()).as_bytes());
        keys.iter().map(|key| (key.scheme(), *key.as_bytes())).collect()
    }

    fn text(n: u8) -> String {
        base64::encode(&[n; 32])
    }

    #[test]
    fn the_own_key_and_those_of_groups_are_found() {
        let own = format!(r#"{{"key":"{}","scheme":2}}"#, text(1));
        let group = |n: u8, more: &str| format!(r#"{{"key":"{}","scheme":1{more}}}"#, text(n));
        let newer = format!(
            r#"{{"root":"%x","writeKey":{},"readKeys":[{},{}]}}"#,
            group(3, ""),
            group(3, ""),
            group(2, "")
        );
        let older = group(4, r#","root":"%x""#);
        let excluded = format!(r#"{{"readKeys":[{}],"excluded":true}}"#, group(5, ""));

        let found = keys(&[
            ("Jown_key", &own),
            ("KJgroup\"Ja!", &newer),
            ("KJgroup\"Jb!", &older),
            ("KJgroup\"Jc!", &excluded),
            ("KJdm\"Ja!", &group(6, "")),
            ("KJpobox\"Ja!", &group(7, "")),
        ]);

        let groups = [3, 2, 4, 5].map(|n| (Scheme::Group, [n; 32]));
        assert_eq!(found[..4], groups);
        assert_eq!(found[4..], [(Scheme::Oneself, [1; 32])]);
    }

    #[test]
    fn schemes_may_be_named() {
        let [own, group] = [Scheme::Oneself, Scheme::Group]
            .map(|scheme| format!(r#"{{"key":"{}","scheme":"{}"}}"#, text(1), scheme.name()));

        let found = keys(&[("Jown_key", &own), ("KJgroup\"Ja!", &group)]);

        assert_eq!(found, [(Scheme::Group, [1; 32]), (Scheme::Oneself, [1; 32])]);
    }

    #[test]
    fn what_is_no_key_of_its_kind_is_left_out() {
        for value in [
            "",
            "5",
            "{}",
            r#"{"key":"x","scheme":2}"#,
            &format!(r#"{{"key":"{}","scheme":1}}"#, text(1)),
            &format!(r#"{{"key":"{}"}}"#, text(1)),
            &format!(r#"{{"key":["{}"],"scheme":2}}"#, text(1)),
            &format!(r#"{{"key":"{}","scheme":2}}"#, base64::encode(&[1; 31])),
        ] {
            assert_eq!(keys(&[("Jown_key", value)]), [], "{value}");
        }
        let none = home(&[]);
        let error = Keyring::load(none.path(), &me()).unwrap().own(none.path()).unwrap_err();
        assert_eq!(error.to_string(), "the keyring has no key of one's own");
    }

    #[test]
    fn no_more_groups_are_tried_than_that() {
        let read_keys = |count: u8| {
            let keys: Vec<String> =
                (0..count).map(|n| format!(r#"{{"key":"{}","scheme":1}}"#, text(n))).collect();
            format!(r#"{{"readKeys":[{}]}}"#, keys.join(","))
        };
        assert_eq!(GROUP_KEYS_MAX, 64);
        for count in [64, 65] {
            assert_eq!(keys(&[("KJgroup\"Ja!", &read_keys(count))]).len(), 64);
        }
    }

    #[test]
    fn without_a_keyring_the_own_key_follows_from_the_secret_and_is_kept_once_it_is_needed() {
        let home = tempfile::tempdir().unwrap();
        let mut keyring = Keyring::load(home.path(), &me()).unwrap();
        assert!(!home.path().join(NAME).exists());
        fs::create_dir(home.path().join("keyring.new")).unwrap();

        let own = *keyring.own(home.path()).unwrap().as_bytes();

        let names: Vec<_> =
            fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, [NAME]);
        let mut again = Keyring::load(home.path(), &me()).unwrap();
        assert_eq!(*again.own(home.path()).unwrap().as_bytes(), own);
        assert_eq!(*keyring.own(home.path()).unwrap().as_bytes(), own);
        assert_ne!(own, *derived(&Keypair::from_seed(&[2; 32])).as_bytes());
    }

    #[test]
    fn nobody_else_may_read_what_is_kept() {
        use std::os::unix::fs::PermissionsExt as _;

        let home = tempfile::tempdir().unwrap();
        Keyring::load(home.path(), &me()).unwrap().own(home.path()).unwrap();

        let folder = home.path().join(NAME);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        for entry in fs::read_dir(&folder).unwrap() {
            assert_eq!(mode(&entry.unwrap().path()), 0o600);
        }
    }

    #[test]
    fn what_another_program_has_made_meanwhile_is_not_written_over() {
        let home = tempfile::tempdir().unwrap();
        let mut keyring = Keyring::load(home.path(), &me()).unwrap();
        fs::create_dir(home.path().join(NAME)).unwrap();
        fs::write(home.path().join(NAME).join("CURRENT"), "x").unwrap();

        assert!(keyring.own(home.path()).is_err());

        assert_eq!(fs::read(home.path().join(NAME).join("CURRENT")).unwrap(), b"x");
    }

    #[test]
    fn a_keyring_that_cannot_be_read_is_told() {
        let empty = tempfile::tempdir().unwrap();
        fs::create_dir(empty.path().join(NAME)).unwrap();

        let unusable = Keyring::load(empty.path(), &me()).unwrap_err();

        assert_eq!(unusable.to_string(), "there is no LevelDB");
        let mut left = Keyring::unusable(&me());
        assert_eq!(left.keys().len(), 1);
        assert!(left.own(empty.path()).is_err());
    }

    #[test]
    fn debug_shows_no_secret() {
        let keyring = Keyring::load(tempfile::tempdir().unwrap().path(), &me()).unwrap();

        assert_eq!(format!("{keyring:?}"), "Keyring { groups: 0, .. }");
    }
}
