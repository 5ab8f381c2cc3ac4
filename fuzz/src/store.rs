//! A store that is written, deleted from, compacted, indexed, crashed and opened again, beside a model that is a list.

use std::sync::LazyLock;

use ssb_keys::Keypair;
use ssb_keys::MessageId;
use ssb_log::Decision;
use ssb_log::Indexer;
use ssb_log::Ordinal;
use ssb_log::Store;
use ssb_log::compact::Compactor;
use ssb_log::indexer;
use ssb_log::memory::Memory;
use ssb_log::query::Filter;
use ssb_log::query::Query;
use ssb_log::storage::Directory as _;
use ssb_log::store::Refused;
use ssb_msg::Message;
use ssb_msg::Signing;
use ssb_msg::ValidationState;
use ssb_msg::draft;

use crate::script::Script;

/// Does what a script says: the store takes and gives what the model does, however often it is crashed and whatever files of
/// indexes are lost.
///
/// Script: steps.
pub fn log_ops(data: &[u8]) {
    let script = &mut Script::new(data);
    let mut world = World::new();
    for _ in 0..STEPS_MAX {
        if script.is_empty() {
            break;
        }
        world = world.step(script);
    }
    world.commit();
    world.check();
    // And all of it again from nothing but the records.
    let memory = world.memory.crash();
    for name in memory.list().expect("memory does not fail") {
        if name.contains('-') {
            memory.remove(&name).expect("it was listed");
        }
    }
    world.reopen(memory).check();
}

/// Each step looks at everything.
const STEPS_MAX: usize = 40;

const FEEDS: usize = 3;
const LEN: usize = 8;

/// Signing is slow, so all runs share these.
static MESSAGES: LazyLock<[Vec<Message>; FEEDS]> = LazyLock::new(|| [1, 2, 3].map(feed));

