//! The blobs that go over a connection: what the peer wants is looked up, and what the core wants of it is taken in.
//!
//! While much waits to be written, the connection reads nothing more.

use std::collections::BTreeMap;
use std::task::Context;
use std::task::Poll;

use ssb_blobs::store::Origin;
use ssb_blobs::wants::event::Fetch;
use ssb_blobs::wants::event::Outcome;
use ssb_blobs::writer::Expected;
use ssb_blobs::writer::WriteError;
use ssb_gossip::blobs::downloads::Downloads;
use ssb_gossip::blobs::downloads::Step;
use ssb_gossip::blobs::stream::WantsStream;
use ssb_gossip::connection::ConnectionId;
use ssb_gossip::event::Input;
use ssb_gossip::peer::Peer;
use ssb_keys::BlobId;

use super::PENDING_MAX;
use crate::blobs::Blobs;
use crate::blobs::JOB_LEN;
use crate::blobs::intake::Intake;
use crate::mailbox::Mailbox;
use crate::pool::Promise;

/// The streams of wants, the downloads, and what is done for both.
pub(super) struct Exchange {
    pub(super) stream: WantsStream,
    pub(super) downloads: Downloads,
    intakes: BTreeMap<Fetch, (BlobId, Intake)>,
    looking: Option<Promise<LookedUp>>,
    /// What the peer asked for with `blobs.has`, and is not here.
    missing: Mailbox<Vec<BlobId>>,
}

/// Blobs, and how many bytes each has that is here.
type LookedUp = Vec<(BlobId, Option<u64>)>;

impl Exchange {
    pub(super) fn new(connection: ConnectionId) -> Self {
        Self {
            stream: WantsStream::new(connection),
            downloads: Downloads::default(),
            intakes: BTreeMap::new(),
            looking: None,
            missing: Mailbox::with_room(PENDING_MAX),
        }
    }

    /// Where goes what the peer asks for with `blobs.has`, and is not here.
    pub(super) fn missing(&self) -> Mailbox<Vec<BlobId>> {
        self.missing.clone()
    }

    /// Whether more may come.
    pub(super) fn has_room(&self) -> bool {
        !self.stream.is_full()
            && self.intakes.values().map(|(_, intake)| intake.waiting()).sum::<usize>() < JOB_LEN
    }

    /// What the core is to hear next.
    pub(super) fn next(&mut self, peer: &mut Peer) -> Option<Input> {
        self.stream.poll(peer).or_else(|| self.downloads.poll())
    }

    /// Moves what can move. Returns whether anything did.
    pub(super) fn poll(&mut self, context: &mut Context<'_>, blobs: &Blobs, peer: &mut Peer) -> bool {
        let mut moved = self.poll_missing(context);
        moved |= self.poll_looking(context, blobs);
        while let Some(step) = self.downloads.pop() {
            self.take(step, blobs, peer);
            moved = true;
        }
        moved | self.poll_intakes(context, peer)
    }

    fn poll_missing(&mut self, context: &mut Context<'_>) -> bool {
        let mut moved = false;
        while let Poll::Ready(Some(ids)) = self.missing.poll_next(context) {
            self.stream.wanted(ids);
            moved = true;
        }
        moved
    }

    fn poll_looking(&mut self, context: &mut Context<'_>, blobs: &Blobs) -> bool {
        let mut moved = false;
        loop {
            let Some(looking) = &mut self.looking else {
                let ids = self.stream.unknown();
                if ids.is_empty() {
                    return moved;
                }
                self.looking = Some(blobs.run(move |blobs| look_up(ids, blobs)));
                continue;
            };
            let Poll::Ready(found) = looking.as_mut().poll(context) else { return moved };
            self.looking = None;
            // Nobody answers only when the node stops.
            self.stream.found(found.unwrap_or_default());
            moved = true;
        }
    }

    fn take(&mut self, step: Step, blobs: &Blobs, peer: &Peer) {
        match step {
            Step::Begin { fetch, id, len_max } => {
                let origin = peer.remote().map_or(Origin::Unknown, Origin::Peer);
                let expected = Expected { id: Some(id), len_max: Some(len_max), origin };
                self.intakes.insert(fetch, (id, Intake::new(blobs, expected)));
            }
            Step::Write { fetch, piece } => {
                if let Some((_, intake)) = self.intakes.get_mut(&fetch) {
                    intake.take(&piece);
                }
            }
            Step::Finish { fetch } => {
                if let Some((_, intake)) = self.intakes.get_mut(&fetch) {
                    intake.end();
                }
            }
            Step::Abandon { fetch } => drop(self.intakes.remove(&fetch)),
        }
    }

    fn poll_intakes(&mut self, context: &mut Context<'_>, peer: &mut Peer) -> bool {
        let (mut moved, had_room) = (false, self.has_room());
        let Self { downloads, intakes, .. } = self;
        intakes.retain(|fetch, (id, intake)| {
            let Poll::Ready(stored) = intake.poll(context) else { return true };
            moved = true;
            match stored {
                Ok(stored) => downloads.finished(*fetch, *id, Outcome::Stored { size: stored.size }),
                Err(WriteError::WrongHash { .. }) => downloads.finished(*fetch, *id, Outcome::WrongHash),
                Err(WriteError::TooLong { .. }) => downloads.finished(*fetch, *id, Outcome::TooLong),
                // The store is full, or the disk.
                Err(_) => downloads.broke(*fetch, peer),
            }
            false
        });
        moved || had_room != self.has_room()
    }
}

