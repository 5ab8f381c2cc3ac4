//! Who must have which blobs in the end, and what owners do with them.

use std::collections::BTreeSet;

use ssb_blobs::wants::limits::PASSED_ON_PER_PEER_MAX;
use ssb_blobs::wants::limits::WANTED_PER_PEER_MAX;
use ssb_keys::BlobId;

use super::World;
use crate::node::Broken;
use crate::node::Node;

/// What an owner may do with a blob, as numbers: adds it, wants it, pushes it or removes it.
pub(super) const KINDS: u64 = 9;

impl World {
    /// An owner does something with a blob.
    pub(super) fn blob(&mut self, number: usize, blob: usize, kind: u64) -> Result<(), Broken> {
        let index = blob % self.blobs.len().max(1);
        let Some((id, bytes)) = self.blobs.get(index).cloned() else { return Ok(()) };
        let life = self.place(number).life;
        self.with(number, life, |node, network, _, _| {
            match kind {
                0..=2 => node.add_blob(id, bytes, network),
                3..=6 => node.want_blob(id, network),
                7 => node.push_blob(id, network),
                _ => node.remove_blob(id, network),
            }
            Ok(())
        })
    }

    /// Whether every blob that an owner wants is there, if somebody has it who is near enough, and every one that an owner pushes
    /// is with the neighbours who ask for it.
    pub(super) fn has_blobs(&self) -> Result<(), String> {
        for (number, node) in self.ours() {
            for id in node.shelf().wanted() {
                if let Some((holder, steps)) = self.holder(number, id) {
                    return Err(format!("node {number} has no {id}, and {holder} does, {steps} steps away"));
                }
            }
            for id in node.core().blobs().pushes().filter(|id| self.gives(number, id)) {
                let lacks = |to: &usize| self.node(*to).is_ok_and(|node| node.shelf().size(&id).is_none());
                let asks = |to: &usize| lacks(to) && self.asks(*to, number, 1, &id);
                if let Some(neighbour) = self.neighbours(number).into_iter().find(asks) {
                    return Err(format!("node {neighbour} has no {id}, which {number} pushes"));
                }
            }
        }
        Ok(())
    }

    /// Who has a blob and is near enough to a node that wants it, and how near: all on the way ask for it.
    fn holder(&self, number: usize, id: &BlobId) -> Option<(usize, u8)> {
        let (mut asked, mut nearest) = (BTreeSet::from([number]), BTreeSet::from([number]));
        for steps in 1..=self.network.scenario.wants.sympathy.max(1) {
            let hearers: BTreeSet<(usize, usize)> = nearest
                .iter()
                .flat_map(|from| self.neighbours(*from).into_iter().map(move |to| (*from, to)))
                .filter(|(_, to)| !asked.contains(to))
                .collect();
            if let Some((_, holder)) = hearers.iter().find(|(_, to)| self.gives(*to, id)) {
                return Some((*holder, steps));
            }
            let asks = |(from, to): &&(usize, usize)| self.asks(*to, *from, steps, id);
            nearest = hearers.iter().filter(asks).map(|(_, to)| *to).collect();
            asked.extend(nearest.iter().copied());
        }
        None
    }

    /// Whether a node has a blob that others take.
    fn gives(&self, number: usize, id: &BlobId) -> bool {
        let size = self.node(number).ok().and_then(|node| node.shelf().size(id));
        size.is_some_and(|size| (1..self.network.scenario.wants.len_max).contains(&size))
    }

    /// Whether a node asks others for a blob that is wanted so many steps away from it, on behalf of the neighbour who says so. It
    /// need not if that neighbour passes on too much, or if it asks for more itself than others remember.
    fn asks(&self, number: usize, neighbour: usize, steps: u8, id: &BlobId) -> bool {
        let (Ok(node), neighbour) = (self.node(number), self.place(neighbour).me.id()) else { return false };
        let (policy, wants) = (self.network.scenario.wants, node.core().blobs());
        // In some runs there is room for little.
        let is_generous = policy.peer_len_per_day >= 1_000_000;
        let has_room = steps == 1 || wants.passed_on(&neighbour) < PASSED_ON_PER_PEER_MAX;
        is_generous
            && has_room
            && steps < policy.sympathy
            && wants.wanted().count() <= WANTED_PER_PEER_MAX
            && node.core().wants(&neighbour)
            && !node.shelf().has_removed(id)
    }

    /// The nodes of ours with which one has a connection, and neither blocks the other.
    fn neighbours(&self, number: usize) -> Vec<usize> {
        let Ok(node) = self.node(number) else { return Vec::new() };
        let me = self.place(number).me.id();
        let meets = |node: &Node, id| node.connections().any(|(_, with)| with.remote() == Some(id));
        let all = self.ours().filter(|(other, with)| {
            let id = self.place(*other).me.id();
            *other != number
                && meets(node, id)
                && meets(with, me)
                && !node.core().blocks(&id)
                && !with.core().blocks(&me)
        });
        all.map(|(other, _)| other).collect()
    }
}
