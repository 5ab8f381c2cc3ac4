//! Vectors: packets and conversations written down from packet-stream-codec 1.2.0 and muxrpc 6.7.3.
//!
//! Where `SSB_VECTORS` names a folder, its files are read instead of the copies beside this test.

#![cfg(test)]

mod common;

use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use common::Frame;
use common::Happened;
use common::feed;
use common::frames;
use common::take;
use serde_json::Value;
use serde_json::json;
use serde_json::value::RawValue;
use ssb_muxrpc::Body;
use ssb_muxrpc::BodyType;
use ssb_muxrpc::Event;
use ssb_muxrpc::Kind;
use ssb_muxrpc::Method;
use ssb_muxrpc::Methods;
use ssb_muxrpc::RemoteError;
use ssb_muxrpc::RequestId;
use ssb_muxrpc::Role;
use ssb_muxrpc::Roles;
use ssb_muxrpc::Session;
use ssb_muxrpc::decode::Decoder;
use ssb_muxrpc::decode::Progress;
use ssb_muxrpc::encode;
use ssb_muxrpc::header::Header;
use ssb_muxrpc::packet::Packet;

#[test]
fn vectors_of_packets_are_written_and_read_alike() {
    for row in read("generated", "muxrpc-frames.jsonl").unwrap_or_default().lines() {
        let wanted = hex(&json_of(row)["frame_hex"]);

        let frame = Wanted::parse(row).frame();

        assert_eq!(write(&frame), wanted, "{row}");
        assert_eq!(frames(&wanted), [frame], "{row}");
    }
}

#[test]
fn vectors_of_odd_streams_are_read_as_javascript_reads_them() {
    for row in read("generated", "muxrpc-decode.jsonl").unwrap_or_default().lines() {
        let row = json_of(row);
        let (messages, error) = decode(&hex(&row["bytes"]));
        assert_eq!(Value::Array(messages), row["messages"], "{row}");
        assert_eq!(error, !row["js_error"].is_null(), "{row}");
    }
}

#[test]
fn vectors_of_conversations_are_served_as_muxrpc_serves_them() {
    for row in conversations() {
        let mut server = Server::new();
        let raw = row["client_sends_hex"].as_str();
        let wire = match raw {
            Some(_) => hex(&row["client_sends_hex"]),
            None => wanted(&row["client_sends"]).iter().flat_map(write).collect(),
        };
        if says(&row, "server_sends", "goodbye") && raw.is_none() {
            server.session.close();
        }

        server.receive(&wire);
        if raw.is_some() {
            server.session.hung_up();
            server.receive(&[]);
        }

        let mut sent = frames(&take(&mut server.session));
        leave_out_answered_goodbye(&row, "server_sends", &mut sent);
        assert_eq!(comparable(&sent), expected(&row, "server_sends"), "{row}");
        server.check_seen(&row);
    }
}

#[test]
fn vectors_of_conversations_are_held_as_muxrpc_holds_them() {
    for row in conversations() {
        // These were written byte by byte, not by a client.
        if row.get("client_sends_hex").is_some() {
            continue;
        }
        let mut client = Session::new(Arc::default(), ALL);
        act(&mut client, &row);

        let wire: Vec<u8> = wanted(&row["server_sends"]).iter().flat_map(write).collect();
        let happened = feed(&mut client, &wire);
        if says(&row, "client_sends", "goodbye") {
            client.close();
        }

        let mut sent = frames(&take(&mut client));
        leave_out_answered_goodbye(&row, "client_sends", &mut sent);
        assert_eq!(comparable(&sent), expected(&row, "client_sends"), "{row}");
        check_told(&row, &happened);
    }
}

const ALL: Role = Role::new(0);

/// The serving side of the conversations.
struct Server {
    session: Session,
    methods: Arc<Methods>,
    streams: Vec<Called>,
}

/// A stream that was called, and what came on it.
struct Called {
    request: RequestId,
    name: String,
    items: Vec<Value>,
    end: Option<Option<RemoteError>>,
}

impl Server {
    fn new() -> Self {
        let kinds = [
            (Kind::Async, "hello fail failString buf str undef nul deep.er.add"),
            (Kind::Sync, "hi"),
            (Kind::Source, "count badSource bufs never"),
            (Kind::Sink, "sink"),
            (Kind::Duplex, "echo"),
        ];
        let mut methods = vec![Method::new("secret", Kind::Async).denied_to(Roles::ALL)];
        for (kind, names) in kinds {
            methods.extend(names.split(' ').map(|name| Method::new(name, kind)));
        }
        let methods = Arc::new(Methods::new(methods, Roles::of(&[ALL])).unwrap());
        Self { session: Session::new(Arc::clone(&methods), ALL), methods, streams: Vec::new() }
    }

