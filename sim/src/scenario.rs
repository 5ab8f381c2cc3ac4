//! What a seed decides before a run begins: who is there, who dials whom, and how bad the weather is.

use std::ops::RangeInclusive;
use std::time::Duration;

use ssb_blobs::limits::FETCHED_LEN_MAX;
use ssb_blobs::wants;
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
    /// Whether it dials them by its own schedule, as peers that it knows from the start; else somebody tells it to.
    pub dials_unasked: bool,
    /// How many follows away feeds are wanted.
    pub hops: u8,
    /// How many messages are published in each storm, contacts among them.
    pub publishes: u64,
    /// How many accidents each storm has.
    pub accidents: u64,
    /// Whether connections also fall silent, which nobody notices for ten minutes.
    pub has_silence: bool,
    /// Whether disks fail and are full while it storms, so that what an owner did last may be lost.
    pub disks_fail: bool,
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
    /// What happens in a storm, and when after it begins, in microseconds; if it is empty, chance decides.
    pub script: Vec<(u64, Step)>,
    /// What nodes keep. Where a feed may have to come back to its author everybody keeps everything.
    pub retention: Policy,
    /// How many bytes each blob has that there may be.
    pub blobs: Vec<usize>,
    /// How often in each storm an owner adds, wants, pushes or removes one of them.
    pub blob_steps: u64,
    /// How much of that is done for others.
    pub wants: wants::Policy,
}

/// Something that happens in a storm. Numbers choose among what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// An owner writes something.
    Publish {
        /// Which node's.
        node: usize,
        /// About which node, if about any.
        about: usize,
        /// A follow, an unfollow, a block or a post.
        kind: u64,
    },
    /// Something goes wrong.
    Accident {
        /// With which node, if with any.
        node: usize,
        /// A crash, a lost connection, a wrong clock, a removal, a split.
        kind: u64,
    },
    /// An owner does something with a blob.
    Blob {
        /// Which node's.
        node: usize,
        /// Which.
        blob: usize,
        /// Adds it, wants it, pushes it or removes it.
        kind: u64,
    },
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
    /// Has signed two histories, and tells each to half of those who ask.
    Forker,
    /// Sends messages nobody asked for: of strangers, out of order, forged.
    Flooder,
    /// Says that it has more of everything, and sends nothing.
    ClockLiar,
    /// Says again and again something else of its own feed, and something of feeds that nobody knows.
    NoteFlooder,
    /// Wants everything, and reads nothing.
    SlowReader,
    /// Sends items that are neither messages nor notes.
    Garbler,
    /// Has every blob that is wanted, as it says, of a length that is not so.
    SizeLiar,
    /// Has every blob that is wanted, as it says, and sends other bytes.
    BlobForger,
    /// Has every blob that is wanted, as it says, and sends a byte a second.
    Dripper,
    /// Wants more and more blobs that nobody has.
    WantFlooder,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 15] = [
        Self::Ours,
        Self::Silent,
        Self::Noise,
        Self::Liar,
        Self::Sloppy,
        Self::Forker,
        Self::Flooder,
        Self::ClockLiar,
        Self::NoteFlooder,
        Self::SlowReader,
        Self::Garbler,
        Self::SizeLiar,
        Self::BlobForger,
        Self::Dripper,
        Self::WantFlooder,
    ];

    /// Those that are rude about blobs.
    pub const OF_BLOBS: [Self; 4] = [Self::SizeLiar, Self::BlobForger, Self::Dripper, Self::WantFlooder];
}

