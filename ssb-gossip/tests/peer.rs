//! One connection at its public API: how it begins, what it carries, how it ends.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail tests")]

mod common;

use std::time::Duration;

use common::End;
use common::Line;
use common::METHODS;
use common::ROLE;
use common::Told;
use common::Welcome;
use common::accepting;
use common::alice;
use common::at;
use common::bob;
use common::dialing;
use ssb_boxstream::OpenError;
use ssb_gossip::peer::GOODBYE_TIMEOUT;
use ssb_gossip::peer::HANDSHAKE_TIMEOUT;
use ssb_gossip::peer::INACTIVITY_TIMEOUT;
use ssb_gossip::peer::Peer;
use ssb_gossip::peer::PeerError;
use ssb_gossip::peer::READ_LEN;
use ssb_gossip::peer::SEALED_LEN_MAX;
use ssb_gossip::peer::Timeouts;
use ssb_gossip::time::Uptime;
use ssb_keys::Keypair;
use ssb_keys::network::NetworkKey;
use ssb_muxrpc::Body;
use ssb_muxrpc::Kind;
use ssb_muxrpc::ProtocolError;
use ssb_muxrpc::RemoteError;
use ssb_muxrpc::RequestId;
use ssb_muxrpc::encode;
use ssb_muxrpc::limits::ITEM_LEN_MAX;
use ssb_muxrpc::limits::OUTBOX_LEN_MAX;
use ssb_muxrpc::packet::Packet;
use ssb_muxrpc::session::CallError;
use ssb_shs::ACCEPT_LEN;
use ssb_shs::AUTH_LEN;
use ssb_shs::HELLO_LEN;
use ssb_shs::HandshakeError;

/// What may stand in the buffers of somebody who has proven nothing; the promise is 1 MiB.
const STRANGERS_MEMORY_MAX: usize = 2048;

// How a connection begins.

#[test]
fn both_ends_learn_who_the_other_is() {
    let mut line = Line::new(dialing(bob().id()), accepting(), &[]);

    line.settle();

    assert_eq!(line.ends[0].told, [Told::Open(bob().id())]);
    assert_eq!(line.ends[1].told, [Told::Guest(alice().id()), Told::Open(alice().id())]);
    assert_eq!(line.ends[0].peer.remote(), Some(bob().id()));
    assert_eq!(line.ends[1].peer.remote(), Some(alice().id()));
}

#[test]
fn a_local_connection_is_open_at_once_and_seals_nothing() {
    let local = || Peer::local(bob().id(), &METHODS, ROLE);
    let mut line = Line::new(local(), local(), &[3]);
    assert_eq!(line.ends[0].news(), [Told::Open(bob().id())]);
    assert_eq!(line.ends[1].news(), [Told::Open(bob().id())]);

    line.ends[0].peer.call(&["ask"], Kind::Async, "[1]").unwrap();
    let readable = line.ends[0].peer.outgoing().windows(3).any(|bytes| bytes == b"ask");
    line.settle();

    assert!(readable);
    assert!(matches!(line.ends[1].news().as_slice(), [Told::Called(_, Kind::Async, args)] if args == b"[1]"));
    assert_eq!(line.ends[0].peer.deadline(), None);
}

#[test]
fn a_refused_guest_gets_no_byte_and_sees_a_rejection() {
    let mut line = Line::new(dialing(bob().id()), accepting(), &[]);
    line.ends[1].welcome = Welcome::Refuse;

    line.settle();

    assert_eq!(line.ends[1].told, [Told::Guest(alice().id()), Told::Ended(Err(PeerError::Refused))]);
    assert!(line.ends[1].write_all().is_empty());
    assert_eq!(line.ends[0].told, [Told::Ended(Err(PeerError::Rejected))]);
}

#[test]
fn another_networks_hello_is_not_answered() {
    let network = NetworkKey::from_bytes([9; 32]);
    let dials = Peer::dial(&alice(), &network, bob().id(), &[3; 32], &METHODS, ROLE);
    let mut line = Line::new(dials, accepting(), &[]);

    line.settle();

    let error = PeerError::Handshake(HandshakeError::WrongNetwork);
    assert_eq!(line.ends[1].told, [Told::Ended(Err(error))]);
    assert!(line.ends[1].write_all().is_empty());
    assert_eq!(line.ends[0].told, [Told::Ended(Err(PeerError::HungUp))]);
}

