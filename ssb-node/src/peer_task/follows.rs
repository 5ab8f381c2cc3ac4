//! The streams of a connection that follow a part of the core.
//!
//! A cursor is at the core, or here with what it brought: it goes again when little waits to be written, and not before its
//! pause is over. So at most one page of each stream waits, however slow its reader is.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

use smol::Timer;
use smol::channel::bounded;
use ssb_gossip::peer::Peer;
use ssb_muxrpc::Body;
use ssb_muxrpc::RemoteError;
use ssb_muxrpc::RequestId;

use super::ToCoreQueue;
use crate::core_task::ToCore;
use crate::followers::Cursor;
use crate::followers::Follow;
use crate::followers::Followed;
use crate::followers::Then;
use crate::rpc::source::PAGE_LEN;

/// The most streams of one connection.
const STREAMS_MAX: usize = 64;

/// All streams of one connection.
#[derive(Default)]
pub(super) struct Follows(BTreeMap<RequestId, Place>);

/// Where a cursor is.
enum Place {
    /// At the core.
    Away(Pin<Box<dyn Future<Output = Option<Followed>> + Send>>),
    /// Here, until there is room and its pause is over.
    Here { cursor: Box<dyn Cursor>, seen: Option<u64>, pause: Option<Timer> },
}

impl Follows {
    /// A new stream.
    ///
    /// # Errors
    ///
    /// When there are too many.
    pub(super) fn add(&mut self, request: RequestId, cursor: Box<dyn Cursor>) -> Result<(), RemoteError> {
        if self.0.len() >= STREAMS_MAX {
            return Err(RemoteError::new(format!(
                "a connection has at most {STREAMS_MAX} streams of this kind"
            )));
        }
        self.0.insert(request, Place::Here { cursor, seen: None, pause: None });
        Ok(())
    }

    /// The peer wants no more of a stream.
    pub(super) fn remove(&mut self, request: RequestId) {
        self.0.remove(&request);
    }

    /// Moves what can move. Returns whether anything did.
    pub(super) fn poll(
        &mut self,
        context: &mut Context<'_>,
        peer: &mut Peer,
        core: &mut ToCoreQueue,
    ) -> bool {
        let mut moved = false;
        for request in self.0.keys().copied().collect::<Vec<RequestId>>() {
            let Some(place) = self.0.remove(&request) else { continue };
            let (place, has_moved) = place.advance(request, context, peer, core);
            self.0.extend(place.map(|place| (request, place)));
            moved |= has_moved;
        }
        moved
    }
}

impl Place {
    fn advance(
        self,
        request: RequestId,
        context: &mut Context<'_>,
        peer: &mut Peer,
        core: &mut ToCoreQueue,
    ) -> (Option<Self>, bool) {
        match self {
            Self::Away(mut back) => match back.as_mut().poll(context) {
                Poll::Pending => (Some(Self::Away(back)), false),
                Poll::Ready(None) => {
                    peer.refuse_call(request, &RemoteError::new("the node is stopping"));
                    (None, true)
                }
                Poll::Ready(Some(followed)) => (Self::tell(followed, request, peer), true),
            },
            Self::Here { cursor, seen, mut pause } => {
                let is_over = match &mut pause {
                    Some(pause) => Pin::new(pause).poll(context).is_ready(),
                    None => true,
                };
                if !is_over || peer.buffered() >= PAGE_LEN {
                    let pause = if is_over { None } else { pause };
                    return (Some(Self::Here { cursor, seen, pause }), false);
                }
                let (back, followed) = bounded(1);
                core.push(ToCore::Follow(Follow { cursor, seen, back }));
                (Some(Self::Away(Box::pin(async move { followed.recv().await.ok() }))), true)
            }
        }
    }

