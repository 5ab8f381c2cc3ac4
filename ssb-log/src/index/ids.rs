//! Where the message with an id is.

use std::collections::BTreeSet;

use ssb_keys::MessageId;

use crate::ordinal::Ordinal;

/// The first 8 bytes of every id with its ordinal, about 18 bytes a message.
///
/// Others can share those 8 bytes, if only on purpose: whoever asks has to look at the candidates.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    entries: BTreeSet<([u8; 8], Ordinal)>,
}

impl Ids {
    pub(crate) fn insert(&mut self, id: &MessageId, at: Ordinal) {
        self.entries.insert((fingerprint(id), at));
    }

    /// Where a message with this id may be: nearly always nowhere, or in one place.
    pub(crate) fn candidates(&self, id: &MessageId) -> impl Iterator<Item = Ordinal> {
        let fingerprint = fingerprint(id);
        let range = (fingerprint, Ordinal::ZERO)..=(fingerprint, Ordinal::new(u32::MAX));
        self.entries.range(range).map(|(_, at)| *at)
    }
}

fn fingerprint(id: &MessageId) -> [u8; 8] {
    *id.as_bytes().first_chunk().expect("an id has 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_start_alike_are_all_candidates() {
        let mut other = [1; 32];
        other[31] = 2;
        let ids_alike = [MessageId::from_bytes([1; 32]), MessageId::from_bytes(other)];
        let mut ids = Ids::default();
        ids.insert(&ids_alike[0], Ordinal::new(5));
        ids.insert(&ids_alike[1], Ordinal::new(3));
        ids.insert(&MessageId::from_bytes([2; 32]), Ordinal::new(4));

        let candidates: Vec<_> = ids.candidates(&ids_alike[1]).collect();

        assert_eq!(candidates, [Ordinal::new(3), Ordinal::new(5)]);
    }
}
