//! What a cursor found when it looked at all feeds, and tells a piece at a time.

use std::collections::VecDeque;
use std::time::Duration;

/// The most feeds of one piece: about as many as fit a page.
const FEEDS_AT_ONCE: usize = 1_024;

/// From one look at all feeds to the next.
const PAUSE: Duration = Duration::from_millis(100);

/// What is to be told, in this order.
#[derive(Debug)]
pub(crate) struct Backlog<T>(VecDeque<T>);

impl<T> Backlog<T> {
    pub(crate) fn extend(&mut self, more: impl IntoIterator<Item = T>) {
        self.0.extend(more);
    }

    /// Takes the next piece out.
    pub(crate) fn take(&mut self) -> Vec<T> {
        let count = self.0.len().min(FEEDS_AT_ONCE);
        self.0.drain(..count).collect()
    }

    /// Whether all was told, so that it is time to look again.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How long to wait for that. What is left of the last look costs nothing.
    pub(crate) fn pause(&self) -> Duration {
        if self.is_empty() { PAUSE } else { Duration::ZERO }
    }
}

impl<T> Default for Backlog<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}
