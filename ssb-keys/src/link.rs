//! Links: an id with, perhaps, a query.

use alloc::string::String;
use alloc::vec::Vec;

use crate::BlobId;
use crate::FeedId;
use crate::MessageId;
use crate::bfe::Id;

/// An id and what follows the first `?` behind it.
///
/// The usual query is `unbox=<key>`, which opens an encrypted blob or message. Rule: ssb-ref 2.16.0, `parseLink`,
/// with strict ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link<'a> {
    id: Id,
    query: Option<&'a str>,
}

impl<'a> Link<'a> {
    /// Parses an id in sigil form with an optional query. `None` if there is no id in front.
    pub fn parse(text: &'a str) -> Option<Self> {
        let (id, query) = match text.split_once('?') {
            Some((id, query)) => (id, Some(query)),
            None => (text, None),
        };
        Some(Self { id: parse_id(id)?, query })
    }

    /// The id.
    pub const fn id(&self) -> Id {
        self.id
    }

    /// The names and values of the query, percent-decoded, in their order.
    ///
    /// A space in the value of `unbox` is a `+` that some program decoded too eagerly, and turns back into one.
    pub fn query(&self) -> Vec<(String, String)> {
        let pairs = self.query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        pairs
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                let (name, value) = (percent_decode(name), percent_decode(value));
                let value = if name == "unbox" { value.replace(' ', "+") } else { value };
                (name, value)
            })
            .collect()
    }

    /// The value of `unbox`, if there is one.
    pub fn unbox(&self) -> Option<String> {
        self.query().into_iter().find_map(|(name, value)| (name == "unbox").then_some(value))
    }
}

/// Parses an id of any of the three kinds in sigil form.
pub fn parse_id(text: &str) -> Option<Id> {
    match text.as_bytes().first()? {
        b'@' => FeedId::parse(text).ok().map(Id::Feed),
        b'%' => MessageId::parse(text).ok().map(Id::Message),
        b'&' => BlobId::parse(text).ok().map(Id::Blob),
        _ => None,
    }
}

fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let (byte, tail) = match (first, tail) {
            (b'%', [high, low, after @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, after),
                _ => (first, tail),
            },
            (b'+', _) => (b' ', tail),
            _ => (first, tail),
        };
        bytes.push(byte);
        rest = tail;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}
