//! Real files.
//!
//! Never mapped: a failing disk is then an error that can be handled, and memory stays what we asked for.

use std::fs;
use std::fs::File;
use std::io;
use std::io::Read as _;
use std::io::Seek as _;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

use crate::recover::LOCK;
use crate::storage::Directory;
use crate::storage::IoError;
use crate::storage::LockError;
use crate::storage::Storage;

/// A directory of the file system.
#[derive(Clone, Debug)]
pub struct Disk {
    path: PathBuf,
}

impl Disk {
    /// The directory at `path`, created with its parents if it is missing. What is created only its owner can read.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn open(path: &Path) -> io::Result<Self> {
        create_directories(path)?;
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        match sync_directory(parent.unwrap_or(Path::new("."))) {
            // Somebody else's directory: whoever made ours in it has to care.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
            result => result?,
        }
        Ok(Self { path: path.to_owned() })
    }
}

impl Directory for Disk {
    type File = DiskFile;
    type Lock = DiskLock;

    fn open(&self, name: &str) -> io::Result<DiskFile> {
        let file = File::options().read(true).write(true).open(self.path.join(name))?;
        Ok(DiskFile { file })
    }

    fn create(&self, name: &str) -> io::Result<DiskFile> {
        let file =
            private(File::options().read(true).write(true).create_new(true)).open(self.path.join(name))?;
        Ok(DiskFile { file })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            // What is not even text is not ours.
            names.extend(entry?.file_name().into_string());
        }
        names.sort_unstable();
        Ok(names)
    }

    fn sync(&self) -> io::Result<()> {
        sync_directory(&self.path)
    }

    fn lock(&self) -> Result<DiskLock, LockError> {
        // The file is left behind on purpose: were it removed, two could hold a lock of that name.
        let path = self.path.join(LOCK);
        let mut options = File::options();
        let options = private(options.read(true).write(true).create(true).truncate(false));
        let mut file = options.open(path).map_err(IoError::from)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(LockError::Held { pid: holder(&mut file) }),
            Err(fs::TryLockError::Error(error)) => return Err(LockError::Io(error.into())),
        }
        write_pid(&mut file).map_err(IoError::from)?;
        Ok(DiskLock { _file: file })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

/// A file of the file system.
#[derive(Debug)]
pub struct DiskFile {
    file: File,
}

impl Storage for DiskFile {
    fn len(&self) -> io::Result<u64> {
        self.file.metadata().map(|metadata| metadata.len())
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match read_some(&self.file, rest, at + u64::try_from(filled).unwrap_or(u64::MAX)) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    fn write_at(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        write_all(&self.file, bytes, at)
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        // Where it differs from sync_all, the length is among the data.
        self.file.sync_data()
    }
}

/// The lock of a directory. The system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub struct DiskLock {
    _file: File,
}

/// Some text, a line long at most: a damaged lock file must not be read in whole.
const PID_LEN_MAX: u64 = 16;

fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(PID_LEN_MAX).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn write_pid(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

#[cfg(unix)]
fn private(options: &mut fs::OpenOptions) -> &mut fs::OpenOptions {
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600)
}

#[cfg(not(unix))]
fn private(options: &mut fs::OpenOptions) -> &mut fs::OpenOptions {
    options
}

fn create_directories(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)
}

#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Elsewhere a directory cannot be opened, and names last by themselves.
#[cfg(not(unix))]
fn sync_directory(_path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn read_some(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, at)
}

#[cfg(unix)]
fn write_all(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, at)
}

#[cfg(windows)]
fn read_some(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, at)
}

#[cfg(windows)]
fn write_all(file: &File, mut bytes: &[u8], mut at: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_write(file, bytes, at)? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            count => {
                bytes = bytes.get(count..).unwrap_or_default();
                at += u64::try_from(count).unwrap_or(u64::MAX);
            }
        }
    }
    Ok(())
}
