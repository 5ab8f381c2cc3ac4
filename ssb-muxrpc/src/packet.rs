//! A packet as a whole, to be written.

use core::num::NonZeroU32;

use crate::body::Body;
use crate::header::Header;

/// A header and its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Belongs to a source, sink or duplex; otherwise to an async call.
    pub stream: bool,
    /// Ends its direction of a stream, or is the error that answers an async call.
    pub end: bool,
    /// The request: as its caller counts it in packets from the caller, negated in packets to the caller.
    pub number: i32,
    /// What it carries. A packet without a body cannot exist.
    pub body: Body<'a>,
}

impl Packet<'_> {
    /// The header of this packet, or nothing if its body is empty or longer than the format can say.
    pub fn header(&self) -> Option<Header> {
        let body_len = NonZeroU32::new(u32::try_from(self.body.as_bytes().len()).ok()?)?;
        Some(Header {
            stream: self.stream,
            end: self.end,
            body_type: self.body.body_type(),
            body_len,
            number: self.number,
        })
    }
}