#[test]
fn whoever_dials_somebody_else_is_not_answered() {
    let carol = Keypair::from_seed(&[7; 32]);
    let mut line = Line::new(dialing(carol.id()), accepting(), &[]);

    line.settle();

    let error = PeerError::Handshake(HandshakeError::Unproven);
    assert_eq!(line.ends[1].told, [Told::Ended(Err(error))]);
    assert_eq!(line.ends[0].told, [Told::Ended(Err(PeerError::Rejected))]);
}

#[test]
fn a_handshake_cut_at_any_byte_is_a_hang_up_for_the_accepting_end() {
    let (hello, auth) = client_bytes();
    let wire = [hello.as_slice(), &auth].concat();
    assert_eq!(wire.len(), HELLO_LEN + AUTH_LEN);

    for cut in 0..wire.len() {
        let mut end = End::new(accepting());
        end.read(&wire[..cut]);
        end.hang_up();

        assert_eq!(end.told, [Told::Ended(Err(PeerError::HungUp))], "cut at {cut}");
    }
}

#[test]
fn a_handshake_cut_at_any_byte_ends_the_dialing_end() {
    for cut in 0..HELLO_LEN + ACCEPT_LEN {
        let mut line = Line::new(dialing(bob().id()), accepting(), &[]);
        let [dials, accepts] = &mut line.ends;
        accepts.read(&dials.write_all());
        let hello = accepts.write_all();
        dials.read(&hello[..cut.min(HELLO_LEN)]);
        accepts.read(&dials.write_all());
        let accept = accepts.write_all();
        dials.read(&accept[..cut.saturating_sub(HELLO_LEN)]);
        dials.hang_up();

        // Behind the hello they know that it is our proof they do not want.
        let error = if cut < HELLO_LEN { PeerError::HungUp } else { PeerError::Rejected };
        assert_eq!(dials.told, [Told::Ended(Err(error))], "cut at {cut}");
    }
}

#[test]
fn a_handshake_may_take_as_long_as_its_timeout() {
    for peer in [dialing(bob().id()), accepting()] {
        let mut end = End::new(peer);
        let deadline = Uptime::default().after(HANDSHAKE_TIMEOUT);
        assert_eq!(end.peer.deadline(), Some(deadline));

        end.peer.tick(at(HANDSHAKE_TIMEOUT.as_secs() - 1));
        end.listen();
        assert_eq!(end.told, []);

        end.peer.tick(at(HANDSHAKE_TIMEOUT.as_secs()));
        end.listen();
        assert_eq!(end.told, [Told::Ended(Err(PeerError::HandshakeTimeout))]);
    }
}

#[test]
fn a_slow_drip_does_not_prolong_a_handshake() {
    let mut end = End::new(accepting());
    let (hello, _) = client_bytes();

    for (second, byte) in (1..).zip(hello).take(4) {
        end.peer.space()[0] = byte;
        end.peer.filled(1, at(second));
        end.listen();
    }
    end.peer.tick(at(HANDSHAKE_TIMEOUT.as_secs()));
    end.listen();

    assert_eq!(end.told, [Told::Ended(Err(PeerError::HandshakeTimeout))]);
}

#[test]
fn a_stranger_occupies_next_to_nothing() {
    let (hello, _) = client_bytes();
    let noise = vec![0xaa; 4096];
    for (peer, wire) in [
        (accepting(), vec![]),
        (accepting(), hello.to_vec()),
        (accepting(), [hello.as_slice(), &noise].concat()),
        (accepting(), noise.clone()),
        (dialing(bob().id()), noise.clone()),
    ] {
        let mut end = End::new(peer);
        for byte in wire {
            end.read(&[byte]);
            assert!(end.peer.space().len() <= STRANGERS_MEMORY_MAX);
            assert!(end.peer.memory() <= STRANGERS_MEMORY_MAX, "{} bytes", end.peer.memory());
        }
    }
}

#[test]
fn a_guest_who_waits_is_not_read_from() {
    let (hello, auth) = client_bytes();
    let mut end = End::new(accepting());
    end.welcome = Welcome::Wait;
    assert!(end.peer.takes_bytes());

    end.read(&[hello.as_slice(), &auth].concat());
    assert_eq!(end.peer.guest(), Some(alice().id()));
    assert!(!end.peer.takes_bytes());

    end.peer.admit(ROLE);
    end.listen();
    assert_eq!(end.peer.guest(), None);
    assert!(end.peer.takes_bytes());
}

