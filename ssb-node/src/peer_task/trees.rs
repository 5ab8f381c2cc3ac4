//! The `ebt.replicate` stream of a connection: its feeds are read one page at a time, while little waits to be written.

use std::task::Context;
use std::task::Poll;

use ssb_gossip::connection::ConnectionId;
use ssb_gossip::ebt::serving::Serving;
use ssb_gossip::ebt::stream::EbtStream;
use ssb_gossip::history::ServedPage;
use ssb_gossip::peer::Peer;
use ssb_keys::FeedId;
use ssb_log::Disk;
use ssb_log::Ordinal;
use ssb_log::Reader;
use ssb_log::read::ReadError;
use ssb_log::tail::Follower;

use crate::pool::Promise;
use crate::rpc::history;
use crate::rpc::source::PAGE_LEN;
use crate::shared::Shared;

/// The stream, and what is read for it.
pub(super) struct Trees {
    pub(super) stream: EbtStream,
    reading: Option<Reading>,
    follower: Follower,
    seen: Ordinal,
}

struct Reading {
    feed: FeedId,
    from: u32,
    page: Promise<ServedPage<ReadError>>,
}

impl Trees {
    pub(super) fn new(connection: ConnectionId, reader: &Reader<Disk>) -> Self {
        let (follower, seen) = (reader.follow(), reader.end());
        Self { stream: EbtStream::new(connection), reading: None, follower, seen }
    }

    /// Moves what can move. Returns whether anything did.
    ///
    /// # Errors
    ///
    /// The log cannot be read.
    pub(super) fn poll(
        &mut self,
        context: &mut Context<'_>,
        shared: &Shared,
        peer: &mut Peer,
    ) -> Result<bool, ReadError> {
        let mut moved = self.poll_growth(context, &shared.reader);
        moved |= self.poll_reading(context, peer)?;
        if self.reading.is_none()
            && peer.buffered() < PAGE_LEN
            && let Some((feed, from)) = self.stream.pop(|feed| history::latest(&shared.reader, feed))
        {
            let reader = shared.reader.clone();
            let viewer = peer.remote().unwrap_or(shared.me.id());
            let page = shared.reads.run(move || {
                let latest = history::latest(&reader, &feed);
                history::page(&mut Serving::cursor(feed, from, viewer, latest), latest, &reader)
            });
            self.reading = Some(Reading { feed, from, page });
            moved = true;
        }
        Ok(moved)
    }

    fn poll_reading(&mut self, context: &mut Context<'_>, peer: &mut Peer) -> Result<bool, ReadError> {
        let Some(reading) = &mut self.reading else { return Ok(false) };
        let Poll::Ready(page) = reading.page.as_mut().poll(context) else { return Ok(false) };
        let (feed, from) = (reading.feed, reading.from);
        self.reading = None;
        // Nobody answers only when the node stops.
        page.map_or(Ok(()), |page| self.stream.send(feed, from, page, peer)).map(|()| true)
    }

    fn poll_growth(&mut self, context: &mut Context<'_>, reader: &Reader<Disk>) -> bool {
        if self.stream.is_idle() {
            self.seen = reader.end();
            return false;
        }
        let Poll::Ready(end) = self.follower.poll_past(context, self.seen) else { return false };
        let seen = std::mem::replace(&mut self.seen, end);
        reader.authors(seen..end).for_each(|feed| self.stream.wake(&feed));
        true
    }
}
