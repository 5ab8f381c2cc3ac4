//! Questions about feeds: `getLatest`, `latestSequence`, `getFeedState`, `getVectorClock` and `getAtSequence`, with the answers of ssb-db
//! 20.4.1.

use serde_json::Value;
use ssb_gossip::history::key_value_timestamp;
use ssb_keys::FeedId;
use ssb_log::Disk;
use ssb_log::Reader;
use ssb_log::read::ReadError;
use ssb_muxrpc::RemoteError;

use super::args;

/// `getLatest`: `{key, value}`, or `false` where there is nothing. May block on the disk.
///
/// # Errors
///
/// Ours, if the message cannot be read.
pub(crate) fn latest(reader: &Reader<Disk>, feed: &FeedId) -> Result<String, RemoteError> {
    let Some(latest) = reader.latest(feed) else { return Ok("false".to_owned()) };
    let stored = match reader.read(latest.ordinal) {
        // It was deleted.
        Err(ReadError::Absent) => return Ok("false".to_owned()),
        read => read.map_err(|error| RemoteError::new(error.to_string()))?,
    };
    Ok(format!("{{\"key\":\"{}\",\"value\":{}}}", stored.id, stored.json))
}

/// `latestSequence`: a number.
///
/// # Errors
///
/// JavaScript's text for a feed of which there is nothing.
pub(crate) fn latest_sequence(reader: &Reader<Disk>, feed: &FeedId) -> Result<String, RemoteError> {
    let latest = reader.latest(feed).ok_or_else(|| RemoteError::new(format!("not found:{feed}")))?;
    Ok(latest.sequence.to_string())
}

/// What a call of `getAtSequence` means: `[id, sequence]`, or `id:sequence`.
///
/// # Errors
///
/// Ours, in the words that JavaScript has for others of its kind.
pub(crate) fn place(args: &[u8]) -> Result<(FeedId, u32), RemoteError> {
    let wrong = || args::wrong_type("[feedId, sequence]");
    let (feed, sequence) = match args::first(args) {
        Value::String(text) => {
            let (feed, sequence) = text.rsplit_once(':').ok_or_else(wrong)?;
            (FeedId::parse(feed).ok(), sequence.parse().ok())
        }
        Value::Array(parts) => {
            let sequence = parts.get(1).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok());
            (parts.first().and_then(Value::as_str).and_then(|id| FeedId::parse(id).ok()), sequence)
        }
        other if args::is_truthy(&other) => return Err(wrong()),
        _ => return Err(args::required()),
    };
    feed.zip(sequence).ok_or_else(wrong)
}

/// `getAtSequence`: `{key, value, timestamp}`. May block on the disk.
///
/// # Errors
///
/// JavaScript's text for a message that is not there (ssb-db 20.4.1).
pub(crate) fn at_sequence(
    reader: &Reader<Disk>,
    feed: &FeedId,
    sequence: u32,
) -> Result<String, RemoteError> {
    let text = || format!("Key not found in database [{feed},{sequence}]");
    let not_found = || RemoteError::named("NotFoundError", text());
    let at = reader.by_sequence(feed, sequence).ok_or_else(not_found)?;
    match reader.read(at) {
        Ok(stored) => Ok(key_value_timestamp(&stored.id, &stored.json, stored.received)),
        Err(ReadError::Absent) => Err(not_found()),
        Err(error) => Err(RemoteError::new(error.to_string())),
    }
}

/// `getFeedState`: `{id, sequence}`.
pub(crate) fn state(reader: &Reader<Disk>, feed: &FeedId) -> String {
    match reader.latest(feed) {
        Some(latest) => format!("{{\"id\":\"{}\",\"sequence\":{}}}", latest.id, latest.sequence),
        None => "{\"id\":null,\"sequence\":0}".to_owned(),
    }
}

/// `getVectorClock`: the latest sequence of each feed, in the order in which their first messages came.
pub(crate) fn vector_clock(reader: &Reader<Disk>) -> String {
    let entries: Vec<String> =
        reader.feeds().iter().map(|latest| format!("\"{}\":{}", latest.feed, latest.sequence)).collect();
    format!("{{{}}}", entries.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;
    use crate::fixture::key;

    #[test]
    fn a_feed_is_told_by_its_latest_message() {
        let mut fixture = Fixture::new();
        fixture.publish_posts(&key(1), 1, 1);
        let last = fixture.publish(&key(1), r#"{"type":"post"}"#);
        fixture.publish_posts(&key(2), 1, 1);
        let (reader, feed) = (fixture.reader(), key(1).id());

        let expected = format!(r#"{{"key":"{}","value":{}}}"#, last.id(), last.json());
        assert_eq!(latest(&reader, &feed), Ok(expected));
        assert_eq!(latest_sequence(&reader, &feed).as_deref(), Ok("2"));
        assert_eq!(state(&reader, &feed), format!(r#"{{"id":"{}","sequence":2}}"#, last.id()));
        assert_eq!(vector_clock(&reader), format!(r#"{{"{feed}":2,"{}":1}}"#, key(2).id()));
    }

    #[test]
    fn of_a_feed_that_nobody_has_each_says_so_in_its_own_way() {
        let (reader, feed) = (Fixture::new().reader(), key(1).id());

        assert_eq!(latest(&reader, &feed).as_deref(), Ok("false"));
        assert_eq!(latest_sequence(&reader, &feed), Err(RemoteError::new(format!("not found:{feed}"))));
        assert_eq!(state(&reader, &feed), r#"{"id":null,"sequence":0}"#);
        assert_eq!(vector_clock(&reader), "{}");
    }
}
