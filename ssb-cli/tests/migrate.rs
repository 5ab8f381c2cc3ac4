//! The log of a JavaScript node, as a person moves it.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail tests")]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;

use ssb_keys::Keypair;
use ssb_msg::Signing;
use ssb_msg::ValidationState;
use ssb_msg::draft;
use tempfile::TempDir;

fn command(home: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ssb-cli"));
    command.args(words).env_clear().env("HOME", home).current_dir(home);
    command.stdin(Stdio::null());
    command
}

/// Runs a command in a home of its own.
fn run(home: &Path, words: &[&str]) -> Output {
    command(home, words).output().unwrap()
}

/// What it printed, what it said, and how it ended.
fn told(output: &Output) -> (String, String, Option<i32>) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr), output.status.code())
}

/// A `log.offset` with the first messages of a feed, of which one may be deleted.
fn flume(count: u32, deleted: Option<u32>) -> Vec<u8> {
    let me = Keypair::from_seed(&[4; 32]);
    let mut state = ValidationState::new(me.id());
    let mut file = Vec::new();
    for n in 0..count {
        let message =
            draft::sign(r#"{"type":"post"}"#, &state, f64::from(n), &me, &Signing::plain()).unwrap();
        state.advance(state.check(&message).unwrap());
        let mut data =
            format!(r#"{{"key":"{}","value":{},"timestamp":{n}.5}}"#, message.id(), message.json())
                .into_bytes();
        if deleted == Some(n) {
            data.fill(0);
        }
        let len = u32::try_from(data.len()).unwrap().to_be_bytes();
        file.extend([&len, data.as_slice(), &len].concat());
        file.extend(u32::try_from(file.len() + 4).unwrap().to_be_bytes());
    }
    file
}

/// A home with an old log in `.ssb`.
fn home(log: &[u8]) -> TempDir {
    let home = TempDir::new().unwrap();
    fs::create_dir_all(home.path().join(".ssb/flume")).unwrap();
    fs::write(home.path().join(".ssb/flume/log.offset"), log).unwrap();
    home
}

#[test]
fn what_was_taken_is_told_in_a_table() {
    let home = home(&flume(3, None));
    let path = home.path().join(".ssb/flume/log.offset");

    let (out, said, code) = told(&run(home.path(), &["migrate"]));

    let expected = format!(
        "{}\n  messages  3\n  new       3\n  known     0\n  refused   0\n  deleted   0\n  feeds     1, 1 of them whole here\n",
        path.display()
    );
    assert_eq!((out, said, code), (expected, String::new(), Some(0)));
    let (out, ..) = told(&run(home.path(), &["export"]));
    assert!(out.lines().all(|line| line.ends_with(".5}")), "{out}");
}

#[test]
fn what_was_not_taken_is_told_with_its_feed_and_offset() {
    let home = home(&flume(4, Some(1)));
    let at = flume(2, None).len();
    let feed = Keypair::from_seed(&[4; 32]).id();

    let (out, said, code) = told(&run(home.path(), &["migrate"]));
    let (json, ..) = told(&run(home.path(), &["migrate", "--json", ".ssb"]));

    assert!(
        out.contains("  messages  3\n  new       1\n  known     0\n  refused   2\n  deleted   1\n"),
        "{out}"
    );
    let gap = "messages of its feed before it are missing";
    assert!(out.contains(&format!("2 records: {gap}; the first is at byte {at}\n")), "{out}");
    let named = format!("{feed} ends at 1 here, at 4 there, where it has 3 messages: {gap}, at byte {at}\n");
    assert!(out.ends_with(&named), "{out}");
    assert_eq!((said.as_str(), code), ("Error: not all of the old log was taken\n", Some(65)));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (json[0]["known"].as_u64(), json[0]["refused"][0]["offset"].as_u64()),
        (Some(1), Some(at as u64))
    );
    assert_eq!(json[0]["differences"][0]["feed"].as_str(), Some(feed.to_string().as_str()));
}

#[test]
fn a_directory_without_an_old_log_is_told_as_such() {
    let home = TempDir::new().unwrap();

    let (out, said, code) = told(&run(home.path(), &["migrate", "none"]));

    let expected = "Error: there is no old log in none: neither flume/log.offset nor db2/log.bipf\n";
    assert_eq!((out.as_str(), said.as_str(), code), ("", expected, Some(66)));
    assert!(!home.path().join(".ssb").exists());
}

#[test]
fn a_migration_that_is_killed_is_started_again_and_nothing_is_there_twice() {
    let count = 6000;
    let file = flume(count, None);
    let home = home(&file);
    let records = home.path().join(".ssb/log/records");
    let len = || records.metadata().map_or(0, |metadata| metadata.len());

    // Each is killed as soon as it has written something more, until one comes to its end.
    let mut kills = 0;
    loop {
        let before = len();
        let mut child = command(home.path(), &["migrate"]).stdout(Stdio::null()).spawn().unwrap();
        let ended = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break Some(status);
            }
            if kills < 3 && len() > before {
                break None;
            }
            std::thread::yield_now();
        };
        let Some(status) = ended else {
            child.kill().unwrap();
            child.wait().unwrap();
            kills += 1;
            continue;
        };
        assert!(status.success());
        break;
    }

    let (out, ..) = told(&run(home.path(), &["export"]));
    assert_eq!(out.lines().count(), usize::try_from(count).unwrap());
    assert_eq!(fs::read(home.path().join(".ssb/flume/log.offset")).unwrap(), file);
}
