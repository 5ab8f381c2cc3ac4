//! The arguments of a call, as raw JSON.

use serde_json::value::RawValue;

/// The arguments, each as the text it came in. Missing ones are `None`, as is what is not an array at all.
pub(crate) fn split(args: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(args);
    let split: Vec<Box<RawValue>> = serde_json::from_str(&text).unwrap_or_default();
    split.into_iter().map(|argument| argument.get().to_owned()).collect()
}

/// The options object of a stream: `null` and a missing one are empty.
pub(crate) fn options(args: &[u8]) -> serde_json::Map<String, serde_json::Value> {
    let first = split(args).into_iter().next().unwrap_or_default();
    serde_json::from_str(&first).unwrap_or_default()
}
