//! Which messages are in which feed.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;

use ssb_keys::FeedId;
use ssb_keys::MessageId;
use ssb_msg::ValidationState;

use crate::base::Base;
use crate::base::FeedEnd;
use crate::index::BrokenChain;
use crate::index::Facts;
use crate::ordinal::Ordinal;

/// The number of a feed in this log, in the order of their first messages. Not the same after a rebuild of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FeedNumber(u32);

impl FeedNumber {
    /// How many feeds came before it.
    pub const fn get(self) -> u32 {
        self.0
    }

    fn index(self) -> usize {
        usize::try_from(self.0).expect("memory is addressed with 32 bits or more")
    }
}

impl fmt::Display for FeedNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The end of a feed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Latest {
    /// Whose feed it is.
    pub feed: FeedId,
    /// Its number here.
    pub number: FeedNumber,
    /// The sequence of its latest message, which is also how many there are.
    pub sequence: u32,
    /// The id of that message.
    pub id: MessageId,
    /// When its author says it was made.
    pub timestamp: f64,
    /// Where it stands in the log.
    pub ordinal: Ordinal,
}

/// The feeds: 8 bytes a message, and about 150 a feed.
#[derive(Debug, Default)]
pub(crate) struct Feeds {
    numbers: BTreeMap<FeedId, FeedNumber>,
    /// By number.
    feeds: Vec<Feed>,
    /// By ordinal: whose message it is.
    authors: Vec<FeedNumber>,
}

impl Feeds {
    /// Takes in the next message of the log.
    pub(crate) fn apply(&mut self, at: Ordinal, facts: &Facts) -> Result<(), BrokenChain> {
        assert_eq!(at.index(), self.authors.len(), "messages are indexed in order");
        let number = self.numbers.get(&facts.author).copied();
        let latest = number.and_then(|number| self.latest(number));
        let expected = latest.map_or(1, |latest| latest.sequence + 1);
        if facts.sequence != expected || facts.previous != latest.map(|latest| latest.id) {
            return Err(BrokenChain { author: facts.author, sequence: facts.sequence });
        }
        let number = number.unwrap_or_else(|| self.add(facts));
        let feed = self.feeds.get_mut(number.index()).expect("numbers are of feeds that are there");
        feed.ordinals.push(at);
        feed.latest = facts.id;
        feed.timestamp = facts.timestamp;
        self.authors.push(number);
        Ok(())
    }

    /// What was known of the first records of a log.
    pub(crate) fn restore(base: &Base) -> Self {
        let mut feeds = Self::default();
        for end in &base.feeds {
            let number = FeedNumber(end.number);
            feeds.numbers.insert(end.id, number);
            let (id, latest, timestamp) = (end.id, end.latest, end.timestamp);
            feeds.feeds.push(Feed { id, ordinals: Vec::new(), latest, timestamp });
        }
        feeds.authors.reserve(base.authors.len());
        for (at, author) in (0..).zip(&base.authors) {
            let number = FeedNumber(*author);
            let feed = feeds.feeds.get_mut(number.index()).expect("a base has all feeds of its records");
            feed.ordinals.push(Ordinal::new(at));
            feeds.authors.push(number);
        }
        feeds
    }

    /// How many messages there are.
    pub(crate) fn end(&self) -> u32 {
        u32::try_from(self.authors.len()).expect("a log has fewer than 2^32 records")
    }

    /// Whose the messages from one place on are, and where their feeds end, by number.
    pub(crate) fn since(&self, from: u32) -> (Vec<u32>, Vec<FeedEnd>) {
        let from = Ordinal::new(from).index();
        let authors: Vec<u32> =
            self.authors.get(from..).unwrap_or_default().iter().map(|number| number.get()).collect();
        let changed: BTreeSet<u32> = authors.iter().copied().collect();
        let end = |number: u32| {
            let feed = self.feeds.get(FeedNumber(number).index())?;
            Some(FeedEnd { number, id: feed.id, latest: feed.latest, timestamp: feed.timestamp })
        };
        (authors, changed.into_iter().filter_map(end).collect())
    }

    pub(crate) fn number(&self, feed: &FeedId) -> Option<FeedNumber> {
        self.numbers.get(feed).copied()
    }

    pub(crate) fn id(&self, number: FeedNumber) -> Option<FeedId> {
        self.feeds.get(number.index()).map(|feed| feed.id)
    }

    /// Whose message it is.
    pub(crate) fn author(&self, at: Ordinal) -> Option<FeedNumber> {
        self.authors.get(at.index()).copied()
    }

