//! Time, as the caller tells it.

use std::time::Duration;

/// What time it is, on both clocks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Now {
    /// For timers.
    pub uptime: Uptime,
    /// For messages only: it may jump.
    pub wall: UnixMillis,
}

/// Time since the process started. Never goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Uptime(Duration);

impl Uptime {
    /// The moment `since_start` after the start.
    pub const fn new(since_start: Duration) -> Self {
        Self(since_start)
    }

    /// The moment `later` after this one.
    #[must_use]
    pub fn after(self, later: Duration) -> Self {
        Self(self.0.saturating_add(later))
    }

    /// How long ago `earlier` was; zero if it is yet to come.
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// Milliseconds since 1970, with fractions: what messages call a timestamp.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct UnixMillis(pub f64);
