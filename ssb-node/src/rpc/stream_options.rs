//! The options that all streams of messages share: `live old sync gt gte lt lte reverse limit keys values private`, as ssb-db
//! 20.4.1 reads them. A stream without its stored part is a live one (pull-live 1.0.1).

use std::ops::Bound;
use std::ops::Range;
use std::ops::RangeBounds;

use serde_json::Map;
use serde_json::Value;
use ssb_gossip::history::key_value_timestamp;
use ssb_log::Stored;
use ssb_muxrpc::RemoteError;

use super::args::is_truthy;
use super::args::wrong_option;

/// What a caller wants of a stream.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Options {
    pub(crate) live: bool,
    pub(crate) old: bool,
    pub(crate) sync: bool,
    pub(crate) reverse: bool,
    pub(crate) keys: bool,
    pub(crate) values: bool,
    /// Whether what was sealed for the owner comes in plain text.
    pub(crate) private: bool,
    /// How many stored messages. `None` for all.
    pub(crate) limit: Option<u64>,
    /// Whether the limit counts new messages, too, and ends the stream.
    pub(crate) limits_live: bool,
    /// Of the values by which the stream is sorted. Of `gt` and `gte` the latter counts, of `lt` and `lte` the former.
    pub(crate) range: (Bound<f64>, Bound<f64>),
}

impl Options {
    /// Reads the options of a call.
    ///
    /// # Errors
    ///
    /// JavaScript's text for an option of the wrong type.
    pub(crate) fn parse(options: &Map<String, Value>) -> Result<Self, RemoteError> {
        let truthy = |name: &str| options.get(name).filter(|value| is_truthy(value));
        for name in ["live", "reverse", "keys", "values", "limit", "fillCache"] {
            let type_name = if name == "limit" { "number" } else { "boolean" };
            match truthy(name) {
                None | Some(Value::Number(_)) => {}
                Some(Value::Bool(_)) if name != "limit" => {}
                Some(_) => return Err(wrong_option(name, type_name)),
            }
        }
        Ok(Self::parse_unchecked(options))
    }

    /// As [`parse`](Self::parse), for methods whose options nobody checks: what is of a wrong type means what it means to
    /// JavaScript.
    pub(crate) fn parse_unchecked(options: &Map<String, Value>) -> Self {
        let truthy = |name: &str| options.get(name).filter(|value| is_truthy(value));
        // JavaScript compares with `false`: nothing else turns these off.
        let is_not_false = |name: &str| options.get(name) != Some(&Value::Bool(false));
        let bound = |name: &str| options.get(name).map(place);
        let lower = bound("gte").map(Bound::Included).or_else(|| bound("gt").map(Bound::Excluded));
        let upper = bound("lt").map(Bound::Excluded).or_else(|| bound("lte").map(Bound::Included));
        let limit = options.get("limit").and_then(Value::as_f64).filter(|limit| *limit >= 0.0);
        Self {
            live: options.get("live") == Some(&Value::Bool(true)) || !is_not_false("old"),
            old: is_not_false("old"),
            limits_live: false,
            sync: is_not_false("sync"),
            reverse: truthy("reverse").is_some(),
            keys: is_not_false("keys"),
            values: is_not_false("values"),
            private: options.get("private") == Some(&Value::Bool(true)),
            limit: limit.map(whole),
            range: (lower.unwrap_or(Bound::Unbounded), upper.unwrap_or(Bound::Unbounded)),
        }
    }

    /// The item for a message.
    pub(crate) fn item(&self, stored: &Stored) -> String {
        let json = self.message(stored);
        match (self.keys, self.values) {
            (true, true) => key_value_timestamp(&stored.id, json, stored.received),
            (true, false) => format!("\"{}\"", stored.id),
            (false, _) => json.to_owned(),
        }
    }

    /// The message that an item has.
    pub(crate) fn message<'a>(&self, stored: &'a Stored) -> &'a str {
        if self.private { stored.shown() } else { &stored.json }
    }

    /// The numbers of those `within` that are in the range.
    pub(crate) fn whole_numbers(&self, within: Range<u32>) -> Range<u32> {
        let (lower, upper) = self.range;
        let start = match lower {
            Bound::Unbounded => within.start,
            Bound::Included(number) => clamp(number.ceil()),
            Bound::Excluded(number) => clamp(number.floor() + 1.0),
        };
        let end = match upper {
            Bound::Unbounded => within.end,
            Bound::Included(number) => clamp(number.floor() + 1.0),
            Bound::Excluded(number) => clamp(number.ceil()),
        };
        let start = start.clamp(within.start, within.end);
        start..end.clamp(start, within.end)
    }

    /// Whether a message with this sort value is wanted.
    pub(crate) fn is_in_range(&self, sort_value: f64) -> bool {
        self.range.contains(&sort_value)
    }
}

