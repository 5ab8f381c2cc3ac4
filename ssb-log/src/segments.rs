//! Files that are derived from a stretch of the log, and never changed once they have their name.
//!
//! The name says which index a file is of and which records it covers: `types-0-65536` has what the index of types knows
//! of the first 65,536 records. Of an index there is a chain of such files from the first record on. After a merge a file
//! covers what several did before; those go then, or, after a crash in between, at the next start.

use std::io;

use crate::storage::Directory;
use crate::storage::Storage;

/// Which records a file covers: those from `from` up to, but not including, `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stretch {
    pub(crate) from: u32,
    pub(crate) to: u32,
}

impl Stretch {
    /// How many records it covers.
    pub(crate) const fn len(self) -> u32 {
        self.to - self.from
    }

    /// The name of its file.
    pub(crate) fn name(self, index: &str) -> String {
        format!("{index}-{}-{}", self.from, self.to)
    }

    pub(crate) fn parse(index: &str, name: &str) -> Option<Self> {
        let (from, to) = name.strip_prefix(index)?.strip_prefix('-')?.split_once('-')?;
        let stretch = Self { from: from.parse().ok()?, to: to.parse().ok()? };
        // One spelling a name: a file called otherwise is none of ours.
        (stretch.from < stretch.to && stretch.name(index) == name).then_some(stretch)
    }
}

/// The chain of an index among these files, and the files of it that are not part of the chain.
///
/// Of two files that start at one record the longer one counts.
pub(crate) fn chain(index: &str, names: &[String]) -> (Vec<Stretch>, Vec<String>) {
    let mut all: Vec<Stretch> = names.iter().filter_map(|name| Stretch::parse(index, name)).collect();
    all.sort_by_key(|stretch| (stretch.from, std::cmp::Reverse(stretch.to)));
    let (mut chain, mut others) = (Vec::new(), Vec::new());
    let mut end = 0;
    for stretch in all {
        if stretch.from == end {
            end = stretch.to;
            chain.push(stretch);
        } else {
            others.push(stretch.name(index));
        }
    }
    (chain, others)
}

/// Removes all files of an index, from the end, so that what a crash leaves is a chain.
pub(crate) fn clear<D: Directory>(directory: &D, index: &str) -> io::Result<()> {
    let (chain, others) = chain(index, &directory.list()?);
    let chain = chain.iter().rev().map(|stretch| stretch.name(index));
    others.into_iter().chain(chain).try_for_each(|name| remove(directory, &name))?;
    directory.sync()
}

/// All bytes of a file. `None` if it cannot be read.
pub(crate) fn bytes<F: Storage>(file: &F) -> Option<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(file.len().ok()?).ok()?];
    let count = file.read_at(0, &mut bytes).ok()?;
    (count == bytes.len()).then_some(bytes)
}

/// Makes a file whole before it has its name, whenever power is lost.
pub(crate) fn create<D: Directory, T>(
    directory: &D,
    name: &str,
    write: impl FnOnce(&D::File) -> io::Result<T>,
) -> io::Result<T> {
    let aside = format!("{name}{ASIDE}");
    remove(directory, &aside)?;
    let file = directory.create(&aside)?;
    let made = write(&file)?;
    file.sync()?;
    directory.rename(&aside, name)?;
    directory.sync()?;
    Ok(made)
}

/// A name that no file has: this one, or this one with a number.
pub(crate) fn free_name<D: Directory>(directory: &D, first: &str) -> io::Result<String> {
    let names = directory.list()?;
    let others = (2_u64..).map(|number| format!("{first}-{number}"));
    let name = std::iter::once(first.to_owned()).chain(others).find(|name| !names.contains(name));
    Ok(name.expect("a directory does not have all names"))
}

/// Removes a file, if it is there.
pub(crate) fn remove<D: Directory>(directory: &D, name: &str) -> io::Result<()> {
    match directory.remove(name) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// What the name of a file ends with while it is being written.
pub(crate) const ASIDE: &str = ".new";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Memory;

    fn stretch(from: u32, to: u32) -> Stretch {
        Stretch { from, to }
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_chain_goes_from_the_first_record_on_without_gaps() {
        let all = names(&[
            "types-0-5",
            "types-5-9",
            "types-11-12",
            "links-0-4",
            "types-9-9",
            "types-9-010",
            "types-9",
        ]);

        assert_eq!(chain("types", &all), (vec![stretch(0, 5), stretch(5, 9)], names(&["types-11-12"])));
        assert_eq!(chain("links", &all), (vec![stretch(0, 4)], vec![]));
        assert_eq!(chain("ids", &all), (vec![], vec![]));
    }

    #[test]
    fn what_a_merge_has_replaced_is_not_in_the_chain() {
        let all = names(&["types-0-5", "types-0-9", "types-5-9", "types-9-12"]);

        let (chain, others) = chain("types", &all);

        assert_eq!(chain, [stretch(0, 9), stretch(9, 12)]);
        assert_eq!(others, ["types-0-5", "types-5-9"]);
    }

    #[test]
    fn a_file_is_whole_before_it_has_its_name() {
        let memory = Memory::new();
        memory.put("a.new", b"left over");

        create(&memory, "a", |file| file.write_at(0, b"whole")).unwrap();

        let after = memory.crash();
        assert_eq!(after.bytes("a").unwrap(), b"whole");
        assert_eq!(after.bytes("a.new"), None);
        let failed = create(&memory, "b", |_| Err::<(), _>(io::Error::other("no")));
        assert!(failed.is_err());
        assert_eq!(memory.bytes("b"), None);
    }
}
