//! Where a record stands in the log.

use std::fmt;

/// The number of a record: 0 for the first, then without gaps, in the order in which they were received.
///
/// Also used for a place between records: the end of a log is the ordinal that its next record will have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ordinal(u32);

impl Ordinal {
    /// The first record.
    pub const ZERO: Self = Self(0);

    /// The record that has `number` others before it.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// How many records come before it.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The one after it; `None` when a log can hold no more.
    pub const fn next(self) -> Option<Self> {
        match self.0.checked_add(1) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// As a position in a table.
    pub(crate) fn index(self) -> usize {
        usize::try_from(self.0).expect("memory is addressed with 32 bits or more")
    }

    /// The ordinal at a position in a table, or its end.
    pub(crate) fn at(index: usize) -> Self {
        Self(u32::try_from(index).expect("a log has fewer than 2^32 records"))
    }
}

impl fmt::Display for Ordinal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
