//! Nodes that are not connected get blobs from each other by way of those between them.

use crate::QUIET;
use crate::network::Blob;
use crate::network::Kind;
use crate::network::Kind::Db2;
use crate::network::Kind::Ours;
use crate::network::Kind::Server;
use crate::network::Network;

/// From each end of a line to the other, and whoever was first.
fn from_end_to_end(kinds: &[Kind]) {
    let mut network = Network::new(kinds);
    let last = kinds.len() - 1;
    let links: Vec<(usize, usize)> = (0..last).map(|node| (node, node + 1)).collect();
    network.start();
    network.dial_all(&links);

    for (wanter, before_holder, holder) in [(0, last - 1, last), (last, 1, 0)] {
        let (early, late) = (Blob::short(&format!("early {wanter}")), Blob::short(&format!("late {wanter}")));

        network.add(holder, &early);
        network.gets(wanter, &early);

        let want = network.want(wanter, &late);
        network.passes_on(before_holder, &late);
        network.add(holder, &late);
        network.comes(wanter, want, &late);
        for between in 1..last {
            network.assert_has(between, &early);
            network.assert_has(between, &late);
        }
    }
}

#[test]
fn by_way_of_ours() {
    from_end_to_end(&[Server, Ours, Db2]);
}

#[test]
fn by_way_of_ssb_server() {
    from_end_to_end(&[Ours, Server, Db2]);
}

#[test]
fn by_way_of_ssb_db2() {
    from_end_to_end(&[Ours, Db2, Server]);
}

#[test]
fn by_way_of_ssb_server_and_ours() {
    from_end_to_end(&[Ours, Server, Ours, Db2]);
}

#[test]
fn by_way_of_ours_and_ssb_db2() {
    from_end_to_end(&[Server, Ours, Db2, Ours]);
}

#[test]
fn our_node_asks_others_for_those_whom_its_owner_follows() {
    let mut network = Network::new(&[Server, Ours, Db2]);
    network.start_strangers();
    network.dial_all(&[(0, 1), (1, 2)]);
    let blob = Blob::short("for friends");
    network.add(2, &blob);

    let want = network.want(0, &blob);
    assert!(network.is_silent(0, want, QUIET));
    assert!(!network.has(1, &blob));

    network.follow(1, 0);
    network.comes(0, want, &blob);
}

#[test]
fn four_connections_are_too_many() {
    let mut network = Network::new(&[Ours, Server, Ours, Db2, Ours]);
    network.start();
    network.dial_all(&[(0, 1), (1, 2), (2, 3), (3, 4)]);
    let [far, near] = ["far", "near"].map(Blob::short);
    network.add(4, &far);
    network.add(3, &near);

    let in_vain = network.want(0, &far);

    network.gets(0, &near);
    assert!(network.is_silent(0, in_vain, QUIET));
    assert!(!network.has(3, &far));
}
