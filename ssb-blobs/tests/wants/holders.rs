//! Of whom a blob is fetched, and who is next when that comes to nothing.

use super::*;
use ssb_blobs::wants::limits::DISK_PAUSE;
use ssb_blobs::wants::limits::DOUBTED_FOR;
use ssb_blobs::wants::limits::FETCHES_MAX;
use ssb_blobs::wants::limits::FETCHES_PER_PEER_MAX;
use ssb_blobs::wants::limits::PROGRESS_MIN;
use ssb_blobs::wants::limits::RETRY_AFTER;
use ssb_blobs::wants::limits::STALLED_AFTER;

/// Who wants blob 1, which peers 1 and 2 have: it is being fetched from the first of them.
fn fetching() -> Node {
    let mut node = Node::among([1, 2]);
    node.want(id(1));
    assert_eq!(node.has(1, id(1), 500), [fetches(0, 1, id(1), 500)]);
    assert_eq!(node.has(2, id(1), 500), [], "one download a blob");
    node
}

#[test]
fn only_what_is_wanted_is_fetched() {
    let mut node = Node::among([1]);

    assert_eq!(node.has(1, id(1), 500), []);
    assert_eq!(node.want(id(1)), [asks(1, id(1), 1)], "it says again that it has it");
}

#[test]
fn a_blob_is_fetched_if_it_is_shorter_than_the_limit_and_not_empty() {
    let mut node = Node::with(Policy { len_max: 1000, ..Policy::default() }).and([1], Standing::Near);
    for n in 0..4 {
        node.want(id(n));
    }

    assert_eq!(node.has(1, id(0), 0), []);
    assert_eq!(node.has(1, id(1), 1), [fetches(0, 1, id(1), 1)]);
    assert_eq!(node.has(1, id(2), 999), [fetches(1, 1, id(2), 999)]);
    assert_eq!(node.has(1, id(3), 1000), []);
    assert_eq!(node.has(1, id(3), u64::MAX), []);
}

#[test]
fn who_does_not_say_how_long_a_blob_is_may_send_what_is_allowed() {
    let mut node = Node::with(Policy { len_max: 1000, ..Policy::default() }).and([1], Standing::Near);
    node.want(id(1));

    let claimed = node.handle(Input::Claimed { connection: Connection(1), ids: vec![id(1), id(2)] });

    assert_eq!(claimed, [fetches(0, 1, id(1), 999)]);
}

#[test]
fn the_next_holder_is_asked_when_one_fails_and_who_lied_is_asked_nothing_for_a_while() {
    for outcome in [Outcome::WrongHash, Outcome::TooLong] {
        let mut node = fetching();
        node.want(id(2));
        node.has(1, id(3), 5);
        assert_eq!(node.ended(0, outcome), [fetches(1, 2, id(1), 500)], "{outcome:?}");

        assert_eq!(node.has(1, id(2), 5), [], "{outcome:?}: it is doubted");
        node.close(2);
        assert_eq!(node.has(1, id(1), 500), [], "{outcome:?}: there is nobody else, and still");
        let outputs = node.later(DOUBTED_FOR);

        assert_eq!(outputs, [fetches(2, 1, id(1), 500), fetches(3, 1, id(2), 5)], "{outcome:?}");
    }
}

#[test]
fn who_refuses_is_asked_again_after_a_while() {
    let mut node = fetching();
    assert_eq!(node.ended(0, Outcome::Refused), [fetches(1, 2, id(1), 500)]);
    assert_eq!(node.ended(1, Outcome::Refused), []);
    assert_eq!(node.has(1, id(1), 500), [], "whatever it says");
    assert_eq!(node.later(RETRY_AFTER - Duration::from_nanos(1)), []);

    assert_eq!(node.later(Duration::from_nanos(1)), [fetches(2, 1, id(1), 500)]);
}

#[test]
fn who_hangs_up_is_replaced() {
    let mut node = fetching();

    assert_eq!(node.close(1), [fetches(1, 2, id(1), 500)]);
    assert_eq!(node.close(2), []);
}

#[test]
fn a_download_that_stalls_is_taken_over_and_its_holder_asked_again_later() {
    let mut node = fetching();
    let slow = Input::Progress { fetch: Fetch(0), received: PROGRESS_MIN - 1 };
    assert_eq!(node.handle(slow), []);
    assert_eq!(node.later(STALLED_AFTER - Duration::from_nanos(1)), []);

    assert_eq!(node.later(Duration::from_nanos(1)), [stops(0, 1), fetches(1, 2, id(1), 500)]);

    assert_eq!(node.ended(0, Outcome::WrongHash), [], "that is over");
    assert_eq!(node.ended(1, Outcome::Refused), []);
    assert_eq!(node.later(RETRY_AFTER - Duration::from_nanos(1)), []);
    assert_eq!(node.later(Duration::from_nanos(1)), [fetches(2, 1, id(1), 500)]);
}

