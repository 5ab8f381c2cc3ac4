//! Who follows and blocks whom, as the log says it last.
//!
//! A node needs all of it when it starts, and never again: so it is not looked up but read whole, from files that have of
//! each stretch of the log the last word of every author on every feed.
//!
//! ```text
//! header   60 bytes, as that of a run; index `cont`
//! ids      every feed that occurs, sorted, 32 bytes each
//! edges    sorted: u32 place of the author among the ids, u32 that of the other feed, u8 relation
//! footer   u32 ids, u32 edges, u32 CRC-32C of all before it
//! ```
//!
//! Little endian. Relations: 0 neither, 1 follows, 2 blocks.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io;
use std::ops::Range;

use ssb_keys::FeedId;
use ssb_msg::content::Contact;
use ssb_msg::content::Relation;
use ssb_msg::json;

use crate::index::content::has_contact;
use crate::locate;
use crate::ordinal::Ordinal;
use crate::query::Filter;
use crate::query::Query;
use crate::read::ReadError;
use crate::reader::Reader;
use crate::run::HEADER_LEN;
use crate::run::Header;
use crate::segments;
use crate::segments::Stretch;
use crate::storage::Directory;
use crate::storage::Storage as _;

/// What the files are called.
pub(crate) const NAME: &str = "contacts";

const TAG: [u8; 4] = *b"cont";

/// The last word of an author on a feed, by both.
type Edges = BTreeMap<(FeedId, FeedId), Relation>;

/// What files know of the first records, and memory of those behind them.
#[derive(Debug, Default)]
pub(crate) struct Contacts {
    /// The files, in order.
    parts: Vec<Stretch>,
    /// Of the records from `flushed` on.
    recent: Edges,
    end: u32,
}

impl Contacts {
    /// Finds what is on disk. `last` gives the id of a record. Files of another log are left out, with all behind them; their
    /// names are returned. That the others are sound is only found out when they are read.
    pub(crate) fn open<D: Directory>(
        directory: &D,
        names: &[String],
        last: impl Fn(u32) -> Option<[u8; 32]>,
    ) -> (Self, Vec<String>) {
        let (chain, mut unused) = segments::chain(NAME, names);
        let belongs = |stretch: &Stretch| {
            let header = read_header(directory, *stretch);
            header.is_some_and(|header| Some(header.last) == last(stretch.to - 1))
        };
        let sound = chain.iter().position(|stretch| !belongs(stretch)).unwrap_or(chain.len());
        let (parts, others) = chain.split_at(sound);
        unused.extend(others.iter().map(|stretch| stretch.name(NAME)));
        let end = parts.last().map_or(0, |part| part.to);
        (Self { parts: parts.to_vec(), recent: Edges::new(), end }, unused)
    }

    /// Takes in what the next records say.
    pub(crate) fn apply(&mut self, records: Range<u32>, said: impl Iterator<Item = (FeedId, Contact)>) {
        assert_eq!(records.start, self.end, "records are indexed in order");
        self.end = records.end;
        self.recent.extend(said.map(|(author, Contact { contact, relation })| ((author, contact), relation)));
    }

    /// How many records it knows of.
    pub(crate) const fn end(&self) -> u32 {
        self.end
    }

    /// What is not in a file yet.
    pub(crate) fn unflushed(&self) -> Stretch {
        Stretch { from: self.parts.last().map_or(0, |part| part.to), to: self.end }
    }

    /// Everything it knows.
    ///
    /// `None` if a file is not what was written: then all are of no use.
    fn all<D: Directory>(&self, directory: &D) -> Option<Edges> {
        let mut all = Edges::new();
        for stretch in &self.parts {
            all.append(&mut Part::load(directory, *stretch)?.edges);
        }
        all.extend(&self.recent);
        Some(all)
    }

    /// Puts what is in memory into a file, whose last record has that id. Files are merged as runs are.
    pub(crate) fn flush<D: Directory>(&mut self, directory: &D, last: [u8; 32]) -> io::Result<()> {
        let mut part = Part { stretch: self.unflushed(), last, edges: self.recent.clone() };
        let mut kept = self.parts.clone();
        while let Some(before) = kept.pop_if(|before| before.len() < part.stretch.len().saturating_mul(2)) {
            let Some(first) = Part::load(directory, before) else { return self.clear(directory) };
            part = first.join(part);
        }
        part.save(directory)?;
        kept.push(part.stretch);
        self.recent.clear();
        for merged in self.parts.iter().filter(|merged| !kept.contains(merged)) {
            // What stays is left out at the next start, and removed then.
            let _ = segments::remove(directory, &merged.name(NAME));
        }
        self.parts = kept;
        Ok(())
    }

