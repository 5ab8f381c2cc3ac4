//! What a policy lets go, and what it never does.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail tests")]

mod shared;

use std::sync::LazyLock;
use std::time::Duration;

use proptest::prelude::*;
use ssb_keys::FeedId;
use ssb_log::Decision;
use ssb_log::Store;
use ssb_log::memory::Memory;
use ssb_log::retain::Policy;
use ssb_log::retain::Standing;
use ssb_log::retain::plan;
use ssb_msg::Message;

use shared::NOW;

static FEEDS: LazyLock<Vec<Vec<Message>>> =
    LazyLock::new(|| (1..=4).map(|number| shared::feed(number, 8)).collect());

const SECOND: f64 = 1000.0;

/// Eight rounds, a second apart, in which each feed gets a message.
fn full() -> Store<Memory> {
    let mut store = shared::open(Memory::new());
    for round in 0..8_u32 {
        for feed in FEEDS.iter() {
            store.offer(&feed[round as usize], NOW + f64::from(round) * SECOND).unwrap();
        }
        let _ = store.commit().unwrap();
    }
    store
}

fn author(feed: usize) -> FeedId {
    FEEDS[feed][0].author()
}

/// The first feed is kept, the others are one, two and three steps away.
fn standing(feed: &FeedId) -> Standing {
    match (0..4).find(|n| author(*n) == *feed) {
        Some(0) => Standing::Kept,
        Some(1) => Standing::Near(1),
        Some(2) => Standing::Near(2),
        _ => Standing::Far,
    }
}

fn left(store: &Store<Memory>, feed: usize) -> Vec<u32> {
    (1..=8).filter(|sequence| store.reader().by_sequence(&author(feed), *sequence).is_some()).collect()
}

fn apply(store: &mut Store<Memory>, policy: &Policy) -> Vec<Decision> {
    let decisions = plan(&store.reader(), policy, standing, NOW + 8.0 * SECOND).unwrap();
    store.decide(&decisions, NOW).unwrap();
    let compactor = store.compactor();
    store.finish_compaction(compactor).unwrap();
    decisions
}

#[test]
fn what_is_too_far_away_is_forgotten() {
    let mut store = full();

    let decisions = apply(&mut store, &Policy { hops: Some(1), ..Policy::default() });

    let mut expected = [2, 3].map(|feed| Decision::Forget { feed: author(feed) });
    expected.sort_by_key(|decision| store.reader().feed_number(&decision.feed()));
    assert_eq!(decisions, expected);
    assert_eq!([0, 1, 2, 3].map(|feed| left(&store, feed).len()), [8, 8, 0, 0]);
    // It may come back.
    assert_eq!(store.offer(&FEEDS[2][0], NOW), Ok(()));
}

#[test]
fn what_is_too_old_is_deleted_and_its_feed_goes_on() {
    let mut store = full();

    apply(&mut store, &Policy { age: Some(Duration::from_millis(5500)), ..Policy::default() });

    assert_eq!(left(&store, 0).len(), 8);
    for feed in 1..4 {
        assert_eq!(left(&store, feed), [4, 5, 6, 7, 8]);
        assert_eq!(store.state(&author(feed)).sequence(), 8);
    }
}

#[test]
fn for_room_the_farthest_lose_their_oldest_first() {
    let mut store = full();
    let len = store.reader().file_len();
    let policy = Policy { quota: Some(len - 1), ..Policy::default() };

    apply(&mut store, &policy);

    assert_eq!([0, 1, 2].map(|feed| left(&store, feed).len()), [8, 8, 8]);
    let far = left(&store, 3);
    assert!(!far.is_empty() && far.len() < 8 && far.ends_with(&[8]), "{far:?}");
    let goal = (len - 1) - (len - 1) / 8;
    assert!(store.reader().file_len() <= goal + 100);
}

proptest! {
    #[test]
    fn a_policy_is_met_and_then_wants_nothing_more(
        hops in proptest::option::of(0..4_u8),
        age in proptest::option::of(0..9_000_u64),
        quota in proptest::option::of(0..20_000_u64),
        deleted in proptest::option::of((0..4_usize, 1..8_u32)),
    ) {
        let mut store = full();
        let kept: Vec<u32> = left(&store, 0);
        if let Some((feed, upto)) = deleted.filter(|(feed, _)| *feed > 0) {
            store.decide(&[Decision::Delete { feed: author(feed), from: upto, upto }], NOW).unwrap();
        }
        let policy = Policy { hops, age: age.map(Duration::from_millis), quota };

        apply(&mut store, &policy);

        prop_assert_eq!(left(&store, 0), kept);
        let reader = store.reader();
        for feed in 1..4 {
            let is_near = match standing(&author(feed)) {
                Standing::Near(steps) => hops.is_none_or(|hops| steps <= hops),
                _ => hops.is_none(),
            };
            prop_assert!(is_near || reader.latest(&author(feed)).is_none());
            for sequence in left(&store, feed) {
                let received = NOW + f64::from(sequence - 1) * SECOND;
                let most = age.map_or(f64::INFINITY, |age| f64::from(u32::try_from(age).unwrap()));
                prop_assert!(NOW + 8.0 * SECOND - received <= most + 1.0);
            }
        }
        let has_nothing_left = (1..4).all(|feed| left(&store, feed).is_empty());
        prop_assert!(quota.is_none_or(|quota| reader.file_len() <= quota) || has_nothing_left);
        prop_assert_eq!(plan(&reader, &policy, standing, NOW + 8.0 * SECOND).unwrap(), []);
        if policy.is_idle() {
            prop_assert_eq!(reader.len(), if deleted.is_some_and(|(feed, _)| feed > 0) { 31 } else { 32 });
        }
    }
}
