//! Sessions of muxrpc: against any packets, and against another session.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::LazyLock;

use serde::de::IgnoredAny;
use ssb_muxrpc::Body;
use ssb_muxrpc::BodyType;
use ssb_muxrpc::Event;
use ssb_muxrpc::Kind;
use ssb_muxrpc::Method;
use ssb_muxrpc::Methods;
use ssb_muxrpc::ProtocolError;
use ssb_muxrpc::RemoteError;
use ssb_muxrpc::RequestId;
use ssb_muxrpc::Role;
use ssb_muxrpc::Roles;
use ssb_muxrpc::Session;
use ssb_muxrpc::encode;
use ssb_muxrpc::limits::BODY_LEN_MAX;
use ssb_muxrpc::limits::ERROR_TEXT_LEN_MAX;
use ssb_muxrpc::limits::OUTBOX_LEN_MAX;
use ssb_muxrpc::packet::Packet;

use crate::codec;
use crate::codec::End;
use crate::script::Cuts;
use crate::script::Script;

/// Runs a session against packets of any kind, or two sessions against each other: every request of ours and every
/// stream of theirs ends in exactly one event, every call has at most one answer, buffers stay within their limits, and
/// what is sent are whole packets with one goodbye at the end.
///
/// Script: which of the two, lengths of cuts, then steps.
pub fn muxrpc_session(data: &[u8]) {
    let script = &mut Script::new(data);
    if script.flag() { between_two(script) } else { against_packets(script) }
}

fn against_packets(script: &mut Script<'_>) {
    let cuts = script.run();
    let mut side = Side::new();
    let mut came = Vec::new();
    while !script.is_empty() {
        let wire = match script.below(8) {
            0 => script.run().to_vec(),
            1..=3 => telling_packet(script),
            4 => {
                side.send(script.short());
                Vec::new()
            }
            _ => {
                side.do_something(script);
                Vec::new()
            }
        };
        came.extend_from_slice(&wire);
        if side.receive_all(&wire, cuts).is_err() {
            break;
        }
    }
    side.hang_up();
    side.check_sent(&came);
}

fn between_two(script: &mut Script<'_>) {
    let cuts = script.run();
    let mut sides = [Side::new(), Side::new()];
    while !script.is_empty() {
        let who = script.below(2);
        if script.below(3) == 0 {
            deliver(&mut sides, who, script.short(), cuts);
        } else {
            sides[who].do_something(script);
        }
    }
    // Whoever leaves a stream open waits for ever: so all is ended first.
    settle(&mut sides, cuts);
    sides.iter_mut().for_each(|side| side.session.close());
    settle(&mut sides, cuts);
    for side in &mut sides {
        assert!(side.session.is_finished(), "a request stayed open");
        side.check_over();
    }
    let [one, two] = &sides;
    one.check_sent(&two.sent);
    two.check_sent(&one.sent);
}

/// Moves bytes to one side. Two sessions never break the protocol.
fn deliver(sides: &mut [Side; 2], to: usize, count: usize, cuts: &[u8]) {
    let [one, two] = sides;
    let (from, to) = if to == 0 { (two, one) } else { (one, two) };
    let wire = from.send(count);
    assert_eq!(to.receive_all(&wire, cuts), Ok(()));
}

/// Delivers until nothing moves, while each side ends what is its to end.
fn settle(sides: &mut [Side; 2], cuts: &[u8]) {
    loop {
        for to in [0, 1] {
            deliver(sides, to, usize::MAX, cuts);
            sides[to].finish();
        }
        if sides.iter().all(|side| side.session.buffered() == 0) {
            return;
        }
    }
}

/// A packet that a session may act on. Script: its number, its flags, its body.
pub(crate) fn telling_packet(script: &mut Script<'_>) -> Vec<u8> {
    let number = i32::from(script.byte().cast_signed());
    let flags = script.byte();
    let (stream, end) = (flags & 8 != 0, flags & 4 != 0);
    let long;
    let body = match script.below(BODIES.len() + 3) {
        // One of these can pass every limit; a script is short, so there are few.
        0 => {
            long = format!("\"{}\"", "x".repeat(script.short() * if number == 1 { 32 } else { 1 }));
            Body::Json(&long)
        }
        1 => Body::Binary(script.run()),
        2 => Body::Text(std::str::from_utf8(script.run()).unwrap_or("?")),
        at => Body::Json(BODIES[at - 3]),
    };
    let mut wire = Vec::new();
    // An empty body does not exist.
    if encode::packet(&Packet { stream, end, number, body }, &mut wire).is_err() {
        encode::goodbye(&mut wire);
    }
    wire
}

const BODIES: [&str; 14] = [
    r#"{"name":["ask"],"args":[1]}"#,
    r#"{"name":"ask","args":{}}"#,
    r#"{"name":["read"],"args":[],"type":"source"}"#,
    r#"{"name":["write"],"args":[],"type":"sink"}"#,
    r#"{"name":["both"],"type":"duplex"}"#,
    r#"{"name":["nosuch","\u0000"],"args":[],"type":"duplex"}"#,
    r#"{"name":["read"],"args":[]}"#,
    r#"{"name":["ask"],"args":[],"type":"source"}"#,
    r#"{"message":"m","name":"N","stack":"s"}"#,
    "true",
    "7",
    "null",
    "{",
    r#""emit""#,
];

