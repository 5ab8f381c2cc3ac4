//! `links`, `links2.read`, `backlinks.read`, `query.read` and `private.read`: questions over content, as ssb-db 20.4.1, ssb-links
//! 3.0.10, ssb-backlinks 2.1.1, ssb-query 2.4.5 and ssb-private 1.1.0 answer them; and `query.explain`.
//!
//! What was sealed for the owner is found like everything else, and comes in plain text, but for the values of `links` beside the
//! parts of the link.

use ssb_log::Disk;
use ssb_log::Ordinal;
use ssb_log::Reader;
use ssb_log::query::language::Value as Item;
use ssb_log::query::view;
use ssb_log::query::view::Order;
use ssb_log::query::view::Question;
use ssb_log::query::view::View;
use ssb_log::query::view::Walk;
use ssb_log::query::view::WalkError;
use ssb_log::query::view::Wanted;
use ssb_msg::json;
use ssb_msg::json::Object;
use ssb_msg::json::Text;
use ssb_msg::json::Value;
use ssb_muxrpc::RemoteError;

use super::args;
use super::source::PAGE_LEN;
use super::source::Page;
use super::source::Source;
use super::source::Then;
use super::stream_options::SYNC;

/// What a question brings, stored and live.
pub(crate) struct Answers {
    question: Question,
    shape: Shape,
    is_old: bool,
    is_live: bool,
    /// Whether a mark stands between old and new.
    is_marked: bool,
    /// How many items are still to come, the mark among them.
    left: Option<u64>,
    stage: Stage,
}

enum Stage {
    /// The call has not come yet.
    Start,
    /// It came when there were so many messages.
    Called { end: Ordinal },
    /// Stored messages; the live ones begin there.
    Stored { walk: Box<Walk<Disk>>, live_from: Ordinal },
    /// New messages.
    Live(Box<Walk<Disk>>),
}

/// What an item is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// What the question gives.
    Whole,
    /// Parts of a link: beside `meta` a value is the message as everybody has it.
    Link { meta: bool, keys: bool, values: bool },
}

/// The stream that a call of `query.read`, `links2.read`, `backlinks.read` or `private.read` asks for.
///
/// # Errors
///
/// JavaScript's texts for a query that is none, and ours.
pub(crate) fn parse(view: View, args: &[u8]) -> Result<Answers, RemoteError> {
    if view == View::Backlinks && !args::is_truthy(&args::first(args)) {
        return Err(args::required());
    }
    let options = query_options(view, args)?;
    let question = question(view, &options)?;
    let old = options.get("old") != Some(&Value::Bool(false));
    let live = options.get("live").unwrap_or(&Value::Null);
    // Where no index helps, the log itself is asked, which takes more for true.
    let asks_log = view != View::Query && !question.is_indexed();
    let live = !old || *live == Value::Bool(true) || asks_log && live.is_truthy();
    if live && question.waits_for_the_end() {
        return Err(RemoteError::new("a live query has no end, for which $reduce and $sort would wait"));
    }
    let limit = limit(options.get("limit"))?;
    let (question, left) = match limit {
        Some(limit) if asks_log => (question.of_messages(limit), None),
        limit => (question, limit),
    };
    let is_marked = question.is_indexed() && options.get("sync") != Some(&Value::Bool(false));
    let shape = Shape::Whole;
    Ok(Answers { question, shape, is_old: old, is_live: live, is_marked, left, stage: Stage::Start })
}

