//! What the node says of itself, on standard error: never content, never secrets.

use std::fmt;

/// How much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Only what keeps the node from working.
    Error,
    /// What somebody should look at, too.
    Warning,
    /// What the owner wants to know: the default, as in ssb-server 16.0.1.
    Notice,
    /// Every connection.
    Info,
}

impl LogLevel {
    /// Parses JavaScript's names: `error`, `warning`, `notice`, `info`.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Error, Self::Warning, Self::Notice, Self::Info].into_iter().find(|level| level.as_str() == name)
    }

    /// JavaScript's name for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Notice => "notice",
            Self::Info => "info",
        }
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Says what is at least as important as its level, a line each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Logger(pub(crate) LogLevel);

impl Logger {
    pub(crate) fn error(self, text: &str) {
        self.say(LogLevel::Error, text);
    }

    pub(crate) fn warning(self, text: &str) {
        self.say(LogLevel::Warning, text);
    }

    pub(crate) fn notice(self, text: &str) {
        self.say(LogLevel::Notice, text);
    }

    pub(crate) fn info(self, text: &str) {
        self.say(LogLevel::Info, text);
    }

    fn say(self, level: LogLevel, text: &str) {
        if level <= self.0 {
            eprintln!("{level} {text}");
        }
    }
}