#[test]
fn nothing_is_called_before_the_connection_is_open() {
    let mut peer = accepting();

    assert_eq!(peer.call(&["ask"], Kind::Async, "[]"), Err(CallError::Closing));
    assert!(!peer.is_open());
}

// What a connection carries.

#[test]
fn calls_of_all_kinds_go_both_ways() {
    let mut line = Line::open();
    for (caller, other) in [(0, 1), (1, 0)] {
        let ask = call(&mut line, caller, "ask", Kind::Async);
        let read = call(&mut line, caller, "read", Kind::Source);
        let write = call(&mut line, caller, "write", Kind::Sink);
        let both = call(&mut line, caller, "both", Kind::Duplex);

        let peer = &mut line.ends[other].peer;
        peer.answer(ask.1, Body::Json("7"));
        peer.item(read.1, Body::Text("r"));
        peer.end(read.1);
        peer.refuse_call(both.1, &RemoteError::new("no"));
        line.ends[caller].peer.item(write.0, Body::Binary(b"w"));
        line.ends[caller].peer.end(write.0);
        line.settle();

        let wanted = [
            Told::Answered(ask.0, b"7".to_vec()),
            Told::Item(read.0, b"r".to_vec()),
            Told::StreamEnded(read.0, None),
            Told::StreamEnded(both.0, Some("no".into())),
        ];
        assert_eq!(line.ends[caller].news(), wanted);
        let told = line.ends[other].news();
        assert!(told.contains(&Told::Item(write.1, b"w".to_vec())));
        assert!(told.contains(&Told::StreamEnded(write.1, None)));
    }
}

#[test]
fn long_items_arrive_whole_up_to_the_limit() {
    for len in [64 * 1024, ITEM_LEN_MAX as usize] {
        let (mut line, ours, theirs) = reading();
        let item = vec![b'x'; len];

        line.ends[1].peer.item(theirs, Body::Binary(&item));
        line.settle();

        assert!(line.ends[0].news() == [Told::Item(ours, item)], "{len}");
        assert!(line.ends[0].peer.memory() < 2 * READ_LEN + len);
    }
}

#[test]
fn an_item_past_the_limit_ends_its_stream_only() {
    let (mut line, ours, theirs) = reading();
    let item = vec![b'x'; ITEM_LEN_MAX as usize + 1];

    line.ends[1].peer.item(theirs, Body::Binary(&item));
    line.settle();

    let error = "body of 1048577 bytes is longer than the 1048576 allowed here".to_owned();
    assert_eq!(line.ends[0].news(), [Told::StreamEnded(ours, Some(error))]);
    assert_eq!(line.ends[0].ended(), None);
}

#[test]
fn one_write_is_at_most_so_long() {
    let (mut line, _, theirs) = reading();
    let item = vec![b'x'; 4 * SEALED_LEN_MAX];
    line.ends[1].peer.item(theirs, Body::Binary(&item));

    let frames = SEALED_LEN_MAX / 4096;
    assert_eq!(line.ends[1].peer.outgoing().len(), SEALED_LEN_MAX + frames * 34);
}

#[test]
fn a_write_that_is_given_up_loses_nothing() {
    let (mut line, ours, theirs) = reading();
    let [reads, writes] = &mut line.ends;
    writes.peer.item(theirs, Body::Text("whole"));

    while !writes.peer.outgoing().is_empty() {
        // Looked at again and again, and one byte goes out.
        assert_eq!(writes.peer.outgoing().to_vec(), writes.peer.outgoing());
        reads.read(&writes.write(1));
    }

    assert_eq!(reads.news(), [Told::Item(ours, b"whole".to_vec())]);
}

#[test]
fn idle_buffers_are_freed() {
    let (mut line, _, theirs) = reading();
    line.ends[1].peer.item(theirs, Body::Binary(&vec![1; 1024 * 1024]));
    line.settle();

    // The event that was about the body is over only now.
    line.ends.iter_mut().for_each(End::listen);

    assert!(line.ends.iter().all(|end| end.peer.memory() <= 2 * READ_LEN), "{}", line.ends[0].peer.memory());
}

