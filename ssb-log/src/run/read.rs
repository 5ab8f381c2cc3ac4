//! Finds entries in a run.

use std::ops::ControlFlow;

use super::FOOTER_LEN;
use super::HEADER_LEN;
use super::Header;
use super::Posting;
use super::RunError;
use super::TABLE_ENTRY_LEN;
use super::block;
use super::block::BLOCK_LEN_MAX;
use super::write::FIRST_BLOCK;
use super::write::block_crc;
use crate::segments::Stretch;
use crate::storage::Storage;

/// A file of sorted entries. In memory is where its blocks start: 16 bytes for about 200 entries.
#[derive(Debug)]
pub(crate) struct Run<F> {
    file: F,
    header: Header,
    header_crc: u32,
    blocks: Vec<Block>,
}

#[derive(Clone, Copy, Debug)]
struct Block {
    first: Posting,
    offset: u64,
}

impl<F: Storage> Run<F> {
    /// Opens a file that should be the run of an index over a stretch of a log, whose last record has that id.
    pub(crate) fn open(file: F, header: Header) -> Result<Self, RunError> {
        let text = header.to_bytes();
        if read(&file, 0, HEADER_LEN)? != text {
            return Err(RunError::Damaged);
        }
        let header_crc = crc32c::crc32c(&text);
        let len = file.len()?;
        let footer_at = len.checked_sub(FOOTER_LEN as u64).ok_or(RunError::Damaged)?;
        let footer = read(&file, footer_at, FOOTER_LEN)?;
        let (fields, crc) = footer.split_last_chunk::<4>().ok_or(RunError::Damaged)?;
        let mut rest = fields;
        let table_at = u64::from_le_bytes(take(&mut rest)?);
        let count = usize::try_from(u32::from_le_bytes(take(&mut rest)?)).map_err(|_| RunError::Damaged)?;
        // What is announced has to be there before it is believed.
        let table_len = footer_at.checked_sub(table_at).and_then(|len| usize::try_from(len).ok());
        if table_len != count.checked_mul(TABLE_ENTRY_LEN) || table_at < FIRST_BLOCK {
            return Err(RunError::Damaged);
        }
        let table = read(&file, table_at, count * TABLE_ENTRY_LEN)?;
        let computed = crc32c::crc32c_append(crc32c::crc32c_append(header_crc, &table), fields);
        if computed.to_le_bytes() != *crc {
            return Err(RunError::Damaged);
        }
        let mut blocks = Vec::with_capacity(count + 1);
        let (mut rest, mut offset) = (table.as_slice(), FIRST_BLOCK);
        for _ in 0..count {
            let first = Posting {
                key: u64::from_le_bytes(take(&mut rest)?),
                at: u32::from_le_bytes(take(&mut rest)?),
            };
            blocks.push(Block { first, offset });
            offset += u64::from(u32::from_le_bytes(take(&mut rest)?));
        }
        if offset != table_at {
            return Err(RunError::Damaged);
        }
        // One more, so that every block has an end.
        blocks.push(Block { first: Posting { key: u64::MAX, at: u32::MAX }, offset });
        Ok(Self { file, header, header_crc, blocks })
    }

    /// Which records it covers.
    pub(crate) const fn stretch(&self) -> Stretch {
        self.header.stretch
    }

    /// How many blocks it has.
    pub(crate) fn blocks(&self) -> usize {
        self.blocks.len() - 1
    }

    /// How much memory it takes, in bytes.
    pub(crate) fn memory(&self) -> usize {
        self.blocks.capacity() * size_of::<Block>()
    }

    /// The first block that may have an entry that is not smaller than this one.
    pub(crate) fn block_of(&self, posting: Posting) -> usize {
        let behind = self.blocks().min(self.blocks.partition_point(|block| block.first <= posting));
        behind.saturating_sub(1)
    }

    /// The entries of a block.
    pub(crate) fn block(&self, number: usize) -> Result<Vec<Posting>, RunError> {
        let mut entries = Vec::new();
        self.read_block(number, |posting| {
            entries.push(posting);
            ControlFlow::Continue(())
        })?;
        Ok(entries)
    }

