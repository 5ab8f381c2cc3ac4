//! Verdicts over messages, row by row. `tests/vectors/README.md` says where the rows come from.

#![expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rows may hold any number")]

mod vectors;

use serde::Deserialize;
use serde_json::value::RawValue;
use ssb_keys::MessageId;
use ssb_keys::base64;
use ssb_keys::hmac::HmacKey;
use ssb_keys::verify::KeyCache;
use ssb_msg::Message;
use ssb_msg::Signing;
use ssb_msg::Unverified;
use ssb_msg::ValidationState;
use ssb_msg::json;
use ssb_msg::limits::SEQUENCE_MAX;

/// The end of the feed that the message is to follow.
#[derive(Deserialize)]
struct State {
    id: String,
    sequence: f64,
}

#[derive(Deserialize)]
struct Row {
    name: String,
    state: Option<State>,
    hmac_key: Option<String>,
    wire_b64: String,
    verdict_wanted: String,
    id: Option<String>,
    len_utf16: Option<usize>,
}

#[test]
fn vectors_messages_get_the_wanted_verdict_and_id() {
    let mut keys = KeyCache::new();
    for row in vectors::generated::<Row>("messages.jsonl") {
        let wire = base64::decode(&row.wire_b64).unwrap();
        let message = accept(&wire, row.state.as_ref(), row.hmac_key.as_deref(), &mut keys);
        assert_eq!(message.is_some(), row.verdict_wanted == "valid", "{}", row.name);
        if let Some(message) = message {
            assert_eq!(Some(message.id().to_string()), row.id, "{}", row.name);
            // The value that is kept is the value that was measured.
            let value = json::parse(message.compact()).unwrap();
            assert_eq!(Some(json::pretty_units(&value)), row.len_utf16, "{}", row.name);
            assert_eq!(json::compact(&value), message.json(), "{}", row.name);
        }
    }
}

#[test]
fn vectors_messages_read_again_from_what_is_kept_are_the_same() {
    for row in vectors::generated::<Row>("messages.jsonl").iter().filter(|row| row.verdict_wanted == "valid")
    {
        let first = Unverified::parse(&base64::decode(&row.wire_b64).unwrap()).unwrap();

        let again = Unverified::parse(first.compact()).unwrap();

        assert_eq!(again, first, "{}", row.name);
    }
}

#[derive(Deserialize)]
struct Case<'a> {
    n: u32,
    #[serde(borrow)]
    state: &'a RawValue,
    #[serde(borrow, rename = "hmacKey")]
    hmac_key: &'a RawValue,
    /// Raw, because the order of its keys matters.
    #[serde(borrow)]
    message: &'a RawValue,
    valid: bool,
    id: Option<String>,
}

#[test]
fn vectors_ssb_validation_dataset_get_its_verdict_and_id() {
    let Some(file) = vectors::read("ssb-validation-dataset", "data.json") else {
        return;
    };
    let mut keys = KeyCache::new();
    let cases: Vec<&RawValue> = serde_json::from_str(&file).unwrap();
    for case in cases {
        let case: Case<'_> = serde_json::from_str(case.get()).unwrap();
        let state: Option<State> = serde_json::from_str(case.state.get()).unwrap();
        // A key that is not even a string is no key, which `accept` must find out.
        let hmac_key = match serde_json::from_str::<Option<String>>(case.hmac_key.get()) {
            Ok(key) => key,
            Err(_) => Some(String::new()),
        };
        let message = accept(case.message.get().as_bytes(), state.as_ref(), hmac_key.as_deref(), &mut keys);
        assert_eq!(message.is_some(), case.valid, "case {}", case.n);
        if let (Some(message), Some(id)) = (message, case.id) {
            assert_eq!(message.id().to_string(), id, "case {}", case.n);
        }
    }
}

#[derive(Deserialize)]
struct Published {
    sequence: u32,
    key: String,
    value_compact: String,
    whole_text: String,
}

#[test]
fn vectors_go_ssb_feed_is_one_valid_chain() {
    let Some(file) = vectors::read("go-ssb-feed", "feed-first-half.jsonl") else {
        return;
    };
    let mut keys = KeyCache::new();
    let mut feed: Option<ValidationState> = None;
    for row in vectors::rows::<Published>(&file) {
        let unverified = Unverified::parse(row.value_compact.as_bytes()).unwrap();
        let message = unverified.verify(&Signing::plain(), &mut keys).unwrap();
        let feed = feed.get_or_insert_with(|| ValidationState::new(message.author()));
        let next = feed.check(&message).unwrap();
        feed.advance(next);
        assert_eq!((message.id().to_string(), message.json()), (row.key, row.value_compact.as_str()));
        assert_eq!(feed.sequence(), row.sequence);
        assert_eq!(json::pretty(&json::parse(message.compact()).unwrap()), row.whole_text);
    }
}

/// Everything a node asks of a message: its form, its signature, its place.
fn accept(
    wire: &[u8],
    state: Option<&State>,
    hmac_key: Option<&str>,
    keys: &mut KeyCache,
) -> Option<Message> {
    let signing = match hmac_key {
        None => Signing::plain(),
        Some(key) => Signing::keyed(HmacKey::parse(key).ok()?),
    };
    let message = Unverified::parse(wire).ok()?.verify(&signing, keys).ok()?;
    // The rows name no author of the feed: it is the message's own.
    let mut feed = match state {
        None => ValidationState::new(message.author()),
        Some(state) => {
            // Rule: a feed ends at a whole sequence from 1 to 2147483647.
            let sequence =
                (state.sequence as u64).try_into().ok().filter(|at| (1..=SEQUENCE_MAX).contains(at))?;
            ValidationState::resume(message.author(), sequence, MessageId::parse(&state.id).ok()?)
        }
    };
    let next = feed.check(&message).ok()?;
    feed.advance(next);
    assert_eq!(feed.latest(), Some(message.id()));
    Some(message)
}
