//! `get`: one message by its id, or what stands at a place of the log.
//!
//! `private` and `unbox` are for messages that this node can read, of which there are none yet: their content stays as it is,
//! as it does in ssb-db 20.4.1 for messages to others. A place is a byte offset there, and an ordinal here.

use ssb_gossip::history::key_value_timestamp;
use ssb_keys::MessageId;
use ssb_keys::bfe::Id;
use ssb_keys::link::Link;
use ssb_log::Disk;
use ssb_log::Ordinal;
use ssb_log::Reader;
use ssb_log::read::ReadError;
use ssb_msg::json;
use ssb_msg::json::Value;
use ssb_muxrpc::RemoteError;

use super::args;

/// What a call asks for.
#[derive(Debug, PartialEq)]
pub(crate) enum Get {
    /// The message with this id; with its key and receive time if `meta`.
    Message { id: MessageId, meta: bool },
    /// The message at this place, with its key and receive time.
    Place(Ordinal),
}

impl Get {
    /// Reads the arguments: an id, a link to one, a place, or `{id, meta}`.
    ///
    /// # Errors
    ///
    /// JavaScript's texts (ssb-db 20.4.1).
    pub(crate) fn parse(args: &[u8]) -> Result<Self, RemoteError> {
        match args::nth(args, 0) {
            Some(Value::Object(options)) => {
                let meta = options.get("meta").is_some_and(Value::is_truthy);
                match options.get("id") {
                    Some(Value::Text(link)) => message(&link.decode(), meta).ok_or_else(bad_key),
                    Some(Value::Number(place)) => at(*place),
                    _ => Err(bad_key()),
                }
            }
            Some(argument) if !argument.is_truthy() => Err(args::required()),
            None => Err(args::required()),
            Some(Value::Text(link)) => {
                message(&link.decode(), false).ok_or_else(|| args::wrong_type("object"))
            }
            Some(Value::Number(place)) => at(place),
            Some(_) => Err(bad_key()),
        }
    }

    /// Looks it up. May block on the disk.
    ///
    /// # Errors
    ///
    /// JavaScript's text for an unknown id, ours for a place where nothing is.
    pub(crate) fn answer(&self, reader: &Reader<Disk>) -> Result<String, RemoteError> {
        let failed = |error: ReadError| RemoteError::new(error.to_string());
        let (stored, meta) = match self {
            Self::Message { id, meta } => {
                let stored = reader.get(id).map_err(failed)?;
                let text = || format!("Key not found in database [{id}]");
                (stored.ok_or_else(|| RemoteError::named("NotFoundError", text()))?, *meta)
            }
            Self::Place(place) => match reader.read(*place) {
                Ok(stored) => (stored, true),
                Err(ReadError::Absent) => {
                    return Err(RemoteError::new(format!("the log has no message {}", place.get())));
                }
                Err(error) => return Err(failed(error)),
            },
        };
        Ok(if meta { key_value_timestamp(&stored.id, &stored.json, stored.received) } else { stored.json })
    }
}

fn message(text: &str, meta: bool) -> Option<Get> {
    let query = text.split_once('?').map(|(_, query)| query).unwrap_or_default();
    let meta = meta
        || query.split('&').any(|pair| pair.strip_prefix("meta=").is_some_and(|value| !value.is_empty()));
    message_id(text).map(|id| Get::Message { id, meta })
}

fn at(place: f64) -> Result<Get, RemoteError> {
    let whole = json::compact(&Value::Number(place));
    whole.parse().map(|place| Get::Place(Ordinal::new(place))).map_err(|_| bad_key())
}

fn message_id(text: &str) -> Option<MessageId> {
    match Link::parse(text)?.id() {
        Id::Message(id) => Some(id),
        _ => None,
    }
}

fn bad_key() -> RemoteError {
    RemoteError::new("ssb-db.get: key *must* be a ssb message id or a flume offset")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;
    use crate::fixture::STEP;
    use crate::fixture::key;

    fn parse(argument: &str) -> Result<Get, RemoteError> {
        Get::parse(format!("[{argument}]").as_bytes())
    }

    #[test]
    fn an_id_a_link_or_an_object_names_a_message() {
        let id = MessageId::from_bytes([1; 32]);
        for (argument, meta) in [
            (format!("\"{id}\""), false),
            (format!("\"{id}?unbox=abc\""), false),
            (format!("\"{id}?unbox=abc&meta=true\""), true),
            (format!("{{\"id\":\"{id}\"}}"), false),
            (format!("{{\"id\":\"{id}\",\"meta\":true}}"), true),
            (format!("{{\"id\":\"{id}\",\"meta\":\"x\"}}"), true),
            (format!("{{\"id\":\"{id}\",\"meta\":false}}"), false),
            (format!("{{\"id\":\"{id}\",\"meta\":0}}"), false),
            (format!("{{\"id\":\"{id}\",\"meta\":null,\"private\":true,\"unbox\":\"x\"}}"), false),
        ] {
            assert_eq!(parse(&argument), Ok(Get::Message { id, meta }), "{argument}");
        }
    }

    #[test]
    fn a_number_names_a_place() {
        assert_eq!(parse("3"), Ok(Get::Place(Ordinal::new(3))));
        assert_eq!(parse(r#"{"id":0}"#), Ok(Get::Place(Ordinal::ZERO)));
        for argument in ["1.5", "-1", "1e300", r#"{"id":1.5}"#] {
            assert_eq!(parse(argument), Err(bad_key()), "{argument}");
        }
    }

    #[test]
    fn what_names_no_message_is_refused_in_javascript_s_words() {
        let feed = key(1).id();
        for argument in ["\"x\"", &format!("\"{feed}\"")] {
            assert_eq!(parse(argument), Err(args::wrong_type("object")), "{argument}");
        }
        for argument in ["", "null", "0", "false", "\"\""] {
            assert_eq!(parse(argument), Err(args::required()), "{argument}");
        }
        for argument in ["true", "[]", "{}", r#"{"id":true}"#, r#"{"id":"x"}"#] {
            assert_eq!(parse(argument), Err(bad_key()), "{argument}");
        }
        assert_eq!(Get::parse(b"not json"), Err(args::required()));
    }

    #[test]
    fn a_message_is_answered_with_or_without_key_and_time() {
        let mut fixture = Fixture::new();
        let message = fixture.publish(&key(1), r#"{"type":"post"}"#);
        let answer = |meta| Get::Message { id: message.id(), meta }.answer(&fixture.reader());

        assert_eq!(answer(false).as_deref(), Ok(message.json()));
        let with_meta = key_value_timestamp(&message.id(), message.json(), STEP);
        assert_eq!(answer(true), Ok(with_meta.clone()));
        assert_eq!(Get::Place(Ordinal::ZERO).answer(&fixture.reader()), Ok(with_meta));
    }

    #[test]
    fn there_is_no_message_behind_the_last() {
        let error = Get::Place(Ordinal::ZERO).answer(&Fixture::new().reader());

        assert_eq!(error, Err(RemoteError::new("the log has no message 0")));
    }

    #[test]
    fn an_unknown_id_is_not_found() {
        let id = MessageId::from_bytes([1; 32]);

        let answer = Get::Message { id, meta: false }.answer(&Fixture::new().reader());

        let text = format!("Key not found in database [{id}]");
        assert_eq!(answer, Err(RemoteError::named("NotFoundError", text)));
    }
}
