//! A connection to a node whose other end the test holds.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::io::Read as _;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use ssb_gossip::peer::Peer;
use ssb_gossip::peer::PeerEvent;
use ssb_gossip::peer::Timeouts;
use ssb_gossip::time::Now;
use ssb_gossip::time::UnixMillis;
use ssb_gossip::time::Uptime;
use ssb_keys::Keypair;
use ssb_keys::network::NetworkKey;
use ssb_keys::secret_file;
use ssb_muxrpc::Body;
use ssb_muxrpc::Kind;
use ssb_muxrpc::RequestId;
use ssb_muxrpc::Role;

use super::home::Home;
use super::home::Node;
use super::home::PATIENCE;
use super::private::Call;

const ROLE: Role = Role::new(0);

/// How many calls are made before their answers are read.
const CALLS_AT_ONCE: usize = 200;

/// When nothing came for so long, nothing more comes.
const QUIET: Duration = Duration::from_millis(400);

/// A node that takes nothing for so long takes no more.
const FULL_AFTER: Duration = Duration::from_secs(1);

pub(super) struct Line {
    stream: TcpStream,
    pub(super) peer: Peer,
}

impl Line {
    /// Dials a node as somebody.
    pub(super) fn dial(home: &Home, node: &Node, me: &Keypair) -> Self {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, node.port)).unwrap();
        let server = secret_file::load(&home.file("secret")).unwrap().id();
        let peer = Peer::dial(me, &NetworkKey::MAIN, server, &[9; 32], &Arc::default(), ROLE);
        Self::new(stream, peer)
    }

    /// Answers a node's dial as somebody.
    pub(super) fn accept(stream: TcpStream, me: &Keypair) -> Self {
        Self::new(stream, Peer::accept(me, &NetworkKey::MAIN, &[9; 32], &Arc::default()))
    }

    fn new(stream: TcpStream, mut peer: Peer) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        peer.start(Timeouts::default(), now());
        Self { stream, peer }
    }

    /// Shakes hands.
    pub(super) fn open(&mut self) {
        while !self.peer.is_open() {
            self.turn();
            while let Some(event) = self.peer.poll() {
                let is_guest = matches!(event, PeerEvent::Guest(_));
                assert!(!matches!(event, PeerEvent::Ended(_)), "{event:?}");
                if is_guest {
                    self.peer.admit(ROLE);
                }
            }
        }
    }

    /// Writes all there is, and reads once.
    pub(super) fn turn(&mut self) {
        while !self.peer.outgoing().is_empty() {
            let count = self.stream.write(self.peer.outgoing()).unwrap();
            self.peer.wrote(count, now());
        }
        let count = self.stream.read(self.peer.space()).unwrap();
        assert_ne!(count, 0, "the node hung up");
        self.peer.filled(count, now());
    }

    /// Writes what the node takes, and reads nothing. Returns whether it took all.
    pub(super) fn push(&mut self) -> bool {
        self.stream.set_write_timeout(Some(FULL_AFTER)).unwrap();
        while !self.peer.outgoing().is_empty() {
            match self.stream.write(self.peer.outgoing()) {
                Ok(count) => self.peer.wrote(count, now()),
                Err(_) => return false,
            }
        }
        true
    }

    /// Calls `ebt.replicate`, and says this on it.
    pub(super) fn replicates(&mut self, clock: &str) -> RequestId {
        let args = r#"[{"version":3,"format":"classic"}]"#;
        let request = self.peer.call(&["ebt", "replicate"], Kind::Duplex, args).unwrap();
        self.peer.item(request, Body::Json(clock));
        request
    }

    /// Makes calls, some at a time, and returns what came back for each until nothing comes any more: values, items and errors,
    /// with the path and the arguments.
    pub(super) fn converse(&mut self, calls: &[Call]) -> Vec<((String, String), String)> {
        let mut given = Vec::new();
        for calls in calls.chunks(CALLS_AT_ONCE) {
            let mut open: BTreeMap<RequestId, usize> = BTreeMap::new();
            for call in calls {
                let path: Vec<&str> = call.path.split('.').collect();
                let request = self.peer.call(&path, call.kind, &call.args).unwrap();
                call.said.iter().for_each(|said| self.peer.item(request, Body::Json(said)));
                open.insert(request, given.len());
                given.push(((call.path.clone(), call.args.clone()), String::new()));
            }
            self.stream.set_read_timeout(Some(QUIET)).unwrap();
            while self.turn_if_any() {
                while let Some(event) = self.peer.poll() {
                    let (request, text) = match event {
                        PeerEvent::Answered { request, body, .. } | PeerEvent::Item { request, body, .. } => {
                            (request, String::from_utf8_lossy(body).into_owned())
                        }
                        PeerEvent::Failed { request, error } => (request, error.message().to_owned()),
                        PeerEvent::StreamEnded { request, error } => {
                            (request, error.map_or_else(String::new, |error| error.message().to_owned()))
                        }
                        PeerEvent::Ended(result) => panic!("the connection ended: {result:?}"),
                        // What the node itself calls is its own business.
                        _ => continue,
                    };
                    if let Some((_, all)) = open.get(&request).and_then(|at| given.get_mut(*at)) {
                        all.push_str(&text);
                        all.push('\n');
                    }
                }
            }
            // Live streams would go on.
            open.into_keys().for_each(|request| self.peer.end(request));
        }
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        given
    }

    /// As [`turn`](Self::turn), unless nothing comes for a while.
    fn turn_if_any(&mut self) -> bool {
        while !self.peer.outgoing().is_empty() {
            let count = self.stream.write(self.peer.outgoing()).unwrap();
            self.peer.wrote(count, now());
        }
        match self.stream.read(self.peer.space()) {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => false,
            count => {
                assert_ne!(*count.as_ref().unwrap(), 0, "the node hung up");
                self.peer.filled(count.unwrap(), now());
                true
            }
        }
    }

    /// Calls a method without arguments: the text of its answer, or its error.
    pub(super) fn call(&mut self, method: &str) -> Result<String, String> {
        let call = self.peer.call(&[method], Kind::Async, "[]").unwrap();
        loop {
            self.turn();
            while let Some(event) = self.peer.poll() {
                match event {
                    PeerEvent::Answered { request, body, .. } if request == call => {
                        return Ok(String::from_utf8(body.to_vec()).unwrap());
                    }
                    PeerEvent::Failed { request, error } if request == call => {
                        return Err(error.message().to_owned());
                    }
                    PeerEvent::Ended(result) => panic!("the connection ended: {result:?}"),
                    // What the node itself calls is its own business.
                    _ => {}
                }
            }
        }
    }
}

const fn now() -> Now {
    Now { uptime: Uptime::new(Duration::ZERO), wall: UnixMillis(0.0) }
}
