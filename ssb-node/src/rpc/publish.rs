//! `publish`: what is published, and JavaScript's texts for what cannot be.

use serde_json::Value;
use ssb_gossip::history::key_value_timestamp;
use ssb_log::store::PublishError;
use ssb_msg::Message;
use ssb_msg::draft::DraftError;
use ssb_msg::limits::UNITS_MAX;
use ssb_muxrpc::RemoteError;

use super::args;

/// The content that a call publishes, as JSON text.
///
/// # Errors
///
/// JavaScript's text if there is none (muxrpc-validation 3.0.2).
pub(crate) fn content(raw: &[u8]) -> Result<String, RemoteError> {
    let content = args::split(raw).into_iter().next().unwrap_or_default();
    match content.as_str() {
        "" | "null" | "false" | "0" | "\"\"" => Err(args::required()),
        "true" => Err(args::wrong_type("msgContent")),
        _ => Ok(content),
    }
}

/// The answer: the message as it was stored.
pub(crate) fn answer(message: &Message, received: f64) -> String {
    key_value_timestamp(&message.id(), message.json(), received)
}

/// JavaScript's text for content that makes no message (ssb-validate 4.1.4), ours where it has none.
pub(crate) fn refusal(error: &PublishError, content: &str) -> RemoteError {
    let PublishError::Draft(error) = error else { return RemoteError::new(error.to_string()) };
    match error {
        DraftError::Content if !content.trim_start().starts_with('[') => RemoteError::new(NOT_ENCRYPTED),
        DraftError::Type | DraftError::TypeLength { .. } | DraftError::Content => {
            RemoteError::new(wrong_content_type(content))
        }
        DraftError::TooLong { units } => {
            // JavaScript measures twice: without the signature, and if that is short enough, with it.
            let unsigned = units.saturating_sub(SIGNATURE_UNITS);
            let named = if unsigned > UNITS_MAX { unsigned } else { *units };
            RemoteError::new(format!(
                "Encoded message must not be larger than 8192 bytes. Current size is {named}"
            ))
        }
        // What names recipients was sealed for them, or refused, before it came here.
        other => RemoteError::new(other.to_string()),
    }
}

/// JavaScript's text for content whose type is too short, too long or no text at all.
pub(crate) fn wrong_content_type(content: &str) -> String {
    format!("type must be a string3 <= type.length < 52, was:{}", type_of(content))
}

// `'' + content.type`, as JavaScript prints it.
fn type_of(content: &str) -> String {
    let content: Value = serde_json::from_str(content).unwrap_or_default();
    match content.get("type") {
        None => "undefined".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Object(_)) => "[object Object]".to_owned(),
        Some(other) => other.to_string(),
    }
}

/// How much longer the line of the signature makes a message.
const SIGNATURE_UNITS: usize = 119;

const NOT_ENCRYPTED: &str = "invalid message content, must be object or encrypted string";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;
    use crate::fixture::key;
    use ssb_msg::Signing;
    use ssb_msg::json;

    #[test]
    fn the_content_is_the_first_argument_as_it_was_written() {
        assert_eq!(content(br#"[{"b":1,"a":2.50}, 5]"#).as_deref(), Ok(r#"{"b":1,"a":2.50}"#));
        assert_eq!(content(br#"["box"]"#).as_deref(), Ok(r#""box""#));
    }

    #[test]
    fn without_content_nothing_is_published() {
        for args in ["", "[]", "[null]", "[false]", "[0]", r#"[""]"#, "{}", "[{"] {
            assert_eq!(content(args.as_bytes()), Err(args::required()), "{args}");
        }
    }

    /// Why this content is not published.
    fn refused(content: &str) -> String {
        let signing = Signing::plain();
        let error = Fixture::new().take().sign_next(content, 1.0, &key(1), &signing, 1.0).unwrap_err();
        refusal(&error, content).message().to_owned()
    }

    #[test]
    fn a_wrong_type_is_named_as_javascript_prints_it() {
        for (content, named) in [
            ("{}", "undefined"),
            (r#"{"type":"ab"}"#, "ab"),
            (r#"{"type":5}"#, "5"),
            (r#"{"type":null}"#, "null"),
            (r#"{"type":true}"#, "true"),
            (r#"{"type":{}}"#, "[object Object]"),
            ("[1]", "undefined"),
        ] {
            let text = format!("type must be a string3 <= type.length < 52, was:{named}");
            assert_eq!(refused(content), text, "{content}");
        }
        let long = "x".repeat(53);
        assert!(refused(&format!(r#"{{"type":"{long}"}}"#)).ends_with(&long));
    }

    #[test]
    fn text_that_is_not_encrypted_is_no_content() {
        assert_eq!(refused("\"hello\""), "invalid message content, must be object or encrypted string");
    }

    #[test]
    fn a_message_that_is_too_long_is_told_the_length_that_javascript_measures() {
        let content = |len| format!(r#"{{"type":"post","text":"{}"}}"#, "x".repeat(len));
        let store = &mut Fixture::new().take();
        let mut sign = |len| store.sign_next(&content(len), 1.0, &key(1), &Signing::plain(), 1.0);
        let short = sign(0).unwrap();
        let frame = json::pretty(&json::parse(short.compact()).unwrap()).len();
        let text =
            |size| format!("Encoded message must not be larger than 8192 bytes. Current size is {size}");

        // One too many with the signature, none without it; the most that is short enough without it; one more.
        assert_eq!(refused(&content(8193 - frame)), text(8193));
        assert_eq!(refused(&content(8192 + SIGNATURE_UNITS - frame)), text(8192 + SIGNATURE_UNITS));
        assert_eq!(refused(&content(8193 + SIGNATURE_UNITS - frame)), text(8193));
        // The second message of this feed is longer by the id of the first.
        assert!(sign(8192 - frame - 200).is_ok());
    }

    #[test]
    fn content_with_recipients_is_never_signed_in_clear() {
        let me = key(1).id();

        let text = refused(&format!(r#"{{"type":"post","recps":["{me}"]}}"#));

        assert_eq!(text, "content with recps must be encrypted before it is published");
    }

    #[test]
    fn the_answer_is_the_message_with_its_key_and_time() {
        let message = Fixture::new().publish(&key(1), r#"{"type":"post"}"#);

        let expected = format!(r#"{{"key":"{}","value":{},"timestamp":12.5}}"#, message.id(), message.json());
        assert_eq!(answer(&message, 12.5), expected);
    }
}