/// The stream that a call of `links` asks for.
///
/// # Errors
///
/// JavaScript's texts for options of a wrong type (ssb-db 20.4.1), and ours where there is nothing to give.
pub(crate) fn links(args: &[u8]) -> Result<Answers, RemoteError> {
    let options = args::options(args, "linksOpts")?.ok_or_else(args::required)?;
    let truthy = |name: &str| options.get(name).filter(|value| args::is_truthy(value));
    for name in ["source", "dest"] {
        let is_filter = |value: &serde_json::Value| {
            let text = value.as_str().unwrap_or_default();
            KINDS.iter().any(|(kind, sigil)| text == *kind || text == *sigil) || Wanted::is_link(text)
        };
        if truthy(name).is_some_and(|value| !is_filter(value)) {
            return Err(args::wrong_option(name, "id|filter"));
        }
    }
    if truthy("rel").is_some_and(|rel| !rel.is_string()) {
        return Err(args::wrong_option("rel", "string"));
    }
    for name in ["live", "reverse", "keys", "values"] {
        if truthy(name).is_some_and(|value| !value.is_boolean() && !value.is_number()) {
            return Err(args::wrong_option(name, "boolean"));
        }
    }
    let is_false = |name: &str| options.get(name) == Some(&serde_json::Value::Bool(false));
    let is_true = |name: &str| options.get(name) == Some(&serde_json::Value::Bool(true));
    let shape = Shape::Link { meta: !is_false("meta"), keys: !is_false("keys"), values: is_true("values") };
    if shape == (Shape::Link { meta: false, keys: false, values: false }) {
        return Err(RemoteError::new("at least one of meta, keys and values must be true"));
    }
    let text = |name: &str| {
        let text = truthy(name)?.as_str()?;
        let kind = KINDS.iter().find(|(kind, _)| *kind == text);
        Some(kind.map_or(text, |(_, sigil)| sigil).to_owned())
    };
    let wanted = Wanted { source: text("source"), rel: text("rel"), dest: text("dest") };
    let is_old = !is_false("old");
    Ok(Answers {
        question: Question::links(wanted, order(truthy("reverse").is_some())),
        shape,
        is_old,
        is_live: is_true("live") || !is_old,
        is_marked: !is_false("sync"),
        left: None,
        stage: Stage::Start,
    })
}

/// What stands for all ids of a kind.
const KINDS: [(&str, &str); 3] = [("feed", "@"), ("msg", "%"), ("blob", "&")];

/// `query.explain`: how ssb-query would find the answer.
///
/// # Errors
///
/// As [`parse`].
pub(crate) fn explain(args: &[u8]) -> Result<String, RemoteError> {
    let options = query_options(View::Query, args)?;
    let query = options.get("query").unwrap_or(&Value::Null);
    let explained = view::explain(query).map_err(|error| RemoteError::new(error.to_string()))?;
    let pair = |name: &str, value: Value| (Text::new(name), value);
    let flag = |name: &str| options.get(name).is_some_and(Value::is_truthy);
    let old = options.get("old") != Some(&Value::Bool(false));
    let live = !old || options.get("live") == Some(&Value::Bool(true));
    let (reverse, old, live) = (
        pair("reverse", Value::Bool(flag("reverse"))),
        pair("old", Value::Bool(old)),
        pair("live", Value::Bool(live)),
    );
    let pairs = match explained.index {
        None => {
            vec![pair("scan", Value::Bool(true)), reverse, live, old, pair("sync", Value::Bool(flag("sync")))]
        }
        Some((name, lower, upper)) => {
            let bound = |bound: Vec<Item>| Item::Array(bound).into_json();
            #[expect(clippy::cast_precision_loss, reason = "JavaScript's numbers are no larger")]
            let scores =
                explained.scores.iter().map(|(name, score)| pair(name, Value::Number(*score as f64)));
            let scores = Value::Object(Object::from_pairs(scores));
            let mut pairs = vec![pair("gte", bound(lower)), pair("lte", bound(upper)), reverse, old, live];
            pairs.extend(options.get("sync").map(|sync| pair("sync", sync.clone())));
            pairs.extend([pair("index", Value::Text(Text::new(name))), pair("scores", scores)]);
            pairs
        }
    };
    Ok(json::compact(&Value::Object(Object::from_pairs(pairs))))
}

/// The options of a call: an object, whose `query` may be JSON text, or such a text alone. Anything else has none.
fn query_options(view: View, args: &[u8]) -> Result<Object, RemoteError> {
    let parse = |text: &Text| {
        let parsed = json::parse(text.decode().as_bytes());
        parsed.map_err(|_| RemoteError::named("SyntaxError", "the query is not JSON"))
    };
    let with_query = |query: Value, object: Object| {
        let pairs = object
            .into_iter()
            .map(|(key, value)| if key.is("query") { (key, query.clone()) } else { (key, value) });
        Object::from_pairs(pairs)
    };
    let reads_text = !matches!(view, View::Backlinks | View::Private);
    match args::nth(args, 0) {
        Some(Value::Text(text)) if reads_text && !text.escaped().is_empty() => {
            Ok(Object::from_pairs([(Text::new("query"), parse(&text)?)]))
        }
        Some(Value::Object(object)) => match object.get("query") {
            Some(Value::Text(text)) if reads_text => Ok(with_query(parse(text)?, object)),
            _ => Ok(object),
        },
        _ => Ok(Object::default()),
    }
}