impl Scenario {
    /// The scenario of a seed, with that many nodes.
    pub fn new(seed: u64, nodes: RangeInclusive<u64>) -> Self {
        let mut random = Random::new(seed);
        let count = random.between(*nodes.start(), *nodes.end());
        let mut roles = vec![Role::Ours, Role::Ours];
        while roles.len() < usize::try_from(count).unwrap_or(2) {
            roles.push(match random.below(36) {
                0 => Role::Silent,
                1 => Role::Noise,
                2 => Role::Liar,
                3 => Role::Sloppy,
                4 => Role::Forker,
                5 => Role::Flooder,
                6 => Role::ClockLiar,
                7 => Role::NoteFlooder,
                8 => Role::SlowReader,
                9 => Role::Garbler,
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
        let mut scenario = Self {
            seed,
            hops,
            dials_unasked: random.once_in(3),
            publishes: random.between(count, count * 6),
            accidents: random.below(count * 2),
            has_silence: random.once_in(3),
            disks_fail: true,
            storm: random.between(5, 90) * SECOND,
            latency_max: *pick(&mut random, &[100, 20_000, 400_000, SECOND]),
            chunk_max: *pick(&mut random, &[7, 300, 4_000, 70_000]),
            pipe_len: *pick(&mut random, &[1_000, 5_000, 65_536, 1_000_000]),
            inbox_len: *pick(&mut random, &[1, 4, 256]),
            page_len: *pick(&mut random, &[1, 2_000, 65_536]),
            commit_max: *pick(&mut random, &[100, 5_000, 500_000]),
            restores,
            script: Vec::new(),
            retention,
            roles,
            dials,
            blobs: Vec::new(),
            blob_steps: 0,
            wants: wants::Policy::default(),
        };
        scenario.draw_blobs(count);
        scenario
    }

    /// What concerns blobs has a stream of chance of its own, so that the rest of a seed stays what it is.
    fn draw_blobs(&mut self, count: u64) {
        let mut random = Random::new(self.seed.wrapping_mul(0x626c_6f62));
        // As much as goes through the narrowest connections while a run lasts.
        let len_max = if self.pipe_len < 5_000 || self.chunk_max < 100 { 3_000 } else { 40_000 };
        let lens = (0..random.between(2, 12)).map(|_| {
            let longest = if random.once_in(3) { len_max } else { 500 };
            let len = random.between(1, longest);
            usize::try_from(len).unwrap_or(1)
        });
        self.blobs = lens.collect();
        self.blob_steps = random.between(count, count * 8);
        let is_tight = random.once_in(4);
        self.wants = wants::Policy {
            sympathy: u8::try_from(random.between(1, 4)).unwrap_or(3),
            pushy: random.index(3) + 1,
            len_max: *pick(&mut random, &[2_000, 50_000, FETCHED_LEN_MAX]),
            peer_len_per_day: if is_tight { random.between(0, 2_000) } else { 10_000_000 },
            foreign_len_per_day: if is_tight { random.between(0, 4_000) } else { 10_000_000 },
            ..wants::Policy::default()
        };
        if random.once_in(2) {
            let ours: Vec<usize> =
                (0..self.roles.len()).filter(|n| self.roles.get(*n) == Some(&Role::Ours)).collect();
            let newcomer = self.roles.len();
            self.roles.push(*pick(&mut random, &Role::OF_BLOBS));
            self.dials.push(Vec::new());
            for number in ours {
                // By its own schedule a node has connections with three peers that it knows from the start.
                let targets = self.dials.get_mut(number).filter(|targets| targets.len() < 3);
                if random.once_in(2)
                    && let Some(targets) = targets
                {
                    targets.push(newcomer);
                }
            }
        }
    }

    /// Every node of ours dials an earlier one of ours, so that all are connected, and some more: a star, a line, a ring, or any
    /// other graph.
    fn topology(roles: &[Role], random: &mut Random) -> Vec<Vec<usize>> {
        let shape = random.below(8);
        let extra = if shape < 3 { 0 } else { random.between(0, 2) };
        let last = roles.iter().rposition(|role| *role == Role::Ours);
        let mut dials = Vec::new();
        for (number, role) in roles.iter().enumerate() {
            let mut targets = Vec::new();
            if *role == Role::Ours && number > 0 {
                let earlier = roles.iter().take(number).enumerate();
                let ours: Vec<usize> =
                    earlier.filter(|(_, role)| **role == Role::Ours).map(|(number, _)| number).collect();
                targets.push(match shape {
                    0 | 3 => 0,
                    1 | 2 => ours.last().copied().unwrap_or_default(),
                    _ => *pick(random, &ours),
                });
                if shape == 2 && Some(number) == last && !targets.contains(&0) {
                    targets.push(0);
                }
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
