//! The `blobs.createWants` streams of one connection, both ways: what stands between their items and the core.
//!
//! Each side calls the other's, and both stay open as long as the connection does (ssb-blobs 1.2.2). What a peer says is told to the
//! core a part at a time; what it wants is then looked up by whoever drives this. Meanwhile the peer's next items wait.
//!
//! Who refuses the call at once is asked the old way: with `blobs.has` for what is wanted, and with `blobs.changes` for what it
//! gets later. Who has to be called again, because another connection with it has ended, is asked with `blobs.has` besides: ssb-blobs
//! has one stream for both connections, and may answer nothing on it any more.
//!
//! What the peer is to hear it hears a part at a time, while little waits to be written.
//!
//! Who calls `blobs.changes` here hears of what it has asked for with `blobs.has`; in JavaScript it hears of every blob.

use std::collections::BTreeMap;
use std::collections::VecDeque;

use ssb_blobs::wants::event::Input as Blobs;
use ssb_blobs::wants::item;
use ssb_blobs::wants::item::Word;
use ssb_keys::BlobId;
use ssb_muxrpc::Body;
use ssb_muxrpc::Kind;
use ssb_muxrpc::RequestId;

use crate::backlog::Backlog;
use crate::backlog::Gate;
use crate::backlog::Words;
use crate::connection::ConnectionId;
use crate::event::Input;
use crate::peer::Peer;

/// The most words that the core hears at once, and the most blobs that are looked up at once.
pub const WORDS_MAX: usize = 256;

/// The most words that the peer is told in one item.
pub const SAY_AT_ONCE: usize = 128;

/// Of so many blobs it waits to be said that they are wanted. Of more it is not said.
pub const WANTED_MAX: usize = 65_536;

/// A peer that is to hear of so many blobs that they are here, and does not read it, is not read, either.
pub const HERE_MAX: usize = 8_192;

/// The most ids in one call of `blobs.has`. A call may have 64 KiB, which are more than a thousand.
pub const ASKED_MAX: usize = 128;

/// How many such calls may be open. What is wanted beyond that waits.
pub const CALLS_MAX: usize = 16;

/// The streams, as far as there are any.
#[derive(Debug)]
pub struct WantsStream {
    connection: ConnectionId,
    /// Our call, on which the peer speaks.
    heard: Heard,
    /// Whether the peer is to be called again.
    is_stale: bool,
    /// Our calls of `blobs.has`, and of what, if the peer is asked so.
    asked: Option<BTreeMap<RequestId, Vec<BlobId>>>,
    /// What it is still to be asked for.
    to_ask: Backlog<BlobId, ()>,
    /// The peer's call, on which it is spoken to.
    told: Option<Told>,
    /// What it is still to be told: answers say what is here, the others what is wanted.
    to_tell: Words<BlobId, Word>,
    gate: Gate,
    /// What the peer said and the core has not heard.
    words: VecDeque<(BlobId, Word)>,
    /// Whether the core has still to say what is to be looked up.
    is_waiting: bool,
    /// What is to be looked up.
    unknown: VecDeque<BlobId>,
    outbox: VecDeque<Input>,
}

/// How the peer tells what it wants and has.
#[derive(Debug)]
enum Heard {
    /// Not at all.
    Nothing,
    /// On `createWants`, on which something may have come.
    Wants { request: RequestId, is_understood: bool },
    /// On `blobs.changes`, if that is open, and in answers to `blobs.has`.
    OldWay(Option<RequestId>),
}

/// On what it is told what is wanted and who has it.
#[derive(Clone, Copy, Debug)]
enum Told {
    Wants(RequestId),
    Changes(RequestId),
}

impl Told {
    const fn request(self) -> RequestId {
        match self {
            Self::Wants(request) | Self::Changes(request) => request,
        }
    }
}

impl WantsStream {
    /// Those of a connection that was just made: none.
    pub const fn new(connection: ConnectionId) -> Self {
        Self {
            connection,
            heard: Heard::Nothing,
            is_stale: false,
            asked: None,
            to_ask: Backlog::new(),
            told: None,
            to_tell: Words::new(),
            gate: Gate::new(),
            words: VecDeque::new(),
            is_waiting: false,
            unknown: VecDeque::new(),
            outbox: VecDeque::new(),
        }
    }

