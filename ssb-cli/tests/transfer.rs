//! Messages on a stick, as a person moves them.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail tests")]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;

use ssb_keys::BlobId;
use ssb_keys::Keypair;
use ssb_keys::base64;
use ssb_keys::hash::sha256;
use ssb_msg::Signing;
use ssb_msg::ValidationState;
use ssb_msg::draft;
use tempfile::TempDir;

/// Runs a command in a home of its own.
fn run(home: &Path, words: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ssb-cli"));
    command.args(words).env_clear().env("HOME", home).current_dir(home);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// What it printed, what it said, and how it ended.
fn told(output: &Output) -> (String, String, i32) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr), output.status.code().unwrap())
}

/// The first messages of a feed, one a line.
fn feed(count: u32) -> String {
    let me = Keypair::from_seed(&[4; 32]);
    let mut state = ValidationState::new(me.id());
    let mut lines = String::new();
    for n in 0..count {
        let message =
            draft::sign(r#"{"type":"post"}"#, &state, f64::from(n), &me, &Signing::plain()).unwrap();
        state.advance(state.check(&message).unwrap());
        lines += message.json();
        lines += "\n";
    }
    lines
}

#[test]
fn messages_go_over_a_stick_from_one_directory_to_another() {
    let home = TempDir::new().unwrap();
    let home = home.path();

    let taken = told(&run(home, &["import", "-", "--path", "one"], &feed(3)));
    assert_eq!(taken, ("3 new, 0 known, 0 refused\n".to_owned(), String::new(), 0));
    let (stick, said, code) = told(&run(home, &["export", "--path", "one"], ""));
    assert_eq!((stick.lines().count(), said.as_str(), code), (3, "", 0));
    fs::write(home.join("stick"), &stick).unwrap();

    for expected in ["3 new, 0 known, 0 refused\n", "0 new, 3 known, 0 refused\n"] {
        let taken = told(&run(home, &["import", "stick", "--path", "two"], ""));
        assert_eq!(taken, (expected.to_owned(), String::new(), 0));
    }
    let (rest, ..) = told(&run(home, &["export", "--path", "two", "--since", "2"], ""));
    assert_eq!(rest.lines().count(), 1);
    let id = Keypair::from_seed(&[4; 32]).id().to_string();
    let (rest, ..) = told(&run(home, &["export", "--path", "two", "--feed", &id, "--since", "1"], ""));
    assert_eq!(rest.lines().count(), 2);
}

#[test]
fn what_was_not_taken_is_told_with_its_lines() {
    let home = TempDir::new().unwrap();
    let input = format!("x\n{}\n\ny\n", feed(2).lines().next_back().unwrap());

    let refused = told(&run(home.path(), &["import", "-"], &input));

    let summary = "0 new, 0 known, 3 refused\n2 lines: it is not JSON; the first is line 1\n1 line: messages of its feed \
                   before it are missing; it is line 2\n";
    assert_eq!(refused, (summary.to_owned(), "Error: 3 lines were not taken\n".to_owned(), 65));
    let (json, _, code) = told(&run(home.path(), &["import", "-", "--json"], "x"));
    assert_eq!(
        (serde_json::from_str::<serde_json::Value>(&json).unwrap()["refused"][0]["line"].as_u64(), code),
        (Some(1), 65)
    );
}

#[test]
fn words_that_mean_nothing_are_told() {
    let home = TempDir::new().unwrap();
    for (words, message, code) in [
        (&["import"][..], "Error: import needs the name of a file, or - for standard input\n", 64),
        (&["import", "none"], "Error: none cannot be read: No such file or directory (os error 2)\n", 66),
        (
            &["export", "--feed", "x"],
            "Error: --feed has to be the id of a feed, such as @8aEQ...=.ed25519\n",
            64,
        ),
        (&["export", "--since", "-1"], "Error: --since has to be a number of messages\n", 64),
    ] {
        assert_eq!(
            told(&run(home.path(), words, "")),
            (String::new(), message.to_owned(), code),
            "{words:?}"
        );
    }
    let (_, said, code) = told(&run(home.path(), &["export"], ""));
    let log = home.path().join(".ssb/log");
    let expected = format!(
        "Error: the data directory {} cannot be used: No such file or directory (os error 2)\n",
        log.display()
    );
    assert_eq!((said, code), (expected, 74));
}

#[test]
fn blobs_go_over_a_stick_with_the_messages_that_refer_to_them() {
    let home = TempDir::new().unwrap();
    let home = home.path();
    let (photo, other) = ([7; 150_000], [8; 10]);
    let [photo_id, other_id, nowhere] =
        [&photo[..], &other, b"not here"].map(|bytes| BlobId::from_bytes(sha256(bytes)));
    let content = format!(r#"{{"type":"post","mentions":[{{"link":"{photo_id}"}},{{"link":"{nowhere}"}}]}}"#);
    let me = Keypair::from_seed(&[4; 32]);
    let message = draft::sign(&content, &ValidationState::new(me.id()), 0.0, &me, &Signing::plain()).unwrap();
    told(&run(home, &["import", "-", "--path", "one"], message.json()));
    for (id, bytes) in [(photo_id, &photo[..]), (other_id, &other)] {
        put(&home.join("one/blobs"), &id, bytes);
    }

    let (stick, said, code) = told(&run(home, &["export", "--with-blobs", "--path", "one"], ""));
    assert_eq!((stick.lines().count(), said.as_str(), code), (4, "", 0));
    assert!(
        stick
            .lines()
            .skip(1)
            .all(|line| line.starts_with(&format!("{{\"blob\":\"{photo_id}\",\"size\":150000")))
    );
    assert_eq!(told(&run(home, &["export", "--path", "one"], "")).0.lines().count(), 1);

    for (messages, blobs) in [("1 new, 0 known", "1 new, 0 known"), ("0 new, 1 known", "0 new, 1 known")] {
        let taken = told(&run(home, &["import", "-", "--path", "two"], &stick));
        assert_eq!(taken, (format!("{messages}, 0 refused\nblobs: {blobs}\n"), String::new(), 0));
    }
    assert_eq!(fs::read(place(&home.join("two/blobs"), &photo_id)).unwrap(), photo);
    assert!(!place(&home.join("two/blobs"), &other_id).exists());
    let (json, ..) = told(&run(home, &["import", "-", "--path", "two", "--json"], &stick));
    let json = serde_json::from_str::<serde_json::Value>(&json).unwrap();
    assert_eq!((json["blobs"]["new"].as_u64(), json["blobs"]["known"].as_u64()), (Some(0), Some(1)));
}

#[test]
fn pieces_of_blobs_that_do_not_fit_are_told_with_their_lines() {
    let home = TempDir::new().unwrap();
    let line = |bytes: &[u8], size: usize, at: usize| {
        let (id, bytes) = (BlobId::from_bytes(sha256(b"hello")), base64::encode(bytes));
        format!("{{\"blob\":\"{id}\",\"size\":{size},\"at\":{at},\"bytes\":\"{bytes}\"}}\n")
    };
    let input = [
        line(b"lo", 5, 3),
        line(b"hel", 5, 0),
        line(b"hel", 5, 0),
        line(b"LO", 5, 3),
        "{\"blob\":5}\n".to_owned(),
        line(b"hel", 5, 0),
    ];

    let refused = told(&run(home.path(), &["import", "-"], &input.concat()));

    let summary = "0 new, 0 known, 5 refused\n\
                   1 line: it is a piece of a blob that does not follow the one before it; it is line 1\n\
                   2 lines: the rest of its blob is missing; the first is line 2\n\
                   1 line: its blob is another one than it says; it is line 4\n\
                   1 line: it is no piece of a blob; it is line 5\n";
    assert_eq!(refused, (summary.to_owned(), "Error: 5 lines were not taken\n".to_owned(), 65));
    assert!(!place(&home.path().join(".ssb/blobs"), &BlobId::from_bytes(sha256(b"hello"))).exists());
}

/// Where a blob is.
fn place(blobs: &Path, id: &BlobId) -> PathBuf {
    let digits: String = id.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let (first, rest) = digits.split_at(2);
    blobs.join("sha256").join(first).join(rest)
}

fn put(blobs: &Path, id: &BlobId, bytes: &[u8]) {
    let place = place(blobs, id);
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    fs::write(place, bytes).unwrap();
}
