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
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Get {
    /// The message with this id; with its key and receive time if `meta`. Peers are asked for it unless `ooo` is false.
    Message { id: MessageId, meta: bool, ooo: bool },
    /// The message at this place, with its key and receive time.
    Place(Ordinal),
}

impl Get {
    /// Reads the arguments: an id, a link to one, a place, or `{id, meta, ooo}`.
    ///
    /// # Errors
    ///
    /// JavaScript's texts (ssb-db 20.4.1).
    pub(crate) fn parse(args: &[u8]) -> Result<Self, RemoteError> {
        match args::nth(args, 0) {
            Some(Value::Object(options)) => {
                let meta = options.get("meta").is_some_and(Value::is_truthy);
                match options.get("id") {
                    Some(Value::Text(link)) => {
                        let ooo = options.get("ooo") != Some(&Value::Bool(false));
                        message(&link.decode(), meta, ooo).ok_or_else(bad_key)
                    }
                    Some(Value::Number(place)) => at(*place),
                    _ => Err(bad_key()),
                }
            }
            Some(argument) if !argument.is_truthy() => Err(args::required()),
            None => Err(args::required()),
            Some(Value::Text(link)) => {
                message(&link.decode(), false, true).ok_or_else(|| args::wrong_type("object"))
            }
            Some(Value::Number(place)) => at(place),
            Some(_) => Err(bad_key()),
        }
    }

    /// Looks it up. May block on the disk. `None` if the log has no message with this id.
    ///
    /// # Errors
    ///
    /// The log cannot be read; or nothing is at the place.
    pub(crate) fn answer(&self, reader: &Reader<Disk>) -> Result<Option<String>, RemoteError> {
        let failed = |error: ReadError| RemoteError::new(error.to_string());
        match self {
            Self::Message { id, .. } => {
                let stored = reader.get(id).map_err(failed)?;
                Ok(stored.map(|stored| self.shaped(&stored.id, stored.json, stored.received)))
            }
            Self::Place(place) => match reader.read(*place) {
                Ok(stored) => Ok(Some(self.shaped(&stored.id, stored.json, stored.received))),
                Err(ReadError::Absent) => {
                    Err(RemoteError::new(format!("the log has no message {}", place.get())))
                }
                Err(error) => Err(failed(error)),
            },
        }
    }

    /// A message as the call wants it.
    pub(crate) fn shaped(&self, id: &MessageId, json: String, received: f64) -> String {
        match self {
            Self::Message { meta: false, .. } => json,
            Self::Message { meta: true, .. } | Self::Place(_) => key_value_timestamp(id, &json, received),
        }
    }
}

/// The log has no message with this id (JavaScript's text).
pub(crate) fn not_found(id: &MessageId) -> RemoteError {
    RemoteError::named("NotFoundError", format!("Key not found in database [{id}]"))
}

fn message(text: &str, meta: bool, ooo: bool) -> Option<Get> {
    let query = text.split_once('?').map(|(_, query)| query).unwrap_or_default();
    let meta = meta
        || query.split('&').any(|pair| pair.strip_prefix("meta=").is_some_and(|value| !value.is_empty()));
    message_id(text).map(|id| Get::Message { id, meta, ooo })
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
            (format!("{{\"id\":\"{id}\",\"meta\":false,\"ooo\":true}}"), false),
            (format!("{{\"id\":\"{id}\",\"meta\":null,\"private\":true,\"unbox\":\"x\"}}"), false),
        ] {
            assert_eq!(parse(&argument), Ok(Get::Message { id, meta, ooo: true }), "{argument}");
        }
        let here = format!("{{\"id\":\"{id}\",\"ooo\":false}}");
        assert_eq!(parse(&here), Ok(Get::Message { id, meta: false, ooo: false }));
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
        let answer = |meta| Get::Message { id: message.id(), meta, ooo: true }.answer(&fixture.reader());

        assert_eq!(answer(false), Ok(Some(message.json().to_owned())));
        let with_meta = key_value_timestamp(&message.id(), message.json(), STEP);
        assert_eq!(answer(true), Ok(Some(with_meta.clone())));
        assert_eq!(Get::Place(Ordinal::ZERO).answer(&fixture.reader()), Ok(Some(with_meta)));
    }

    #[test]
    fn there_is_no_message_behind_the_last() {
        let error = Get::Place(Ordinal::ZERO).answer(&Fixture::new().reader());

        assert_eq!(error, Err(RemoteError::new("the log has no message 0")));
    }

    #[test]
    fn an_unknown_id_is_not_found() {
        let id = MessageId::from_bytes([1; 32]);

        assert_eq!(Get::Message { id, meta: false, ooo: true }.answer(&Fixture::new().reader()), Ok(None));
    }
}