    /// The core wants to hear the peer; all that it wants and has again, and told all that is wanted, if it was called before.
    pub fn call(&mut self, peer: &mut Peer) {
        match self.heard {
            Heard::Nothing => self.call_wants(false, peer),
            Heard::Wants { .. } => self.is_stale = true,
            Heard::OldWay(_) => {}
        }
    }

    /// The peer calls `blobs.createWants`.
    pub fn called(&mut self, request: RequestId, peer: &mut Peer) {
        self.listens(Told::Wants(request), peer);
    }

    /// The peer calls `blobs.changes`.
    pub fn changes_called(&mut self, request: RequestId, peer: &mut Peer) {
        self.listens(Told::Changes(request), peer);
    }

    /// The peer asks whether these are here, which they are not: so it wants them (ssb-blobs 1.2.2).
    pub fn wanted(&mut self, ids: impl IntoIterator<Item = BlobId>) {
        self.words.extend(ids.into_iter().map(|id| (id, Word::Wanted(1))));
    }

    /// The core says something. The peer hears of it with [`poll`](Self::poll), once little waits to be written.
    pub fn say(&mut self, words: Vec<(BlobId, Word)>, peer: &mut Peer) {
        if words.is_empty()
            && let Some(Told::Wants(request)) = self.told
        {
            peer.item(request, Body::Json(&item::to_json(&[])));
        }
        for (id, word) in words {
            match (word, self.told) {
                (Word::Has(_), Some(_)) => self.to_tell.answer(id, word),
                (Word::Wanted(_), Some(Told::Wants(_))) if self.to_tell.others() < WANTED_MAX => {
                    self.to_tell.say(id, word);
                }
                _ => {}
            }
            if matches!(word, Word::Wanted(_)) && self.asked.is_some() && self.to_ask.len() < WANTED_MAX {
                self.to_ask.put(id, ());
            }
        }
    }

    /// The core wants these to be looked up.
    pub fn look_up(&mut self, ids: Vec<BlobId>) {
        self.is_waiting = false;
        self.unknown.extend(ids);
    }

    /// An item came. Returns whether it was of these streams.
    pub fn item(&mut self, request: RequestId, body: &[u8]) -> bool {
        match &mut self.heard {
            Heard::Wants { request: ours, is_understood } if *ours == request => {
                *is_understood = true;
                self.words.extend(item::read(body));
                true
            }
            Heard::OldWay(Some(ours)) if *ours == request => {
                let id = serde_json::from_slice(body).ok().and_then(|text: String| BlobId::parse(&text).ok());
                self.claimed(id.into_iter().collect());
                true
            }
            _ => false,
        }
    }

    /// A call of ours was answered. Returns whether it was one of these.
    pub fn answered(&mut self, request: RequestId, body: &[u8]) -> bool {
        let Some(ids) = self.asked.as_mut().and_then(|asked| asked.remove(&request)) else { return false };
        let answers: Vec<bool> = serde_json::from_slice(body).unwrap_or_default();
        let here = ids.into_iter().zip(answers).filter(|(_, is_here)| *is_here);
        let here: Vec<BlobId> = here.map(|(id, _)| id).collect();
        self.claimed(here);
        true
    }

    /// A call of ours was refused.
    pub fn failed(&mut self, request: RequestId) {
        if let Some(asked) = &mut self.asked {
            asked.remove(&request);
        }
    }

    /// The peer ended a stream.
    pub fn ended(&mut self, request: RequestId, failed: bool, peer: &mut Peer) {
        if self.told.is_some_and(|told| told.request() == request) {
            self.told = None;
            self.to_tell.clear();
            peer.end(request);
            self.tell(Blobs::Deaf { connection: self.connection.into() });
        }
        match &mut self.heard {
            Heard::Wants { request: ours, is_understood } if *ours == request => {
                if failed && !*is_understood {
                    let changes = peer.call(&["blobs", "changes"], Kind::Source, "[]").ok();
                    self.heard = Heard::OldWay(changes);
                    self.ask();
                } else {
                    self.heard = Heard::Nothing;
                }
            }
            Heard::OldWay(changes) if *changes == Some(request) => *changes = None,
            _ => {}
        }
    }

    /// What is to be looked up next. [`found`](Self::found) is to follow.
    pub fn unknown(&mut self) -> Vec<BlobId> {
        self.unknown.drain(..self.unknown.len().min(WORDS_MAX)).collect()
    }

