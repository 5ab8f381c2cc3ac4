//! Writes packets.

use alloc::vec::Vec;

use crate::header::GOODBYE;
use crate::packet::Packet;

/// Appends a packet, header and body together.
///
/// # Errors
///
/// [`Unsendable`] if the body is empty or longer than the format can say; nothing is appended then.
pub fn packet(packet: &Packet<'_>, out: &mut Vec<u8>) -> Result<(), Unsendable> {
    let header = packet.header().ok_or(Unsendable)?;
    out.extend_from_slice(&header.to_bytes());
    out.extend_from_slice(packet.body.as_bytes());
    Ok(())
}

/// Appends a goodbye. Nothing may follow it.
pub fn goodbye(out: &mut Vec<u8>) {
    out.extend_from_slice(&GOODBYE);
}

/// A body is empty, which would read as a goodbye, or is 4 GiB or longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the format has no packet with a body of this length")]
pub struct Unsendable;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::Body;

    #[test]
    fn an_empty_body_is_not_written_because_it_would_say_goodbye() {
        let mut out = Vec::new();
        let empty = Packet { stream: true, end: false, number: 1, body: Body::Binary(&[]) };

        assert_eq!(packet(&empty, &mut out), Err(Unsendable));
        assert!(out.is_empty());
    }
}
