//! The files of a LevelDB, and what they say together.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::fs::File;
use std::io;
use std::io::Read as _;
use std::path::Path;

use thiserror::Error;
use zeroize::Zeroizing;

use super::input::Input;
use super::journal;
use super::manifest::Manifest;
use super::table;

/// How much is loaded at most, in bytes: what is longer holds more than keys.
pub const TOTAL_LEN_MAX: u64 = 32 * 1024 * 1024;

/// Entries, by their keys.
pub type Entries = BTreeMap<Vec<u8>, Zeroizing<Vec<u8>>>;

/// The files of a LevelDB, by their names. Wiped when dropped, never printed.
#[derive(Clone, Default)]
pub struct Files(BTreeMap<String, Zeroizing<Vec<u8>>>);

impl Files {
    /// Loads what is in a directory; files that are none of a LevelDB's, or only its logs for people, are left out.
    ///
    /// # Errors
    ///
    /// [`LoadError`] if they cannot be read, or are too long.
    pub fn load(directory: &Path) -> Result<Self, LoadError> {
        let (mut files, mut room) = (BTreeMap::new(), TOTAL_LEN_MAX);
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let Some(name) = entry.file_name().to_str().filter(|name| counts(name)).map(str::to_owned) else {
                continue;
            };
            let file = File::open(entry.path())?;
            let len = file.metadata()?.len();
            let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(len.min(room)).unwrap_or(0)));
            file.take(room + 1).read_to_end(&mut bytes)?;
            room = room.checked_sub(bytes.len() as u64).ok_or(LoadError::TooLong)?;
            files.insert(name, bytes);
        }
        Ok(Self(files))
    }

    /// These files, by their names.
    pub fn new(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Self {
        Self(files.into_iter().map(|(name, bytes)| (name, Zeroizing::new(bytes))).collect())
    }

    /// The names and the bytes.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
    }

    /// The entries of which the keys are wanted, each with its last value. A journal counts until it is damaged: what a
    /// crash has left of it does not.
    ///
    /// # Errors
    ///
    /// [`ReadError`] if something is missing or damaged: nothing is known then.
    pub fn entries(&self, wanted: impl Fn(&[u8]) -> bool) -> Result<Entries, ReadError> {
        let current = self.0.get("CURRENT").ok_or(ReadError::NoDatabase)?;
        let name = str::from_utf8(current).ok().and_then(|name| name.strip_suffix('\n')).unwrap_or_default();
        let manifest = self.0.get(name).ok_or(ReadError::Missing)?;
        let manifest = Manifest::parse(manifest).ok_or(ReadError::Damaged)?;
        let mut latest = Latest { wanted, values: BTreeMap::new() };
        for number in &manifest.tables {
            let table = ["ldb", "sst"].iter().find_map(|end| self.0.get(&format!("{number:06}.{end}")));
            table::visit(table.ok_or(ReadError::Missing)?, |key, value| latest.entry(key, value))
                .ok_or(ReadError::Damaged)?;
        }
        for (name, journal) in &self.0 {
            let number = name.strip_suffix(".log").and_then(|number| number.parse().ok());
            let is_new = |number: u64| number >= manifest.journal || number == manifest.previous_journal;
            if number.is_some_and(is_new) {
                for batch in journal::records(journal).0 {
                    latest.batch(&batch).ok_or(ReadError::Damaged)?;
                }
            }
        }
        let values = latest.values.into_iter();
        Ok(values.filter_map(|(key, last)| Some((key, last.value?))).collect())
    }
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

/// Whether a file has a part in what a LevelDB says.
fn counts(name: &str) -> bool {
    let is_numbered = |end| name.strip_suffix(end).is_some_and(|number: &str| number.parse::<u64>().is_ok());
    name == "CURRENT"
        || name.starts_with("MANIFEST-")
        || [".log", ".ldb", ".sst"].into_iter().any(is_numbered)
}

/// The last values of what is wanted.
struct Latest<W> {
    wanted: W,
    values: BTreeMap<Vec<u8>, Written>,
}

/// What was written last under a key.
struct Written {
    /// How many writes were before it.
    when: u64,
    /// `None` if it was removed.
    value: Option<Zeroizing<Vec<u8>>>,
}

impl<W: Fn(&[u8]) -> bool> Latest<W> {
    /// Takes in an entry of a table: behind the key stands when it was written, and whether it was removed then.
    fn entry(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        let (key, tag) = key.split_last_chunk::<8>()?;
        let [kind, ..] = *tag;
        let value = match kind {
            REMOVED => None,
            WRITTEN => Some(value),
            _ => return None,
        };
        self.written(u64::from_le_bytes(*tag) >> 8, key, value);
        Some(())
    }

    /// Takes in a record of a journal.
    ///
    /// ```text
    /// u64 when the first was written, u32 how many there are; each: u8 kind, key, value if it has one
    /// ```
    fn batch(&mut self, batch: &[u8]) -> Option<()> {
        let mut input = Input(batch);
        let (first, count) = (u64::from_le_bytes(input.array()?), u32::from_le_bytes(input.array()?));
        for at in 0..u64::from(count) {
            let (kind, key) = (input.byte()?, input.string()?);
            let value = match kind {
                REMOVED => None,
                WRITTEN => Some(input.string()?),
                _ => return None,
            };
            self.written(first.checked_add(at)?, key, value);
        }
        input.is_empty().then_some(())
    }

    fn written(&mut self, when: u64, key: &[u8], value: Option<&[u8]>) {
        let is_news = self.values.get(key).is_none_or(|last| last.when <= when);
        if is_news && (self.wanted)(key) {
            let value = value.map(|value| Zeroizing::new(value.to_vec()));
            self.values.insert(key.to_vec(), Written { when, value });
        }
    }
}

/// A removed key.
const REMOVED: u8 = 0;
/// A key with a value.
pub(super) const WRITTEN: u8 = 1;

/// Why a directory could not be loaded.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LoadError {
    /// Its files have more than [`TOTAL_LEN_MAX`] bytes.
    #[error("there are more than {TOTAL_LEN_MAX} bytes in it")]
    TooLong,
    /// It cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Why files say nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// There is no file `CURRENT`: this is no LevelDB.
    #[error("there is no LevelDB")]
    NoDatabase,
    /// A file is missing.
    #[error("a file of the LevelDB is missing")]
    Missing,
    /// A file is not as it was written, or was written by something newer.
    #[error("a file of the LevelDB is damaged")]
    Damaged,
}
