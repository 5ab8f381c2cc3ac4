//! Blobs come in, go out, are listed and removed; and whoever reads one slowly costs little.

use std::fs;
use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Write as _;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use ssb_gossip::peer::PeerEvent;
use ssb_keys::BlobId;
use ssb_keys::Keypair;
use ssb_keys::hash::sha256;
use ssb_muxrpc::Body;
use ssb_muxrpc::Kind;

use super::greedy::resident_kib;
use super::home::Home;
use super::home::Node;
use super::home::text;
use super::line::Line;

/// Longer than everything that is read or written at once.
const LEN: usize = 1_000_000;

fn id(bytes: &[u8]) -> BlobId {
    BlobId::from_bytes(sha256(bytes))
}

/// So many bytes that do not repeat.
fn noise(len: usize) -> Vec<u8> {
    let hashes = (0_u64..).flat_map(|n| sha256(&n.to_le_bytes()));
    hashes.take(len).collect()
}

/// Stores a file as a blob, through the program.
fn add(home: &Home, node: &Node, bytes: &[u8]) -> String {
    let file = home.beside("file");
    fs::write(&file, bytes).unwrap();
    home.answer(node, &["blobs.add", file.to_str().unwrap()]).trim_end().to_owned()
}

/// Where a blob is.
fn place(home: &Home, id: &BlobId) -> std::path::PathBuf {
    let digits: String = id.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let (first, rest) = digits.split_at(2);
    home.file("blobs/sha256").join(first).join(rest)
}

#[test]
fn a_blob_goes_in_by_a_file_or_a_pipe_and_comes_out_as_it_was() {
    let home = Home::new();
    let node = home.start();
    let bytes = noise(LEN);

    let added = add(&home, &node, &bytes);
    let port = node.port.to_string();
    let mut piped = home.command(&["blobs.add", "--host", "127.0.0.1", "--port", &port]);
    let mut piped = piped.stdin(Stdio::piped()).spawn().unwrap();
    piped.stdin.take().unwrap().write_all(b"from a pipe").unwrap();
    let piped = piped.wait_with_output().unwrap();

    assert_eq!(added, id(&bytes).to_string());
    assert_eq!(fs::read(place(&home, &id(&bytes))).unwrap(), bytes);
    assert_eq!(home.call(&node, &["blobs.get", &added]).stdout, bytes);
    assert_eq!(text(&piped.stdout), format!("{}\n", id(b"from a pipe")));
    let slice = ["blobs.getSlice", "--id", &added, "--start", "70000", "--end", "200000"];
    assert_eq!(home.call(&node, &slice).stdout, bytes[70_000..200_000]);
    assert_eq!(home.answer(&node, &["blobs.size", &added]), format!("{LEN}\n"));
    node.stop();
}

#[test]
fn blobs_are_listed_and_removed_and_what_was_pinned_is_told() {
    let home = Home::new();
    let node = home.start();
    let [one, two] = [b"one".as_slice(), b"two"].map(|bytes| add(&home, &node, bytes));
    let mut all = [format!("\"{one}\"\n\n"), format!("\"{two}\"\n\n")];
    // By the bytes of their hashes.
    all.sort_by_key(|line| BlobId::parse(line.trim().trim_matches('"')).unwrap());
    assert_eq!(home.answer(&node, &["blobs.ls"]), all.concat());

    assert_eq!(home.answer(&node, &["blobs.pin", &one]), "true\n");
    assert_eq!(home.answer(&node, &["blobs.rm", &two]), "false\n");

    let again = home.call(&node, &["blobs.rm", &two]);
    let error = text(&again.stderr);
    assert!(error.starts_with("Error: ENOENT: no such file or directory, unlink '/"), "{error}");
    assert_eq!(home.answer(&node, &["blobs.has", &two]), "false\n");
    node.stop();
    let node = home.start();
    assert_eq!(home.answer(&node, &["blobs.ls"]), format!("\"{one}\"\n\n"));
    let meta = home.answer(&node, &["blobs.meta", &one]);
    assert!(meta.contains("\"own\": true") && meta.contains("\"pinned\": true"), "{meta}");
    node.stop();
}

