//! The framing of journals: records, cut into pieces that do not cross a block.
//!
//! ```text
//! piece  u32 checksum of all behind it, u16 length, u8 which piece of its record it is, bytes
//! ```
//!
//! Little endian. Less than the head of a piece at the end of a block is zeros.

use zeroize::Zeroizing;

use super::checksum;
use super::input::Input;

/// The records of a journal, until it ends or is damaged; and how it ends.
pub(super) fn records(mut bytes: &[u8]) -> (Vec<Zeroizing<Vec<u8>>>, End) {
    let mut records = Vec::new();
    let mut unfinished: Option<Zeroizing<Vec<u8>>> = None;
    while !bytes.is_empty() {
        let (block, rest) = bytes.split_at(BLOCK_LEN.min(bytes.len()));
        bytes = rest;
        let mut block = Input(block);
        while block.0.len() >= HEAD_LEN {
            let (which, piece) = match piece(&mut block) {
                Ok(piece) => piece,
                Err(end) if bytes.is_empty() => return (records, end),
                Err(_) => return (records, End::Damaged),
            };
            match (which, unfinished.take()) {
                (FULL, None) => records.push(Zeroizing::new(piece.to_vec())),
                (FIRST, None) => unfinished = Some(Zeroizing::new(piece.to_vec())),
                (MIDDLE | LAST, Some(before)) => {
                    // Of a new vector, so that nothing is moved and left behind.
                    let record = Zeroizing::new([before.as_slice(), piece].concat());
                    if which == LAST { records.push(record) } else { unfinished = Some(record) }
                }
                _ => return (records, End::Damaged),
            }
        }
    }
    (records, End::Here)
}

/// How a journal ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// With what was written last, or what a crash has left of that.
    Here,
    /// With what was not written so.
    Damaged,
}

/// A journal of short records, all in its first block.
///
/// # Panics
///
/// If they are longer than that. What is made here is short.
pub(super) fn of_records(records: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for record in records {
        let len = u16::try_from(record.len()).expect("it is short").to_le_bytes();
        bytes.extend_from_slice(&checksum(&[&[FULL], record]).to_le_bytes());
        bytes.extend_from_slice(&len);
        bytes.push(FULL);
        bytes.extend_from_slice(record);
    }
    assert!(bytes.len() <= BLOCK_LEN, "it is short");
    bytes
}

/// The next piece. What should be longer than the block is the end, if nothing is behind the block.
fn piece<'a>(block: &mut Input<'a>) -> Result<(u8, &'a [u8]), End> {
    let mut take = || {
        let (sum, len) = (u32::from_le_bytes(block.array()?), u16::from_le_bytes(block.array()?));
        Some((sum, block.byte()?, block.take(usize::from(len))?))
    };
    let (sum, which, bytes) = take().ok_or(End::Here)?;
    if sum == checksum(&[&[which], bytes]) { Ok((which, bytes)) } else { Err(End::Damaged) }
}

const BLOCK_LEN: usize = 32 * 1024;
const HEAD_LEN: usize = 7;

const FULL: u8 = 1;
const FIRST: u8 = 2;
const MIDDLE: u8 = 3;
const LAST: u8 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(bytes: &[u8]) -> Vec<Vec<u8>> {
        records(bytes).0.iter().map(|record| record.to_vec()).collect()
    }

    #[test]
    fn records_survive_their_journal() {
        let written: [&[u8]; 3] = [b"one", b"", b"three"];

        assert_eq!(texts(&of_records(&written)), written);
    }

    #[test]
    fn wherever_it_is_cut_off_or_damaged_all_before_that_is_there() {
        let written: [&[u8]; 3] = [b"one", b"two", b"three"];
        let bytes = of_records(&written);
        let ends = [10, 20, bytes.len()];
        let whole_before = |at: usize| ends.iter().filter(|end| **end <= at).count();

        for at in 0..bytes.len() {
            assert_eq!(texts(&bytes[..at]), written[..whole_before(at)]);
            assert_eq!(records(&bytes[..at]).1, End::Here);
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << (at % 8);
            assert_eq!(texts(&damaged), written[..whole_before(at)]);
        }
        assert_eq!(records(&bytes).1, End::Here);
    }

    #[test]
    fn what_was_written_otherwise_is_damage_and_what_is_not_all_there_is_the_end() {
        let mut bytes = of_records(&[b"one"]);
        let end = |bytes: &[u8]| records(bytes).1;

        assert_eq!(end(&bytes[..9]), End::Here);
        bytes[8] ^= 1;
        assert_eq!(end(&bytes), End::Damaged);
        // Longer than the block, of which another follows.
        let mut long = vec![0; BLOCK_LEN + 1];
        long[4..6].fill(0xff);
        assert_eq!(end(&long), End::Damaged);
        assert_eq!(end(&long[..BLOCK_LEN]), End::Here);
    }

    #[test]
    fn pieces_out_of_order_end_it() {
        let of_piece = |which: u8| {
            let mut bytes = checksum(&[&[which], b"x"]).to_le_bytes().to_vec();
            bytes.extend([1, 0, which, b'x']);
            bytes
        };
        let of_pieces = |pieces: &[u8]| pieces.iter().flat_map(|which| of_piece(*which)).collect::<Vec<u8>>();

        assert_eq!(texts(&of_pieces(&[FIRST, MIDDLE, LAST, FULL])), [b"xxx".as_slice(), b"x"]);
        for pieces in [[MIDDLE, FULL], [LAST, FULL], [FIRST, FULL], [FIRST, FIRST], [5, FULL], [0, FULL]] {
            assert_eq!(texts(&of_pieces(&pieces)), Vec::<Vec<u8>>::new(), "{pieces:?}");
        }
    }
}
