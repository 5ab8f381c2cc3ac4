//! The writing half of a log.
//!
//! Records are appended, synced, and only then published to readers:
//!
//! ```
//! use ssb_log::log::{Kind, Log, Record};
//! use ssb_log::memory::Memory;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (mut log, _) = Log::open(Memory::new())?;
//! let record = Record { kind: Kind::Message, id: [1; 32], received: 1_491_901_740_000.0, body: b"hello" };
//!
//! let ordinals = log.append(&[record])?;
//! let durable = log.sync()?;
//! log.publish(durable);
//!
//! assert_eq!(log.reader().read(ordinals.start)?.body, b"hello");
//! # Ok(())
//! # }
//! ```

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use thiserror::Error;

use crate::frame;
use crate::frame::Before;
use crate::frame::PREFIX_LEN;
use crate::limits::BODY_LEN_MAX;
use crate::limits::RECEIVED_MAX;
use crate::limits::UNSYNCED_LEN_MAX;
use crate::offsets::Offsets;
use crate::ordinal::Ordinal;
use crate::read::LogReader;
use crate::read::Shared;
use crate::recover::Known;
use crate::recover::OpenError;
use crate::recover::Opening;
use crate::recover::Recovered;
use crate::recover::Recovery;
use crate::storage::Directory;
use crate::storage::IoError;
use crate::storage::Storage;

/// The one writer of the log in a directory. Holds the lock of that directory.
pub struct Log<D: Directory> {
    shared: Arc<Shared<D::File>>,
    file: Arc<D::File>,
    /// The lengths of the records that readers do not know of yet.
    unpublished: Vec<u32>,
    /// Where the next record will stand.
    end: u64,
    /// The ordinal of the next record.
    next: Ordinal,
    /// The end of what was synced, as ordinal and as offset. Not before what is published.
    synced: Durable,
    synced_end: u64,
    /// That of the last record.
    received: Option<f64>,
    health: Health,
    _lock: D::Lock,
}

impl<D: Directory> Log<D> {
    /// Opens the log in `directory`, creating it if there is none, and repairs what a crash has left.
    ///
    /// # Errors
    ///
    /// [`OpenError`] names the file, what is wrong with it, and what to do.
    #[expect(clippy::needless_pass_by_value, reason = "the log is in charge of the directory from now on")]
    pub fn open(directory: D) -> Result<(Self, Recovery), OpenError> {
        Self::open_with(&directory, |_| {})
    }

