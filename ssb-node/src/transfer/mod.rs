//! Messages, and blobs with them, into the directory and out of it, without a network: a copy on a stick, a whole history at once, the logs of a
//! JavaScript node.
//!
//! All work on the directory of a node that does not run. What comes in passes what every message passes: parsed, its
//! signature checked, and then its feed's chain. The owner's messages are no exception, and their number raises the
//! published-mark, so that the feed cannot fork afterwards.

mod blobs;
mod export;
mod heads;
mod import;
mod line;
mod marker;
mod migrate;
mod old_log;
mod pending;
mod pipeline;
mod still_running;
mod upkeep;

use std::io;
use std::path::PathBuf;

use ssb_keys::published_mark::MarkError;
use ssb_keys::published_mark::PublishedMark;
use ssb_keys::secret_file;
use ssb_keys::secret_file::LoadError;
use ssb_log::Disk;
use ssb_log::Store;
use ssb_log::check::CheckError;
use ssb_log::compact::CompactError;
use ssb_log::import::Damage;
use ssb_log::log::AppendError;
use ssb_log::read::ReadError;
use ssb_log::recover;
use ssb_log::store;
use thiserror::Error;

use crate::config::Config;
use crate::node::holder;

pub use self::blobs::NotABlob;
pub use self::export::Selection;
pub use self::export::export;
pub use self::heads::Head;
pub use self::import::import;
pub use self::line::LINE_LEN_MAX;
pub use self::line::NotAMessage;
pub use self::migrate::Advance;
pub use self::migrate::Difference;
pub use self::migrate::Migrated;
pub use self::migrate::migrate;
pub use self::migrate::take_over;
pub use self::old_log::OldLogError;
pub use self::pending::PENDING_LEN_MAX;
pub use self::pipeline::Progress;
pub use self::upkeep::Checked;
pub use self::upkeep::Defects;
pub use self::upkeep::check;
pub use self::upkeep::compact;
pub use ssb_log::check::Defect;
pub use ssb_log::check::Repaired;

/// What became of messages that came in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// How many are new.
    pub new: u64,
    /// How many were here already.
    pub known: u64,
    /// How many blobs are new.
    pub blobs_new: u64,
    /// How many blobs were here already.
    pub blobs_known: u64,
    /// How many were refused, of each reason those and the first of them.
    pub refused: Vec<(Why, Refusals)>,
    /// How many places of an old log there are whose messages were deleted.
    pub deleted: u64,
    /// Where the torn end of an old log starts, if it has one: JavaScript would cut it off, too.
    pub torn_at: Option<u64>,
}

/// The messages that were refused for one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusals {
    /// How many.
    pub count: u64,
    /// Where the first is: its line, counted from 1, or its offset in an old log.
    pub first: u64,
}

/// Why a message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Error)]
#[non_exhaustive]
pub enum Why {
    /// The line or record is no message.
    #[error(transparent)]
    NotAMessage(#[from] NotAMessage),
    /// The line begins like a piece of a blob, and is none that is taken.
    #[error(transparent)]
    NotABlob(#[from] NotABlob),
    /// A place of an old log is no record.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// The signature is not its author's, on this network.
    #[error("its signature is not its author's (is caps.sign that of its network?)")]
    Signature,
    /// Messages before it are neither here nor in what comes in.
    #[error("messages of its feed before it are missing")]
    Gap,
    /// It contradicts what is here: the feed has forked, and its branch here is kept.
    #[error("it contradicts another message of its feed: the feed has forked")]
    Fork,
    /// The owner deleted its feed for good.
    #[error("its feed was deleted here (undel lets it come back)")]
    Banned,
}

impl Summary {
    /// How many were refused, for whatever reason.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.iter().map(|(_, refusals)| refusals.count).sum()
    }

    fn refuse(&mut self, why: Why, place: u64) {
        match self.refused.iter_mut().find(|(other, _)| *other == why) {
            Some((_, refusals)) => {
                refusals.count += 1;
                refusals.first = refusals.first.min(place);
            }
            None => self.refused.push((why, Refusals { count: 1, first: place })),
        }
    }
}

/// Why messages could not be taken in or out. What was taken in before stays.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TransferError {
    /// A node runs in the directory.
    #[error("{} runs in {}: stop it first", holder(*pid), path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
        /// The process, where the system tells.
        pid: Option<u32>,
    },
    /// The program that wrote an old log still runs.
    #[error(
        "the old program{} still runs in {}: stop it first, and do not publish with it again",
        pid.map_or_else(String::new, |pid| format!(", process {pid},")),
        path.display()
    )]
    StillRunning {
        /// The directory.
        path: PathBuf,
        /// The process, where the system tells.
        pid: Option<u32>,
    },
    /// There is no directory, or it cannot be used.
    #[error("the data directory {} cannot be used: {error}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// The secret cannot be used, which says whose messages are the own ones.
    #[error(transparent)]
    Secret(#[from] LoadError),
    /// The published-mark cannot be used.
    #[error(transparent)]
    Mark(#[from] MarkError),
    /// The log cannot be opened.
    #[error(transparent)]
    Log(#[from] store::OpenError),
    /// The log cannot be read.
    #[error("the log cannot be read: {0}")]
    Read(#[from] ReadError),
    /// The log cannot be written.
    #[error(transparent)]
    Write(#[from] AppendError),
    /// The log cannot be checked or repaired.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// The log cannot be compacted.
    #[error(transparent)]
    Compact(#[from] CompactError),
    /// The blobs cannot be read or written.
    #[error("the blobs cannot be read or written: {0}")]
    Blobs(io::ErrorKind),
    /// What comes in cannot be read.
    #[error("the input cannot be read: {0}")]
    Input(#[source] io::Error),
    /// An old log cannot be read.
    #[error("{} cannot be read: {error}", path.display())]
    OldLog {
        /// The log.
        path: PathBuf,
        /// Why.
        #[source]
        error: OldLogError,
    },
    /// What goes out cannot be written.
    #[error("the output cannot be written: {0}")]
    Output(#[source] io::Error),
    /// A thread could not be started.
    #[error("a thread cannot be started: {0}")]
    Thread(#[source] io::Error),
}

/// The log of a directory in which no node runs.
fn open(config: &Config) -> Result<Store<Disk>, TransferError> {
    let path = &config.path;
    let unusable = |error| TransferError::Directory { path: path.clone(), error };
    let disk = Disk::open(&path.join("log")).map_err(unusable)?;
    let (store, _) = Store::open(disk).map_err(|error| match error {
        store::OpenError::Log(recover::OpenError::Locked { pid, .. }) => {
            TransferError::InUse { path: path.clone(), pid }
        }
        error => error.into(),
    })?;
    Ok(store)
}

/// The mark of the directory's owner, if it has one.
fn mark(config: &Config) -> Result<Option<PublishedMark>, TransferError> {
    match secret_file::load(&config.path.join("secret")) {
        Ok(me) => Ok(Some(PublishedMark::load(&config.path, me.id())?)),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(error.into()),
    }
}
