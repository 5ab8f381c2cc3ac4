//! The logs of a JavaScript node are taken in.
//!
//! They are read and never written. Every message in them is verified as if a stranger had sent it. Whoever is interrupted
//! starts again: what is here already is known.

use std::path::Path;
use std::path::PathBuf;

use ssb_keys::FeedId;

use super::Summary;
use super::TransferError;
use super::Why;
use super::heads::Head;
use super::heads::Heads;
use super::marker::Marker;
use super::old_log::OldLog;
use super::pipeline::Importer;
use super::pipeline::Progress;
use super::still_running;
use super::still_running::OldNode;
use crate::config::Config;
use crate::old_peers;

/// What became of an old log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Migrated {
    /// The log.
    pub path: PathBuf,
    /// How many bytes it has.
    pub len: u64,
    /// How many messages it has, whoever signed them.
    pub messages: u64,
    /// Of how many feeds.
    pub feeds: u64,
    /// What became of its messages. Places are offsets.
    pub summary: Summary,
    /// The feeds that are not here as they are there.
    pub differences: Vec<Difference>,
}

/// A feed that is not as long here as in an old log, or of which something was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// The feed.
    pub feed: FeedId,
    /// How it is there.
    pub old: Head,
    /// How many messages of it are here: from the first to this one.
    pub new: u32,
}

/// How far a migration is.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Advance<'a> {
    /// The old log that is being read.
    pub path: &'a Path,
    /// How many bytes it has.
    pub len: u64,
    /// How far it is read.
    pub progress: Progress,
}

/// Takes in the old logs of a directory, `flume/log.offset` and `db2/log.bipf`, as far as they are there, and compares
/// heads and counts. Tells now and then how far it is, and in the beginning of each log.
///
/// # Errors
///
/// [`TransferError`]. A message that cannot be taken is none: it is in the [`Summary`].
pub fn migrate(
    config: &Config,
    from: &Path,
    progress: impl FnMut(Advance<'_>),
) -> Result<Vec<Migrated>, TransferError> {
    let is_home =
        matches!((from.canonicalize(), config.path.canonicalize()), (Ok(from), Ok(home)) if from == home);
    let marks = if is_home { Marks::Set } else { Marks::None };
    let logs = OldLog::find(from)?;
    refuse_running(from, &logs)?;
    let migrated = take(config, &logs, marks, progress)?;
    if marks == Marks::None && !logs.is_empty() {
        let unusable = |error| TransferError::Directory { path: config.path.clone(), error };
        old_peers::bring(from, &config.path).map_err(unusable)?;
    }
    Ok(migrated)
}

/// Takes in the old logs of the data directory, those that were not taken in whole before or have changed since.
///
/// # Errors
///
/// As [`migrate`].
pub fn take_over(config: &Config, progress: impl FnMut(Advance<'_>)) -> Result<Vec<Migrated>, TransferError> {
    let mut logs = OldLog::find(&config.path)?;
    refuse_running(&config.path, &logs)?;
    let marker = Marker::load(&config.path);
    logs.retain(|log| !marker.has(log));
    take(config, &logs, Marks::Set, progress)
}

/// Where there is no old log, nobody asks who has something open.
fn refuse_running(directory: &Path, logs: &[OldLog]) -> Result<(), TransferError> {
    match still_running::find(directory).filter(|_| !logs.is_empty()) {
        Some(OldNode { pid }) => Err(TransferError::StillRunning { path: directory.to_owned(), pid }),
        None => Ok(()),
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Marks {
    Set,
    None,
}

fn take(
    config: &Config,
    logs: &[OldLog],
    marks: Marks,
    mut progress: impl FnMut(Advance<'_>),
) -> Result<Vec<Migrated>, TransferError> {
    // Whoever has nothing to do makes nothing.
    if logs.is_empty() {
        return Ok(Vec::new());
    }
    let mut importer = Importer::open(config)?;
    let mut all = Vec::new();
    for log in logs {
        let unreadable = |error| TransferError::OldLog { path: log.path.clone(), error };
        let (path, len) = (log.path.as_path(), log.metadata.len());
        let source = log.open().map_err(unreadable)?;
        progress(Advance { path, len, progress: Progress::default() });
        let mut heads = Heads::default();
        let tell = |done| progress(Advance { path, len, progress: done });
        let summary = importer.take(source, Some(&mut heads), tell).map_err(|error| match error {
            TransferError::Input(error) => unreadable(error.into()),
            error => error,
        })?;
        if marks == Marks::Set && !is_of_another_network(&summary) {
            let unusable = |error| TransferError::Directory { path: config.path.join("log"), error };
            Marker::load(&config.path).add(log, &config.path).map_err(unusable)?;
        }
        all.push(compare(&importer, log, &heads, summary));
    }
    Ok(all)
}

/// Whether not one signature is right: with the right `caps.sign`, a later start may find that they all are.
fn is_of_another_network(summary: &Summary) -> bool {
    summary.new + summary.known == 0 && summary.refused.iter().any(|(why, _)| *why == Why::Signature)
}

fn compare(importer: &Importer<'_>, log: &OldLog, heads: &Heads, summary: Summary) -> Migrated {
    let here =
        heads.iter().map(|(feed, old)| Difference { feed: *feed, old: *old, new: importer.sequence(feed) });
    Migrated {
        path: log.path.clone(),
        len: log.metadata.len(),
        messages: heads.iter().map(|(_, head)| head.messages).sum(),
        feeds: u64::try_from(heads.iter().len()).unwrap_or(u64::MAX),
        summary,
        differences: here.filter(|feed| feed.new < feed.old.sequence || feed.old.refused.is_some()).collect(),
    }
}
