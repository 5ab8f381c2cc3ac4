//! A feed of which something was deleted here, and a peer that would need that next.

use ssb_gossip::connection::ConnectionId;
use ssb_gossip::ebt::NEWS_AFTER;
use ssb_gossip::ebt::SETTLE_AFTER;
use ssb_gossip::event::Input;
use ssb_gossip::event::Outcome;
use ssb_gossip::event::Output;
use ssb_gossip::event::Verdict;

use super::AUTHOR;
use super::LEN;
use super::ME;
use super::Node;
use super::even;
use super::feed;
use super::holding;
use super::notes;
use super::odd;
use super::reset;
use super::serve;

impl Node {
    /// What the peer would need next of the feed was deleted.
    fn incomplete(&mut self, connection: u64) -> Vec<Output> {
        self.handle(Input::EbtIncomplete { connection: ConnectionId(connection), feed: feed(AUTHOR) })
    }
}

/// Who holds three messages of the feed, but not the second, and a peer that has the first and knows what it cannot get.
fn told_of_a_hole() -> Node {
    let mut node = holding(3);
    node.meet(1, &[(ME, odd(0)), (AUTHOR, even(1))]);
    node.later(SETTLE_AFTER);
    node.incomplete(1);
    node.noted(1, &[(AUTHOR, odd(1))]);
    node
}

#[test]
fn of_a_feed_with_a_hole_no_more_is_said_to_be_here_than_can_be_sent() {
    let mut node = holding(3);
    node.meet(1, &[(ME, odd(0)), (AUTHOR, even(1))]);
    node.later(SETTLE_AFTER);

    assert_eq!(node.incomplete(1), reset(1, AUTHOR, odd(1)), "the peer forgets that there were three");

    assert_eq!(node.noted(1, &[(AUTHOR, odd(1))]), [], "as it answers to that");
    assert_eq!(node.noted(1, &[(AUTHOR, even(1))]), [], "it may wait for what comes");
    assert_eq!(node.noted(1, &[(AUTHOR, odd(4))]), [notes(1, &[(AUTHOR, even(3))])], "it has more");
    assert_eq!(node.noted(1, &[(AUTHOR, even(2))]), [serve(1, AUTHOR, Some(3))], "it is past the hole");
}

#[test]
fn who_needs_what_was_deleted_is_told_of_nothing_behind_it() {
    let mut node = told_of_a_hole();
    node.meet(2, &[(ME, odd(0)), (AUTHOR, odd(4))]);
    node.later(SETTLE_AFTER);

    node.message(2, AUTHOR, LEN);
    node.judged(2, AUTHOR, Outcome::Stored { feed: feed(AUTHOR), sequence: 4, contact: None });

    assert_eq!(node.later(NEWS_AFTER), []);
}

#[test]
fn when_what_was_deleted_comes_back_those_who_need_it_are_told() {
    let mut node = told_of_a_hole();

    let outcome = Outcome::Stored { feed: feed(AUTHOR), sequence: 2, contact: None };
    let told = node.handle(Input::Verdicts(vec![Verdict { giver: None, len: LEN, outcome }]));

    assert_eq!(told, [notes(1, &[(AUTHOR, odd(2))])]);
}
