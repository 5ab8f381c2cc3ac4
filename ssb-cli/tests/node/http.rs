//! Blobs over HTTP: to whom, in which parts, and what is not served.

use std::fs;
use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpListener;
use std::net::TcpStream;

use ssb_keys::BlobId;
use ssb_keys::hash::sha256;

use super::home::Home;
use super::home::Node;
use super::home::PATIENCE;
use super::home::refusal;
use super::home::text;

/// An answer.
struct Answer {
    status: String,
    fields: String,
    body: Vec<u8>,
}

impl Answer {
    fn field(&self, name: &str) -> Option<&str> {
        self.fields.split("\r\n").find_map(|field| field.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// A node that serves blobs over HTTP at some port.
fn start(home: &Home, words: &[&str]) -> Node {
    home.start_with(&[&["--serveBlobs.port", "0"], words].concat())
}

fn connect(node: &Node) -> TcpStream {
    let place = node.blobs.as_deref().unwrap().strip_prefix("http://").unwrap();
    let stream = TcpStream::connect(place.split('/').next().unwrap()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Sends a request, and reads until the connection ends.
fn ask(node: &Node, request: &str) -> Answer {
    let mut stream = connect(node);
    stream.write_all(request.replace('\n', "\r\n").as_bytes()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let at = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let body = bytes.split_off(at + 4);
    let head = String::from_utf8(bytes).unwrap();
    let (status, fields) = head.split_once("\r\n").unwrap();
    let status = status.strip_prefix("HTTP/1.1 ").unwrap();
    Answer { status: status.to_owned(), fields: fields.to_owned(), body }
}

fn get(node: &Node, id: &str, fields: &str) -> Answer {
    let id = id.replace('&', "%26").replace('/', "%2F");
    ask(node, &format!("GET /blobs/get/{id} HTTP/1.1\nHost: localhost\nConnection: close\n{fields}\n"))
}

fn add(home: &Home, node: &Node, bytes: &[u8]) -> String {
    fs::write(home.beside("file"), bytes).unwrap();
    home.answer(node, &["blobs.add", home.beside("file").to_str().unwrap()]).trim_end().to_owned()
}

fn noise(len: usize) -> Vec<u8> {
    (0_u64..).flat_map(|n| sha256(&n.to_le_bytes())).take(len).collect()
}

#[test]
fn a_blob_is_served_whole_in_part_and_by_its_head() {
    let home = Home::new();
    let node = start(&home, &[]);
    let bytes = noise(500_000);
    let id = add(&home, &node, &bytes);

    let whole = get(&node, &id, "");
    assert_eq!((whole.status.as_str(), whole.body == bytes), ("200 OK", true));
    assert_eq!(whole.field("Content-Type"), Some("application/octet-stream"));
    assert_eq!(whole.field("X-Content-Type-Options"), Some("nosniff"));
    assert!(whole.field("Content-Security-Policy").unwrap().ends_with("; sandbox"));

    let part = get(&node, &id, "Range: bytes=70000-399999\n");
    assert_eq!((part.status.as_str(), part.body == bytes[70_000..400_000]), ("206 Partial Content", true));
    assert_eq!(part.field("Content-Range"), Some("bytes 70000-399999/500000"));
    assert_eq!(get(&node, &id, "Range: bytes=500000-\n").status, "416 Range Not Satisfiable");
    assert_eq!(get(&node, &id, &format!("If-None-Match: \"{id}\"\n")).status, "304 Not Modified");

    let head = ask(&node, &format!("HEAD /get/{id} HTTP/1.1\nHost: localhost\nConnection: close\n\n"));
    assert_eq!((head.status.as_str(), head.body.len()), ("200 OK", 0));
    assert_eq!(head.field("Content-Length"), Some("500000"));
    node.stop();
}

#[test]
fn one_connection_serves_many_requests_however_they_are_cut() {
    let home = Home::new();
    let node = start(&home, &[]);
    let id = add(&home, &node, b"hello");
    let request = format!("GET /blobs/get/{id} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let last = request.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    let mut stream = connect(&node);

    let wire = [request.as_str(), &request, &last].concat();
    for piece in wire.as_bytes().chunks(7) {
        stream.write_all(piece).unwrap();
    }

    let mut answers = String::new();
    stream.read_to_string(&mut answers).unwrap();
    assert_eq!(answers.matches("HTTP/1.1 200 OK\r\n").count(), 3);
    assert_eq!(answers.matches("\r\n\r\nhello").count(), 3);
    node.stop();
}

#[test]
fn what_is_not_here_is_not_looked_for_and_nothing_but_blobs_is_served() {
    let home = Home::new();
    let node = start(&home, &[]);
    let published = home.answer(&node, &["publish", "--type", "post", "--text", "hello"]);
    let message = published.split('"').nth(3).unwrap();
    assert!(message.starts_with('%'), "{published}");
    let nothing = BlobId::from_bytes([7; 32]).to_string();

    for path in [
        format!("/blobs/get/{nothing}"),
        format!("/msg/{message}"),
        "/".to_owned(),
        "/img/emoji/x".to_owned(),
    ] {
        let path = path.replace('%', "%25");
        let answer = ask(&node, &format!("GET {path} HTTP/1.1\nHost: localhost\nConnection: close\n\n"));
        assert_eq!(answer.status, "404 Not Found", "{path}");
    }
    for path in [format!("/blobs/get/{message}").replace('%', "%25"), "/blobs/get/../../secret".to_owned()] {
        let answer = ask(&node, &format!("GET {path} HTTP/1.1\nHost: localhost\nConnection: close\n\n"));
        assert_eq!(answer.status, "400 Bad Request", "{path}");
    }
    let post = ask(&node, "POST /blobs/add HTTP/1.1\nHost: localhost\nConnection: close\n\n");
    assert_eq!(post.status, "405 Method Not Allowed");
    assert_eq!(fs::read_dir(home.file("blobs/sha256")).unwrap().count(), 0);
    node.stop();
}

#[test]
fn a_page_that_has_its_name_point_here_reads_nothing() {
    let home = Home::new();
    let node = start(&home, &["--serveBlobs.hosts", "blobs.example"]);
    let id = add(&home, &node, b"hello");
    let by = |host: &str| {
        ask(&node, &format!("GET /blobs/get/{id} HTTP/1.1\nHost: {host}\nConnection: close\n\n")).status
    };

    for host in ["localhost:8989", "127.0.0.1", "[::1]:1", "blobs.example"] {
        assert_eq!(by(host), "200 OK", "{host}");
    }
    assert_eq!(by("evil.example"), "403 Forbidden");
    node.stop();
}

#[test]
fn a_sealed_blob_is_opened_with_its_key_and_with_no_other() {
    // What pull-box-stream 1.0.13 makes of 10,000 bytes of 3 under a key of 7, in pieces of 4,096.
    let sealed = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/sealed-blob")).unwrap();
    let home = Home::new();
    let node = start(&home, &[]);
    let id = add(&home, &node, &sealed);
    let cut = add(&home, &node, &sealed[..sealed.len() - 1]);
    let unbox = |id: &str, key: &str| get(&node, &format!("{id}?unbox={key}"), "");
    let key = ssb_keys::base64::encode(&[7; 32]);

    let opened = unbox(&id, &format!("{key}.boxs"));
    assert_eq!((opened.status.as_str(), opened.field("Transfer-Encoding")), ("200 OK", Some("chunked")));
    assert!(dechunked(&opened.body) == Some(vec![3; 10_000]));
    assert_eq!(opened.field("Cache-Control"), Some("private, max-age=31536000, immutable"));

    assert_eq!(unbox(&id, &ssb_keys::base64::encode(&[8; 32])).status, "400 Bad Request");
    assert_eq!(unbox(&id, "x").status, "400 Bad Request");
    // It begins well, and whoever reads it sees that it does not end.
    assert_eq!(dechunked(&unbox(&cut, &key).body), None);
    node.stop();
}

/// What chunks say, if they have an end.
fn dechunked(mut body: &[u8]) -> Option<Vec<u8>> {
    let mut whole = Vec::new();
    loop {
        let at = body.windows(2).position(|two| two == b"\r\n")?;
        let len = usize::from_str_radix(std::str::from_utf8(body.get(..at)?).ok()?, 16).ok()?;
        body = body.get(at + 2..)?;
        if len == 0 {
            return (body == b"\r\n").then_some(whole);
        }
        whole.extend_from_slice(body.get(..len)?);
        body = body.get(len + 2..)?;
    }
}

#[test]
fn a_crowd_that_says_nothing_keeps_others_out_for_a_while_and_costs_little() {
    let home = Home::new();
    let node = start(&home, &[]);
    let id = add(&home, &node, b"hello");
    // As many as there may be.
    let mut crowd: Vec<TcpStream> = (0..64).map(|_| connect(&node)).collect();
    for stream in &mut crowd {
        stream.write_all(b"GET /blobs").unwrap();
    }

    let request = format!("GET /blobs/get/{id} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let served = || {
        let (mut stream, mut answer) = (connect(&node), Vec::new());
        // It may be closed before anything is said.
        let _ = stream.write_all(request.as_bytes());
        let _ = stream.read_to_end(&mut answer);
        answer.ends_with(b"hello")
    };

    assert!(!served());
    for stream in &mut crowd {
        assert_eq!(stream.read(&mut [0; 10]).unwrap(), 0);
    }

    assert!(served());
    node.stop();
}

#[test]
fn who_reads_nothing_of_a_large_blob_costs_little() {
    let home = Home::new();
    let node = start(&home, &[]);
    let id = add(&home, &node, &noise(20_000_000));
    assert_eq!(get(&node, &id, "Range: bytes=0-0\n").body.len(), 1);
    let before = super::greedy::resident_kib(&node);

    let mut readers: Vec<TcpStream> = (0..16).map(|_| connect(&node)).collect();
    for reader in &mut readers {
        let request = format!("GET /blobs/get/{id} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        reader.write_all(request.as_bytes()).unwrap();
        reader.read_exact(&mut [0; 100]).unwrap();
    }
    for _ in 0..10 {
        assert_eq!(get(&node, &id, "Range: bytes=5-9\n").body.len(), 5);
    }

    let most = super::greedy::resident_kib(&node).saturating_sub(before);
    assert!(most < 16 * 512, "{most} KiB for 16 readers");
    node.stop();
}

#[test]
fn a_port_that_another_program_has_matters_only_to_who_asked_for_it() {
    let taken = TcpListener::bind(("localhost", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let home = Home::new();

    let words = ["start", "--host", "127.0.0.1", "--port", "0", "--serveBlobs.port", &port];
    let said = refusal(home.command(&words).spawn().unwrap());
    assert!(said.contains(&format!("cannot listen on http://localhost:{port}")), "{said}");

    let node = home.start_with(&["--no-serveBlobs"]);
    assert_eq!(node.blobs, None);
    let told = node.stop_and_tell();
    assert!(!told.contains("8989"), "{told}");
}

#[test]
fn pages_of_others_may_read_blobs_only_if_the_owner_wants_so() {
    let home = Home::new();
    for (words, allowed) in [(&[][..], None), (&["--serveBlobs.cors"], Some("*"))] {
        let node = start(&home, words);
        let id = add(&home, &node, b"<script>alert(1)</script>");

        let answer = get(&node, &id, "Origin: https://evil.example\n");

        assert_eq!(answer.field("Access-Control-Allow-Origin"), allowed);
        assert_eq!(answer.field("Content-Type"), Some("text/plain; charset=utf-8"));
        assert_eq!(text(&answer.body), "<script>alert(1)</script>");
        node.stop();
    }
}
