//! What a log needs to know of its records before any of them is read again: how long each is, whose, and where feeds end.
//!
//! ```text
//! header   60 bytes, as that of a run; index `base`
//! lengths  for each record: u32, its length in the file
//! authors  for each record: u32, the number of its feed, with the highest bit set if it took the place of an earlier record, and
//!          the second highest if there is no message any more;
//!          2^32 - 1 for decisions, 2^32 - 2 for what is nobody's any more, 2^32 - 3 for the proof of a fork
//! feeds    for each feed with a record in the stretch, by number, as it was at the end of the stretch:
//!          u32 number, id (32 bytes), id of the latest message (32 bytes), f64 claimed time of that
//! footer   u32 feeds, u32 CRC-32C of all before it
//! ```
//!
//! Little endian. Feeds are numbered in the order of their first messages.

use std::io;

use ssb_keys::FeedId;
use ssb_keys::MessageId;

use crate::frame::Frame;
use crate::frame::PREFIX_LEN;
use crate::frame::RECORD_LEN_MAX;
use crate::index::feeds::Owner;
use crate::offsets::Offsets;
use crate::ordinal::Ordinal;
use crate::run::HEADER_LEN;
use crate::run::Header;
use crate::segments;
use crate::segments::Stretch;
use crate::storage::Directory;
use crate::storage::Storage;

/// What the files are called.
pub(crate) const NAME: &str = "base";

const TAG: [u8; 4] = *b"base";

/// What is known of the first records.
#[derive(Debug, Default)]
pub(crate) struct Base {
    /// Of each record: its length in the file.
    pub(crate) lens: Vec<u32>,
    /// Of each record: whose it is, as [`Owner`] codes it.
    pub(crate) authors: Vec<u32>,
    /// By number.
    pub(crate) feeds: Vec<FeedEnd>,
}

/// Where a feed ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct FeedEnd {
    pub(crate) number: u32,
    pub(crate) id: FeedId,
    pub(crate) latest: MessageId,
    pub(crate) timestamp: f64,
}

const FEED_LEN: usize = 4 + 32 + 32 + 8;

const FOOTER_LEN: usize = 8;

impl Base {
    /// Reads what there is of a log whose records are in `records`, and says which files are of no use. The chain ends where
    /// a file is damaged or the log is another one.
    pub(crate) fn load<D: Directory>(
        directory: &D,
        names: &[String],
        records: &D::File,
    ) -> (Self, Vec<Stretch>, Vec<String>) {
        let (chain, mut unused) = segments::chain(NAME, names);
        let (mut base, mut offsets, mut sound) = (Self::default(), Offsets::new(), Vec::new());
        let mut is_sound = true;
        for stretch in chain {
            let part = is_sound.then(|| Part::load(directory, stretch)).flatten();
            match part.filter(|part| part.belongs(&offsets, records)) {
                Some(part) if base.extend(&part) => {
                    part.lens.iter().for_each(|len| offsets.push(*len));
                    sound.push(stretch);
                }
                _ => {
                    is_sound = false;
                    unused.push(stretch.name(NAME));
                }
            }
        }
        (base, sound, unused)
    }

    /// How many records it knows of.
    pub(crate) fn end(&self) -> u32 {
        u32::try_from(self.lens.len()).expect("a log has fewer than 2^32 records")
    }

    /// False, and nothing has changed, if the numbers of feeds are not what they have to be.
    fn extend(&mut self, part: &Part) -> bool {
        let mut feeds = self.feeds.clone();
        for end in &part.feeds {
            let index = usize::try_from(end.number).unwrap_or(usize::MAX);
            let is_next = index == feeds.len();
            match feeds.get_mut(index) {
                Some(known) if known.id == end.id => *known = *end,
                None if is_next => feeds.push(*end),
                _ => return false,
            }
        }
        let is_owner = |code: &u32| {
            let feed = Owner::decode(*code).feed();
            feed.is_none_or(|feed| usize::try_from(feed.get()).is_ok_and(|number| number < feeds.len()))
        };
        if !part.authors.iter().all(is_owner) {
            return false;
        }
        self.feeds = feeds;
        self.lens.extend_from_slice(&part.lens);
        self.authors.extend_from_slice(&part.authors);
        true
    }
}

/// One file.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) stretch: Stretch,
    pub(crate) last: [u8; 32],
    pub(crate) lens: Vec<u32>,
    pub(crate) authors: Vec<u32>,
    pub(crate) feeds: Vec<FeedEnd>,
}

impl Part {
    /// Writes it to a file of its own.
    pub(crate) fn save<D: Directory>(&self, directory: &D) -> io::Result<()> {
        let bytes = self.to_bytes();
        segments::create(directory, &self.stretch.name(NAME), |file| file.write_at(0, &bytes))
    }

