//! The two clocks of a node.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Instant;
use std::time::SystemTime;

use ssb_gossip::time::Now;
use ssb_gossip::time::UnixMillis;
use ssb_gossip::time::Uptime;

/// Tells the time. Clones are the same clock.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    started: Instant,
    last: Arc<Mutex<f64>>,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { started: Instant::now(), last: Arc::new(Mutex::new(0.0)) }
    }

    pub(crate) fn now(&self) -> Now {
        Now { uptime: self.uptime(), wall: UnixMillis(wall_millis()) }
    }

    pub(crate) fn uptime(&self) -> Uptime {
        Uptime::new(self.started.elapsed())
    }

    /// The time, in milliseconds since 1970.
    pub(crate) fn unix_millis(&self) -> u64 {
        let elapsed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
    }

    /// A timestamp for a message: never the same twice, and never earlier than one before. Within a millisecond it
    /// counts thousandths, as JavaScript's monotonic-timestamp counts fractions.
    pub(crate) fn timestamp(&self) -> f64 {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let now = wall_millis();
        *last = if now > *last { now } else { (*last * 1000.0 + 1.0).round() / 1000.0 };
        *last
    }

    /// When this moment comes, if it is yet to come.
    pub(crate) fn instant(&self, at: Uptime) -> Instant {
        self.started + at.since(Uptime::default())
    }
}

// Whole milliseconds since 1970, as `Date.now()` gives them.
fn wall_millis() -> f64 {
    let elapsed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    (elapsed.as_secs_f64() * 1000.0).floor()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_always_grow() {
        let clock = Clock::start();
        let mut last = 0.0;
        for _ in 0..5000 {
            let timestamp = clock.timestamp();
            assert!(timestamp > last);
            last = timestamp;
        }
    }
}
