//! Where settings come from, weakest first.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use serde_json::Map;
use serde_json::Value;
use ssb_msg::json;

use super::ConfigError;
use super::file;
use crate::args::Line;
use crate::minimist::Group;

/// What the system tells a program: taken in once, so that tests can make it up.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment {
    /// Where files of the person are.
    pub(crate) home: Option<PathBuf>,
    /// All variables that are text.
    pub(crate) variables: Vec<(String, String)>,
}

impl Environment {
    /// That of this process.
    pub(crate) fn of_process() -> Self {
        let text =
            |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
        let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
        Self { home: home.map(PathBuf::from), variables: std::env::vars_os().filter_map(text).collect() }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn appname(&self) -> &str {
        self.get("ssb_appname").filter(|name| !name.is_empty()).unwrap_or("ssb")
    }

    /// The directory of a node unless told otherwise: `~/.<appname>`.
    pub(super) fn default_path(&self) -> Option<PathBuf> {
        self.home.as_ref().map(|home| home.join(format!(".{}", self.appname())))
    }

    /// The variables that are settings; letters of the prefix may be large or small.
    fn settings(&self) -> Value {
        let prefix = format!("{}_", self.appname());
        let mut tree = Map::new();
        for (name, value) in &self.variables {
            let Some((start, key)) = name.split_at_checked(prefix.len()) else { continue };
            if start.eq_ignore_ascii_case(&prefix) {
                let path: Vec<&str> = key.split("__").filter(|part| !part.is_empty()).collect();
                insert(&mut tree, &path, value);
            }
        }
        Value::Object(tree)
    }
}

/// All sources of settings.
#[derive(Debug)]
pub(super) struct Sources {
    /// Weakest first.
    layers: Vec<Layer>,
}

/// One source.
#[derive(Debug)]
struct Layer {
    origin: Origin,
    tree: Value,
}

impl Sources {
    /// Reads all but the file in the directory of the node, which is not known yet.
    pub(super) fn read(line: &Line, environment: &Environment) -> Result<Self, ConfigError> {
        let mut sources = Self { layers: Vec::new() };
        sources.push(Origin::WeakOptions, options(&line.after.options));
        if let Some(path) = environment.default_path() {
            sources.push_file(path.join("config"))?;
        }
        let variables = environment.settings();
        let named = variables.get("config").and_then(Value::as_str);
        let asked = line.before.options.get("config").and_then(|value| value.as_text());
        for path in named.into_iter().chain(asked) {
            let path = PathBuf::from(path);
            if !sources.push_file(path.clone())? {
                // Nobody names a file to have it ignored.
                return Err(ConfigError::Unreadable { path, kind: io::ErrorKind::NotFound });
            }
        }
        sources.push(Origin::Environment, variables);
        sources.push(Origin::Options, options(&line.before.options));
        Ok(sources)
    }

    /// Adds the file in the directory of the node, unless that is the default one, whose file is there already.
    pub(super) fn read_beside(&mut self, path: &Path, environment: &Environment) -> Result<(), ConfigError> {
        if environment.default_path().is_some_and(|default| default == path) {
            return Ok(());
        }
        let path = path.join("config");
        let Some(tree) = file::read(&path)? else { return Ok(()) };
        let default = environment.default_path().map(|default| Origin::File(default.join("config")));
        let weaker =
            |layer: &Layer| layer.origin == Origin::WeakOptions || Some(&layer.origin) == default.as_ref();
        let at = self.layers.iter().take_while(|layer| weaker(layer)).count();
        self.layers.insert(at, Layer { origin: Origin::File(path), tree });
        Ok(())
    }

    /// The strongest value of a dotted key, and where it was set. `null` unsets.
    pub(super) fn find(&self, key: &str) -> Result<Option<(&Value, &Origin)>, ConfigError> {
        self.find_among(key, |_| true)
    }

    /// All that is set, strongest source first.
    pub(super) fn trees(&self) -> impl Iterator<Item = (&Origin, &Value)> {
        self.layers.iter().rev().map(|layer| (&layer.origin, &layer.tree))
    }

    /// The same among some of the sources.
    pub(super) fn find_among(
        &self,
        key: &str,
        counts: impl Fn(&Origin) -> bool,
    ) -> Result<Option<(&Value, &Origin)>, ConfigError> {
        for layer in self.layers.iter().rev().filter(|layer| counts(&layer.origin)) {
            let mut value = Some(&layer.tree);
            for (walked, name) in key.split('.').enumerate() {
                value = match value {
                    Some(Value::Object(object)) => object.get(name),
                    // A value hides the groups of weaker sources, and so all that is in them.
                    Some(_) => {
                        let group: Vec<&str> = key.split('.').take(walked).collect();
                        return Err(layer.origin.error(&group.join("."), "a group of settings"));
                    }
                    None => None,
                };
            }
            if let Some(value) = value {
                return Ok((!value.is_null()).then_some((value, &layer.origin)));
            }
        }
        Ok(None)
    }

    fn push(&mut self, origin: Origin, tree: Value) {
        self.layers.push(Layer { origin, tree });
    }

    fn push_file(&mut self, path: PathBuf) -> Result<bool, ConfigError> {
        let tree = file::read(&path)?;
        Ok(tree.map(|tree| self.push(Origin::File(path), tree)).is_some())
    }
}

/// Which source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Options behind `--`.
    WeakOptions,
    /// A file.
    File(PathBuf),
    /// Variables.
    Environment,
    /// Options.
    Options,
}

impl Origin {
    pub(super) fn error(&self, key: &str, expected: &'static str) -> ConfigError {
        ConfigError::Setting { origin: self.to_string(), key: key.to_owned(), expected }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WeakOptions => f.write_str("command line, behind `--`"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Environment => f.write_str("environment"),
            Self::Options => f.write_str("command line"),
        }
    }
}

fn options(group: &Group) -> Value {
    serde_json::from_str(&json::compact(&group.to_json())).unwrap_or_default()
}

/// A variable whose group is already a value is left out, as rc does.
fn insert(tree: &mut Map<String, Value>, path: &[&str], value: &str) {
    match path {
        [] => {}
        [name] => {
            tree.insert((*name).to_owned(), Value::String(value.to_owned()));
        }
        [name, rest @ ..] => {
            let group = tree.entry(*name).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(group) = group {
                insert(group, rest, value);
            }
        }
    }
}
