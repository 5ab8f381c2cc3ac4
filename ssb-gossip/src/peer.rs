//! One connection with a peer: handshake, box stream and calls, as one value.
//!
//! A [`Peer`] only ever sees bytes. Read into [`space`](Peer::space), say how much with [`filled`](Peer::filled), and
//! take what came of it from [`poll`](Peer::poll) until it has no more; write what is [`outgoing`](Peer::outgoing), and
//! say how much with [`wrote`](Peer::wrote). A read or a write that is given up loses nothing.

mod buffers;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ssb_boxstream::OpenError;
use ssb_boxstream::Opener;
use ssb_boxstream::Sealer;
use ssb_keys::FeedId;
use ssb_keys::Keypair;
use ssb_keys::ephemeral::EphemeralKeypair;
use ssb_keys::network::NetworkKey;
use ssb_muxrpc::Body;
use ssb_muxrpc::BodyType;
use ssb_muxrpc::Event;
use ssb_muxrpc::Kind;
use ssb_muxrpc::MethodId;
use ssb_muxrpc::Methods;
use ssb_muxrpc::ProtocolError;
use ssb_muxrpc::RemoteError;
use ssb_muxrpc::RequestId;
use ssb_muxrpc::Role;
use ssb_muxrpc::Session;
use ssb_muxrpc::session::CallError;
use ssb_shs::ClientHandshake;
use ssb_shs::HandshakeError;
use ssb_shs::ServerHandshake;
use ssb_shs::client;
use ssb_shs::server;
use thiserror::Error;

use self::buffers::Incoming;
use self::buffers::Opened;
use self::buffers::Outgoing;
use crate::time::Now;
use crate::time::Uptime;

/// How long a handshake may take unless told otherwise (`timers.handshake` of ssb-config 3.4.6).
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a connection may be silent in both directions unless told otherwise (`timers.inactivity` of secret-stack
/// 6.4.2).
pub const INACTIVITY_TIMEOUT: Duration = Duration::from_secs(600);

/// How long a peer has for its goodbye after ours.
pub const GOODBYE_TIMEOUT: Duration = Duration::from_secs(2);

/// The most bytes that are sealed at once, and so the most that one write takes.
pub const SEALED_LEN_MAX: usize = 64 * 1024;

/// The room for one read once a connection is open. It grows for a peer whose frames are larger.
pub const READ_LEN: usize = 16 * 1024;

/// How long a connection may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For its handshake.
    pub handshake: Duration,
    /// For a word in either direction, once it is open. The owner's own may be silent for ever.
    pub inactivity: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { handshake: HANDSHAKE_TIMEOUT, inactivity: INACTIVITY_TIMEOUT }
    }
}

/// A connection with a peer.
pub struct Peer {
    me: FeedId,
    stage: Stage,
    methods: Arc<Methods>,
    incoming: Incoming,
    outgoing: Outgoing,
    remote: Option<FeedId>,
    deadline: Option<Uptime>,
    timeouts: Timeouts,
    /// The one that counts now that it is open, if one does.
    inactivity: Option<Duration>,
    /// Whether we said goodbye, so that the deadline is the peer's for its own.
    closing: bool,
    /// When something was last read or written.
    touched: Uptime,
    /// When something was last read.
    heard: Uptime,
    /// What ends the connection, as soon as everything before it was told.
    ending: Option<Result<(), PeerError>>,
}

enum Stage {
    AwaitServerHello {
        next: client::AwaitHello,
        to: FeedId,
        role: Role,
    },
    AwaitServerAccept {
        next: client::AwaitAccept,
        to: FeedId,
        role: Role,
    },
    AwaitClientHello(ServerHandshake),
    AwaitClientAuth(server::AwaitAuth),
    /// Waits for `admit` or `refuse`, after having asked.
    Guest {
        guest: server::Guest,
        asked: bool,
    },
    /// Calls go both ways. Over a socket of the machine itself nothing is sealed, and there is no opener.
    Open {
        session: Session,
        opener: Option<Opener>,
        told: bool,
    },
    /// Between two stages, and after the end.
    Over,
}

impl Peer {
    /// Dials: the peer must prove to be `to`, and may then call what `role` may call. `seed` is 32 fresh random bytes.
    pub fn dial(
        me: &Keypair,
        network: &NetworkKey,
        to: FeedId,
        seed: &[u8; 32],
        methods: &Arc<Methods>,
        role: Role,
    ) -> Self {
        let (hello, next) = ClientHandshake::new(me, network, to, EphemeralKeypair::from_seed(seed)).hello();
        let mut peer = Self::new(me.id(), Stage::AwaitServerHello { next, to, role }, methods);
        peer.outgoing.sealed.extend_from_slice(&hello);
        peer
    }

