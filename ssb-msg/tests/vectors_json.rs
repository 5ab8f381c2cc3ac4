//! JSON as V8 reads and writes it, row by row. `tests/vectors/README.md` says where the rows come from.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail tests")]

mod vectors;

use serde::Deserialize;
use ssb_keys::base64;
use ssb_keys::hash;
use ssb_msg::json;
use ssb_msg::json::ParseError;
use ssb_msg::json::Value;

#[derive(Deserialize)]
struct Row {
    input_b64: String,
    v8_parses: bool,
    signing_b64: Option<String>,
    compact_b64: Option<String>,
    len_utf16: Option<usize>,
    sha256_latin1: Option<String>,
}

#[test]
fn vectors_json_canonical_equal_v8() {
    for row in vectors::generated::<Row>("json-canonical.jsonl") {
        let Some(value) = parsed(&row.input_b64, row.v8_parses) else {
            continue;
        };
        let pretty = json::pretty(&value);
        assert_eq!(Some(base64::encode(pretty.as_bytes())), row.signing_b64, "{}", row.input_b64);
        assert_eq!(
            Some(base64::encode(json::compact(&value).as_bytes())),
            row.compact_b64,
            "{}",
            row.input_b64
        );
        assert_eq!(Some(json::pretty_units(&value)), row.len_utf16, "{}", row.input_b64);
        assert_eq!(Some(low_bytes_hash(&pretty)), row.sha256_latin1, "{}", row.input_b64);
    }
}

#[derive(Deserialize)]
struct Legacy {
    verdict: String,
    input_b64: String,
    signing_b64: Option<String>,
    length: Option<usize>,
    sha256_b64: Option<String>,
    v8_parses: Option<bool>,
    v8_signing_b64: Option<String>,
}

#[test]
fn vectors_legacy_value_testdata_equal_v8() {
    let Some(file) = vectors::read("legacy-value-testdata", "values.jsonl") else {
        return;
    };
    for row in vectors::rows::<Legacy>(&file) {
        // Rule: where V8 takes what the specification rejects (overflow, -0, repeated keys, lone surrogates), V8 is
        // right, because its output is what was signed.
        let accepted = row.verdict == "accept";
        let Some(value) = parsed(&row.input_b64, accepted || row.v8_parses == Some(true)) else {
            continue;
        };
        let pretty = json::pretty(&value);
        let wanted = if accepted { row.signing_b64 } else { row.v8_signing_b64 };
        assert_eq!(Some(base64::encode(pretty.as_bytes())), wanted, "{}", row.input_b64);
        if accepted {
            assert_eq!(Some(json::pretty_units(&value)), row.length, "{}", row.input_b64);
            assert_eq!(Some(low_bytes_hash(&pretty)), row.sha256_b64, "{}", row.input_b64);
        }
    }
}

/// The value, if V8 and we agree that there is one.
fn parsed(input: &str, v8_parses: bool) -> Option<Value> {
    let bytes = base64::decode(input).unwrap();
    let parsed = json::parse(&bytes);
    // Rule: V8 has no limits, we do.
    if matches!(parsed, Err(ParseError::TooDeep { .. } | ParseError::TooLong { .. })) {
        let brackets = bytes.iter().filter(|byte| matches!(byte, b'[' | b'{')).count();
        assert!(brackets > ssb_msg::limits::DEPTH_MAX || bytes.len() > ssb_msg::limits::WIRE_LEN_MAX);
        return None;
    }
    assert_eq!(parsed.is_ok(), v8_parses, "{input}");
    parsed.ok()
}

fn low_bytes_hash(text: &str) -> String {
    let low_bytes: Vec<u8> = text.encode_utf16().map(|unit| unit.to_le_bytes()[0]).collect();
    base64::encode(&hash::sha256(&low_bytes))
}
