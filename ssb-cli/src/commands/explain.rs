//! `ssb-cli <method> --help`: what a method is for, as far as the running node tells.

use ssb_msg::json;
use ssb_msg::json::Object;
use ssb_msg::json::Value;
use ssb_node::client::Client;
use ssb_node::client::Kind;

use super::manifest::Found;
use super::manifest::Manifest;

/// What a node says of a method: that of its group's `help`, if it has one.
pub(super) fn ask(client: &mut Client, path: &[&str], manifest: &Manifest) -> Option<Value> {
    let (method, group) = path.split_last()?;
    let help: Vec<&str> = group.iter().copied().chain(["help"]).collect();
    if !matches!(manifest.find(&help.join(".")), Found::Method(..)) {
        return None;
    }
    let answer = client.call(&help, "[]").ok()?.to_json();
    json::parse(answer.as_bytes()).ok()?.get("commands")?.get(method).cloned()
}

/// The text for people. `name` is as it was typed.
pub(super) fn text(name: &str, path: &[&str], kind: Kind, docs: Option<&Value>) -> String {
    let method = path.join(".");
    let output = match kind {
        Kind::Source => "Prints what it sends, a blank line behind each item, until it ends.",
        Kind::Sink => "Is fed what is on standard input.",
        _ => "Prints its answer.",
    };
    let what = field(docs, "description").unwrap_or_else(|| "a method of the node".to_owned());
    let short = if name == method { String::new() } else { format!("Short for {method}. ") };
    let options = docs.and_then(|docs| docs.get("args")?.as_object()).map(options).unwrap_or_default();
    let hint = match docs {
        Some(_) => "`ssb-cli --help` says how words become arguments.",
        None => "A running node may say more. `ssb-cli --help` says how words become arguments.",
    };
    format!(
        "{name}: {what}\n\nUsage: ssb-cli {name} [arguments] [--options]\n\n{options}{short}{output} {hint}\n"
    )
}

/// A line for each, aligned.
fn options(args: &Object) -> String {
    let rows: Vec<[String; 3]> = args
        .iter()
        .map(|(name, docs)| {
            let mut what = field(Some(docs), "description").unwrap_or_default();
            if let Some(value) = docs.get("default") {
                what.push_str(&format!(" [default: {}]", json::compact(value)));
            } else if docs.get("optional").is_some_and(|optional| !optional.is_truthy()) {
                what.push_str(" [required]");
            }
            [format!("--{}", name.decode()), field(Some(docs), "type").unwrap_or_default(), what]
        })
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    let width = |at: usize| rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max();
    let (names, types) = (width(0).unwrap_or(0), width(1).unwrap_or(0));
    let lines = rows.iter().map(|[name, kind, what]| {
        let line = format!("  {name:names$}  {kind:types$}  {}", what.trim_start());
        format!("{}\n", line.trim_end())
    });
    format!("Options:\n{}\n", lines.collect::<String>())
}

fn field(docs: Option<&Value>, name: &str) -> Option<String> {
    docs?.get(name)?.as_text().map(|text| text.decode().into_owned()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_node_says_is_told_and_without_it_what_the_manifest_says() {
        let docs = r#"{"description":"one message","args":{
            "id":{"type":"string","optional":false},"meta":{"type":"boolean","description":"with its id","default":false}}}"#;
        let docs = json::parse(docs.as_bytes()).unwrap();

        assert_eq!(
            text("get", &["get"], Kind::Async, Some(&docs)),
            "get: one message\n\nUsage: ssb-cli get [arguments] [--options]\n\nOptions:\n  --id    string   [required]\n  \
             --meta  boolean  with its id [default: false]\n\nPrints its answer. `ssb-cli --help` says how words become \
             arguments.\n"
        );
        assert_eq!(
            text("log", &["createLogStream"], Kind::Source, None),
            "log: a method of the node\n\nUsage: ssb-cli log [arguments] [--options]\n\nShort for createLogStream. Prints \
             what it sends, a blank line behind each item, until it ends. A running node may say more. `ssb-cli --help` \
             says how words become arguments.\n"
        );
    }
}
