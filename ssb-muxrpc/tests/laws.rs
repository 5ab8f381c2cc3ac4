//! Laws: what holds for all inputs.

#![cfg(test)]

#[expect(dead_code, reason = "laws need the packets only")]
mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use common::Frame;
use common::Happened;
use proptest::collection::vec;
use proptest::prelude::*;
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
use ssb_muxrpc::decode::Decoder;
use ssb_muxrpc::decode::Progress;
use ssb_muxrpc::encode;
use ssb_muxrpc::packet::Packet;

proptest! {
    #[test]
    fn however_the_wire_is_cut_the_reader_sees_what_the_writer_wrote(
        packets in vec(packet(), 0..20),
        cuts in vec(1_usize..40, 1..20),
    ) {
        let mut wire: Vec<u8> = packets.iter().flat_map(write).collect();
        encode::goodbye(&mut wire);

        let mut wanted = packets;
        wanted.push(Frame::Goodbye);
        prop_assert_eq!(read(&wire, &cuts), wanted);
    }

    #[test]
    fn however_the_wire_is_cut_a_session_does_the_same(
        packets in vec(telling_packet(), 0..20),
        cuts in vec(1_usize..40, 1..20),
    ) {
        let wire: Vec<u8> = packets.concat();

        prop_assert_eq!(outcome(&wire, &cuts), outcome(&wire, &[wire.len().max(1)]));
    }

    #[test]
    fn no_bytes_make_a_session_panic(bytes in vec(any::<u8>(), 0..200), cuts in vec(1_usize..40, 1..5)) {
        outcome(&bytes, &cuts);
    }

    #[test]
    fn whatever_two_sessions_do_nothing_stays_open_and_everyone_learns_the_end(
        steps in vec(step(), 0..200),
        end in ending(),
    ) {
        let mut world = World::new();
        for step in steps {
            world.take(step);
        }
        world.end(end);

        for side in &world.sides {
            prop_assert_eq!(side.session.open_ours(), 0);
            prop_assert_eq!(side.session.open_theirs(), 0);
            prop_assert!(side.session.is_finished());
            prop_assert!(side.ends.values().all(|count| *count == 1), "{:?}", side.ends);
        }
    }
}

// Packets and wires.

fn packet() -> impl Strategy<Value = Frame> {
    let body = prop_oneof![
        vec(any::<u8>(), 1..100).prop_map(|bytes| (BodyType::Binary, bytes)),
        "[a-zé]{1,50}".prop_map(|text| (BodyType::Text, text.into_bytes())),
        "\\[[0-9]{1,50}\\]".prop_map(|text| (BodyType::Json, text.into_bytes())),
    ];
    (any::<i32>(), any::<bool>(), any::<bool>(), body).prop_map(|(number, stream, end, (body_type, body))| {
        Frame::Packet { number, stream, end, body_type, body }
    })
}

/// A packet that a session is likely to act on.
fn telling_packet() -> impl Strategy<Value = Vec<u8>> {
    let bodies = [
        r#"{"name":["ask"],"args":[1]}"#,
        r#"{"name":"ask","args":{}}"#,
        r#"{"name":["read"],"args":[],"type":"source"}"#,
        r#"{"name":["write"],"args":[],"type":"sink"}"#,
        r#"{"name":["both"],"args":[],"type":"duplex"}"#,
        r#"{"name":["nosuch"],"args":[],"type":"duplex"}"#,
        r#"{"message":"m","name":"N","stack":"s"}"#,
        "true",
        "7",
        "{",
    ];
    let body = proptest::sample::select(bodies.to_vec());
    let goodbye = Just(vec![0; 9]);
    let packet = (-4_i32..4, any::<bool>(), any::<bool>(), body).prop_map(|(number, stream, end, body)| {
        write(&Frame::Packet { number, stream, end, body_type: BodyType::Json, body: body.into() })
    });
    prop_oneof![30 => packet, 1 => goodbye]
}

fn write(frame: &Frame) -> Vec<u8> {
    let Frame::Packet { number, stream, end, body_type, body } = frame else { return vec![0; 9] };
    let text = || str::from_utf8(body).unwrap();
    let body = match body_type {
        BodyType::Binary => Body::Binary(body),
        BodyType::Text => Body::Text(text()),
        BodyType::Json => Body::Json(text()),
    };
    let mut wire = Vec::new();
    encode::packet(&Packet { number: *number, stream: *stream, end: *end, body }, &mut wire).unwrap();
    wire
}