    /// Answers a dial. Whoever dialed proves who they are and is then a guest. `seed` is 32 fresh random bytes.
    pub fn accept(me: &Keypair, network: &NetworkKey, seed: &[u8; 32], methods: &Arc<Methods>) -> Self {
        let handshake = ServerHandshake::new(me, network, EphemeralKeypair::from_seed(seed));
        Self::new(me.id(), Stage::AwaitClientHello(handshake), methods)
    }

    /// A connection over a socket that only its owner can open: no handshake, nothing sealed, never too silent.
    pub fn local(owner: FeedId, methods: &Arc<Methods>, role: Role) -> Self {
        let session = Session::new(Arc::clone(methods), role);
        let mut peer = Self::new(owner, Stage::Open { session, opener: None, told: false }, methods);
        peer.remote = Some(owner);
        peer
    }

    fn new(me: FeedId, stage: Stage, methods: &Arc<Methods>) -> Self {
        Self {
            me,
            stage,
            methods: Arc::clone(methods),
            incoming: Incoming::default(),
            outgoing: Outgoing::default(),
            remote: None,
            deadline: None,
            timeouts: Timeouts::default(),
            inactivity: None,
            closing: false,
            touched: Uptime::default(),
            heard: Uptime::default(),
            ending: None,
        }
    }

    /// Starts the clock of the handshake. Call it once, when the connection stands.
    pub fn start(&mut self, timeouts: Timeouts, now: Now) {
        self.timeouts = timeouts;
        self.touch(now);
        if !matches!(self.stage, Stage::Open { .. }) {
            self.deadline = Some(now.uptime.after(timeouts.handshake));
        }
    }

    /// Where to read into: never empty.
    pub fn space(&mut self) -> &mut [u8] {
        let room = match &self.stage {
            // A stranger gets no more than the longest message of the handshake.
            Stage::Open { opener, .. } => READ_LEN.max(opener.as_ref().map_or(0, Opener::wanted)),
            _ => ssb_shs::AUTH_LEN,
        };
        self.incoming.space(room)
    }

    /// Says how many bytes were read into [`space`](Self::space).
    pub fn filled(&mut self, count: usize, now: Now) {
        self.incoming.filled += count;
        debug_assert!(self.incoming.filled <= self.incoming.buffer.len());
        self.heard = now.uptime;
        self.touch(now);
    }

    /// The other side's end of file: it sends nothing more.
    pub fn hung_up(&mut self) {
        self.incoming.hung_up = true;
    }

    /// Looks at the clock: gives the connection up if its [`deadline`](Self::deadline) has come.
    pub fn tick(&mut self, now: Now) {
        if self.deadline.is_some_and(|deadline| now.uptime >= deadline) {
            match self.stage {
                Stage::Open { .. } if self.closing => {
                    self.ending.get_or_insert(Ok(()));
                }
                Stage::Open { .. } => self.fail(PeerError::Silent),
                _ => self.fail(PeerError::HandshakeTimeout),
            }
        }
    }

    /// Gives an open connection up: nobody is there any more, whatever can still be written.
    pub fn give_up(&mut self) {
        self.fail(PeerError::Silent);
    }

    /// Lets a guest in, who may then call what `role` may call.
    pub fn admit(&mut self, role: Role) {
        let Stage::Guest { guest, .. } = std::mem::replace(&mut self.stage, Stage::Over) else {
            unreachable!("only a guest is admitted");
        };
        let (accept, keys) = guest.admit();
        self.outgoing.sealed.extend_from_slice(&accept);
        self.open(&keys, role);
    }

    /// Turns a guest away, without a byte: what a peer that is blocked sees.
    pub fn refuse(&mut self) {
        assert!(matches!(self.stage, Stage::Guest { .. }), "only a guest is refused");
        self.ending = Some(Err(PeerError::Refused));
    }

    /// Makes a call. `args` is the text of a JSON array.
    ///
    /// # Errors
    ///
    /// [`CallError`] if it cannot be made now.
    pub fn call(&mut self, path: &[&str], kind: Kind, args: &str) -> Result<RequestId, CallError> {
        self.session_mut().ok_or(CallError::Closing)?.call(path, kind, args)
    }

    /// Allows answers and items of up to [`BODY_LEN_MAX`](ssb_muxrpc::limits::BODY_LEN_MAX) on this request.
    pub fn allow_large_items(&mut self, request: RequestId) {
        self.with_session(|session| session.allow_large_items(request));
    }

