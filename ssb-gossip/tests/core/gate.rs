//! When a message may be published.

use ssb_gossip::connection::ConnectionId;
use ssb_gossip::connection::Side;
use ssb_gossip::core::Start;
use ssb_gossip::event::Input;
use ssb_gossip::event::Letter;
use ssb_gossip::event::Outcome;
use ssb_gossip::event::Output;
use ssb_gossip::event::Refusal;
use ssb_gossip::event::Ticket;
use ssb_gossip::event::Verdict;
use ssb_gossip::recovery::ASK_AGAIN_AFTER;
use ssb_gossip::recovery::Locked;
use ssb_gossip::recovery::SECOND_WITHIN;
use ssb_gossip::replicator::STREAMS_MAX;
use ssb_keys::published_mark::Origin;
use ssb_keys::published_mark::PublishedMark;
use ssb_msg::content::Contact;
use ssb_msg::content::Relation;
use ssb_msg::limits::WIRE_LEN_MAX;

use super::LEN;
use super::ME;
use super::Node;
use super::ask;
use super::ask_stored;
use super::feed;
use super::fresh;
use super::numbered;
use super::stop;

/// A node whose secret was found, with so much of its feed.
fn foreign(held: u32) -> Node {
    let held = if held == 0 { Vec::new() } else { vec![(feed(ME), held)] };
    Node::start(Start { mark: PublishedMark::unknown(feed(ME)), held, ..fresh() })
}

/// A node that published five messages of which its log holds so many.
fn short(held: u32) -> Node {
    let mark = PublishedMark { sequence: 5, ..PublishedMark::created(feed(ME)) };
    Node::start(Start { mark, held: vec![(feed(ME), held)], ..fresh() })
}

fn publish(node: &mut Node) -> Vec<Output> {
    node.handle(Input::Publish { ticket: Ticket(3), draft: "{}".to_owned().into() })
}

fn published() -> [Output; 1] {
    [Output::Publish { ticket: Ticket(3), draft: "{}".to_owned().into() }]
}

fn refused(locked: Locked) -> [Output; 1] {
    [Output::PublishRefused { ticket: Ticket(3), locked }]
}

fn recovered(sequence: u64) -> PublishedMark {
    PublishedMark { feed: feed(ME), origin: Origin::Recovered, sequence }
}

fn tick(node: &mut Node) -> Vec<Output> {
    node.handle(Input::Tick)
}

#[test]
fn a_node_that_made_its_secret_publishes_at_once() {
    assert_eq!(publish(&mut Node::new()), published());
}

#[test]
fn a_found_secret_or_a_short_log_publishes_nothing() {
    assert_eq!(publish(&mut foreign(0)), refused(Locked::ForeignSecret));
    assert_eq!(publish(&mut short(4)), refused(Locked::ShortLog { held: 4, published: 5 }));
    assert_eq!(publish(&mut short(5)), published());
    let mark = PublishedMark { sequence: 5, ..PublishedMark::unknown(feed(ME)) };
    let start = |held| Start { mark, held: vec![(feed(ME), held)], ..fresh() };
    let (mut lost, mut half) = (Node::start(start(4)), Node::start(start(6)));
    assert_eq!(publish(&mut lost), refused(Locked::ShortLog { held: 4, published: 5 }));
    assert_eq!(publish(&mut half), refused(Locked::ForeignSecret));
}

#[test]
fn while_it_is_locked_every_peer_is_asked_for_the_own_feed_to_its_end() {
    let mut node = foreign(0);

    assert_eq!(node.open(1, 1, Side::Accepted), [ask_stored(1, 0, 1), ask(1, 1, ME, 1)]);
    assert_eq!(node.open(2, 2, Side::Dialed), [ask_stored(2, 2, 1), ask(2, 3, ME, 1)]);
    assert_eq!(node.open(3, ME, Side::Local), []);
}

#[test]
fn the_question_begins_with_the_last_message_that_is_held() {
    let mut node = foreign(4);

    assert_eq!(node.open(1, 1, Side::Accepted), [ask_stored(1, 0, 4), ask(1, 1, ME, 5)]);
}

#[test]
fn an_answer_that_ended_and_is_durable_opens_it_once_the_mark_is_saved() {
    let mut node = foreign(0);
    node.open(1, 1, Side::Accepted);
    node.items(1, 0, 2, LEN);
    assert_eq!(node.stored(1, 0, ME, 1), []);
    assert_eq!(node.ended(1, 0), [], "one message has no verdict yet");
    assert_eq!(node.stored(1, 0, ME, 2), [Output::SaveMark(recovered(2))]);
    assert_eq!(publish(&mut node), refused(Locked::ForeignSecret), "the mark is not saved yet");

    node.handle(Input::MarkSaved(recovered(2)));

    assert_eq!(publish(&mut node), published());
    assert_eq!(node.core.deadline(), None);
    assert_eq!(node.open(2, 2, Side::Accepted), [ask(2, 2, ME, 3)], "nobody is asked any more");
}

