//! Questions of JavaScript's clients: however messages are found, the answer is what a look at every message gives.

#![expect(clippy::unwrap_used, clippy::panic, clippy::string_slice, reason = "helpers of tests fail tests")]

mod shared;

use proptest::prelude::*;
use proptest::sample::Index;
use ssb_keys::BlobId;
use ssb_keys::Keypair;
use ssb_log::Ordinal;
use ssb_log::Store;
use ssb_log::indexer::Progress;
use ssb_log::memory::Memory;
use ssb_log::query::Filter;
use ssb_log::query::language::Pipeline;
use ssb_log::query::language::Program;
use ssb_log::query::language::Value;
use ssb_log::query::view::Order;
use ssb_log::query::view::Question;
use ssb_log::query::view::View;
use ssb_log::query::view::Wanted;
use ssb_msg::Signing;
use ssb_msg::json;

use shared::NOW;

/// A store with messages of three feeds that point at each other, of which the indexes know some.
struct World {
    store: Store<Memory>,
    ids: Vec<String>,
}

/// What a message is made of: its author, its kind, what it points at, and when it says that it was made.
type Said = (u8, u8, Index, u32);

fn author(n: u8) -> Keypair {
    Keypair::from_seed(&[n + 1; 32])
}

fn blob() -> String {
    BlobId::from_bytes([7; 32]).to_string()
}

