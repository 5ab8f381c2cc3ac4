//! Settings: where they come from, and what they mean.
//!
//! As ssb-config 3.4.6 reads them through rc 1.2.8, strongest first: options; variables `<appname>_<key>`, with `__` for a
//! dot; the file of `--config`; the file named by the variable `<appname>_config`; `.<appname>rc` in the current directory
//! or the nearest above it; `~/.<appname>rc`; `~/.<appname>/config`; `~/.config/<appname>`; `~/.config/<appname>/config`;
//! `/etc/<appname>rc`; `/etc/<appname>/config`; options behind `--`; built-in defaults. `appname` is the variable
//! `ssb_appname`, or `ssb`. Groups are merged, lists replaced. Files are JSON with comments, or INI. One file is our own:
//! `config` in a `path` that is not `~/.<appname>`, just above `~/.<appname>/config`; JavaScript's plugins write it there
//! but read it only from `~/.<appname>`.

mod connections;
mod defaults;
mod environment;
mod file;
mod ini;
mod origin;
mod settings;
mod sources;
mod tree;
mod unknown;
mod values;

use std::io;
use std::path::PathBuf;

use thiserror::Error;

pub(crate) use self::environment::Environment;
pub(crate) use self::origin::Origin;
pub(crate) use self::settings::Settings;
pub(crate) use self::sources::Sources;

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
    /// A file is longer than any of settings is.
    #[error("{}: is longer than {} bytes, and so no file of settings", path.display(), file::LEN_MAX)]
    TooLong {
        /// The file.
        path: PathBuf,
    },
    /// A file is not UTF-8.
    #[error("{}: is not text: byte {offset} is not UTF-8", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// Where, counted from 0.
        offset: usize,
    },
    /// A file is neither JSON with comments nor INI.
    #[error("{}: {place}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1, and for JSON the column, in characters.
        place: String,
        /// What is wrong there.
        message: String,
    },
    /// A file is JSON but not an object.
    #[error("{}: is not an object of settings, {{\"name\": value}}", path.display())]
    NotAnObject {
        /// The file.
        path: PathBuf,
    },
    /// A variable cannot be read.
    #[error("variable {name} {what}")]
    Variable {
        /// Its name.
        name: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A setting has no meaning.
    #[error("{name} is {found}; expected {expected}")]
    Setting {
        /// Where it was set, and its dotted name.
        name: String,
        /// What was found.
        found: String,
        /// What it should be.
        expected: &'static str,
    },
    /// `host`, `port` or `ws.port` say something else than `connections.incoming`. ssb-config's words.
    #[error("ssb-config: conflicting connection settings for: {what}; {settings}; set only one of them")]
    Conflict {
        /// What is set twice.
        what: String,
        /// Where, and to what.
        settings: String,
    },
    /// Nothing says where the node lives.
    #[error("there is no home directory (variable HOME); say where the node lives: --path DIR")]
    Homeless,
}
