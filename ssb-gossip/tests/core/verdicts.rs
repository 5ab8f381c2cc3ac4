//! What follows from the verdicts of the log.

use ssb_gossip::connection::Side;
use ssb_gossip::event::Outcome;
use ssb_gossip::event::Refusal;
use ssb_gossip::replicator::ASKS_MAX;
use ssb_msg::content::Contact;
use ssb_msg::content::Relation;

use super::LEN;
use super::ME;
use super::Node;
use super::ask;
use super::feed;
use super::stop;

/// The feed of stream 1 on connection 1, and of stream 3 on connection 2.
const AUTHOR: u8 = 5;

fn node() -> Node {
    let mut node = Node::following(&[AUTHOR]);
    node.open(1, 1, Side::Dialed);
    assert_eq!(node.open(2, 2, Side::Dialed), [ask(2, 2, ME, 1), ask(2, 3, AUTHOR, 1)]);
    node
}

#[test]
fn stored_and_known_messages_change_nothing_for_their_stream() {
    let mut node = node();
    node.items(1, 1, 2, LEN);

    assert_eq!(node.stored(1, 1, AUTHOR, 1), []);
    assert_eq!(node.verdict(1, 1, Outcome::Known { feed: feed(AUTHOR), held: 0 }), []);
    assert_eq!(node.items(1, 1, 1, LEN).len(), 1, "the stream goes on");
}

#[test]
fn after_a_gap_the_peer_is_asked_again_from_where_the_log_ends() {
    let mut node = node();
    node.items(1, 1, 2, LEN);
    node.stored(1, 1, AUTHOR, 7);

    assert_eq!(node.refused(1, 1, Refusal::Gap), [stop(1, 1), ask(1, 4, AUTHOR, 8)]);
}

#[test]
fn a_peer_with_gaps_is_asked_so_often_and_no_more() {
    let mut node = node();
    let mut stream = 1;
    for again in 1..u64::from(ASKS_MAX) {
        node.items(1, stream, 1, LEN);
        assert_eq!(node.refused(1, stream, Refusal::Gap), [stop(1, stream), ask(1, 3 + again, AUTHOR, 1)]);
        stream = 3 + again;
    }

    node.items(1, stream, 1, LEN);

    assert_eq!(node.refused(1, stream, Refusal::Gap), [stop(1, stream)]);
}

#[test]
fn the_other_items_behind_a_gap_ask_nothing_more() {
    let mut node = node();
    node.items(1, 1, 2, LEN);
    node.refused(1, 1, Refusal::Gap);

    assert_eq!(node.refused(1, 1, Refusal::Gap), []);
    assert_eq!(node.items(1, 1, 1, LEN), []);
}

#[test]
fn after_anything_worse_the_peer_is_never_asked_for_that_feed_again() {
    for reason in
        [Refusal::Fork, Refusal::Signature, Refusal::WrongFeed, Refusal::Malformed, Refusal::Storage]
    {
        let mut node = node();
        node.items(1, 1, 1, LEN);

        assert_eq!(node.refused(1, 1, reason), [stop(1, 1)], "{reason:?}");
        assert_eq!(node.set(Relation::Follow, 9), [ask(1, 4, 9, 1), ask(2, 5, 9, 1)], "{reason:?}");
    }
}

#[test]
fn other_streams_and_connections_go_on_after_a_refusal() {
    let mut node = node();
    node.items(1, 1, 1, LEN);
    node.refused(1, 1, Refusal::Fork);

    assert_eq!(node.items(1, 0, 1, LEN).len(), 1);
    assert_eq!(node.items(2, 3, 1, LEN).len(), 1);
    node.close(1);
    assert_eq!(node.open(3, 1, Side::Dialed), [ask(3, 4, ME, 1), ask(3, 5, AUTHOR, 1)]);
}

#[test]
fn contacts_of_others_count_up_to_the_hops() {
    let mut node = node();
    let says = |author, sequence, contact| {
        let contact = Some(Contact { contact: feed(contact), relation: Relation::Follow });
        Outcome::Stored { feed: feed(author), sequence, contact }
    };

    assert_eq!(node.verdict(1, 1, says(AUTHOR, 1, 6)), [ask(1, 4, 6, 1), ask(2, 5, 6, 1)]);
    assert_eq!(node.verdict(1, 4, says(6, 1, 7)), [], "three steps away");
}
