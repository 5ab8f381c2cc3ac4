//! What an owner of a node does with blobs, and what must hold of those.

use std::sync::Arc;

use ssb_blobs::wants::event::Input as Blobs;
use ssb_blobs::wants::item::Word;
use ssb_blobs::wants::limits::ADOPTED_MAX;
use ssb_blobs::wants::limits::FETCHES_MAX;
use ssb_blobs::wants::limits::HELD_PER_PEER_MAX;
use ssb_blobs::wants::limits::WANTED_PER_PEER_MAX;
use ssb_gossip::connection::ConnectionId;
use ssb_gossip::event::Input;
use ssb_gossip::event::Letter;
use ssb_keys::BlobId;

use super::Broken;
use super::Node;
use crate::blobs::Shelf;
use crate::connection::Connection;
use crate::network::Network;
use crate::scenario::Scenario;

impl Node {
    /// Its owner adds a blob.
    pub fn add_blob(&mut self, id: BlobId, bytes: Arc<[u8]>, network: &mut Network) {
        self.shelf.add(id, bytes);
        let size = self.shelf.size(&id).unwrap_or_default();
        self.input(Input::Blobs(Blobs::Stored { id, size }), network);
    }

    /// Its owner wants a blob.
    pub fn want_blob(&mut self, id: BlobId, network: &mut Network) {
        if self.shelf.want(id) {
            self.input(want(id), network);
        }
    }

    /// Its owner wants others to have a blob that is here.
    pub fn push_blob(&mut self, id: BlobId, network: &mut Network) {
        if self.shelf.size(&id).is_some() {
            self.input(Input::Blobs(Blobs::Push { id }), network);
        }
    }

    /// Its owner removes a blob.
    pub fn remove_blob(&mut self, id: BlobId, network: &mut Network) {
        if self.shelf.remove(&id) {
            self.input(Input::Blobs(Blobs::Removed { id }), network);
        }
    }

    /// Its blobs.
    pub const fn shelf(&self) -> &Shelf {
        &self.shelf
    }

    /// Holds what is known of blobs against its limits.
    pub(super) fn check_blobs(&mut self, scenario: &Scenario) -> Result<(), Broken> {
        if let Some(slip) = self.slips.pop() {
            return Err(slip);
        }
        let (number, wants, policy) = (self.number, self.core.blobs(), &scenario.wants);
        let stats = wants.stats();
        let is_within = stats.wanted_max <= WANTED_PER_PEER_MAX
            && stats.held_max <= HELD_PER_PEER_MAX
            && stats.adopted <= ADOPTED_MAX
            && stats.fetches <= FETCHES_MAX;
        if !is_within {
            return Err(format!("node {number} remembers too much of blobs: {stats:?}"));
        }
        // No run lasts for a day.
        let (foreign, charged) = (self.shelf.foreign_len(), wants.foreign_len());
        if foreign > charged || charged > policy.foreign_len_per_day {
            return Err(format!("node {number} took {foreign} bytes for others, and charged {charged}"));
        }
        let dear = self.core.graph().all().find(|(feed, _)| wants.cost(feed) > policy.peer_len_per_day);
        match dear {
            Some((feed, _)) => Err(format!("node {number} took too many bytes for {feed}")),
            None => Ok(()),
        }
    }

    /// Holds what is said of blobs against what may be said.
    pub(super) fn check_letter(&mut self, connection: ConnectionId, letter: &Letter) {
        let remote = self.connections.get(&connection).and_then(Connection::remote);
        let Some(remote) = remote else { return };
        let is_exchange = matches!(letter, Letter::BlobsSay(_) | Letter::BlobFetch { .. });
        if is_exchange && self.core.blocks(&remote) {
            self.slips
                .push(format!("node {} has to do with {remote}, whom it blocks: {letter:?}", self.number));
        }
        if let Letter::BlobsSay(words) = letter {
            let said = words.iter().filter(|(_, word)| matches!(word, Word::Has(_)));
            let mut untold = said.filter(|(id, _)| !self.asked.contains(&(connection, *id)));
            if let Some((id, _)) = untold.next() {
                self.slips.push(format!("node {} tells of {id} somebody who did not ask", self.number));
            }
        }
    }
}

/// Its owner wants a blob.
pub(super) const fn want(id: BlobId) -> Input {
    Input::Blobs(Blobs::Want { connection: None, id })
}

/// What a peer says that it wants.
pub(super) fn asked(input: &Input) -> Vec<(ConnectionId, BlobId)> {
    let Input::Blobs(Blobs::Said { connection, words }) = input else { return Vec::new() };
    let wanted = words.iter().filter(|(_, word)| matches!(word, Word::Wanted(_)));
    wanted.map(|(id, _)| ((*connection).into(), *id)).collect()
}