    /// Answers an async call of theirs.
    pub fn answer(&mut self, request: RequestId, body: Body<'_>) {
        self.with_session(|session| session.answer(request, body));
    }

    /// Answers an async call of theirs with an error, or ends our direction of a stream with one.
    pub fn refuse_call(&mut self, request: RequestId, error: &RemoteError) {
        self.with_session(|session| session.fail(request, error));
    }

    /// Sends an item on a stream.
    pub fn item(&mut self, request: RequestId, body: Body<'_>) {
        self.with_session(|session| session.item(request, body));
    }

    /// Ends our direction of a stream.
    pub fn end(&mut self, request: RequestId) {
        self.with_session(|session| session.end(request));
    }

    /// Ends the connection: what is open ends with an error, and goodbyes are said. [`poll`](Self::poll) until the end,
    /// which comes after [`GOODBYE_TIMEOUT`] even if the peer's goodbye does not.
    pub fn close(&mut self, now: Now) {
        match &mut self.stage {
            Stage::Open { session, .. } => {
                session.abort();
                if !std::mem::replace(&mut self.closing, true) {
                    self.deadline = Some(now.uptime.after(GOODBYE_TIMEOUT));
                }
            }
            // It has ended.
            Stage::Over => {}
            _ => {
                self.ending.get_or_insert(Ok(()));
            }
        }
    }

