//! How far replication is, and when it is over for now.

use ssb_gossip::connection::ConnectionId;
use ssb_gossip::connection::Side;
use ssb_gossip::core::Start;
use ssb_gossip::core::progress::Progress;
use ssb_gossip::ebt::SETTLE_AFTER;
use ssb_gossip::ebt::STALL_AFTER;
use ssb_gossip::ebt::note::Note;
use ssb_gossip::ebt::tally::QUIET_AFTER;
use ssb_gossip::event::Giver;
use ssb_gossip::event::Input;
use ssb_gossip::event::Outcome;
use ssb_gossip::event::Verdict;
use ssb_msg::content::Relation;

use super::LEN;
use super::ME;
use super::Node;
use super::feed;
use super::fresh;
use super::says;

const ONE: ConnectionId = ConnectionId(1);

fn progress(node: &Node) -> Progress {
    node.core.progress(node.now)
}

/// Follows two feeds and has 3 messages of the first.
fn node() -> Node {
    let contacts = vec![says(ME, Relation::Follow, 1), says(ME, Relation::Follow, 2)];
    Node::start(Start { contacts, held: vec![(feed(1), 3)], ..fresh() })
}

fn has(sequence: u64) -> Note {
    Note::Has { sequence, send: false }
}

fn hear(node: &mut Node, connection: u64, peer: u8, notes: &[(u8, Note)]) {
    let connection = ConnectionId(connection);
    node.handle(Input::Opened { connection, peer: feed(peer), side: Side::Dialed });
    let notes = notes.iter().map(|(author, note)| (feed(*author), *note)).collect();
    node.handle(Input::EbtNotes { connection, notes });
}

fn send(node: &mut Node, author: u8) {
    let messages = vec![(feed(author), vec![b' '; LEN])];
    node.handle(Input::EbtMessages { connection: ONE, messages });
}

fn store(node: &mut Node, author: u8, sequence: u32) {
    let outcome = Outcome::Stored { feed: feed(author), sequence, contact: None };
    node.handle(Input::Verdicts(vec![Verdict {
        giver: Some(Giver::Ebt(ONE, feed(author))),
        len: LEN,
        outcome,
    }]));
}

#[test]
fn without_peers_there_is_nothing_to_come_and_nothing_is_over() {
    let expected = Progress { feeds: 3, held: 3, held_at_start: 3, ..Progress::default() };

    assert_eq!(progress(&node()), expected);

    assert!(!expected.is_idle());
}

#[test]
fn what_is_missing_is_what_the_best_of_them_has_more() {
    let mut node = node();
    hear(&mut node, 1, 100, &[(1, has(5)), (2, has(7))]);
    hear(&mut node, 2, 101, &[(1, has(9)), (2, Note::Refused)]);

    let now = progress(&node);

    assert_eq!((now.peers, now.owed, now.stuck, now.missing), (2, 2, 0, 6 + 7));
}

#[test]
fn it_is_over_when_all_have_noted_and_all_is_stored() {
    let mut node = node();
    hear(&mut node, 1, 100, &[(1, has(4))]);
    assert_eq!((progress(&node).settled, progress(&node).missing), (0, 1));
    node.later(SETTLE_AFTER);
    assert_eq!(progress(&node).settled, 1);

    send(&mut node, 1);
    let now = progress(&node);
    assert_eq!((now.received_len, now.stored), (300, 0));
    assert!(now.waiting_len > 0 && !now.is_idle());
    store(&mut node, 1, 4);

    let now = progress(&node);
    assert_eq!((now.stored, now.held, now.missing, now.owed, now.waiting_len), (1, 4, 0, 0, 0));
    assert!(now.is_idle());
}

#[test]
fn one_peer_that_has_not_noted_keeps_all_waiting() {
    let mut node = node();
    hear(&mut node, 1, 100, &[]);
    node.later(SETTLE_AFTER);
    assert!(progress(&node).is_idle());

    node.handle(Input::Opened { connection: ConnectionId(2), peer: feed(101), side: Side::Dialed });
    assert!(!progress(&node).is_idle());
    node.close(2);

    assert!(progress(&node).is_idle());
}

#[test]
fn two_connections_are_one_peer() {
    let mut node = node();
    hear(&mut node, 1, 100, &[]);
    node.handle(Input::Opened { connection: ConnectionId(2), peer: feed(100), side: Side::Accepted });
    node.later(SETTLE_AFTER);

    assert_eq!((progress(&node).peers, progress(&node).settled), (1, 1));
}

#[test]
fn what_nobody_is_asked_for_any_more_is_stuck_and_does_not_keep_anybody_waiting() {
    let mut node = node();
    hear(&mut node, 1, 100, &[(1, has(9))]);
    for stuck in [0, 0, 0, 1] {
        node.later(STALL_AFTER);
        assert_eq!((progress(&node).owed, progress(&node).stuck), (1, stuck));
    }

    assert!(progress(&node).is_idle());
}

#[test]
fn who_is_asked_the_old_way_has_sent_all_when_nothing_comes_any_more() {
    let mut node = node();
    node.open(1, 100, Side::Dialed);
    assert_eq!((progress(&node).peers, progress(&node).settled), (1, 0));
    node.later(QUIET_AFTER);
    assert!(progress(&node).is_idle());

    node.items(1, 0, 1, LEN);
    assert_eq!((progress(&node).settled, progress(&node).received_len), (0, 300));
    node.stored(1, 0, 1, 4);
    node.later(QUIET_AFTER);

    assert!(progress(&node).is_idle());
}
