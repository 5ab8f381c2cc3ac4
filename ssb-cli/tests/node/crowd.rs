//! Strangers who connect and say nothing keep nobody out.

use std::net::Ipv4Addr;
use std::net::TcpStream;

use ssb_keys::Keypair;

use super::home::Home;
use super::line::Line;

/// More than a node takes at once, and fewer than a process may have files open.
const CROWD: usize = 800;

#[test]
fn a_crowd_of_half_open_handshakes_keeps_nobody_out_and_nobody_who_is_in_notices() {
    let home = Home::new();
    let node = home.start();
    let mut before = Line::dial(&home, &node, &Keypair::from_seed(&[7; 32]));
    before.open();

    let connect = |_| TcpStream::connect((Ipv4Addr::LOCALHOST, node.port)).unwrap();
    let crowd: Vec<TcpStream> = (0..CROWD).map(connect).collect();
    let mut after = Line::dial(&home, &node, &Keypair::from_seed(&[8; 32]));
    after.open();

    for line in [&mut before, &mut after] {
        assert!(line.call("manifest").is_ok_and(|manifest| manifest.contains("gossip")));
    }
    drop(crowd);
    assert!(node.stop().success());
}
