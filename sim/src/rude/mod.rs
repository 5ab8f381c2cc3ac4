//! Peers that do not play by the rules: how they live on a connection. What they say there is in `tree` and `history`.

mod blobs;
mod history;
mod tree;

use std::collections::BTreeMap;
use std::sync::Arc;

use ssb_blobs::wants::item::read;
use ssb_gossip::connection::ConnectionId;
use ssb_gossip::ebt::note::Item;
use ssb_gossip::history::HistoryQuery;
use ssb_gossip::ooo::item;
use ssb_gossip::peer::Peer;
use ssb_gossip::peer::PeerEvent;
use ssb_gossip::peer::Timeouts;
use ssb_keys::Keypair;
use ssb_keys::MessageId;
use ssb_keys::network::NetworkKey;
use ssb_msg::Message;
use ssb_msg::Signing;
use ssb_msg::ValidationState;
use ssb_msg::draft;
use ssb_muxrpc::Body;
use ssb_muxrpc::Methods;
use ssb_muxrpc::RemoteError;
use ssb_muxrpc::RequestId;

use crate::blobs::asked_for;
use crate::connection::ANONYMOUS;
use crate::connection::EBT;
use crate::connection::GET;
use crate::connection::OOO;
use crate::connection::WANTS;
use crate::network::End;
use crate::network::Event;
use crate::network::Network;
use crate::network::Read;
use crate::network::Written;
use crate::scenario::Role;
use crate::scenario::SECOND;

/// A node that is none of ours. It never dials.
#[derive(Debug)]
pub struct Rude {
    role: Role,
    number: usize,
    me: Keypair,
    /// The connections of those who know the protocol.
    lines: BTreeMap<ConnectionId, Line>,
}

/// A connection of one who knows the protocol.
#[derive(Debug)]
struct Line {
    peer: Peer,
    /// Its `ebt.replicate`.
    tree: Option<RequestId>,
    /// The `ooo.stream` that the peer has called.
    singles: Option<RequestId>,
    /// What it hears and says of blobs.
    blobs: blobs::Line,
    /// When those who say more than they are asked say something again.
    next: u64,
}

impl Rude {
    /// A rude node.
    pub const fn new(role: Role, number: usize, me: Keypair) -> Self {
        Self { role, number, me, lines: BTreeMap::new() }
    }

    /// All that it ever wrote, in order, branch by branch.
    pub fn branches(&self) -> Vec<Vec<Message>> {
        branches(self.role, &self.me)
    }

    /// Somebody dialed.
    pub fn connect(&mut self, id: ConnectionId, seed: &[u8; 32], methods: &Arc<Methods>, network: &Network) {
        let mut peer = Peer::accept(&self.me, &NetworkKey::MAIN, seed, methods);
        peer.start(Timeouts::default(), network.now());
        self.lines
            .insert(id, Line { peer, tree: None, singles: None, blobs: blobs::Line::default(), next: 0 });
    }

    /// Something can be read or written.
    pub fn pump(&mut self, id: ConnectionId, network: &mut Network) {
        match self.role {
            Role::Ours | Role::Silent => {}
            Role::Noise => {
                let mut buffer = [0; 512];
                while let Read::Some(_) = network.read(id, End::Listener, &mut buffer) {
                    let noise = network.random.seed();
                    let _ = network.write(id, End::Listener, &noise);
                }
            }
            _ => self.converse(id, network),
        }
    }

    fn converse(&mut self, id: ConnectionId, network: &mut Network) {
        loop {
            let Some(line) = self.lines.get_mut(&id) else { return };
            let (said, is_guest, mut is_over) = listen(line);
            if is_guest {
                line.peer.admit(ANONYMOUS);
            }
            for said in said {
                self.answer(id, said, network);
            }
            self.deal(id, network);
            self.speak(id, network);
            let Some(line) = self.lines.get_mut(&id) else { return };
            while !is_over && !line.peer.outgoing().is_empty() {
                match network.write(id, End::Listener, line.peer.outgoing()) {
                    Written::Some(count) => line.peer.wrote(count, network.now()),
                    Written::Wait => break,
                    Written::Broken => is_over = true,
                }
            }
            if is_over {
                self.lines.remove(&id);
                network.close(id, End::Listener);
                return;
            }
            if is_guest {
                continue;
            }
            let reads_no_more = self.role == Role::SlowReader && line.tree.is_some();
            if reads_no_more || !line.peer.takes_bytes() {
                return;
            }
            match network.read(id, End::Listener, line.peer.space()) {
                Read::Some(count) => line.peer.filled(count, network.now()),
                Read::End => line.peer.hung_up(),
                Read::Wait => return,
            }
        }
    }

    fn answer(&mut self, id: ConnectionId, said: Said, network: &mut Network) {
        let Some(line) = self.lines.get_mut(&id) else { return };
        match said {
            Said::Asked(request, query) => {
                for item in history::answer(self.role, &self.me, id, query, network) {
                    line.peer.item(request, Body::Json(&item));
                }
            }
            Said::Called(request) if tree::speaks(self.role) => {
                line.tree = Some(request);
                for item in tree::greeting(self.role, &self.me, id) {
                    line.peer.item(request, Body::Json(&item));
                }
            }
            Said::Called(request) => {
                line.peer.refuse_call(request, &RemoteError::new("no such thing here"));
            }
            Said::Item(request, item) if line.tree == Some(request) => {
                for item in tree::answer(self.role, &self.me, id, &item) {
                    line.peer.item(request, Body::Json(&item));
                }
            }
            Said::Item(..) => {}
            Said::Opened => blobs::open(self.role, &mut line.peer, &mut line.blobs),
            Said::Blobs(said) => blobs::answer(self.role, said, &mut line.peer, &mut line.blobs, network),
            // A lie: what it has is something else.
            Said::Wants(request, wants) => {
                let message = feed(&self.me, "this is what you want", 1).remove(0);
                for (id, _) in wants {
                    line.peer.item(request, Body::Json(&item::answer(&id, message.json())));
                }
            }
        }
    }