    pub(crate) fn by_sequence(&self, feed: &FeedId, sequence: u32) -> Option<Ordinal> {
        self.ordinals(feed, sequence).first().copied()
    }

    /// The messages of a feed from `sequence` on.
    pub(crate) fn ordinals(&self, feed: &FeedId, sequence: u32) -> &[Ordinal] {
        let feed = self.number(feed).and_then(|number| self.feeds.get(number.index()));
        let skipped = sequence.checked_sub(1).and_then(|skipped| usize::try_from(skipped).ok());
        feed.zip(skipped).and_then(|(feed, skipped)| feed.ordinals.get(skipped..)).unwrap_or_default()
    }

    pub(crate) fn latest(&self, number: FeedNumber) -> Option<Latest> {
        let feed = self.feeds.get(number.index())?;
        Some(Latest {
            feed: feed.id,
            number,
            sequence: u32::try_from(feed.ordinals.len()).expect("a log has fewer than 2^32 records"),
            id: feed.latest,
            timestamp: feed.timestamp,
            ordinal: *feed.ordinals.last()?,
        })
    }

    /// Every feed, by number.
    pub(crate) fn all(&self) -> impl Iterator<Item = Latest> {
        (0..).map(FeedNumber).map_while(|number| self.latest(number))
    }

    /// What the next message of a feed is judged by.
    pub(crate) fn state(&self, feed: &FeedId) -> ValidationState {
        match self.number(feed).and_then(|number| self.latest(number)) {
            Some(latest) => ValidationState::resume(*feed, latest.sequence, latest.id),
            None => ValidationState::new(*feed),
        }
    }

    fn add(&mut self, facts: &Facts) -> FeedNumber {
        let number =
            u32::try_from(self.feeds.len()).expect("every feed has a message, and they are fewer than 2^32");
        let number = FeedNumber(number);
        self.numbers.insert(facts.author, number);
        self.feeds.push(Feed {
            id: facts.author,
            ordinals: Vec::new(),
            latest: facts.id,
            timestamp: facts.timestamp,
        });
        number
    }
}

#[derive(Debug)]
struct Feed {
    id: FeedId,
    /// By sequence, which starts at 1. Not empty between two calls.
    ordinals: Vec<Ordinal>,
    latest: MessageId,
    timestamp: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(author: u8, sequence: u32) -> Facts {
        let id = |sequence: u32| MessageId::from_bytes([author ^ sequence.to_le_bytes()[0] << 2; 32]);
        Facts {
            id: id(sequence),
            author: FeedId::from_bytes([author; 32]),
            sequence,
            previous: (sequence > 1).then(|| id(sequence - 1)),
            timestamp: f64::from(sequence),
        }
    }

    #[test]
    fn messages_are_found_by_feed_and_sequence() {
        let mut feeds = Feeds::default();
        for (at, (author, sequence)) in (0..).zip([(1, 1), (2, 1), (1, 2), (1, 3), (2, 2)]) {
            feeds.apply(Ordinal::new(at), &facts(author, sequence)).unwrap();
        }

        let first = FeedId::from_bytes([1; 32]);
        assert_eq!(feeds.by_sequence(&first, 3), Some(Ordinal::new(3)));
        assert_eq!(feeds.by_sequence(&first, 4), None);
        assert_eq!(feeds.by_sequence(&first, 0), None);
        assert_eq!(feeds.ordinals(&first, 2), [Ordinal::new(2), Ordinal::new(3)]);
        assert_eq!(
            feeds.author(Ordinal::new(4)).and_then(|number| feeds.id(number)),
            Some(facts(2, 1).author)
        );
        assert_eq!(feeds.all().map(|latest| latest.sequence).collect::<Vec<_>>(), [3, 2]);
        assert_eq!(feeds.state(&first), ValidationState::resume(first, 3, facts(1, 3).id));
    }

    #[test]
    fn a_feed_with_a_hole_is_a_broken_chain() {
        let mut feeds = Feeds::default();
        feeds.apply(Ordinal::ZERO, &facts(1, 1)).unwrap();

        let broken = |sequence| Err(BrokenChain { author: FeedId::from_bytes([1; 32]), sequence });
        assert_eq!(feeds.apply(Ordinal::new(1), &facts(1, 3)), broken(3));
        assert_eq!(feeds.apply(Ordinal::new(1), &Facts { previous: None, ..facts(1, 2) }), broken(2));
        assert_eq!(feeds.apply(Ordinal::new(1), &facts(1, 2)), Ok(()));
    }
}
