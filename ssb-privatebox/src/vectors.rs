//! Vectors for tests of what is not public.

use std::path::Path;
use std::path::PathBuf;

use serde_json::Value;
use ssb_keys::base64;

/// The rows of a file of ours.
pub(crate) fn rows(name: &str) -> Vec<Value> {
    let text = read("generated", name).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A file of vectors: of the folder that `SSB_VECTORS` names, as far as it has the file, else our copy if there is one.
pub(crate) fn read(folder: &str, name: &str) -> Option<String> {
    let named = std::env::var_os("SSB_VECTORS").map(PathBuf::from);
    let path = match &named {
        Some(named) => {
            assert!(named.is_dir(), "SSB_VECTORS={} is no folder", named.display());
            named.join(folder).join(name)
        }
        None if folder == "generated" => {
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(name)
        }
        None => {
            std::println!("third-party vectors not run");
            return None;
        }
    };
    if named.is_some() && !path.exists() {
        std::println!("{} is not among the vectors", path.display());
        return None;
    }
    Some(std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

#[expect(clippy::string_slice, reason = "helpers of tests fail tests")]
pub(crate) fn unhex(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// The text of a field.
pub(crate) fn text(field: &Value) -> &str {
    field.as_str().unwrap_or_else(|| panic!("{field} is not a text"))
}

/// The bytes of a field in hex.
pub(crate) fn hex<const N: usize>(field: &Value) -> [u8; N] {
    unhex(text(field)).try_into().unwrap_or_else(|_| panic!("{field} is not of {N} bytes"))
}

/// The bytes of a field in base64.
pub(crate) fn base64<const N: usize>(field: &Value) -> [u8; N] {
    base64::decode_array(text(field)).unwrap_or_else(|_| panic!("{field} is not of {N} bytes"))
}
