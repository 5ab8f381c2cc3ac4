//! bipf 1.9, a binary form of JSON, and what V8 prints for it.
//!
//! A value is a tag, a number of 7 bits a byte, lowest first, which is `length << 3 | type`, and so many bytes:
//!
//! | type | is | its bytes |
//! | --- | --- | --- |
//! | 0 | string | UTF-8; what is not becomes U+FFFD |
//! | 1 | buffer | anything; JSON has `{"type":"Buffer","data":[...]}` for it |
//! | 2 | number | i32, little endian |
//! | 3 | number | f64, little endian; `null` in JSON if it is not finite |
//! | 4 | array | values |
//! | 5 | object | keys, which are strings, and values in turn; a repeated key has the last value, indices come first |
//! | 6 | null, false, true, undefined | none, 0, 1, 2; undefined leaves out its key, and is null in arrays |

use ssb_msg::json;
use ssb_msg::json::Object;
use ssb_msg::json::Text;
use ssb_msg::json::Value;
use ssb_msg::limits::DEPTH_MAX;
use thiserror::Error;

use super::BLOCK_LEN;

/// The most bytes a value may have: those of the longest record, in a block with its length and the end's.
pub const BIPF_LEN_MAX: usize = BLOCK_LEN - 4;

/// How deep values may nest: a message may be as deep as [`DEPTH_MAX`], and the record is around it.
pub const BIPF_DEPTH_MAX: usize = DEPTH_MAX + 1;

/// Why bytes are not bipf. Offsets are those of the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BipfError {
    /// There are more than [`BIPF_LEN_MAX`] bytes.
    #[error("{len} bytes are more than {BIPF_LEN_MAX}")]
    TooLong {
        /// How many.
        len: usize,
    },
    /// A value reaches past the end of what it is in.
    #[error("the value at offset {at} is longer than what is there")]
    Truncated {
        /// Where its tag is.
        at: usize,
    },
    /// A tag has more than 8 bytes.
    #[error("the tag at offset {at} does not end")]
    Tag {
        /// Where it is.
        at: usize,
    },
    /// Type 7 is reserved.
    #[error("the value at offset {at} has the reserved type")]
    Reserved {
        /// Where its tag is.
        at: usize,
    },
    /// A key is not a string, or has no value.
    #[error("the key at offset {at} is not a string with a value behind it")]
    Key {
        /// Where its tag is.
        at: usize,
    },
    /// A number or truth value has another length than its type has, or is none of them.
    #[error("the value at offset {at} is not one of its type")]
    Scalar {
        /// Where its tag is.
        at: usize,
    },
    /// Arrays and objects nest deeper than [`BIPF_DEPTH_MAX`].
    #[error("values nest deeper than {BIPF_DEPTH_MAX}")]
    TooDeep,
    /// Something follows the value.
    #[error("something follows the value, at offset {at}")]
    Trailing {
        /// Where it starts.
        at: usize,
    },
    /// The value is undefined, for which there is no JSON.
    #[error("the value is undefined")]
    Undefined,
}

/// What V8 prints for a value: `JSON.stringify(bipf.decode(bytes))`.
///
/// # Errors
///
/// [`BipfError`]. JavaScript is less strict: it overlooks most of them and reads something.
pub fn to_json(bytes: &[u8]) -> Result<String, BipfError> {
    decode(bytes).map(|value| json::compact(&value))
}

