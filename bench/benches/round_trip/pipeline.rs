//! A client that has many calls under way at once.

use std::io;
use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpStream;
use std::sync::Arc;

use ssb_gossip::peer::Peer;
use ssb_gossip::peer::PeerEvent;
use ssb_gossip::peer::Timeouts;
use ssb_gossip::time::Now;
use ssb_gossip::time::UnixMillis;
use ssb_gossip::time::Uptime;
use ssb_keys::FeedId;
use ssb_keys::Keypair;
use ssb_keys::network::NetworkKey;
use ssb_muxrpc::Kind;
use ssb_muxrpc::Methods;
use ssb_muxrpc::Role;
use ssb_muxrpc::Roles;

/// A connection to a node. It knows no time, so nothing on it ever times out.
#[derive(Debug)]
pub(super) struct Pipeline {
    stream: TcpStream,
    peer: Peer,
}

impl Pipeline {
    /// Shakes hands over a connection that stands.
    ///
    /// # Errors
    ///
    /// When the node does not want us.
    pub(super) fn open(
        stream: TcpStream,
        network: &NetworkKey,
        me: &Keypair,
        server: FeedId,
    ) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let methods = Arc::new(Methods::new([], Roles::of(&[])).map_err(io::Error::other)?);
        let entropy = Keypair::generate().to_secret();
        let (seed, _) = entropy.split_first_chunk::<32>().expect("a secret is 64 bytes");
        let mut peer = Peer::dial(me, network, server, seed, &methods, Role::new(0));
        peer.start(Timeouts::default(), now());
        let mut this = Self { stream, peer };
        while !this.peer.is_open() {
            this.turn()?;
        }
        Ok(this)
    }

    /// Makes `count` calls of `method`, never more than `in_flight` at once.
    ///
    /// # Errors
    ///
    /// When the connection ends.
    pub(super) fn call(&mut self, method: &str, count: usize, in_flight: usize) -> io::Result<()> {
        let (mut made, mut answered) = (0, 0);
        while answered < count {
            while made < count && made - answered < in_flight {
                self.peer.call(&[method], Kind::Async, "[]").map_err(io::Error::other)?;
                made += 1;
            }
            answered += self.turn()?;
        }
        Ok(())
    }

    // Writes all there is, reads once, and counts the answers.
    fn turn(&mut self) -> io::Result<usize> {
        while !self.peer.outgoing().is_empty() {
            let count = self.stream.write(self.peer.outgoing())?;
            self.peer.wrote(count, now());
        }
        let count = self.stream.read(self.peer.space())?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.peer.filled(count, now());
        let mut answered = 0;
        while let Some(event) = self.peer.poll() {
            match event {
                PeerEvent::Answered { .. } => answered += 1,
                PeerEvent::Failed { error, .. } => return Err(io::Error::other(error.message().to_owned())),
                PeerEvent::Ended(_) => return Err(io::ErrorKind::UnexpectedEof.into()),
                _ => {}
            }
        }
        Ok(answered)
    }
}

const fn now() -> Now {
    Now { uptime: Uptime::new(std::time::Duration::ZERO), wall: UnixMillis(0.0) }
}
