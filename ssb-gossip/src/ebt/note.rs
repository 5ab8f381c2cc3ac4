//! Notes, and how they are told from messages.
//!
//! An item of an `ebt.replicate` stream is a message, as a bare value, or a clock: a JSON object of feeds and notes, perhaps
//! wrapped in `{"clock": …}` (epidemic-broadcast-trees 7.0.0 and 9.0.4, version 3 of the protocol). JavaScript computes notes
//! with 32 bits; here they have as many as a JSON number holds exactly.

use std::borrow::Cow;
use std::fmt;
use std::fmt::Write as _;

use serde::Deserialize;
use serde::Deserializer;
use serde::de::IgnoredAny;
use serde::de::MapAccess;
use serde::de::Visitor;
use serde_json::value::RawValue;
use ssb_keys::FeedId;
use thiserror::Error;

/// The most notes of one item that are looked at; the rest of it is passed over. Far more than anybody follows.
pub const NOTES_MAX: usize = 65_536;

/// The highest sequence in a note: twice that is the highest number that JavaScript counts with.
pub const SEQUENCE_MAX: u64 = (1 << 52) - 1;

/// What one side says of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// It does not replicate the feed, at least not with this peer.
    Refused,
    /// It has the feed up to here.
    Has {
        /// The last sequence, 0 if there is none yet.
        sequence: u64,
        /// Whether the other side is to send what follows.
        send: bool,
    },
}

impl Note {
    /// As the number that is sent: −1, or twice the sequence, and one more if nothing is to be sent.
    pub const fn to_number(self) -> i64 {
        match self {
            Self::Refused => -1,
            Self::Has { sequence, send } => {
                let sequence = if sequence > SEQUENCE_MAX { SEQUENCE_MAX } else { sequence };
                (sequence << 1).cast_signed() | !send as i64
            }
        }
    }

    /// From that number. `None` if nobody can mean it.
    pub const fn from_number(number: i64) -> Option<Self> {
        match number {
            -1 => Some(Self::Refused),
            0.. if number >> 1 <= SEQUENCE_MAX.cast_signed() => {
                Some(Self::Has { sequence: (number >> 1).cast_unsigned(), send: number & 1 == 0 })
            }
            _ => None,
        }
    }
}

/// A clock as it is sent.
pub fn to_json<'a>(notes: impl IntoIterator<Item = &'a (FeedId, Note)>) -> String {
    let mut text = String::from("{");
    for (feed, note) in notes {
        let comma = if text.len() == 1 { "" } else { "," };
        // Nothing fails that writes into a string.
        let _ = write!(text, "{comma}\"{feed}\":{}", note.to_number());
    }
    text.push('}');
    text
}

/// An item of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A message that says it is of this feed, and which of its messages. `None` if that is no feed's id.
    Message(Option<(FeedId, u64)>),
    /// Notes, in the order in which they stand there. What is no feed, or no note, is left out.
    Clock(Vec<(FeedId, Note)>),
}

impl Item {
    /// Tells what an item is. A message has a `sequence` above 0, an `author` and a `content`; it is not looked into further.
    ///
    /// # Errors
    ///
    /// [`NoItem`] if it is no JSON object.
    pub fn read(body: &[u8]) -> Result<Self, NoItem> {
        let head: Head<'_> = serde_json::from_slice(body).map_err(|_| NoItem)?;
        let sequence = head.sequence.and_then(integer).filter(|sequence| *sequence > 0);
        if let (Some(sequence), Some(author), Some(_)) = (sequence, head.author.and_then(text), head.content)
        {
            let feed = FeedId::parse(&author).ok();
            return Ok(Self::Message(feed.map(|feed| (feed, sequence.cast_unsigned()))));
        }
        let wrapped = head.clock.filter(|clock| clock.get().starts_with(['{', '[']));
        let clock = match wrapped {
            // An array names no feeds.
            Some(clock) if clock.get().starts_with('[') => Notes::default(),
            Some(clock) => serde_json::from_str(clock.get()).map_err(|_| NoItem)?,
            None => serde_json::from_slice(body).map_err(|_| NoItem)?,
        };
        Ok(Self::Clock(clock.0))
    }
}

/// It is no JSON object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("neither a message nor a clock")]
pub struct NoItem;

/// What tells a message from a clock.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    sequence: Option<&'a RawValue>,
    #[serde(borrow)]
    author: Option<&'a RawValue>,
    content: Option<IgnoredAny>,
    #[serde(borrow)]
    clock: Option<&'a RawValue>,
}

fn integer(raw: &RawValue) -> Option<i64> {
    let number: f64 = serde_json::from_str(raw.get()).ok()?;
    let is_exact = number.fract() == 0.0 && number.abs() <= EXACT_MAX;
    #[expect(clippy::cast_possible_truncation, reason = "it is an integer, and small enough")]
    is_exact.then_some(number as i64)
}

fn text(raw: &RawValue) -> Option<String> {
    serde_json::from_str(raw.get()).ok()
}

/// Up to here a JSON number is exact.
pub const EXACT_MAX: f64 = 9_007_199_254_740_991.0;

#[derive(Default)]
struct Notes(Vec<(FeedId, Note)>);

impl<'de> Deserialize<'de> for Notes {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_map(ReadNotes)
    }
}

struct ReadNotes;