#[test]
fn new_blobs_are_told_to_who_listens() {
    let home = Home::new();
    let node = home.start();
    let old = add(&home, &node, b"old");
    let live = |words: &[&str], first: &str| {
        let mut child = home.call_in_background(&node, words);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        assert_eq!(lines.next().as_deref(), Some(first));
        (child, lines)
    };
    let (mut list, mut listed) = live(&["blobs.ls", "--live"], &format!("\"{old}\""));
    // A blank line, and then where new ones begin.
    let sync: Vec<String> = listed.by_ref().take(5).collect();
    assert_eq!(sync, ["", "{", "  \"sync\": true", "}", ""]);

    let new = add(&home, &node, b"new");
    add(&home, &node, b"old");
    let newer = add(&home, &node, b"newer");

    assert_eq!(listed.next().unwrap(), format!("\"{new}\""));
    assert_eq!(listed.nth(1).unwrap(), format!("\"{newer}\""));
    list.kill().unwrap();
    list.wait().unwrap();
    node.stop();
}

#[test]
fn a_blob_that_is_damaged_is_found_out() {
    let home = Home::new();
    let node = home.start();
    let added = add(&home, &node, b"whole");
    fs::write(place(&home, &id(b"whole")), b"wholE").unwrap();

    let got = home.call(&node, &["blobs.get", &added]);

    assert_eq!((got.stdout.as_slice(), got.status.code()), (b"wholE".as_slice(), Some(1)));
    assert!(text(&got.stderr).starts_with(&format!("Error: the file of {added} is damaged")));
    let none = home.call(&node, &["blobs.get", &id(b"none").to_string()]);
    assert_eq!(text(&none.stderr), "Error: could not get blob\n");
    node.stop();
}

#[test]
fn another_blob_than_the_expected_one_is_refused_and_leaves_nothing() {
    let home = Home::new();
    let node = home.start();
    let file = home.beside("file");
    fs::write(&file, noise(LEN)).unwrap();
    let other = id(b"other");

    let added = home.call(&node, &["blobs.add", file.to_str().unwrap(), "--id", &other.to_string()]);

    let expected = format!("Error: actual hash:{} did not match expected id:{other}\n", id(&noise(LEN)));
    assert_eq!(text(&added.stderr), expected);
    assert_eq!(home.answer(&node, &["blobs.ls"]), "");
    assert_eq!(fs::read_dir(home.file("blobs/tmp")).unwrap().count(), 0);
    node.stop();
}

#[test]
fn a_stranger_reads_blobs_and_does_nothing_else_with_them() {
    let home = Home::new();
    let node = home.start();
    let bytes = noise(LEN);
    let added = add(&home, &node, &bytes);
    let mut line = Line::dial(&home, &node, &Keypair::from_seed(&[7; 32]));
    line.open();

    assert_eq!(line.read(&["blobs", "get"], &format!("[\"{added}\"]")), Ok(bytes));

    for (name, kind) in [
        ("add", Kind::Sink),
        ("size", Kind::Async),
        ("ls", Kind::Source),
        ("rm", Kind::Async),
        ("meta", Kind::Async),
        ("pin", Kind::Async),
    ] {
        let refused = line.end(&["blobs", name], kind, &format!("[\"{added}\"]"));
        let error = format!("method:blobs,{name} is not in list of allowed methods");
        assert_eq!(refused, Err(error));
    }
    node.stop();
}

#[test]
fn who_asks_for_blobs_and_reads_nothing_takes_little_memory() {
    const PEERS: u8 = 4;
    const EACH_KIB: u64 = 2 * 1024;
    let home = Home::new();
    let node = home.start();
    let added = add(&home, &node, &noise(8 * LEN));
    let mut bystander = Line::dial(&home, &node, &Keypair::from_seed(&[7; 32]));
    bystander.open();
    let before = resident_kib(&node);

    let peers: Vec<Line> = (0..PEERS)
        .map(|n| {
            let mut peer = Line::dial(&home, &node, &Keypair::from_seed(&[100 + n; 32]));
            peer.open();
            for _ in 0..50 {
                peer.peer.call(&["blobs", "get"], Kind::Source, &format!("[\"{added}\"]")).unwrap();
            }
            peer.push();
            peer
        })
        .collect();

    let (begun, mut most) = (Instant::now(), 0);
    while begun.elapsed() < Duration::from_secs(2) {
        assert!(bystander.call("manifest").is_ok());
        most = most.max(resident_kib(&node).saturating_sub(before));
    }
    assert!(most < u64::from(PEERS) * EACH_KIB, "{most} KiB for {PEERS} peers");
    drop(peers);
    node.stop();
}

