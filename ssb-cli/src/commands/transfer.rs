//! `ssb-cli import` and `ssb-cli export`: messages on a stick.

use std::fs::File;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::IsTerminal as _;

use indicatif::ProgressBar;
use indicatif::ProgressStyle;
use ssb_keys::FeedId;
use ssb_msg::json;
use ssb_msg::json::Object;
use ssb_msg::json::Text;
use ssb_msg::json::Value;
use ssb_node::transfer;
use ssb_node::transfer::Selection;
use ssb_node::transfer::Summary;
use ssb_node::transfer::TransferError;

use crate::args::Export;
use crate::args::Import;
use crate::config::Settings;
use crate::failure::Failure;
use crate::failure::codes;
use crate::minimist;
use crate::print;

/// Takes messages in, and tells what became of them.
pub(super) fn import(wish: &Import, settings: &Settings) -> Result<(), Failure> {
    let Some(name) = &wish.file else {
        return Err(Failure::new("Error: import needs the name of a file, or - for standard input")
            .code(codes::USAGE));
    };
    let (input, len) = open(name)?;
    let bar = bar(len);
    let summary = transfer::import(&settings.node, input, |progress| {
        bar.set_position(progress.bytes);
        bar.set_message(format!("{} lines", progress.count));
    })
    .map_err(|error| failure(&error))?;
    bar.finish_and_clear();
    let text = if wish.as_json { json::pretty(&to_json(&summary)) + "\n" } else { to_text(&summary) };
    print::out(text.as_bytes())?;
    match summary.refused() {
        0 => Ok(()),
        1 => Err(Failure::new("Error: 1 line was not taken").code(codes::DATA)),
        count => Err(Failure::new(format!("Error: {count} lines were not taken")).code(codes::DATA)),
    }
}

/// Writes messages to standard output.
pub(super) fn export(wish: &Export, settings: &Settings) -> Result<(), Failure> {
    let mut selection = Selection::default();
    if let Some(feed) = &wish.feed {
        let feed = feed.as_text().and_then(|text| FeedId::parse(text).ok());
        let expected = "Error: --feed has to be the id of a feed, such as @8aEQ...=.ed25519";
        selection = selection.of_feed(feed.ok_or_else(|| Failure::new(expected).code(codes::USAGE))?);
    }
    if let Some(since) = &wish.since {
        let expected = "Error: --since has to be a number of messages";
        selection = selection.since(count(since).ok_or_else(|| Failure::new(expected).code(codes::USAGE))?);
    }
    if wish.with_blobs {
        selection = selection.with_blobs();
    }
    match transfer::export(&settings.node, selection, io::stdout().lock()) {
        Ok(_) => Ok(()),
        Err(TransferError::Output(error)) => Err(Failure::of_output(&error)),
        Err(error) => Err(failure(&error)),
    }
}

fn count(value: &minimist::Value) -> Option<u32> {
    match value {
        minimist::Value::Number(number) => number.to_string().parse().ok(),
        _ => None,
    }
}

/// A file and its length, or standard input, whose length nobody knows.
fn open(name: &str) -> Result<(Box<dyn BufRead + Send>, Option<u64>), Failure> {
    if name == "-" {
        return Ok((Box::new(BufReader::new(io::stdin())), None));
    }
    let unreadable = |error: io::Error| {
        Failure::new(format!("Error: {name} cannot be read: {error}")).code(codes::NO_INPUT)
    };
    let file = File::open(name).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if metadata.is_dir() {
        return Err(unreadable(io::ErrorKind::IsADirectory.into()));
    }
    Ok((Box::new(BufReader::with_capacity(256 * 1024, file)), Some(metadata.len())))
}

/// Seen by people only.
pub(super) fn bar(len: Option<u64>) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let (bar, style) = match len {
        Some(len) => {
            (ProgressBar::new(len), "{bar:40} {bytes} of {total_bytes}, {msg}, {bytes_per_sec}, {eta} left")
        }
        None => (ProgressBar::new_spinner(), "{spinner} {bytes}, {msg}, {bytes_per_sec}"),
    };
    bar.with_style(ProgressStyle::with_template(style).expect("the template is fixed"))
}

pub(super) fn failure(error: &TransferError) -> Failure {
    let code = match error {
        TransferError::InUse { .. } | TransferError::StillRunning { .. } => codes::IN_USE,
        TransferError::Input(_) | TransferError::OldLog { .. } => codes::NO_INPUT,
        _ => codes::IO,
    };
    Failure::of(error).code(code)
}

fn to_text(summary: &Summary) -> String {
    let mut text = format!("{} new, {} known, {} refused\n", summary.new, summary.known, summary.refused());
    if summary.blobs_new + summary.blobs_known > 0 {
        text.push_str(&format!("blobs: {} new, {} known\n", summary.blobs_new, summary.blobs_known));
    }
    for (why, refusals) in &summary.refused {
        let lines = if refusals.count == 1 { "line" } else { "lines" };
        let first = if refusals.count == 1 { "it is" } else { "the first is" };
        text.push_str(&format!("{} {lines}: {why}; {first} line {}\n", refusals.count, refusals.first));
    }
    text
}

fn to_json(summary: &Summary) -> Value {
    object([
        ("new", number(summary.new)),
        ("known", number(summary.known)),
        ("blobs", object([("new", number(summary.blobs_new)), ("known", number(summary.blobs_known))])),
        ("refused", refused_to_json(summary, "line")),
    ])
}

/// The reasons, and at which `place` the first is.
pub(super) fn refused_to_json(summary: &Summary, place: &str) -> Value {
    let refused = summary.refused.iter().map(|(why, refusals)| {
        object([
            ("why", text(&why.to_string())),
            ("count", number(refusals.count)),
            (place, number(refusals.first)),
        ])
    });
    Value::Array(refused.collect())
}

pub(super) fn object<const N: usize>(pairs: [(&str, Value); N]) -> Value {
    Value::Object(Object::from_pairs(pairs.map(|(name, value)| (Text::new(name), value))))
}

#[expect(clippy::cast_precision_loss, reason = "nobody has 2^53 messages or bytes")]
pub(super) fn number(number: u64) -> Value {
    Value::Number(number as f64)
}

pub(super) fn text(text: &str) -> Value {
    Value::Text(Text::new(text))
}
