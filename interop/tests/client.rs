//! ssb-client cannot tell our node from ssb-server: given the same messages, both answer alike.

use interop::Client;
use interop::Lab;
use interop::Node;
use interop::Stream;
use interop::json;
use interop::key;
use interop::receive_time;
use interop::value;
use interop::without_receive_time;
use serde_json::Value;

#[test]
fn answers_over_tcp_are_those_of_ssb_server() {
    answers_are_those_of_ssb_server(&Lab::new(), Lab::client);
}

#[test]
fn answers_over_the_unix_socket_are_those_of_ssb_server() {
    answers_are_those_of_ssb_server(&Lab::new(), Lab::socket_client);
}

#[test]
fn answers_on_a_network_with_a_signing_key_are_those_of_ssb_server() {
    answers_are_those_of_ssb_server(&Lab::with_signing_key(), Lab::client);
}

#[test]
fn a_stopped_source_ends_and_the_connection_goes_on() {
    let lab = Lab::new();
    let mut pair = Pair::start(&lab, Lab::client);
    pair.publish(r#"{"type":"post","text":"only one"}"#);

    let both = pair.open("createLogStream", r#"[{"live":true}]"#);
    pair.assert_same_item(both, "createLogStream, first item");
    pair.ours.abort(both.0);

    assert!(pair.ours.call("whoami", "[]").is_ok());
    pair.ours.close();
}

#[test]
fn wrong_kinds_and_unknown_methods_are_refused_as_in_javascript() {
    let lab = Lab::new();
    let manifest =
        r#"{"whoami":"source","createLogStream":"async","nosuch":{"method":"async","stream":"source"}}"#;
    let connect = |lab: &Lab, node: &Node| {
        lab.try_client(node.address(), Some(node), Some(manifest)).expect("the owner may connect")
    };
    let mut pair = Pair::start(&lab, connect);

    pair.assert_same_stream("whoami", "[]");
    pair.assert_same("createLogStream", "[]");
    pair.assert_same("nosuch.method", "[]");
    pair.assert_same_stream("nosuch.stream", "[]");
}

#[test]
fn strangers_are_refused_as_in_javascript() {
    let lab = Lab::new();
    let manifest = r#"{"whoami":"async","publish":"async","get":"async","createLogStream":"source",
        "createHistoryStream":"source","nosuch":{"method":"async"},"gossip":{"connect":"async"}}"#
        .replace(['\n', ' '], "");
    let mut pair = Pair::start(&lab, |lab, node| lab.stranger(node, Some(&manifest)));
    let id = pair.id.clone();

    pair.assert_same("whoami", "[]");
    pair.assert_same("publish", r#"[{"type":"post","text":"not mine to say"}]"#);
    pair.assert_same("get", r#"["%AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=.sha256"]"#);
    pair.assert_same(
        "gossip.connect",
        r#"["net:127.0.0.1:1~shs:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]"#,
    );
    pair.assert_same("nosuch.method", "[]");
    pair.assert_same_stream("createLogStream", "[{}]");
    pair.assert_same_stream("createHistoryStream", &format!(r#"[{{"id":"{id}"}}]"#));
}

#[test]
fn strangers_may_call_of_our_methods_what_they_may_call_there() {
    let lab = Lab::new();
    let manifest = lab.client(&lab.ours("named", &[])).call("manifest", "[]").expect("the owner may ask");
    let mut pair = Pair::start(&lab, |lab, node| lab.stranger(node, Some(&manifest)));
    let methods = paths(&json(&manifest), "");
    assert!(methods.len() > 30, "{methods:?}");

    for (method, kind) in &methods {
        match (method.as_str(), kind.as_str()) {
            // What it answers differs, and the others go on and on: that strangers may call them, other tests show.
            ("manifest" | "gossip.ping" | "conn.ping" | "ebt.replicate" | "ooo.stream", _) => {}
            ("blobs.get" | "blobs.getSlice" | "blobs.has", _) => {}
            ("blobs.changes" | "blobs.createWants", _) => {}
            // Before it has all of a blob, ssb-client calls nobody.
            ("blobs.add", _) => {}
            (_, "source") => pair.assert_same_stream(method, "[]"),
            _ => pair.assert_same(method, "[]"),
        }
    }
}

#[test]
fn our_methods_are_methods_of_ssb_server_of_the_same_kind_but_for_a_few() {
    let lab = Lab::new();
    let mut pair = Pair::start(&lab, Lab::client);
    let [ours, theirs] = [&mut pair.ours, &mut pair.theirs].map(|client| {
        let manifest = client.call("manifest", "[]").expect("a server says what it can");
        paths(&json(&manifest), "")
    });

    let unknown = ours.iter().filter(|method| !theirs.contains(method));
    let unknown: Vec<&str> = unknown.map(|(name, _)| name.as_str()).collect();
    // Those of ssb-conn, which newer programs call instead of those of ssb-gossip.
    let unknown: Vec<&str> = unknown.into_iter().filter(|name| !name.starts_with("conn.")).collect();

    assert_eq!(
        unknown,
        [
            // What is kept whatever the quota.
            "blobs.pin",
            "blobs.unpin",
            // Of ssb-db2, because it says how content is sealed.
            "db.create",
            // Of ssb-ebt 9 and ssb-friends 5, which ssb-server does not have yet.
            "ebt.clock",
            "friends.graph",
            "friends.graphStream",
            // In ssb-db, but in no manifest.
            "getAtSequence",
            // Who is there; how far replication is; what undoes `del`; what explains.
            "peers",
            "replicate.progress",
            "undel",
            "why",
        ]
    );
}

#[test]
fn strangers_read_the_history_of_the_owner() {
    let lab = Lab::new();
    let ours = lab.ours("ours", &[]);
    let published =
        lab.client(&ours).call("publish", r#"[{"type":"post","text":"for all"}]"#).expect("published");

    // Without a manifest, so that the stranger asks for it.
    let mut stranger = lab.stranger(&ours, None);
    let history = stranger.collect("createHistoryStream", &format!(r#"[{{"id":"{}"}}]"#, ours.id()));

    assert_eq!(history, Ok(vec![published]));
}

fn answers_are_those_of_ssb_server(lab: &Lab, connect: impl Fn(&Lab, &Node) -> Client) {
    let mut pair = Pair::start(lab, connect);
    let id = pair.id.clone();
    assert_eq!(pair.ours.call("whoami", "[]"), Ok(format!(r#"{{"id":"{id}"}}"#)));

    let published: Vec<String> = contents().iter().map(|content| pair.publish(content)).collect();

    for message in &published {
        let key = key(message);
        pair.assert_same("get", &format!(r#"["{key}"]"#));
        pair.assert_same("get", &format!(r#"[{{"id":"{key}"}}]"#));
        pair.assert_same("get", &format!(r#"[{{"id":"{key}","meta":true}}]"#));
    }
    for options in [
        "",
        r#""keys":false"#,
        r#""values":false"#,
        r#""reverse":true"#,
        r#""limit":3"#,
        r#""limit":0"#,
        r#""limit":3,"reverse":true"#,
        r#""limit":-1,"keys":false"#,
    ] {
        pair.assert_same_stream("createLogStream", &format!("[{{{options}}}]"));
    }
    pair.assert_same_stream("createLogStream", "[]");
    for bound in ["gt", "gte", "lt", "lte"] {
        // Each node has its own idea of when the third message arrived.
        let [ours, theirs] = pair.receive_times(2).map(|time| format!(r#"[{{"{bound}":{time}}}]"#));
        let ours = pair.ours.collect("createLogStream", &ours);
        let theirs = pair.theirs.collect("createLogStream", &theirs);
        assert_eq!(comparable(ours), comparable(theirs), "createLogStream with {bound}");
    }
    for options in [
        "",
        r#","keys":false"#,
        r#","seq":3"#,
        r#","sequence":3"#,
        r#","seq":3,"limit":2"#,
        r#","limit":2,"keys":false"#,
        r#","limit":0"#,
        r#","seq":1000"#,
        r#","seq":0,"live":false"#,
    ] {
        pair.assert_same_stream("createHistoryStream", &format!(r#"[{{"id":"{id}"{options}}}]"#));
    }
    pair.assert_same_stream("createHistoryStream", &format!(r#"[{{"id":"{NOBODY}"}}]"#));
    pair.ours.close();
    pair.theirs.close();
}

/// Contents that come back changed, or hash differently, when something on the way thinks it knows JSON better.
fn contents() -> Vec<String> {
    let long = "a text that takes several boxes ".repeat(200);
    [
        r#"{"type":"post","text":"hello, world"}"#,
        r#"{"type":"post","zebra":1,"apple":{"y":[],"x":{}},"text":"keys are not sorted"}"#,
        r#"{"type":"post","text":"🦀 \u00e9 \u0000 \u001f \u2028 \" \\ / \ud83d","a\nb":"\b\f\n\r\t"}"#,
        r#"{"type":"post","numbers":[0,-0,0.1,1e21,1e-7,123456789012345680000,5e-324,1.7976931348623157e308]}"#,
        r#"{"type":"post","10":"ten","9":"nine","-1":"minus one","":null,"yes":true,"no":false}"#,
        r#"{"type":"contact","contact":"@AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=.ed25519","following":true}"#,
        r#"{"type":"vote","vote":{"link":"%AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=.sha256","value":1}}"#,
        r#"{"type":"about","about":"@AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=.ed25519","name":"nobody"}"#,
    ]
    .into_iter()
    .map(str::to_owned)
    .chain([format!(r#"{{"type":"post","text":"{long}"}}"#)])
    .collect()
}

/// Our node and a JavaScript server that is given all our node publishes.
struct Pair {
    ours: Client,
    theirs: Client,
    owner_of_ours: Client,
    owner_of_theirs: Client,
    id: String,
    _nodes: [Node; 2],
}

impl Pair {
    fn start(lab: &Lab, connect: impl Fn(&Lab, &Node) -> Client) -> Self {
        let [ours, theirs] = [lab.ours("ours", &[]), lab.theirs("theirs", &[])];
        Self {
            ours: connect(lab, &ours),
            theirs: connect(lab, &theirs),
            owner_of_ours: lab.client(&ours),
            owner_of_theirs: lab.client(&theirs),
            id: ours.id(),
            _nodes: [ours, theirs],
        }
    }

    #[track_caller]
    fn publish(&mut self, content: &str) -> String {
        let published =
            self.owner_of_ours.call("publish", &format!("[{content}]")).expect("our node publishes");
        let added = self.owner_of_theirs.call("add", &format!("[{}]", value(&published)));
        let added = added.expect("ssb-server accepts the message");
        assert_eq!(without_receive_time(&published), without_receive_time(&added));
        published
    }

    #[track_caller]
    fn assert_same(&mut self, method: &str, args: &str) {
        let ours = self.ours.call(method, args).map(|value| without_receive_time(&value));
        let theirs = self.theirs.call(method, args).map(|value| without_receive_time(&value));
        assert_eq!(ours, theirs, "{method}{args}: left is ours, right is ssb-server's");
    }

    #[track_caller]
    fn assert_same_stream(&mut self, method: &str, args: &str) {
        let ours = comparable(self.ours.collect(method, args));
        let theirs = comparable(self.theirs.collect(method, args));
        assert_eq!(ours, theirs, "{method}{args}: left is ours, right is ssb-server's");
    }

    fn open(&mut self, method: &str, args: &str) -> (Stream, Stream) {
        (self.ours.open(method, args), self.theirs.open(method, args))
    }

    #[track_caller]
    fn assert_same_item(&mut self, (ours, theirs): (Stream, Stream), what: &str) {
        // Theirs first: if it never comes, the expectation is wrong.
        let theirs = without_receive_time(&self.theirs.item(theirs));
        let ours = without_receive_time(&self.ours.item(ours));
        assert_eq!(ours, theirs, "{what}: left is ours, right is ssb-server's");
    }

    fn receive_times(&mut self, index: usize) -> [String; 2] {
        [&mut self.ours, &mut self.theirs].map(|client| {
            let log = client.collect("createLogStream", "[]").expect("the log can be read");
            receive_time(log.get(index).expect("the log is that long"))
        })
    }
}

/// All methods of a manifest, with their kinds.
fn paths(manifest: &Value, namespace: &str) -> Vec<(String, String)> {
    let methods = manifest.as_object().expect("a manifest is an object");
    let paths = methods.iter().flat_map(|(name, kind)| match kind {
        Value::String(kind) => vec![(format!("{namespace}{name}"), kind.clone())],
        inner => paths(inner, &format!("{namespace}{name}.")),
    });
    paths.collect()
}

fn comparable(items: Result<Vec<String>, String>) -> Result<Vec<String>, String> {
    items.map(|items| items.iter().map(|item| without_receive_time(item)).collect())
}

/// A feed of which there is nothing.
const NOBODY: &str = "@AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=.ed25519";
