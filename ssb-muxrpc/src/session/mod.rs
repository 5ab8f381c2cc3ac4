//! Calls and streams, both ways, over one connection.
//!
//! [`Session`] owns no socket: it is given what arrived and says what to send. Every request the peer makes that passes
//! the table of methods becomes one [`Event::Called`]; the others it answers itself. Every request we make ends in
//! exactly one [`Event::Answered`] or [`Event::Failed`] if it is async, in exactly one [`Event::Ended`] if it is a
//! stream; so does every stream of theirs that was called, whatever happens to the connection.
//!
//! A stream is over when both sides have ended it. Where the application has nothing to add, the session sends our end
//! in answer to theirs: always after an error, for a source of either side, and for a sink of ours. For a sink of theirs
//! it is the confirmation of what they sent, and for a duplex our own items may go on: there the application calls
//! [`end`](Session::end) or [`fail`](Session::fail), or the stream stays open.

mod call;
mod incoming;
pub(crate) mod json;
mod outbox;
mod requests;

use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

use serde_json::value::RawValue;

use self::incoming::Incoming;
use self::outbox::Outbox;
use self::requests::Hearing;
use self::requests::Open;
pub use self::requests::RequestId;
use self::requests::Requests;
use self::requests::Speaking;
use crate::body::Body;
use crate::body::BodyType;
use crate::decode::Decoder;
use crate::error::ProtocolError;
use crate::error::RemoteError;
use crate::limits::BODY_LEN_MAX;
use crate::limits::ITEM_LEN_MAX;
use crate::limits::KEPT_CAPACITY_MAX;
use crate::limits::OUTBOX_LEN_MAX;
use crate::method::Kind;
use crate::method::MethodId;
use crate::method::Methods;
use crate::method::Role;
use crate::packet::Packet;

/// One connection's calls and streams.
#[derive(Debug)]
pub struct Session {
    methods: Arc<Methods>,
    caller: Role,
    /// The longest call this caller has a use for.
    call_len_max: u32,
    requests: Requests,
    outbox: Outbox,
    decoder: Decoder,
    /// The packet whose body is arriving.
    incoming: Option<Incoming>,
    /// As much of that body as came, or the body of the last event.
    body: Vec<u8>,
    /// Whether `body` is what the last event is about.
    delivered: bool,
    us: Us,
    them: Them,
}

impl Session {
    /// Starts before the first packet. The peer may call what `methods` lets a `caller` call.
    pub fn new(methods: Arc<Methods>, caller: Role) -> Self {
        Self {
            call_len_max: methods.call_len_max(caller),
            methods,
            caller,
            requests: Requests::default(),
            outbox: Outbox::default(),
            decoder: Decoder::new(),
            incoming: None,
            body: Vec::new(),
            delivered: false,
            us: Us::Open,
            them: Them::Open,
        }
    }

    /// Takes in what arrived, cut anywhere, up to the next event, and says how many bytes it took.
    ///
    /// Call it until it neither takes nor returns anything, and after [`abort`](Self::abort) and
    /// [`hung_up`](Self::hung_up) with nothing, for the events of what they ended. It leaves input untouched while
    /// more than [`OUTBOX_LEN_MAX`] waits to be sent, and once it [is finished](Self::is_finished).
    ///
    /// # Errors
    ///
    /// A [`ProtocolError`], once. The connection is to be closed; what was open has ended as if the peer
    /// [had hung up](Self::hung_up).
    pub fn receive(&mut self, input: &[u8]) -> Result<(usize, Option<Event>), ProtocolError> {
        self.forget_body();
        if let Some(event) = self.next_parting() {
            return Ok((0, Some(event)));
        }
        let taken = self.take_in(input);
        if taken.is_err() {
            self.hung_up();
        }
        taken
    }

