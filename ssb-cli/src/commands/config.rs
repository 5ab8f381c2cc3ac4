//! `ssb-cli config`: what all sources say together, or which of them says what.

use std::io;
use std::io::IsTerminal as _;

use ssb_keys::Keypair;
use ssb_keys::base64;
use ssb_keys::secret_file;
use ssb_msg::json;
use ssb_msg::json::Object;
use ssb_msg::json::Text;
use ssb_msg::json::Value;

use crate::args::ConfigView;
use crate::config::Origin;
use crate::config::Settings;
use crate::config::Sources;
use crate::failure::Failure;
use crate::print;

/// Prints the settings, also if they cannot be used, and then what is wrong with them.
pub(super) fn run(
    view: ConfigView,
    sources: &Sources,
    settings: Result<Settings, Failure>,
) -> Result<(), Failure> {
    let rows = || rows(sources);
    let text = match view {
        ConfigView::Merged => {
            let me = settings.as_ref().ok().and_then(identity);
            json::pretty(&merged(sources, me.as_ref())) + "\n"
        }
        ConfigView::Sources => table(&rows(), is_colourful()),
        ConfigView::SourcesJson => {
            json::pretty(&Value::Array(rows().iter().map(Row::to_json).collect())) + "\n"
        }
    };
    print::out(text.as_bytes())?;
    let settings = settings?;
    for notice in &settings.notices {
        print::talk(notice);
    }
    Ok(())
}

/// Whose node it is, if it ever started. Only `start` makes an identity.
fn identity(settings: &Settings) -> Option<Keypair> {
    match secret_file::load(&settings.node.path.join("secret")) {
        Ok(me) => Some(me),
        Err(error) if error.is_missing() => None,
        Err(error) => {
            print::talk(&error.to_string());
            None
        }
    }
}

/// What ssb-config has in the end. Secret keys are left out.
fn merged(sources: &Sources, me: Option<&Keypair>) -> Value {
    let all = without_secrets(&sources.settings().to_json());
    let (Value::Object(object), Some(me)) = (&all, me) else { return all };
    if object.get("keys").is_some_and(|keys| *keys != Value::Null) {
        return all;
    }
    let keys = [
        ("curve", "ed25519".to_owned()),
        ("public", format!("{}.ed25519", base64::encode(me.id().as_bytes()))),
        ("id", me.id().to_string()),
    ];
    let keys = keys.into_iter().map(|(name, value)| (Text::new(name), text(&value)));
    let keys = (Text::new("keys"), Value::Object(Object::from_pairs(keys)));
    let others = object.iter().map(|(name, value)| (name.clone(), value.clone()));
    Value::Object(Object::from_pairs(others.chain([keys])))
}

/// Leaves out what is a secret key, wherever it stands.
fn without_secrets(value: &Value) -> Value {
    match value {
        Value::Array(values) => {
            Value::Array(values.iter().filter(|value| !is_secret(value)).map(without_secrets).collect())
        }
        Value::Object(object) => {
            let kept = object.iter().filter(|(name, value)| !name.is("private") && !is_secret(value));
            let kept = kept.map(|(name, value)| (name.clone(), without_secrets(value)));
            Value::Object(Object::from_pairs(kept))
        }
        value => value.clone(),
    }
}

/// A secret key, with or without what says of which kind.
fn is_secret(value: &Value) -> bool {
    let Some(text) = value.as_text() else { return false };
    let text = text.decode();
    base64::decode_array::<64>(text.strip_suffix(".ed25519").unwrap_or(&text)).is_ok()
}

/// One setting.
struct Row<'a> {
    key: String,
    value: Value,
    origin: &'a Origin,
}

impl Row<'_> {
    fn to_json(&self) -> Value {
        let pairs = [
            ("key", text(&self.key)),
            ("value", self.value.clone()),
            ("source", text(&self.origin.to_string())),
        ];
        Value::Object(Object::from_pairs(pairs.into_iter().map(|(name, value)| (Text::new(name), value))))
    }
}

/// All settings but the words of this command.
fn rows(sources: &Sources) -> Vec<Row<'_>> {
    let is_own = |key: &str| matches!(key, "_" | "sources" | "json");
    let values = sources.settings().values().into_iter().filter(|(key, ..)| !is_own(key));
    let values = values.filter(|(key, value, _)| !is_secret(value) && !key.ends_with(".private"));
    values.map(|(key, value, origin)| Row { key, value: without_secrets(value), origin }).collect()
}

/// Three columns, and the names of what somebody set in bold where that can be seen.
fn table(rows: &[Row<'_>], colourful: bool) -> String {
    let cells: Vec<[String; 3]> =
        rows.iter().map(|row| [row.key.clone(), json::compact(&row.value), row.origin.to_string()]).collect();
    let width = |column: usize, max: usize| {
        let lengths = cells.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        lengths.filter(|length| *length <= max).max().unwrap_or(0)
    };
    // A long list pushes its own source aside and not all of them.
    let (keys, values) = (width(0, usize::MAX), width(1, VALUE_WIDTH_MAX));
    let lines = cells.iter().zip(rows).map(|([key, value, origin], row)| {
        let (bold, plain) =
            if colourful && row.origin.is_somebody_s() { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
        format!("{bold}{key:keys$}{plain}  {value:values$}  {origin}\n")
    });
    lines.collect()
}

/// Colour is for people who look at it and did not ask for none (no-color.org).
fn is_colourful() -> bool {
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    let is_unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    io::stdout().is_terminal() && !is_dumb && !is_unwanted
}

fn text(text: &str) -> Value {
    Value::Text(Text::new(text))
}

/// The widest value that others are aligned to.
const VALUE_WIDTH_MAX: usize = 46;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_keys_are_left_out_wherever_they_stand() {
        let secret = base64::encode(Keypair::from_seed(&[7; 32]).to_secret().as_slice());
        let config = format!(
            r#"{{"keys":{{"private":"x","public":"p"}},"a":["{secret}.ed25519","b"],"c":{{"d":"{secret}","e":1}}}}"#
        );

        let kept = without_secrets(&json::parse(config.as_bytes()).unwrap());

        assert_eq!(json::compact(&kept), r#"{"keys":{"public":"p"},"a":["b"],"c":{"e":1}}"#);
    }

    #[test]
    fn a_table_is_aligned_and_bold_only_if_it_may_be() {
        let file = Origin::File("/c".into());
        let row = |key: &str, value: &str, origin| Row { key: key.to_owned(), value: text(value), origin };
        let rows = [row("a", "x", &Origin::Default), row("long.name", "yy", &file)];

        assert_eq!(table(&rows, false), "a          \"x\"   default\nlong.name  \"yy\"  /c\n");
        assert_eq!(table(&rows, true), "a          \"x\"   default\n\x1b[1mlong.name\x1b[0m  \"yy\"  /c\n");
    }
}
