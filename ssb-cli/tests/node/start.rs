//! What a start makes, and whom it refuses.

use std::fs;
use std::io::Read as _;
use std::net::Ipv4Addr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use ssb_keys::secret_file;

use super::home::Home;
use super::home::Node;
use super::home::refusal;

#[test]
fn a_first_start_makes_all_that_a_node_needs() {
    let home = Home::new();

    let node = home.start();

    assert_eq!(home.mode("secret"), 0o400);
    assert_eq!(home.mode("socket"), 0o600);
    assert!(fs::symlink_metadata(home.file("socket")).unwrap().file_type().is_socket());
    assert_eq!(fs::metadata(home.path()).unwrap().permissions().mode() & 0o777, 0o700);
    assert!(home.file("log").is_dir());
    let me = secret_file::load(&home.file("secret")).unwrap().id();
    let mark = fs::read_to_string(home.file("published-mark")).unwrap();
    assert_eq!(mark, format!("{{\"feed\":\"{me}\",\"origin\":\"created\",\"sequence\":0}}\n"));
    let manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(home.file("manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest.pointer("/createLogStream"), Some(&"source".into()));
    assert!(node.stop_and_tell().contains(&format!("a new identity was created: {me}")));
}

#[test]
fn a_second_start_keeps_the_identity() {
    let home = Home::new();
    let node = home.start();
    let me = home.answer(&node, &["whoami"]);
    node.stop();

    let node = home.start();

    assert_eq!(home.answer(&node, &["whoami"]), me);
    assert!(!node.stop_and_tell().contains("new identity"));
}

#[test]
fn a_second_node_in_the_directory_is_refused_and_touches_nothing() {
    let home = Home::new();
    let node = home.start();
    let before = home.contents();

    let said = home.refusal();

    assert!(said.contains(&format!("process {}", node.pid())), "{said}");
    assert_eq!(home.contents(), before);
    assert!(home.answer(&node, &["whoami"]).contains("ed25519"));
    assert!(home.file("socket").exists());
}

#[test]
fn a_port_in_use_is_named_and_the_way_out() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let home = Home::new();

    let said = refusal(home.command(&["start", "--host", "127.0.0.1", "--port", &port]).spawn().unwrap());

    assert!(said.contains(&format!("cannot listen on 127.0.0.1:{port}")), "{said}");
    assert!(said.contains("--port"), "{said}");
    assert!(!home.file("socket").exists());
}

#[test]
fn a_host_that_is_not_here_is_not_blamed_on_other_programs() {
    let home = Home::new();

    let said = refusal(home.command(&["start", "--host", "192.0.2.1", "--port", "0"]).spawn().unwrap());

    assert!(said.contains("cannot listen on 192.0.2.1:0"), "{said}");
    assert!(!said.contains("another program"), "{said}");
}

#[test]
fn a_directory_too_deep_for_a_socket_does_without() {
    let home = Home::new();
    let deep = home.file(&"d".repeat(110));

    let node = home.start_with(&["--path", deep.to_str().unwrap()]);

    assert!(!node.listening.contains("unix:"), "{}", node.listening);
    let said = node.stop_and_tell();
    assert!(said.contains("there is no unix socket at"), "{said}");
}

#[test]
fn every_place_of_the_settings_is_listened_on() {
    let home = Home::new();
    fs::create_dir(home.path()).unwrap();
    let places =
        r#"[{"scope":"device","host":"127.0.0.1","port":0},{"scope":"local","host":"127.0.0.2","port":0}]"#;
    fs::write(home.file("config"), format!(r#"{{"connections":{{"incoming":{{"net":{places}}}}}}}"#))
        .unwrap();

    let node = Node::wait_for(home.command(&["start"]).spawn().unwrap());

    assert!(node.listening.contains("net:127.0.0.1:"), "{}", node.listening);
    assert!(node.listening.contains("net:127.0.0.2:"), "{}", node.listening);
}

#[test]
fn what_a_killed_node_left_does_not_keep_the_next_from_starting() {
    let home = Home::new();
    let node = home.start();
    let published = home.answer(&node, &["publish", "--type", "post", "--text", "kept"]);
    node.kill();
    fs::set_permissions(home.file("socket"), fs::Permissions::from_mode(0o666)).unwrap();

    let node = home.start();

    assert_eq!(home.mode("socket"), 0o600);
    assert!(fs::symlink_metadata(home.file("socket")).unwrap().file_type().is_socket());
    assert_eq!(home.answer(&node, &["log"]), published + "\n");
}

#[test]
fn a_stranger_has_as_long_for_the_handshake_as_the_settings_say() {
    let home = Home::new();
    let node = home.start_with(&["--timers.handshake", "50"]);
    let mut stranger = TcpStream::connect((Ipv4Addr::LOCALHOST, node.port)).unwrap();
    // Half of the default: who is cut off by then, is cut off by the setting.
    stranger.set_read_timeout(Some(Duration::from_millis(2_500))).unwrap();

    assert_eq!(stranger.read(&mut [0]).unwrap(), 0);
}
