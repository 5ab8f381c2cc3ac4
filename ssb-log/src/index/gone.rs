//! Which places of the log hold no message, or none any more.

use std::collections::BTreeSet;

use ssb_keys::FeedId;

use crate::ordinal::Ordinal;

/// Places without a message, of which there is a bit for each record; and what of them may come back.
#[derive(Debug, Default)]
pub(crate) struct Gone {
    bits: Vec<u64>,
    count: u32,
    /// Deleted messages that may come back.
    readmitted: BTreeSet<Ordinal>,
    /// Feeds of which nothing is taken.
    banned: BTreeSet<FeedId>,
}

const BITS: usize = 64;

impl Gone {
    /// There is no message here from now on.
    pub(crate) fn insert(&mut self, at: Ordinal) {
        let (word, bit) = place(at);
        if self.bits.len() <= word {
            self.bits.resize(word + 1, 0);
        }
        let word = self.bits.get_mut(word).expect("it was made long enough");
        self.count += u32::from(*word & bit == 0);
        *word |= bit;
        self.readmitted.remove(&at);
    }

    /// Whether there is no message here.
    pub(crate) fn contains(&self, at: Ordinal) -> bool {
        let (word, bit) = place(at);
        self.bits.get(word).is_some_and(|word| word & bit != 0)
    }

    /// How many such places there are.
    pub(crate) const fn count(&self) -> u32 {
        self.count
    }

    /// The first place from `at` on that has a message, or would have.
    pub(crate) fn skip(&self, at: Ordinal) -> Ordinal {
        let (mut word, bit) = place(at);
        // Everything before `at` counts as gone.
        let mut before = bit - 1;
        while let Some(bits) = self.bits.get(word) {
            let gone = bits | before;
            if gone != u64::MAX {
                return Ordinal::at(
                    word * BITS + usize::try_from(gone.trailing_ones()).expect("there are 64"),
                );
            }
            before = 0;
            word += 1;
        }
        at.max(Ordinal::at(word * BITS))
    }

    /// The end of what is left of `..end` when what is gone at its end is left out.
    pub(crate) fn skip_back(&self, end: Ordinal) -> Ordinal {
        let mut end = end.get();
        while let Some(before) = end.checked_sub(1) {
            let (word, _) = place(Ordinal::new(before));
            match self.bits.get(word) {
                Some(&u64::MAX) if before % 64 == 63 => end = end.saturating_sub(64),
                _ if self.contains(Ordinal::new(before)) => end = before,
                _ => break,
            }
        }
        Ordinal::new(end)
    }

    /// A deleted message may come back.
    pub(crate) fn readmit(&mut self, at: Ordinal) {
        if self.contains(at) {
            self.readmitted.insert(at);
        }
    }

    /// It has.
    pub(crate) fn came_back(&mut self, at: Ordinal) {
        self.readmitted.remove(&at);
    }

    /// Whether the message that was here may come back.
    pub(crate) fn may_come_back(&self, at: Ordinal) -> bool {
        self.readmitted.contains(&at)
    }

    /// Nothing of this feed is taken from now on.
    pub(crate) fn ban(&mut self, feed: FeedId) {
        self.banned.insert(feed);
    }

    /// It is again.
    pub(crate) fn unban(&mut self, feed: &FeedId) {
        self.banned.remove(feed);
    }

    /// The feeds of which nothing is taken.
    pub(crate) const fn banned(&self) -> &BTreeSet<FeedId> {
        &self.banned
    }
}

fn place(at: Ordinal) -> (usize, u64) {
    (at.index() / BITS, 1 << (at.index() % BITS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_a_set_of_places(all in proptest::collection::btree_set(0..200_u32, 0..150), from in 0..260_u32) {
            let mut gone = Gone::default();
            all.iter().for_each(|at| gone.insert(Ordinal::new(*at)));
            all.iter().for_each(|at| gone.insert(Ordinal::new(*at)));

            prop_assert_eq!(usize::try_from(gone.count()).unwrap(), all.len());
            prop_assert!((0..300).all(|at| gone.contains(Ordinal::new(at)) == all.contains(&at)));
            let next = (from..).find(|at| !all.contains(at)).unwrap();
            prop_assert_eq!(gone.skip(Ordinal::new(from)), Ordinal::new(next));
            let end = (0..from).rev().find(|at| !all.contains(at)).map_or(0, |at| at + 1);
            prop_assert_eq!(gone.skip_back(Ordinal::new(from)), Ordinal::new(end));
        }
    }

    #[test]
    fn long_stretches_are_skipped_whole() {
        let mut gone = Gone::default();
        (64..6400).for_each(|at| gone.insert(Ordinal::new(at)));

        assert_eq!(gone.skip(Ordinal::new(64)), Ordinal::new(6400));
        assert_eq!(gone.skip_back(Ordinal::new(6400)), Ordinal::new(64));
        assert_eq!(gone.skip_back(Ordinal::new(6399)), Ordinal::new(64));
    }

    #[test]
    fn only_what_is_gone_can_come_back_and_only_once() {
        let (mut gone, at) = (Gone::default(), Ordinal::new(3));
        gone.readmit(at);
        assert!(!gone.may_come_back(at));

        gone.insert(at);
        gone.readmit(at);
        assert!(gone.may_come_back(at));

        gone.insert(at);
        assert!(!gone.may_come_back(at));
    }
}
