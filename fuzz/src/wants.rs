//! Who wants which blobs: items of `createWants`, and the machine behind them.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use ssb_blobs::wants::Policy;
use ssb_blobs::wants::Wants;
use ssb_blobs::wants::event::Connection;
use ssb_blobs::wants::event::Fetch;
use ssb_blobs::wants::event::Input;
use ssb_blobs::wants::event::Outcome;
use ssb_blobs::wants::event::Output;
use ssb_blobs::wants::event::Standing;
use ssb_blobs::wants::item;
use ssb_blobs::wants::item::Word;
use ssb_blobs::wants::limits::ENTRIES_MAX;
use ssb_blobs::wants::limits::FETCHES_PER_PEER_MAX;
use ssb_blobs::wants::limits::STALLED_AFTER;
use ssb_keys::BlobId;
use ssb_keys::FeedId;

use crate::script::Script;

/// Reads any bytes as an item, and then as a script of what peers and the owner do: what the machine says must make sense and keep
/// its limits, and in the end the owner gets what a peer has.
pub fn blob_wants(data: &[u8]) {
    read(data);
    let mut scene = Scene::new();
    let script = &mut Script::new(data);
    while !script.is_empty() {
        scene.step(script);
        scene.check();
    }
    scene.end();
}

fn read(data: &[u8]) {
    let words = item::read(data);
    assert!(words.len() <= ENTRIES_MAX);
    assert_eq!(item::read(item::to_json(&words).as_bytes()), words);
    // It gives up on what is nested deeply.
    let Ok(Value::Object(whole)) = serde_json::from_slice(data) else { return };
    for (key, value) in &whole {
        let Ok(id) = BlobId::parse(key) else { continue };
        let Some(number) = value.as_f64().filter(|number| number.fract() == 0.0 && *number != 0.0) else {
            continue;
        };
        // Of an id that is there twice, the last one counts.
        let last = words.iter().rfind(|(other, _)| *other == id).map(|(_, word)| *word);
        let is_negative = matches!(last, Some(Word::Wanted(_)));
        assert!(last.is_some() && is_negative == (number < 0.0), "{key}: {number} is {last:?}");
    }
}

/// Few, so that things meet.
const PEERS: usize = 4;
const BLOBS: usize = 6;

/// A machine and what its caller knows.
struct Scene {
    wants: Wants,
    policy: Policy,
    now: Duration,
    open: Vec<(Connection, FeedId)>,
    listening: BTreeSet<Connection>,
    greeted: BTreeSet<Connection>,
    connections: u64,
    fetches: BTreeMap<Fetch, (Connection, BlobId, u64)>,
    next_fetch: u64,
    /// Who has said that it wants something and waits for the look-up.
    waiting: Option<Connection>,
}

fn id(n: usize) -> BlobId {
    BlobId::from_bytes([n.to_le_bytes()[0]; 32])
}

fn peer(n: usize) -> FeedId {
    FeedId::from_bytes([n.to_le_bytes()[0]; 32])
}

impl Scene {
    fn new() -> Self {
        let policy = Policy {
            sympathy: 3,
            pushy: 2,
            stingy: false,
            len_max: 100,
            peer_len_per_day: 150,
            foreign_len_per_day: 250,
        };
        Self {
            wants: Wants::new(policy, [id(0)]),
            policy,
            now: Duration::ZERO,
            open: Vec::new(),
            listening: BTreeSet::new(),
            greeted: BTreeSet::new(),
            connections: 0,
            fetches: BTreeMap::new(),
            next_fetch: 0,
            waiting: None,
        }
    }

    fn step(&mut self, script: &mut Script<'_>) {
        let choice = script.below(16);
        let connection = self.open.get(script.below(self.open.len())).map(|(connection, _)| *connection);
        let blob = id(script.below(BLOBS));
        let size = u64::from(script.byte() % 128);
        let input = match (choice, connection) {
            (0, _) => Some(self.opened(script)),
            (1, Some(connection)) => {
                self.open.retain(|(open, _)| *open != connection);
                self.listening.remove(&connection);
                self.fetches.retain(|_, (over, ..)| *over != connection);
                Some(Input::Closed { connection })
            }
            (2, Some(connection)) => {
                self.listening.insert(connection);
                self.greeted.remove(&connection);
                Some(Input::Listens { connection })
            }
            (3, Some(connection)) => {
                self.listening.remove(&connection);
                Some(Input::Deaf { connection })
            }
            (4, _) => Some(Input::Moved { peer: peer(script.below(PEERS)), standing: standing(script) }),
            (5, Some(connection)) => {
                self.waiting = Some(connection);
                let words =
                    vec![(blob, Word::Wanted(script.byte() % 5)), (id(script.below(BLOBS)), Word::Has(size))];
                Some(Input::Said { connection, words })
            }
            (6, Some(connection)) => Some(Input::Said { connection, words: vec![(blob, Word::Has(size))] }),
            (7, Some(connection)) => Some(Input::Claimed { connection, ids: vec![blob] }),
            (8, Some(connection)) => {
                let size = script.flag().then_some(size);
                Some(Input::Found { connection, found: vec![(blob, size)] })
            }
            (9, _) => {
                Some(Input::Want { connection: script.flag().then_some(Connection(u64::MAX)), id: blob })
            }
            (10, _) => {
                Some(if script.flag() { Input::Unwant { id: blob } } else { Input::Removed { id: blob } })
            }
            (11, _) => Some(Input::Push { id: blob }),
            (12, _) => Some(Input::Stored { id: blob, size }),
            (13, _) => {
                let fetch = self.fetches.keys().nth(script.below(self.fetches.len())).copied();
                fetch.map(|fetch| Input::Progress { fetch, received: size * 10_000 })
            }
            (14, _) => self.ended(script, size),
            _ => {
                self.now += Duration::from_secs(size * size * 10);
                Some(Input::Tick)
            }
        };
        if let Some(input) = input {
            self.handle(input);
        }
    }

