//! A whole connection, with the fuzzer at its other end.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use ssb_boxstream::Opener;
use ssb_boxstream::Progress;
use ssb_boxstream::Sealer;
use ssb_gossip::peer::HANDSHAKE_TIMEOUT;
use ssb_gossip::peer::INACTIVITY_TIMEOUT;
use ssb_gossip::peer::Peer;
use ssb_gossip::peer::PeerError;
use ssb_gossip::peer::PeerEvent;
use ssb_gossip::peer::READ_LEN;
use ssb_gossip::peer::SEALED_LEN_MAX;
use ssb_gossip::peer::Timeouts;
use ssb_gossip::time::Now;
use ssb_gossip::time::UnixMillis;
use ssb_gossip::time::Uptime;
use ssb_keys::ephemeral::EphemeralKeypair;
use ssb_keys::network::NetworkKey;
use ssb_muxrpc::Body;
use ssb_muxrpc::Kind;
use ssb_muxrpc::RemoteError;
use ssb_muxrpc::RequestId;
use ssb_muxrpc::encode;
use ssb_muxrpc::limits::OUTBOX_LEN_MAX;
use ssb_shs::ClientHandshake;
use ssb_shs::ServerHandshake;
use ssb_shs::Session;

use crate::cast::ALICE;
use crate::cast::BOB;
use crate::cast::MALLORY;
use crate::codec;
use crate::codec::End;
use crate::script::Cuts;
use crate::script::Script;
use crate::session::ANSWER_LEN_MAX;
use crate::session::CALL_LEN_MAX;
use crate::session::KINDS;
use crate::session::METHODS;
use crate::session::NAMES;
use crate::session::ROLE;
use crate::session::telling_packet;

/// Runs a connection whose other end does what the script says: nobody gets in without a proof, memory stays within its
/// limits, all that was open ends before the connection does, which it does once, and what was sent opens and decodes.
///
/// Script: who dials, the lengths of cuts, how the handshake goes, then steps.
pub fn peer(data: &[u8]) {
    let script = &mut Script::new(data);
    let mut line = match script.below(3) {
        0 => Line::accepting(script),
        1 => Line::dialing(script),
        _ => Line::local(script),
    };
    while !script.is_empty() {
        line.step(script);
    }
    line.end();
}

/// A connection and both of its ends.
struct Line<'a> {
    peer: Peer,
    cuts: &'a [u8],
    remote: Remote,
    /// What the other end has sent and nobody has read.
    sent: Vec<u8>,
    /// What the peer has sent and the other end has not read.
    unread: Vec<u8>,
    /// All text that came out of the peer.
    heard: Vec<u8>,
    seconds: u64,
    is_local: bool,
    has_hung_up: bool,
    waits_for_us: bool,
    is_open: bool,
    ended: Option<Result<(), PeerError>>,
    known: BTreeMap<RequestId, Kind>,
    owed: BTreeSet<RequestId>,
    /// How much the peer was made to send, and has received, at most.
    given: usize,
    received: usize,
}

/// What the other end can do.
enum Remote {
    /// Nothing but noise: its handshake failed.
    Stranger,
    Sealed {
        /// Nothing can be sealed after the goodbye.
        sealer: Option<Box<Sealer>>,
        opener: Box<Opener>,
    },
    Local,
}

impl<'a> Line<'a> {
    fn new(peer: Peer, script: &mut Script<'a>) -> Self {
        let mut line = Self {
            peer,
            cuts: script.run(),
            remote: Remote::Stranger,
            sent: Vec::new(),
            unread: Vec::new(),
            heard: Vec::new(),
            seconds: 1,
            is_local: false,
            has_hung_up: false,
            waits_for_us: false,
            is_open: false,
            ended: None,
            known: BTreeMap::new(),
            owed: BTreeSet::new(),
            given: 0,
            received: 0,
        };
        line.peer.start(Timeouts::default(), line.now());
        line
    }

    fn accepting(script: &mut Script<'a>) -> Self {
        let peer = Peer::accept(&BOB, &NetworkKey::MAIN, &[5; 32], &METHODS);
        let mut line = Self::new(peer, script);
        match line.shake_as_client(script) {
            Some(session) => line.keep(&session),
            None => assert!(!line.is_open, "opened without a proof"),
        }
        line
    }

