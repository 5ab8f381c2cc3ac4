//! What JavaScript's stores wrote, and what V8 prints for it. `tests/vectors/README.md` says where the files come from.

#![expect(clippy::unwrap_used, clippy::panic, clippy::string_slice, reason = "helpers of tests fail tests")]

use std::fs;
use std::fs::File;
use std::path::Path;
use std::path::PathBuf;

use ssb_log::import::Db2;
use ssb_log::import::Flume;
use ssb_log::import::Item;
use ssb_log::import::bipf;
use ssb_msg::json;
use ssb_msg::json::Value;

#[test]
fn vectors_of_bipf_print_as_v8_prints_them() {
    for row in rows(&here("bipf.jsonl")) {
        let expected = row.get("json").and_then(Value::as_text).unwrap().decode().into_owned();
        assert_eq!(bipf::to_json(&unhex(&text(&row, "bipf"))), Ok(expected), "{}", json::compact(&row));
    }
}

#[test]
fn vectors_of_bipf_by_others_are_read() {
    let rows = rows(&file("metafeed.jsonl"));
    let mut count = 0;
    for row in rows.iter().filter(|row| text(row, "op") == "bipf") {
        let value = row.get("in").unwrap();
        let expected = match value.get("hex").and_then(Value::as_text) {
            Some(hex) => {
                let bytes: Vec<String> = unhex(&hex.decode()).iter().map(u8::to_string).collect();
                format!(r#"{{"type":"Buffer","data":[{}]}}"#, bytes.join(","))
            }
            None => json::compact(value),
        };
        assert_eq!(bipf::to_json(&unhex(&text(row, "out"))), Ok(expected), "{}", json::compact(row));
        count += 1;
    }
    assert!(count > 0, "there is no row of bipf");
}

#[test]
fn vectors_of_all_widths_of_flume_are_read() {
    let texts: Vec<Vec<String>> = [32, 48, 53]
        .map(|bits| {
            let log = Flume::open(File::open(here(&format!("offset-{bits}"))).unwrap()).unwrap();
            assert_eq!(log.offset_bits(), bits);
            told(log)
        })
        .into();

    assert_eq!(texts[0], expected());
    assert!(texts.iter().all(|other| *other == texts[0]));
}

#[test]
fn vectors_of_ssb_db2_are_read_and_print_as_those_of_flume() {
    let log = Db2::open(File::open(here("log.bipf")).unwrap()).unwrap();

    assert_eq!(told(log), expected());
}

/// What was stored, as `JSON.stringify` printed it then.
fn expected() -> Vec<String> {
    let record = |n: usize| {
        let (text, time) = ("x".repeat(n * 7), 1_500_000_000_000_u64 + n as u64);
        let numbers = "[1,1.5,-3,1e+21,2147483648,null,true]";
        format!(
            r#"{{"key":"%{n}","value":{{"text":"é😀\u0001\"{text}","n":{numbers},"i":{n}}},"timestamp":{time}.002}}"#
        )
    };
    (0..6).map(|n| if n == 2 { "deleted".to_owned() } else { record(n) }).collect()
}

fn told(log: impl Iterator<Item = std::io::Result<Item>>) -> Vec<String> {
    log.map(|item| match item.unwrap() {
        Item::Record(record) => String::from_utf8(record.text().unwrap().into_owned()).unwrap(),
        Item::Deleted { .. } => "deleted".to_owned(),
        other => panic!("{other:?}"),
    })
    .collect()
}

fn rows(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let rows: Vec<Value> =
        text.lines().map(|line| json::parse_within(line.as_bytes(), 1 << 20).unwrap()).collect();
    assert!(!rows.is_empty(), "{} is empty", path.display());
    rows
}

fn text(row: &Value, name: &str) -> String {
    row.get(name).and_then(Value::as_text).unwrap().decode().into_owned()
}

fn unhex(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn here(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(name)
}

/// A file of vectors: of the folder that `SSB_VECTORS` names, as far as it has the file, else our copy.
fn file(name: &str) -> PathBuf {
    let named = std::env::var_os("SSB_VECTORS").map(|folder| Path::new(&folder).join("generated").join(name));
    named.filter(|path| path.is_file()).unwrap_or_else(|| here(name))
}
