//! ssb-server's own command line, pointed at our directory, works against our node; so does ours.

use std::fs;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;

use interop::Lab;
use interop::Node;
use interop::javascript;
use interop::json;
use interop::key;
use serde_json::Value;

#[test]
fn the_command_line_of_ssb_server_drives_our_node() {
    command_line_of_ssb_server(&Lab::new());
}

#[test]
fn the_command_line_of_ssb_server_drives_our_node_on_a_network_with_a_signing_key() {
    command_line_of_ssb_server(&Lab::with_signing_key());
}

#[test]
fn our_command_line_prints_what_that_of_ssb_server_prints() {
    let lab = Lab::new();
    let node = lab.ours("ours", &[]);
    let message = printed(&lab.ssb_cli(&node, &["publish", "--type", "post", "--text", "hello"]));
    let key = text(json(&message).get("key"));

    let commands: [&[&str]; 7] = [
        &["whoami"],
        &["log"],
        &["log", "--limit", "1", "--reverse"],
        &["hist", "--id", &node.id()],
        &["hist", "--id", &node.id(), "--seq", "1"],
        &["get", &key],
        &["createHistoryStream", "--id", &node.id()],
    ];
    for command in commands {
        let ours = printed(&lab.ssb_cli(&node, command));
        let theirs = printed(&ssb_server(&lab, &node, command));
        assert_eq!(ours, theirs, "{command:?}");
    }
    let theirs = printed(&ssb_server(&lab, &node, &["publish", "--type", "post", "--text", "hello again"]));
    assert_eq!(json(&theirs).pointer("/value/previous"), Some(&Value::from(key)));
}

#[test]
fn our_command_line_says_when_no_node_runs() {
    let lab = Lab::new();
    let mut node = lab.ours("ours", &[]);
    node.process().terminate();

    let output = lab.ssb_cli(&node, &["whoami"]);

    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    assert!(String::from_utf8_lossy(&output.stderr).contains("start"), "{output:?}");
}

#[test]
fn our_command_line_tells_why_it_cannot_talk_to_a_node_of_ssb_server() {
    let lab = Lab::new();
    let mut node = lab.theirs("theirs", &[]);
    let said = |node: &Node, words: &[&str]| {
        let output = lab.ssb_cli(node, words);
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), b"".as_slice()), "{words:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(printed(&lab.ssb_cli(&node, &["whoami"])).contains(&node.id()));

    // Without the lab's words it is the main network.
    let mut elsewhere = lab.our_program();
    elsewhere.args(["whoami", "--port", node.port(), "--path"]).arg(node.dir());
    let network = elsewhere.output().expect("it runs");
    let key =
        said(&node, &["whoami", "--", "--key", "@1qs/5jRRSRY87szJS7uIQGolKqCZZNvpDLPX/+aiR5s=.ed25519"]);
    node.process().terminate();
    let stopped = said(&node, &["whoami"]);

    let network = String::from_utf8_lossy(&network.stderr).into_owned();
    assert!(network.contains("it does not answer to the network key"), "{network}");
    assert!(key.contains("A node of this network listens there, but it is not @1qs/"), "{key}");
    assert!(stopped.contains("Nobody listens there"), "{stopped}");
}

#[test]
fn a_stopped_node_leaves_its_directory_to_the_next_one() {
    let lab = Lab::new();
    let node = lab.ours("ours", &[]);
    let published =
        lab.client(&node).call("publish", r#"[{"type":"post","text":"kept"}]"#).expect("published");
    node.stop();

    let node = lab.ours("ours", &[]);
    let log = lab.socket_client(&node).collect("createLogStream", "[]").expect("the log opens");

    assert_eq!(log, [published]);
}

fn command_line_of_ssb_server(lab: &Lab) {
    let node = lab.ours("ours", &[]);

    let id = printed(&ssb_server(lab, &node, &["whoami"]));
    assert_eq!(id, format!("{{\n  \"id\": \"{}\"\n}}\n", node.id()));

    let first = printed(&ssb_server(lab, &node, &["publish", "--type", "post", "--text", "first"]));
    let second = printed(&ssb_server(lab, &node, &["publish", "--type", "post", "--text", "second"]));
    assert_eq!(json(&first).pointer("/value/content/text"), Some(&"first".into()));
    assert_eq!(json(&second).pointer("/value/sequence"), Some(&2.into()));

    let log = printed(&ssb_server(lab, &node, &["log"]));
    assert_eq!(log, format!("{first}\n{second}\n"));
    let history = lab.client(&node).collect("createHistoryStream", &format!(r#"[{{"id":"{}"}}]"#, node.id()));
    let keys: Vec<String> =
        history.expect("the owner may read").iter().map(|item| key(item).to_owned()).collect();
    assert_eq!(keys, [text(json(&first).get("key")), text(json(&second).get("key"))]);

    let error = ssb_server(lab, &node, &["get", "bogus"]);
    assert_eq!(error.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&error.stderr).contains("Param 0 must by of type object"), "{error:?}");
}

/// Runs ssb-server's `bin.js` as a person would: with a configuration file in the home directory.
fn ssb_server(lab: &Lab, node: &Node, arguments: &[&str]) -> Output {
    let home = lab.dir("home");
    fs::create_dir_all(home.join(".elsewhere")).expect("the lab is writable");
    let config = serde_json::json!({
        "path": node.dir(), "host": "127.0.0.1", "port": node.port().parse::<u16>().expect("a port"),
        "caps": lab.caps(),
    });
    fs::write(home.join(".elsewhere/config"), config.to_string()).expect("the lab is writable");
    let mut command: Command = lab.tame(javascript("node_modules/ssb-server/bin.js"));
    command.env("HOME", home).env("ssb_appname", "elsewhere").args(arguments).stdin(Stdio::null());
    command.output().expect("node starts")
}

#[track_caller]
fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).expect("JSON is UTF-8")
}

fn text(value: Option<&Value>) -> String {
    value.and_then(Value::as_str).map(str::to_owned).expect("a text")
}
