//! What is known of the messages without reading them.

pub mod content;
pub mod feeds;
pub(crate) mod gone;
pub mod ids;

use std::sync::atomic::AtomicBool;

use thiserror::Error;

use ssb_keys::FeedId;
use ssb_keys::MessageId;
use ssb_msg::Unverified;

use crate::base::Base;
use crate::decision;
use crate::decision::Decision;
use crate::index::feeds::Feeds;
use crate::index::feeds::Owner;
use crate::index::gone::Gone;
use crate::index::ids::id_key;
use crate::ordinal::Ordinal;
use crate::postings::Postings;
use crate::storage::Storage;
use crate::tombstone::Tombstone;

/// What the writer itself needs, at the position of the log.
#[derive(Debug)]
pub(crate) struct Indexes<F> {
    pub(crate) feeds: Feeds,
    pub(crate) gone: Gone,
    pub(crate) ids: Postings<F>,
    /// A file of `ids` was found to be damaged, so that the log itself has to be searched until it is made anew.
    pub(crate) ids_are_damaged: AtomicBool,
}

impl<F: Storage> Indexes<F> {
    /// What files know of the first records of a log, and of their ids. `read` gives the body of one of those records; returns
    /// the place of one for which it does not.
    pub(crate) fn restore(
        base: &Base,
        ids: Postings<F>,
        read: impl Fn(Ordinal) -> Option<Vec<u8>>,
    ) -> Result<Self, Ordinal> {
        let feeds = Feeds::restore(base);
        let mut indexes = Self { feeds, gone: Gone::default(), ids, ids_are_damaged: AtomicBool::new(false) };
        for (at, code) in (0..).map(Ordinal::new).zip(&base.authors) {
            let owner = Owner::decode(*code);
            indexes.feeds.push(at, owner);
            match owner {
                Owner::Next(_) => {}
                Owner::Nobody => indexes.gone.insert(at),
                Owner::CameBack(number) => {
                    let sequence = sequence_of(&read(at).ok_or(at)?).ok_or(at)?;
                    let feed = indexes.feeds.id(number).ok_or(at)?;
                    let before = indexes.feeds.by_sequence(&feed, sequence).ok_or(at)?;
                    indexes.feeds.replace(number, sequence, at);
                    indexes.gone.came_back(before);
                }
                Owner::Decision => {
                    let body = read(at).ok_or(at)?;
                    let decisions = decision::decode(&decision::id_of(&body), &body).ok_or(at)?;
                    indexes.gone.insert(at);
                    indexes.decide(at, &decisions);
                }
            }
        }
        Ok(indexes)
    }

    /// Takes in the next record of the log, a message.
    pub(crate) fn apply(&mut self, at: Ordinal, facts: &Facts) -> Result<(), BrokenChain> {
        let Self { feeds, gone, .. } = self;
        if let Some(before) = feeds.apply(at, facts, |at| gone.may_come_back(at))? {
            gone.came_back(before);
        }
        self.ids.apply(at.get(), [id_key(&facts.id)]);
        Ok(())
    }

    /// Takes in the next record of the log, the place of a message that was deleted.
    pub(crate) fn apply_tombstone(
        &mut self,
        at: Ordinal,
        id: MessageId,
        tombstone: &Tombstone,
    ) -> Result<(), BrokenChain> {
        let Tombstone { author, sequence, timestamp } = *tombstone;
        // It does not say what it followed.
        let latest = self.feeds.number(&author).and_then(|number| self.feeds.latest(number));
        let previous = latest.map(|latest| latest.id);
        self.apply(at, &Facts { id, author, sequence, previous, timestamp })?;
        self.gone.insert(at);
        Ok(())
    }

    /// Takes in the next record of the log, where a message of a feed that is gone stood.
    pub(crate) fn apply_nobody(&mut self, at: Ordinal, id: MessageId) {
        self.feeds.push(at, Owner::Nobody);
        self.gone.insert(at);
        self.ids.apply(at.get(), [id_key(&id)]);
    }

    /// Takes in the next record of the log, which holds these.
    pub(crate) fn apply_decisions(&mut self, at: Ordinal, id: [u8; 32], decisions: &[Decision]) {
        self.feeds.push(at, Owner::Decision);
        self.gone.insert(at);
        self.ids.apply(at.get(), [id_key(&MessageId::from_bytes(id))]);
        self.decide(at, decisions);
    }

    fn decide(&mut self, at: Ordinal, decisions: &[Decision]) {
        for decision in decisions {
            match *decision {
                Decision::Delete { feed, from, upto } => {
                    let Self { feeds, gone, .. } = self;
                    part(feeds.ordinals(&feed, from), from, upto).iter().for_each(|at| gone.insert(*at));
                }
                Decision::Readmit { feed, from, upto } => {
                    let Self { feeds, gone, .. } = self;
                    part(feeds.ordinals(&feed, from), from, upto).iter().for_each(|at| gone.readmit(*at));
                }
                Decision::Forget { feed } => self.clear(&feed, at),
                Decision::Ban { feed } => {
                    self.clear(&feed, at);
                    self.gone.ban(feed);
                }
                Decision::Unban { feed } => self.gone.unban(&feed),
            }
        }
    }

    fn clear(&mut self, feed: &FeedId, decided: Ordinal) {
        for at in self.feeds.clear(feed, decided) {
            self.gone.insert(at);
        }
    }
}

/// Of the messages of a feed from `from` on those up to `upto`.
fn part(all: &[Ordinal], from: u32, upto: u32) -> &[Ordinal] {
    let len = usize::try_from(upto - from).unwrap_or(usize::MAX).saturating_add(1);
    all.get(..len).unwrap_or(all)
}

/// That of a message or a tombstone.
fn sequence_of(body: &[u8]) -> Option<u32> {
    let tombstone = Tombstone::parse(body).map(|tombstone| tombstone.sequence);
    tombstone.or_else(|| Unverified::parse(body).ok().map(|message| message.sequence()))
}

/// What of a message goes into an index.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Facts {
    pub(crate) id: MessageId,
    pub(crate) author: FeedId,
    pub(crate) sequence: u32,
    pub(crate) previous: Option<MessageId>,
    pub(crate) timestamp: f64,
}

impl Facts {
    pub(crate) fn of(message: &ssb_msg::Message) -> Self {
        Self {
            id: message.id(),
            author: message.author(),
            sequence: message.sequence(),
            previous: message.previous(),
            timestamp: message.timestamp(),
        }
    }

    pub(crate) fn stated(message: &Unverified) -> Self {
        Self {
            id: message.id(),
            author: message.author(),
            sequence: message.sequence(),
            previous: message.previous(),
            timestamp: message.timestamp(),
        }
    }
}

/// A message in the log does not follow the one before it in its feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("message {sequence} of {author} does not follow the one before it")]
pub struct BrokenChain {
    /// Whose feed it is.
    pub author: FeedId,
    /// What the message says its sequence is.
    pub sequence: u32,
}
