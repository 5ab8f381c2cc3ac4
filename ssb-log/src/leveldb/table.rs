//! Tables: entries in the order of their keys, in blocks, of which the last but one says where the others are.
//!
//! ```text
//! block   entries, u32 × n where some of them start, u32 n; u8 whether it is compressed, u32 checksum
//! entry   how much of the key is that of the key before, how much follows, length of the value, rest of the key, value
//! footer  where two blocks are, zeros, u64 magic
//! ```

use std::ops::Range;

use zeroize::Zeroizing;

use super::checksum;
use super::input::Input;
use super::snappy;

/// The longest block that is read, plain: LevelDB ends one when it has 4 KiB, and an entry is in one.
pub const BLOCK_LEN_MAX: usize = 4 * 1024 * 1024;

/// Shows all entries of a table, with the keys as they stand there. `None` if it is damaged.
pub(super) fn visit(table: &[u8], mut each: impl FnMut(&[u8], &[u8]) -> Option<()>) -> Option<()> {
    let (_, footer) = table.split_last_chunk::<FOOTER_LEN>()?;
    let (handles, magic) = footer.split_last_chunk()?;
    if u64::from_le_bytes(*magic) != MAGIC {
        return None;
    }
    let mut handles = Input(handles);
    let (_filters, index) = (handle(&mut handles)?, handle(&mut handles)?);
    let index = block(table, index)?;
    // Each block is read once.
    let mut end = 0;
    entries(&index, |_, place| {
        let place = handle(&mut Input(place)).filter(|place| place.start >= end)?;
        end = place.end;
        entries(&block(table, place)?, &mut each)
    })
}

/// Where a block is.
fn handle(input: &mut Input<'_>) -> Option<Range<usize>> {
    let (start, len) = (input.len()?, input.len()?);
    Some(start..start.checked_add(len)?)
}

/// What is in a block.
fn block(table: &[u8], place: Range<usize>) -> Option<Zeroizing<Vec<u8>>> {
    let bytes = table.get(place.clone())?;
    let mut trailer = Input(table.get(place.end..)?);
    let (compression, sum) = (trailer.byte()?, u32::from_le_bytes(trailer.array()?));
    if sum != checksum(&[bytes, &[compression]]) {
        return None;
    }
    match compression {
        0 if bytes.len() <= BLOCK_LEN_MAX => Some(Zeroizing::new(bytes.to_vec())),
        1 => snappy::decompress(bytes, BLOCK_LEN_MAX),
        _ => None,
    }
}

fn entries(block: &[u8], mut each: impl FnMut(&[u8], &[u8]) -> Option<()>) -> Option<()> {
    let (rest, count) = block.split_last_chunk()?;
    let starts_len = usize::try_from(u32::from_le_bytes(*count)).ok()?.checked_mul(4)?;
    let mut input = Input(rest.get(..rest.len().checked_sub(starts_len)?)?);
    let mut key = Vec::new();
    while !input.is_empty() {
        let (shared, unshared, value_len) = (input.len()?, input.len()?, input.len()?);
        if shared > key.len() {
            return None;
        }
        key.truncate(shared);
        key.extend_from_slice(input.take(unshared)?);
        each(&key, input.take(value_len)?)?;
    }
    Some(())
}

const FOOTER_LEN: usize = 48;
const MAGIC: u64 = 0xdb47_7524_8b80_fb57;

#[cfg(test)]
mod tests {
    use super::super::input::put_number;
    use super::*;

    /// A table of blocks with one entry each, of which the last is said to be that of the places.
    fn table(blocks: &[(&[u8], &[u8])]) -> Vec<u8> {
        let (mut table, mut places) = (Vec::new(), Vec::new());
        for (key, value) in blocks {
            places.push(append_block(&entry(0, key, value), &mut table));
        }
        finish(table, &places)
    }

    fn finish(mut table: Vec<u8>, places: &[Range<usize>]) -> Vec<u8> {
        let index: Vec<u8> = places.iter().flat_map(|place| entry(0, b"", &handle_of(place))).collect();
        let index = append_block(&index, &mut table);
        let mut footer = [handle_of(&(0..0)), handle_of(&index)].concat();
        footer.resize(FOOTER_LEN - 8, 0);
        table.extend(footer);
        table.extend(MAGIC.to_le_bytes());
        table
    }

    fn append_block(entries: &[u8], table: &mut Vec<u8>) -> Range<usize> {
        let start = table.len();
        table.extend_from_slice(entries);
        table.extend(0_u32.to_le_bytes());
        let end = table.len();
        let sum = checksum(&[&table[start..], &[0]]);
        table.push(0);
        table.extend(sum.to_le_bytes());
        start..end
    }

    fn entry(shared: u64, key: &[u8], value: &[u8]) -> Vec<u8> {
        let mut entry = Vec::new();
        for number in [shared, key.len() as u64, value.len() as u64] {
            put_number(number, &mut entry);
        }
        [entry.as_slice(), key, value].concat()
    }

    fn handle_of(place: &Range<usize>) -> Vec<u8> {
        let mut handle = Vec::new();
        put_number(place.start as u64, &mut handle);
        put_number(place.len() as u64, &mut handle);
        handle
    }

    fn read(table: &[u8]) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
        let mut all = Vec::new();
        visit(table, |key, value| {
            all.push((key.to_vec(), value.to_vec()));
            Some(())
        })?;
        Some(all)
    }

    #[test]
    fn the_entries_of_all_blocks_are_read() {
        let expected = [("a", "1"), ("b", "2")].map(|(key, value)| (key.into(), value.into()));

        assert_eq!(read(&table(&[(b"a", b"1"), (b"b", b"2")])).unwrap(), expected);
        assert_eq!(read(&table(&[])).unwrap(), []);
    }

    #[test]
    fn a_key_starts_as_the_one_before_it() {
        let mut bytes = Vec::new();
        let block = append_block(&[entry(0, b"abc", b"1"), entry(2, b"x", b"2")].concat(), &mut bytes);
        let expected = [("abc", "1"), ("abx", "2")].map(|(key, value)| (key.into(), value.into()));
        assert_eq!(read(&finish(bytes, &[block])).unwrap(), expected);

        let mut bytes = Vec::new();
        let block = append_block(&[entry(0, b"abc", b"1"), entry(4, b"x", b"2")].concat(), &mut bytes);
        assert_eq!(read(&finish(bytes, &[block])), None);
    }

    #[test]
    fn no_block_is_read_twice() {
        let mut bytes = Vec::new();
        let block = append_block(&entry(0, b"a", b"1"), &mut bytes);

        assert!(read(&finish(bytes.clone(), std::slice::from_ref(&block))).is_some());
        assert_eq!(read(&finish(bytes, &[block.clone(), block])), None);
    }

    #[test]
    fn a_longer_block_is_not_read() {
        let with_value = |len: usize| table(&[(b"a", &vec![0; len])]);
        let around = entry(0, b"a", &[0; 1 << 21]).len() - (1 << 21) + 4;

        assert!(read(&with_value(BLOCK_LEN_MAX - around)).is_some());
        assert_eq!(read(&with_value(BLOCK_LEN_MAX - around + 1)), None);
    }

    #[test]
    fn damage_is_noticed_wherever_it_matters() {
        let table = table(&[(b"a", b"1"), (b"b", b"2")]);
        let expected = read(&table).unwrap();

        for at in 0..table.len() {
            let mut damaged = table.clone();
            damaged[at] ^= 1 << (at % 8);
            let found = read(&damaged);
            assert!(found.is_none_or(|found| found == expected), "byte {at}");
            assert_eq!(read(&table[..at]), None);
        }
    }
}
