//! A query finds what a look at every message finds, whatever the indexes know.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail tests")]

mod shared;

use std::collections::BTreeMap;
use std::ops::Range;

use proptest::prelude::*;
use proptest::sample::Index;
use ssb_keys::BlobId;
use ssb_keys::FeedId;
use ssb_keys::Keypair;
use ssb_keys::MessageId;
use ssb_log::Indexer;
use ssb_log::Ordinal;
use ssb_log::Store;
use ssb_log::Stored;
use ssb_log::indexer::Progress;
use ssb_log::memory::Memory;
use ssb_log::query::Filter;
use ssb_log::query::Order;
use ssb_log::query::Query;
use ssb_log::query::Target;
use ssb_log::storage::Directory as _;
use ssb_msg::Signing;
use ssb_msg::content::Contact;
use ssb_msg::json;

use shared::NOW;

const TYPES: [&str; 4] = ["post", "vote", "a \"quoted\" type", "contact"];

/// What a message is made of: its author, type, what it points at and how, and whether it has a root.
#[derive(Clone, Debug)]
struct Said {
    author: u8,
    kind: usize,
    links: Vec<(Index, usize)>,
    root: Option<Index>,
    tangle: Option<Index>,
}

fn said() -> impl Strategy<Value = Said> {
    let links = proptest::collection::vec((any::<Index>(), 0..6_usize), 0..3);
    (
        0..3_u8,
        0..TYPES.len(),
        links,
        proptest::option::of(any::<Index>()),
        proptest::option::weighted(0.2, any::<Index>()),
    )
        .prop_map(|(author, kind, links, root, tangle)| Said { author, kind, links, root, tangle })
}

/// What may be pointed at: feeds, a blob, and the messages before.
fn targets(written: &[MessageId]) -> Vec<String> {
    let feeds = (0..3).map(|n| author(n).id().to_string());
    let blob = BlobId::from_bytes([7; 32]).to_string();
    let messages = written.iter().rev().take(5).map(ToString::to_string);
    feeds.chain([blob]).chain(messages).collect()
}

fn author(n: u8) -> Keypair {
    Keypair::from_seed(&[n + 1; 32])
}

fn content(said: &Said, written: &[MessageId]) -> String {
    let targets = targets(written);
    let pick = |index: &Index| targets[index.index(targets.len())].clone();
    let message = |index: &Index| match written {
        [] => "null".to_owned(),
        _ => format!("\"{}\"", written[index.index(written.len())]),
    };
    let kind = json::compact(&json::Value::Text(json::Text::new(TYPES[said.kind])));
    let mut fields = vec![format!("\"type\":{kind}")];
    for (place, (index, how)) in said.links.iter().enumerate() {
        let target = pick(index);
        fields.push(match how {
            0 if place == 0 => {
                format!("\"contact\":\"{target}\",\"following\":{}", said.kind.is_multiple_of(2))
            }
            0 => format!("\"link{place}\":\"{target}\""),
            1 => format!("\"deep{place}\":[{{\"link\":\"{target}\"}}]"),
            4 => format!("\"tags{place}\":[\"#other\",[\"#Rust\"]]"),
            5 if place == 0 => "\"channel\":\"Rust!\"".to_owned(),
            2 => format!("\"query{place}\":\"{target}?a=b\""),
            _ => format!("\"text{place}\":\"about {target} and {target}\""),
        });
    }
    fields.extend(said.root.iter().map(|root| format!("\"root\":{}", message(root))));
    fields.extend(
        said.tangle.iter().map(|root| format!("\"tangles\":{{\"x\":{{\"root\":{}}}}}", message(root))),
    );
    format!("{{{}}}", fields.join(","))
}

#[derive(Clone, Debug)]
enum Step {
    Write(Vec<Said>),
    Work(u8),
    Finish,
    Forget,
    Reopen,
    Crash,
    Damage(Index, Index),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => proptest::collection::vec(said(), 1..6).prop_map(Step::Write),
        3 => (1..4_u8).prop_map(Step::Work),
        2 => Just(Step::Finish),
        1 => Just(Step::Forget),
        1 => Just(Step::Reopen),
        1 => Just(Step::Crash),
        1 => (any::<Index>(), any::<Index>()).prop_map(|(file, byte)| Step::Damage(file, byte)),
    ]
}