#[test]
fn verdicts_that_are_all_there_open_it_at_the_end() {
    let mut node = foreign(0);
    node.open(1, 1, Side::Accepted);
    node.items(1, 0, 1, LEN);
    node.stored(1, 0, ME, 1);

    assert_eq!(node.ended(1, 0), [Output::SaveMark(recovered(1))]);
}

/// Two peers are asked, and the first has told two messages.
fn one_of_two() -> Node {
    let mut node = foreign(0);
    node.open(1, 1, Side::Accepted);
    node.open(2, 2, Side::Accepted);
    node.items(1, 0, 2, LEN);
    node.stored(1, 0, ME, 1);
    node.stored(1, 0, ME, 2);
    assert_eq!(node.ended(1, 0), [], "the other may have more");
    node
}

#[test]
fn where_two_peers_are_asked_two_have_to_answer() {
    let mut node = one_of_two();
    node.items(2, 2, 1, LEN);
    assert_eq!(node.ended(2, 2), []);

    assert_eq!(node.stored(2, 2, ME, 3), [Output::SaveMark(recovered(3))]);
}

#[test]
fn the_answer_of_one_is_enough_when_the_other_has_none_is_gone_or_takes_too_long() {
    let opens = [Output::SaveMark(recovered(2))];
    assert_eq!(one_of_two().ended(2, 2), opens);
    let mut gone = one_of_two();
    let closed = gone.handle(Input::Closed { connection: ConnectionId(2) });
    assert!(closed.contains(&opens[0]), "{closed:?}");
    let mut slow = one_of_two();
    assert_eq!(slow.core.deadline(), Some(slow.now.after(SECOND_WITHIN)));
    slow.now = slow.now.after(SECOND_WITHIN);
    assert!(tick(&mut slow).contains(&opens[0]));
}

#[test]
fn one_peer_with_two_connections_is_one_peer() {
    let mut node = foreign(0);
    node.open(1, 1, Side::Accepted);
    node.open(2, 1, Side::Accepted);
    node.open(3, 3, Side::Accepted);
    for (connection, stream) in [(1, 0), (2, 2)] {
        node.items(connection, stream, 1, LEN);
        node.stored(connection, stream, ME, 1);
        assert_eq!(node.ended(connection, stream), []);
    }
}

#[test]
fn the_live_stream_opens_nothing() {
    let mut node = foreign(0);
    node.open(1, 1, Side::Accepted);
    node.items(1, 1, 1, LEN);
    node.stored(1, 1, ME, 1);

    assert_eq!(node.ended(1, 1), []);
    assert_eq!(publish(&mut node), refused(Locked::ForeignSecret));
}

#[test]
fn an_empty_answer_opens_nothing_and_is_asked_again_later() {
    let mut node = foreign(0);
    node.open(1, 1, Side::Accepted);

    assert_eq!(node.ended(1, 0), []);
    assert_eq!(publish(&mut node), refused(Locked::ForeignSecret));
    assert_eq!(node.core.deadline(), Some(node.now.after(ASK_AGAIN_AFTER)));

    assert_eq!(tick(&mut node), [], "it is too early");
    node.now = node.now.after(ASK_AGAIN_AFTER);
    assert_eq!(tick(&mut node), [ask_stored(1, 2, 1)]);
    assert_eq!(node.core.deadline(), None);
}

#[test]
fn a_refused_message_opens_nothing() {
    for reason in [Refusal::Malformed, Refusal::Signature, Refusal::Fork, Refusal::Gap] {
        let mut node = foreign(0);
        node.open(1, 1, Side::Accepted);
        node.items(1, 0, 2, LEN);
        node.stored(1, 0, ME, 1);
        assert_eq!(node.ended(1, 0), []);

        assert_eq!(node.refused(1, 0, reason), []);
        assert_eq!(publish(&mut node), refused(Locked::ForeignSecret), "{reason:?}");
    }
}

#[test]
fn a_refused_message_ends_an_answer_that_goes_on() {
    let mut node = foreign(0);
    node.open(1, 1, Side::Accepted);
    node.items(1, 0, 2, LEN);
    node.stored(1, 0, ME, 1);

    assert_eq!(node.refused(1, 0, Refusal::Fork), [stop(1, 0)]);
    assert_eq!(node.ended(1, 0), [], "the end was under way");
    assert_eq!(publish(&mut node), refused(Locked::ForeignSecret));
}

#[test]
fn an_item_longer_than_any_message_opens_nothing() {
    let mut node = foreign(0);
    node.open(1, 1, Side::Accepted);
    node.items(1, 0, 1, LEN);
    node.stored(1, 0, ME, 1);

    assert_eq!(node.items(1, 0, 1, WIRE_LEN_MAX + 1), [stop(1, 0)]);
    assert_eq!(node.ended(1, 0), [], "the end was under way");
    assert_eq!(publish(&mut node), refused(Locked::ForeignSecret));
}

