//! What is said to whom, and when: as JavaScript's nodes say it (ssb-blobs 1.2.2), but for what is here.

use super::*;
use ssb_blobs::EMPTY;
use ssb_blobs::wants::limits::OWN_WANTS_MAX;

#[test]
fn the_first_item_is_all_that_is_wanted_even_if_that_is_nothing() {
    let mut node = Node::new();
    node.open(1, Standing::Stranger);
    assert_eq!(node.listens(1), [says(1, &[])]);

    assert_eq!(node.want(id(1)), [asks(1, id(1), 1)]);
    node.push(id(2));
    node.open(2, Standing::Near);

    assert_eq!(node.listens(2), [says(2, &[(id(1), Word::Wanted(1)), (id(2), Word::Wanted(1))])]);
}

#[test]
fn who_does_not_listen_hears_nothing() {
    let mut node = Node::among([1]);
    node.open(2, Standing::Near);
    assert_eq!(node.want(id(1)), [asks(1, id(1), 1)]);

    node.handle(Input::Deaf { connection: Connection(1) });

    assert_eq!(node.want(id(2)), []);
}

#[test]
fn what_is_here_is_answered_with_its_size_and_anybody_may_ask_from_anywhere() {
    let mut node = Node::new().and([1], Standing::Stranger);
    let wants = [(id(1), Word::Wanted(1)), (id(2), Word::Wanted(200))];
    assert_eq!(node.said(1, &wants), [looks_up(1, &[id(1), id(2)])]);

    let found = node.found(1, &[(id(1), Some(5000)), (id(2), Some(1))]);

    assert_eq!(found, [says(1, &[(id(1), Word::Has(5000)), (id(2), Word::Has(1))])]);
}

#[test]
fn who_wanted_a_blob_that_comes_later_hears_of_it_once_and_nobody_else_does() {
    let mut node = Node::new().and([1], Standing::Stranger).and([2, 3], Standing::Near);
    node.wanted(1, id(1), 1);
    node.wanted(2, id(1), 3);

    assert_eq!(node.stored(id(1), 7), [tells(1, id(1), 7), tells(2, id(1), 7)]);
    assert_eq!(node.stored(id(1), 7), []);
    assert_eq!(node.stored(id(2), 7), [], "nobody wants it");
}

#[test]
fn what_comes_while_it_is_looked_up_is_told_all_the_same() {
    let mut node = Node::among([1, 2]);
    node.said(1, &[(id(1), Word::Wanted(1))]);
    assert_eq!(node.stored(id(1), 7), [tells(1, id(1), 7)]);

    assert_eq!(node.found(1, &[(id(1), None)]), [], "it was looked for too early");
    assert_eq!(node.wants.wanted().count(), 0);
}

#[test]
fn who_asks_before_it_listens_is_answered_when_it_does() {
    let mut node = Node::new();
    node.open(1, Standing::Near);
    node.said(1, &[(id(1), Word::Wanted(1))]);
    assert_eq!(node.found(1, &[(id(1), Some(7))]), []);

    assert_eq!(node.listens(1), [looks_up(1, &[id(1)]), says(1, &[])]);
    assert_eq!(node.found(1, &[(id(1), Some(7))]), [tells(1, id(1), 7)]);
}

#[test]
fn the_owner_hears_when_a_blob_has_come_and_every_program_that_waits_does() {
    let mut node = Node::among([1]);
    for program in [8, 9, 10] {
        node.handle(Input::Want { connection: Some(Connection(program)), id: id(1) });
    }
    node.close(9);
    assert_eq!(node.has(1, id(1), 5), [fetches(0, 1, id(1), 5)]);

    let outputs = node.ended(0, Outcome::Stored { size: 5 });

    assert_eq!(outputs, [answers(8, id(1), true), answers(10, id(1), true)]);
    assert_eq!(node.wants.wanted().count(), 0);
}

#[test]
fn a_want_outlives_the_program_that_had_it() {
    let mut node = Node::among([1]);
    node.handle(Input::Want { connection: Some(Connection(8)), id: id(1) });
    node.close(8);

    assert_eq!(node.has(1, id(1), 5), [fetches(0, 1, id(1), 5)]);
    assert_eq!(node.ended(0, Outcome::Stored { size: 5 }), []);
}

#[test]
fn what_the_owner_does_not_want_any_more_is_not_fetched() {
    let mut node = Node::among([1]);
    node.want(id(1));
    node.want(id(2));
    node.has(1, id(1), 5);

    assert_eq!(node.handle(Input::Unwant { id: id(1) }), [stops(0, 1)]);
    node.handle(Input::Unwant { id: id(2) });

    assert_eq!(node.has(1, id(2), 5), []);
    assert_eq!(node.wants.stats().own, 0);
}

#[test]
fn the_owner_wants_so_many_and_no_more() {
    let mut node = Node::new();
    for n in 0..OWN_WANTS_MAX {
        assert_eq!(node.handle(Input::Want { connection: Some(Connection(8)), id: id(n) }), []);
    }
    let mut want = |n| node.handle(Input::Want { connection: Some(Connection(8)), id: id(n) });

    assert_eq!(want(OWN_WANTS_MAX), [answers(8, id(OWN_WANTS_MAX), false)]);
    assert_eq!(want(0), [], "it is wanted already");
}

#[test]
fn the_blob_of_no_bytes_is_always_here_and_never_asked_for() {
    let mut node = Node::among([1, 2]);

    assert_eq!(
        node.handle(Input::Want { connection: Some(Connection(8)), id: EMPTY }),
        [answers(8, EMPTY, true)]
    );
    assert_eq!(node.said(1, &[(EMPTY, Word::Wanted(1))]), [looks_up(1, &[])]);
    assert_eq!(node.has(1, EMPTY, 0), []);
    assert_eq!(node.push(EMPTY), []);
    assert_eq!(node.stored(EMPTY, 0), []);
}

#[test]
fn who_is_stingy_answers_only_for_what_is_pushed() {
    let mut node = Node::with(Policy { stingy: true, ..Policy::default() }).and([1, 2], Standing::Near);
    node.push(id(1));

    let wants = [(id(1), Word::Wanted(2)), (id(2), Word::Wanted(1))];
    assert_eq!(node.said(1, &wants), [looks_up(1, &[id(1)])]);

    assert_eq!(node.found(1, &[(id(1), Some(7))]), [tells(1, id(1), 7)]);
    assert_eq!(node.stored(id(2), 7), []);
}

#[test]
fn words_about_nobody_are_forgotten() {
    let mut node = Node::new();

    assert_eq!(node.said(1, &[(id(1), Word::Wanted(1)), (id(2), Word::Has(1))]), [looks_up(1, &[id(1)])]);
    assert_eq!(node.found(1, &[(id(1), Some(1))]), []);
    assert_eq!(node.listens(1), []);
    assert_eq!(node.ended(3, Outcome::Failed), []);
    assert_eq!(node.wants.deadline(), None);
}
