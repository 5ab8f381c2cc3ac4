//! What a node is at when it dies.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

use interop::Lab;
use interop::PATIENCE;
use interop::fail;
use interop::json;
use interop::key;
use serde_json::Value;
use ssb_keys::FeedId;
use ssb_keys::Keypair;
use ssb_keys::MessageId;
use ssb_keys::secret_file;
use ssb_msg::Signing;
use ssb_msg::ValidationState;
use ssb_msg::draft;
use ssb_node::client::Client;

/// How many programs publish at once.
const PUBLISHERS: u32 = 4;

/// How many feeds an import has.
const FEEDS: u32 = 8;

/// How many messages each of them has: of all together more than twice as many as are stored with one sync.
const FEED_LEN: u32 = 1100;

/// Kills a node while it starts.
pub(super) fn die_starting(lab: &Lab, after: Duration) {
    let mut starting = lab.launch_ours("ours", &[]);
    let _ = starting.line(after);
    starting.kill();
}

/// Lets several programs publish, kills the node so long after its first acknowledgement, and tells what it acknowledged.
pub(super) fn publish(lab: &Lab, after: Duration) -> (FeedId, Vec<Vec<MessageId>>) {
    let node = lab.ours("ours", &[]);
    let me = secret_file::load(&node.dir().join("secret")).expect("a node has a secret").id();
    let socket = node.dir().join("socket");
    let (first, acknowledgement) = mpsc::channel();
    let publishers: Vec<JoinHandle<Vec<MessageId>>> = (0..PUBLISHERS)
        .map(|_| {
            let client = Client::connect_unix(&socket, me).unwrap_or_else(|error| fail(error));
            let first = first.clone();
            thread::spawn(move || publish_until_it_dies(client, &first))
        })
        .collect();
    acknowledgement.recv_timeout(PATIENCE).unwrap_or_else(|error| fail(error));
    thread::sleep(after);
    node.kill();
    let acknowledged =
        publishers.into_iter().map(|publisher| publisher.join().expect("it ends with the node"));
    (me, acknowledged.collect())
}

fn publish_until_it_dies(mut client: Client, acknowledgement: &mpsc::Sender<()>) -> Vec<MessageId> {
    let content = format!(r#"[{{"type":"post","text":"{}"}}]"#, "0123456789abcdef".repeat(40));
    let mut acknowledged = Vec::new();
    while let Ok(answer) = client.call(&["publish"], &content) {
        let id = MessageId::parse(key(&answer.to_json())).expect("an answer has a key");
        acknowledged.push(id);
        // Only the first is waited for.
        let _ = acknowledgement.send(());
    }
    acknowledged
}

/// Imports feeds, kills that after some time, and says whether it was over before and had told so.
pub(super) fn import(lab: &Lab, feeds: &Feeds, after: Option<Duration>) -> bool {
    let file = lab.dir("messages");
    fs::write(&file, &feeds.lines).expect("the lab is writable");
    let mut command = lab.our_program();
    command.args(["import", "--json"]).arg(&file).arg("--path").arg(lab.dir("ours"));
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("our program runs");
    if let Some(after) = after {
        thread::sleep(after);
        let _ = child.kill();
    }
    let output = child.wait_with_output().expect("it is our child");
    if !output.status.success() {
        return false;
    }
    let told = json(&String::from_utf8_lossy(&output.stdout));
    assert_eq!(told.get("new").and_then(Value::as_u64), Some(u64::from(FEEDS * FEED_LEN)));
    true
}

/// Feeds that nobody had before: their ids, and their messages as they stand in a file.
pub(super) struct Feeds {
    pub(super) all: Vec<(FeedId, Vec<MessageId>)>,
    lines: Vec<u8>,
}

impl Feeds {
    /// Those of a round.
    pub(super) fn new(round: u32) -> Self {
        let mut writers: Vec<Writer> = (0..FEEDS).map(|n| Writer::new(round, n)).collect();
        let mut lines = Vec::new();
        for n in 0..FEED_LEN {
            let newest: Vec<(FeedId, Option<MessageId>)> =
                writers.iter().map(|writer| (writer.key.id(), writer.ids.last().copied())).collect();
            for (writer, (feed, message)) in writers.iter_mut().zip(newest.into_iter().rev()) {
                let line = writer.write(n, feed, message);
                writeln!(lines, "{line}").expect("there is memory");
            }
        }
        let all = writers.into_iter().map(|writer| (writer.key.id(), writer.ids)).collect();
        Self { all, lines }
    }
}

struct Writer {
    key: Keypair,
    state: ValidationState,
    ids: Vec<MessageId>,
}

impl Writer {
    fn new(round: u32, n: u32) -> Self {
        let mut seed = [9; 32];
        for (place, byte) in seed.iter_mut().zip([round.to_le_bytes(), n.to_le_bytes()].concat()) {
            *place = byte;
        }
        let key = Keypair::from_seed(&seed);
        Self { state: ValidationState::new(key.id()), key, ids: Vec::new() }
    }

    /// One of each kind in turn, so that every index has something to find.
    fn write(&mut self, n: u32, feed: FeedId, message: Option<MessageId>) -> String {
        let id = message.map_or_else(|| "null".to_owned(), |id| format!("\"{id}\""));
        let content = match n % 4 {
            0 => format!(r#"{{"type":"post","text":"{n}","root":{id}}}"#),
            1 => format!(r#"{{"type":"contact","contact":"{feed}","following":{}}}"#, n.is_multiple_of(3)),
            2 => format!(r#"{{"type":"vote","vote":{{"link":{id},"value":1}}}}"#),
            _ => format!(r#"{{"type":"about","about":"{feed}","name":"{n}"}}"#),
        };
        let message = draft::sign(&content, &self.state, f64::from(n), &self.key, &Signing::plain());
        let message = message.expect("it is content");
        self.state.advance(self.state.check(&message).expect("it follows"));
        self.ids.push(message.id());
        message.json().to_owned()
    }
}