#[test]
fn a_peer_that_can_be_asked_for_nothing_more_is_asked_later() {
    let mut node = foreign(0);
    node.open(1, 1, Side::Dialed);
    node.ended(1, 0);
    let contacts = (0..STREAMS_MAX).map(|n| Outcome::Stored {
        feed: feed(ME),
        sequence: 1,
        contact: Some(Contact { contact: numbered(n), relation: Relation::Follow }),
    });
    let verdicts = contacts.map(|outcome| Verdict { giver: None, len: 0, outcome }).collect();
    node.handle(Input::Verdicts(verdicts));
    node.now = node.now.after(ASK_AGAIN_AFTER);

    assert_eq!(tick(&mut node), []);
    assert_eq!(node.core.deadline(), Some(node.now.after(ASK_AGAIN_AFTER)));
    node.ended(1, 1);
    node.now = node.now.after(ASK_AGAIN_AFTER);
    assert!(matches!(tick(&mut node)[..], [Output::Tell { letter: Letter::Ask { .. }, .. }]));
}

#[test]
fn a_broken_stream_opens_nothing() {
    let mut node = foreign(0);
    node.open(1, 1, Side::Accepted);
    node.items(1, 0, 1, LEN);
    node.stored(1, 0, ME, 1);

    assert_eq!(node.stream_ended(1, 0, true), []);
    assert_eq!(publish(&mut node), refused(Locked::ForeignSecret));
}

#[test]
fn a_connection_that_closed_before_the_end_opens_nothing() {
    let mut node = foreign(0);
    node.open(1, 1, Side::Accepted);
    node.items(1, 0, 1, LEN);
    node.close(1);

    assert_eq!(node.stored(1, 0, ME, 1), []);
    assert_eq!(publish(&mut node), refused(Locked::ForeignSecret));
    assert_eq!(node.core.deadline(), None);
}

#[test]
fn an_answer_that_does_not_reach_the_mark_opens_nothing() {
    let mut node = short(2);
    node.open(1, 1, Side::Accepted);
    node.items(1, 0, 2, LEN);
    node.verdict(1, 0, Outcome::Known { feed: feed(ME), held: 0 });
    node.stored(1, 0, ME, 3);

    assert_eq!(node.ended(1, 0), []);
    assert!(matches!(publish(&mut node)[..], [Output::PublishRefused { .. }]));
}

#[test]
fn an_answer_that_reaches_the_mark_opens_it() {
    let mut node = short(4);
    node.open(1, 1, Side::Accepted);
    node.items(1, 0, 2, LEN);
    node.verdict(1, 0, Outcome::Known { feed: feed(ME), held: 0 });
    node.stored(1, 0, ME, 5);

    assert_eq!(node.ended(1, 0), [Output::SaveMark(recovered(5))]);
    node.handle(Input::MarkSaved(recovered(5)));
    assert_eq!(publish(&mut node), published());
}

#[test]
fn reaching_the_mark_opens_nothing_before_the_answer_ends() {
    let mut node = short(4);
    node.open(1, 1, Side::Accepted);
    node.items(1, 0, 2, LEN);
    node.verdict(1, 0, Outcome::Known { feed: feed(ME), held: 0 });
    node.stored(1, 0, ME, 5);

    assert_eq!(publish(&mut node), refused(Locked::ShortLog { held: 4, published: 5 }));
}

#[test]
fn a_peer_that_rests_is_forgotten_once_it_is_open() {
    let mut node = short(4);
    node.open(1, 1, Side::Accepted);
    node.ended(1, 0);
    node.open(2, 2, Side::Accepted);
    node.items(2, 2, 1, LEN);
    node.stored(2, 2, ME, 5);
    assert_eq!(node.ended(2, 2), [Output::SaveMark(recovered(5))]);
    node.handle(Input::MarkSaved(recovered(5)));

    assert_eq!(node.core.deadline(), None);
}

#[test]
fn a_peer_that_has_no_more_than_we_have_opens_it_too() {
    let mut node = foreign(4);
    node.open(1, 1, Side::Accepted);
    node.items(1, 0, 1, LEN);
    node.verdict(1, 0, Outcome::Known { feed: feed(ME), held: 0 });

    assert_eq!(node.ended(1, 0), [Output::SaveMark(recovered(4))]);
}

#[test]
fn one_peer_s_empty_answer_does_not_spoil_another_s() {
    let mut node = foreign(0);
    node.open(1, 1, Side::Accepted);
    node.open(2, 2, Side::Accepted);
    node.ended(1, 0);
    node.items(2, 2, 1, LEN);
    node.stored(2, 2, ME, 1);

    assert_eq!(node.ended(2, 2), [Output::SaveMark(recovered(1))]);
    node.handle(Input::MarkSaved(recovered(1)));
    assert_eq!(node.core.deadline(), None, "the other one is left in peace");
}

#[test]
fn an_end_of_somebody_else_s_stream_opens_nothing() {
    let mut node = foreign(0);
    node.open(1, 1, Side::Accepted);
    node.items(1, 0, 1, LEN);
    node.stored(1, 0, ME, 1);

    let (connection, stream) = (ConnectionId(2), ssb_gossip::connection::StreamId(0));
    assert_eq!(node.handle(Input::StreamEnded { connection, stream, failed: false }), []);
}
