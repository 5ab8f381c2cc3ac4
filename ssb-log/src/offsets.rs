//! Where each record stands in the file.

use std::ops::Range;

use crate::frame::HEADER_LEN;
use crate::ordinal::Ordinal;

/// The table from ordinals to offsets, a little over 4 bytes a record.
#[derive(Debug)]
pub(crate) struct Offsets {
    /// The offset of every [`GROUP_LEN`]-th record.
    bases: Vec<u64>,
    /// How far each record is from the base of its group. A group is far shorter than 4 GiB.
    distances: Vec<u32>,
    /// Where the next record will stand.
    end: u64,
}

impl Offsets {
    /// Of a file without records.
    pub(crate) fn new() -> Self {
        Self { bases: Vec::new(), distances: Vec::new(), end: FIRST }
    }

    /// Adds a record of `len` bytes.
    pub(crate) fn push(&mut self, len: u32) {
        if self.distances.len().is_multiple_of(GROUP_LEN) {
            self.bases.push(self.end);
        }
        let base = self.bases.last().expect("every record is in a group");
        self.distances.push(u32::try_from(self.end - base).expect("a group is shorter than 4 GiB"));
        self.end += u64::from(len);
    }

    /// The ordinal that the next record will have.
    pub(crate) fn next(&self) -> Ordinal {
        Ordinal::at(self.distances.len())
    }

    /// Where the next record will stand.
    pub(crate) const fn end(&self) -> u64 {
        self.end
    }

    /// The bytes of one record.
    pub(crate) fn span(&self, at: Ordinal) -> Option<Range<u64>> {
        let start = self.start(at.index())?;
        Some(start..self.start(at.index() + 1).unwrap_or(self.end))
    }

    fn start(&self, index: usize) -> Option<u64> {
        let distance = self.distances.get(index)?;
        self.bases.get(index / GROUP_LEN).map(|base| base + u64::from(*distance))
    }
}

/// The offset of the first record.
pub(crate) const FIRST: u64 = HEADER_LEN as u64;

const GROUP_LEN: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::RECORD_LEN_MAX;

    #[test]
    fn spans_touch_and_start_behind_the_header() {
        let mut offsets = Offsets::new();
        for len in 1..=1000 {
            offsets.push(len);
        }

        let mut end = FIRST;
        for (index, len) in (0..1000).zip(1..) {
            let span = offsets.span(Ordinal::new(index)).unwrap();
            assert_eq!(span, end..end + len);
            end = span.end;
        }
        assert_eq!(offsets.end(), end);
        assert_eq!(offsets.span(Ordinal::new(1000)), None);
    }

    #[test]
    fn a_group_of_the_longest_records_fits() {
        assert!(u32::try_from(GROUP_LEN * RECORD_LEN_MAX).is_ok());
    }
}
