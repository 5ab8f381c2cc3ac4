//! What holds for all connections.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail tests")]

mod common;

use std::net::Ipv4Addr;

use common::End;
use common::Line;
use common::Told;
use common::accepting;
use common::alice;
use common::at;
use common::bob;
use common::dialing;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use ssb_boxstream::OpenError;
use ssb_gossip::address::Address;
use ssb_gossip::lan::beacon;
use ssb_gossip::lan::beacon::Beacon;
use ssb_gossip::lan::beacon::Dialect;
use ssb_gossip::lan::beacon::Proof;
use ssb_gossip::peer::PeerError;
use ssb_keys::FeedId;
use ssb_keys::Keypair;
use ssb_keys::network::NetworkKey;
use ssb_muxrpc::Body;
use ssb_muxrpc::Kind;
use ssb_muxrpc::RemoteError;
use ssb_muxrpc::RequestId;

/// A host, a port and the seed of a key.
fn place() -> impl Strategy<Value = (Ipv4Addr, u16, [u8; 32])> {
    (any::<[u8; 4]>().prop_map(Ipv4Addr::from), 1..=u16::MAX, any::<[u8; 32]>())
}

proptest! {
    #[test]
    fn whatever_a_node_says_in_the_local_network_is_heard((host, port, seed) in place(), network in any::<[u8; 32]>()) {
        let (me, network) = (Keypair::from_seed(&seed), NetworkKey::from_bytes(network));
        let address = Address::net(&host.to_string(), port, me.id()).unwrap();
        for (packet, dialect, proof) in [
            (beacon::classic(&address), Dialect::Classic, Proof::Hearsay),
            (beacon::keyed(&address, &me, &network), Dialect::Keyed, Proof::Signed),
        ] {
            let beacon = Beacon::read(&packet, dialect, &network).unwrap();

            prop_assert_eq!(beacon.address_at(host), Some(address.clone()));
            prop_assert_eq!(beacon.proof(host), proof);
        }
    }

    #[test]
    fn no_packet_names_a_host_but_its_source(
        packet in prop_oneof![
            vec(any::<u8>(), 0..200),
            vec(place(), 1..5).prop_map(|places| {
                let address = |(host, port, key): (Ipv4Addr, u16, [u8; 32])| {
                    Address::net(&host.to_string(), port, FeedId::from_bytes(key)).unwrap().to_string()
                };
                places.into_iter().map(address).collect::<Vec<_>>().join(";").into_bytes()
            }),
        ],
        source in any::<[u8; 4]>(),
    ) {
        let source = Ipv4Addr::from(source);
        for dialect in [Dialect::Classic, Dialect::Keyed] {
            let Ok(beacon) = Beacon::read(&packet, dialect, &NetworkKey::MAIN) else { continue };
            let address = beacon.address_at(source).unwrap();

            prop_assert_eq!(address.host(), source.to_string());
            prop_assert_eq!(address.key(), beacon.key());
        }
    }

    #[test]
    fn a_damaged_box_is_refused((host, port, seed) in place(), at in any::<Index>(), bit in 0..8_u8) {
        let me = Keypair::from_seed(&seed);
        let address = Address::net(&host.to_string(), port, me.id()).unwrap();
        let mut packet = beacon::keyed(&address, &me, &NetworkKey::MAIN);
        let at = at.index(packet.len());
        packet[at] ^= 1 << bit;

        prop_assert!(Beacon::read(&packet, Dialect::Keyed, &NetworkKey::MAIN).is_err());
    }
}

#[derive(Clone, Debug)]
enum Step {
    Call {
        by: usize,
        method: usize,
    },
    /// Something on one of the requests that are known to a side.
    Item {
        by: usize,
        which: Index,
        len: usize,
    },
    End {
        by: usize,
        which: Index,
    },
    Fail {
        by: usize,
        which: Index,
    },
    Close {
        by: usize,
    },
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn however_the_wire_is_cut_both_ends_see_the_same(
        steps in vec(step(), 0..30),
        cuts in vec(1_usize..3000, 1..8),
    ) {
        prop_assert_eq!(story(&steps, &cuts), story(&steps, &[]));
    }

    #[test]
    fn a_connection_cut_byte_by_byte_tells_the_same(steps in vec(step(), 0..6)) {
        prop_assert_eq!(story(&steps, &[1]), story(&steps, &[]));
    }

    #[test]
    fn an_altered_bit_of_the_handshake_opens_nothing_for_who_reads_it(
        message in 1_usize..=4,
        bit: Index,
    ) {
        let mut line = Line::new(dialing(bob().id()), accepting(), &[]);
        for at in 1..=4 {
            let (from, to) = if at % 2 == 1 { (0, 1) } else { (1, 0) };
            let mut wire = line.ends[from].write_all();
            if at == message {
                let bit = bit.index(wire.len() * 8);
                wire[bit / 8] ^= 1 << (bit % 8);
            }
            line.ends[to].read(&wire);
            if at == message {
                let told = &line.ends[to].told;
                prop_assert!(matches!(told.as_slice(), [Told::Ended(Err(PeerError::Handshake(_)))]), "{told:?}");
                prop_assert!(line.ends[to].write_all().is_empty());
                return Ok(());
            }
        }
    }