    fn receive(&mut self, mut wire: &[u8]) {
        loop {
            let (count, event) = self.session.receive(wire).unwrap();
            wire = &wire[count..];
            match event {
                Some(event) => self.handle(event),
                None if count == 0 => return,
                None => {}
            }
        }
    }

    fn handle(&mut self, event: Event) {
        let body = self.session.body().to_vec();
        match event {
            Event::Called { request, method, kind } => {
                let name = self.methods.get(method).unwrap().path().collect::<Vec<_>>().join(".");
                let args = serde_json::from_slice(&body).unwrap();
                self.serve(request, &name, &args);
                if kind.is_stream() {
                    self.streams.push(Called { request, name, items: Vec::new(), end: None });
                }
            }
            Event::Item { request, body: body_type } => {
                let item = value(body_type, &body);
                let stream = self.stream(request);
                stream.items.push(item.clone());
                if stream.name == "echo" {
                    let echo = json!({ "echo": item }).to_string();
                    self.session.item(request, Body::Json(&echo));
                }
            }
            Event::Ended { request, error } => {
                self.stream(request).end = Some(error);
                self.session.end(request);
            }
            Event::Goodbye => {}
            Event::Answered { .. } | Event::Failed { .. } => panic!("the server called nothing"),
        }
    }

    fn serve(&mut self, request: RequestId, name: &str, args: &Value) {
        let session = &mut self.session;
        match name {
            "hello" => session.answer(request, Body::Text(&format!("hello {}", args[0].as_str().unwrap()))),
            "fail" => session.fail(request, &RemoteError::new("failed")),
            "failString" => session.fail(request, &RemoteError::named("TypeError", "typed")),
            "hi" => session.answer(request, Body::Json(&json!({ "hi": args[0] }).to_string())),
            "deep.er.add" => {
                let sum = args[0].as_i64().unwrap() + args[1].as_i64().unwrap();
                session.answer(request, Body::Json(&sum.to_string()));
            }
            "buf" => session.answer(request, Body::Binary(&[0x00, 0x11, 0x22])),
            "str" => session.answer(request, Body::Text("plain")),
            "undef" => session.answer(request, Body::UNDEFINED),
            "nul" => session.answer(request, Body::Json("null")),
            "count" => {
                for i in 0..args[0]["n"].as_u64().unwrap() {
                    session.item(request, Body::Json(&json!({ "i": i }).to_string()));
                }
                session.end(request);
            }
            "badSource" => session.fail(request, &RemoteError::new("bad source")),
            "bufs" => {
                session.item(request, Body::Binary(&[0]));
                session.item(request, Body::Binary(&[]));
                session.item(request, Body::Binary(&[0xff, 0xff]));
                session.end(request);
            }
            "never" | "sink" | "echo" => {}
            name => panic!("no such method: {name}"),
        }
    }

    fn stream(&mut self, request: RequestId) -> &mut Called {
        self.streams.iter_mut().find(|stream| stream.request == request).unwrap()
    }

    /// Compares what the methods were told with what those in JavaScript saw.
    fn check_seen(&self, row: &Value) {
        for seen in row["server_sees"].as_array().unwrap() {
            let name = match seen.as_str() {
                Some("never aborted") => "never",
                Some("echo source aborted") => "echo",
                _ => "sink",
            };
            let stream = self.streams.iter().find(|stream| stream.name == name).unwrap();
            assert_eq!(stream.end, Some(None), "{row}");
            if let Some(items) = seen.get("sink") {
                assert_eq!((json!(stream.items), &seen["err"]), (items.clone(), &Value::Null), "{row}");
            }
        }
    }
}

