//! What is remembered of blobs beside their bytes: who first brought each, when, and whether it is to stay.
//!
//! A file for each shelf, of records that are only ever added, until most of them are out of date: then it is written anew.
//! What is not remembered, because the file is lost or JavaScript has stored the blob, is read off the blob's own file.
//!
//! ```text
//! record   0         1        2       4       8        16       24         56         88
//!          ├─────────┼────────┼───────┼───────┼────────┼────────┼──────────┼──────────┤
//!          │ version │ origin │ marks │ check │ size   │ seen   │ id       │ who      │
//!          │ u8      │ u8     │ u16   │ u32   │ u64    │ u64    │ 32 bytes │ 32 bytes │
//!          └─────────┴────────┴───────┴───────┴────────┴────────┴──────────┴──────────┘
//! ```
//!
//! Little endian; version 1. The check is the first 4 bytes of the SHA-256 of the record with zeros in their place. A record
//! that does not check, such as one that a crash has torn, is none.

use std::collections::BTreeMap;
use std::io;
use std::io::Read as _;
use std::io::Seek as _;
use std::io::SeekFrom;
use std::io::Write as _;

use ssb_keys::BlobId;
use ssb_keys::FeedId;
use ssb_keys::hash::sha256;

use crate::files::File as _;
use crate::files::Files;
use crate::place::Shelf;
use crate::place::TABLE;
use crate::store::Facts;
use crate::store::Origin;

/// What is remembered of the blobs of one shelf.
pub(crate) fn read<F: Files>(files: &F, shelf: Shelf) -> io::Result<BTreeMap<BlobId, Facts>> {
    match files.open(&shelf.table()) {
        Ok(mut file) => Ok(replay(&mut file)?.facts),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(error),
    }
}

/// Remembers `facts` of a blob from now on, or, with `None`, nothing. Survives a loss of power.
pub(crate) fn write<F: Files>(files: &F, id: &BlobId, facts: Option<&Facts>) -> io::Result<()> {
    let shelf = Shelf::of(id);
    let mut file = files.edit(&shelf.table())?;
    let mut replayed = replay(&mut file)?;
    if facts.is_none() && !replayed.facts.contains_key(id) {
        return Ok(());
    }
    match facts {
        Some(facts) => replayed.facts.insert(*id, *facts),
        None => replayed.facts.remove(id),
    };
    if replayed.records > 2 * replayed.facts.len() + STALE_MAX {
        return write_anew(files, shelf, &replayed.facts);
    }
    if replayed.records == 0 {
        // The file may be new. Before it has a record, so that whoever finds one knows that the file stays.
        files.sync(TABLE)?;
    }
    // What a crash has torn is written over.
    file.seek(SeekFrom::Start(replayed.records_len()))?;
    file.write_all(&record(id, facts))?;
    file.sync()
}

fn write_anew<F: Files>(files: &F, shelf: Shelf, all: &BTreeMap<BlobId, Facts>) -> io::Result<()> {
    let aside = format!("{}.new", shelf.table());
    match files.remove(&aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = files.create(&aside)?;
    for (id, facts) in all {
        file.write_all(&record(id, Some(facts)))?;
    }
    file.sync()?;
    files.rename(&aside, &shelf.table())?;
    files.sync(TABLE)
}

#[derive(Default)]
struct Replayed {
    facts: BTreeMap<BlobId, Facts>,
    /// How many whole records the file has, good or bad.
    records: usize,
}

impl Replayed {
    fn records_len(&self) -> u64 {
        u64::try_from(self.records * RECORD_LEN).unwrap_or(u64::MAX)
    }
}

fn replay(file: &mut impl io::Read) -> io::Result<Replayed> {
    let mut file = io::BufReader::with_capacity(RECORD_LEN * RECORDS_READ, file);
    let (mut replayed, mut record) = (Replayed::default(), [0; RECORD_LEN]);
    loop {
        match file.read_exact(&mut record) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(replayed),
            Err(error) => return Err(error),
        }
        replayed.records += 1;
        match parse(&record) {
            Some((id, Some(facts))) => drop(replayed.facts.insert(id, facts)),
            Some((id, None)) => drop(replayed.facts.remove(&id)),
            None => {}
        }
    }
}

fn record(id: &BlobId, facts: Option<&Facts>) -> [u8; RECORD_LEN] {
    let gone = Facts { size: 0, seen: 0, origin: Origin::Unknown, is_pinned: false };
    let Facts { size, seen, origin, is_pinned } = *facts.unwrap_or(&gone);
    let marks = [(is_pinned, PINNED), (facts.is_none(), GONE)];
    let marks = marks.into_iter().filter(|(is_set, _)| *is_set).fold(0, |all, (_, mark)| all | mark);
    let (kind, who) = match origin {
        Origin::Unknown => (0, [0; 32]),
        Origin::Own => (1, [0; 32]),
        Origin::Peer(who) => (2, *who.as_bytes()),
        Origin::Asked(who) => (3, *who.as_bytes()),
    };
    let mut record = [0; RECORD_LEN];
    let parts: [&[u8]; 8] = [
        &[VERSION, kind],
        &u16::to_le_bytes(marks),
        &[0; 4],
        &size.to_le_bytes(),
        &seen.to_le_bytes(),
        id.as_bytes(),
        &who,
        &[],
    ];
    for (to, from) in record.iter_mut().zip(parts.into_iter().flatten()) {
        *to = *from;
    }
    let check = check(&record);
    for (to, from) in record.iter_mut().skip(CHECK_AT).zip(check) {
        *to = from;
    }
    record
}

fn parse(record: &[u8; RECORD_LEN]) -> Option<(BlobId, Option<Facts>)> {
    let (&[version, origin], rest) = record.split_first_chunk()?;
    let (marks, rest) = rest.split_first_chunk()?;
    let (found, rest) = rest.split_first_chunk::<4>()?;
    let (size, rest) = rest.split_first_chunk()?;
    let (seen, rest) = rest.split_first_chunk()?;
    let (id, rest) = rest.split_first_chunk()?;
    let who = rest.first_chunk()?;
    if version != VERSION || *found != check(record) {
        return None;
    }
    let origin = match origin {
        0 => Origin::Unknown,
        1 => Origin::Own,
        2 => Origin::Peer(FeedId::from_bytes(*who)),
        3 => Origin::Asked(FeedId::from_bytes(*who)),
        _ => return None,
    };
    let marks = u16::from_le_bytes(*marks);
    let facts = Facts {
        size: u64::from_le_bytes(*size),
        seen: u64::from_le_bytes(*seen),
        origin,
        is_pinned: marks & PINNED != 0,
    };
    Some((BlobId::from_bytes(*id), (marks & GONE == 0).then_some(facts)))
}

fn check(record: &[u8; RECORD_LEN]) -> [u8; 4] {
    let mut bare = *record;
    bare.iter_mut().skip(CHECK_AT).take(4).for_each(|byte| *byte = 0);
    let [a, b, c, d, ..] = sha256(&bare);
    [a, b, c, d]
}

const VERSION: u8 = 1;
const PINNED: u16 = 1;
const GONE: u16 = 2;
const CHECK_AT: usize = 4;
const RECORD_LEN: usize = 88;

/// How many records are read at once.
const RECORDS_READ: usize = 128;

/// So many records may be out of date, beside half of all, before they are left out.
const STALE_MAX: usize = 16;