fn question(view: View, options: &Object) -> Result<Question, RemoteError> {
    let order = order(options.get("reverse").is_some_and(Value::is_truthy));
    let query = options.get("query").cloned().unwrap_or(Value::Null);
    let query = match options.get("index").filter(|index| view == View::Backlinks && index.is_truthy()) {
        Some(index) => sorted_by(query, index)?,
        None => query,
    };
    Question::parse(view, &query, order).map_err(|error| RemoteError::new(error.to_string()))
}

/// A query in the order of an index of ssb-backlinks, which older clients ask for by name.
fn sorted_by(query: Value, index: &Value) -> Result<Value, RemoteError> {
    let name = index.as_text().map(|name| name.decode()).unwrap_or_default();
    let sort = View::Backlinks.sorted_by(&name);
    let sort = sort.ok_or_else(|| RemoteError::new(format!("Invalid index: {}", plain(index))))?;
    let mut stages = match query {
        Value::Array(stages) => stages,
        query if query.is_truthy() => vec![query],
        _ => Vec::new(),
    };
    stages.push(Value::Object(Object::from_pairs([(Text::new("$sort"), sort.into_json())])));
    Ok(Value::Array(stages))
}

/// A value as JavaScript puts it into a text.
fn plain(value: &Value) -> String {
    Item::from(value.clone()).to_text()
}

const fn order(reverse: bool) -> Order {
    if reverse { Order::Descending } else { Order::Ascending }
}

/// How many items a stream may have, if not all (pull-stream 3.7.0: it counts down to 0).
fn limit(limit: Option<&Value>) -> Result<Option<u64>, RemoteError> {
    match limit {
        Some(Value::Number(limit)) if *limit >= 1.0 && limit.fract() == 0.0 => Ok(Some(whole(*limit))),
        Some(Value::Number(_)) | None => Ok(None),
        Some(limit) if !limit.is_truthy() => Ok(None),
        Some(_) => Err(args::wrong_option("limit", "number")),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "not negative, and saturating is right"
)]
const fn whole(number: f64) -> u64 {
    number as u64
}

impl Answers {
    fn next_page(&mut self, reader: &Reader<Disk>) -> Result<Page, WalkError> {
        self.begin(reader);
        match &mut self.stage {
            Stage::Start => unreachable!("it has begun"),
            Stage::Called { end } => {
                let end = *end;
                let mut walk = Box::new(reader.walk(self.question.clone(), end)?);
                self.stage = if self.is_old {
                    Stage::Stored { walk, live_from: end }
                } else {
                    walk.go_live(end);
                    Stage::Live(walk)
                };
                Ok(Page::empty(Then::More))
            }
            Stage::Stored { walk, live_from } => {
                let page = walk.page(PAGE_LEN)?;
                if !walk.is_over() {
                    return Ok(self.shaped(page, Then::More));
                }
                if !self.is_live {
                    return Ok(self.shaped(page, Then::End(Ok(()))));
                }
                let mut page = page;
                page.extend(self.is_marked.then(sync_mark));
                walk.go_live(*live_from);
                let Stage::Stored { walk, .. } = std::mem::replace(&mut self.stage, Stage::Start) else {
                    unreachable!("the stage was looked at")
                };
                self.stage = Stage::Live(walk);
                Ok(self.shaped(page, Then::More))
            }
            Stage::Live(walk) => {
                let past = reader.end();
                let page = walk.page(PAGE_LEN)?;
                let then = if walk.is_over() { Then::Grown { past } } else { Then::More };
                Ok(self.shaped(page, then))
            }
        }
    }

