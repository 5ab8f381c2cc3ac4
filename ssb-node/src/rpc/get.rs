//! `get`: one message by its id, or what stands at a place of the log.
//!
//! With `private` a message that was sealed for the owner comes in plain text; with `unbox` any other, too, if that is its key. What
//! cannot be opened stays as it is. A place is a byte offset in ssb-db 20.4.1, and an ordinal here; what stands there is opened
//! without being asked.

use ssb_gossip::history::key_value_timestamp;
use ssb_keys::MessageId;
use ssb_keys::bfe::Id;
use ssb_keys::link::Link;
use ssb_log::Disk;
use ssb_log::Ordinal;
use ssb_log::Reader;
use ssb_log::Stored;
use ssb_log::fields::Fields;
use ssb_log::opener::Key;
use ssb_log::opener::Opened;
use ssb_log::read::ReadError;
use ssb_msg::json;
use ssb_msg::json::Value;
use ssb_muxrpc::RemoteError;

use super::args;

/// What a call asks for.
#[derive(Clone, Debug)]
pub(crate) enum Get {
    /// The message with this id; with its key and receive time if `meta`. Peers are asked for it unless `ooo` is false.
    Message { id: MessageId, meta: bool, ooo: bool, sight: Sight },
    /// The message at this place, with its key and receive time.
    Place(Ordinal),
}

/// What of a private message the caller wants to see.
#[derive(Clone, Debug)]
pub(crate) enum Sight {
    /// What everybody sees.
    Sealed,
    /// What it says, if it is for the owner or this is its key.
    Plain(Option<Key>),
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
                let is_private = options.get("private") == Some(&Value::Bool(true));
                let sight = || match options.get("unbox") {
                    _ if !is_private => Sight::Sealed,
                    Some(Value::Text(key)) => Sight::with(&key.decode()),
                    _ => Sight::Plain(None),
                };
                match options.get("id") {
                    Some(Value::Text(link)) => {
                        let ooo = options.get("ooo") != Some(&Value::Bool(false));
                        message(&link.decode(), meta, ooo, sight()).ok_or_else(bad_key)
                    }
                    Some(Value::Number(place)) => at(*place),
                    _ => Err(bad_key()),
                }
            }
            Some(argument) if !argument.is_truthy() => Err(args::required()),
            None => Err(args::required()),
            Some(Value::Text(link)) => {
                message(&link.decode(), false, true, Sight::Sealed).ok_or_else(|| args::wrong_type("object"))
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
            Self::Message { id, sight, .. } => {
                let stored = match sight {
                    Sight::Sealed => reader.sealed().get(id),
                    Sight::Plain(_) => reader.get(id),
                };
                Ok(stored.map_err(failed)?.map(|stored| self.shaped(&stored)))
            }
            Self::Place(place) => match reader.read(*place) {
                Ok(stored) => Ok(Some(self.shaped(&stored))),
                Err(ReadError::Absent) => {
                    Err(RemoteError::new(format!("the log has no message {}", place.get())))
                }
                Err(error) => Err(failed(error)),
            },
        }
    }

    /// A message that peers have given as the call wants it. It was received now. May take a while, if it is to be opened.
    pub(crate) fn given(&self, reader: &Reader<Disk>, id: MessageId, json: String, received: f64) -> String {
        let opened = match self {
            Self::Message { sight: Sight::Plain(_), .. } => reader.open(&json),
            _ => None,
        };
        self.shaped(&Stored { ordinal: Ordinal::ZERO, id, received, json, opened })
    }

    fn shaped(&self, stored: &Stored) -> String {
        let with_key = match self {
            Self::Message { sight: Sight::Plain(Some(key)), .. } if stored.opened.is_none() => {
                let opened = Fields::of(&stored.json).and_then(|message| Opened::with(key, &message));
                opened.and_then(|opened| opened.show(&stored.json))
            }
            _ => None,
        };
        let json = with_key.as_ref().map_or_else(|| stored.shown(), |shown| shown.as_str());
        match self {
            Self::Message { meta: false, .. } => json.to_owned(),
            Self::Message { meta: true, .. } | Self::Place(_) => {
                key_value_timestamp(&stored.id, json, stored.received)
            }
        }
    }
}

impl Sight {
    /// Plain text with this key. What is no key opens nothing.
    fn with(key: &str) -> Self {
        // As with a blob's, there may be a suffix.
        Self::Plain(key.split('.').next().and_then(Key::parse))
    }
}

/// The log has no message with this id (JavaScript's text).
pub(crate) fn not_found(id: &MessageId) -> RemoteError {
    RemoteError::named("NotFoundError", format!("Key not found in database [{id}]"))
}

fn message(text: &str, meta: bool, ooo: bool, sight: Sight) -> Option<Get> {
    let link = Link::parse(text)?;
    let Id::Message(id) = link.id() else { return None };
    let has_meta = link.query().iter().any(|(name, value)| name == "meta" && !value.is_empty());
    Some(match link.unbox() {
        // A link with a key says all.
        Some(key) => Get::Message { id, meta: has_meta, ooo, sight: Sight::with(&key) },
        None => Get::Message { id, meta: meta || has_meta, ooo, sight },
    })
}