    /// Forgets everything, on disk first: a file is damaged, or what it was made of is not in the log any more.
    pub(crate) fn clear<D: Directory>(&mut self, directory: &D) -> io::Result<()> {
        segments::clear(directory, NAME)?;
        *self = Self::default();
        Ok(())
    }
}

/// Everything that files, memory and, behind them, the log itself say; and what else the reader can read of it. Of private messages
/// that their index has not come to only those are looked at whose authors have said such a thing before.
pub(crate) fn all<D: Directory>(
    directory: &D,
    reader: &Reader<D>,
) -> Result<Vec<(FeedId, Contact)>, ReadError> {
    let mut all = open_to_all(directory, &reader.sealed())?;
    if let Some(private) = reader.private() {
        let known = Ordinal::ZERO..Ordinal::new(private.opened().end());
        let filter = Filter::opened().and(Filter::contacts());
        let authors: BTreeSet<FeedId> =
            words(reader, filter, known)?.into_keys().map(|(author, _)| author).collect();
        for author in authors {
            // Which word was the last shows when all of them are in order.
            let filter = Filter::author(author).and(Filter::contacts());
            all.extend(words(reader, filter, Ordinal::ZERO..reader.end())?);
        }
    }
    let edge = |((author, contact), relation)| (author, Contact { contact, relation });
    Ok(all.into_iter().map(edge).collect())
}

fn open_to_all<D: Directory>(directory: &D, reader: &Reader<D>) -> Result<Edges, ReadError> {
    let (mut all, end) = {
        let mut contacts = reader.content().contacts();
        match contacts.all(directory) {
            Some(all) => (all, contacts.end()),
            None => {
                // If files stay that cannot be removed, each start finds them damaged again.
                let _ = contacts.clear(directory);
                (Edges::new(), 0)
            }
        }
    };
    all.extend(words(reader, Filter::contacts(), Ordinal::new(end)..reader.end())?);
    Ok(all)
}

/// What messages say in a part of the log.
fn words<D: Directory>(
    reader: &Reader<D>,
    filter: Filter,
    range: Range<Ordinal>,
) -> Result<Edges, ReadError> {
    let mut answer = reader.query(Query::new(filter).within(range));
    let mut words = Edges::new();
    while !answer.is_over() {
        let page = answer.page(PAGE_LEN)?;
        let said = page.iter().filter_map(|stored| said(stored.shown()));
        words.extend(said.map(|(author, Contact { contact, relation })| ((author, contact), relation)));
    }
    Ok(words)
}

/// How much is read of the log at once.
const PAGE_LEN: usize = 1024 * 1024;

/// What a message says of a feed, and who says it.
pub(crate) fn said(message: &str) -> Option<(FeedId, Contact)> {
    let content = locate::content(message).filter(|content| has_contact(content))?;
    let author = FeedId::parse(locate::plain_text(locate::member(message, "author")?)?).ok()?;
    Some((author, Contact::read(&json::parse(content.as_bytes()).ok()?)?))
}

/// One file.
struct Part {
    stretch: Stretch,
    last: [u8; 32],
    edges: Edges,
}

const ID_LEN: usize = 32;

const EDGE_LEN: usize = 4 + 4 + 1;

impl Part {
    fn save<D: Directory>(&self, directory: &D) -> io::Result<()> {
        let bytes = self.to_bytes();
        segments::create(directory, &self.stretch.name(NAME), |file| file.write_at(0, &bytes))
    }

    /// `None` if it is not what was written.
    fn load<D: Directory>(directory: &D, stretch: Stretch) -> Option<Self> {
        let file = directory.open(&stretch.name(NAME)).ok()?;
        Self::parse(&segments::bytes(&file)?, stretch)
    }

    /// One part of two that touch: what was said later counts.
    fn join(mut self, mut next: Self) -> Self {
        assert_eq!(self.stretch.to, next.stretch.from, "only parts that touch are joined");
        self.edges.append(&mut next.edges);
        let stretch = Stretch { from: self.stretch.from, to: next.stretch.to };
        Self { stretch, last: next.last, edges: self.edges }
    }

