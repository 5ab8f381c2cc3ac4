//! What a seed decides before a run begins: who is there, who dials whom, and how bad the weather is.

use std::ops::RangeInclusive;
use std::time::Duration;

use ssb_log::retain::Policy;

use crate::random::Random;

/// A second, as the virtual clock counts.
pub const SECOND: u64 = 1_000_000;

/// The choices of one run.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What everything follows from.
    pub seed: u64,
    /// What each node is.
    pub roles: Vec<Role>,
    /// Whom each node dials, by number.
    pub dials: Vec<Vec<usize>>,
    /// How many follows away feeds are wanted.
    pub hops: u8,
    /// How many messages are published in each storm, contacts among them.
    pub publishes: u64,
    /// How many accidents each storm has.
    pub accidents: u64,
    /// Whether connections also fall silent, which nobody notices for ten minutes.
    pub has_silence: bool,
    /// How long each storm lasts, in microseconds.
    pub storm: u64,
    /// The longest time that bytes travel, in microseconds. Four messages make a handshake, which may take 5 seconds.
    pub latency_max: u64,
    /// The longest piece in which bytes arrive.
    pub chunk_max: u64,
    /// How many bytes one direction of a connection holds.
    pub pipe_len: usize,
    /// How many events wait for the core before peers do.
    pub inbox_len: usize,
    /// How many bytes of a stream are read at once.
    pub page_len: usize,
    /// The longest a commit takes, in microseconds.
    pub commit_max: u64,
    /// How many nodes lose everything but their secret, one after the other, each once all is calm.
    pub restores: u64,
    /// What nodes keep. Where a feed may have to come back to its author everybody keeps everything.
    pub retention: Policy,
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// One of ours.
    Ours,
    /// Takes connections and never says a word.
    Silent,
    /// Takes connections and says nothing sensible.
    Noise,
    /// Knows the protocol, and answers every question with messages that are none.
    Liar,
    /// Knows the protocol, and has its own feed, but leaves some of it out, and sends some twice or too early.
    Sloppy,
}

impl Scenario {
    /// The scenario of a seed, with that many nodes.
    pub fn new(seed: u64, nodes: RangeInclusive<u64>) -> Self {
        let mut random = Random::new(seed);
        let count = random.between(*nodes.start(), *nodes.end());
        let mut roles = vec![Role::Ours, Role::Ours];
        while roles.len() < usize::try_from(count).unwrap_or(2) {
            roles.push(match random.below(20) {
                0 => Role::Silent,
                1 => Role::Noise,
                2 => Role::Liar,
                3 => Role::Sloppy,
                _ => Role::Ours,
            });
        }
        let dials = Self::topology(&roles, &mut random);
        let hops = u8::try_from(random.between(1, 3)).expect("it is at most 3");
        let restores = random.below(3);
        let retention = if restores == 0 && random.once_in(2) {
            let age = random.once_in(3).then(|| Duration::from_secs(random.between(10, 200)));
            let quota = random.once_in(2).then(|| random.between(2_000, 100_000));
            Policy { hops: random.once_in(2).then_some(hops), age, quota }
        } else {
            Policy::default()
        };
        Self {
            seed,
            hops,
            publishes: random.between(count, count * 6),
            accidents: random.below(count * 2),
            has_silence: random.once_in(3),
            storm: random.between(5, 90) * SECOND,
            latency_max: *pick(&mut random, &[100, 20_000, 400_000, SECOND]),
            chunk_max: *pick(&mut random, &[7, 300, 4_000, 70_000]),
            pipe_len: *pick(&mut random, &[1_000, 5_000, 65_536, 1_000_000]),
            inbox_len: *pick(&mut random, &[1, 4, 256]),
            page_len: *pick(&mut random, &[1, 2_000, 65_536]),
            commit_max: *pick(&mut random, &[100, 5_000, 500_000]),
            restores,
            retention,
            roles,
            dials,
        }
    }

    /// Every node of ours dials an earlier one of ours, so that all are connected, and some more.
    fn topology(roles: &[Role], random: &mut Random) -> Vec<Vec<usize>> {
        let is_star = random.once_in(4);
        let extra = random.between(0, 2);
        let mut dials = Vec::new();
        for (number, role) in roles.iter().enumerate() {
            let mut targets = Vec::new();
            if *role == Role::Ours && number > 0 {
                let earlier = roles.iter().take(number).enumerate();
                let ours: Vec<usize> =
                    earlier.filter(|(_, role)| **role == Role::Ours).map(|(number, _)| number).collect();
                targets.push(if is_star { 0 } else { *pick(random, &ours) });
                for _ in 0..extra {
                    let target = random.index(roles.len());
                    if target != number && !targets.contains(&target) {
                        targets.push(target);
                    }
                }
            }
            dials.push(targets);
        }
        dials
    }
}

/// One of several.
fn pick<'a, T>(random: &mut Random, from: &'a [T]) -> &'a T {
    from.get(random.index(from.len())).expect("the index is below the length")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_of_ours_is_reached() {
        for seed in 0..100 {
            let scenario = Scenario::new(seed, 2..=50);
            let ours = |number: usize| scenario.roles[number] == Role::Ours;

            assert_eq!(scenario.roles.len(), scenario.dials.len());
            for (number, targets) in scenario.dials.iter().enumerate().skip(1) {
                let joined = targets.iter().any(|target| *target < number && ours(*target));
                assert_eq!(joined, ours(number), "seed {seed}, node {number}");
            }
        }
    }
}