    fn dialing(script: &mut Script<'a>) -> Self {
        let peer = Peer::dial(&ALICE, &NetworkKey::MAIN, BOB.id(), &[5; 32], &METHODS, ROLE);
        let mut line = Self::new(peer, script);
        match line.shake_as_server(script) {
            Some(session) => line.keep(&session),
            None => assert!(!line.is_open, "opened without a proof"),
        }
        line
    }

    fn local(script: &mut Script<'a>) -> Self {
        let mut line = Self::new(Peer::local(BOB.id(), &METHODS, ROLE), script);
        line.is_local = true;
        line.remote = Remote::Local;
        line.read();
        line
    }

    /// Script: which message is damaged and at which bit, if any; and what becomes of the guest.
    fn shake_as_client(&mut self, script: &mut Script<'_>) -> Option<Session> {
        let (damaged, bit) = (script.below(8), script.short());
        let ephemeral = EphemeralKeypair::from_seed(&[6; 32]);
        let (hello, client) = ClientHandshake::new(&ALICE, &NetworkKey::MAIN, BOB.id(), ephemeral).hello();
        self.say_raw(&damage(hello, damaged == 1, bit));
        let (auth, client) = client.server_hello(&self.hear_message()?).ok()?;
        self.say_raw(&damage(auth, damaged == 2, bit));
        if self.waits_for_us {
            assert_ne!(damaged, 2, "a damaged proof was taken");
            assert!(damaged != 1, "a damaged hello was taken");
            match script.below(4) {
                0 => self.refuse(),
                1 => return None,
                _ => self.admit(),
            }
        }
        client.server_accept(&self.hear_message()?).ok()
    }

    /// Script: which message is damaged and at which bit, if any, and whose key is shown.
    fn shake_as_server(&mut self, script: &mut Script<'_>) -> Option<Session> {
        let (damaged, bit) = (script.below(8), script.short());
        let me = if script.below(8) == 7 { &MALLORY } else { &BOB };
        let server = ServerHandshake::new(me, &NetworkKey::MAIN, EphemeralKeypair::from_seed(&[6; 32]));
        let (reply, server) = server.client_hello(&self.hear_message()?).ok()?;
        self.say_raw(&damage(reply, damaged == 1, bit));
        let (accept, session) = server.client_auth(&self.hear_message()?).ok()?.admit();
        self.say_raw(&damage(accept, damaged == 2, bit));
        assert_eq!(self.is_open, damaged != 1 && damaged != 2 && me.id() == BOB.id());
        self.is_open.then_some(session)
    }

    fn keep(&mut self, session: &Session) {
        let sealer = Some(Box::new(Sealer::new(session.send.key(), session.send.nonce())));
        let opener = Box::new(Opener::new(session.receive.key(), session.receive.nonce()));
        self.remote = Remote::Sealed { sealer, opener };
    }

    fn admit(&mut self) {
        self.waits_for_us = false;
        self.peer.admit(ROLE);
        self.read();
        assert!(self.is_open);
    }

    fn refuse(&mut self) {
        self.waits_for_us = false;
        self.peer.refuse();
        self.read();
        assert_eq!(self.ended, Some(Err(PeerError::Refused)));
        assert!(self.peer.outgoing().is_empty(), "a byte for somebody who was refused");
    }

    /// Script: what happens next.
    fn step(&mut self, script: &mut Script<'_>) {
        match script.below(16) {
            0..=3 => {
                let packet = telling_packet(script);
                self.say(&packet);
            }
            4 => self.say(script.run()),
            5 => self.say_raw(script.run()),
            6 => self.wait(Duration::from_secs(script.below(8) as u64 * 100 + 1)),
            7..=8 => self.listen(script.short()),
            9 => match script.below(16) {
                0 => self.peer.close(self.now()),
                1 => self.hang_up(),
                2 => self.say_goodbye(),
                3 if self.waits_for_us => self.refuse(),
                4 if self.waits_for_us => self.admit(),
                _ => self.read(),
            },
            _ => self.do_something(script),
        }
        self.read();
    }

