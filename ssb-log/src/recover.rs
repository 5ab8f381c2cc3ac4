//! Opens a log, and repairs what a crash has left.
//!
//! A crash can only tear what was not synced. The first record after a sync says so, so:
//!
//! - A broken record with such a record somewhere behind it was synced once. It is **damage**, and the log is not opened:
//!   cutting it would lose what is behind it.
//! - A broken record without one is a **torn tail**. It is cut off, so that the log ends with its last whole record.
//!   Nobody was ever told of what is cut. It is kept in a file of its own all the same.
//!
//! A torn tail is never longer than [`UNSYNCED_LEN_MAX`].

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::frame;
use crate::frame::Broken;
use crate::frame::Frame;
use crate::frame::HEADER_LEN;
use crate::frame::Header;
use crate::frame::RECORD_LEN_MAX;
use crate::frame::VERSION;
use crate::limits::UNSYNCED_LEN_MAX;
use crate::log::Visited;
use crate::offsets::Offsets;
use crate::segments;
use crate::storage::Directory;
use crate::storage::IoError;
use crate::storage::LockError;
use crate::storage::Storage;

/// The name of the file with the records.
pub const RECORDS: &str = "records";

/// The name of the file that is locked.
pub const LOCK: &str = "lock";

/// What was found when a log was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// How many records there are.
    pub records: u32,
    /// What was cut off.
    pub cut: Option<Cut>,
}

/// A torn tail that was cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Where the log ends now.
    pub offset: u64,
    /// How many bytes were behind that.
    pub len: u64,
    /// The file that has them now. It can be removed.
    pub kept: PathBuf,
}

/// Why a log was not opened. No record was lost or changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another node runs on the same files. Stop it first.
    #[error("{} is locked by {}: stop it, or choose another directory", path.display(), holder(*pid))]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// The process that has the lock, where the system tells.
        pid: Option<u32>,
    },
    /// The file is something else. Move it away.
    #[error("{} is not a log", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A later version of this program wrote the file. Use that one.
    #[error("{} has format {version}, newer than {VERSION}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format version.
        version: u32,
    },
    /// Bytes that were safely written have changed: a failing disk, or somebody wrote to the file. Bring back a copy of
    /// the file, or move it away and fetch the messages from peers again.
    #[error("{} is damaged at byte {offset}; bring back a copy, or move it away and replicate again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the first broken record stands, or 0 for the start of the file.
        offset: u64,
    },
    /// A record is whole but of a kind that only a later version of this program knows. Use that one.
    #[error("{} has a record of unknown kind at byte {offset}", path.display())]
    Unknown {
        /// The file.
        path: PathBuf,
        /// Where the record stands.
        offset: u64,
    },
    /// The system says no.
    #[error("{} cannot be used: {error}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What it says.
        #[source]
        error: IoError,
    },
}

/// A log that is whole and synced.
#[derive(Debug)]
pub(crate) struct Recovered<F> {
    pub(crate) file: F,
    pub(crate) offsets: Offsets,
    /// The receive time of the last record.
    pub(crate) received: Option<f64>,
    pub(crate) report: Recovery,
}

/// Takes the directory.
fn lock<D: Directory>(directory: &D) -> Result<D::Lock, OpenError> {
    let path = directory.path(LOCK);
    directory.lock().map_err(|error| match error {
        LockError::Held { pid } => OpenError::Locked { path, pid },
        LockError::Io(error) => OpenError::Io { path, error },
    })
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}

/// A log that is ours, and of which only the header was read.
#[derive(Debug)]
pub(crate) struct Opening<D: Directory> {
    lock: D::Lock,
    file: D::File,
    file_len: u64,
}

/// What is known of the first records without reading them.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) offsets: Offsets,
    /// The receive time of the last of them.
    pub(crate) received: Option<f64>,
}

impl Known {
    /// Nothing.
    pub(crate) fn nothing() -> Self {
        Self { offsets: Offsets::new(), received: None }
    }
}

impl<D: Directory> Opening<D> {
    /// Takes the directory, and makes the log if there is none.
    pub(crate) fn begin(directory: &D) -> Result<Self, OpenError> {
        let lock = lock(directory)?;
        let place = Place { directory };
        let file = place.name_errors(open_or_create(directory))?;
        let file_len = place.name_errors(file.len())?;
        let mut window = Window::new(&file, file_len);
        place.check_header(place.name_errors(window.at(0, HEADER_LEN))?)?;
        Ok(Self { lock, file, file_len })
    }

    /// The file with the records.
    pub(crate) const fn records(&self) -> &D::File {
        &self.file
    }

    /// How long that file is.
    pub(crate) const fn file_len(&self) -> u64 {
        self.file_len
    }

