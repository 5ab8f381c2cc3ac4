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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::key;
    use crate::permission::OWNER;
    use crate::permission::methods;
    use ssb_gossip::peer::PeerEvent;
    use ssb_gossip::time::Now;
    use ssb_gossip::time::UnixMillis;
    use ssb_gossip::time::Uptime;
    use ssb_muxrpc::Body;
    use ssb_muxrpc::Event;
    use ssb_muxrpc::Kind;
    use ssb_muxrpc::Session;
    use std::sync::Arc;
    use std::time::Duration;

    /// A client, the server's end of its connection, and what the server knows of its streams.
    struct Scene {
        caller: Session,
        peer: Peer,
        writes: Writes,
    }

    impl Scene {
        /// Carries what the client has sent to the server, and does what the connection's task does.
        fn deliver(&mut self) {
            let wire = self.caller.outgoing().to_vec();
            self.caller.sent(wire.len());
            self.peer.space()[..wire.len()].copy_from_slice(&wire);
            let now = Now { uptime: Uptime::new(Duration::ZERO), wall: UnixMillis(0.0) };
            self.peer.filled(wire.len(), now);
            loop {
                let (ended, failed) = match self.peer.poll() {
                    Some(PeerEvent::Called { request, .. }) => {
                        self.writes.called(request);
                        continue;
                    }
                    Some(PeerEvent::Item { request, .. }) => {
                        assert!(self.writes.has(request));
                        self.writes.came(request);
                        continue;
                    }
                    Some(PeerEvent::StreamEnded { request, error }) => (request, error.is_some()),
                    Some(_) => continue,
                    None => return,
                };
                self.writes.ended(ended, failed, &mut self.peer);
            }
        }

        /// What the client hears.
        fn heard(&mut self) -> Option<Event> {
            let wire = self.peer.outgoing().to_vec();
            self.caller.receive(&wire).unwrap().1
        }
    }

    #[test]
    fn the_end_is_confirmed_when_every_message_was_judged() {
        let caller = Session::new(Arc::default(), OWNER);
        let peer = Peer::local(key(1).id(), &methods(), OWNER);
        let mut scene = Scene { caller, peer, writes: Writes::default() };
        let request = scene.caller.call(&["createWriteStream"], Kind::Sink, "[]").unwrap();
        scene.caller.item(request, Body::Json("{}"));
        scene.caller.item(request, Body::Json("{}"));
        scene.deliver();
        let theirs = *scene.writes.0.keys().next().unwrap();
        scene.writes.judged(theirs, &mut scene.peer);
        scene.caller.end(request);
        scene.deliver();
        assert_eq!(scene.heard(), None);

        scene.writes.judged(theirs, &mut scene.peer);

        assert_eq!(scene.heard(), Some(Event::Ended { request, error: None }));
        assert!(!scene.writes.has(theirs));
    }
}
