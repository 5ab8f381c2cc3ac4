//! Calls a running node: its methods and streams, over TCP or its unix socket.
//!
//! Everything here blocks, on one thread: made for commands, which do one thing and end. A [`Client`] serves nothing;
//! what the node calls on it is answered with an error, as ssb-client 4.9 does.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use ssb_keys::{network::NetworkKey, secret_file};
//! use ssb_node::client::Client;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let me = secret_file::load("/home/alice/.ssb/secret".as_ref())?;
//! let timeout = Duration::from_secs(5);
//! let mut client = Client::connect_net("localhost", 8008, &NetworkKey::MAIN, &me, me.id(), timeout)?;
//! println!("{}", client.call(&["whoami"], "[]")?.to_json());
//! client.close();
//! # Ok(())
//! # }
//! ```

mod answer;
mod error;
mod socket;

use std::fmt;
use std::io;
use std::io::Read;
use std::ops::ControlFlow;
#[cfg(unix)]
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

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
use ssb_muxrpc::Body;
pub use ssb_muxrpc::Kind;
use ssb_muxrpc::Methods;
use ssb_muxrpc::RemoteError;
use ssb_muxrpc::RequestId;
use ssb_muxrpc::Role;
use ssb_muxrpc::Roles;

pub use self::answer::Answer;
pub use self::error::CallError;
pub use self::error::ConnectError;
use self::socket::Socket;

/// The most bytes of one item that [`Client::sink`] makes of its input; JavaScript's blobs travel in such pieces too.
pub const CHUNK_LEN: usize = 64 * 1024;

/// How long [`Client::close`] waits for the node's goodbye.
pub const CLOSE_TIMEOUT: Duration = Duration::from_millis(200);

/// A connection to a running node.
pub struct Client {
    socket: Socket,
    peer: Peer,
    clock: Clock,
    /// The node hung up, or the socket failed: nothing more is read.
    hung_up: bool,
    /// How the connection ended, once it has.
    ended: Option<Result<(), PeerError>>,
}

impl Client {
    /// Connects over TCP to the node that owns the key `server`, as `me`. All addresses of `host` are tried, of
    /// `localhost` both loopbacks; connecting and the handshake take no longer than `timeout` together.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] tells a node that does not run from one of another network and one with another key.
    pub fn connect_net(
        host: &str,
        port: u16,
        network: &NetworkKey,
        me: &Keypair,
        server: FeedId,
        timeout: Duration,
    ) -> Result<Self, ConnectError> {
        let deadline = Instant::now() + timeout;
        let socket = Socket::connect_net(host, port, deadline)?;
        // A fresh pair's seed is 32 random bytes, and random bytes come from ssb-keys alone.
        let entropy = Keypair::generate().to_secret();
        let (seed, _) = entropy.split_first_chunk::<32>().expect("a secret is 64 bytes");
        let (methods, role) = nothing();
        let mut client = Self::new(socket, Peer::dial(me, network, server, seed, &methods, role));
        client.peer.start(Timeouts::default(), client.clock.now());
        client.shake_hands(deadline)?;
        Ok(client)
    }

    /// Connects to the unix socket at `path`, which only the `owner` of the node can open.
    ///
    /// # Errors
    ///
    /// [`ConnectError::Unreachable`] if there is no socket or nobody listens on it.
    #[cfg(unix)]
    pub fn connect_unix(path: &Path, owner: FeedId) -> Result<Self, ConnectError> {
        let socket = Socket::connect_unix(path)?;
        let (methods, role) = nothing();
        Ok(Self::new(socket, Peer::local(owner, &methods, role)))
    }

    fn new(socket: Socket, peer: Peer) -> Self {
        Self { socket, peer, clock: Clock::default(), hung_up: false, ended: None }
    }

