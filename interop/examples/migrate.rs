//! Lets real JavaScript nodes store many messages, takes their directories over, and lets them start on these again.
//!
//! ```text
//! node bench/js/gen.js target/bench-data/100000 100000
//! cargo run --release -p interop --example migrate -- target/bench-data/100000/msgs.jsonl
//! ```
//!
//! The messages may be any, one a line, each behind the one before it in its feed. What differs in the end fails.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::process::Command;
use std::time::Instant;

use interop::Client;
use interop::Lab;
use interop::Node;
use interop::PATIENCE;
use interop::Stream;
use interop::fail;
use interop::json;
use serde_json::Value;
use ssb_log::Disk;
use ssb_log::Store;

fn main() {
    let Some(file) = env::args().nth(1) else { fail("messages of which file?") };
    let text = fs::read_to_string(&file).unwrap_or_else(|error| fail(format_args!("{file}: {error}")));
    let messages: Vec<&str> = text.lines().collect();
    let lab = Lab::for_measuring();
    for old in [Old::SsbServer, Old::Db2] {
        migrate(&lab, old, &messages);
    }
}

/// A JavaScript node.
#[derive(Clone, Copy, PartialEq)]
enum Old {
    SsbServer,
    Db2,
}

/// How far each feed goes.
type Clock = BTreeMap<String, u64>;

fn migrate(lab: &Lab, old: Old, messages: &[&str]) {
    let name = old.name();
    let start = Instant::now();
    let theirs = old.start(lab);
    let mut owner = connect(lab, old, &theirs);
    match old {
        Old::SsbServer => add_one_by_one(&mut owner, messages),
        Old::Db2 => add_in_batches(&mut owner, messages),
    }
    let before = clock(&mut owner, old);
    stop(owner, theirs);
    assert_eq!(before.values().sum::<u64>(), messages.len() as u64, "{name} has not stored all");
    println!("{name}: {} messages of {} feeds in {:.1} s", messages.len(), before.len(), seconds(start));

    let start = Instant::now();
    let told = ssb_cli_migrate(lab, name);
    let took = seconds(start);
    let count = |key: &str| told.pointer(&format!("/0/{key}")).and_then(Value::as_u64);
    assert_eq!((count("messages"), count("new")), (Some(messages.len() as u64), count("messages")), "{told}");
    for empty in ["refused", "differences"] {
        let list = told.pointer(&format!("/0/{empty}")).and_then(Value::as_array);
        assert_eq!(list.map(Vec::len), Some(0), "{told}");
    }
    assert_eq!(our_clock(lab, name), before, "the heads differ");
    println!("{name}: migrated in {took:.1} s; {} heads are equal, nothing was refused", before.len());

    let start = Instant::now();
    let theirs = old.start(lab);
    let mut owner = connect(lab, old, &theirs);
    assert_eq!(clock(&mut owner, old), before, "{name} has not what it had");
    stop(owner, theirs);
    println!("{name}: started again with the same heads in {:.1} s", seconds(start));
}

impl Old {
    const fn name(self) -> &'static str {
        match self {
            Self::SsbServer => "ssb-server",
            Self::Db2 => "ssb-db2",
        }
    }

    fn start(self, lab: &Lab) -> Node {
        match self {
            Self::SsbServer => lab.theirs(self.name(), &[]),
            Self::Db2 => lab.db2(self.name()),
        }
    }
}

// Over TCP, each answer of ssb-server takes a tenth of a second; ssb-db2 alone has no socket.
fn connect(lab: &Lab, old: Old, node: &Node) -> Client {
    if old == Old::SsbServer { lab.socket_client(node) } else { lab.client(node) }
}

/// How many messages are under way at once: JavaScript answers when it has written what came, a few times a second.
const WINDOW: usize = 2_000;

fn add_one_by_one(owner: &mut Client, messages: &[&str]) {
    let mut calls: Vec<Stream> = Vec::new();
    for some in messages.chunks(WINDOW) {
        calls.extend(some.iter().map(|message| owner.begin("add", &format!("[{message}]"))));
        for call in calls.drain(..) {
            expect_value(owner, call);
        }
    }
}

/// How many messages a batch has: of one feed, as ssb-db2 wants it.
const BATCH_LEN: usize = 50;

fn add_in_batches(owner: &mut Client, messages: &[&str]) {
    let mut feeds: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for message in messages {
        let author = json(message).get("author").and_then(Value::as_str).map(str::to_owned);
        feeds.entry(author.expect("a message has an author")).or_default().push(message);
    }
    // One batch of each feed at a time, so that a window has batches of many feeds, and none before the one it follows.
    let longest = feeds.values().map(Vec::len).max().unwrap_or(0);
    for turn in 0..longest.div_ceil(BATCH_LEN) {
        let batches: Vec<&[&str]> =
            feeds.values().filter_map(|feed| feed.chunks(BATCH_LEN).nth(turn)).collect();
        for some in batches.chunks(WINDOW / BATCH_LEN) {
            let calls: Vec<Stream> = some
                .iter()
                .map(|batch| owner.begin("db.addBatch", &format!("[[{}]]", batch.join(","))))
                .collect();
            calls.into_iter().for_each(|call| expect_value(owner, call));
        }
    }
}

fn expect_value(owner: &mut Client, call: Stream) {
    match owner.next(call, PATIENCE) {
        Some(interop::Answer::Value(_)) => {}
        other => fail(format_args!("a message was answered by {other:?}")),
    }
}

fn clock(owner: &mut Client, old: Old) -> Clock {
    let method = if old == Old::SsbServer { "getVectorClock" } else { "heads.clock" };
    let clock = owner.call(method, "[]").unwrap_or_else(|error| fail(error));
    serde_json::from_str(&clock).unwrap_or_else(|error| fail(format_args!("{clock}: {error}")))
}

fn our_clock(lab: &Lab, name: &str) -> Clock {
    let disk = Disk::open(&lab.dir(name).join("log")).unwrap_or_else(|error| fail(error));
    let (store, _) = Store::open(disk).unwrap_or_else(|error| fail(error));
    let latest = store.reader().feeds().into_iter();
    latest.map(|latest| (latest.feed.to_string(), latest.sequence.into())).collect()
}

fn ssb_cli_migrate(lab: &Lab, name: &str) -> Value {
    let mut command: Command = lab.our_program();
    let output = command.args(["migrate", "--json", "--path"]).arg(lab.dir(name)).output();
    let output = output.unwrap_or_else(|error| fail(error));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    json(&String::from_utf8_lossy(&output.stdout))
}

fn stop(owner: Client, node: Node) {
    owner.close();
    node.stop();
}

fn seconds(start: Instant) -> f64 {
    start.elapsed().as_secs_f64()
}
