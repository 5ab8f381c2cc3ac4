//! The methods of a node, as it wrote them down when it last started.

use std::fs;
use std::path::Path;

use serde_json::Value;
use ssb_node::client::Kind;

use crate::failure::Failure;

/// The name of the file in the directory of the node.
pub(super) const FILE_NAME: &str = "manifest.json";

/// The short names that ssb-server 16.0.1 has for methods.
const ALIASES: [(&str, &str); 5] = [
    ("feed", "createFeedStream"),
    ("history", "createHistoryStream"),
    ("hist", "createHistoryStream"),
    ("log", "createLogStream"),
    ("logt", "messagesByType"),
];

/// A manifest: names of methods and their kinds, nested.
#[derive(Debug)]
pub(super) struct Manifest(Value);

/// What a dotted name means.
#[derive(Debug, PartialEq)]
pub(super) enum Found<'a> {
    /// A method.
    Method(Vec<&'a str>, Kind),
    /// The names in a group of methods.
    Group(Vec<&'a str>),
    /// Nothing; the names that are in the group it was looked for in.
    Missing(Vec<&'a str>),
    /// Something that cannot be called from a command line.
    Uncallable(&'a str),
}

impl Manifest {
    /// Reads that of the node in `directory`.
    pub(super) fn read(directory: &Path) -> Result<Self, Failure> {
        let path = directory.join(FILE_NAME);
        let text = fs::read_to_string(&path).map_err(|error| {
            Failure::new("Error: no manifest file- should be generated first time server is run").hint(
                format!("{}: {error}\nRun `ssb-cli start` with the same settings once.", path.display()),
            )
        })?;
        let malformed = |what: &str| {
            Failure::new(format!("Error: {}: {what}", path.display()))
                .hint("The node writes it again when it starts.")
        };
        match serde_json::from_str(&text) {
            Ok(object @ Value::Object(_)) => Ok(Self(object)),
            Ok(_) => Err(malformed("is not an object of methods")),
            Err(error) => Err(malformed(&error.to_string())),
        }
    }

    /// Looks a dotted name up.
    pub(super) fn find<'a>(&'a self, name: &'a str) -> Found<'a> {
        let path: Vec<&str> = unshortened(name).unwrap_or(name).split('.').collect();
        let mut group = &self.0;
        for (walked, part) in path.iter().enumerate() {
            let is_last = walked + 1 == path.len();
            match group.get(part) {
                Some(Value::String(kind)) if is_last => {
                    return kind_of(kind).map_or(Found::Uncallable(kind), |kind| Found::Method(path, kind));
                }
                Some(inner @ Value::Object(_)) => group = inner,
                _ => return Found::Missing(names(group)),
            }
        }
        Found::Group(names(group))
    }

    /// The command that was most likely meant by a name that is none.
    pub(super) fn nearest(&self, name: &str) -> Option<String> {
        let mut known: Vec<String> = ["start", "config"].map(str::to_owned).to_vec();
        known.extend(
            ALIASES
                .iter()
                .filter(|(_, method)| self.0.get(method).is_some())
                .map(|(alias, _)| (*alias).to_owned()),
        );
        flatten("", &self.0, &mut known);
        let wanted = name.to_lowercase();
        let distance = |known: &String| strsim::damerau_levenshtein(&wanted, &known.to_lowercase());
        let nearest = known.into_iter().map(|known| (distance(&known), known)).min()?;
        (nearest.0 <= nearest.1.len() / 3).then_some(nearest.1)
    }
}

/// The method that a short name stands for.
pub(super) fn unshortened(name: &str) -> Option<&'static str> {
    ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, method)| *method)
}

/// The dotted names of all methods and groups.
fn flatten(prefix: &str, group: &Value, names: &mut Vec<String>) {
    for (name, inner) in group.as_object().into_iter().flatten() {
        let name = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        flatten(&name, inner, names);
        names.push(name);
    }
}

/// The kinds that muxrpcli 3.1.2 can call.
fn kind_of(name: &str) -> Option<Kind> {
    [Kind::Async, Kind::Sync, Kind::Source, Kind::Sink].into_iter().find(|kind| kind.as_str() == name)
}

fn names(group: &Value) -> Vec<&str> {
    group.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn manifest() -> Manifest {
        Manifest(json!({
            "whoami": "sync",
            "createLogStream": "source",
            "ebt": {"replicate": "duplex"},
            "blobs": {"add": "sink", "get": "source"},
        }))
    }

    #[test]
    fn methods_are_found_by_dotted_and_short_names() {
        let manifest = manifest();

        assert_eq!(manifest.find("whoami"), Found::Method(vec!["whoami"], Kind::Sync));
        assert_eq!(manifest.find("blobs.add"), Found::Method(vec!["blobs", "add"], Kind::Sink));
        assert_eq!(manifest.find("log"), Found::Method(vec!["createLogStream"], Kind::Source));
        assert_eq!(manifest.find("blobs"), Found::Group(vec!["add", "get"]));
        assert_eq!(manifest.find("ebt.replicate"), Found::Uncallable("duplex"));
    }

    #[test]
    fn a_slip_is_told_with_what_was_meant() {
        let nearest = |name| manifest().nearest(name);

        for (slip, meant) in
            [("WhoAmI", "whoami"), ("whomai", "whoami"), ("blob.get", "blobs.get"), ("strat", "start")]
        {
            assert_eq!(nearest(slip).as_deref(), Some(meant), "{slip}");
        }
        assert_eq!(nearest("nosuchcmd"), None);
        assert_eq!(nearest("logt"), Some("log".into()));
        assert_eq!(nearest(""), None);
    }

    #[test]
    fn what_is_missing_is_told_with_what_is_there() {
        let manifest = manifest();
        let all = vec!["blobs", "createLogStream", "ebt", "whoami"];

        assert_eq!(manifest.find("nosuch"), Found::Missing(all.clone()));
        assert_eq!(manifest.find("whoami.x"), Found::Missing(all.clone()));
        assert_eq!(manifest.find("hist"), Found::Missing(all));
        assert_eq!(manifest.find("blobs.x"), Found::Missing(vec!["add", "get"]));
        assert_eq!(manifest.find("blobs."), Found::Missing(vec!["add", "get"]));
    }
}
