//! What the owner wants others to have.

use super::*;
use ssb_blobs::wants::limits::PUSHES_MAX;

#[test]
fn everybody_hears_of_a_push_until_enough_have_it() {
    let mut node = Node::new().and([1, 2], Standing::Stranger).and([3, 4], Standing::Near);
    let mut expected: Vec<Output> = vec![Output::SavePushes];
    expected.extend((1..=4).map(|n| asks(n, id(1), 1)));
    assert_eq!(node.push(id(1)), expected);

    // As JavaScript's nodes do: they want it in turn, and are told that it is here.
    assert_eq!(node.said(1, &[(id(1), Word::Wanted(2))]), [looks_up(1, &[id(1)])]);
    assert_eq!(node.found(1, &[(id(1), Some(5))]), [tells(1, id(1), 5)]);
    assert_eq!(node.has(1, id(1), 5), []);
    assert_eq!(node.has(1, id(1), 5), [], "that is the same one");
    assert_eq!(node.has(2, id(1), 5), []);
    assert_eq!(node.wants.pushes().collect::<Vec<_>>(), [id(1)]);

    assert_eq!(node.has(3, id(1), 5), [Output::SavePushes]);

    assert_eq!(node.wants.pushes().count(), 0);
    node.open(5, Standing::Near);
    assert_eq!(node.listens(5), [says(5, &[])]);
}

#[test]
fn pushes_go_on_after_a_start() {
    let mut wants = Wants::new(Policy::default(), [id(1)]);
    let now = Duration::ZERO;
    wants.handle(Input::Opened { connection: Connection(1), peer: peer(1), standing: Standing::Near }, now);
    wants.handle(Input::Listens { connection: Connection(1) }, now);

    assert_eq!(wants.poll(), Some(asks(1, id(1), 1)));
}

#[test]
fn a_blob_that_was_removed_is_not_pushed() {
    let mut node = Node::among([1]);
    node.push(id(1));

    assert_eq!(node.handle(Input::Removed { id: id(1) }), [Output::SavePushes]);
    assert_eq!(node.wants.pushes().count(), 0);
}

#[test]
fn who_was_pushed_a_blob_fetches_it_from_who_pushes_and_says_that_it_has_it() {
    let mut node = Node::among([1, 2]);
    assert_eq!(node.wanted(1, id(1), 1), [asks(1, id(1), 2), asks(2, id(1), 2)]);

    assert_eq!(node.has(1, id(1), 5), [fetches(0, 1, id(1), 5)]);
    assert_eq!(node.ended(0, Outcome::Stored { size: 5 }), [tells(1, id(1), 5)]);
    assert_eq!(node.wants.cost(&peer(1)), 5, "who pushes pays");
}

#[test]
fn pushing_twice_says_it_twice_and_keeps_it_once() {
    let mut node = Node::among([1]);
    node.push(id(1));

    assert_eq!(node.push(id(1)), [asks(1, id(1), 1)]);
}

#[test]
fn what_is_pushed_and_not_here_is_wanted_if_the_owner_says_so() {
    let mut node = Node::among([1]);
    node.push(id(1));

    assert_eq!(node.want(id(1)), [], "that was said");

    assert_eq!(node.has(1, id(1), 5), [fetches(0, 1, id(1), 5)]);
}

#[test]
fn so_many_are_pushed_and_no_more() {
    let mut node = Node::new();
    for n in 0..PUSHES_MAX {
        assert_eq!(node.push(id(n)), [Output::SavePushes]);
    }

    assert_eq!(node.push(id(PUSHES_MAX)), []);

    assert_eq!(node.wants.stats().pushes, PUSHES_MAX);
    assert_eq!(Wants::new(Policy::default(), (0..=PUSHES_MAX).map(id)).stats().pushes, PUSHES_MAX);
}
