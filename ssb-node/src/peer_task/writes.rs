//! The streams of `createWriteStream` in which a connection sends messages.
//!
//! Each message goes where one of `add` goes, and what is not taken is dropped without a word (ssb-db 20.4.1). The end is
//! confirmed when all that came was judged, and so is on disk.

use std::collections::BTreeMap;

use ssb_gossip::peer::Peer;
use ssb_muxrpc::RequestId;

/// All streams of one connection.
#[derive(Debug, Default)]
pub(super) struct Writes(BTreeMap<RequestId, Write>);

#[derive(Debug, Default)]
struct Write {
    /// How many messages wait for their verdict.
    waiting: usize,
    has_ended: bool,
}

impl Writes {
    /// A new stream.
    pub(super) fn called(&mut self, request: RequestId) {
        self.0.insert(request, Write::default());
    }

    /// Whether what comes in a stream is to be added.
    pub(super) fn has(&self, request: RequestId) -> bool {
        self.0.contains_key(&request)
    }

    /// A message came, and waits for its verdict.
    pub(super) fn came(&mut self, request: RequestId) {
        if let Some(write) = self.0.get_mut(&request) {
            write.waiting += 1;
        }
    }

    /// A message has its verdict.
    pub(super) fn judged(&mut self, request: RequestId, peer: &mut Peer) {
        if let Some(write) = self.0.get_mut(&request) {
            write.waiting = write.waiting.saturating_sub(1);
        }
        self.confirm(request, peer);
    }

    /// The peer has sent all, or given up.
    pub(super) fn ended(&mut self, request: RequestId, failed: bool, peer: &mut Peer) {
        if failed {
            self.0.remove(&request);
        } else if let Some(write) = self.0.get_mut(&request) {
            write.has_ended = true;
        }
        self.confirm(request, peer);
    }

    fn confirm(&mut self, request: RequestId, peer: &mut Peer) {
        if self.0.get(&request).is_some_and(|write| write.has_ended && write.waiting == 0) {
            self.0.remove(&request);
            peer.end(request);
        }
    }
}
