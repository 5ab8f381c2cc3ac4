//! Whatever happens, what is said makes sense and limits hold.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::*;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use ssb_blobs::wants::limits::FETCHES_PER_PEER_MAX;
use ssb_blobs::wants::limits::STALLED_AFTER;

/// Few, so that things meet.
const PEERS: u64 = 4;
const BLOBS: usize = 6;
const POLICY: Policy = Policy {
    sympathy: 3,
    pushy: 2,
    stingy: false,
    len_max: 100,
    peer_len_per_day: 150,
    foreign_len_per_day: 250,
};

/// Something that may happen. Numbers choose among what is there.
#[derive(Clone, Debug)]
enum Step {
    Open(u64, bool),
    Close(usize),
    Listens(usize),
    Deaf(usize),
    Moved(u64, bool),
    Said(usize, Vec<(usize, i16)>),
    Claimed(usize, usize),
    Found(usize, usize, Option<u64>),
    Want(Option<u64>, usize),
    Unwant(usize),
    Push(usize),
    Stored(usize, u64),
    Removed(usize),
    Progress(usize, u64),
    Ended(usize, Outcome),
    Later(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![3 => of_connections(), 4 => of_peers(), 3 => of_the_owner(), 3 => of_downloads()]
}

fn of_connections() -> impl Strategy<Value = Step> {
    let n = || 0_usize..8;
    prop_oneof![
        3 => (0..PEERS, any::<bool>()).prop_map(|(peer, near)| Step::Open(peer, near)),
        1 => n().prop_map(Step::Close),
        3 => n().prop_map(Step::Listens),
        1 => n().prop_map(Step::Deaf),
        1 => (0..PEERS, any::<bool>()).prop_map(|(peer, near)| Step::Moved(peer, near)),
    ]
}

fn of_peers() -> impl Strategy<Value = Step> {
    let n = || 0_usize..8;
    let words = proptest::collection::vec((0..BLOBS, -4_i16..120), 0..4);
    prop_oneof![
        6 => (n(), words).prop_map(|(n, words)| Step::Said(n, words)),
        1 => (n(), 0..BLOBS).prop_map(|(n, id)| Step::Claimed(n, id)),
        3 => (n(), 0..BLOBS, proptest::option::of(0_u64..120)).prop_map(|(n, id, size)| Step::Found(n, id, size)),
    ]
}

fn of_the_owner() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (proptest::option::of(50_u64..52), 0..BLOBS).prop_map(|(program, id)| Step::Want(program, id)),
        1 => (0..BLOBS).prop_map(Step::Unwant),
        1 => (0..BLOBS).prop_map(Step::Push),
        1 => (0..BLOBS, 1_u64..100).prop_map(|(id, size)| Step::Stored(id, size)),
        1 => (0..BLOBS).prop_map(Step::Removed),
    ]
}

fn of_downloads() -> impl Strategy<Value = Step> {
    let outcome = prop_oneof![
        (1_u64..100).prop_map(|size| Outcome::Stored { size }),
        Just(Outcome::WrongHash),
        Just(Outcome::TooLong),
        Just(Outcome::Refused),
        Just(Outcome::Failed),
    ];
    prop_oneof![
        1 => (0_usize..8, 0_u64..200_000).prop_map(|(n, received)| Step::Progress(n, received)),
        3 => (0_usize..8, outcome).prop_map(|(n, outcome)| Step::Ended(n, outcome)),
        1 => (0_u64..100).prop_map(Step::Later),
        1 => (1_000_u64..100_000).prop_map(Step::Later),
    ]
}

/// What a caller knows.
#[derive(Default)]
struct Shell {
    open: BTreeMap<Connection, FeedId>,
    listening: BTreeSet<Connection>,
    greeted: BTreeSet<Connection>,
    connections: u64,
    /// Downloads under way.
    fetches: BTreeMap<Fetch, (Connection, BlobId, u64)>,
    /// The next fetch is named at least this.
    next: u64,
    /// Who is owed an answer to how many items.
    unanswered: BTreeMap<Connection, usize>,
}

fn standing(near: bool) -> Standing {
    if near { Standing::Near } else { Standing::Stranger }
}