/// A condition, told independently of how the library tells it.
#[derive(Clone, Debug)]
enum Wanted {
    Author(u8),
    Type(usize),
    Links(Index),
    Root(Index),
    Channel,
    Contact,
    Claimed(u32, u32),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Not(Box<Self>),
}

fn wanted() -> impl Strategy<Value = Wanted> {
    let leaf = prop_oneof![
        (0..3_u8).prop_map(Wanted::Author),
        (0..TYPES.len()).prop_map(Wanted::Type),
        any::<Index>().prop_map(Wanted::Links),
        any::<Index>().prop_map(Wanted::Root),
        Just(Wanted::Channel),
        Just(Wanted::Contact),
        (0..40_u32, 0..40_u32).prop_map(|(from, len)| Wanted::Claimed(from, from + len)),
    ];
    leaf.prop_recursive(3, 8, 2, |inner| {
        let two = (inner.clone(), inner.clone());
        prop_oneof![
            two.clone().prop_map(|(one, two)| Wanted::And(Box::new(one), Box::new(two))),
            two.prop_map(|(one, two)| Wanted::Or(Box::new(one), Box::new(two))),
            inner.prop_map(|one| Wanted::Not(Box::new(one))),
        ]
    })
}

impl Wanted {
    fn filter(&self, written: &[MessageId]) -> Filter {
        match self {
            Self::Author(n) => Filter::author(author(*n).id()),
            Self::Type(kind) => Filter::of_type(TYPES[*kind]),
            Self::Links(index) => Filter::links_to(Target::parse(&target(index, written)).unwrap()),
            Self::Root(index) => Filter::root(root(index, written)),
            Self::Channel => Filter::channel("#rust"),
            Self::Contact => Filter::contacts(),
            Self::Claimed(from, upto) => Filter::claimed(f64::from(*from), f64::from(*upto)),
            Self::And(one, two) => one.filter(written).and(two.filter(written)),
            Self::Or(one, two) => one.filter(written).or(two.filter(written)),
            Self::Not(one) => one.filter(written).not(),
        }
    }

    fn holds(&self, value: &json::Value, written: &[MessageId]) -> bool {
        let content = value.get("content").unwrap();
        let text = |value: Option<&json::Value>| {
            value.and_then(json::Value::as_text).map(|text| text.decode().into_owned())
        };
        match self {
            Self::Author(n) => text(value.get("author")) == Some(author(*n).id().to_string()),
            Self::Type(kind) => text(content.get("type")).as_deref() == Some(TYPES[*kind]),
            Self::Links(index) => has_link(content, &target(index, written)),
            Self::Root(index) => {
                let root = Some(root(index, written).to_string());
                let tangle = content.get("tangles").and_then(|tangles| tangles.get("x"));
                text(content.get("root")) == root
                    || text(tangle.and_then(|tangle| tangle.get("root"))) == root
            }
            Self::Channel => has_channel(content),
            Self::Contact => {
                text(content.get("contact")).is_some_and(|contact| FeedId::parse(&contact).is_ok())
            }
            Self::Claimed(from, upto) => {
                let time = value.get("timestamp").and_then(json::Value::as_number).unwrap();
                (f64::from(*from)..=f64::from(*upto)).contains(&time)
            }
            Self::And(one, two) => one.holds(value, written) && two.holds(value, written),
            Self::Or(one, two) => one.holds(value, written) || two.holds(value, written),
            Self::Not(one) => !one.holds(value, written),
        }
    }
}

fn target(index: &Index, written: &[MessageId]) -> String {
    let targets = targets(written);
    targets[index.index(targets.len())].clone()
}

fn root(index: &Index, written: &[MessageId]) -> MessageId {
    match written {
        [] => MessageId::from_bytes([0; 32]),
        _ => written[index.index(written.len())],
    }
}

/// Whether `#rust` stands somewhere, or `Rust` as the channel.
fn has_channel(value: &json::Value) -> bool {
    let text = json::compact(value);
    text.contains("\"#Rust\"") || text.contains("\"channel\":\"Rust!\"")
}

fn has_link(value: &json::Value, target: &str) -> bool {
    match value {
        json::Value::Text(text) => text.decode().split('?').next() == Some(target),
        json::Value::Array(items) => items.iter().any(|item| has_link(item, target)),
        json::Value::Object(object) => object.iter().any(|(_, value)| has_link(value, target)),
        _ => false,
    }
}