    /// As [`open`](Self::open), and shows every record that is there to `visit`, in order.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open). Records may have been shown before.
    pub fn open_with(directory: &D, visit: impl FnMut(Visited<'_>)) -> Result<(Self, Recovery), OpenError> {
        Self::finish(directory, Opening::begin(directory)?, Known::nothing(), visit)
    }

    /// Goes on with a log of which something is known already: the records behind that are shown to `visit`.
    pub(crate) fn finish(
        directory: &D,
        opening: Opening<D>,
        known: Known,
        visit: impl FnMut(Visited<'_>),
    ) -> Result<(Self, Recovery), OpenError> {
        let (Recovered { file, offsets, received, report }, lock) =
            opening.finish(directory, known, visit)?;
        let (next, end, file) = (offsets.next(), offsets.end(), Arc::new(file));
        let log = Self {
            shared: Arc::new(Shared::new(Arc::clone(&file), offsets)),
            file,
            unpublished: Vec::new(),
            end,
            next,
            synced: Durable { end: next },
            synced_end: end,
            received,
            health: Health::Sound,
            _lock: lock,
        };
        Ok((log, report))
    }

    /// Writes records behind the last one, all with one write, and returns their ordinals. Readers do not see them yet.
    ///
    /// Receive times grow strictly: one that is not larger than the last becomes the last plus a thousandth of a
    /// millisecond, or the next larger number where that is less than the number's precision.
    ///
    /// # Errors
    ///
    /// [`AppendError`]. After [`AppendError::Io`] nothing can be written any more: what reached the disk is known again
    /// when the log is next opened.
    pub fn append(&mut self, records: &[Record<'_>]) -> Result<Range<Ordinal>, AppendError> {
        self.check_health()?;
        let len = self.check_lengths(records)?;
        let count = u32::try_from(records.len()).map_err(|_| AppendError::Full)?;
        let next = self.next.get().checked_add(count).map(Ordinal::new).ok_or(AppendError::Full)?;

        let mut bytes = Vec::with_capacity(len);
        let mut lens = Vec::with_capacity(records.len());
        let mut at = self.end;
        let mut received = self.received;
        for record in records {
            let time = next_received(received, record.received);
            let before = if at == self.synced_end { Before::Synced } else { Before::Unsynced };
            let start = bytes.len();
            frame::encode(&Record { received: time, ..*record }, before, at, &mut bytes);
            let len = u32::try_from(bytes.len() - start).expect("a record is far shorter than 4 GiB");
            lens.push(len);
            at += u64::from(len);
            received = Some(time);
        }
        if !bytes.is_empty() {
            let written = self.file.write_at(self.end, &bytes);
            self.poison_on_error(written)?;
        }
        self.unpublished.append(&mut lens);
        let ordinals = self.next..next;
        (self.end, self.next, self.received) = (at, next, received);
        Ok(ordinals)
    }

    /// Returns when all that was appended survives a loss of power.
    ///
    /// # Errors
    ///
    /// [`AppendError::Io`], after which nothing can be written any more, or [`AppendError::Poisoned`].
    pub fn sync(&mut self) -> Result<Durable, AppendError> {
        self.check_health()?;
        if self.synced_end < self.end {
            let synced = self.file.sync();
            self.poison_on_error(synced)?;
            self.synced = Durable { end: self.next };
            self.synced_end = self.end;
        }
        Ok(self.synced)
    }

    /// Lets readers and followers see what is durable.
    ///
    /// # Panics
    ///
    /// When `durable` is of another log.
    pub fn publish(&mut self, durable: Durable) {
        self.publish_quietly(durable);
        self.wake();
    }

    /// As [`publish`](Self::publish) without waking followers, who have to be [woken](Self::wake) afterwards.
    pub(crate) fn publish_quietly(&mut self, durable: Durable) {
        assert!(durable.end <= self.synced.end, "durable is of another log");
        let published = self.shared.tail().end();
        let count = durable.end.index().saturating_sub(published.index());
        self.shared.extend(self.unpublished.drain(..count));
    }

    /// Wakes the followers.
    pub(crate) fn wake(&self) {
        self.shared.tail().wake();
    }

    /// What reads this log. It can be cloned and sent to other threads, and outlives the writer.
    pub fn reader(&self) -> LogReader<D> {
        LogReader::new(Arc::clone(&self.shared))
    }

    /// How long the file is, in bytes.
    pub(crate) const fn len(&self) -> u64 {
        self.end
    }

    /// Goes on with another file that has all records, synced, under another name. `rename` gives it its name, and `keep`
    /// makes that last.
    ///
    /// # Errors
    ///
    /// [`AppendError::Io`] of `rename`, after which this log goes on as it was; or of `keep`: then it is not known which of the
    /// two files there will be after a crash, so nothing more is written to either.
    ///
    /// # Panics
    ///
    /// When records were appended that are not published.
    pub(crate) fn move_to(
        &mut self,
        file: D::File,
        offsets: Offsets,
        rename: impl FnOnce() -> std::io::Result<()>,
        keep: impl FnOnce() -> std::io::Result<()>,
    ) -> Result<(), AppendError> {
        self.check_health()?;
        assert!(self.unpublished.is_empty() && offsets.next() == self.next, "all records move");
        rename().map_err(|error| AppendError::Io(error.into()))?;
        // From here on the other file has the name, so it is the one that is read and written.
        (self.file, self.end) = (Arc::new(file), offsets.end());
        self.synced_end = self.end;
        self.shared.moved(Arc::clone(&self.file), offsets);
        self.poison_on_error(keep())
    }

    fn check_health(&self) -> Result<(), AppendError> {
        match self.health {
            Health::Sound => Ok(()),
            Health::Poisoned => Err(AppendError::Poisoned),
        }
    }

    /// The length of all of them.
    fn check_lengths(&self, records: &[Record<'_>]) -> Result<usize, AppendError> {
        if let Some(record) = records.iter().find(|record| record.body.len() > BODY_LEN_MAX) {
            return Err(AppendError::TooLong { len: record.body.len() });
        }
        let len = records.iter().map(Record::stored_len).sum();
        let unsynced = usize::try_from(self.end - self.synced_end).unwrap_or(usize::MAX);
        if unsynced.saturating_add(len) > UNSYNCED_LEN_MAX {
            return Err(AppendError::Unsynced);
        }
        Ok(len)
    }

    pub(crate) fn poison_on_error(&mut self, result: std::io::Result<()>) -> Result<(), AppendError> {
        result.map_err(|error| {
            self.health = Health::Poisoned;
            AppendError::Io(error.into())
        })
    }
}

impl<D: Directory> fmt::Debug for Log<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("next", &self.next).field("health", &self.health).finish_non_exhaustive()
    }
}

/// Proof that all records before a position survived a sync. Made only by [`Log::sync`] and when a log is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[must_use = "readers see nothing before it is published"]
pub struct Durable {
    end: Ordinal,
}

impl Durable {
    /// The ordinal behind the last durable record.
    pub const fn end(self) -> Ordinal {
        self.end
    }
}

/// One entry of a log.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Record<'a> {
    /// What the body is.
    pub kind: Kind,
    /// What it is found by; the log does not look at it.
    pub id: [u8; 32],
    /// When it was received, in milliseconds since 1970.
    pub received: f64,
    /// At most [`BODY_LEN_MAX`] bytes.
    pub body: &'a [u8],
}

impl Record<'_> {
    /// Its length in the file in bytes.
    pub const fn stored_len(&self) -> usize {
        PREFIX_LEN + self.body.len()
    }
}