    /// What happened next. `None` until more bytes or another [`tick`](Self::tick) came.
    ///
    /// The last event is [`PeerEvent::Ended`]; what is [`outgoing`](Self::outgoing) then should still be written.
    pub fn poll(&mut self) -> Option<PeerEvent<'_>> {
        // Bodies are borrowed on return and nowhere before: a loop cannot hand out what it may come back to.
        let event = loop {
            match self.step() {
                Ok(Step::Event(event)) => break event,
                Ok(Step::Again) => {}
                Ok(Step::Wait) => return None,
                Err(error) => self.fail(error),
            }
        };
        let body = || self.session().map(Session::body).unwrap_or_default();
        Some(match event {
            Happened::Guest(id) => PeerEvent::Guest(id),
            Happened::Open(id) => PeerEvent::Open(id),
            Happened::Ended(result) => PeerEvent::Ended(result),
            Happened::Session(Event::Called { request, method, kind }) => {
                PeerEvent::Called { request, method, kind, args: body() }
            }
            Happened::Session(Event::Answered { request, body: kind }) => {
                PeerEvent::Answered { request, kind, body: body() }
            }
            Happened::Session(Event::Failed { request, error }) => PeerEvent::Failed { request, error },
            Happened::Session(Event::Item { request, body: kind }) => {
                PeerEvent::Item { request, kind, body: body() }
            }
            Happened::Session(Event::Ended { request, error }) => PeerEvent::StreamEnded { request, error },
            Happened::Session(Event::Goodbye) => PeerEvent::Goodbye,
        })
    }

    /// Bytes to write: sealed, at most [`SEALED_LEN_MAX`] of text at once.
    pub fn outgoing(&mut self) -> &[u8] {
        self.outgoing.refill(&mut self.stage);
        self.outgoing.rest()
    }

    /// Says how many of the [`outgoing`](Self::outgoing) bytes were written.
    pub fn wrote(&mut self, count: usize, now: Now) {
        self.outgoing.wrote(count);
        self.touch(now);
    }

    /// How many bytes wait to be written, sealed or not. Pull more out of a source while it is below a limit of yours.
    pub fn buffered(&self) -> usize {
        self.outgoing.rest().len() + self.session().map_or(0, Session::buffered)
    }

    /// How many bytes were written so far.
    pub const fn written(&self) -> u64 {
        self.outgoing.total
    }

    /// When to [`tick`](Self::tick) even if nothing happens.
    pub const fn deadline(&self) -> Option<Uptime> {
        self.deadline
    }

    /// Who the peer is, once proven.
    pub const fn remote(&self) -> Option<FeedId> {
        self.remote
    }

    /// When something was last read of an open connection. `None` before it is open, and for the owner's own programs, which may
    /// be silent.
    pub fn heard(&self) -> Option<Uptime> {
        let is_watched = self.is_open() && self.inactivity.is_some() && !self.closing;
        is_watched.then_some(self.heard)
    }

    /// Who waits to be admitted.
    pub fn guest(&self) -> Option<FeedId> {
        match &self.stage {
            Stage::Guest { guest, .. } => Some(guest.id()),
            _ => None,
        }
    }

    /// Gives back the room for a read that found nothing, until the next one.
    pub fn rest(&mut self) {
        self.incoming.free();
    }

    /// Whether calls go both ways.
    pub const fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Open { .. })
    }

    /// Whether it takes more bytes. Not while calls wait until some of their answers are written, nor while a guest
    /// waits to be admitted.
    pub fn takes_bytes(&self) -> bool {
        self.incoming.plain().is_empty() && !matches!(self.stage, Stage::Guest { .. })
    }

    /// How much memory the buffers occupy, in bytes.
    pub fn memory(&self) -> usize {
        self.incoming.buffer.capacity()
            + self.outgoing.sealed.capacity()
            + self.session().map_or(0, Session::memory)
    }

    fn step(&mut self) -> Result<Step, PeerError> {
        if self.ending.is_some() {
            return Ok(self.part());
        }
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::AwaitServerHello { next, to, role } => match self.incoming.message()? {
                Some(hello) => {
                    let (auth, next) = next.server_hello(&hello)?;
                    self.outgoing.sealed.extend_from_slice(&auth);
                    self.stage = Stage::AwaitServerAccept { next, to, role };
                    Ok(Step::Again)
                }
                None => self.wait(Stage::AwaitServerHello { next, to, role }),
            },
            Stage::AwaitServerAccept { next, to, role } => {
                // A server that does not own the key or does not want us hangs up on our proof.
                let accept = self.incoming.message().map_err(|_| PeerError::Rejected)?;
                match accept {
                    Some(accept) => {
                        let keys = next.server_accept(&accept)?;
                        self.open(&keys, role);
                        Ok(Step::Again)
                    }
                    None => self.wait(Stage::AwaitServerAccept { next, to, role }),
                }
            }
            Stage::AwaitClientHello(next) => match self.incoming.message()? {
                Some(hello) => {
                    let (reply, next) = next.client_hello(&hello)?;
                    self.outgoing.sealed.extend_from_slice(&reply);
                    self.stage = Stage::AwaitClientAuth(next);
                    Ok(Step::Again)
                }
                None => self.wait(Stage::AwaitClientHello(next)),
            },
            Stage::AwaitClientAuth(next) => match self.incoming.message()? {
                Some(auth) => {
                    let guest = next.client_auth(&auth)?;
                    self.stage = Stage::Guest { guest, asked: false };
                    Ok(Step::Again)
                }
                None => self.wait(Stage::AwaitClientAuth(next)),
            },
            Stage::Guest { guest, asked } => {
                let id = guest.id();
                self.stage = Stage::Guest { guest, asked: true };
                Ok(if asked { Step::Wait } else { Step::Event(Happened::Guest(id)) })
            }
            open @ Stage::Open { .. } => {
                self.stage = open;
                self.step_open()
            }
            Stage::Over => Ok(Step::Wait),
        }
    }

    fn step_open(&mut self) -> Result<Step, PeerError> {
        let Stage::Open { session, opener, told } = &mut self.stage else { return Ok(Step::Wait) };
        if !*told {
            *told = true;
            let id = self.remote.expect("an open connection is with somebody");
            return Ok(Step::Event(Happened::Open(id)));
        }
        let (count, event) = session.receive(self.incoming.plain())?;
        self.incoming.used(count);
        if let Some(event) = event {
            return Ok(Step::Event(Happened::Session(event)));
        }
        if session.is_finished() {
            self.ending = Some(Ok(()));
            return Ok(Step::Again);
        }
        if count > 0 {
            return Ok(Step::Again);
        }
        if !self.incoming.plain().is_empty() {
            // The session takes no more until some of its answers are written.
            return Ok(Step::Wait);
        }
        match self.incoming.open(opener.as_mut())? {
            Opened::Some => Ok(Step::Again),
            Opened::Goodbye => {
                session.hung_up();
                self.ending = Some(Ok(()));
                Ok(Step::Again)
            }
            Opened::Nothing if self.incoming.hung_up => Err(PeerError::HungUp),
            Opened::Nothing => {
                self.incoming.free();
                Ok(Step::Wait)
            }
        }
    }

    // Tells what ended with the connection, then the end.
    fn part(&mut self) -> Step {
        if let Stage::Open { session, .. } = &mut self.stage
            && let Ok((_, Some(event))) = session.receive(&[])
        {
            return Step::Event(Happened::Session(event));
        }
        if let Stage::Open { .. } = self.stage {
            self.outgoing.refill(&mut self.stage);
            if matches!(self.ending, Some(Ok(()))) {
                self.outgoing.finish(&mut self.stage);
            }
        }
        self.stage = Stage::Over;
        self.deadline = None;
        self.inactivity = None;
        match self.ending.take() {
            Some(result) => Step::Event(Happened::Ended(result)),
            None => Step::Wait,
        }
    }

    fn wait(&mut self, stage: Stage) -> Result<Step, PeerError> {
        self.stage = stage;
        Ok(Step::Wait)
    }

    fn open(&mut self, keys: &ssb_shs::Session, role: Role) {
        let sealer = Sealer::new(keys.send.key(), keys.send.nonce());
        let opener = Opener::new(keys.receive.key(), keys.receive.nonce());
        let session = Session::new(Arc::clone(&self.methods), role);
        self.outgoing.sealer = Some(sealer);
        self.stage = Stage::Open { session, opener: Some(opener), told: false };
        self.remote = Some(keys.peer);
        // The owner's own programs may be silent for hours (secret-stack 6.4.2).
        self.inactivity = (keys.peer != self.me).then_some(self.timeouts.inactivity);
        self.deadline = self.inactivity.map(|inactivity| self.touched.after(inactivity));
    }

    fn fail(&mut self, error: PeerError) {
        if self.ending.is_none() {
            if let Stage::Open { session, .. } = &mut self.stage {
                session.hung_up();
            }
            self.ending = Some(Err(error));
        }
    }

    fn touch(&mut self, now: Now) {
        self.touched = now.uptime;
        if let Some(inactivity) = self.inactivity.filter(|_| !self.closing) {
            self.deadline = Some(now.uptime.after(inactivity));
        }
    }

    fn with_session(&mut self, act: impl FnOnce(&mut Session)) {
        if let Some(session) = self.session_mut() {
            act(session);
        }
    }

    const fn session(&self) -> Option<&Session> {
        match &self.stage {
            Stage::Open { session, .. } => Some(session),
            _ => None,
        }
    }

    const fn session_mut(&mut self) -> Option<&mut Session> {
        match &mut self.stage {
            Stage::Open { session, .. } => Some(session),
            _ => None,
        }
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer").field("remote", &self.remote).finish_non_exhaustive()
    }
}

