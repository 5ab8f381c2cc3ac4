//! Which messages were opened, and what opens each of them again.
//!
//! A message that is not here and was looked at is for others: that takes no space. Where the others are is in memory, what
//! opens them is read from files.
//!
//! ```text
//! header   60 bytes, as that of a run; index `open`
//! entries  of each message that was opened, in order: u32 ordinal, 49 bytes that open it, sealed for their owner
//! footer   u32 entries, u32 CRC-32C of all before it
//! ```
//!
//! Little endian.

use std::io;
use std::ops::Range;

use crate::run::HEADER_LEN;
use crate::run::Header;
use crate::segments;
use crate::segments::Stretch;
use crate::storage::Directory;
use crate::storage::Storage;

/// What the files are called.
pub(crate) const NAME: &str = "opened";

const TAG: [u8; 4] = *b"open";

/// How long what opens a message is, once it is sealed.
pub(crate) const SEALED_LEN: usize = 49;

/// What opens a message, sealed.
pub(crate) type SealedKey = [u8; SEALED_LEN];

const ENTRY_LEN: usize = 4 + SEALED_LEN;

const FOOTER_LEN: usize = 8;

/// What is known of the records before [`end`](Self::end).
#[derive(Debug)]
pub(crate) struct Opened<F> {
    /// The files, in order.
    parts: Vec<Part<F>>,
    /// Where all messages are that were opened, in order.
    places: Vec<u32>,
    /// What opens the last of them: those in no file yet.
    recent: Vec<SealedKey>,
    end: u32,
}

#[derive(Debug)]
struct Part<F> {
    stretch: Stretch,
    file: F,
    /// How many messages it has.
    count: usize,
}

impl<F: Storage> Opened<F> {
    /// Opens what is on disk. `last` gives what a file should say its last record is. Files that do not belong here, or are damaged,
    /// are left out, with all behind them; their names are returned.
    pub(crate) fn open<D: Directory<File = F>>(
        directory: &D,
        names: &[String],
        last: impl Fn(u32) -> Option<[u8; 32]>,
    ) -> (Self, Vec<String>) {
        let (chain, mut unused) = segments::chain(NAME, names);
        let mut this = Self::default();
        let mut is_sound = true;
        for stretch in chain {
            let name = stretch.name(NAME);
            let part = is_sound.then(|| last(stretch.to - 1)).flatten().and_then(|last| {
                let file = directory.open(&name).ok()?;
                let entries = read(&file, Header { index: TAG, stretch, last })?;
                Some((file, places(&entries, stretch)?))
            });
            match part {
                Some((file, places)) => {
                    this.parts.push(Part { stretch, file, count: places.len() });
                    this.places.extend(places);
                    this.end = stretch.to;
                }
                None => {
                    is_sound = false;
                    unused.push(name);
                }
            }
        }
        (this, unused)
    }

    /// Takes in which of the next records were opened, in order.
    pub(crate) fn apply(&mut self, records: Range<u32>, opened: impl IntoIterator<Item = (u32, SealedKey)>) {
        assert_eq!(records.start, self.end, "records are indexed in order");
        for (at, key) in opened {
            debug_assert!(
                records.contains(&at) && self.places.last().is_none_or(|last| *last < at),
                "in order"
            );
            self.places.push(at);
            self.recent.push(key);
        }
        self.end = records.end;
    }

    /// How many records it knows of.
    pub(crate) const fn end(&self) -> u32 {
        self.end
    }

    /// What is not in a file yet.
    pub(crate) fn unflushed(&self) -> Stretch {
        Stretch { from: self.parts.last().map_or(0, |part| part.stretch.to), to: self.end }
    }

    /// Where messages are that were opened, in a part of the log.
    pub(crate) fn places(&self, range: Range<u32>) -> &[u32] {
        let start = self.places.partition_point(|at| *at < range.start);
        let end = self.places.partition_point(|at| *at < range.end).max(start);
        self.places.get(start..end).unwrap_or_default()
    }

    /// What opens the message at a place. `None` if it was not opened.
    ///
    /// # Errors
    ///
    /// [`Unreadable`] if it was, and the file cannot be read.
    pub(crate) fn key(&self, at: u32) -> Result<Option<SealedKey>, Unreadable> {
        let Ok(mut index) = self.places.binary_search(&at) else { return Ok(None) };
        for part in &self.parts {
            let Some(behind) = index.checked_sub(part.count) else {
                return part.key(index, at).map(Some).ok_or(Unreadable);
            };
            index = behind;
        }
        Ok(self.recent.get(index).copied())
    }

    /// How much memory it takes, in bytes, about.
    pub(crate) fn memory(&self) -> usize {
        self.places.capacity() * size_of::<u32>() + self.recent.capacity() * SEALED_LEN
    }

