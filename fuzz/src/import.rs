//! Old logs of JavaScript, whatever is in them.

use std::io::Cursor;
use std::ops::Range;

use ssb_log::import::Db2;
use ssb_log::import::Flume;
use ssb_log::import::Item;
use ssb_log::import::bipf;
use ssb_msg::json;

use crate::script::Script;

/// Reads a `log.offset`: either there is no record in it, or its items lie side by side and are the whole file; and what
/// was written and not damaged is found, unless the damage makes a record that reaches into it.
///
/// Script: whether the rest is the file, or how wide offsets are, records, and a damage.
pub fn flume_read(data: &[u8]) {
    let script = &mut Script::new(data);
    if script.flag() {
        walk_flume(script.rest());
        return;
    }
    let width = [4, 6, 8][script.below(3)];
    let (mut file, mut written) = (Vec::new(), Vec::new());
    for _ in 0..=script.below(8) {
        let record = vec![script.byte(); 1 + script.short() % 700];
        let start = file.len();
        let len = u32::try_from(record.len()).expect("it is short").to_be_bytes();
        file.extend([&len, record.as_slice(), &len].concat());
        file.extend(&((file.len() + width) as u64).to_be_bytes()[8 - width..]);
        written.push((start..file.len(), record));
    }
    let damage = script.short() % (file.len() + 1);
    let damage = damage..file.len().min(damage + script.below(256));
    for at in damage.clone() {
        file[at] = script.byte();
    }

    let is_whole = |place: &Range<usize>| place.end <= damage.start || damage.end <= place.start;
    let whole: Vec<_> = written.iter().filter(|(place, _)| is_whole(place)).collect();
    let Some((bits, items)) = walk_flume(&file) else {
        assert!(whole.is_empty(), "a log is not seen as one");
        return;
    };
    // Damage may be the start of a log of another width.
    if bits != [32, 48, 53][width / 2 - 2] {
        assert!(!damage.is_empty(), "the width was not found out");
        return;
    }
    for (place, record) in whole {
        let is_record = |item: &&Item| matches!(item, Item::Record(_) | Item::Deleted { .. });
        let is_covered = items.iter().filter(is_record).map(span).any(|(start, end)| {
            (damage.start as u64..place.start as u64).contains(&start) && end > place.start as u64
        });
        if is_covered {
            continue;
        }
        let found = items.iter().any(|item| match item {
            Item::Record(found) => found.text().as_deref() == Ok(record.as_slice()),
            Item::Deleted { .. } => record.iter().all(|byte| *byte == 0),
            _ => false,
        } && span(item).0 == place.start as u64);
        assert!(found, "a whole record at {place:?} is not found");
    }
}

/// How wide offsets are, and the items.
fn walk_flume(file: &[u8]) -> Option<(u32, Vec<Item>)> {
    let log = Flume::open(Cursor::new(file)).ok()?;
    let bits = log.offset_bits();
    let items: Vec<Item> = log.map(|item| item.expect("memory does not fail")).collect();
    let mut at = 0;
    for item in &items {
        let (start, end) = span(item);
        assert_eq!(start, at, "items do not lie side by side");
        assert!(end > start, "nothing was read");
        at = end;
    }
    assert_eq!(at, file.len() as u64, "the end was not read");
    Some((bits, items))
}

fn span(item: &Item) -> (u64, u64) {
    match item {
        Item::Record(record) => (record.offset(), record.offset() + record.framed_len()),
        Item::Deleted { offset, len } | Item::Damaged { offset, len, .. } | Item::Torn { offset, len } => {
            (*offset, offset + len)
        }
    }
}

/// Reads bipf: what V8 would print is JSON in its canonical form. And reads a `log.bipf`: its items come in the order of
/// the file, and no byte is in two.
///
/// Script: whether the rest is a value; or how many empty blocks the file begins with.
pub fn bipf_read(data: &[u8]) {
    let script = &mut Script::new(data);
    if script.flag() {
        check_value(script.rest());
        return;
    }
    let mut file = vec![0; script.below(3) * 0x1_0000];
    file.extend(script.rest());
    let mut at = 0;
    for item in Db2::open(Cursor::new(&file)).expect("memory does not fail") {
        let item = item.expect("memory does not fail");
        let (start, end) = span(&item);
        assert!(at <= start && start < end && end <= file.len() as u64, "{item:?} is out of place");
        assert_eq!(start / 0x1_0000, (end - 1) / 0x1_0000, "{item:?} crosses a block");
        at = end;
        if let Item::Record(record) = item
            && let Ok(text) = record.text()
        {
            check_text(std::str::from_utf8(&text).expect("it is text"));
        }
    }
}

fn check_value(bytes: &[u8]) {
    if let Ok(text) = bipf::to_json(bytes) {
        check_text(&text);
    }
}

fn check_text(text: &str) {
    // The record may be one level deeper than a message, and buffers are longer in JSON.
    match json::parse_within(text.as_bytes(), 4 * 1024 * 1024) {
        Ok(value) => assert_eq!(json::compact(&value), text, "it is not as V8 prints it"),
        Err(error) => assert!(matches!(error, json::ParseError::TooDeep { .. }), "{error}: {text}"),
    }
}
