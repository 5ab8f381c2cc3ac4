//! `createWriteStream`: messages that come in a stream are stored as by `add`, and what cannot be is dropped without a word.

use interop::Lab;
use interop::eventually;
use interop::javascript;
use interop::json;
use interop::key;

#[test]
fn what_is_valid_of_a_stream_of_messages_is_stored_as_by_ssb_server() {
    let lab = Lab::new();
    let nodes = [lab.ours("ours", &[]), lab.theirs("theirs", &["--no-dial"])];
    let printed = javascript("feeds.js").output().expect("node runs");
    let names = json(&String::from_utf8(printed.stdout).expect("JSON"));
    let message =
        |name: &str| names.get(name).and_then(|text| text.as_str()).expect("there is such a message");
    let sent = [
        "a1",
        "a1",
        "bad.signature-of-other",
        "a2",
        "bad.stored",
        "b1",
        "bad.gap",
        "a3",
        "bad.fork-next",
        "c1",
    ];
    let items: Vec<&str> = sent.iter().map(|name| message(name)).collect();

    let stored = nodes.each_ref().map(|node| {
        let mut client = lab.naming_client(node);
        assert_eq!(client.pour("createWriteStream", &format!("[{}]", items.join(","))), Ok(()));
        eventually("the last message", || client.call("get", &format!("[\"{}\"]", message("c1.id"))).ok());
        let log = client.collect("createLogStream", "[]").expect("the log can be read");
        log.iter().map(|item| key(item).to_owned()).collect::<Vec<_>>()
    });

    let [ours, theirs] = stored;
    assert_eq!(ours, theirs);
    assert_eq!(ours, ["a1", "a2", "b1", "a3", "c1"].map(|name| message(&format!("{name}.id"))));
}

#[test]
fn what_is_no_message_or_comes_from_a_stranger_changes_nothing() {
    let lab = Lab::new();
    let ours = lab.ours("ours", &[]);
    let printed = javascript("feeds.js").output().expect("node runs");
    let names = json(&String::from_utf8(printed.stdout).expect("JSON"));
    let message = names.get("a1").and_then(|text| text.as_str()).expect("there is such a message");
    let mut owner = lab.client(&ours);
    let mut stranger = lab.stranger(&ours, Some(r#"{"createWriteStream":"sink","whoami":"async"}"#));

    assert_eq!(owner.pour("createWriteStream", "[5,\"x\",{},[],{\"content\":5}]"), Ok(()));
    assert_eq!(stranger.pour("createWriteStream", &format!("[{message}]")), Ok(()));

    let refused = stranger.call("whoami", "[]");
    assert_eq!(refused, Err("method:whoami is not in list of allowed methods".to_owned()));
    assert_eq!(owner.collect("createLogStream", "[]"), Ok(Vec::new()));
}