    /// Hands the entries of a block to `each`, until it wants no more.
    pub(crate) fn read_block(
        &self,
        number: usize,
        each: impl FnMut(Posting) -> ControlFlow<()>,
    ) -> Result<(), RunError> {
        let (block, next) = match self.blocks.get(number..) {
            Some([block, next, ..]) => (block, next),
            _ => return Err(RunError::Damaged),
        };
        let len = usize::try_from(next.offset - block.offset).map_err(|_| RunError::Damaged)?;
        if len > BLOCK_LEN_MAX + 4 {
            return Err(RunError::Damaged);
        }
        let mut buffer = [0; BLOCK_LEN_MAX + 4];
        let bytes = buffer.get_mut(..len).ok_or(RunError::Damaged)?;
        if self.file.read_at(block.offset, bytes)? < len {
            return Err(RunError::Damaged);
        }
        let (crc, entries) = bytes.split_first_chunk::<4>().ok_or(RunError::Damaged)?;
        let number = u32::try_from(number).map_err(|_| RunError::Damaged)?;
        if block_crc(self.header_crc, number, entries).to_le_bytes() != *crc {
            return Err(RunError::Damaged);
        }
        if block::read(block.first, entries, each) { Ok(()) } else { Err(RunError::Damaged) }
    }
}

fn read<F: Storage>(file: &F, at: u64, len: usize) -> Result<Vec<u8>, RunError> {
    let mut bytes = vec![0; len];
    if file.read_at(at, &mut bytes)? < len {
        return Err(RunError::Damaged);
    }
    Ok(bytes)
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], RunError> {
    let (taken, rest) = bytes.split_first_chunk::<N>().ok_or(RunError::Damaged)?;
    *bytes = rest;
    Ok(*taken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Memory;
    use crate::run::RunWriter;
    use crate::segments;
    use crate::storage::Directory as _;

    const HEADER: Header =
        Header { index: *b"test", stretch: Stretch { from: 3, to: 100_000 }, last: [7; 32] };

    fn written(postings: &[Posting]) -> Vec<u8> {
        let memory = Memory::new();
        segments::create(&memory, "run", |file| {
            let mut writer = RunWriter::new(file, HEADER, block::BLOCK_LEN);
            postings.iter().try_for_each(|posting| writer.push(*posting))?;
            writer.finish()
        })
        .unwrap();
        memory.bytes("run").unwrap()
    }

    fn opened(
        bytes: &[u8],
        header: Header,
    ) -> Result<Run<<Memory as crate::storage::Directory>::File>, RunError> {
        let memory = Memory::new();
        memory.put("run", bytes);
        Run::open(memory.open("run").unwrap(), header)
    }

    fn all<F: Storage>(run: &Run<F>) -> Result<Vec<Posting>, RunError> {
        let mut all = Vec::new();
        for number in 0..run.blocks() {
            all.extend(run.block(number)?);
        }
        Ok(all)
    }

    fn many() -> Vec<Posting> {
        let mut postings: Vec<Posting> =
            (0..3_000).map(|n: u32| Posting { key: u64::from(n / 300) << (n % 5 * 13), at: n }).collect();
        postings.sort_unstable();
        postings
    }

    #[test]
    fn what_is_written_is_read() {
        for postings in [vec![], vec![Posting { key: u64::MAX, at: u32::MAX }], many()] {
            let run = opened(&written(&postings), HEADER).unwrap();

            assert_eq!(all(&run).unwrap(), postings);
        }
    }

    #[test]
    fn an_entry_is_in_the_block_where_it_is_looked_for_or_behind_it() {
        let postings = many();
        let run = opened(&written(&postings), HEADER).unwrap();
        assert!(run.blocks() > 3);

        for posting in postings {
            let block = run.block(run.block_of(posting)).unwrap();
            assert!(block.contains(&posting));
        }
        assert_eq!(run.block_of(Posting { key: 0, at: 0 }), 0);
        assert_eq!(run.block_of(Posting { key: u64::MAX, at: u32::MAX }), run.blocks() - 1);
    }

    #[test]
    fn a_file_of_something_else_is_not_taken() {
        let bytes = written(&many());

        for other in [
            Header { index: *b"tset", ..HEADER },
            Header { stretch: Stretch { from: 0, to: 100_000 }, ..HEADER },
            Header { last: [8; 32], ..HEADER },
        ] {
            assert_eq!(opened(&bytes, other).unwrap_err(), RunError::Damaged);
        }
    }

    #[test]
    fn whatever_byte_is_flipped_or_cut_off_it_is_noticed() {
        let postings = many();
        let bytes = written(&postings);
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (at % 8);
            let read = opened(&flipped, HEADER).and_then(|run| all(&run));
            assert_eq!(read, Err(RunError::Damaged), "byte {at}");
        }
        for len in (0..bytes.len()).step_by(7) {
            assert_eq!(opened(&bytes[..len], HEADER).unwrap_err(), RunError::Damaged, "{len} bytes");
        }
    }
}
