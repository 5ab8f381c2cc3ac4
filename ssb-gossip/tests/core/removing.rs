//! What becomes of feeds that the owner removes, and lets come back.

use std::time::Duration;

use ssb_gossip::connection::Side;
use ssb_gossip::event::Again;
use ssb_gossip::event::Input;
use ssb_gossip::event::Letter;
use ssb_gossip::event::Output;
use ssb_gossip::event::Removal;
use ssb_gossip::event::Ticket;
use ssb_gossip::retention::FIRST;
use ssb_gossip::retention::PAUSE;
use ssb_gossip::retention::Retention;
use ssb_gossip::time::Uptime;
use ssb_keys::MessageId;
use ssb_keys::published_mark::PublishedMark;
use ssb_msg::content::Relation;

use super::ConnectionId;
use super::ME;
use super::Node;
use super::Start;
use super::StreamId;
use super::ask;
use super::feed;
use super::fresh;
use super::says;

fn emptied(node: &mut Node, author: u8, again: Again) -> Vec<Output> {
    node.handle(Input::Emptied { feed: feed(author), again })
}

fn stop(connection: u64, stream: u64) -> Output {
    Letter::Stop { stream: StreamId(stream) }.to(ConnectionId(connection))
}

#[test]
fn the_log_removes_what_the_owner_wants_gone_but_not_the_own_feed() {
    let mut node = Node::new();
    let ticket = Ticket(7);

    for what in [Removal::Feed(feed(5)), Removal::Message(MessageId::from_bytes([1; 32]))] {
        assert_eq!(node.handle(Input::Remove { ticket, what }), [Output::Remove { ticket, what }]);
        assert_eq!(node.handle(Input::Readmit { ticket, what }), [Output::Readmit { ticket, what }]);
    }
    let what = Removal::Feed(feed(ME));
    assert_eq!(node.handle(Input::Remove { ticket, what }), [Output::NotRemoved { ticket }]);
}

#[test]
fn a_removed_feed_is_asked_of_nobody_until_it_may_come_back() {
    let mut node = Node::following(&[5, 6]);
    node.open(1, 6, Side::Dialed);
    node.stored(1, 1, 5, 1);

    assert_eq!(emptied(&mut node, 5, Again::Refused), [stop(1, 1)]);
    assert!(!node.core.wants(&feed(5)));
    assert_eq!(node.open(2, 6, Side::Dialed), [ask(2, 3, ME, 1), ask(2, 4, 6, 1)]);

    assert_eq!(emptied(&mut node, 5, Again::Allowed), [ask(1, 5, 5, 1), ask(2, 6, 5, 1)]);
    assert!(node.core.wants(&feed(5)));
}

#[test]
fn a_forgotten_feed_is_asked_for_from_its_start() {
    let mut node = Node::following(&[5]);
    node.open(1, 5, Side::Dialed);
    node.stored(1, 1, 5, 1);

    assert_eq!(emptied(&mut node, 5, Again::Allowed), [stop(1, 1), ask(1, 2, 5, 1)]);
}

#[test]
fn feeds_that_were_removed_before_the_start_are_not_asked_for() {
    let contacts = vec![says(ME, Relation::Follow, 5)];
    let mut node = Node::start(Start { contacts, banned: vec![feed(5)], ..fresh() });

    assert_eq!(node.open(1, 5, Side::Dialed), [ask(1, 0, ME, 1)]);
}

#[test]
fn whom_a_removed_feed_follows_is_not_wanted_for_that() {
    let contacts = vec![says(ME, Relation::Follow, 5), says(5, Relation::Follow, 6)];
    let mut node = Node::start(Start { contacts, ..fresh() });
    node.open(1, 7, Side::Dialed);
    assert!(node.core.wants(&feed(6)));

    assert_eq!(emptied(&mut node, 5, Again::Refused), [stop(1, 1), stop(1, 2)]);

    assert!(!node.core.wants(&feed(6)));
}

#[test]
fn what_is_left_of_what_an_author_says_counts() {
    let mut node = Node::following(&[5]);
    node.open(1, 7, Side::Dialed);
    let related = |relation| Input::Related { author: feed(ME), contact: feed(5), relation };

    assert_eq!(node.handle(related(None)), [stop(1, 1)]);
    assert_eq!(node.handle(related(Some(Relation::Follow))), [ask(1, 2, 5, 1)]);
}

fn retaining(mark: PublishedMark) -> Node {
    let contacts =
        vec![says(ME, Relation::Follow, 5), says(5, Relation::Follow, 6), says(ME, Relation::Block, 7)];
    let mut node = Node::start(Start { contacts, mark, retention: Retention::Policy, ..fresh() });
    node.now = Uptime::default();
    node
}

fn tick(node: &mut Node, at: Duration) -> Vec<Output> {
    node.now = Uptime::new(at);
    node.handle(Input::Tick)
}

#[test]
fn what_the_policy_does_not_keep_is_looked_for_now_and_then() {
    let mut node = retaining(PublishedMark::created(feed(ME)));
    let steps = vec![(feed(ME), 0), (feed(5), 1), (feed(6), 2)];

    assert_eq!(node.core.deadline(), Some(Uptime::new(FIRST)));
    assert_eq!(tick(&mut node, FIRST - Duration::from_millis(1)), []);
    assert_eq!(tick(&mut node, FIRST), [Output::Retain { steps: steps.clone() }]);
    assert_eq!(node.core.deadline(), Some(Uptime::new(FIRST + PAUSE)));
    assert_eq!(tick(&mut node, FIRST + PAUSE), [Output::Retain { steps }]);
}

#[test]
fn nothing_goes_before_the_own_feed_is_recovered() {
    let mut node = retaining(PublishedMark::unknown(feed(ME)));

    assert_eq!(tick(&mut node, FIRST), []);
    assert_eq!(tick(&mut node, FIRST + PAUSE), []);
}
