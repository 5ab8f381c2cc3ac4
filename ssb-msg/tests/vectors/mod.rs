//! Where vectors are read from.

#![expect(clippy::panic, reason = "helpers of tests fail tests")]

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde_json as json;

/// The rows of one of our own files: those of `SSB_VECTORS` when it is set, else the copies beside the tests.
pub(crate) fn generated<T: DeserializeOwned>(name: &str) -> Vec<T> {
    let path = match folder() {
        Some(folder) => folder.join("generated").join(name),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(name),
    };
    rows(&read(&path))
}

/// A file of somebody else's collection, which only `SSB_VECTORS` has.
pub(crate) fn third_party(path: &str) -> Option<String> {
    let Some(folder) = folder() else {
        println!("third-party vectors not run");
        return None;
    };
    Some(read(&folder.join(path)))
}

/// One JSON object a line.
pub(crate) fn rows<T: DeserializeOwned>(lines: &str) -> Vec<T> {
    let row = |line| json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    let rows: Vec<T> = lines.lines().filter(|line| !line.is_empty()).map(row).collect();
    assert!(!rows.is_empty(), "a file has no rows");
    rows
}

fn folder() -> Option<PathBuf> {
    std::env::var_os("SSB_VECTORS").map(PathBuf::from)
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
