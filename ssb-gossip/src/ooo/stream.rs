//! The `ooo.stream` of one connection: what stands between its items and the core.
//!
//! Whoever dialed calls it (ssb-ooo 1.3.3). What a peer wants is looked up in the log first, by whoever drives this: then the
//! core decides who may have what. While something is to be looked up, the peer's next items wait. Not while something is to be
//! sent: who reads nothing would never be heard again, not even that it is gone.

use std::collections::BTreeSet;
use std::collections::VecDeque;

use ssb_keys::FeedId;
use ssb_keys::MessageId;
use ssb_muxrpc::Body;
use ssb_muxrpc::Kind;
use ssb_muxrpc::RequestId;

use super::Wanted;
use super::item;
use super::item::Item;
use crate::connection::ConnectionId;
use crate::connection::Side;
use crate::event::Input;
use crate::peer::Peer;

/// The most messages that are looked up at once.
pub const LOOK_UP_MAX: usize = 64;

/// Of so many messages that the peer was asked for answers are looked at.
pub const ASKED_MAX: usize = 4096;

/// So many messages of the log wait to be sent; more are not.
pub const SERVED_MAX: usize = 4096;

/// The stream, if there is one.
#[derive(Debug)]
pub struct OooStream {
    connection: ConnectionId,
    current: Option<RequestId>,
    /// What the peer was asked for.
    asked: BTreeSet<MessageId>,
    /// What the peer wants and was not looked up yet.
    unknown: VecDeque<(MessageId, u8)>,
    /// What is to be sent out of the log.
    served: VecDeque<MessageId>,
    outbox: VecDeque<Input>,
}

impl OooStream {
    /// That of a connection that was just made: none.
    pub const fn new(connection: ConnectionId) -> Self {
        Self {
            connection,
            current: None,
            asked: BTreeSet::new(),
            unknown: VecDeque::new(),
            served: VecDeque::new(),
            outbox: VecDeque::new(),
        }
    }

    /// The connection is open.
    pub fn opened(&mut self, side: Side, peer: &mut Peer) {
        if side == Side::Dialed
            && let Ok(request) = peer.call(&["ooo", "stream"], Kind::Duplex, "[]")
        {
            self.begin(request, peer);
        }
    }

    /// The peer calls `ooo.stream`.
    pub fn called(&mut self, request: RequestId, peer: &mut Peer) {
        self.begin(request, peer);
    }

    /// The core wants messages.
    pub fn ask(&mut self, wants: &[(MessageId, u8)], peer: &mut Peer) {
        if let Some(request) = self.current {
            self.asked.extend(wants.iter().map(|(id, _)| *id));
            while self.asked.len() > ASKED_MAX {
                self.asked.pop_first();
            }
            peer.item(request, Body::Json(&item::wants(wants)));
        }
    }

    /// The core lets the peer have messages of the log.
    pub fn serve(&mut self, ids: Vec<MessageId>) {
        if self.current.is_some() {
            self.served.extend(ids.into_iter().take(SERVED_MAX.saturating_sub(self.served.len())));
        }
    }

    /// The peer is to have this message.
    pub fn tell(&self, id: &MessageId, json: &str, peer: &mut Peer) {
        if let Some(request) = self.current {
            peer.item(request, Body::Json(&item::answer(id, json)));
        }
    }

    /// An item came. Returns whether it was of this stream.
    pub fn item(&mut self, request: RequestId, body: &[u8]) -> bool {
        if self.current != Some(request) {
            return false;
        }
        let Item { wants, mut answers } = Item::read(body);
        self.unknown.extend(wants);
        answers.retain(|(id, _)| self.asked.remove(id));
        if !answers.is_empty() {
            self.outbox.push_back(Input::OooAnswered { connection: self.connection, answers });
        }
        true
    }

    /// The peer ended a stream.
    pub fn ended(&mut self, request: RequestId, peer: &mut Peer) {
        if self.current == Some(request) {
            self.end(peer);
        }
    }

    /// What is to be looked up next. [`found`](Self::found) is to follow.
    pub fn unknown(&mut self) -> Vec<(MessageId, u8)> {
        self.unknown.drain(..self.unknown.len().min(LOOK_UP_MAX)).collect()
    }

    /// These were looked up, and are of these authors if the log has them.
    pub fn found(&mut self, wants: Vec<(MessageId, u8, Option<FeedId>)>) {
        if self.current.is_some() {
            let wants = wants.into_iter().map(|(id, distance, author)| Wanted { id, distance, author });
            let wants = wants.collect();
            self.outbox.push_back(Input::OooWanted { connection: self.connection, wants });
        }
    }

    /// What is to be read from the log next, and [told](Self::tell) if it is there.
    pub fn pop(&mut self) -> Option<MessageId> {
        self.served.pop_front()
    }

    /// What the core is to hear next.
    pub fn poll(&mut self) -> Option<Input> {
        self.outbox.pop_front()
    }

    /// Whether the peer may not go on: something of what it wanted is still to be looked up.
    pub fn is_full(&self) -> bool {
        !self.unknown.is_empty()
    }

    fn begin(&mut self, request: RequestId, peer: &mut Peer) {
        self.end(peer);
        self.current = Some(request);
        self.outbox.push_back(Input::OooOpened { connection: self.connection });
    }

    fn end(&mut self, peer: &mut Peer) {
        if let Some(request) = self.current.take() {
            self.asked = BTreeSet::new();
            self.unknown = VecDeque::new();
            self.served = VecDeque::new();
            peer.end(request);
            self.outbox.push_back(Input::OooEnded { connection: self.connection });
        }
    }
}
