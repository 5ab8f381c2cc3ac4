//! What a person is told when a command does not succeed.

use std::error::Error;
use std::fmt::Write as _;
use std::io;
use std::io::Write as _;
use std::process::ExitCode;

/// The exit codes of our own commands, as sysexits.h has them: systemd tells their names.
/// Calls of methods have 0 and 1 only, as in JavaScript.
pub(crate) mod codes {
    /// The command line has words that mean nothing.
    pub(crate) const USAGE: u8 = 64;
    /// What came in is not all as it should be.
    pub(crate) const DATA: u8 = 65;
    /// What should come in cannot be read.
    pub(crate) const NO_INPUT: u8 = 66;
    /// The node cannot listen: the port is in use, or not ours to have. Or nobody is connected to it.
    pub(crate) const UNAVAILABLE: u8 = 69;
    /// The directory, the secret or the log cannot be used.
    pub(crate) const IO: u8 = 74;
    /// Another node runs in the directory.
    pub(crate) const IN_USE: u8 = 75;
    /// What was waited for did not come in time.
    pub(crate) const LATE: u8 = 75;
    /// The settings cannot be used.
    pub(crate) const CONFIG: u8 = 78;
}

/// What happened, a hint when there is one, and the exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    what: String,
    hint: Option<String>,
    code: u8,
}

impl Failure {
    /// A failure with exit code 1, as JavaScript has for all of them. `what` is whole: it names its cause.
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), hint: None, code: 1 }
    }

    /// The same with another exit code.
    pub(crate) const fn code(mut self, code: u8) -> Self {
        self.code = code;
        self
    }

    /// The same with what can be done about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// An error and what caused it, each once: many errors tell their cause already.
    pub(crate) fn of(error: &dyn Error) -> Self {
        let mut what = format!("Error: {error}");
        let mut source = error.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            if !what.contains(&text) {
                let _ = write!(what, ": {text}");
            }
            source = cause.source();
        }
        Self::new(what)
    }

    /// An error of writing to standard output. Whoever reads it may stop whenever they have seen enough.
    pub(crate) fn of_output(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self { what: String::new(), hint: None, code: 0 };
        }
        Self::new(format!("Error: standard output cannot be written ({error})"))
    }

    /// Tells it on standard error.
    pub(crate) fn report(&self) -> ExitCode {
        if !self.what.is_empty() {
            let hint = self.hint.as_deref().map(|hint| format!("{hint}\n")).unwrap_or_default();
            // Nobody is left to tell if this fails.
            let _ = io::stderr().write_all(format!("{}\n{hint}", self.what).as_bytes());
        }
        ExitCode::from(self.code)
    }
}
