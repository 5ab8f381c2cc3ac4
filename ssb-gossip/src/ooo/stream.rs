//! The `ooo.stream` of one connection: what stands between its items and the core.
//!
//! Whoever dialed calls it (ssb-ooo 1.3.3). What a peer wants is looked up in the log first, by whoever drives this: then the
//! core decides who may have what. While something is to be looked up, the peer's next items wait. Not while something is to be
//! sent: who reads nothing would never be heard again, not even that it is gone.

use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::sync::Arc;

use ssb_keys::FeedId;
use ssb_keys::MessageId;
use ssb_muxrpc::Body;
use ssb_muxrpc::Kind;
use ssb_muxrpc::RequestId;

use super::Wanted;
use super::item;
use super::item::Item;
use crate::backlog::Backlog;
use crate::backlog::Gate;
use crate::connection::ConnectionId;
use crate::connection::Side;
use crate::event::Input;
use crate::peer::Peer;

/// The most messages that are looked up at once.
pub const LOOK_UP_MAX: usize = 64;

/// The most messages that a peer is asked for in one item.
pub const ASK_AT_ONCE: usize = 128;

/// Of so many messages that the peer was asked for answers are looked at. As many wait to be asked for; more are not.
pub const ASKED_MAX: usize = 4096;

/// So many messages of the log wait to be sent; more are not.
pub const SERVED_MAX: usize = 4096;

/// While so many bytes of others wait to be sent, no more are.
pub const ANSWERS_LEN_MAX: usize = 1024 * 1024;

/// The stream, if there is one.
#[derive(Debug)]
pub struct OooStream {
    connection: ConnectionId,
    current: Option<RequestId>,
    /// What the peer is still to be asked for.
    wants: Backlog<MessageId, u8>,
    /// What the peer was asked for.
    asked: BTreeSet<MessageId>,
    /// What the peer wants and was not looked up yet.
    unknown: VecDeque<(MessageId, u8)>,
    /// What is to be sent out of the log.
    served: VecDeque<MessageId>,
    /// What is still to be sent.
    answers: Backlog<MessageId, Arc<str>>,
    answers_len: usize,
    gate: Gate,
    outbox: VecDeque<Input>,
}

impl OooStream {
    /// That of a connection that was just made: none.
    pub const fn new(connection: ConnectionId) -> Self {
        Self {
            connection,
            current: None,
            wants: Backlog::new(),
            asked: BTreeSet::new(),
            unknown: VecDeque::new(),
            served: VecDeque::new(),
            answers: Backlog::new(),
            answers_len: 0,
            gate: Gate::new(),
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

    /// The core wants messages. The peer hears of it with [`poll`](Self::poll), once little waits to be written.
    pub fn ask(&mut self, wants: Vec<(MessageId, u8)>) {
        for (id, distance) in wants {
            if self.current.is_some() && self.wants.len() < ASKED_MAX {
                self.wants.put(id, distance);
            }
        }
    }

    /// The core lets the peer have messages of the log.
    pub fn serve(&mut self, ids: Vec<MessageId>) {
        if self.current.is_some() {
            self.served.extend(ids.into_iter().take(SERVED_MAX.saturating_sub(self.served.len())));
        }
    }

    /// The peer is to have this message, with [`poll`](Self::poll).
    pub fn tell(&mut self, id: MessageId, json: Arc<str>) {
        if self.current.is_some() && self.answers_len < ANSWERS_LEN_MAX {
            self.answers_len += json.len();
            let before = self.answers.put(id, json);
            self.answers_len -= before.map_or(0, |json| json.len());
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

    /// What is to be read from the log next, and [told](Self::tell) if it is there. There is nothing while something waits to be
    /// sent.
    pub fn pop(&mut self) -> Option<MessageId> {
        if self.answers_len > 0 { None } else { self.served.pop_front() }
    }

    /// Goes on with what the peer is to hear, and tells what the core is to hear next.
    pub fn poll(&mut self, peer: &mut Peer) -> Option<Input> {
        self.speak(peer);
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

    fn speak(&mut self, peer: &mut Peer) {
        let Some(request) = self.current.filter(|_| self.gate.is_open(peer)) else { return };
        if let Some((id, json)) = self.answers.pop() {
            self.answers_len -= json.len();
            peer.item(request, Body::Json(&item::answer(&id, &json)));
        } else {
            let wants = self.wants.take(ASK_AT_ONCE);
            if wants.is_empty() {
                return;
            }
            self.asked.extend(wants.iter().map(|(id, _)| *id));
            while self.asked.len() > ASKED_MAX {
                self.asked.pop_first();
            }
            peer.item(request, Body::Json(&item::wants(&wants)));
        }
        self.gate.close(peer);
    }

    fn end(&mut self, peer: &mut Peer) {
        if let Some(request) = self.current.take() {
            self.wants.clear();
            self.answers.clear();
            self.answers_len = 0;
            self.asked = BTreeSet::new();
            self.unknown = VecDeque::new();
            self.served = VecDeque::new();
            peer.end(request);
            self.outbox.push_back(Input::OooEnded { connection: self.connection });
        }
    }
}