    /// Puts what is in memory into a file. Files are merged as runs are. `last` gives what a file says its last record is.
    pub(crate) fn flush<D: Directory<File = F>>(&mut self, directory: &D, last: [u8; 32]) -> io::Result<()> {
        let mut stretch = self.unflushed();
        let recent = self.places.len() - self.recent.len();
        let recent = self.places.iter().skip(recent).zip(&self.recent);
        let mut entries: Vec<u8> =
            recent.flat_map(|(at, key)| at.to_le_bytes().into_iter().chain(*key)).collect();
        let (mut merged, mut kept) = (Vec::new(), self.parts.len());
        while let Some(before) =
            self.parts.get(..kept).and_then(<[_]>::last).filter(|part| part.stretch.len() < 2 * stretch.len())
        {
            let Some(mut first) = before.entries() else { return self.clear(directory) };
            first.append(&mut entries);
            entries = first;
            stretch.from = before.stretch.from;
            merged.push(before.stretch.name(NAME));
            kept -= 1;
        }
        let name = stretch.name(NAME);
        let bytes = written(Header { index: TAG, stretch, last }, &entries);
        segments::create(directory, &name, |file| file.write_at(0, &bytes))?;
        let (file, count) = (directory.open(&name)?, entries.len() / ENTRY_LEN);
        self.parts.truncate(kept);
        self.parts.push(Part { stretch, file, count });
        self.recent.clear();
        for name in merged {
            // What stays is left out at the next start, and removed then.
            let _ = segments::remove(directory, &name);
        }
        Ok(())
    }

    /// Forgets everything, on disk first.
    pub(crate) fn clear<D: Directory>(&mut self, directory: &D) -> io::Result<()> {
        segments::clear(directory, NAME)?;
        *self = Self::default();
        Ok(())
    }
}

impl<F> Default for Opened<F> {
    fn default() -> Self {
        Self { parts: Vec::new(), places: Vec::new(), recent: Vec::new(), end: 0 }
    }
}

impl<F: Storage> Part<F> {
    /// What opens the message that is the `index`th here, and should be the one at a place.
    fn key(&self, index: usize, at: u32) -> Option<SealedKey> {
        let offset = HEADER_LEN.checked_add(index.checked_mul(ENTRY_LEN)?)?;
        let mut entry = [0; ENTRY_LEN];
        let count = self.file.read_at(u64::try_from(offset).ok()?, &mut entry).ok()?;
        let (place, key) = entry.split_first_chunk::<4>()?;
        let is_whole = count == ENTRY_LEN && u32::from_le_bytes(*place) == at;
        if is_whole { key.first_chunk().copied() } else { None }
    }

    /// All entries, if the file is what was written.
    fn entries(&self) -> Option<Vec<u8>> {
        let mut header = [0; HEADER_LEN];
        self.file.read_at(0, &mut header).ok()?;
        read(&self.file, Header::parse(&header).filter(|header| header.stretch == self.stretch)?)
    }
}

/// It was opened once, and the file that says how is not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable;

/// Whether every byte of a file is as it was written.
pub(crate) fn is_whole<D: Directory>(directory: &D, stretch: Stretch) -> bool {
    let part = directory.open(&stretch.name(NAME)).map(|file| Part { stretch, file, count: 0 });
    part.ok().and_then(|part| part.entries()).is_some_and(|entries| places(&entries, stretch).is_some())
}

