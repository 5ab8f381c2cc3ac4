//! The `secret` file: the key pair of a node, as JavaScript writes and reads it (ssb-keys 8.5.0).
//!
//! A JSON object between lines of comment, readable by its owner only. It is made once, whole or not at all, and
//! never written again: a file that cannot be used is an error that says why, and stays as it is.

use std::fs;
use std::io;
use std::io::Read as _;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

use serde_json::Value;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::FeedId;
use crate::Keypair;
use crate::base64;

/// The most bytes of a secret file. JavaScript's are about 730 long; the rest is room for comments.
pub const FILE_LEN_MAX: u64 = 64 * 1024;

/// Reads the key pair from the file at `path`.
///
/// # Errors
///
/// [`LoadError`], which names the file and the way out. Nothing is ever created or changed here.
pub fn load(path: &Path) -> Result<Keypair, LoadError> {
    let fail = |cause| LoadError { path: path.to_owned(), cause };
    let file = fs::File::open(path).map_err(|error| {
        fail(if error.kind() == io::ErrorKind::NotFound { LoadCause::Missing } else { LoadCause::Io(error) })
    })?;
    let metadata = file.metadata().map_err(|error| fail(LoadCause::Io(error)))?;
    if !metadata.is_file() {
        return Err(fail(LoadCause::NotAFile));
    }
    check_mode(&metadata).map_err(|mode| fail(LoadCause::Exposed { mode }))?;
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(FILE_LEN_MAX + 1).read_to_end(&mut bytes).map_err(|error| fail(LoadCause::Io(error)))?;
    if u64::try_from(bytes.len()).is_ok_and(|len| len > FILE_LEN_MAX) {
        return Err(fail(LoadCause::TooLong));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| fail(LoadCause::Text(ParseSecretError::NotUtf8)))?;
    parse(text).map_err(|error| fail(LoadCause::Text(error)))
}

/// Writes `keypair` to a new file at `path`: whole, synced, mode 0400, never over an existing one.
///
/// # Errors
///
/// The error of the file system; [`io::ErrorKind::AlreadyExists`] if there is a file, whatever it holds.
pub fn create(path: &Path, keypair: &Keypair) -> io::Result<()> {
    let aside = path.with_extension(format!("new-{}", std::process::id()));
    let _ = fs::remove_file(&aside);
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o400);
    let written = options.open(&aside).and_then(|mut file| {
        file.write_all(to_text(keypair).as_bytes())?;
        file.sync_all()?;
        // A hard link, unlike a rename, fails if the name is taken: the file appears whole or not at all.
        fs::hard_link(&aside, path)
    });
    let _ = fs::remove_file(&aside);
    written?;
    sync_directory(path)
}

/// Parses the text of a secret file.
///
/// # Errors
///
/// [`ParseSecretError`] names the line or the field. No error holds a byte of the text.
pub fn parse(text: &str) -> Result<Keypair, ParseSecretError> {
    if text.starts_with('\u{feff}') {
        return Err(ParseSecretError::ByteOrderMark);
    }
    let json = Zeroizing::new(without_comments(text));
    if json.is_empty() {
        return Err(ParseSecretError::Empty);
    }
    let value: Value = serde_json::from_str(&json).map_err(|_| ParseSecretError::NotJson)?;
    let field = |name| value.get(name).and_then(Value::as_str);
    match value.get("curve") {
        Some(Value::String(curve)) if curve != "ed25519" => return Err(ParseSecretError::Curve),
        _ => {}
    }
    let private = field("private").ok_or(ParseSecretError::Field { name: "private" })?;
    let secret: [u8; 64] =
        base64::decode_array(before_dot(private)).map_err(|_| ParseSecretError::Field { name: "private" })?;
    let keypair = Keypair::from_secret(&Zeroizing::new(secret)).ok_or(ParseSecretError::Halves)?;
    let public = field("public").ok_or(ParseSecretError::Field { name: "public" })?;
    let public: [u8; 32] =
        base64::decode_array(before_dot(public)).map_err(|_| ParseSecretError::Field { name: "public" })?;
    if FeedId::from_bytes(public) != keypair.id() {
        return Err(ParseSecretError::Halves);
    }
    // JavaScript takes an `id` without its sigil for absent.
    if let Some(id) = field("id").filter(|id| id.starts_with('@'))
        && FeedId::parse(id) != Ok(keypair.id())
    {
        return Err(ParseSecretError::Halves);
    }
    Ok(keypair)
}

