//! What the commands do.

mod blobs;
mod call;
mod config;
mod explain;
mod heads;
mod manifest;
mod migrate;
mod peers;
mod start;
mod sync;
mod transfer;
mod upkeep;

use std::ffi::OsString;

use crate::args::Line;
use crate::args::Task;
use crate::config::ConfigError;
use crate::config::Environment;
use crate::config::Settings;
use crate::config::Sources;
use crate::failure::Failure;
use crate::failure::codes;
use crate::print;

/// The words that are no methods.
const OWN: [&str; 12] = [
    "start", "server", "config", "conf", "import", "export", "migrate", "fsck", "compact", "peers", "heads",
    "sync",
];

/// Does what the words behind the program's name say.
pub(crate) fn run(words: impl Iterator<Item = OsString>) -> Result<(), Failure> {
    let mut words = words.peekable();
    let is_own = words.peek().is_some_and(|word| OWN.iter().any(|own| word == own));
    let line =
        Line::read(words).map_err(|failure| if is_own { failure.code(codes::USAGE) } else { failure })?;
    let task = line.task();
    if let Task::Print(text) = task {
        return print::out(text.as_bytes());
    }
    if line.uses_old_name() {
        print::talk("`server` is the old name of `start`");
    }
    let code = if matches!(task, Task::Call(_)) { 1 } else { codes::CONFIG };
    let malformed = |error: ConfigError| {
        Failure::of(&error).hint("`ssb-cli --help` says where settings are read from.").code(code)
    };
    let sources = Sources::read(&line, &Environment::of_process()).map_err(malformed)?;
    let of_call = || Settings::of_call(&sources).map_err(malformed);
    let of_node = || Settings::of_node(&sources, &line).map_err(malformed);
    match task {
        Task::Call(call) => call::run(&call, &of_call()?),
        Task::Peers(as_json) => peers::run(as_json, &of_call()?),
        Task::Heads(wish) => heads::run(&wish, &of_call()?),
        Task::Sync(wish) => sync::run(&wish, &of_call()?),
        Task::Config(view) => config::run(view, &sources, of_node()),
        Task::Import(wish) => transfer::import(&wish, &of_node()?),
        Task::Export(wish) => transfer::export(&wish, &of_node()?),
        Task::Migrate(wish) => migrate::run(&wish, &of_node()?),
        Task::Fsck(wish) => upkeep::fsck(&wish, &of_node()?),
        Task::Compact => upkeep::compact(&of_node()?),
        _ => start::run(&of_node()?, &line.idle_words()),
    }
}
