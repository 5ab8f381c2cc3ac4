//! The nine bytes in front of every body.
//!
//! ```text
//!  0        1                 5                 9
//! ┌────────┬─────────────────┬─────────────────┬─ ─ ─
//! │ flags  │ body length, BE │ number, BE      │ body
//! └────────┴─────────────────┴─────────────────┴─ ─ ─
//!  flags: bits 0–1 body type (0 binary, 1 text, 2 JSON), bit 2 end or error, bit 3 stream, the rest ignored
//! ```
//!
//! A header that announces no body is the goodbye, whatever else it says (packet-stream-codec 1.2.0). So a packet
//! with an empty body does not exist.

use core::num::NonZeroU32;

use crate::body::BodyType;
use crate::error::ProtocolError;

/// The length of a header in bytes.
pub const HEADER_LEN: usize = 9;

/// The header that says goodbye, in its usual form.
pub const GOODBYE: [u8; HEADER_LEN] = [0; HEADER_LEN];

/// Says what the body that follows is, and to which request it belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Belongs to a source, sink or duplex; otherwise to an async call.
    pub stream: bool,
    /// Ends its direction of a stream, or is the error that answers an async call.
    pub end: bool,
    /// How to read the body.
    pub body_type: BodyType,
    /// The length of the body in bytes.
    pub body_len: NonZeroU32,
    /// The request: as its caller counts it in packets from the caller, negated in packets to the caller.
    pub number: i32,
}

/// What nine bytes turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// A packet follows.
    Packet(Header),
    /// Nothing follows.
    Goodbye,
}

impl Header {
    /// Reads nine bytes. Announced lengths are not checked here.
    ///
    /// # Errors
    ///
    /// [`ProtocolError::UnknownBodyType`] for the one body type that does not exist.
    pub fn parse(bytes: &[u8; HEADER_LEN]) -> Result<Parsed, ProtocolError> {
        let &[flags, l0, l1, l2, l3, n0, n1, n2, n3] = bytes;
        let Some(body_len) = NonZeroU32::new(u32::from_be_bytes([l0, l1, l2, l3])) else {
            return Ok(Parsed::Goodbye);
        };
        let body_type = match flags & TYPE {
            0 => BodyType::Binary,
            1 => BodyType::Text,
            2 => BodyType::Json,
            _ => return Err(ProtocolError::UnknownBodyType),
        };
        Ok(Parsed::Packet(Self {
            stream: flags & STREAM != 0,
            end: flags & END != 0,
            body_type,
            body_len,
            number: i32::from_be_bytes([n0, n1, n2, n3]),
        }))
    }

    /// The nine bytes.
    pub fn to_bytes(self) -> [u8; HEADER_LEN] {
        let kind = match self.body_type {
            BodyType::Binary => 0,
            BodyType::Text => 1,
            BodyType::Json => 2,
        };
        let stream = if self.stream { STREAM } else { 0 };
        let end = if self.end { END } else { 0 };
        let [l0, l1, l2, l3] = self.body_len.get().to_be_bytes();
        let [n0, n1, n2, n3] = self.number.to_be_bytes();
        [kind | stream | end, l0, l1, l2, l3, n0, n1, n2, n3]
    }
}

const TYPE: u8 = 0b0011;
const END: u8 = 0b0100;
const STREAM: u8 = 0b1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_header_without_a_length_says_goodbye() {
        let bytes = [0x0f, 0, 0, 0, 0, 0, 0, 0, 3];

        assert_eq!(Header::parse(&bytes), Ok(Parsed::Goodbye));
    }

    #[test]
    fn body_type_three_does_not_exist() {
        let bytes = [0x03, 0, 0, 0, 1, 0, 0, 0, 1];

        assert_eq!(Header::parse(&bytes), Err(ProtocolError::UnknownBodyType));
    }

    #[test]
    fn unknown_flags_are_ignored() {
        let plain = [0x0a, 0, 0, 0, 1, 0, 0, 0, 1];
        let odd = [0xfa, 0, 0, 0, 1, 0, 0, 0, 1];

        assert_eq!(Header::parse(&odd), Header::parse(&plain));
    }

    #[test]
    fn a_header_reads_back_as_written() {
        let header = Header {
            stream: true,
            end: false,
            body_type: BodyType::Text,
            body_len: NonZeroU32::MAX,
            number: i32::MIN,
        };

        assert_eq!(Header::parse(&header.to_bytes()), Ok(Parsed::Packet(header)));
    }
}