/// What stands between stored and live items.
pub(crate) const SYNC: &str = "{\"sync\":true}";

// Where a bound stands among numbers, in the order of charwise 3.0.1: null, booleans, numbers, all else.
fn place(bound: &Value) -> f64 {
    match bound {
        Value::Null | Value::Bool(_) => f64::NEG_INFINITY,
        Value::Number(number) => number.as_f64().unwrap_or(f64::INFINITY),
        Value::String(_) | Value::Array(_) | Value::Object(_) => f64::INFINITY,
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped and whole")]
fn clamp(number: f64) -> u32 {
    number.clamp(0.0, f64::from(u32::MAX)) as u32
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "not negative, and saturating is right"
)]
fn whole(number: f64) -> u64 {
    number as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::options;

    fn defaults() -> Options {
        Options {
            live: false,
            old: true,
            sync: true,
            reverse: false,
            keys: true,
            values: true,
            private: false,
            limit: None,
            limits_live: false,
            range: (Bound::Unbounded, Bound::Unbounded),
        }
    }

    #[test]
    fn options_are_read_as_javascript_reads_them() {
        use Bound::Excluded;
        use Bound::Included;
        use Bound::Unbounded;
        for (text, expected) in [
            ("{}", defaults()),
            (r#"{"live":true}"#, Options { live: true, ..defaults() }),
            (r#"{"live":1}"#, defaults()),
            (r#"{"old":false}"#, Options { live: true, old: false, ..defaults() }),
            (r#"{"live":0,"reverse":null,"limit":null}"#, defaults()),
            (r#"{"sync":false,"reverse":true}"#, Options { sync: false, reverse: true, ..defaults() }),
            (r#"{"keys":false,"values":false}"#, Options { keys: false, values: false, ..defaults() }),
            (r#"{"keys":0,"values":null,"old":0,"sync":"x"}"#, defaults()),
            (r#"{"private":true}"#, Options { private: true, ..defaults() }),
            (r#"{"private":1}"#, defaults()),
            (r#"{"limit":3}"#, Options { limit: Some(3), ..defaults() }),
            (r#"{"limit":0}"#, Options { limit: Some(0), ..defaults() }),
            (r#"{"limit":-1}"#, defaults()),
            (r#"{"limit":2.9}"#, Options { limit: Some(2), ..defaults() }),
            (r#"{"gt":5}"#, Options { range: (Excluded(5.0), Unbounded), ..defaults() }),
            (r#"{"gte":5,"gt":9}"#, Options { range: (Included(5.0), Unbounded), ..defaults() }),
            (r#"{"lt":5.5}"#, Options { range: (Unbounded, Excluded(5.5)), ..defaults() }),
            (r#"{"lte":9,"lt":5}"#, Options { range: (Unbounded, Excluded(5.0)), ..defaults() }),
            (r#"{"lte":9}"#, Options { range: (Unbounded, Included(9.0)), ..defaults() }),
            (r#"{"gt":"x"}"#, Options { range: (Excluded(f64::INFINITY), Unbounded), ..defaults() }),
            (r#"{"lte":null}"#, Options { range: (Unbounded, Included(f64::NEG_INFINITY)), ..defaults() }),
            (r#"{"unknown":{}}"#, defaults()),
        ] {
            assert_eq!(Options::parse(&options(text)), Ok(expected), "{text}");
        }
    }

    #[test]
    fn options_of_the_wrong_type_are_refused_in_javascript_s_words() {
        for name in ["live", "reverse", "keys", "values", "fillCache"] {
            let error = Err(wrong_option(name, "boolean"));
            assert_eq!(Options::parse(&options(&format!(r#"{{"{name}":"yes"}}"#))), error);
        }
        for value in ["\"5\"", "true", "{}"] {
            let error = Err(wrong_option("limit", "number"));
            assert_eq!(Options::parse(&options(&format!(r#"{{"limit":{value}}}"#))), error);
        }
    }
}
