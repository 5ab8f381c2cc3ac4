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

/// Whose a record is, as a number: that of a feed, with a bit if it took the place of an earlier record and one if it is gone,
/// or one of these.
pub(crate) const DECISION: u32 = u32::MAX;
/// Nobody's: a message of a feed that is gone stood there.
pub(crate) const NOBODY: u32 = u32::MAX - 1;
const FORK: u32 = u32::MAX - 2;
const CAME_BACK: u32 = 1 << 31;
/// There was no message there any more when this was written.
pub(crate) const GONE: u32 = 1 << 30;
const FEEDS_MAX: u32 = GONE - 4;

/// Whose a record is, and what it is to the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// It is the next message of a feed, or was before it was deleted.
    Next(FeedNumber),
    /// It is a message of a feed that was deleted before.
    CameBack(FeedNumber),
    /// It holds decisions.
    Decision,
    /// It proves that a feed has forked.
    Fork,
    /// It is nobody's.
    Nobody,
}

impl Owner {
    pub(crate) const fn decode(code: u32) -> Self {
        match code {
            DECISION => Self::Decision,
            NOBODY => Self::Nobody,
            FORK => Self::Fork,
            code if code & CAME_BACK != 0 => Self::CameBack(FeedNumber(code & !(CAME_BACK | GONE))),
            code => Self::Next(FeedNumber(code & !GONE)),
        }
    }

    const fn code(self) -> u32 {
        match self {
            Self::Next(number) => number.0,
            Self::CameBack(number) => number.0 | CAME_BACK,
            Self::Decision => DECISION,
            Self::Nobody => NOBODY,
            Self::Fork => FORK,
        }
    }

    /// The feed, if it is of one.
    pub(crate) const fn feed(self) -> Option<FeedNumber> {
        match self {
            Self::Next(number) | Self::CameBack(number) => Some(number),
            Self::Decision | Self::Fork | Self::Nobody => None,
        }
    }
}

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
    /// The sequence of its latest message, which is also how many there are, deleted ones included.
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
    /// By ordinal: whose record it is, as [`Owner`] codes it.
    owners: Vec<u32>,
}

impl Feeds {
    /// Takes in the next record of the log, a message. It continues its feed, or takes the place of a message that
    /// `may_come_back`; that is returned.
    pub(crate) fn apply(
        &mut self,
        at: Ordinal,
        facts: &Facts,
        may_come_back: impl Fn(Ordinal) -> bool,
    ) -> Result<Option<Ordinal>, BrokenChain> {
        let number = self.numbers.get(&facts.author).copied();
        let latest = number.and_then(|number| self.latest(number));
        let expected = latest.map_or(1, |latest| latest.sequence + 1);
        if facts.sequence == expected && facts.previous == latest.map(|latest| latest.id) {
            let number = number.unwrap_or_else(|| self.add(facts));
            self.push(at, Owner::Next(number));
            let feed = self.feeds.get_mut(number.index()).expect("numbers are of feeds that are there");
            feed.latest = facts.id;
            feed.timestamp = facts.timestamp;
            return Ok(None);
        }
        let slot = number.and_then(|number| self.slot(number, facts.sequence));
        match number.zip(slot) {
            Some((number, slot)) if may_come_back(slot) => {
                self.push(at, Owner::CameBack(number));
                self.replace(number, facts.sequence, at);
                Ok(Some(slot))
            }
            _ => Err(BrokenChain { author: facts.author, sequence: facts.sequence }),
        }
    }

    /// Takes in the next record of the log, as it was known before. What came back is [replaced](Self::replace) then.
    pub(crate) fn push(&mut self, at: Ordinal, owner: Owner) {
        assert_eq!(at.index(), self.owners.len(), "records are indexed in order");
        self.owners.push(owner.code());
        if let Owner::Next(number) = owner {
            let feed = self.feeds.get_mut(number.index()).expect("numbers are of feeds that are there");
            feed.ordinals.push(at);
        }
    }

    /// A message of a feed, which is there, is at another place now.
    pub(crate) fn replace(&mut self, number: FeedNumber, sequence: u32, at: Ordinal) {
        let feed = self.feeds.get_mut(number.index()).expect("numbers are of feeds that are there");
        let slot = index(sequence).and_then(|index| feed.ordinals.get_mut(index));
        *slot.expect("only what was there comes back") = at;
        feed.in_order = false;
    }

    /// A feed begins anew. Returns where its messages were.
    pub(crate) fn clear(&mut self, feed: &FeedId, decided: Ordinal) -> Vec<Ordinal> {
        let Some(number) = self.number(feed) else { return Vec::new() };
        let feed = self.feeds.get_mut(number.index()).expect("numbers are of feeds that are there");
        feed.since = decided;
        feed.in_order = true;
        std::mem::take(&mut feed.ordinals)
    }

