//! Packets that wait to be sent.

use alloc::vec::Vec;

use crate::encode;
use crate::limits::KEPT_CAPACITY_MAX;
use crate::packet::Packet;

/// A queue of bytes in one piece.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    bytes: Vec<u8>,
    /// How many of `bytes` are gone; never more than there are.
    sent: usize,
}

impl Outbox {
    pub(super) fn push(&mut self, packet: &Packet<'_>) {
        let written = encode::packet(packet, &mut self.bytes);
        debug_assert_eq!(written, Ok(()), "an empty or endless body");
    }

    pub(super) fn goodbye(&mut self) {
        encode::goodbye(&mut self.bytes);
    }

    pub(super) fn sent(&mut self, count: usize) {
        assert!(count <= self.len(), "more was sent than was waiting");
        self.sent += count;
        if self.sent == self.bytes.len() {
            self.sent = 0;
            self.bytes.clear();
            if self.bytes.capacity() > KEPT_CAPACITY_MAX {
                self.bytes = Vec::new();
            }
        } else if self.sent > self.bytes.len() / 2 {
            // Fewer bytes are moved than were sent, so the cost of a byte stays constant.
            self.bytes.drain(..self.sent);
            self.sent = 0;
        }
    }

    pub(super) fn waiting(&self) -> &[u8] {
        self.bytes.get(self.sent..).unwrap_or_default()
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len() - self.sent
    }

    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::Body;

    #[test]
    fn bytes_leave_in_order_however_few_at_a_time() {
        let mut outbox = Outbox::default();
        let mut whole = Vec::new();
        let mut left = Vec::new();

        for number in 1..50 {
            let packet = Packet { stream: false, end: false, number, body: Body::Text("some text") };
            encode::packet(&packet, &mut whole).unwrap();
            outbox.push(&packet);
            let count = outbox.len().min(7);
            left.extend_from_slice(&outbox.waiting()[..count]);
            outbox.sent(count);
        }
        left.extend_from_slice(outbox.waiting());

        assert_eq!(left, whole);
    }

    #[test]
    fn a_large_buffer_is_freed_when_empty() {
        let mut outbox = Outbox::default();
        let large = alloc::vec![1; KEPT_CAPACITY_MAX + 1];
        outbox.push(&Packet { stream: true, end: false, number: 1, body: Body::Binary(&large) });

        outbox.sent(outbox.len());

        assert_eq!(outbox.capacity(), 0);
    }
}
