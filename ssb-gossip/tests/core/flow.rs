//! What becomes of items before they have a verdict.

use ssb_gossip::connection::ConnectionId;
use ssb_gossip::connection::Side;
use ssb_gossip::connection::StreamId;
use ssb_gossip::core::GROUP_LEN_MAX;
use ssb_gossip::core::IN_FLIGHT_LEN_MAX;
use ssb_gossip::core::ITEM_COST_MIN;
use ssb_gossip::event::Giver;
use ssb_gossip::event::Group;
use ssb_gossip::event::Ingest;
use ssb_gossip::event::Input;
use ssb_gossip::event::Outcome;
use ssb_gossip::event::Output;
use ssb_gossip::event::Source;
use ssb_gossip::event::Verdict;
use ssb_msg::limits::WIRE_LEN_MAX;

use super::LEN;
use super::Node;
use super::ask;
use super::feed;
use super::stop;

/// The feed of stream 1 on connection 1.
const AUTHOR: u8 = 5;

fn node() -> Node {
    let mut node = Node::following(&[AUTHOR]);
    assert_eq!(node.open(1, AUTHOR, Side::Dialed)[1], ask(1, 1, AUTHOR, 1));
    node
}

fn groups(outputs: Vec<Output>) -> Vec<Group> {
    let group = |output| match output {
        Output::Ingest(group) => group,
        other => panic!("{other:?}"),
    };
    outputs.into_iter().map(group).collect()
}

#[test]
fn an_item_is_handed_on_with_its_feed_and_source() {
    let mut node = node();
    let items = vec![(StreamId(1), b"{}".to_vec())];

    let outputs = node.handle(Input::Items { connection: ConnectionId(1), items });

    let source = Source { connection: ConnectionId(1), stream: StreamId(1) };
    let ingest = Ingest { giver: Giver::Peer(source), feed: feed(AUTHOR), raw: b"{}".to_vec() };
    assert_eq!(outputs, [Output::Ingest(Group { number: 0, items: vec![ingest] })]);
}

#[test]
fn groups_are_small_and_numbered_without_gaps() {
    let mut node = node();

    let mut all = groups(node.items(1, 1, 2 * GROUP_LEN_MAX + 1, LEN));
    all.extend(groups(node.items(1, 1, GROUP_LEN_MAX, LEN)));

    assert_eq!(
        all.iter().map(|group| (group.number, group.items.len())).collect::<Vec<_>>(),
        [(0, GROUP_LEN_MAX), (1, GROUP_LEN_MAX), (2, 1), (3, GROUP_LEN_MAX)]
    );
}

#[test]
fn items_of_unknown_streams_are_dropped() {
    let mut node = node();
    node.open(2, 2, Side::Dialed);

    assert_eq!(node.items(1, 99, 1, LEN), []);
    assert_eq!(node.items(2, 1, 1, LEN), [], "the stream is of another connection");
    assert_eq!(node.items(3, 1, 1, LEN), [], "there is no such connection");
    node.ended(1, 1);
    assert_eq!(node.items(1, 1, 1, LEN), [], "the stream has ended");
}

#[test]
fn an_item_longer_than_any_message_ends_its_stream() {
    let mut node = node();
    let item = |len| (StreamId(1), vec![b' '; len]);
    let items = vec![item(WIRE_LEN_MAX), item(WIRE_LEN_MAX + 1), item(1)];

    let mut outputs = node.handle(Input::Items { connection: ConnectionId(1), items });

    assert_eq!(outputs.remove(0), stop(1, 1));
    let lens: Vec<_> =
        groups(outputs).iter().flat_map(|group| &group.items).map(|item| item.raw.len()).collect();
    assert_eq!(lens, [WIRE_LEN_MAX], "what came behind it is dropped");
}

#[test]
fn past_the_limit_peers_wait_until_verdicts_come() {
    let mut node = node();
    let fitting = IN_FLIGHT_LEN_MAX / ITEM_COST_MIN;

    node.items(1, 1, fitting, LEN);
    assert!(!node.core.is_congested(), "exactly as much as may be");
    node.items(1, 1, 1, LEN);
    assert!(node.core.is_congested());
    node.stored(1, 1, AUTHOR, 1);
    assert!(!node.core.is_congested());
}

#[test]
fn long_items_are_charged_by_their_bytes() {
    let mut node = node();

    node.items(1, 1, IN_FLIGHT_LEN_MAX / WIRE_LEN_MAX, WIRE_LEN_MAX);
    assert!(!node.core.is_congested());
    node.items(1, 1, 1, WIRE_LEN_MAX);

    assert!(node.core.is_congested());
}

#[test]
fn verdicts_on_a_closed_connection_make_room_too() {
    let mut node = node();
    node.items(1, 1, IN_FLIGHT_LEN_MAX / ITEM_COST_MIN + 1, LEN);
    node.close(1);
    assert!(node.core.is_congested());

    assert_eq!(node.stored(1, 1, AUTHOR, 1), []);

    assert!(!node.core.is_congested());
}

#[test]
fn what_was_published_here_was_never_charged() {
    let mut node = node();
    node.items(1, 1, IN_FLIGHT_LEN_MAX / ITEM_COST_MIN + 1, LEN);

    let outcome = Outcome::Stored { feed: feed(0), sequence: 1, contact: None };
    node.handle(Input::Verdicts(vec![Verdict { giver: None, len: LEN, outcome }]));

    assert!(node.core.is_congested());
}