    /// Script: what, to which request.
    fn do_something(&mut self, script: &mut Script<'_>) {
        let what = script.below(8);
        let at = script.below(self.known.len());
        let which = self.known.iter().nth(at).map(|(request, kind)| (*request, *kind));
        self.given += CALL_LEN_MAX;
        match (what, which) {
            (0..=2, _) => {
                let kind = KINDS[script.below(KINDS.len())];
                let name = NAMES.get(script.below(5)).unwrap_or(&"nosuch");
                if let Ok(request) = self.peer.call(&[name], kind, "[1]") {
                    assert!(self.is_open && self.ended.is_none());
                    self.known.insert(request, kind);
                    assert!(self.owed.insert(request), "a number was used twice");
                }
            }
            (3..=4, Some((request, kind))) if kind.is_stream() => {
                let item = script.run().repeat(1 + script.below(64));
                self.given += item.len();
                self.peer.item(request, Body::Binary(&item));
            }
            (5, Some((request, kind))) if kind.is_stream() => self.peer.end(request),
            (6, Some((request, kind))) if kind.is_stream() || !request.is_ours() => {
                self.peer.refuse_call(request, &RemoteError::new("enough"));
            }
            (_, Some((request, kind))) if !kind.is_stream() && !request.is_ours() => {
                self.peer.answer(request, Body::Json("true"));
            }
            _ => {}
        }
    }

    /// The other end sends a text.
    fn say(&mut self, text: &[u8]) {
        let mut wire = Vec::new();
        match &mut self.remote {
            Remote::Sealed { sealer: Some(sealer), .. } => sealer.seal(text, &mut wire),
            Remote::Local => wire.extend_from_slice(text),
            Remote::Stranger | Remote::Sealed { sealer: None, .. } => {}
        }
        self.say_raw(&wire);
    }

    /// The other end sends bytes, sealed by nobody.
    fn say_raw(&mut self, wire: &[u8]) {
        self.sent.extend_from_slice(wire);
        self.read();
    }

    fn say_goodbye(&mut self) {
        let mut wire = Vec::new();
        match &mut self.remote {
            Remote::Sealed { sealer, .. } => {
                if let Some(sealer) = sealer.take() {
                    sealer.goodbye(&mut wire);
                }
            }
            Remote::Local => encode::goodbye(&mut wire),
            Remote::Stranger => {}
        }
        self.say_raw(&wire);
    }

    /// Reads what the other end has sent, unless too much waits to be written, or it waits for us to decide.
    fn read(&mut self) {
        let sent = std::mem::take(&mut self.sent);
        let (mut rest, mut cuts) = (sent.as_slice(), Cuts::new(self.cuts));
        self.take_events();
        while !rest.is_empty() && self.reads() {
            let now = self.now();
            let space = self.peer.space();
            assert!(!space.is_empty());
            let count = cuts.next(rest.len()).min(space.len());
            space[..count].copy_from_slice(&rest[..count]);
            self.peer.filled(count, now);
            self.received += count;
            rest = &rest[count..];
            self.take_events();
            if count % 2 == 0 {
                self.peer.rest();
            }
        }
        if rest.is_empty() && self.has_hung_up && self.ended.is_none() {
            self.peer.hung_up();
            self.take_events();
            assert!(self.ended.is_some() || !self.reads(), "a connection outlived its end");
        }
        self.sent = rest.to_vec();
    }

    fn reads(&self) -> bool {
        assert!(!(self.waits_for_us && self.peer.takes_bytes()), "reads on while somebody waits");
        self.ended.is_none() && self.peer.takes_bytes()
    }

    fn take_events(&mut self) {
        while let Some(event) = self.peer.poll() {
            assert_eq!(self.ended, None, "something happened after the end");
            match event {
                PeerEvent::Guest(id) => {
                    assert_eq!(id, ALICE.id());
                    assert!(!self.is_open && !self.waits_for_us);
                    self.waits_for_us = true;
                }
                PeerEvent::Open(id) => {
                    assert!(!self.is_open);
                    self.is_open = true;
                    assert_eq!(Some(id), self.peer.remote());
                }
                PeerEvent::Ended(result) => {
                    assert!(self.owed.is_empty(), "never ended: {:?}", self.owed);
                    self.ended = Some(result);
                    self.waits_for_us = false;
                }
                told => {
                    assert!(self.is_open, "{told:?} before the connection was open");
                    hear(&mut self.known, &mut self.owed, &told);
                    self.given += CALL_LEN_MAX;
                }
            }
            self.check_limits();
        }
        self.check_limits();
        if self.ended.is_some() {
            assert_eq!(self.peer.deadline(), None, "something to wait for after the end");
        } else if !self.is_local {
            assert_ne!(self.peer.deadline(), None, "nothing ends a connection on which nothing comes");
        }
    }

