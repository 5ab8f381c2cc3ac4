//! The blobs that one of the owner's programs wants (`blobs.want`): each call is answered when its blob is here.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

use smol::channel::Sender;
use ssb_blobs::wants::event::Input as Wants;
use ssb_gossip::connection::ConnectionId;
use ssb_gossip::event::Input;
use ssb_gossip::peer::Peer;
use ssb_keys::BlobId;
use ssb_muxrpc::Body;
use ssb_muxrpc::RemoteError;
use ssb_muxrpc::RequestId;

use crate::blobs::Blobs;
use crate::core_task::ToCore;

/// How many blobs are looked up at once.
const LOOKED_UP_MAX: usize = 256;

/// All such calls of one connection: no more than it may have open.
pub(super) struct Wanted {
    connection: ConnectionId,
    calls: BTreeMap<BlobId, Vec<RequestId>>,
    /// What is still to be looked up, of what is called for.
    new: Vec<BlobId>,
    looking: Option<Looking>,
}

/// Comes back with those that are here.
type Looking = Pin<Box<dyn Future<Output = Vec<BlobId>> + Send>>;

impl Wanted {
    pub(super) const fn new(connection: ConnectionId) -> Self {
        Self { connection, calls: BTreeMap::new(), new: Vec::new(), looking: None }
    }

    /// A program wants a blob.
    pub(super) fn called(&mut self, request: RequestId, id: BlobId) {
        let calls = self.calls.entry(id).or_default();
        calls.push(request);
        if calls.len() == 1 {
            self.new.push(id);
        }
    }

    /// The core says what has become of a blob that was wanted.
    pub(super) fn answer(&mut self, id: &BlobId, is_here: bool, peer: &mut Peer) {
        for request in self.calls.remove(id).into_iter().flatten() {
            if is_here {
                peer.answer(request, Body::Json("true"));
            } else {
                peer.refuse_call(request, &RemoteError::new("too many blobs are wanted already"));
            }
        }
    }

    /// Moves what can move. Returns whether anything did.
    pub(super) fn poll(
        &mut self,
        context: &mut Context<'_>,
        blobs: &Blobs,
        core: &Sender<ToCore>,
        peer: &mut Peer,
    ) -> bool {
        let mut moved = false;
        loop {
            let Some(looking) = &mut self.looking else {
                if self.new.is_empty() {
                    return moved;
                }
                let ids = self.new.drain(..self.new.len().min(LOOKED_UP_MAX)).collect();
                self.looking = Some(Box::pin(look(ids, self.connection, blobs.clone(), core.clone())));
                continue;
            };
            let Poll::Ready(here) = looking.as_mut().poll(context) else { return moved };
            self.looking = None;
            here.iter().for_each(|id| self.answer(id, true, peer));
            moved = true;
        }
    }
}

/// Looks blobs up, and has the core want those that are not here.
async fn look(ids: Vec<BlobId>, connection: ConnectionId, blobs: Blobs, core: Sender<ToCore>) -> Vec<BlobId> {
    // The core and the threads are gone only when the node stops.
    let (here, missing): (Vec<_>, Vec<_>) = ask_for(ids, &blobs).await.into_iter().partition(is_here);
    let missing: Vec<BlobId> = missing.into_iter().map(|(id, _)| id).collect();
    for id in &missing {
        let want = Wants::Want { connection: Some(connection.into()), id: *id };
        let _ = core.send(ToCore::Event(Input::Blobs(want))).await;
    }
    // What has come before the core wanted it, nobody else tells the core of.
    for (id, size) in ask_for(missing, &blobs).await {
        if let Some(size) = size {
            let _ = core.send(ToCore::Event(Input::Blobs(Wants::Stored { id, size }))).await;
        }
    }
    here.into_iter().map(|(id, _)| id).collect()
}

/// What the owner asks for, and how many bytes each has that is here. What cannot be looked up is not.
async fn ask_for(ids: Vec<BlobId>, blobs: &Blobs) -> Vec<(BlobId, Option<u64>)> {
    if ids.is_empty() {
        return Vec::new();
    }
    let asked =
        move |blobs: &Blobs| ids.into_iter().map(|id| (id, blobs.ask_for(&id).ok().flatten())).collect();
    blobs.run(asked).await.unwrap_or_default()
}

