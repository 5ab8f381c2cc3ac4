//! Values as JavaScript computes with them.

use std::borrow::Cow;
use std::cmp::Ordering;

use ssb_msg::json;
use ssb_msg::json::Text;

/// JSON, and what is not there.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// What an object or array has not.
    Undefined,
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, which may be none.
    Number(f64),
    /// A string.
    Text(Text),
    /// An array.
    Array(Vec<Value>),
    /// An object: keys and values in order.
    Object(Vec<(Text, Value)>),
}

impl Value {
    /// A string.
    pub fn text(text: &str) -> Self {
        Self::Text(Text::new(text))
    }

    /// As JSON. What is not there is left out of objects and `null` in arrays.
    pub fn into_json(self) -> json::Value {
        match self {
            Self::Undefined | Self::Null => json::Value::Null,
            Self::Bool(bool) => json::Value::Bool(bool),
            Self::Number(number) => json::Value::Number(number),
            Self::Text(text) => json::Value::Text(text),
            Self::Array(items) => json::Value::Array(items.into_iter().map(Self::into_json).collect()),
            Self::Object(pairs) => {
                let there = pairs.into_iter().filter(|(_, value)| *value != Self::Undefined);
                json::Value::Object(json::Object::from_pairs(
                    there.map(|(key, value)| (key, value.into_json())),
                ))
            }
        }
    }

    /// The value of a key: of an object, an array or a text. `undefined` if there is none.
    pub fn get(&self, key: &Text) -> Cow<'_, Self> {
        match self {
            Self::Object(pairs) => {
                let found = pairs.iter().find(|(name, _)| name == key);
                found.map_or(Cow::Owned(Self::Undefined), |(_, value)| Cow::Borrowed(value))
            }
            Self::Array(items) if key.is("length") => Cow::Owned(Self::Number(count(items.len()))),
            Self::Array(items) => {
                let item = index(key).and_then(|at| items.get(at));
                item.map_or(Cow::Owned(Self::Undefined), Cow::Borrowed)
            }
            Self::Text(text) if key.is("length") => Cow::Owned(Self::Number(count(text.units()))),
            Self::Text(text) => {
                Cow::Owned(index(key).and_then(|at| unit(text, at)).unwrap_or(Self::Undefined))
            }
            Self::Undefined | Self::Null | Self::Bool(_) | Self::Number(_) => Cow::Owned(Self::Undefined),
        }
    }

    /// What is at the end of a path of keys.
    pub(crate) fn at(&self, path: &[&str]) -> Cow<'_, Self> {
        let mut found = Cow::Borrowed(self);
        for key in path {
            found = get(found, &Text::new(key));
        }
        found
    }

    /// Whether an object has a key of its own at the end of a path.
    pub(crate) fn has(&self, path: &[&str]) -> bool {
        let mut at = self;
        for key in path {
            let Self::Object(pairs) = at else { return false };
            let Some((_, value)) = pairs.iter().find(|(name, _)| name.is(key)) else { return false };
            at = value;
        }
        true
    }

    /// Gives a key of an object another value, or a new key behind all others.
    pub(crate) fn set(&mut self, key: &str, value: Self) {
        let Self::Object(pairs) = self else { return };
        match pairs.iter_mut().find(|(name, _)| name.is(key)) {
            Some((_, old)) => *old = value,
            None => pairs.push((Text::new(key), value)),
        }
    }

    /// What JavaScript's `if` makes of it.
    pub fn is_truthy(&self) -> bool {
        match self {
            Self::Undefined | Self::Null => false,
            Self::Bool(bool) => *bool,
            Self::Number(number) => *number != 0.0 && !number.is_nan(),
            Self::Text(text) => !text.escaped().is_empty(),
            Self::Array(_) | Self::Object(_) => true,
        }
    }

    /// Whether it is `null` or nothing at all.
    pub const fn is_nullish(&self) -> bool {
        matches!(self, Self::Undefined | Self::Null)
    }

    /// What `typeof` says.
    pub const fn type_of(&self) -> &'static str {
        match self {
            Self::Undefined => "undefined",
            Self::Bool(_) => "boolean",
            Self::Number(_) => "number",
            Self::Text(_) => "string",
            Self::Null | Self::Array(_) | Self::Object(_) => "object",
        }
    }

    /// `===`. Two objects are never one.
    pub fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Array(_) | Self::Object(_), _) => false,
            _ => self == other,
        }
    }

    /// `==`, for a text on the left.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        match other {
            Self::Undefined | Self::Null => false,
            #[expect(clippy::float_cmp, reason = "JavaScript compares exactly")]
            Self::Number(_) | Self::Bool(_) => self.to_number() == other.to_number(),
            Self::Text(_) => self.is(other),
            Self::Array(_) | Self::Object(_) => *self == Self::text(&other.to_text()),
        }
    }

    /// How `<` and `>` see two values. `None` if they cannot be compared.
    pub(crate) fn relation(&self, other: &Self) -> Option<Ordering> {
        let (one, two) = (self.to_primitive(), other.to_primitive());
        match (&*one, &*two) {
            (Self::Text(one), Self::Text(two)) => Some(compare_texts(one, two)),
            (one, two) => one.to_number().partial_cmp(&two.to_number()),
        }
    }

    /// `+value`.
    pub(crate) fn to_number(&self) -> f64 {
        match self {
            Self::Undefined => f64::NAN,
            Self::Null => 0.0,
            Self::Bool(bool) => f64::from(u8::from(*bool)),
            Self::Number(number) => *number,
            Self::Text(text) => number(&text.decode()),
            Self::Array(_) | Self::Object(_) => number(&self.to_text()),
        }
    }

    /// `'' + value`.
    pub fn to_text(&self) -> String {
        match self {
            Self::Undefined => "undefined".to_owned(),
            Self::Number(number) if number.is_nan() => "NaN".to_owned(),
            Self::Number(number) if number.is_infinite() => {
                if *number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
            }
            Self::Null | Self::Bool(_) | Self::Number(_) => json::compact(&self.clone().into_json()),
            Self::Text(text) => text.decode().into_owned(),
            Self::Array(items) => {
                let texts =
                    items.iter().map(|item| if item.is_nullish() { String::new() } else { item.to_text() });
                texts.collect::<Vec<_>>().join(",")
            }
            Self::Object(_) => "[object Object]".to_owned(),
        }
    }

    fn to_primitive(&self) -> Cow<'_, Self> {
        match self {
            Self::Array(_) | Self::Object(_) => Cow::Owned(Self::text(&self.to_text())),
            _ => Cow::Borrowed(self),
        }
    }

    /// How much memory it takes, in bytes, about.
    pub(crate) fn weight(&self) -> usize {
        let inside = match self {
            Self::Undefined | Self::Null | Self::Bool(_) | Self::Number(_) => 0,
            Self::Text(text) => text.escaped().len(),
            Self::Array(items) => items.iter().map(Self::weight).sum(),
            Self::Object(pairs) => pairs
                .iter()
                .map(|(key, value)| size_of::<Text>() + key.escaped().len() + value.weight())
                .sum(),
        };
        size_of::<Self>() + inside
    }
}

