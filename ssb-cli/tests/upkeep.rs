//! The log checked, repaired and compacted, as a person does it.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail tests")]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

use ssb_keys::Keypair;
use ssb_msg::Signing;
use ssb_msg::ValidationState;
use ssb_msg::draft;
use tempfile::TempDir;

/// Runs a command in a home of its own: what it printed, what it said, and how it ended.
fn run(home: &Path, words: &[&str], input: &str) -> (String, String, i32) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ssb-cli"));
    command.args(words).args(["--path", "x"]).env_clear().env("HOME", home).current_dir(home);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code().unwrap())
}

/// The first messages of a feed.
fn feed(count: u32) -> Vec<String> {
    let me = Keypair::from_seed(&[4; 32]);
    let mut state = ValidationState::new(me.id());
    let mut sign = |n: u32| {
        let message =
            draft::sign(r#"{"type":"post"}"#, &state, f64::from(n), &me, &Signing::plain()).unwrap();
        state.advance(state.check(&message).unwrap());
        message.json().to_owned()
    };
    (0..count).map(&mut sign).collect()
}

/// A home with a log of these messages.
fn home(messages: &[String]) -> TempDir {
    let home = TempDir::new().unwrap();
    let taken = run(home.path(), &["import", "-"], &messages.join("\n"));
    assert_eq!(taken.2, 0, "{taken:?}");
    home
}

#[test]
fn a_sound_log_is_said_to_be_sound() {
    let home = home(&feed(3));

    assert_eq!(run(home.path(), &["fsck"], ""), ("3 messages, all sound\n".to_owned(), String::new(), 0));
}

#[test]
fn a_broken_log_is_explained_repaired_and_whole_again() {
    let messages = feed(3);
    let home = home(&messages);
    let home = home.path();
    let records = home.join("x/log/records");
    let mut bytes = fs::read(&records).unwrap();
    let second = 16 + 52 + messages[0].len();
    bytes[second + 100] ^= 1;
    fs::write(&records, &bytes).unwrap();

    let (told, said, code) = run(home, &["fsck"], "");
    assert_eq!(code, 65);
    assert!(told.contains(&format!("x/log/records at byte {second}, ")), "{told}");
    assert!(told.contains("bytes are not those that were written"), "{told}");
    assert!(told.ends_with("2 defects, 1 message sound\n"), "{told}");
    assert!(said.contains("fsck --repair"), "{said}");

    let (told, said, code) = run(home, &["fsck", "--repair"], "");
    assert_eq!((said.as_str(), code), ("", 0), "{told}");
    assert!(told.contains("repaired: the log has 1 record now\n"), "{told}");
    assert!(told.contains("1 message of them whole"), "{told}");
    assert_eq!(run(home, &["fsck"], ""), ("1 message, all sound\n".to_owned(), String::new(), 0));

    let taken = run(home, &["import", "-"], &messages[1]);
    assert_eq!(taken.0, "1 new, 0 known, 0 refused\n");
    let taken = run(home, &["import", "x/log/adrift"], "");
    assert_eq!(taken.0, "1 new, 0 known, 0 refused\n");
}

#[test]
fn programs_get_the_outcome_as_json() {
    let home = home(&feed(1));

    let (told, _, code) = run(home.path(), &["fsck", "--json"], "");

    assert_eq!(code, 0);
    assert_eq!(
        told,
        "{\n  \"messages\": 1,\n  \"defectCount\": 0,\n  \"defects\": [],\n  \"repaired\": null\n}\n"
    );
}

#[test]
fn where_no_log_is_nothing_is_made() {
    let home = TempDir::new().unwrap();
    for command in ["fsck", "compact"] {
        let (told, said, code) = run(home.path(), &[command], "");

        assert_eq!((told.as_str(), code), ("", 74));
        assert!(said.contains("x/log"), "{said}");
        assert!(!home.path().join("x").exists());
    }
}

#[test]
fn a_log_from_which_nothing_was_deleted_stays_as_long_as_it_is() {
    let home = home(&feed(2));
    let len = fs::read(home.path().join("x/log/records")).unwrap().len();

    let (told, said, code) = run(home.path(), &["compact"], "");

    assert_eq!((told, said, code), (format!("{len} bytes became {len}: 0 given back\n"), String::new(), 0));
}
