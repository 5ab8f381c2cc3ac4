//! The packets of muxrpc.

use std::num::NonZeroU32;

use ssb_muxrpc::Body;
use ssb_muxrpc::BodyType;
use ssb_muxrpc::ProtocolError;
use ssb_muxrpc::decode::Decoder;
use ssb_muxrpc::decode::Progress;
use ssb_muxrpc::encode;
use ssb_muxrpc::header::HEADER_LEN;
use ssb_muxrpc::header::Header;
use ssb_muxrpc::limits::BODY_LEN_MAX;
use ssb_muxrpc::packet::Packet;

use crate::script::Cuts;
use crate::script::Script;

/// Decodes a wire: however it is cut the packets are those that a plain reading of the format gives, and written again
/// they are the bytes that came.
///
/// Script: lengths of cuts, then the wire.
pub fn muxrpc_decode(data: &[u8]) {
    let script = &mut Script::new(data);
    let cuts = script.run();
    let wire = script.rest();

    let decoded = decode(wire, Cuts::new(cuts));

    assert_eq!(decoded, read(wire));
    assert_eq!(decoded, decode(wire, Cuts::new(&[])));
    check_rewritten(&decoded, wire);
}

/// Packets that are whole, and what came after them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Decoded {
    pub(crate) packets: Vec<(Header, Vec<u8>)>,
    pub(crate) end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Goodbye,
    /// The wire ends here, maybe in the middle of a packet.
    Cut,
    Broken(ProtocolError),
}

/// Decodes all of a wire.
pub(crate) fn decode(mut wire: &[u8], mut cuts: Cuts<'_>) -> Decoded {
    let mut decoder = Decoder::new();
    let (mut packets, mut header, mut body) = (Vec::new(), None, Vec::new());
    while !wire.is_empty() {
        let mut piece = cuts.take(&mut wire);
        while !piece.is_empty() {
            let (count, progress) = match decoder.decode(piece) {
                Ok(taken) => taken,
                Err(error) => {
                    assert_eq!(decoder.decode(piece), Err(error), "it went on after an error");
                    return Decoded { packets, end: End::Broken(error) };
                }
            };
            piece = &piece[count..];
            match progress {
                Progress::Partial => assert!(piece.is_empty()),
                Progress::Header(found) => assert_eq!(header.replace(found), None, "two headers in a row"),
                Progress::Piece(part) => {
                    assert!(!part.is_empty());
                    body.extend_from_slice(part);
                }
                Progress::Last(part) => {
                    assert!(!part.is_empty());
                    body.extend_from_slice(part);
                    let header = header.take().expect("a body follows a header");
                    packets.push((header, std::mem::take(&mut body)));
                }
                Progress::Goodbye => {
                    assert!(decoder.is_finished());
                    return Decoded { packets, end: End::Goodbye };
                }
            }
        }
    }
    Decoded { packets, end: End::Cut }
}

/// The same, straight from the description of the format.
fn read(mut wire: &[u8]) -> Decoded {
    let mut packets = Vec::new();
    loop {
        let Some((&[flags, a, b, c, d, e, f, g, h], rest)) = wire.split_first_chunk::<HEADER_LEN>() else {
            return Decoded { packets, end: End::Cut };
        };
        let Some(body_len) = NonZeroU32::new(u32::from_be_bytes([a, b, c, d])) else {
            return Decoded { packets, end: End::Goodbye };
        };
        let body_type = match flags & 3 {
            0 => BodyType::Binary,
            1 => BodyType::Text,
            2 => BodyType::Json,
            _ => return Decoded { packets, end: End::Broken(ProtocolError::UnknownBodyType) },
        };
        if body_len.get() > BODY_LEN_MAX {
            let error = ProtocolError::Oversized { len: body_len.get() };
            return Decoded { packets, end: End::Broken(error) };
        }
        let Some((body, rest)) = rest.split_at_checked(usize::try_from(body_len.get()).expect("8 MiB"))
        else {
            return Decoded { packets, end: End::Cut };
        };
        let number = i32::from_be_bytes([e, f, g, h]);
        let header = Header { stream: flags & 8 != 0, end: flags & 4 != 0, body_type, body_len, number };
        packets.push((header, body.to_vec()));
        wire = rest;
    }
}

fn check_rewritten(decoded: &Decoded, wire: &[u8]) {
    let mut rewritten = Vec::new();
    for (header, body) in &decoded.packets {
        let start = rewritten.len();
        rewritten.extend_from_slice(&header.to_bytes());
        rewritten.extend_from_slice(body);
        let came = &wire[start..rewritten.len()];
        // Four of the flags mean nothing.
        assert_eq!(rewritten[start], came[0] & 0x0f);
        assert_eq!(&rewritten[start + 1..], &came[1..]);

        let body = match (header.body_type, std::str::from_utf8(body)) {
            (BodyType::Text, Ok(text)) => Body::Text(text),
            (BodyType::Json, Ok(text)) => Body::Json(text),
            _ => Body::Binary(body),
        };
        let packet = Packet { stream: header.stream, end: header.end, number: header.number, body };
        let mut again = Vec::new();
        assert_eq!(encode::packet(&packet, &mut again), Ok(()));
        if body.body_type() == header.body_type {
            assert_eq!(again, rewritten[start..]);
        }
    }
}