/// A store in some state, and all that was written.
struct World {
    memory: Memory,
    store: Store<Memory>,
    indexer: Indexer<Memory>,
    written: Vec<MessageId>,
    damaged: bool,
}

impl World {
    fn new() -> Self {
        let memory = Memory::new();
        let (store, _) = Store::open(memory.clone()).unwrap();
        Self { indexer: store.indexer(), memory, store, written: Vec::new(), damaged: false }
    }

    fn reopen(self, memory: Memory) -> Self {
        let written = self.written;
        drop((self.store, self.indexer));
        let (store, _) = Store::open(memory.clone()).unwrap();
        Self { indexer: store.indexer(), memory, store, written, damaged: false }
    }

    fn step(mut self, step: Step) -> Self {
        match step {
            Step::Write(all) => {
                for said in all {
                    let content = content(&said, &self.written);
                    // Not in the order of their receipt, and some at the same time.
                    let claimed = f64::from(u32::try_from(self.written.len() * 7 % 31).unwrap());
                    let key = author(said.author);
                    let message =
                        self.store.sign_next(&content, claimed, &key, &Signing::plain(), NOW).unwrap();
                    self.written.push(message.id());
                }
                let _ = self.store.commit().unwrap();
            }
            Step::Work(times) => {
                for _ in 0..times {
                    let worked = self.indexer.work();
                    assert!(worked.is_ok() || self.damaged, "{worked:?}");
                }
            }
            Step::Finish => {
                while self.indexer.work() == Ok(Progress::More) {}
                let finished = self.indexer.finish(1);
                assert!(finished.is_ok() || self.damaged, "{finished:?}");
            }
            Step::Forget => self.indexer.forget().unwrap(),
            Step::Reopen => {
                let memory = self.memory.clone();
                return self.reopen(memory);
            }
            Step::Crash => {
                let memory = self.memory.crash();
                return self.reopen(memory);
            }
            Step::Damage(file, byte) => {
                let names: Vec<String> = self.memory.list().unwrap();
                let indexes: Vec<&String> = names.iter().filter(|name| name.contains('-')).collect();
                if !indexes.is_empty() {
                    let name = indexes[file.index(indexes.len())];
                    let mut bytes = self.memory.bytes(name).unwrap();
                    let at = byte.index(bytes.len());
                    bytes[at] ^= 0x10;
                    let open = self.memory.open(name).unwrap();
                    ssb_log::storage::Storage::write_at(&open, 0, &bytes).unwrap();
                    self.damaged = true;
                }
            }
        }
        self
    }

    fn all(&self) -> Vec<Stored> {
        self.store.reader().page(Ordinal::ZERO..self.store.reader().end(), usize::MAX).unwrap()
    }

    /// Whether messages are found by id and by feed, and feeds end where they do.
    fn check_primary(&self) {
        let reader = self.store.reader();
        let all = self.all();
        assert_eq!(all.len(), self.written.len());
        let mut ends: BTreeMap<String, u32> = BTreeMap::new();
        for stored in &all {
            assert_eq!(reader.get(&stored.id).unwrap().as_ref(), Some(stored));
            let value = json::parse(stored.json.as_bytes()).unwrap();
            let author = value.get("author").and_then(json::Value::as_text).unwrap().decode().into_owned();
            let sequence = ends.entry(author.clone()).or_default();
            *sequence += 1;
            let feed = FeedId::parse(&author).unwrap();
            assert_eq!(reader.by_sequence(&feed, *sequence), Some(stored.ordinal));
            let number = reader.author(stored.ordinal).unwrap();
            assert_eq!(reader.feed_id(number), Some(feed));
        }
        assert_eq!(reader.get(&MessageId::from_bytes([1; 32])), Ok(None));
        let told = reader.feeds().iter().map(|latest| (latest.feed.to_string(), latest.sequence)).collect();
        assert_eq!(ends, told);
    }