    /// The items as they are sent, no more than are left.
    fn shaped(&mut self, page: Vec<Item>, then: Then) -> Page {
        let count = usize::try_from(self.left.unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
        let items: Vec<String> = page.into_iter().take(count).map(|item| self.shape.of(item)).collect();
        if let Some(left) = &mut self.left {
            *left -= items.len() as u64;
        }
        let then = if self.left == Some(0) { Then::End(Ok(())) } else { then };
        Page { items, then }
    }
}

impl Shape {
    fn of(self, item: Item) -> String {
        let Self::Link { meta, keys, values } = self else { return json::compact(&item.into_json()) };
        let Item::Object(pairs) = item else { return json::compact(&item.into_json()) };
        if pairs.first().is_some_and(|(key, _)| key.is("sync")) {
            return SYNC.to_owned();
        }
        let is_wanted = |key: &Text| {
            key.is("key") && keys
                || key.is("value") && values
                || meta && ["source", "rel", "dest"].iter().any(|name| key.is(name))
        };
        let wanted = pairs.into_iter().filter(|(key, _)| is_wanted(key));
        let as_it_is = |(key, value): (Text, Item)| {
            if meta && key.is("value") { (key, original(value)) } else { (key, value) }
        };
        let mut pairs: Vec<(Text, Item)> = wanted.map(as_it_is).collect();
        let item = match pairs.len() {
            1 if !meta => pairs.pop().map_or(Item::Null, |(_, value)| value),
            _ => Item::Object(pairs),
        };
        json::compact(&item.into_json())
    }
}

/// A message as it stands in the log, of what the owner sees of it (ssb-db 20.4.1, `originalValue`).
fn original(message: Item) -> Item {
    let original = member(&message, "meta").and_then(|meta| member(meta, "original"));
    let Some(content) = original.and_then(|original| member(original, "content")).cloned() else {
        return message;
    };
    let Item::Object(pairs) = message else { return message };
    let is_added = |key: &Text| ["meta", "cyphertext", "private", "unbox"].iter().any(|name| key.is(name));
    let kept = pairs.into_iter().filter(|(key, _)| !is_added(key));
    let sealed =
        |(key, value): (Text, Item)| if key.is("content") { (key, content.clone()) } else { (key, value) };
    Item::Object(kept.map(sealed).collect())
}

fn member<'a>(item: &'a Item, name: &str) -> Option<&'a Item> {
    let Item::Object(pairs) = item else { return None };
    pairs.iter().find(|(key, _)| key.is(name)).map(|(_, value)| value)
}

fn sync_mark() -> Item {
    Item::Object(vec![(Text::new("sync"), Item::Bool(true))])
}

impl Source for Answers {
    fn begin(&mut self, reader: &Reader<Disk>) {
        if let Stage::Start = self.stage {
            self.stage = Stage::Called { end: reader.end() };
        }
    }

