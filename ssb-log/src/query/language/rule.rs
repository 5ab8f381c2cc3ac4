//! What a stage of a program says, taken apart once and then applied to every item.
//!
//! As in map-filter-reduce 3.2.2 a rule is a function of one value, or of two if it takes a value into what was made of those
//! before it. Where it calls one with the wrong number, so do we.

use std::borrow::Cow;

use ssb_msg::json;
use ssb_msg::json::Text;

use super::DEPTH_MAX;
use super::ParseError;
use super::RunError;
use super::value;
use super::value::Value;
use crate::query::language::value::Incomparable;

/// A rule. It nests no deeper than [`DEPTH_MAX`].
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Rule {
    /// `"key"`: the value of that key.
    Key(Text),
    /// `2`, `-1`: what stands in that place, from the end if it is negative.
    Place(f64),
    /// `true`: the value itself.
    Whole,
    /// `["a", 0]`: one after the other.
    Chain(Vec<Rule>),
    /// `{"$gt": 5, "$lt": 9}`: a function of the value, and if what comes of it counts as true, the next.
    Tests(Vec<(Test, Value)>),
    /// A value in a filter: the same value.
    Literal(Value),
    /// An object or array in a filter: all of its keys.
    All(Vec<(Text, Rule)>),
    /// An object in a map: a new object.
    Picks(Vec<(Text, Rule)>),
    /// `{"$count": true}`.
    Fold(Fold, Box<Rule>),
    /// An object in a reduce.
    Fields(Vec<(Text, Rule)>),
    /// The same, where some of the keys are not reduced: what is alike in them is reduced together.
    Groups { by: Vec<(Vec<Text>, Rule)>, reduce: Box<Rule> },
}

/// What can be found out about a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Test {
    Lt,
    Gt,
    Lte,
    Gte,
    Eq,
    Ne,
    Not,
    Truthy,
    Prefix,
    Is,
    In,
    Type,
    Int,
    Mod,
    Get,
}

/// How values become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fold {
    Count,
    Sum,
    Product,
    Max,
    Min,
    Collect,
}

impl Test {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "$lt" => Self::Lt,
            "$gt" => Self::Gt,
            "$lte" => Self::Lte,
            "$gte" => Self::Gte,
            "$eq" => Self::Eq,
            "$ne" => Self::Ne,
            "$not" => Self::Not,
            "$truthy" => Self::Truthy,
            "$prefix" => Self::Prefix,
            "$is" => Self::Is,
            "$in" => Self::In,
            "$type" => Self::Type,
            "$int" => Self::Int,
            "$mod" => Self::Mod,
            "$get" => Self::Get,
            _ => return None,
        })
    }

    fn apply(self, value: &Value, argument: &Value) -> Result<Value, RunError> {
        let relation = || value.relation(argument);
        Ok(Value::Bool(match self {
            Self::Lt => relation().is_some_and(std::cmp::Ordering::is_lt),
            Self::Gt => relation().is_some_and(std::cmp::Ordering::is_gt),
            Self::Lte => relation().is_some_and(std::cmp::Ordering::is_le),
            Self::Gte => relation().is_some_and(std::cmp::Ordering::is_ge),
            Self::Eq => value.is(argument),
            Self::Ne => !value.is(argument),
            Self::Not => !value.is_truthy(),
            Self::Truthy => value.is_truthy(),
            Self::Prefix => has_prefix(value, argument)?,
            Self::Is => matches!(argument, Value::Text(name) if name.is(value.type_of())),
            Self::In => return place_in(argument, value),
            Self::Type => return Ok(Value::text(value.type_of())),
            Self::Int => {
                matches!(value, Value::Number(number) if number.is_finite() && number.fract() == 0.0)
            }
            Self::Mod => return Ok(Value::Number(value.to_number() % argument.to_number())),
            Self::Get => return get_path(value, argument),
        }))
    }
}

impl Fold {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "$count" => Self::Count,
            "$sum" => Self::Sum,
            "$product" => Self::Product,
            "$max" => Self::Max,
            "$min" => Self::Min,
            "$collect" => Self::Collect,
            _ => return None,
        })
    }

    fn apply(self, kept: Value, value: Value) -> Value {
        let or = |value: &Value, number: f64| if value.is_truthy() { value.to_number() } else { number };
        let numeric =
            |value: &Value| Some(value.to_number()).filter(|number| !number.is_nan()).unwrap_or(0.0);
        match self {
            Self::Count => match kept {
                Value::Text(_) | Value::Array(_) | Value::Object(_) if kept.is_truthy() => {
                    Value::text(&format!("{}1", kept.to_text()))
                }
                kept => Value::Number(or(&kept, 0.0) + 1.0),
            },
            Self::Sum => Value::Number(numeric(&kept) + numeric(&value)),
            Self::Product => Value::Number(or(&kept, 1.0) * or(&value, 1.0)),
            Self::Max | Self::Min if kept == Value::Undefined => value,
            Self::Max | Self::Min => {
                let (kept, value) = (kept.to_number(), value.to_number());
                let takes_new = if self == Self::Max { value > kept } else { value < kept };
                Value::Number(if kept.is_nan() || value.is_nan() {
                    f64::NAN
                } else if takes_new {
                    value
                } else {
                    kept
                })
            }
            Self::Collect => {
                let mut all = match kept {
                    Value::Array(all) => all,
                    kept if kept.is_truthy() => vec![kept],
                    _ => Vec::new(),
                };
                all.push(value);
                Value::Array(all)
            }
        }
    }
}

