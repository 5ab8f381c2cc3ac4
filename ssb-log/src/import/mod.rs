//! Reads what JavaScript's stores left on disk, and never writes to it.
//!
//! [`Flume`] walks the `flume/log.offset` of ssb-db (so of ssb-server), [`Db2`] the `db2/log.bipf` of ssb-db2. Both hand out
//! [`Item`]s in the order of the file: records, whose [`Record::text`] is JSON with `key`, `value` and `timestamp`, and the places
//! where there is none. Nothing in them is trusted: what a record holds is for its reader to verify. Memory is bounded,
//! whatever the file: a window of [`WINDOW_LEN`] bytes and one record.
//!
//! ```
//! use std::io::Cursor;
//!
//! use ssb_log::import::{Flume, Item};
//!
//! let text = br#"{"key":"%a","value":{},"timestamp":1}"#;
//! let len = u32::try_from(text.len())?;
//! let file = [&len.to_be_bytes(), text.as_slice(), &len.to_be_bytes(), &(len + 12).to_be_bytes()].concat();
//! let mut log = Flume::open(Cursor::new(file))?;
//! let Some(Ok(Item::Record(record))) = log.next() else { panic!("there is one") };
//! assert_eq!(record.text()?, text.as_slice());
//! assert!(log.next().is_none());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod bipf;
mod db2;
mod flume;
mod window;

use std::borrow::Cow;
use std::io;

use thiserror::Error;

pub use self::db2::BLOCK_LEN;
pub use self::db2::Db2;
pub use self::flume::Flume;
pub use self::flume::RECORD_LEN_MAX;
pub use self::window::WINDOW_LEN;

use self::bipf::BipfError;

/// What stands at some place of an old log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// Something that was stored.
    Record(Record),
    /// A record that was deleted: JavaScript overwrites it with zeros.
    Deleted {
        /// Where it starts.
        offset: u64,
        /// How many bytes it takes.
        len: u64,
    },
    /// Bytes that are no record, between records.
    Damaged {
        /// Where they start.
        offset: u64,
        /// How many they are.
        len: u64,
        /// What is wrong.
        why: Damage,
    },
    /// The end of the file, as a crash left it: JavaScript cuts it off at its next start.
    Torn {
        /// Where it starts.
        offset: u64,
        /// How many bytes it has.
        len: u64,
    },
}

/// What is wrong with a place in an old log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Error)]
#[non_exhaustive]
pub enum Damage {
    /// The lengths or offsets around a record do not fit each other.
    #[error("no record stands there")]
    Unframed,
    /// A record is longer than [`RECORD_LEN_MAX`], which no message is.
    #[error("a record has more than {RECORD_LEN_MAX} bytes")]
    TooLong,
}

/// A record of an old log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    offset: u64,
    len: u64,
    encoding: Encoding,
    bytes: Vec<u8>,
}

impl Record {
    /// Where it starts in the file.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// How many bytes of the file it takes, with what stands around it.
    #[must_use]
    pub const fn framed_len(&self) -> u64 {
        self.len
    }

    /// The record as JSON: an object with `key`, `value` and `timestamp`, if it is what it should be.
    ///
    /// # Errors
    ///
    /// [`BipfError`] if it stands in a `log.bipf` and is not bipf.
    pub fn text(&self) -> Result<Cow<'_, [u8]>, BipfError> {
        match self.encoding {
            Encoding::Json => Ok(Cow::Borrowed(&self.bytes)),
            Encoding::Bipf => Ok(Cow::Owned(bipf::to_json(&self.bytes)?.into_bytes())),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Json,
    Bipf,
}

/// Why an old log could not be opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Nowhere in it is a whole record.
    #[error("there is no whole record in it")]
    NoRecord,
    /// The file cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}
