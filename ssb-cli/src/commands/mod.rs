//! What the commands do.

mod call;
mod manifest;
mod start;

use std::ffi::OsString;

use crate::args::Line;
use crate::args::Task;
use crate::config::Environment;
use crate::config::Settings;
use crate::failure::Failure;
use crate::print;

/// Does what the words behind the program's name say.
pub(crate) fn run(words: impl Iterator<Item = OsString>) -> Result<(), Failure> {
    let line = Line::read(words)?;
    let task = line.task();
    if let Task::Print(text) = task {
        return print::out(text.as_bytes());
    }
    if line.uses_old_name() {
        print::talk("`server` is the old name of `start`");
    }
    let settings = Settings::read(&line, &Environment::of_process())
        .map_err(|error| Failure::of(&error).hint("`ssb-cli --help` says where settings are read from."))?;
    match task {
        Task::Call(call) => call::run(&call, &settings),
        _ => start::run(&settings),
    }
}
