//! Peers who want too much, and claim too much: memory stays bounded, and nobody else notices.

use super::*;
use ssb_blobs::wants::limits::ADOPTED_PER_DAY_MAX;
use ssb_blobs::wants::limits::ADOPTED_PER_PEER_MAX;
use ssb_blobs::wants::limits::HELD_PER_PEER_MAX;
use ssb_blobs::wants::limits::WANTED_PER_PEER_MAX;

/// How many blobs are in one item of a flood.
const ITEM: usize = 10_000;

#[test]
fn a_million_wants_of_a_peer_are_looked_up_and_few_remembered() {
    let mut node = Node::among([1, 2]).and([3], Standing::Stranger);
    let mut said_to_others = 0;
    for (by, count) in [(1, 1_000_000), (3, 2 * ITEM)] {
        for first in (0..count).step_by(ITEM) {
            let words: Vec<_> = (first..first + ITEM).map(|n| (id(n), Word::Wanted(1))).collect();
            let looked_up: Vec<_> = node
                .said(by, &words)
                .into_iter()
                .flat_map(|output| match output {
                    Output::LookUp { ids, .. } => ids,
                    _ => Vec::new(),
                })
                .collect();
            let found: Vec<_> = looked_up.into_iter().map(|id| (id, None)).collect();
            said_to_others += node
                .found(by, &found)
                .into_iter()
                .map(|output| match output {
                    Output::Say { connection: Connection(2), words } => words.len(),
                    _ => 0,
                })
                .sum::<usize>();
        }
    }

    let stats = node.wants.stats();
    assert_eq!(stats.wanted_max, WANTED_PER_PEER_MAX);
    assert_eq!((stats.adopted, said_to_others), (ADOPTED_PER_PEER_MAX, ADOPTED_PER_PEER_MAX));
    assert_eq!(node.wanted(2, id(1_000_000), 1).len(), 3, "others are heard all the same");
    assert_eq!(
        node.found(1, &[(id(999_999), Some(5))]),
        [tells(1, id(999_999), 5)],
        "and it gets what is here"
    );
}

#[test]
fn what_is_wanted_from_nearer_is_remembered_instead_of_what_is_wanted_from_farther_away() {
    let mut node = Node::among([1]);
    let far = |n: usize| id(1_000_000 + n);
    for n in 0..WANTED_PER_PEER_MAX {
        node.wanted(1, far(n), 3);
    }
    for n in 0..WANTED_PER_PEER_MAX / 2 {
        node.wanted(1, id(n), 2);
    }
    node.wanted(1, far(WANTED_PER_PEER_MAX), 3);

    assert_eq!(node.wants.stats().wanted_max, WANTED_PER_PEER_MAX);
    for n in 0..WANTED_PER_PEER_MAX / 2 {
        assert_eq!(node.stored(id(n), 5), [tells(1, id(n), 5)]);
    }
    let told = (0..=WANTED_PER_PEER_MAX).filter(|n| !node.stored(far(*n), 5).is_empty());
    assert_eq!(told.count(), WANTED_PER_PEER_MAX / 2);
}

#[test]
fn who_wants_too_much_of_a_peer_does_not_keep_what_its_other_peers_want_from_those_beyond_it() {
    // Whoever wants too much, and somebody else, are at connections 1 and 2 of one node; at its connection 3 is the other node.
    let (mut between, mut beyond) = (Node::among([1, 2, 3]), Node::among([1, 2]));
    let mut pass_on = |by, id| {
        between.wanted(by, id, 1).contains(&asks(3, id, 2))
            && beyond.wanted(1, id, 2).contains(&asks(2, id, 3))
    };
    let passed_on = (0..2 * WANTED_PER_PEER_MAX).filter(|n| pass_on(1, id(*n))).count();
    assert_eq!(passed_on, ADOPTED_PER_PEER_MAX);

    for n in 0..ADOPTED_PER_PEER_MAX {
        assert!(pass_on(2, id(1_000_000 + n)));
    }
}

#[test]
fn who_wants_something_else_each_time_it_comes_back_is_heard_so_often_in_a_day() {
    let mut node = Node::among([2]);
    let mut said_to_others = 0;
    for n in 0..10 {
        node.handle(Input::Opened {
            connection: Connection(10 + n),
            peer: peer(1),
            standing: Standing::Near,
        });
        for m in 0..ADOPTED_PER_PEER_MAX {
            let id = id(usize::try_from(n).unwrap() * ADOPTED_PER_PEER_MAX + m);
            said_to_others += node.wanted(10 + n, id, 1).len();
            node.stored(id, 1);
        }
        node.close(10 + n);
    }

    assert_eq!(said_to_others, usize::try_from(ADOPTED_PER_DAY_MAX).unwrap());
}

#[test]
fn only_what_is_wanted_is_remembered_of_who_claims_to_have_everything() {
    let mut node = Node::among([1]);
    node.want(id(0));

    let words: Vec<_> = (0..ITEM).map(|n| (id(n), Word::Has(5))).collect();
    node.said(1, &words);

    assert_eq!(node.wants.stats().held_max, 1);
}

#[test]
fn who_has_more_than_is_remembered_is_asked_again_when_there_is_room() {
    let mut node = Node::among([1]);
    for n in 0..=HELD_PER_PEER_MAX {
        node.want(id(n));
    }
    let words: Vec<_> = (0..=HELD_PER_PEER_MAX).map(|n| (id(n), Word::Has(5))).collect();
    node.said(1, &words);
    assert_eq!(node.wants.stats().held_max, HELD_PER_PEER_MAX);

    let mut asked = Vec::new();
    for n in 0..HELD_PER_PEER_MAX {
        asked.extend(node.stored(id(n), 5).into_iter().filter(|output| matches!(output, Output::Say { .. })));
    }

    let [Output::Say { words, .. }] = asked.as_slice() else { panic!("it is asked once: {asked:?}") };
    assert!(words.contains(&(id(HELD_PER_PEER_MAX), Word::Wanted(1))));
    assert_eq!(node.has(1, id(HELD_PER_PEER_MAX), 5).len(), 1);
}

#[test]
fn who_comes_nearer_and_nearer_is_passed_on_as_often_as_there_are_distances() {
    let mut node = Node::among([1, 2]);
    let mut said = 0;
    for distance in (1..=255).rev().chain(1..=255) {
        said += node.wanted(1, id(1), distance).len();
    }

    assert_eq!(said, 2 * 2, "three and two steps away, to two peers");
}
