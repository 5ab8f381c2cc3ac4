//! The entries of a block, and numbers of 7 bits a byte.

use std::ops::ControlFlow;

use super::Posting;

/// A block ends when it has so many bytes: an eighth of what a disk reads at once, so that looking one key up costs little.
pub(crate) const BLOCK_LEN: usize = 1024;

/// The longest block: one more entry, of two numbers, may have begun just before the end.
pub(super) const BLOCK_LEN_MAX: usize = BLOCK_LEN + 10 + 5;

/// Writes an entry behind the one before it in the block.
pub(super) fn push(posting: Posting, before: Posting, out: &mut Vec<u8>) {
    debug_assert!(before < posting, "entries are sorted");
    push_number(posting.key - before.key, out);
    push_number(u64::from(if posting.key == before.key { posting.at - before.at } else { posting.at }), out);
}

/// Reads the entries behind `first`, which is not in `bytes`, and hands all to `each`, until it wants no more. False if they
/// are no entries.
pub(super) fn read(
    first: Posting,
    mut bytes: &[u8],
    mut each: impl FnMut(Posting) -> ControlFlow<()>,
) -> bool {
    let mut posting = first;
    if each(posting).is_break() {
        return true;
    }
    while !bytes.is_empty() {
        let (Some(key), Some(at)) = (take_number(&mut bytes), take_number(&mut bytes)) else { return false };
        let Ok(at) = u32::try_from(at) else { return false };
        let next = if key == 0 {
            posting.at.checked_add(at).map(|at| Posting { key: posting.key, at })
        } else {
            posting.key.checked_add(key).map(|key| Posting { key, at })
        };
        match next {
            Some(next) if next > posting => posting = next,
            _ => return false,
        }
        if each(posting).is_break() {
            return true;
        }
    }
    true
}

#[expect(clippy::cast_possible_truncation, reason = "seven bits are taken")]
fn push_number(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let Some(word) = bytes.first_chunk::<8>().map(|word| u64::from_le_bytes(*word)) else {
        return take_slowly(bytes);
    };
    // The last byte of a number is the first without its highest bit.
    let stops = !word & 0x8080_8080_8080_8080;
    if stops == 0 {
        return take_slowly(bytes);
    }
    let bits = stops.trailing_zeros() + 1;
    *bytes = bytes.get(usize::try_from(bits / 8).ok()?..)?;
    let sevens = word & u64::MAX >> (64 - bits) & 0x7f7f_7f7f_7f7f_7f7f;
    // Eight groups of 7 bits become four of 14, two of 28, one of 56.
    let fourteens = sevens & 0x007f_007f_007f_007f | (sevens & 0x7f00_7f00_7f00_7f00) >> 1;
    let halves = fourteens & 0x0000_3fff_0000_3fff | (fourteens & 0x3fff_0000_3fff_0000) >> 2;
    Some(halves & 0x0fff_ffff | (halves & 0x0fff_ffff_0000_0000) >> 4)
}

fn take_slowly(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let bits = u64::from(byte & 0x7f);
        if bits << shift >> shift != bits {
            return None;
        }
        number |= bits << shift;
        if *byte < 0x80 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_were_written() {
        for number in [0, 1, 0x7f, 0x80, 0x3fff, 0x4000, u64::from(u32::MAX), u64::MAX - 1, u64::MAX] {
            let mut bytes = Vec::new();
            push_number(number, &mut bytes);
            let mut rest = bytes.as_slice();

            assert_eq!(take_number(&mut rest), Some(number));
            assert!(rest.is_empty());
            assert_eq!(take_number(&mut &bytes[..bytes.len() - 1]), None);
        }
        assert_eq!(take_number(&mut [0x80; 11].as_slice()), None);
        assert_eq!(
            take_number(&mut [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2].as_slice()),
            None
        );
    }

    #[test]
    fn entries_that_do_not_grow_are_none() {
        let first = Posting { key: 5, at: 7 };
        for bytes in [&[0, 0][..], &[0], &[1], &[0x80]] {
            assert!(!read(first, bytes, |_| ControlFlow::Continue(())), "{bytes:?}");
        }
        let mut over = Vec::new();
        push_number(u64::MAX, &mut over);
        over.push(0);
        assert!(!read(first, &over, |_| ControlFlow::Continue(())));
    }

    #[test]
    fn numbers_are_the_same_whatever_stands_behind_them() {
        for shift in 0..64 {
            for number in [1_u64 << shift, u64::MAX >> shift, (1 << shift) | 0x5555_5555_5555_5555 >> shift] {
                let mut bytes = Vec::new();
                push_number(number, &mut bytes);
                let len = bytes.len();
                for behind in [&[][..], &[0xff; 9], &[0; 9]] {
                    let text = [&bytes[..], behind].concat();
                    let mut rest = text.as_slice();

                    assert_eq!(take_number(&mut rest), Some(number));
                    assert_eq!(rest.len(), text.len() - len);
                }
            }
        }
    }
}
