//! The logs of real JavaScript nodes are taken in, whole, and those nodes still start on them.

use std::fs;
use std::path::Path;
use std::process::Output;

use interop::Client;
use interop::Lab;
use interop::Node;
use interop::eventually;
use interop::json;
use interop::key;
use interop::value;
use interop::without_receive_time;
use serde_json::Value;
use ssb_keys::Keypair;
use ssb_msg::Signing;
use ssb_msg::ValidationState;
use ssb_msg::draft;

#[test]
fn a_directory_of_ssb_server_migrates_whole_and_stays_as_it_is() {
    let lab = Lab::new();
    let theirs = Old::SsbServer.start(&lab);
    // Over TCP, each of its answers takes a tenth of a second.
    let mut owner = lab.socket_client(&theirs);
    fill(&mut owner, Old::SsbServer);
    // The newest of a feed: what is left of it is whole.
    delete_last(&mut owner, "del", 4);
    let before = log_of(&mut owner);
    stop(owner, theirs);
    let file = lab.dir(HOME).join("flume/log.offset");
    let bytes = fs::read(&file).expect("ssb-server has a log");

    let told = migrate(&lab, HOME, 0);

    assert_eq!(counts(&told), [before.len() as u64, 0, 0, 1]);
    // Down to the time of receiving, which this log has once each.
    assert_eq!(export(&lab), before);
    assert_eq!(fs::read(&file).ok(), Some(bytes));
    let again = migrate(&lab, HOME, 0);
    assert_eq!(counts(&again), [0, before.len() as u64, 0, 1]);
    let theirs = Old::SsbServer.start(&lab);
    assert_eq!(log_of(&mut lab.client(&theirs)), before);
}