impl Rule {
    /// Reads a rule that stands `depth` levels deep.
    pub(super) fn parse(rule: &Value, depth: usize) -> Result<Self, ParseError> {
        if depth > DEPTH_MAX {
            return Err(ParseError::TooDeep);
        }
        match rule {
            Value::Text(key) => Ok(Self::Key(key.clone())),
            Value::Number(place) if place.is_finite() && place.fract() == 0.0 => Ok(Self::Place(*place)),
            Value::Bool(true) => Ok(Self::Whole),
            Value::Array(rules) => {
                let rules = rules.iter().map(|rule| Self::parse(rule, depth + 1));
                Ok(Self::Chain(rules.collect::<Result<_, _>>()?))
            }
            Value::Object(pairs) => Self::parse_operators(rule, pairs, depth),
            _ => Err(unknown(rule)),
        }
    }

    fn parse_operators(rule: &Value, pairs: &[(Text, Value)], depth: usize) -> Result<Self, ParseError> {
        let (mut tests, mut fold, mut special) = (Vec::new(), None, None);
        for (key, argument) in pairs {
            let name = key.decode();
            if let Some(test) = Test::named(&name) {
                tests.push((test, argument.clone()));
            } else if let Some(named) = Fold::named(&name) {
                fold = fold.or(Some((named, argument)));
            } else if let "$filter" | "$map" | "$reduce" = &*name {
                special = special.or(Some((name, argument)));
            } else if name.starts_with('$') {
                // JavaScript overlooks it if there is one beside it that it knows, and answers something else.
                return Err(unknown(rule));
            }
        }
        if !tests.is_empty() {
            return Ok(Self::Tests(tests));
        }
        if let Some((fold, argument)) = fold {
            return Ok(Self::Fold(fold, Box::new(Self::parse(argument, depth + 1)?)));
        }
        match special.as_ref().map(|(name, argument)| (&**name, *argument)) {
            Some(("$filter", argument)) => Self::parse_filter(argument, depth + 1),
            Some(("$map", argument)) => Self::parse_map(argument, depth + 1),
            Some((_, argument)) => {
                let mut by = Vec::new();
                let reduce = Self::parse_reduce(argument, &mut Vec::new(), &mut by, depth + 1)?;
                Ok(if by.is_empty() { reduce } else { Self::Groups { by, reduce: Box::new(reduce) } })
            }
            None => Err(unknown(rule)),
        }
    }

    fn parse_filter(rule: &Value, depth: usize) -> Result<Self, ParseError> {
        if depth > DEPTH_MAX {
            return Err(ParseError::TooDeep);
        }
        let rules = |pairs: &mut dyn Iterator<Item = (Text, &Value)>| {
            let rules = pairs.map(|(key, rule)| Ok((key, Self::parse_filter(rule, depth + 1)?)));
            Ok(Self::All(rules.collect::<Result<_, _>>()?))
        };
        match rule {
            Value::Array(items) => {
                let places = (0..items.len()).map(|at| Text::new(&at.to_string()));
                rules(&mut places.zip(items))
            }
            Value::Object(pairs) if !has_operator(pairs) => {
                rules(&mut pairs.iter().map(|(key, rule)| (key.clone(), rule)))
            }
            Value::Object(_) => Self::parse(rule, depth),
            _ => Ok(Self::Literal(rule.clone())),
        }
    }

    fn parse_map(rule: &Value, depth: usize) -> Result<Self, ParseError> {
        if depth > DEPTH_MAX {
            return Err(ParseError::TooDeep);
        }
        match rule {
            Value::Object(pairs) if !has_operator(pairs) => {
                let rules =
                    pairs.iter().map(|(key, rule)| Ok((key.clone(), Self::parse_map(rule, depth + 1)?)));
                Ok(Self::Picks(rules.collect::<Result<_, _>>()?))
            }
            _ => Self::parse(rule, depth),
        }
    }