    fn check_limits(&self) {
        let memory = self.peer.memory();
        if !self.is_open {
            assert!(memory <= STRANGERS_MEMORY_MAX, "{memory} bytes for somebody unproven");
        }
        let waiting_max = OUTBOX_LEN_MAX + ANSWER_LEN_MAX + self.given;
        assert!(memory <= 8 * (waiting_max + SEALED_LEN_MAX + READ_LEN) + 2 * self.received);
    }

    /// The other end reads at most that many bytes.
    fn listen(&mut self, count: usize) {
        let now = self.now();
        let outgoing = self.peer.outgoing();
        let count = count.min(outgoing.len());
        self.unread.extend_from_slice(&outgoing[..count]);
        self.peer.wrote(count, now);
        self.understand();
    }

    fn understand(&mut self) {
        match &mut self.remote {
            Remote::Stranger => {}
            Remote::Local => self.heard.append(&mut self.unread),
            Remote::Sealed { opener, .. } => {
                while let (count @ 1.., progress) = opener.open(&mut self.unread).expect("honestly sealed") {
                    if let Progress::Plain(text) = progress {
                        self.heard.extend_from_slice(text);
                    }
                    self.unread.drain(..count);
                }
            }
        }
    }

    /// The next message of the handshake, once it is whole.
    fn hear_message<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.listen(usize::MAX);
        let message = *self.unread.first_chunk()?;
        self.unread.drain(..N);
        Some(message)
    }

    fn wait(&mut self, time: Duration) {
        self.seconds += time.as_secs();
        let now = self.now();
        let is_due = self.peer.deadline().is_some_and(|deadline| deadline <= now.uptime);
        self.peer.tick(now);
        self.take_events();
        if is_due {
            assert!(self.ended.is_some(), "a deadline passed");
        }
    }

    fn hang_up(&mut self) {
        self.has_hung_up = true;
        self.read();
    }

    fn now(&self) -> Now {
        Now { uptime: Uptime::new(Duration::from_secs(self.seconds)), wall: UnixMillis(0.0) }
    }

    /// Ends the connection, whatever state it is in, and looks at what the other end got.
    fn end(&mut self) {
        self.flush();
        self.hang_up();
        self.flush();
        self.wait(HANDSHAKE_TIMEOUT.max(INACTIVITY_TIMEOUT));
        self.read();
        let ended = self.ended.expect("every connection ends");
        self.flush();
        self.check_heard(ended);

        // Nothing wakes it again.
        let now = self.now();
        self.peer.close(now);
        self.peer.hung_up();
        self.peer.space().fill(0);
        self.peer.filled(1, now);
        self.wait(INACTIVITY_TIMEOUT);
        assert!(self.peer.call(&["ask"], Kind::Async, "[]").is_err());
        assert_eq!(self.peer.poll(), None);
        assert!(self.peer.outgoing().is_empty());
    }

    /// The other end reads all there is.
    fn flush(&mut self) {
        while !self.peer.outgoing().is_empty() {
            self.listen(usize::MAX);
            self.read();
        }
        self.read();
    }

    /// All that was sent in good order are whole packets.
    fn check_heard(&mut self, ended: Result<(), PeerError>) {
        if ended.is_ok() && self.is_open {
            if let Remote::Sealed { opener, .. } = &self.remote {
                assert!(opener.is_finished(), "no goodbye at the end");
            }
            assert_eq!(codec::decode(&self.heard, Cuts::new(&[])).end, End::Goodbye);
        }
    }
}

fn hear(known: &mut BTreeMap<RequestId, Kind>, owed: &mut BTreeSet<RequestId>, told: &PeerEvent<'_>) {
    match told {
        PeerEvent::Called { request, kind, .. } => {
            known.insert(*request, *kind);
            assert!(!kind.is_stream() || owed.insert(*request), "called twice");
        }
        PeerEvent::Answered { request, .. }
        | PeerEvent::Failed { request, .. }
        | PeerEvent::StreamEnded { request, .. } => assert!(owed.remove(request), "a second end"),
        PeerEvent::Item { request, body, .. } => {
            assert!(owed.contains(request), "an item of a stream that is over");
            assert!(!body.is_empty());
        }
        _ => {}
    }
}

fn damage<const N: usize>(mut message: [u8; N], really: bool, bit: usize) -> [u8; N] {
    if really {
        message[bit / 8 % N] ^= 1 << (bit % 8);
    }
    message
}

/// What a connection may occupy before its other end has proven who it is.
const STRANGERS_MEMORY_MAX: usize = 2048;