/// Cuts a wire into pieces of these lengths, over and over.
fn pieces<'a>(mut wire: &'a [u8], cuts: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
    cuts.iter().cycle().map_while(move |cut| {
        let (piece, rest) = wire.split_at_checked(*cut).unwrap_or((wire, &[]));
        wire = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

fn read(wire: &[u8], cuts: &[usize]) -> Vec<Frame> {
    let mut decoder = Decoder::new();
    let mut frames = Vec::new();
    let mut current = None;
    let mut body = Vec::new();
    for mut piece in pieces(wire, cuts) {
        while !piece.is_empty() {
            let (count, progress) = decoder.decode(piece).unwrap();
            piece = &piece[count..];
            match progress {
                Progress::Partial => {}
                Progress::Header(header) => current = Some(header),
                Progress::Piece(part) => body.extend_from_slice(part),
                Progress::Last(part) => {
                    body.extend_from_slice(part);
                    let header = current.take().unwrap();
                    frames.push(Frame::Packet {
                        number: header.number,
                        stream: header.stream,
                        end: header.end,
                        body_type: header.body_type,
                        body: std::mem::take(&mut body),
                    });
                }
                Progress::Goodbye => {
                    frames.push(Frame::Goodbye);
                    return frames;
                }
            }
        }
    }
    frames
}

/// All a session that made a few calls tells and sends, given this wire.
fn outcome(wire: &[u8], cuts: &[usize]) -> (Happened, Option<ProtocolError>, Vec<u8>) {
    let mut session = Session::new(methods(), ROLE);
    for kind in KINDS {
        session.call(&["x"], kind, "[]").unwrap();
    }
    let mut events = Vec::new();
    let mut failure = None;
    for mut piece in pieces(wire, cuts).chain([&[] as &[u8]]) {
        loop {
            match session.receive(piece) {
                Ok((count, event)) => {
                    piece = &piece[count..];
                    if count == 0 && event.is_none() {
                        break;
                    }
                    events.extend(event.map(|event| (event, session.body().to_vec())));
                }
                Err(error) => failure = Some(error),
            }
        }
    }
    (events, failure, session.outgoing().to_vec())
}

const ROLE: Role = Role::new(0);
const KINDS: [Kind; 4] = [Kind::Async, Kind::Source, Kind::Sink, Kind::Duplex];
const NAMES: [&str; 4] = ["ask", "read", "write", "both"];

fn methods() -> Arc<Methods> {
    let methods = NAMES.into_iter().zip(KINDS).map(|(name, kind)| Method::new(name, kind));
    Arc::new(Methods::new(methods, Roles::of(&[ROLE])).unwrap())
}

// Two sessions and what lies between them.

#[derive(Clone, Copy, Debug)]
enum Step {
    /// A side calls a method, maybe one that does not exist, or not that way.
    Call { side: usize, name: usize, kind: usize },
    /// A side does something on one of the requests it knows.
    Act { side: usize, which: prop::sample::Index, action: Action },
    /// Some of what a side sent arrives.
    Deliver { to: usize, count: usize },
}

#[derive(Clone, Copy, Debug)]
enum Action {
    Item,
    End,
    Fail,
}

#[derive(Clone, Copy, Debug)]
enum Ending {
    Close,
    Abort(usize),
    HangUp,
}

fn step() -> impl Strategy<Value = Step> {
    let action = prop_oneof![3 => Just(Action::Item), 1 => Just(Action::End), 1 => Just(Action::Fail)];
    prop_oneof![
        (0..2_usize, 0..5_usize, 0..4_usize).prop_map(|(side, name, kind)| Step::Call { side, name, kind }),
        (0..2_usize, any::<prop::sample::Index>(), action).prop_map(|(side, which, action)| Step::Act {
            side,
            which,
            action
        }),
        (0..2_usize, 1..200_usize).prop_map(|(to, count)| Step::Deliver { to, count }),
    ]
}

fn ending() -> impl Strategy<Value = Ending> {
    prop_oneof![Just(Ending::Close), (0..2_usize).prop_map(Ending::Abort), Just(Ending::HangUp)]
}

struct Side {
    session: Session,
    /// Every request this side's program knows of.
    known: Vec<(RequestId, Kind)>,
    /// How many final events each of them got. Async calls of theirs get none.
    ends: BTreeMap<RequestId, u32>,
}

struct World {
    sides: [Side; 2],
}

impl World {
    fn new() -> Self {
        let side =
            || Side { session: Session::new(methods(), ROLE), known: Vec::new(), ends: BTreeMap::new() };
        Self { sides: [side(), side()] }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Call { side, name, kind } => {
                let side = &mut self.sides[side];
                let name = NAMES.get(name).unwrap_or(&"nosuch");
                let request = side.session.call(&[name], KINDS[kind], "[1]").unwrap();
                side.known.push((request, KINDS[kind]));
                side.ends.insert(request, 0);
            }
            Step::Act { side, which, action } => {
                let side = &mut self.sides[side];
                if !side.known.is_empty() {
                    let (request, kind) = side.known[which.index(side.known.len())];
                    side.act(request, kind, action);
                }
            }
            Step::Deliver { to, count } => self.deliver(to, count),
        }
    }

    /// Moves some bytes to a side. What one side reads it acts on, so the events of one piece come first.
    fn deliver(&mut self, to: usize, count: usize) {
        let [one, two] = &mut self.sides;
        let (from, to) = if to == 0 { (two, one) } else { (one, two) };
        let outgoing = from.session.outgoing();
        let wire = outgoing[..count.min(outgoing.len())].to_vec();
        let taken = to.receive(&wire);
        from.session.sent(if to.session.is_finished() { wire.len() } else { taken });
    }

    fn end(&mut self, ending: Ending) {
        match ending {
            Ending::Close => {
                // Whoever leaves streams open waits for ever; so everything is ended first.
                self.settle();
                self.sides.iter_mut().for_each(|side| side.session.close());
            }
            Ending::Abort(side) => self.sides[side].session.abort(),
            Ending::HangUp => self.sides.iter_mut().for_each(|side| side.session.hung_up()),
        }
        self.settle();
    }

    /// Delivers until nothing moves, while each side does what is left to do.
    fn settle(&mut self) {
        loop {
            for to in [0, 1] {
                self.deliver(to, usize::MAX);
                self.sides[to].finish();
            }
            if self.sides.iter().all(|side| side.session.buffered() == 0) {
                return;
            }
        }
    }
}

impl Side {
    fn act(&mut self, request: RequestId, kind: Kind, action: Action) {
        let error = RemoteError::new("enough");
        match (action, kind.is_stream(), request.is_ours()) {
            (Action::Item, true, _) => self.session.item(request, Body::Text("item")),
            (Action::End, true, _) => self.session.end(request),
            (Action::Fail, true, _) => self.session.fail(request, &error),
            (Action::Item | Action::End, false, false) => self.session.answer(request, Body::UNDEFINED),
            (Action::Fail, false, false) => self.session.fail(request, &error),
            (_, false, true) => {}
        }
    }

    fn receive(&mut self, wire: &[u8]) -> usize {
        let mut taken = 0;
        loop {
            let (count, event) = self.session.receive(&wire[taken..]).unwrap();
            taken += count;
            match event {
                None if count == 0 => return taken,
                None | Some(Event::Item { .. } | Event::Goodbye) => {}
                Some(Event::Called { request, kind, .. }) => {
                    self.known.push((request, kind));
                    if kind.is_stream() {
                        self.ends.insert(request, 0);
                    }
                }
                Some(
                    Event::Answered { request, .. }
                    | Event::Failed { request, .. }
                    | Event::Ended { request, .. },
                ) => {
                    *self.ends.get_mut(&request).unwrap() += 1;
                }
            }
        }
    }

    /// Answers what was asked, and ends all but sources it reads: those the other side ends, and the session answers.
    fn finish(&mut self) {
        for (request, kind) in self.known.clone() {
            if !(request.is_ours() && kind == Kind::Source) {
                self.act(request, kind, Action::End);
            }
        }
    }
}