    fn to_bytes(&self) -> Vec<u8> {
        let header = Header { index: TAG, stretch: self.stretch, last: self.last };
        let mut ids: Vec<FeedId> =
            self.edges.keys().flat_map(|(author, contact)| [*author, *contact]).collect();
        ids.sort_unstable();
        ids.dedup();
        let count = |len: usize| u32::try_from(len).expect("a log has fewer than 2^32 records");
        let place = |id: &FeedId| count(ids.binary_search(id).expect("all are there")).to_le_bytes();
        let mut bytes = header.to_bytes().to_vec();
        ids.iter().for_each(|id| bytes.extend_from_slice(id.as_bytes()));
        for ((author, contact), relation) in &self.edges {
            bytes.extend_from_slice(&place(author));
            bytes.extend_from_slice(&place(contact));
            bytes.push(to_byte(*relation));
        }
        bytes.extend_from_slice(&count(ids.len()).to_le_bytes());
        bytes.extend_from_slice(&count(self.edges.len()).to_le_bytes());
        let crc = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes
    }

    fn parse(bytes: &[u8], stretch: Stretch) -> Option<Self> {
        let (text, crc) = bytes.split_last_chunk::<4>()?;
        if crc32c::crc32c(text).to_le_bytes() != *crc {
            return None;
        }
        let (text, edge_count) = text.split_last_chunk::<4>()?;
        let (text, id_count) = text.split_last_chunk::<4>()?;
        let (header, body) = text.split_first_chunk::<HEADER_LEN>()?;
        let header =
            Header::parse(header).filter(|header| header.index == TAG && header.stretch == stretch)?;
        let (ids, edges) = body.split_at_checked(len(*id_count, ID_LEN)?)?;
        if edges.len() != len(*edge_count, EDGE_LEN)? {
            return None;
        }
        let (ids, _) = ids.as_chunks::<ID_LEN>();
        let id = |place: &[u8; 4]| {
            let place = usize::try_from(u32::from_le_bytes(*place)).ok()?;
            ids.get(place).map(|id| FeedId::from_bytes(*id))
        };
        let edge = |bytes: &[u8; EDGE_LEN]| {
            let (author, rest) = bytes.split_first_chunk::<4>()?;
            let (contact, relation) = rest.split_first_chunk::<4>()?;
            Some(((id(author)?, id(contact)?), from_byte(*relation.first()?)?))
        };
        let edges = edges.as_chunks::<EDGE_LEN>().0.iter().map(edge).collect::<Option<Edges>>()?;
        Some(Self { stretch, last: header.last, edges })
    }
}

/// Whether every byte of a file is as it was written.
pub(crate) fn is_whole<D: Directory>(directory: &D, stretch: Stretch) -> bool {
    Part::load(directory, stretch).is_some()
}

fn read_header<D: Directory>(directory: &D, stretch: Stretch) -> Option<Header> {
    let mut bytes = [0; HEADER_LEN];
    let file = directory.open(&stretch.name(NAME)).ok()?;
    let is_whole = file.read_at(0, &mut bytes).is_ok_and(|count| count == HEADER_LEN);
    let header = Header::parse(&bytes).filter(|_| is_whole)?;
    (header.index == TAG && header.stretch == stretch).then_some(header)
}

fn len(count: [u8; 4], each: usize) -> Option<usize> {
    usize::try_from(u32::from_le_bytes(count)).ok()?.checked_mul(each)
}

const fn to_byte(relation: Relation) -> u8 {
    match relation {
        Relation::Neutral => 0,
        Relation::Follow => 1,
        Relation::Block => 2,
    }
}