impl From<json::Value> for Value {
    fn from(value: json::Value) -> Self {
        match value {
            json::Value::Null => Self::Null,
            json::Value::Bool(bool) => Self::Bool(bool),
            json::Value::Number(number) => Self::Number(number),
            json::Value::Text(text) => Self::Text(text),
            json::Value::Array(items) => Self::Array(items.into_iter().map(Self::from).collect()),
            json::Value::Object(object) => {
                Self::Object(object.into_iter().map(|(key, value)| (key, Self::from(value))).collect())
            }
        }
    }
}

/// The value of a key, borrowed if that is possible.
pub(crate) fn get<'a>(value: Cow<'a, Value>, key: &Text) -> Cow<'a, Value> {
    match value {
        Cow::Borrowed(value) => value.get(key),
        Cow::Owned(value) => Cow::Owned(value.get(key).into_owned()),
    }
}

/// Compares as typewiselite 1.0.0 does: by type, then by value.
///
/// # Errors
///
/// [`Incomparable`] if there is an object.
pub(crate) fn compare(one: &Value, two: &Value) -> Result<Ordering, Incomparable> {
    let (first, second) = (rank(one)?, rank(two)?);
    if first != second {
        return Ok(first.cmp(&second));
    }
    Ok(match (one, two) {
        (Value::Bool(one), Value::Bool(two)) => one.cmp(two),
        // What is no number is behind all, itself too.
        (Value::Number(one), Value::Number(two)) => one.partial_cmp(two).unwrap_or(Ordering::Greater),
        (Value::Text(one), Value::Text(two)) => compare_texts(one, two),
        (Value::Array(one), Value::Array(two)) => {
            for (one, two) in one.iter().zip(two) {
                let order = compare(one, two)?;
                if order.is_ne() {
                    return Ok(order);
                }
            }
            one.len().cmp(&two.len())
        }
        _ => Ordering::Equal,
    })
}

/// Objects have no order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Incomparable;

const fn rank(value: &Value) -> Result<u8, Incomparable> {
    Ok(match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::Text(_) => 4,
        Value::Array(_) => 6,
        Value::Undefined => 7,
        Value::Object(_) => return Err(Incomparable),
    })
}

fn compare_texts(one: &Text, two: &Text) -> Ordering {
    one.decode().encode_utf16().cmp(two.decode().encode_utf16())
}

/// JavaScript's `Number(text)`.
fn number(text: &str) -> f64 {
    let text = text.trim_matches(|char: char| char.is_whitespace() || char == '\u{feff}');
    let based = |digits: &str, base| u64::from_str_radix(digits, base).map_or(f64::NAN, whole);
    match text {
        "" => 0.0,
        "Infinity" | "+Infinity" => f64::INFINITY,
        "-Infinity" => f64::NEG_INFINITY,
        _ => match text.get(..2) {
            Some("0x" | "0X") => based(text.get(2..).unwrap_or_default(), 16),
            Some("0o" | "0O") => based(text.get(2..).unwrap_or_default(), 8),
            Some("0b" | "0B") => based(text.get(2..).unwrap_or_default(), 2),
            _ => {
                let is_number =
                    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
                if is_number { text.parse().unwrap_or(f64::NAN) } else { f64::NAN }
            }
        },
    }
}

#[expect(clippy::cast_precision_loss, reason = "JavaScript rounds, too")]
const fn whole(number: u64) -> f64 {
    number as f64
}

#[expect(clippy::cast_precision_loss, reason = "nothing in memory is that long")]
const fn count(len: usize) -> f64 {
    len as f64
}

/// A key as a place in an array.
fn index(key: &Text) -> Option<usize> {
    let key = key.escaped();
    let is_canonical = key == "0" || !key.starts_with(['0', '+']);
    key.parse().ok().filter(|_| is_canonical)
}

/// One code unit of a text, as a text.
fn unit(text: &Text, at: usize) -> Option<Value> {
    let unit = text.decode().encode_utf16().nth(at)?;
    Some(Value::text(&String::from_utf16_lossy(&[unit])))
}