    /// `None` if it is not what was written.
    pub(crate) fn load<D: Directory>(directory: &D, stretch: Stretch) -> Option<Self> {
        let file = directory.open(&stretch.name(NAME)).ok()?;
        let len = usize::try_from(file.len().ok()?).ok()?;
        let count = usize::try_from(stretch.len()).ok()?;
        // A name promises so many records: the file has to have them before anything is allocated for it.
        let least = count.checked_mul(8)?.checked_add(HEADER_LEN + FOOTER_LEN)?;
        if len < least || !(len - least).is_multiple_of(FEED_LEN) || (len - least) / FEED_LEN > count {
            return None;
        }
        let mut bytes = vec![0; len];
        if file.read_at(0, &mut bytes).ok()? < len {
            return None;
        }
        Self::parse(&bytes, stretch, count)
    }

    /// One part of two that touch.
    pub(crate) fn join(mut self, next: &Self) -> Self {
        assert_eq!(self.stretch.to, next.stretch.from, "only parts that touch are joined");
        self.stretch.to = next.stretch.to;
        self.last = next.last;
        self.lens.extend_from_slice(&next.lens);
        self.authors.extend_from_slice(&next.authors);
        for end in &next.feeds {
            match self.feeds.binary_search_by_key(&end.number, |known| known.number) {
                Ok(at) => self.feeds.splice(at..=at, [*end]),
                Err(at) => self.feeds.splice(at..at, [*end]),
            };
        }
        self
    }

    fn header(&self) -> Header {
        Header { index: TAG, stretch: self.stretch, last: self.last }
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.header().to_bytes().to_vec();
        self.lens.iter().for_each(|len| bytes.extend_from_slice(&len.to_le_bytes()));
        self.authors.iter().for_each(|author| bytes.extend_from_slice(&author.to_le_bytes()));
        for end in &self.feeds {
            bytes.extend_from_slice(&end.number.to_le_bytes());
            bytes.extend_from_slice(end.id.as_bytes());
            bytes.extend_from_slice(end.latest.as_bytes());
            bytes.extend_from_slice(&end.timestamp.to_le_bytes());
        }
        let count =
            u32::try_from(self.feeds.len()).expect("every feed has a record, and they are fewer than 2^32");
        bytes.extend_from_slice(&count.to_le_bytes());
        let crc = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes
    }

    fn parse(bytes: &[u8], stretch: Stretch, count: usize) -> Option<Self> {
        let (text, crc) = bytes.split_last_chunk::<4>()?;
        if crc32c::crc32c(text).to_le_bytes() != *crc {
            return None;
        }
        let (text, feeds) = text.split_last_chunk::<4>()?;
        let feed_count = usize::try_from(u32::from_le_bytes(*feeds)).ok()?;
        let header = Header::parse(text.first_chunk::<HEADER_LEN>()?)?;
        if header.index != TAG || header.stretch != stretch {
            return None;
        }
        let body = text.get(HEADER_LEN..)?;
        let (lens, body) = body.split_at_checked(count * 4)?;
        let (authors, body) = body.split_at_checked(count * 4)?;
        let numbers = |bytes: &[u8]| {
            bytes.as_chunks::<4>().0.iter().map(|number| u32::from_le_bytes(*number)).collect::<Vec<u32>>()
        };
        let (entries, rest) = body.as_chunks::<FEED_LEN>();
        if !rest.is_empty() || entries.len() != feed_count {
            return None;
        }
        let lens = numbers(lens);
        let is_len =
            |len: &u32| (PREFIX_LEN..=RECORD_LEN_MAX).contains(&usize::try_from(*len).unwrap_or(usize::MAX));
        if !lens.iter().all(is_len) {
            return None;
        }
        let feeds = entries.iter().map(FeedEnd::parse).collect::<Option<Vec<FeedEnd>>>()?;
        Some(Self { stretch, last: header.last, lens, authors: numbers(authors), feeds })
    }

    /// Whether the record that is the last of it stands in the log where it says.
    fn belongs<F: Storage>(&self, offsets: &Offsets, records: &F) -> bool {
        let len_before: u64 = self.lens.iter().rev().skip(1).map(|len| u64::from(*len)).sum();
        let at = offsets.end() + len_before;
        let Some(len) = self.lens.last().and_then(|len| usize::try_from(*len).ok()) else { return false };
        let mut bytes = vec![0; len];
        let is_there = records.read_at(at, &mut bytes).is_ok_and(|count| count == len);
        is_there
            && Frame::parse(&bytes, at).is_ok_and(|frame| frame.len == len && frame.record.id == self.last)
    }
}

