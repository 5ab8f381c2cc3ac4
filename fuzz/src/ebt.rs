//! Items of `ebt.replicate`.

use serde_json::Value;
use ssb_gossip::ebt::note::EXACT_MAX;
use ssb_gossip::ebt::note::Item;
use ssb_gossip::ebt::note::NOTES_MAX;
use ssb_gossip::ebt::note::Note;
use ssb_gossip::ebt::note::to_json;
use ssb_keys::FeedId;

/// Reads any bytes as an item, and says of them what a reader of whole values says; notes are written as they were read.
pub fn ebt_note(data: &[u8]) {
    let read = Item::read(data);
    if let Ok(Item::Clock(notes)) = &read {
        assert!(notes.len() <= NOTES_MAX);
        assert_eq!(Item::read(to_json(notes).as_bytes()), Ok(Item::Clock(notes.clone())));
    }
    // It gives up on what is nested deeply.
    let Ok(whole) = serde_json::from_slice::<Value>(data) else { return };
    match read {
        Ok(Item::Message(message)) => {
            assert!(is_message(&whole), "{whole}");
            let author = whole["author"].as_str().and_then(|author| FeedId::parse(author).ok());
            assert_eq!(message.map(|(feed, _)| feed), author, "{whole}");
            let sequence = whole["sequence"].as_f64();
            assert!(message.is_none_or(|(_, read)| Some(read as f64) == sequence), "{whole}");
        }
        Ok(Item::Clock(notes)) => {
            assert!(!is_message(&whole), "{whole}");
            let clock = Some(&whole["clock"]).filter(|clock| clock.is_object() || clock.is_array());
            for (feed, _) in &notes {
                // Of a feed that is noted twice, the last note counts, if it is one.
                let last = notes.iter().rfind(|(other, _)| other == feed).map(|(_, note)| *note);
                let said = note_of(&clock.unwrap_or(&whole)[feed.to_string()]);
                assert!(said.is_none() || said == last, "{whole}");
            }
        }
        // An object is refused only if it names one of four keys twice, of which this reader sees one.
        Err(_) => {
            let twice =
                |key: &str| data.windows(key.len()).filter(|window| *window == key.as_bytes()).count() > 1;
            let is_escaped = data.contains(&b'\\');
            let any_twice = ["sequence", "author", "content", "clock"].iter().any(|key| twice(key));
            assert!(!whole.is_object() || any_twice || is_escaped, "{whole}");
        }
    }
}

fn is_message(whole: &Value) -> bool {
    let counted = integer(&whole["sequence"]).is_some_and(|sequence| sequence > 0);
    counted && whole["author"].is_string() && !whole["content"].is_null()
}

fn note_of(value: &Value) -> Option<Note> {
    integer(value).and_then(Note::from_number)
}

fn integer(value: &Value) -> Option<i64> {
    let number = value.as_f64().filter(|number| number.fract() == 0.0 && number.abs() <= EXACT_MAX)?;
    #[expect(clippy::cast_possible_truncation, reason = "it is an integer, and small enough")]
    Some(number as i64)
}