#[test]
fn a_peer_that_calls_and_never_reads_stops_itself() {
    const CALLS: usize = 20_000;
    let mut line = Line::open();
    let [floods, serves] = &mut line.ends;
    let (mut called, mut answered, mut stopped) = (0, 0, 0);
    let mut most = 0;

    while called < CALLS || floods.peer.buffered() > 0 {
        // Each call is refused with an answer that is longer than itself.
        if called < CALLS && floods.peer.buffered() == 0 {
            floods.peer.call(&["nosuch", &"x".repeat(3000)], Kind::Async, "[]").unwrap();
            called += 1;
        }
        if serves.peer.takes_bytes() {
            let wire = floods.write(usize::MAX);
            serves.read(&wire);
        } else {
            // Only now does it read, a little.
            stopped += 1;
            let wire = serves.write(usize::MAX);
            serves.listen();
            floods.read(&wire);
            answered += failures(floods);
        }
        most = most.max(serves.peer.memory());
        if stopped > 3 && called >= 500 {
            break;
        }
    }
    let wire = serves.write_all();
    floods.read(&wire);
    answered += failures(floods);

    assert!(stopped > 3, "it was never stopped");
    assert!(most < 4 * OUTBOX_LEN_MAX, "{most} bytes");
    assert_eq!(answered, called);
}

