//! What the core does with the table of known peers.

use ssb_gossip::address::Address;
use ssb_gossip::connection::ConnectionId;
use ssb_gossip::connection::Side;
use ssb_gossip::core::Start;
use ssb_gossip::event::Input;
use ssb_gossip::event::Letter;
use ssb_gossip::event::Output;
use ssb_gossip::event::Target;
use ssb_gossip::event::Ticket;
use ssb_gossip::peers::ChangeKind;
use ssb_gossip::peers::PEERS_MAX;
use ssb_gossip::peers::State;
use ssb_gossip::peers::Whereabouts;
use ssb_gossip::wish::Kind;
use ssb_keys::FeedId;
use ssb_msg::content::Relation;

use super::ME;
use super::Node;
use super::feed;
use super::fresh;
use super::numbered;
use super::says;

const TICKET: Ticket = Ticket(9);

fn address(peer: FeedId) -> Address {
    Address::net("localhost", 8008, peer).expect("it is an address")
}

fn add(node: &mut Node, peer: FeedId) -> Vec<Output> {
    let place = Whereabouts::in_parts(address(peer));
    node.handle(Input::AddPeer { ticket: TICKET, place, source: None })
}

fn dial(node: &mut Node, peer: u8) -> Vec<Output> {
    node.handle(Input::Dial { ticket: TICKET, to: Target::Known(feed(peer)) })
}

fn disconnect(node: &mut Node, peer: u8) -> Vec<Output> {
    node.handle(Input::Disconnect { ticket: TICKET, peer: feed(peer) })
}

/// What listeners hear.
fn changes(outputs: &[Output]) -> Vec<ChangeKind> {
    let kind = |output: &Output| match output {
        Output::Changed(change) => Some(change.kind),
        _ => None,
    };
    outputs.iter().filter_map(kind).collect()
}

fn state(node: &Node, peer: u8) -> Option<State> {
    node.core.peers().get(&feed(peer)).and_then(|known| known.state)
}

#[test]
fn a_peer_that_is_added_is_answered_and_told() {
    let mut node = Node::new();

    let outputs = add(&mut node, feed(1));

    assert_eq!(changes(&outputs), [ChangeKind::Discover]);
    let Some(Output::PeerAdded { ticket: TICKET, outcome: Ok(Some(known)) }) = outputs.last() else {
        panic!("{outputs:?}")
    };
    assert_eq!(known.key(), feed(1));
}

#[test]
fn adding_ourselves_changes_nothing() {
    let mut node = Node::new();

    assert_eq!(add(&mut node, feed(ME)), [Output::PeerAdded { ticket: TICKET, outcome: Ok(None) }]);
}

#[test]
fn a_known_peer_is_dialed_where_it_is_known_to_be() {
    let mut node = Node::new();
    add(&mut node, feed(1));

    assert_eq!(dial(&mut node, 1), [Output::Dial { ticket: Some(TICKET), address: address(feed(1)) }]);
    assert_eq!(state(&node, 1), Some(State::Connecting));
    assert_eq!(dial(&mut node, 2), [Output::NotKnown { ticket: TICKET, peer: feed(2) }]);
}

#[test]
fn whoever_is_dialed_is_known_from_then_on() {
    let mut node = Node::new();

    let to = Target::At(Whereabouts::in_parts(address(feed(1))));
    let outputs = node.handle(Input::Dial { ticket: TICKET, to });

    assert_eq!(changes(&outputs), [ChangeKind::Discover]);
    let known = node.core.peers().get(&feed(1)).expect("it was dialed");
    assert_eq!(known.source.as_deref(), Some("manual"));
}

#[test]
fn whoever_finds_no_room_in_the_table_is_dialed_too() {
    let mut node = Node::new();
    for n in 0..PEERS_MAX {
        add(&mut node, numbered(n));
    }

    let to = Target::At(Whereabouts::in_parts(address(feed(1))));
    let outputs = node.handle(Input::Dial { ticket: TICKET, to });

    assert_eq!(outputs, [Output::Dial { ticket: Some(TICKET), address: address(feed(1)) }]);
}

