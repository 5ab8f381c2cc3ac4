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
use ssb_gossip::firewall::Admission;
use ssb_gossip::firewall::CALL_BACK_WITHIN;
use ssb_gossip::firewall::DIALED_MAX;
use ssb_gossip::firewall::Firewall;
use ssb_gossip::peers::Whereabouts;
use ssb_keys::FeedId;
use ssb_msg::content::Relation;

use super::ME;
use super::Node;
use super::feed;
use super::fresh;
use super::numbered;
use super::says;

const CONNECTION: ConnectionId = ConnectionId(1);

fn guest(node: &mut Node, peer: u8) -> Vec<Output> {
    node.handle(Input::Guest { connection: CONNECTION, peer: feed(peer) })
}

fn blocking(peer: u8) -> Node {
    Node::start(Start { contacts: vec![says(ME, Relation::Block, peer)], ..fresh() })
}

/// Follows 1, who follows 2; blocks 3; 4 has all rights; all others are strangers.
fn behind(admission: Admission) -> Node {
    let contacts =
        vec![says(ME, Relation::Follow, 1), says(1, Relation::Follow, 2), says(ME, Relation::Block, 3)];
    let firewall = Firewall::new(admission, vec![feed(4)]);
    Node::start(Start { contacts, firewall, ..fresh() })
}

/// Who of those is let in, and the own key.
fn admitted(node: &mut Node) -> Vec<u8> {
    (0..=5).filter(|peer| guest(node, *peer) == [Letter::Admit.to(CONNECTION)]).collect()
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
fn a_firewall_lets_in_everybody_or_whose_feed_is_wanted_or_nobody_and_the_owner_always() {
    assert_eq!(admitted(&mut behind(Admission::Everyone)), [ME, 1, 2, 4, 5]);
    assert_eq!(admitted(&mut behind(Admission::Followed)), [ME, 1, 2, 4]);
    assert_eq!(admitted(&mut behind(Admission::Nobody)), [ME, 4]);
}

#[test]
fn whoever_is_followed_is_let_in_from_then_on() {
    let mut node = behind(Admission::Followed);

    node.set(Relation::Follow, 5);

    assert_eq!(guest(&mut node, 5), [Letter::Admit.to(CONNECTION)]);
}

#[test]
fn a_stranger_who_was_dialed_may_call_back_for_a_while() {
    for (admission, expected) in [
        (Admission::Followed, Letter::Admit.to(CONNECTION)),
        (Admission::Nobody, Letter::Refuse.to(CONNECTION)),
    ] {
        let mut node = behind(admission);
        dial(&mut node, 5);

        assert_eq!(guest(&mut node, 5), [expected]);
        node.later(CALL_BACK_WITHIN);
        assert_eq!(guest(&mut node, 5), [Letter::Refuse.to(CONNECTION)]);
    }
}

#[test]
fn so_many_who_were_dialed_may_call_back() {
    let mut node = behind(Admission::Followed);
    let peers: Vec<FeedId> = (0..=DIALED_MAX).map(numbered).collect();
    for peer in &peers {
        let place = Whereabouts::in_parts(Address::net("localhost", 8008, *peer).expect("it is an address"));
        node.handle(Input::Dial { ticket: Ticket(9), to: Target::At(place) });
    }

    let admits = |peer: &FeedId| {
        node.handle(Input::Guest { connection: CONNECTION, peer: *peer }) == [Letter::Admit.to(CONNECTION)]
    };
    assert_eq!(peers.into_iter().filter(admits).count(), DIALED_MAX);
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
