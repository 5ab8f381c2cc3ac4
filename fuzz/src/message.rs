//! Messages as they come in.

use ssb_keys::hash::sha256;
use ssb_msg::Unverified;
use ssb_msg::json;
use ssb_msg::limits::SEQUENCE_MAX;
use ssb_msg::limits::UNITS_MAX;
use ssb_msg::limits::WIRE_LEN_MAX;
use ssb_msg::unverified::ParseError;

use crate::script::Script;

/// Parses a message: the fast way says what the tree says, what is kept reads back as the same message, and the id is
/// that of the signing form.
///
/// Script: whether the rest is a whole message, or the content of one that is otherwise in order.
pub fn message_parse(data: &[u8]) {
    let script = &mut Script::new(data);
    match script.below(2) {
        0 => check(script.rest()),
        _ => check(&around(script)),
    }
}

fn check(bytes: &[u8]) {
    let parsed = Unverified::parse(bytes);
    check_against_the_tree(bytes, &parsed);
    let Ok(message) = parsed else { return };

    assert_eq!(
        Unverified::parse(message.compact()).as_ref(),
        Ok(&message),
        "what is kept is another message"
    );
    assert!((1..=SEQUENCE_MAX).contains(&message.sequence()));
    assert_eq!(message.previous().is_none(), message.sequence() == 1);
    assert!(message.timestamp().is_finite());

    let tree = json::parse(bytes).expect("a message is JSON");
    assert_eq!(json::compact(&tree), message.json());
    let signing_form = json::pretty(&tree);
    let low_bytes: Vec<u8> = signing_form.encode_utf16().map(|unit| unit.to_le_bytes()[0]).collect();
    assert_eq!(json::pretty_units(&tree), low_bytes.len());
    assert!(low_bytes.len() <= UNITS_MAX);
    assert_eq!(sha256(&low_bytes), *message.id().as_bytes());
    assert_eq!(json::pretty(&json::parse(signing_form.as_bytes()).expect("JSON")), signing_form);
}

/// A space in front sends a message through the tree.
fn check_against_the_tree(bytes: &[u8], parsed: &Result<Unverified, ParseError>) {
    if bytes.len() == WIRE_LEN_MAX {
        return;
    }
    let slow = Unverified::parse(&[b" ".as_slice(), bytes].concat());
    match (parsed, &slow) {
        // These name the place, which has moved.
        (Err(ParseError::Json(_)), Err(ParseError::Json(_))) => {}
        (fast, slow) => assert_eq!(fast, slow),
    }
}

/// Script: the order of author and sequence, a sequence, a timestamp, then the content.
fn around(script: &mut Script<'_>) -> Vec<u8> {
    let author = "\"author\":\"@AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=.ed25519\"";
    let (previous, sequence) = match script.byte() {
        0 => ("null", 1),
        byte => ("\"%AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=.sha256\"", u32::from(byte)),
    };
    let sequence = format!("\"sequence\":{sequence}");
    let (one, two) = if script.flag() { (author, sequence.as_str()) } else { (sequence.as_str(), author) };
    let timestamp = script.run();
    let timestamp = if timestamp.is_empty() { b"1500000000000.5" } else { timestamp };
    let mut message = format!("{{\"previous\":{previous},{one},{two},\"timestamp\":").into_bytes();
    message.extend_from_slice(timestamp);
    message.extend_from_slice(b",\"hash\":\"sha256\",\"content\":");
    message.extend_from_slice(script.rest());
    message.extend_from_slice(format!(",\"signature\":\"{}==.sig.ed25519\"}}", "A".repeat(86)).as_bytes());
    message
}