impl Shell {
    fn input(&mut self, node: &mut Node, step: Step) -> Option<Input> {
        let pick = |n: usize| self.open.keys().nth(n % self.open.len().max(1)).copied();
        Some(match step {
            Step::Open(n, near) => {
                let connection = Connection(self.connections);
                self.connections += 1;
                self.open.insert(connection, peer(n));
                Input::Opened { connection, peer: peer(n), standing: standing(near) }
            }
            Step::Close(n) => {
                let connection = pick(n)?;
                self.open.remove(&connection);
                self.listening.remove(&connection);
                self.fetches.retain(|_, (over, ..)| *over != connection);
                Input::Closed { connection }
            }
            Step::Listens(n) => {
                let connection = pick(n)?;
                self.listening.insert(connection);
                self.greeted.remove(&connection);
                Input::Listens { connection }
            }
            Step::Deaf(n) => {
                let connection = pick(n)?;
                self.listening.remove(&connection);
                Input::Deaf { connection }
            }
            Step::Moved(n, near) => Input::Moved { peer: peer(n), standing: standing(near) },
            Step::Said(n, words) => {
                let connection = pick(n)?;
                let word = |(n, number): (usize, i16)| {
                    let number = if number == 0 { 1 } else { number };
                    let size = number.unsigned_abs();
                    let word = u8::try_from(-number).map_or(Word::Has(u64::from(size)), Word::Wanted);
                    (id(n), word)
                };
                let words: Vec<_> = words.into_iter().map(word).collect();
                if words.iter().any(|(_, word)| matches!(word, Word::Wanted(_))) {
                    *self.unanswered.entry(connection).or_default() += 1;
                }
                Input::Said { connection, words }
            }
            Step::Claimed(n, blob) => Input::Claimed { connection: pick(n)?, ids: vec![id(blob)] },
            Step::Found(n, blob, size) => {
                Input::Found { connection: pick(n)?, found: vec![(id(blob), size)] }
            }
            Step::Want(program, blob) => Input::Want { connection: program.map(Connection), id: id(blob) },
            Step::Unwant(blob) => Input::Unwant { id: id(blob) },
            Step::Push(blob) => Input::Push { id: id(blob) },
            Step::Stored(blob, size) => Input::Stored { id: id(blob), size },
            Step::Removed(blob) => Input::Removed { id: id(blob) },
            Step::Progress(n, received) => {
                let fetch = *self.fetches.keys().nth(n % self.fetches.len().max(1))?;
                Input::Progress { fetch, received }
            }
            Step::Ended(n, outcome) => {
                let fetch = *self.fetches.keys().nth(n % self.fetches.len().max(1))?;
                let (_, _, len_max) = self.fetches.remove(&fetch)?;
                let outcome = match outcome {
                    Outcome::Stored { size } => Outcome::Stored { size: size.min(len_max) },
                    outcome => outcome,
                };
                Input::Ended { fetch, outcome }
            }
            Step::Later(seconds) => {
                node.now += Duration::from_secs(seconds);
                Input::Tick
            }
        })
    }

