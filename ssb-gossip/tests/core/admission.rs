//! Who is let in, and who is dialed.

use ssb_gossip::address::Address;
use ssb_gossip::connection::ConnectionId;
use ssb_gossip::connection::Side;
use ssb_gossip::core::Start;
use ssb_gossip::event::DialRefusal;
use ssb_gossip::event::Input;
use ssb_gossip::event::Letter;
use ssb_gossip::event::Output;
use ssb_gossip::event::Target;
use ssb_gossip::event::Ticket;
use ssb_gossip::peers::Whereabouts;
use ssb_msg::content::Relation;

use super::ME;
use super::Node;
use super::feed;
use super::fresh;
use super::says;

const CONNECTION: ConnectionId = ConnectionId(1);

fn guest(node: &mut Node, peer: u8) -> Vec<Output> {
    node.handle(Input::Guest { connection: CONNECTION, peer: feed(peer) })
}

fn blocking(peer: u8) -> Node {
    Node::start(Start { contacts: vec![says(ME, Relation::Block, peer)], ..fresh() })
}

fn dial(node: &mut Node, peer: u8) -> Vec<Output> {
    node.handle(Input::Dial { ticket: Ticket(9), to: Target::At(Whereabouts::in_parts(address(peer))) })
}

fn address(peer: u8) -> Address {
    Address::net("localhost", 8008, feed(peer)).expect("it is an address")
}

#[test]
fn strangers_and_the_own_key_are_admitted() {
    for peer in [1, ME] {
        assert_eq!(guest(&mut Node::new(), peer), [Letter::Admit.to(CONNECTION)]);
    }
}

#[test]
fn a_guest_whom_the_owner_blocks_is_refused() {
    let mut node = blocking(1);

    assert_eq!(guest(&mut node, 1), [Letter::Refuse.to(CONNECTION)]);
    assert_eq!(guest(&mut node, 2), [Letter::Admit.to(CONNECTION)]);
}

#[test]
fn whom_others_block_is_admitted() {
    let contacts = vec![says(ME, Relation::Follow, 2), says(2, Relation::Block, 1)];
    let mut node = Node::start(Start { contacts, ..fresh() });

    assert_eq!(guest(&mut node, 1), [Letter::Admit.to(CONNECTION)]);
}

#[test]
fn whoever_was_blocked_while_the_connection_opened_is_parted_with() {
    let mut node = Node::new();
    guest(&mut node, 1);
    node.set(Relation::Block, 1);

    assert_eq!(node.open(1, 1, Side::Accepted), [Letter::Close.to(CONNECTION)]);
}

#[test]
fn blocking_a_peer_ends_its_connection() {
    let mut node = Node::new();
    node.open(1, 1, Side::Accepted);
    node.open(2, 2, Side::Accepted);

    assert_eq!(node.set(Relation::Block, 1), [Letter::Close.to(CONNECTION)]);
}

#[test]
fn blocking_ends_a_connection_even_if_nobody_s_feed_is_replicated() {
    let mut node = Node::start(Start { hops: 0, ..fresh() });
    node.open(1, 1, Side::Accepted);

    assert_eq!(node.set(Relation::Block, 1), [Letter::Close.to(CONNECTION)]);
}

#[test]
fn peers_are_dialed_but_not_ourselves_nor_whom_we_block() {
    let mut node = blocking(1);
    let refused = |reason| Output::DialRefused { ticket: Ticket(9), reason };

    assert_eq!(dial(&mut node, 1), [refused(DialRefusal::Blocked)]);
    assert_eq!(dial(&mut node, ME), [refused(DialRefusal::Ourselves)]);
    let dialed = dial(&mut node, 2);
    assert_eq!(dialed.last(), Some(&Output::Dial { ticket: Some(Ticket(9)), address: address(2) }));
}