const fn from_byte(byte: u8) -> Option<Relation> {
    match byte {
        0 => Some(Relation::Neutral),
        1 => Some(Relation::Follow),
        2 => Some(Relation::Block),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Memory;

    const RELATIONS: [Relation; 3] = [Relation::Follow, Relation::Block, Relation::Neutral];

    fn feed(n: u8) -> FeedId {
        FeedId::from_bytes([n; 32])
    }

    fn last(at: u32) -> [u8; 32] {
        [u8::try_from(at % 251).unwrap(); 32]
    }

    fn open(memory: &Memory) -> (Contacts, Vec<String>) {
        Contacts::open(memory, &memory.list().unwrap(), |at| Some(last(at)))
    }

    /// What record `at` says.
    fn word(at: u32) -> Option<(FeedId, Contact)> {
        let [author, contact, relation] = [5, 7, 3].map(|modulus| u8::try_from(at % modulus).unwrap());
        let relation = RELATIONS[usize::from(relation)];
        (at % 4 != 3).then_some((feed(author), Contact { contact: feed(contact), relation }))
    }

    fn apply(contacts: &mut Contacts, count: u32) {
        let records = contacts.end()..contacts.end() + count;
        contacts.apply(records.clone(), records.filter_map(word));
    }

    fn flush(memory: &Memory, contacts: &mut Contacts) {
        let last = last(contacts.end() - 1);
        contacts.flush(memory, last).unwrap();
    }

    fn expected(end: u32) -> Edges {
        (0..end).filter_map(word).map(|(author, said)| ((author, said.contact), said.relation)).collect()
    }

    #[test]
    fn the_last_word_counts_in_files_and_in_memory() {
        let memory = Memory::new();
        let mut contacts = open(&memory).0;
        for count in [1, 40, 10, 5, 5, 90] {
            apply(&mut contacts, count);
            assert_eq!(contacts.all(&memory), Some(expected(contacts.end())));
            flush(&memory, &mut contacts);
            assert_eq!(contacts.all(&memory), Some(expected(contacts.end())));

            let (again, unused) = open(&memory);

            assert_eq!((again.end(), unused), (contacts.end(), vec![]));
            assert_eq!(again.all(&memory), contacts.all(&memory));
        }
    }

    #[test]
    fn files_are_merged_like_the_digits_of_a_number() {
        let memory = Memory::new();
        let mut contacts = open(&memory).0;
        for _ in 0..64 {
            apply(&mut contacts, 1);
            flush(&memory, &mut contacts);
            assert!(memory.list().unwrap().len() <= 6);
        }

        assert_eq!(memory.list().unwrap(), ["contacts-0-64"]);
    }

    #[test]
    fn whatever_byte_is_flipped_or_cut_off_it_is_noticed_and_all_is_made_anew() {
        let memory = Memory::new();
        let mut contacts = open(&memory).0;
        apply(&mut contacts, 20);
        flush(&memory, &mut contacts);
        let bytes = memory.bytes("contacts-0-20").unwrap();
        let flipped = (0..bytes.len()).map(|at| {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (at % 8);
            flipped
        });
        let cut = (0..bytes.len()).map(|len| bytes[..len].to_vec());
        for broken in flipped.chain(cut) {
            memory.put("contacts-0-20", &broken);
            assert_eq!(contacts.all(&memory), None);
        }

        apply(&mut contacts, 20);
        flush(&memory, &mut contacts);

        assert_eq!((contacts.end(), memory.list().unwrap()), (0, vec![]));
    }

    #[test]
    fn a_file_of_another_log_and_all_behind_it_are_left_out() {
        let memory = Memory::new();
        let mut contacts = open(&memory).0;
        for count in [20, 5, 1] {
            apply(&mut contacts, count);
            flush(&memory, &mut contacts);
        }
        let id = |at| Some(if at == 24 { [255; 32] } else { last(at) });

        let (contacts, unused) = Contacts::open(&memory, &memory.list().unwrap(), id);

        assert_eq!(contacts.all(&memory), Some(expected(20)));
        assert_eq!(unused, ["contacts-20-25", "contacts-25-26"]);
    }

    #[test]
    fn what_is_forgotten_is_not_on_disk_either() {
        let memory = Memory::new();
        let mut contacts = open(&memory).0;
        apply(&mut contacts, 20);
        flush(&memory, &mut contacts);
        apply(&mut contacts, 5);

        contacts.clear(&memory).unwrap();

        assert_eq!(contacts.all(&memory), Some(Edges::new()));
        assert_eq!(memory.crash().list().unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_message_says_something_of_a_feed_if_its_content_has_one() {
        let (me, other) = (feed(1), feed(2));
        let message = |content: &str| format!(r#"{{"author":"{me}","content":{content}}}"#);
        let contact = |relation| Some((me, Contact { contact: other, relation }));

        for (content, expected) in [
            (format!(r#"{{"contact":"{other}","following":true}}"#), contact(Relation::Follow)),
            (format!(r#"{{"contact":"{other}","flagged":{{}}}}"#), contact(Relation::Block)),
            (format!(r#"{{"type":"x","contact":"{other}"}}"#), contact(Relation::Neutral)),
            (r#"{"contact":"somebody","following":true}"#.to_owned(), None),
            (r#""xyz.box""#.to_owned(), None),
        ] {
            assert_eq!(said(&message(&content)), expected, "{content}");
        }
    }
}
