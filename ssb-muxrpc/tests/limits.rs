//! Every limit: what is at it passes, what is one past it does not.

#![cfg(test)]

mod common;

use std::sync::Arc;

use common::Frame;
use common::feed;
use common::frames;
use common::take;
use ssb_muxrpc::Body;
use ssb_muxrpc::BodyType;
use ssb_muxrpc::Event;
use ssb_muxrpc::Kind;
use ssb_muxrpc::Method;
use ssb_muxrpc::Methods;
use ssb_muxrpc::ProtocolError;
use ssb_muxrpc::RequestId;
use ssb_muxrpc::Role;
use ssb_muxrpc::Roles;
use ssb_muxrpc::Session;
use ssb_muxrpc::encode;
use ssb_muxrpc::limits::BODY_LEN_MAX;
use ssb_muxrpc::limits::CALL_LEN_MAX;
use ssb_muxrpc::limits::END_LEN_MAX;
use ssb_muxrpc::limits::ITEM_LEN_MAX;
use ssb_muxrpc::limits::OPEN_MAX;
use ssb_muxrpc::limits::OUTBOX_LEN_MAX;
use ssb_muxrpc::packet::Packet;
use ssb_muxrpc::session::CallError;

const OWNER: Role = Role::new(0);

fn session() -> Session {
    let methods = [
        Method::new("add", Kind::Async),
        Method::new("publish", Kind::Async).with_call_len_max(ITEM_LEN_MAX),
        Method::new("count", Kind::Source),
        Method::new("store", Kind::Sink),
        Method::new("replicate", Kind::Duplex).with_item_len_max(BODY_LEN_MAX),
    ];
    let methods = Methods::new(methods, Roles::of(&[OWNER])).unwrap();
    Session::new(Arc::new(methods), OWNER)
}

fn wire(number: i32, stream: bool, end: bool, body: Body<'_>) -> Vec<u8> {
    let mut wire = Vec::new();
    encode::packet(&Packet { stream, end, number, body }, &mut wire).unwrap();
    wire
}

