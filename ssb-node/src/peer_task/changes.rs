//! The streams of changes that a connection reads: `gossip.changes`, `blobs.changes`, and `blobs.ls` when it goes on.
//!
//! Whoever makes changes puts them into mailboxes and waits for nobody. A stream whose reader does not keep up ends with an
//! error, and misses nothing without a word.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;

use ssb_gossip::peer::Peer;
use ssb_muxrpc::Body;
use ssb_muxrpc::RemoteError;
use ssb_muxrpc::RequestId;

use crate::mailbox::Mailbox;
use crate::rpc::source::PAGE_LEN;

/// The most changes that wait for the reader of one stream.
const CHANGES_LEN_MAX: usize = 256;

/// The most streams of one connection.
const STREAMS_MAX: usize = 16;

/// All streams of one connection.
#[derive(Debug, Default)]
pub(crate) struct Changes(BTreeMap<RequestId, Stream>);

#[derive(Debug)]
struct Stream {
    mailbox: Mailbox<Arc<str>>,
    /// Whether something else is sent first.
    is_held: bool,
}

impl Changes {
    /// A new stream: what goes into the mailbox comes out of it.
    ///
    /// # Errors
    ///
    /// When there are too many.
    pub(super) fn add(&mut self, request: RequestId) -> Result<Mailbox<Arc<str>>, RemoteError> {
        if self.0.len() >= STREAMS_MAX {
            return Err(RemoteError::new(format!(
                "a connection has at most {STREAMS_MAX} streams of changes"
            )));
        }
        let mailbox = Mailbox::with_room(CHANGES_LEN_MAX);
        self.0.insert(request, Stream { mailbox: mailbox.clone(), is_held: false });
        Ok(mailbox)
    }

    /// As [`add`](Self::add), of a stream of which something else is sent first: what comes meanwhile waits.
    ///
    /// # Errors
    ///
    /// When there are too many.
    pub(super) fn hold(&mut self, request: RequestId) -> Result<Mailbox<Arc<str>>, RemoteError> {
        let mailbox = self.add(request)?;
        self.0.entry(request).and_modify(|stream| stream.is_held = true);
        Ok(mailbox)
    }

    /// All that goes first was sent of a stream that was held.
    pub(super) fn begin(&mut self, request: RequestId) {
        self.0.entry(request).and_modify(|stream| stream.is_held = false);
    }

    /// The peer wants no more of a stream. Returns whether there was one.
    pub(super) fn remove(&mut self, request: RequestId) -> bool {
        let stream = self.0.remove(&request);
        stream.iter().for_each(|stream| stream.mailbox.close());
        stream.is_some()
    }

    /// Sends what has come, while little waits to be written. Returns whether anything did.
    pub(super) fn poll(&mut self, context: &mut Context<'_>, peer: &mut Peer) -> bool {
        let mut moved = false;
        self.0.retain(|request, stream| {
            while !stream.is_held
                && peer.buffered() < PAGE_LEN
                && let Poll::Ready(change) = stream.mailbox.poll_next(context)
            {
                moved = true;
                let Some(change) = change else {
                    let error = format!("more than {CHANGES_LEN_MAX} changes were not read in time");
                    peer.refuse_call(*request, &RemoteError::new(error));
                    return false;
                };
                peer.item(*request, Body::Json(&change));
            }
            true
        });
        moved
    }
}

impl Drop for Changes {
    fn drop(&mut self) {
        self.0.values().for_each(|stream| stream.mailbox.close());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::key;
    use crate::permission;
    use crate::permission::OWNER;
    use ssb_gossip::peer::PeerEvent;
    use ssb_muxrpc::Event;
    use ssb_muxrpc::Kind;
    use ssb_muxrpc::Session;
    use std::task::Waker;

    /// A connection of the owner's, and who is at its other end.
    struct Bench {
        peer: Peer,
        caller: Session,
        changes: Changes,
    }

    impl Bench {
        fn new() -> Self {
            let mut peer = Peer::local(key(1).id(), &permission::methods(), OWNER);
            while peer.poll().is_some() {}
            Self { peer, caller: Session::new(Arc::default(), OWNER), changes: Changes::default() }
        }

        /// The owner calls.
        fn call(&mut self) -> RequestId {
            self.caller.call(&["gossip", "changes"], Kind::Source, "[]").unwrap();
            let bytes = self.caller.outgoing().to_vec();
            self.caller.sent(bytes.len());
            self.peer.space()[..bytes.len()].copy_from_slice(&bytes);
            let now = crate::clock::Clock::start().now();
            self.peer.filled(bytes.len(), now);
            match self.peer.poll() {
                Some(PeerEvent::Called { request, .. }) => request,
                other => panic!("{other:?}"),
            }
        }

        fn poll(&mut self) -> bool {
            self.changes.poll(&mut Context::from_waker(Waker::noop()), &mut self.peer)
        }

        /// What the owner reads: items, and how it ended.
        fn read(&mut self) -> (usize, Option<String>) {
            let (mut items, mut error) = (0, None);
            loop {
                let bytes = self.peer.outgoing().to_vec();
                if bytes.is_empty() {
                    return (items, error);
                }
                self.peer.wrote(bytes.len(), crate::clock::Clock::start().now());
                let mut rest = bytes.as_slice();
                while !rest.is_empty() {
                    let (count, event) = self.caller.receive(rest).unwrap();
                    match event {
                        Some(Event::Item { .. }) => items += 1,
                        Some(Event::Ended { error: Some(why), .. }) => {
                            error = Some(why.message().to_owned());
                        }
                        _ => {}
                    }
                    rest = &rest[count..];
                }
            }
        }
    }

    #[test]
    fn changes_are_sent_in_their_order_until_nobody_wants_more() {
        let mut bench = Bench::new();
        let request = bench.call();
        let mailbox = bench.changes.add(request).unwrap();
        mailbox.send("{\"type\":\"discover\"}".into());
        mailbox.send("{\"type\":\"remove\"}".into());

        assert!(bench.poll());
        assert_eq!(bench.read(), (2, None));
        assert!(!bench.poll());
        assert!(bench.changes.remove(request));

        assert!(mailbox.is_closed());
        assert!(!bench.changes.remove(request));
    }

    #[test]
    fn a_reader_that_does_not_keep_up_is_told() {
        let mut bench = Bench::new();
        let request = bench.call();
        let mailbox = bench.changes.add(request).unwrap();
        for _ in 0..CHANGES_LEN_MAX {
            assert!(mailbox.send("{}".into()));
        }
        assert!(!mailbox.send("{}".into()));
        mailbox.close();

        assert!(bench.poll());

        assert_eq!(bench.read(), (0, Some("more than 256 changes were not read in time".to_owned())));
    }

    #[test]
    fn a_connection_has_so_many_streams_and_no_more() {
        let mut bench = Bench::new();
        for _ in 0..STREAMS_MAX {
            let request = bench.call();
            bench.changes.add(request).unwrap();
        }

        let request = bench.call();

        assert!(bench.changes.add(request).is_err());
    }

    #[test]
    fn what_is_dropped_listens_no_more() {
        let mut bench = Bench::new();
        let request = bench.call();
        let mailbox = bench.changes.add(request).unwrap();

        drop(bench);

        assert!(!mailbox.send("{}".into()));
    }
}