    /// Goes on with what it says and sends of blobs.
    fn deal(&mut self, id: ConnectionId, network: &mut Network) {
        let Some(line) = self.lines.get_mut(&id) else { return };
        if line.peer.buffered() > BUFFERED_MAX {
            return;
        }
        if let Some(pause) = blobs::deal(self.role, &mut line.peer, &mut line.blobs, network) {
            network.after(pause, Event::Pump { node: self.number, link: id });
        }
    }

    /// Says what nobody asked for, now and then.
    fn speak(&mut self, id: ConnectionId, network: &mut Network) {
        let Some(line) = self.lines.get_mut(&id) else { return };
        let Some(request) = line.tree.filter(|_| tree::floods(self.role)) else { return };
        if line.next > network.micros() || line.peer.buffered() > BUFFERED_MAX {
            return;
        }
        for item in tree::flood(self.role, &self.me, &mut network.random) {
            line.peer.item(request, Body::Json(&item));
        }
        let pause = if network.is_stormy { SECOND / 5 } else { 5 * SECOND };
        line.next = network.micros() + pause;
        network.after(pause, Event::Pump { node: self.number, link: id });
    }
}

/// What a peer says that matters to those who are rude.
enum Said {
    /// It calls `createHistoryStream`.
    Asked(RequestId, Option<HistoryQuery>),
    /// It calls `ebt.replicate`.
    Called(RequestId),
    /// An item of a stream.
    Item(RequestId, Item),
    /// It wants single messages.
    Wants(RequestId, Vec<(MessageId, u8)>),
    /// Calls go both ways.
    Opened,
    /// It says something of blobs.
    Blobs(blobs::Said),
}

/// What was said, whether somebody waits to be admitted, and whether the connection is over.
fn listen(line: &mut Line) -> (Vec<Said>, bool, bool) {
    let (mut said, mut is_guest, mut is_over) = (Vec::new(), false, false);
    while let Some(event) = line.peer.poll() {
        match event {
            PeerEvent::Guest(_) => is_guest = true,
            PeerEvent::Called { request, method, .. } if method.index() == EBT => {
                said.push(Said::Called(request));
            }
            PeerEvent::Called { request, method, .. } if method.index() == OOO => {
                line.singles = Some(request);
            }
            PeerEvent::Open(_) => said.push(Said::Opened),
            PeerEvent::Called { request, method, .. } if method.index() == WANTS => {
                said.push(Said::Blobs(blobs::Said::Asked(request)));
            }
            PeerEvent::Called { request, method, args, .. } if method.index() == GET => {
                said.push(Said::Blobs(blobs::Said::Gets(request, asked_for(args))));
            }
            PeerEvent::Called { request, args, .. } => {
                said.push(Said::Asked(request, HistoryQuery::parse(args)));
            }
            PeerEvent::Item { request, body, .. } if line.singles == Some(request) => {
                said.push(Said::Wants(request, item::Item::read(body).wants));
            }
            PeerEvent::Item { request, body, .. } if line.blobs.hears(request) => {
                said.push(Said::Blobs(blobs::Said::Words(read(body))));
            }
            PeerEvent::Item { request, body, .. } => {
                said.extend(Item::read(body).ok().map(|item| Said::Item(request, item)));
            }
            PeerEvent::StreamEnded { request, .. } => line.blobs.ended(request),
            PeerEvent::Ended(_) => is_over = true,
            _ => {}
        }
    }
    (said, is_guest, is_over)
}

/// All that a rude node ever wrote, in order, branch by branch: only a forker has two.
fn branches(role: Role, me: &Keypair) -> Vec<Vec<Message>> {
    let count = if role == Role::Forker { 2 } else { 1 };
    // They part behind the second message, and who has the shorter one is sent the end of the other.
    let branches = [("I am who you asked for", FEED_LEN), ("I am somebody else", FEED_LEN + 2)];
    branches.iter().take(count).map(|(text, len)| feed(me, text, *len)).collect()
}

/// A feed that begins like all of its author's, and goes on with this text.
fn feed(me: &Keypair, text: &str, len: u32) -> Vec<Message> {
    let mut state = ValidationState::new(me.id());
    let first = r#"{"type":"post","text":"hello"}"#.to_owned();
    let rest = format!(r#"{{"type":"post","text":"{text}"}}"#);
    (0..len)
        .map(|index| {
            let content = if index < FORKS_AT { &first } else { &rest };
            let message = draft::sign(content, &state, 1.0, me, &Signing::plain());
            let message = message.expect("the content is a post");
            state.advance(state.check(&message).expect("it was made to follow"));
            message
        })
        .collect()
}

const FEED_LEN: u32 = 6;

/// How many messages two branches have in common.
const FORKS_AT: u32 = 2;

/// Who floods waits for the peer to read while so much is not written.
const BUFFERED_MAX: usize = 20_000;
