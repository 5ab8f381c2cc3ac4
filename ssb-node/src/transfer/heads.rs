//! How long each feed is in a log that comes in.

use std::collections::BTreeMap;

use ssb_keys::FeedId;

use super::Why;

/// A feed as a log has it that comes in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Head {
    /// The highest sequence.
    pub sequence: u32,
    /// How many messages: fewer than the sequence says if some were deleted.
    pub messages: u64,
    /// The first of them that was not taken: why, and its offset.
    pub refused: Option<(Why, u64)>,
}

/// The feeds of a log: about 100 bytes each.
#[derive(Debug, Default)]
pub(super) struct Heads(BTreeMap<FeedId, Head>);

impl Heads {
    /// Takes note of a message.
    pub(super) fn see(&mut self, feed: FeedId, sequence: u32) {
        let head = self.0.entry(feed).or_default();
        head.sequence = head.sequence.max(sequence);
        head.messages += 1;
    }

    /// Takes note that one was refused.
    pub(super) fn refuse(&mut self, feed: FeedId, why: Why, offset: u64) {
        let refused = &mut self.0.entry(feed).or_default().refused;
        if refused.is_none_or(|(_, first)| offset < first) {
            *refused = Some((why, offset));
        }
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = (&FeedId, &Head)> {
        self.0.iter()
    }
}
