//! Items go through a program one by one.

use std::borrow::Cow;
use std::cmp::Ordering;

use ssb_msg::json::Text;
use thiserror::Error;

use super::KEPT_LEN_MAX;
use super::Program;
use super::Stage;
use super::rule::Rule;
use super::value;
use super::value::Value;

/// A program, and what it keeps of the items that have come.
#[derive(Clone, Debug)]
pub struct Pipeline {
    program: Program,
    /// For each stage what it keeps.
    kept: Vec<Kept>,
}

/// What a stage keeps until all items have come.
#[derive(Clone, Debug, Default)]
struct Kept {
    /// What a reduce has made so far; of a sort all items.
    value: Option<Value>,
    /// More than the value has grown since it was weighed.
    grown: usize,
    /// What it weighed then.
    weight: usize,
}

impl Pipeline {
    /// Nothing has come yet.
    pub fn new(program: Program) -> Self {
        let kept = program.stages.iter().map(|_| Kept::default()).collect();
        Self { program, kept }
    }

    /// Takes in an item, and gives what comes out at once.
    ///
    /// # Errors
    ///
    /// [`RunError`]. Nothing more comes of this pipeline that could be trusted.
    pub fn push(&mut self, item: Value, out: &mut Vec<Value>) -> Result<(), RunError> {
        self.push_from(0, item, out)
    }

    /// All items have come: gives what was kept back.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub fn finish(&mut self, out: &mut Vec<Value>) -> Result<(), RunError> {
        for at in 0..self.program.stages.len() {
            let kept = self.kept.get_mut(at).and_then(|kept| kept.value.take());
            let items = match (self.program.stages.get(at), kept) {
                (Some(Stage::Reduce(_)), Some(Value::Array(items))) => items,
                // Of an object its values come out, as of an array.
                (Some(Stage::Reduce(_)), Some(Value::Object(pairs))) => {
                    pairs.into_iter().map(|(_, value)| value).collect()
                }
                (Some(Stage::Reduce(_)), Some(value)) if !value.is_nullish() => vec![value],
                (Some(Stage::Sort(by)), Some(Value::Array(items))) => sort(items, by)?,
                _ => Vec::new(),
            };
            for item in items {
                self.push_from(at + 1, item, out)?;
            }
        }
        Ok(())
    }

    fn push_from(&mut self, start: usize, item: Value, out: &mut Vec<Value>) -> Result<(), RunError> {
        let mut item = item;
        for (stage, kept) in self.program.stages.iter().zip(&mut self.kept).skip(start) {
            match stage {
                // What looks like the mark between old and new is let through.
                Stage::Filter(_) | Stage::Map(_) if is_sync(&item)? => {}
                Stage::Filter(rule) => {
                    if !rule.apply(Cow::Borrowed(&item))?.is_truthy() {
                        return Ok(());
                    }
                }
                Stage::Map(rule) => {
                    item = rule.apply(Cow::Owned(item))?.into_owned();
                    if !item.is_truthy() {
                        return Ok(());
                    }
                }
                Stage::Reduce(rule) => return kept.reduce(rule, &item),
                Stage::Sort(_) => return kept.collect(item),
            }
        }
        out.push(item);
        Ok(())
    }
}

impl Kept {
    fn reduce(&mut self, rule: &Rule, item: &Value) -> Result<(), RunError> {
        let value = self.value.take().unwrap_or(Value::Null);
        self.value = Some(rule.reduce(value, item)?);
        self.grew((item.weight() + GROUP_LEN) * rule.breadth())
    }

    fn collect(&mut self, item: Value) -> Result<(), RunError> {
        let len = item.weight();
        match &mut self.value {
            Some(Value::Array(items)) => items.push(item),
            _ => self.value = Some(Value::Array(vec![item])),
        }
        self.grew(len)
    }

    /// Weighs what is kept when it may have become too much.
    fn grew(&mut self, by: usize) -> Result<(), RunError> {
        self.grown = self.grown.saturating_add(by);
        if self.weight.saturating_add(self.grown) > KEPT_LEN_MAX {
            self.weight = self.value.as_ref().map_or(0, Value::weight);
            self.grown = 0;
            if self.weight > KEPT_LEN_MAX - KEPT_LEN_MAX / WEIGHED_BEFORE {
                return Err(RunError::TooMuch);
            }
        }
        Ok(())
    }
}

