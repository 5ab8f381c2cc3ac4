//! What is deleted is gone, stays gone, and leaves everything else as it was: through compaction, new starts and crashes.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail tests")]

mod shared;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::prelude::*;
use ssb_keys::FeedId;
use ssb_log::Decision;
use ssb_log::Indexer;
use ssb_log::Ordinal;
use ssb_log::Store;
use ssb_log::Stored;
use ssb_log::compact::Compactor;
use ssb_log::compact::Progress;
use ssb_log::indexer;
use ssb_log::memory::Memory;
use ssb_log::query::Filter;
use ssb_log::query::Query;
use ssb_log::read::ReadError;
use ssb_log::storage::Directory as _;
use ssb_log::store::Refused;
use ssb_msg::Message;
use ssb_msg::Signing;
use ssb_msg::content::Relation;

use shared::NOW;

/// Signing is slow, so all cases share these.
static FEEDS: LazyLock<Vec<Vec<Message>>> =
    LazyLock::new(|| (1..=3).map(|number| shared::feed(number, 10)).collect());

#[derive(Clone, Copy, Debug)]
enum Step {
    /// The next messages of a feed.
    Write {
        feed: usize,
        count: usize,
    },
    /// Message `index` of a feed, whether or not it is due.
    Offer {
        feed: usize,
        index: usize,
    },
    Delete {
        feed: usize,
        from: u32,
        len: u32,
    },
    Readmit {
        feed: usize,
        from: u32,
        len: u32,
    },
    Forget {
        feed: usize,
    },
    Ban {
        feed: usize,
    },
    Unban {
        feed: usize,
    },
    /// Begins to compact, or goes on with it.
    Compact,
    /// Ends a compaction that was begun.
    Compacted,
    Index,
    Reopen,
    /// Loses power; which sectors of what was not synced are left.
    Crash {
        seed: u64,
    },
    /// Starts without some of the files that can be made anew.
    Lose {
        seed: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let part = || (0..3_usize, 1..8_u32, 0..4_u32);
    prop_oneof![
        6 => (0..3_usize, 1..4_usize).prop_map(|(feed, count)| Step::Write { feed, count }),
        3 => (0..3_usize, 0..10_usize).prop_map(|(feed, index)| Step::Offer { feed, index }),
        3 => part().prop_map(|(feed, from, len)| Step::Delete { feed, from, len }),
        3 => part().prop_map(|(feed, from, len)| Step::Readmit { feed, from, len }),
        1 => (0..3_usize).prop_map(|feed| Step::Forget { feed }),
        1 => (0..3_usize).prop_map(|feed| Step::Ban { feed }),
        1 => (0..3_usize).prop_map(|feed| Step::Unban { feed }),
        2 => Just(Step::Compact),
        2 => Just(Step::Compacted),
        2 => Just(Step::Index),
        1 => Just(Step::Reopen),
        1 => any::<u64>().prop_map(|seed| Step::Crash { seed }),
        1 => any::<u64>().prop_map(|seed| Step::Lose { seed }),
    ]
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Slot {
    Here,
    Deleted,
    Readmitted,
}

#[derive(Default)]
struct Model {
    /// By feed and sequence.
    slots: [Vec<Slot>; 3],
    banned: [bool; 3],
    /// In the order of their receipt.
    here: Vec<(usize, usize)>,
}

impl Model {
    fn offer(&mut self, feed: usize, index: usize) -> Result<(), Refused> {
        if self.banned[feed] {
            return Err(Refused::Banned);
        }
        let slots = &mut self.slots[feed];
        match slots.get(index) {
            Some(Slot::Readmitted) => slots[index] = Slot::Here,
            Some(_) => return Err(Refused::Known),
            None if index == slots.len() => slots.push(Slot::Here),
            None => {
                let number = |index: usize| u32::try_from(index).unwrap() + 1;
                return Err(Refused::Gap { expected: number(slots.len()), found: number(index) });
            }
        }
        self.here.push((feed, index));
        Ok(())
    }

    fn decide(&mut self, decision: &Decision) {
        let number = FEEDS.iter().position(|feed| feed[0].author() == decision.feed()).unwrap();
        let slots = &mut self.slots[number];
        let part = |from: u32, upto: u32, len: usize| (from as usize - 1).min(len)..(upto as usize).min(len);
        match *decision {
            Decision::Delete { from, upto, .. } => {
                let part = part(from, upto, slots.len());
                self.here.retain(|(feed, index)| *feed != number || !part.contains(index));
                slots[part].fill(Slot::Deleted);
            }
            Decision::Readmit { from, upto, .. } => {
                let part = part(from, upto, slots.len());
                let deleted = slots[part].iter_mut().filter(|slot| **slot == Slot::Deleted);
                deleted.for_each(|slot| *slot = Slot::Readmitted);
            }
            Decision::Forget { .. } | Decision::Ban { .. } => {
                slots.clear();
                self.here.retain(|(feed, _)| *feed != number);
                self.banned[number] |= matches!(decision, Decision::Ban { .. });
            }
            Decision::Unban { .. } => self.banned[number] = false,
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
        let store = shared::open(memory.clone());
        let indexer = store.indexer();
        Self { memory, store, indexer, compactor: None, model: Model::default() }
    }

    fn reopen(self, memory: Memory) -> Self {
        let model = self.model;
        drop((self.store, self.indexer, self.compactor));
        let store = shared::open(memory.clone());
        let indexer = store.indexer();
        Self { memory, store, indexer, compactor: None, model }
    }

    fn decide(&mut self, decision: Decision) {
        self.store.decide(&[decision], NOW).unwrap();
        self.model.decide(&decision);
    }

    fn step(mut self, step: Step) -> Self {
        let author = |feed: usize| FEEDS[feed][0].author();
        match step {
            Step::Write { feed, count } => {
                let next = self.model.slots[feed].len();
                for index in (next..10).take(count) {
                    let offered = self.store.offer(&FEEDS[feed][index], NOW);
                    assert_eq!(offered, self.model.offer(feed, index));
                }
                let _ = self.store.commit().unwrap();
            }
            Step::Offer { feed, index } => {
                let offered = self.store.offer(&FEEDS[feed][index], NOW);
                assert_eq!(offered, self.model.offer(feed, index));
                // Once is enough.
                let again = self.store.offer(&FEEDS[feed][index], NOW);
                assert_eq!(again, self.model.offer(feed, index));
                let _ = self.store.commit().unwrap();
            }
            Step::Delete { feed, from, len } => {
                self.decide(Decision::Delete { feed: author(feed), from, upto: from + len });
            }
            Step::Readmit { feed, from, len } => {
                self.decide(Decision::Readmit { feed: author(feed), from, upto: from + len });
            }
            Step::Forget { feed } => self.decide(Decision::Forget { feed: author(feed) }),
            Step::Ban { feed } => self.decide(Decision::Ban { feed: author(feed) }),
            Step::Unban { feed } => self.decide(Decision::Unban { feed: author(feed) }),
            Step::Compact => {
                let compactor = self.compactor.get_or_insert_with(|| self.store.compactor());
                compactor.work(2_000).unwrap();
            }
            Step::Compacted => {
                if let Some(compactor) = self.compactor.take() {
                    let compacted = self.store.finish_compaction(compactor).unwrap();
                    assert!(compacted.after <= compacted.before);
                }
            }
            Step::Index => {
                while self.indexer.work() == Ok(indexer::Progress::More) {}
                self.indexer.finish(1).unwrap();
            }
            Step::Reopen => {
                let memory = self.memory.clone();
                return self.reopen(memory);
            }
            Step::Crash { seed } => {
                let memory = self.memory.crash_torn(|sector| seed >> (sector % 64) & 1 == 1);
                return self.reopen(memory);
            }
            Step::Lose { seed } => {
                let memory = self.memory.crash();
                for (bit, name) in memory.list().unwrap().iter().enumerate() {
                    if name.contains('-') && seed >> (bit % 64) & 1 == 1 {
                        memory.remove(name).unwrap();
                    }
                }
                return self.reopen(memory);
            }
        }
        self
    }

    fn check(&self) {
        let reader = self.store.reader();
        let expected: Vec<&Message> =
            self.model.here.iter().map(|(feed, index)| &FEEDS[*feed][*index]).collect();
        let everything = Ordinal::ZERO..reader.end();
        assert_eq!(reader.len() as usize, expected.len());
        for len_max in [1, usize::MAX] {
            let found = all(|from| reader.page(from..everything.end, len_max), everything.start);
            assert!(found.is_sorted_by(|a, b| a.received < b.received));
            let texts: Vec<&str> = found.iter().map(|stored| stored.json.as_str()).collect();
            assert_eq!(texts, expected.iter().map(|message| message.json()).collect::<Vec<_>>());
        }
        let mut back = reader.page_back(everything.clone(), usize::MAX).unwrap();
        back.reverse();
        assert_eq!(back, reader.page(everything, usize::MAX).unwrap());
        let ends: BTreeMap<_, _> =
            reader.feeds().into_iter().map(|latest| (latest.feed, (latest.sequence, latest.id))).collect();
        assert!(ends.values().all(|(sequence, _)| *sequence > 0));
        for (feed, slots) in FEEDS.iter().zip(&self.model.slots) {
            let author = feed[0].author();
            let end = slots.len().checked_sub(1).map(|last| (feed[last].sequence(), feed[last].id()));
            assert_eq!(ends.get(&author).copied(), end);
            assert_eq!(self.store.state(&author).sequence() as usize, slots.len());
            for (index, message) in feed.iter().enumerate() {
                let is_here = slots.get(index) == Some(&Slot::Here);
                let found = reader.get(&message.id()).unwrap();
                assert_eq!(
                    found.as_ref().map(|stored| stored.json.as_str()),
                    is_here.then(|| message.json())
                );
                let at = reader.by_sequence(&author, message.sequence());
                assert_eq!(at, found.map(|stored| stored.ordinal));
                let next = (index..slots.len()).find(|index| slots[*index] == Slot::Here);
                let next = next.map(|index| feed[index].sequence());
                assert_eq!(reader.next_sequence(&author, message.sequence()), next);
                let page = reader.feed_page(&author, message.sequence(), usize::MAX).unwrap();
                let whole = slots.iter().skip(index).take_while(|slot| **slot == Slot::Here).count();
                assert_eq!(page.len(), whole);
            }
            let of_feed = Filter::author(author);
            self.check_query(&of_feed, |message| message.author() == author);
        }
        self.check_query(&Filter::of_type("post"), |_| true);
        let banned = FEEDS.iter().zip(self.model.banned).filter(|(_, banned)| *banned);
        let mut banned: Vec<_> = banned.map(|(feed, _)| feed[0].author()).collect();
        banned.sort_unstable();
        assert_eq!(reader.banned(), banned);
    }

    fn check_query(&self, filter: &Filter, wanted: impl Fn(&Message) -> bool) {
        let here = self.model.here.iter().map(|(feed, index)| &FEEDS[*feed][*index]);
        let mut expected: Vec<&str> = here.filter(|message| wanted(message)).map(Message::json).collect();
        let ask = |query: Query| {
            let mut answer = self.store.reader().query(query);
            let mut found = Vec::new();
            while !answer.is_over() {
                found.extend(answer.page(usize::MAX).unwrap().into_iter().map(|stored| stored.json));
            }
            found
        };
        assert_eq!(ask(Query::new(filter.clone())), expected);
        expected.reverse();
        assert_eq!(ask(Query::new(filter.clone()).descending()), expected);
    }
}

/// All pages, one behind the other.
fn all(page: impl Fn(Ordinal) -> Result<Vec<Stored>, ReadError>, mut from: Ordinal) -> Vec<Stored> {
    let mut found = Vec::new();
    loop {
        let page = page(from).unwrap();
        let Some(last) = page.last() else { return found };
        from = last.ordinal.next().unwrap();
        found.extend(page);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_store_holds_what_was_written_and_not_deleted(steps in vec(step(), 1..50)) {
        let mut world = World::new();
        for step in steps {
            world = world.step(step);
            world.check();
        }
    }
}

/// Three feeds of ten messages, indexed.
fn full() -> World {
    let mut world = World::new();
    for _ in 0..4 {
        for feed in 0..3 {
            world = world.step(Step::Write { feed, count: 3 });
        }
    }
    world.step(Step::Index)
}

fn compact(world: &mut World) -> (u64, u64) {
    let mut compactor = world.store.compactor();
    while compactor.work(1_000).unwrap() == Progress::More {}
    let compacted = world.store.finish_compaction(compactor).unwrap();
    (compacted.before, compacted.after)
}

fn holds(memory: &Memory, text: &str) -> bool {
    let holds = |name: &String| {
        let bytes = memory.bytes(name).unwrap();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    };
    memory.list().unwrap().iter().any(holds)
}

#[test]
fn after_compaction_no_file_holds_anything_of_what_is_gone() {
    let mut world = full();
    let signature = |message: &Message| message.json().split_once("\"signature\":").unwrap().1.to_owned();
    let texts: Vec<String> = FEEDS[0].iter().map(signature).collect();
    assert!(texts.iter().all(|text| holds(&world.memory, text)));

    world.decide(Decision::Ban { feed: FEEDS[0][0].author() });
    world.decide(Decision::Delete { feed: FEEDS[1][0].author(), from: 2, upto: 3 });
    let (before, after) = compact(&mut world);

    world.check();
    assert!(!texts.iter().any(|text| holds(&world.memory, text)));
    // Tombstones are 52 bytes long where nothing follows, and 96 where the feed goes on.
    let len = |message: &Message| 52 + message.compact().len() as u64;
    let of_feed: u64 = FEEDS[0].iter().map(len).sum::<u64>() - 10 * 52;
    let of_two: u64 = FEEDS[1][1..3].iter().map(len).sum::<u64>() - 2 * 96;
    assert_eq!(before - after, of_feed + of_two);
    assert_eq!(world.store.offer(&FEEDS[0][0], NOW), Err(Refused::Banned));
}

#[test]
fn a_compacted_log_is_compacted_again() {
    let mut world = full();
    world.decide(Decision::Delete { feed: FEEDS[0][0].author(), from: 1, upto: 10 });
    compact(&mut world);
    world.check();

    world.decide(Decision::Forget { feed: FEEDS[0][0].author() });
    let (before, after) = compact(&mut world);

    world.check();
    assert_eq!(before - after, 10 * 44);
    let world = world.step(Step::Lose { seed: u64::MAX });
    world.check();
}

#[test]
fn readers_and_followers_go_on_while_the_file_changes() {
    let mut world = full();
    let reader = world.store.reader();
    let mut answer = reader.query(Query::new(Filter::of_type("post")));
    let first = answer.page(1).unwrap();
    assert_eq!(first.len(), 1);
    world.decide(Decision::Delete { feed: FEEDS[2][0].author(), from: 1, upto: 5 });

    compact(&mut world);

    let mut rest = Vec::new();
    while !answer.is_over() {
        rest.extend(answer.page(1).unwrap());
    }
    assert_eq!(rest.len(), 24);
    assert_eq!(reader.get(&first[0].id).unwrap().as_ref(), Some(&first[0]));
}

#[test]
fn who_follows_whom_is_what_is_left_says() {
    let (memory, me) = (Memory::new(), shared::author(1));
    let mut store = shared::open(memory.clone());
    let friend = FEEDS[1][0].author();
    for (relation, value) in [("following", true), ("blocking", true), ("following", false)] {
        let content = format!(r#"{{"type":"contact","contact":"{friend}","{relation}":{value}}}"#);
        store.sign_next(&content, NOW, &me, &Signing::plain(), NOW).unwrap();
    }
    let _ = store.commit().unwrap();
    let index = |store: &Store<Memory>| {
        let mut indexer = store.indexer();
        while indexer.work() == Ok(indexer::Progress::More) {}
        indexer.finish(1).unwrap();
    };
    let said = |store: &Store<Memory>| {
        let said: Vec<Relation> =
            store.contacts().unwrap().into_iter().map(|(_, said)| said.relation).collect();
        let relation = store.reader().relation(&me.id(), &friend).unwrap();
        assert_eq!(relation, said.first().copied());
        relation
    };
    index(&store);
    assert_eq!(said(&store), Some(Relation::Neutral));

    for (gone, left) in [(3, Some(Relation::Block)), (1, Some(Relation::Block)), (2, None)] {
        store.decide(&[Decision::Delete { feed: me.id(), from: gone, upto: gone }], NOW).unwrap();
        assert_eq!(said(&store), left);
        index(&store);
        assert_eq!(said(&store), left);
        drop(store);
        store = shared::open(memory.clone());
        assert_eq!(said(&store), left);
    }
}

#[test]
fn a_message_is_for_everybody_whom_its_author_does_not_block_with_the_last_word_here() {
    let (mut store, me) = (shared::open(Memory::new()), shared::author(1));
    let friend = FEEDS[1][0].author();
    let mut ids = Vec::new();
    let mut say = |store: &mut Store<Memory>, blocking: bool| {
        let content = format!(r#"{{"type":"contact","contact":"{friend}","blocking":{blocking}}}"#);
        ids.push(store.sign_next(&content, NOW, &me, &Signing::plain(), NOW).unwrap().id());
        let _ = store.commit().unwrap();
        let of = |viewer: &FeedId| {
            store.reader().get_for(&ids[0], viewer).unwrap().map(|(place, _)| place.sequence)
        };
        assert_eq!(of(&me.id()), Some(1));
        of(&friend)
    };

    let seen = [false, true, false].map(|blocking| say(&mut store, blocking));

    assert_eq!(seen, [Some(1), None, Some(1)]);
    let reader = store.reader();
    assert_eq!(reader.author_of(&ids[2]), Ok(Some(me.id())));
    store.decide(&[Decision::Delete { feed: me.id(), from: 3, upto: 3 }], NOW).unwrap();
    assert_eq!(reader.author_of(&ids[2]), Ok(None));
    assert_eq!(reader.get_for(&ids[2], &friend), Ok(None));
}

#[test]
fn what_is_undone_before_compaction_can_be_taken_from_the_file() {
    let mut world = full();
    let (author, message) = (FEEDS[0][0].author(), &FEEDS[0][4]);
    world.decide(Decision::Delete { feed: author, from: 5, upto: 5 });
    assert_eq!(world.store.reader().retained(&author, 5), Ok(None));

    world.decide(Decision::Readmit { feed: author, from: 5, upto: 5 });

    assert_eq!(world.store.reader().retained(&author, 5).unwrap().as_deref(), Some(message.json()));
    compact(&mut world);
    assert_eq!(world.store.reader().retained(&author, 5), Ok(None));
    world.check();
}

#[test]
fn a_compaction_that_cannot_be_written_leaves_the_log_as_it_was() {
    let mut world = full();
    world.decide(Decision::Forget { feed: FEEDS[0][0].author() });
    let mut compactor = world.store.compactor();
    assert_eq!(compactor.work(1), Ok(Progress::More));
    assert!(world.memory.list().unwrap().iter().any(|name| name == "records.compacted"));

    drop(compactor);

    assert!(!world.memory.list().unwrap().iter().any(|name| name == "records.compacted"));
    world.check();
}
