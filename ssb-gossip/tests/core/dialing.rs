//! Whom a node dials by itself, and which of two connections with one peer stays.

use std::collections::BTreeMap;
use std::time::Duration;

use ssb_blobs::wants::event::Input as Blobs;
use ssb_gossip::address::Address;
use ssb_gossip::connection::ConnectionId;
use ssb_gossip::connection::Side;
use ssb_gossip::core::KEEP_AFTER;
use ssb_gossip::core::Start;
use ssb_gossip::event::Input;
use ssb_gossip::event::Letter;
use ssb_gossip::event::Output;
use ssb_gossip::event::Target;
use ssb_gossip::event::Ticket;
use ssb_gossip::peers::PEERS_MAX;
use ssb_gossip::peers::Whereabouts;
use ssb_gossip::scheduler::Dialing;
use ssb_gossip::scheduler::FAILURES_DEAD;
use ssb_gossip::scheduler::FIRST_WITHIN;
use ssb_gossip::scheduler::QUOTAS;
use ssb_gossip::scheduler::REST;
use ssb_gossip::scheduler::REST_DEAD;
use ssb_gossip::scheduler::REST_MAX;
use ssb_gossip::scheduler::STEADY_AFTER;
use ssb_gossip::scheduler::TWINS_AFTER;
use ssb_gossip::scheduler::TWINS_LATER;
use ssb_keys::FeedId;
use ssb_msg::content::Relation;

use super::ME;
use super::Node;
use super::feed;
use super::fresh;
use super::numbered;
use super::says;

const ALL: Dialing = Dialing { seeds: true, local: true, friends: true, global: true, pubs: true, chance: 7 };

fn address(peer: FeedId) -> Address {
    Address::net("h.example", 8008, peer).expect("it is one")
}

fn node(dialing: Dialing, seeds: &[u8]) -> Node {
    let seeds = seeds.iter().map(|n| address(feed(*n))).collect();
    Node::start(Start { seeds, dialing: Some(dialing), ..fresh() })
}

/// Who is dialed unasked.
fn dialed(outputs: &[Output]) -> Vec<FeedId> {
    let key = |output: &Output| match output {
        Output::Dial { ticket: None, address } => Some(address.key()),
        _ => None,
    };
    outputs.iter().filter_map(key).collect()
}

fn closed(outputs: &[Output]) -> Vec<u64> {
    let closed = |output: &Output| match output {
        Output::Tell { connection, letter: Letter::Close } => Some(connection.0),
        _ => None,
    };
    outputs.iter().filter_map(closed).collect()
}

impl Node {
    fn announced(&mut self, peer: FeedId) -> Vec<Output> {
        self.handle(Input::Announced { address: address(peer) })
    }

    fn dial_failed(&mut self, peer: FeedId) {
        self.handle(Input::DialFailed { peer, error: "no".to_owned() });
    }

    fn open_from(&mut self, connection: u64, peer: u8, side: Side) {
        self.handle(Input::Opened { connection: ConnectionId(connection), peer: feed(peer), side });
    }
}

#[test]
fn peers_that_are_known_are_dialed_soon_and_once() {
    let mut node = node(ALL, &[1]);

    assert_eq!(dialed(&node.later(FIRST_WITHIN)), [feed(1)]);
    assert_eq!(dialed(&node.later(REST_MAX)), [], "nobody said how that went");
}

#[test]
fn so_many_of_a_kind_are_dialed_and_no_more() {
    let contacts = (10..20).map(|n| says(ME, Relation::Follow, n)).collect();
    let seeds = (1..9).map(|n| address(feed(n))).collect();
    let mut node = Node::start(Start { contacts, seeds, dialing: Some(ALL), ..fresh() });
    for n in 10..40 {
        node.announced(feed(n));
    }

    let all = dialed(&node.later(FIRST_WITHIN * 2));

    let kinds = [1..9, 10..20, 20..40]
        .map(|range| all.iter().filter(|peer| range.clone().any(|n| feed(n) == **peer)).count());
    assert_eq!(kinds, [QUOTAS[0], QUOTAS[2], QUOTAS[3]]);
}

#[test]
fn kinds_that_are_switched_off_are_not_dialed() {
    let contacts = vec![says(ME, Relation::Follow, 2)];
    for (dialing, expected) in [
        (Dialing { seeds: false, ..ALL }, vec![feed(2), feed(3)]),
        (Dialing { friends: false, ..ALL }, vec![feed(1), feed(3)]),
        (Dialing { global: false, ..ALL }, vec![feed(1), feed(2)]),
        (Dialing { pubs: false, ..ALL }, vec![feed(1)]),
    ] {
        let seeds = vec![address(feed(1))];
        let contacts = contacts.clone();
        let mut node = Node::start(Start { contacts, seeds, dialing: Some(dialing), ..fresh() });
        node.announced(feed(2));
        node.announced(feed(3));

        let mut all = dialed(&node.later(FIRST_WITHIN));
        all.sort();
        assert_eq!(all, expected);
    }
}

#[test]
fn who_is_blocked_is_not_dialed() {
    let contacts = vec![says(ME, Relation::Block, 1)];
    let seeds = vec![address(feed(1))];
    let mut node = Node::start(Start { contacts, seeds, dialing: Some(ALL), ..fresh() });

    assert_eq!(dialed(&node.later(REST_MAX)), []);
}