fn at(place: f64) -> Result<Get, RemoteError> {
    let whole = json::compact(&Value::Number(place));
    whole.parse().map(|place| Get::Place(Ordinal::new(place))).map_err(|_| bad_key())
}

fn bad_key() -> RemoteError {
    RemoteError::new("ssb-db.get: key *must* be a ssb message id or a flume offset")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;
    use crate::fixture::STEP;
    use crate::fixture::box2;
    use crate::fixture::key;
    use crate::fixture::sealed;
    use ssb_keys::base64;

    fn parse(argument: &str) -> Result<Get, RemoteError> {
        Get::parse(format!("[{argument}]").as_bytes())
    }

    /// What a call asks for, as text.
    fn asked(argument: &str) -> Result<String, RemoteError> {
        parse(argument).map(|get| format!("{get:?}"))
    }

    fn of(id: MessageId, meta: bool, ooo: bool, sight: &Sight) -> Result<String, RemoteError> {
        Ok(format!("{:?}", Get::Message { id, meta, ooo, sight: sight.clone() }))
    }

    #[test]
    fn an_id_a_link_or_an_object_names_a_message() {
        let id = MessageId::from_bytes([1; 32]);
        let unbox = base64::encode(&[0xfb; 33]);
        let encoded = unbox.replace('+', "%2B");
        let (sealed, plain) = (Sight::Sealed, Sight::Plain(None));
        let with_key = Sight::with(&unbox);
        assert!(matches!(with_key, Sight::Plain(Some(_))));
        for (argument, meta, sight) in [
            (format!("\"{id}\""), false, &sealed),
            (format!("\"{id}?unbox=abc\""), false, &plain),
            (format!("\"{id}?unbox=abc&meta=true\""), true, &plain),
            (format!("\"{id}?unbox={unbox}\""), false, &with_key),
            (format!("\"{id}?unbox={encoded}.boxs\""), false, &with_key),
            (format!("\"{id}?meta=true\""), true, &sealed),
            (format!("{{\"id\":\"{id}\"}}"), false, &sealed),
            (format!("{{\"id\":\"{id}\",\"meta\":true}}"), true, &sealed),
            (format!("{{\"id\":\"{id}\",\"meta\":\"x\"}}"), true, &sealed),
            (format!("{{\"id\":\"{id}\",\"meta\":false}}"), false, &sealed),
            (format!("{{\"id\":\"{id}\",\"meta\":0}}"), false, &sealed),
            (format!("{{\"id\":\"{id}\",\"meta\":false,\"ooo\":true}}"), false, &sealed),
            (format!("{{\"id\":\"{id}\",\"private\":true}}"), false, &plain),
            (format!("{{\"id\":\"{id}\",\"private\":1,\"unbox\":\"{unbox}\"}}"), false, &sealed),
            (format!("{{\"id\":\"{id}\",\"meta\":null,\"private\":true,\"unbox\":\"x\"}}"), false, &plain),
            (format!("{{\"id\":\"{id}\",\"private\":true,\"unbox\":5}}"), false, &plain),
            (format!("{{\"id\":\"{id}\",\"private\":true,\"unbox\":\"{unbox}\"}}"), false, &with_key),
            (format!("{{\"id\":\"{id}?unbox={unbox}\",\"meta\":true}}"), false, &with_key),
        ] {
            assert_eq!(asked(&argument), of(id, meta, true, sight), "{argument}");
        }
        let here = format!("{{\"id\":\"{id}\",\"ooo\":false}}");
        assert_eq!(asked(&here), of(id, false, false, &sealed));
    }

    #[test]
    fn a_number_names_a_place() {
        for (argument, place) in [("3", 3), (r#"{"id":0}"#, 0)] {
            assert!(matches!(parse(argument), Ok(Get::Place(at)) if at == Ordinal::new(place)), "{argument}");
        }
        for argument in ["1.5", "-1", "1e300", r#"{"id":1.5}"#] {
            assert_eq!(parse(argument).unwrap_err(), bad_key(), "{argument}");
        }
    }

    #[test]
    fn what_names_no_message_is_refused_in_javascript_s_words() {
        let feed = key(1).id();
        for argument in ["\"x\"", &format!("\"{feed}\"")] {
            assert_eq!(parse(argument).unwrap_err(), args::wrong_type("object"), "{argument}");
        }
        for argument in ["", "null", "0", "false", "\"\""] {
            assert_eq!(parse(argument).unwrap_err(), args::required(), "{argument}");
        }
        for argument in ["true", "[]", "{}", r#"{"id":true}"#, r#"{"id":"x"}"#] {
            assert_eq!(parse(argument).unwrap_err(), bad_key(), "{argument}");
        }
        assert_eq!(Get::parse(b"not json").unwrap_err(), args::required());
    }

    #[test]
    fn a_message_is_answered_with_or_without_key_and_time() {
        let mut fixture = Fixture::new();
        let message = fixture.publish(&key(1), r#"{"type":"post"}"#);
        let answer = |meta| {
            Get::Message { id: message.id(), meta, ooo: true, sight: Sight::Sealed }.answer(&fixture.reader())
        };

        assert_eq!(answer(false), Ok(Some(message.json().to_owned())));
        let with_meta = key_value_timestamp(&message.id(), message.json(), STEP);
        assert_eq!(answer(true), Ok(Some(with_meta.clone())));
        assert_eq!(Get::Place(Ordinal::ZERO).answer(&fixture.reader()), Ok(Some(with_meta)));
    }

    #[test]
    fn a_private_message_is_opened_for_the_owner_if_they_ask_or_have_its_key() {
        let mut fixture = Fixture::new();
        let mine = fixture.publish(&key(2), &sealed(r#"{"type":"mine"}"#, &[1]));
        let theirs = fixture.publish(&key(2), &sealed(r#"{"type":"theirs"}"#, &[3]));
        let private = fixture.private_reader();
        let get = |id: MessageId, options: &str, reader: &Reader<Disk>| {
            parse(&format!("{{\"id\":\"{id}\"{options}}}")).unwrap().answer(reader).unwrap().unwrap()
        };
        let fields = Fields::of(theirs.json()).unwrap();
        let unbox = ssb_log::Opener::new(key(3)).open(&fields).unwrap().key().to_text();
        let with_key = format!(",\"private\":true,\"unbox\":\"{}\"", unbox.as_str());

        assert!(get(mine.id(), ",\"private\":true", &private).contains(r#""content":{"type":"mine"},"#));
        assert!(get(mine.id(), &with_key, &private).contains(r#""content":{"type":"mine"},"#));
        assert!(get(theirs.id(), &with_key, &private).contains(r#""content":{"type":"theirs"},"#));
        assert!(Get::Place(Ordinal::ZERO).answer(&private).unwrap().unwrap().contains(r#"{"type":"mine"}"#));
        assert_eq!(get(mine.id(), "", &private), mine.json());
        assert_eq!(get(theirs.id(), ",\"private\":true", &private), theirs.json());
        assert_eq!(get(mine.id(), ",\"private\":true", &fixture.reader()), mine.json());
    }

    #[test]
    fn a_box2_is_opened_for_the_owner_or_with_its_key_too() {
        let mut fixture = Fixture::new();
        let mine = fixture.publish(&key(2), &box2(r#"{"type":"mine"}"#, 2, None, 1));
        let theirs = fixture.publish(&key(2), &box2(r#"{"type":"theirs"}"#, 2, Some(mine.id()), 3));
        let private = fixture.private_reader();
        let get = |id: MessageId, options: &str| {
            let get = parse(&format!("{{\"id\":\"{id}\",\"private\":true{options}}}")).unwrap();
            get.answer(&private).unwrap().unwrap()
        };
        let fields = Fields::of(theirs.json()).unwrap();
        let unbox = ssb_log::Opener::new(key(3)).open(&fields).unwrap().key().to_text();

        let shown = get(mine.id(), "");
        assert!(
            shown.contains(r#""content":{"type":"mine"},"#) && shown.contains(r#""private":true,"unbox":""#)
        );
        assert_eq!(get(theirs.id(), ""), theirs.json());
        let with_key = get(theirs.id(), &format!(",\"unbox\":\"{}\"", unbox.as_str()));
        assert!(with_key.contains(r#""content":{"type":"theirs"},"#));
    }

    #[test]
    fn what_peers_have_given_is_opened_like_what_is_here() {
        let mut fixture = Fixture::new();
        let mine = fixture.publish(&key(2), &sealed(r#"{"type":"mine"}"#, &[1]));
        let given = |options: &str, reader: &Reader<Disk>| {
            let get = parse(&format!("{{\"id\":\"{}\"{options}}}", mine.id())).unwrap();
            get.given(reader, mine.id(), mine.json().to_owned(), 5.0)
        };

        assert!(given(",\"private\":true", &fixture.private_reader()).contains(r#"{"type":"mine"}"#));
        assert_eq!(given("", &fixture.private_reader()), mine.json());
        assert_eq!(given(",\"private\":true", &fixture.reader()), mine.json());
    }

    #[test]
    fn there_is_no_message_behind_the_last() {
        let error = Get::Place(Ordinal::ZERO).answer(&Fixture::new().reader());

        assert_eq!(error, Err(RemoteError::new("the log has no message 0")));
    }

    #[test]
    fn an_unknown_id_is_not_found() {
        let get =
            Get::Message { id: MessageId::from_bytes([1; 32]), meta: false, ooo: true, sight: Sight::Sealed };

        assert_eq!(get.answer(&Fixture::new().reader()), Ok(None));
    }
}