const fn is_here((_, size): &(BlobId, Option<u64>)) -> bool {
    size.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blobs::Setup;
    use crate::clock::Clock;
    use crate::fixture::key;
    use crate::permission;
    use crate::permission::OWNER;
    use smol::channel::Receiver;
    use smol::channel::bounded;
    use smol::future::block_on;
    use smol::future::poll_fn;
    use ssb_blobs::store::Origin;
    use ssb_blobs::writer::Expected;
    use ssb_gossip::peer::PeerEvent;
    use ssb_muxrpc::Event;
    use ssb_muxrpc::Kind;
    use ssb_muxrpc::Session;
    use std::sync::Arc;
    use tempfile::TempDir;

    const CONNECTION: ConnectionId = ConnectionId(7);

    /// A program of the owner's, the node's end of its connection, the blobs, and a core that takes nothing by itself.
    struct Bench {
        wanted: Wanted,
        peer: Peer,
        program: Session,
        blobs: Blobs,
        core: Sender<ToCore>,
        inbox: Receiver<ToCore>,
        _home: TempDir,
    }

    impl Bench {
        fn new() -> Self {
            let mut peer = Peer::local(key(1).id(), &permission::methods(), OWNER);
            while peer.poll().is_some() {}
            let home = tempfile::tempdir().unwrap();
            let blobs = Blobs::start(home.path(), Setup::default(), &Clock::start()).unwrap().0;
            let (core, inbox) = bounded(1);
            let program = Session::new(Arc::default(), OWNER);
            Self { wanted: Wanted::new(CONNECTION), peer, program, blobs, core, inbox, _home: home }
        }

        /// A peer brings a blob.
        fn add(&self, bytes: &[u8]) -> BlobId {
            let origin = Origin::Peer(key(2).id());
            let mut writer = self.blobs.begin(Expected { id: None, len_max: None, origin }).unwrap();
            writer.write(bytes).unwrap();
            self.blobs.finish(writer).unwrap().id
        }

        fn origin(&self, id: &BlobId) -> Origin {
            self.blobs.store().facts(id).unwrap().unwrap().origin
        }

        fn want(&mut self, id: &BlobId) {
            self.program.call(&["blobs", "want"], Kind::Async, &format!("[\"{id}\"]")).unwrap();
            let bytes = self.program.outgoing().to_vec();
            self.program.sent(bytes.len());
            self.peer.space()[..bytes.len()].copy_from_slice(&bytes);
            self.peer.filled(bytes.len(), Clock::start().now());
            let Some(PeerEvent::Called { request, .. }) = self.peer.poll() else { panic!("it is a call") };
            self.wanted.called(request, *id);
        }

        /// Goes on until everything is looked up. Returns what the core is told.
        fn settle(&mut self) -> Vec<ToCore> {
            let Self { wanted, peer, blobs, core, inbox, .. } = self;
            let mut told = Vec::new();
            block_on(poll_fn(|context| {
                wanted.poll(context, blobs, core, peer);
                told.extend(std::iter::from_fn(|| inbox.try_recv().ok()));
                let is_over = wanted.looking.is_none() && wanted.new.is_empty();
                if is_over { Poll::Ready(std::mem::take(&mut told)) } else { Poll::Pending }
            }))
        }

        /// What the program hears.
        fn heard(&mut self) -> Option<String> {
            let bytes = self.peer.outgoing().to_vec();
            self.peer.wrote(bytes.len(), Clock::start().now());
            match self.program.receive(&bytes).unwrap() {
                (_, None) => None,
                (count, Some(Event::Answered { .. })) => {
                    Some(String::from_utf8(bytes[count - 4..count].to_vec()).unwrap())
                }
                (_, Some(Event::Failed { error, .. })) => Some(error.message().to_owned()),
                (_, other) => panic!("{other:?}"),
            }
        }
    }

    fn is_wanted(told: &ToCore, wanted: &BlobId) -> bool {
        let ToCore::Event(Input::Blobs(Wants::Want { connection, id })) = told else { return false };
        id == wanted && *connection == Some(CONNECTION.into())
    }

    #[test]
    fn what_is_here_is_answered_for_and_remembered_as_asked_for() {
        let mut bench = Bench::new();
        let id = bench.add(b"hello");

        bench.want(&id);

        assert!(bench.settle().is_empty());
        assert_eq!(bench.heard().as_deref(), Some("true"));
        assert_eq!(bench.origin(&id), Origin::Asked(key(2).id()));
    }

    #[test]
    fn what_is_not_here_the_core_wants_and_answers_for_when_it_has_come() {
        let mut bench = Bench::new();
        let id = Bench::new().add(b"hello");
        bench.want(&id);
        bench.want(&id);
        let told = bench.settle();
        assert!(told.len() == 1 && is_wanted(&told[0], &id), "once: {told:?}");
        assert_eq!(bench.heard(), None);

        bench.add(b"hello");
        bench.wanted.answer(&id, true, &mut bench.peer);

        assert_eq!(bench.heard().as_deref(), Some("true"));
        assert_eq!(bench.origin(&id), Origin::Asked(key(2).id()));
    }

    #[test]
    fn what_comes_just_before_the_core_wants_it_the_core_is_told_of() {
        let mut bench = Bench::new();
        let id = Bench::new().add(b"hello");
        bench.core.try_send(ToCore::Event(Input::Tick)).unwrap();
        let inbox = bench.inbox.clone();
        bench.want(&id);
        // It is looked up, and then waits for room in the inbox.
        let Bench { wanted, peer, blobs, core, .. } = &mut bench;
        let looked = || blobs.run(|_| ());
        for _ in 0..2 {
            let mut look = looked();
            block_on(poll_fn(|context| {
                assert!(!wanted.poll(context, blobs, core, peer));
                look.as_mut().poll(context)
            }));
        }

        bench.add(b"hello");

        inbox.try_recv().unwrap();
        let told = bench.settle();
        assert!(told.len() == 2 && is_wanted(&told[0], &id), "{told:?}");
        assert!(
            matches!(&told[1], ToCore::Event(Input::Blobs(Wants::Stored { id: stored, size: 5 })) if *stored == id),
            "{told:?}"
        );
    }

    #[test]
    fn who_wants_too_much_is_told() {
        let mut bench = Bench::new();
        let id = BlobId::from_bytes([9; 32]);
        bench.want(&id);
        bench.settle();

        bench.wanted.answer(&id, false, &mut bench.peer);

        assert_eq!(bench.heard().as_deref(), Some("too many blobs are wanted already"));
    }
}
