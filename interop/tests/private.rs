//! Private messages go both ways between our node and JavaScript ones, and our node shows them as ssb-server does.

use std::time::Duration;

use interop::Answer;
use interop::Client;
use interop::Lab;
use interop::Node;
use interop::eventually;
use interop::fail;
use interop::json;
use interop::key;
use interop::value;
use serde_json::Value;
use ssb_keys::FeedId;
use ssb_keys::Keypair;
use ssb_keys::base64;
use ssb_log::Opener;
use ssb_log::fields::Fields;
use ssb_msg::Signing;
use ssb_msg::ValidationState;
use ssb_msg::draft;
use ssb_privatebox::seal_for_many;
use ssb_privatebox::text;

/// How many recipients a message has at most.
const RECIPIENTS_MAX: u8 = 7;

#[test]
fn what_one_publishes_for_one_to_seven_the_other_opens_ssb_server() {
    private_messages_go_both_ways(Other::SsbServer);
}

#[test]
fn what_one_publishes_for_one_to_seven_the_other_opens_ssb_db2() {
    private_messages_go_both_ways(Other::Db2);
}

/// The other node, and how it is asked for a message in plain text.
#[derive(Clone, Copy, PartialEq)]
enum Other {
    SsbServer,
    Db2,
}

fn private_messages_go_both_ways(other: Other) {
    let lab = Lab::new();
    let ours = lab.ours("ours", &[]);
    let theirs = match other {
        Other::SsbServer => lab.theirs("theirs", &[]),
        Other::Db2 => lab.modern("theirs", &[]),
    };
    let (mut us, mut them) = (lab.client(&ours), lab.client(&theirs));
    let mut stranger = lab.stranger(&ours, None);
    us.publish(&follow(&theirs));
    them.publish(&follow(&ours));
    us.dial(&theirs);

    let (to_them, to_us) = (messages_for(&mut us, &theirs), messages_for(&mut them, &ours));

    for (id, content) in &to_us {
        let get = format!(r#"[{{"id":"{id}","private":true,"ooo":false}}]"#);
        assert_eq!(plain(&mut us, "get", &get), *content, "{id}, made by theirs");
    }
    for (id, content) in &to_them {
        let (method, get) = match other {
            Other::SsbServer => ("get", format!(r#"[{{"id":"{id}","private":true,"ooo":false}}]"#)),
            Other::Db2 => ("db.get", format!(r#"["{id}"]"#)),
        };
        assert_eq!(plain(&mut them, method, &get), *content, "{id}, made by ours");
    }
    let all =
        us.collect("private.read", r#"[{"query":[{"$filter":{"timestamp":{"$gt":0}}},{"$map":"key"}]}]"#);
    let all = all.expect("the owner may read");
    for (id, _) in &to_us {
        assert!(all.contains(&format!("\"{id}\"")), "{id} is not in {all:?}");
    }
    let history = stranger.collect("createHistoryStream", &format!(r#"[{{"id":"{}"}}]"#, ours.id()));
    let history = history.expect("anybody may replicate").join("\n");
    assert!(history.contains(".box") && !history.contains(TEXT), "{history}");
}

const TEXT: &str = "between us";

/// Publishes messages for one to seven, one of them the owner of a node; their ids, and their contents.
fn messages_for(publisher: &mut Client, node: &Node) -> Vec<(String, Value)> {
    let others = (1..RECIPIENTS_MAX).map(|seed| Keypair::from_seed(&[seed; 32]).id().to_string());
    let others: Vec<String> = others.collect();
    let publish = |others: &[String]| {
        // The last one, so that each slot is looked at.
        let recipients: Vec<String> = others.iter().cloned().chain([node.id()]).collect();
        let text = format!("{TEXT} {} ☃", recipients.len());
        let content = serde_json::json!({ "type": "post", "text": text, "recps": recipients });
        let published = publisher.publish(&content.to_string());
        assert!(published.contains(".box\"") && !published.contains(TEXT), "{published}");
        (key(&published).to_owned(), content)
    };
    (0..usize::from(RECIPIENTS_MAX))
        .map(|count| others.get(..count).expect("six others"))
        .map(publish)
        .collect()
}

/// The content of a message, once it is there.
#[track_caller]
fn plain(client: &mut Client, method: &str, args: &str) -> Value {
    let message = eventually(&format!("{method}{args}"), || client.call(method, args).ok());
    json(&message).get("content").cloned().expect("a message has content")
}

fn follow(node: &Node) -> String {
    format!(r#"{{"type":"contact","contact":"{}","following":true}}"#, node.id())
}

#[test]
fn private_follows_and_blocks_count_at_once_and_after_a_start() {
    let lab = Lab::new();
    let ours = lab.ours("ours", &[]);
    let mut owner = lab.client(&ours);
    let [friend, foe] = [8, 9].map(|seed| Keypair::from_seed(&[seed; 32]).id());
    let with = format!(r#"{{"recps":["{}"]}}"#, ours.id());
    for (method, who) in [("friends.follow", friend), ("friends.block", foe)] {
        let published = owner.call(method, &format!(r#"["{who}",{with}]"#)).expect("it is sealed");
        assert!(published.contains(".box\"") && !published.contains(&who.to_string()), "{published}");
    }
    let ask = |owner: &mut Client| {
        let mut ask = |method: &str, dest| {
            owner.call(method, &format!(r#"[{{"source":"{}","dest":"{dest}"}}]"#, ours.id()))
        };
        [ask("friends.isFollowing", friend), ask("friends.isBlocking", foe)]
    };

    assert_eq!(ask(&mut owner), [Ok("true".to_owned()), Ok("true".to_owned())]);
    owner.close();
    let id = ours.id();
    ours.stop();
    let ours = lab.ours("ours", &[]);
    assert_eq!(ours.id(), id);
    let mut owner = lab.client(&ours);
    let counts = |owner: &mut Client| {
        let mut ask = |method: &str, dest| {
            owner
                .call(method, &format!(r#"[{{"source":"{id}","dest":"{dest}"}}]"#))
                .is_ok_and(|is| is == "true")
        };
        (ask("friends.isFollowing", friend) && ask("friends.isBlocking", foe)).then_some(())
    };
    eventually("what was said in private counts", || counts(&mut owner));
}

#[test]
fn private_messages_are_shown_as_ssb_server_shows_them() {
    let lab = Lab::new();
    let nodes = [lab.ours("ours", &[]), lab.theirs("theirs", &["--no-dial"])];
    let feed = Feed::of(&nodes.each_ref().map(Node::id));
    let [mut ours, mut theirs] = nodes.each_ref().map(|node| lab.socket_client(node));
    // Streams that are open while the messages come.
    let live = LIVE.map(|(method, args)| (method, ours.open(method, args), theirs.open(method, args)));
    let mut boxed = Vec::new();
    for message in &feed.messages {
        let added = ours.call("add", &format!("[{message}]")).expect("our node takes it");
        theirs.call("add", &format!("[{message}]")).expect("ssb-server takes it");
        boxed.push(added);
    }
    let names = feed.names(&boxed);
    let fill = |args: &str| names.iter().fold(args.to_owned(), |args, (name, text)| args.replace(name, text));

    let compare_calls = |calls: &[(&str, &str)], ours: &mut Client, theirs: &mut Client| {
        for (method, args) in calls {
            let args = fill(args);
            let [ours, theirs] =
                [ours.call(method, &args), theirs.call(method, &args)].map(|answer| answer.map(comparable));
            assert_eq!(ours, theirs, "{method}{args}: left is ours, right is ssb-server's");
        }
    };
    compare_calls(CALLS, &mut ours, &mut theirs);
    for (method, args) in STREAMS {
        let args = fill(args);
        let all = [&mut ours, &mut theirs].map(|client| {
            let items = client.collect(method, &args);
            items.map(|items| items.into_iter().map(comparable).collect::<Vec<String>>())
        });
        let [ours, theirs] = all;
        assert_eq!(ours, theirs, "{method}{args}: left is ours, right is ssb-server's");
        let is_empty = ours.is_ok_and(|items| items.is_empty());
        assert!(!is_empty, "{method}{args}: nothing to compare");
    }
    for (method, our_stream, their_stream) in live {
        for n in 0.. {
            // Theirs first: if it never comes, nothing was expected.
            let Some(Answer::Item(theirs)) = theirs.next(their_stream, QUIET) else {
                assert!(n > 1, "{method}: {n} items");
                break;
            };
            assert_eq!(comparable(ours.item(our_stream)), comparable(theirs), "{method}, item {n}");
        }
    }
    compare_calls(WITH_KEY, &mut ours, &mut theirs);
}

/// How long a live stream that has nothing more to say is watched.
const QUIET: Duration = Duration::from_millis(700);

/// `<pN.id>` is the id of the feed's message N, `<pN>` that message with its key and time, `<pN.box>` its content; `<P>` the feed,
/// `<F>` somebody whom it mentions, `<key>` what opens the message for others.
const CALLS: &[(&str, &str)] = &[
    ("get", r#"["<p1.id>"]"#),
    ("get", r#"[{"id":"<p1.id>"}]"#),
    ("get", r#"[{"id":"<p1.id>","private":true}]"#),
    ("get", r#"[{"id":"<p1.id>","private":true,"meta":true}]"#),
    ("get", r#"[{"id":"<p1.id>","private":1}]"#),
    ("get", r#"[{"id":"<p1.id>","private":"true","meta":true}]"#),
    ("get", r#"[{"id":"<p1.id>","unbox":"<key>"}]"#),
    ("get", r#"[{"id":"<p1.id>","private":true,"unbox":"<key>"}]"#),
    ("get", r#"[{"id":"<p2.id>","private":true}]"#),
    ("get", r#"[{"id":"<p3.id>","private":true}]"#),
    ("get", r#"[{"id":"<p4.id>","private":true,"meta":true}]"#),
    ("get", r#"[{"id":"<p5.id>","private":true}]"#),
    ("get", r#"[{"id":"<p6.id>","private":true}]"#),
    ("get", r#"[{"id":"<p7.id>","private":true}]"#),
    ("get", r#"[{"id":"<p8.id>","private":true}]"#),
    ("get", r#"[{"id":"<p9.id>","private":true}]"#),
    ("get", r#"[{"id":"<p10.id>","private":true}]"#),
    ("get", r#"[{"id":"<p11.id>","private":true}]"#),
    ("get", r#"["<p3.id>?unbox=<wrong>"]"#),
    ("get", "[0]"),
    ("get", r#"[{"id":0,"private":false}]"#),
    ("getLatest", r#"["<P>"]"#),
    ("private.unbox", r#"["<p1.box>"]"#),
    ("private.unbox", r#"["<p3.box>"]"#),
    ("private.unbox", r#"["<p5.box>"]"#),
    ("private.unbox", r#"["<p6.box>"]"#),
    ("private.unbox", r#"["<p7.box>"]"#),
    ("private.unbox", "[<p1>]"),
    ("private.unbox", "[<p3>]"),
    ("private.unbox", "[<p4>]"),
    ("private.unbox", r#"[{"value":{"content":"<p1.box>"}}]"#),
    ("private.unbox", r#"[{"key":5,"timestamp":null,"value":{"content":"<p1.box>","author":"x"}}]"#),
    ("private.unbox", r#"["x"]"#),
    ("private.unbox", r#"[""]"#),
    ("private.unbox", "[]"),
    ("private.unbox", "[5]"),
    ("private.unbox", "[{}]"),
    ("private.unbox", r#"[{"value":{"content":{}}}]"#),
    ("get", r#"[{"id":"<p3.id>","private":true,"unbox":"<wrong>"}]"#),
    ("get", r#"[{"id":"<p3.id>","unbox":"<key3>"}]"#),
];

/// Behind all others: once a key was given, ssb-server shows what it opens to whoever asks for something private, for a while.
const WITH_KEY: &[(&str, &str)] = &[
    ("get", r#"["<p3.id>?unbox=<key3>"]"#),
    ("get", r#"["<p3.id>?unbox=<key3.encoded>&meta=true"]"#),
    ("get", r#"["<p3.id>?unbox=<key3>.boxs"]"#),
    ("get", r#"[{"id":"<p3.id>?unbox=<key3>","meta":true,"private":false}]"#),
    ("get", r#"[{"id":"<p3.id>","private":true,"unbox":"<key3>"}]"#),
    ("get", r#"["<p1.id>?unbox=<key3>"]"#),
];

const STREAMS: &[(&str, &str)] = &[
    ("createLogStream", "[{}]"),
    ("createLogStream", r#"[{"private":true}]"#),
    ("createLogStream", r#"[{"private":1}]"#),
    ("createLogStream", r#"[{"private":true,"keys":false}]"#),
    ("createLogStream", r#"[{"private":true,"values":false}]"#),
    ("createLogStream", r#"[{"private":true,"reverse":true,"limit":4}]"#),
    ("createLogStream", r#"[{"raw":true,"seqs":false}]"#),
    ("createLogStream", r#"[{"raw":true,"seqs":false,"private":false}]"#),
    ("createFeedStream", "[{}]"),
    ("createFeedStream", r#"[{"private":true}]"#),
    ("createFeedStream", r#"[{"private":true,"keys":false}]"#),
    ("createUserStream", r#"[{"id":"<P>"}]"#),
    ("createUserStream", r#"[{"id":"<P>","private":true}]"#),
    ("createUserStream", r#"[{"id":"<P>","private":true,"gt":2,"lt":6,"reverse":true}]"#),
    ("createHistoryStream", r#"[{"id":"<P>","private":true}]"#),
    ("messagesByType", r#"["secret"]"#),
    ("messagesByType", r#"[{"type":"secret","private":true}]"#),
    ("messagesByType", r#"[{"type":"secret","private":true,"keys":false,"reverse":true}]"#),
    ("messagesByType", r#"[{"type":"secret","private":false,"values":false}]"#),
    ("messagesByType", r#"[{"type":"post","private":true}]"#),
    ("links", r#"[{"source":"<P>"}]"#),
    ("links", r#"[{"source":"<P>","private":true}]"#),
    ("links", r#"[{"dest":"<F>","values":true}]"#),
    ("links", r#"[{"dest":"<F>","values":true,"private":true}]"#),
    ("links", r#"[{"dest":"<F>","values":true,"keys":false,"private":true}]"#),
    ("links", r#"[{"dest":"<F>","values":true,"meta":false}]"#),
    ("links", r#"[{"dest":"<F>","values":true,"meta":false,"keys":false,"private":false}]"#),
    ("links", r#"[{"rel":"recps"}]"#),
    ("links", r#"[{"dest":"&","rel":"mentions"}]"#),
    ("query.read", "[{}]"),
    ("query.read", r#"[{"private":false,"reverse":true,"limit":3}]"#),
    ("query.read", r#"[{"query":[{"$filter":{"value":{"content":{"type":"secret"}}}}]}]"#),
    ("query.read", r#"[{"query":[{"$filter":{"value":{"author":"<P>"}}}]}]"#),
    ("query.read", r#"[{"query":[{"$filter":{"value":{"author":"<P>","content":{"type":"secret"}}}}]}]"#),
    ("query.read", r#"[{"query":[{"$filter":{"value":{"content":{"channel":"hidden"}}}},{"$map":"key"}]}]"#),
    (
        "query.read",
        r#"[{"query":[{"$filter":{"value":{"content":{"root":"<N.id>"}}}},{"$map":["value","content"]}]}]"#,
    ),
    ("query.read", r#"[{"query":[{"$filter":{"value":{"private":true}}}]}]"#),
    (
        "query.read",
        r#"[{"query":[{"$filter":{"value":{"private":true},"timestamp":{"$gt":0}}},{"$map":["value","meta"]}]}]"#,
    ),
    ("query.read", r#"[{"query":[{"$filter":{"value":{"content":{"$is":"string"}}}},{"$map":"key"}]}]"#),
    (
        "query.read",
        r#"[{"query":[{"$reduce":{"type":["value","content","type"],"count":{"$count":true}}}]}]"#,
    ),
    ("links2.read", r#"[{"query":[{"$filter":{"source":"<P>"}},{"$map":{"rel":"rel","dest":"dest"}}]}]"#),
    ("links2.read", r#"[{"query":[{"$filter":{"dest":"<F>"}},{"$map":{"rel":"rel","dest":"dest"}}]}]"#),
    ("links2.read", r#"[{"query":[{"$filter":{"rel":["recps"]}},{"$map":"dest"}]}]"#),
    ("backlinks.read", r#"[{"query":[{"$filter":{"dest":"<F>"}}]}]"#),
    ("backlinks.read", r#"[{"query":[{"$filter":{"dest":"<F>"}}],"index":"DTA"}]"#),
    ("backlinks.read", r##"[{"query":[{"$filter":{"dest":"#hidden"}},{"$map":"key"}]}]"##),
    ("backlinks.read", r#"[{"query":[{"$filter":{"dest":"<F>","value":{"private":true}}},{"$map":"key"}]}]"#),
    ("private.read", "[{}]"),
    ("private.read", r#"["[]"]"#),
    ("private.read", r#"[{"query":"[]"}]"#),
    ("private.read", r#"[{"reverse":true,"limit":5}]"#),
    ("private.read", r#"[{"limit":3}]"#),
    ("private.read", r#"[{"query":[{"$map":"key"}]}]"#),
    ("private.read", r#"[{"query":[{"$filter":{"timestamp":{"$gt":0}}}]}]"#),
    (
        "private.read",
        r#"[{"query":[{"$filter":{"timestamp":{"$gt":0}}},{"$map":"key"}],"reverse":true,"limit":2}]"#,
    ),
    (
        "private.read",
        r#"[{"query":[{"$filter":{"value":{"author":"<P>","content":{"type":"secret"}}}},{"$map":["value","content"]}]}]"#,
    ),
    (
        "private.read",
        r#"[{"query":[{"$filter":{"value":{"author":"<P>"}}},{"$map":["value","content","type"]}]}]"#,
    ),
    (
        "private.read",
        r#"[{"query":[{"$filter":{"timestamp":{"$gt":0},"value":{"content":{"channel":"hidden"}}}},{"$map":"key"}]}]"#,
    ),
    (
        "private.read",
        r#"[{"query":[{"$filter":{"timestamp":{"$gt":0}}},{"$map":"key"},{"$sort":["timestamp"]}]}]"#,
    ),
    ("private.read", r#"[{"query":{"timestamp":{"$gt":0}}}]"#),
];

const LIVE: [(&str, &str); 7] = [
    ("createLogStream", r#"[{"live":true,"private":true}]"#),
    ("createFeedStream", r#"[{"live":true,"private":true}]"#),
    ("messagesByType", r#"[{"type":"secret","live":true,"private":true}]"#),
    ("messagesByType", r#"[{"type":"secret","live":true}]"#),
    ("query.read", r#"[{"live":true,"query":[{"$filter":{"value":{"content":{"type":"secret"}}}}]}]"#),
    ("private.read", r#"[{"live":true,"query":[{"$filter":{"timestamp":{"$gt":0}}}]}]"#),
    ("private.read", r#"[{"live":true}]"#),
];

/// A feed that has private messages for two, and what stands for what of it.
struct Feed {
    id: String,
    friend: String,
    messages: Vec<String>,
    /// Who gets what is for nobody else.
    other: Keypair,
}

impl Feed {
    fn of(recipients: &[String; 2]) -> Self {
        let (me, other) = (Keypair::from_seed(&[77; 32]), Keypair::from_seed(&[78; 32]));
        let friend = Keypair::from_seed(&[79; 32]).id().to_string();
        let ids = recipients.each_ref().map(|id| FeedId::parse(id).expect("an id"));
        let recps = serde_json::to_string(recipients).expect("texts");
        let mut seed = 0;
        let mut sealed = |plain: &str, recipients: &[FeedId]| {
            seed += 1;
            let boxed = seal_for_many(plain.as_bytes(), recipients, &[seed; 32]).expect("usable keys");
            format!("\"{}\"", text::encode(&boxed))
        };
        let blob = format!("&{NOBODY}.sha256");
        let eight: Vec<FeedId> = std::iter::repeat_n(other.id(), 6).chain(ids).collect();
        let contents = [
            sealed(
                &format!(
                    r#"{{"type":"secret","text":"one ☃ \u0000","mentions":[{{"link":"{friend}","name":"F"}},{{"link":"{blob}"}}],"recps":{recps}}}"#
                ),
                &ids,
            ),
            r#"{"type":"post","text":"for all"}"#.to_owned(),
            sealed(r#"{"type":"secret","text":"for others"}"#, &[other.id()]),
            sealed(
                &format!(
                    r##"{{"type":"secret","10":1.50,"9":2,"channel":"hidden","text":"see #tag","root":"%{NOBODY}.sha256","branch":["{friend}"]}}"##
                ),
                &ids,
            ),
            // What is no content, or hardly any.
            sealed("[1,2]", &ids),
            sealed("7", &ids),
            sealed("null", &ids),
            sealed(
                r#"{"text":"of no type","x":{"link":"FRIEND"}}"#.replace("FRIEND", &friend).as_str(),
                &ids,
            ),
            // For as many as JavaScript looks at.
            sealed(r#"{"type":"secret","text":"the last of eight"}"#, &eight),
            format!("\"{}.box\"", base64::encode(&[7; 200])),
            sealed(
                &format!(r#"{{"type":"contact","contact":"{friend}","following":true,"recps":{recps}}}"#),
                &ids,
            ),
        ];
        let mut state = ValidationState::new(me.id());
        let sign = |(n, content): (u32, String)| {
            let message = draft::sign(&content, &state, 1000.0 + f64::from(n), &me, &Signing::plain())
                .expect("content");
            state.advance(state.check(&message).expect("it follows"));
            message.json().to_owned()
        };
        let messages = (1..).zip(contents).map(sign).collect();
        Self { id: me.id().to_string(), friend, messages, other }
    }

    /// What stands for what, of messages as they were stored. Longer names first.
    fn names(&self, stored: &[String]) -> Vec<(String, String)> {
        let unbox = |message: &str, who: &Keypair| {
            let fields = Fields::of(message).expect("a message");
            Opener::new(who.clone()).open(&fields).map(|opened| opened.key().to_text().to_string())
        };
        let third =
            self.messages.get(2).and_then(|message| unbox(message, &self.other)).expect("it is for them");
        let mut names: Vec<(String, String)> = Vec::new();
        for (n, stored) in (1..).zip(stored) {
            names.push((format!("<p{n}.id>"), key(stored).to_owned()));
            let content = Fields::of(value(stored)).expect("a message").content();
            names.push((format!("<p{n}.box>"), content.trim_matches('"').to_owned()));
            names.push((format!("<p{n}>"), stored.clone()));
        }
        names.push(("<P>".to_owned(), self.id.clone()));
        names.push(("<F>".to_owned(), self.friend.clone()));
        names.push(("<N.id>".to_owned(), format!("%{NOBODY}.sha256")));
        names.push(("<key3.encoded>".to_owned(), third.replace('+', "%2B").replace('/', "%2F")));
        names.push(("<key3>".to_owned(), third.clone()));
        names.push(("<wrong>".to_owned(), base64::encode(&[1; 33])));
        names.push(("<key>".to_owned(), third));
        names
    }
}

/// 32 zero bytes.
const NOBODY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// Without the times at which this node received messages: those that stand behind a whole one.
fn comparable(text: impl AsRef<str>) -> String {
    let mut pieces = text.as_ref().split(STORED);
    let mut out = pieces.next().unwrap_or_else(|| fail("a text has a beginning")).to_owned();
    for piece in pieces {
        let end = piece.find([',', '}']).unwrap_or(piece.len());
        out.push_str(STORED);
        out.push_str("<received>");
        out.push_str(piece.get(end..).unwrap_or_default());
    }
    out
}

const STORED: &str = "\"},\"timestamp\":";
