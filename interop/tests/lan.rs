//! Nodes of one local network find each other, whatever else is said there; and JavaScript's and ours do, in both dialects.

#![expect(clippy::indexing_slicing, reason = "helpers of tests fail tests")]

use std::process::Command;
use std::time::Duration;

use interop::Client;
use interop::Host;
use interop::Lab;
use interop::Network;
use interop::Node;
use interop::Process;
use interop::eventually;
use interop::javascript;
use interop::json;
use serde_json::Value;

/// Most tests are about a node that nobody else dials, and which dials nobody whom it does not find.
const LOCAL: [&str; 6] = ["--gossip.friends", "false", "--gossip.seed", "false", "--gossip.global", "false"];

#[test]
fn two_nodes_find_each_other_and_replicate_whatever_somebody_else_says() {
    let (lab, network) = (Lab::new(), Network::new());
    let [alice, bob, victim, eve] = [1, 2, 50, 66].map(|n| network.host(n));
    let first = Side::start(&lab, &bob, "bob", &["--gossip.local", "false"]);
    let (bob_id, key_b) = (first.node.id(), first.node.key().to_owned());
    first.node.stop();
    let mut alice = Side::start(&lab, &alice, "alice", &LOCAL);
    alice.follow(&bob_id);
    let bystander =
        start_on(&victim, "bystander", &["bystander.js", "--host", "10.77.0.50", "--port", "8008"]);
    (67..=70).for_each(|n| eve.add(n));
    let froms: Vec<String> = (66..=70).flat_map(|n| ["--from".to_owned(), format!("10.77.0.{n}")]).collect();
    let key_a = alice.node.key().to_owned();
    let mut words = vec!["spoof.js", "--target", "10.77.0.255", "--victim", "10.77.0.50", "--flood", "3000"];
    words.extend(froms.iter().map(String::as_str));
    words.extend(["--key", &key_b, "--own", &key_a]);
    let eve = start_on(&eve, "eve", &words);
    eventually("strangers are heard", || (alice.local().len() > 1).then_some(()));

    let mut bob = Side::start(&lab, &bob, "bob", &LOCAL);
    for n in 0..10 {
        bob.publish(&format!(r#"{{"type":"post","text":"{n}"}}"#));
    }

    eventually("bob's feed is on alice's node", || (alice.messages(&bob_id) >= 10).then_some(()));
    bob.publish(r#"{"type":"post","text":"live"}"#);
    eventually("and the connection stays", || (alice.messages(&bob_id) == 11).then_some(()));
    let local = alice.local();
    let found = local.iter().find(|peer| peer["key"] == *bob_id).expect("there is a connection");
    assert_eq!(
        found["address"],
        format!("net:10.77.0.2:8008~shs:{key_b}"),
        "bob is where he signed that he is"
    );
    assert!(local.len() <= 33, "{} strangers are known", local.len());
    assert!(local.iter().all(|peer| peer["key"] != *alice.node.id()), "alice is no peer of hers");
    assert!(alice.node.process().said().contains("says more than is listened to"));
    assert!(bystander.line(Duration::ZERO).is_err(), "nobody dials a host because somebody else names it");

    // Nobody speaks any more, so nobody is there.
    drop(eve);
    bob.node.stop();
    eventually("all are forgotten", || alice.local().is_empty().then_some(()));
    assert!(bystander.line(Duration::ZERO).is_err());
}

#[test]
fn ssb_server_and_we_find_each_other_and_share_a_port() {
    let (lab, network) = (Lab::new(), Network::new());
    let [here, there] = [1, 2].map(|n| network.host(n));
    let options = ["--port", "8008", "--ws-port", "8989", "--local", "--no-dial"];
    let theirs = lab.theirs_on(&there, "theirs", "server.js", &options);
    let owner = lab.socket_client(&theirs);
    let mut theirs = Side { node: theirs, owner };
    let mut ours = Side::start(&lab, &here, "ours", &[&LOCAL[..], &["--gossip.pub", "false"]].concat());
    let [our_id, their_id] = [&ours, &theirs].map(|side| side.node.id());
    for (side, other) in [(&mut ours, &their_id), (&mut theirs, &our_id)] {
        side.publish(r#"{"type":"post","text":"hello"}"#);
        side.follow(other);
    }

    for (side, other, host) in [(&mut ours, &their_id, "10.77.0.2"), (&mut theirs, &our_id, "10.77.0.1")] {
        let found =
            eventually("the other is found", || side.local().into_iter().find(|peer| peer["key"] == **other));
        assert!(
            found["address"]
                .as_str()
                .is_some_and(|address| address.starts_with(&format!("net:{host}:8008~"))),
            "{found}"
        );
        eventually("the feed of the other is here", || (side.messages(other) == 2).then_some(()));
    }

    // One more on the machine of ssb-server, beside it on the same UDP port.
    let mut beside = Side::start(&lab, &there, "beside", &[&LOCAL[..], &["--port", "9009"]].concat());
    let id = beside.node.id();
    let found = eventually("whoever shares the port is heard", || {
        ours.local().into_iter().find(|peer| peer["key"] == *id)
    });
    assert_eq!(found["address"], format!("net:10.77.0.2:9009~shs:{}", beside.node.key()));
    let said = beside.node.process().said();
    assert!(!said.contains("UDP port"), "{said}");
}

#[test]
fn ssb_lan_and_we_find_each_other_without_a_word_in_clear() {
    let (lab, network) = (Lab::new(), Network::new());
    let [here, there] = [1, 2].map(|n| network.host(n));
    let theirs = lab.theirs_on(&there, "theirs", "modern.js", &["--port", "9009", "--lan"]);
    let owner = lab.socket_client(&theirs);
    let mut theirs = Side { node: theirs, owner };
    let mut ours = Side::start(&lab, &here, "ours", &[&LOCAL[..], &["--lan.legacy", "false"]].concat());
    let [our_id, their_id] = [&ours, &theirs].map(|side| side.node.id());
    for (side, other) in [(&mut ours, &their_id), (&mut theirs, &our_id)] {
        side.publish(r#"{"type":"post","text":"hello"}"#);
        side.follow(other);
    }

    let found =
        eventually("ssb-lan is heard", || ours.local().into_iter().find(|peer| peer["key"] == *their_id));
    assert_eq!(found["address"], format!("net:10.77.0.2:9009~shs:{}", theirs.node.key()));
    let heard = theirs.node.process().find_line("packet of ours", |line| {
        Some(json(line))
            .filter(|said| said["heard"].as_str().is_some_and(|address| address.contains(ours.node.key())))
    });
    assert_eq!(heard["heard"], format!("net:10.77.0.1:8008~shs:{}", ours.node.key()));
    assert_eq!(heard["verified"], true, "the signature is what ssb-lan checks");
    for (side, other) in [(&mut ours, &their_id), (&mut theirs, &our_id)] {
        eventually("the feed of the other is here", || (side.messages(other) == 2).then_some(()));
    }
}

/// A node and its owner.
struct Side {
    node: Node,
    owner: Client,
}

impl Side {
    #[track_caller]
    fn start(lab: &Lab, host: &Host, name: &str, options: &[&str]) -> Self {
        let node = lab.ours_on(host, name, options);
        Self { owner: lab.socket_client(&node), node }
    }

    #[track_caller]
    fn publish(&mut self, content: &str) {
        self.owner.publish(content);
    }

    #[track_caller]
    fn follow(&mut self, other: &str) {
        self.publish(&format!(r#"{{"type":"contact","contact":"{other}","following":true}}"#));
    }

    /// How many messages of a feed are here.
    #[track_caller]
    fn messages(&mut self, id: &str) -> usize {
        let items = self.owner.collect("createHistoryStream", &format!(r#"[{{"id":"{id}"}}]"#));
        items.expect("the owner may read").len()
    }

    /// Whom it knows from the local network.
    #[track_caller]
    fn local(&mut self) -> Vec<Value> {
        let peers = self.owner.call("gossip.peers", "[]").expect("the owner may ask");
        let Value::Array(peers) = json(&peers) else { return Vec::new() };
        peers.into_iter().filter(|peer| peer["source"] == "local").collect()
    }
}

#[track_caller]
fn start_on(host: &Host, name: &str, words: &[&str]) -> Process {
    let (script, options) = words.split_first().expect("there is a script");
    let mut command: Command = javascript(script);
    let process = Process::start(name, &mut host.run(command.args(options)));
    process.find_line("line 'ready'", |line| (json(line)["ready"] == true).then_some(()));
    process
}
