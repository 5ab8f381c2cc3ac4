//! Looking at messages as JavaScript printed them.

use serde_json::Value;

use crate::wait::fail;

/// Parses what a client printed.
///
/// # Panics
///
/// When it is not JSON.
#[track_caller]
#[must_use]
pub fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| fail(format_args!("not JSON ({error}): {text}")))
}

/// The id of a stored message: the `key` of `{"key":..,"value":..,"timestamp":..}`.
///
/// Not by way of [`json`]: a message may contain lone surrogates, which are no text in Rust.
///
/// # Panics
///
/// When the text does not start with a key.
#[track_caller]
#[must_use]
pub fn key(text: &str) -> &str {
    let key = text.strip_prefix(r#"{"key":""#).and_then(|rest| rest.split_once('"'));
    key.unwrap_or_else(|| fail(format_args!("no key at the start of {text}"))).0
}

/// The value of a stored message, as text: re-serialized, it would be another message.
///
/// # Panics
///
/// When the text is not a stored message.
#[track_caller]
#[must_use]
pub fn value(text: &str) -> &str {
    let value = text.split_once(r#"","value":"#).and_then(|(_, rest)| rest.rsplit_once(r#","timestamp":"#));
    value.unwrap_or_else(|| fail(format_args!("not key, value and timestamp, in this order: {text}"))).0
}

/// `{"key":..,"value":..,"timestamp":..}` without the time at which this node received it, the only part in which two
/// nodes may differ. The rest stays text, so that the order of keys is compared too. Anything else comes back as it is.
#[must_use]
pub fn without_receive_time(text: &str) -> String {
    match split_receive_time(text) {
        Some((rest, _, behind)) => format!("{rest}{behind}}}"),
        None => text.to_owned(),
    }
}

/// When this node received the message.
///
/// # Panics
///
/// When the text has no such time.
#[track_caller]
#[must_use]
pub fn receive_time(text: &str) -> String {
    match split_receive_time(text) {
        Some((_, time, _)) => time.to_owned(),
        None => fail(format_args!("no receive time at the end of {text}")),
    }
}

// What is before the time, the time, and what is behind it: the time by which a feed stream sorts.
fn split_receive_time(text: &str) -> Option<(&str, &str, &str)> {
    let (rest, time) = text.strip_suffix('}')?.rsplit_once(",\"timestamp\":")?;
    let (time, behind) = time.find(",\"rts\":").map_or((time, ""), |at| time.split_at(at));
    time.parse::<f64>().is_ok().then_some((rest, time, behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_outer_time_is_cut_off() {
        let stored = r#"{"key":"%k","value":{"timestamp":1,"signature":"s"},"timestamp":2.5}"#;

        assert_eq!(without_receive_time(stored), r#"{"key":"%k","value":{"timestamp":1,"signature":"s"}}"#);
        assert_eq!(receive_time(stored), "2.5");
        assert_eq!(value(stored), r#"{"timestamp":1,"signature":"s"}"#);
        assert_eq!(key(stored), "%k");
    }

    #[test]
    fn the_time_of_a_feed_stream_stays() {
        let item = r#"{"key":"%k","value":{"timestamp":1},"timestamp":2.5,"rts":1}"#;

        assert_eq!(without_receive_time(item), r#"{"key":"%k","value":{"timestamp":1},"rts":1}"#);
        assert_eq!(receive_time(item), "2.5");
    }

    #[test]
    fn a_bare_value_stays_as_it_is() {
        let value = r#"{"timestamp":1,"content":{"text":",\"timestamp\":3"},"signature":"s"}"#;

        assert_eq!(without_receive_time(value), value);
    }
}