/// Does what the client's program did: makes the calls, and on streams it writes to, writes and ends. The end of a source
/// is written by the session, unless the program gave the source up.
fn act(client: &mut Session, row: &Value) {
    let mut calls: Vec<(i32, RequestId, Kind)> = Vec::new();
    let gives_up = row["client_sees"] == json!(["aborted"]);
    for frame in wanted(&row["client_sends"]) {
        let Frame::Packet { number, end, body_type, body, .. } = frame else { continue };
        let known = calls.iter().find(|(known, ..)| *known == number).copied();
        let Some((_, request, kind)) = known else {
            let call: Value = serde_json::from_slice(&body).unwrap();
            let path: Vec<&str> =
                call["name"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
            let kind = match call["type"].as_str() {
                Some("source") => Kind::Source,
                Some("sink") => Kind::Sink,
                Some("duplex") => Kind::Duplex,
                _ => Kind::Async,
            };
            calls.push((number, client.call(&path, kind, &call["args"].to_string()).unwrap(), kind));
            continue;
        };
        match (kind, end) {
            (Kind::Source, true) if gives_up => client.end(request),
            (Kind::Source, _) => {}
            (_, true) => client.end(request),
            (_, false) => client.item(request, sendable(body_type, &body)),
        }
    }
}

/// Compares what the client was told with what the JavaScript client saw.
fn check_told(row: &Value, happened: &Happened) {
    let sees = row["client_sees"].as_array().unwrap();
    let mut streams = BTreeSet::new();
    for (event, _) in happened {
        if let Event::Item { request, .. } | Event::Ended { request, .. } = event {
            streams.insert(*request);
        }
    }
    let mut streams = streams.into_iter();
    for seen in sees {
        if seen.get("call").is_some() {
            let told = match &happened[..] {
                [(Event::Answered { body, .. }, bytes)] => json!([null, value(*body, bytes)]),
                [(Event::Failed { error, .. }, _)] => json!([error.message(), null]),
                other => panic!("{other:?} {row}"),
            };
            assert_eq!(told, json!([seen["err"], seen["value"]]), "{row}");
        } else if seen.get("stream").is_some() {
            let stream = streams.next().unwrap();
            let mut values = Vec::new();
            let mut end = None;
            for (event, bytes) in happened {
                match event {
                    Event::Item { request, body } if *request == stream => values.push(value(*body, bytes)),
                    Event::Ended { request, error } if *request == stream => end = Some(error),
                    _ => {}
                }
            }
            let error = end.unwrap().as_ref().map(RemoteError::message);
            assert_eq!(json!([values, error]), json!([seen["values"], seen["err"]]), "{row}");
        }
    }
}

/// Rows with a real client were written down until one side was done. The other side's answer to its goodbye is not in
/// them, except where the input ended, which is what `client_sends_hex` says.
fn leave_out_answered_goodbye(row: &Value, side: &str, sent: &mut Vec<Frame>) {
    let recorded = says(row, side, "goodbye") || row.get("client_sends_hex").is_some();
    if !recorded && sent.last() == Some(&Frame::Goodbye) {
        sent.pop();
    }
}

fn says(row: &Value, side: &str, key: &str) -> bool {
    row[side].as_array().unwrap().iter().any(|frame| frame.get(key).is_some())
}

/// What a side is to send, with one rule: a name every JavaScript object inherits is found on its list of denied methods.
/// Here it is a name like any other, so it is unknown.
fn expected(row: &Value, side: &str) -> Vec<Value> {
    let mut frames = comparable(&wanted(&row[side]));
    for frame in &mut frames {
        let inherited = ["constructor", "toString", "valueOf", "hasOwnProperty"].into_iter().find(|name| {
            frame["body"]["message"] == format!("method:{name} is on list of disallowed methods")
        });
        if let Some(name) = inherited {
            let kind = if frame["stream"] == true { "source" } else { "async" };
            frame["body"]["message"] = json!(format!("no {kind}:{name}"));
        }
    }
    frames
}

/// Frames as JSON, without the stacks of errors, which we leave empty.
fn comparable(frames: &[Frame]) -> Vec<Value> {
    let show = |frame: &Frame| match frame {
        Frame::Goodbye => json!("GOODBYE"),
        Frame::Packet { number, stream, end, body_type, body } => {
            let mut value = value(*body_type, body);
            if let (true, Some(error)) = (*end, value.as_object_mut()) {
                error.remove("stack");
            }
            let body_type = format!("{body_type:?}");
            json!({ "number": number, "stream": stream, "end": end, "type": body_type, "body": value })
        }
    };
    frames.iter().map(show).collect()
}

/// A frame of a vector. The body stays text, so that it is written exactly as JavaScript wrote it.
struct Wanted<'a> {
    row: Value,
    body: Option<&'a RawValue>,
}

impl<'a> Wanted<'a> {
    fn parse(text: &'a str) -> Self {
        let fields: std::collections::BTreeMap<&str, &'a RawValue> = serde_json::from_str(text).unwrap();
        Self { row: json_of(text), body: fields.get("body").copied() }
    }

