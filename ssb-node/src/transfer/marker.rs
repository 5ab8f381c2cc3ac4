//! Which old logs of the directory were taken in whole: a small file beside the log.
//!
//! It only saves work. If it is lost or damaged, the old logs are read once more, and nothing in them is new then.

use std::fs;
use std::io;
use std::io::Read as _;
use std::path::Path;
use std::time::SystemTime;

use serde::Deserialize;
use serde::Serialize;

use super::old_log::OldLog;
use crate::whole_file;

/// Its name in `<path>/log/`.
const FILE_NAME: &str = "taken-over";

/// A longer one is none of ours.
const MARKER_LEN_MAX: u64 = 4096;

/// The old logs that were taken in.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Marker {
    taken: Vec<Taken>,
}

/// An old log as it was. Whoever writes to it changes at least one of these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Taken {
    log: String,
    len: u64,
    /// Nanoseconds since 1970.
    modified: u64,
}

impl Taken {
    fn of(log: &OldLog) -> Self {
        let modified = log.metadata.modified().ok();
        let modified = modified.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
        let modified = modified.and_then(|since| u64::try_from(since.as_nanos()).ok()).unwrap_or(0);
        Self { log: log.name.to_owned(), len: log.metadata.len(), modified }
    }
}

impl Marker {
    /// Reads the marker of a data directory.
    pub(super) fn load(path: &Path) -> Self {
        let mut text = Vec::new();
        let read = fs::File::open(path.join("log").join(FILE_NAME))
            .and_then(|file| file.take(MARKER_LEN_MAX + 1).read_to_end(&mut text));
        match read {
            Ok(len) if u64::try_from(len).is_ok_and(|len| len <= MARKER_LEN_MAX) => {
                serde_json::from_slice(&text).unwrap_or_default()
            }
            _ => Self::default(),
        }
    }

    /// Whether this log was taken in whole, as it is now.
    pub(super) fn has(&self, log: &OldLog) -> bool {
        self.taken.contains(&Taken::of(log))
    }

    /// Adds a log that was taken in whole.
    pub(super) fn add(mut self, log: &OldLog, path: &Path) -> io::Result<()> {
        self.taken.retain(|taken| taken.log != log.name);
        self.taken.push(Taken::of(log));
        let target = path.join("log").join(FILE_NAME);
        whole_file::write(&target, &serde_json::to_vec(&self)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home() -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir_all(home.path().join("flume")).unwrap();
        fs::create_dir_all(home.path().join("log")).unwrap();
        fs::write(home.path().join("flume/log.offset"), "some").unwrap();
        home
    }

    fn log(home: &tempfile::TempDir) -> OldLog {
        OldLog::find(home.path()).unwrap().remove(0)
    }

    #[test]
    fn a_log_is_marked_until_it_changes() {
        let home = home();
        assert!(!Marker::load(home.path()).has(&log(&home)));

        Marker::load(home.path()).add(&log(&home), home.path()).unwrap();
        assert!(Marker::load(home.path()).has(&log(&home)));

        fs::write(home.path().join("flume/log.offset"), "something").unwrap();
        assert!(!Marker::load(home.path()).has(&log(&home)));
    }

    #[test]
    fn what_is_no_marker_says_nothing() {
        let home = home();
        Marker::load(home.path()).add(&log(&home), home.path()).unwrap();
        let file = home.path().join("log").join(FILE_NAME);
        let text = fs::read_to_string(&file).unwrap();
        let room = usize::try_from(MARKER_LEN_MAX).unwrap() - text.len();

        for (text, says) in [
            (format!("{text}{}", " ".repeat(room)), true),
            (format!("{text}{}", " ".repeat(room + 1)), false),
            (text.replace('{', ""), false),
        ] {
            fs::write(&file, text).unwrap();
            assert_eq!(Marker::load(home.path()).has(&log(&home)), says);
        }
    }
}
