//! Nodes are killed in the middle of a long blob, which then comes whole, or not at all.

use crate::QUIET;
use crate::network::Blob;
use crate::network::Kind;
use crate::network::Kind::Db2;
use crate::network::Kind::Ours;
use crate::network::Kind::Server;
use crate::network::Network;

/// How long the blob is. It takes a while even where it goes fast.
const LEN: usize = 40_000_000;

/// Once so many bytes are written somebody is killed: JavaScript's nodes have received many more by then.
const PART_LEN: u64 = 100_000;

fn it_comes_whole_whoever_dies(kinds: &[Kind; 2], (wanter, holder): (usize, usize)) {
    let blob = Blob::new("long", LEN);
    let mut network = Network::with_len_max(kinds, 100_000_000);
    network.lay(holder, &blob);
    network.start();
    network.dial_all(&[(0, 1)]);

    network.want(wanter, &blob);
    network.writes(wanter, PART_LEN);
    network.kill(wanter);
    assert!(!network.has(wanter, &blob));
    assert!(network.is_writing(wanter));
    network.restart(wanter);
    assert!(!network.has(wanter, &blob));
    assert!(!network.is_writing(wanter));

    let want = network.want(wanter, &blob);
    network.writes(wanter, PART_LEN);
    network.kill(holder);
    assert!(network.is_silent(wanter, want, QUIET));
    assert!(!network.has(wanter, &blob));
    network.restart(holder);

    network.comes(wanter, want, &blob);
    network.assert_has(holder, &blob);
}

#[test]
fn from_ssb_server() {
    it_comes_whole_whoever_dies(&[Ours, Server], (0, 1));
}

#[test]
fn to_ssb_server() {
    it_comes_whole_whoever_dies(&[Ours, Server], (1, 0));
}

#[test]
fn from_ssb_db2() {
    it_comes_whole_whoever_dies(&[Ours, Db2], (0, 1));
}

#[test]
fn to_ssb_db2() {
    it_comes_whole_whoever_dies(&[Ours, Db2], (1, 0));
}
