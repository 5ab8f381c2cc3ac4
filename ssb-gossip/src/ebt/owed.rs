//! What is done about a peer that has more of a feed and does not send it.

use std::time::Duration;

use ssb_keys::FeedId;

use super::Ebt;
use super::FEED_STALL_AFTER;
use super::Fallback;
use super::RETRY_AFTER;
use super::STALL_AFTER;
use super::STRIKES_MAX;
use super::has;
use crate::connection::ConnectionId;
use crate::scope::Scope;
use crate::time::Uptime;

/// So often the patience with a peer, and the time until it is asked again, are doubled at most.
const DOUBLINGS_MAX: u8 = 5;

impl Ebt {
    /// It is time to look at the source of a feed.
    pub(super) fn look_at(&mut self, feed: FeedId, scope: &Scope, now: Uptime) -> Option<Fallback> {
        let state = self.feeds.get(&feed).copied().unwrap_or_default();
        let Some(source) = state.source else {
            self.set_due(feed, None);
            return None;
        };
        if self.owes(&feed, scope) {
            let heard = self.partners.get(&source).map_or(now, |partner| partner.heard);
            let due = heard.after(self.patience(source, &feed)).min(state.since.after(FEED_STALL_AFTER));
            if due > now {
                self.set_due(feed, Some(due));
                return None;
            }
            return self.strike(source, feed, scope, now);
        }
        self.set_due(feed, None);
        if let Some(other) = self.candidate(&feed, None, scope) {
            self.waiting.insert(feed, self.turn(other, &feed, scope));
        }
        None
    }

    /// A source owes a feed and does not send it.
    pub(super) fn strike(
        &mut self,
        source: ConnectionId,
        feed: FeedId,
        scope: &Scope,
        now: Uptime,
    ) -> Option<Fallback> {
        let other = self.candidate(&feed, Some(source), scope);
        let shared = self.shared(source, &feed)?;
        shared.strikes = shared.strikes.saturating_add(1).min(STRIKES_MAX);
        let (strikes, is_last) = (shared.strikes, shared.strikes == STRIKES_MAX && !shared.is_bad);
        let retry = is_last.then(|| now.after(doubled(RETRY_AFTER, shared.rounds)));
        shared.rounds = shared.rounds.saturating_add(is_last.into());
        if let Some(partner) = self.partners.get_mut(&source) {
            partner.stalled();
            partner.retries.extend(retry.map(|retry| (retry, feed)));
        }
        if self.source(&feed) != Some(source) {
            return None;
        }
        self.owed_since(feed, now);
        if let Some(other) = other {
            self.set_source(other, feed, scope);
            return None;
        }
        match strikes {
            0 | 1 => self.say(source, feed, has(&feed, true, scope)),
            2 => self.reset(source, feed, scope),
            3 => return Some(Fallback::Feed(source, feed)),
            _ => self.unsource(source, feed, scope, now),
        }
        None
    }

    /// How long a peer may send nothing while it owes a feed.
    fn patience(&self, connection: ConnectionId, feed: &FeedId) -> Duration {
        let shared = self.partners.get(&connection).and_then(|partner| partner.feeds.get(feed));
        doubled(STALL_AFTER, shared.map_or(0, |shared| shared.rounds))
    }

    /// Asks for feeds again that the peer owed and did not send.
    pub(super) fn retry(&mut self, connection: ConnectionId, scope: &Scope, now: Uptime) {
        let Some(partner) = self.partners.get_mut(&connection) else { return };
        let due: Vec<(Uptime, FeedId)> =
            partner.retries.iter().copied().take_while(|(due, _)| *due <= now).collect();
        for (due, feed) in due {
            let Some(partner) = self.partners.get_mut(&connection) else { return };
            partner.retries.remove(&(due, feed));
            if let Some(shared) = partner.feeds.get_mut(&feed).filter(|shared| !shared.is_bad) {
                shared.strikes = 0;
                self.claim(feed, scope, now);
            }
        }
        self.fetch(scope, now);
    }

    /// A feed is owed from now on, or still, after its source was told something.
    pub(super) fn owed_since(&mut self, feed: FeedId, now: Uptime) {
        let state = self.feeds.entry(feed).or_default();
        state.since = now;
        let source = state.source;
        let patience = source.map_or(STALL_AFTER, |source| self.patience(source, &feed));
        self.set_due(feed, Some(now.after(patience)));
    }
}

fn doubled(time: Duration, times: u8) -> Duration {
    time.saturating_mul(1 << times.min(DOUBLINGS_MAX))
}
