//! What each view of JavaScript knows of a message, and under which keys.
//!
//! A message that ends ssb-server when it is indexed (a `null` in a list, a name that is no text, an object where a key has
//! none) has no such entry here.

use ssb_msg::json;
use ssb_msg::json::Text;

use super::super::language::Value;
use super::View;
use super::charwise;
use super::select::Bounds;
use crate::mention;
use crate::reader::Stored;

/// An index of a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Index {
    pub(super) name: &'static str,
    pub(super) paths: &'static [&'static [&'static str]],
    /// Whether JavaScript has bare keys in place of paths, which `$sort` has to name in the same way.
    is_bare: bool,
}

impl Index {
    const fn of(name: &'static str, paths: &'static [&'static [&'static str]]) -> Self {
        Self { name, paths, is_bare: false }
    }

    const fn bare(name: &'static str, paths: &'static [&'static [&'static str]]) -> Self {
        Self { name, paths, is_bare: true }
    }

    /// How `$sort` names it.
    pub(super) fn sorted_by(&self) -> Value {
        let path = |path: &&[&str]| match path {
            [key] if self.is_bare => Value::text(key),
            keys => Value::Array(keys.iter().map(|key| Value::text(key)).collect()),
        };
        Value::Array(self.paths.iter().map(path).collect())
    }

    /// The key of an entry, of the message at a place: all messages have keys of their own. `None` if a field is missing, or
    /// is no key.
    pub(super) fn key(&self, entry: &Value, at: u32) -> Option<String> {
        let mut key = vec![Value::text(self.name)];
        for path in self.paths {
            key.push(entry.has(path).then(|| entry.at(path).into_owned())?);
        }
        key.push(Value::Number(f64::from(at)));
        charwise::encode(&key).ok()
    }

    /// The first and the last key within bounds.
    pub(super) fn range(&self, bounds: &Bounds) -> Result<(String, String), charwise::NotAKey> {
        let spell = |bound: &[Value], end: Value| {
            let name = [Value::text(self.name)];
            let key: Vec<Value> = name.into_iter().chain(bound.iter().cloned()).chain([end]).collect();
            charwise::encode(&key)
        };
        Ok((spell(&bounds.lower, Value::Null)?, spell(&bounds.upper, Value::Undefined)?))
    }
}

/// ssb-query 2.4.5.
pub(super) const QUERY: &[Index] = &[
    Index::bare("log", &[&["timestamp"]]),
    Index::of("clk", &[&["value", "author"], &["value", "sequence"]]),
    Index::of("typ", &[&["value", "content", "type"], &["timestamp"]]),
    Index::of("tya", &[&["value", "content", "type"], &["value", "timestamp"]]),
    Index::of("cha", &[&["value", "content", "channel"], &["timestamp"]]),
    Index::of("aty", &[&["value", "author"], &["value", "content", "type"], &["timestamp"]]),
    Index::of("ata", &[&["value", "author"], &["value", "content", "type"], &["value", "timestamp"]]),
    Index::of("art", &[&["value", "content", "root"], &["value", "timestamp"]]),
    Index::of("lor", &[&["rts"]]),
];

/// ssb-links 3.0.10.
pub(super) const LINKS2: &[Index] = &[
    Index::bare("SRD", &[&["source"], &["rel"], &["dest"], &["ts"]]),
    Index::bare("DRS", &[&["dest"], &["rel"], &["source"], &["ts"]]),
    Index::bare("RDS", &[&["rel"], &["dest"], &["source"], &["ts"]]),
];

/// ssb-backlinks 2.1.1.
pub(super) const BACKLINKS: &[Index] = &[
    Index::of("DTS", &[&["dest"], &["timestamp"]]),
    Index::of("DTA", &[&["dest"], &["rts"]]),
    Index::of("TDT", &[&["value", "content", "type"], &["dest"], &["rts"]]),
];

/// ssb-private 1.1.0.
pub(super) const PRIVATE: &[Index] = &[
    Index::bare("TSP", &[&["timestamp"]]),
    Index::bare("ATY", &[&["value", "author"], &["value", "content", "type"], &["timestamp"]]),
];

