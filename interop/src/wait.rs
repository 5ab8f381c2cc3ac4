//! Waiting with an end, failing with a reason, and a little chance.

use std::fmt::Display;
use std::hash::BuildHasher;
use std::hash::Hasher;
use std::hash::RandomState;
use std::thread;
use std::time::Duration;
use std::time::Instant;

/// How long anything may take before a test gives up. Generous: two cores may be building something else.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Asks again and again until there is an answer.
///
/// # Panics
///
/// When [`PATIENCE`] runs out.
#[track_caller]
pub fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        if start.elapsed() > PATIENCE {
            fail(format_args!("waited {PATIENCE:?} in vain: {what}"));
        }
        thread::sleep(PAUSE);
    }
}

/// Ends the test. Every [`Process`](crate::Process) then prints what it had said.
///
/// # Panics
///
/// Always.
#[track_caller]
#[expect(clippy::panic, reason = "this is how a test fails")]
pub fn fail(why: impl Display) -> ! {
    panic!("{why}")
}

/// A number nobody chose.
#[must_use]
pub fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

const PAUSE: Duration = Duration::from_millis(50);