    /// Reads what is at the end of `path` in a reduce, and notes what is not reduced.
    fn parse_reduce(
        rule: &Value,
        path: &mut Vec<Text>,
        by: &mut Vec<(Vec<Text>, Self)>,
        depth: usize,
    ) -> Result<Self, ParseError> {
        if depth > DEPTH_MAX {
            return Err(ParseError::TooDeep);
        }
        match rule {
            Value::Object(pairs) if !has_operator(pairs) => {
                let mut fields = Vec::new();
                for (key, rule) in pairs {
                    path.push(key.clone());
                    fields.push((key.clone(), Self::parse_reduce(rule, path, by, depth + 1)?));
                    path.pop();
                }
                Ok(Self::Fields(fields))
            }
            _ => {
                let rule = Self::parse(rule, depth)?;
                if !rule.reduces() {
                    by.push((path.clone(), rule.clone()));
                }
                Ok(rule)
            }
        }
    }

    /// Whether it is a function of two values.
    const fn reduces(&self) -> bool {
        matches!(self, Self::Fold(..) | Self::Fields(_) | Self::Groups { .. })
    }

    /// What it makes of a value.
    pub(super) fn apply<'a>(&self, value: Cow<'a, Value>) -> Result<Cow<'a, Value>, RunError> {
        Ok(match self {
            Self::Key(_) if value.is_nullish() => Cow::Owned(Value::Undefined),
            Self::Key(key) => value::get(value, key),
            Self::Place(place) => in_place(value, *place)?,
            Self::Whole => value,
            Self::Chain(rules) => rules.iter().try_fold(value, |value, rule| rule.apply(value))?,
            Self::Tests(tests) => {
                let mut found = Value::Bool(true);
                for (test, argument) in tests {
                    found = test.apply(&value, argument)?;
                    if !found.is_truthy() {
                        break;
                    }
                }
                Cow::Owned(found)
            }
            Self::Literal(literal) => Cow::Owned(Value::Bool(value.is(literal))),
            Self::All(rules) => Cow::Owned(Value::Bool(Self::all(rules, &value)?)),
            Self::Picks(_) if value.is_nullish() => Cow::Owned(Value::Undefined),
            Self::Picks(rules) if rules.is_empty() => Cow::Owned(Value::Undefined),
            Self::Picks(rules) => {
                let mut picked = Vec::with_capacity(rules.len());
                for (key, rule) in rules {
                    let value = Cow::Borrowed(&*value);
                    let value = match rule {
                        Self::Whole if value.is_truthy() => value::get(value, key),
                        Self::Whole => value,
                        rule => rule.apply(value)?,
                    };
                    picked.push((key.clone(), value.into_owned()));
                }
                Cow::Owned(Value::Object(picked))
            }
            Self::Fold(..) | Self::Fields(_) | Self::Groups { .. } => {
                Cow::Owned(self.reduce(value.into_owned(), &Value::Undefined)?)
            }
        })
    }

    fn all(rules: &[(Text, Self)], value: &Value) -> Result<bool, RunError> {
        if value.is_nullish() {
            return Ok(false);
        }
        for (key, rule) in rules {
            if !rule.apply(value.get(key))?.is_truthy() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Takes a value into what was made of those before it.
    pub(super) fn reduce(&self, kept: Value, value: &Value) -> Result<Value, RunError> {
        match self {
            Self::Fold(fold, rule) => Ok(fold.apply(kept, rule.apply(Cow::Borrowed(value))?.into_owned())),
            Self::Fields(rules) => {
                let mut old = match kept {
                    Value::Object(pairs) => pairs,
                    _ => Vec::new(),
                };
                let mut fields = Vec::with_capacity(rules.len());
                for (key, rule) in rules {
                    let made = if rule.reduces() {
                        let at = old.iter().position(|(name, _)| name == key);
                        let old = at.map_or(Value::Undefined, |at| old.swap_remove(at).1);
                        rule.reduce(old, value)?
                    } else {
                        rule.apply(Cow::Borrowed(value))?.into_owned()
                    };
                    fields.push((key.clone(), made));
                }
                Ok(Value::Object(fields))
            }
            Self::Groups { by, reduce } => group(by, reduce, kept, value),
            one => Ok(one.apply(Cow::Owned(kept))?.into_owned()),
        }
    }

    /// How many values it keeps something of.
    pub(super) fn breadth(&self) -> usize {
        match self {
            Self::Fields(rules) => rules.iter().map(|(_, rule)| rule.breadth()).sum::<usize>() + 1,
            Self::Groups { reduce, .. } => reduce.breadth() + 1,
            _ => 1,
        }
    }
}

fn group(by: &[(Vec<Text>, Rule)], reduce: &Rule, kept: Value, value: &Value) -> Result<Value, RunError> {
    let mut groups = match kept {
        Value::Array(groups) => groups,
        kept if kept.is_truthy() => match reduce.reduce(Value::Array(Vec::new()), &kept)? {
            Value::Array(groups) => groups,
            _ => return Err(RunError::NoGroups),
        },
        _ => Vec::new(),
    };
    let needle = by.iter().map(|(_, rule)| Ok(rule.apply(Cow::Borrowed(value))?.into_owned()));
    let needle: Vec<Value> = needle.collect::<Result<_, RunError>>()?;
    match search(&groups, |group| compare_group(group, by, &needle))? {
        Ok(at) => {
            if let Some(group) = groups.get_mut(at) {
                *group = reduce.reduce(std::mem::replace(group, Value::Undefined), value)?;
            }
        }
        Err(at) => groups.insert(at, reduce.reduce(Value::Undefined, value)?),
    }
    Ok(Value::Array(groups))
}

fn compare_group(
    group: &Value,
    by: &[(Vec<Text>, Rule)],
    needle: &[Value],
) -> Result<std::cmp::Ordering, RunError> {
    for ((path, _), wanted) in by.iter().zip(needle) {
        let mut found = Cow::Borrowed(group);
        for key in path {
            if found.is_nullish() {
                found = Cow::Owned(Value::Undefined);
                break;
            }
            found = value::get(found, key);
        }
        if !found.is(wanted) {
            let order = value::compare(&found, wanted).map_err(|Incomparable| RunError::Incomparable)?;
            return Ok(order);
        }
    }
    Ok(std::cmp::Ordering::Equal)
}

/// The place of what compares as equal, or where it belongs. In the steps of binary-search 1.3.6, as the order need not be one.
fn search(
    all: &[Value],
    compare: impl Fn(&Value) -> Result<std::cmp::Ordering, RunError>,
) -> Result<Result<usize, usize>, RunError> {
    let (mut low, mut end) = (0, all.len());
    while low < end {
        let middle = low + (end - 1 - low) / 2;
        let Some(item) = all.get(middle) else { break };
        match compare(item)? {
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => end = middle,
            std::cmp::Ordering::Equal => return Ok(Ok(middle)),
        }
    }
    Ok(Err(low))
}

fn has_operator(pairs: &[(Text, Value)]) -> bool {
    pairs.iter().any(|(key, _)| key.escaped().starts_with('$'))
}

fn unknown(rule: &Value) -> ParseError {
    ParseError::UnknownRule { rule: json::compact(&rule.clone().into_json()) }
}

fn has_prefix(value: &Value, prefix: &Value) -> Result<bool, RunError> {
    match (prefix, value) {
        (Value::Array(prefix), Value::Array(items)) => {
            Ok(items.len() > prefix.len() && prefix.iter().zip(items).all(|(one, two)| two.is(one)))
        }
        (Value::Text(prefix), Value::Text(text)) => Ok(text.escaped().starts_with(prefix.escaped())),
        (Value::Array(_), _) => Ok(false),
        (prefix, Value::Text(_)) if prefix.is_nullish() => {
            Err(RunError::Nothing { key: "length".to_owned() })
        }
        (prefix, Value::Text(_)) => Ok(value.is_like(prefix)),
        _ => Ok(false),
    }
}

/// Where a value stands among others, in the form that JavaScript's `~` gives to a place: not 0, or 0 if it is not there.
fn place_in(all: &Value, value: &Value) -> Result<Value, RunError> {
    let place = match all {
        Value::Array(items) => items.iter().position(|item| item.is(value)),
        Value::Text(text) => {
            let (text, wanted) = (text.decode(), value.to_text());
            text.find(&wanted).map(|at| text.get(..at).unwrap_or_default().encode_utf16().count())
        }
        _ => return Err(RunError::NotSearchable),
    };
    let place = place.and_then(|place| u32::try_from(place).ok());
    Ok(Value::Number(place.map_or(0.0, |place| -f64::from(place) - 1.0)))
}

fn get_path(value: &Value, path: &Value) -> Result<Value, RunError> {
    match path {
        Value::Text(key) if value.is_nullish() => Err(RunError::Nothing { key: key.decode().into_owned() }),
        Value::Text(key) => Ok(value.get(key).into_owned()),
        Value::Array(path) => {
            let mut found = Cow::Borrowed(value);
            for key in path {
                if found.is_nullish() {
                    return Ok(Value::Undefined);
                }
                found = value::get(found, &Text::new(&key.to_text()));
            }
            Ok(found.into_owned())
        }
        Value::Bool(true) => Ok(value.clone()),
        _ => Ok(Value::Undefined),
    }
}

fn in_place(value: Cow<'_, Value>, place: f64) -> Result<Cow<'_, Value>, RunError> {
    let name = |place: f64| Value::Number(place).to_text();
    if value.is_nullish() {
        return Err(RunError::Nothing { key: name(place) });
    }
    let place = if place < 0.0 { value.get(&Text::new("length")).to_number() + place } else { place };
    Ok(value::get(value, &Text::new(&name(place))))
}