/// What cannot be looked up is not here.
fn look_up(ids: Vec<BlobId>, blobs: &Blobs) -> LookedUp {
    ids.into_iter().map(|id| (id, blobs.store().size(&id).ok().flatten())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blobs::Setup;
    use crate::clock::Clock;
    use crate::fixture::key;
    use crate::permission;
    use crate::permission::OWNER;
    use smol::future::block_on;
    use smol::future::poll_fn;
    use ssb_blobs::wants::event::Input as Wants;
    use ssb_keys::hash::sha256;
    use tempfile::TempDir;

    /// The node's end of a connection, and its blobs.
    struct Bench {
        exchange: Exchange,
        peer: Peer,
        blobs: Blobs,
        home: TempDir,
    }

    impl Bench {
        fn new() -> Self {
            let home = tempfile::tempdir().unwrap();
            let blobs = Blobs::start(home.path(), Setup::default(), &Clock::start()).unwrap().0;
            let peer = Peer::local(key(1).id(), &permission::methods(), OWNER);
            Self { exchange: Exchange::new(ConnectionId(1)), peer, blobs, home }
        }

        fn begin(&mut self, id: BlobId) {
            self.take(Step::Begin { fetch: Fetch(0), id, len_max: 1_000 });
        }

        fn take(&mut self, step: Step) {
            self.exchange.take(step, &self.blobs, &self.peer);
        }

        /// Goes on until the core is told of something.
        fn told(&mut self) -> Wants {
            let Self { exchange, peer, blobs, .. } = self;
            block_on(poll_fn(|context| {
                exchange.poll(context, blobs, peer);
                match exchange.next(peer) {
                    Some(Input::Blobs(told)) => Poll::Ready(told),
                    Some(other) => panic!("{other:?}"),
                    None => Poll::Pending,
                }
            }))
        }
    }

    fn ended(outcome: Outcome) -> Wants {
        Wants::Ended { fetch: Fetch(0), outcome }
    }

    #[test]
    fn what_has_come_is_in_the_store_when_the_core_hears_of_it() {
        let mut bench = Bench::new();
        let id = BlobId::from_bytes(sha256(b"hello"));
        bench.begin(id);
        for piece in [b"hel".as_slice(), b"lo"] {
            bench.take(Step::Write { fetch: Fetch(0), piece: piece.to_vec() });
        }
        bench.take(Step::Finish { fetch: Fetch(0) });

        assert_eq!(bench.told(), ended(Outcome::Stored { size: 5 }));

        assert_eq!(bench.blobs.store().size(&id).unwrap(), Some(5));
        assert_eq!(bench.told(), Wants::Stored { id, size: 5 });
    }

    #[test]
    fn what_is_another_blob_is_not_kept() {
        let mut bench = Bench::new();
        bench.begin(BlobId::from_bytes([9; 32]));
        bench.take(Step::Write { fetch: Fetch(0), piece: b"hello".to_vec() });
        bench.take(Step::Finish { fetch: Fetch(0) });

        assert_eq!(bench.told(), ended(Outcome::WrongHash));

        let id = BlobId::from_bytes(sha256(b"hello"));
        assert_eq!(bench.blobs.store().size(&id).unwrap(), None);
    }

    #[test]
    fn what_cannot_be_written_is_told_of() {
        let mut bench = Bench::new();
        bench.begin(BlobId::from_bytes([9; 32]));
        let aside = bench.home.path().join("blobs/tmp");
        std::fs::remove_dir_all(&aside).unwrap();
        std::fs::write(&aside, "in the way").unwrap();
        bench.take(Step::Write { fetch: Fetch(0), piece: b"hello".to_vec() });

        assert_eq!(bench.told(), ended(Outcome::Failed));
    }

    #[test]
    fn nothing_more_is_read_while_much_waits_to_be_written() {
        let mut bench = Bench::new();
        bench.begin(BlobId::from_bytes([9; 32]));
        bench.take(Step::Write { fetch: Fetch(0), piece: vec![0; JOB_LEN - 1] });
        assert!(bench.exchange.has_room());

        bench.take(Step::Write { fetch: Fetch(0), piece: vec![0; 1] });
        assert!(!bench.exchange.has_room());
        bench.take(Step::Abandon { fetch: Fetch(0) });
        assert!(bench.exchange.has_room());
    }

    #[test]
    fn what_a_peer_asks_for_and_is_not_here_it_wants() {
        let mut bench = Bench::new();
        let id = BlobId::from_bytes([9; 32]);
        bench.exchange.missing().send(vec![id]);

        let told = bench.told();

        assert!(matches!(told, Wants::Said { words, .. } if words[0].0 == id));
        bench.exchange.stream.look_up(vec![id]);
        let found = vec![(id, None)];
        assert_eq!(bench.told(), Wants::Found { connection: ConnectionId(1).into(), found });
    }
}
