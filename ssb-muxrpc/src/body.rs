//! What a packet carries: raw JSON text, plain text or bytes.

/// The body of a packet to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Body<'a> {
    /// Bytes, such as a piece of a blob.
    Binary(&'a [u8]),
    /// Text that is not JSON.
    Text(&'a str),
    /// JSON text, sent exactly as it is. That it parses is up to the caller: a peer ends the connection if not.
    Json(&'a str),
}

impl<'a> Body<'a> {
    /// What JavaScript sends for `undefined`, the result of a method that has none.
    pub const UNDEFINED: Body<'static> = Body::Json("false");

    /// The bytes as they travel.
    pub const fn as_bytes(self) -> &'a [u8] {
        match self {
            Self::Binary(bytes) => bytes,
            Self::Text(text) | Self::Json(text) => text.as_bytes(),
        }
    }

    /// Which of the three it is.
    pub const fn body_type(self) -> BodyType {
        match self {
            Self::Binary(_) => BodyType::Binary,
            Self::Text(_) => BodyType::Text,
            Self::Json(_) => BodyType::Json,
        }
    }

    /// The same value in at least one byte: an empty body cannot be sent, its length would say goodbye.
    ///
    /// Empty text becomes an empty JSON string, empty bytes become `undefined`.
    pub(crate) fn not_empty(self) -> Self {
        match self {
            Self::Text("") => Self::Json("\"\""),
            Self::Binary([]) | Self::Json("") => Body::UNDEFINED,
            body => body,
        }
    }
}

/// How the bytes of a body are to be read. Nothing has been checked: text may not be UTF-8 (JavaScript reads it with
/// replacement characters), JSON may not parse (JavaScript ends the connection).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BodyType {
    /// Bytes.
    Binary,
    /// UTF-8 text.
    Text,
    /// JSON text.
    Json,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_has_to_be_sent_is_never_empty() {
        for empty in [Body::Text(""), Body::Binary(&[]), Body::Json("")] {
            assert!(!empty.not_empty().as_bytes().is_empty());
        }
        assert_eq!(Body::Text("a").not_empty(), Body::Text("a"));
    }
}