impl World {
    fn new(said: &[Said], indexed: u8) -> Self {
        let (mut store, _) = Store::open(Memory::new()).unwrap();
        let mut indexer = store.indexer();
        let mut ids: Vec<String> = Vec::new();
        for (n, (feed, kind, index, claimed)) in said.iter().enumerate() {
            let target = if ids.is_empty() { author(0).id().to_string() } else { index.get(&ids).clone() };
            let feed_id = author(feed % 2).id();
            let content = match kind % 8 {
                0 => format!(r#"{{"type":"post","root":"{target}","channel":"rust","text":"{n}"}}"#),
                1 => format!(
                    r#"{{"type":"post","mentions":[{{"link":"{feed_id}","name":"Bob"}},{{"link":"{}"}}]}}"#,
                    blob()
                ),
                2 => format!(r#"{{"type":"vote","vote":{{"link":"{target}","value":1}}}}"#),
                3 => format!(r#"{{"type":"contact","contact":"{feed_id}","following":true}}"#),
                4 => format!(
                    r#"{{"type":"about","about":"{target}","name":"name {n}","deep":[["{}"]]}}"#,
                    blob()
                ),
                5 => r#""AAAA.box""#.to_owned(),
                6 => format!(
                    r##"{{"type":"post","channel":"#Some","list":["{target}","{target}",null,5],"n":{n}}}"##
                ),
                _ => format!(
                    r#"{{"type":"odd","channel":{{}},"root":null,"content":{{"type":"in","link":"{target}"}}}}"#
                ),
            };
            let claimed = f64::from(*claimed);
            let message = store.sign_next(&content, claimed, &author(*feed), &Signing::plain(), NOW).unwrap();
            ids.push(message.id().to_string());
            let _ = store.commit().unwrap();
            if n % 8 < usize::from(indexed) {
                while indexer.work().unwrap() == Progress::More {}
            }
        }
        Self { store, ids }
    }

    /// What a question gives, by pages of some length.
    fn ask(&self, question: Question, len_max: usize) -> Result<Vec<String>, String> {
        let reader = self.store.reader();
        let mut walk = reader.walk(question, reader.end()).map_err(|error| error.to_string())?;
        let mut items = Vec::new();
        while !walk.is_over() {
            items.extend(walk.page(len_max).map_err(|error| error.to_string())?.into_iter().map(text));
        }
        Ok(items)
    }

    /// The messages as items, without any index.
    fn messages(&self) -> Vec<json::Value> {
        let all = self.store.reader().page(Ordinal::ZERO..self.store.reader().end(), usize::MAX).unwrap();
        let item = |stored: &ssb_log::Stored| {
            let received = json::compact(&json::Value::Number(stored.received));
            format!(r#"{{"key":"{}","value":{},"timestamp":{received}}}"#, stored.id, stored.json)
        };
        all.iter().map(|stored| json::parse(item(stored).as_bytes()).unwrap()).collect()
    }
}

fn text(item: Value) -> String {
    json::compact(&item.into_json())
}

fn sorted(mut items: Vec<String>) -> Vec<String> {
    items.sort_unstable();
    items
}

fn parse(query: &str) -> json::Value {
    json::parse(query.as_bytes()).unwrap_or_else(|error| panic!("{query}: {error}"))
}

/// A condition of a `$filter` of messages, by what stands where.
fn condition(world: &World, which: u8, at: &Index) -> String {
    let (id, feed) = (at.get(&world.ids), author(u8::try_from(at.index(3)).unwrap()).id());
    let claimed = at.index(60);
    let received = NOW + f64::from(u32::try_from(at.index(world.ids.len())).unwrap()) / 1000.0;
    match which % 14 {
        0 => format!(r#""value":{{"author":"{feed}"}}"#),
        1 => r#""value":{"content":{"type":"post"}}"#.to_owned(),
        2 => format!(r#""value":{{"author":"{feed}","content":{{"type":"vote"}}}}"#),
        3 => format!(r#""value":{{"content":{{"root":"{id}"}}}}"#),
        4 => format!(r#""value":{{"content":{{"vote":{{"link":"{id}"}}}}}}"#),
        5 => format!(r#""value":{{"timestamp":{{"$gt":{claimed}}},"content":{{"type":"post"}}}}"#),
        6 => format!(r#""timestamp":{{"$gte":{received}}}"#),
        7 => format!(r#""timestamp":{{"$lt":{received},"$gt":0}},"value":{{"author":"{feed}"}}"#),
        8 => r#""value":{"content":{"channel":"rust"}}"#.to_owned(),
        9 => format!(r#""rts":{{"$lte":{claimed}}}"#),
        10 => format!(
            r#""value":{{"sequence":{{"$in":[1,2,3]}},"author":{{"$prefix":"{}"}}}}"#,
            &feed.to_string()[..4]
        ),
        11 => format!(r#""key":"{id}""#),
        12 => format!(
            r#""value":{{"content":{{"type":{{"$not":"x","$eq":"post"}},"mentions":[{{"link":"{feed}"}}]}}}}"#
        ),
        _ => format!(r#""value":{{"content":{{"about":"{id}","type":{{"$ne":"post"}}}}}}"#),
    }
}

const STAGES: [&str; 6] = [
    "",
    r#",{"$map":"key"}"#,
    r#",{"$map":["value","content"]}"#,
    r#",{"$reduce":{"author":["value","author"],"count":{"$count":true}}}"#,
    r#",{"$reduce":{"type":["value","content","type"],"most":{"$max":["value","sequence"]}}},{"$sort":[["most"],["type"]]}"#,
    r#",{"$filter":{"value":{"sequence":{"$gt":1}}}},{"$map":{"k":"key","s":["value","sequence"]}}"#,
];

fn world() -> impl Strategy<Value = World> {
    let said = (0..3_u8, any::<u8>(), any::<Index>(), 0..60_u32);
    (proptest::collection::vec(said, 1..24), 0..9_u8).prop_map(|(said, indexed)| World::new(&said, indexed))
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.messages().iter().map(json::compact)).finish()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_query_gives_what_its_program_makes_of_all_messages(
        world in world(), which in any::<u8>(), at in any::<Index>(), stage in 0..STAGES.len(), len_max in prop_oneof![Just(1_usize), Just(usize::MAX)],
    ) {
        let query = parse(&format!(r#"[{{"$filter":{{{}}}}}{}]"#, condition(&world, which, &at), STAGES[stage]));
        let is_indexed = Question::parse(View::Query, &query, Order::Ascending).unwrap().is_indexed();
        // Each message goes through the program, with the earlier of its times where an index has it.
        let mut pipeline = Pipeline::new(Program::parse(&query).unwrap());
        let mut expected = Vec::new();
        for message in world.messages() {
            let (claimed, received) = (
                message.get("value").and_then(|value| value.get("timestamp")).and_then(json::Value::as_number).unwrap(),
                message.get("timestamp").and_then(json::Value::as_number).unwrap(),
            );
            let rts = if claimed == 0.0 { received } else { claimed.min(received) };
            let pairs = message.as_object().unwrap().clone().into_iter();
            let rts = is_indexed.then(|| (json::Text::new("rts"), json::Value::Number(rts)));
            let item = json::Object::from_pairs(pairs.chain(rts));
            pipeline.push(Value::from(json::Value::Object(item)), &mut expected).unwrap();
        }
        pipeline.finish(&mut expected).unwrap();
        let expected = sorted(expected.into_iter().map(text).collect());
        let mut answers = Vec::new();
        for order in [Order::Ascending, Order::Descending] {
            let question = Question::parse(View::Query, &query, order).unwrap();
            let answer = world.ask(question, len_max).unwrap();
            prop_assert_eq!(sorted(answer.clone()), expected.clone());
            answers.push(answer);
        }
        if !STAGES[stage].contains("$reduce") {
            answers[1].reverse();
            prop_assert_eq!(&answers[0], &answers[1], "the other order is the same backwards");
        }
    }

    #[test]
    fn no_plan_of_a_view_of_links_loses_an_entry(
        world in world(), at in any::<Index>(), which in 0..6_u8, len_max in prop_oneof![Just(1_usize), Just(usize::MAX)],
    ) {
        let (id, feed, blob) = (at.get(&world.ids), author(u8::try_from(at.index(3)).unwrap()).id(), blob());
        for view in [View::Links2, View::Backlinks] {
            let (exact, open) = match (view, which) {
                (View::Links2, 0) => (format!(r#""source":"{feed}""#), format!(r#""source":{{"$in":["{feed}"]}}"#)),
                (View::Links2, 1) => (r#""rel":["vote",1]"#.to_owned(), r#""rel":["vote",{"$gte":1}]"#.to_owned()),
                (View::Backlinks, 0) => (r##""dest":"#rust""##.to_owned(), r##""dest":{"$in":["#rust"]}"##.to_owned()),
                (View::Backlinks, 1) => (format!(r#""dest":"{feed}","value":{{"content":{{"type":"post"}}}}"#), format!(r#""dest":{{"$in":["{feed}"]}},"value":{{"content":{{"type":{{"$in":["post"]}}}}}}"#)),
                (_, 2) => (format!(r#""dest":"{id}""#), format!(r#""dest":{{"$in":["{id}"]}}"#)),
                (_, 3) => (format!(r#""dest":"{blob}""#), format!(r#""dest":{{"$in":["{blob}"]}}"#)),
                (_, 4) => (format!(r#""dest":"{feed}""#), format!(r#""dest":{{"$in":["{feed}"]}}"#)),
                _ => (r#""dest":{"$prefix":"%"}"#.to_owned(), r#""dest":{"$gte":"%","$lt":"&"}"#.to_owned()),
            };
            let ask = |condition: &str, order| {
                let query = parse(&format!(r#"[{{"$filter":{{{condition}}}}}]"#));
                let question = Question::parse(view, &query, order).unwrap();
                world.ask(question, len_max).unwrap()
            };
            let found = ask(&exact, Order::Ascending);
            prop_assert_eq!(sorted(found.clone()), sorted(ask(&open, Order::Ascending)), "{}", exact);
            let mut backwards = ask(&exact, Order::Descending);
            backwards.reverse();
            prop_assert_eq!(found, backwards, "{}", exact);
        }
    }

    #[test]
    fn links_are_those_of_all_links_that_are_wanted(world in world(), at in any::<Index>(), which in 0..6_u8) {
        let (id, feed) = (at.get(&world.ids).clone(), author(u8::try_from(at.index(3)).unwrap()).id().to_string());
        let wanted = match which {
            0 => Wanted { dest: Some(id), ..Wanted::default() },
            1 => Wanted { dest: Some(feed), ..Wanted::default() },
            2 => Wanted { source: Some(feed), ..Wanted::default() },
            3 => Wanted { source: Some(feed), dest: Some(id), ..Wanted::default() },
            4 => Wanted { dest: Some("&".to_owned()), rel: Some("mentions".to_owned()), ..Wanted::default() },
            _ => Wanted { rel: Some("vote".to_owned()), ..Wanted::default() },
        };
        let is = |link: &json::Value, key: &str, wanted: &Option<String>| wanted.as_ref().is_none_or(|wanted| {
            let found = link.get(key).and_then(json::Value::as_text).unwrap().decode().into_owned();
            if wanted.len() == 1 { found.starts_with(wanted) } else { found == *wanted }
        });
        let all = world.ask(Question::links(Wanted::default(), Order::Ascending), usize::MAX).unwrap();
        let expected = all.into_iter().filter(|link| {
            let link = parse(link);
            is(&link, "source", &wanted.source) && is(&link, "rel", &wanted.rel) && is(&link, "dest", &wanted.dest)
        });

        let found = world.ask(Question::links(wanted.clone(), Order::Ascending), 1).unwrap();

        prop_assert_eq!(sorted(found), sorted(expected.collect()));
    }
}

#[test]
fn what_a_filter_says_is_looked_up() {
    let id = "%AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=.sha256";
    let feed = author(1).id();
    let plan =
        |view, query: &str| Question::parse(view, &parse(query), Order::Ascending).unwrap().filter().clone();

    let post = Filter::of_type("post");
    let of = |text: &str| Filter::links_to(ssb_log::query::Target::parse(text).unwrap());
    assert_eq!(plan(View::Query, r#"[{"$filter":{"value":{"content":{"type":"post"}}}}]"#), post);
    assert_eq!(plan(View::Query, r#"{"value":{"content":{"type":"post"}}}"#), post);
    assert_eq!(
        plan(View::Query, &format!(r#"[{{"$filter":{{"value":{{"content":{{"x":{{"y":"{id}"}}}}}}}}}}]"#)),
        of(id)
    );
    assert_eq!(
        plan(View::Backlinks, &format!(r#"[{{"$filter":{{"dest":"{feed}"}}}}]"#)),
        of(&feed.to_string())
    );
    assert_eq!(
        plan(View::Links2, &format!(r#"[{{"$filter":{{"source":"{feed}"}}}}]"#)),
        Filter::author(feed)
    );
    let rust = Filter::channel("#rust");
    assert_eq!(plan(View::Query, r#"[{"$filter":{"value":{"content":{"channel":"Rust!"}}}}]"#), rust);
    assert_eq!(plan(View::Backlinks, r##"[{"$filter":{"dest":"#rust"}}]"##), rust);
    // What is beside operators, or not in the first stage alone, is not known to be checked.
    for query in [
        &format!(r#"[{{"$filter":{{"value":{{"content":{{"$truthy":true,"x":"{id}"}}}}}}}}]"#),
        r#"[{"$filter":{"value":{"content":{"type":"post"}}},"x":1}]"#,
        r#"[{"$map":true},{"$filter":{"value":{"content":{"type":"post"}}}}]"#,
    ] {
        let filter = plan(View::Query, query);
        assert!(filter == Filter::all() || filter == post, "{query}");
    }
}

#[test]
fn a_walk_goes_on_with_what_comes() {
    let mut world = World::new(&[(0, 2, any_index(), 5), (1, 0, any_index(), 6)], 8);
    let query =
        parse(r#"[{"$filter":{"value":{"content":{"type":"post"}}}},{"$map":["value","content","text"]}]"#);
    let reader = world.store.reader();
    let question = Question::parse(View::Query, &query, Order::Ascending).unwrap();
    let mut walk = reader.walk(question, reader.end()).unwrap();
    let mut items = Vec::new();
    while !walk.is_over() {
        items.extend(walk.page(usize::MAX).unwrap().into_iter().map(text));
    }
    assert_eq!(items, ["\"1\""]);

    walk.go_live(reader.end());
    world
        .store
        .sign_next(r#"{"type":"post","text":"new"}"#, 9.0, &author(2), &Signing::plain(), NOW)
        .unwrap();
    let _ = world.store.commit().unwrap();

    assert_eq!(walk.page(usize::MAX).unwrap().into_iter().map(text).collect::<Vec<_>>(), ["\"new\""]);
    assert!(walk.is_over());
    assert_eq!(walk.page(usize::MAX), Ok(Vec::new()));
}

fn any_index() -> Index {
    use proptest::strategy::ValueTree as _;
    any::<Index>().new_tree(&mut proptest::test_runner::TestRunner::deterministic()).unwrap().current()
}