fn written(header: Header, entries: &[u8]) -> Vec<u8> {
    let count = u32::try_from(entries.len() / ENTRY_LEN).expect("a log has fewer than 2^32 records");
    let mut bytes = [&header.to_bytes(), entries, &count.to_le_bytes()].concat();
    let crc = crc32c::crc32c(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes
}

/// The entries of a file that begins with this header. `None` if it is not what was written.
fn read<F: Storage>(file: &F, header: Header) -> Option<Vec<u8>> {
    let bytes = segments::bytes(file)?;
    let footer = bytes.len().checked_sub(FOOTER_LEN)?;
    let entries = bytes.get(HEADER_LEN..footer)?;
    let is_whole = written(header, entries) == bytes && entries.len().is_multiple_of(ENTRY_LEN);
    is_whole.then(|| entries.to_vec())
}

/// Where the messages of entries are, if they are in order and within a stretch.
fn places(entries: &[u8], stretch: Stretch) -> Option<Vec<u32>> {
    let place = |entry: &[u8; ENTRY_LEN]| entry.first_chunk().map(|at| u32::from_le_bytes(*at));
    let places = entries.as_chunks().0.iter().map(place).collect::<Option<Vec<u32>>>()?;
    let is_within = places.iter().all(|at| (stretch.from..stretch.to).contains(at));
    (is_within && places.is_sorted_by(|one, next| one < next)).then_some(places)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Memory;

    type File = <Memory as Directory>::File;

    fn last(at: u32) -> [u8; 32] {
        [u8::try_from(at % 251).unwrap(); 32]
    }

    fn open(memory: &Memory) -> (Opened<File>, Vec<String>) {
        Opened::open(memory, &memory.list().unwrap(), |at| Some(last(at)))
    }

    fn is_open(at: u32) -> bool {
        at.is_multiple_of(3)
    }

    fn key(at: u32) -> SealedKey {
        [u8::try_from(at % 256).unwrap(); SEALED_LEN]
    }

    fn apply(opened: &mut Opened<File>, count: u32) {
        let records = opened.end()..opened.end() + count;
        opened.apply(records.clone(), records.filter(|at| is_open(*at)).map(|at| (at, key(at))));
    }

    fn flush(memory: &Memory, opened: &mut Opened<File>) {
        let last = last(opened.end() - 1);
        opened.flush(memory, last).unwrap();
    }

    fn assert_right(opened: &Opened<File>, end: u32) {
        assert_eq!(opened.end(), end);
        for at in 0..end + 5 {
            let expected = (at < end && is_open(at)).then(|| key(at));
            assert_eq!(opened.key(at), Ok(expected), "{at} of {end}");
        }
        for range in [0..end, 1..end / 2, end / 3..end + 9, 5..5] {
            let expected: Vec<u32> = range.clone().filter(|at| is_open(*at) && *at < end).collect();
            assert_eq!(opened.places(range), expected);
        }
    }

    #[test]
    fn what_was_opened_is_known_in_files_and_in_memory() {
        let memory = Memory::new();
        let mut opened = open(&memory).0;
        let mut end = 0;
        for count in [1, 1, 40, 10, 5, 5, 90, 1] {
            apply(&mut opened, count);
            end += count;
            assert_right(&opened, end);
            flush(&memory, &mut opened);
            assert_right(&opened, end);

            let (again, unused) = open(&memory);

            assert_eq!(unused, <[String; 0]>::default());
            assert_right(&again, end);
        }
    }

    #[test]
    fn files_are_merged_like_the_digits_of_a_number() {
        let memory = Memory::new();
        let mut opened = open(&memory).0;
        for _ in 0..64 {
            apply(&mut opened, 1);
            flush(&memory, &mut opened);
            assert!(memory.list().unwrap().len() <= 6);
        }

        assert_eq!(memory.list().unwrap(), ["opened-0-64"]);
    }

    #[test]
    fn whatever_byte_is_flipped_or_cut_off_it_is_noticed_and_all_is_made_anew() {
        let memory = Memory::new();
        let mut opened = open(&memory).0;
        apply(&mut opened, 20);
        flush(&memory, &mut opened);
        let stretch = Stretch { from: 0, to: 20 };
        assert!(is_whole(&memory, stretch));
        let bytes = memory.bytes("opened-0-20").unwrap();
        let flipped = (0..bytes.len()).map(|at| {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (at % 8);
            flipped
        });
        let cut = (0..bytes.len()).map(|len| bytes[..len].to_vec());
        for broken in flipped.chain(cut) {
            memory.put("opened-0-20", &broken);
            assert!(!is_whole(&memory, stretch));
            let (none, unused) = open(&memory);
            assert_eq!((none.end(), unused), (0, vec!["opened-0-20".to_owned()]));
        }
    }

    #[test]
    fn a_file_that_is_damaged_while_it_is_open_is_noticed_when_it_is_read_or_merged() {
        let memory = Memory::new();
        let mut opened = open(&memory).0;
        apply(&mut opened, 20);
        flush(&memory, &mut opened);
        let file = memory.open("opened-0-20").unwrap();
        file.write_at((HEADER_LEN + ENTRY_LEN) as u64, &[77]).unwrap();

        assert_eq!(opened.key(3), Err(Unreadable));
        assert_eq!(opened.key(4), Ok(None));
        apply(&mut opened, 20);
        flush(&memory, &mut opened);

        assert_eq!((opened.end(), memory.list().unwrap()), (0, vec![]));
    }

    #[test]
    fn entries_out_of_order_or_of_other_records_are_damage() {
        for at in [[5, 5], [6, 5], [2, 20]] {
            let memory = Memory::new();
            let entries: Vec<u8> =
                at.iter().flat_map(|at: &u32| at.to_le_bytes().into_iter().chain(key(0))).collect();
            let stretch = Stretch { from: 1, to: 20 };
            memory.put("opened-1-20", &written(Header { index: TAG, stretch, last: last(19) }, &entries));

            assert!(!is_whole(&memory, stretch), "{at:?}");
        }
    }

    #[test]
    fn a_file_of_another_log_or_owner_and_all_behind_it_are_left_out() {
        let memory = Memory::new();
        let mut opened = open(&memory).0;
        for count in [20, 5, 1] {
            apply(&mut opened, count);
            flush(&memory, &mut opened);
        }
        let id = |at| Some(if at == 24 { [255; 32] } else { last(at) });

        let (opened, unused) = Opened::<File>::open(&memory, &memory.list().unwrap(), id);

        assert_right(&opened, 20);
        assert_eq!(unused, ["opened-20-25", "opened-25-26"]);
    }

    #[test]
    fn what_is_forgotten_is_not_on_disk_either() {
        let memory = Memory::new();
        let mut opened = open(&memory).0;
        apply(&mut opened, 20);
        flush(&memory, &mut opened);
        apply(&mut opened, 5);

        opened.clear(&memory).unwrap();

        assert_right(&opened, 0);
        assert_eq!(memory.crash().list().unwrap(), Vec::<String>::new());
    }
}
