//! Strangers who connect and say nothing keep nobody out; and so many connections are open at once.

use std::io::ErrorKind;
use std::io::Read as _;
use std::net::Ipv4Addr;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;
use std::time::Instant;

use ssb_keys::Keypair;

use super::home::Home;
use super::home::PATIENCE;
use super::line::Line;

/// How many strangers come.
const CROWD: usize = 1_000;

/// Whoever was turned away is let go after so many more: a process may not have a thousand files open.
const TURN: usize = 100;

/// How many connections a node has at once.
const CONNECTIONS_MAX: usize = 512;

#[test]
fn a_crowd_of_half_open_handshakes_keeps_nobody_out_and_nobody_who_is_in_notices() {
    let home = Home::new();
    let node = home.start();
    let mut before = Line::dial(&home, &node, &Keypair::from_seed(&[7; 32]));
    before.open();

    let mut crowd = Vec::new();
    for number in 1..=CROWD {
        crowd.push(TcpStream::connect((Ipv4Addr::LOCALHOST, node.port)).unwrap());
        if number % TURN == 0 {
            crowd.retain_mut(|stranger| !is_turned_away(stranger));
        }
    }
    let mut after = Line::dial(&home, &node, &Keypair::from_seed(&[8; 32]));
    after.open();

    for line in [&mut before, &mut after] {
        assert!(line.call("manifest").is_ok_and(|manifest| manifest.contains("gossip")));
    }
    assert!(!crowd.is_empty(), "there was no crowd");
    drop(crowd);
    assert!(node.stop().success());
}

#[test]
fn so_many_connections_are_open_at_once_and_the_end_of_one_makes_room() {
    let home = Home::new();
    let node = home.start();
    // One of the owner's needs no handshake.
    let connect = || UnixStream::connect(home.file("socket")).unwrap();
    let mut all: Vec<UnixStream> = (0..CONNECTIONS_MAX).map(|_| connect()).collect();

    assert!(ends_within(connect(), PATIENCE), "it is one too many");
    assert!(
        !ends_within(all.pop().unwrap(), Duration::from_millis(100)),
        "those who are here notice nothing"
    );

    let begun = Instant::now();
    while ends_within(connect(), Duration::from_millis(100)) {
        assert!(begun.elapsed() < PATIENCE, "one has ended, and there is no room");
    }
    drop(all);
    assert!(node.stop().success());
}

fn is_turned_away(stranger: &mut TcpStream) -> bool {
    stranger.set_nonblocking(true).unwrap();
    let read = stranger.read(&mut [0]);
    stranger.set_nonblocking(false).unwrap();
    !matches!(read, Err(error) if error.kind() == ErrorKind::WouldBlock)
}

/// Whether the node ends a connection within that time. It says nothing on it.
fn ends_within(mut stream: UnixStream, time: Duration) -> bool {
    stream.set_read_timeout(Some(time)).unwrap();
    stream.read(&mut [0]).is_ok()
}
