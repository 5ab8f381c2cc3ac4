//! Files of which calls fail, for tests.
//!
//! Losing power is another matter: see [`Memory::crash`](crate::memory::Memory::crash).

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use crate::files::File;
use crate::files::Files;
use crate::files::Look;

/// Passes every call on to other files, but some fail. A write that fails has written its first half.
#[derive(Clone, Debug)]
pub struct Faulty<F> {
    inner: F,
    plan: Plan,
}

impl<F> Faulty<F> {
    /// The call that `calls` others came before fails, and perhaps all later ones. Calls on open files count too.
    pub fn new(inner: F, calls: u64, times: Times) -> Self {
        Self { inner, plan: Plan { made: Arc::default(), first: calls, times } }
    }

    /// How many calls were made.
    pub fn calls(&self) -> u64 {
        self.plan.made.load(Ordering::SeqCst)
    }

    fn file<T>(&self, inner: T) -> FaultyFile<T> {
        FaultyFile { inner, plan: self.plan.clone() }
    }
}

impl<F: Files> Files for Faulty<F> {
    type File = FaultyFile<F::File>;

    fn open(&self, path: &str) -> io::Result<Self::File> {
        self.plan.call()?;
        self.inner.open(path).map(|file| self.file(file))
    }

    fn edit(&self, path: &str) -> io::Result<Self::File> {
        self.plan.call()?;
        self.inner.edit(path).map(|file| self.file(file))
    }

    fn create(&self, path: &str) -> io::Result<Self::File> {
        self.plan.call()?;
        self.inner.create(path).map(|file| self.file(file))
    }

    fn look(&self, path: &str) -> io::Result<Look> {
        self.plan.call()?;
        self.inner.look(path)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.plan.call()?;
        self.inner.rename(from, to)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.plan.call()?;
        self.inner.remove(path)
    }

    fn list(&self, directory: &str) -> io::Result<Vec<String>> {
        self.plan.call()?;
        self.inner.list(directory)
    }

    fn make_directory(&self, directory: &str) -> io::Result<()> {
        self.plan.call()?;
        self.inner.make_directory(directory)
    }

    fn sync(&self, directory: &str) -> io::Result<()> {
        self.plan.call()?;
        self.inner.sync(directory)
    }
}

/// A file of [`Faulty`].
#[derive(Debug)]
pub struct FaultyFile<F> {
    inner: F,
    plan: Plan,
}

impl<F: File> io::Read for FaultyFile<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.plan.call()?;
        self.inner.read(buffer)
    }
}

impl<F: File> io::Write for FaultyFile<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Err(error) = self.plan.call() {
            let (half, _) = bytes.split_at(bytes.len() / 2);
            self.inner.write_all(half)?;
            return Err(error);
        }
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<F: File> io::Seek for FaultyFile<F> {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        self.plan.call()?;
        self.inner.seek(to)
    }
}

impl<F: File> File for FaultyFile<F> {
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
        if fails { Err(io::Error::new(io::ErrorKind::StorageFull, "told to fail")) } else { Ok(()) }
    }
}