/// A session and the program that uses it.
struct Side {
    session: Session,
    /// All requests this program has heard of, and their latest kind.
    known: BTreeMap<RequestId, Kind>,
    /// Those of which the end is still to be told.
    owed: BTreeSet<RequestId>,
    /// Async calls of theirs that were passed on and not answered.
    asked: BTreeSet<RequestId>,
    /// Requests whose items may be large.
    large: BTreeSet<RequestId>,
    sent: Vec<u8>,
    /// How much the program itself gave the session to send, at most.
    given: usize,
}

impl Side {
    fn new() -> Self {
        Self {
            session: Session::new(Arc::clone(&METHODS), ROLE),
            known: BTreeMap::new(),
            owed: BTreeSet::new(),
            asked: BTreeSet::new(),
            large: BTreeSet::new(),
            sent: Vec::new(),
            given: 0,
        }
    }

    /// Script: what, to which request.
    fn do_something(&mut self, script: &mut Script<'_>) {
        let what = script.below(12);
        let at = script.below(self.known.len());
        let which = self.known.iter().nth(at).map(|(request, kind)| (*request, *kind));
        match (what, which) {
            (0..=3, _) => self.call(script),
            (4, _) if script.below(8) == 0 => self.session.close(),
            (5, _) if script.below(8) == 0 => self.session.abort(),
            (6, Some((request, _))) => {
                self.session.allow_large_items(request);
                self.large.insert(request);
            }
            (7..=8, Some((request, kind))) => self.act(request, kind, Action::Item(script.run())),
            (9, Some((request, kind))) => self.act(request, kind, Action::Fail),
            (10.., Some((request, kind))) => self.act(request, kind, Action::End),
            _ => {}
        }
    }

    fn call(&mut self, script: &mut Script<'_>) {
        let kind = KINDS[script.below(KINDS.len())];
        let name = NAMES.get(script.below(5)).unwrap_or(&"nosuch");
        if let Ok(request) = self.session.call(&[name], kind, "[1]") {
            assert!(request.is_ours());
            self.known.insert(request, kind);
            assert!(self.owed.insert(request), "a number was used twice");
            self.given += CALL_LEN_MAX;
        }
    }

    fn act(&mut self, request: RequestId, kind: Kind, action: Action<'_>) {
        let error = RemoteError::new("enough");
        match (action, kind.is_stream(), request.is_ours()) {
            (Action::Item(item), true, _) => {
                self.session.item(request, Body::Binary(item));
                self.given += item.len();
            }
            (Action::End, true, _) => self.session.end(request),
            (Action::Fail, true, _) => self.session.fail(request, &error),
            (Action::Item(item), false, false) => {
                self.session.answer(request, Body::Binary(item));
                self.given += item.len();
            }
            (Action::End, false, false) => self.session.answer(request, Body::Text("")),
            (Action::Fail, false, false) => self.session.fail(request, &error),
            (_, false, true) => return,
        }
        self.asked.remove(&request);
        self.given += CALL_LEN_MAX;
    }

    /// Answers what was asked, and ends all but sources it reads: the other side ends those, and the session answers.
    fn finish(&mut self) {
        for (request, kind) in self.known.clone() {
            if !(request.is_ours() && kind == Kind::Source) {
                self.act(request, kind, Action::End);
            }
        }
    }

    /// Gives the session all of `wire`; whenever it takes no more, what waits is sent.
    fn receive_all(&mut self, mut wire: &[u8], cuts: &[u8]) -> Result<(), ProtocolError> {
        let mut cuts = Cuts::new(cuts);
        while !wire.is_empty() {
            let mut piece = cuts.take(&mut wire);
            loop {
                piece = &piece[self.receive(piece)?..];
                if piece.is_empty() || self.session.is_finished() {
                    break;
                }
                assert!(self.session.buffered() > OUTBOX_LEN_MAX, "input was left without a reason");
                self.send(usize::MAX);
            }
        }
        self.receive(&[]).map(|_| ())
    }

    /// Gives the session bytes until it takes no more of them.
    fn receive(&mut self, wire: &[u8]) -> Result<usize, ProtocolError> {
        let mut taken = 0;
        loop {
            let received = self.session.receive(&wire[taken..]);
            self.check_limits();
            let (count, event) = match received {
                Ok(received) => received,
                Err(error) => {
                    self.drain();
                    return Err(error);
                }
            };
            taken += count;
            match event {
                Some(event) => self.hear(event),
                None if count == 0 || taken == wire.len() => return Ok(taken),
                None => {}
            }
        }
    }

