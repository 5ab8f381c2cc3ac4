//! `publish`: what is published, and JavaScript's texts for what cannot be.

use serde_json::Value;
use ssb_gossip::history::key_value_timestamp;
use ssb_log::store::PublishError;
use ssb_msg::Message;
use ssb_msg::draft::DraftError;
use ssb_msg::limits::UNITS_MAX;
use ssb_muxrpc::RemoteError;

use super::args;
use super::log_stream::usage;

/// The content that a call publishes, as JSON text.
///
/// # Errors
///
/// JavaScript's text if there is none (muxrpc-validation 3.0.2).
pub(crate) fn content(raw: &[u8]) -> Result<String, RemoteError> {
    let content = args::split(raw).into_iter().next().unwrap_or_default();
    match content.as_str() {
        "" | "null" | "false" | "0" | "\"\"" => Err(usage("Param 0 is required")),
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
        DraftError::Type | DraftError::TypeLength { .. } | DraftError::Content => {
            RemoteError::new(format!("type must be a string3 <= type.length < 52, was:{}", type_of(content)))
        }
        DraftError::TooLong { units } => {
            // JavaScript measures twice: without the signature, and if that is short enough, with it.
            let unsigned = units.saturating_sub(SIGNATURE_UNITS);
            let named = if unsigned > UNITS_MAX { unsigned } else { *units };
            RemoteError::new(format!(
                "Encoded message must not be larger than 8192 bytes. Current size is {named}"
            ))
        }
        DraftError::Recipients => RemoteError::new(RECIPIENTS),
        other => RemoteError::new(other.to_string()),
    }
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

const RECIPIENTS: &str = "content with recps is a private message, and this version cannot encrypt yet: nothing was \
                          published. Without the field recps it would be public";