    /// Reads all that is not known, and repairs the end. Hands the lock over, too.
    pub(crate) fn finish(
        self,
        directory: &D,
        known: Known,
        visit: impl FnMut(Visited<'_>),
    ) -> Result<(Recovered<D::File>, D::Lock), OpenError> {
        let recovered = recover(directory, self.file, self.file_len, known, visit)?;
        Ok((recovered, self.lock))
    }
}

fn recover<D: Directory>(
    directory: &D,
    file: D::File,
    file_len: u64,
    known: Known,
    mut visit: impl FnMut(Visited<'_>),
) -> Result<Recovered<D::File>, OpenError> {
    let place = Place { directory };
    let mut window = Window::new(&file, file_len);
    let Known { mut offsets, mut received } = known;
    let mut torn = None;
    while offsets.end() < file_len {
        let offset = offsets.end();
        let bytes = place.name_errors(window.at(offset, RECORD_LEN_MAX))?;
        match Frame::parse(bytes, offset) {
            // The writer never does that, whatever crashes.
            Ok(frame) if received.is_some_and(|last| frame.record.received <= last) => {
                return Err(place.damaged(offset));
            }
            Ok(frame) => {
                received = Some(frame.record.received);
                visit(Visited { ordinal: offsets.next(), offset, record: frame.record });
                offsets.push(u32::try_from(frame.len).expect("a record is far shorter than 4 GiB"));
            }
            Err(Broken::Unknown) => return Err(OpenError::Unknown { path: place.path(), offset }),
            Err(Broken::Torn) => {
                torn = Some(place.check_torn(&mut window, offset)?);
                break;
            }
        }
    }

    let cut = match torn {
        Some(tail) => Some(place.name_errors(cut(directory, &file, offsets.end(), &tail))?),
        None => None,
    };
    // What a process that was killed had written is whole, but nobody may have synced it, nor the file's name.
    place.name_errors(file.sync().and_then(|()| directory.sync()))?;
    let report = Recovery { records: offsets.next().get(), cut };
    Ok(Recovered { file, offsets, received, report })
}

/// Tells which file errors are about.
struct Place<'a, D> {
    directory: &'a D,
}

impl<D: Directory> Place<'_, D> {
    fn check_header(&self, bytes: &[u8]) -> Result<(), OpenError> {
        match Header::parse(bytes) {
            Header::Known => Ok(()),
            Header::Newer(version) => Err(OpenError::Newer { path: self.path(), version }),
            Header::Damaged => Err(self.damaged(0)),
            Header::Foreign => Err(OpenError::Foreign { path: self.path() }),
        }
    }

    /// The bytes from the broken record at `offset` on, if they may be a torn tail.
    fn check_torn<F: Storage>(&self, window: &mut Window<'_, F>, offset: u64) -> Result<Vec<u8>, OpenError> {
        let len = usize::try_from(window.file_len - offset).unwrap_or(usize::MAX);
        if len > UNSYNCED_LEN_MAX {
            return Err(self.damaged(offset));
        }
        let tail = self.name_errors(window.at(offset, len))?.to_vec();
        match find_synced_before(&tail, offset) {
            Verdict::Torn => Ok(tail),
            Verdict::Damaged => Err(self.damaged(offset)),
        }
    }

    fn damaged(&self, offset: u64) -> OpenError {
        OpenError::Damaged { path: self.path(), offset }
    }

    fn name_errors<T>(&self, result: io::Result<T>) -> Result<T, OpenError> {
        result.map_err(|error| OpenError::Io { path: self.path(), error: error.into() })
    }

    fn path(&self) -> PathBuf {
        self.directory.path(RECORDS)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Torn,
    Damaged,
}

/// Whether `tail`, the file from `offset` on, has a whole record before which all was synced.
fn find_synced_before(tail: &[u8], offset: u64) -> Verdict {
    let mut work = 0;
    for (position, distance) in (0..tail.len()).zip(0..) {
        let rest = tail.get(position..).unwrap_or_default();
        if !frame::may_start_after_sync(rest) {
            continue;
        }
        work += RECORD_LEN_MAX;
        // Text has no such places, and ids have one in 2^31. So many were made on purpose.
        if work > SEARCH_WORK_MAX || Frame::parse(rest, offset + distance).is_ok() {
            return Verdict::Damaged;
        }
    }
    Verdict::Torn
}

/// How many bytes are looked at at most in search of a whole record; a fifth of a second.
const SEARCH_WORK_MAX: usize = 1024 * 1024 * 1024;

fn open_or_create<D: Directory>(directory: &D) -> io::Result<D::File> {
    match directory.open(RECORDS) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => create(directory),
        result => result,
    }
}

/// A file of that name has a whole header, whenever power is lost. The name itself is synced when all is recovered.
fn create<D: Directory>(directory: &D) -> io::Result<D::File> {
    match directory.remove(RECORDS_NEW) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = directory.create(RECORDS_NEW)?;
    file.write_at(0, &frame::header())?;
    file.sync()?;
    directory.rename(RECORDS_NEW, RECORDS)?;
    Ok(file)
}

const RECORDS_NEW: &str = "records.new";

/// Moves `tail`, all from `offset` on, to a file of its own.
fn cut<D: Directory>(directory: &D, file: &D::File, offset: u64, tail: &[u8]) -> io::Result<Cut> {
    let kept = keep(directory, offset, tail)?;
    file.truncate(offset)?;
    Ok(Cut { offset, len: u64::try_from(tail.len()).unwrap_or(u64::MAX), kept: directory.path(&kept) })
}

