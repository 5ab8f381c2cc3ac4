//! What messages say: the content types that more than one crate must understand.
//!
//! Authors write what they like. A view takes the fields it knows when they have the right shape, and treats any
//! other as missing; `None` means that what makes it this type of message is missing. The views do not look at `type`.
//!
//! ```
//! use ssb_msg::content::{Contact, Relation};
//!
//! let json = r#"{"type":"contact","contact":"@AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=.ed25519","following":true}"#;
//! let contact = Contact::read(&ssb_msg::json::parse(json.as_bytes())?).unwrap();
//! assert_eq!(contact.relation, Relation::Follow);
//! # Ok::<(), ssb_msg::json::ParseError>(())
//! ```

mod about;
mod contact;
mod post;
mod pub_address;
mod vote;

use alloc::string::String;
use alloc::vec::Vec;
use core::slice;

use ssb_keys::MessageId;

use crate::json::Value;

pub use self::about::About;
pub use self::contact::Contact;
pub use self::contact::Relation;
pub use self::post::Mention;
pub use self::post::Post;
pub use self::pub_address::Pub;
pub use self::pub_address::PubAddress;
pub use self::vote::Vote;

/// The content of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content<'a> {
    /// Readable only by its recipients: base64, then `.box` or a later suffix.
    ///
    /// As it stands in the JSON between the quotes. The base64 never has escapes, what follows it may.
    Encrypted(&'a str),
    /// For everybody.
    Object {
        /// The `type`, 3 to 52 UTF-16 units; half a surrogate pair is replaced by U+FFFD.
        type_name: &'a str,
        /// The whole content, compact JSON.
        json: &'a str,
    },
}

impl<'a> Content<'a> {
    /// The `type` of content that is for everybody.
    pub const fn type_name(&self) -> Option<&'a str> {
        match self {
            Self::Encrypted(_) => None,
            Self::Object { type_name, .. } => Some(type_name),
        }
    }
}

/// The string of a key, however it has to be decoded.
fn string(object: &Value, key: &str) -> Option<String> {
    Some(object.get(key)?.as_text()?.decode().into_owned())
}

/// A message id.
fn message_id(object: &Value, key: &str) -> Option<MessageId> {
    MessageId::parse(object.get(key)?.as_text()?.escaped()).ok()
}

/// A message id or a list of them.
fn message_ids(object: &Value, key: &str) -> Vec<MessageId> {
    let ids = items(object.get(key)).iter().filter_map(|item| item.as_text());
    ids.filter_map(|text| MessageId::parse(text.escaped()).ok()).collect()
}

/// The items of a list; a single value counts as a list of one.
fn items(value: Option<&Value>) -> &[Value] {
    match value {
        None => &[],
        Some(Value::Array(items)) => items,
        Some(single) => slice::from_ref(single),
    }
}

/// A string, or the `link` of an object: the two ways in which clients write links.
fn link(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text.decode().into_owned()),
        _ => string(value, "link"),
    }
}