/// Less than this part of the limit is left when too much is said to be kept, so that nothing is weighed at every item.
const WEIGHED_BEFORE: usize = 16;

/// What a group takes beside the values in it, at most, for each key of the rule.
const GROUP_LEN: usize = 256;

fn is_sync(item: &Value) -> Result<bool, RunError> {
    match item {
        Value::Undefined | Value::Null => Err(RunError::Nothing { key: "sync".to_owned() }),
        Value::Object(pairs) => Ok(pairs.iter().any(|(key, value)| key.is("sync") && value.is_truthy())),
        _ => Ok(false),
    }
}

/// Sorts as compare-at-paths 1.0.0 does: by one path after the other, backwards from the first `{"$reverse": path}` on.
fn sort(mut items: Vec<Value>, by: &Value) -> Result<Vec<Value>, RunError> {
    let paths: Vec<Value> = match by {
        Value::Array(paths) => paths.clone(),
        Value::Text(text) => text.decode().chars().map(|char| Value::text(&char.to_string())).collect(),
        _ => Vec::new(),
    };
    let mut failed = None;
    items.sort_by(|one, two| match compare_at(&paths, one, two) {
        Ok(order) if failed.is_none() => order,
        Ok(_) => Ordering::Equal,
        Err(error) => {
            failed = Some(error);
            Ordering::Equal
        }
    });
    failed.map_or(Ok(items), Err)
}

fn compare_at(paths: &[Value], one: &Value, two: &Value) -> Result<Ordering, RunError> {
    let mut reversed = false;
    for path in paths {
        let path = match path {
            Value::Object(_) => {
                let reverse = path.at(&["$reverse"]);
                reversed |= reverse.is_truthy();
                if reverse.is_truthy() { reverse } else { Cow::Borrowed(path) }
            }
            _ => Cow::Borrowed(path),
        };
        let (first, second) = (nested(one, &path)?, nested(two, &path)?);
        let order = value::compare(&first, &second);
        let order = order.map_err(|value::Incomparable| RunError::Incomparable)?;
        if order.is_ne() {
            return Ok(if reversed { order.reverse() } else { order });
        }
    }
    Ok(Ordering::Equal)
}

/// What is at the end of a path of keys, or one key (libnested 1.5.2).
fn nested<'a>(value: &'a Value, path: &Value) -> Result<Cow<'a, Value>, RunError> {
    if !matches!(value, Value::Array(_) | Value::Object(_)) {
        return Ok(Cow::Owned(Value::Undefined));
    }
    let key = |key: &Value| Text::new(&key.to_text());
    match path {
        Value::Text(_) | Value::Number(_) => Ok(value.get(&key(path))),
        Value::Array(path) => {
            let mut found = Cow::Borrowed(value);
            for step in path {
                found = value::get(found, &key(step));
                if found.is_nullish() {
                    return Ok(Cow::Owned(Value::Undefined));
                }
            }
            Ok(found)
        }
        _ if path.is_nullish() => Err(RunError::Nothing { key: "length".to_owned() }),
        _ => Ok(Cow::Borrowed(value)),
    }
}

/// Why a program ends early. In JavaScript each of these but the first is an exception, which may end the server.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RunError {
    /// What `$reduce` or `$sort` keeps is more than [`KEPT_LEN_MAX`]. Ask for less: filter more, or collect less.
    #[error("the query would have to keep more than {KEPT_LEN_MAX} bytes")]
    TooMuch,
    /// The value of a key was asked for of `null` or nothing.
    #[error("the query asks for {key} of what is not there")]
    Nothing {
        /// The key.
        key: String,
    },
    /// Something should be sorted or grouped by what is an object. The text is JavaScript's.
    #[error("comparing objects or functions is not supported")]
    Incomparable,
    /// `$in` needs a list or a text.
    #[error("the query looks for something in what is no list")]
    NotSearchable,
    /// What was to be grouped is something else already.
    #[error("the query groups what cannot be grouped")]
    NoGroups,
}
