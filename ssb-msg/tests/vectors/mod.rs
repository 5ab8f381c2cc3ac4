//! Where vectors are read from.

#![expect(clippy::panic, reason = "helpers of tests fail tests")]

use std::path::Path;
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde_json as json;

/// The rows of one of our own files: those of `SSB_VECTORS` when it is set, else the copies beside the tests.
pub(crate) fn generated<T: DeserializeOwned>(name: &str) -> Vec<T> {
    rows(&read("generated", name).unwrap_or_default())
}

/// One JSON object a line.
pub(crate) fn rows<T: DeserializeOwned>(lines: &str) -> Vec<T> {
    let row = |line| json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    lines.lines().filter(|line| !line.is_empty()).map(row).collect()
}

/// A file of vectors: of the folder that `SSB_VECTORS` names, as far as it has the file, else our copy.
pub(crate) fn read(folder: &str, name: &str) -> Option<String> {
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
