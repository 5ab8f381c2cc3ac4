//! Small networks, some seeds each time; README.md has the long proof.

use std::env;

use sim::run;
use sim::scenario::Role;
use sim::scenario::Scenario;
use sim::trace::Mode;

/// How large a network is here.
const NODES_MAX: u64 = 8;

fn variable(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}

#[test]
fn all_who_should_converge_do_and_nothing_that_must_hold_breaks() {
    let (seeds, mode) = match variable("SSB_SIM_SEED") {
        Some(seed) => (seed..seed + 1, Mode::Printed),
        None => (0..variable("SSB_SIM_SEEDS").unwrap_or(30), Mode::Kept),
    };
    for seed in seeds {
        if let Err(failure) = run(seed, 2..=NODES_MAX, mode) {
            panic!("{failure}");
        }
    }
}

#[test]
fn the_same_seed_sends_the_same_bytes() {
    for seed in [1, 27, 28] {
        let [first, second] = [(); 2].map(|()| run(seed, 2..=NODES_MAX, Mode::Kept).unwrap());

        assert_eq!(first, second);
    }
}

#[test]
fn another_seed_sends_other_bytes() {
    let [first, second] = [1, 2].map(|seed| run(seed, 2..=NODES_MAX, Mode::Kept).unwrap());

    assert_ne!(first.digest, second.digest);
}

#[test]
fn the_first_seeds_see_crashes_restored_nodes_and_every_kind_of_peer() {
    let reports: Vec<_> = (0..10).map(|seed| run(seed, 2..=NODES_MAX, Mode::Kept).unwrap()).collect();
    assert!(reports.iter().any(|report| report.crashes > 2));
    assert!(reports.iter().any(|report| report.restores > 0));
    assert!(reports.iter().all(|report| report.copies >= report.messages));

    for role in Role::ALL {
        assert!((0..200).any(|seed| Scenario::new(seed, 2..=NODES_MAX).roles.contains(&role)), "{role:?}");
    }
}

#[test]
fn a_peer_that_hangs_up_while_the_core_decides_about_its_call_keeps_nobody_busy() {
    run(138, 2..=50, Mode::Kept).unwrap();
}

#[test]
fn who_meets_both_branches_of_a_feed_knows_that_it_forked() {
    let has_forker = |seed: &u64| Scenario::new(*seed, 4..=NODES_MAX).roles.contains(&Role::Forker);
    let reports =
        (0..200).filter(has_forker).take(12).map(|seed| run(seed, 4..=NODES_MAX, Mode::Kept).unwrap());

    assert!(reports.map(|report| report.forks).sum::<usize>() > 0);
}
