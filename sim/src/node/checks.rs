//! What must hold of a node.

use ssb_keys::FeedId;
use ssb_keys::MessageId;
use ssb_log::Ordinal;
use ssb_msg::Unverified;

use super::Broken;
use super::Node;
use super::Removed;
use crate::truth::Truth;

impl Node {
    /// Holds the whole log against what authors wrote.
    pub fn check_all(&mut self, truth: &Truth) -> Result<(), Broken> {
        self.checked = Ordinal::ZERO;
        self.check_copies(truth)
    }

    /// Holds everything in the log that was not looked at yet against what authors wrote.
    pub fn check_copies(&mut self, truth: &Truth) -> Result<(), Broken> {
        self.check_fetched(truth)?;
        let Ok(page) = self.reader.page(self.checked..self.reader.end(), usize::MAX) else { return Ok(()) };
        let me = self.me.id();
        for stored in page {
            let author = self.reader.author(stored.ordinal).and_then(|number| self.reader.feed_id(number));
            let author = author.ok_or("a message has no author")?;
            let message = Unverified::parse(stored.json.as_bytes()).map_err(|error| error.to_string())?;
            let sequence = message.sequence();
            if self.removed.feeds.contains(&author) || self.removed.messages.contains_key(&stored.id) {
                return Err(format!("node {} has {sequence} of {author}, which was removed", self.number));
            }
            if !truth.is(&author, sequence, stored.id) {
                return Err(format!("node {} holds as {author} {sequence} what nobody wrote", self.number));
            }
            if truth.blocked_since(&author, &me).is_some_and(|from| sequence >= from) {
                return Err(format!("node {} got {sequence} of {author}, who blocks it", self.number));
            }
            self.checked = stored.ordinal.next().ok_or("the log is full")?;
        }
        Ok(())
    }

    fn check_fetched(&mut self, truth: &Truth) -> Result<(), Broken> {
        for (id, before, json) in std::mem::take(&mut self.fetched) {
            self.got += 1;
            let message = Unverified::parse(json.as_bytes()).map_err(|error| error.to_string())?;
            let (author, sequence) = (message.author(), message.sequence());
            if message.id() != id || !truth.is(&author, sequence, id) {
                return Err(format!("node {} got as {author} {sequence} what nobody wrote", self.number));
            }
            let is_gone =
                |removed: &Removed| removed.feeds.contains(&author) || removed.messages.contains_key(&id);
            if is_gone(&before) && is_gone(&self.removed) {
                return Err(format!("node {} got {sequence} of {author}, which was removed", self.number));
            }
        }
        Ok(())
    }

    pub(super) fn check_sent(
        &mut self,
        feed: FeedId,
        sequence: u32,
        viewer: FeedId,
        truth: &Truth,
    ) -> Result<(), Broken> {
        let number = self.number;
        if self.held(&feed) < sequence {
            return Err(format!("node {number} sent {sequence} of {feed} before it was durable"));
        }
        if feed == self.me.id()
            && self.mark.permits(self.mark.sequence)
            && self.mark.sequence < u64::from(sequence)
        {
            return Err(format!("node {number} sent its own {sequence} before the mark was saved"));
        }
        // Of a block that its owner has deleted a node knows nothing.
        let lacks = |id: &MessageId| self.removed.messages.contains_key(id);
        let blocked_at = truth.blocked_at(&feed, &viewer, self.held(&feed), lacks);
        if blocked_at.is_some_and(|from| sequence >= from) {
            return Err(format!("node {number} sent {sequence} of {feed} to {viewer}, who is blocked"));
        }
        let sent = self.sent.entry(feed).or_default();
        *sent = (*sent).max(sequence);
        Ok(())
    }
}
