//! An item of `createWants`: what is wanted and from how far away, and who has what (ssb-blobs 1.2.2).

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::fmt::Write as _;

use serde::Deserialize;
use serde::Deserializer;
use serde::de::MapAccess;
use serde::de::Visitor;
use serde_json::value::RawValue;
use ssb_keys::BlobId;

use super::limits::ENTRIES_MAX;

/// What is said of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// It is wanted, and whoever wants it is so many connections away from whoever hears this: 1 is the speaker. On the wire a
    /// negative number.
    Wanted(u8),
    /// The speaker has it, and it has so many bytes. On the wire a positive number.
    Has(u64),
}

/// Reads an item. What is no id, or no integer but 0, is left out, and all of what is no object.
pub fn read(body: &[u8]) -> Vec<(BlobId, Word)> {
    serde_json::from_slice(body).map_or_else(|_| Vec::new(), |Item(words)| words)
}

/// An item as it is sent: `{}` if nothing is said.
pub fn to_json(words: &[(BlobId, Word)]) -> String {
    let mut text = String::from("{");
    for (id, word) in words {
        let comma = if text.len() == 1 { "" } else { "," };
        // Nothing fails that writes into a string.
        let _ = match word {
            Word::Wanted(distance) => write!(text, "{comma}\"{id}\":-{distance}"),
            Word::Has(size) => write!(text, "{comma}\"{id}\":{size}"),
        };
    }
    text.push('}');
    text
}

struct Item(Vec<(BlobId, Word)>);

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_map(ReadItem)
    }
}

struct ReadItem;

impl<'de> Visitor<'de> for ReadItem {
    type Value = Item;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of ids with integers")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Item, A::Error> {
        let mut words = Vec::new();
        let mut count = 0;
        while let Some((id, value)) = map.next_entry::<Cow<'_, str>, &RawValue>()? {
            count += 1;
            if count > ENTRIES_MAX {
                continue;
            }
            let word = BlobId::parse(&id).ok().zip(word(value.get()));
            words.extend(word);
        }
        Ok(Item(words))
    }
}

/// JavaScript's numbers are integers if nothing stands behind their point, however they are written.
fn word(text: &str) -> Option<Word> {
    let number: f64 = text.parse().ok().filter(|number: &f64| number.is_finite())?;
    let magnitude = number.abs();
    // From here on a number has nothing behind its point.
    let is_integer = magnitude >= EXACT_MAX || magnitude % 1.0 == 0.0;
    if !is_integer || magnitude == 0.0 {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "more than fits is as much as fits"
    )]
    Some(if number < 0.0 { Word::Wanted(magnitude as u8) } else { Word::Has(magnitude as u64) })
}

/// 2^53.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::vec;
    use proptest::prelude::*;

    fn id(n: u8) -> BlobId {
        BlobId::from_bytes([n; 32])
    }

    #[test]
    fn what_is_said_is_what_is_heard() {
        let said = [(id(1), Word::Wanted(1)), (id(2), Word::Has(5000)), (id(3), Word::Wanted(3))];

        let text = to_json(&said);

        assert_eq!(read(text.as_bytes()), said);
        assert_eq!(text, format!("{{\"{}\":-1,\"{}\":5000,\"{}\":-3}}", id(1), id(2), id(3)));
        assert_eq!(to_json(&[]), "{}");
    }

    #[test]
    fn an_integer_may_be_written_in_any_way_and_is_cut_to_what_fits() {
        for (text, said) in [
            ("-1", Word::Wanted(1)),
            ("-1.0", Word::Wanted(1)),
            ("-0.2e1", Word::Wanted(2)),
            ("-300", Word::Wanted(255)),
            ("-1e300", Word::Wanted(255)),
            ("5e3", Word::Has(5000)),
            ("9007199254740993", Word::Has(9_007_199_254_740_992)),
            ("1e300", Word::Has(u64::MAX)),
        ] {
            assert_eq!(read(format!("{{\"{}\":{text}}}", id(1)).as_bytes()), [(id(1), said)], "{text}");
        }
    }

    #[test]
    fn what_is_neither_is_left_out_without_a_word() {
        for value in
            ["0", "-0", "0.5", "-1.5", "1e400", "-1e400", "null", "true", "\"-1\"", "[]", "[-1]", "{\"a\":1}"]
        {
            let item = format!("{{\"{}\":{value},\"{}\":-2}}", id(1), id(2));
            assert_eq!(read(item.as_bytes()), [(id(2), Word::Wanted(2))], "{value}");
        }
        let message = format!("{{\"%{}=.sha256\":-1}}", "A".repeat(43));
        let unpadded = format!("{{\"&{}.sha256\":-1}}", "A".repeat(43));
        let other = format!("{{\"&{}=.sha512\":-1}}", "A".repeat(43));
        for body in [
            &message,
            &unpadded,
            &other,
            "{\"\":-1}",
            "{\"__proto__\":-1}",
            "",
            "5",
            "null",
            "[]",
            "\"x\"",
            "{",
            "\u{0}",
        ] {
            assert_eq!(read(body.as_bytes()), [], "{body}");
        }
    }

    #[test]
    fn so_many_entries_are_looked_at_and_no_more() {
        let numbered = |n: usize| {
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&n.to_le_bytes());
            (BlobId::from_bytes(bytes), Word::Wanted(1))
        };
        let words: Vec<_> = (0..=ENTRIES_MAX).map(numbered).collect();

        let item = to_json(&words);

        assert_eq!(read(item.as_bytes()), words[..ENTRIES_MAX]);
        // What is left out counts, too.
        let ids: Vec<_> = vec!["\"\":-1"; ENTRIES_MAX];
        let item = format!("{{{},\"{}\":-1}}", ids.join(","), id(1));
        assert_eq!(read(item.as_bytes()), []);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(text in "[{}\\[\\]\",:a1e.&=-]{0,60}", bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = read(text.as_bytes());
            let _ = read(&bytes);
        }
    }
}