    fn opened(&mut self, script: &mut Script<'_>) -> Input {
        let (connection, peer) = (Connection(self.connections), peer(script.below(PEERS)));
        self.connections += 1;
        self.open.push((connection, peer));
        Input::Opened { connection, peer, standing: standing(script) }
    }

    fn ended(&mut self, script: &mut Script<'_>, size: u64) -> Option<Input> {
        let fetch = *self.fetches.keys().nth(script.below(self.fetches.len()))?;
        let (_, _, len_max) = self.fetches.remove(&fetch)?;
        let outcome = match script.below(5) {
            0 => Outcome::WrongHash,
            1 => Outcome::TooLong,
            2 => Outcome::Refused,
            3 => Outcome::Failed,
            _ => Outcome::Stored { size: size.clamp(1, len_max) },
        };
        Some(Input::Ended { fetch, outcome })
    }

    /// Returns whether a download was begun.
    fn handle(&mut self, input: Input) -> bool {
        self.wants.handle(input, self.now);
        let mut begins = false;
        while let Some(output) = self.wants.poll() {
            begins |= self.heard(output);
        }
        begins
    }

    fn heard(&mut self, output: Output) -> bool {
        match output {
            Output::Say { connection, words } => {
                assert!(self.listening.contains(&connection), "it does not listen");
                assert!(self.greeted.insert(connection) || !words.is_empty(), "nothing is said");
                for (_, word) in words {
                    match word {
                        Word::Wanted(distance) => assert!((1..=self.policy.sympathy).contains(&distance)),
                        Word::Has(size) => assert_ne!(size, 0, "the empty blob"),
                    }
                }
            }
            Output::LookUp { connection, .. } => {
                assert!(self.open.iter().any(|(open, _)| *open == connection), "nobody is there");
                self.waiting = self.waiting.filter(|waiting| *waiting != connection);
            }
            Output::Fetch { fetch, connection, id, len_max } => {
                assert!(self.open.iter().any(|(open, _)| *open == connection), "nobody is there");
                assert!((1..self.policy.len_max).contains(&len_max));
                assert!(self.fetches.values().all(|(_, other, _)| *other != id), "one download a blob");
                assert!(fetch.0 >= self.next_fetch, "a name came twice");
                self.next_fetch = fetch.0 + 1;
                self.fetches.insert(fetch, (connection, id, len_max));
                let load = self.fetches.values().filter(|(over, ..)| *over == connection).count();
                assert!(load <= FETCHES_PER_PEER_MAX);
                return true;
            }
            Output::Stop { connection, fetch } => {
                let stopped = self.fetches.remove(&fetch).map(|(over, ..)| over);
                assert_eq!(stopped, Some(connection), "it is not under way");
            }
            Output::Answer { connection, is_here, .. } => {
                assert_eq!(connection, Connection(u64::MAX));
                assert!(is_here, "not so many are wanted");
            }
            Output::SavePushes => {}
        }
        false
    }

    fn check(&self) {
        assert_eq!(self.waiting, None, "who waits for a look-up waits for ever");
        assert!(self.listening.is_subset(&self.greeted), "the first item is missing");
        assert!(self.wants.foreign_len() <= self.policy.foreign_len_per_day);
        assert!((0..PEERS).all(|n| self.wants.cost(&peer(n)) <= self.policy.peer_len_per_day));
        let under_way: BTreeSet<_> = self.fetches.values().map(|(over, id, _)| (*id, *over)).collect();
        assert_eq!(self.wants.fetches().collect::<BTreeSet<_>>(), under_way);
        let wanted: BTreeSet<_> = self.wants.wanted().map(|(id, _)| id).collect();
        assert!(under_way.iter().all(|(id, _)| wanted.contains(id)), "nobody wants it");
    }

    /// Whatever happened before, the owner gets what a new peer has; and in the end nothing is left but what the owner wants.
    fn end(&mut self) {
        while let Some((connection, _)) = self.open.pop() {
            self.listening.remove(&connection);
            self.fetches.retain(|_, (over, ..)| *over != connection);
            self.handle(Input::Closed { connection });
        }
        self.handle(Input::Want { connection: None, id: id(1) });
        let (connection, peer) = (Connection(self.connections), peer(PEERS));
        self.open.push((connection, peer));
        self.handle(Input::Opened { connection, peer, standing: Standing::Stranger });
        let mut begins = self.handle(Input::Said { connection, words: vec![(id(1), Word::Has(5))] });
        self.now += STALLED_AFTER;
        begins |= self.handle(Input::Tick);
        assert!(begins, "it is wanted, and here it is");
        self.fetches.clear();
        self.handle(Input::Closed { connection });
        self.handle(Input::Unwant { id: id(1) });
        while let Some(deadline) = self.wants.deadline() {
            let before = self.now;
            self.now = self.now.max(deadline);
            self.handle(Input::Tick);
            assert!(
                self.wants.deadline().is_none_or(|next| next > self.now && next > before),
                "it goes on for ever"
            );
        }
        let stats = self.wants.stats();
        assert_eq!((stats.adopted, stats.accounts, stats.fetches, stats.removed), (0, 0, 0, 0));
        assert_eq!((self.wants.foreign_len(), self.wants.wanted().count()), (0, stats.own));
    }
}

fn standing(script: &mut Script<'_>) -> Standing {
    if script.flag() { Standing::Near } else { Standing::Stranger }
}
