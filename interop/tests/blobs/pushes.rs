//! What is pushed comes to those who did not ask for it, until enough have it.

use crate::network::Blob;
use crate::network::Kind;
use crate::network::Kind::Db2;
use crate::network::Kind::Ours;
use crate::network::Kind::Server;
use crate::network::Network;

#[test]
fn what_ours_pushes_comes_to_three_and_then_to_nobody_else() {
    let mut network = Network::new(&[Ours, Server, Db2, Server, Db2]);
    network.start();
    network.dial_all(&[(0, 1), (2, 0)]);
    let (pushed, next) = (Blob::short("pushed"), Blob::short("pushed afterwards"));
    network.add(0, &pushed);

    network.push(0, &pushed);
    network.comes_unasked(1, &pushed);
    network.comes_unasked(2, &pushed);
    network.dial_all(&[(3, 0)]);
    network.comes_unasked(3, &pushed);
    // What it pushes by then it tells at once to whoever comes.
    network.dial_all(&[(0, 4)]);
    network.add(0, &next);
    network.push(0, &next);
    network.comes_unasked(4, &next);

    assert!(!network.has(4, &pushed));
}

fn what_is_pushed_comes_unasked(other: Kind) {
    let mut network = Network::new(&[Ours, other]);
    network.start();
    let (ours, theirs) = (Blob::short("ours"), Blob::short("theirs"));
    network.add(0, &ours);
    network.push(0, &ours);
    // It goes on after a start.
    network.stop(0);
    network.restart(0);

    network.dial_all(&[(0, 1)]);
    network.comes_unasked(1, &ours);
    network.add(1, &theirs);
    network.push(1, &theirs);

    network.comes_unasked(0, &theirs);
}

#[test]
fn what_is_pushed_comes_unasked_ssb_server() {
    what_is_pushed_comes_unasked(Server);
}

#[test]
fn what_is_pushed_comes_unasked_ssb_db2() {
    what_is_pushed_comes_unasked(Db2);
}
