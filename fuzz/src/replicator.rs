//! A small network whose owners and accidents follow a script, under the simulator's checkers.

use sim::run::run_scenario;
use sim::scenario::Role;
use sim::scenario::SECOND;
use sim::scenario::Scenario;
use sim::scenario::Step;
use sim::trace::Mode;

use crate::script::Script;

/// From here on an accident is what an owner does with one of so many blobs.
const BLOBS_FROM: u64 = 100;
const BLOBS: usize = 5;

/// The most that happens in one run: it should not take longer than a moment.
const STEPS_MAX: usize = 40;

/// Reads who is there, who dials whom and how bad the weather is, then what happens, and runs it: nothing that must hold may
/// break, and all who should converge must.
pub fn replicator(data: &[u8]) {
    let script = &mut Script::new(data);
    let seed = u64::from(script.byte());
    let mut scenario = Scenario::new(seed, 2..=2);
    scenario.roles.truncate(2);
    scenario.dials.truncate(2);
    for _ in 0..script.below(3) {
        scenario.roles.push(role(script.byte()));
        scenario.dials.push(Vec::new());
    }
    let nodes = scenario.roles.len();
    for number in 0..nodes {
        scenario.dials[number] = dials(number, &scenario.roles, script);
    }
    scenario.dials_unasked = script.flag();
    scenario.hops = 1 + script.byte() % 3;
    scenario.has_silence = false;
    scenario.restores = u64::from(script.byte() % 2);
    scenario.latency_max = [100, 20_000, 400_000][script.below(3)];
    scenario.chunk_max = [7, 300, 4_000][script.below(3)];
    scenario.pipe_len = [1_000, 5_000, 65_536][script.below(3)];
    scenario.inbox_len = [1, 4, 256][script.below(3)];
    scenario.page_len = [1, 2_000, 65_536][script.below(3)];
    scenario.commit_max = [100, 5_000, 500_000][script.below(3)];
    let mut at = 0;
    while !script.is_empty() && scenario.script.len() < STEPS_MAX {
        at += u64::from(script.byte()) * SECOND / 64;
        let (node, choice) = (script.below(nodes), script.byte());
        let kind = u64::from(choice >> 1);
        let step = match choice % 2 {
            0 => Step::Publish { node, about: script.below(nodes), kind },
            _ if kind >= BLOBS_FROM => {
                Step::Blob { node, blob: script.below(BLOBS), kind: kind - BLOBS_FROM }
            }
            _ => Step::Accident { node, kind },
        };
        scenario.script.push((at, step));
    }
    scenario.storm = at + SECOND;
    scenario.blobs = vec![1, 500, 3_000, 100, 2_000];

    if let Err(failure) = run_scenario(scenario, Mode::Kept) {
        panic!("{failure}");
    }
}

/// What a node is: the last values are peers that are rude about blobs.
fn role(byte: u8) -> Role {
    let others = Role::ALL.len() - Role::OF_BLOBS.len();
    match byte.checked_sub(240) {
        Some(rude) => Role::OF_BLOBS[usize::from(rude) % Role::OF_BLOBS.len()],
        None => Role::ALL[usize::from(byte) % others],
    }
}

/// Every node of ours dials an earlier one of ours, so that all who should converge can, and perhaps somebody else.
fn dials(number: usize, roles: &[Role], script: &mut Script<'_>) -> Vec<usize> {
    let is_ours = |number: &usize| roles[*number] == Role::Ours;
    if number == 0 || !is_ours(&number) {
        return Vec::new();
    }
    let earlier: Vec<usize> = (0..number).filter(is_ours).collect();
    let mut targets = vec![earlier[script.below(earlier.len())]];
    let other = script.below(roles.len());
    if other != number && !targets.contains(&other) {
        targets.push(other);
    }
    targets
}