    /// Feeds without messages, with what was known of the ends of those of the first records of a log.
    pub(crate) fn restore(base: &Base) -> Self {
        let mut feeds = Self::default();
        for end in &base.feeds {
            feeds.numbers.insert(end.id, FeedNumber(end.number));
            feeds.feeds.push(Feed::new(end.id, end.latest, end.timestamp));
        }
        feeds.owners.reserve(base.authors.len());
        feeds
    }

    /// How many records there are.
    pub(crate) fn end(&self) -> u32 {
        u32::try_from(self.owners.len()).expect("a log has fewer than 2^32 records")
    }

    /// Whose the records from one place on are, and where their feeds end, by number.
    pub(crate) fn since(&self, from: u32) -> (Vec<u32>, Vec<FeedEnd>) {
        let from = Ordinal::new(from).index();
        let owners = self.owners.get(from..).unwrap_or_default();
        let changed: BTreeSet<FeedNumber> =
            owners.iter().filter_map(|code| Owner::decode(*code).feed()).collect();
        let end = |number: FeedNumber| {
            let feed = self.feeds.get(number.index())?;
            Some(FeedEnd { number: number.0, id: feed.id, latest: feed.latest, timestamp: feed.timestamp })
        };
        (owners.to_vec(), changed.into_iter().filter_map(end).collect())
    }

    pub(crate) fn number(&self, feed: &FeedId) -> Option<FeedNumber> {
        self.numbers.get(feed).copied()
    }

    pub(crate) fn id(&self, number: FeedNumber) -> Option<FeedId> {
        self.feeds.get(number.index()).map(|feed| feed.id)
    }

    /// Whose message it is.
    pub(crate) fn author(&self, at: Ordinal) -> Option<FeedNumber> {
        Owner::decode(*self.owners.get(at.index())?).feed()
    }

    /// Where a message of a feed is, or was before it was deleted.
    pub(crate) fn by_sequence(&self, feed: &FeedId, sequence: u32) -> Option<Ordinal> {
        self.slot(self.number(feed)?, sequence)
    }

    /// Whether the messages of a feed stand in the log in the order of their sequences.
    pub(crate) fn is_in_order(&self, feed: &FeedId) -> bool {
        self.number(feed).and_then(|number| self.feeds.get(number.index())).is_none_or(|feed| feed.in_order)
    }

    /// Whether a record from before the latest time that its feed began anew is meant.
    pub(crate) fn is_of_the_past(&self, feed: &FeedId, at: Ordinal) -> bool {
        self.number(feed).and_then(|number| self.feeds.get(number.index())).is_none_or(|feed| at < feed.since)
    }

    fn slot(&self, number: FeedNumber, sequence: u32) -> Option<Ordinal> {
        self.feeds.get(number.index())?.ordinals.get(index(sequence)?).copied()
    }

    /// The messages of a feed from `sequence` on.
    pub(crate) fn ordinals(&self, feed: &FeedId, sequence: u32) -> &[Ordinal] {
        let feed = self.number(feed).and_then(|number| self.feeds.get(number.index()));
        feed.zip(index(sequence)).and_then(|(feed, skipped)| feed.ordinals.get(skipped..)).unwrap_or_default()
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

    /// Every feed that has messages, by number.
    pub(crate) fn all(&self) -> impl Iterator<Item = Latest> {
        (0..).map(FeedNumber).take(self.feeds.len()).filter_map(|number| self.latest(number))
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
        assert!(number <= FEEDS_MAX, "there are more feeds than can be numbered");
        let number = FeedNumber(number);
        self.numbers.insert(facts.author, number);
        self.feeds.push(Feed::new(facts.author, facts.id, facts.timestamp));
        number
    }
}

#[derive(Debug)]
struct Feed {
    id: FeedId,
    /// By sequence, which starts at 1. Empty after it began anew.
    ordinals: Vec<Ordinal>,
    /// Whether `ordinals` grow: nothing came back.
    in_order: bool,
    /// Which record made it begin anew.
    since: Ordinal,
    latest: MessageId,
    timestamp: f64,
}

impl Feed {
    const fn new(id: FeedId, latest: MessageId, timestamp: f64) -> Self {
        Self { id, ordinals: Vec::new(), in_order: true, since: Ordinal::ZERO, latest, timestamp }
    }
}

/// Where a sequence stands among all of its feed.
fn index(sequence: u32) -> Option<usize> {
    usize::try_from(sequence.checked_sub(1)?).ok()
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
            feeds.apply(Ordinal::new(at), &facts(author, sequence), |_| false).unwrap();
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
        feeds.apply(Ordinal::ZERO, &facts(1, 1), |_| false).unwrap();

        let broken = |sequence| Err(BrokenChain { author: FeedId::from_bytes([1; 32]), sequence });
        let mut apply = |facts: &Facts| feeds.apply(Ordinal::new(1), facts, |_| false);
        assert_eq!(apply(&facts(1, 3)), broken(3));
        assert_eq!(apply(&Facts { previous: None, ..facts(1, 2) }), broken(2));
        assert_eq!(apply(&facts(1, 2)), Ok(None));
    }
}
