//! `replicate.upto`: which feeds are replicated and how far they are here, and then which are and are not any more, with the items
//! of ssb-replicate 1.3.5.

use std::collections::BTreeSet;
use std::time::Duration;

use ssb_gossip::core::Core;
use ssb_gossip::core::watch::Topic;
use ssb_gossip::time::Now;
use ssb_keys::FeedId;

use super::args;
use super::backlog::Backlog;
use crate::followers::Cursor;
use crate::followers::News;
use crate::followers::Then;

/// One stream.
#[derive(Debug)]
pub(crate) struct Upto {
    is_live: bool,
    /// Whether all that there was at first is told.
    is_synced: bool,
    /// What was told to be replicated, or is going to be.
    seen: BTreeSet<FeedId>,
    /// What is to be told, and whether it is replicated.
    pending: Backlog<(FeedId, bool)>,
}

impl Upto {
    /// The stream of a call.
    pub(crate) fn parse(args: &[u8]) -> Self {
        let is_live = args::first(args).get("live").is_some_and(args::is_truthy);
        Self { is_live, is_synced: false, seen: BTreeSet::new(), pending: Backlog::default() }
    }

    fn compare(&mut self, core: &Core) {
        let now: Vec<FeedId> = core.wanted().collect();
        let is_wanted: BTreeSet<FeedId> = now.iter().copied().collect();
        let new = now.into_iter().filter(|feed| !self.seen.contains(feed)).map(|feed| (feed, true));
        self.pending.extend(new);
        self.pending.extend(self.seen.difference(&is_wanted).map(|feed| (*feed, false)));
        self.seen = is_wanted;
    }
}

impl Cursor for Upto {
    fn topic(&self) -> Topic {
        Topic::Scope
    }

    fn pause(&self) -> Duration {
        self.pending.pause()
    }

    fn look(&mut self, core: &Core, _: Now) -> News {
        if self.pending.is_empty() {
            self.compare(core);
        }
        let some = self.pending.take();
        let mut items: Vec<String> = some
            .into_iter()
            .map(|(feed, is_wanted)| {
                let sequence = if is_wanted { i64::from(core.held(&feed)) } else { -1 };
                format!("{{\"id\":\"{feed}\",\"sequence\":{sequence}}}")
            })
            .collect();
        if !self.pending.is_empty() {
            return News { items, then: Then::More };
        }
        if !self.is_live {
            return News { items, then: Then::End(Ok(())) };
        }
        if !std::mem::replace(&mut self.is_synced, true) {
            items.push("{\"sync\":true}".to_owned());
        }
        News { items, then: Then::Changes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::core;
    use crate::fixture::key;
    use crate::fixture::look_all;
    use crate::fixture::relate;
    use crate::fixture::tell;
    use crate::fixture::unnamed;
    use ssb_gossip::event::Input;
    use ssb_gossip::event::Ticket;
    use ssb_msg::content::Relation;

    #[test]
    fn what_is_replicated_is_told_then_sync_and_then_what_changes() {
        let mut core = core(&[(1, Relation::Follow, 2)]);
        relate(&mut core, 1, Relation::Follow, 3);
        let mut stream = Upto::parse(br#"[{"live":true}]"#);
        let mut told = |core: &Core| {
            let (items, _) = look_all(&mut stream, core);
            items.iter().map(|item| unnamed(item)).collect::<Vec<String>>()
        };
        let mut first = told(&core);
        assert_eq!(first.pop().as_deref(), Some(r#"{"sync":true}"#));
        first.sort();
        let upto = |n, sequence| format!(r#"{{"id":"@{n}","sequence":{sequence}}}"#);
        assert_eq!(first, [upto(1, 1), upto(2, 0), upto(3, 0)]);

        relate(&mut core, 1, Relation::Neutral, 2);
        tell(&mut core, Input::Request { ticket: Ticket(1), feed: key(5).id(), wanted: true });
        assert_eq!(told(&core), [upto(5, 0), upto(2, -1)]);

        assert_eq!(told(&core), [""; 0]);
    }

    #[test]
    fn without_live_it_ends() {
        let core = core(&[]);

        let (items, then) = look_all(&mut Upto::parse(b"[]"), &core);

        assert_eq!((items.len(), then), (1, Then::End(Ok(()))));
    }
}
