//! How often a connection is read over which messages come.
//!
//! JavaScript sends messages one by one, two frames each. What is read a little later comes together, is verified, stored and
//! synced together, and costs a fraction. But while nobody reads, a sender may go on only until the socket is full, which at first
//! it is with 64 KiB: whoever sends more than most of that in a pause has a shorter one the next time.

use std::future::Future as _;
use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

use smol::Timer;
use ssb_gossip::peer::READ_LEN;

/// The longest pause: so many milliseconds later is a message stored than it could be.
const PAUSE_MAX: Duration = Duration::from_millis(25);

/// The shortest one. The next shorter is none.
const PAUSE_MIN: Duration = Duration::from_millis(1);

/// So many bytes in a pause are so many that a socket may have been full.
const PLENTY: usize = 3 * READ_LEN;

/// When one connection is read.
pub(super) struct Pace {
    /// Whether messages came since everything was read, and how many bytes of anything.
    has_messages: bool,
    read: usize,
    pause: Duration,
    timer: Option<Timer>,
}

impl Pace {
    pub(super) const fn new() -> Self {
        Self { has_messages: false, read: 0, pause: PAUSE_MAX, timer: None }
    }

    /// Messages came.
    pub(super) const fn messages(&mut self) {
        self.has_messages = true;
    }

    /// Whether the connection is to be read. If not, the task is woken once it is.
    pub(super) fn is_due(&mut self, context: &mut Context<'_>) -> bool {
        if let Some(timer) = &mut self.timer
            && Pin::new(timer).poll(context).is_pending()
        {
            return false;
        }
        self.timer = None;
        true
    }

    /// So many bytes were read, and that was all there is, or not.
    pub(super) fn read(&mut self, count: usize, is_all: bool) {
        self.read += count;
        if is_all {
            let read = std::mem::take(&mut self.read);
            if std::mem::take(&mut self.has_messages) {
                self.pause = next(self.pause, read);
                self.timer = (!self.pause.is_zero()).then(|| Timer::after(self.pause));
            }
        }
    }
}

/// How long the pause is after one in which so many bytes came.
fn next(pause: Duration, read: usize) -> Duration {
    if read < PLENTY {
        (2 * pause).clamp(PAUSE_MIN, PAUSE_MAX)
    } else if pause < 2 * PAUSE_MIN {
        Duration::ZERO
    } else {
        pause / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_sends_little_is_read_rarely() {
        assert_eq!(next(PAUSE_MAX, PLENTY - 1), PAUSE_MAX);
        assert_eq!(next(Duration::ZERO, PLENTY - 1), PAUSE_MIN);
        assert_eq!(next(PAUSE_MIN, 0), 2 * PAUSE_MIN);
    }

    #[test]
    fn who_sends_much_is_soon_read_without_a_pause() {
        assert_eq!(next(PAUSE_MAX, PLENTY), PAUSE_MAX / 2);
        let pauses = std::iter::successors(Some(PAUSE_MAX), |pause| Some(next(*pause, PLENTY)));
        assert_eq!(pauses.take_while(|pause| !pause.is_zero()).count(), 5);
        assert_eq!(next(Duration::ZERO, PLENTY), Duration::ZERO);
    }
}
