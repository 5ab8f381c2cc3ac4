//! JSON as V8 reads and writes it, down to the byte.
//!
//! Ids and signatures are made over `JSON.stringify(value, null, 2)`, so two programs that disagree about one
//! number or the order of two keys see two different messages. [`parse()`] and [`pretty`] agree with V8 on every text:
//!
//! - Bytes are decoded as UTF-8 first; what is not UTF-8 becomes U+FFFD.
//! - A repeated key keeps its first place and its last value. Keys that are array indices come first, ascending
//!   (ECMA-262 OrdinaryOwnPropertyKeys). `__proto__` is a key like any other.
//! - Numbers are `f64`, printed by ECMA-262 Number::toString; `-0` prints `0`, what overflows prints `null`.
//! - Strings may hold lone surrogates, see [`Text`].
//!
//! ```
//! let value = ssb_msg::json::parse(br#"{"b": 1.50, "2": "\u0041", "1": -0}"#)?;
//! assert_eq!(ssb_msg::json::compact(&value), r#"{"1":0,"2":"A","b":1.5}"#);
//! # Ok::<(), ssb_msg::json::ParseError>(())
//! ```

mod number;
mod parse;
mod text;
mod write;

use alloc::vec;
use alloc::vec::Vec;

pub use self::parse::ParseError;
pub use self::parse::parse;
pub use self::parse::parse_within;
pub use self::text::Text;
pub use self::write::compact;
pub use self::write::pretty;
pub use self::write::pretty_units;

pub(crate) use self::number::is_canonical as is_canonical_number;
pub(crate) use self::text::decode;
pub(crate) use self::text::units;
pub(crate) use self::write::compact_into;

/// A JSON value that knows the order of its keys.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number; infinite when the text overflowed, and then written as `null`.
    Number(f64),
    /// A string.
    Text(Text),
    /// An array.
    Array(Vec<Value>),
    /// An object.
    Object(Object),
}

impl Value {
    /// The string, if it is one.
    pub fn as_text(&self) -> Option<&Text> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if it is one.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The object, if it is one.
    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The value of a key, if this is an object that has it.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_object()?.get(key)
    }

    /// What JavaScript's `if` makes of it.
    pub fn is_truthy(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(bool) => *bool,
            Self::Number(number) => *number != 0.0,
            Self::Text(text) => !text.escaped().is_empty(),
            Self::Array(_) | Self::Object(_) => true,
        }
    }
}

/// Keys and values in JavaScript's order, each key once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object {
    /// No key twice; array indices first, ascending.
    entries: Vec<(Text, Value)>,
}

impl Object {
    /// Takes pairs as they were written: repeated keys are merged, array indices moved to the front.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (Text, Value)>) -> Self {
        let mut entries = merge_repeated(pairs.into_iter().collect());
        if entries.iter().any(|(key, _)| array_index(key.escaped()).is_some()) {
            // Stable, and every ordinary key sorts behind every index.
            entries.sort_by_key(|(key, _)| array_index(key.escaped()).unwrap_or(u32::MAX));
        }
        Self { entries }
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.iter().find(|(name, _)| name.is(key)).map(|(_, value)| value)
    }

    /// Keys and values in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Text, &Value)> {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    /// How many keys it has.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it has no keys.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn entries(&self) -> &[(Text, Value)] {
        &self.entries
    }
}

impl IntoIterator for Object {
    type Item = (Text, Value);
    type IntoIter = vec::IntoIter<(Text, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

/// Gives the first of equal keys the value of the last and drops the others, in time n log n.
fn merge_repeated(pairs: Vec<(Text, Value)>) -> Vec<(Text, Value)> {
    let mut by_key: Vec<(&Text, usize)> = pairs.iter().enumerate().map(|(at, (key, _))| (key, at)).collect();
    by_key.sort_unstable();
    if by_key.iter().zip(by_key.iter().skip(1)).all(|(one, next)| one.0 != next.0) {
        return pairs;
    }
    // (where the value stands, where it goes), one for every distinct key.
    let mut moves: Vec<(usize, usize)> = by_key
        .chunk_by(|one, next| one.0 == next.0)
        .filter_map(|same| Some((same.last()?.1, same.first()?.1)))
        .collect();
    moves.sort_unstable();
    let mut moves = moves.into_iter().peekable();
    let mut merged: Vec<(usize, (Text, Value))> = Vec::with_capacity(moves.len());
    for (at, pair) in pairs.into_iter().enumerate() {
        if let Some((_, to)) = moves.next_if(|(from, _)| *from == at) {
            merged.push((to, pair));
        }
    }
    merged.sort_by_key(|(to, _)| *to);
    merged.into_iter().map(|(_, pair)| pair).collect()
}

/// The key as an array index, 0 to 2^32 - 2 in its one canonical spelling (ECMA-262 "array index").
pub(crate) fn array_index(key: &str) -> Option<u32> {
    let canonical = match key.as_bytes() {
        [b'0'] => true,
        [b'1'..=b'9', rest @ ..] => rest.len() < 10 && rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if !canonical {
        return None;
    }
    key.parse().ok().filter(|index| *index != u32::MAX)
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;

    fn rewritten(text: &str) -> String {
        compact(&parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn array_indices_come_first_and_ascending() {
        assert_eq!(rewritten(r#"{"b":1,"10":2,"9":3,"a":4,"0":5}"#), r#"{"0":5,"9":3,"10":2,"b":1,"a":4}"#);
    }

    #[test]
    fn what_only_looks_like_an_index_stays() {
        let text = r#"{"z":0,"01":1,"-1":2,"4294967295":3,"1e3":4,"":5,"99999999999":6}"#;

        assert_eq!(rewritten(text), text);
    }

    #[test]
    fn the_largest_index_moves() {
        assert_eq!(rewritten(r#"{"z":0,"4294967294":1}"#), r#"{"4294967294":1,"z":0}"#);
    }

    #[test]
    fn a_repeated_key_keeps_its_first_place_and_last_value() {
        assert_eq!(
            rewritten(r#"{"a":1,"b":2,"c":3,"a":4,"d":5,"b":6,"a":7}"#),
            r#"{"a":7,"b":6,"c":3,"d":5}"#
        );
    }

    #[test]
    fn keys_that_differ_only_in_spelling_are_the_same() {
        assert_eq!(rewritten(r#"{"a":1,"\u0061":2}"#), r#"{"a":2}"#);
    }

    #[test]
    fn proto_is_an_ordinary_key() {
        assert_eq!(rewritten(r#"{"b":1,"__proto__":2}"#), r#"{"b":1,"__proto__":2}"#);
    }
}
