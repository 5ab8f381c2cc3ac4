//! Which messages are in which feed, and which of them are gone: all that says whether a record may follow.

use std::collections::BTreeMap;

use ssb_keys::FeedId;
use ssb_msg::Unverified;

use crate::base::Base;
use crate::base::FeedEnd;
use crate::decision;
use crate::decision::Decision;
use crate::fork::Fork;
use crate::fork::ForkProof;
use crate::index::BrokenChain;
use crate::index::Fact;
use crate::index::Facts;
use crate::index::feeds::Feeds;
use crate::index::feeds::GONE;
use crate::index::feeds::Owner;
use crate::index::gone::Gone;
use crate::ordinal::Ordinal;
use crate::tombstone::Tombstone;

/// What the records of a log say together.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) feeds: Feeds,
    pub(crate) gone: Gone,
    /// Which feeds have forked, at which sequence, and where the proof is.
    pub(crate) forks: BTreeMap<FeedId, (u32, Ordinal)>,
}

impl Ledger {
    /// What files know of the first records of a log. `read` gives the body of one of those records; returns the place of one
    /// for which it does not.
    pub(crate) fn restore(base: &Base, read: impl Fn(Ordinal) -> Option<Vec<u8>>) -> Result<Self, Ordinal> {
        let mut ledger = Self { feeds: Feeds::restore(base), ..Self::default() };
        for (at, code) in (0..).map(Ordinal::new).zip(&base.authors) {
            let owner = Owner::decode(*code);
            ledger.feeds.push(at, owner);
            if code & GONE != 0 {
                ledger.gone.insert(at);
            }
            match owner {
                Owner::Next(_) | Owner::Nobody => {}
                Owner::CameBack(number) => {
                    let sequence = sequence_of(&read(at).ok_or(at)?).ok_or(at)?;
                    let feed = ledger.feeds.id(number).ok_or(at)?;
                    let before = ledger.feeds.by_sequence(&feed, sequence).ok_or(at)?;
                    ledger.feeds.replace(number, sequence, at);
                    ledger.gone.came_back(before);
                }
                Owner::Decision => {
                    let body = read(at).ok_or(at)?;
                    let decisions = decision::decode(&decision::id_of(&body), &body).ok_or(at)?;
                    ledger.decide(at, &decisions);
                }
                Owner::Fork => {
                    let body = read(at).ok_or(at)?;
                    // Once the owner wanted the messages gone, a compaction leaves nothing of it.
                    if !body.is_empty() {
                        let proof = ForkProof::decode(&decision::id_of(&body), &body).ok_or(at)?;
                        ledger.fork(at, proof.fork());
                    }
                }
            }
        }
        Ok(ledger)
    }

    /// Whose the records from one place on are, and where their feeds end, as a [`Base`] has them.
    pub(crate) fn since(&self, from: u32) -> (Vec<u32>, Vec<FeedEnd>) {
        let (mut owners, ends) = self.feeds.since(from);
        for (at, code) in (from..).map(Ordinal::new).zip(&mut owners) {
            if self.gone.contains(at) {
                *code |= GONE;
            }
        }
        (owners, ends)
    }

    /// Takes in the next record of the log.
    pub(crate) fn apply(&mut self, at: Ordinal, fact: &Fact<'_>) -> Result<(), BrokenChain> {
        match fact {
            Fact::Message(facts) => self.message(at, facts)?,
            Fact::Tombstone(id, Tombstone { author, sequence, timestamp }) => {
                // It does not say what it followed.
                let latest = self.feeds.number(author).and_then(|number| self.feeds.latest(number));
                let previous = latest.map(|latest| latest.id);
                let (author, sequence, timestamp) = (*author, *sequence, *timestamp);
                self.message(at, &Facts { id: *id, author, sequence, previous, timestamp })?;
                self.gone.insert(at);
            }
            Fact::Nobody(_) => {
                self.feeds.push(at, Owner::Nobody);
                self.gone.insert(at);
            }
            Fact::Decisions(_, decisions) => {
                self.feeds.push(at, Owner::Decision);
                self.gone.insert(at);
                self.decide(at, decisions);
            }
            Fact::Fork(_, fork) => {
                self.feeds.push(at, Owner::Fork);
                self.gone.insert(at);
                self.fork(at, *fork);
            }
        }
        Ok(())
    }

    fn message(&mut self, at: Ordinal, facts: &Facts) -> Result<(), BrokenChain> {
        let Self { feeds, gone, .. } = self;
        if let Some(before) = feeds.apply(at, facts, |at| gone.may_come_back(at))? {
            gone.came_back(before);
        }
        Ok(())
    }

    fn fork(&mut self, at: Ordinal, Fork { feed, sequence }: Fork) {
        self.forks.entry(feed).or_insert((sequence, at));
    }

    fn decide(&mut self, at: Ordinal, decisions: &[Decision]) {
        for decision in decisions {
            match *decision {
                Decision::Delete { feed, from, upto } => {
                    // The proof of a fork has the message before, too.
                    let is_proof = |sequence: u32| sequence >= from && sequence - 1 <= upto;
                    if self.forks.get(&feed).is_some_and(|(sequence, _)| is_proof(*sequence)) {
                        self.forks.remove(&feed);
                    }
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

    /// A feed begins anew, and nothing is proven of it.
    fn clear(&mut self, feed: &FeedId, decided: Ordinal) {
        self.forks.remove(feed);
        self.feeds.clear(feed, decided).into_iter().for_each(|at| self.gone.insert(at));
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
