//! What becomes of messages that the owner adds: the same as of those of peers.

use ssb_gossip::connection::Side;
use ssb_gossip::core::IN_FLIGHT_LEN_MAX;
use ssb_gossip::core::ITEM_COST_MIN;
use ssb_gossip::event::Giver;
use ssb_gossip::event::Group;
use ssb_gossip::event::Ingest;
use ssb_gossip::event::Input;
use ssb_gossip::event::Outcome;
use ssb_gossip::event::Output;
use ssb_gossip::event::Refusal;
use ssb_gossip::event::Ticket;
use ssb_gossip::event::Verdict;
use ssb_keys::published_mark::PublishedMark;
use ssb_msg::content::Contact;
use ssb_msg::content::Relation;

use super::ConnectionId;
use super::LEN;
use super::ME;
use super::Node;
use super::Start;
use super::ask;
use super::feed;
use super::fresh;
use super::says;

/// Nobody follows it.
const AUTHOR: u8 = 5;

fn add(ticket: u64, author: u8) -> Input {
    Input::Add { ticket: Ticket(ticket), feed: feed(author), raw: vec![b' '; LEN] }
}

fn group(number: u64, ticket: u64, author: u8) -> Output {
    let item = Ingest { giver: Giver::Owner(Ticket(ticket)), feed: feed(author), raw: vec![b' '; LEN] };
    Output::Ingest(Group { number, items: vec![item] })
}

fn verdict(node: &mut Node, ticket: u64, outcome: Outcome) -> Vec<Output> {
    let giver = Some(Giver::Owner(Ticket(ticket)));
    node.handle(Input::Verdicts(vec![Verdict { giver, len: LEN, outcome }]))
}

#[test]
fn an_added_message_is_judged_in_line_with_all_others_whoever_wrote_it() {
    let mut node = Node::following(&[1]);
    node.open(1, 1, Side::Dialed);

    assert_eq!(node.handle(add(7, AUTHOR)), [group(0, 7, AUTHOR)]);
    let Some(Output::Ingest(between)) = node.items(1, 1, 1, LEN).pop() else { panic!("not taken") };
    assert_eq!(between.number, 1);
    assert_eq!(node.handle(add(8, ME)), [group(2, 8, ME)]);
}

#[test]
fn added_messages_are_charged_until_their_verdict() {
    let mut node = Node::new();
    for ticket in 0..(IN_FLIGHT_LEN_MAX / ITEM_COST_MIN) as u64 {
        node.handle(add(ticket, AUTHOR));
    }
    assert!(!node.core.is_congested(), "exactly as much as may be");

    node.handle(add(9999, AUTHOR));
    assert!(node.core.is_congested());
    verdict(&mut node, 0, Outcome::Refused(Refusal::Gap));

    assert!(!node.core.is_congested());
}

#[test]
fn peers_are_asked_for_what_comes_behind_an_added_message() {
    let mut node = Node::following(&[AUTHOR]);
    node.handle(add(1, AUTHOR));
    verdict(&mut node, 1, Outcome::Stored { feed: feed(AUTHOR), sequence: 1, contact: None });

    let asked = node.open(1, AUTHOR, Side::Dialed);

    assert!(asked.contains(&ask(1, 1, AUTHOR, 2)), "{asked:?}");
}

#[test]
fn a_contact_that_is_added_counts() {
    let mut node = Node::new();
    node.open(1, AUTHOR, Side::Dialed);
    let (_, contact) = says(ME, Relation::Follow, AUTHOR);
    node.handle(add(1, ME));

    let contact = Some(Contact { ..contact });
    let asked = verdict(&mut node, 1, Outcome::Stored { feed: feed(ME), sequence: 1, contact });

    assert_eq!(asked, [ask(1, 1, AUTHOR, 1)]);
}

#[test]
fn adding_the_own_feed_does_not_open_the_gate() {
    let mut node = Node::start(Start { mark: PublishedMark::unknown(feed(ME)), ..fresh() });
    node.handle(add(1, ME));

    let stored = verdict(&mut node, 1, Outcome::Stored { feed: feed(ME), sequence: 1, contact: None });

    assert_eq!(stored, [], "nobody says that this is all of it");
    let publish = Input::Publish { ticket: Ticket(2), draft: "{}".to_owned().into() };
    assert!(matches!(node.handle(publish)[..], [Output::PublishRefused { .. }]));
}

#[test]
fn a_refused_message_blames_no_connection() {
    let mut node = Node::following(&[AUTHOR]);
    node.open(0, AUTHOR, Side::Dialed);
    node.handle(add(0, AUTHOR));

    for refusal in [Refusal::Malformed, Refusal::Signature, Refusal::Fork, Refusal::Storage] {
        assert_eq!(verdict(&mut node, 0, Outcome::Refused(refusal)), []);
    }

    assert_eq!(node.handle(Input::Closed { connection: ConnectionId(0) }), []);
}
