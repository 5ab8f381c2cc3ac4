//! `createHistoryStream`: one feed in the order of its sequences.

use ssb_gossip::history::Served;
use ssb_log::Disk;
use ssb_log::Reader;
use ssb_muxrpc::RemoteError;

use super::source::PAGE_LEN;
use super::source::Page;
use super::source::Source;
use super::source::Then;

/// A history stream that we serve.
pub(crate) struct History(pub(crate) Served);

impl Source for History {
    fn pull(&mut self, reader: &Reader<Disk>) -> Page {
        let feed = self.0.feed();
        let latest = reader.latest(&feed).map_or(0, |latest| latest.sequence);
        let mut items = Vec::new();
        let mut len = 0;
        while let Some(sequence) = self.0.next(latest) {
            if len >= PAGE_LEN {
                return Page { items, then: Then::More };
            }
            let page = match reader.feed_page(&feed, sequence, PAGE_LEN - len) {
                Ok(page) => page,
                Err(error) => {
                    return Page { items, then: Then::End(Err(RemoteError::new(error.to_string()))) };
                }
            };
            if page.is_empty() {
                break;
            }
            for (sequence, stored) in (sequence..).zip(page) {
                // The cursor may have jumped over the rest of the page, or come to its end.
                if self.0.next(latest) != Some(sequence) {
                    break;
                }
                let Some(item) = self.0.item(&stored.id, stored.received, &stored.json) else { break };
                len += item.len();
                items.push(item);
            }
        }
        let then =
            if self.0.is_over(latest) { Then::End(Ok(())) } else { Then::FeedGrown { feed, past: latest } };
        Page { items, then }
    }
}
