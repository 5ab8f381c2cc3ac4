//! Peers that do not play by the rules.

use std::collections::BTreeMap;
use std::sync::Arc;

use ssb_gossip::connection::ConnectionId;
use ssb_gossip::history::HistoryQuery;
use ssb_gossip::peer::Peer;
use ssb_gossip::peer::PeerEvent;
use ssb_gossip::peer::Timeouts;
use ssb_keys::Keypair;
use ssb_keys::network::NetworkKey;
use ssb_msg::Message;
use ssb_msg::Signing;
use ssb_msg::ValidationState;
use ssb_msg::draft;
use ssb_muxrpc::Body;
use ssb_muxrpc::Methods;

use crate::connection::ANONYMOUS;
use crate::network::End;
use crate::network::Network;
use crate::network::Read;
use crate::network::Written;
use crate::scenario::Role;

/// A node that is none of ours. It never dials.
#[derive(Debug)]
pub struct Rude {
    role: Role,
    me: Keypair,
    /// The connections of those who know the protocol.
    peers: BTreeMap<ConnectionId, Peer>,
}

impl Rude {
    /// A rude node.
    pub const fn new(role: Role, me: Keypair) -> Self {
        Self { role, me, peers: BTreeMap::new() }
    }

    /// Somebody dialed.
    pub fn connect(&mut self, id: ConnectionId, seed: &[u8; 32], methods: &Arc<Methods>, network: &Network) {
        let mut peer = Peer::accept(&self.me, &NetworkKey::MAIN, seed, methods);
        peer.start(Timeouts::default(), network.now());
        self.peers.insert(id, peer);
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
            Role::Liar | Role::Sloppy => self.answer(id, network),
        }
    }

    fn answer(&mut self, id: ConnectionId, network: &mut Network) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        loop {
            let mut asked = Vec::new();
            let mut is_guest = false;
            let mut is_over = false;
            while let Some(event) = peer.poll() {
                match event {
                    PeerEvent::Guest(_) => is_guest = true,
                    PeerEvent::Called { request, args, .. } => {
                        asked.push((request, HistoryQuery::parse(args)));
                    }
                    PeerEvent::Ended(_) => is_over = true,
                    _ => {}
                }
            }
            if is_guest {
                peer.admit(ANONYMOUS);
            }
            for (request, query) in asked {
                let answer = match self.role {
                    Role::Sloppy => sloppy(&self.me, query, network),
                    _ => vec![lie(&self.me, network)],
                };
                for item in answer {
                    peer.item(request, Body::Json(&item));
                }
            }
            while !peer.outgoing().is_empty() {
                match network.write(id, End::Listener, peer.outgoing()) {
                    Written::Some(count) => peer.wrote(count, network.now()),
                    Written::Wait => break,
                    Written::Broken => is_over = true,
                }
                if is_over {
                    break;
                }
            }
            if is_over {
                self.peers.remove(&id);
                network.close(id, End::Listener);
                return;
            }
            if is_guest {
                continue;
            }
            if !peer.takes_bytes() {
                return;
            }
            match network.read(id, End::Listener, peer.space()) {
                Read::Some(count) => peer.filled(count, network.now()),
                Read::End => peer.hung_up(),
                Read::Wait => return,
            }
        }
    }
}

/// All that a rude node ever wrote, in order.
pub fn feed(me: &Keypair) -> Vec<Message> {
    let mut state = ValidationState::new(me.id());
    let content = r#"{"type":"post","text":"I am who you asked for"}"#;
    (0..FEED_LEN)
        .map(|_| {
            let message = draft::sign(content, &state, 1.0, me, &Signing::plain());
            let message = message.expect("the content is a post");
            state.advance(state.check(&message).expect("it was made to follow"));
            message
        })
        .collect()
}

const FEED_LEN: u32 = 6;

fn lie(me: &Keypair, network: &mut Network) -> String {
    let text = feed(me).first().map(|message| message.json().to_owned()).unwrap_or_default();
    match network.random.below(4) {
        0 => "{}".to_owned(),
        1 => format!("\"{}\"", "x".repeat(20_000)),
        2 => text,
        _ => text.replace("who you asked", "whom you asked"),
    }
}

/// The own feed from where it was asked for, with mistakes.
fn sloppy(me: &Keypair, query: Option<HistoryQuery>, network: &mut Network) -> Vec<String> {
    let Some(query) = query.filter(|query| query.feed == me.id()) else { return Vec::new() };
    let mut items: Vec<String> = Vec::new();
    for message in feed(me).iter().filter(|message| message.sequence() >= query.from) {
        let text = message.json().to_owned();
        match network.random.below(10) {
            0 => {}
            1 => items.extend([text.clone(), text]),
            2 => items.insert(items.len().saturating_sub(1), text),
            _ => items.push(text),
        }
    }
    items
}
