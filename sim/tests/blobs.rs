//! How far blobs go: nodes of ours in a line, who all follow each other, and a seed that chooses the weather.

#![expect(clippy::panic, reason = "helpers of tests fail tests")]

use sim::run::run_scenario;
use sim::scenario::Role;
use sim::scenario::SECOND;
use sim::scenario::Scenario;
use sim::scenario::Step;
use sim::trace::Mode;
use ssb_blobs::wants::Policy;
use ssb_log::retain;

/// How many nodes there are.
const NODES: usize = 5;

/// What a [`Step`] does.
const FOLLOW: u64 = 0;
const ADD: u64 = 0;
const WANT: u64 = 3;
const PUSH: u64 = 7;

/// How many nodes get the blob from others when owners do this.
fn reached(wants: Policy, steps: &[(u64, usize, u64)], seed: u64) -> usize {
    let follow = |n| Step::Publish { node: n % NODES, about: n / NODES, kind: FOLLOW };
    let follows = (0..NODES * (NODES - 1)).map(|n| (SECOND, follow(n)));
    let steps = steps.iter().map(|(second, node, kind)| {
        let step = Step::Blob { node: *node, blob: 0, kind: *kind };
        (second * SECOND, step)
    });
    let scenario = Scenario {
        roles: vec![Role::Ours; NODES],
        dials: (0..NODES).map(|n: usize| n.checked_sub(1).into_iter().collect()).collect(),
        dials_unasked: false,
        has_silence: false,
        disks_fail: false,
        storm: 120 * SECOND,
        restores: 0,
        script: follows.chain(steps).collect(),
        retention: retain::Policy::default(),
        blobs: vec![2_500],
        wants,
        ..Scenario::new(seed, 5..=5)
    };
    run_scenario(scenario, Mode::Kept).unwrap_or_else(|failure| panic!("{failure}")).blobs
}

#[test]
fn a_blob_comes_from_as_many_steps_away_as_sympathy_reaches_and_from_no_farther() {
    for seed in 0..3 {
        for steps in 1..NODES {
            let before = reached(Policy::default(), &[(60, 0, WANT), (90, steps, ADD)], seed);
            let after = reached(Policy::default(), &[(60, steps, ADD), (90, 0, WANT)], seed);

            // Two were asked for it, and get it even if it comes from the nearest.
            let expected = if steps <= 3 { [steps.max(2), steps] } else { [0; 2] };
            assert_eq!([before, after], expected, "seed {seed}, {steps} steps");
        }
    }
}

#[test]
fn with_less_sympathy_it_comes_from_less_far() {
    let policy = Policy { sympathy: 2, ..Policy::default() };

    assert_eq!(reached(policy, &[(60, 0, WANT), (90, 2, ADD)], 1), 2);
    assert_eq!(reached(policy, &[(60, 0, WANT), (90, 3, ADD)], 1), 0);
}

#[test]
fn without_room_for_others_it_comes_from_neighbours_only() {
    let policy = Policy { peer_len_per_day: 2_499, ..Policy::default() };

    assert_eq!(reached(policy, &[(60, 0, WANT), (90, 1, ADD)], 1), 1);
    assert_eq!(reached(policy, &[(60, 0, WANT), (90, 2, ADD)], 1), 0);
    let policy = Policy { peer_len_per_day: 2_500, ..policy };
    assert_eq!(reached(policy, &[(60, 0, WANT), (90, 2, ADD)], 1), 2);
}

#[test]
fn what_is_pushed_goes_where_nobody_wants_it() {
    assert_eq!(reached(Policy::default(), &[(60, 2, ADD)], 1), 0);
    // To both neighbours, and one step further.
    assert_eq!(reached(Policy::default(), &[(60, 2, ADD), (70, 2, PUSH)], 1), 4);
}
