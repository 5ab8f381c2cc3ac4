//! What a store needs of the world: files in a few directories.
//!
//! [`Disk`](crate::disk::Disk) is the real thing. With the feature `faulty` there are `Memory`, which forgets what was not
//! synced when it crashes, and `Faulty`, which makes any of them fail. Paths are relative, with `/` between their parts.

use std::io;

/// One open file.
pub trait File: io::Read + io::Write + io::Seek + Send + 'static {
    /// Returns when all that was written survives a loss of power.
    ///
    /// # Errors
    ///
    /// Those of the system. What was written may or may not survive, and trying again proves nothing.
    fn sync(&self) -> io::Result<()>;
}

/// Files in directories, whose names only last once their directory is [synced](Files::sync).
pub trait Files: Send + Sync + 'static {
    /// An open file.
    type File: File;

    /// Opens a file that exists, for reading.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::NotFound`] if there is none, else those of the system.
    fn open(&self, path: &str) -> io::Result<Self::File>;

    /// Opens a file for reading and writing, and creates it if there is none.
    ///
    /// # Errors
    ///
    /// Those of the system.
    fn edit(&self, path: &str) -> io::Result<Self::File>;

    /// Creates an empty file, for writing.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::AlreadyExists`] if there is one, else those of the system.
    fn create(&self, path: &str) -> io::Result<Self::File>;

    /// What is known of a file without opening it.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::NotFound`] if there is none, else those of the system.
    fn look(&self, path: &str) -> io::Result<Look>;

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
    fn remove(&self, path: &str) -> io::Result<()>;

    /// The names of what is in a directory, sorted.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::NotFound`] if there is none, else those of the system.
    fn list(&self, directory: &str) -> io::Result<Vec<String>>;

    /// Makes a directory, whose parent exists, if it is not there.
    ///
    /// # Errors
    ///
    /// Those of the system.
    fn make_directory(&self, directory: &str) -> io::Result<()>;

    /// Returns when all names in a directory survive a loss of power. The empty path is the root.
    ///
    /// # Errors
    ///
    /// Those of the system.
    fn sync(&self, directory: &str) -> io::Result<()>;
}

/// What is known of a file without opening it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Its length in bytes.
    pub len: u64,
    /// When it was written last, in milliseconds since 1970.
    pub written: u64,
}