fn feed(number: u8) -> Vec<Message> {
    let author = Keypair::from_seed(&[number; 32]);
    let mut state = ValidationState::new(author.id());
    let mut root: Option<MessageId> = None;
    (0..LEN)
        .map(|index| {
            let content = match root {
                Some(root) if index % 3 == 1 => {
                    format!(r#"{{"type":"post","text":"{index}","root":"{root}","branch":["{root}"]}}"#)
                }
                Some(root) if index % 3 == 2 => {
                    format!(r#"{{"type":"vote","vote":{{"link":"{root}","value":1}}}}"#)
                }
                _ => r#"{"type":"post","text":"first"}"#.to_owned(),
            };
            let timestamp = 1_500_000_000_000.0 + f64::from(number);
            let message = draft::sign(&content, &state, timestamp, &author, &Signing::plain())
                .expect("the content is valid");
            state.advance(state.check(&message).expect("it was made to follow"));
            root = Some(message.id());
            message
        })
        .collect()
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Slot {
    Here,
    Deleted,
    Readmitted,
}

#[derive(Debug, Default)]
struct Model {
    slots: [Vec<Slot>; FEEDS],
    banned: [bool; FEEDS],
    /// Feed and index, in the order of their receipt.
    here: Vec<(usize, usize)>,
    queued: Vec<(usize, usize)>,
}

impl Model {
    /// What a store says of a message: nothing if it takes it.
    fn offer(&mut self, feed: usize, index: usize) -> Option<Refused> {
        if self.banned[feed] {
            return Some(Refused::Banned);
        }
        let slots = &mut self.slots[feed];
        match slots.get(index) {
            Some(Slot::Readmitted) => slots[index] = Slot::Here,
            Some(_) => return Some(Refused::Known),
            None if index == slots.len() => slots.push(Slot::Here),
            None => {
                let number = |index: usize| u32::try_from(index + 1).expect("feeds are short");
                return Some(Refused::Gap { expected: number(slots.len()), found: number(index) });
            }
        }
        self.queued.push((feed, index));
        None
    }

    fn decide(&mut self, feed: usize, decision: &Decision) {
        let slots = &mut self.slots[feed];
        let part = |from: u32, upto: u32, len: usize| (from as usize - 1).min(len)..(upto as usize).min(len);
        match *decision {
            Decision::Delete { from, upto, .. } => {
                let part = part(from, upto, slots.len());
                self.here.retain(|(other, index)| *other != feed || !part.contains(index));
                slots[part].fill(Slot::Deleted);
            }
            Decision::Readmit { from, upto, .. } => {
                let part = part(from, upto, slots.len());
                let deleted = slots[part].iter_mut().filter(|slot| **slot == Slot::Deleted);
                deleted.for_each(|slot| *slot = Slot::Readmitted);
            }
            Decision::Forget { .. } | Decision::Ban { .. } => {
                slots.clear();
                self.here.retain(|(other, _)| *other != feed);
                self.banned[feed] |= matches!(decision, Decision::Ban { .. });
            }
            Decision::Unban { .. } => self.banned[feed] = false,
        }
    }
}

struct World {
    memory: Memory,
    store: Store<Memory>,
    indexer: Indexer<Memory>,
    compactor: Option<Compactor<Memory>>,
    model: Model,
}

impl World {
    fn new() -> Self {
        let memory = Memory::new();
        let store = open(&memory);
        Self { indexer: store.indexer(), memory, store, compactor: None, model: Model::default() }
    }

    fn reopen(self, memory: Memory) -> Self {
        let model = self.model;
        assert!(model.queued.is_empty(), "what is queued is committed first");
        drop((self.store, self.indexer, self.compactor));
        let store = open(&memory);
        Self { indexer: store.indexer(), memory, store, compactor: None, model }
    }

    /// Script: what, and then of which feed and message.
    fn step(mut self, script: &mut Script<'_>) -> Self {
        match script.below(11) {
            0..=2 => {
                let (feed, count) = (script.below(FEEDS), 1 + script.below(4));
                let next = self.model.slots[feed].len();
                (next..LEN).take(count).for_each(|index| self.offer(feed, index));
            }
            3 => {
                let (feed, index) = (script.below(FEEDS), script.below(LEN));
                self.offer(feed, index);
                self.offer(feed, index);
            }
            4 => self.commit(),
            5 => self.decide(script),
            6 => {
                self.commit();
                let compactor = self.compactor.get_or_insert_with(|| self.store.compactor());
                compactor.work(script.short()).expect("memory does not fail");
            }
            7 => {
                self.commit();
                if let Some(compactor) = self.compactor.take() {
                    let compacted = self.store.finish_compaction(compactor).expect("memory does not fail");
                    assert!(compacted.after <= compacted.before, "{compacted:?}");
                }
            }
            8 => {
                for _ in 0..script.below(20) {
                    self.indexer.work().expect("memory does not fail");
                }
                if script.flag() {
                    while self.indexer.work() == Ok(indexer::Progress::More) {}
                    self.indexer.finish(1).expect("memory does not fail");
                }
            }
            9 => {
                self.commit();
                let mask = script.short();
                let memory = self.memory.crash();
                for (bit, name) in memory.list().expect("memory does not fail").iter().enumerate() {
                    if name.contains('-') && mask >> (bit % 16) & 1 == 1 {
                        memory.remove(name).expect("it was listed");
                    }
                }
                self = self.reopen(memory);
            }
            _ => {
                self.commit();
                let mask = script.short();
                let memory = self.memory.crash_torn(|sector| mask >> (sector % 16) & 1 == 1);
                self = self.reopen(memory);
            }
        }
        self.check();
        self
    }

    fn offer(&mut self, feed: usize, index: usize) {
        let offered = self.store.offer(&MESSAGES[feed][index], 1_500_000_000_000.0);
        assert_eq!(offered.err(), self.model.offer(feed, index));
    }

    fn commit(&mut self) {
        let _ = self.store.commit().expect("memory does not fail");
        self.model.here.append(&mut self.model.queued);
    }

    fn decide(&mut self, script: &mut Script<'_>) {
        self.commit();
        let number = script.below(FEEDS);
        let feed = MESSAGES[number][0].author();
        let part = |script: &mut Script<'_>| {
            let from = 1 + u32::from(script.byte() % 8);
            (from, from + u32::from(script.byte() % 4))
        };
        let decision = match script.below(5) {
            0 => {
                let (from, upto) = part(script);
                Decision::Delete { feed, from, upto }
            }
            1 => {
                let (from, upto) = part(script);
                Decision::Readmit { feed, from, upto }
            }
            2 => Decision::Forget { feed },
            3 => Decision::Ban { feed },
            _ => Decision::Unban { feed },
        };
        self.store.decide(&[decision], 1_500_000_000_000.0).expect("memory does not fail");
        self.model.decide(number, &decision);
    }

    fn check(&self) {
        let reader = self.store.reader();
        let here: Vec<&Message> =
            self.model.here.iter().map(|(feed, index)| &MESSAGES[*feed][*index]).collect();
        let page = reader.page(Ordinal::ZERO..reader.end(), usize::MAX).expect("memory does not fail");
        assert!(page.iter().map(|stored| stored.json.as_str()).eq(here.iter().map(|message| message.json())));
        assert_eq!(reader.len() as usize, here.len());
        for message in MESSAGES.iter().flatten() {
            let found = reader.get(&message.id()).expect("memory does not fail");
            let is_here = here.iter().any(|other| other.id() == message.id());
            assert_eq!(found.map(|stored| stored.id), is_here.then(|| message.id()));
        }
        for (feed, slots) in MESSAGES.iter().zip(&self.model.slots) {
            let end = reader.latest(&feed[0].author()).map_or(0, |latest| latest.sequence as usize);
            let queued = self.model.queued.iter().filter(|(other, _)| MESSAGES[*other][0] == feed[0]);
            assert!(end <= slots.len() && slots.len() <= end + queued.count());
        }
        let count = |filter: Filter| {
            let mut answer = reader.query(Query::new(filter));
            let mut count = 0;
            while !answer.is_over() {
                count += answer.page(usize::MAX).expect("memory does not fail").len();
            }
            count
        };
        let votes = here.iter().filter(|message| message.json().contains("\"vote\"")).count();
        assert_eq!(count(Filter::of_type("vote")), votes);
        assert_eq!(count(Filter::all()), here.len());
    }
}

fn open(memory: &Memory) -> Store<Memory> {
    let (store, recovery) = Store::open(memory.clone()).expect("nothing is damaged");
    assert_eq!(recovery.cut, None, "all was synced");
    store
}
