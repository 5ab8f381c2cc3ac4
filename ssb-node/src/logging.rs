//! What the node says of itself, on standard error: never content, never secrets.

use crate::config::LogLevel;

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
