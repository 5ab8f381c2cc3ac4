//! Takes numbers and byte strings off the front of bytes.

/// What is left of some bytes. Whatever cannot be taken is `None`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Input<'a>(pub(super) &'a [u8]);

impl<'a> Input<'a> {
    pub(super) const fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    /// Seven bits a byte, the lowest first.
    pub(super) fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = u64::from(self.byte()?);
            number |= (byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    pub(super) fn len(&mut self) -> Option<usize> {
        self.number()?.try_into().ok()
    }

    /// A byte string behind its length.
    pub(super) fn string(&mut self) -> Option<&'a [u8]> {
        let len = self.len()?;
        self.take(len)
    }
}

/// Appends a number as [`Input::number`] takes it.
pub(super) fn put_number(mut number: u64, bytes: &mut Vec<u8>) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            return bytes.push(low);
        }
        bytes.push(low | 0x80);
    }
}

/// Appends a byte string as [`Input::string`] takes it.
pub(super) fn put_string(string: &[u8], bytes: &mut Vec<u8>) {
    put_number(string.len() as u64, bytes);
    bytes.extend_from_slice(string);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive_their_bytes() {
        for number in [0, 1, 0x7f, 0x80, 0x3fff, 0x4000, u64::from(u32::MAX), u64::MAX] {
            let mut bytes = Vec::new();
            put_number(number, &mut bytes);
            let mut input = Input(&bytes);
            assert_eq!((input.number(), input.is_empty()), (Some(number), true));
        }
    }

    #[test]
    fn numbers_end() {
        assert_eq!(Input(&[]).number(), None);
        assert_eq!(Input(&[0x80]).number(), None);
        assert_eq!(Input(&[0x80; 20]).number(), None);
    }

    #[test]
    fn strings_end_where_they_say_or_are_none() {
        let mut bytes = Vec::new();
        put_string(b"abc", &mut bytes);
        bytes.push(9);

        let mut input = Input(&bytes);
        assert_eq!((input.string(), input.0), (Some(b"abc".as_slice()), [9].as_slice()));
        assert_eq!(Input(&[3, 1, 2]).string(), None);
        assert_eq!(Input(&[0xff, 0xff, 0xff, 0xff, 0x0f, 1]).string(), None);
    }
}
