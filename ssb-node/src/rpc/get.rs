//! `get`: one message by its id.

use serde_json::Value;
use ssb_gossip::history::key_value_timestamp;
use ssb_keys::MessageId;
use ssb_keys::bfe::Id;
use ssb_keys::link::Link;
use ssb_log::Disk;
use ssb_log::Reader;
use ssb_muxrpc::RemoteError;

/// What a call asks for.
#[derive(Debug, PartialEq)]
pub(crate) struct Get {
    id: MessageId,
    /// Whether to answer with key and receive time, too.
    meta: bool,
}

impl Get {
    /// Reads the arguments: an id, a link to one, or `{id, meta}`.
    ///
    /// # Errors
    ///
    /// JavaScript's texts (ssb-db 20.4.1).
    pub(crate) fn parse(args: &[u8]) -> Result<Self, RemoteError> {
        let args: Value = serde_json::from_slice(args).unwrap_or_default();
        let argument = args.get(0).unwrap_or(&Value::Null);
        match argument {
            Value::Object(options) => {
                let id = options
                    .get("id")
                    .or_else(|| options.get("key"))
                    .and_then(Value::as_str)
                    .and_then(message_id);
                let meta =
                    options.get("meta").is_some_and(|meta| *meta != Value::Bool(false) && !meta.is_null());
                id.map(|id| Self { id, meta }).ok_or_else(bad_key)
            }
            Value::String(id) => message_id(id)
                .map(|id| Self { id, meta: false })
                .ok_or_else(|| RemoteError::new("Param 0 must by of type object")),
            _ => Err(bad_key()),
        }
    }

    /// Looks it up. May block on the disk.
    ///
    /// # Errors
    ///
    /// JavaScript's text for an unknown id.
    pub(crate) fn answer(&self, reader: &Reader<Disk>) -> Result<String, RemoteError> {
        match reader.get(&self.id) {
            Ok(Some(stored)) if self.meta => {
                Ok(key_value_timestamp(&stored.id, &stored.json, stored.received))
            }
            Ok(Some(stored)) => Ok(stored.json),
            Ok(None) => {
                Err(RemoteError::named("NotFoundError", format!("Key not found in database [{}]", self.id)))
            }
            Err(error) => Err(RemoteError::new(error.to_string())),
        }
    }
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
