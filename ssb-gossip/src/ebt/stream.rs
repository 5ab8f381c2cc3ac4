//! The `ebt.replicate` stream of one connection: what stands between its items and the core.
//!
//! Messages are kept until [`poll`](EbtStream::poll), so that many go to the core at once; whatever else the core is told of the
//! stream goes behind the messages that came before it.

use std::collections::BTreeSet;
use std::collections::VecDeque;

use serde_json::Value;
use ssb_keys::FeedId;
use ssb_msg::limits::WIRE_LEN_MAX;
use ssb_muxrpc::Body;
use ssb_muxrpc::Kind;
use ssb_muxrpc::Method;
use ssb_muxrpc::RemoteError;
use ssb_muxrpc::RequestId;
use ssb_muxrpc::limits::BODY_LEN_MAX;

use crate::backlog::Gate;
use crate::backlog::Words;
use crate::connection::ConnectionId;
use crate::ebt::note;
use crate::ebt::note::Item;
use crate::ebt::note::Note;
use crate::ebt::serving::Sent;
use crate::ebt::serving::Serve;
use crate::ebt::serving::Serving;
use crate::event::Input;
use crate::history::ServedPage;
use crate::peer::Peer;
use crate::streams::ITEMS_LEN_MAX;

/// What a table of methods has for `ebt.replicate`. JavaScript peers say how far they have all feeds in one item, which has to
/// fit; a connection buffers one body at a time.
pub fn method() -> Method {
    Method::new("ebt.replicate", Kind::Duplex).with_item_len_max(BODY_LEN_MAX)
}

/// How many notes go into one item: JavaScript reads an item at once.
pub const NOTES_AT_ONCE: usize = 2_000;

/// A peer that is refused so many feeds and does not read it is not read, either.
pub const REFUSALS_MAX: usize = 8_192;

/// The stream, if there is one.
#[derive(Debug)]
pub struct EbtStream {
    connection: ConnectionId,
    current: Option<RequestId>,
    /// Calls of the peer about which the core has not decided.
    undecided: BTreeSet<RequestId>,
    /// What is still to be noted: answers say that feeds are refused, the others how far they are here.
    notes: Words<FeedId, Note>,
    gate: Gate,
    serving: Serving,
    messages: Vec<(FeedId, Vec<u8>)>,
    outbox: VecDeque<Input>,
}

impl EbtStream {
    /// That of a connection that was just made: none.
    pub fn new(connection: ConnectionId) -> Self {
        Self {
            connection,
            current: None,
            undecided: BTreeSet::new(),
            notes: Words::new(),
            gate: Gate::new(),
            serving: Serving::default(),
            messages: Vec::new(),
            outbox: VecDeque::new(),
        }
    }

    /// The core wants to call.
    pub fn call(&mut self, peer: &mut Peer) {
        // ssb-ebt 5 looks at the version alone.
        match peer.call(&["ebt", "replicate"], Kind::Duplex, r#"[{"version":3,"format":"classic"}]"#) {
            Ok(request) => {
                peer.allow_large_items(request);
                self.begin(request, peer);
            }
            Err(_) => self.tell(Input::EbtEnded { connection: self.connection }),
        }
    }

    /// The peer calls `ebt.replicate`.
    pub fn called(&mut self, request: RequestId, args: &[u8], peer: &mut Peer) {
        match refusal(args) {
            Some(error) => peer.refuse_call(request, &error),
            None => {
                self.undecided.insert(request);
                self.tell(Input::EbtAsked { connection: self.connection, request });
            }
        }
    }

    /// The core takes a call of the peer for the stream.
    pub fn accept(&mut self, request: RequestId, peer: &mut Peer) {
        if self.undecided.remove(&request) {
            self.begin(request, peer);
        }
    }

    /// The core has another stream.
    pub fn refuse(&mut self, request: RequestId, peer: &mut Peer) {
        if self.undecided.remove(&request) {
            peer.refuse_call(request, &RemoteError::new(RECONNECTED));
        }
    }

    /// The core notes something. The peer hears of it with [`poll`](Self::poll), once little waits to be written.
    pub fn note(&mut self, notes: Vec<(FeedId, Note)>) {
        if self.current.is_none() {
            return;
        }
        for (feed, note) in notes {
            match note {
                Note::Refused => self.notes.answer(feed, note),
                Note::Has { .. } => self.notes.say(feed, note),
            }
        }
    }

    /// The core wants feeds to be sent, or not any more.
    pub fn serve(&mut self, feeds: Vec<(FeedId, Serve)>) {
        if self.current.is_some() {
            feeds.into_iter().for_each(|(feed, serve)| self.serving.set(feed, serve));
        }
    }