    fn hear(&mut self, event: Event) {
        let body_len = self.session.body().len();
        match event {
            Event::Called { request, method, kind } => {
                assert!(!request.is_ours());
                assert_eq!(METHODS.get(method).map(Method::kind), Some(kind));
                assert!(serde_json::from_slice::<Vec<IgnoredAny>>(self.session.body()).is_ok());
                self.known.insert(request, kind);
                // A number that was used before.
                self.large.remove(&request);
                let news = if kind.is_stream() { &mut self.owed } else { &mut self.asked };
                assert!(news.insert(request), "a call was told while another of its number is open");
                self.given += CALL_LEN_MAX;
            }
            Event::Item { request, .. } => {
                assert!(self.owed.contains(&request), "an item of a stream that is over");
                assert!((1..=BODY_LEN_MAX as usize).contains(&body_len));
                if !request.is_ours() && !self.large.contains(&request) {
                    assert!(body_len <= ITEM_LEN_MAX as usize, "an item of {body_len} bytes");
                }
            }
            Event::Answered { request, .. } => {
                assert!(body_len > 0);
                assert!(self.owed.remove(&request), "a second end");
            }
            Event::Failed { request, error } | Event::Ended { request, error: Some(error) } => {
                assert!(error.message().len() <= ERROR_TEXT_LEN_MAX);
                assert!(self.owed.remove(&request), "a second end");
            }
            Event::Ended { request, error: None } => assert!(self.owed.remove(&request), "a second end"),
            Event::Goodbye => assert!(self.owed.is_empty(), "goodbye came before the end of a request"),
        }
    }

    /// Sends at most that many bytes.
    fn send(&mut self, count: usize) -> Vec<u8> {
        let waiting = self.session.outgoing();
        assert_eq!(waiting.len(), self.session.buffered());
        let wire = waiting[..count.min(waiting.len())].to_vec();
        self.session.sent(wire.len());
        self.sent.extend_from_slice(&wire);
        wire
    }

    fn hang_up(&mut self) {
        self.session.hung_up();
        self.drain();
        self.check_over();
        assert!(self.session.is_finished());
        assert!(matches!(self.session.receive(b"more"), Ok((0, None)) | Err(_)));
        self.send(usize::MAX);
    }

    fn drain(&mut self) {
        while let Ok((0, Some(event))) = self.session.receive(&[]) {
            self.hear(event);
        }
    }

    fn check_over(&self) {
        assert!(self.owed.is_empty(), "never ended: {:?}", self.owed);
        assert_eq!((self.session.open_ours(), self.session.open_theirs()), (0, 0));
    }

    fn check_limits(&self) {
        let waiting_max = OUTBOX_LEN_MAX + ANSWER_LEN_MAX + self.given;
        assert!(self.session.buffered() <= waiting_max);
        // A buffer grows by doubling, and its front is freed when half of it was sent.
        assert!(self.session.memory() <= 4 * waiting_max + BODY_LEN_MAX as usize);
    }

    /// What was sent are whole packets and one goodbye, and no call of theirs was answered twice.
    fn check_sent(&self, came: &[u8]) {
        let sent = codec::decode(&self.sent, Cuts::new(&[]));
        assert_eq!(sent.end, End::Goodbye);
        let len: usize = sent.packets.iter().map(|(_, body)| 9 + body.len()).sum();
        assert_eq!(len + 9, self.sent.len(), "something was sent after the goodbye");

        let mut calls = BTreeMap::<i32, usize>::new();
        for (header, _) in codec::decode(came, Cuts::new(&[])).packets {
            if !header.stream && header.number > 0 {
                *calls.entry(header.number).or_default() += 1;
            }
        }
        for (header, body) in sent.packets {
            if header.body_type == BodyType::Json {
                assert!(serde_json::from_slice::<IgnoredAny>(&body).is_ok(), "sent what is not JSON");
            }
            if !header.stream && header.number < 0 {
                let left = calls.entry(-header.number).or_default();
                *left = left.checked_sub(1).expect("every answer is to one call");
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Action<'a> {
    Item(&'a [u8]),
    End,
    Fail,
}

pub(crate) const ROLE: Role = Role::new(0);
pub(crate) const KINDS: [Kind; 4] = [Kind::Async, Kind::Source, Kind::Sink, Kind::Duplex];
pub(crate) const NAMES: [&str; 4] = ["ask", "read", "write", "both"];

/// Few enough for a script to pass it.
const ITEM_LEN_MAX: u32 = 100;

/// More than any call or end that a program here sends, its header included.
pub(crate) const CALL_LEN_MAX: usize = 256;

/// The longest answer that a session gives by itself: two texts, of which every byte is escaped.
pub(crate) const ANSWER_LEN_MAX: usize = 2 * 6 * ERROR_TEXT_LEN_MAX + 256;

/// One method of each kind.
pub(crate) static METHODS: LazyLock<Arc<Methods>> = LazyLock::new(|| {
    let methods = NAMES
        .into_iter()
        .zip(KINDS)
        .map(|(name, kind)| Method::new(name, kind).with_item_len_max(ITEM_LEN_MAX));
    Arc::new(Methods::new(methods, Roles::of(&[ROLE])).expect("no two have one name"))
});
