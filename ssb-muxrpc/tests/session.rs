//! Calls, streams and their ends, seen from one session whose peer is written by hand.

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
use ssb_muxrpc::RemoteError;
use ssb_muxrpc::RequestId;
use ssb_muxrpc::Role;
use ssb_muxrpc::Roles;
use ssb_muxrpc::Session;
use ssb_muxrpc::encode;
use ssb_muxrpc::packet::Packet;
use ssb_muxrpc::session::CallError;

const OWNER: Role = Role::new(0);
const PARENT_ENDED: &str = r#"{"message":"unexpected end of parent stream","name":"Error","stack":""}"#;

fn session() -> Session {
    let methods = [
        Method::new("add", Kind::Async),
        Method::new("count", Kind::Source),
        Method::new("store", Kind::Sink),
        Method::new("talk", Kind::Duplex),
    ];
    let methods = Methods::new(methods, Roles::of(&[OWNER])).unwrap();
    Session::new(Arc::new(methods), OWNER)
}

const ASYNC: u8 = 0;
const STREAM: u8 = 8;
const END: u8 = 4;

/// A packet as it travels, its body JSON.
fn json(number: i32, flags: u8, body: &str) -> Vec<u8> {
    let mut wire = Vec::new();
    let packet =
        Packet { stream: flags & STREAM != 0, end: flags & END != 0, number, body: Body::Json(body) };
    encode::packet(&packet, &mut wire).unwrap();
    wire
}

/// What a session sends, with flags as above.
fn sent(session: &mut Session) -> Vec<(i32, u8, String)> {
    let show = |frame| match frame {
        Frame::Packet { number, stream, end, body, .. } => {
            let flags = if stream { STREAM } else { 0 } | if end { END } else { 0 };
            (number, flags, String::from_utf8(body).unwrap())
        }
        Frame::Goodbye => (0, 0, "GOODBYE".into()),
    };
    frames(&take(session)).into_iter().map(show).collect()
}

fn frame(number: i32, flags: u8, body: &str) -> (i32, u8, String) {
    (number, flags, body.into())
}

fn events(session: &mut Session, wire: &[u8]) -> Vec<Event> {
    feed(session, wire).into_iter().map(|(event, _)| event).collect()
}