/// ssb-db 20.4.1: by who points.
pub(super) const LINKS_FORTH: Index =
    Index::of("link", &[&["source"], &["rel"], &["dest"], &["sequence"], &["key"]]);

/// ssb-db 20.4.1: by what is pointed at.
pub(super) const LINKS_BACK: Index =
    Index::of("_link", &[&["dest"], &["rel"], &["source"], &["sequence"], &["key"]]);

/// A message as an item of a stream: `{key, value, timestamp}`.
pub(super) fn item(stored: &Stored) -> Value {
    let value = json::parse(stored.shown().as_bytes()).map_or(Value::Undefined, Value::from);
    Value::Object(vec![
        (Text::new("key"), Value::text(&stored.id.to_string())),
        (Text::new("value"), value),
        (Text::new("timestamp"), Value::Number(stored.received)),
    ])
}

/// All entries of a message.
pub(super) fn entries(view: View, stored: &Stored) -> Vec<Value> {
    let mut message = item(stored);
    match view {
        View::Query => {
            let claimed = message.at(&["value", "timestamp"]).to_number();
            let earlier = claimed.min(stored.received);
            let rts = if earlier == 0.0 || claimed.is_nan() { stored.received } else { earlier };
            message.set("rts", Value::Number(rts));
            vec![message]
        }
        View::Links2 => links2(&message, stored.received),
        View::Backlinks => {
            let value = json::parse(stored.shown().as_bytes()).unwrap_or(json::Value::Null);
            backlinks(&message, value.get("content").map(mention::mentions).unwrap_or_default())
        }
        View::Links => links(&message),
        View::Private if stored.opened.is_some() => vec![message],
        View::Private => Vec::new(),
    }
}

/// What a view makes of an entry that was found through an index.
pub(super) fn found(view: View, index: &Index, mut entry: Value) -> Value {
    match view {
        View::Query | View::Links | View::Private => entry,
        // Only what the key has, in its order.
        View::Links2 => {
            let field = |path: &&[&str]| {
                let name = path.first().copied().unwrap_or_default();
                (Text::new(name), entry.at(path).into_owned())
            };
            Value::Object(index.paths.iter().map(field).collect())
        }
        // The message, with what the key has that it has not.
        View::Backlinks => {
            let (dest, rts) = (entry.at(&["dest"]).into_owned(), entry.at(&["rts"]).into_owned());
            if let Value::Object(pairs) = &mut entry {
                pairs.retain(|(key, _)| !key.is("rts") && !key.is("dest"));
            }
            entry.set("dest", dest);
            if index.paths.contains(&["rts"].as_slice()) {
                entry.set("rts", rts);
            }
            entry
        }
    }
}

fn links(message: &Value) -> Vec<Value> {
    let content = message.at(&["value", "content"]);
    if !matches!(&*content, Value::Object(_)) {
        return Vec::new();
    }
    let field = |name: &str, path: &[&str]| (Text::new(name), message.at(path).into_owned());
    let entry = |rel: &Text, link: &Value| {
        Value::Object(vec![
            field("source", &["value", "author"]),
            (Text::new("rel"), Value::Text(rel.clone())),
            (Text::new("dest"), dest(link)),
            field("key", &["key"]),
            field("sequence", &["value", "sequence"]),
            field("value", &["value"]),
        ])
    };
    index_links(inner_content(&content)).iter().map(|(rel, link)| entry(rel, link)).collect()
}

fn links2(message: &Value, received: f64) -> Vec<Value> {
    let value = message.at(&["value"]);
    let content = value.at(&["content"]);
    // An encrypted message is its own content: it points at its author and at the one before it.
    let links = if content.at(&["type"]).is_truthy() { index_links(&content) } else { index_links(&value) };
    let entry = |(rel, link): (Text, Value)| {
        let rel = relation(&rel, &link, &content)?;
        Some(Value::Object(vec![
            (Text::new("source"), value.at(&["author"]).into_owned()),
            (Text::new("dest"), dest(&link)),
            (Text::new("rel"), Value::Array(rel.into_iter().map(without_objects).collect())),
            (Text::new("ts"), Value::Number(received)),
        ]))
    };
    links.into_iter().filter_map(entry).collect()
}

