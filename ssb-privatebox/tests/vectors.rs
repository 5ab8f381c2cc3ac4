//! Boxes of the real JavaScript implementation. `tests/vectors/README.md` says where they come from.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail tests")]

use std::path::Path;
use std::path::PathBuf;

use serde_json::Value;
use ssb_kernel::testing::on_each;
use ssb_keys::Keypair;
use ssb_keys::base64;
use ssb_privatebox::ReadKey;
use ssb_privatebox::open;
use ssb_privatebox::text;

#[test]
fn vectors_boxes_open_for_whom_javascript_opens_them() {
    on_each(|| {
        for row in lines("private-box.jsonl").iter().filter(|row| row["opens"].is_array()) {
            let content = row["boxed"].as_str().unwrap();
            for (at, reader) in row["opens"].as_array().unwrap().iter().enumerate() {
                let secret = reader["ed25519_sk"].as_str().or_else(|| reader["seed_sk"].as_str()).unwrap();
                let expected = match &reader["plaintext"] {
                    // JavaScript finds nobody behind the eighth slot. A box is for all for whom it was sealed.
                    Value::Null if row["tried"][at].as_u64() >= Some(8) => Some(bytes(&row["plaintext"])),
                    Value::Null => None,
                    plain => Some(bytes(plain)),
                };

                let opened = text::open(content, &keypair(secret));

                let plain = opened.as_ref().map(|opened| opened.plain().to_vec());
                assert_eq!(plain, expected, "{}, reader {at}", row["name"]);
                if let Some(key) = reader["unbox_key"].as_str() {
                    let found = opened.map(|opened| opened.key().to_text());
                    assert!(found.is_none_or(|found| *found == key), "{}, reader {at}", row["name"]);
                    assert_eq!(open_with(key, content), expected, "{}, reader {at}", row["name"]);
                }
            }
        }
    });
}

#[test]
fn vectors_contents_of_messages_are_read_as_by_ssb_keys() {
    on_each(|| {
        for row in lines("private-box.jsonl").iter().filter(|row| row["name"] == "ssb-keys.box") {
            let content = row["boxed"].as_str().unwrap();
            let (secret, _) = row["recipient_sk"].as_str().unwrap().split_once('.').unwrap();
            let expected = row["unboxed_json"].as_str().unwrap();

            let opened = text::open(content, &keypair(secret)).unwrap();

            assert_eq!(str::from_utf8(opened.plain()), Ok(expected));
            assert_eq!(*opened.key().to_text(), row["body_key"].as_str().unwrap());
            assert_eq!(open_with(&opened.key().to_text(), content).as_deref(), Some(expected.as_bytes()));
            assert_eq!(row["stranger_gets"], "nothing");
            assert!(text::open(content, &Keypair::from_seed(&[9; 32])).is_none());
        }
    });
}

#[test]
fn vectors_box_of_another_implementation() {
    on_each(|| {
        let Some(text) = read("private-box-rs", "simple.json") else { return };
        let row: Value = serde_json::from_str(&text).unwrap();
        for reader in row["keys"].as_array().unwrap() {
            let opened =
                open(&bytes(&row["cypher_text"]), &keypair(reader["secret"].as_str().unwrap())).unwrap();
            assert_eq!(opened.plain(), row["msg"].as_str().unwrap().as_bytes());
        }
    });
}

fn open_with(key: &str, content: &str) -> Option<Vec<u8>> {
    let boxed = text::decode(content).unwrap();
    ReadKey::parse(key).unwrap().open(&boxed).map(|plain| plain.to_vec())
}

fn keypair(secret: &str) -> Keypair {
    Keypair::from_secret(&base64::decode_array(secret).unwrap()).unwrap()
}

fn bytes(text: &Value) -> Vec<u8> {
    base64::decode(text.as_str().unwrap_or_else(|| panic!("{text} is not base64"))).unwrap()
}

fn lines(name: &str) -> Vec<Value> {
    let text = read("generated", name).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A file of vectors: of the folder that `SSB_VECTORS` names, as far as it has the file, else our copy.
fn read(folder: &str, name: &str) -> Option<String> {
    let path = match std::env::var_os("SSB_VECTORS").map(PathBuf::from) {
        Some(named) => {
            assert!(named.is_dir(), "SSB_VECTORS={} is no folder", named.display());
            named.join(folder).join(name)
        }
        None if folder == "generated" => {
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(name)
        }
        None => {
            println!("third-party vectors not run");
            return None;
        }
    };
    match std::fs::read_to_string(&path) {
        Err(error)
            if error.kind() == std::io::ErrorKind::NotFound && std::env::var_os("SSB_VECTORS").is_some() =>
        {
            println!("{folder}/{name} is not among the vectors");
            None
        }
        text => Some(text.unwrap_or_else(|error| panic!("{}: {error}", path.display()))),
    }
}
