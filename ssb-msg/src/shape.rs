//! The slow way to read a message: by a tree, for what is unusual or wrong.
//!
//! It is the one statement of the rules; [`scan`](crate::scan) may only ever say the same, or nothing.

use alloc::boxed::Box;
use alloc::string::String;

use ssb_keys::FeedId;
use ssb_keys::MessageId;
use ssb_keys::Signature;
use ssb_keys::base64;

use crate::fields::Fields;
use crate::fields::Stated;
use crate::json;
use crate::json::Object;
use crate::json::Text;
use crate::json::Value;
use crate::limits::SEQUENCE_MAX;
use crate::limits::TYPE_UNITS_MAX;
use crate::limits::TYPE_UNITS_MIN;
use crate::limits::UNITS_MAX;
use crate::unverified::ParseError;
use crate::unverified::Unverified;

/// Reads a message of whatever spelling.
pub(crate) fn parse(bytes: &[u8]) -> Result<Unverified, ParseError> {
    read(&json::parse(bytes).map_err(ParseError::Json)?)
}

/// Takes a value as a message, if it is one.
pub(crate) fn read(message: &Value) -> Result<Unverified, ParseError> {
    let object = message.as_object().ok_or(ParseError::NotAnObject)?;
    check_keys(object)?;
    let field = |key| object.get(key).unwrap_or(&Value::Null);
    let previous = previous(field("previous"))?;
    let author =
        id_text(field("author")).and_then(|text| FeedId::parse(text).ok()).ok_or(ParseError::Author)?;
    let sequence = field("sequence").as_number().and_then(sequence).ok_or(ParseError::Sequence)?;
    check_first(sequence, previous)?;
    let timestamp =
        field("timestamp").as_number().filter(|number| number.is_finite()).ok_or(ParseError::Timestamp)?;
    if !field("hash").as_text().is_some_and(|hash| hash.is("sha256")) {
        return Err(ParseError::Hash);
    }
    let content_type = content_type(field("content"))?;
    let signature = id_text(field("signature"))
        .and_then(|text| Signature::parse(text).ok())
        .ok_or(ParseError::Signature)?;
    // Counted before it is written: indentation could make it a hundred times longer than the bytes.
    let units = json::pretty_units(message);
    if units > UNITS_MAX {
        return Err(ParseError::TooLong { units });
    }
    let (compact, content) = compact(object);
    let stated = Stated { previous, author, sequence, timestamp, content, content_type, signature };
    let (fields, signed) = Fields::new(&compact, json::pretty(message), stated)
        .map_err(|units| ParseError::TooLong { units })?;
    Ok(Unverified { fields, signed })
}

/// The rule for encrypted content: canonical base64, perhaps of nothing, then `.box`, then anything on one line.
pub(crate) fn is_encrypted(escaped: &str) -> bool {
    let Some((cipher, suffix)) = escaped.split_once('.') else {
        return false;
    };
    suffix.starts_with("box")
        && base64::is_canonical(cipher)
        && !json::decode(suffix).contains(['\n', '\r', '\u{2028}', '\u{2029}'])
}

/// The rule for the `type` of content that is an object.
pub(crate) fn check_type_len(escaped: &str) -> Result<(), ParseError> {
    match json::units(escaped) {
        TYPE_UNITS_MIN..=TYPE_UNITS_MAX => Ok(()),
        units => Err(ParseError::TypeLength { units }),
    }
}

/// A first message has no predecessor, every other one has.
pub(crate) fn check_first(sequence: u32, previous: Option<MessageId>) -> Result<(), ParseError> {
    if (sequence == 1) == previous.is_none() { Ok(()) } else { Err(ParseError::First { sequence }) }
}

/// A sequence that JavaScript's 32 bits can hold.
pub(crate) fn sequence(number: f64) -> Option<u32> {
    if !(1.0..=f64::from(SEQUENCE_MAX)).contains(&number) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range was just checked")]
    let sequence = number as u32;
    (f64::from(sequence) == number).then_some(sequence)
}

fn check_keys(object: &Object) -> Result<(), ParseError> {
    let in_order = |order: [&str; 7]| {
        object.len() == order.len() && object.iter().zip(order).all(|((key, _), wanted)| key.is(wanted))
    };
    let usual = ["previous", "sequence", "author", "timestamp", "hash", "content", "signature"];
    let other = ["previous", "author", "sequence", "timestamp", "hash", "content", "signature"];
    if in_order(usual) || in_order(other) { Ok(()) } else { Err(ParseError::Keys) }
}

fn previous(value: &Value) -> Result<Option<MessageId>, ParseError> {
    if *value == Value::Null {
        return Ok(None);
    }
    match id_text(value).map(MessageId::parse) {
        Some(Ok(id)) => Ok(Some(id)),
        _ => Err(ParseError::Previous),
    }
}

/// The text of an id or signature: their alphabet has nothing that is escaped.
fn id_text(value: &Value) -> Option<&str> {
    value.as_text().map(Text::escaped)
}

/// `None` for encrypted content.
fn content_type(content: &Value) -> Result<Option<Box<str>>, ParseError> {
    match content {
        Value::Text(text) if is_encrypted(text.escaped()) => Ok(None),
        Value::Object(object) => {
            let name = object.get("type").and_then(Value::as_text).ok_or(ParseError::Type)?;
            check_type_len(name.escaped())?;
            Ok(Some(name.decode().into()))
        }
        _ => Err(ParseError::Content),
    }
}

/// The compact form, and where the content is in it.
fn compact(object: &Object) -> (String, core::ops::Range<usize>) {
    let mut compact = String::new();
    let mut content = 0..0;
    for (key, value) in object.iter() {
        compact.push(if compact.is_empty() { '{' } else { ',' });
        compact.push('"');
        compact.push_str(key.escaped());
        compact.push_str("\":");
        let start = compact.len();
        json::compact_into(value, &mut compact);
        if key.is("content") {
            content = start..compact.len();
        }
    }
    compact.push('}');
    (compact, content)
}
