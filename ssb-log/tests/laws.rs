//! Laws about all stores, against a model that is a list of batches.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail tests")]

mod shared;

use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::prelude::*;
use ssb_log::Ordinal;
use ssb_log::Store;
use ssb_log::log::Kind;
use ssb_log::log::Log;
use ssb_log::log::Record;
use ssb_log::memory::Memory;
use ssb_log::recover::RECORDS;
use ssb_log::store::Refused;
use ssb_msg::Message;

use shared::NOW;

/// Signing is slow, so all cases share these.
static FEEDS: LazyLock<Vec<Vec<Message>>> =
    LazyLock::new(|| (1..=3).map(|number| shared::feed(number, 12)).collect());

#[derive(Clone, Debug)]
enum Step {
    /// Message `sequence` of a feed, whether or not it is due.
    Offer {
        feed: usize,
        sequence: usize,
    },
    /// The next message of a feed.
    Next {
        feed: usize,
    },
    Commit,
    Reopen,
    /// Loses power; which sectors of what was not synced are left.
    Crash {
        seed: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0..3_usize, 0..12_usize).prop_map(|(feed, sequence)| Step::Offer { feed, sequence }),
        8 => (0..3_usize).prop_map(|feed| Step::Next { feed }),
        3 => Just(Step::Commit),
        1 => Just(Step::Reopen),
        1 => any::<u64>().prop_map(|seed| Step::Crash { seed }),
    ]
}

#[derive(Default)]
struct Model {
    durable: Vec<Message>,
    queued: Vec<Message>,
}

impl Model {
    fn count(&self, feed: usize) -> usize {
        let author = FEEDS[feed][0].author();
        self.durable.iter().chain(&self.queued).filter(|message| message.author() == author).count()
    }

    fn offer(&mut self, feed: usize, index: usize) -> Result<(), Refused> {
        let count = self.count(feed);
        if index < count {
            return Err(Refused::Known);
        }
        if index > count {
            let number = |index: usize| u32::try_from(index).unwrap() + 1;
            return Err(Refused::Gap { expected: number(count), found: number(index) });
        }
        self.queued.push(FEEDS[feed][index].clone());
        Ok(())
    }
}