    fn pull(&mut self, reader: &Reader<Disk>) -> Page {
        let failed = |error: WalkError| Page::empty(Then::End(Err(RemoteError::new(error.to_string()))));
        self.next_page(reader).unwrap_or_else(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;
    use crate::fixture::key;
    use crate::fixture::pull_all;

    fn votes(fixture: &mut Fixture, count: usize) -> Vec<String> {
        let target = key(9).id();
        let content = format!(r#"{{"type":"vote","vote":{{"link":"{target}","value":1}}}}"#);
        (0..count)
            .map(|_| {
                fixture.publish(&key(2), r#"{"type":"post"}"#);
                format!("\"{}\"", fixture.publish(&key(1), &content).id())
            })
            .collect()
    }

    fn stream(view: View, options: &str) -> Answers {
        let query = match view {
            View::Query => r#"[{"$filter":{"value":{"content":{"type":"vote"}}}},{"$map":"key"}]"#.to_owned(),
            View::Backlinks => format!(r#"[{{"$filter":{{"dest":"{}"}}}},{{"$map":"key"}}]"#, key(9).id()),
            _ => format!(r#"[{{"$filter":{{"dest":"{}"}}}},{{"$map":["rel",0]}}]"#, key(9).id()),
        };
        let args = format!(r#"[{{"query":{query}{options}}}]"#);
        parse(view, args.as_bytes()).unwrap_or_else(|error| panic!("{error:?}"))
    }

    #[test]
    fn a_live_question_goes_on_behind_a_mark_with_what_came_since_the_call() {
        for view in [View::Query, View::Backlinks] {
            let mut fixture = Fixture::new();
            let stored = votes(&mut fixture, 3);
            let mut stream = stream(view, r#","live":true"#);
            stream.begin(&fixture.reader());
            let later = votes(&mut fixture, 2);

            let (items, then, _) = pull_all(&mut stream, &fixture);

            assert_eq!(items, [stored, vec![SYNC.to_owned()], later].concat(), "{view:?}");
            assert_eq!(then, Then::Grown { past: Ordinal::new(10) });
            let last = votes(&mut fixture, 1);
            assert_eq!(pull_all(&mut stream, &fixture).0, last);
        }
    }

    #[test]
    fn a_limit_counts_the_mark_and_what_is_new_and_ends_the_stream() {
        let mut fixture = Fixture::new();
        let stored = votes(&mut fixture, 2);
        let mut stream = stream(View::Query, r#","live":true,"limit":4"#);
        assert_eq!(pull_all(&mut stream, &fixture).0, [stored, vec![SYNC.to_owned()]].concat());

        let later = votes(&mut fixture, 2);

        assert_eq!(pull_all(&mut stream, &fixture), (later[..1].to_vec(), Then::End(Ok(())), 1));
    }

    #[test]
    fn nothing_stored_comes_of_a_question_without_old() {
        let mut fixture = Fixture::new();
        votes(&mut fixture, 2);
        let mut stream = stream(View::Links2, r#","old":false"#);
        assert_eq!(pull_all(&mut stream, &fixture).0, Vec::<String>::new());

        votes(&mut fixture, 1);

        assert_eq!(pull_all(&mut stream, &fixture).0, ["\"vote\""]);
    }

    #[test]
    fn a_link_has_the_parts_that_are_asked_for() {
        let mut fixture = Fixture::new();
        let message = fixture.publish(&key(1), &format!(r#"{{"type":"x-link","to":"{}"}}"#, key(9).id()));
        let (source, dest, id, json) = (key(1).id(), key(9).id(), message.id(), message.json());
        let meta = format!(r#""source":"{source}","rel":"to","dest":"{dest}""#);
        for (options, expected) in [
            ("", format!(r#"{{{meta},"key":"{id}"}}"#)),
            (r#","keys":false"#, format!("{{{meta}}}")),
            (r#","values":true"#, format!(r#"{{{meta},"key":"{id}","value":{json}}}"#)),
            (r#","meta":false"#, format!("\"{id}\"")),
            (r#","meta":false,"values":true"#, format!(r#"{{"key":"{id}","value":{json}}}"#)),
            (r#","meta":false,"keys":false,"values":true"#, json.to_owned()),
        ] {
            let mut stream = links(format!(r#"[{{"dest":"{dest}"{options}}}]"#).as_bytes())
                .unwrap_or_else(|error| panic!("{error:?}"));
            assert_eq!(pull_all(&mut stream, &fixture), (vec![expected], Then::End(Ok(())), 1), "{options}");
        }
    }

    #[test]
    fn what_cannot_be_answered_is_refused() {
        let refused =
            |view, args: &str| parse(view, args.as_bytes()).map(|_| ()).unwrap_err().message().to_owned();

        assert_eq!(refused(View::Query, r#"[{"query":[{"$near":1}]}]"#), "unknown function:$near");
        assert_eq!(refused(View::Query, r#"[{"query":[]}]"#), "the query is empty");
        assert_eq!(refused(View::Query, r#"["["]"#), "the query is not JSON");
        assert_eq!(refused(View::Backlinks, "[]"), "Param 0 is required");
        assert_eq!(refused(View::Backlinks, r#"[{"index":"X"}]"#), "Invalid index: X");
        assert_eq!(refused(View::Links2, r#"[{"query":[{"$sort":["x"]}]}]"#), "could not sort by:[\"x\"]");
        let live = r#"[{"query":[{"$reduce":{"$count":true}}],"live":true}]"#;
        assert!(refused(View::Query, live).starts_with("a live query has no end"));
        let links = |args: &str| links(args.as_bytes()).map(|_| ()).unwrap_err().message().to_owned();
        assert_eq!(links("[]"), "Param 0 is required");
        assert_eq!(links(r#"[{"source":"x"}]"#), ".0 of param source must be of type \"id|filter\"");
    }
}
