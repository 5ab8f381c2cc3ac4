//! What is asked of whom, and what is served.

use ssb_gossip::connection::ConnectionId;
use ssb_gossip::connection::Side;
use ssb_gossip::core::Start;
use ssb_gossip::event::Input;
use ssb_gossip::event::Letter;
use ssb_gossip::event::Output;
use ssb_gossip::replicator::STREAMS_MAX;
use ssb_msg::content::Contact;
use ssb_msg::content::Relation;

use super::ME;
use super::Node;
use super::ask;
use super::feed;
use super::fresh;
use super::numbered;
use super::request;
use super::says;
use super::stop;

fn history_asked(node: &mut Node, connection: u64, author: u8) -> Vec<Output> {
    let connection = ConnectionId(connection);
    node.handle(Input::HistoryAsked { connection, request: request(), feed: feed(author) })
}

fn served(connection: u64, allowed: bool) -> Output {
    Letter::ServeHistory { request: request(), allowed }.to(ConnectionId(connection))
}

#[test]
fn whom_we_dial_is_asked_for_everything_wanted() {
    let mut node = Node::following(&[5, 6]);

    assert_eq!(node.open(1, 5, Side::Dialed), [ask(1, 0, ME, 1), ask(1, 1, 5, 1), ask(1, 2, 6, 1)]);
}

#[test]
fn whoever_dials_us_is_asked_for_the_own_feed_only() {
    let mut node = Node::following(&[5]);

    assert_eq!(node.open(1, 5, Side::Accepted), [ask(1, 0, ME, 1)]);
}

#[test]
fn questions_start_where_the_log_ends() {
    let contacts = vec![says(ME, Relation::Follow, 5)];
    let held = vec![(feed(ME), 3), (feed(5), 8)];
    let mut node = Node::start(Start { held, contacts, ..fresh() });

    assert_eq!(node.open(1, 5, Side::Dialed), [ask(1, 0, ME, 4), ask(1, 1, 5, 9)]);
}

#[test]
fn the_owner_s_programs_are_asked_for_nothing() {
    let mut node = Node::following(&[5]);

    assert_eq!(node.open(1, ME, Side::Local), []);
    assert_eq!(node.open(2, ME, Side::Accepted), []);
    assert_eq!(history_asked(&mut node, 1, 5), [served(1, true)]);
    assert_eq!(history_asked(&mut node, 2, 5), [served(2, true)]);
}

#[test]
fn whoever_asks_the_old_way_is_asked_for_everything_once() {
    let mut node = Node::following(&[5]);
    node.open(1, 5, Side::Accepted);

    assert_eq!(history_asked(&mut node, 1, 5), [served(1, true), ask(1, 1, 5, 1)]);
    assert_eq!(history_asked(&mut node, 1, 6), [served(1, true)]);
}

#[test]
fn nobody_is_served_a_feed_whose_author_blocks_them() {
    let mut node = Node::start(Start { contacts: vec![says(6, Relation::Block, 5)], ..fresh() });
    node.open(1, 5, Side::Dialed);
    node.open(2, 7, Side::Dialed);

    assert_eq!(history_asked(&mut node, 1, 6), [served(1, false)]);
    assert_eq!(history_asked(&mut node, 2, 6), [served(2, true)]);
}

#[test]
fn a_new_follow_is_asked_of_everybody_who_is_asked_for_all() {
    let mut node = Node::new();
    node.open(1, 1, Side::Dialed);
    node.open(2, 2, Side::Accepted);

    assert_eq!(node.set(Relation::Follow, 5), [ask(1, 2, 5, 1)]);
}

#[test]
fn who_is_no_longer_followed_is_no_longer_asked_for() {
    let mut node = Node::following(&[5, 6]);
    node.open(1, 1, Side::Dialed);

    assert_eq!(node.set(Relation::Neutral, 5), [stop(1, 1)]);
    assert_eq!(node.items(1, 1, 1, 300), [], "what was under way is dropped");
    assert_eq!(node.set(Relation::Follow, 5), [ask(1, 3, 5, 1)]);
}

#[test]
fn a_follow_that_changes_nothing_asks_nothing() {
    let mut node = Node::following(&[5]);
    node.open(1, 1, Side::Dialed);

    assert_eq!(node.set(Relation::Follow, 5), []);
}

#[test]
fn a_stream_that_ended_is_not_asked_again_on_its_connection() {
    let mut node = Node::following(&[5]);
    node.open(1, 1, Side::Dialed);
    node.ended(1, 1);

    assert_eq!(node.set(Relation::Follow, 6), [ask(1, 2, 6, 1)]);
    node.close(1);
    assert_eq!(node.open(2, 1, Side::Dialed), [ask(2, 3, ME, 2), ask(2, 4, 5, 1), ask(2, 5, 6, 1)]);
}

#[test]
fn one_connection_is_asked_for_so_many_feeds_and_no_more() {
    let contact = |n| (feed(ME), Contact { contact: numbered(n), relation: Relation::Follow });
    let contacts = (0..STREAMS_MAX + 5).map(contact).collect();
    let mut node = Node::start(Start { contacts, ..fresh() });

    assert_eq!(node.open(1, 1, Side::Dialed).len(), STREAMS_MAX);
}