/// The text of a secret file, byte for byte as ssb-keys 8.5.0 creates it.
pub fn to_text(keypair: &Keypair) -> Zeroizing<String> {
    let id = keypair.id();
    let public = base64::encode(id.as_bytes());
    let private = Zeroizing::new(base64::encode(keypair.to_secret().as_slice()));
    Zeroizing::new(format!(
        "{HEADER}{{\n  \"curve\": \"ed25519\",\n  \"public\": \"{public}.ed25519\",\n  \"private\": \
         \"{}.ed25519\",\n  \"id\": \"{id}\"\n}}\n{FOOTER}{id}",
        private.as_str()
    ))
}

/// A secret file that cannot be used. The file stays as it is.
#[derive(Debug, Error)]
#[error("{}: {cause}", path.display())]
pub struct LoadError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub cause: LoadCause,
}

impl LoadError {
    /// Whether there is no such file, so that one may be created.
    pub fn is_missing(&self) -> bool {
        matches!(self.cause, LoadCause::Missing)
    }
}

/// What is wrong with a secret file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LoadCause {
    /// There is none.
    #[error("there is no secret file")]
    Missing,
    /// It is a directory or a device.
    #[error("is not a regular file")]
    NotAFile,
    /// Others than its owner may read or write it. Fix: `chmod 400`.
    #[error(
        "others can read this secret (mode {mode:04o}); run `chmod 400` on it, and consider the key known to them"
    )]
    Exposed {
        /// The permission bits.
        mode: u32,
    },
    /// It is longer than [`FILE_LEN_MAX`].
    #[error("is longer than {FILE_LEN_MAX} bytes and so no secret file")]
    TooLong,
    /// It could not be read.
    #[error("{0}")]
    Io(#[source] io::Error),
    /// Its text is wrong.
    #[error("{0}; restore it from your backup, or move it away to start a new identity")]
    Text(#[source] ParseSecretError),
}

/// Why the text of a secret file is refused. Holds nothing of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseSecretError {
    /// It is not text.
    #[error("not valid UTF-8")]
    NotUtf8,
    /// An editor put a byte-order mark in front. Fix: save it as UTF-8 without one.
    #[error("starts with a byte-order mark")]
    ByteOrderMark,
    /// There is nothing but comments and white space.
    #[error("holds no key")]
    Empty,
    /// What is left without the comments is not JSON: cut short, the bare key of a very old version, or a `#` inside.
    #[error("is not JSON between lines that start with `#`")]
    NotJson,
    /// The key is for another curve, such as the `k256` of 2014.
    #[error("field `curve` is not \"ed25519\"")]
    Curve,
    /// A field is missing or not canonical base64 of the right length.
    #[error("field `{name}` is missing or not the base64 of a key")]
    Field {
        /// The name of the field.
        name: &'static str,
    },
    /// Private key, public key and id do not belong together.
    #[error("fields `private`, `public` and `id` do not belong to one key pair")]
    Halves,
}

#[cfg(unix)]
fn check_mode(metadata: &fs::Metadata) -> Result<(), u32> {
    let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o7777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(mode) }
}

#[cfg(not(unix))]
fn check_mode(_: &fs::Metadata) -> Result<(), u32> {
    Ok(())
}

// Deletes what JavaScript's `/\s*#[^\n]*/g` matches and joins the lines that are left.
fn without_comments(text: &str) -> String {
    text.split('\n').map(|line| line.split_once('#').map_or(line, |(kept, _)| kept.trim_end())).collect()
}

fn before_dot(text: &str) -> &str {
    text.split_once('.').map_or(text, |(before, _)| before)
}

/// Makes a change of names in the directory of `path` durable.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::File::open(parent)?.sync_all()
}

// JavaScript's own words (ssb-keys, MIT), so that its users find the file they know.
const HEADER: &str = "# WARNING: Never show this to anyone.
# WARNING: Never edit it or use it on multiple devices at once.
#
# This is your SECRET, it gives you magical powers. With your secret you can
# sign your messages so that your friends can verify that the messages came
# from you. If anyone learns your secret, they can use it to impersonate you.
#
# If you use this secret on more than one device you will create a fork and
# your friends will stop replicating your content.
#
";
const FOOTER: &str = "#
# The only part of this file that's safe to share is your public name:
#
#   ";
