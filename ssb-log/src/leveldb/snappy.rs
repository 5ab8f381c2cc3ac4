//! The compression of blocks: Snappy, without its framing.

use zeroize::Zeroizing;

use super::input::Input;

/// The plain bytes. `None` if they are damaged, or longer than `len_max`.
pub(super) fn decompress(compressed: &[u8], len_max: usize) -> Option<Zeroizing<Vec<u8>>> {
    let mut input = Input(compressed);
    let len = input.len().filter(|len| *len <= len_max)?;
    let mut plain = Plain::new(len);
    while !input.is_empty() {
        let tag = input.byte()?;
        let upper = usize::from(tag >> 2);
        match tag & 0b11 {
            0 => {
                // Lengths are stored less one, and from 60 on in bytes of their own.
                let less_one = match upper {
                    0..60 => upper,
                    _ => little_endian(input.take(upper - 59)?),
                };
                plain.append(input.take(less_one.checked_add(1)?)?)?;
            }
            1 => plain.repeat(((upper >> 3) << 8) | usize::from(input.byte()?), (upper & 0b111) + 4)?,
            2 => plain.repeat(little_endian(input.take(2)?), upper + 1)?,
            _ => plain.repeat(little_endian(input.take(4)?), upper + 1)?,
        }
    }
    plain.finish()
}

/// Bytes that become as many as were announced, and no more.
struct Plain {
    bytes: Zeroizing<Vec<u8>>,
    len: usize,
}

impl Plain {
    fn new(len: usize) -> Self {
        Self { bytes: Zeroizing::new(Vec::with_capacity(len)), len }
    }

    fn append(&mut self, literal: &[u8]) -> Option<()> {
        self.has_room(literal.len())?;
        self.bytes.extend_from_slice(literal);
        Some(())
    }

    /// Appends again what was appended `offset` bytes ago: also what that itself appends.
    fn repeat(&mut self, offset: usize, len: usize) -> Option<()> {
        self.has_room(len)?;
        let start = self.bytes.len().checked_sub(offset).filter(|_| offset > 0)?;
        for at in start..start + len {
            let byte = *self.bytes.get(at)?;
            self.bytes.push(byte);
        }
        Some(())
    }

    fn has_room(&self, len: usize) -> Option<()> {
        (len <= self.len - self.bytes.len()).then_some(())
    }

    fn finish(self) -> Option<Zeroizing<Vec<u8>>> {
        (self.bytes.len() == self.len).then_some(self.bytes)
    }
}

fn little_endian(bytes: &[u8]) -> usize {
    bytes.iter().rev().fold(0, |number, byte| (number << 8) | usize::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(compressed: &[u8]) -> Option<String> {
        decompress(compressed, 100).map(|plain| String::from_utf8(plain.to_vec()).unwrap())
    }

    #[test]
    fn literals_and_repetitions_of_all_widths_are_read() {
        assert_eq!(plain(&[0]).as_deref(), Some(""));
        assert_eq!(plain(&[3, 2 << 2, b'a', b'b', b'c']).as_deref(), Some("abc"));
        // A length in a byte of its own.
        assert_eq!(plain(&[3, 60 << 2, 2, b'a', b'b', b'c']).as_deref(), Some("abc"));
        // Three bytes back: a byte and three bits, two bytes, four bytes.
        for again in [[0b001, 3].as_slice(), &[3 << 2 | 2, 3, 0], &[3 << 2 | 3, 3, 0, 0, 0]] {
            let compressed = [&[7, 2 << 2, b'a', b'b', b'c'], again].concat();
            assert_eq!(plain(&compressed).as_deref(), Some("abcabca"));
        }
        assert_eq!(plain(&[11, 0, b'a', 9 << 2 | 2, 1, 0]).as_deref(), Some("aaaaaaaaaaa"));
    }

    #[test]
    fn no_more_comes_out_than_was_announced_and_may() {
        let run = |len: u8| [len, 0, b'a', (len - 2) << 2 | 2, 1, 0];

        assert_eq!(decompress(&run(60), 60).map(|plain| plain.len()), Some(60));
        assert_eq!(decompress(&run(61), 60), None);
        let mut lies = run(60);
        for len in [59, 61] {
            lies[0] = len;
            assert_eq!(decompress(&lies, 100), None);
        }
    }

    #[test]
    fn what_is_damaged_is_nothing() {
        for damaged in [
            [].as_slice(),
            &[0xff],
            &[3, 2 << 2, b'a'],
            &[3, 63 << 2, 0xff, 0xff, 0xff, 0xff],
            &[5, 0, b'a', 0b001],
            // Nothing is that far back, or no bytes back.
            &[5, 0, b'a', 0b001, 2],
            &[5, 0, b'a', 0b001, 0],
            &[5, 0b001, 1],
        ] {
            assert_eq!(plain(damaged), None, "{damaged:?}");
        }
    }
}