fn check(store: &Store<Memory>, model: &Model) {
    let reader = store.reader();
    assert_eq!(reader.len() as usize, model.durable.len());
    let page = reader.page(Ordinal::ZERO..reader.end(), usize::MAX).unwrap();
    assert!(page.is_sorted_by(|a, b| a.received < b.received));
    let mut back = reader.page_back(Ordinal::ZERO..reader.end(), usize::MAX).unwrap();
    back.reverse();
    assert_eq!(page, back);
    for (stored, message) in page.iter().zip(&model.durable) {
        assert_eq!(stored.json, message.json());
        assert_eq!(reader.get(&message.id()).unwrap().as_ref(), Some(stored));
        assert_eq!(reader.by_sequence(&message.author(), message.sequence()), Some(stored.ordinal));
        assert_eq!(reader.author(stored.ordinal), reader.feed_number(&message.author()));
        let at = stored.received;
        assert_eq!(reader.received(at..=at).unwrap().start, stored.ordinal);
    }
    for feed in FEEDS.iter() {
        let latest = model.durable.iter().rfind(|message| message.author() == feed[0].author());
        let found = reader.latest(&feed[0].author()).map(|latest| (latest.sequence, latest.id));
        assert_eq!(found, latest.map(|message| (message.sequence(), message.id())));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_store_is_the_list_of_what_was_committed(steps in vec(step(), 1..60)) {
        let mut memory = Memory::new();
        let mut store = shared::open(memory.clone());
        let mut model = Model::default();
        for step in steps {
            match step {
                Step::Offer { feed, sequence } => {
                    let offered = store.offer(&FEEDS[feed][sequence], NOW);
                    prop_assert_eq!(offered, model.offer(feed, sequence));
                }
                Step::Next { feed } => {
                    let next = model.count(feed);
                    if let Some(message) = FEEDS[feed].get(next) {
                        prop_assert_eq!(store.offer(message, NOW), Ok(()));
                        prop_assert_eq!(model.offer(feed, next), Ok(()));
                    }
                }
                Step::Commit => {
                    prop_assert_eq!(store.commit().unwrap().end().get() as usize, model.durable.len() + model.queued.len());
                    model.durable.append(&mut model.queued);
                }
                Step::Reopen => {
                    drop(store);
                    model.queued.clear();
                    store = shared::open(memory.clone());
                }
                Step::Crash { seed } => {
                    model.queued.clear();
                    drop(store);
                    memory = memory.crash_torn(|sector| seed >> (sector % 64) & 1 == 1);
                    store = shared::open(memory.clone());
                }
            }
            check(&store, &model);
        }
    }

    #[test]
    fn a_batch_torn_at_any_sectors_leaves_a_prefix(
        before in vec(vec(0..2000_usize, 1..6), 0..4),
        torn in vec(0..2000_usize, 1..12),
        kept in vec(any::<bool>(), 64),
    ) {
        let memory = Memory::new();
        let mut log = Log::open(memory.clone()).unwrap().0;
        let mut synced = 0;
        for batch in &before {
            append(&mut log, batch);
            let _ = log.sync().unwrap();
            synced += batch.len();
        }
        append(&mut log, &torn);
        drop(log);
        let all: Vec<usize> = before.iter().flatten().chain(&torn).copied().collect();
        let mut kept = kept.iter().cycle();

        let after = memory.crash_torn(|_| *kept.next().unwrap());
        let mut found = Vec::new();
        let (log, recovery) = Log::open_with(&after, |visited| {
            found.push((visited.record.body.to_vec(), visited.record.id));
        })
        .unwrap();

        prop_assert!(found.len() >= synced && found.len() <= all.len());
        for (at, (body, id)) in found.iter().enumerate() {
            prop_assert_eq!(body, &body_of(all[at]));
            prop_assert_eq!(*id, id_of(all[at]));
        }
        prop_assert_eq!(recovery.records as usize, found.len());
        prop_assert_eq!(log.reader().end(), Ordinal::new(recovery.records));
        drop(log);
        let again = Log::open(after.crash()).unwrap().1;
        prop_assert_eq!((again.records, again.cut), (recovery.records, None));
    }

    #[test]
    fn whatever_is_in_the_file_opening_it_ends(bytes in vec(any::<u8>(), 0..600), header in any::<bool>()) {
        let (sound, _) = &*SOUND;
        let start = if header { &sound[..16] } else { &[] };
        let memory = Memory::new();
        memory.put(RECORDS, &[start, bytes.as_slice()].concat());

        // Random bytes hold no record with a valid checksum.
        if let Ok((store, _)) = Store::open(memory) {
            prop_assert!(header && store.reader().is_empty());
        }
    }

    #[test]
    fn whatever_is_overwritten_no_message_is_altered(
        at in 0..10_000_usize,
        patch in vec(any::<u8>(), 1..400),
    ) {
        let (sound, messages) = &*SOUND;
        let mut bytes = sound.clone();
        let at = at % bytes.len();
        for (to, from) in bytes[at..].iter_mut().zip(&patch) {
            *to = *from;
        }
        let memory = Memory::new();
        memory.put(RECORDS, &bytes);

        if let Ok((store, _)) = Store::open(memory) {
            let texts = shared::texts(&store);
            prop_assert!(texts.iter().zip(messages).all(|(text, message)| text == message.json()));
        }
    }
}

static SOUND: LazyLock<(Vec<u8>, Vec<Message>)> = LazyLock::new(|| shared::committed(&[3, 2, 4, 1]));

fn append(log: &mut Log<Memory>, lens: &[usize]) {
    let bodies: Vec<Vec<u8>> = lens.iter().map(|len| body_of(*len)).collect();
    let records: Vec<Record<'_>> = bodies
        .iter()
        .map(|body| Record { kind: Kind::Message, id: id_of(body.len()), received: NOW, body })
        .collect();
    let _ = log.append(&records).unwrap();
}

fn body_of(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 31 + len).to_le_bytes()[0]).collect()
}

fn id_of(len: usize) -> [u8; 32] {
    [len.to_le_bytes()[0]; 32]
}
