//! Streams of the real JavaScript implementation. `tests/vectors/README.md` says where they come from.

#![expect(clippy::unwrap_used, clippy::panic, clippy::string_slice, reason = "helpers of tests fail tests")]

use std::path::Path;
use std::path::PathBuf;

use serde_json::Value;
use ssb_boxstream::Opener;
use ssb_boxstream::Progress;
use ssb_boxstream::Sealer;
use ssb_kernel::testing::on_each;

#[test]
fn vectors_sealed_streams_are_javascripts() {
    on_each(|| {
        for row in lines("boxstream-encrypt.jsonl") {
            let mut sealer = Sealer::new(&bytes(&row["key"]), &bytes(&row["nonce"]));
            let mut sealed = Vec::new();
            for chunk in row["chunks"].as_array().unwrap() {
                sealer.seal(&unhex(chunk), &mut sealed);
            }
            sealer.goodbye(&mut sealed);
            assert_eq!(sealed, unhex(&row["cipher_with_goodbye"]));
        }
    });
}

#[test]
fn vectors_opened_streams_end_as_in_javascript() {
    on_each(|| {
        for row in lines("boxstream-decrypt.jsonl") {
            for step in [1, 7, usize::MAX] {
                let opener = Opener::new(&bytes(&row["key"]), &bytes(&row["nonce"]));
                let (plain, clean) = open(opener, &unhex(&row["cipher"]), step);
                let delivered: Vec<Vec<u8>> =
                    row["plain_before_end"].as_array().unwrap().iter().map(unhex).collect();
                assert!(plain == delivered.concat(), "{}", row["name"]);
                assert_eq!(clean, row["result"] == "clean-end", "{}", row["name"]);
            }
        }
    });
}

#[test]
fn vectors_golden_stream_of_another_implementation() {
    on_each(|| {
        let Some(text) = read("box-stream-c", "golden.json") else { return };
        let row: Value = serde_json::from_str(&text).unwrap();
        let mut sealer = Sealer::new(&bytes(&row["key"]), &bytes(&row["nonce"]));
        let mut sealed = Vec::new();
        for chunk in row["chunks"].as_array().unwrap() {
            sealer.seal(&unhex(chunk), &mut sealed);
        }
        assert_eq!(sealed, unhex(&row["cipher"]));

        sealer.goodbye(&mut sealed);
        assert!(sealed.ends_with(&unhex(&row["goodbye"])));
        let (plain, clean) = open(Opener::new(&bytes(&row["key"]), &bytes(&row["nonce"])), &sealed, 5);
        let chunks: Vec<Vec<u8>> = row["chunks"].as_array().unwrap().iter().map(unhex).collect();
        assert_eq!((plain, clean), (chunks.concat(), true));
    });
}

/// What comes out of a stream that arrives `step` bytes at a time, and whether it ended with a goodbye.
fn open(mut opener: Opener, cipher: &[u8], step: usize) -> (Vec<u8>, bool) {
    let (mut buffer, mut plain) = (Vec::new(), Vec::new());
    for chunk in cipher.chunks(step.min(cipher.len().max(1))) {
        buffer.extend_from_slice(chunk);
        loop {
            match opener.open(&mut buffer) {
                Ok((_, Progress::Goodbye)) => return (plain, true),
                Ok((_, Progress::Partial)) => break,
                Ok((count, progress)) => {
                    if let Progress::Plain(body) = progress {
                        plain.extend_from_slice(body);
                    }
                    buffer.drain(..count);
                }
                Err(_) => return (plain, false),
            }
        }
    }
    (plain, false)
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

fn bytes<const N: usize>(hex: &Value) -> [u8; N] {
    unhex(hex).try_into().unwrap_or_else(|all: Vec<u8>| panic!("{} bytes instead of {N}", all.len()))
}

fn unhex(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap_or_else(|| panic!("{hex} is not hex"));
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}
