//! Settings: where they come from, and what they mean.
//!
//! From the weakest to the strongest, as ssb-config 3.4.6 reads them through rc 1.2.8: built-in defaults, options behind
//! `--`, `~/.<appname>/config`, the file named by the variable `<appname>_config`, the file of `--config`, variables
//! `<appname>_<key>` with `__` for a dot, and options. `appname` is the variable `ssb_appname`, or `ssb`. Objects are
//! merged, lists replaced. One file is our own: `config` in a `path` that is not `~/.<appname>`, above the first.

mod file;
mod settings;
mod sources;
mod unknown;

use std::io;
use std::path::PathBuf;

use thiserror::Error;

pub(crate) use self::settings::Settings;
pub(crate) use self::sources::Environment;

/// Why the settings cannot be used. Whoever wrote them is at fault.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum ConfigError {
    /// A file is there and cannot be read, or was asked for and is not there.
    #[error("{}: cannot be read ({kind})", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        kind: io::ErrorKind,
    },
    /// A file is not JSON with comments.
    #[error("{}: line {line}, column {column}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// Counted from 1, in characters.
        column: usize,
        /// What is wrong there.
        message: String,
    },
    /// A file is JSON but not an object.
    #[error("{}: is not an object of settings", path.display())]
    NotAnObject {
        /// The file.
        path: PathBuf,
    },
    /// A setting has no meaning.
    #[error("{origin}: {key} is not {expected}")]
    Setting {
        /// Where it was set.
        origin: String,
        /// Its dotted name.
        key: String,
        /// What it should be.
        expected: &'static str,
    },
    /// `host` or `port` say something else than `connections.incoming.net`.
    #[error("{origin}: {key} contradicts connections.incoming.net; set only one of them")]
    Conflict {
        /// Where it was set.
        origin: String,
        /// `host` or `port`.
        key: &'static str,
    },
    /// Nothing says where the node lives.
    #[error("there is no home directory; set --path")]
    Homeless,
}
