//! Files in memory that can lose power, for tests.
//!
//! They do exactly what a correct disk does, and in a [crash](Memory::crash) keep exactly what a correct disk must: the bytes
//! of a file that were synced, and the names in a directory that was.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::io::Cursor;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::files::File;
use crate::files::Files;
use crate::files::Look;

/// Directories in memory. Its clones are the same ones.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<Names>>);

impl Memory {
    /// An empty directory.
    pub fn new() -> Self {
        Self::default()
    }

    /// What a file holds, synced or not.
    pub fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        let node = lock(&self.0).current.files.get(path).cloned()?;
        let bytes = lock(&node).current.clone();
        Some(bytes)
    }

    /// The paths of all files, sorted.
    pub fn paths(&self) -> Vec<String> {
        lock(&self.0).current.files.keys().cloned().collect()
    }

    /// What is found after power was lost now: only what was synced. This one goes on as if nothing had happened.
    #[must_use]
    pub fn crash(&self) -> Self {
        let names = lock(&self.0);
        let mut tree = Tree { directories: names.durable.directories.clone(), files: BTreeMap::new() };
        for (path, node) in &names.durable.files {
            let bytes = lock(node).durable.clone();
            let node = Node { current: bytes.clone(), durable: bytes };
            tree.files.insert(path.clone(), Arc::new(Mutex::new(node)));
        }
        Self(Arc::new(Mutex::new(Names { current: tree.clone(), durable: tree })))
    }
}

impl Files for Memory {
    type File = MemoryFile;

    fn open(&self, path: &str) -> io::Result<MemoryFile> {
        let node = lock(&self.0).current.files.get(path).cloned();
        Ok(MemoryFile { node: node.ok_or(io::ErrorKind::NotFound)?, at: 0 })
    }

    fn edit(&self, path: &str) -> io::Result<MemoryFile> {
        match self.open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.create(path),
            result => result,
        }
    }

    fn create(&self, path: &str) -> io::Result<MemoryFile> {
        let mut names = lock(&self.0);
        names.current.check_parent(path)?;
        if names.current.files.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let node = Arc::<Mutex<Node>>::default();
        names.current.files.insert(path.to_owned(), Arc::clone(&node));
        Ok(MemoryFile { node, at: 0 })
    }

    fn look(&self, path: &str) -> io::Result<Look> {
        let node = lock(&self.0).current.files.get(path).cloned().ok_or(io::ErrorKind::NotFound)?;
        let len = u64::try_from(lock(&node).current.len()).unwrap_or(u64::MAX);
        Ok(Look { len, written: 0 })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut names = lock(&self.0);
        names.current.check_parent(to)?;
        let node = names.current.files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        names.current.files.insert(to.to_owned(), node);
        Ok(())
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        lock(&self.0).current.files.remove(path).map(drop).ok_or(io::ErrorKind::NotFound.into())
    }

    fn list(&self, directory: &str) -> io::Result<Vec<String>> {
        let names = lock(&self.0);
        names.current.check(directory)?;
        let paths = names.current.files.keys().chain(&names.current.directories);
        let mut names: Vec<String> =
            paths.filter_map(|path| name_in(directory, path)).map(str::to_owned).collect();
        names.sort_unstable();
        Ok(names)
    }

    fn make_directory(&self, directory: &str) -> io::Result<()> {
        let mut names = lock(&self.0);
        names.current.check_parent(directory)?;
        names.current.directories.insert(directory.to_owned());
        Ok(())
    }

    fn sync(&self, directory: &str) -> io::Result<()> {
        let mut names = lock(&self.0);
        let Names { current, durable } = &mut *names;
        current.check(directory)?;
        durable.files.retain(|path, _| name_in(directory, path).is_none());
        durable.directories.retain(|path| name_in(directory, path).is_none());
        let files = current.files.iter().filter(|(path, _)| name_in(directory, path).is_some());
        durable.files.extend(files.map(|(path, node)| (path.clone(), Arc::clone(node))));
        let directories = current.directories.iter().filter(|path| name_in(directory, path).is_some());
        durable.directories.extend(directories.cloned());
        Ok(())
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(lock(&self.0).current.files.keys()).finish()
    }
}

/// A file in memory.
pub struct MemoryFile {
    node: Arc<Mutex<Node>>,
    at: u64,
}

impl MemoryFile {
    fn with<T>(&mut self, what: impl FnOnce(&mut Cursor<&mut Vec<u8>>) -> io::Result<T>) -> io::Result<T> {
        let mut node = lock(&self.node);
        let mut cursor = Cursor::new(&mut node.current);
        cursor.set_position(self.at);
        let result = what(&mut cursor);
        self.at = cursor.position();
        result
    }
}

impl io::Read for MemoryFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.with(|cursor| cursor.read(buffer))
    }
}

impl io::Write for MemoryFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.with(|cursor| cursor.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl io::Seek for MemoryFile {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        self.with(|cursor| cursor.seek(to))
    }
}

impl File for MemoryFile {
    fn sync(&self) -> io::Result<()> {
        let mut node = lock(&self.node);
        node.durable = node.current.clone();
        Ok(())
    }
}

impl fmt::Debug for MemoryFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryFile").field("at", &self.at).finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Names {
    current: Tree,
    durable: Tree,
}

#[derive(Clone, Default)]
struct Tree {
    files: BTreeMap<String, Arc<Mutex<Node>>>,
    directories: BTreeSet<String>,
}

impl Tree {
    fn check(&self, directory: &str) -> io::Result<()> {
        let is_here = directory.is_empty() || self.directories.contains(directory);
        if is_here { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    fn check_parent(&self, path: &str) -> io::Result<()> {
        self.check(path.rsplit_once('/').map_or("", |(parent, _)| parent))
    }
}

#[derive(Default)]
struct Node {
    current: Vec<u8>,
    durable: Vec<u8>,
}

/// The last part of a path, if the rest of it is this directory.
fn name_in<'a>(directory: &str, path: &'a str) -> Option<&'a str> {
    let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
    (parent == directory).then_some(name)
}

/// A panic elsewhere cannot leave these values half changed in a way that matters.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn a_crash_keeps_what_was_synced_and_nothing_else() {
        let memory = Memory::new();
        memory.make_directory("a").unwrap();
        memory.sync("").unwrap();
        let mut file = memory.create("a/b").unwrap();
        file.write_all(b"kept").unwrap();
        file.sync().unwrap();
        memory.sync("a").unwrap();
        file.write_all(b" lost").unwrap();
        let _ = memory.create("a/c").unwrap();
        memory.rename("a/b", "a/d").unwrap();

        let after = memory.crash();

        assert_eq!(after.paths(), ["a/b"]);
        assert_eq!(after.bytes("a/b").as_deref(), Some(b"kept".as_slice()));
        assert_eq!(memory.bytes("a/d").as_deref(), Some(b"kept lost".as_slice()));
    }

    #[test]
    fn a_file_has_a_directory() {
        let memory = Memory::new();

        assert_eq!(memory.create("a/b").unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(memory.list("a").unwrap_err().kind(), io::ErrorKind::NotFound);
        memory.make_directory("a").unwrap();
        let _ = memory.create("a/b").unwrap();

        assert_eq!(memory.list("a").unwrap(), ["b"]);
        assert_eq!(memory.list("").unwrap(), ["a"]);
    }
}
