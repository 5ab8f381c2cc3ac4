//! How much is owed, counted over all feeds and peers when somebody asks.

use std::collections::BTreeMap;
use std::time::Duration;

use ssb_keys::FeedId;

use super::Ebt;
use super::STRIKES_MAX;
use super::partner::Partner;
use super::partner::Stage;
use crate::scope::Scope;
use crate::time::Uptime;

/// A peer that is asked the old way never says that it has sent all: when nothing came for so long, it has.
pub const QUIET_AFTER: Duration = Duration::from_secs(5);

/// What is owed of the feeds that are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many feeds are wanted.
    pub feeds: usize,
    /// Of how many of them a peer has more.
    pub owed: usize,
    /// How many of those nobody is asked for any more.
    pub stuck: usize,
    /// How many messages of them are here.
    pub held: u64,
    /// How many more of them peers have.
    pub missing: u64,
}

impl Ebt {
    /// Counts what is owed.
    pub fn tally(&self, scope: &Scope) -> Tally {
        let mut tally = Tally::default();
        for feed in scope.wanted() {
            let held = u64::from(scope.held(&feed));
            tally.feeds += 1;
            tally.held += held;
            let (mut most, mut is_asked) = (held, false);
            for partner in self.partners.values().filter(|partner| scope.asks(&feed, &partner.peer)) {
                let Some(shared) = partner.feeds.get(&feed) else { continue };
                let Some(theirs) = shared.theirs.filter(|theirs| *theirs > held && !shared.refused) else {
                    continue;
                };
                most = most.max(theirs);
                is_asked |= shared.strikes < STRIKES_MAX;
            }
            if most > held {
                tally.owed += 1;
                tally.stuck += usize::from(!is_asked);
                tally.missing = tally.missing.saturating_add(most - held);
            }
        }
        tally
    }

    /// Of how many feeds that are wanted each peer has more than is here, if of any.
    pub fn pending(&self, scope: &Scope) -> BTreeMap<FeedId, usize> {
        let mut pending = BTreeMap::new();
        for partner in self.partners.values() {
            let has_more = |feed: &FeedId, theirs: Option<u64>| {
                theirs > Some(scope.held(feed).into()) && scope.asks(feed, &partner.peer)
            };
            let all = partner.feeds.iter().filter(|(feed, shared)| has_more(feed, shared.theirs)).count();
            let most = pending.entry(partner.peer).or_insert(0);
            *most = all.max(*most);
        }
        pending.retain(|_, count| *count > 0);
        pending
    }

    /// Of each connected peer whether it has said what it has. Those that are asked the old way have when nothing comes any more.
    pub fn settled(&self, now: Uptime, is_quiet: bool) -> BTreeMap<FeedId, bool> {
        let mut settled = BTreeMap::new();
        for partner in self.partners.values() {
            let is_settled = match partner.stage {
                Stage::Legacy => is_quiet && now.since(partner.heard) >= QUIET_AFTER,
                _ => Partner::is_settled(partner),
            };
            *settled.entry(partner.peer).or_default() |= is_settled;
        }
        settled
    }
}