    /// Whether the last word of each author on each feed is told.
    fn check_contacts(&self) {
        let mut last = BTreeMap::new();
        for stored in self.all() {
            let value = json::parse(stored.json.as_bytes()).unwrap();
            let author = value.get("author").and_then(json::Value::as_text).unwrap().decode();
            if let Some(Contact { contact, relation }) = Contact::read(value.get("content").unwrap()) {
                last.insert((FeedId::parse(&author).unwrap(), contact), relation);
            }
        }
        let told = self.store.contacts().unwrap();
        let told = told.into_iter().map(|(author, said)| ((author, said.contact), said.relation));
        assert_eq!(told.collect::<Vec<_>>(), last.into_iter().collect::<Vec<_>>());
    }

    /// Whether messages come by their times, those of the same time by their receipt.
    fn check_times(&self, times: Range<f64>, page_len: usize) {
        let mut expected: Vec<(f64, Ordinal)> =
            self.all().iter().map(|one| (one.time(), one.ordinal)).collect();
        expected.retain(|(time, _)| times.contains(time));
        expected.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
        for order in [Order::Ascending, Order::Descending] {
            let mut found = Vec::new();
            let mut by_time = self.store.reader().by_time(times.clone(), order);
            while !by_time.is_over() {
                found.extend(by_time.page(page_len).unwrap());
            }
            assert_eq!(found, expected);
            expected.reverse();
        }
    }

    fn answer(&self, query: Query, page_len: usize) -> Vec<Ordinal> {
        let mut answer = self.store.reader().query(query);
        let mut found = Vec::new();
        while !answer.is_over() {
            found.extend(answer.page(page_len).unwrap().iter().map(|stored| stored.ordinal));
        }
        found
    }
}

proptest! {
    #[test]
    fn every_plan_finds_what_a_scan_finds(
        steps in proptest::collection::vec(step(), 1..14),
        wanted in wanted(),
        limit in proptest::option::of(0..6_u64),
        window in proptest::option::of((0..40_u32, 0..40_u32)),
        page_len in prop_oneof![Just(1_usize), Just(2_000), Just(usize::MAX)],
    ) {
        let mut world = World::new();
        for step in steps {
            world = world.step(step);
        }
        world.check_primary();
        world.check_contacts();
        let (from, len) = window.unwrap_or((0, u32::MAX));
        world.check_times(f64::from(from % 20)..f64::from(from) + f64::from(len), 1 + page_len.min(9));
        let range = window.map_or(0..u32::MAX, |(from, len)| from..from + len);
        let matching: Vec<Ordinal> = world.all().into_iter()
            .filter(|stored| range.contains(&stored.ordinal.get()))
            .filter(|stored| wanted.holds(&json::parse(stored.json.as_bytes()).unwrap(), &world.written))
            .map(|stored| stored.ordinal)
            .collect();
        let cut = |mut found: Vec<Ordinal>| {
            found.truncate(limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap()));
            found
        };
        let range = Ordinal::new(range.start)..Ordinal::new(range.end);
        let mut query = Query::new(wanted.filter(&world.written)).within(range);
        if let Some(limit) = limit {
            query = query.limit(limit);
        }

        prop_assert_eq!(world.answer(query.clone(), page_len), cut(matching.clone()));
        let backwards = matching.iter().rev().copied().collect();
        prop_assert_eq!(world.answer(query.descending(), page_len), cut(backwards));
    }
}

#[test]
fn an_answer_goes_on_with_what_came_since() {
    let mut world = World::new();
    let said = |author| Said { author, kind: 0, links: vec![], root: None, tangle: None };
    world = world.step(Step::Write(vec![said(0), said(1)])).step(Step::Finish);
    let mut answer = world.store.reader().query(Query::new(Filter::author(author(0).id())));
    let mut next =
        || answer.page(usize::MAX).unwrap().iter().map(|stored| stored.ordinal.get()).collect::<Vec<_>>();
    assert_eq!(next(), [0]);
    assert_eq!(next(), [0; 0]);

    let world = world.step(Step::Write(vec![said(1), said(0)]));

    assert_eq!(next(), [3]);
    drop(world);
}

#[test]
fn a_plan_can_be_read() {
    let world = World::new();
    let feed = FeedId::from_bytes([0; 32]);
    let filter = Filter::of_type("post").and(Filter::author(feed)).and(Filter::claimed(1.0, 2.0).not());

    let answer = world.store.reader().query(Query::new(filter));

    assert_eq!(
        answer.plan().to_string(),
        format!(
            "reads the feed {feed}; checks (type \"post\" and author {feed} and not claimed from 1 to 2)"
        )
    );
}
