//! Blobs: those that a node has, and how they go over one connection, as ssb-node's peer task does it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::sync::Arc;

use ssb_blobs::wants::event::Fetch;
use ssb_blobs::wants::event::Outcome;
use ssb_gossip::blobs::downloads::Downloads;
use ssb_gossip::blobs::downloads::Step;
use ssb_gossip::blobs::stream::WantsStream;
use ssb_gossip::connection::ConnectionId;
use ssb_gossip::event::Input;
use ssb_gossip::peer::Peer;
use ssb_keys::BlobId;
use ssb_keys::hash::sha256;
use ssb_muxrpc::Body;
use ssb_muxrpc::RemoteError;
use ssb_muxrpc::RequestId;

use crate::network::Network;

/// How many bytes of a blob are sent at once.
pub const PIECE_LEN: usize = 2_048;

/// The bytes of a blob of a run.
pub fn bytes(seed: u64, number: usize, len: usize) -> Arc<[u8]> {
    let mut bytes = Vec::with_capacity(len + 32);
    let mut block = sha256(format!("{seed} {number}").as_bytes());
    while bytes.len() < len {
        bytes.extend(block);
        block = sha256(&block);
    }
    bytes.truncate(len);
    bytes.into()
}

/// The blobs that a node has, and what its owner wants of them. Survives crashes, but for what is said to begin with a life.
#[derive(Clone, Debug, Default)]
pub struct Shelf {
    blobs: BTreeMap<BlobId, Arc<[u8]>>,
    /// What its owner wants and it does not have.
    wanted: BTreeSet<BlobId>,
    /// What its owner pushes.
    pub pushes: Vec<BlobId>,
    /// What its owner removed in this life, and did not add again.
    removed: BTreeSet<BlobId>,
    /// How many bytes came in this life that its owner did not want.
    foreign_len: u64,
    /// How many blobs came from others.
    fetched: usize,
}

impl Shelf {
    /// The same at the start of a life.
    #[must_use]
    pub fn at_start(self) -> Self {
        Self { removed: BTreeSet::new(), foreign_len: 0, ..self }
    }

    /// Its owner adds a blob.
    pub fn add(&mut self, id: BlobId, bytes: Arc<[u8]>) {
        self.wanted.remove(&id);
        self.removed.remove(&id);
        self.blobs.insert(id, bytes);
    }

    /// Its owner wants a blob. Returns whether that is not here.
    pub fn want(&mut self, id: BlobId) -> bool {
        let is_missing = !self.blobs.contains_key(&id);
        if is_missing {
            self.removed.remove(&id);
            self.wanted.insert(id);
        }
        is_missing
    }

    /// Its owner removes a blob. Returns whether it was here.
    pub fn remove(&mut self, id: &BlobId) -> bool {
        let was_here = self.blobs.remove(id).is_some();
        if was_here {
            self.removed.insert(*id);
        }
        was_here
    }

    /// How many bytes a blob has that is here.
    pub fn size(&self, id: &BlobId) -> Option<u64> {
        self.blobs.get(id).map(|bytes| u64::try_from(bytes.len()).unwrap_or(u64::MAX))
    }

    /// What its owner wants and it does not have.
    pub const fn wanted(&self) -> &BTreeSet<BlobId> {
        &self.wanted
    }

    /// Whether its owner has removed a blob in this life.
    pub fn has_removed(&self, id: &BlobId) -> bool {
        self.removed.contains(id)
    }

    /// How many bytes came in this life that its owner did not want.
    pub const fn foreign_len(&self) -> u64 {
        self.foreign_len
    }

    /// How many blobs came from others.
    pub const fn fetched(&self) -> usize {
        self.fetched
    }

    /// A blob that is not what its id says, if there is one.
    pub fn forged(&self) -> Option<BlobId> {
        let forged = self.blobs.iter().find(|(id, bytes)| BlobId::from_bytes(sha256(bytes)) != **id);
        forged.map(|(id, _)| *id)
    }

    /// A blob has come from somebody. What is no such blob is not kept.
    fn take(&mut self, id: BlobId, bytes: Vec<u8>) -> Outcome {
        if BlobId::from_bytes(sha256(&bytes)) != id {
            return Outcome::WrongHash;
        }
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if !self.blobs.contains_key(&id) {
            self.fetched += 1;
            if !self.wanted.remove(&id) {
                self.foreign_len += size;
            }
            self.blobs.insert(id, bytes.into());
        }
        Outcome::Stored { size }
    }
}