    /// Makes a call. `args` is the text of a JSON array.
    ///
    /// # Errors
    ///
    /// A [`CallError`]; nothing is sent then.
    pub fn call(&mut self, path: &[&str], kind: Kind, args: &str) -> Result<RequestId, CallError> {
        if self.us != Us::Open {
            return Err(CallError::Closing);
        }
        let args = serde_json::from_str::<&RawValue>(args).map_err(|_| CallError::BadArgs)?.get();
        if !args.starts_with('[') {
            return Err(CallError::BadArgs);
        }
        let name = serde_json::to_string(path).map_err(|_| CallError::BadArgs)?;
        if self.requests.ours_are_full() {
            return Err(CallError::TooManyOpen);
        }
        let request = self.requests.take_number().ok_or(CallError::NumbersUsedUp)?;

        // muxrpc 6.7.3 sends the type of streams only.
        let call = if kind.is_stream() {
            format!(r#"{{"name":{name},"args":{args},"type":"{}"}}"#, kind.as_str())
        } else {
            format!(r#"{{"name":{name},"args":{args}}}"#)
        };
        self.requests.insert(request, Open::ours(kind, ITEM_LEN_MAX));
        self.send(request, kind.is_stream(), false, Body::Json(&call));
        Ok(request)
    }

    /// Answers an async call of theirs, unless it is not open any more. A method without a result answers
    /// [`Body::UNDEFINED`]; empty text travels as an empty JSON string, empty bytes as undefined.
    pub fn answer(&mut self, request: RequestId, body: Body<'_>) {
        self.reply(request, Ok(body));
    }

    /// Answers an async call of theirs with an error, or ends our direction of a stream with one. Of such a stream no
    /// more items are reported, only its end.
    pub fn fail(&mut self, request: RequestId, error: &RemoteError) {
        match self.requests.get(request) {
            Some(open) if open.kind.is_stream() => self.end_ours(request, Some(error)),
            _ => self.reply(request, Err(error)),
        }
    }

    /// Sends an item, unless we ended the stream or the connection. Empty items cannot be sent and are skipped.
    ///
    /// Nothing holds an item back: look at [`buffered`](Self::buffered) before making the next one.
    pub fn item(&mut self, request: RequestId, body: Body<'_>) {
        let Some(open) = self.requests.get(request) else { return };
        debug_assert!(open.kind.is_stream(), "an item on an async call");
        let speaking = open.kind.is_stream() && open.speaking == Speaking::Open && self.us != Us::Gone;
        if speaking && !body.as_bytes().is_empty() {
            self.send(request, true, false, body);
        }
    }

    /// Ends our direction of a stream: after our last item; to confirm all items of a sink; or to want no more of a
    /// source, whose items are not reported from here on, only its end.
    pub fn end(&mut self, request: RequestId) {
        self.end_ours(request, None);
    }

    /// Allows answers and items of up to [`BODY_LEN_MAX`] on this request.
    pub fn allow_large_items(&mut self, request: RequestId) {
        if let Some(open) = self.requests.get_mut(request) {
            open.item_len_max = BODY_LEN_MAX;
        }
    }

    /// Says goodbye as soon as nothing is open any more. Until then their calls and ours are refused.
    pub fn close(&mut self) {
        if self.us == Us::Open {
            self.us = Us::Closing;
        }
        self.say_goodbye_if_done();
    }

    /// Ends what is open with [`RemoteError::parent_ended`], as [`receive`](Self::receive) then tells for each, and says
    /// goodbye.
    pub fn abort(&mut self) {
        if self.us == Us::Gone {
            return;
        }
        self.us = Us::Gone;
        let outbox = &mut self.outbox;
        let error = RemoteError::parent_ended().to_json();
        self.requests.retain(|request, open| {
            if open.kind.is_stream() && open.speaking == Speaking::Open {
                let body = Body::Json(&error);
                outbox.push(&Packet { stream: true, end: true, number: request.number(), body });
            }
            open.expects_end()
        });
        self.outbox.goodbye();
    }

    /// The peer's bytes have ended: what is open ends as in [`abort`](Self::abort), and nothing more is taken in. What is
    /// [`outgoing`](Self::outgoing) may still reach a peer that closed only its own direction.
    pub fn hung_up(&mut self) {
        if self.them == Them::Open {
            self.them = Them::Gone;
        }
        self.incoming = None;
        self.abort();
    }

    /// Marks this many outgoing bytes as sent.
    ///
    /// # Panics
    ///
    /// If that is more than are waiting.
    pub fn sent(&mut self, count: usize) {
        self.outbox.sent(count);
    }

    /// The bytes to send next: all that are waiting.
    pub fn outgoing(&self) -> &[u8] {
        self.outbox.waiting()
    }

    /// How many bytes are waiting to be sent.
    pub fn buffered(&self) -> usize {
        self.outbox.len()
    }

    /// How many bytes of memory the bodies in both directions occupy.
    pub fn memory(&self) -> usize {
        self.body.capacity() + self.outbox.capacity()
    }

    /// The body of the event just returned: of [`Event::Called`] the arguments, a JSON array; of [`Event::Answered`] and
    /// [`Event::Item`] what came. Empty for all others, and after the next [`receive`](Self::receive).
    pub fn body(&self) -> &[u8] {
        if self.delivered { &self.body } else { &[] }
    }

    /// How many requests of ours are open.
    pub fn open_ours(&self) -> usize {
        self.requests.ours()
    }

    /// How many requests of theirs are open.
    pub fn open_theirs(&self) -> usize {
        self.requests.theirs()
    }

    /// Whether both sides are done and every event was returned. What is outgoing may still have to be sent.
    pub fn is_finished(&self) -> bool {
        self.us == Us::Gone && self.them == Them::Gone && self.requests.is_empty()
    }

    fn send(&mut self, request: RequestId, stream: bool, end: bool, body: Body<'_>) {
        self.outbox.push(&Packet { stream, end, number: request.number(), body });
    }

    fn send_end(&mut self, request: RequestId, error: Option<&RemoteError>) {
        match error {
            None => self.send(request, true, true, Body::Json("true")),
            Some(error) => self.send(request, true, true, Body::Json(&error.to_json())),
        }
    }

    /// Answers an async call of theirs.
    fn reply(&mut self, request: RequestId, result: Result<Body<'_>, &RemoteError>) {
        let Some(open) = self.requests.get(request) else { return };
        debug_assert!(!request.is_ours() && !open.kind.is_stream(), "only their async calls are answered");
        if request.is_ours() || open.kind.is_stream() {
            return;
        }
        self.requests.remove(request);
        match result {
            Ok(body) => self.send(request, false, false, body.not_empty()),
            Err(error) => self.send(request, false, true, Body::Json(&error.to_json())),
        }
        self.say_goodbye_if_done();
    }

    fn end_ours(&mut self, request: RequestId, error: Option<&RemoteError>) {
        let Some(open) = self.requests.get_mut(request) else { return };
        debug_assert!(open.kind.is_stream(), "an async call has no end");
        if !open.kind.is_stream() || open.speaking == Speaking::Ended || self.us == Us::Gone {
            return;
        }
        open.speaking = Speaking::Ended;
        if open.hearing == Hearing::Items && (open.kind != Kind::Duplex || error.is_some()) {
            open.hearing = Hearing::End;
        }
        let over = open.hearing == Hearing::Ended;
        self.send_end(request, error);
        if over {
            self.requests.remove(request);
            self.say_goodbye_if_done();
        }
    }

    fn say_goodbye_if_done(&mut self) {
        if self.us == Us::Closing && self.requests.is_empty() {
            self.us = Us::Gone;
            self.outbox.goodbye();
        }
    }

    /// The next event of what ended with the connection. After our goodbye only requests that owe one are left.
    fn next_parting(&mut self) -> Option<Event> {
        if self.us != Us::Gone {
            return None;
        }
        if let Some((request, open)) = self.requests.pop() {
            let error = RemoteError::parent_ended();
            return Some(if open.kind.is_stream() {
                Event::Ended { request, error: Some(error) }
            } else {
                Event::Failed { request, error }
            });
        }
        if self.them == Them::Goodbye {
            self.them = Them::Gone;
            return Some(Event::Goodbye);
        }
        None
    }

    fn forget_body(&mut self) {
        if self.delivered {
            self.delivered = false;
            self.body.clear();
            if self.body.capacity() > KEPT_CAPACITY_MAX {
                self.body = Vec::new();
            }
        }
    }

    /// Whether nothing is taken in until something was sent.
    pub(crate) fn is_congested(&self) -> bool {
        self.outbox.len() > OUTBOX_LEN_MAX
    }
}

/// What happened on the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The peer calls a method it may call, in the way the method is called. [`Session::body`] has the arguments.
    Called {
        /// What to answer to.
        request: RequestId,
        /// Which method.
        method: MethodId,
        /// The method's kind.
        kind: Kind,
    },
    /// Our async call was answered. [`Session::body`] has the answer.
    Answered {
        /// Which call.
        request: RequestId,
        /// How to read the answer.
        body: BodyType,
    },
    /// Our async call was answered with an error, or will not be answered any more.
    Failed {
        /// Which call.
        request: RequestId,
        /// Why.
        error: RemoteError,
    },
    /// An item came on a stream of either side. [`Session::body`] has it.
    Item {
        /// Which stream.
        request: RequestId,
        /// How to read the item.
        body: BodyType,
    },
    /// Their direction of a stream ended: nothing more comes on it.
    Ended {
        /// Which stream.
        request: RequestId,
        /// Why, if not as planned.
        error: Option<RemoteError>,
    },
    /// The peer said goodbye, and everything open has ended. Ours was said too.
    Goodbye,
}

/// Why a call could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The arguments are not the text of a JSON array.
    #[error("arguments are not a JSON array")]
    BadArgs,
    /// The connection is being closed.
    #[error("connection is closing")]
    Closing,
    /// [`OPEN_MAX`](crate::limits::OPEN_MAX) of our requests are open.
    #[error("too many open requests")]
    TooManyOpen,
    /// This session made all the calls it can number; make a new connection.
    #[error("request numbers are used up")]
    NumbersUsedUp,
}

/// How far our side has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Us {
    Open,
    /// Goodbye follows when nothing is open.
    Closing,
    /// Our goodbye is in the outbox, and nothing follows it.
    Gone,
}

/// How far their side has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Them {
    Open,
    /// Their goodbye came and is still to be told.
    Goodbye,
    /// Nothing more comes.
    Gone,
}
