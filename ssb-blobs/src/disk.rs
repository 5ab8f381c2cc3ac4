//! Real files.
//!
//! What is created only its owner can read. Files that JavaScript made stay as they are.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::time::SystemTime;

use crate::files::File;
use crate::files::Files;
use crate::files::Look;

/// A directory of the file system, and those in it.
#[derive(Clone, Debug)]
pub struct Disk {
    root: PathBuf,
}

impl Disk {
    /// The directory at `root`, created with its parents if it is missing.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn open(root: &Path) -> io::Result<Self> {
        directory_builder().recursive(true).create(root)?;
        Ok(Self { root: root.to_owned() })
    }
}

impl Files for Disk {
    type File = fs::File;

    fn open(&self, path: &str) -> io::Result<fs::File> {
        fs::File::open(self.root.join(path))
    }

    fn edit(&self, path: &str) -> io::Result<fs::File> {
        private(fs::File::options().read(true).write(true).create(true).truncate(false))
            .open(self.root.join(path))
    }

    fn create(&self, path: &str) -> io::Result<fs::File> {
        private(fs::File::options().write(true).create_new(true)).open(self.root.join(path))
    }

    fn look(&self, path: &str) -> io::Result<Look> {
        let metadata = fs::metadata(self.root.join(path))?;
        if !metadata.is_file() {
            return Err(io::ErrorKind::NotFound.into());
        }
        let since = metadata.modified()?.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Ok(Look { len: metadata.len(), written: u64::try_from(since.as_millis()).unwrap_or(u64::MAX) })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.root.join(from), self.root.join(to))
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        fs::remove_file(self.root.join(path))
    }

    fn list(&self, directory: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.root.join(directory))? {
            // What is not even text is not ours.
            names.extend(entry?.file_name().into_string());
        }
        names.sort_unstable();
        Ok(names)
    }

    fn make_directory(&self, directory: &str) -> io::Result<()> {
        match directory_builder().create(self.root.join(directory)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            result => result,
        }
    }

    #[cfg(unix)]
    fn sync(&self, directory: &str) -> io::Result<()> {
        fs::File::open(self.root.join(directory))?.sync_all()
    }

    /// Elsewhere a directory cannot be opened, and names last by themselves.
    #[cfg(not(unix))]
    fn sync(&self, _directory: &str) -> io::Result<()> {
        Ok(())
    }
}

impl File for fs::File {
    fn sync(&self) -> io::Result<()> {
        // Where it differs from sync_all, the length is among the data.
        self.sync_data()
    }
}

fn directory_builder() -> fs::DirBuilder {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "only unix has modes"))]
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

#[cfg(unix)]
fn private(options: &mut fs::OpenOptions) -> &mut fs::OpenOptions {
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600)
}

#[cfg(not(unix))]
fn private(options: &mut fs::OpenOptions) -> &mut fs::OpenOptions {
    options
}
