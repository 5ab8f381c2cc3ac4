//! The client against a node of a few methods, over loopback.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail tests")]

use std::io;
use std::io::Read;
use std::net::TcpListener;
use std::ops::ControlFlow;
use std::thread;
use std::time::Duration;

use ssb_gossip::peer::PeerError;
use ssb_keys::Keypair;
use ssb_keys::network::NetworkKey;
use ssb_muxrpc::RemoteError;
use ssb_muxrpc::session;
use ssb_node::client::Answer;
use ssb_node::client::CallError;
use ssb_node::client::Client;
use ssb_node::client::ConnectError;
use ssb_node::testing;

const TIMEOUT: Duration = Duration::from_secs(20);
const NETWORK: NetworkKey = NetworkKey::from_bytes([9; 32]);

fn node_key() -> Keypair {
    Keypair::from_seed(&[1; 32])
}

fn start() -> u16 {
    testing::start(node_key(), NETWORK).unwrap()
}

fn dial(port: u16, host: &str) -> Client {
    Client::connect_net(host, port, &NETWORK, &node_key(), node_key().id(), TIMEOUT).unwrap()
}

fn json(text: &str) -> Answer {
    Answer::Json(text.into())
}

fn collect(client: &mut Client, path: &[&str], args: &str) -> (Vec<Answer>, Result<(), CallError>) {
    let mut items = Vec::new();
    let result = client.source(path, args, |item| {
        items.push(item);
        ControlFlow::Continue(())
    });
    (items, result)
}