#[test]
fn who_was_blocked_while_it_was_dialed_is_dialed_again_when_that_is_taken_back() {
    let mut node = node(ALL, &[1]);
    assert_eq!(dialed(&node.later(FIRST_WITHIN)), [feed(1)]);
    node.set(Relation::Block, 1);
    node.open_from(1, 1, Side::Dialed);
    node.close(1);
    assert_eq!(dialed(&node.later(REST_MAX)), []);

    node.set(Relation::Follow, 1);

    assert_eq!(dialed(&node.later(FIRST_WITHIN)), [feed(1)]);
}

#[test]
fn who_is_connected_or_being_dialed_is_not_dialed() {
    let mut node = node(ALL, &[1, 2]);
    node.open_from(1, 1, Side::Accepted);
    node.handle(Input::Dial { ticket: Ticket(1), to: Target::At(Whereabouts::in_parts(address(feed(2)))) });

    assert_eq!(dialed(&node.later(REST_MAX)), []);
}

#[test]
fn who_cannot_be_reached_rests_longer_each_time() {
    let mut node = node(ALL, &[1]);
    let mut rest = REST;
    node.later(FIRST_WITHIN);
    for failures in 1..=FAILURES_DEAD {
        node.dial_failed(feed(1));
        rest = if failures < FAILURES_DEAD { (rest * 2).min(REST_MAX) } else { REST_DEAD };

        assert_eq!(dialed(&node.later(rest / 2 - Duration::from_millis(1))), [], "{failures}");
        assert_eq!(dialed(&node.later(rest + Duration::from_millis(2))), [feed(1)], "{failures}");
    }
}

#[test]
fn a_connection_that_ends_at_once_counts_as_a_failure_and_one_that_lasts_does_not() {
    for (lasts, rests) in [(STEADY_AFTER - Duration::from_millis(1), REST * 2), (STEADY_AFTER, REST)] {
        let mut node = node(ALL, &[1]);
        node.later(FIRST_WITHIN);
        node.open_from(1, 1, Side::Dialed);
        node.later(lasts);
        node.close(1);

        assert_eq!(dialed(&node.later(rests / 2 - Duration::from_millis(1))), []);
        assert_eq!(dialed(&node.later(rests)), [feed(1)]);
    }
}

#[test]
fn hundreds_of_dead_peers_cost_a_few_dials_an_hour() {
    let mut node = node(ALL, &[]);
    for n in 0..PEERS_MAX - 12 {
        node.announced(numbered(n));
    }
    let mut dials: BTreeMap<u64, usize> = BTreeMap::new();
    let (start, hours) = (node.now, 24);
    while node.now.since(start) < Duration::from_secs(hours * 3600) {
        let outputs = node.later(Duration::from_secs(30));
        for peer in dialed(&outputs) {
            *dials.entry(node.now.since(start).as_secs() / 3600).or_default() += 1;
            node.dial_failed(peer);
        }
    }

    let last = dials.get(&(hours - 1)).copied().unwrap_or_default();
    assert!(last <= PEERS_MAX, "{last} dials in the last hour: {dials:?}");
}

#[test]
fn what_changes_in_the_table_of_peers_is_kept_soon_and_once() {
    let quiet = Dialing { seeds: false, local: false, friends: false, global: false, ..ALL };
    let mut node = node(quiet, &[]);
    node.announced(feed(1));

    assert!(!node.later(KEEP_AFTER - Duration::from_millis(1)).contains(&Output::SavePeers));
    assert_eq!(node.later(Duration::from_millis(1)), [Output::SavePeers]);
    assert_eq!(node.later(KEEP_AFTER * 10), []);
}

#[test]
fn of_two_connections_the_one_stays_that_is_the_newest_to_the_peer() {
    for (peer, wait) in [(200, TWINS_AFTER), (1, TWINS_LATER)] {
        for (first, second) in [(10, 11), (11, 10)] {
            let mut node =
                Node::start(Start { me: feed(100), mark: mark(100), dialing: Some(ALL), ..fresh() });
            node.open_from(10, peer, Side::Dialed);
            node.open_from(11, peer, Side::Accepted);
            for connection in [first, second, first] {
                let connection = ConnectionId(connection).into();
                node.handle(Input::Blobs(Blobs::Listens { connection }));
            }

            assert_eq!(closed(&node.later(wait - Duration::from_millis(1))), [0; 0]);
            assert_eq!(closed(&node.later(Duration::from_millis(1))), [first]);
        }
    }
}

#[test]
fn of_two_connections_the_older_one_is_probably_dead_whatever_came_over_it() {
    for (sides, has_called) in [
        ([Side::Dialed, Side::Accepted], false),
        ([Side::Accepted, Side::Accepted], false),
        ([Side::Dialed, Side::Accepted], true),
        ([Side::Accepted, Side::Dialed], true),
    ] {
        let mut node = node(ALL, &[]);
        node.open_from(1, 1, sides[0]);
        if has_called {
            node.handle(Input::Blobs(Blobs::Listens { connection: ConnectionId(1).into() }));
        }
        node.later(Duration::from_secs(10));
        node.open_from(2, 1, sides[1]);

        assert_eq!(closed(&node.later(TWINS_LATER)), [1]);
    }
}

#[test]
fn what_ended_meanwhile_is_not_ended_again() {
    let mut node = node(ALL, &[]);
    node.open_from(1, 1, Side::Dialed);
    node.open_from(2, 1, Side::Accepted);
    node.close(2);

    assert_eq!(closed(&node.later(TWINS_LATER)), [0; 0]);
}

fn mark(n: u8) -> ssb_keys::published_mark::PublishedMark {
    ssb_keys::published_mark::PublishedMark::created(feed(n))
}
