//! Messages of box2 go both ways between our node and a JavaScript one, and whoever has been in a directory leaves the key with
//! which its owner seals for themselves to the other.

#![expect(clippy::indexing_slicing, reason = "helpers of tests fail tests")]

use std::fs;

use interop::Client;
use interop::Lab;
use interop::Node;
use interop::eventually;
use interop::json;
use interop::value;
use serde_json::Value;
use ssb_keys::FeedId;
use ssb_keys::Keypair;
use ssb_keys::bfe;
use ssb_keys::ephemeral::EphemeralPublicKey;
use ssb_keys::secret_file;

#[test]
fn what_one_seals_with_box2_for_the_other_the_other_opens() {
    let [one, other] = pair_that_is_ordered_in_two_ways();
    let lab = Lab::new();
    for (name, pair) in [("ours", &one), ("theirs", &other)] {
        fs::create_dir_all(lab.dir(name)).expect("the lab is writable");
        secret_file::create(&lab.dir(name).join("secret"), pair).expect("the lab is writable");
    }
    let ours = lab.ours("ours", &["--new-feed"]);
    let theirs = lab.modern("theirs", &[]);
    let (mut us, mut them) = (lab.client(&ours), lab.client(&theirs));
    us.publish(&follow(&theirs));
    them.publish(&follow(&ours));
    us.dial(&theirs);

    let to_us = messages(&mut them, &theirs, &ours);
    let to_them = messages(&mut us, &ours, &theirs);

    for Sent { id, content, is_for_author, is_for_other } in &to_us {
        let get = format!(r#"[{{"id":"{id}","private":true,"meta":true,"ooo":false}}]"#);
        let message = there(&mut us, "get", &get);
        let shown = json(&message)["value"]["content"].clone();
        assert_eq!(shown == *content, *is_for_other, "{message}");
        let get = format!(r#"[{{"id":"{id}","meta":true}}]"#);
        let sealed = us.call("get", &get).expect("it is there");
        assert!(sealed.contains(".box2\"") && !sealed.contains(TEXT), "{sealed}");
        let unboxed = us.call("private.unbox", &format!("[{sealed}]")).expect("an answer");
        assert_eq!(json(&unboxed)["value"]["content"] == *content, *is_for_other, "{unboxed}");
        assert_eq!(shown_by_them(&mut them, id) == *content, *is_for_author);
    }
    for Sent { id, content, is_for_author, is_for_other } in &to_them {
        assert_eq!(shown_by_them(&mut them, id) == *content, *is_for_other, "{id}");
        let get = format!(r#"[{{"id":"{id}","private":true}}]"#);
        assert_eq!(json(&there(&mut us, "get", &get))["content"] == *content, *is_for_author, "{id}");
    }
    let all =
        us.collect("private.read", r#"[{"query":[{"$filter":{"timestamp":{"$gt":0}}},{"$map":"key"}]}]"#);
    let all = all.expect("the owner may read");
    for (sent, is_found) in to_us
        .iter()
        .map(|sent| (sent, sent.is_for_other))
        .chain(to_them.iter().map(|sent| (sent, sent.is_for_author)))
    {
        assert_eq!(all.contains(&format!("\"{}\"", sent.id)), is_found, "{}", sent.id);
    }
    let history = format!(r#"[{{"id":"{}"}}]"#, ours.id());
    let history = lab.stranger(&ours, None).collect("createHistoryStream", &history);
    let history = history.expect("anybody may replicate").join("\n");
    assert!(history.contains(".box2") && !history.contains(TEXT), "{history}");
}

#[test]
fn what_javascript_sealed_for_its_owner_opens_when_we_take_over() {
    let lab = Lab::new();
    let mut ids = Vec::new();
    // Of a keyring that was opened again, the older part is in a table.
    for _ in 0..2 {
        let theirs = lab.db2(HOME);
        let mut owner = lab.client(&theirs);
        ids.push(create(&mut owner, &format!(r#"{{"type":"post","text":"{TEXT}"}}"#), &[theirs.id()]));
        owner.close();
        theirs.stop();
    }

    let ours = lab.ours(HOME, &[]);

    let mut owner = lab.client(&ours);
    for id in ids {
        let message = owner.call("get", &format!(r#"[{{"id":"{id}","private":true}}]"#));
        let message = message.expect("it was taken over");
        assert!(message.contains(TEXT), "{message}");
    }
}

#[test]
fn what_we_sealed_for_our_owner_opens_when_javascript_takes_over() {
    let lab = Lab::new();
    let ours = lab.ours(HOME, &[]);
    let mut owner = lab.client(&ours);
    let id = create(&mut owner, &format!(r#"{{"type":"post","text":"{TEXT}"}}"#), &[ours.id()]);
    let feed = owner.collect("createHistoryStream", &format!(r#"[{{"id":"{}"}}]"#, ours.id()));
    let feed: Vec<String> =
        feed.expect("the owner may read").iter().map(|stored| value(stored).to_owned()).collect();
    owner.close();
    ours.stop();

    let theirs = lab.db2(HOME);

    let mut owner = lab.client(&theirs);
    owner.call("db.addBatch", &format!("[[{}]]", feed.join(","))).expect("they are valid");
    assert!(shown_by_them(&mut owner, &id)["text"] == TEXT);
    owner.close();
    theirs.stop();
    let ours = lab.ours(HOME, &[]);
    let message = lab.client(&ours).call("get", &format!(r#"[{{"id":"{id}","private":true}}]"#));
    assert!(message.expect("it is still there").contains(TEXT));
}

const HOME: &str = "home";
const TEXT: &str = "between us";

/// A message, and who may read it.
struct Sent {
    id: String,
    content: Value,
    is_for_author: bool,
    is_for_other: bool,
}

/// Publishes messages for the other, for both, for the author alone, for somebody else, and for as many as there can be.
fn messages(owner: &mut Client, author: &Node, other: &Node) -> Vec<Sent> {
    let others = |count: u8| (1..=count).map(|seed| Keypair::from_seed(&[seed; 32]).id().to_string());
    let many: Vec<String> = others(14).chain([author.id(), other.id()]).collect();
    let all = [vec![other.id()], vec![author.id(), other.id()], vec![author.id()], others(1).collect(), many];
    let mut sent = Vec::new();
    for recipients in all {
        let text = format!("{TEXT} ☃ {}", sent.len());
        let content = serde_json::json!({ "type": "post", "text": text, "recps": recipients });
        let is_for = |node: &Node| recipients.contains(&node.id());
        let (is_for_author, is_for_other) = (is_for(author), is_for(other));
        let id = create(owner, &content.to_string(), &recipients);
        sent.push(Sent { id, content, is_for_author, is_for_other });
    }
    let too_many: Vec<String> = others(17).collect();
    let refused = owner.call("db.create", &options(r#"{"type":"post"}"#, &too_many));
    let refused = refused.expect_err("there are too many");
    assert!(refused.starts_with("create() failed to encrypt content"), "{refused}");
    sent
}

/// Publishes content with box2, and returns the id.
#[track_caller]
fn create(owner: &mut Client, content: &str, recipients: &[String]) -> String {
    let created = owner.call("db.create", &options(content, recipients)).expect("it is sealed");
    assert!(created.contains(".box2\"") && !created.contains(TEXT), "{created}");
    json(&created)["key"].as_str().expect("an id").to_owned()
}

fn options(content: &str, recipients: &[String]) -> String {
    let recps = serde_json::to_string(recipients).expect("texts");
    format!(r#"[{{"content":{content},"recps":{recps},"feedFormat":"classic","encryptionFormat":"box2"}}]"#)
}

/// The content of a message as ssb-db2 has it for its owner.
#[track_caller]
fn shown_by_them(owner: &mut Client, id: &str) -> Value {
    json(&there(owner, "db.get", &format!("[\"{id}\"]")))["content"].clone()
}

/// What a call answers once it succeeds.
#[track_caller]
fn there(owner: &mut Client, method: &str, args: &str) -> String {
    eventually(&format!("{method}{args}"), || owner.call(method, args).ok())
}

fn follow(node: &Node) -> String {
    format!(r#"{{"type":"contact","contact":"{}","following":true}}"#, node.id())
}

/// Two whose common key JavaScript makes in another order than the specification has.
fn pair_that_is_ordered_in_two_ways() -> [Keypair; 2] {
    let pairs =
        (1..=u8::MAX).map(|seed| [[seed; 32], [seed ^ 0x55; 32]].map(|seed| Keypair::from_seed(&seed)));
    let is_wanted = |pair: &[Keypair; 2]| {
        let [one, other] = pair.each_ref().map(|one| side(one.id()));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).encode_utf16().collect::<Vec<u16>>();
        text(&one).cmp(&text(&other)) != one.cmp(&other)
    };
    pairs.into_iter().find(is_wanted).expect("one in ten")
}

/// What is ordered: an X25519 key and a feed.
fn side(feed: FeedId) -> Vec<u8> {
    let key = EphemeralPublicKey::of_feed(&feed).expect("it is somebody's");
    [&[3, 0], key.as_bytes().as_slice(), &bfe::Id::Feed(feed).encode()].concat()
}
