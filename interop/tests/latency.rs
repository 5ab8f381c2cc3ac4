//! JavaScript's clients are answered at once, as they are.

use std::time::Duration;
use std::time::Instant;

use interop::Lab;

#[test]
fn an_unpatched_client_does_not_wait_for_delayed_acknowledgements() {
    let lab = Lab::new();
    let ours = lab.ours("ours", &[]);
    let mut client = lab.client(&ours);
    client.call("whoami", "[]").expect("the node answers");

    let mut calls: Vec<Duration> = (0..CALLS)
        .map(|_| {
            let start = Instant::now();
            client.call("whoami", "[]").expect("the node answers");
            start.elapsed()
        })
        .collect();

    calls.sort();
    let median = calls.get(calls.len() / 2).copied().unwrap_or_default();
    assert!(median < DELAYED_ACK, "half of the calls took {median:?} and more");
}

const CALLS: usize = 21;

/// What Linux waits at least before it acknowledges what nobody answers.
const DELAYED_ACK: Duration = Duration::from_millis(40);
