//! What authors wrote, as only the simulator knows: what all copies are held against.

use std::collections::BTreeMap;

use ssb_gossip::history::contact_of;
use ssb_keys::FeedId;
use ssb_keys::MessageId;
use ssb_msg::content::Relation;

use crate::random::Random;

/// All feeds, as their authors wrote them.
#[derive(Clone, Debug, Default)]
pub struct Truth {
    feeds: BTreeMap<FeedId, Vec<MessageId>>,
    /// What else an author wrote in a place, who has forked the feed on purpose.
    others: BTreeMap<FeedId, Vec<MessageId>>,
    /// What an author says of somebody, and with which message.
    words: BTreeMap<(FeedId, FeedId), Vec<(u32, Relation)>>,
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
        if let Some(contact) = contact_of(json) {
            self.words.entry((author, contact.contact)).or_default().push((sequence, contact.relation));
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

    /// Some message that an author wrote, if any did.
    pub fn any(&self, random: &mut Random) -> Option<MessageId> {
        let all = self.messages();
        if all == 0 {
            return None;
        }
        self.feeds.values().flatten().nth(random.index(all)).copied()
    }

    /// How far a feed goes.
    pub fn latest(&self, author: &FeedId) -> u32 {
        let len = self.feeds.get(author).map_or(0, Vec::len);
        u32::try_from(len).expect("no run writes that much")
    }

    /// From which message on nothing of a feed may be sent to `contact` by who has it up to `held`, without those messages that it
    /// `lacks`: the first with which the author blocks them, if that is the last word so far.
    pub fn blocked_at(
        &self,
        author: &FeedId,
        contact: &FeedId,
        held: u32,
        lacks: impl Fn(&MessageId) -> bool,
    ) -> Option<u32> {
        let is_here =
            |sequence: u32| sequence <= held && !self.id(author, sequence).is_some_and(|id| lacks(&id));
        let words = self.words.get(&(*author, *contact))?.iter().filter(|(sequence, _)| is_here(*sequence));
        let is_block = |word: &&(u32, Relation)| word.1 == Relation::Block;
        words.clone().next_back().filter(is_block)?;
        words.clone().find(is_block).map(|(sequence, _)| *sequence)
    }

    /// From which message on `contact` may have nothing of a feed at all: the author blocks them with it, and has not taken that
    /// back.
    pub fn blocked_since(&self, author: &FeedId, contact: &FeedId) -> Option<u32> {
        let words = self.words.get(&(*author, *contact))?.iter().rev();
        words.take_while(|(_, relation)| *relation == Relation::Block).last().map(|(sequence, _)| *sequence)
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
    fn a_block_counts_until_it_is_taken_back() {
        let (mut truth, contact) = (Truth::default(), FeedId::from_bytes([2; 32]));
        let message =
            |fields: &str| format!(r#"{{"content":{{"type":"contact","contact":"{contact}",{fields}}}}}"#);
        let (follow, block) = (r#""following":true"#, r#""blocking":true"#);
        for (sequence, fields) in [(1, follow), (2, block), (3, follow), (4, block), (5, block)] {
            assert!(truth.wrote(AUTHOR, sequence, id(u8::try_from(sequence).unwrap()), &message(fields)));
        }

        let at: Vec<Option<u32>> =
            (0..=5).map(|held| truth.blocked_at(&AUTHOR, &contact, held, |_| false)).collect();
        assert_eq!(at, [None, None, Some(2), None, Some(2), Some(2)]);
        assert_eq!(truth.blocked_since(&AUTHOR, &contact), Some(4));
        assert_eq!(truth.blocked_since(&contact, &AUTHOR), None);
    }
}
