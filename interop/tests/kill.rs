//! Nothing that was acknowledged is lost, whenever the power goes.

use std::collections::VecDeque;
use std::time::Duration;
use std::time::Instant;

use interop::Answer;
use interop::Client;
use interop::Lab;
use interop::Node;
use interop::PATIENCE;
use interop::Stream;
use interop::fail;
use interop::json;
use interop::key;
use interop::random;
use serde_json::Value;

#[test]
fn acknowledged_messages_survive_fifty_kills() {
    let lab = Lab::new();
    let mut acknowledged: Vec<String> = Vec::new();

    for round in 0..50 {
        // Some nodes die while they start: repairing a log must not need luck either.
        if round % 5 == 4 {
            let mut starting = lab.launch_ours("ours", &[]);
            let _ = starting.line(some_time(100));
            starting.kill();
        }
        let node = lab.ours("ours", &[]);
        let mut client = lab.socket_client(&node);
        check_feed(&mut client, &node.id(), &acknowledged, round);

        acknowledged.extend(publish_until_killed(&mut client, node, round));
    }

    let node = lab.ours("ours", &[]);
    check_feed(&mut lab.socket_client(&node), &node.id(), &acknowledged, 50);
    assert!(acknowledged.len() >= 50, "only {} messages were acknowledged", acknowledged.len());
    node.stop();
}

/// Keeps a window of publishes under way, and kills the node at some moment. Returns what it acknowledged, including
/// what had arrived by then without being read.
fn publish_until_killed(client: &mut Client, node: Node, round: u32) -> Vec<String> {
    let mut contents = (0..).map(|n| format!(r#"[{{"type":"post","text":"{round}, {n}","pad":"{PAD}"}}]"#));
    let mut publish = |client: &mut Client| client.begin("publish", &contents.next().unwrap_or_default());
    let mut calls: VecDeque<Stream> = (0..WINDOW).map(|_| publish(client)).collect();
    let mut acknowledged = Vec::new();
    let (moment, start) = (some_time(80), Instant::now());
    let mut node = Some(node);
    while let Some(call) = calls.pop_front() {
        let patience = if node.is_some() { moment.saturating_sub(start.elapsed()) } else { PATIENCE };
        match (client.next(call, patience), &node) {
            (Some(Answer::Value(message)), _) => {
                acknowledged.push(key(&message).to_owned());
                if node.is_some() {
                    calls.push_back(publish(client));
                }
            }
            (None, Some(_)) => {
                calls.push_front(call);
                if let Some(node) = node.take() {
                    node.kill();
                }
            }
            (Some(Answer::Error(_) | Answer::Hangup), None) => {}
            (other, _) => fail(format_args!("round {round}: publish was answered by {other:?}")),
        }
    }
    acknowledged
}

/// The feed is one chain without gap or fork, and holds what was acknowledged, in that order.
#[track_caller]
fn check_feed(client: &mut Client, id: &str, acknowledged: &[String], round: u32) {
    let feed =
        client.collect("createHistoryStream", &format!(r#"[{{"id":"{id}"}}]"#)).expect("the log opens");

    let mut previous = Value::Null;
    for (message, sequence) in feed.iter().zip(1_u64..) {
        let value = json(message).get("value").cloned().expect("a stored message has a value");
        assert_eq!(value.get("sequence"), Some(&sequence.into()), "round {round}");
        assert_eq!(value.get("previous"), Some(&previous), "round {round}, message {sequence}");
        previous = key(message).into();
    }
    let mut stored = feed.iter().map(|message| key(message));
    for (index, key) in acknowledged.iter().enumerate() {
        assert!(
            stored.any(|stored| stored == key),
            "round {round}: message {index} of {} acknowledged ones is not among the {} stored",
            acknowledged.len(),
            feed.len()
        );
    }
}

fn some_time(up_to_ms: u64) -> Duration {
    Duration::from_millis(random() % up_to_ms)
}

/// Publishes under way at once.
const WINDOW: usize = 16;

/// Makes a record longer than a disk sector, so that it can be torn.
const PAD: &str =
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