#[test]
fn a_download_that_comes_to_something_goes_on() {
    let mut node = fetching();
    for n in 1..=100 {
        node.handle(Input::Progress { fetch: Fetch(0), received: n * PROGRESS_MIN });
        assert_eq!(node.later(STALLED_AFTER), [], "{n}");
    }

    assert_eq!(node.later(STALLED_AFTER), [stops(0, 1), fetches(1, 2, id(1), 500)]);
}

#[test]
fn downloads_that_share_a_slow_connection_go_on_unless_somebody_else_has_one_of_them() {
    let mut node = Node::among([1]).and([2], Standing::Near);
    for n in 0..3 {
        node.want(id(n));
        node.has(1, id(n), 500_000);
    }
    for minute in 1..=3 {
        for n in 0..3 {
            node.handle(Input::Progress { fetch: Fetch(n), received: minute * PROGRESS_MIN / 2 });
        }
        assert_eq!(node.later(STALLED_AFTER), [], "{minute}");
    }
    node.has(2, id(1), 500_000);
    for n in 0..3 {
        node.handle(Input::Progress { fetch: Fetch(n), received: 2 * PROGRESS_MIN });
    }

    assert_eq!(node.later(STALLED_AFTER), [stops(1, 1), fetches(3, 2, id(1), 500_000)]);
}

#[test]
fn after_something_could_not_be_written_nothing_is_fetched_for_a_while_and_nobody_is_blamed() {
    let mut node = fetching();
    node.want(id(2));
    assert_eq!(node.ended(0, Outcome::Failed), []);
    assert_eq!(node.has(2, id(2), 5), []);

    let outputs = node.later(DISK_PAUSE);

    assert_eq!(outputs, [fetches(1, 1, id(1), 500), fetches(2, 2, id(2), 5)]);
}

#[test]
fn what_comes_otherwise_is_not_waited_for() {
    let mut node = fetching();

    assert_eq!(node.stored(id(1), 500), [stops(0, 1)]);
    assert_eq!(node.wants.fetches().count(), 0);
}

#[test]
fn so_many_downloads_go_over_one_connection_and_what_the_owner_wants_comes_first() {
    let mut node = Node::among([1, 2]);
    for n in 0..FETCHES_PER_PEER_MAX {
        node.want(id(n));
        assert_eq!(node.has(1, id(n), 5).len(), 1);
    }
    node.wanted(2, id(100), 1);
    node.want(id(101));
    assert_eq!(node.said(1, &[(id(100), Word::Has(5)), (id(101), Word::Has(5))]), []);

    assert_eq!(node.ended(0, Outcome::Stored { size: 5 }), [fetches(4, 1, id(101), 5)]);
    assert_eq!(node.ended(1, Outcome::Refused), [fetches(5, 1, id(100), 5)]);
}

#[test]
fn so_many_downloads_are_under_way_and_the_next_begins_when_one_ends() {
    let connections = FETCHES_MAX.div_ceil(FETCHES_PER_PEER_MAX);
    let mut node = Node::among(0..=u64::try_from(connections).unwrap());
    for n in 0..FETCHES_MAX {
        node.want(id(n));
        let by = u64::try_from(n / FETCHES_PER_PEER_MAX).unwrap();
        assert_eq!(node.has(by, id(n), 5).len(), 1);
    }
    node.want(id(FETCHES_MAX));
    let last = u64::try_from(connections).unwrap();
    assert_eq!(node.has(last, id(FETCHES_MAX), 5), []);
    assert_eq!(node.wants.stats().fetches, FETCHES_MAX);

    let next = u64::try_from(FETCHES_MAX).unwrap();
    assert_eq!(node.ended(0, Outcome::Stored { size: 5 }), [fetches(next, last, id(FETCHES_MAX), 5)]);
}

#[test]
fn the_connection_with_the_fewest_downloads_is_chosen() {
    let mut node = fetching();
    node.want(id(2));
    node.handle(Input::Claimed { connection: Connection(1), ids: vec![] });
    node.close(2);
    node.open(2, Standing::Near);
    node.listens(2);
    node.ended(0, Outcome::Failed);
    node.said(1, &[(id(1), Word::Has(500)), (id(2), Word::Has(5))]);
    node.said(2, &[(id(2), Word::Has(5))]);

    assert_eq!(node.later(DISK_PAUSE), [fetches(1, 1, id(1), 500), fetches(2, 2, id(2), 5)]);
}