impl<'de> Visitor<'de> for ReadNotes {
    type Value = Notes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of feeds and notes")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Notes, A::Error> {
        let mut notes = Vec::new();
        while let Some((feed, note)) = map.next_entry::<Cow<'_, str>, &RawValue>()? {
            if notes.len() < NOTES_MAX
                && let Ok(feed) = FeedId::parse(&feed)
                && let Some(note) = integer(note).and_then(Note::from_number)
            {
                notes.push((feed, note));
            }
        }
        Ok(Notes(notes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn feed(n: u8) -> FeedId {
        FeedId::from_bytes([n; 32])
    }

    fn has(sequence: u64, send: bool) -> Note {
        Note::Has { sequence, send }
    }

    fn clock(text: &str) -> Vec<(FeedId, Note)> {
        match Item::read(text.as_bytes()) {
            Ok(Item::Clock(notes)) => notes,
            other => panic!("{other:?}"),
        }
    }

    proptest! {
        #[test]
        fn what_is_said_is_what_is_heard(
            notes in proptest::collection::vec((any::<u8>(), 0..=SEQUENCE_MAX, any::<bool>(), any::<bool>()), 0..40),
            is_wrapped in any::<bool>()
        ) {
            let notes: Vec<(FeedId, Note)> = notes
                .into_iter()
                .map(|(n, sequence, send, refused)| (feed(n), if refused { Note::Refused } else { has(sequence, send) }))
                .collect();
            let text = to_json(&notes);
            let text = if is_wrapped { format!("{{\"clock\":{text}}}") } else { text };

            prop_assert_eq!(clock(&text), notes);
        }

        #[test]
        fn no_bytes_make_it_panic(text in "[{}\\[\\]\",:a1e.-]{0,60}", bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = Item::read(text.as_bytes());
            let _ = Item::read(&bytes);
        }
    }

    #[test]
    fn what_is_no_feed_or_no_note_is_left_out() {
        let [one, two] = [feed(1), feed(2)];

        for value in ["1.5", "\"4\"", "null", "true", "{}", "-2", "-3", "1e300", "9007199254740992"] {
            assert_eq!(
                clock(&format!("{{\"{one}\":{value},\"{two}\":4}}")),
                [(two, has(2, true))],
                "{value}"
            );
        }
        for value in ["4", "4.0", "0.4e1"] {
            assert_eq!(clock(&format!("{{\"{one}\":{value}}}")), [(one, has(2, true))], "{value}");
        }
        assert_eq!(clock(&format!("{{\"{one}\":9007199254740991}}")), [(one, has(SEQUENCE_MAX, false))]);
        assert_eq!(clock(&format!("{{\"@x\":4,\"__proto__\":4,\"{one}\":-1}}")), [(one, Note::Refused)]);
        assert_eq!(clock("{\"clock\":[]}"), []);
    }

    #[test]
    fn so_many_notes_are_looked_at_and_no_more() {
        for (count, read) in
            [(NOTES_MAX - 1, NOTES_MAX - 1), (NOTES_MAX, NOTES_MAX), (NOTES_MAX + 1, NOTES_MAX)]
        {
            let notes: Vec<(FeedId, Note)> = (0..count)
                .map(|n| {
                    let mut bytes = [0; 32];
                    bytes[..8].copy_from_slice(&n.to_le_bytes());
                    (FeedId::from_bytes(bytes), has(7, false))
                })
                .collect();

            assert_eq!(clock(&to_json(&notes)).len(), read);
        }
    }

    #[test]
    fn a_message_is_told_by_three_of_its_fields() {
        let author = feed(1);
        let message = |fields: &str| Item::read(format!("{{{fields}}}").as_bytes());

        assert_eq!(
            message(&format!(r#""sequence":7,"author":"{author}","content":{{}}"#)),
            Ok(Item::Message(Some((author, 7))))
        );
        assert_eq!(message(r#""sequence":1,"author":"@x","content":"a.box""#), Ok(Item::Message(None)));
        for fields in [
            format!(r#""sequence":0,"author":"{author}","content":{{}}"#),
            format!(r#""sequence":1.5,"author":"{author}","content":{{}}"#),
            format!(r#""sequence":"1","author":"{author}","content":{{}}"#),
            r#""sequence":1,"author":5,"content":{}"#.to_owned(),
            format!(r#""sequence":1,"author":"{author}""#),
            format!(r#""sequence":1,"author":"{author}","content":null"#),
        ] {
            assert_eq!(message(&fields), Ok(Item::Clock(Vec::new())), "{fields}");
        }
        for body in ["", "1", "null", "[]", "\"a\"", "{", "{}x"] {
            assert_eq!(Item::read(body.as_bytes()), Err(NoItem), "{body}");
        }
        // The last number that is exact, and the one behind it.
        let sequence =
            |number: &str| message(&format!(r#""sequence":{number},"author":"{author}","content":{{}}"#));
        assert_eq!(sequence("9007199254740991"), Ok(Item::Message(Some((author, 9_007_199_254_740_991)))));
        for number in ["9007199254740992", "9007199254740993", "-9007199254740992", "1e300", "1e999"] {
            assert!(!matches!(sequence(number), Ok(Item::Message(_))), "{number}");
        }
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(Item::read(deep.as_bytes()), Ok(Item::Clock(Vec::new())));
    }
}
