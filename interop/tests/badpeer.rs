//! Peers that behave badly lose their connection; nobody else notices, and memory stays where it was.

use std::fs;
use std::io::ErrorKind;
use std::io::Read;
use std::io::Write;
use std::net::Shutdown;
use std::net::TcpListener;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use interop::Client;
use interop::Lab;
use interop::Node;
use interop::PATIENCE;
use interop::Process;
use interop::javascript;
use interop::json;
use interop::random;
use serde_json::Value;

#[test]
fn a_client_of_another_network_is_turned_away() {
    let mut scene = Scene::start();

    let dials = scene.rude("dial", &[("--shs", OTHER_NETWORK), ("--times", "5")]);
    for _ in 0..5 {
        dials
            .find_line("refusal", |line| json(line).get("error").is_some_and(Value::is_string).then_some(()));
    }

    scene.assert_others_are_served();
}

#[test]
fn garbage_closes_the_connection() {
    let mut scene = Scene::start();
    let noise: Vec<u8> = (0..1 << 17).flat_map(|_| random().to_le_bytes()).collect();

    for len in [64, 65, 4096, noise.len()] {
        let mut stream = scene.connect();
        // The node may hang up before it has read all; then writing fails, which is as good.
        let _ = stream.write_all(noise.get(..len).expect("there is that much noise"));
        scene.assert_hangs_up(stream, "garbage");
    }
    for text in ["GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "\0", ""] {
        let mut stream = scene.connect();
        let _ = stream.write_all(text.as_bytes());
        let _ = stream.shutdown(Shutdown::Write);
        scene.assert_hangs_up(stream, "a text that is no handshake");
    }

    scene.assert_others_are_served();
}

#[test]
fn a_handshake_may_be_cut_at_every_byte() {
    let mut scene = Scene::start();
    let node = scene.node.address().to_owned();
    let (target, key) =
        node.strip_prefix("net:").and_then(|net| net.split_once("~shs:")).expect("an address");
    // Between the real client and the node stands a cable that breaks after 0, 1, 2, ... bytes.
    let cable = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let port = cable.local_addr().expect("it is bound").port();
    let target = target.to_owned();
    let cutter = thread::spawn(move || {
        for cut in 0..HANDSHAKE_LEN {
            let (client, _) = cable.accept().expect("the client dials again");
            break_after(cut, client, &target);
        }
    });
    let address = format!("net:127.0.0.1:{port}~shs:{key}");

    let dials = scene.rude("dial", &[("--addr", &address), ("--times", &HANDSHAKE_LEN.to_string())]);
    for cut in 0..HANDSHAKE_LEN {
        dials.find_line("end of a dial", |line| {
            let line = json(line);
            assert_eq!(line.get("dial"), Some(&cut.into()));
            assert!(line.get("error").is_some_and(Value::is_string), "{cut} bytes made a connection");
            Some(())
        });
    }

    cutter.join().expect("the cable broke as told");
    scene.assert_others_are_served();
}

#[test]
fn low_order_keys_are_refused() {
    let mut scene = Scene::start();

    for key in LOW_ORDER_KEYS {
        let hello = scene.rude("hello", &[("--hex", key)]);
        let received = hello.find_line("end", |line| json(line).get("received").cloned());
        assert_eq!(received, 0, "{key}: the node answered");
    }

    scene.assert_others_are_served();
}

#[test]
fn a_slow_drip_is_cut_off_and_costs_little() {
    let mut scene = Scene::start();
    let before = scene.resident_kib();
    let mut drips: Vec<TcpStream> = (0..CONNECTIONS).map(|_| scene.connect()).collect();
    let start = Instant::now();

    // A byte now and then, never enough for the first message of the handshake.
    let mut peak = before;
    while !drips.is_empty() {
        assert!(start.elapsed() < PATIENCE, "{} drips are still connected", drips.len());
        drips.retain_mut(|stream| stream.write_all(b"\0").is_ok() && !is_closed(stream));
        peak = peak.max(scene.resident_kib());
        scene.assert_others_are_served();
        thread::sleep(DRIP);
    }

    let growth = peak.saturating_sub(before);
    assert!(growth < 1024 * CONNECTIONS as u64, "{CONNECTIONS} connections took {growth} KiB");
}

