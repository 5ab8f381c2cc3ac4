//! What an owner of a node removes for good, or lets come back, and what a policy does not keep.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use ssb_gossip::event::Again;
use ssb_gossip::event::Input;
use ssb_gossip::event::Removal;
use ssb_keys::FeedId;
use ssb_keys::MessageId;
use ssb_log::Decision;
use ssb_log::compact::CompactError;
use ssb_log::log::AppendError;
use ssb_log::reader::Place;
use ssb_log::retain::Policy;
use ssb_log::retain::Standing;
use ssb_log::retain::plan;

use super::Node;
use crate::random::Random;

/// What an owner removed for good, as far as that was acknowledged.
#[derive(Clone, Debug, Default)]
pub struct Removed {
    pub(super) feeds: BTreeSet<FeedId>,
    /// Whose each of them is.
    pub(super) messages: BTreeMap<MessageId, FeedId>,
}

/// What an owner wants of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Gone,
    Back,
}

/// A log that would be shorter by so many bytes is compacted.
const COMPACTED_FROM: u64 = 2_000;

impl Node {
    /// What of the log its owner could remove: a feed, or a message of it, that is not the own one.
    pub fn removable(&self, random: &mut Random) -> Option<Removal> {
        let feeds = self.reader.feeds();
        let latest = feeds.get(random.index(feeds.len().max(1)))?;
        if latest.feed == self.me.id() {
            return None;
        }
        // Whoever was told that the feed is not whole here asks for it again only after it has reconnected.
        if random.once_in(3) && self.has_whole(&latest.feed, latest.sequence) {
            return Some(Removal::Feed(latest.feed));
        }
        let sequence = u32::try_from(random.between(1, u64::from(latest.sequence))).ok()?;
        let at = self.reader.by_sequence(&latest.feed, sequence)?;
        self.reader.read(at).ok().map(|stored| Removal::Message(stored.id))
    }

    /// Something that its owner has removed.
    pub fn readmittable(&self, random: &mut Random) -> Option<Removal> {
        let Removed { feeds, messages } = &self.removed;
        let feeds = feeds.iter().copied().map(Removal::Feed);
        let all: Vec<Removal> = feeds.chain(messages.keys().copied().map(Removal::Message)).collect();
        all.get(random.index(all.len().max(1))).copied()
    }

    /// Removes something from the log, or lets it come back, and tells the core.
    pub(super) fn decide(&mut self, what: Removal, wanted: Wanted, now: f64) -> Result<(), AppendError> {
        let place = match what {
            Removal::Message(id) => self.reader.place_of(&id).ok().flatten(),
            Removal::Feed(feed) => Some(Place { feed, sequence: 1, is_here: true, contact: None }),
        };
        let Some(Place { feed, sequence, contact, .. }) = place else { return Ok(()) };
        let (from, upto) = (sequence, sequence);
        let (decision, emptied) = match (what, wanted) {
            (Removal::Feed(_), Wanted::Gone) => (Decision::Ban { feed }, Some(Again::Refused)),
            (Removal::Feed(_), Wanted::Back) => (Decision::Unban { feed }, Some(Again::Allowed)),
            (Removal::Message(_), Wanted::Gone) => (Decision::Delete { feed, from, upto }, None),
            (Removal::Message(_), Wanted::Back) => (Decision::Readmit { feed, from, upto }, None),
        };
        if emptied.is_some() {
            self.emptied.push(feed);
            self.sent.remove(&feed);
        }
        self.removed.decide(what, feed, Wanted::Back);
        self.store.decide(&[decision], now)?;
        self.removed.decide(what, feed, wanted);
        // Before the verdicts of what is stored now, and behind those of what was.
        self.results.extend(emptied.map(|again| Input::Emptied { feed, again }));
        if let Some(contact) = contact {
            let relation = self.reader.relation(&feed, &contact).unwrap_or_default();
            self.results.push_back(Input::Related { author: feed, contact, relation });
        }
        self.compact()
    }

    /// Removes what is not kept any longer, and tells the core.
    pub(super) fn retain(
        &mut self,
        steps: &[(FeedId, u8)],
        policy: &Policy,
        now: f64,
    ) -> Result<(), AppendError> {
        let steps: BTreeMap<FeedId, u8> = steps.iter().copied().collect();
        let me = self.me.id();
        let standing = |feed: &FeedId| match steps.get(feed) {
            _ if *feed == me => Standing::Kept,
            Some(steps) => Standing::Near(*steps),
            None => Standing::Far,
        };
        // What cannot be read is found out about by others.
        let Ok(decisions) = plan(&self.reader, policy, standing, now) else { return Ok(()) };
        let forgotten: Vec<FeedId> = decisions
            .iter()
            .filter(|decision| matches!(decision, Decision::Forget { .. }))
            .map(Decision::feed)
            .collect();
        for feed in &forgotten {
            self.emptied.push(*feed);
            self.sent.remove(feed);
            // What comes back of a forgotten feed comes back whole.
            self.removed.messages.retain(|_, of| of != feed);
        }
        self.store.decide(&decisions, now)?;
        let emptied = |feed| Input::Emptied { feed, again: Again::Allowed };
        self.results.extend(forgotten.into_iter().map(emptied));
        self.compact()
    }

    fn compact(&mut self) -> Result<(), AppendError> {
        if self.reader.reclaimable() > COMPACTED_FROM {
            let compactor = self.store.compactor();
            // Where there is no room the log goes on as it was.
            if let Err(CompactError::Append(error)) = self.store.finish_compaction(compactor) {
                return Err(error);
            }
        }
        Ok(())
    }
}

impl Removed {
    fn decide(&mut self, what: Removal, feed: FeedId, wanted: Wanted) {
        match (what, wanted) {
            (Removal::Feed(feed), Wanted::Gone) => self.feeds.insert(feed),
            (Removal::Feed(feed), Wanted::Back) => self.feeds.remove(&feed),
            (Removal::Message(id), Wanted::Gone) => self.messages.insert(id, feed).is_none(),
            (Removal::Message(id), Wanted::Back) => self.messages.remove(&id).is_some(),
        };
    }
}
