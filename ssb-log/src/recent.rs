//! The newest entries of an index, in memory: sorted, and merged with those before them when they are as many, as the runs on
//! disk are. That takes 16 bytes an entry and no more than a few comparisons to find one.

use std::ops::Range;

use crate::run::Posting;

/// Entries of records that came one behind the other.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    /// Each sorted by key and record. All records of one come before those of the next.
    chunks: Vec<Vec<Posting>>,
}

impl Recent {
    /// Adds the entries of records that come behind all that are here.
    pub(crate) fn push(&mut self, mut newest: Vec<Posting>) {
        newest.sort_unstable();
        newest.dedup();
        while let Some(mut before) = self.chunks.pop_if(|before| before.len() <= newest.len()) {
            before.append(&mut newest);
            // Two runs, one behind the other: that is one pass.
            before.sort();
            newest = before;
        }
        if !newest.is_empty() {
            self.chunks.push(newest);
        }
    }

    /// The records of a key that are in `range`, in order.
    pub(crate) fn records(&self, key: u64, range: Range<u32>) -> Vec<u32> {
        let (first, end) =
            (Posting { key, at: range.start }, Posting { key, at: range.end.max(range.start) });
        let of_chunk = |chunk: &Vec<Posting>| {
            let from = chunk.partition_point(|posting| *posting < first);
            let to = chunk.partition_point(|posting| *posting < end);
            chunk.get(from..to).unwrap_or_default().iter().map(|posting| posting.at).collect::<Vec<u32>>()
        };
        self.chunks.iter().flat_map(of_chunk).collect()
    }

    /// The entries from one up to, and without, another, sorted.
    pub(crate) fn between(&self, range: Range<Posting>) -> Vec<Posting> {
        let of_chunk = |chunk: &Vec<Posting>| {
            let from = chunk.partition_point(|posting| *posting < range.start);
            let to = chunk.partition_point(|posting| *posting < range.end);
            chunk.get(from..to).unwrap_or_default().to_vec()
        };
        let mut all: Vec<Posting> = self.chunks.iter().flat_map(of_chunk).collect();
        all.sort();
        all
    }

    /// All entries of the records before `upto`, sorted.
    pub(crate) fn before(&self, upto: u32) -> Vec<Posting> {
        let mut all: Vec<Posting> =
            self.chunks.iter().flatten().filter(|posting| posting.at < upto).copied().collect();
        all.sort();
        all
    }

    /// Forgets the records before `from`.
    pub(crate) fn drop_before(&mut self, from: u32) {
        for chunk in &mut self.chunks {
            chunk.retain(|posting| posting.at >= from);
        }
        self.chunks.retain(|chunk| !chunk.is_empty());
    }

    /// How many entries there is room for.
    pub(crate) fn capacity(&self) -> usize {
        self.chunks.iter().map(Vec::capacity).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn it_is_the_set_of_what_was_added(
            added in proptest::collection::vec(proptest::collection::vec(0..5_u64, 0..6), 0..40),
            dropped in 0..50_u32,
            range in (0..50_u32, 0..50_u32),
        ) {
            let (mut recent, mut model) = (Recent::default(), BTreeSet::new());
            for (at, keys) in (0..).zip(added) {
                let postings: Vec<Posting> = keys.into_iter().map(|key| Posting { key, at }).collect();
                model.extend(postings.iter().copied());
                recent.push(postings);
            }
            prop_assert!(recent.chunks.len() < 10);

            let before: Vec<Posting> = model.iter().filter(|posting| posting.at < dropped).copied().collect();
            prop_assert_eq!(recent.before(dropped), before);
            recent.drop_before(dropped);
            model.retain(|posting| posting.at >= dropped);
            let range = range.0..range.1;
            for key in 0..5 {
                let expected: Vec<u32> = model.iter()
                    .filter(|posting| posting.key == key && range.contains(&posting.at))
                    .map(|posting| posting.at)
                    .collect();
                prop_assert_eq!(recent.records(key, range.clone()), expected);
                let between = Posting { key, at: range.start }..Posting { key: key + 2, at: range.end };
                let expected: Vec<Posting> = model.range(between.clone()).copied().collect();
                prop_assert_eq!(recent.between(between), expected);
            }
        }
    }
}
