//! What is known of the other end of a connection.

use alloc::collections::BTreeMap;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use ssb_keys::BlobId;
use ssb_keys::FeedId;

use super::event::Standing;
use super::limits::HELD_PER_PEER_MAX;
use super::limits::WANTED_PER_PEER_MAX;

/// The other end of a connection.
#[derive(Debug)]
pub(super) struct Partner {
    pub(super) peer: FeedId,
    pub(super) standing: Standing,
    /// Whether it wants to hear anything.
    pub(super) listens: bool,
    /// What it wants and has not got from here, and from how far away.
    wanted: BTreeMap<BlobId, u8>,
    /// The same, nearest first.
    by_distance: BTreeSet<(u8, BlobId)>,
    /// What it has of what is wanted here, and how many bytes each has.
    pub(super) held: BTreeMap<BlobId, u64>,
    /// Whether it said that it has more than is remembered.
    has_more: bool,
}

impl Partner {
    pub(super) const fn new(peer: FeedId, standing: Standing) -> Self {
        Self {
            peer,
            standing,
            listens: false,
            wanted: BTreeMap::new(),
            by_distance: BTreeSet::new(),
            held: BTreeMap::new(),
            has_more: false,
        }
    }

    /// It wants a blob. If that is too much, what is wanted from farthest away is forgotten.
    pub(super) fn wants(&mut self, id: BlobId, distance: u8) {
        self.forget(&id);
        if self.wanted.len() >= WANTED_PER_PEER_MAX {
            let farthest = self.by_distance.last().copied();
            let Some((_, farthest)) = farthest.filter(|(from, _)| *from > distance) else { return };
            self.forget(&farthest);
        }
        self.wanted.insert(id, distance);
        self.by_distance.insert((distance, id));
    }

    /// It has a blob that is wanted here.
    pub(super) fn has(&mut self, id: BlobId, size: u64) {
        if self.held.len() < HELD_PER_PEER_MAX || self.held.contains_key(&id) {
            self.held.insert(id, size);
        } else {
            self.has_more = true;
        }
    }

    /// It is not to be asked for a blob, or need not. Returns whether there is room now for more that it has.
    pub(super) fn lacks(&mut self, id: &BlobId) -> bool {
        self.held.remove(id);
        let has_room = self.held.len() <= HELD_PER_PEER_MAX / 2;
        has_room && core::mem::take(&mut self.has_more)
    }

    /// A blob is here. Returns whether it is to be told so, which is done once.
    pub(super) fn is_told(&mut self, id: &BlobId) -> bool {
        self.listens && self.forget(id)
    }

    /// From how far away it wants a blob, if it does.
    pub(super) fn distance(&self, id: &BlobId) -> Option<u8> {
        self.wanted.get(id).copied()
    }

    /// How much of that is remembered.
    pub(super) fn wanted_len(&self) -> usize {
        self.wanted.len()
    }

    /// All that it wants.
    pub(super) fn wanted(&self) -> Vec<BlobId> {
        self.wanted.keys().copied().collect()
    }

    /// What it wants is remembered no longer. Returns whether it was.
    fn forget(&mut self, id: &BlobId) -> bool {
        let distance = self.wanted.remove(id);
        distance.is_some_and(|distance| self.by_distance.remove(&(distance, *id)))
    }
}