impl FeedEnd {
    fn parse(bytes: &[u8; FEED_LEN]) -> Option<Self> {
        let (number, rest) = bytes.split_first_chunk::<4>()?;
        let (id, rest) = rest.split_first_chunk::<32>()?;
        let (latest, rest) = rest.split_first_chunk::<32>()?;
        let timestamp = rest.first_chunk::<8>()?;
        Some(Self {
            number: u32::from_le_bytes(*number),
            id: FeedId::from_bytes(*id),
            latest: MessageId::from_bytes(*latest),
            timestamp: f64::from_le_bytes(*timestamp),
        })
    }
}

/// A record whose place is known: its id, receive time and body.
pub(crate) fn read_record<F: Storage>(
    records: &F,
    offsets: &Offsets,
    at: Ordinal,
) -> Option<([u8; 32], f64, Vec<u8>)> {
    let span = offsets.span(at)?;
    let mut bytes = vec![0; usize::try_from(span.end - span.start).ok()?];
    let count = records.read_at(span.start, &mut bytes).ok()?;
    bytes.truncate(count);
    let frame = Frame::parse(&bytes, span.start).ok()?;
    Some((frame.record.id, frame.record.received, frame.record.body.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Kind;
    use crate::log::Log;
    use crate::log::Record;
    use crate::memory::Memory;
    use crate::recover::RECORDS;

    /// A log of so many records, and parts that cover them.
    fn log(count: u8, parts: &[Stretch]) -> (Memory, Vec<Part>) {
        let memory = Memory::new();
        let (mut log, _) = Log::open(memory.clone()).unwrap();
        let body = |n: u8| vec![b'x'; usize::from(n)];
        for n in 0..count {
            let record = Record { kind: Kind::Message, id: [n; 32], received: f64::from(n), body: &body(n) };
            log.append(&[record]).unwrap();
        }
        let _ = log.sync().unwrap();
        let part = |stretch: &Stretch| {
            let all = || stretch.from..stretch.to;
            let end = |number: u32| FeedEnd {
                number,
                id: FeedId::from_bytes([u8::try_from(number).unwrap(); 32]),
                latest: MessageId::from_bytes([9; 32]),
                timestamp: 1.5,
            };
            let authors: Vec<u32> = all().map(|at| at.min(1)).collect();
            let mut numbers = authors.clone();
            numbers.dedup();
            Part {
                stretch: *stretch,
                last: [u8::try_from(stretch.to - 1).unwrap(); 32],
                lens: all().map(|at| 52 + at).collect(),
                authors,
                feeds: numbers.into_iter().map(end).collect(),
            }
        };
        let parts: Vec<Part> = parts.iter().map(part).collect();
        parts.iter().for_each(|part| part.save(&memory).unwrap());
        (memory, parts)
    }

    fn load(memory: &Memory) -> (Base, Vec<Stretch>, Vec<String>) {
        Base::load(memory, &memory.list().unwrap(), &memory.open(RECORDS).unwrap())
    }

    const PARTS: [Stretch; 2] = [Stretch { from: 0, to: 3 }, Stretch { from: 3, to: 5 }];

    #[test]
    fn what_is_saved_is_known_again() {
        let (memory, parts) = log(6, &PARTS);

        let (base, sound, unused) = load(&memory);

        assert_eq!((base.end(), sound, unused), (5, PARTS.to_vec(), Vec::new()));
        assert_eq!(base.lens, [52, 53, 54, 55, 56]);
        assert_eq!(base.authors, [0, 1, 1, 1, 1]);
        assert_eq!(base.feeds.len(), 2);
        let [first, second]: [Part; 2] = parts.try_into().unwrap();
        let joined = first.join(&second);
        assert_eq!((joined.lens, joined.authors, joined.feeds), (base.lens, base.authors, base.feeds));
    }

    #[test]
    fn whatever_byte_of_a_part_is_flipped_or_cut_off_it_is_of_no_use() {
        let (memory, _) = log(6, &PARTS);
        let name = PARTS[0].name(NAME);
        let bytes = memory.bytes(&name).unwrap();
        let flipped = (0..bytes.len()).map(|at| {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (at % 8);
            flipped
        });
        let cut = (0..bytes.len()).map(|len| bytes[..len].to_vec());
        for broken in flipped.chain(cut) {
            memory.put(&name, &broken);

            let (base, sound, unused) = load(&memory);

            assert_eq!((base.end(), sound.len(), unused.len()), (0, 0, 2));
        }
    }

    #[test]
    fn parts_of_another_log_are_of_no_use() {
        let (memory, _) = log(6, &PARTS);
        let (other, _) = log(4, &[]);
        memory.put(RECORDS, &other.bytes(RECORDS).unwrap());

        let (base, _, unused) = load(&memory);

        assert_eq!(base.end(), 3, "as far as it is the same log");
        assert_eq!(unused, ["base-3-5"]);
    }
}
