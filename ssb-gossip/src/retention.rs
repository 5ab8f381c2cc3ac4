//! When to look for what of the log is not to be kept any longer.
//!
//! What goes is a policy over the log; when it is looked for, and how far away feeds are then, is decided here.

use std::time::Duration;

use crate::time::Uptime;

/// How long after its start a node looks for the first time: peers, the graph and the own feed come first.
pub const FIRST: Duration = Duration::from_secs(60);

/// How long it then waits until it looks again.
pub const PAUSE: Duration = Duration::from_secs(3600);

/// Whether there is anything to look for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Retention {
    /// Everything is kept.
    #[default]
    Everything,
    /// There is a policy.
    Policy,
}

/// When to look next.
#[derive(Debug)]
pub(crate) struct Clockwork {
    due: Option<Uptime>,
}

impl Clockwork {
    pub(crate) fn new(retention: Retention) -> Self {
        Self { due: (retention == Retention::Policy).then(|| Uptime::new(FIRST)) }
    }

    pub(crate) const fn deadline(&self) -> Option<Uptime> {
        self.due
    }

    /// Whether it is time to look, which counts as having looked.
    pub(crate) fn is_due(&mut self, now: Uptime) -> bool {
        let is_due = self.due.is_some_and(|due| due <= now);
        if is_due {
            self.due = Some(now.after(PAUSE));
        }
        is_due
    }
}