#[test]
fn a_failed_dial_is_told() {
    let mut node = Node::new();
    add(&mut node, feed(1));
    dial(&mut node, 1);

    let outputs = node.handle(Input::DialFailed { peer: feed(1), error: "refused".to_owned() });

    assert_eq!(changes(&outputs), [ChangeKind::ConnectFailure]);
    assert_eq!(state(&node, 1), None);
}

#[test]
fn the_dialer_of_a_known_peer_pings_it() {
    let mut node = Node::new();
    add(&mut node, feed(1));

    let ping = Letter::Ping.to(ConnectionId(1));
    assert!(node.open(1, 1, Side::Dialed).contains(&ping));
    assert!(!node.open(2, 1, Side::Accepted).contains(&Letter::Ping.to(ConnectionId(2))));
    node.handle(Input::Pinged { connection: ConnectionId(1), rtt: 3.0, skew: 1.0 });

    let pings = node.core.peers().get(&feed(1)).and_then(|known| known.ping).expect("it was dialed");
    assert_eq!((pings.rtt.count, pings.skew.count), (1, 1));
}

#[test]
fn connections_come_and_go_in_the_table() {
    let mut node = Node::new();
    add(&mut node, feed(1));

    assert_eq!(changes(&node.open(1, 1, Side::Accepted)), [ChangeKind::Connect]);
    assert_eq!(state(&node, 1), Some(State::Connected));
    assert_eq!(changes(&node.close(1)), [ChangeKind::Disconnect]);

    assert_eq!(state(&node, 1), None);
}

#[test]
fn disconnecting_is_done_when_the_last_connection_has_ended() {
    let mut node = Node::new();
    add(&mut node, feed(1));
    node.open(1, 1, Side::Accepted);
    node.open(2, 1, Side::Dialed);

    let close = [1, 2].map(|connection| Letter::Close.to(ConnectionId(connection)));
    assert_eq!(disconnect(&mut node, 1), close);
    assert_eq!(state(&node, 1), Some(State::Disconnecting));
    let done = Output::Done { ticket: TICKET };
    assert!(!node.close(1).contains(&done));

    assert!(node.close(2).contains(&done));
}

#[test]
fn who_is_not_connected_is_disconnected_at_once() {
    let mut node = Node::new();
    add(&mut node, feed(1));

    assert_eq!(disconnect(&mut node, 1), [Output::Done { ticket: TICKET }]);
    assert_eq!(disconnect(&mut node, 2), [Output::NotKnown { ticket: TICKET, peer: feed(2) }]);
}

#[test]
fn reconnecting_parts_with_all_peers() {
    let mut node = Node::new();
    node.open(1, 1, Side::Accepted);
    node.open(2, ME, Side::Accepted);
    node.open(3, 3, Side::Dialed);

    let outputs = node.handle(Input::Reconnect { ticket: TICKET });

    let close = |connection| Letter::Close.to(ConnectionId(connection));
    assert_eq!(outputs, [close(1), close(3), Output::Done { ticket: TICKET }], "but not with the owner");
}

#[test]
fn seeds_are_known_from_the_start() {
    let node = Node::start(Start { seeds: vec![address(feed(3)), address(feed(ME))], ..fresh() });

    let sources: Vec<_> =
        node.core.peers().all().iter().map(|known| (known.key(), known.source.clone())).collect();

    assert_eq!(sources, [(feed(3), Some("seed".to_owned()))]);
}

#[test]
fn the_table_tells_of_all_who_are_known_and_of_strangers_who_are_connected() {
    let mut node = Node::start(Start { contacts: vec![says(ME, Relation::Follow, 2)], ..fresh() });
    add(&mut node, feed(1));
    add(&mut node, feed(2));
    for (connection, peer, side) in [(1, 3, Side::Accepted), (2, 2, Side::Dialed), (3, 3, Side::Dialed)] {
        node.handle(Input::Opened { connection: ConnectionId(connection), peer: feed(peer), side });
    }

    let rows = node.core.table();

    let told = rows.iter().map(|row| (row.key, row.kind, row.is_client()));
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            (feed(1), Some(Kind::Global), None),
            (feed(2), Some(Kind::Friend), Some(true)),
            (feed(3), None, Some(false)),
        ]
    );
}
