//! Makes and signs the next message of a feed.

use alloc::format;
use alloc::string::String;
use alloc::string::ToString;

use ssb_keys::Keypair;
use ssb_keys::Signature;
use thiserror::Error;

use crate::chain::ValidationState;
use crate::json;
use crate::json::Object;
use crate::json::Text;
use crate::json::Value;
use crate::limits::SEQUENCE_MAX;
use crate::message::Message;
use crate::shape;
use crate::signing::Signing;
use crate::unverified::ParseError;
use crate::unverified::Unverified;

/// Makes the message that follows `state`, with this content, and signs it.
///
/// `content` is JSON: an object with a `type`, or the string of an encrypted content. It is rewritten as JavaScript
/// would (`JSON.stringify(JSON.parse(content))`). `timestamp` is in milliseconds since 1970. The message is not part of
/// the feed before it has been [checked](ValidationState::check) and `state` advanced.
///
/// # Errors
///
/// [`DraftError`] when the message would not be valid, or would tell in clear what is meant for a few.
pub fn sign(
    content: &str,
    state: &ValidationState,
    timestamp: f64,
    keypair: &Keypair,
    signing: &Signing,
) -> Result<Message, DraftError> {
    if keypair.id() != state.author() {
        return Err(DraftError::WrongKey);
    }
    if state.sequence() == SEQUENCE_MAX {
        return Err(DraftError::Full);
    }
    if !timestamp.is_finite() {
        return Err(DraftError::Timestamp);
    }
    let content = json::parse(content.as_bytes()).map_err(DraftError::Json)?;
    if content.get("recps").is_some_and(|recipients| *recipients != Value::Null) {
        return Err(DraftError::Recipients);
    }
    // The rules are asked with a signature in place, because the length counts it; which one does not matter yet.
    let placeholder = Signature::from_bytes([0; 64]);
    let unverified =
        shape::read(&message(content, state, timestamp, placeholder)).map_err(DraftError::from_parse)?;
    let signature = keypair.sign(&signing.bytes(&unverified.signed));
    let unsigned =
        unverified.json().strip_suffix(&ending(placeholder)).expect("the signature is the last field");
    let compact = String::from(unsigned) + &ending(signature);
    Unverified::parse(compact.as_bytes()).map(Message::trust).map_err(DraftError::from_parse)
}

/// Why no message was made of a content. Unless it says otherwise, the content is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DraftError {
    /// The content is not JSON.
    #[error("content is not JSON: {0}")]
    Json(#[source] json::ParseError),
    /// The content names recipients. Encrypt it for them first: it would be published in clear.
    #[error("content with recps must be encrypted before it is published")]
    Recipients,
    /// The content is neither an object nor an encrypted string.
    #[error("content is neither an object nor encrypted")]
    Content,
    /// The `type` of the content is missing, or not a string.
    #[error("type of the content is not a string")]
    Type,
    /// The `type` of the content is shorter than [`TYPE_UNITS_MIN`](crate::limits::TYPE_UNITS_MIN) or longer than
    /// [`TYPE_UNITS_MAX`](crate::limits::TYPE_UNITS_MAX).
    #[error("type of the content has {units} UTF-16 units, not 3 to 52")]
    TypeLength {
        /// Its UTF-16 code units.
        units: usize,
    },
    /// The message, signature included, would have more than [`UNITS_MAX`](crate::limits::UNITS_MAX) units.
    #[error("message of {units} UTF-16 units exceeds 8192")]
    TooLong {
        /// Its UTF-16 code units.
        units: usize,
    },
    /// The timestamp is infinite or not a number: a mistake of the caller.
    #[error("timestamp is not a finite number")]
    Timestamp,
    /// The key is not that of the feed: a mistake of the caller.
    #[error("key does not belong to the feed")]
    WrongKey,
    /// The feed has had its last possible message, [`SEQUENCE_MAX`].
    #[error("feed is full")]
    Full,
}

impl DraftError {
    fn from_parse(error: ParseError) -> Self {
        match error {
            ParseError::Type => Self::Type,
            ParseError::TypeLength { units } => Self::TypeLength { units },
            ParseError::TooLong { units } => Self::TooLong { units },
            // The other fields are of our own making.
            _ => Self::Content,
        }
    }
}

/// All seven fields, in the order of ssb-validate's `create`.
fn message(content: Value, state: &ValidationState, timestamp: f64, signature: Signature) -> Value {
    let text = |text: &dyn ToString| Value::Text(Text::new(&text.to_string()));
    let previous = state.latest().map_or(Value::Null, |id| text(&id));
    let sequence = Value::Number(f64::from(state.sequence() + 1));
    let fields = [
        ("previous", previous),
        ("sequence", sequence),
        ("author", text(&state.author())),
        ("timestamp", Value::Number(timestamp)),
        ("hash", text(&"sha256")),
        ("content", content),
        ("signature", text(&signature)),
    ];
    Value::Object(Object::from_pairs(fields.map(|(key, value)| (Text::new(key), value))))
}

/// How the compact form of a message ends.
fn ending(signature: Signature) -> String {
    format!("\"signature\":\"{signature}\"}}")
}
