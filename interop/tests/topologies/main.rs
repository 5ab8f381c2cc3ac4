//! Lines, stars and rings of real nodes, ours at one end of every link, converge: while owners follow and block each other, and
//! whichever node is killed.

#![expect(clippy::indexing_slicing, reason = "helpers of tests fail tests")]

mod network;

use network::Dials;
use network::Kind::Db2;
use network::Kind::Ours;
use network::Kind::Server;
use network::Network;

/// What every network goes through.
fn live(kinds: &[network::Kind], links: &[(usize, usize)], dials: Dials, (blocker, blocked): (usize, usize)) {
    let mut network = Network::start(kinds);
    network.follow_all();
    network.post_all(3);
    network.dial_all(links, dials);
    network.converge();

    // Live, and one after the other: each message really crosses the whole network.
    for _ in 0..2 {
        network.post_all(1);
        network.converge();
    }

    // Somebody blocks somebody, neither of whom is between others, and takes it back, while all of them post.
    network.block(blocker, blocked);
    network.post_all(2);
    network.converge();
    network.unblock(blocker, blocked);
    network.post_all(2);
    network.converge();

    for node in 0..kinds.len() {
        network.kill(node);
        network.post_all(1);
        network.restart(node);
        network.post_all(1);
        network.converge();
    }
}

#[test]
fn a_line_of_three_dialed_forwards() {
    live(&[Server, Ours, Db2], &[(0, 1), (1, 2)], Dials::Forwards, (0, 2));
}

#[test]
fn a_line_of_three_dialed_backwards() {
    live(&[Server, Ours, Db2], &[(0, 1), (1, 2)], Dials::Backwards, (2, 0));
}

#[test]
fn a_line_of_five() {
    live(&[Server, Ours, Db2, Ours, Server], &[(0, 1), (1, 2), (2, 3), (3, 4)], Dials::Forwards, (0, 4));
}

#[test]
fn a_star_that_dials() {
    live(&[Ours, Server, Db2, Ours], &[(0, 1), (0, 2), (0, 3)], Dials::Forwards, (3, 1));
}

#[test]
fn a_star_that_is_dialed() {
    live(&[Ours, Server, Db2, Ours], &[(0, 1), (0, 2), (0, 3)], Dials::Backwards, (2, 3));
}

#[test]
fn a_ring_of_four() {
    live(&[Ours, Server, Ours, Db2], &[(0, 1), (1, 2), (2, 3), (3, 0)], Dials::Forwards, (0, 2));
}

#[test]
fn a_ring_of_four_in_which_both_sides_dial() {
    live(&[Ours, Server, Ours, Db2], &[(0, 1), (1, 2), (2, 3), (3, 0)], Dials::Both, (1, 3));
}