    #[test]
    fn an_altered_bit_ends_the_connection_after_what_came_before_it(
        items in vec(0_usize..9000, 1..6),
        bit: Index,
    ) {
        let (mut line, read, theirs) = reading();
        for len in &items {
            line.ends[1].peer.item(theirs, Body::Binary(&vec![7; *len + 1]));
        }
        let mut wire = line.ends[1].write_all();
        let bit = bit.index(wire.len() * 8);
        wire[bit / 8] ^= 1 << (bit % 8);
        line.ends[0].read(&wire);

        let told = line.ends[0].news();
        let (end, before) = told.split_last().unwrap();
        prop_assert_eq!(end, &Told::Ended(Err(PeerError::Frame(OpenError::Forged))));
        let (end, before) = before.split_last().unwrap();
        prop_assert_eq!(end, &Told::StreamEnded(read, Some("unexpected end of parent stream".into())));
        let whole = items.iter().map(|len| Told::Item(read, vec![7; *len + 1]));
        prop_assert!(before.iter().cloned().eq(whole.take(before.len())));
    }

    #[test]
    fn a_wire_cut_anywhere_gives_a_prefix_and_a_hang_up(items in vec(0_usize..9000, 1..6), at: Index) {
        let (mut line, read, theirs) = reading();
        for len in &items {
            line.ends[1].peer.item(theirs, Body::Binary(&vec![7; *len + 1]));
        }
        let wire = line.ends[1].write_all();
        line.ends[0].read(&wire[..at.index(wire.len() + 1)]);
        line.ends[0].hang_up();

        let told = line.ends[0].news();
        prop_assert_eq!(told.last(), Some(&Told::Ended(Err(PeerError::HungUp))));
        let before = &told[..told.len() - 2];
        let whole = items.iter().map(|len| Told::Item(read, vec![7; *len + 1]));
        prop_assert!(before.iter().cloned().eq(whole.take(before.len())));
    }

    #[test]
    fn noise_opens_nothing_and_occupies_nothing(noise in vec(any::<u8>(), 0..600)) {
        for peer in [accepting(), dialing(bob().id())] {
            let mut end = End::new(peer);
            let _ = end.write_all();
            end.read(&noise);
            end.hang_up();

            prop_assert!(matches!(end.told.as_slice(), [Told::Ended(Err(_))]), "{:?}", end.told);
            prop_assert!(end.peer.memory() <= 2048);
        }
    }
}

fn step() -> impl Strategy<Value = Step> {
    let by = 0..2_usize;
    prop_oneof![
        6 => (by.clone(), 0..5_usize).prop_map(|(by, method)| Step::Call { by, method }),
        6 => (by.clone(), any::<Index>(), 0..12_000_usize)
            .prop_map(|(by, which, len)| Step::Item { by, which, len }),
        2 => (by.clone(), any::<Index>()).prop_map(|(by, which)| Step::End { by, which }),
        2 => (by.clone(), any::<Index>()).prop_map(|(by, which)| Step::Fail { by, which }),
        1 => by.prop_map(|by| Step::Close { by }),
    ]
}

/// All that both ends tell when each step is over before the next begins.
fn story(steps: &[Step], cuts: &[usize]) -> [Vec<Told>; 2] {
    let mut line = Line::new(dialing(bob().id()), accepting(), cuts);
    let mut known: [Vec<(RequestId, Kind)>; 2] = Default::default();
    let mut seen = [0, 0];
    line.settle();
    for step in steps {
        take(&mut line, &mut known, step);
        line.ends.iter_mut().for_each(End::listen);
        line.settle();
        for side in [0, 1] {
            for told in &line.ends[side].told[seen[side]..] {
                if let Told::Called(request, kind, _) = told {
                    known[side].push((*request, *kind));
                }
            }
            seen[side] = line.ends[side].told.len();
        }
    }
    let opened = |told: &Vec<Told>, id| told.contains(&Told::Open(id));
    assert!(opened(&line.ends[0].told, bob().id()) && opened(&line.ends[1].told, alice().id()));
    line.ends.map(|end| end.told)
}

fn take(line: &mut Line, known: &mut [Vec<(RequestId, Kind)>; 2], step: &Step) {
    let which = |by: usize, which: &Index| {
        let known = &known[by];
        (!known.is_empty()).then(|| known[which.index(known.len())])
    };
    match step {
        Step::Call { by, method } => {
            let methods = [
                ("ask", Kind::Async),
                ("read", Kind::Source),
                ("write", Kind::Sink),
                ("both", Kind::Duplex),
                ("nosuch", Kind::Async),
            ];
            let (name, kind) = methods[*method];
            if let Ok(request) = line.ends[*by].peer.call(&[name], kind, "[1]") {
                known[*by].push((request, kind));
            }
        }
        Step::Item { by, which: at, len } => match which(*by, at) {
            Some((request, kind)) if kind.is_stream() => {
                line.ends[*by].peer.item(request, Body::Binary(&vec![9; *len]));
            }
            Some((request, _)) if !request.is_ours() => line.ends[*by].peer.answer(request, Body::Json("7")),
            _ => {}
        },
        Step::End { by, which: at } => match which(*by, at) {
            Some((request, kind)) if kind.is_stream() => line.ends[*by].peer.end(request),
            _ => {}
        },
        Step::Fail { by, which: at } => match which(*by, at) {
            Some((request, kind)) if kind.is_stream() || !request.is_ours() => {
                line.ends[*by].peer.refuse_call(request, &RemoteError::new("no"));
            }
            _ => {}
        },
        Step::Close { by } => line.ends[*by].peer.close(at(0)),
    }
}

/// A connection on which Alice reads a source of Bob's, and its names at both ends.
fn reading() -> (Line, RequestId, RequestId) {
    let mut line = Line::open();
    let ours = line.ends[0].peer.call(&["read"], Kind::Source, "[]").unwrap();
    line.settle();
    match line.ends[1].news().as_slice() {
        [Told::Called(theirs, ..)] => (line, ours, *theirs),
        told => unreachable!("{told:?}"),
    }
}
