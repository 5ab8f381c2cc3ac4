//! The parts of a stored message, by name, without taking it apart.

use ssb_keys::FeedId;
use ssb_keys::MessageId;

use crate::index::Facts;
use crate::locate;
use crate::locate::Target;
use crate::reader::Stored;

/// Where the parts of a message are. Content is not looked into until somebody does.
///
/// Finding them takes a look at what is before the content; a part becomes a number or an id when it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fields<'a> {
    previous: &'a str,
    author: &'a str,
    sequence: &'a str,
    timestamp: &'a str,
    content: &'a str,
}

impl<'a> Fields<'a> {
    /// Finds them in the compact JSON of a message. `None` if it is none.
    pub fn of(message: &'a str) -> Option<Self> {
        let [mut previous, mut author, mut sequence, mut timestamp] = [None; 4];
        let mut members = locate::members(message);
        let content = loop {
            if let Some(content) = members.rest_is_content() {
                break content;
            }
            let (key, value) = members.next()?;
            let place = match key {
                "previous" => &mut previous,
                "author" => &mut author,
                "sequence" => &mut sequence,
                "timestamp" => &mut timestamp,
                _ => continue,
            };
            *place = Some(value);
        };
        Some(Fields {
            previous: previous?,
            author: author?,
            sequence: sequence?,
            timestamp: timestamp?,
            content,
        })
    }

    /// The id of the message before it in its feed, if it is not the first.
    pub fn previous(&self) -> Option<MessageId> {
        MessageId::parse(locate::plain_text(self.previous)?).ok()
    }

    /// Whose it is.
    pub fn author(&self) -> Option<FeedId> {
        FeedId::parse(locate::plain_text(self.author)?).ok()
    }

    /// Which message of its feed it is, from 1 on.
    pub fn sequence(&self) -> Option<u32> {
        self.sequence.parse().ok()
    }

    /// When its author says it was made, in milliseconds since 1970.
    pub fn timestamp(&self) -> Option<f64> {
        self.timestamp.parse().ok()
    }

    /// What it says: JSON, an object, or a string if it is encrypted.
    pub const fn content(&self) -> &'a str {
        self.content
    }

    /// The raw value of a key of the content. `None` if there is no such key, or the content is encrypted.
    pub fn of_content(&self, key: &str) -> Option<&'a str> {
        locate::member(self.content, key)
    }
}

impl Stored {
    /// When its author says it was made, or when it was received if the author says a later time or none: the time by which
    /// JavaScript sorts it.
    pub fn time(&self) -> f64 {
        time(&self.json, self.received)
    }

    /// All that its content points at, anywhere in it, in the order in which it does. Nothing, if it is encrypted.
    pub fn targets(&self) -> Vec<Target> {
        let mut targets = Vec::new();
        if let Some(content) = locate::content(&self.json) {
            locate::targets(content, |target| targets.push(target));
        }
        targets
    }

    /// Where its parts are. `None` if it is no message.
    pub fn fields(&self) -> Option<Fields<'_>> {
        Fields::of(&self.json)
    }
}

/// The time by which a message is sorted: what its author claims, unless that was still to come when it was received, or is none.
pub(crate) fn time(message: &str, received: f64) -> f64 {
    let claimed = locate::member(message, "timestamp").and_then(|raw| raw.parse::<f64>().ok());
    claimed.filter(|claimed| *claimed != 0.0).map_or(received, |claimed| claimed.min(received))
}

/// What an index needs of a message, if it is written as those in the log are.
pub(crate) fn facts(id: [u8; 32], body: &[u8]) -> Option<Facts> {
    let [mut previous, mut author, mut sequence, mut timestamp] = [None; 4];
    for (key, value) in locate::members(std::str::from_utf8(body).ok()?) {
        match key {
            "previous" => previous = Some(value),
            "author" => author = Some(value),
            "sequence" => sequence = Some(value),
            "timestamp" => timestamp = Some(value),
            // What follows is long.
            _ if timestamp.is_some() => break,
            _ => {}
        }
    }
    let previous = match previous? {
        "null" => None,
        raw => Some(MessageId::parse(locate::plain_text(raw)?).ok()?),
    };
    Some(Facts {
        id: MessageId::from_bytes(id),
        author: FeedId::parse(locate::plain_text(author?)?).ok()?,
        sequence: sequence?.parse().ok()?,
        previous,
        timestamp: timestamp?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ordinal::Ordinal;
    use ssb_keys::Keypair;
    use ssb_msg::Signing;
    use ssb_msg::ValidationState;
    use ssb_msg::draft;

    fn stored(json: &str) -> Stored {
        Stored {
            ordinal: Ordinal::ZERO,
            id: MessageId::from_bytes([0; 32]),
            received: 0.0,
            json: json.to_owned(),
            opened: None,
        }
    }

    #[test]
    fn the_parts_of_a_message_are_what_was_signed() {
        let me = Keypair::from_seed(&[1; 32]);
        let mut state = ValidationState::new(me.id());
        let mut previous = None;
        for (sequence, content) in [(1, r#"{"type":"post","text":"{\"a\"}"}"#), (2, r#"{"type":"about"}"#)] {
            let message = draft::sign(content, &state, 5.5, &me, &Signing::plain()).unwrap();
            state.advance(state.check(&message).unwrap());
            let stored = stored(message.json());

            let fields = stored.fields().unwrap();

            assert_eq!(fields.previous(), previous);
            assert_eq!(fields.author(), Some(me.id()));
            assert_eq!(fields.sequence(), Some(sequence));
            assert_eq!(fields.timestamp(), Some(5.5));
            assert_eq!(fields.content(), content);
            let facts = facts(*message.id().as_bytes(), message.compact());
            assert_eq!(facts, Some(Facts::of(&message)));
            previous = Some(message.id());
        }
    }

    #[test]
    fn content_is_looked_into_by_key() {
        let text = r#"{"previous":null,"author":"","sequence":1,"timestamp":1,"content":CONTENT}"#;
        let message = stored(&text.replace("CONTENT", r#"{"type":"post"}"#));
        assert_eq!(message.fields().unwrap().of_content("type"), Some(r#""post""#));
        assert_eq!(message.fields().unwrap().of_content("text"), None);

        let encrypted = stored(&text.replace("CONTENT", r#""abc.box""#));
        assert_eq!(encrypted.fields().unwrap().of_content("type"), None);
        assert_eq!(stored(r#"{"author":"x"}"#).fields(), None);
    }
}