    fn frame(&self) -> Frame {
        let Some(body) = self.body else { return Frame::Goodbye };
        let (body_type, body) = match self.row["type"].as_str() {
            Some("buffer") => (BodyType::Binary, hex(&self.row["body"]["hex"])),
            Some("string") => (BodyType::Text, self.row["body"].as_str().unwrap().into()),
            _ => (BodyType::Json, body.get().into()),
        };
        Frame::Packet {
            number: i32::try_from(self.row["req"].as_i64().unwrap()).unwrap(),
            stream: self.row["stream"].as_bool().unwrap(),
            end: self.row["end"].as_bool().unwrap(),
            body_type,
            body,
        }
    }
}

fn wanted(frames: &Value) -> Vec<Frame> {
    let texts: Vec<String> = frames.as_array().unwrap().iter().map(Value::to_string).collect();
    texts.iter().map(|text| Wanted::parse(text).frame()).collect()
}

fn write(frame: &Frame) -> Vec<u8> {
    let mut wire = Vec::new();
    match frame {
        Frame::Goodbye => encode::goodbye(&mut wire),
        Frame::Packet { number, stream, end, body_type, body } => {
            let body = sendable(*body_type, body);
            encode::packet(&Packet { number: *number, stream: *stream, end: *end, body }, &mut wire).unwrap();
        }
    }
    wire
}

fn sendable(body_type: BodyType, body: &[u8]) -> Body<'_> {
    match body_type {
        BodyType::Binary => Body::Binary(body),
        BodyType::Text => Body::Text(str::from_utf8(body).unwrap()),
        BodyType::Json => Body::Json(str::from_utf8(body).unwrap()),
    }
}

/// Everything a byte stream holds, in the shape of the vectors, and whether it ended before its goodbye or went wrong.
fn decode(mut wire: &[u8]) -> (Vec<Value>, bool) {
    let mut decoder = Decoder::new();
    let mut messages = Vec::new();
    let mut header: Option<Header> = None;
    while !wire.is_empty() {
        let Ok((count, progress)) = decoder.decode(wire) else { return (messages, true) };
        wire = &wire[count..];
        match progress {
            Progress::Header(read) => header = Some(read),
            Progress::Last(body) => {
                let header = header.take().unwrap();
                let kind = match header.body_type {
                    BodyType::Binary => "buffer",
                    BodyType::Text => "string",
                    BodyType::Json => "json",
                };
                messages.push(json!({
                    "req": header.number, "stream": header.stream, "end": header.end, "type": kind,
                    "value": value(header.body_type, body),
                }));
            }
            Progress::Goodbye => {
                messages.push(json!("GOODBYE"));
                break;
            }
            Progress::Piece(_) | Progress::Partial => {}
        }
    }
    (messages, !decoder.is_finished())
}

fn value(body_type: BodyType, body: &[u8]) -> Value {
    match body_type {
        BodyType::Binary => {
            json!({ "hex": body.iter().map(|byte| format!("{byte:02x}")).collect::<String>() })
        }
        BodyType::Text => json!(String::from_utf8_lossy(body)),
        BodyType::Json => json_of(str::from_utf8(body).unwrap()),
    }
}

/// Reads JSON as far as comparing goes: lone surrogates, which Rust's strings cannot hold, become replacement characters.
/// That is what JavaScript writes for them in UTF-8.
fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| {
        let mut text = text.to_string();
        for high in 0xd800..0xe000_u32 {
            text = text.replace(&format!("\\u{high:04x}"), "\u{fffd}");
        }
        serde_json::from_str(&text).unwrap()
    })
}

fn hex(text: &Value) -> Vec<u8> {
    let digit = |byte: &u8| u8::try_from(char::from(*byte).to_digit(16).unwrap()).unwrap();
    let digits: Vec<u8> = text.as_str().unwrap().as_bytes().iter().map(digit).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn conversations() -> Vec<Value> {
    read("generated", "muxrpc-conversations.json")
        .map(|text| serde_json::from_str(&text).unwrap())
        .unwrap_or_default()
}

/// A file of vectors: of the folder that `SSB_VECTORS` names, as far as it has the file, else our copy.
fn read(folder: &str, name: &str) -> Option<String> {
    let path = match std::env::var_os("SSB_VECTORS").map(PathBuf::from) {
        Some(named) => {
            assert!(named.is_dir(), "SSB_VECTORS={} is no folder", named.display());
            named.join(folder).join(name)
        }
        None if folder == "generated" => {
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(name)
        }
        None => {
            println!("third-party vectors not run");
            return None;
        }
    };
    match std::fs::read_to_string(&path) {
        Err(error)
            if error.kind() == std::io::ErrorKind::NotFound && std::env::var_os("SSB_VECTORS").is_some() =>
        {
            println!("{folder}/{name} is not among the vectors");
            None
        }
        text => Some(text.unwrap_or_else(|error| panic!("{}: {error}", path.display()))),
    }
}