    fn tell(followed: Followed, request: RequestId, peer: &mut Peer) -> Option<Self> {
        let Followed { cursor, seen, news } = followed;
        for item in &news.items {
            peer.item(request, Body::Json(item));
        }
        match news.then {
            Then::End(Ok(())) => peer.end(request),
            Then::End(Err(error)) => peer.refuse_call(request, &error),
            Then::More | Then::Changes => {
                let pause = Some(cursor.pause()).filter(|pause| !pause.is_zero()).map(Timer::after);
                return Some(Self::Here { cursor, seen, pause });
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::core;
    use crate::fixture::key;
    use crate::followers::News;
    use crate::permission;
    use crate::permission::OWNER;
    use crate::share::Share;
    use smol::channel::Receiver;
    use ssb_gossip::core::Core;
    use ssb_gossip::core::watch::Topic;
    use ssb_gossip::peer::PeerEvent;
    use ssb_gossip::time::Now;
    use ssb_muxrpc::Kind;
    use ssb_muxrpc::Session;
    use std::collections::VecDeque;
    use std::sync::Arc;
    use std::task::Waker;

    /// Always has a page more.
    struct Endless;

    impl Cursor for Endless {
        fn topic(&self) -> Topic {
            Topic::Peers
        }

        fn look(&mut self, _: &Core, _: Now) -> News {
            News { items: vec![format!("\"{}\"", "x".repeat(PAGE_LEN))], then: Then::More }
        }
    }

    /// A connection of the owner's who reads nothing, and what goes to the core.
    struct Bench {
        peer: Peer,
        caller: Session,
        follows: Follows,
        queue: ToCoreQueue,
        at_core: Receiver<ToCore>,
    }

    impl Bench {
        fn new() -> Self {
            let mut peer = Peer::local(key(1).id(), &permission::methods(), OWNER);
            while peer.poll().is_some() {}
            let (core, at_core) = bounded(8);
            let queue = ToCoreQueue { core, share: Share::default(), queue: VecDeque::new(), sending: None };
            let caller = Session::new(Arc::default(), OWNER);
            Self { peer, caller, follows: Follows::default(), queue, at_core }
        }

        fn call(&mut self) -> RequestId {
            self.caller.call(&["conn", "peers"], Kind::Source, "[]").unwrap();
            let bytes = self.caller.outgoing().to_vec();
            self.caller.sent(bytes.len());
            self.peer.space()[..bytes.len()].copy_from_slice(&bytes);
            self.peer.filled(bytes.len(), crate::clock::Clock::start().now());
            match self.peer.poll() {
                Some(PeerEvent::Called { request, .. }) => request,
                other => panic!("{other:?}"),
            }
        }

        /// What comes to the core.
        fn poll(&mut self) -> Option<Follow> {
            let mut context = Context::from_waker(Waker::noop());
            self.follows.poll(&mut context, &mut self.peer, &mut self.queue);
            assert!(self.queue.poll(&mut context).is_ready());
            match self.at_core.try_recv() {
                Ok(ToCore::Follow(follow)) => Some(follow),
                Ok(other) => panic!("{other:?}"),
                Err(_) => None,
            }
        }
    }

    #[test]
    fn who_reads_nothing_is_looked_for_once_and_not_again() {
        let mut bench = Bench::new();
        let request = bench.call();
        bench.follows.add(request, Box::new(Endless)).unwrap();
        let mut followers = crate::followers::Followers::default();

        let follow = bench.poll().unwrap();
        assert!(bench.poll().is_none(), "it is away");
        followers.add(follow, &core(&[]), crate::fixture::NOW);
        assert!(bench.poll().is_none(), "what it brought is not read yet");

        assert!(bench.peer.buffered() >= PAGE_LEN);
    }

    #[test]
    fn who_wants_no_more_leaves_a_cursor_that_nobody_waits_for() {
        let mut bench = Bench::new();
        let request = bench.call();
        bench.follows.add(request, Box::new(Endless)).unwrap();
        let follow = bench.poll().unwrap();

        bench.follows.remove(request);

        assert!(follow.back.is_closed());
    }

    #[test]
    fn a_connection_has_so_many_streams_and_no_more() {
        let mut bench = Bench::new();
        for _ in 0..STREAMS_MAX {
            let request = bench.call();
            bench.follows.add(request, Box::new(Endless)).unwrap();
        }

        let request = bench.call();

        assert!(bench.follows.add(request, Box::new(Endless)).is_err());
    }
}