#[test]
fn a_directory_of_ssb_db2_migrates_whole_and_stays_as_it_is() {
    let lab = Lab::new();
    let theirs = Old::Db2.start(&lab);
    let mut owner = lab.client(&theirs);
    fill(&mut owner, Old::Db2);
    delete_last(&mut owner, "db.del", 4);
    let before = log_of(&mut owner);
    stop(owner, theirs);
    let file = lab.dir(HOME).join("db2/log.bipf");
    let bytes = fs::read(&file).expect("ssb-db2 has a log");

    let told = migrate(&lab, HOME, 0);

    assert_eq!(counts(&told), [before.len() as u64, 0, 0, 1]);
    // It lists them by other times than those of the log.
    let (mut here, mut there) = (export(&lab), before.clone());
    here.sort_unstable_by(|one, other| key(one).cmp(key(other)));
    there.sort_unstable_by(|one, other| key(one).cmp(key(other)));
    assert_eq!(keys(&here), keys(&there));
    // It receives several messages in one millisecond, which ours tells apart, and prints what is private in clear.
    let mut encrypted = 0;
    for (here, there) in here.iter().zip(&there) {
        if there.contains(r#""private":true"#) {
            assert!(here.contains(r#".box","signature""#), "{here}");
            encrypted += 1;
        } else {
            assert_eq!(without_receive_time(here), without_receive_time(there));
        }
    }
    assert_eq!(encrypted, 9);
    assert_eq!(fs::read(&file).ok(), Some(bytes));
    let theirs = Old::Db2.start(&lab);
    assert_eq!(log_of(&mut lab.client(&theirs)), before);
}

#[test]
fn a_hole_in_a_feed_is_named_with_what_is_missing() {
    let lab = Lab::new();
    let theirs = Old::SsbServer.start(&lab);
    let mut owner = lab.client(&theirs);
    let feed = feed(1, 10);
    let stored = add(&mut owner, Old::SsbServer, &feed);
    owner
        .call("del", &format!("[\"{}\"]", key(stored.get(4).expect("ten are stored"))))
        .expect("ssb-server deletes");
    stop(owner, theirs);

    let told = migrate(&lab, HOME, 65);

    let difference = told.pointer("/0/differences/0").expect("one feed differs");
    assert_eq!(difference.pointer("/feed"), Some(&Keypair::from_seed(&[1; 32]).id().to_string().into()));
    assert_eq!(difference.pointer("/old/sequence"), Some(&10.into()));
    assert_eq!(difference.pointer("/old/messages"), Some(&9.into()));
    assert_eq!(difference.pointer("/new"), Some(&4.into()));
    assert_eq!(counts(&told), [4, 0, 5, 1]);
}

#[test]
fn a_javascript_node_that_still_runs_is_named() {
    let lab = Lab::new();
    for old in [Old::SsbServer, Old::Db2] {
        let mut theirs = old.start(&lab);
        let mut owner = lab.client(&theirs);
        add(&mut owner, old, &feed(1, 3));
        let file = theirs.dir().join(if old == Old::Db2 { "db2/log.bipf" } else { "flume/log.offset" });
        eventually("the log is on disk", || file.metadata().is_ok_and(|file| file.len() > 0).then_some(()));

        for words in [&["migrate"][..], &["start", "--port", "0"]] {
            let output = ours(&lab, words, theirs.dir());
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(75), "{told}");
            assert!(told.contains(&format!("process {}", theirs.process().id())), "{told}");
        }

        let dir = theirs.dir().to_owned();
        stop(owner, theirs);
        fs::remove_dir_all(dir).expect("nobody uses it any more");
    }
}

#[test]
fn our_first_start_takes_the_log_in_and_publishes_nothing() {
    let lab = Lab::new();
    let theirs = Old::SsbServer.start(&lab);
    let mut owner = lab.client(&theirs);
    for _ in 0..3 {
        owner.call("publish", HELLO).expect("ssb-server publishes");
    }
    let before = log_of(&mut owner);
    stop(owner, theirs);

    fs::write(lab.dir(HOME).join("gossip.json"), GOSSIP).expect("the lab is writable");

    let ours = lab.ours(HOME, &[]);

    let mut owner = lab.client(&ours);
    assert_eq!(log_of(&mut owner), before);
    let peers = json(&owner.call("gossip.peers", "[]").expect("the owner may read"));
    assert_eq!(
        peers.pointer("/0/key"),
        Some(&"@AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=.ed25519".into())
    );
    assert_eq!(peers.pointer("/0/source"), Some(&"pub".into()), "as the old table said");
    let error = owner.call("publish", HELLO).expect_err("the feed may be longer elsewhere");
    assert!(error.contains("--new-feed"), "the error does not say what to do: {error}");
}

const HOME: &str = "home";
/// As ssb-gossip 1.1.1 stores a peer.
const GOSSIP: &str = r#"[{"host":"pub.example","port":8008,"key":"@AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=.ed25519","address":"net:pub.example:8008~shs:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=","source":"pub","announcers":1,"duration":null}]"#;
const HELLO: &str = r#"[{"type":"post","text":"hello"}]"#;

/// Which program had the directory.
#[derive(Clone, Copy, PartialEq)]
enum Old {
    SsbServer,
    Db2,
}

impl Old {
    fn start(self, lab: &Lab) -> Node {
        match self {
            Self::SsbServer => lab.theirs(HOME, &[]),
            Self::Db2 => lab.db2(HOME),
        }
    }
}

/// Messages of its own and of four other feeds, in turns, several hundred.
fn fill(owner: &mut Client, old: Old) {
    let id = owner.call("whoami", "[]").expect("it knows itself");
    let id = json(&id).get("id").and_then(Value::as_str).expect("an id").to_owned();
    let feeds: Vec<Vec<String>> = (1..5).map(|author| feed(author, 90)).collect();
    for n in 0..9 {
        for feed in &feeds {
            add(owner, old, feed.chunks(10).nth(n).expect("nine times ten messages"));
        }
        let (public, private) = (
            format!(r#"{{"type":"post","text":"ours {n} ☃","float":{n}.25}}"#),
            format!(r#"{{"type":"post","text":"for us {n}"}}"#),
        );
        match old {
            Old::SsbServer => {
                owner.call("publish", &format!("[{public}]")).expect("it publishes");
                let private = private.replace('}', &format!(r#","recps":["{id}"]}}"#));
                let private = owner.call("publish", &format!("[{private}]")).expect("it encrypts");
                assert!(private.contains(r#".box","signature""#), "{private}");
            }
            Old::Db2 => {
                let create = |content: &str, more: &str| {
                    format!(r#"[{{"content":{content},"feedFormat":"classic"{more}}}]"#)
                };
                owner.call("db.create", &create(&public, "")).expect("it publishes");
                let more = format!(r#","recps":["{id}"],"encryptionFormat":"box""#);
                owner.call("db.create", &create(&private, &more)).expect("it encrypts");
            }
        }
    }
}

/// The first messages of a feed.
fn feed(author: u8, count: u32) -> Vec<String> {
    let me = Keypair::from_seed(&[author; 32]);
    let mut state = ValidationState::new(me.id());
    (0..count)
        .map(|n| {
            let content = match n % 4 {
                0 => format!(r#"{{"type":"post","text":"Zażółć 😀 \u0007\" {n}","z":{n}.125,"a":-0.1}}"#),
                1 => format!(
                    r#"{{"type":"vote","vote":{{"value":1e-7,"1":{n},"0":1e21,"list":[[],{{}},null]}}}}"#
                ),
                2 => format!(r#"{{"type":"x😀y","big":{n}2147483648,"min":-2147483648,"no":false}}"#),
                _ => format!(r#"{{"type":"post","text":"{}"}}"#, "long ".repeat(300)),
            };
            let time = 1_500_000_000_000.0 + f64::from(n) + f64::from(n % 3) / 1000.0;
            let message = draft::sign(&content, &state, time, &me, &Signing::plain()).expect("it is content");
            state.advance(state.check(&message).expect("it follows"));
            message.json().to_owned()
        })
        .collect()
}

fn add(owner: &mut Client, old: Old, feed: &[String]) -> Vec<String> {
    match old {
        Old::SsbServer => feed
            .iter()
            .map(|message| owner.call("add", &format!("[{message}]")).expect("it is valid"))
            .collect(),
        // One by one, each would wait for the disk.
        Old::Db2 => {
            let added = owner.call("db.addBatch", &format!("[[{}]]", feed.join(",")));
            vec![added.expect("they are valid")]
        }
    }
}

#[track_caller]
fn delete_last(owner: &mut Client, method: &str, author: u8) {
    let id = Keypair::from_seed(&[author; 32]).id().to_string();
    let log = log_of(owner);
    let last = log.iter().rfind(|stored| value(stored).contains(&format!(r#""author":"{id}""#)));
    let last = key(last.expect("the feed is there")).to_owned();
    owner.call(method, &format!("[\"{last}\"]")).expect("it deletes");
    eventually("the message is gone", || (log_of(owner).len() < log.len()).then_some(()));
}

fn keys(log: &[String]) -> Vec<&str> {
    log.iter().map(|stored| key(stored)).collect()
}

#[track_caller]
fn log_of(owner: &mut Client) -> Vec<String> {
    owner.collect("createLogStream", "[{}]").expect("the owner may read")
}

fn stop(owner: Client, node: Node) {
    owner.close();
    node.stop();
}

/// What `ssb-cli migrate --json` tells.
#[track_caller]
fn migrate(lab: &Lab, name: &str, code: i32) -> Value {
    let output = ours(lab, &["migrate", "--json"], &lab.dir(name));
    assert_eq!(output.status.code(), Some(code), "{}", String::from_utf8_lossy(&output.stderr));
    json(&String::from_utf8_lossy(&output.stdout))
}

#[track_caller]
fn export(lab: &Lab) -> Vec<String> {
    let output = ours(lab, &["export"], &lab.dir(HOME));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

fn ours(lab: &Lab, words: &[&str], path: &Path) -> Output {
    let mut command = lab.our_program();
    command.args(words).arg("--path").arg(path);
    command.output().expect("our program runs")
}

/// New, known, refused, deleted.
fn counts(told: &Value) -> [u64; 4] {
    let refused = told.pointer("/0/refused").and_then(Value::as_array).expect("a list");
    let refused = refused.iter().filter_map(|reason| reason.get("count")?.as_u64()).sum();
    let count = |name: &str| told.pointer(&format!("/0/{name}")).and_then(Value::as_u64).expect("a number");
    [count("new"), count("known"), refused, count("deleted")]
}
