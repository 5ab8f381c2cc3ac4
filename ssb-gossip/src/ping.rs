//! `gossip.ping`: who answers whom, and when.
//!
//! Timestamps go back and forth, so that a connection stays alive and both sides learn how far apart their clocks are.
//! Whoever gets one that is no answer sends its own at once, and serves the next after a pause (pull-ping 2.0.2).

use std::time::Duration;

use crate::time::Uptime;

/// The pause between two exchanges, unless told otherwise (ssb-gossip 1.1.1).
pub const PAUSE: Duration = Duration::from_secs(5 * 60);

/// One side of a ping stream.
#[derive(Clone, Copy, Debug)]
pub struct Ping {
    pause: Duration,
    /// Whether ours is the timestamp that waits for an answer.
    serving: bool,
    next: Option<Uptime>,
}

impl Ping {
    /// The side that was called: it waits for the first timestamp, and serves with this pause.
    pub const fn called(pause: Duration) -> Self {
        Self { pause, serving: false, next: None }
    }

    /// A timestamp came. Returns whether ours is to be sent now.
    pub fn received(&mut self, now: Uptime) -> bool {
        if std::mem::take(&mut self.serving) {
            return false;
        }
        self.next = Some(now.after(self.pause));
        true
    }

    /// Looks at the clock. Returns whether our timestamp is to be sent now.
    pub fn tick(&mut self, now: Uptime) -> bool {
        let due = self.next.is_some_and(|next| now >= next);
        if due {
            self.next = None;
            self.serving = true;
        }
        due
    }

    /// When to [`tick`](Self::tick).
    pub const fn deadline(&self) -> Option<Uptime> {
        self.next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_answered_at_once_and_the_next_served_after_a_pause() {
        let start = Uptime::default();
        let mut ping = Ping::called(PAUSE);

        assert!(ping.received(start));
        assert_eq!(ping.deadline(), Some(start.after(PAUSE)));
        assert!(!ping.tick(start));
        assert!(ping.tick(start.after(PAUSE)));
        assert!(!ping.received(start.after(PAUSE)), "that was the answer to ours");
        assert_eq!(ping.deadline(), None);
        assert!(ping.received(start.after(PAUSE)));
    }
}
