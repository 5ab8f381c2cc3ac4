//! Blobs go from our node to JavaScript ones and back: those that are wanted, and those that are pushed; near and far, short and
//! long, and whoever is killed.

#![expect(clippy::indexing_slicing, reason = "helpers of tests fail tests")]

mod kills;
mod lines;
mod network;
mod pushes;

use std::thread;
use std::time::Duration;

use network::Blob;
use network::Kind;
use network::Kind::Db2;
use network::Kind::Ours;
use network::Kind::Server;
use network::Network;

/// The limit that nodes have unless told otherwise (ssb-blobs 1.2.2): blobs that are fetched are shorter.
const LEN_MAX: usize = 5 * 1024 * 1024;

/// How long a node is watched that should do nothing.
const QUIET: Duration = Duration::from_millis(1500);

/// Who wants, and who has: our node is each of them once.
const BOTH_WAYS: [(usize, usize); 2] = [(0, 1), (1, 0)];

fn pair(other: Kind) -> Network {
    let mut network = Network::new(&[Ours, other]);
    network.start();
    network.dial_all(&[(0, 1)]);
    network
}

fn what_is_wanted_comes(other: Kind) {
    let mut network = pair(other);

    for (wanter, holder) in BOTH_WAYS {
        let (early, late) = (Blob::short(&format!("early {wanter}")), Blob::short(&format!("late {wanter}")));

        network.add(holder, &early);
        network.gets(wanter, &early);

        let want = network.want(wanter, &late);
        network.passes_on(holder, &late);
        assert!(!network.has(wanter, &late));
        network.add(holder, &late);
        network.comes(wanter, want, &late);
    }
}

#[test]
fn what_is_wanted_comes_whoever_was_first_ssb_server() {
    what_is_wanted_comes(Server);
}

#[test]
fn what_is_wanted_comes_whoever_was_first_ssb_db2() {
    what_is_wanted_comes(Db2);
}

/// Of two connections our node ends one within a second. To JavaScript's ssb-blobs the newest is the peer, whatever becomes of
/// the other.
fn blobs_go_both_ways_after_one_of_two_connections_has_ended(other: Kind) {
    for pause in [Duration::ZERO, Duration::from_secs(2)] {
        for links in [[(0, 1), (1, 0)], [(1, 0), (0, 1)]] {
            let mut network = Network::new(&[Ours, other]);
            network.start();
            network.dial_all(&links[..1]);
            thread::sleep(pause);
            network.dial_all(&links[1..]);
            thread::sleep(ONE_IS_LEFT);

            for round in 0..2 {
                for (wanter, holder) in BOTH_WAYS {
                    let blob = Blob::short(&format!("{round} of node {holder}"));
                    network.add(holder, &blob);
                    // It was told to all who listen, who do not want it yet.
                    thread::sleep(QUIET / 2);
                    network.gets(wanter, &blob);
                    let late = Blob::short(&format!("{round} for node {wanter}"));
                    let want = network.want(wanter, &late);
                    network.add(holder, &late);
                    network.comes(wanter, want, &late);
                }
            }
        }
    }
}

/// How long after the second dial there is one connection for sure.
const ONE_IS_LEFT: Duration = Duration::from_millis(1500);

#[test]
fn blobs_go_both_ways_after_one_of_two_connections_has_ended_ssb_server() {
    blobs_go_both_ways_after_one_of_two_connections_has_ended(Server);
}

#[test]
fn blobs_go_both_ways_after_one_of_two_connections_has_ended_ssb_db2() {
    blobs_go_both_ways_after_one_of_two_connections_has_ended(Db2);
}

/// To a JavaScript node the empty blob is one like all others, of which it asks for ever: who has it says that it has 0 bytes,
/// which counts as nothing.
fn the_empty_blob_is_not_fetched(other: Kind) {
    let mut network = pair(other);
    let empty = Blob::new("", 0);

    for node in [0, 1] {
        assert_eq!(network.call(node, "blobs.has", &empty), Ok("false".to_owned()));
    }
    assert_eq!(network.call(0, "blobs.want", &empty), Ok("true".to_owned()));
    let theirs = network.want(1, &empty);
    assert!(network.is_silent(1, theirs, QUIET));

    network.add_nothing(1);
    for (wanter, holder) in BOTH_WAYS {
        let sign = Blob::short(&format!("sign of life {holder}"));
        network.add(holder, &sign);
        network.gets(wanter, &sign);
    }
    assert!(!network.has(0, &empty));
}

#[test]
fn the_empty_blob_is_not_fetched_ssb_server() {
    the_empty_blob_is_not_fetched(Server);
}

#[test]
fn the_empty_blob_is_not_fetched_ssb_db2() {
    the_empty_blob_is_not_fetched(Db2);
}

fn the_longest_blob_comes_and_no_longer_one(other: Kind) {
    let mut network = Network::new(&[Ours, other]);
    let rows = BOTH_WAYS.map(|(wanter, holder)| {
        let name = format!("of node {holder}");
        (wanter, holder, Blob::new(&name, LEN_MAX), Blob::new(&name, LEN_MAX - 1))
    });
    for (_, holder, too_long, longest) in &rows {
        network.lay(*holder, too_long);
        network.lay(*holder, longest);
    }
    network.start();
    network.dial_all(&[(0, 1)]);

    for (wanter, holder, too_long, longest) in &rows {
        let in_vain = network.want(*wanter, too_long);
        network.gets(*wanter, longest);

        let short = Blob::short(&format!("of node {holder}"));
        network.add(*holder, &short);
        network.gets(*wanter, &short);
        assert!(network.is_silent(*wanter, in_vain, QUIET));
        assert!(!network.has(*wanter, too_long));
    }
}

#[test]
fn the_longest_blob_comes_and_no_longer_one_ssb_server() {
    the_longest_blob_comes_and_no_longer_one(Server);
}

#[test]
fn the_longest_blob_comes_and_no_longer_one_ssb_db2() {
    the_longest_blob_comes_and_no_longer_one(Db2);
}

fn a_hundred_megabytes_come(other: Kind, (wanter, holder): (usize, usize)) {
    let blob = Blob::new("a film", 100_000_000);
    let mut network = Network::with_len_max(&[Ours, other], 100_000_001);
    network.lay(holder, &blob);
    network.start();
    network.dial_all(&[(0, 1)]);

    network.gets(wanter, &blob);

    assert!(network.peak_memory(0) < MEMORY_MAX, "{} bytes", network.peak_memory(0));
}

/// Our node has no blob as a whole in memory.
const MEMORY_MAX: u64 = 50_000_000;

#[test]
fn a_hundred_megabytes_go_to_ssb_server() {
    a_hundred_megabytes_come(Server, (1, 0));
}

#[test]
fn a_hundred_megabytes_come_from_ssb_db2() {
    a_hundred_megabytes_come(Db2, (0, 1));
}