    /// An item came. Returns whether it was of this stream.
    pub fn item(&mut self, request: RequestId, body: &[u8]) -> bool {
        if self.current != Some(request) {
            return false;
        }
        match Item::read(body) {
            Ok(Item::Message(Some((feed, sequence)))) => {
                self.serving.received(&feed, sequence);
                // So many bytes show that it is too long.
                let kept = body.get(..=WIRE_LEN_MAX).unwrap_or(body);
                self.messages.push((feed, kept.to_vec()));
            }
            Ok(Item::Clock(notes)) => self.tell(Input::EbtNotes { connection: self.connection, notes }),
            // What nobody can make anything of.
            Ok(Item::Message(None)) | Err(_) => {}
        }
        true
    }

    /// The peer ended a stream.
    pub fn ended(&mut self, request: RequestId) {
        self.undecided.remove(&request);
        if self.current == Some(request) {
            self.current = None;
            self.forget();
            self.tell(Input::EbtEnded { connection: self.connection });
        }
    }

    /// The log has grown by a message of this feed.
    pub fn wake(&mut self, feed: &FeedId) {
        self.serving.wake(feed);
    }

    /// Whether no feed is sent to the peer.
    pub fn is_idle(&self) -> bool {
        self.serving.is_empty()
    }

    /// The feed that is to be read next, and from where on, if the log holds each up to `latest`. [`send`](Self::send) is to follow.
    /// There is none while something is still to be noted: a peer hears first what is said of a feed, and then what is in it.
    pub fn pop(&mut self, latest: impl Fn(&FeedId) -> u32) -> Option<(FeedId, u32)> {
        let is_noted = self.notes.answers() + self.notes.others() == 0;
        is_noted.then(|| self.serving.pop(latest)).flatten()
    }

    /// Sends what was read of a feed from `from` on. Returns whether the log could be read.
    ///
    /// # Errors
    ///
    /// Why not.
    pub fn send<E>(
        &mut self,
        feed: FeedId,
        from: u32,
        page: ServedPage<E>,
        peer: &mut Peer,
    ) -> Result<(), E> {
        let Some(request) = self.current else { return Ok(()) };
        for (_, item) in &page.items {
            peer.item(request, Body::Json(item));
        }
        if self.serving.sent(feed, from, page.items.len(), &page.then) == Sent::Incomplete {
            self.tell(Input::EbtIncomplete { connection: self.connection, feed });
        }
        page.then.failure().map_or(Ok(()), Err)
    }

    /// Goes on with what is to be noted, and tells what the core is to hear next.
    pub fn poll(&mut self, peer: &mut Peer) -> Option<Input> {
        self.speak(peer);
        self.flush();
        self.outbox.pop_front()
    }

    /// Whether messages wait to be told.
    pub const fn has_messages(&self) -> bool {
        !self.messages.is_empty()
    }

    /// Whether the peer may not go on. The core should hear first of what came: so many messages wait, or a call of whose items
    /// nobody knows yet what they are. Or the peer should read first what it is refused.
    pub fn is_full(&self) -> bool {
        self.messages.len() >= ITEMS_LEN_MAX
            || !self.undecided.is_empty()
            || self.notes.answers() >= REFUSALS_MAX
    }

    fn begin(&mut self, request: RequestId, peer: &mut Peer) {
        self.forget();
        if let Some(before) = self.current.replace(request) {
            peer.refuse_call(before, &RemoteError::new(RECONNECTED));
        }
    }

    /// Nothing that was to be said or sent on a stream goes over the next one.
    fn forget(&mut self) {
        self.notes.clear();
        self.serving = Serving::default();
    }

    fn speak(&mut self, peer: &mut Peer) {
        let Some(request) = self.current.filter(|_| self.gate.is_open(peer)) else { return };
        let notes = self.notes.take(NOTES_AT_ONCE);
        if !notes.is_empty() {
            peer.item(request, Body::Json(&note::to_json(&notes)));
            self.gate.close(peer);
        }
    }

    fn tell(&mut self, input: Input) {
        self.flush();
        self.outbox.push_back(input);
    }

    fn flush(&mut self) {
        if !self.messages.is_empty() {
            let messages = std::mem::take(&mut self.messages);
            self.outbox.push_back(Input::EbtMessages { connection: self.connection, messages });
        }
    }
}

/// Why a call cannot be answered (ssb-ebt 5.6.7 and 9.1.2).
fn refusal(args: &[u8]) -> Option<RemoteError> {
    let args: Value = serde_json::from_slice(args).unwrap_or_default();
    let options = args.get(0);
    if options.and_then(|options| options.get("version")).and_then(Value::as_f64) != Some(3.0) {
        return Some(RemoteError::new("expected ebt.replicate({version: 3 or 2})"));
    }
    match options.and_then(|options| options.get("format")) {
        None | Some(Value::Null) => None,
        Some(Value::String(format)) if format == "classic" => None,
        Some(format) => {
            let format = format.as_str().map_or_else(|| format.to_string(), str::to_owned);
            Some(RemoteError::new(format!("Unknown format: {format}")))
        }
    }
}

/// What a stream ends with that another one replaces (epidemic-broadcast-trees 7.0.0).
const RECONNECTED: &str = "reconnected to peer";
