//! What a node keeps over restarts and damage, and what it then refuses.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::home::Home;
use super::home::flip;
use super::home::text;
use super::home::wait;

#[test]
fn a_secret_that_others_can_read_is_refused() {
    let home = Home::with_secret();
    fs::set_permissions(home.file("secret"), fs::Permissions::from_mode(0o644)).unwrap();

    let said = home.refusal();

    assert!(said.contains("chmod"), "{said}");
    assert!(said.contains(home.file("secret").to_str().unwrap()), "{said}");
    assert_eq!(home.mode("secret"), 0o644);
}

#[test]
fn a_malformed_secret_is_refused_and_left_as_it_is() {
    let home = Home::with_secret();
    fs::remove_file(home.file("secret")).unwrap();
    fs::write(home.file("secret"), "{\"curve\":").unwrap();
    fs::set_permissions(home.file("secret"), fs::Permissions::from_mode(0o600)).unwrap();

    let said = home.refusal();

    assert!(said.contains(home.file("secret").to_str().unwrap()), "{said}");
    assert_eq!(fs::read_to_string(home.file("secret")).unwrap(), "{\"curve\":");
    assert!(!home.file("published-mark").exists());
}

#[test]
fn a_malformed_mark_is_refused_and_left_as_it_is() {
    let home = Home::with_secret();
    fs::write(home.file("published-mark"), "{}").unwrap();

    let said = home.refusal();

    assert!(said.contains(home.file("published-mark").to_str().unwrap()), "{said}");
    assert_eq!(fs::read_to_string(home.file("published-mark")).unwrap(), "{}");
}

#[test]
fn damage_in_the_middle_of_the_log_is_named_and_nothing_is_cut() {
    let home = Home::new();
    let node = home.start();
    for text in ["one", "two", "three"] {
        home.answer(&node, &["publish", "--type", "post", "--text", text]);
    }
    node.stop();
    let records = home.file("log/records");
    flip(&records, 16 + 100);
    let before = fs::read(&records).unwrap();

    let said = home.refusal();

    assert!(said.contains(records.to_str().unwrap()), "{said}");
    assert!(said.contains("byte 16"), "{said}");
    assert!(said.contains("ssb-cli fsck --repair"), "{said}");
    assert_eq!(fs::read(&records).unwrap(), before);
}

#[test]
fn a_torn_end_of_the_log_is_cut_off_and_told() {
    let home = Home::new();
    let node = home.start();
    let published = home.answer(&node, &["publish", "--type", "post", "--text", "whole"]);
    node.stop();
    let records = home.file("log/records");
    let whole = fs::read(&records).unwrap();
    fs::write(&records, [whole.as_slice(), &[7; 20]].concat()).unwrap();

    let node = home.start();

    assert_eq!(home.answer(&node, &["log"]), published + "\n");
    let said = node.stop_and_tell();
    assert!(said.contains(&format!("damaged at byte {}", whole.len())), "{said}");
    assert_eq!(fs::read(home.file(&format!("log/cut-{}", whole.len()))).unwrap(), [7; 20]);
}

#[test]
fn what_was_published_is_there_after_a_restart() {
    let home = Home::new();
    let node = home.start();
    let whoami: serde_json::Value = serde_json::from_str(&home.answer(&node, &["whoami"])).unwrap();
    let me = whoami.pointer("/id").and_then(serde_json::Value::as_str).unwrap();
    let first = home.answer(&node, &["publish", "--type", "post", "--text", "one"]);
    let second = home.answer(&node, &["publish", "--type", "post", "--text", "two"]);
    node.stop();

    let node = home.start();

    let both = format!("{first}\n{second}\n");
    assert_eq!(home.answer(&node, &["log"]), both);
    assert_eq!(home.answer(&node, &["hist", "--id", me]), both);
    assert_eq!(home.answer(&node, &["log", "--reverse", "--limit", "1"]), format!("{second}\n"));
    let message: serde_json::Value = serde_json::from_str(&first).unwrap();
    let id = message.pointer("/key").and_then(serde_json::Value::as_str).unwrap();
    let got: serde_json::Value = serde_json::from_str(&home.answer(&node, &["get", id])).unwrap();
    assert_eq!(Some(&got), message.pointer("/value"));
    let third = home.answer(&node, &["publish", "--type", "post", "--text", "three"]);
    assert!(third.contains("\"sequence\": 3"), "{third}");
}

#[test]
fn a_log_that_could_not_be_written_ends_with_an_error() {
    let home = Home::new();
    let mut node = home.start();
    // The mark has to be on disk before anybody sees the message, and now cannot be.
    fs::remove_file(home.file("published-mark")).unwrap();
    fs::create_dir(home.file("published-mark")).unwrap();

    let refused = home.call(&node, &["publish", "--type", "post"]);

    assert_eq!(refused.status.code(), Some(1));
    let said = text(&refused.stderr);
    assert!(said.contains("the log cannot be written any more"), "{said}");
    assert_eq!(home.answer(&node, &["log"]), "");
    node.signal("TERM");
    assert_eq!(wait(&mut node.child).code(), Some(74));
}

#[test]
fn a_secret_from_elsewhere_locks_publishing_until_its_owner_insists() {
    let home = Home::with_secret();
    let node = home.start();
    let refused = home.call(&node, &["publish", "--type", "post"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("publishing is locked"), "{}", text(&refused.stderr));
    assert!(node.stop_and_tell().contains("--new-feed"));

    let node = home.start_with(&["--new-feed"]);
    assert!(home.answer(&node, &["publish", "--type", "post"]).contains("\"sequence\": 1"));
    assert!(node.stop_and_tell().contains("forks"));

    let node = home.start();
    assert!(home.answer(&node, &["publish", "--type", "post"]).contains("\"sequence\": 2"));
}

#[test]
fn a_log_longer_than_the_mark_raises_it_before_anybody_sees_the_feed() {
    let home = Home::new();
    let node = home.start();
    home.answer(&node, &["publish", "--type", "post", "--text", "synced, and then the power went"]);
    node.stop();
    let path = home.file("published-mark");
    let mark = fs::read_to_string(&path).unwrap();
    assert!(mark.contains(r#""sequence":1"#), "{mark}");
    fs::write(&path, mark.replace(r#""sequence":1"#, r#""sequence":0"#)).unwrap();

    home.start().stop();

    assert_eq!(fs::read_to_string(&path).unwrap(), mark);
}

#[test]
fn a_log_shorter_than_the_mark_locks_publishing_for_every_start() {
    let home = Home::new();
    let node = home.start();
    for text in ["one", "two"] {
        home.answer(&node, &["publish", "--type", "post", "--text", text]);
    }
    node.stop();
    fs::remove_dir_all(home.file("log")).unwrap();

    for _ in 0..2 {
        let node = home.start();
        let refused = home.call(&node, &["publish", "--type", "post"]);
        let said = text(&refused.stderr);
        assert!(said.contains("2 messages of this feed were published from here"), "{said}");
        node.stop();
        // Even if as much comes back as the mark says: it may be as old as a backup.
        let mark = fs::read_to_string(home.file("published-mark")).unwrap();
        assert!(mark.contains(r#""origin":"unknown","sequence":2"#), "{mark}");
    }
}