#[test]
fn a_local_peer_that_calls_and_never_reads_stops_itself() {
    let mut end = End::new(Peer::local(bob().id(), &METHODS, ROLE));
    let mut wire = Vec::new();
    for number in 1..=20_000 {
        let body = Body::Json(r#"{"name":["nosuch"],"args":[]}"#);
        encode::packet(&Packet { stream: false, end: false, number, body }, &mut wire).unwrap();
    }
    let mut rest = wire.as_slice();

    while end.peer.takes_bytes() && !rest.is_empty() {
        let (piece, left) = rest.split_at(rest.len().min(READ_LEN));
        end.read(piece);
        rest = left;
    }

    assert!(!rest.is_empty(), "all was read");
    assert!(end.peer.memory() < 4 * OUTBOX_LEN_MAX, "{} bytes", end.peer.memory());
}

#[test]
fn resting_forgets_nothing_of_what_waits() {
    let mut end = End::new(Peer::local(bob().id(), &METHODS, ROLE));
    let mut number = 0;
    while end.peer.takes_bytes() {
        let mut wire = Vec::new();
        for _ in 0..100 {
            number += 1;
            let body = Body::Json(r#"{"name":["nosuch"],"args":[]}"#);
            encode::packet(&Packet { stream: false, end: false, number, body }, &mut wire).unwrap();
        }
        end.read(&wire);
    }

    end.peer.rest();
    let mut answers = 0;
    while !end.peer.outgoing().is_empty() {
        answers += end.write_all().windows(4).filter(|bytes| bytes == b"name").count();
        end.listen();
    }

    assert_eq!(answers, usize::try_from(number).unwrap());
}

// How a connection ends.

#[test]
fn closing_says_goodbye_and_both_ends_are_content() {
    let mut line = Line::open();
    let read = call(&mut line, 1, "read", Kind::Source);

    line.ends[0].peer.close(at(0));
    line.ends[0].listen();
    line.settle();

    let ended = Some("unexpected end of parent stream".to_owned());
    let [closes, other] = &mut line.ends;
    let wanted = [Told::StreamEnded(read.1, ended.clone()), Told::Goodbye, Told::Ended(Ok(()))];
    assert_eq!(closes.news(), wanted);
    assert_eq!(other.news(), [Told::StreamEnded(read.0, ended), Told::Goodbye, Told::Ended(Ok(()))]);
}

#[test]
fn a_peer_that_never_says_goodbye_is_not_waited_for() {
    let mut line = Line::open();
    let end = &mut line.ends[0];
    end.peer.close(at(0));
    end.listen();
    end.write_all();
    end.peer.filled(0, at(1));

    assert_eq!(end.peer.deadline(), Some(at(GOODBYE_TIMEOUT.as_secs()).uptime), "noise does not put it off");
    end.peer.tick(at(GOODBYE_TIMEOUT.as_secs()));
    end.listen();

    assert_eq!(end.news(), [Told::Ended(Ok(()))]);
}

#[test]
fn closing_before_the_handshake_is_done_just_ends() {
    let mut end = End::new(accepting());

    end.peer.close(at(0));
    end.listen();

    assert_eq!(end.told, [Told::Ended(Ok(()))]);
    assert!(end.write_all().is_empty());
}

#[test]
fn a_hang_up_ends_what_is_open_before_the_connection() {
    let mut line = Line::open();
    let (ask, _) = call(&mut line, 0, "ask", Kind::Async);
    let (both, _) = call(&mut line, 0, "both", Kind::Duplex);

    line.ends[0].hang_up();

    let text = "unexpected end of parent stream".to_owned();
    let wanted = [
        Told::Failed(ask, text.clone()),
        Told::StreamEnded(both, Some(text)),
        Told::Ended(Err(PeerError::HungUp)),
    ];
    assert_eq!(line.ends[0].news(), wanted);
}

#[test]
fn what_arrived_before_a_hang_up_is_told_before_the_end() {
    let mut line = Line::open();
    line.ends[0].peer.call(&["ask"], Kind::Async, "[]").unwrap();
    let wire = line.ends[0].write_all();
    let other = &mut line.ends[1];

    let space = other.peer.space();
    space[..wire.len()].copy_from_slice(&wire);
    other.peer.filled(wire.len(), at(0));
    other.peer.hung_up();
    other.listen();

    let told = other.news();
    assert!(matches!(told.as_slice(), [Told::Called(..), Told::Ended(Err(PeerError::HungUp))]), "{told:?}");
}

#[test]
fn a_forged_frame_ends_the_connection_after_what_came_before_it() {
    let (mut line, ours, theirs) = reading();
    let [reads, writes] = &mut line.ends;
    writes.peer.item(theirs, Body::Text("whole"));
    let mut wire = writes.write_all();
    writes.peer.item(theirs, Body::Text("damaged"));
    wire.extend(writes.write_all());
    *wire.last_mut().unwrap() ^= 1;

    reads.read(&wire);

    let wanted = [
        Told::Item(ours, b"whole".to_vec()),
        Told::StreamEnded(ours, Some("unexpected end of parent stream".into())),
        Told::Ended(Err(PeerError::Frame(OpenError::Forged))),
    ];
    assert_eq!(reads.news(), wanted);
}

#[test]
fn a_broken_protocol_ends_the_connection() {
    let mut end = End::new(Peer::local(bob().id(), &METHODS, ROLE));
    end.news();

    end.read(&[2, 0, 0, 0, 1, 0, 0, 0, 1, b'{']);

    assert_eq!(end.news(), [Told::Ended(Err(PeerError::Protocol(ProtocolError::BadJson)))]);
}

#[test]
fn a_frame_announcing_4_gib_ends_the_connection_and_reserves_nothing() {
    let mut end = End::new(Peer::local(bob().id(), &METHODS, ROLE));
    end.news();

    end.read(&[2, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1]);

    let error = ProtocolError::Oversized { len: u32::MAX };
    assert_eq!(end.news(), [Told::Ended(Err(PeerError::Protocol(error)))]);
    assert!(end.peer.memory() <= 2 * READ_LEN);
}

#[test]
fn silence_is_tolerated_as_long_as_its_timeout() {
    let mut line = Line::open();
    let inactivity = INACTIVITY_TIMEOUT.as_secs();

    for end in &mut line.ends {
        assert_eq!(end.peer.deadline(), Some(Uptime::default().after(INACTIVITY_TIMEOUT)));

        end.peer.tick(at(inactivity - 1));
        end.listen();
        assert_eq!(end.told, []);

        end.peer.tick(at(inactivity));
        end.listen();
        assert_eq!(end.told, [Told::Ended(Err(PeerError::Silent))]);
    }
}

#[test]
fn both_timeouts_are_what_the_caller_says() {
    let second = Duration::from_secs(1);
    let timeouts = Timeouts { handshake: 2 * second, inactivity: 7 * second };
    let mut line = Line::new(dialing(bob().id()), accepting(), &[]);
    for end in &mut line.ends {
        end.peer.start(timeouts, at(10));
        assert_eq!(end.peer.deadline(), Some(Uptime::new(12 * second)));
    }

    line.settle();

    for end in &mut line.ends {
        let silent = end.peer.deadline().map(|deadline| deadline.since(Uptime::default()));
        assert_eq!(silent, Some(7 * second));
    }
}

#[test]
fn whatever_is_read_or_written_breaks_the_silence() {
    let mut line = Line::open();
    let [writes, reads] = &mut line.ends;
    writes.peer.call(&["ask"], Kind::Async, "[]").unwrap();

    let wire = writes.peer.outgoing().to_vec();
    writes.peer.wrote(wire.len(), at(100));
    reads.peer.space()[..wire.len()].copy_from_slice(&wire);
    reads.peer.filled(wire.len(), at(200));

    let after = |seconds| Some(Uptime::new(Duration::from_secs(seconds)).after(INACTIVITY_TIMEOUT));
    assert_eq!(writes.peer.deadline(), after(100));
    assert_eq!(reads.peer.deadline(), after(200));
}

#[test]
fn the_owners_own_programs_may_be_silent() {
    let mut line = Line::new(dialing(bob().id()), accepting(), &[]);
    line.settle();
    assert!(line.ends[1].peer.deadline().is_some());

    let mut own = Line::new(
        Peer::dial(&bob(), &NetworkKey::MAIN, bob().id(), &[3; 32], &METHODS, ROLE),
        accepting(),
        &[],
    );
    own.settle();

    assert!(own.ends.iter().all(|end| end.peer.is_open() && end.peer.deadline().is_none()));
}

#[test]
fn a_connection_on_which_nothing_is_ever_written_is_silent_too() {
    let mut line = Line::new(dialing(bob().id()), accepting(), &[]);
    let [dials, accepts] = &mut line.ends;
    accepts.read(&dials.write_all());
    dials.read(&accepts.write_all());
    accepts.read(&dials.write_all());

    // Its answer is not written yet.
    let deadline = Some(Uptime::default().after(INACTIVITY_TIMEOUT));
    assert_eq!(accepts.peer.deadline(), deadline);

    // And the dialing end has nothing to write.
    dials.read(&accepts.write_all());
    assert!(dials.peer.is_open());
    assert_eq!(dials.peer.deadline(), deadline);
}

#[test]
fn a_connection_ends_once() {
    let ended = |end: &mut End| {
        end.peer.wrote(0, at(1));
        end.peer.filled(0, at(1));
        end.peer.close(at(0));
        end.peer.hung_up();
        end.peer.tick(at(10_000));
        end.listen();
        assert_eq!(end.peer.deadline(), None);
        end.told.iter().filter(|told| matches!(told, Told::Ended(_))).count()
    };

    let mut refused = Line::new(dialing(bob().id()), accepting(), &[]);
    refused.ends[1].welcome = Welcome::Refuse;
    refused.settle();
    let mut closed = Line::open();
    closed.ends[0].peer.close(at(0));
    closed.ends[0].listen();
    closed.settle();
    let mut silent = Line::open();
    silent.ends.iter_mut().for_each(|end| end.peer.tick(at(INACTIVITY_TIMEOUT.as_secs())));

    for mut line in [refused, closed, silent] {
        assert_eq!(line.ends.iter_mut().map(ended).collect::<Vec<_>>(), [1, 1]);
    }
}

#[test]
fn a_timeout_is_not_taken_back_by_closing() {
    let mut end = End::new(accepting());

    end.peer.tick(at(HANDSHAKE_TIMEOUT.as_secs()));
    end.peer.close(at(0));
    end.listen();

    assert_eq!(end.told, [Told::Ended(Err(PeerError::HandshakeTimeout))]);
}

// Helpers.

/// Makes a call that arrives, and nothing else: its names at both ends.
fn call(line: &mut Line, caller: usize, method: &str, kind: Kind) -> (RequestId, RequestId) {
    let ours = line.ends[caller].peer.call(&[method], kind, "[]").unwrap();
    line.settle();
    match line.ends[1 - caller].news().as_slice() {
        [Told::Called(theirs, called, args)] if *called == kind && args == b"[]" => (ours, *theirs),
        told => unreachable!("{told:?}"),
    }
}

/// A connection on which Alice reads a source of Bob's, and its names at both ends.
fn reading() -> (Line, RequestId, RequestId) {
    let mut line = Line::open();
    let (ours, theirs) = call(&mut line, 0, "read", Kind::Source);
    (line, ours, theirs)
}

/// Both messages of an honest dialer, made for the very end that `accepting` gives.
fn client_bytes() -> ([u8; HELLO_LEN], [u8; AUTH_LEN]) {
    let mut line = Line::new(dialing(bob().id()), accepting(), &[]);
    let [dials, accepts] = &mut line.ends;
    let hello = dials.write_all();
    accepts.read(&hello);
    dials.read(&accepts.write_all());
    (hello.try_into().unwrap(), dials.write_all().try_into().unwrap())
}

fn failures(end: &mut End) -> usize {
    end.news().iter().filter(|told| matches!(told, Told::Failed(..))).count()
}
