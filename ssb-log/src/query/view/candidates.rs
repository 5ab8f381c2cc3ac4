//! Which messages may have entries that are wanted, as our own indexes find them.

use std::ops::Bound;

use ssb_keys::FeedId;
use ssb_keys::MessageId;

use super::Part;
use super::View;
use crate::locate::Target;
use crate::mention;
use crate::query::Filter;
use crate::query::language::Value;

/// Which messages may have entries that are wanted: more than these is right, but slower.
pub(super) struct Candidates<'a> {
    pub(super) view: View,
    /// Whether all that the query knows is checked of each item, or only what the index has.
    pub(super) is_checked: bool,
    pub(super) known: &'a Value,
    pub(super) part: Option<&'a Part>,
}

impl Candidates<'_> {
    pub(super) fn filter(&self) -> Filter {
        let mut all: Vec<Filter> = (self.view == View::Private).then(Filter::opened).into_iter().collect();
        if self.is_checked {
            self.literals(self.known, &mut Vec::new(), &mut all);
        } else if let Some(part) = self.part {
            for ((path, lower), upper) in
                part.index.paths.iter().zip(&part.bounds.lower).zip(&part.bounds.upper)
            {
                let Value::Text(text) = lower else { break };
                if lower != upper {
                    break;
                }
                all.extend(self.condition(path, &text.decode()));
            }
        }
        all.into_iter().reduce(Filter::and).unwrap_or(Filter::all())
    }

    /// What the literals of a filter say. It nests no deeper than a program may.
    fn literals(&self, known: &Value, path: &mut Vec<String>, all: &mut Vec<Filter>) {
        match known {
            // Beside operators nothing counts.
            Value::Object(pairs) if pairs.iter().any(|(key, _)| key.escaped().starts_with('$')) => {}
            Value::Object(pairs) => {
                for (key, value) in pairs {
                    path.push(key.decode().into_owned());
                    self.literals(value, path, all);
                    path.pop();
                }
            }
            Value::Text(text) => {
                let path: Vec<&str> = path.iter().map(String::as_str).collect();
                all.extend(self.condition(&path, &text.decode()));
            }
            // Only what was opened has such a key.
            Value::Bool(true) if matches!(path.as_slice(), [value, key] if value == "value" && key == "private") =>
            {
                let has_value = matches!(self.view, View::Query | View::Backlinks);
                all.extend(has_value.then(Filter::opened));
            }
            _ => {}
        }
    }

    /// What it says of a message that a field of an entry is this text.
    fn condition(&self, path: &[&str], text: &str) -> Option<Filter> {
        let target = || Target::parse(text).filter(|_| !text.contains('?'));
        match (self.view, path) {
            (View::Links2, ["source"]) => FeedId::parse(text).ok().map(Filter::author),
            (View::Backlinks, ["dest"]) if text.starts_with('#') => Some(Filter::channel(text)),
            (View::Backlinks, ["dest"]) => target().map(Filter::links_to),
            // These have whole messages.
            (View::Query | View::Backlinks | View::Private, ["value", path @ ..]) => match path {
                ["author"] => FeedId::parse(text).ok().map(Filter::author),
                ["content", "type"] => Some(Filter::of_type(text)),
                ["content", "root"] => MessageId::parse(text).ok().map(Filter::root),
                ["content", "channel"] => mention::channel_named(text)
                    .map(|channel| Filter::channel(&channel))
                    .or_else(|| target().map(Filter::links_to)),
                ["content", ..] => target().map(Filter::links_to),
                _ => None,
            },
            _ => None,
        }
    }

    /// What `dest` says to [`View::Links2`].
    pub(super) fn dest(&self) -> Option<Target> {
        let part = self.part.filter(|_| self.view == View::Links2)?;
        // Only the key says what an entry has, if it is not checked.
        let dest = if self.is_checked {
            self.known.at(&["dest"]).into_owned()
        } else {
            let is_fixed = part.index.name == "DRS" && part.bounds.lower.first() == part.bounds.upper.first();
            part.bounds.lower.first().filter(|_| is_fixed)?.clone()
        };
        match dest {
            Value::Text(dest) => Target::parse(&dest.decode()),
            _ => None,
        }
    }

    pub(super) fn received(&self) -> (Bound<f64>, Bound<f64>) {
        let path: &[&str] = if self.view == View::Links2 { &["ts"] } else { &["timestamp"] };
        let is_whole_key = self.part.is_some_and(|part| part.index.name == "log");
        if !self.is_checked && !is_whole_key {
            return (Bound::Unbounded, Bound::Unbounded);
        }
        let field = self.known.at(path);
        let number = |name: &str| match &*field.at(&[name]) {
            Value::Number(number) => Some(Bound::Included(*number)),
            _ => None,
        };
        let either = |one, two| number(one).or_else(|| number(two)).unwrap_or(Bound::Unbounded);
        match &*field {
            Value::Number(number) => (Bound::Included(*number), Bound::Included(*number)),
            Value::Object(_) => (either("$gt", "$gte"), either("$lt", "$lte")),
            _ => (Bound::Unbounded, Bound::Unbounded),
        }
    }
}
