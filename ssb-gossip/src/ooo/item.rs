//! An item of an `ooo.stream`: what is wanted, and what messages are (gossip-query 2.0.2).

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::Deserializer;
use serde::de::MapAccess;
use serde::de::Visitor;
use serde_json::value::RawValue;
use ssb_keys::MessageId;
use ssb_msg::limits::WIRE_LEN_MAX;

use super::DISTANCE_MAX;

/// What an item says. What is no id, no distance or no message is left out.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Item {
    /// Messages that are wanted, and from how far away.
    pub wants: Vec<(MessageId, u8)>,
    /// What is said to be a message, as it came.
    pub answers: Vec<(MessageId, Vec<u8>)>,
}

impl Item {
    /// Reads one; one that cannot be read says nothing.
    pub fn read(body: &[u8]) -> Self {
        serde_json::from_slice(body).unwrap_or_default()
    }
}

/// Wants, as an item.
pub fn wants(wants: &[(MessageId, u8)]) -> String {
    let entries: Vec<String> = wants.iter().map(|(id, distance)| format!("\"{id}\":-{distance}")).collect();
    format!("{{{}}}", entries.join(","))
}

/// A message, as an item.
pub fn answer(id: &MessageId, json: &str) -> String {
    format!("{{\"{id}\":{json}}}")
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_map(ReadItem)
    }
}

struct ReadItem;

impl<'de> Visitor<'de> for ReadItem {
    type Value = Item;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of ids with distances or messages")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Item, A::Error> {
        let mut item = Item::default();
        while let Some((id, value)) = map.next_entry::<Cow<'_, str>, &RawValue>()? {
            let Ok(id) = MessageId::parse(&id) else { continue };
            let text = value.get();
            if text.starts_with('{') {
                if text.len() <= WIRE_LEN_MAX {
                    item.answers.push((id, text.as_bytes().to_vec()));
                }
            } else if let Some(distance) = distance(text) {
                item.wants.push((id, distance));
            }
        }
        Ok(item)
    }
}

/// A distance is said as a negative number.
fn distance(text: &str) -> Option<u8> {
    let number: f64 = text.parse().ok()?;
    (1..=DISTANCE_MAX).find(|distance| f64::from(*distance) == -number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id(n: u8) -> MessageId {
        MessageId::from_bytes([n; 32])
    }

    #[test]
    fn what_is_said_is_what_is_heard() {
        let said = [(id(1), 1), (id(2), 3)];

        assert_eq!(Item::read(wants(&said).as_bytes()).wants, said);
        let answered = Item::read(answer(&id(3), r#"{"author":"x"}"#).as_bytes());
        assert_eq!(answered.answers, [(id(3), br#"{"author":"x"}"#.to_vec())]);
    }

    #[test]
    fn what_is_neither_is_left_out() {
        for value in ["0", "-4", "1", "-1.5", "-1e300", "null", "true", "\"-1\"", "[]", "[-1]"] {
            let item = Item::read(format!("{{\"{}\":{value},\"{}\":-2}}", id(1), id(2)).as_bytes());
            assert_eq!(item, Item { wants: vec![(id(2), 2)], answers: Vec::new() }, "{value}");
        }
        for value in ["-1", "-1.0", "-0.1e1"] {
            assert_eq!(Item::read(format!("{{\"{}\":{value}}}", id(1)).as_bytes()).wants, [(id(1), 1)]);
        }
        let feed = format!("{{\"@{}.ed25519\":-1,\"\":-1,\"%\":-1}}", "A".repeat(43));
        for body in [&feed, "", "5", "null", "[]", "\"x\"", "{", "{\"a\":}", "\u{0}"] {
            assert_eq!(Item::read(body.as_bytes()), Item::default(), "{body}");
        }
    }

    #[test]
    fn a_message_may_have_this_many_bytes_and_no_more() {
        let sized = |len: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(len - r#"{"a":""}"#.len()));
        for (len, taken) in [(WIRE_LEN_MAX, 1), (WIRE_LEN_MAX + 1, 0)] {
            assert_eq!(Item::read(answer(&id(1), &sized(len)).as_bytes()).answers.len(), taken, "{len}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(text in "[{}\\[\\]\",:a1e.%-]{0,60}", bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = Item::read(text.as_bytes());
            let _ = Item::read(&bytes);
        }
    }
}
