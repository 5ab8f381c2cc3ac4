//! What is known of the other end of a connection.

use alloc::collections::BTreeMap;
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
            held: BTreeMap::new(),
            has_more: false,
        }
    }

    /// It wants a blob.
    pub(super) fn wants(&mut self, id: BlobId, distance: u8) {
        if self.wanted.len() < WANTED_PER_PEER_MAX || self.wanted.contains_key(&id) {
            self.wanted.insert(id, distance);
        }
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
        self.listens && self.wanted.remove(id).is_some()
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
}