#[test]
fn a_packet_of_four_gibibytes_closes_the_connection() {
    let mut scene = Scene::start();
    let before = scene.resident_kib();

    for header in ["02ffffffff00000001", "0affffffff00000001", "00ffffffffffffffff"] {
        let stranger = scene.rude("frame", &[("--hex", header)]);
        stranger.find_line("hang-up", |line| json(line).get("closed").map(|_| ()));
    }

    let growth = scene.resident_kib().saturating_sub(before);
    assert!(growth < 16 * 1024, "announcing a body took {growth} KiB");
    scene.assert_others_are_served();
}

/// Our node and somebody who is connected all the time.
struct Scene {
    bystander: Client,
    node: Node,
    lab: Lab,
}

impl Scene {
    fn start() -> Self {
        let lab = Lab::new();
        let node = lab.ours("ours", &[]);
        Self { bystander: lab.client(&node), node, lab }
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(format!("127.0.0.1:{}", self.node.port())).expect("the node accepts")
    }

    /// Runs `js/rude.js`; options given here win over the node's address and network.
    fn rude(&self, mode: &str, options: &[(&str, &str)]) -> Process {
        let mut command = self.lab.tame(javascript("rude.js"));
        command.arg(mode);
        for (name, value) in [("--addr", self.node.address()), ("--shs", self.lab.shs())] {
            if !options.iter().any(|(given, _)| *given == name) {
                command.args([name, value]);
            }
        }
        for (name, value) in options {
            command.args([name, value]);
        }
        Process::start("rude peer", &mut command)
    }

    #[track_caller]
    fn assert_others_are_served(&mut self) {
        assert!(self.node.process().is_running(), "the node died");
        let id = format!(r#"{{"id":"{}"}}"#, self.node.id());
        assert_eq!(self.bystander.call("whoami", "[]"), Ok(id));
    }

    #[track_caller]
    fn assert_hangs_up(&self, mut stream: TcpStream, after: &str) {
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
        let mut answer = Vec::new();
        let end = stream.read_to_end(&mut answer).map_err(|error| error.kind());
        assert!(
            matches!(end, Ok(_) | Err(ErrorKind::ConnectionReset)),
            "after {after} the node neither answered nor hung up: {end:?}"
        );
        assert_eq!(answer, b"", "the node answered {after}");
    }

    /// Resident memory of the node.
    #[track_caller]
    fn resident_kib(&mut self) -> u64 {
        let status = format!("/proc/{}/status", self.node.process().id());
        let status = fs::read_to_string(status).expect("this test needs Linux");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("the node has memory");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }
}

/// Passes on `cut` bytes of what the client says, and all of what the node says, then breaks both ends.
fn break_after(cut: usize, mut client: TcpStream, target: &str) {
    let mut node = TcpStream::connect(target).expect("the node accepts");
    let (mut answers, mut back) =
        (node.try_clone().expect("a handle"), client.try_clone().expect("a handle"));
    let returning = thread::spawn(move || std::io::copy(&mut answers, &mut back));
    let mut passed = vec![0; cut];
    client.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    let mut rest = passed.as_mut_slice();
    while !rest.is_empty() {
        let count = client.read(rest).expect("the client goes on");
        assert!(count > 0, "the client hung up before {cut} bytes");
        let (now, later) = rest.split_at_mut(count);
        node.write_all(now).expect("the node listens");
        rest = later;
    }
    let _ = node.shutdown(Shutdown::Both);
    let _ = client.shutdown(Shutdown::Both);
    let _ = returning.join();
}

fn is_closed(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).expect("a mode can be set");
    let closed = match stream.peek(&mut [0]) {
        Ok(count) => count == 0,
        Err(error) => error.kind() != ErrorKind::WouldBlock,
    };
    stream.set_nonblocking(false).expect("a mode can be set");
    closed
}

/// The client's two messages of the handshake, 64 and 112 bytes.
const HANDSHAKE_LEN: usize = 64 + 112;

const CONNECTIONS: usize = 50;

/// Between two bytes of a drip: 64 of them take longer than the five seconds a handshake may take.
const DRIP: Duration = Duration::from_millis(250);

const OTHER_NETWORK: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

/// Points of X25519 whose product with anything is zero: 0, 1, two of order eight, and p - 1.
const LOW_ORDER_KEYS: [&str; 5] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];
