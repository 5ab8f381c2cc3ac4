//! A directory in memory that can lose power.
//!
//! It does exactly what a correct disk does, and in a [crash](Memory::crash) keeps exactly what a correct disk must.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use crate::storage::Directory;
use crate::storage::LockError;
use crate::storage::Storage;

/// The unit that is written whole or not at all when power is lost.
pub const SECTOR_LEN: usize = 512;

/// A directory in memory. Its clones are the same directory.
#[derive(Clone, Default)]
pub struct Memory {
    names: Arc<Mutex<Names>>,
    locked: Arc<AtomicBool>,
}

impl Memory {
    /// An empty directory.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a file there that holds `bytes` and survives a crash.
    pub fn put(&self, name: &str, bytes: &[u8]) {
        let node = Node { current: bytes.to_vec(), durable: bytes.to_vec(), unsynced: Vec::new() };
        let node = Arc::new(Mutex::new(node));
        let mut names = lock(&self.names);
        names.current.insert(name.to_owned(), Arc::clone(&node));
        names.durable.insert(name.to_owned(), node);
    }

    /// What a file holds, synced or not.
    pub fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        let node = lock(&self.names).current.get(name).cloned()?;
        let bytes = lock(&node).current.clone();
        Some(bytes)
    }

    /// What is found after power was lost now: only what was synced. This directory goes on as if nothing happened.
    #[must_use]
    pub fn crash(&self) -> Self {
        self.crash_torn(|_| false)
    }

    /// What is found if, of what was not synced, some sectors had reached the disk.
    ///
    /// `keep` is asked once for each piece of each unsynced write that lies in one sector, in the order of writing.
    /// Names are as they were synced.
    #[must_use]
    pub fn crash_torn(&self, mut keep: impl FnMut(u64) -> bool) -> Self {
        let after = Self::new();
        for (name, node) in &lock(&self.names).durable {
            after.put(name, &lock(node).torn(&mut keep));
        }
        after
    }
}

impl Directory for Memory {
    type File = MemoryFile;
    type Lock = MemoryLock;

    fn open(&self, name: &str) -> io::Result<MemoryFile> {
        let node = lock(&self.names).current.get(name).cloned();
        Ok(MemoryFile { node: node.ok_or(io::ErrorKind::NotFound)? })
    }

    fn create(&self, name: &str) -> io::Result<MemoryFile> {
        let mut names = lock(&self.names);
        if names.current.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let node = Arc::<Mutex<Node>>::default();
        names.current.insert(name.to_owned(), Arc::clone(&node));
        Ok(MemoryFile { node })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut names = lock(&self.names);
        let node = names.current.remove(from).ok_or(io::ErrorKind::NotFound)?;
        names.current.insert(to.to_owned(), node);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        lock(&self.names).current.remove(name).map(drop).ok_or(io::ErrorKind::NotFound.into())
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(lock(&self.names).current.keys().cloned().collect())
    }

    fn sync(&self) -> io::Result<()> {
        let mut names = lock(&self.names);
        names.durable = names.current.clone();
        Ok(())
    }

    fn lock(&self) -> Result<MemoryLock, LockError> {
        if self.locked.swap(true, Ordering::AcqRel) {
            return Err(LockError::Held { pid: Some(std::process::id()) });
        }
        Ok(MemoryLock { locked: Arc::clone(&self.locked) })
    }

    fn path(&self, name: &str) -> PathBuf {
        PathBuf::from(name)
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(lock(&self.names).current.keys()).finish()
    }
}

/// A file in memory.
pub struct MemoryFile {
    node: Arc<Mutex<Node>>,
}

impl Storage for MemoryFile {
    fn len(&self) -> io::Result<u64> {
        Ok(offset(lock(&self.node).current.len()))
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let node = lock(&self.node);
        let rest = node.current.get(position(at)?..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(rest) {
            *to = *from;
        }
        Ok(count)
    }

    fn write_at(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let change = Change::Write { at: position(at)?, bytes: bytes.to_vec() };
        lock(&self.node).make(change);
        Ok(())
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        let change = Change::Truncate { len: position(len)? };
        lock(&self.node).make(change);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut node = lock(&self.node);
        let node = &mut *node;
        for change in node.unsynced.drain(..) {
            apply(&mut node.durable, &change);
        }
        Ok(())
    }
}

impl fmt::Debug for MemoryFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryFile").field("len", &lock(&self.node).current.len()).finish()
    }
}