/// Reads one value, which is all the bytes.
///
/// # Errors
///
/// As [`to_json`].
pub fn decode(bytes: &[u8]) -> Result<Value, BipfError> {
    if bytes.len() > BIPF_LEN_MAX {
        return Err(BipfError::TooLong { len: bytes.len() });
    }
    let mut open: Vec<Open> = Vec::new();
    let mut at = 0;
    loop {
        let limit = open.last().map_or(bytes.len(), |open| open.end);
        let start = at;
        let tag = Tag::read(bytes, &mut at, limit)?;
        let end = at + tag.len;
        if let Some(Open { items: Items::Object { key, .. }, .. }) = open.last_mut()
            && key.is_none()
        {
            if tag.kind != 0 || end == limit {
                return Err(BipfError::Key { at: start });
            }
            *key = Some(text(bytes.get(at..end).unwrap_or_default()));
            at = end;
            continue;
        }
        let mut value = match tag.kind {
            4 | 5 => {
                if open.len() >= BIPF_DEPTH_MAX {
                    return Err(BipfError::TooDeep);
                }
                open.push(Open { end, items: Items::new(tag.kind) });
                None
            }
            kind => {
                let value = scalar(kind, bytes.get(at..end).unwrap_or_default(), start)?;
                at = end;
                Some(value)
            }
        };
        // Puts a value into what it is in, and that, if it is whole, into what that is in.
        loop {
            if let Some(value) = value.take() {
                match open.last_mut() {
                    Some(open) => open.items.push(value),
                    None if at == bytes.len() => return value.ok_or(BipfError::Undefined),
                    None => return Err(BipfError::Trailing { at }),
                }
            }
            match open.pop_if(|open| open.end == at) {
                Some(whole) => value = Some(Some(whole.items.into_value())),
                None => break,
            }
        }
    }
}

struct Tag {
    kind: u64,
    len: usize,
}

impl Tag {
    /// Reads a tag, whose value has to end before `limit`.
    fn read(bytes: &[u8], at: &mut usize, limit: usize) -> Result<Self, BipfError> {
        let start = *at;
        let (mut tag, mut shift) = (0_u64, 0_u32);
        loop {
            if *at >= limit {
                return Err(BipfError::Truncated { at: start });
            }
            let byte = bytes.get(*at).copied().ok_or(BipfError::Truncated { at: start })?;
            *at += 1;
            tag |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                break;
            }
            if shift >= TAG_LEN_MAX * 7 {
                return Err(BipfError::Tag { at: start });
            }
        }
        let len = usize::try_from(tag >> 3).ok().filter(|len| *len <= limit - *at);
        Ok(Self { kind: tag & 7, len: len.ok_or(BipfError::Truncated { at: start })? })
    }
}

/// An array or object of which not all is read.
struct Open {
    end: usize,
    items: Items,
}

enum Items {
    Array(Vec<Value>),
    Object { pairs: Vec<(Text, Value)>, key: Option<Text> },
}

impl Items {
    fn new(kind: u64) -> Self {
        if kind == 4 { Self::Array(Vec::new()) } else { Self::Object { pairs: Vec::new(), key: None } }
    }

    fn push(&mut self, value: Option<Value>) {
        match self {
            Self::Array(values) => values.push(value.unwrap_or(Value::Null)),
            Self::Object { pairs, key } => {
                let key = key.take();
                pairs.extend(key.zip(value));
            }
        }
    }

    fn into_value(self) -> Value {
        match self {
            Self::Array(values) => Value::Array(values),
            Self::Object { pairs, .. } => Value::Object(Object::from_pairs(pairs)),
        }
    }
}

/// A value without values in it. `None` is undefined.
fn scalar(kind: u64, bytes: &[u8], at: usize) -> Result<Option<Value>, BipfError> {
    let wrong = BipfError::Scalar { at };
    Ok(Some(match (kind, bytes) {
        (0, text_bytes) => Value::Text(text(text_bytes)),
        (1, bytes) => buffer(bytes),
        (2, bytes) => Value::Number(f64::from(i32::from_le_bytes(bytes.try_into().map_err(|_| wrong)?))),
        (3, bytes) => Value::Number(f64::from_le_bytes(bytes.try_into().map_err(|_| wrong)?)),
        (6, []) => Value::Null,
        (6, [0]) => Value::Bool(false),
        (6, [1]) => Value::Bool(true),
        (6, [2]) => return Ok(None),
        (6, _) => return Err(wrong),
        _ => return Err(BipfError::Reserved { at }),
    }))
}

fn text(bytes: &[u8]) -> Text {
    Text::new(&String::from_utf8_lossy(bytes))
}

fn buffer(bytes: &[u8]) -> Value {
    let data = bytes.iter().map(|byte| Value::Number(f64::from(*byte))).collect();
    let pairs = [("type", Value::Text(Text::new("Buffer"))), ("data", Value::Array(data))];
    Value::Object(Object::from_pairs(pairs.map(|(name, value)| (Text::new(name), value))))
}

/// The most bytes of a tag: fast-varint has no more.
const TAG_LEN_MAX: u32 = 8;
