//! The bytes of a file around a place.

use std::io;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;

/// How many bytes of an old log are in memory at once.
pub const WINDOW_LEN: usize = 256 * 1024;

/// A file whose length was measured once. What is written to it later is not seen.
#[derive(Debug)]
pub(super) struct Window<R> {
    input: R,
    len: u64,
    /// Where the bytes in memory start.
    start: u64,
    bytes: Vec<u8>,
}

impl<R: Read + Seek> Window<R> {
    pub(super) fn new(mut input: R) -> io::Result<Self> {
        let len = input.seek(SeekFrom::End(0))?;
        Ok(Self { input, len, start: 0, bytes: Vec::new() })
    }

    pub(super) const fn len(&self) -> u64 {
        self.len
    }

    /// So many bytes from a place on, `None` if the file ends before. Reads ahead.
    pub(super) fn get(&mut self, at: u64, len: usize) -> io::Result<Option<&[u8]>> {
        self.get_around(at, len, at)
    }

    /// The same; reads from further ahead.
    pub(super) fn get_backwards(&mut self, at: u64, len: usize) -> io::Result<Option<&[u8]>> {
        let end = at.saturating_add(to_u64(len));
        self.get_around(at, len, end.saturating_sub(to_u64(WINDOW_LEN)))
    }

    /// A few bytes; does not read more, and leaves the window where it is.
    pub(super) fn peek<const N: usize>(&mut self, at: u64) -> io::Result<Option<[u8; N]>> {
        if at.checked_add(to_u64(N)).is_none_or(|end| end > self.len) {
            return Ok(None);
        }
        if let Some(bytes) = self.held(at, N) {
            return Ok(bytes.first_chunk().copied());
        }
        let mut bytes = [0; N];
        self.input.seek(SeekFrom::Start(at))?;
        self.input.read_exact(&mut bytes)?;
        Ok(Some(bytes))
    }

    fn get_around(&mut self, at: u64, len: usize, from: u64) -> io::Result<Option<&[u8]>> {
        if at.checked_add(to_u64(len)).is_none_or(|end| end > self.len) {
            return Ok(None);
        }
        if self.held(at, len).is_none() {
            let count = to_u64(WINDOW_LEN.max(len)).min(self.len - from);
            self.bytes.clear();
            self.start = from;
            self.input.seek(SeekFrom::Start(from))?;
            let read = self.input.by_ref().take(count).read_to_end(&mut self.bytes)?;
            if to_u64(read) < count {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(self.held(at, len))
    }

    fn held(&self, at: u64, len: usize) -> Option<&[u8]> {
        let from = usize::try_from(at.checked_sub(self.start)?).ok()?;
        self.bytes.get(from..from.checked_add(len)?)
    }
}

pub(super) fn to_u64(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
