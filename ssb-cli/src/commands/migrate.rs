//! `ssb-cli migrate`, and what `ssb-cli start` does before its first start: the logs of a JavaScript node.

use std::fmt::Write as _;
use std::path::Path;
use std::path::PathBuf;

use indicatif::HumanBytes;
use indicatif::ProgressBar;
use ssb_msg::json;
use ssb_msg::json::Value;
use ssb_node::config::Config;
use ssb_node::transfer;
use ssb_node::transfer::Advance;
use ssb_node::transfer::Difference;
use ssb_node::transfer::Migrated;
use ssb_node::transfer::TransferError;

use super::transfer::bar;
use super::transfer::failure;
use super::transfer::number;
use super::transfer::object;
use super::transfer::refused_to_json;
use super::transfer::text;
use crate::args::Migrate;
use crate::config::Settings;
use crate::failure::Failure;
use crate::failure::codes;
use crate::print;

/// How many feeds that differ are named to people; to programs all are.
const NAMED_MAX: usize = 20;

/// Takes old logs in, and tells what became of them.
pub(super) fn run(wish: &Migrate, settings: &Settings) -> Result<(), Failure> {
    let config = &settings.node;
    let from = wish.from.as_deref().map_or(config.path.as_path(), Path::new);
    let mut bar = Bar(None);
    let migrated = transfer::migrate(config, from, |advance| bar.show(&advance));
    bar.clear();
    let migrated = migrated.map_err(|error| failure(&error))?;
    if migrated.is_empty() {
        let what = format!(
            "Error: there is no old log in {}: neither flume/log.offset nor db2/log.bipf",
            from.display()
        );
        return Err(Failure::new(what).code(codes::NO_INPUT));
    }
    if wish.as_json {
        let all = Value::Array(migrated.iter().map(to_json).collect());
        print::out((json::pretty(&all) + "\n").as_bytes())?;
    } else {
        print::out(migrated.iter().map(to_text).collect::<Vec<_>>().join("\n").as_bytes())?;
    }
    if migrated.iter().all(is_whole) {
        return Ok(());
    }
    Err(Failure::new("Error: not all of the old log was taken").code(codes::DATA))
}

/// Takes in the logs in the node's own directory that were not taken in yet, and says so. What is wrong with them keeps no
/// node from starting; what is wrong with its own log does.
pub(super) fn take_over(config: &Config) -> Result<(), Failure> {
    let mut tenths = None;
    let migrated = transfer::take_over(config, |Advance { path, len, progress, .. }| {
        if progress.bytes == 0 {
            tenths = Some(0);
            print::talk(&format!(
                "Taking in {} ({}), the log of the node that was here before. It is read only, and stays as it is.",
                path.display(),
                HumanBytes(len)
            ));
        } else if tenths < Some(tenth(progress.bytes, len)) {
            tenths = Some(tenth(progress.bytes, len));
            print::talk(&format!("{} % read, {} records", tenth(progress.bytes, len) * 10, progress.count));
        }
    });
    match migrated {
        Ok(migrated) => {
            migrated.iter().for_each(|log| print::talk(&to_text(log)));
            Ok(())
        }
        Err(error @ TransferError::OldLog { .. }) => {
            print::talk(&format!("The log that was here before is not taken in: {error}"));
            Ok(())
        }
        Err(error) => Err(failure(&error)),
    }
}

fn tenth(bytes: u64, len: u64) -> u64 {
    bytes.saturating_mul(10).checked_div(len).unwrap_or(10).min(10)
}

/// One bar a log.
struct Bar(Option<(PathBuf, ProgressBar)>);

impl Bar {
    fn show(&mut self, advance: &Advance<'_>) {
        if self.0.as_ref().is_none_or(|(path, _)| path != advance.path) {
            self.clear();
            self.0 = Some((advance.path.to_owned(), bar(Some(advance.len))));
        }
        if let Some((_, bar)) = &self.0 {
            bar.set_position(advance.progress.bytes);
            bar.set_message(format!("{} records", advance.progress.count));
        }
    }

    fn clear(&mut self) {
        if let Some((_, bar)) = self.0.take() {
            bar.finish_and_clear();
        }
    }
}

fn is_whole(log: &Migrated) -> bool {
    log.summary.refused.is_empty() && log.differences.is_empty()
}

fn to_text(log: &Migrated) -> String {
    let Migrated { summary, differences, .. } = log;
    let mut out = format!("{}\n", log.path.display());
    let mut row = |name: &str, value: String| {
        let _ = writeln!(out, "  {name:<9} {value}");
    };
    row("messages", log.messages.to_string());
    row("new", summary.new.to_string());
    row("known", summary.known.to_string());
    row("refused", summary.refused().to_string());
    row("deleted", summary.deleted.to_string());
    let equal = log.feeds.saturating_sub(u64::try_from(differences.len()).unwrap_or(u64::MAX));
    row("feeds", format!("{}, {equal} of them whole here", log.feeds));
    if let Some(at) = summary.torn_at {
        row("torn", format!("the end, from byte {at} on, as after a crash"));
    }
    for (why, refusals) in &summary.refused {
        let records = counted(refusals.count, "record");
        let first = if refusals.count == 1 { "it is" } else { "the first is" };
        let _ = writeln!(out, "{records}: {why}; {first} at byte {}", refusals.first);
    }
    for difference in differences.iter().take(NAMED_MAX) {
        let _ = writeln!(out, "{}", difference_to_text(difference));
    }
    if differences.len() > NAMED_MAX {
        let _ = writeln!(
            out,
            "and {} more feeds; `ssb-cli migrate --json` names all",
            differences.len() - NAMED_MAX
        );
    }
    out
}

fn difference_to_text(difference: &Difference) -> String {
    let Difference { feed, old, new, .. } = difference;
    let why = old.refused.map_or_else(String::new, |(why, at)| format!(": {why}, at byte {at}"));
    format!(
        "{feed} ends at {new} here, at {} there, where it has {}{why}",
        old.sequence,
        counted(old.messages, "message")
    )
}

fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

fn to_json(log: &Migrated) -> Value {
    let differences = log.differences.iter().map(|difference| {
        let Difference { feed, old, new, .. } = difference;
        let (why, offset) = old
            .refused
            .map_or((Value::Null, Value::Null), |(why, offset)| (text(&why.to_string()), number(offset)));
        object([
            ("feed", text(&feed.to_string())),
            ("old", object([("sequence", number(old.sequence.into())), ("messages", number(old.messages))])),
            ("new", number((*new).into())),
            ("why", why),
            ("offset", offset),
        ])
    });
    object([
        ("log", text(&log.path.display().to_string())),
        ("bytes", number(log.len)),
        ("messages", number(log.messages)),
        ("feeds", number(log.feeds)),
        ("new", number(log.summary.new)),
        ("known", number(log.summary.known)),
        ("deleted", number(log.summary.deleted)),
        ("torn", log.summary.torn_at.map_or(Value::Null, number)),
        ("refused", refused_to_json(&log.summary, "offset")),
        ("differences", Value::Array(differences.collect())),
    ])
}