/// The lock of a directory in memory.
#[derive(Debug)]
pub struct MemoryLock {
    locked: Arc<AtomicBool>,
}

impl Drop for MemoryLock {
    fn drop(&mut self) {
        self.locked.store(false, Ordering::Release);
    }
}

#[derive(Default)]
struct Names {
    current: BTreeMap<String, Arc<Mutex<Node>>>,
    durable: BTreeMap<String, Arc<Mutex<Node>>>,
}

#[derive(Default)]
struct Node {
    /// `durable` with `unsynced` applied.
    current: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Change>,
}

impl Node {
    fn make(&mut self, change: Change) {
        apply(&mut self.current, &change);
        self.unsynced.push(change);
    }

    fn torn(&self, keep: &mut impl FnMut(u64) -> bool) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        for change in &self.unsynced {
            for piece in change.pieces() {
                if keep(offset(piece.sector())) {
                    apply(&mut bytes, &piece);
                }
            }
        }
        bytes
    }
}

enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Truncate { len: usize },
}

impl Change {
    fn sector(&self) -> usize {
        let (Self::Write { at, .. } | Self::Truncate { len: at }) = self;
        at / SECTOR_LEN
    }

    /// The same change in parts of one sector each.
    fn pieces(&self) -> Vec<Self> {
        let (mut at, mut rest) = match self {
            Self::Write { at, bytes } => (*at, bytes.as_slice()),
            Self::Truncate { len } => return vec![Self::Truncate { len: *len }],
        };
        let mut pieces = Vec::new();
        while !rest.is_empty() {
            let (piece, others) = rest.split_at(rest.len().min(SECTOR_LEN - at % SECTOR_LEN));
            pieces.push(Self::Write { at, bytes: piece.to_vec() });
            at += piece.len();
            rest = others;
        }
        pieces
    }
}

fn apply(file: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Truncate { len } => file.resize(*len, 0),
        Change::Write { at, bytes } => {
            let end = at + bytes.len();
            if file.len() < end {
                file.resize(end, 0);
            }
            file.splice(*at..end, bytes.iter().copied());
        }
    }
}

fn offset(position: usize) -> u64 {
    u64::try_from(position).expect("memory is addressed with 64 bits or fewer")
}

fn position(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge.into())
}

/// A panic elsewhere cannot leave these values half changed in a way that matters.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_keeps_what_was_synced_and_nothing_else() {
        let memory = Memory::new();
        let file = memory.create("a").unwrap();
        memory.sync().unwrap();
        file.write_at(0, b"kept").unwrap();
        file.sync().unwrap();
        file.write_at(4, b" lost").unwrap();
        let _ = memory.create("b").unwrap();

        let after = memory.crash();

        assert_eq!(after.bytes("a").as_deref(), Some(b"kept".as_slice()));
        assert_eq!(after.bytes("b"), None);
        assert_eq!(memory.bytes("a").as_deref(), Some(b"kept lost".as_slice()));
    }

    #[test]
    fn a_torn_write_keeps_whole_sectors() {
        let memory = Memory::new();
        let file = memory.create("a").unwrap();
        memory.sync().unwrap();
        file.write_at(500, &[1; 600]).unwrap();

        let after = memory.crash_torn(|sector| sector == 1).bytes("a").unwrap();

        assert_eq!(after.len(), 1024);
        assert!(after[..512].iter().all(|byte| *byte == 0));
        assert!(after[512..].iter().all(|byte| *byte == 1));
    }

    #[test]
    fn the_lock_is_free_again_when_dropped() {
        let memory = Memory::new();

        let held = memory.lock().unwrap();
        assert!(matches!(memory.clone().lock(), Err(LockError::Held { pid: Some(_) })));
        drop(held);

        assert!(memory.lock().is_ok());
    }
}
