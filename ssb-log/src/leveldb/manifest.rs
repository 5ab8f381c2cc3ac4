//! What a manifest says: which files count.

use std::collections::BTreeSet;

use super::input::Input;
use super::input::put_number;
use super::input::put_string;
use super::journal;
use super::journal::End;

/// Which files count.
#[derive(Debug, Default)]
pub(super) struct Manifest {
    /// The numbers of the tables.
    pub(super) tables: BTreeSet<u64>,
    /// The number of the first journal of which not all is in tables.
    pub(super) journal: u64,
    /// The number of another such journal, before that.
    pub(super) previous_journal: u64,
}

impl Manifest {
    /// `None` if it is none, damaged, or of keys in another order than that of their bytes.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (records, end) = journal::records(bytes);
        let mut manifest = Self::default();
        let mut is_in_order = false;
        for record in &records {
            let mut input = Input(record);
            while !input.is_empty() {
                match input.number()? {
                    COMPARATOR => is_in_order = input.string()? == BYTEWISE,
                    JOURNAL => manifest.journal = input.number()?,
                    PREVIOUS_JOURNAL => manifest.previous_journal = input.number()?,
                    NEXT_FILE | LAST_SEQUENCE => drop(input.number()?),
                    COMPACTED => drop((input.number()?, input.string()?)),
                    REMOVED => {
                        let (_level, number) = (input.number()?, input.number()?);
                        manifest.tables.remove(&number);
                    }
                    ADDED => {
                        let (_level, number, _len) = (input.number()?, input.number()?, input.number()?);
                        let _range = (input.string()?, input.string()?);
                        manifest.tables.insert(number);
                    }
                    _ => return None,
                }
            }
        }
        (is_in_order && end == End::Here).then_some(manifest)
    }
}

/// A manifest of no tables and this journal.
pub(super) fn of_journal(number: u8) -> Vec<u8> {
    let mut edit = Vec::new();
    put_number(COMPARATOR, &mut edit);
    put_string(BYTEWISE, &mut edit);
    let numbers = [(JOURNAL, number), (NEXT_FILE, number + 1), (LAST_SEQUENCE, 0)];
    for (tag, number) in numbers {
        put_number(tag, &mut edit);
        put_number(u64::from(number), &mut edit);
    }
    journal::of_records(&[&edit])
}

const BYTEWISE: &[u8] = b"leveldb.BytewiseComparator";

const COMPARATOR: u64 = 1;
const JOURNAL: u64 = 2;
const NEXT_FILE: u64 = 3;
const LAST_SEQUENCE: u64 = 4;
const COMPACTED: u64 = 5;
const REMOVED: u64 = 6;
const ADDED: u64 = 7;
const PREVIOUS_JOURNAL: u64 = 9;

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(edits: &[&[u8]]) -> Option<(Vec<u64>, u64)> {
        let mut first = vec![1];
        put_string(BYTEWISE, &mut first);
        let edits: Vec<&[u8]> = [first.as_slice()].into_iter().chain(edits.iter().copied()).collect();
        let manifest = Manifest::parse(&journal::of_records(&edits))?;
        Some((manifest.tables.into_iter().collect(), manifest.journal))
    }

    #[test]
    fn tables_come_and_go() {
        let added = |number| [7, 0, number, 99, 1, b'a', 1, b'b'];

        assert_eq!(parse(&[&added(5), &added(6), &[2, 7]]), Some((vec![5, 6], 7)));
        assert_eq!(parse(&[&added(5), &added(6), &[6, 0, 5, 2, 9]]), Some((vec![6], 9)));
        assert_eq!(parse(&[]), Some((vec![], 0)));
    }

    #[test]
    fn what_is_not_understood_is_no_manifest() {
        for edit in [[8, 0].as_slice(), &[2], &[7, 0, 5, 99, 1, b'a'], &[6, 0], &[1, 1, b'x'], &[99]] {
            assert_eq!(parse(&[edit]), None, "{edit:?}");
        }
        assert!(Manifest::parse(&[]).is_none());
    }

    #[test]
    fn the_manifest_of_a_new_one_names_its_journal() {
        let manifest = Manifest::parse(&of_journal(2)).unwrap();

        assert_eq!((manifest.tables.len(), manifest.journal, manifest.previous_journal), (0, 2, 0));
    }
}