/// What happened on a connection. Bodies are the peer's bytes, unchecked.
#[derive(Debug, PartialEq, Eq)]
pub enum PeerEvent<'a> {
    /// Somebody dialed and proved to be this feed: [`Peer::admit`] or [`Peer::refuse`].
    Guest(FeedId),
    /// Calls go both ways from here on.
    Open(FeedId),
    /// They call a method they may call.
    Called {
        /// What to answer to.
        request: RequestId,
        /// Which method.
        method: MethodId,
        /// The method's kind.
        kind: Kind,
        /// The text of a JSON array.
        args: &'a [u8],
    },
    /// Our async call was answered.
    Answered {
        /// Which call.
        request: RequestId,
        /// How to read the answer.
        kind: BodyType,
        /// The answer.
        body: &'a [u8],
    },
    /// Our async call was answered with an error.
    Failed {
        /// Which call.
        request: RequestId,
        /// Why.
        error: RemoteError,
    },
    /// An item came on a stream of either side.
    Item {
        /// Which stream.
        request: RequestId,
        /// How to read the item.
        kind: BodyType,
        /// The item.
        body: &'a [u8],
    },
    /// Their direction of a stream ended.
    StreamEnded {
        /// Which stream.
        request: RequestId,
        /// Why, if not as planned.
        error: Option<RemoteError>,
    },
    /// They said goodbye.
    Goodbye,
    /// The connection is over. Nothing follows.
    Ended(Result<(), PeerError>),
}

/// Why a connection ended badly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PeerError {
    /// The handshake failed: another network, or somebody else than expected.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// The handshake took longer than [`Timeouts::handshake`].
    #[error("handshake timed out")]
    HandshakeTimeout,
    /// The peer hung up on our proof: it has another key than the address says, blocks us, or is of another network.
    #[error("peer hung up on our proof: it has another key than dialed, or does not want us")]
    Rejected,
    /// We did not want this peer.
    #[error("peer was refused")]
    Refused,
    /// The peer's bytes ended without a goodbye.
    #[error("unexpected hangup")]
    HungUp,
    /// Nothing came and nothing was written for [`Timeouts::inactivity`].
    #[error("connection was silent for too long")]
    Silent,
    /// A sealed frame was forged.
    #[error(transparent)]
    Frame(#[from] OpenError),
    /// The peer broke the call protocol.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
}

enum Step {
    Event(Happened),
    Again,
    Wait,
}

enum Happened {
    Guest(FeedId),
    Open(FeedId),
    Session(Event),
    Ended(Result<(), PeerError>),
}
