//! The machine of wants, driven by what peers and the owner say.

mod attacks;
mod exchange;
mod holders;
mod laws;
mod pushes;
mod sympathy;

use std::time::Duration;

use ssb_blobs::wants::Policy;
use ssb_blobs::wants::Wants;
use ssb_blobs::wants::event::Connection;
use ssb_blobs::wants::event::Fetch;
use ssb_blobs::wants::event::Input;
use ssb_blobs::wants::event::Outcome;
use ssb_blobs::wants::event::Output;
use ssb_blobs::wants::event::Standing;
use ssb_blobs::wants::item::Word;
use ssb_keys::BlobId;
use ssb_keys::FeedId;

fn id(n: usize) -> BlobId {
    let mut bytes = [9; 32];
    bytes[..8].copy_from_slice(&n.to_le_bytes());
    BlobId::from_bytes(bytes)
}

fn peer(n: u64) -> FeedId {
    let mut bytes = [7; 32];
    bytes[..8].copy_from_slice(&n.to_le_bytes());
    FeedId::from_bytes(bytes)
}

/// A machine and its clock. Peer `n` is at the other end of connection `n`.
struct Node {
    wants: Wants,
    now: Duration,
}

impl Node {
    fn new() -> Self {
        Self::with(Policy::default())
    }

    fn with(policy: Policy) -> Self {
        Self { wants: Wants::new(policy, []), now: Duration::from_secs(100) }
    }

    /// With these peers, who listen and whose feeds it replicates.
    fn among(peers: impl IntoIterator<Item = u64>) -> Self {
        Self::new().and(peers, Standing::Near)
    }

    fn and(mut self, peers: impl IntoIterator<Item = u64>, standing: Standing) -> Self {
        for n in peers {
            self.open(n, standing);
            self.listens(n);
        }
        self
    }

    fn handle(&mut self, input: Input) -> Vec<Output> {
        self.wants.handle(input, self.now);
        std::iter::from_fn(|| self.wants.poll()).collect()
    }

    fn open(&mut self, n: u64, standing: Standing) -> Vec<Output> {
        self.handle(Input::Opened { connection: Connection(n), peer: peer(n), standing })
    }

    fn close(&mut self, n: u64) -> Vec<Output> {
        self.handle(Input::Closed { connection: Connection(n) })
    }

    fn listens(&mut self, n: u64) -> Vec<Output> {
        self.handle(Input::Listens { connection: Connection(n) })
    }

    fn said(&mut self, n: u64, words: &[(BlobId, Word)]) -> Vec<Output> {
        self.handle(Input::Said { connection: Connection(n), words: words.to_vec() })
    }

    fn found(&mut self, n: u64, found: &[(BlobId, Option<u64>)]) -> Vec<Output> {
        self.handle(Input::Found { connection: Connection(n), found: found.to_vec() })
    }

    /// The peer wants a blob that is not here.
    fn wanted(&mut self, n: u64, id: BlobId, distance: u8) -> Vec<Output> {
        let mut outputs = self.said(n, &[(id, Word::Wanted(distance))]);
        let is_asked = |output: &Output| matches!(output, Output::LookUp { ids, .. } if ids.contains(&id));
        let is_unknown = outputs.iter().any(is_asked);
        outputs.retain(|output| !matches!(output, Output::LookUp { .. }));
        if is_unknown {
            outputs.extend(self.found(n, &[(id, None)]));
        }
        outputs
    }

    fn has(&mut self, n: u64, id: BlobId, size: u64) -> Vec<Output> {
        self.said(n, &[(id, Word::Has(size))])
    }

    fn want(&mut self, id: BlobId) -> Vec<Output> {
        self.handle(Input::Want { connection: None, id })
    }

    fn push(&mut self, id: BlobId) -> Vec<Output> {
        self.handle(Input::Push { id })
    }

    fn stored(&mut self, id: BlobId, size: u64) -> Vec<Output> {
        self.handle(Input::Stored { id, size })
    }

    fn ended(&mut self, fetch: u64, outcome: Outcome) -> Vec<Output> {
        self.handle(Input::Ended { fetch: Fetch(fetch), outcome })
    }

    /// So much later, with all that comes due on the way.
    fn later(&mut self, later: Duration) -> Vec<Output> {
        let end = self.now + later;
        let mut outputs = Vec::new();
        while let Some(due) = self.wants.deadline().filter(|due| *due <= end) {
            self.now = due.max(self.now);
            outputs.extend(self.handle(Input::Tick));
        }
        self.now = end;
        outputs
    }
}

fn says(n: u64, words: &[(BlobId, Word)]) -> Output {
    Output::Say { connection: Connection(n), words: words.to_vec() }
}

fn asks(n: u64, id: BlobId, distance: u8) -> Output {
    says(n, &[(id, Word::Wanted(distance))])
}

fn tells(n: u64, id: BlobId, size: u64) -> Output {
    says(n, &[(id, Word::Has(size))])
}

fn looks_up(n: u64, ids: &[BlobId]) -> Output {
    Output::LookUp { connection: Connection(n), ids: ids.to_vec() }
}

fn fetches(fetch: u64, n: u64, id: BlobId, len_max: u64) -> Output {
    Output::Fetch { fetch: Fetch(fetch), connection: Connection(n), id, len_max }
}

fn stops(fetch: u64, n: u64) -> Output {
    Output::Stop { connection: Connection(n), fetch: Fetch(fetch) }
}

fn answers(n: u64, id: BlobId, is_here: bool) -> Output {
    Output::Answer { connection: Connection(n), id, is_here }
}
