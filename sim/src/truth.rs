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
    /// What else an author wrote in a place, who has forked the feed on purpose.
    others: BTreeMap<FeedId, Vec<MessageId>>,
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

    /// An author who forks the own feed on purpose has written this, too.
    pub fn also_wrote(&mut self, author: FeedId, id: MessageId) {
        self.others.entry(author).or_default().push(id);
    }

    /// Whether an author has forked the own feed on purpose.
    pub fn is_forked(&self, author: &FeedId) -> bool {
        self.others.contains_key(author)
    }

    /// Whether an author wrote this message there.
    pub fn is(&self, author: &FeedId, sequence: u32, id: MessageId) -> bool {
        let also = || self.others.get(author).is_some_and(|others| others.contains(&id));
        self.id(author, sequence) == Some(id) || also()
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

#[cfg(test)]
mod tests {
    use super::*;

    const AUTHOR: FeedId = FeedId::from_bytes([1; 32]);

    fn id(n: u8) -> MessageId {
        MessageId::from_bytes([n; 32])
    }

    #[test]
    fn a_second_message_in_one_place_is_a_fork_and_the_same_one_is_none() {
        let mut truth = Truth::default();
        assert!(truth.wrote(AUTHOR, 1, id(1), "{}"));
        assert!(truth.wrote(AUTHOR, 1, id(1), "{}"));

        assert!(!truth.wrote(AUTHOR, 1, id(2), "{}"));
        assert!(!truth.wrote(AUTHOR, 3, id(3), "{}"));

        assert_eq!(truth.latest(&AUTHOR), 1);
    }

    #[test]
    fn the_first_block_counts_whatever_follows() {
        let (mut truth, contact) = (Truth::default(), FeedId::from_bytes([2; 32]));
        let message =
            |fields: &str| format!(r#"{{"content":{{"type":"contact","contact":"{contact}",{fields}}}}}"#);
        for (sequence, fields) in
            [(1, r#""following":true"#), (2, r#""blocking":true"#), (3, r#""blocking":true"#)]
        {
            assert!(truth.wrote(AUTHOR, sequence, id(u8::try_from(sequence).unwrap()), &message(fields)));
        }

        assert_eq!(truth.blocked_at(&AUTHOR, &contact), Some(2));
        assert_eq!(truth.blocked_at(&contact, &AUTHOR), None);
    }
}
