//! The arguments of a call, as raw JSON.

use serde_json::Map;
use serde_json::Value;
use serde_json::value::RawValue;
use ssb_keys::FeedId;
use ssb_msg::json;
use ssb_muxrpc::RemoteError;

/// The arguments, each as the text it came in. Missing ones are `None`, as is what is not an array at all.
pub(crate) fn split(args: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(args);
    let split: Vec<Box<RawValue>> = serde_json::from_str(&text).unwrap_or_default();
    split.into_iter().map(|argument| argument.get().to_owned()).collect()
}

/// The first argument, `null` if it is missing.
pub(crate) fn first(args: &[u8]) -> Value {
    let first = split(args).into_iter().next().unwrap_or_default();
    serde_json::from_str(&first).unwrap_or_default()
}

/// An argument with the order of its keys. `None` if it is missing, or more than can be parsed.
pub(crate) fn nth(args: &[u8], n: usize) -> Option<json::Value> {
    let argument = split(args).into_iter().nth(n)?;
    json::parse(argument.as_bytes()).ok()
}

/// An argument, whatever the order of its keys. `None` if it is missing.
pub(crate) fn nth_plain(args: &[u8], n: usize) -> Option<Value> {
    serde_json::from_str(&split(args).into_iter().nth(n)?).ok()
}

/// The feed id that a call was given.
///
/// # Errors
///
/// JavaScript's texts (muxrpc-validation 3.0.2).
pub(crate) fn feed_id(args: &[u8]) -> Result<FeedId, RemoteError> {
    let argument = first(args);
    if !is_truthy(&argument) {
        return Err(required());
    }
    let id = argument.as_str().and_then(|id| FeedId::parse(id).ok());
    id.ok_or_else(|| wrong_type("feedId"))
}

/// The options object that a call may have been given, of a type with this name in JavaScript's error texts.
///
/// # Errors
///
/// JavaScript's text for what is no object (muxrpc-validation 3.0.2).
pub(crate) fn options(args: &[u8], type_name: &str) -> Result<Option<Map<String, Value>>, RemoteError> {
    match first(args) {
        Value::Object(options) => Ok(Some(options)),
        // An array is an object, and has a function `reverse`.
        Value::Array(_) => Err(wrong_option("reverse", "boolean")),
        other if is_truthy(&other) => Err(wrong_type(type_name)),
        _ => Ok(None),
    }
}

/// Whether JavaScript takes a value for true.
pub(crate) fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

/// An error that JavaScript's command line prints without its name.
pub(crate) fn usage(message: &str) -> RemoteError {
    RemoteError::named("UsageError", message)
}

/// The first argument is missing.
pub(crate) fn required() -> RemoteError {
    usage("Param 0 is required")
}

/// The first argument is no such thing.
pub(crate) fn wrong_type(type_name: &str) -> RemoteError {
    RemoteError::named("TypeError", format!("Param 0 must by of type {type_name}"))
}

/// A field of the first argument is missing or no such thing.
pub(crate) fn wrong_field(field: &str, type_name: &str) -> RemoteError {
    usage(&format!("Param 0 must have a .{field} of type \"{type_name}\""))
}

/// An option in the first argument is no such thing. The order of the words is JavaScript's (ssb-db 20.4.1).
pub(crate) fn wrong_option(option: &str, type_name: &str) -> RemoteError {
    usage(&format!(".0 of param {option} must be of type \"{type_name}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_stay_the_text_they_came_in() {
        assert_eq!(
            split(br#"[ {"b":1.50,"a":1} , 5,"x\u00e9"]"#),
            [r#"{"b":1.50,"a":1}"#, "5", r#""x\u00e9""#]
        );
        for none in ["", "[]", "{}", "5", "[1"] {
            assert_eq!(split(none.as_bytes()), <[String; 0]>::default(), "{none}");
        }
    }

    #[test]
    fn options_are_an_object_or_missing() {
        let options = |args: &str| options(args.as_bytes(), "readStreamOpts");
        assert_eq!(
            options(r#"[{"limit":1}]"#).map(|options| options.map(|options| options.len())),
            Ok(Some(1))
        );
        for none in ["", "[]", "[null]", "[0]", "[false]", r#"[""]"#] {
            assert_eq!(options(none), Ok(None), "{none}");
        }
        for wrong in ["[5]", r#"["x"]"#, "[true]"] {
            assert_eq!(options(wrong), Err(wrong_type("readStreamOpts")), "{wrong}");
        }
        assert_eq!(options("[[]]"), Err(wrong_option("reverse", "boolean")));
    }

    #[test]
    fn a_feed_id_is_required_and_nothing_else_will_do() {
        let id = FeedId::from_bytes([1; 32]);
        assert_eq!(feed_id(format!("[\"{id}\",5]").as_bytes()), Ok(id));
        for none in ["", "[]", "[null]", "[0]", "{}"] {
            assert_eq!(feed_id(none.as_bytes()), Err(required()), "{none}");
        }
        for wrong in [r#"["x"]"#, "[5]", "[{}]", &format!("[\"{id}?x=1\"]")] {
            assert_eq!(feed_id(wrong.as_bytes()), Err(wrong_type("feedId")), "{wrong}");
        }
    }
}
