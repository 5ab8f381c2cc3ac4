//! How a node stops, and what does not keep it from it.

use std::fs;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::time::Duration;

use super::home::Home;
use super::home::Node;
use super::home::wait;

#[test]
fn either_signal_stops_it_cleanly() {
    for signal in ["TERM", "INT"] {
        let home = Home::new();

        let status = home.start().stop_by(signal);

        assert_eq!(status.code(), Some(0), "{signal}");
        assert!(!home.file("socket").exists(), "{signal}");
    }
}

#[test]
fn connections_that_are_open_do_not_keep_it() {
    let home = Home::new();
    let node = home.start();
    let _silent = TcpStream::connect((Ipv4Addr::LOCALHOST, node.port)).unwrap();
    let mut live = home.live(&node);

    assert_eq!(node.stop().code(), Some(0));
    wait(&mut live);
}

#[test]
fn a_dial_that_nobody_answers_does_not_keep_it() {
    let home = Home::new();
    let node = home.start();
    let deaf = Deaf::new();
    let port = node.port.to_string();
    let key = "A".repeat(43);
    let address = format!("net:127.0.0.1:{}~shs:{key}=", deaf.address.port());
    let words = ["gossip.connect", &address, "--host", "127.0.0.1", "--port", &port];
    let mut dialing = home.command(&words).spawn().unwrap();
    // It is under way once the node has more connections open than those of the call.
    while sockets(&node) < 2 {
        std::thread::yield_now();
    }

    assert_eq!(node.stop().code(), Some(0));
    wait(&mut dialing);
}

/// A listener whose queue is full: connecting takes for ever.
struct Deaf {
    address: SocketAddr,
    _listener: TcpListener,
    _queued: Vec<TcpStream>,
}

impl Deaf {
    fn new() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(300)).ok();
        let queued = std::iter::from_fn(connect).collect();
        Self { address, _listener: listener, _queued: queued }
    }
}

/// How many TCP connections of a node are open or opening.
fn sockets(node: &Node) -> usize {
    let table = fs::read_to_string(format!("/proc/{}/net/tcp", node.pid())).unwrap();
    let of_node: Vec<String> = fs::read_dir(format!("/proc/{}/fd", node.pid()))
        .unwrap()
        .filter_map(|entry| fs::read_link(entry.unwrap().path()).ok())
        .filter_map(|link| Some(link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    let fields = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    // State 0A is a listener.
    let is_counted = |fields: &Vec<String>| {
        fields.get(3).is_some_and(|state| state != "0A")
            && fields.get(9).is_some_and(|inode| of_node.contains(inode))
    };
    table.lines().map(fields).filter(is_counted).count()
}

#[test]
fn it_runs_on_when_nobody_reads_what_it_says() {
    let home = Home::new();
    let mut node = home.start_with(&["--logging.level", "info"]);
    drop(node.child.stderr.take());

    assert!(home.answer(&node, &["whoami"]).contains("ed25519"));
    assert!(home.answer(&node, &["publish", "--type", "post"]).contains("\"sequence\": 1"));

    assert_eq!(node.stop().code(), Some(0));
}
