//! A directory in which calls fail, for tests.
//!
//! Losing power is another matter: see [`Memory::crash_torn`](crate::memory::Memory::crash_torn).

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use crate::storage::Directory;
use crate::storage::IoError;
use crate::storage::LockError;
use crate::storage::Storage;

/// Passes every call on to another directory, but some fail. A write that fails has written its first half.
#[derive(Clone, Debug)]
pub struct Faulty<D> {
    inner: D,
    plan: Plan,
}

impl<D> Faulty<D> {
    /// The call that `calls` others came before fails, and perhaps all later ones. Calls on files count too.
    pub fn new(inner: D, calls: u64, times: Times) -> Self {
        Self { inner, plan: Plan { made: Arc::default(), first: calls, times } }
    }

    /// How many calls were made.
    pub fn calls(&self) -> u64 {
        self.plan.made.load(Ordering::SeqCst)
    }
}

impl<D: Directory> Directory for Faulty<D> {
    type File = FaultyFile<D::File>;
    type Lock = D::Lock;

    fn open(&self, name: &str) -> io::Result<Self::File> {
        self.plan.call()?;
        Ok(FaultyFile { inner: self.inner.open(name)?, plan: self.plan.clone() })
    }

    fn create(&self, name: &str) -> io::Result<Self::File> {
        self.plan.call()?;
        Ok(FaultyFile { inner: self.inner.create(name)?, plan: self.plan.clone() })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.plan.call()?;
        self.inner.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.plan.call()?;
        self.inner.remove(name)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.plan.call()?;
        self.inner.list()
    }

    fn sync(&self) -> io::Result<()> {
        self.plan.call()?;
        self.inner.sync()
    }

    fn lock(&self) -> Result<D::Lock, LockError> {
        self.plan.call().map_err(IoError::from)?;
        self.inner.lock()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.inner.path(name)
    }
}

/// A file in a [`Faulty`] directory.
#[derive(Debug)]
pub struct FaultyFile<F> {
    inner: F,
    plan: Plan,
}

impl<F: Storage> Storage for FaultyFile<F> {
    fn len(&self) -> io::Result<u64> {
        self.plan.call()?;
        self.inner.len()
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.plan.call()?;
        self.inner.read_at(at, buffer)
    }

    fn write_at(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        if let Err(error) = self.plan.call() {
            let (half, _) = bytes.split_at(bytes.len() / 2);
            self.inner.write_at(at, half)?;
            return Err(error);
        }
        self.inner.write_at(at, bytes)
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.plan.call()?;
        self.inner.truncate(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.plan.call()?;
        self.inner.sync()
    }
}

/// How often it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// Only that call.
    Once,
    /// That call and all after it.
    Forever,
}

#[derive(Clone, Debug)]
struct Plan {
    made: Arc<AtomicU64>,
    first: u64,
    times: Times,
}

impl Plan {
    fn call(&self) -> io::Result<()> {
        let before = self.made.fetch_add(1, Ordering::SeqCst);
        let fails = match self.times {
            Times::Once => before == self.first,
            Times::Forever => before >= self.first,
        };
        if fails { Err(io::Error::other("told to fail")) } else { Ok(()) }
    }
}
