//! What may be published, and how it comes out.

use ssb_keys::Keypair;
use ssb_keys::MessageId;
use ssb_keys::hmac::HmacKey;
use ssb_keys::verify::BadSignature;
use ssb_keys::verify::KeyCache;
use ssb_msg::Content;
use ssb_msg::Message;
use ssb_msg::Signing;
use ssb_msg::Unverified;
use ssb_msg::ValidationState;
use ssb_msg::draft;
use ssb_msg::draft::DraftError;
use ssb_msg::json;
use ssb_msg::limits::UNITS_MAX;
use ssb_msg::limits::WIRE_LEN_MAX;

fn me() -> Keypair {
    Keypair::from_seed(&[1; 32])
}

fn sign(content: &str) -> Result<Message, DraftError> {
    draft::sign(content, &ValidationState::new(me().id()), 1_491_901_740_000.0, &me(), &Signing::plain())
}

#[test]
fn a_draft_has_the_order_of_javascript() {
    let latest = MessageId::from_bytes([9; 32]);
    let feed = ValidationState::resume(me().id(), 7, latest);

    let message = draft::sign(r#"{"type":"post"}"#, &feed, 0.5, &me(), &Signing::plain()).unwrap();

    let expected = format!(
        r#"{{"previous":"{latest}","sequence":8,"author":"{}","timestamp":0.5,"hash":"sha256","content":{{"type":"post"}},"signature":"{}"}}"#,
        me().id(),
        message.signature()
    );
    assert_eq!(message.json(), expected);
}

#[test]
fn content_is_rewritten_as_javascript_would() {
    let message = sign(r#" { "type": "post", "n": 1.0, "0": "\u0041", "n": -0 } "#).unwrap();

    let json = r#"{"0":"A","type":"post","n":0}"#;
    assert_eq!(message.content(), Content::Object { type_name: "post", json });
}

#[test]
fn content_with_recipients_is_never_published_in_clear() {
    for recipients in [r#"["@x"]"#, r#""@x""#, "[]", "false", "0", r#""""#, "{}"] {
        let content = format!(r#"{{"type":"post","recps":{recipients}}}"#);
        assert_eq!(sign(&content), Err(DraftError::Recipients), "{recipients}");
    }
    assert_eq!(sign(r#"{"type":"post","recps":null,"r\u0065cps":["@x"]}"#), Err(DraftError::Recipients));
    assert!(sign(r#"{"type":"post","recps":null}"#).is_ok());
    assert!(sign(r#"{"type":"post","nested":{"recps":["@x"]}}"#).is_ok());
}

#[test]
fn encrypted_content_may_be_published() {
    assert_eq!(sign(r#""aGVsbG8=.box""#).unwrap().content(), Content::Encrypted("aGVsbG8=.box"));
    assert_eq!(sign(r#""hello""#), Err(DraftError::Content));
}

#[test]
fn content_that_is_not_valid_is_refused_with_its_reason() {
    assert_eq!(sign("{"), Err(DraftError::Json(json::ParseError::Unexpected { at: 1 })));
    assert_eq!(sign("null"), Err(DraftError::Content));
    assert_eq!(sign("[]"), Err(DraftError::Content));
    assert_eq!(sign("{}"), Err(DraftError::Type));
    assert_eq!(sign(r#"{"type":5}"#), Err(DraftError::Type));
    assert_eq!(sign(r#"{"type":"ab"}"#), Err(DraftError::TypeLength { units: 2 }));
    assert_eq!(
        sign(&format!(r#"{{"type":"{}"}}"#, "x".repeat(53))),
        Err(DraftError::TypeLength { units: 53 })
    );
}

#[test]
fn the_length_counts_the_signature() {
    let content = |len| format!(r#"{{"type":"post","text":"{}"}}"#, "x".repeat(len));
    let empty = sign(&content(0)).unwrap();
    let room = UNITS_MAX - json::pretty_units(&json::parse(empty.compact()).unwrap());

    assert!(sign(&content(room)).is_ok());
    assert_eq!(sign(&content(room + 1)), Err(DraftError::TooLong { units: UNITS_MAX + 1 }));
}

#[test]
fn content_that_grows_past_the_wire_is_too_long_by_its_units() {
    let content = format!(r#"{{"type":"post","x":[{}1]}}"#, "1e20,".repeat(10_000));

    assert!(matches!(sign(&content), Err(DraftError::TooLong { units }) if units > WIRE_LEN_MAX));
}

#[test]
fn mistakes_of_the_caller_are_told() {
    let feed = ValidationState::new(me().id());
    let other = Keypair::from_seed(&[2; 32]);
    let content = r#"{"type":"post"}"#;

    assert_eq!(draft::sign(content, &feed, f64::NAN, &me(), &Signing::plain()), Err(DraftError::Timestamp));
    assert_eq!(
        draft::sign(content, &feed, f64::INFINITY, &me(), &Signing::plain()),
        Err(DraftError::Timestamp)
    );
    assert_eq!(draft::sign(content, &feed, 0.0, &other, &Signing::plain()), Err(DraftError::WrongKey));
}

#[test]
fn a_message_is_good_on_its_own_network_only() {
    let keyed = Signing::keyed(HmacKey::from_bytes([7; 32]));
    let feed = ValidationState::new(me().id());
    let message = draft::sign(r#"{"type":"post"}"#, &feed, 0.0, &me(), &keyed).unwrap();
    let mut keys = KeyCache::new();

    let received = Unverified::parse(message.compact()).unwrap();

    assert_eq!(received.clone().verify(&keyed, &mut keys), Ok(message));
    assert_eq!(received.verify(&Signing::plain(), &mut keys), Err(BadSignature));
}
