//! What ends a connection, what ends one request, and JavaScript's texts for the latter.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;

use serde_json::value::RawValue;

use crate::limits::ERROR_TEXT_LEN_MAX;
use crate::session::json::Object;
use crate::session::json::text_of;

/// Why the connection cannot continue: the peer broke the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// A header named a body type that does not exist.
    #[error("packet with an unknown body type")]
    UnknownBodyType,
    /// A header announced a body beyond [`BODY_LEN_MAX`](crate::limits::BODY_LEN_MAX).
    #[error("packet body of {len} bytes exceeds the limit")]
    Oversized {
        /// The announced length in bytes.
        len: u32,
    },
    /// A call or an error announced itself as JSON and did not parse.
    #[error("packet body is not JSON")]
    BadJson,
}

/// Why one request ended badly, as it travels: the peer's words, or ours to the peer.
///
/// Both texts are cut at [`ERROR_TEXT_LEN_MAX`]. A stack is neither kept nor sent: it names files of a machine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RemoteError {
    message: String,
    name: String,
}

impl RemoteError {
    /// An error with JavaScript's usual name, `Error`.
    pub fn new(message: impl Into<String>) -> Self {
        Self::named("Error", message)
    }

    /// An error with a name of its own, such as `TypeError`.
    pub fn named(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self { message: cut(message.into()), name: cut(name.into()) }
    }

    /// What went wrong. Clients compare these texts.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The name of JavaScript's error class.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether this is how the end of a connection shows on its requests.
    pub fn is_parent_end(&self) -> bool {
        self.message == PARENT_ENDED
    }

    /// The JSON body as it is sent. The stack is there, and empty, for clients that expect one.
    pub(crate) fn to_json(&self) -> String {
        let quoted = |text: &str| serde_json::to_string(text).unwrap_or_default();
        format!(r#"{{"message":{},"name":{},"stack":""}}"#, quoted(&self.message), quoted(&self.name))
    }

    /// Reads whatever a peer sent as an error; any JSON will do, and what is missing is left empty.
    pub(crate) fn from_json(json: &RawValue) -> Self {
        let Some(object) = Object::parse(json) else {
            return Self::new(text_of(json));
        };
        let name = object.get("name").map_or(Cow::Borrowed("Error"), text_of);
        Self::named(name, object.get("message").map(text_of).unwrap_or_default())
    }
}

// The texts of muxrpc 6.7.3 and packet-stream 2.0.6. Clients compare them word for word.

impl RemoteError {
    /// The connection ended while the request was open.
    pub fn parent_ended() -> Self {
        Self::new(PARENT_ENDED)
    }

    /// A call came while the connection was being closed.
    pub(crate) fn closing() -> Self {
        Self::new("parent stream is closing")
    }

    /// The caller is limited to a list, and the method is not on it or does not exist. Which of the two, it learns not.
    pub(crate) fn not_allowed(path: &str) -> Self {
        Self::new(format!("method:{path} is not in list of allowed methods"))
    }

    /// The caller may call everything but a few methods, of which this is one.
    pub(crate) fn disallowed(path: &str) -> Self {
        Self::new(format!("method:{path} is on list of disallowed methods"))
    }

    /// There is no method of this path and kind.
    pub(crate) fn missing(kind: &str, path: &str) -> Self {
        Self::new(format!("no {kind}:{path}"))
    }

    /// `emit` was a way to send events before muxrpc 6.
    pub(crate) fn emit_removed() -> Self {
        Self::new("emit has been removed")
    }

    /// A call without arguments to spread.
    pub(crate) fn bad_args(call: &str) -> Self {
        Self::new(format!("invalid request, args should be array, was: {call}"))
    }

    /// A stream call that is neither source, sink nor duplex.
    pub(crate) fn bad_type(name: &str) -> Self {
        Self::new(format!("unsupported stream type: {name}"))
    }
}

// Texts of our own: JavaScript knows no limits.

impl RemoteError {
    /// A call, answer or item was longer than allowed here.
    pub(crate) fn too_long(len: u32, len_max: u32) -> Self {
        Self::new(format!("body of {len} bytes is longer than the {len_max} allowed here"))
    }

    /// Too many requests are open.
    pub(crate) fn too_many_open() -> Self {
        Self::new("too many open requests")
    }
}

const PARENT_ENDED: &str = "unexpected end of parent stream";

/// Shortens a text to the limit, at a character's boundary.
fn cut(mut text: String) -> String {
    if text.len() > ERROR_TEXT_LEN_MAX {
        text.truncate(text.floor_char_boundary(ERROR_TEXT_LEN_MAX));
        text.shrink_to_fit();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> RemoteError {
        RemoteError::from_json(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn texts_are_kept_up_to_the_limit_and_cut_one_byte_past_it() {
        let longest = "x".repeat(ERROR_TEXT_LEN_MAX);
        assert_eq!(RemoteError::new(longest.clone()).message(), longest);

        let longer = "x".repeat(ERROR_TEXT_LEN_MAX + 1);
        assert_eq!(RemoteError::new(longer).message(), longest);
    }

    #[test]
    fn a_cut_never_splits_a_character() {
        let text = "x".repeat(ERROR_TEXT_LEN_MAX - 1) + "é";

        assert_eq!(RemoteError::new(text).message().len(), ERROR_TEXT_LEN_MAX - 1);
    }

    #[test]
    fn any_json_can_be_an_error() {
        assert_eq!(read(r#"{"message":"m","name":"N","stack":"at /home"}"#), RemoteError::named("N", "m"));
        assert_eq!(read("{}"), RemoteError::new(""));
        assert_eq!(read(r#""plain""#), RemoteError::new("plain"));
        assert_eq!(read("true"), RemoteError::new("true"));
        assert_eq!(read(r#"{"message":[1]}"#), RemoteError::new("[1]"));
        assert_eq!(read(r#"{"message":"\ud800"}"#), RemoteError::new(r"\ud800"));
    }

    #[test]
    fn no_stack_is_sent() {
        let json = RemoteError::new("a \"b\"").to_json();

        assert_eq!(json, r#"{"message":"a \"b\"","name":"Error","stack":""}"#);
    }
}