    /// These were looked up, and have so many bytes if they are here.
    pub fn found(&mut self, found: Vec<(BlobId, Option<u64>)>) {
        self.tell(Blobs::Found { connection: self.connection.into(), found });
    }

    /// Goes on with what the peer is to hear, and tells what the core is to hear next.
    pub fn poll(&mut self, peer: &mut Peer) -> Option<Input> {
        if self.gate.is_open(peer) && self.speak(peer) {
            self.gate.close(peer);
        }
        if let Some(input) = self.outbox.pop_front() {
            return Some(input);
        }
        if self.words.is_empty() || self.is_waiting || !self.unknown.is_empty() {
            return None;
        }
        let words: Vec<(BlobId, Word)> = self.words.drain(..self.words.len().min(WORDS_MAX)).collect();
        self.is_waiting = words.iter().any(|(_, word)| matches!(word, Word::Wanted(_)));
        Some(Input::Blobs(Blobs::Said { connection: self.connection.into(), words }))
    }

    /// Whether the peer may not go on: the core has not heard all it said, something is still to be looked up, or the peer should
    /// read first what is here.
    pub fn is_full(&self) -> bool {
        !self.words.is_empty()
            || self.is_waiting
            || !self.unknown.is_empty()
            || self.to_tell.answers() >= HERE_MAX
    }

    /// Says the next thing to the peer. Returns whether there was any.
    fn speak(&mut self, peer: &mut Peer) -> bool {
        if std::mem::take(&mut self.is_stale) {
            self.call_again(peer);
            return true;
        }
        match self.told {
            Some(Told::Wants(request)) => {
                let words = self.to_tell.take(SAY_AT_ONCE);
                if !words.is_empty() {
                    peer.item(request, Body::Json(&item::to_json(&words)));
                    return true;
                }
            }
            Some(Told::Changes(request)) => {
                if let Some((id, _)) = self.to_tell.take(1).first() {
                    peer.item(request, Body::Json(&format!("\"{id}\"")));
                    return true;
                }
            }
            None => {}
        }
        self.ask_next(peer)
    }

    /// Asks for the next part of what is wanted, the old way.
    fn ask_next(&mut self, peer: &mut Peer) -> bool {
        let Some(asked) = self.asked.as_mut().filter(|asked| asked.len() < CALLS_MAX) else { return false };
        let ids: Vec<BlobId> = self.to_ask.take(ASKED_MAX).into_iter().map(|(id, ())| id).collect();
        if ids.is_empty() {
            return false;
        }
        let list: Vec<String> = ids.iter().map(|id| format!("\"{id}\"")).collect();
        let args = format!("[[{}]]", list.join(","));
        if let Ok(request) = peer.call(&["blobs", "has"], Kind::Async, &args) {
            asked.insert(request, ids);
        }
        true
    }

    fn call_wants(&mut self, is_understood: bool, peer: &mut Peer) {
        if let Ok(request) = peer.call(&["blobs", "createWants"], Kind::Source, "[]") {
            peer.allow_large_items(request);
            self.heard = Heard::Wants { request, is_understood };
        }
    }

    fn call_again(&mut self, peer: &mut Peer) {
        match self.heard {
            // The peer has ended the call since.
            Heard::Nothing => self.call_wants(false, peer),
            Heard::Wants { request, is_understood } => {
                // Before it is called anew: ssb-blobs has one stream for both calls.
                peer.end(request);
                self.call_wants(is_understood, peer);
                self.ask();
            }
            Heard::OldWay(_) => {}
        }
    }

    fn listens(&mut self, told: Told, peer: &mut Peer) {
        if let Some(before) = self.told.replace(told) {
            peer.end(before.request());
        }
        // The core says all again.
        self.to_tell.clear_others();
        self.tell(Blobs::Listens { connection: self.connection.into() });
    }

    /// From now on asks the peer for what is wanted with `blobs.has`: first for all that is wanted now.
    fn ask(&mut self) {
        self.asked.get_or_insert_default();
        self.tell(Blobs::Listens { connection: self.connection.into() });
    }

    fn claimed(&mut self, ids: Vec<BlobId>) {
        if !ids.is_empty() {
            self.tell(Blobs::Claimed { connection: self.connection.into(), ids });
        }
    }

    fn tell(&mut self, input: Blobs) {
        self.outbox.push_back(Input::Blobs(input));
    }
}
