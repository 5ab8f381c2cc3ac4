//! A peer that is there is heard, and one that is not is given up.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail tests")]

mod common;

use ssb_gossip::connection::ConnectionId;
use ssb_gossip::peer::PeerError;
use ssb_gossip::ping::ALIVE_WITHIN;
use ssb_gossip::ping::LATE_AFTER;
use ssb_gossip::ping::PAUSE;
use ssb_gossip::ping::PingStreams;
use ssb_muxrpc::Body;
use ssb_muxrpc::Kind;

use common::Line;
use common::Told;
use common::at;

/// When a peer that was heard at 0 is pinged out of turn.
const LATE: u64 = PAUSE.as_secs() + LATE_AFTER.as_secs();

/// A connection, and the pings of its first end.
fn open() -> (Line, PingStreams) {
    (Line::open(), PingStreams::new(ConnectionId(1), PAUSE))
}

/// Lets time pass at the first end, and tells what that end says of it.
fn tick(line: &mut Line, pings: &mut PingStreams, seconds: u64) -> Vec<Told> {
    assert!(pings.deadline(&line.ends[0].peer).is_some_and(|deadline| deadline <= at(seconds).uptime));
    pings.tick(&mut line.ends[0].peer, at(seconds));
    line.ends[0].listen();
    line.ends[0].news()
}

#[test]
fn a_peer_of_which_nothing_is_heard_is_pinged_and_then_given_up() {
    let (mut line, mut pings) = open();

    assert_eq!(tick(&mut line, &mut pings, LATE), []);
    let wire = line.ends[0].write_all();
    assert!(!wire.is_empty(), "it is asked");
    // Whatever else is written into a connection that was lost says nothing.
    line.ends[0].peer.call(&["ask"], Kind::Async, "[]").unwrap();
    line.ends[0].write_all();

    let over = LATE + ALIVE_WITHIN.as_secs();
    let told = tick(&mut line, &mut pings, over);
    assert_eq!(told.last(), Some(&Told::Ended(Err(PeerError::Silent))), "{told:?}");
}

#[test]
fn a_peer_that_says_anything_is_there() {
    let (mut line, mut pings) = open();
    tick(&mut line, &mut pings, LATE);
    let wire = line.ends[0].write_all();
    line.ends[1].read(&wire);
    line.ends[1].news();

    // It does not know pings, and says so a little later.
    let wire = line.ends[1].write_all();
    assert!(!wire.is_empty());
    line.ends[0].peer.space()[..wire.len()].copy_from_slice(&wire);
    line.ends[0].peer.filled(wire.len(), at(LATE + 1));
    line.ends[0].listen();

    let deadline = pings.deadline(&line.ends[0].peer);
    assert_eq!(deadline, Some(at(LATE + 1).uptime.after(PAUSE).after(LATE_AFTER)));
    let told = tick(&mut line, &mut pings, 2 * LATE + 1);
    assert!(!told.iter().any(|told| matches!(told, Told::Ended(_))), "{told:?}");
}

#[test]
fn who_reads_and_is_heard_is_never_pinged_out_of_turn() {
    let (mut line, pings) = open();
    let call = line.ends[1].peer.call(&["both"], Kind::Duplex, "[]").unwrap();
    line.ends[1].peer.item(call, Body::Json("1"));
    let wire = line.ends[1].write_all();
    line.ends[0].peer.space()[..wire.len()].copy_from_slice(&wire);
    line.ends[0].peer.filled(wire.len(), at(1_000));
    line.ends[0].listen();

    let deadline = pings.deadline(&line.ends[0].peer);
    assert_eq!(deadline, Some(at(1_000).uptime.after(PAUSE).after(LATE_AFTER)));
}
