//! How often a connection is read over which messages come.
//!
//! JavaScript sends messages one by one, two frames each. What is read a little later comes together, is verified, stored and
//! synced together, and costs a fraction. But while nobody reads, a sender may go on only until the socket is full: whoever
//! sends so much in a pause that it may have been has a shorter one the next time. The system makes the room of a socket larger
//! while much comes, so it is asked anew each time.

use std::future::Future as _;
use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

use smol::Timer;

/// The longest pause: so many milliseconds later is a message stored than it could be.
const PAUSE_MAX: Duration = Duration::from_millis(25);

/// The shortest one. The next shorter is none.
const PAUSE_MIN: Duration = Duration::from_millis(1);

/// So many bytes in a pause are so many that a socket with such a buffer may have been full. Linux lets half of the buffer be
/// sent (tcp_adv_win_scale in tcp(7)), the rest is for what small packets take beside their bytes.
const fn plenty(buffer_len: usize) -> usize {
    buffer_len / 8 * 3
}

/// The smallest buffer that a socket has as a rule, for those that do not say.
const BUFFER_LEN: usize = 128 * 1024;

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

    /// So many bytes were read, and that was all there is, or not. The socket has a buffer of `buffer_len` bytes, if it says so.
    pub(super) fn read(&mut self, count: usize, is_all: bool, buffer_len: impl FnOnce() -> Option<usize>) {
        self.read += count;
        if is_all {
            let read = std::mem::take(&mut self.read);
            if std::mem::take(&mut self.has_messages) {
                self.pause = next(self.pause, read, buffer_len().unwrap_or(BUFFER_LEN));
                self.timer = (!self.pause.is_zero()).then(|| Timer::after(self.pause));
            }
        }
    }
}

/// How long the pause is after one in which so many bytes came.
fn next(pause: Duration, read: usize, buffer_len: usize) -> Duration {
    if read < plenty(buffer_len) {
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

    const PLENTY: usize = plenty(BUFFER_LEN);

    #[test]
    fn who_sends_little_is_read_rarely() {
        assert_eq!(next(PAUSE_MAX, PLENTY - 1, BUFFER_LEN), PAUSE_MAX);
        assert_eq!(next(Duration::ZERO, PLENTY - 1, BUFFER_LEN), PAUSE_MIN);
        assert_eq!(next(PAUSE_MIN, 0, BUFFER_LEN), 2 * PAUSE_MIN);
    }

    #[test]
    fn who_sends_much_is_soon_read_without_a_pause() {
        assert_eq!(next(PAUSE_MAX, PLENTY, BUFFER_LEN), PAUSE_MAX / 2);
        let pauses = std::iter::successors(Some(PAUSE_MAX), |pause| Some(next(*pause, PLENTY, BUFFER_LEN)));
        assert_eq!(pauses.take_while(|pause| !pause.is_zero()).count(), 5);
        assert_eq!(next(Duration::ZERO, PLENTY, BUFFER_LEN), Duration::ZERO);
    }

    #[test]
    fn what_is_much_depends_on_the_room_of_the_socket() {
        assert_eq!(next(PAUSE_MAX, PLENTY, 2 * BUFFER_LEN), PAUSE_MAX);
        assert_eq!(next(PAUSE_MAX, 2 * PLENTY, 2 * BUFFER_LEN), PAUSE_MAX / 2);
        // No number that a system may give is too much.
        assert_eq!(next(PAUSE_MAX, usize::MAX, usize::MAX), PAUSE_MAX / 2);
        assert_eq!(next(PAUSE_MAX, 0, 0), PAUSE_MAX / 2);
    }
}
