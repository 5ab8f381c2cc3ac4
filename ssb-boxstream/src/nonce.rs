//! The counter that numbers boxes.

/// A nonce of 24 bytes, counted as one big-endian number that wraps.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Nonce([u8; 24]);

impl Nonce {
    pub(crate) const fn new(bytes: [u8; 24]) -> Self {
        Self(bytes)
    }

    /// This nonce; afterwards the next one.
    pub(crate) fn take(&mut self) -> [u8; 24] {
        let nonce = self.0;
        for byte in self.0.iter_mut().rev() {
            *byte = byte.wrapping_add(1);
            if *byte != 0 {
                break;
            }
        }
        nonce
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_carries_and_wraps() {
        let mut nonce = Nonce::new([0xff; 24]);

        assert_eq!(nonce.take(), [0xff; 24]);
        assert_eq!(nonce.take(), [0; 24]);

        let mut carry = [0; 24];
        carry[23] = 0xff;
        let mut nonce = Nonce::new(carry);
        nonce.take();
        carry[22] = 1;
        carry[23] = 0;
        assert_eq!(nonce.take(), carry);
    }
}