/// How blobs go over one connection.
#[derive(Debug)]
pub struct Blobs {
    pub(crate) stream: WantsStream,
    pub(crate) downloads: Downloads,
    /// What has come of each download.
    coming: BTreeMap<Fetch, (BlobId, Vec<u8>)>,
    /// What the peer gets, and how much of that it has.
    going: VecDeque<(RequestId, Option<BlobId>, usize)>,
}

impl Blobs {
    /// None, over a connection that was just made.
    pub fn new(connection: ConnectionId) -> Self {
        Self {
            stream: WantsStream::new(connection),
            downloads: Downloads::default(),
            coming: BTreeMap::new(),
            going: VecDeque::new(),
        }
    }

    /// The peer calls `blobs.get`.
    pub fn asked(&mut self, request: RequestId, args: &[u8]) {
        self.going.push_back((request, asked_for(args), 0));
    }

    /// The peer ended a stream.
    pub fn ended(&mut self, request: RequestId, failed: bool, peer: &mut Peer) {
        self.stream.ended(request, failed, peer);
        self.downloads.ended(request, failed);
        let before = self.going.len();
        self.going.retain(|(going, ..)| *going != request);
        if self.going.len() < before {
            peer.end(request);
        }
    }

    /// Does what can be done now. Returns whether anything was.
    pub fn pump(&mut self, network: &mut Network, shelf: &mut Shelf, peer: &mut Peer) -> bool {
        let mut moved = false;
        let unknown = self.stream.unknown();
        if !unknown.is_empty() {
            self.stream.found(unknown.into_iter().map(|id| (id, shelf.size(&id))).collect());
            moved = true;
        }
        while let Some(step) = self.downloads.pop() {
            self.write(step, network, shelf, peer);
            moved = true;
        }
        if peer.buffered() < network.scenario.page_len.max(PIECE_LEN)
            && let Some((request, id, sent)) = self.going.pop_front()
        {
            self.give(request, id, sent, shelf, peer);
            moved = true;
        }
        moved
    }

    /// What the core is to hear next.
    pub fn poll(&mut self, peer: &mut Peer) -> Option<Input> {
        self.stream.poll(peer).or_else(|| self.downloads.poll())
    }

    fn write(&mut self, step: Step, network: &mut Network, shelf: &mut Shelf, peer: &mut Peer) {
        match step {
            // Now and then there is no room on the disk.
            Step::Begin { fetch, .. } if network.disks_fail() && network.blob_random.once_in(30) => {
                self.downloads.broke(fetch, peer);
            }
            Step::Begin { fetch, id, .. } => drop(self.coming.insert(fetch, (id, Vec::new()))),
            Step::Write { fetch, piece } => {
                if let Some((_, bytes)) = self.coming.get_mut(&fetch) {
                    bytes.extend(piece);
                }
            }
            Step::Finish { fetch } => {
                if let Some((id, bytes)) = self.coming.remove(&fetch) {
                    self.downloads.finished(fetch, id, shelf.take(id, bytes));
                }
            }
            Step::Abandon { fetch } => drop(self.coming.remove(&fetch)),
        }
    }

    fn give(&mut self, request: RequestId, id: Option<BlobId>, sent: usize, shelf: &Shelf, peer: &mut Peer) {
        let Some(bytes) = id.and_then(|id| shelf.blobs.get(&id)) else {
            return peer.refuse_call(request, &RemoteError::new("could not get blob"));
        };
        let piece = bytes.get(sent..).unwrap_or_default();
        let piece = piece.get(..PIECE_LEN).unwrap_or(piece);
        if piece.is_empty() {
            return peer.end(request);
        }
        peer.item(request, Body::Binary(piece));
        self.going.push_back((request, id, sent + piece.len()));
    }
}

/// Which blob `blobs.get` is about, as nodes of ours call it.
pub fn asked_for(args: &[u8]) -> Option<BlobId> {
    let args = std::str::from_utf8(args).ok()?;
    let (_, from_id) = args.split_once("\"key\":\"")?;
    BlobId::parse(from_id.split_once('"')?.0).ok()
}
