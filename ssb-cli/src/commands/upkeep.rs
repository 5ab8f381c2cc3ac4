//! `ssb-cli fsck` and `ssb-cli compact`: the log, looked at and made smaller.

use indicatif::HumanBytes;

use ssb_msg::json;
use ssb_msg::json::Value;
use ssb_node::transfer;
use ssb_node::transfer::Checked;
use ssb_node::transfer::Defect;
use ssb_node::transfer::Defects;
use ssb_node::transfer::Repaired;

use super::transfer::bar;
use super::transfer::failure;
use super::transfer::number;
use super::transfer::object;
use super::transfer::text;
use crate::args::Fsck;
use crate::config::Settings;
use crate::failure::Failure;
use crate::failure::codes;
use crate::print;

/// How many defects are named to people; to programs all are.
const NAMED_MAX: usize = 100;

/// Checks the log, and repairs it if that is wanted.
pub(super) fn fsck(wish: &Fsck, settings: &Settings) -> Result<(), Failure> {
    let defects = if wish.repairs { Defects::Repair } else { Defects::Tell };
    let bar = bar(Some(0));
    let checked = transfer::check(&settings.node, defects, |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    let checked = checked.map_err(|error| failure(&error))?;
    let told = if wish.as_json { json::pretty(&to_json(&checked)) + "\n" } else { to_text(&checked) };
    print::out(told.as_bytes())?;
    if checked.defect_count == 0 || checked.repaired.is_some() {
        return Ok(());
    }
    Err(Failure::new("Error: the log is not sound")
        .hint("`ssb-cli fsck --repair` keeps all that is whole, and peers give back what is lost.")
        .code(codes::DATA))
}

/// Gives back the space of what was deleted.
pub(super) fn compact(settings: &Settings) -> Result<(), Failure> {
    let bar = bar(None);
    let compacted = transfer::compact(&settings.node, |done, all| {
        bar.set_message(format!("{done} of {all} records"));
    });
    bar.finish_and_clear();
    let compacted = compacted.map_err(|error| failure(&error))?;
    let (before, after) = (compacted.before, compacted.after);
    let gained = before.saturating_sub(after);
    print::out(format!("{before} bytes became {after}: {gained} given back\n").as_bytes())
}

fn to_text(checked: &Checked) -> String {
    let messages = plural(u64::from(checked.messages), "message");
    if checked.defect_count == 0 {
        return format!("{messages}, all sound\n");
    }
    let mut told = String::new();
    for Defect { path, offset, len, message, fault } in checked.defects.iter().take(NAMED_MAX) {
        let bytes = plural(*len, "byte");
        let whose = message.map(|id| format!(", message {id}")).unwrap_or_default();
        told.push_str(&format!("{} at byte {offset}, {bytes}{whose}: {fault}\n", path.display()));
    }
    let named = checked.defects.len().min(NAMED_MAX) as u64;
    if checked.defect_count > named {
        told.push_str(&format!("and {} more\n", checked.defect_count - named));
    }
    told.push_str(&format!("{}, {messages} sound\n", plural(checked.defect_count, "defect")));
    if let Some(Repaired { records, cut, adrift }) = &checked.repaired {
        told.push_str(&format!("repaired: the log has {} now\n", plural(u64::from(*records), "record")));
        if let Some((len, path)) = cut {
            told.push_str(&format!(
                "{} that are no part of it any more: {}\n",
                HumanBytes(*len),
                path.display()
            ));
        }
        if let Some((count, path)) = adrift {
            told.push_str(&format!(
                "{} of them whole, but without what they follow: {}\n\
                 once peers have given that back, `ssb-cli import` takes them in again\n",
                plural(u64::from(*count), "message"),
                path.display(),
            ));
        }
    }
    told
}

fn plural(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

fn to_json(checked: &Checked) -> Value {
    let defects = checked.defects.iter().map(|Defect { path, offset, len, message, fault }| {
        object([
            ("file", text(&path.display().to_string())),
            ("offset", number(*offset)),
            ("length", number(*len)),
            ("message", message.map_or(Value::Null, |id| text(&id.to_string()))),
            ("fault", text(&fault.to_string())),
        ])
    });
    let repaired = checked.repaired.as_ref().map_or(Value::Null, |Repaired { records, cut, adrift }| {
        object([
            ("records", number(u64::from(*records))),
            ("cut", cut.as_ref().map_or(Value::Null, |(_, path)| text(&path.display().to_string()))),
            ("adrift", adrift.as_ref().map_or(Value::Null, |(_, path)| text(&path.display().to_string()))),
        ])
    });
    object([
        ("messages", number(u64::from(checked.messages))),
        ("defectCount", number(checked.defect_count)),
        ("defects", Value::Array(defects.collect())),
        ("repaired", repaired),
    ])
}