/// What a link says beside where it leads.
fn relation(rel: &Text, link: &Value, content: &Value) -> Option<Vec<Value>> {
    let of = |key: &str| link.at(&[key]).into_owned();
    let name = Value::Text(rel.clone());
    Some(match &*rel.decode() {
        "vote" => vec![name, of("value")],
        "flag" => vec![name, of("reason")],
        "mentions" => match dest(link).to_text().chars().next() {
            Some('@') => {
                let called = of("name");
                let called = match &called {
                    Value::Text(called) => called.decode().to_lowercase(),
                    called if !called.is_truthy() => String::new(),
                    _ => return None,
                };
                vec![name, Value::text(&format!("@{called}"))]
            }
            Some('&') => {
                let filename = of("filename");
                vec![name, if filename.is_truthy() { filename } else { of("name") }, of("size")]
            }
            _ => vec![name],
        },
        "about" if content.at(&["name"]).type_of() == "string" => {
            vec![name, content.at(&["name"]).into_owned()]
        }
        "image" => vec![name, of("type"), of("size")],
        "contact" => {
            vec![name, content.at(&["following"]).into_owned(), content.at(&["blocking"]).into_owned()]
        }
        _ => vec![name],
    })
}

fn without_objects(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(without_objects).collect()),
        Value::Object(_) => Value::text(&json::compact(&value.into_json())),
        other => other,
    }
}

/// Where ssb-msgs 5.2.0 looks for content in what it is given.
fn inner_content(content: &Value) -> &Value {
    let Value::Object(pairs) = content else { return content };
    let inner = |pairs: &'_ [(Text, Value)], name: &str| pairs.iter().position(|(key, _)| key.is(name));
    let value = inner(pairs, "value").and_then(|at| pairs.get(at)).map(|(_, value)| value);
    if let Some(Value::Object(of_value)) = value
        && let Some((_, deep)) = inner(of_value, "content").and_then(|at| of_value.get(at))
        && deep.at(&["type"]).is_truthy()
    {
        return deep;
    }
    match inner(pairs, "content").and_then(|at| pairs.get(at)) {
        Some((_, deep)) if deep.at(&["type"]).is_truthy() => deep,
        _ => content,
    }
}

/// The links of an object, with the keys under which they stand: texts, objects with a `link`, and lists of them, but
/// nothing deeper (ssb-msgs 5.2.0).
fn index_links(object: &Value) -> Vec<(Text, Value)> {
    let Value::Object(pairs) = object else { return Vec::new() };
    let mut links = Vec::new();
    for (rel, value) in pairs.iter().filter(|(_, value)| value.is_truthy()) {
        for link in list(value) {
            if link.is_truthy() && is_link(&dest(&link)) {
                links.push((rel.clone(), link));
            }
        }
    }
    links
}

/// The items of a list, or of an object that looks like one; anything else is alone.
fn list(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items.clone(),
        Value::Object(_) => {
            let place = |at: u32| value.get(&Text::new(&at.to_string())).into_owned();
            let items: Vec<Value> = (0..).map(place).take_while(Value::is_truthy).collect();
            if items.is_empty() { vec![value.clone()] } else { items }
        }
        _ => vec![value.clone()],
    }
}

/// Where a link leads: a text, or the `link` of an object.
fn dest(link: &Value) -> Value {
    match link {
        Value::Text(_) => link.clone(),
        _ => link.at(&["link"]).into_owned(),
    }
}

fn is_link(value: &Value) -> bool {
    let Value::Text(text) = value else { return false };
    text.decode().split('?').next().is_some_and(mention::is_id)
}

fn backlinks(message: &Value, mentions: Vec<String>) -> Vec<Value> {
    let claimed = message.at(&["value", "timestamp"]).into_owned();
    let rts = if claimed.is_truthy() {
        Value::Number(claimed.to_number().min(message.at(&["timestamp"]).to_number()))
    } else {
        Value::Undefined
    };
    let entry = |link: String| {
        let mut entry = message.clone();
        entry.set("rts", rts.clone());
        entry.set("dest", Value::text(&link));
        entry
    };
    mentions.into_iter().map(entry).collect()
}
