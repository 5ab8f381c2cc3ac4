//! What is asked for on behalf of peers.

use super::*;
use ssb_blobs::wants::limits::ADOPTED_PER_PEER_MAX;
use ssb_blobs::wants::limits::DAY;
use ssb_blobs::wants::limits::PASSED_ON_PER_PEER_MAX;
use ssb_blobs::wants::limits::REMEMBERED_FOR;
use ssb_blobs::wants::limits::REMOVED_FOR;

fn distances(node: &Node) -> Vec<(BlobId, u8)> {
    node.wants.wanted().collect()
}

#[test]
fn what_a_peer_wants_is_asked_for_one_step_further_up_to_sympathy() {
    let mut node = Node::among([1, 2]);

    assert_eq!(node.wanted(1, id(1), 2), [asks(1, id(1), 3), asks(2, id(1), 3)]);
    assert_eq!(node.wanted(1, id(2), 3), [], "that is far enough");
    assert_eq!(
        node.wanted(2, id(1), 1),
        [asks(1, id(1), 2), asks(2, id(1), 2)],
        "and this nearer than before"
    );
    assert_eq!(node.wanted(1, id(1), 1), []);
    assert_eq!(node.want(id(1)), [asks(1, id(1), 1), asks(2, id(1), 1)]);

    assert_eq!(distances(&node), [(id(1), 1)]);
}

#[test]
fn without_sympathy_nothing_is_asked_for_others() {
    for sympathy in [0, 1] {
        let mut node = Node::with(Policy { sympathy, ..Policy::default() }).and([1, 2], Standing::Near);

        assert_eq!(node.wanted(1, id(1), 1), []);
    }
}

#[test]
fn nothing_is_asked_for_strangers_until_they_are_none() {
    let mut node = Node::new().and([1], Standing::Stranger).and([2], Standing::Near);
    assert_eq!(node.wanted(1, id(1), 1), []);

    let moved = node.handle(Input::Moved { peer: peer(1), standing: Standing::Near });
    assert_eq!(moved, [looks_up(1, &[id(1)])], "it may be here by now");
    assert_eq!(node.found(1, &[(id(1), None)]), [asks(1, id(1), 2), asks(2, id(1), 2)]);
    assert_eq!(node.has(2, id(1), 5), [fetches(0, 2, id(1), 5)]);

    let moved = node.handle(Input::Moved { peer: peer(1), standing: Standing::Stranger });
    assert_eq!(moved, [stops(0, 2)]);
    assert_eq!(distances(&node), []);
}

#[test]
fn an_echo_of_what_is_asked_for_is_no_want() {
    let mut node = Node::among([1, 2]);
    node.want(id(1));
    assert_eq!(node.wanted(1, id(1), 2), [], "it says so because it was asked");

    node.handle(Input::Unwant { id: id(1) });

    assert_eq!(distances(&node), [], "nobody keeps it alive");
    assert_eq!(node.stored(id(1), 5), [tells(1, id(1), 5)], "but it hears of it");
}

#[test]
fn who_has_gone_is_remembered_for_a_while() {
    let mut node = Node::among([1, 2]);
    node.wanted(1, id(1), 1);
    node.close(1);
    assert_eq!(node.later(REMEMBERED_FOR - Duration::from_secs(1)), []);
    assert_eq!(node.has(2, id(1), 5), [fetches(0, 2, id(1), 5)]);

    assert_eq!(node.later(Duration::from_secs(1)), [stops(0, 2)]);

    assert_eq!(distances(&node), []);
    node.open(1, Standing::Near);
    node.listens(1);
    assert_eq!(node.wanted(1, id(1), 1), [asks(1, id(1), 2), asks(2, id(1), 2)]);
}

#[test]
fn who_comes_back_is_not_forgotten() {
    let mut node = Node::among([1, 2]);
    node.wanted(1, id(1), 1);
    node.close(1);
    node.later(DAY / 2);
    node.open(1, Standing::Near);

    node.later(REMEMBERED_FOR);

    assert_eq!(distances(&node), [(id(1), 2)]);
}

#[test]
fn with_two_connections_a_peer_goes_when_both_have_gone() {
    let mut node = Node::among([1]);
    node.handle(Input::Opened { connection: Connection(2), peer: peer(1), standing: Standing::Near });
    node.wanted(1, id(1), 1);
    node.close(1);
    node.later(2 * REMEMBERED_FOR);
    assert_eq!(distances(&node), [(id(1), 2)]);

    node.close(2);
    node.later(REMEMBERED_FOR);

    assert_eq!(distances(&node), []);
}

