//! What the node says of itself, on standard error: never content, never secrets.
//!
//! A line is `level what name=value ...`. What is said again soon after is counted rather than said, so that a peer in
//! trouble, or a hundred of them, fills no disk.

mod fold;

use std::fmt;
use std::io;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use ssb_gossip::connection::ConnectionId;
use ssb_gossip::time::Uptime;
use ssb_keys::FeedId;

use self::fold::Fold;
use crate::config::LogLevel;

/// Says what is at least as important as its level. Clones are one.
#[derive(Clone, Debug)]
pub(crate) struct Logger {
    level: LogLevel,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    started: Instant,
    fold: Mutex<Fold>,
}

/// One thing to say. It was said before if only the connection was another one.
#[derive(Debug)]
#[must_use = "it is said by Logger::say"]
pub(crate) struct Entry {
    level: LogLevel,
    what: &'static str,
    reason: Option<String>,
    connection: Option<ConnectionId>,
    peer: Option<FeedId>,
}

impl Logger {
    pub(crate) fn new(level: LogLevel) -> Self {
        Self { level, state: Arc::new(State { started: Instant::now(), fold: Mutex::default() }) }
    }

    pub(crate) fn warning(&self, what: &'static str) {
        self.say(&Entry::new(LogLevel::Warning, what));
    }

    pub(crate) fn notice(&self, what: &'static str) {
        self.say(&Entry::new(LogLevel::Notice, what));
    }

    pub(crate) fn say(&self, entry: &Entry) {
        if entry.level <= self.level {
            let mut fold = self.state.fold.lock().unwrap_or_else(PoisonError::into_inner);
            write(&fold.say(entry.key(), || entry.to_string(), self.uptime()));
        }
    }

    /// Says how often what was held back happened, if it is time to. Call it every now and then.
    pub(crate) fn tick(&self) {
        let mut fold = self.state.fold.lock().unwrap_or_else(PoisonError::into_inner);
        write(&fold.tick(self.uptime()));
    }

    /// Says how often what was held back happened.
    pub(crate) fn finish(&self) {
        let mut fold = self.state.fold.lock().unwrap_or_else(PoisonError::into_inner);
        write(&fold.finish());
    }

    fn uptime(&self) -> Uptime {
        Uptime::new(self.state.started.elapsed())
    }
}

/// How often to [`Logger::tick`].
pub(crate) const TICK: Duration = fold::WINDOW;

fn write(lines: &[String]) {
    for line in lines {
        // Nobody may be listening any more, and the node goes on.
        let _ = writeln!(io::stderr(), "{line}");
    }
}

impl Entry {
    pub(crate) const fn new(level: LogLevel, what: &'static str) -> Self {
        Self { level, what, reason: None, connection: None, peer: None }
    }

    /// Why: the text of an error.
    pub(crate) fn reason(mut self, reason: impl fmt::Display) -> Self {
        self.reason = Some(reason.to_string());
        self
    }

    pub(crate) const fn connection(mut self, connection: ConnectionId) -> Self {
        self.connection = Some(connection);
        self
    }

    pub(crate) const fn peer(mut self, peer: Option<FeedId>) -> Self {
        self.peer = peer;
        self
    }

    fn key(&self) -> String {
        let Self { level, what, reason, peer, .. } = self;
        let reason = reason.as_ref().map(|reason| format!(" reason={reason:?}")).unwrap_or_default();
        let peer = peer.as_ref().map(|peer| format!(" peer={peer}")).unwrap_or_default();
        format!("{level} {what}{reason}{peer}")
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key())?;
        match self.connection {
            Some(connection) => write!(f, " connection={}", connection.0),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_level_first_and_then_what_and_of_whom() {
        let entry = Entry::new(LogLevel::Info, "connection ended")
            .reason("unexpected \"hangup\"\nand more")
            .connection(ConnectionId(7))
            .peer(Some(FeedId::from_bytes([0; 32])));

        assert_eq!(
            entry.to_string(),
            "info connection ended reason=\"unexpected \\\"hangup\\\"\\nand more\" \
             peer=@AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=.ed25519 connection=7"
        );
        assert_eq!(Entry::new(LogLevel::Notice, "stopping").to_string(), "notice stopping");
    }
}