    fn check(&mut self, output: Output) -> Result<(), TestCaseError> {
        match output {
            Output::Say { connection, words } => {
                prop_assert!(self.listening.contains(&connection), "it does not listen");
                prop_assert!(self.greeted.insert(connection) || !words.is_empty(), "nothing is said");
                let makes_sense = |(_, word): &(BlobId, Word)| match word {
                    Word::Wanted(distance) => (1..=POLICY.sympathy).contains(distance),
                    Word::Has(size) => *size > 0,
                };
                prop_assert!(words.iter().all(makes_sense));
            }
            Output::LookUp { connection, .. } => {
                prop_assert!(self.open.contains_key(&connection));
                if let Some(items) = self.unanswered.get_mut(&connection) {
                    *items = items.saturating_sub(1);
                }
            }
            Output::Fetch { fetch, connection, id, len_max } => {
                prop_assert!(self.open.contains_key(&connection), "nobody is there");
                prop_assert!((1..POLICY.len_max).contains(&len_max));
                prop_assert!(self.fetches.values().all(|(_, other, _)| *other != id), "one download a blob");
                prop_assert!(fetch.0 >= self.next, "a name came twice");
                self.next = fetch.0 + 1;
                self.fetches.insert(fetch, (connection, id, len_max));
                let load = self.fetches.values().filter(|(over, ..)| *over == connection).count();
                prop_assert!(load <= FETCHES_PER_PEER_MAX);
            }
            Output::Stop { connection, fetch } => {
                let stopped = self.fetches.remove(&fetch).map(|(over, ..)| over);
                prop_assert_eq!(stopped, Some(connection), "it is not under way");
            }
            Output::Answer { connection, is_here, .. } => {
                prop_assert!((50..52).contains(&connection.0));
                prop_assert!(is_here, "not so many are wanted");
            }
            Output::SavePushes => {}
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whatever_happens_what_is_done_makes_sense(steps in proptest::collection::vec(step(), 0..80)) {
        let mut node = Node::with(POLICY);
        let mut shell = Shell::default();
        for step in steps {
            let Some(input) = shell.input(&mut node, step) else { continue };
            for output in node.handle(input) {
                shell.check(output)?;
            }
            prop_assert!(shell.unanswered.values().all(|items| *items == 0), "who waits for a look-up waits for ever");
            prop_assert!(shell.listening.is_subset(&shell.greeted), "the first item is missing");
            prop_assert!(node.wants.foreign_len() <= POLICY.foreign_len_per_day);
            for n in 0..PEERS {
                prop_assert!(node.wants.cost(&peer(n)) <= POLICY.peer_len_per_day);
            }
            let under_way: BTreeSet<_> = shell.fetches.values().map(|(over, id, _)| (*id, *over)).collect();
            prop_assert_eq!(&node.wants.fetches().collect::<BTreeSet<_>>(), &under_way);
            let wanted: BTreeSet<_> = node.wants.wanted().map(|(id, _)| id).collect();
            prop_assert!(under_way.iter().all(|(id, _)| wanted.contains(id)), "nobody wants it");
        }

        // When all have gone and a long time has passed nothing is left but what the owner wants.
        let open: Vec<Connection> = shell.open.keys().copied().collect();
        open.into_iter().for_each(|connection| drop(node.handle(Input::Closed { connection })));
        node.later(Duration::from_secs(1_000_000));
        let stats = node.wants.stats();
        prop_assert_eq!((stats.adopted, stats.accounts, stats.fetches, stats.removed), (0, 0, 0, 0));
        prop_assert_eq!(node.wants.wanted().count(), stats.own);
        prop_assert_eq!(node.wants.deadline(), None);
        prop_assert_eq!(node.wants.foreign_len(), 0);
    }

    #[test]
    fn a_tick_at_the_deadline_moves_the_deadline(steps in proptest::collection::vec(step(), 0..80)) {
        let mut node = Node::with(POLICY);
        let mut shell = Shell::default();
        for step in steps {
            let Some(input) = shell.input(&mut node, step) else { continue };
            node.handle(input).into_iter().try_for_each(|output| shell.check(output))?;
        }
        if let Some(deadline) = node.wants.deadline() {
            node.now = node.now.max(deadline);
            node.handle(Input::Tick);

            prop_assert!(node.wants.deadline().is_none_or(|next| next > node.now));
        }
    }

    /// Among honest peers: whoever has what is wanted is asked in the end, whatever happened before.
    #[test]
    fn what_the_owner_wants_comes_if_a_peer_has_it(steps in proptest::collection::vec(step(), 0..60)) {
        let mut node = Node::with(POLICY);
        let mut shell = Shell::default();
        for step in steps {
            let Some(input) = shell.input(&mut node, step) else { continue };
            node.handle(input).into_iter().try_for_each(|output| shell.check(output))?;
        }
        let open: Vec<Connection> = shell.open.keys().copied().collect();
        open.into_iter().for_each(|connection| drop(node.handle(Input::Closed { connection })));
        node.handle(Input::Push { id: id(0) });
        node.want(id(0));
        let connection = Connection(shell.connections);
        node.handle(Input::Opened { connection, peer: peer(9), standing: Standing::Stranger });
        node.handle(Input::Listens { connection });

        let mut outputs = node.handle(Input::Said { connection, words: vec![(id(0), Word::Has(5))] });
        outputs.extend(node.later(STALLED_AFTER));

        prop_assert!(outputs.iter().any(|output| matches!(output, Output::Fetch { .. })), "{:?}", outputs);
    }
}