/// Writes `tail` to a new file and returns its name. Files of earlier cuts stay as they are.
fn keep<D: Directory>(directory: &D, offset: u64, tail: &[u8]) -> io::Result<String> {
    let name = segments::free_name(directory, &format!("cut-{offset}"))?;
    let file = directory.create(&name)?;
    file.write_at(0, tail)?;
    file.sync()?;
    directory.sync()?;
    Ok(name)
}

/// A part of a file that moves forward with the reading.
pub(crate) struct Window<'a, F> {
    file: &'a F,
    file_len: u64,
    /// Where in the file `bytes` are.
    start: u64,
    bytes: Vec<u8>,
}

impl<'a, F: Storage> Window<'a, F> {
    pub(crate) const fn new(file: &'a F, file_len: u64) -> Self {
        Self { file, file_len, start: 0, bytes: Vec::new() }
    }

    /// `len` bytes from `at` on, or fewer at the end of the file.
    pub(crate) fn at(&mut self, at: u64, len: usize) -> io::Result<&[u8]> {
        let len = usize::try_from(self.file_len.saturating_sub(at)).unwrap_or(usize::MAX).min(len);
        let skipped = at.checked_sub(self.start).and_then(|skipped| usize::try_from(skipped).ok());
        let skipped = match skipped.filter(|skipped| skipped + len <= self.bytes.len()) {
            Some(skipped) => skipped,
            None => {
                self.fill(at, len)?;
                0
            }
        };
        Ok(self.bytes.get(skipped..skipped + len).unwrap_or_default())
    }

    fn fill(&mut self, at: u64, len: usize) -> io::Result<()> {
        let left = usize::try_from(self.file_len.saturating_sub(at)).unwrap_or(usize::MAX);
        self.start = at;
        self.bytes.resize(len.max(WINDOW_LEN.min(left)), 0);
        let count = self.file.read_at(at, &mut self.bytes)?;
        self.bytes.truncate(count);
        if count < len {
            // Nobody else may write to it: we have the lock.
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }
}

const WINDOW_LEN: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Kind;
    use crate::log::Log;
    use crate::log::Record;
    use crate::memory::Memory;

    #[test]
    fn a_window_shows_the_file_wherever_it_is_moved() {
        let memory = Memory::new();
        let content: Vec<u8> = (0..3 * WINDOW_LEN + 5).map(|at| at.to_le_bytes()[1]).collect();
        memory.put("a", &content);
        let file = memory.open("a").unwrap();
        let file_len = file.len().unwrap();
        let mut window = Window::new(&file, file_len);

        for at in (0..content.len()).step_by(60_000) {
            let end = content.len().min(at + RECORD_LEN_MAX);
            assert_eq!(window.at(at as u64, RECORD_LEN_MAX).unwrap(), &content[at..end]);
        }
    }

    #[test]
    fn a_tail_full_of_false_starts_is_not_searched_for_ever() {
        let mut places = vec![0; UNSYNCED_LEN_MAX];
        for place in places.chunks_exact_mut(12) {
            place.copy_from_slice(&[0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
        }

        assert_eq!(find_synced_before(&places, 16), Verdict::Damaged);
    }

    #[test]
    fn a_broken_stretch_longer_than_a_batch_is_damage() {
        let memory = Memory::new();
        let zeros = vec![0; UNSYNCED_LEN_MAX];
        memory.put(RECORDS, &[frame::header().as_slice(), &zeros].concat());
        let (log, report) = Log::open(memory.clone()).unwrap();
        assert_eq!(report.cut.map(|cut| (cut.offset, cut.len)), Some((16, UNSYNCED_LEN_MAX as u64)));
        drop(log);

        memory.put(RECORDS, &[frame::header().as_slice(), &zeros, &[0]].concat());
        assert_eq!(
            Log::open(memory).unwrap_err(),
            OpenError::Damaged { path: PathBuf::from(RECORDS), offset: 16 }
        );
    }

    #[test]
    fn what_is_cut_never_overwrites_an_earlier_cut() {
        let memory = Memory::new();
        for tail in [b"first", b"other"] {
            memory.put(RECORDS, &[frame::header().as_slice(), tail].concat());
            Log::open(memory.clone()).map(drop).unwrap();
        }

        assert_eq!(memory.bytes("cut-16").unwrap(), b"first");
        assert_eq!(memory.bytes("cut-16-2").unwrap(), b"other");
    }

    #[test]
    fn a_receive_time_that_does_not_grow_is_damage() {
        let record = |received| Record { kind: Kind::Message, id: [0; 32], received, body: b"" };
        let mut bytes = frame::header().to_vec();
        for offset in [16, 68] {
            frame::encode(&record(1.0), frame::Before::Synced, offset, &mut bytes);
        }
        let memory = Memory::new();
        memory.put(RECORDS, &bytes);

        assert_eq!(
            Log::open(memory).unwrap_err(),
            OpenError::Damaged { path: PathBuf::from(RECORDS), offset: 68 }
        );
    }
}
