//! The `ooo.stream` of a connection: what the peer wants is looked up in the log, and read while little waits to be written.

use std::task::Context;
use std::task::Poll;

use ssb_gossip::connection::ConnectionId;
use ssb_gossip::ooo::stream::OooStream;
use ssb_gossip::peer::Peer;
use ssb_keys::FeedId;
use ssb_keys::MessageId;
use ssb_log::Disk;
use ssb_log::Reader;
use ssb_log::read::ReadError;

use crate::pool::Promise;
use crate::rpc::source::PAGE_LEN;
use crate::shared::Shared;

/// The stream, and what is read for it.
pub(super) struct Singles {
    pub(super) stream: OooStream,
    reading: Option<Reading>,
}

/// What came of looking wants up.
type LookedUp = Result<Vec<(MessageId, u8, Option<FeedId>)>, ReadError>;

enum Reading {
    Wants(Promise<LookedUp>),
    Message(MessageId, Promise<Result<Option<String>, ReadError>>),
}

impl Singles {
    pub(super) const fn new(connection: ConnectionId) -> Self {
        Self { stream: OooStream::new(connection), reading: None }
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
        peer: &Peer,
    ) -> Result<bool, ReadError> {
        let mut moved = self.poll_reading(context)?;
        if self.reading.is_none() {
            self.reading = self.next(shared, peer);
            moved |= self.reading.is_some();
        }
        Ok(moved)
    }

    fn next(&mut self, shared: &Shared, peer: &Peer) -> Option<Reading> {
        let reader = shared.reader.clone();
        let wants = self.stream.unknown();
        if !wants.is_empty() {
            return Some(Reading::Wants(shared.reads.run(move || look_up(wants, &reader))));
        }
        if peer.buffered() >= PAGE_LEN {
            return None;
        }
        let id = self.stream.pop()?;
        let viewer = peer.remote().unwrap_or(shared.me.id());
        // The log may know before the core does that the author blocks them.
        let read = move || Ok(reader.get_for(&id, &viewer)?.map(|(_, stored)| stored.json));
        Some(Reading::Message(id, shared.reads.run(read)))
    }

    fn poll_reading(&mut self, context: &mut Context<'_>) -> Result<bool, ReadError> {
        // Nobody answers only when the node stops.
        match &mut self.reading {
            None => return Ok(false),
            Some(Reading::Wants(wants)) => {
                let Poll::Ready(wants) = wants.as_mut().poll(context) else { return Ok(false) };
                self.reading = None;
                self.stream.found(wants.transpose()?.unwrap_or_default());
            }
            Some(Reading::Message(id, message)) => {
                let Poll::Ready(message) = message.as_mut().poll(context) else { return Ok(false) };
                let id = *id;
                self.reading = None;
                if let Some(json) = message.transpose()?.flatten() {
                    self.stream.tell(id, json.into());
                }
            }
        }
        Ok(true)
    }
}

fn look_up(wants: Vec<(MessageId, u8)>, reader: &Reader<Disk>) -> LookedUp {
    wants.into_iter().map(|(id, distance)| Ok((id, distance, reader.author_of(&id)?))).collect()
}