#[test]
fn a_call_is_answered() {
    let mut client = dial(start(), "127.0.0.1");

    assert_eq!(client.call(&["whoami"], "[]"), Ok(json(&format!(r#"{{"id":"{}"}}"#, node_key().id()))));
    assert_eq!(client.call(&["echo"], r#"[{"b":1,"a":2}]"#), Ok(json(r#"[{"b":1,"a":2}]"#)));
    client.close();
}

#[test]
fn localhost_is_either_loopback() {
    let mut client = dial(start(), "localhost");

    assert_eq!(client.call(&["echo"], "[1]"), Ok(json("[1]")));
}

#[test]
fn a_method_s_error_is_told_and_the_connection_stays() {
    let mut client = dial(start(), "127.0.0.1");

    assert_eq!(client.call(&["fail"], "[]"), Err(CallError::Remote(RemoteError::new("it failed"))));
    let unknown = client.call(&["no", "such"], "[]");
    assert_eq!(unknown, Err(CallError::Remote(RemoteError::new("no async:no,such"))));
    assert_eq!(client.call(&["echo"], "[1]"), Ok(json("[1]")));
}

#[test]
fn arguments_that_are_no_array_are_refused_here() {
    let mut client = dial(start(), "127.0.0.1");

    let refused = Err(CallError::Call(session::CallError::BadArgs));
    assert_eq!(client.call(&["echo"], "{}"), refused);
    assert_eq!(client.call(&["echo"], "[1"), refused);
}

#[test]
fn items_of_a_source_come_in_order() {
    let mut client = dial(start(), "127.0.0.1");

    let (items, result) = collect(&mut client, &["createLogStream"], r#"["x"]"#);

    assert_eq!(items, [json(r#"["x"]"#), json("1"), json("2.50")]);
    assert_eq!(result, Ok(()));
}

#[test]
fn bytes_stay_bytes() {
    let mut client = dial(start(), "127.0.0.1");

    let (items, result) = collect(&mut client, &["pieces"], "[]");

    assert_eq!(items, [Answer::Binary(b"a piece, ".into()), Answer::Binary(b"and another".into())]);
    assert_eq!(result, Ok(()));
}

#[test]
fn a_source_that_ends_badly_says_so_after_its_items() {
    let mut client = dial(start(), "127.0.0.1");

    let (items, result) = collect(&mut client, &["broken"], "[]");

    assert_eq!(items, [json("1")]);
    assert_eq!(result, Err(CallError::Remote(RemoteError::new("it broke"))));
}

#[test]
fn a_source_nobody_wants_any_more_leaves_the_connection_usable() {
    let mut client = dial(start(), "127.0.0.1");

    let result = client.source(&["createLogStream"], "[]", |_| ControlFlow::Break(()));

    assert_eq!(result, Ok(()));
    assert_eq!(client.call(&["echo"], "[1]"), Ok(json("[1]")));
}

#[test]
fn a_sink_is_fed_to_the_end() {
    let mut client = dial(start(), "127.0.0.1");
    let input = vec![5; 1_000_000];

    assert_eq!(client.sink(&["blobs", "add"], "[]", &mut input.as_slice()), Ok(()));
    assert_eq!(client.call(&["echo"], "[1]"), Ok(json("[1]")));
}

#[test]
fn a_sink_that_refuses_ends_early() {
    let mut client = dial(start(), "127.0.0.1");

    let result = client.sink(&["blobs", "refuse"], "[]", &mut io::repeat(1));

    assert_eq!(result, Err(CallError::Remote(RemoteError::new("no room"))));
}

#[test]
fn input_that_cannot_be_read_is_told() {
    struct Unreadable;
    impl Read for Unreadable {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::PermissionDenied.into())
        }
    }
    let mut client = dial(start(), "127.0.0.1");

    let result = client.sink(&["blobs", "add"], "[]", &mut Unreadable);

    assert_eq!(result, Err(CallError::Input(io::ErrorKind::PermissionDenied)));
}

#[test]
fn a_node_that_hangs_up_ends_the_call() {
    let mut client = dial(start(), "127.0.0.1");

    let ended = Err(CallError::Ended(PeerError::HungUp));
    assert_eq!(client.call(&["hangup"], "[]"), ended);
    assert!(client.call(&["echo"], "[]").is_err());
}

#[test]
fn another_network_is_told_from_another_key() {
    let port = start();
    let me = node_key();
    let other = Keypair::from_seed(&[2; 32]);
    let connect = |network, server| Client::connect_net("127.0.0.1", port, &network, &me, server, TIMEOUT);

    assert_eq!(connect(NetworkKey::MAIN, me.id()).unwrap_err(), ConnectError::NoAnswer);
    assert_eq!(connect(NETWORK, other.id()).unwrap_err(), ConnectError::Rejected);
}

#[test]
fn nobody_there_is_told() {
    // The port was free a moment ago.
    let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();

    let me = node_key();
    for host in ["127.0.0.1", "localhost"] {
        let refused = Client::connect_net(host, port, &NETWORK, &me, me.id(), TIMEOUT).unwrap_err();
        assert_eq!(refused, ConnectError::Unreachable(io::ErrorKind::ConnectionRefused));
    }
}

#[test]
fn somebody_silent_is_given_up_in_time() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();

    let me = node_key();
    let timeout = Duration::from_millis(50);
    let result = Client::connect_net("127.0.0.1", port, &NETWORK, &me, me.id(), timeout);

    assert_eq!(result.unwrap_err(), ConnectError::TimedOut);
}

#[test]
fn somebody_who_speaks_something_else_is_told() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = thread::spawn(move || {
        use std::io::Write as _;
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(&[b'x'; 100]).unwrap();
        // Until the client is gone.
        let _ = stream.read(&mut [0; 200]).and_then(|_| stream.read(&mut [0; 1]));
    });

    let me = node_key();
    let result = Client::connect_net("127.0.0.1", port, &NETWORK, &me, me.id(), TIMEOUT);

    assert_eq!(result.unwrap_err(), ConnectError::NoAnswer);
    server.join().unwrap();
}

#[cfg(unix)]
#[test]
fn a_unix_socket_needs_no_handshake() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let missing = Client::connect_unix(&path, node_key().id()).unwrap_err();
    assert_eq!(missing, ConnectError::Unreachable(io::ErrorKind::NotFound));

    testing::start_unix(node_key(), &path).unwrap();
    let mut client = Client::connect_unix(&path, node_key().id()).unwrap();

    assert_eq!(client.call(&["echo"], "[1]"), Ok(json("[1]")));
    client.close();
}
