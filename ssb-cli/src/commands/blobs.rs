//! `ssb-cli blobs.add FILE` and `ssb-cli blobs.get ID > FILE`: blobs from and to files, seen on their way.

use std::fs::File;
use std::io;
use std::io::IsTerminal as _;
use std::io::Read;
use std::ops::ControlFlow;

use indicatif::ProgressBar;
use indicatif::ProgressStyle;
use ssb_keys::BlobId;
use ssb_keys::hash::Sha256;
use ssb_msg::json;
use ssb_node::client::Answer;
use ssb_node::client::Client;

use super::call;
use super::call::call_failure;
use crate::args::Call;
use crate::failure::Failure;
use crate::minimist::Value;
use crate::print;

/// What is to be added: a file, or standard input.
pub(super) struct Input {
    bytes: Box<dyn Read>,
    /// How many there are, if that is known.
    len: Option<u64>,
    /// The only blob that it may be.
    id: Option<BlobId>,
}

impl Input {
    /// Opens what the words of `blobs.add` name, before anybody is asked to take it.
    pub(super) fn open(words: &Call) -> Result<Self, Failure> {
        let id = words.options.get("id").map(expected).transpose()?;
        let name = words.positionals.first().map(|word| match word {
            Value::Text(name) => name.clone(),
            other => json::compact(&other.to_json()),
        });
        let Some(name) = name else {
            if io::stdin().is_terminal() {
                return Err(Failure::new(
                    "Error: blobs.add needs the name of a file, or bytes on standard input",
                ));
            }
            return Ok(Self { bytes: Box::new(io::stdin()), len: None, id });
        };
        let unreadable = |error: io::Error| Failure::new(format!("Error: {name} cannot be read: {error}"));
        let file = File::open(&name).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if metadata.is_dir() {
            return Err(unreadable(io::ErrorKind::IsADirectory.into()));
        }
        // Of a pipe the length says nothing.
        let len = metadata.is_file().then_some(metadata.len());
        Ok(Self { bytes: Box::new(file), len, id })
    }
}

/// Adds a blob to the store of the running node, and prints its id.
pub(super) fn add(client: &mut Client, input: Input) -> Result<(), Failure> {
    let Input { bytes, len, id } = input;
    let bar = if io::stderr().is_terminal() { bar(len) } else { ProgressBar::hidden() };
    let mut hashing = Hashing { bytes: bar.wrap_read(bytes), hash: Sha256::new() };
    let args = id.map_or_else(|| "[]".to_owned(), |id| format!("[\"{id}\"]"));
    let added = client.sink(&["blobs", "add"], &args, &mut hashing);
    bar.finish_and_clear();
    added.map_err(|error| call_failure(&error))?;
    let id = BlobId::from_bytes(hashing.hash.finish());
    print::out(format!("{id}\n").as_bytes())
}

/// Writes a blob to standard output. `args` are those of the call.
pub(super) fn get(client: &mut Client, words: &Call, args: &str) -> Result<(), Failure> {
    let id = words.positionals.first().and_then(Value::as_text).and_then(|id| BlobId::parse(id).ok());
    // Nobody looks at a bar while the blob itself goes to the same screen.
    let is_watched = io::stderr().is_terminal() && !io::stdout().is_terminal();
    let bar = match id {
        Some(id) if is_watched => bar(size(client, &id)?),
        _ => ProgressBar::hidden(),
    };
    let (mut hash, mut printed) = (Sha256::new(), Ok(()));
    let ended = client.source(&["blobs", "get"], args, |item| {
        if let Answer::Binary(bytes) = &item {
            hash.update(bytes);
            bar.inc(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        }
        printed = print::item(&item).and_then(|bytes| print::out(&bytes));
        if printed.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    bar.finish_and_clear();
    printed?;
    ended.map_err(|error| call_failure(&error))?;
    match id {
        Some(id) if *id.as_bytes() != hash.finish() => {
            Err(Failure::new(format!("Error: the file of {id} is damaged: it is another blob by now"))
                .hint("`ssb-cli blobs.rm` removes it, so that it can be added or fetched again."))
        }
        _ => Ok(()),
    }
}

fn size(client: &mut Client, id: &BlobId) -> Result<Option<u64>, Failure> {
    let size = call::ask(client, &["blobs", "size"], &format!("[\"{id}\"]"))?;
    Ok(json::compact(&size).parse().ok())
}

fn expected(id: &Value) -> Result<BlobId, Failure> {
    let id = id.as_text().and_then(|id| BlobId::parse(id).ok());
    id.ok_or_else(|| Failure::new("Error: --id has to be the id of a blob, such as &8aEQ...=.sha256"))
}

fn bar(len: Option<u64>) -> ProgressBar {
    let (bar, style) = match len {
        Some(len) => {
            (ProgressBar::new(len), "{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left")
        }
        None => (ProgressBar::new_spinner(), "{spinner} {bytes}, {bytes_per_sec}"),
    };
    bar.with_style(ProgressStyle::with_template(style).expect("the template is fixed"))
}

/// Hashes what is read.
struct Hashing<R> {
    bytes: R,
    hash: Sha256,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(buffer)?;
        self.hash.update(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }
}
