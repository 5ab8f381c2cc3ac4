//! Many messages go from one of our nodes through ssb-server to another of ours, while connections end every few seconds, or more often where they are few.
//!
//! `SSB_CHURN=100000 cargo test --release -p interop --test churn -- --nocapture` is the long proof.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use interop::Client;
use interop::Lab;
use interop::Node;
use interop::fail;
use interop::json;
use interop::random;
use ssb_keys::Keypair;
use ssb_msg::Signing;
use ssb_msg::ValidationState;
use ssb_msg::draft;

/// How many messages, unless told otherwise.
const MESSAGES: usize = 4_000;

/// Of how many feeds.
const FEEDS: usize = 40;

/// All must be there after this time, and some milliseconds more for each message: it is ssb-server that takes them.
const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn all_messages_arrive_however_often_connections_end() {
    let asked = env::var("SSB_CHURN").ok().and_then(|count| count.parse().ok());
    let each = asked.unwrap_or(MESSAGES) / FEEDS;
    let lab = if asked.is_some() { Lab::for_measuring() } else { Lab::new() };
    let feeds: Vec<Keypair> =
        (0..FEEDS).map(|n| Keypair::from_seed(&[u8::try_from(n).unwrap_or(0) + 1; 32])).collect();
    let source = lab.ours("source", &[]);
    source.stop();
    import(&lab, &feeds, each);
    let [source, middle, sink] =
        [lab.ours("source", &[]), lab.theirs("middle", &["--no-dial"]), lab.ours("sink", &[])];
    let [mut from, mut through, mut to] = [&source, &middle, &sink].map(|node| lab.client(node));
    for owner in [&mut from, &mut through, &mut to] {
        for feed in &feeds {
            owner
                .call("replicate.request", &format!("[\"{}\"]", feed.id()))
                .expect("the owner may ask for feeds");
        }
    }

    let (start, patience) = (Instant::now(), PATIENCE + Duration::from_millis(6 * (each * FEEDS) as u64));
    // A few messages are there before seconds have passed.
    let pause = if asked.is_some() { 1_000..4_000 } else { 100..400 };
    let mut lost = 0;
    for owner in [&mut from, &mut to] {
        dial(owner, &middle);
    }
    loop {
        thread::sleep(Duration::from_millis(pause.start + random() % (pause.end - pause.start)));
        let here = clock(&mut to, &feeds);
        println!(
            "{:6.1} s, {lost} connections ended: {} messages",
            start.elapsed().as_secs_f64(),
            here.iter().sum::<u64>()
        );
        if here.iter().all(|sequence| *sequence == each as u64) {
            break;
        }
        assert!(start.elapsed() < patience, "after {lost} lost connections the feeds are so far: {here:?}");
        let owner = if random().is_multiple_of(2) { &mut from } else { &mut to };
        owner.call("gossip.disconnect", &format!("[\"{}\"]", middle.id())).expect("the middle is known");
        lost += 1;
        thread::sleep(Duration::from_millis(random() % 500));
        dial(owner, &middle);
    }
    assert_eq!(clock(&mut from, &feeds), clock(&mut through, &feeds));
    assert!(lost > 0, "nothing was proven: all came before a connection ended");
}

fn dial(owner: &mut Client, to: &Node) {
    let start = Instant::now();
    // ssb-server may be too busy to shake hands.
    while let Err(error) = owner.call("gossip.connect", &format!("[\"{}\"]", to.address())) {
        assert!(start.elapsed() < PATIENCE, "{error}");
    }
}

/// How far a node has each feed.
fn clock(owner: &mut Client, feeds: &[Keypair]) -> Vec<u64> {
    let clock = owner.call("getVectorClock", "[]").unwrap_or_else(|error| fail(error));
    let clock = json(&clock);
    let of = |feed: &Keypair| clock.get(feed.id().to_string()).and_then(serde_json::Value::as_u64);
    feeds.iter().map(|feed| of(feed).unwrap_or(0)).collect()
}

/// Puts the feeds into the log of the node that is to send them.
fn import(lab: &Lab, feeds: &[Keypair], each: usize) {
    let mut lines = String::new();
    for feed in feeds {
        let mut state = ValidationState::new(feed.id());
        for n in 0..each {
            let content = format!(r#"{{"type":"post","text":"message {n}"}}"#);
            let message = draft::sign(&content, &state, 1.0 + n as f64, feed, &Signing::plain());
            let message = message.unwrap_or_else(|error| fail(error));
            state.advance(state.check(&message).unwrap_or_else(|error| fail(error)));
            let _ = writeln!(lines, "{}", String::from_utf8_lossy(message.compact()));
        }
    }
    let file = lab.dir("messages.jsonl");
    fs::write(&file, lines).unwrap_or_else(|error| fail(error));
    let mut command = lab.our_program();
    command.arg("import").arg(&file).arg("--path").arg(lab.dir("source")).args(["--caps.shs", lab.shs()]);
    let output = command.output().unwrap_or_else(|error| fail(error));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
