//! Peers that break the rules, one kind in each test, beside three nodes of ours in a line: those get all they want of each other,
//! and nothing that must hold breaks, the memory of a connection among it. A seed chooses what else happens.

#![expect(clippy::panic, reason = "helpers of tests fail tests")]

use sim::run::run_scenario;
use sim::scenario::Role;
use sim::scenario::SECOND;
use sim::scenario::Scenario;
use sim::scenario::Step;
use sim::trace::Mode;
use sim::world::Report;
use ssb_blobs::wants;
use ssb_log::retain::Policy;

/// How many nodes are ours.
const OURS: usize = 3;

/// How many posts ours write in a run.
const POSTS: u64 = 60;

/// How many messages the feed of a rude node has.
const THEIRS: usize = 6;

/// How many bytes the blobs of a run have. Each is added by one of ours, and wanted by the other two.
const BLOBS: [usize; 6] = [1, 700, 1_999, 2_500, 50, 3_000];

/// What a [`Step`] does with a blob.
const ADD: u64 = 0;
const WANT: u64 = 3;

/// What a [`Step`] writes.
const FOLLOW: u64 = 0;
const POST: u64 = 10;

/// What some seeds come to with a node of this role, which all others dial: ours follow everybody, then write.
fn beside(role: Role) -> Vec<Report> {
    let publish = |node, about, kind| Step::Publish { node, about, kind };
    let follows = (0..OURS * OURS).map(|n| (SECOND, publish(n % OURS, n / OURS, FOLLOW)));
    let posts = (0..POSTS).zip((0..OURS).cycle()).map(|(n, node)| ((2 + n) * SECOND, publish(node, 0, POST)));
    let blob = |node, blob, kind| Step::Blob { node, blob, kind };
    let blobs = (0..BLOBS.len()).zip(3..).flat_map(|(n, second)| {
        let (adds, wants) = (blob(n % OURS, n, ADD), [1, 2].map(|other| blob((n + other) % OURS, n, WANT)));
        // One of them wants it before it is there.
        [(second * SECOND, wants[0]), ((second + 5) * SECOND, adds), ((second + 9) * SECOND, wants[1])]
    });
    let script: Vec<(u64, Step)> = follows.chain(posts).chain(blobs).collect();
    let reports = (0..3).map(|seed| {
        let scenario = Scenario {
            roles: vec![Role::Ours, Role::Ours, Role::Ours, role],
            dials: vec![vec![3], vec![0, 3], vec![1, 3], Vec::new()],
            dials_unasked: false,
            has_silence: false,
            disks_fail: false,
            storm: 70 * SECOND,
            restores: 0,
            script: script.clone(),
            retention: Policy::default(),
            blobs: BLOBS.to_vec(),
            wants: wants::Policy::default(),
            ..Scenario::new(seed, 4..=4)
        };
        let report = run_scenario(scenario, Mode::Kept).unwrap_or_else(|failure| panic!("{failure}"));
        assert!(report.copies >= OURS * (report.messages - THEIRS), "{report:?}");
        assert_eq!(report.blobs, 2 * BLOBS.len(), "{report:?}");
        report
    });
    reports.collect()
}

#[test]
fn who_never_says_a_word_keeps_nothing_from_others() {
    beside(Role::Silent);
}

#[test]
fn noise_keeps_nothing_from_others() {
    beside(Role::Noise);
}

#[test]
fn answers_that_are_no_messages_keep_nothing_from_others() {
    beside(Role::Liar);
}

#[test]
fn a_feed_with_gaps_repetitions_and_messages_out_of_order_keeps_nothing_from_others() {
    beside(Role::Sloppy);
}

#[test]
fn a_feed_with_two_histories_keeps_nothing_from_others_and_somebody_finds_out() {
    assert!(beside(Role::Forker).iter().any(|report| report.forks > 0));
}

#[test]
fn messages_that_nobody_asked_for_out_of_order_and_forged_keep_nothing_from_others() {
    for report in beside(Role::Flooder) {
        assert_eq!(report.copies, OURS * report.messages, "nor what of its feed is in order");
    }
}

#[test]
fn who_says_that_it_has_more_of_everything_keeps_nothing_from_others() {
    beside(Role::ClockLiar);
}

#[test]
fn notes_that_change_all_the_time_and_of_feeds_that_nobody_knows_keep_nothing_from_others() {
    beside(Role::NoteFlooder);
}

#[test]
fn who_wants_everything_and_reads_nothing_keeps_nothing_from_others() {
    beside(Role::SlowReader);
}

#[test]
fn items_that_are_neither_messages_nor_notes_keep_nothing_from_others() {
    beside(Role::Garbler);
}

#[test]
fn who_lies_about_sizes_of_blobs_keeps_nothing_from_others() {
    beside(Role::SizeLiar);
}

#[test]
fn who_sends_other_blobs_than_it_says_keeps_nothing_from_others() {
    beside(Role::BlobForger);
}

#[test]
fn who_sends_a_byte_a_second_keeps_nothing_from_others() {
    beside(Role::Dripper);
}

#[test]
fn who_wants_more_and_more_blobs_keeps_nothing_from_others() {
    beside(Role::WantFlooder);
}