/// An async call of exactly this length.
fn call_of(name: &str, len: u32) -> Vec<u8> {
    let bare = format!(r#"{{"name":["{name}"],"args":[""]}}"#).len();
    let filling = "x".repeat(usize::try_from(len).unwrap() - bare);
    wire(1, false, false, Body::Json(&format!(r#"{{"name":["{name}"],"args":["{filling}"]}}"#)))
}

fn item_of(number: i32, len: u32) -> Vec<u8> {
    wire(number, true, false, Body::Binary(&vec![1; usize::try_from(len).unwrap()]))
}

fn stream_call(number: i32, name: &str, kind: &str) -> Vec<u8> {
    wire(number, true, false, Body::Json(&format!(r#"{{"name":["{name}"],"args":[],"type":"{kind}"}}"#)))
}

fn texts(session: &mut Session) -> Vec<String> {
    let text = |frame| match frame {
        Frame::Packet { body, .. } => String::from_utf8(body).unwrap(),
        Frame::Goodbye => "GOODBYE".into(),
    };
    frames(&take(session)).into_iter().map(text).collect()
}

fn too_long(len: u32, len_max: u32) -> String {
    format!("body of {len} bytes is longer than the {len_max} allowed here")
}

fn open_one(session: &mut Session, wire: &[u8]) -> RequestId {
    match feed(session, wire).as_slice() {
        [(Event::Called { request, .. }, _)] => *request,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_call_is_served_up_to_its_limit() {
    for (name, len_max) in [("add", CALL_LEN_MAX), ("publish", ITEM_LEN_MAX)] {
        let mut session = session();
        assert!(matches!(feed(&mut session, &call_of(name, len_max))[..], [(Event::Called { .. }, _)]));
        assert_eq!(session.open_theirs(), 1);

        let mut session = self::session();
        assert_eq!(feed(&mut session, &call_of(name, len_max + 1)), []);
        let error = too_long(len_max + 1, len_max);
        assert_eq!(texts(&mut session), [format!(r#"{{"message":"{error}","name":"Error","stack":""}}"#)]);
    }
}

#[test]
fn a_call_too_long_for_anybody_is_not_buffered() {
    let mut session = session();

    assert_eq!(feed(&mut session, &call_of("publish", BODY_LEN_MAX)), []);

    assert!(session.memory() < 64 * 1024, "{}", session.memory());
    assert_eq!(texts(&mut session).len(), 1);
}

#[test]
fn an_item_is_passed_on_up_to_its_limit_and_ends_its_stream_past_it() {
    let mut session = session();
    let request = session.call(&["s"], Kind::Source, "[]").unwrap();
    let other = session.call(&["t"], Kind::Source, "[]").unwrap();
    take(&mut session);

    let happened = feed(&mut session, &item_of(-1, ITEM_LEN_MAX));
    assert_eq!(happened[0].0, Event::Item { request, body: BodyType::Binary });
    assert_eq!(happened[0].1.len(), usize::try_from(ITEM_LEN_MAX).unwrap());

    let happened = feed(&mut session, &item_of(-1, ITEM_LEN_MAX + 1));
    let [(Event::Ended { request: ended, error: Some(error) }, _)] = &happened[..] else {
        panic!("{happened:?}")
    };
    assert_eq!((*ended, error.message()), (request, &*too_long(ITEM_LEN_MAX + 1, ITEM_LEN_MAX)));
    assert_eq!(texts(&mut session).len(), 1);

    // It told its end, so it says nothing more; the other stream goes on.
    assert_eq!(feed(&mut session, &item_of(-1, 1)), []);
    assert_eq!(feed(&mut session, &wire(-1, true, true, Body::Json("true"))), []);
    assert_eq!(
        feed(&mut session, &item_of(-2, 1))[0].0,
        Event::Item { request: other, body: BodyType::Binary }
    );
    assert_eq!(session.open_ours(), 1);
}

#[test]
fn large_items_pass_where_they_are_allowed() {
    let mut session = session();
    let ours = session.call(&["s"], Kind::Source, "[]").unwrap();
    session.allow_large_items(ours);
    let theirs = open_one(&mut session, &stream_call(1, "replicate", "duplex"));

    for (number, request) in [(-1, ours), (1, theirs)] {
        let happened = feed(&mut session, &item_of(number, BODY_LEN_MAX));
        assert_eq!(happened[0].0, Event::Item { request, body: BodyType::Binary });
    }
    session.receive(b"").unwrap();
    assert!(session.memory() < ITEM_LEN_MAX.try_into().unwrap(), "the large buffer was kept");
}

#[test]
fn a_body_beyond_everything_ends_the_connection() {
    let mut session = session();
    let [a, b, c, d] = (BODY_LEN_MAX + 1).to_be_bytes();

    let result = session.receive(&[2, a, b, c, d, 0, 0, 0, 1]);

    assert_eq!(result, Err(ProtocolError::Oversized { len: BODY_LEN_MAX + 1 }));
}

#[test]
fn an_answer_past_its_limit_fails_the_call() {
    let mut session = session();
    let call = session.call(&["a"], Kind::Async, "[]").unwrap();
    let body = vec![1; usize::try_from(ITEM_LEN_MAX).unwrap() + 1];

    let fits = wire(-1, false, false, Body::Binary(&body[1..]));
    let answered = Event::Answered { request: call, body: BodyType::Binary };
    assert_eq!(feed(&mut session, &fits)[0].0, answered);

    let call = session.call(&["a"], Kind::Async, "[]").unwrap();
    let happened = feed(&mut session, &wire(-2, false, false, Body::Binary(&body)));
    let [(Event::Failed { request, error }, _)] = &happened[..] else { panic!("{happened:?}") };
    assert_eq!((*request, error.message()), (call, &*too_long(ITEM_LEN_MAX + 1, ITEM_LEN_MAX)));
    assert_eq!(session.open_ours(), 0);
}

#[test]
fn an_end_past_its_limit_is_still_an_end() {
    for over in [0, 1] {
        let mut session = session();
        session.call(&["s"], Kind::Source, "[]").unwrap();
        let text = "x".repeat(usize::try_from(END_LEN_MAX).unwrap() + over);

        let happened = feed(&mut session, &wire(-1, true, true, Body::Text(&text)));

        let [(Event::Ended { error: Some(error), .. }, _)] = &happened[..] else { panic!("{happened:?}") };
        assert_eq!(error.message().starts_with('x'), over == 0);
        assert_eq!(session.open_ours(), 0);
    }
}

#[test]
fn an_announced_length_alone_takes_no_memory() {
    let mut session = session();
    let request = open_one(&mut session, &stream_call(1, "replicate", "duplex"));
    session.allow_large_items(request);

    session.receive(&item_of(1, BODY_LEN_MAX)[..1000]).unwrap();

    assert!(session.memory() < 4096, "{}", session.memory());
}

#[test]
fn a_body_that_drips_in_takes_no_more_memory_than_came() {
    let mut session = session();
    let request = open_one(&mut session, &stream_call(1, "replicate", "duplex"));
    session.allow_large_items(request);

    for (came, byte) in item_of(1, BODY_LEN_MAX)[..100_000].iter().enumerate() {
        assert_eq!(session.receive(&[*byte]), Ok((1, None)));
        assert!(session.memory() <= 2 * came + 4096, "{} for {came}", session.memory());
    }
}

#[test]
fn what_nobody_reads_is_not_buffered() {
    let mut session = session();
    feed(&mut session, &stream_call(1, "nosuch", "duplex"));
    let ours = session.call(&["s"], Kind::Source, "[]").unwrap();
    session.end(ours);
    take(&mut session);
    let answer = wire(-9, false, false, Body::Binary(&vec![1; BODY_LEN_MAX as usize]));
    // To a call that was refused, to none, of a stream that we gave up, of none of ours, and an answer to nothing.
    let ignored = [
        item_of(1, BODY_LEN_MAX),
        item_of(2, BODY_LEN_MAX),
        item_of(-1, BODY_LEN_MAX),
        item_of(-9, BODY_LEN_MAX),
        answer,
    ];

    for wire in ignored {
        for piece in wire.chunks(10_000) {
            assert_eq!(feed(&mut session, piece), []);
            take(&mut session);
            assert!(session.memory() < 4096, "{}", session.memory());
        }
    }
}

#[test]
fn as_many_requests_of_theirs_are_open_as_the_limit_says() {
    let mut session = session();
    let count = i32::try_from(OPEN_MAX).unwrap();
    for number in 1..=count {
        open_one(&mut session, &stream_call(number, "count", "source"));
    }

    assert_eq!(feed(&mut session, &stream_call(count + 1, "count", "source")), []);
    assert_eq!(texts(&mut session), [r#"{"message":"too many open requests","name":"Error","stack":""}"#]);
    assert_eq!(session.open_theirs(), OPEN_MAX);

    // The end of one makes room for another. Refused streams do not grow the table either.
    feed(&mut session, &wire(1, true, true, Body::Json("true")));
    open_one(&mut session, &stream_call(count + 2, "count", "source"));
    assert_eq!(feed(&mut session, &stream_call(count + 3, "nosuch", "source")), []);
    assert_eq!(session.open_theirs(), OPEN_MAX);
}

#[test]
fn refused_streams_count_until_the_peer_ends_them() {
    let mut session = session();
    let count = i32::try_from(OPEN_MAX).unwrap();
    for number in 1..=count {
        feed(&mut session, &stream_call(number, "nosuch", "source"));
        take(&mut session);
    }

    assert_eq!(feed(&mut session, &stream_call(count + 1, "count", "source")), []);
    feed(&mut session, &wire(1, true, true, Body::Json("true")));
    open_one(&mut session, &stream_call(count + 1, "count", "source"));
}

#[test]
fn as_many_requests_of_ours_are_open_as_the_limit_says() {
    let mut session = session();
    for _ in 0..OPEN_MAX {
        session.call(&["a"], Kind::Async, "[]").unwrap();
        take(&mut session);
    }

    assert_eq!(session.call(&["a"], Kind::Async, "[]"), Err(CallError::TooManyOpen));
    feed(&mut session, &wire(-1, false, false, Body::Json("1")));
    assert!(session.call(&["a"], Kind::Async, "[]").is_ok());
}

#[test]
fn nothing_is_taken_in_while_too_much_is_outgoing() {
    let mut session = session();
    let request = open_one(&mut session, &stream_call(1, "count", "source"));
    let filling = vec![1; OUTBOX_LEN_MAX - 9];
    let next = call_of("add", 100);

    session.item(request, Body::Binary(&filling));
    assert_eq!(session.buffered(), OUTBOX_LEN_MAX);
    assert_eq!(session.receive(&next[..5]), Ok((5, None)));

    session.item(request, Body::Binary(&[1]));
    assert_eq!(session.receive(&next[5..]), Ok((0, None)));

    session.sent(10);
    assert_eq!(session.receive(&next[5..]).unwrap().0, next.len() - 5);
}

#[test]
fn a_peer_that_does_not_read_cannot_grow_the_outbox_far() {
    let mut session = session();
    let flood = wire(1, false, false, Body::Json(r#"{"name":["nosuch"],"args":[]}"#)).repeat(10_000);

    let (count, event) = session.receive(&flood).unwrap();

    assert!(count < flood.len());
    assert_eq!(event, None);
    assert!(session.buffered() <= OUTBOX_LEN_MAX + 8 * 1024);
}
