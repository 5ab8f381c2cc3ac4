//! What authors wrote, as only the simulator knows: what all copies are held against.

use std::collections::BTreeMap;

use ssb_gossip::history::contact_of;
use ssb_keys::FeedId;
use ssb_keys::MessageId;
use ssb_msg::content::Relation;

/// All feeds, as their authors wrote them.
#[derive(Clone, Debug, Default)]
pub struct Truth {
    feeds: BTreeMap<FeedId, Vec<MessageId>>,
    /// With which message an author first blocked somebody.
    blocks: BTreeMap<(FeedId, FeedId), u32>,
}

impl Truth {
    /// An author's message became durable at its author's. False if it wrote another one in that place before, or
    /// left a gap.
    #[must_use]
    pub fn wrote(&mut self, author: FeedId, sequence: u32, id: MessageId, json: &str) -> bool {
        if let Some(known) = self.id(&author, sequence) {
            return known == id;
        }
        if sequence != self.latest(&author) + 1 {
            return false;
        }
        self.feeds.entry(author).or_default().push(id);
        if let Some(contact) = contact_of(json).filter(|contact| contact.relation == Relation::Block) {
            self.blocks.entry((author, contact.contact)).or_insert(sequence);
        }
        true
    }

    /// The message that an author wrote there.
    pub fn id(&self, author: &FeedId, sequence: u32) -> Option<MessageId> {
        self.feeds.get(author)?.get(position(sequence)).copied()
    }

    /// How far a feed goes.
    pub fn latest(&self, author: &FeedId) -> u32 {
        let len = self.feeds.get(author).map_or(0, Vec::len);
        u32::try_from(len).expect("no run writes that much")
    }

    /// With which message `author` first blocked `contact`, who may have nothing of the feed from there on.
    pub fn blocked_at(&self, author: &FeedId, contact: &FeedId) -> Option<u32> {
        self.blocks.get(&(*author, *contact)).copied()
    }

    /// How many messages there are.
    pub fn messages(&self) -> usize {
        self.feeds.values().map(Vec::len).sum()
    }
}

fn position(sequence: u32) -> usize {
    usize::try_from(sequence).expect("it fits").saturating_sub(1)
}
