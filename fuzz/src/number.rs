//! Numbers in JSON.

use serde_json::Value as SerdeValue;
use ssb_msg::json;
use ssb_msg::json::Value;

use crate::script::Script;

/// Prints any number and reads it back, and reads any text that might be a number: as others do, to the last bit.
///
/// Script: the bits of a number, then a text.
pub fn json_number(data: &[u8]) {
    let script = &mut Script::new(data);
    check_printed(f64::from_bits(u64::from_be_bytes(script.array())));
    check_read(script.rest());
}

fn check_printed(number: f64) {
    let printed = json::compact(&Value::Number(number));
    assert_eq!(json::pretty(&Value::Number(number)), printed);
    if !number.is_finite() {
        assert_eq!(printed, "null");
        return;
    }
    assert_eq!(printed, ryu_js::Buffer::new().format(number));
    assert!(printed.len() <= 25, "{printed}");

    let expected = if number == 0.0 { 0.0 } else { number };
    for read in [ours(printed.as_bytes()), serdes(printed.as_bytes()), printed.parse().ok()] {
        assert_eq!(read.map(f64::to_bits), Some(expected.to_bits()), "{printed}");
    }
}

fn check_read(text: &[u8]) {
    let ours = ours(text);
    match (ours, serdes(text)) {
        (Some(ours), Some(serdes)) => assert_eq!(ours.to_bits(), serdes.to_bits()),
        // V8 reads a number that is too large as infinite, and prints it as null.
        (Some(ours), None) => {
            assert!(ours.is_infinite(), "{ours} is no number elsewhere");
            assert_eq!(json::compact(&Value::Number(ours)), "null");
        }
        (None, serdes) => assert_eq!(serdes, None, "we read no number"),
    }
    if let Some(ours) = ours {
        let trimmed = std::str::from_utf8(text).expect("a number is ASCII").trim_ascii();
        assert_eq!(trimmed.parse(), Ok(ours));
        check_printed(ours);
    }
}

fn ours(text: &[u8]) -> Option<f64> {
    json::parse(text).ok()?.as_number()
}

fn serdes(text: &[u8]) -> Option<f64> {
    match serde_json::from_slice(text) {
        Ok(SerdeValue::Number(number)) => number.as_f64(),
        _ => None,
    }
}
