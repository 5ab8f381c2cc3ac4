//! Signals at every moment of a node's life.

use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use super::home::Home;
use super::home::kill;
use super::home::text;
use super::home::wait;

/// How far apart the moments are, and how many there are: beyond the time that a start takes here.
const STEP: Duration = Duration::from_micros(700);
const STEPS: u32 = 40;

fn pass(time: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < time {
        std::thread::yield_now();
    }
}

/// Starts a node, sends it these signals after a while, and waits for its end.
fn start_and_signal(home: &Home, after: Duration, signals: &[&str]) {
    let mut child = home.command(&["start", "--host", "127.0.0.1", "--port", "0"]).spawn().unwrap();
    pass(after);
    for signal in signals {
        kill(&child, signal);
    }
    wait(&mut child);
}

#[test]
fn at_whatever_moment_a_first_start_is_ended_the_next_one_may_publish() {
    for step in 0..STEPS {
        let home = Home::new();
        let signals: &[&str] = match step % 3 {
            0 => &["TERM"],
            1 => &["INT", "INT"],
            _ => &["KILL"],
        };

        start_and_signal(&home, STEP * step, signals);

        // A secret without its mark would count as somebody else's, and lock publishing.
        let identity = home.file("secret").exists().then(|| home.id());
        let node = home.start();
        assert!(identity.is_none_or(|identity| identity == home.id()), "step {step}");
        let published = home.answer(&node, &["publish", "--type", "post"]);
        assert!(published.contains("\"sequence\": 1,"), "step {step}: {published}");
        let said = node.stop_and_tell();
        assert!(!said.contains("damaged"), "step {step}: {said}");
    }
}

#[test]
fn at_whatever_moment_a_node_is_stopped_what_it_acknowledged_is_kept() {
    let home = Home::new();
    let mut acknowledged = Vec::new();
    for step in 0..STEPS / 4 {
        let node = home.start();
        let port = node.port.to_string();
        let publish = |text: String| {
            let words =
                ["publish", "--type", "post", "--text", &text, "--host", "127.0.0.1", "--port", &port];
            home.command(&words).stdin(Stdio::null()).spawn().unwrap()
        };
        let mut callers: Vec<_> =
            (0..4).map(|caller| publish(format!("step {step} caller {caller}"))).collect();
        pass(STEP * 2 * step);
        if step + 1 == STEPS / 4 {
            // However slow the machine is, something is acknowledged.
            callers.iter_mut().for_each(|caller| assert!(caller.wait().unwrap().success()));
        }

        let status = node.stop_by(if step % 2 == 0 { "TERM" } else { "INT" });

        assert_eq!(status.code(), Some(0), "step {step}");
        for (caller, child) in callers.into_iter().enumerate() {
            let output = child.wait_with_output().unwrap();
            if output.status.success() {
                acknowledged.push(format!("step {step} caller {caller}"));
            } else {
                let said = text(&output.stderr);
                assert!(said.starts_with("Error: "), "step {step}: {said}");
            }
        }
    }
    let node = home.start();
    let log = home.answer(&node, &["log"]);
    assert!(!acknowledged.is_empty());
    for text in acknowledged {
        assert!(log.contains(&text), "{text} is lost");
    }
}

#[test]
fn a_second_signal_ends_a_node_at_once_and_loses_nothing() {
    for second in ["TERM", "INT"] {
        let home = Home::new();
        let node = home.start();
        let published = home.answer(&node, &["publish", "--type", "post", "--text", "kept"]);
        // It waits for this one's goodbye.
        let mut silent = home.live(&node);
        node.signal("TERM");

        let status = node.stop_by(second);

        assert!(matches!(status.code(), Some(0 | 130)), "{status}");
        wait(&mut silent);
        let node = home.start();
        assert_eq!(home.answer(&node, &["log"]), published + "\n");
    }
}