#[test]
fn what_was_removed_is_not_asked_for_on_behalf_of_peers_for_a_while() {
    let mut node = Node::among([1, 2]);
    node.stored(id(1), 5);
    node.handle(Input::Removed { id: id(1) });
    assert_eq!(node.wanted(1, id(1), 1), []);
    node.later(REMOVED_FOR);

    assert_eq!(node.wanted(1, id(1), 1), [asks(1, id(1), 2), asks(2, id(1), 2)]);

    node.handle(Input::Removed { id: id(1) });
    assert_eq!(distances(&node), [], "nor any more");
    assert_eq!(node.want(id(1)), [asks(1, id(1), 1), asks(2, id(1), 1)], "the owner may change his mind");
    assert_eq!(node.wanted(2, id(1), 1), []);
    assert_eq!(node.wants.stats().adopted, 1);
}

#[test]
fn bytes_are_limited_for_one_peer_and_for_all_and_another_day_begins() {
    let policy = Policy { peer_len_per_day: 100, foreign_len_per_day: 150, ..Policy::default() };
    let mut node = Node::with(policy).and([1, 2, 3], Standing::Near);
    for (n, wanted_by) in [(1, 1), (2, 1), (3, 2)] {
        node.wanted(wanted_by, id(n), 1);
    }
    assert_eq!(node.has(3, id(1), 60), [fetches(0, 3, id(1), 60)]);
    assert_eq!(node.has(3, id(2), 41), [], "that is 101 for one peer");
    assert_eq!(node.has(3, id(3), 91), [], "and that 151 for all");
    assert_eq!((node.wants.cost(&peer(1)), node.wants.foreign_len()), (60, 60));

    // What was not needed is given back.
    let outputs = node.ended(0, Outcome::Stored { size: 59 });
    assert_eq!(outputs, [fetches(1, 3, id(2), 41), tells(1, id(1), 59)]);
    assert_eq!(node.wants.foreign_len(), 100);

    node.ended(1, Outcome::Stored { size: 41 });
    assert_eq!(node.later(DAY), [fetches(2, 3, id(3), 91)]);
}

#[test]
fn what_is_here_before_its_download_is_known_to_be_over_is_paid_for() {
    let mut node = Node::among([1, 2]);
    node.wanted(1, id(1), 1);
    node.has(2, id(1), 60);

    assert_eq!(node.stored(id(1), 60), [stops(0, 2), tells(1, id(1), 60)]);

    assert_eq!(node.ended(0, Outcome::Stored { size: 60 }), []);
    assert_eq!(node.wants.cost(&peer(1)), 60);
}

#[test]
fn what_the_owner_wants_costs_nobody_anything() {
    let mut node =
        Node::with(Policy { peer_len_per_day: 0, ..Policy::default() }).and([1, 2], Standing::Near);
    node.wanted(1, id(1), 1);
    assert_eq!(node.has(2, id(1), 60), []);

    assert_eq!(node.want(id(1)).first(), Some(&fetches(0, 2, id(1), 60)));

    assert_eq!(node.wants.foreign_len(), 0);
}

#[test]
fn one_peer_has_so_many_wants_and_others_notice_nothing() {
    let mut node = Node::among([1, 2]);
    for n in 0..ADOPTED_PER_PEER_MAX {
        assert_eq!(node.wanted(1, id(n), 1).len(), 2);
    }
    assert_eq!(node.wanted(1, id(ADOPTED_PER_PEER_MAX), 1), []);

    assert_eq!(node.wanted(2, id(ADOPTED_PER_PEER_MAX), 1).len(), 2);
}

#[test]
fn what_there_was_no_room_for_is_asked_for_once_half_of_the_rest_has_come() {
    for (distance, len_max) in [(1, ADOPTED_PER_PEER_MAX), (2, PASSED_ON_PER_PEER_MAX)] {
        let mut node = Node::among([1, 2]);
        for n in 0..=len_max {
            node.wanted(1, id(n), distance);
        }
        let half = len_max.div_ceil(2);
        for n in 0..half - 1 {
            assert_eq!(looked_up(&node.stored(id(n), 5)), 0);
        }

        // All that it has not got.
        assert_eq!(looked_up(&node.stored(id(half - 1), 5)), len_max + 1 - half);

        let asked = node.found(1, &[(id(len_max), None)]);
        assert!(asked.contains(&asks(2, id(len_max), distance + 1)), "{asked:?}");
        assert_eq!(looked_up(&node.stored(id(half), 5)), 0, "it wants no more than that");
    }
}

fn looked_up(outputs: &[Output]) -> usize {
    let ids = outputs.iter().map(|output| match output {
        Output::LookUp { ids, .. } => ids.len(),
        _ => 0,
    });
    ids.sum()
}
