//! The blobs that a connection reads: a few pieces at a time, while little waits to be written.
//!
//! No blob is in memory, nor is its file open, from one turn to the next: a peer may have as many of these as it may have
//! streams.

use std::collections::VecDeque;
use std::task::Context;
use std::task::Poll;

use ssb_gossip::peer::Peer;
use ssb_muxrpc::Body;
use ssb_muxrpc::RemoteError;
use ssb_muxrpc::RequestId;

use crate::blobs::Blobs;
use crate::pool::Promise;
use crate::rpc::blobs::Get;
use crate::rpc::source::PAGE_LEN;

/// All such streams of one connection.
#[derive(Default)]
pub(super) struct Pieces {
    /// Those whose turn comes, in that order.
    ready: VecDeque<(RequestId, Get)>,
    reading: Option<Reading>,
}

struct Reading {
    /// Gone if the peer wants no more of it.
    request: Option<RequestId>,
    read: Promise<Read>,
}

/// What a turn brought.
type Read = (Get, Result<Vec<Vec<u8>>, RemoteError>);

impl Pieces {
    /// Serves a new stream.
    pub(super) fn add(&mut self, request: RequestId, get: Get) {
        self.ready.push_back((request, get));
    }

    /// The peer wants no more of this one.
    pub(super) fn remove(&mut self, request: RequestId) {
        self.ready.retain(|(ready, _)| *ready != request);
        if let Some(reading) = &mut self.reading
            && reading.request == Some(request)
        {
            reading.request = None;
        }
    }

    /// Moves what can move. Returns whether anything did.
    pub(super) fn poll(&mut self, context: &mut Context<'_>, blobs: &Blobs, peer: &mut Peer) -> bool {
        let mut moved = self.poll_reading(context, peer);
        if self.reading.is_none()
            && peer.buffered() < PAGE_LEN
            && let Some((request, mut get)) = self.ready.pop_front()
        {
            let read = blobs.run(move |blobs| {
                let pieces = get.read(blobs.store());
                (get, pieces)
            });
            self.reading = Some(Reading { request: Some(request), read });
            moved = true;
        }
        moved
    }

    fn poll_reading(&mut self, context: &mut Context<'_>, peer: &mut Peer) -> bool {
        let Some(reading) = &mut self.reading else { return false };
        let Poll::Ready(read) = reading.read.as_mut().poll(context) else { return false };
        let request = reading.request;
        self.reading = None;
        let Some(request) = request else { return true };
        match read {
            None => peer.refuse_call(request, &RemoteError::new("the stream was given up")),
            Some((_, Err(error))) => peer.refuse_call(request, &error),
            Some((_, Ok(pieces))) if pieces.is_empty() => peer.end(request),
            Some((get, Ok(pieces))) => {
                pieces.iter().for_each(|piece| peer.item(request, Body::Binary(piece)));
                self.ready.push_back((request, get));
            }
        }
        true
    }
}
