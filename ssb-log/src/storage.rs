//! What a log needs of the world: files in one directory.
//!
//! [`Disk`](crate::file::Disk) is the real thing, [`Memory`](crate::memory::Memory) forgets what was not synced when it
//! crashes, and the feature `faulty` makes any of them fail.

use std::fmt;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// One open file. Many may read while one writes.
pub trait Storage: Send + Sync + 'static {
    /// Its length in bytes, what is not synced included.
    ///
    /// # Errors
    ///
    /// Those of the system.
    fn len(&self) -> io::Result<u64>;

    /// Whether it holds nothing.
    ///
    /// # Errors
    ///
    /// Those of the system.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Reads from `at` on until `buffer` is full or the file ends; returns how much.
    ///
    /// # Errors
    ///
    /// Those of the system.
    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes all of `bytes` from `at` on, growing the file as needed.
    ///
    /// # Errors
    ///
    /// Those of the system. Some of the bytes may have been written.
    fn write_at(&self, at: u64, bytes: &[u8]) -> io::Result<()>;

    /// Cuts the file to `len` bytes.
    ///
    /// # Errors
    ///
    /// Those of the system.
    fn truncate(&self, len: u64) -> io::Result<()>;

    /// Returns when all that was written survives a loss of power.
    ///
    /// # Errors
    ///
    /// Those of the system. What was written since the last success may or may not survive, and trying again proves
    /// nothing: some systems forget what they could not write.
    fn sync(&self) -> io::Result<()>;
}

/// A directory of files, whose names only last once it is [synced](Directory::sync).
pub trait Directory {
    /// A file in it.
    type File: Storage;
    /// Holds the lock until it is dropped.
    type Lock: Send;

    /// Opens a file that exists, for reading and writing.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::NotFound`] if there is none, else those of the system.
    fn open(&self, name: &str) -> io::Result<Self::File>;

    /// Creates an empty file, for reading and writing.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::AlreadyExists`] if there is one, else those of the system.
    fn create(&self, name: &str) -> io::Result<Self::File>;

    /// Gives a file another name, replacing what had it.
    ///
    /// # Errors
    ///
    /// Those of the system.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::NotFound`] if there is none, else those of the system.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// The names of all files, sorted.
    ///
    /// # Errors
    ///
    /// Those of the system.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Returns when all names survive a loss of power.
    ///
    /// # Errors
    ///
    /// Those of the system.
    fn sync(&self) -> io::Result<()>;

    /// Takes the directory for this process alone.
    ///
    /// # Errors
    ///
    /// [`LockError::Held`] if another has it.
    fn lock(&self) -> Result<Self::Lock, LockError>;

    /// What to call a file in messages to people.
    fn path(&self, name: &str) -> PathBuf;
}

/// Why a directory could not be locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LockError {
    /// Somebody else has it: another node runs on the same files.
    #[error("lock is held")]
    Held {
        /// The process that has it, where the system tells.
        pid: Option<u32>,
    },
    /// The lock file cannot be used.
    #[error(transparent)]
    Io(#[from] IoError),
}

/// An error of the system: its kind, and its number if it has one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct IoError {
    kind: io::ErrorKind,
    code: Option<i32>,
}

impl IoError {
    /// What kind of error it is.
    pub const fn kind(&self) -> io::ErrorKind {
        self.kind
    }
}

impl std::error::Error for IoError {}

impl From<io::Error> for IoError {
    fn from(error: io::Error) -> Self {
        Self { kind: error.kind(), code: error.raw_os_error() }
    }
}

/// The system's own words.
impl fmt::Display for IoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => io::Error::from_raw_os_error(code).fmt(f),
            None => self.kind.fmt(f),
        }
    }
}

impl fmt::Debug for IoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IoError({self})")
    }
}
