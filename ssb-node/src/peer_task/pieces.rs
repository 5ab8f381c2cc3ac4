//! The blobs that a connection reads: a few pieces at a time, while little waits to be written, and the next few ahead.
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
    /// The one whose turn it is.
    reading: Option<Reading>,
}

struct Reading {
    /// Gone if the peer wants no more of it.
    request: Option<RequestId>,
    state: State,
}

enum State {
    /// A thread reads.
    Promised(Promise<Read>),
    /// It has, and its pieces wait until there is room for them.
    Done(Option<Read>),
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
            && let Some((request, mut get)) = self.ready.pop_front()
        {
            let read = blobs.run(move |blobs| {
                let pieces = get.read(blobs.store());
                (get, pieces)
            });
            self.reading = Some(Reading { request: Some(request), state: State::Promised(read) });
            moved = true;
        }
        moved
    }

    fn poll_reading(&mut self, context: &mut Context<'_>, peer: &mut Peer) -> bool {
        let Some(reading) = &mut self.reading else { return false };
        let mut moved = false;
        if let State::Promised(read) = &mut reading.state {
            let Poll::Ready(read) = read.as_mut().poll(context) else { return false };
            reading.state = State::Done(read);
            moved = true;
        }
        if peer.buffered() >= PAGE_LEN && reading.request.is_some() {
            return moved;
        }
        let Some(Reading { request, state: State::Done(read) }) = self.reading.take() else { return moved };
        if let Some(request) = request {
            self.deliver(request, read, peer);
        }
        true
    }

    fn deliver(&mut self, request: RequestId, read: Option<Read>, peer: &mut Peer) {
        match read {
            None => peer.refuse_call(request, &RemoteError::new("the stream was given up")),
            Some((_, Err(error))) => peer.refuse_call(request, &error),
            Some((_, Ok(pieces))) if pieces.is_empty() => peer.end(request),
            Some((get, Ok(pieces))) => {
                pieces.iter().for_each(|piece| peer.item(request, Body::Binary(piece)));
                self.ready.push_back((request, get));
            }
        }
    }
}