/// What the body of a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A message.
    Message,
    /// The place of a message that was deleted.
    Tombstone,
    /// Two messages that prove a feed to be forked.
    ForkProof,
    /// What the owner wants gone, or back.
    Decision,
}

impl Kind {
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Message => 1,
            Self::Tombstone => 2,
            Self::ForkProof => 3,
            Self::Decision => 4,
        }
    }

    pub(crate) const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Message),
            2 => Some(Self::Tombstone),
            3 => Some(Self::ForkProof),
            4 => Some(Self::Decision),
            _ => None,
        }
    }
}

/// A record that is already in a log when it is opened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Visited<'a> {
    /// Its number.
    pub ordinal: Ordinal,
    /// Where it stands in the file.
    pub offset: u64,
    /// What it holds.
    pub record: Record<'a>,
}

/// Why nothing was appended, or not durably.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AppendError {
    /// A body is longer than [`BODY_LEN_MAX`]: a mistake of the caller. Nothing was written.
    #[error("record body of {len} bytes exceeds the limit")]
    TooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// There would be more than [`UNSYNCED_LEN_MAX`] bytes without a sync. Nothing was written; sync first.
    #[error("too much was appended without a sync")]
    Unsynced,
    /// The log has as many records as can be numbered. Nothing was written.
    #[error("log is full")]
    Full,
    /// The disk is full or failing. This log can be read but not written any more.
    #[error("log cannot be written: {0}")]
    Io(#[source] IoError),
    /// An earlier write failed, and what reached the disk is not known. Open the log anew.
    #[error("an earlier write to the log failed")]
    Poisoned,
}

#[derive(Clone, Copy, Debug)]
enum Health {
    Sound,
    Poisoned,
}

/// The receive time of a record that says it was received at `given`, after one of `last`.
pub(crate) fn next_received(last: Option<f64>, given: f64) -> f64 {
    let usable = (0.0..=RECEIVED_MAX).contains(&given);
    match last {
        None if usable => given,
        None => 0.0,
        Some(last) if usable && given > last => given,
        Some(last) if last + RECEIVED_STEP > last => last + RECEIVED_STEP,
        Some(last) => last.next_up(),
    }
}

/// A thousandth of a millisecond: JavaScript's monotonic-timestamp takes steps like it.
const RECEIVED_STEP: f64 = 0.001;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receive_times_grow_strictly_whatever_is_given() {
        let given =
            [5.0, 5.0, 4.0, f64::NAN, f64::INFINITY, -1.0, 1e300, RECEIVED_MAX, RECEIVED_MAX, 0.0, 6.0];

        let mut last = None;
        for given in given {
            let time = next_received(last, given);
            assert!(
                time.is_finite() && last.is_none_or(|last| time > last),
                "{given} after {last:?} gave {time}"
            );
            last = Some(time);
        }
    }

    #[test]
    fn a_time_that_comes_twice_takes_a_small_step() {
        assert_eq!(next_received(Some(1_491_901_740_000.0), 1_491_901_740_000.0), 1_491_901_740_000.001);
        assert_eq!(next_received(None, f64::NAN), 0.0);
    }
}
