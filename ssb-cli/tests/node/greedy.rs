//! Peers that ask for much and read nothing of it, or say much and read nothing of what is answered: a node takes little memory for
//! them, and serves others as ever.

use std::fmt::Write as _;
use std::fs;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use ssb_gossip::ebt::note;
use ssb_gossip::ebt::note::NOTES_MAX;
use ssb_gossip::ebt::note::Note;
use ssb_keys::FeedId;
use ssb_keys::Keypair;
use ssb_msg::Signing;
use ssb_msg::ValidationState;
use ssb_msg::draft;
use ssb_muxrpc::Body;
use ssb_muxrpc::Kind;

use super::home::Home;
use super::home::Node;
use super::line::Line;

/// How many peers read nothing.
const PEERS: u8 = 4;

/// What a node may take for each of them.
const EACH_KIB: u64 = 2 * 1024;

/// How many peers say too much, and how often: some hundred megabytes, if all of it were kept.
const FLOODERS: u8 = 4;
const CLOCKS: usize = 16;

/// What a node may take for each of those: a frame, what was made of it, and the answer.
const EACH_FLOODER_KIB: u64 = 24 * 1024;

/// For so long it is looked at how much memory the node takes: what a system keeps of a connection is full before.
const LOOK: Duration = Duration::from_secs(4);

#[test]
fn who_asks_for_everything_and_reads_nothing_takes_little_memory() {
    let home = Home::new();
    let author = Keypair::from_seed(&[4; 32]);
    fs::write(home.beside("feed"), feed(&author, 2_000)).unwrap();
    assert!(home.command(&["import", home.beside("feed").to_str().unwrap()]).status().unwrap().success());
    let node = home.start();
    let mut bystander = Line::dial(&home, &node, &Keypair::from_seed(&[7; 32]));
    bystander.open();
    let before = resident_kib(&node);

    let peers: Vec<Line> = (0..PEERS)
        .map(|n| {
            let mut peer = Line::dial(&home, &node, &Keypair::from_seed(&[100 + n; 32]));
            peer.open();
            if n % 2 == 0 {
                let args = format!(r#"[{{"id":"{}","seq":1,"live":true,"keys":false}}]"#, author.id());
                peer.peer.call(&["createHistoryStream"], Kind::Source, &args).unwrap();
            } else {
                let everything = note::to_json(&[(author.id(), Note::Has { sequence: 0, send: true })]);
                peer.replicates(&everything);
            }
            peer.push();
            peer
        })
        .collect();

    let growth = most_kib(&node, &mut bystander).saturating_sub(before);
    assert!(growth < u64::from(PEERS) * EACH_KIB, "{growth} KiB for {PEERS} peers");
    drop(peers);
    assert!(node.stop().success());
}

#[test]
fn who_says_more_than_anybody_wants_and_reads_no_answer_takes_little_memory() {
    let home = Home::new();
    let node = home.start();
    let mut bystander = Line::dial(&home, &node, &Keypair::from_seed(&[7; 32]));
    bystander.open();
    let before = resident_kib(&node);

    let (words, says) = channel();
    let peers: Vec<_> = (0..FLOODERS)
        .map(|n| {
            let mut peer = Line::dial(&home, &node, &Keypair::from_seed(&[100 + n; 32]));
            peer.open();
            let says = words.clone();
            // Half of them are answered as much as they say, the others nothing.
            let note = if n % 2 == 0 { Note::Refused } else { Note::Has { sequence: 7, send: true } };
            thread::spawn(move || {
                let unknown = (0..NOTES_MAX).map(|n| (unknown(n), note)).collect::<Vec<_>>();
                let all = note::to_json(&unknown);
                let request = peer.replicates("{}");
                let mut sent = 0;
                while sent < CLOCKS && peer.push() {
                    peer.peer.item(request, Body::Json(&all));
                    sent += 1;
                }
                says.send(sent).unwrap();
                peer
            })
        })
        .collect();
    drop(words);

    let mut most = 0;
    let mut sent = Vec::new();
    while sent.len() < usize::from(FLOODERS) {
        assert!(bystander.call("manifest").is_ok());
        most = most.max(resident_kib(&node).saturating_sub(before));
        sent.extend(says.try_recv());
    }

    assert!(sent.contains(&CLOCKS), "nobody was listened to to the end: {sent:?}");
    assert!(most < u64::from(FLOODERS) * EACH_FLOODER_KIB, "{most} KiB for {FLOODERS} peers");
    drop(peers);
    assert!(node.stop().success());
}

/// A feed that nobody knows.
fn unknown(n: usize) -> FeedId {
    let mut bytes = [9; 32];
    bytes[..8].copy_from_slice(&n.to_le_bytes());
    FeedId::from_bytes(bytes)
}

/// The most memory that a node takes while somebody else is served.
fn most_kib(node: &Node, bystander: &mut Line) -> u64 {
    let (begun, mut most) = (Instant::now(), 0);
    while begun.elapsed() < LOOK {
        assert!(bystander.call("manifest").is_ok());
        most = most.max(resident_kib(node));
    }
    most
}

/// How much memory a node takes.
pub(super) fn resident_kib(node: &Node) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", node.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// So many messages that are nearly as long as they may be, one a line.
fn feed(author: &Keypair, count: u32) -> String {
    let mut state = ValidationState::new(author.id());
    let content = format!(r#"{{"type":"post","text":"{}"}}"#, "x".repeat(7_500));
    let mut lines = String::new();
    for n in 0..count {
        let message = draft::sign(&content, &state, f64::from(n), author, &Signing::plain()).unwrap();
        state.advance(state.check(&message).unwrap());
        writeln!(lines, "{}", message.json()).unwrap();
    }
    lines
}