    /// Calls a method that answers once, async or sync. `args` is the text of a JSON array.
    ///
    /// # Errors
    ///
    /// [`CallError::Remote`] is the method's own; all others are about the connection.
    pub fn call(&mut self, path: &[&str], args: &str) -> Result<Answer, CallError> {
        let call = self.peer.call(path, Kind::Async, args)?;
        loop {
            match self.next(call)? {
                Happened::Item(answer) => return Ok(answer),
                Happened::Over(Some(error)) => return Err(CallError::Remote(error)),
                Happened::Over(None) => {}
            }
        }
    }

    /// Calls a method that sends items, and hands each to `on_item` until the stream ends or `on_item` breaks.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    pub fn source(
        &mut self,
        path: &[&str],
        args: &str,
        mut on_item: impl FnMut(Answer) -> ControlFlow<()>,
    ) -> Result<(), CallError> {
        let call = self.peer.call(path, Kind::Source, args)?;
        loop {
            match self.next(call)? {
                Happened::Item(item) => {
                    if on_item(item).is_break() {
                        self.peer.end(call);
                        return self.flush();
                    }
                }
                Happened::Over(error) => return error.map_or(Ok(()), |error| Err(CallError::Remote(error))),
            }
        }
    }

    /// Calls a method that takes items, feeds it all of `input` in pieces, and waits until it says that it has them.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call), and [`CallError::Input`] if `input` cannot be read: the method is told that its input
    /// ended badly.
    pub fn sink(&mut self, path: &[&str], args: &str, input: &mut impl Read) -> Result<(), CallError> {
        let call = self.peer.call(path, Kind::Sink, args)?;
        let mut chunk = vec![0; CHUNK_LEN];
        loop {
            match input.read(&mut chunk) {
                Ok(0) => break self.peer.end(call),
                Ok(count) => self.peer.item(call, Body::Binary(chunk.get(..count).unwrap_or_default())),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.peer.refuse_call(call, &RemoteError::new("input could not be read"));
                    self.flush()?;
                    return Err(CallError::Input(error.kind()));
                }
            }
            self.flush()?;
            // It may have refused already: then nothing more is worth sending.
            self.read(Patience::None)?;
            if let Some(Happened::Over(error)) = self.take(call)? {
                return error.map_or(Ok(()), |error| Err(CallError::Remote(error)));
            }
        }
        loop {
            if let Happened::Over(error) = self.next(call)? {
                return error.map_or(Ok(()), |error| Err(CallError::Remote(error)));
            }
        }
    }

    /// Says goodbye, and waits a moment for the node's.
    pub fn close(mut self) {
        self.peer.close(self.clock.now());
        let deadline = Instant::now() + CLOSE_TIMEOUT;
        loop {
            while let Some(event) = self.peer.poll() {
                if let PeerEvent::Ended(result) = event {
                    self.ended = Some(result);
                }
            }
            // What cannot be said any more need not be.
            let over = self.flush().is_err() || self.ended.is_some() || self.hung_up;
            if over || Instant::now() >= deadline || self.read(Patience::Until(deadline)).is_err() {
                return;
            }
        }
    }

    /// Who the node is.
    pub fn remote(&self) -> Option<FeedId> {
        self.peer.remote()
    }

    fn shake_hands(&mut self, deadline: Instant) -> Result<(), ConnectError> {
        // Whose turn it is when the node hangs up says why it did.
        let lost = |error: CallError| match error {
            CallError::Ended(error) => ConnectError::from(error),
            CallError::Io(kind) => ConnectError::Lost(kind),
            _ => ConnectError::NoAnswer,
        };
        loop {
            match self.peer.poll() {
                Some(PeerEvent::Open(_)) => return Ok(()),
                Some(PeerEvent::Ended(Err(error))) => return Err(error.into()),
                Some(PeerEvent::Ended(Ok(()))) => return Err(ConnectError::NoAnswer),
                Some(_) => continue,
                None => {}
            }
            if !self.peer.outgoing().is_empty() {
                self.flush().map_err(lost)?;
                continue;
            }
            if Instant::now() >= deadline {
                return Err(ConnectError::TimedOut);
            }
            self.read(Patience::Until(deadline)).map_err(lost)?;
            self.peer.tick(self.clock.now());
        }
    }

    /// What happens next on this call, however long that takes.
    fn next(&mut self, call: RequestId) -> Result<Happened, CallError> {
        loop {
            if let Some(happened) = self.take(call)? {
                return Ok(happened);
            }
            if !self.peer.outgoing().is_empty() {
                self.flush()?;
                continue;
            }
            self.read(Patience::Endless)?;
        }
    }

    /// What happened on this call already. Whatever else did is of no interest: nobody waits for it any more.
    fn take(&mut self, call: RequestId) -> Result<Option<Happened>, CallError> {
        if let Some(ended) = self.ended {
            return Err(ended.map_or_else(CallError::Ended, |()| CallError::Goodbye));
        }
        while let Some(event) = self.peer.poll() {
            match event {
                PeerEvent::Answered { request, kind, body } | PeerEvent::Item { request, kind, body }
                    if request == call =>
                {
                    return Ok(Some(Happened::Item(Answer::new(kind, body))));
                }
                PeerEvent::Failed { request, error } if request == call && !self.hung_up => {
                    return Ok(Some(Happened::Over(Some(error))));
                }
                PeerEvent::StreamEnded { request, error } if request == call && !self.hung_up => {
                    return Ok(Some(Happened::Over(error)));
                }
                PeerEvent::Ended(result) => {
                    self.ended = Some(result);
                    return Err(result.map_or_else(CallError::Ended, |()| CallError::Goodbye));
                }
                _ => {}
            }
        }
        Ok(None)
    }

    fn flush(&mut self) -> Result<(), CallError> {
        loop {
            let bytes = self.peer.outgoing();
            if bytes.is_empty() {
                return Ok(());
            }
            match self.socket.write(bytes) {
                Ok(count) => self.peer.wrote(count, self.clock.now()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // What it said before it hung up is still to be read.
                Err(error) if is_hang_up(error.kind()) => return self.drain(),
                Err(error) => return Err(CallError::Io(error.kind())),
            }
        }
    }

    /// Reads to the end of what a node sent that takes nothing more.
    fn drain(&mut self) -> Result<(), CallError> {
        let waiting = self.peer.outgoing().len();
        self.peer.wrote(waiting, self.clock.now());
        if self.hung_up { Ok(()) } else { self.read(Patience::Endless) }
    }

    fn read(&mut self, patience: Patience) -> Result<(), CallError> {
        if self.hung_up {
            self.peer.hung_up();
            return Ok(());
        }
        match self.socket.read(self.peer.space(), patience) {
            Ok(Some(0)) => self.hang_up(),
            Ok(Some(count)) => self.peer.filled(count, self.clock.now()),
            Ok(None) => {}
            Err(error) if is_hang_up(error.kind()) => self.hang_up(),
            Err(error) => return Err(CallError::Io(error.kind())),
        }
        Ok(())
    }

    fn hang_up(&mut self) {
        self.hung_up = true;
        self.peer.hung_up();
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("remote", &self.remote()).finish_non_exhaustive()
    }
}

enum Happened {
    /// An answer, or an item of a stream.
    Item(Answer),
    /// The call failed, or the stream ended.
    Over(Option<RemoteError>),
}

/// How long a read may wait.
#[derive(Clone, Copy)]
enum Patience {
    None,
    Until(Instant),
    Endless,
}

/// Tells the machine inside what time it is.
struct Clock {
    start: Instant,
}

impl Clock {
    fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now { uptime: Uptime::new(self.start.elapsed()), wall: UnixMillis(wall.as_secs_f64() * 1000.0) }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self { start: Instant::now() }
    }
}

/// No methods, for a node that learns so: ssb-client answers `no source:…` and not `…is not in list…` as well.
fn nothing() -> (Arc<Methods>, Role) {
    let node = Role::new(0);
    (Arc::new(Methods::new([], Roles::of(&[node])).expect("no methods cannot be ambiguous")), node)
}

fn is_hang_up(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    matches!(kind, BrokenPipe | ConnectionAborted | ConnectionReset)
}
