//! `blobs_push.json`: the blobs that are pushed, from one start to the next. JavaScript keeps them in a LevelDB, `blobs_push`
//! (ssb-blobs 1.2.2), which is read as long as there is no such file, and never written.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;

use ssb_blobs::wants::limits::PUSHES_MAX;
use ssb_keys::BlobId;
use ssb_log::leveldb;
use ssb_log::leveldb::ReadError;

use super::lock;
use crate::whole_file;

const NAME: &str = "blobs_push.json";
const JAVASCRIPT: &str = "blobs_push";

/// What a file of as many ids as may be pushed never has.
const FILE_LEN_MAX: u64 = 1024 * 1024;

/// What is pushed, as the core said last.
#[derive(Debug)]
pub(crate) struct Pushes {
    home: PathBuf,
    ids: Mutex<BTreeSet<BlobId>>,
    /// Whoever writes the file holds it: what is written last is what was known last.
    saving: Mutex<()>,
}

impl Pushes {
    pub(crate) fn new(home: &Path, ids: BTreeSet<BlobId>) -> Self {
        Self { home: home.to_owned(), ids: Mutex::new(ids), saving: Mutex::new(()) }
    }

    pub(crate) fn contains(&self, id: &BlobId) -> bool {
        lock(&self.ids).contains(id)
    }

    /// All of them.
    pub(crate) fn all(&self) -> Vec<BlobId> {
        lock(&self.ids).iter().copied().collect()
    }

    /// One more is to be pushed. Returns whether there was room. [`save`](Self::save) is to follow.
    pub(crate) fn add(&self, id: BlobId) -> bool {
        let mut ids = lock(&self.ids);
        let has_room = ids.contains(&id) || ids.len() < PUSHES_MAX;
        if has_room {
            ids.insert(id);
        }
        has_room
    }

    /// These are pushed now, and no others. [`save`](Self::save) is to follow.
    pub(crate) fn set(&self, ids: BTreeSet<BlobId>) {
        *lock(&self.ids) = ids;
    }

    /// Keeps what is pushed. Blocks.
    ///
    /// # Errors
    ///
    /// Those of the system; what was kept before is still there.
    pub(crate) fn save(&self) -> io::Result<()> {
        let _saving = lock(&self.saving);
        let ids: Vec<String> = self.all().iter().map(BlobId::to_string).collect();
        let mut text = serde_json::to_vec(&ids)?;
        text.push(b'\n');
        whole_file::write(&self.home.join(NAME), &text)
    }
}

/// What was pushed in a directory, and what the owner should know about that.
pub(crate) fn load(home: &Path) -> (BTreeSet<BlobId>, Option<String>) {
    let read = match ours(home) {
        Ok(Some(ids)) => Ok(ids),
        Ok(None) => javascripts(home),
        Err(error) => Err(format!("{NAME} cannot be read: {error}")),
    };
    match read {
        Ok(ids) => (ids, None),
        Err(why) => (BTreeSet::new(), Some(format!("{why}; blobs that were pushed are pushed no longer"))),
    }
}

fn ours(home: &Path) -> io::Result<Option<BTreeSet<BlobId>>> {
    let path = home.join(NAME);
    match fs::metadata(&path) {
        Ok(file) if file.len() > FILE_LEN_MAX => return Err(io::Error::other("it is too long")),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    }
    let ids: Vec<String> = serde_json::from_slice(&fs::read(&path)?)?;
    let ids = ids.iter().map(|id| BlobId::parse(id).map_err(io::Error::other));
    ids.collect::<io::Result<_>>().map(Some)
}

fn javascripts(home: &Path) -> Result<BTreeSet<BlobId>, String> {
    let folder = home.join(JAVASCRIPT);
    if !folder.is_dir() {
        return Ok(BTreeSet::new());
    }
    let unusable = |error: &dyn std::fmt::Display| format!("{JAVASCRIPT} cannot be read: {error}");
    let files = leveldb::Files::load(&folder).map_err(|error| unusable(&error))?;
    let entries = match files.entries(|key| key.starts_with(b"&")) {
        Err(ReadError::NoDatabase) => return Ok(BTreeSet::new()),
        entries => entries.map_err(|error| unusable(&error))?,
    };
    let ids = entries.keys().filter_map(|key| BlobId::parse(str::from_utf8(key).ok()?).ok());
    Ok(ids.take(PUSHES_MAX).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: usize) -> BlobId {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&n.to_le_bytes());
        BlobId::from_bytes(bytes)
    }

    #[test]
    fn what_is_pushed_is_known_at_the_next_start() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(load(home.path()), (BTreeSet::new(), None));
        let pushes = Pushes::new(home.path(), BTreeSet::new());
        assert!(pushes.add(id(1)) && pushes.add(id(2)));
        pushes.save().unwrap();
        assert_eq!(load(home.path()), ([id(1), id(2)].into(), None));

        pushes.set([id(2)].into());
        pushes.save().unwrap();

        assert_eq!(load(home.path()), ([id(2)].into(), None));
    }

    #[test]
    fn so_many_are_pushed_and_no_more_and_their_file_is_read_again() {
        let home = tempfile::tempdir().unwrap();
        let pushes = Pushes::new(home.path(), BTreeSet::new());
        assert!((0..PUSHES_MAX).all(|n| pushes.add(id(n))));

        assert!(!pushes.add(id(PUSHES_MAX)));
        assert!(pushes.add(id(0)), "it is pushed already");

        pushes.save().unwrap();
        assert_eq!(load(home.path()).0.len(), PUSHES_MAX);
    }

    #[test]
    fn what_javascript_pushed_counts_until_there_is_a_file_of_ours() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(JAVASCRIPT);
        fs::create_dir(&folder).unwrap();
        assert_eq!(load(home.path()), (BTreeSet::new(), None));
        let key = id(7).to_string();
        for (name, bytes) in leveldb::create([(key.as_bytes(), b"-1".as_slice())]).iter() {
            fs::write(folder.join(name), bytes).unwrap();
        }
        assert_eq!(load(home.path()), ([id(7)].into(), None));

        Pushes::new(home.path(), BTreeSet::new()).save().unwrap();

        assert_eq!(load(home.path()), (BTreeSet::new(), None));
    }

    #[test]
    fn a_file_that_is_no_list_of_ids_is_told_of() {
        for damage in ["", "{}", "[5]", "[\"x\"]", "[\"&"] {
            let home = tempfile::tempdir().unwrap();
            fs::write(home.path().join(NAME), damage).unwrap();

            let (ids, notice) = load(home.path());

            assert_eq!(ids, BTreeSet::new());
            assert!(notice.unwrap().starts_with("blobs_push.json cannot be read: "), "{damage}");
        }
        let home = tempfile::tempdir().unwrap();
        let long = usize::try_from(FILE_LEN_MAX).unwrap() + 1;
        fs::write(home.path().join(NAME), " ".repeat(long)).unwrap();
        assert!(load(home.path()).1.unwrap().contains("it is too long"));
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join(JAVASCRIPT)).unwrap();
        fs::write(home.path().join(JAVASCRIPT).join("CURRENT"), "x").unwrap();
        assert!(load(home.path()).1.unwrap().starts_with("blobs_push cannot be read: "));
    }
}
