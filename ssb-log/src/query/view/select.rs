//! Which index answers a query, and which of its keys: as flumeview-query 8.0.0 and flumeview-links 2.1.0 choose.
//!
//! The choice decides in which order items come, so it is theirs, whatever we read to find them.

use std::borrow::Cow;

use super::super::language::Value;
use super::extract::Index;

/// How an index is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// flumeview-query: only what is known of a field counts.
    Query,
    /// flumeview-links: every field that is named counts.
    Links,
}

/// Part of an index: keys from one up to another, both included.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bounds {
    pub(super) lower: Vec<Value>,
    pub(super) upper: Vec<Value>,
}

/// What every index is worth for a query, where it is worth anything, and the one that is worth most.
pub(super) fn select(
    indexes: &'static [Index],
    query: &Value,
    style: Style,
) -> (Option<&'static Index>, Vec<(&'static str, u64)>) {
    let (mut best, mut most, mut scores) = (None, 0, Vec::new());
    for index in indexes {
        let mut score: u64 = 0;
        for path in index.paths {
            let points = points(query, path, style);
            if points == 0 {
                break;
            }
            score = score.saturating_mul(score).saturating_add(points);
            match scores.last_mut() {
                Some((name, known)) if *name == index.name => *known = score,
                _ => scores.push((index.name, score)),
            }
        }
        if score > most {
            (best, most) = (Some(index), score);
        }
    }
    (best, scores)
}

fn points(query: &Value, path: &[&str], style: Style) -> u64 {
    if !query.has(path) {
        return 0;
    }
    let field = at(query, path);
    match style {
        Style::Query if is_exact(&field) => 2,
        Style::Query if is_range(&field) => 1,
        Style::Query => 0,
        Style::Links if is_exact(&field) => 3,
        Style::Links if is_range(&field) => 2,
        Style::Links => 1,
    }
}

impl Bounds {
    /// What a query leaves of an index.
    pub(super) fn of(index: &Index, query: &Value, style: Style) -> Self {
        let field = |path: &&[&str], bound: fn(&Value) -> Value, all: Value| {
            let field = at(query, path);
            if field.is_nullish() {
                all
            } else if is_range(&field) {
                bound(&field)
            } else if style == Style::Links || is_exact(&field) {
                field.into_owned()
            } else {
                all
            }
        };
        let lower = index.paths.iter().map(|path| field(path, lower_bound, Value::Null)).collect();
        let upper = index.paths.iter().map(|path| field(path, upper_bound, Value::Undefined)).collect();
        Self { lower, upper }
    }
}

impl Bounds {
    /// The same, but for fields of which no key says enough: those are left open.
    pub(super) fn loosened(self) -> Self {
        let open = |end: Value| move |field: Value| if is_key(&field) { field } else { end.clone() };
        let equal = |field: Value| match &field {
            Value::Object(_) if field.has(&["$eq"]) => field.at(&["$eq"]).into_owned(),
            _ => field,
        };
        let lower = self.lower.into_iter().map(equal).map(open(Value::Null));
        let upper = self.upper.into_iter().map(equal).map(open(Value::Undefined));
        Self { lower: lower.collect(), upper: upper.collect() }
    }
}

/// Whether a value can be part of a key.
fn is_key(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().all(is_key),
        Value::Object(_) => false,
        _ => true,
    }
}

/// What is at the end of a path, or the first thing on the way that counts as false.
fn at<'a>(query: &'a Value, path: &[&str]) -> Cow<'a, Value> {
    let mut found = Cow::Borrowed(query);
    for place in 1..=path.len() {
        found = query.at(path.get(..place).unwrap_or_default());
        if !found.is_truthy() {
            break;
        }
    }
    found
}

pub(super) fn is_exact(field: &Value) -> bool {
    match field {
        Value::Array(items) => items.iter().all(is_exact),
        Value::Object(_) => field.has(&["$eq"]),
        _ => true,
    }
}

fn is_range(field: &Value) -> bool {
    match field {
        Value::Object(_) => {
            let is_known = |name: &Value| {
                ["string", "boolean", "array", "undefined", "null"]
                    .iter()
                    .any(|known| name.is(&Value::text(known)))
            };
            field.at(&["$prefix"]).is_truthy()
                || is_known(&field.at(&["$is"]))
                || ["$lt", "$gt", "$lte", "$gte"].iter().any(|name| field.has(&[name]))
        }
        Value::Array(items) => items.iter().any(is_range),
        _ => false,
    }
}

fn lower_bound(field: &Value) -> Value {
    match field {
        Value::Array(items) => Value::Array(items.iter().map(lower_bound).collect()),
        Value::Object(_) => match &*field.at(&["$prefix"]) {
            // The wrong end, as there: nothing is found.
            Value::Array(prefix) => Value::Array(prefix.iter().cloned().chain([Value::Undefined]).collect()),
            Value::Text(prefix) => Value::Text(prefix.clone()),
            _ => match first_of(field, ["$gt", "$gte"]) {
                Some(bound) => bound,
                None if first_of(field, ["$lt", "$lte"]).is_some() => Value::Null,
                None => by_type(field, |name| match name {
                    "string" => Value::text(""),
                    "boolean" => Value::Bool(false),
                    "array" => Value::Array(Vec::new()),
                    "null" => Value::Null,
                    _ => Value::Undefined,
                }),
            },
        },
        other => other.clone(),
    }
}

fn upper_bound(field: &Value) -> Value {
    match field {
        Value::Array(items) => Value::Array(items.iter().map(upper_bound).collect()),
        Value::Object(_) => match &*field.at(&["$prefix"]) {
            Value::Array(prefix) => Value::Array(prefix.iter().cloned().chain([Value::Null]).collect()),
            Value::Text(prefix) => Value::text(&format!("{}\u{ffff}", prefix.decode())),
            _ => match first_of(field, ["$lt", "$lte"]) {
                Some(bound) => bound,
                None if first_of(field, ["$gt", "$gte"]).is_some() => Value::Undefined,
                None => by_type(field, |name| match name {
                    "string" => Value::Array(Vec::new()),
                    "boolean" => Value::Bool(true),
                    "null" => Value::Null,
                    _ => Value::Undefined,
                }),
            },
        },
        other => other.clone(),
    }
}

fn first_of(field: &Value, names: [&str; 2]) -> Option<Value> {
    names.iter().find(|name| field.has(&[name])).map(|name| field.at(&[name]).into_owned())
}

fn by_type(field: &Value, bound: fn(&str) -> Value) -> Value {
    match &*field.at(&["$is"]) {
        Value::Text(name) => bound(&name.decode()),
        _ => Value::Undefined,
    }
}
