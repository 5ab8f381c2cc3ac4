//! Two ends of a connection and the bytes between them.

#![allow(dead_code, reason = "not every test file needs all of it")]

use std::sync::Arc;
use std::sync::LazyLock;
use std::time::Duration;

use ssb_gossip::ebt::stream;
use ssb_gossip::peer::Peer;
use ssb_gossip::peer::PeerError;
use ssb_gossip::peer::PeerEvent;
use ssb_gossip::peer::Timeouts;
use ssb_gossip::time::Now;
use ssb_gossip::time::UnixMillis;
use ssb_gossip::time::Uptime;
use ssb_keys::FeedId;
use ssb_keys::Keypair;
use ssb_keys::network::NetworkKey;
use ssb_muxrpc::Kind;
use ssb_muxrpc::Method;
use ssb_muxrpc::Methods;
use ssb_muxrpc::RequestId;
use ssb_muxrpc::Role;
use ssb_muxrpc::Roles;

pub(crate) const ROLE: Role = Role::new(0);

pub(crate) static METHODS: LazyLock<Arc<Methods>> = LazyLock::new(|| {
    let kinds = [("ask", Kind::Async), ("read", Kind::Source), ("write", Kind::Sink), ("both", Kind::Duplex)];
    let methods = kinds
        .into_iter()
        .map(|(name, kind)| Method::new(name, kind))
        .chain([stream::method(), Method::new("ooo.stream", Kind::Duplex)])
        .chain(
            ["createWants", "changes", "get"].map(|name| Method::new(&format!("blobs.{name}"), Kind::Source)),
        )
        .chain([Method::new("blobs.has", Kind::Async)]);
    Arc::new(Methods::new(methods, Roles::of(&[ROLE])).unwrap())
});

pub(crate) fn alice() -> Keypair {
    Keypair::from_seed(&[1; 32])
}

pub(crate) fn bob() -> Keypair {
    Keypair::from_seed(&[2; 32])
}

pub(crate) fn at(seconds: u64) -> Now {
    Now { uptime: Uptime::new(Duration::from_secs(seconds)), wall: UnixMillis(0.0) }
}

pub(crate) fn dialing(to: FeedId) -> Peer {
    Peer::dial(&alice(), &NetworkKey::MAIN, to, &[3; 32], &METHODS, ROLE)
}

pub(crate) fn accepting() -> Peer {
    Peer::accept(&bob(), &NetworkKey::MAIN, &[4; 32], &METHODS)
}

/// An event that owns what it tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Guest(FeedId),
    Open(FeedId),
    Called(RequestId, Kind, Vec<u8>),
    Answered(RequestId, Vec<u8>),
    Failed(RequestId, String),
    Item(RequestId, Vec<u8>),
    StreamEnded(RequestId, Option<String>),
    Goodbye,
    Ended(Result<(), PeerError>),
}

impl From<PeerEvent<'_>> for Told {
    fn from(event: PeerEvent<'_>) -> Self {
        match event {
            PeerEvent::Guest(id) => Self::Guest(id),
            PeerEvent::Open(id) => Self::Open(id),
            PeerEvent::Called { request, kind, args, .. } => Self::Called(request, kind, args.to_vec()),
            PeerEvent::Answered { request, body, .. } => Self::Answered(request, body.to_vec()),
            PeerEvent::Failed { request, error } => Self::Failed(request, error.message().to_owned()),
            PeerEvent::Item { request, body, .. } => Self::Item(request, body.to_vec()),
            PeerEvent::StreamEnded { request, error } => {
                Self::StreamEnded(request, error.map(|error| error.message().to_owned()))
            }
            PeerEvent::Goodbye => Self::Goodbye,
            PeerEvent::Ended(result) => Self::Ended(result),
        }
    }
}

/// One end: a peer, and all it told.
pub(crate) struct End {
    pub(crate) peer: Peer,
    pub(crate) told: Vec<Told>,
    pub(crate) welcome: Welcome,
}

/// What becomes of guests.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Welcome {
    Admit,
    Refuse,
    Wait,
}

impl End {
    pub(crate) fn new(mut peer: Peer) -> Self {
        peer.start(Timeouts::default(), at(0));
        let mut end = Self { peer, told: Vec::new(), welcome: Welcome::Admit };
        end.listen();
        end
    }

    /// Takes all events.
    pub(crate) fn listen(&mut self) {
        while let Some(event) = self.peer.poll() {
            let told = Told::from(event);
            if matches!(told, Told::Guest(_)) {
                match self.welcome {
                    Welcome::Admit => self.peer.admit(ROLE),
                    Welcome::Refuse => self.peer.refuse(),
                    Welcome::Wait => {}
                }
            }
            self.told.push(told);
        }
    }

    /// Reads all of `wire`, as far as its space reaches at once.
    pub(crate) fn read(&mut self, mut wire: &[u8]) {
        while !wire.is_empty() && self.ended().is_none() {
            let space = self.peer.space();
            let count = space.len().min(wire.len());
            space[..count].copy_from_slice(&wire[..count]);
            wire = &wire[count..];
            self.peer.filled(count, at(0));
            self.listen();
        }
    }

    /// Writes at most that many bytes.
    pub(crate) fn write(&mut self, count: usize) -> Vec<u8> {
        let outgoing = self.peer.outgoing();
        let wire = outgoing[..count.min(outgoing.len())].to_vec();
        self.peer.wrote(wire.len(), at(0));
        wire
    }

    pub(crate) fn write_all(&mut self) -> Vec<u8> {
        let mut wire = Vec::new();
        while !self.peer.outgoing().is_empty() {
            wire.extend(self.write(usize::MAX));
        }
        wire
    }

    pub(crate) fn hang_up(&mut self) {
        self.peer.hung_up();
        self.listen();
    }

    pub(crate) fn ended(&self) -> Option<Result<(), PeerError>> {
        self.told.iter().find_map(|told| if let Told::Ended(result) = told { Some(*result) } else { None })
    }

    /// What it told since the last time.
    pub(crate) fn news(&mut self) -> Vec<Told> {
        std::mem::take(&mut self.told)
    }
}

/// Two ends, and how the bytes between them are cut.
pub(crate) struct Line {
    pub(crate) ends: [End; 2],
    cuts: Vec<usize>,
    next_cut: usize,
}

impl Line {
    pub(crate) fn new(one: Peer, two: Peer, cuts: &[usize]) -> Self {
        Self { ends: [End::new(one), End::new(two)], cuts: cuts.to_vec(), next_cut: 0 }
    }

    /// Alice dialed Bob, and the handshake is done. All that was told of it is forgotten.
    pub(crate) fn open() -> Self {
        let mut line = Self::new(dialing(bob().id()), accepting(), &[]);
        line.settle();
        line.ends.iter_mut().for_each(|end| drop(end.news()));
        line
    }

    /// Moves bytes until none move any more. Whoever ends hangs up, and reads no more.
    pub(crate) fn settle(&mut self) {
        while self.carry(0) + self.carry(1) > 0 {}
        for from in [0, 1] {
            if self.ends[from].ended().is_some() && self.ends[1 - from].ended().is_none() {
                self.ends[1 - from].hang_up();
                self.settle();
            }
        }
    }

    fn carry(&mut self, from: usize) -> usize {
        let cut = self.cuts.get(self.next_cut % self.cuts.len().max(1)).copied().unwrap_or(usize::MAX);
        self.next_cut += 1;
        let wire = self.ends[from].write(cut.max(1));
        self.ends[1 - from].read(&wire);
        wire.len()
    }
}