#[test]
fn who_adds_blobs_and_never_ends_them_takes_little_memory_and_leaves_nothing() {
    let home = Home::new();
    let node = home.start();
    let me = ssb_keys::secret_file::load(&home.file("secret")).unwrap();
    let mut line = Line::dial(&home, &node, &me);
    line.open();
    let before = resident_kib(&node);

    let piece = noise(64 * 1024);
    let adds: Vec<_> =
        (0..64).map(|_| line.peer.call(&["blobs", "add"], Kind::Sink, "[]").unwrap()).collect();
    for _ in 0..8 {
        for add in &adds {
            line.peer.item(*add, Body::Binary(&piece));
            assert!(line.push());
        }
    }
    let one_more = line.end(&["blobs", "add"], Kind::Sink, "[]");

    assert_eq!(one_more, Err("a connection adds at most 64 blobs at once".to_owned()));
    let most = resident_kib(&node).saturating_sub(before);
    assert!(most < 8 * 1024, "{most} KiB for 32 MiB");
    assert_eq!(fs::read_dir(home.file("blobs/tmp")).unwrap().count(), 64);
    drop(line);
    let begun = Instant::now();
    while fs::read_dir(home.file("blobs/tmp")).unwrap().count() > 0 {
        assert!(begun.elapsed() < super::home::PATIENCE, "what is given up stays");
        std::thread::yield_now();
    }
    assert_eq!(home.answer(&node, &["blobs.ls"]), "");
    node.stop();
}

#[test]
fn what_a_killed_node_was_writing_is_gone_when_it_starts_again() {
    let home = Home::new();
    let node = home.start();
    let kept = add(&home, &node, b"kept");
    let me = ssb_keys::secret_file::load(&home.file("secret")).unwrap();
    let mut line = Line::dial(&home, &node, &me);
    line.open();
    let add = line.peer.call(&["blobs", "add"], Kind::Sink, "[]").unwrap();
    line.peer.item(add, Body::Binary(b"half of it"));
    while fs::read_dir(home.file("blobs/tmp")).unwrap().count() == 0 {
        assert!(line.call("whoami").is_ok());
    }
    node.kill();

    let node = home.start();

    assert_eq!(fs::read_dir(home.file("blobs/tmp")).unwrap().count(), 0);
    assert_eq!(home.answer(&node, &["blobs.ls"]), format!("\"{kept}\"\n\n"));
    node.stop();
}

impl Line {
    /// Reads a source to its end: its bytes, or the error that ended it.
    fn read(&mut self, path: &[&str], args: &str) -> Result<Vec<u8>, String> {
        let (mut bytes, call) = (Vec::new(), self.peer.call(path, Kind::Source, args).unwrap());
        loop {
            self.turn();
            while let Some(event) = self.peer.poll() {
                match event {
                    PeerEvent::Item { request, body, .. } if request == call => bytes.extend_from_slice(body),
                    PeerEvent::StreamEnded { request, error } if request == call => {
                        return error.map_or(Ok(bytes), |error| Err(error.message().to_owned()));
                    }
                    PeerEvent::Ended(result) => panic!("the connection ended: {result:?}"),
                    _ => {}
                }
            }
        }
    }

    /// How a call of any kind ends that nothing more is done with.
    fn end(&mut self, path: &[&str], kind: Kind, args: &str) -> Result<(), String> {
        let call = self.peer.call(path, kind, args).unwrap();
        loop {
            self.turn();
            while let Some(event) = self.peer.poll() {
                match event {
                    PeerEvent::Failed { request, error } if request == call => {
                        return Err(error.message().to_owned());
                    }
                    PeerEvent::StreamEnded { request, error } if request == call => {
                        return error.map_or(Ok(()), |error| Err(error.message().to_owned()));
                    }
                    PeerEvent::Answered { request, .. } if request == call => return Ok(()),
                    PeerEvent::Ended(result) => panic!("the connection ended: {result:?}"),
                    _ => {}
                }
            }
        }
    }
}