/// Lets the peer call a stream and returns its id.
fn called(session: &mut Session, number: i32, name: &str, kind: &str) -> RequestId {
    let wire = json(number, STREAM, &format!(r#"{{"name":["{name}"],"args":[],"type":"{kind}"}}"#));
    match events(session, &wire).as_slice() {
        [Event::Called { request, .. }] => *request,
        other => panic!("{other:?}"),
    }
}

fn ended(request: RequestId) -> Event {
    Event::Ended { request, error: None }
}

fn ended_with(request: RequestId, text: &str) -> Event {
    Event::Ended { request, error: Some(RemoteError::new(text)) }
}

#[test]
fn an_async_call_has_no_type_and_a_stream_has() {
    let mut session = session();

    session.call(&["a", "b"], Kind::Sync, "[1]").unwrap();
    session.call(&["c"], Kind::Duplex, "[]").unwrap();

    assert_eq!(
        sent(&mut session),
        [
            frame(1, ASYNC, r#"{"name":["a","b"],"args":[1]}"#),
            frame(2, STREAM, r#"{"name":["c"],"args":[],"type":"duplex"}"#)
        ]
    );
}

#[test]
fn arguments_have_to_be_a_json_array() {
    let mut session = session();

    for args in ["{}", "[", "", "[1]]", "null"] {
        assert_eq!(session.call(&["a"], Kind::Async, args), Err(CallError::BadArgs), "{args}");
    }
    assert_eq!(session.buffered(), 0);
}

#[test]
fn an_answer_comes_with_its_body() {
    let mut session = session();
    let call = session.call(&["a"], Kind::Async, "[]").unwrap();

    let happened = feed(&mut session, &json(-1, ASYNC, r#"{"a":1}"#));

    let answered = Event::Answered { request: call, body: BodyType::Json };
    assert_eq!(happened, [(answered, br#"{"a":1}"#.to_vec())]);
    assert_eq!(session.open_ours(), 0);
}

#[test]
fn an_error_that_is_no_object_fails_the_call_too() {
    for (body, text) in [("{}", ""), (r#""why""#, "why"), ("true", "true")] {
        let mut session = session();
        let request = session.call(&["a"], Kind::Async, "[]").unwrap();

        let happened = events(&mut session, &json(-1, END, body));
        assert_eq!(happened, [Event::Failed { request, error: RemoteError::new(text) }]);
    }
}

#[test]
fn a_call_is_answered_once() {
    let mut session = session();
    let happened = feed(&mut session, &json(3, ASYNC, r#"{"name":["add"],"args":[1, 2]}"#));
    let [(Event::Called { request, kind: Kind::Async, .. }, args)] = happened.as_slice() else {
        panic!("{happened:?}")
    };
    assert_eq!(args, b"[1, 2]");

    session.answer(*request, Body::UNDEFINED);
    session.answer(*request, Body::Json("2"));
    session.fail(*request, &RemoteError::new("no"));

    assert_eq!(sent(&mut session), [frame(-3, ASYNC, "false")]);
    assert_eq!(session.open_theirs(), 0);
}

#[test]
fn an_empty_answer_is_still_an_answer() {
    let mut session = session();
    let wire = json(1, ASYNC, r#"{"name":"add","args":[]}"#);
    let [Event::Called { request, .. }] = events(&mut session, &wire)[..] else { panic!() };

    session.answer(request, Body::Text(""));

    assert_eq!(sent(&mut session), [frame(-1, ASYNC, r#""""#)]);
}

#[test]
fn an_empty_item_is_skipped() {
    let mut session = session();
    let request = called(&mut session, 1, "count", "source");

    session.item(request, Body::Binary(&[]));
    session.item(request, Body::Text("x"));

    assert_eq!(sent(&mut session), [frame(-1, STREAM, "x")]);
}

#[test]
fn a_number_is_served_again_after_its_request_and_ignored_during_it() {
    let mut session = session();
    let wire = json(1, ASYNC, r#"{"name":["add"],"args":[]}"#);
    let [Event::Called { request, .. }] = events(&mut session, &wire)[..] else { panic!() };

    assert_eq!(events(&mut session, &wire), []);
    session.answer(request, Body::Json("1"));
    assert!(matches!(events(&mut session, &wire)[..], [Event::Called { .. }]));
    assert_eq!(sent(&mut session), [frame(-1, ASYNC, "1")]);
}

#[test]
fn a_second_call_on_an_open_stream_is_an_item_of_it() {
    let mut session = session();
    let request = called(&mut session, 1, "talk", "duplex");

    let happened = events(&mut session, &json(1, STREAM, r#"{"name":["count"],"args":[],"type":"source"}"#));

    assert_eq!(happened, [Event::Item { request, body: BodyType::Json }]);
}

#[test]
fn what_belongs_to_no_request_is_ignored() {
    let mut session = session();
    session.call(&["a"], Kind::Async, "[]").unwrap();
    session.call(&["b"], Kind::Source, "[]").unwrap();
    take(&mut session);

    for number in [0, i32::MIN, i32::MAX, -3, -i32::MAX] {
        assert_eq!(events(&mut session, &json(number, STREAM | END, "true")), [], "{number}");
    }
    for number in [0, i32::MIN, -3] {
        assert_eq!(events(&mut session, &json(number, ASYNC, "not even JSON")), [], "{number}");
    }
    // An item for an async call, an answer for a stream.
    assert_eq!(events(&mut session, &json(-1, STREAM, "1")), []);
    assert_eq!(events(&mut session, &json(-2, ASYNC, "1")), []);
    assert_eq!(sent(&mut session), []);
    assert_eq!(session.open_ours(), 2);
}

#[test]
fn the_largest_number_of_theirs_is_served() {
    let mut session = session();

    let request = called(&mut session, i32::MAX, "count", "source");
    session.end(request);

    assert_eq!(sent(&mut session), [frame(-i32::MAX, STREAM | END, "true")]);
}

#[test]
fn a_refused_stream_swallows_what_follows_until_it_is_ended() {
    let mut session = session();
    let wire = json(1, STREAM, r#"{"name":["nosuch"],"args":[],"type":"sink"}"#);
    assert_eq!(events(&mut session, &wire), []);
    let text = r#"{"message":"no sink:nosuch","name":"Error","stack":""}"#;
    assert_eq!(sent(&mut session), [frame(-1, STREAM | END, text)]);

    assert_eq!(events(&mut session, &json(1, STREAM, "{}")), []);
    assert_eq!(events(&mut session, &json(1, STREAM | END, "true")), []);
    assert_eq!(sent(&mut session), []);

    called(&mut session, 1, "store", "sink");
}

#[test]
fn a_refused_stream_the_peer_never_ends_does_not_keep_us_from_closing() {
    let mut session = session();
    events(&mut session, &json(1, STREAM, r#"{"name":["nosuch"],"args":[],"type":"duplex"}"#));
    take(&mut session);

    session.close();

    assert_eq!(sent(&mut session), [frame(0, 0, "GOODBYE")]);
}

#[test]
fn the_end_of_a_source_is_answered_for_us() {
    let mut session = session();
    let request = session.call(&["s"], Kind::Source, "[]").unwrap();
    take(&mut session);

    assert_eq!(events(&mut session, &json(-1, STREAM | END, "true")), [ended(request)]);

    assert_eq!(sent(&mut session), [frame(1, STREAM | END, "true")]);
    assert_eq!(session.open_ours(), 0);
}

#[test]
fn an_error_is_answered_with_itself() {
    let error = r#"{"message":"m","name":"N","stack":"at file"}"#;
    for kind in [Kind::Source, Kind::Sink, Kind::Duplex] {
        let mut session = session();
        let request = session.call(&["s"], kind, "[]").unwrap();
        take(&mut session);

        let happened = events(&mut session, &json(-1, STREAM | END, error));
        assert_eq!(happened, [Event::Ended { request, error: Some(RemoteError::named("N", "m")) }]);
        let echo = r#"{"message":"m","name":"N","stack":""}"#;
        assert_eq!(sent(&mut session), [frame(1, STREAM | END, echo)]);
        assert_eq!(session.open_ours(), 0);
    }
}

#[test]
fn a_source_we_gave_up_is_silent_until_its_end() {
    let mut session = session();
    let request = session.call(&["s"], Kind::Source, "[]").unwrap();
    take(&mut session);

    session.end(request);
    session.end(request);
    assert_eq!(sent(&mut session), [frame(1, STREAM | END, "true")]);
    assert_eq!(events(&mut session, &json(-1, STREAM, "1")), []);
    assert_eq!(events(&mut session, &json(-1, STREAM | END, "true")), [ended(request)]);
    assert_eq!(sent(&mut session), []);
}

#[test]
fn a_source_the_peer_gave_up_ends_both_ways() {
    let mut session = session();
    let request = called(&mut session, 1, "count", "source");

    assert_eq!(events(&mut session, &json(1, STREAM | END, "true")), [ended(request)]);
    session.item(request, Body::Json("1"));

    assert_eq!(sent(&mut session), [frame(-1, STREAM | END, "true")]);
    assert_eq!(session.open_theirs(), 0);
}

#[test]
fn a_sink_is_confirmed_by_us_and_may_still_fail() {
    let mut session = session();
    let request = called(&mut session, 1, "store", "sink");
    assert_eq!(events(&mut session, &json(1, STREAM, "1")), [Event::Item { request, body: BodyType::Json }]);
    assert_eq!(events(&mut session, &json(1, STREAM | END, "true")), [ended(request)]);
    assert_eq!(sent(&mut session), []);

    session.fail(request, &RemoteError::new("disk full"));

    let text = r#"{"message":"disk full","name":"Error","stack":""}"#;
    assert_eq!(sent(&mut session), [frame(-1, STREAM | END, text)]);
    assert_eq!(session.open_theirs(), 0);
}

#[test]
fn the_directions_of_a_duplex_end_on_their_own() {
    let mut session = session();
    let request = called(&mut session, 1, "talk", "duplex");

    session.end(request);
    assert_eq!(events(&mut session, &json(1, STREAM, "1")), [Event::Item { request, body: BodyType::Json }]);
    assert_eq!(events(&mut session, &json(1, STREAM | END, "true")), [ended(request)]);
    assert_eq!(session.open_theirs(), 0);

    let request = called(&mut session, 1, "talk", "duplex");
    assert_eq!(events(&mut session, &json(1, STREAM | END, "true")), [ended(request)]);
    take(&mut session);
    session.item(request, Body::Json("2"));
    session.end(request);
    assert_eq!(sent(&mut session), [frame(-1, STREAM, "2"), frame(-1, STREAM | END, "true")]);
    assert_eq!(session.open_theirs(), 0);
}

#[test]
fn closing_waits_for_what_is_open_and_refuses_the_rest() {
    let mut session = session();
    session.call(&["a"], Kind::Async, "[]").unwrap();
    take(&mut session);

    session.close();
    assert_eq!(session.call(&["a"], Kind::Async, "[]"), Err(CallError::Closing));
    assert_eq!(events(&mut session, &json(1, ASYNC, r#"{"name":["add"],"args":[]}"#)), []);
    let text = r#"{"message":"parent stream is closing","name":"Error","stack":""}"#;
    assert_eq!(sent(&mut session), [frame(-1, END, text)]);

    assert!(matches!(events(&mut session, &json(-1, ASYNC, "1"))[..], [Event::Answered { .. }]));
    assert_eq!(sent(&mut session), [frame(0, 0, "GOODBYE")]);
    assert!(!session.is_finished());
    assert_eq!(events(&mut session, &[0; 9]), [Event::Goodbye]);
    assert!(session.is_finished());
}

#[test]
fn a_goodbye_ends_all_that_is_open() {
    let mut session = session();
    let asked = session.call(&["a"], Kind::Async, "[]").unwrap();
    let source = session.call(&["b"], Kind::Source, "[]").unwrap();
    let theirs = called(&mut session, 1, "talk", "duplex");
    let async_call = json(2, ASYNC, r#"{"name":["add"],"args":[]}"#);
    let [Event::Called { request: pending, .. }] = events(&mut session, &async_call)[..] else { panic!() };
    take(&mut session);

    let happened = events(&mut session, &[0; 9]);
    session.answer(pending, Body::Json("1"));

    let text = "unexpected end of parent stream";
    let failed = Event::Failed { request: asked, error: RemoteError::new(text) };
    assert_eq!(happened, [failed, ended_with(source, text), ended_with(theirs, text), Event::Goodbye]);
    assert_eq!(
        sent(&mut session),
        [frame(2, STREAM | END, PARENT_ENDED), frame(-1, STREAM | END, PARENT_ENDED), frame(0, 0, "GOODBYE")]
    );
    assert!(session.is_finished());
}

#[test]
fn nothing_is_taken_in_after_a_goodbye() {
    let mut session = session();
    let mut wire = vec![0; 9];
    wire.extend(json(1, ASYNC, r#"{"name":["add"],"args":[]}"#));

    assert_eq!(session.receive(&wire), Ok((9, Some(Event::Goodbye))));
    assert_eq!(session.receive(&wire[9..]), Ok((0, None)));
}

#[test]
fn an_abort_ends_all_and_ignores_what_still_comes() {
    let mut session = session();
    let source = session.call(&["b"], Kind::Source, "[]").unwrap();
    take(&mut session);

    session.abort();
    assert_eq!(sent(&mut session), [frame(1, STREAM | END, PARENT_ENDED), frame(0, 0, "GOODBYE")]);
    assert_eq!(events(&mut session, b""), [ended_with(source, "unexpected end of parent stream")]);

    assert_eq!(events(&mut session, &json(-1, STREAM | END, "true")), []);
    assert_eq!(events(&mut session, &json(1, ASYNC, r#"{"name":["add"],"args":[]}"#)), []);
    assert_eq!(events(&mut session, &[0; 9]), [Event::Goodbye]);
    assert_eq!(session.buffered(), 0);
    assert!(session.is_finished());
}

#[test]
fn an_abort_within_a_packet_drops_it() {
    let mut session = session();
    let wire = json(1, ASYNC, r#"{"name":["add"],"args":[]}"#);
    assert_eq!(events(&mut session, &wire[..20]), []);

    session.abort();

    assert_eq!(events(&mut session, &wire[20..]), []);
}

#[test]
fn a_hang_up_fails_every_call_once() {
    let mut session = session();
    let request = session.call(&["a"], Kind::Async, "[]").unwrap();

    session.hung_up();
    session.hung_up();

    let happened = events(&mut session, b"");
    assert_eq!(happened, [Event::Failed { request, error: RemoteError::parent_ended() }]);
    assert!(session.is_finished());
    assert!(sent(&mut session).contains(&frame(0, 0, "GOODBYE")));
}

#[test]
fn a_broken_protocol_ends_the_connection_and_its_requests() {
    let bad_type = [0x03, 0, 0, 0, 1, 0, 0, 0, 1, 0];
    for (wire, error) in [
        (bad_type.to_vec(), ProtocolError::UnknownBodyType),
        (json(1, ASYNC, "{"), ProtocolError::BadJson),
        (json(-1, END, "{"), ProtocolError::BadJson),
    ] {
        let mut session = session();
        let request = session.call(&["a"], Kind::Async, "[]").unwrap();
        let other = session.call(&["b"], Kind::Async, "[]").unwrap();

        assert_eq!(session.receive(&wire), Err(error));
        let happened = events(&mut session, b"");
        assert!(happened.contains(&Event::Failed { request: other, error: RemoteError::parent_ended() }));
        assert!(happened.contains(&Event::Failed { request, error: RemoteError::parent_ended() }));
        assert!(session.is_finished());
    }
}

#[test]
fn items_are_not_parsed() {
    let mut session = session();
    session.call(&["s"], Kind::Source, "[]").unwrap();

    let happened = feed(&mut session, &json(-1, STREAM, "{\"a\": 1"));

    assert!(matches!(&happened[..], [(Event::Item { .. }, body)] if body == b"{\"a\": 1"));
}

#[test]
fn a_body_is_gone_with_the_next_receive() {
    let mut session = session();
    session.call(&["s"], Kind::Source, "[]").unwrap();
    let (_, event) = session.receive(&json(-1, STREAM, "1")).unwrap();
    assert!(event.is_some());
    assert_eq!(session.body(), b"1");

    session.receive(&json(-1, STREAM, "22")[..10]).unwrap();

    assert_eq!(session.body(), b"");
}
