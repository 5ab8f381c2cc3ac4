//! What the system tells a program: directories and variables.

use std::ffi::OsString;
use std::path::PathBuf;

use super::ConfigError;
use super::Origin;
use super::ini::GROUPS_DEPTH_MAX;
use super::tree::Group;
use super::tree::Setting;

/// Taken in once, so that tests can make it up.
#[derive(Clone, Debug)]
pub(crate) struct Environment {
    /// Where files of the person are.
    pub(crate) home: Option<PathBuf>,
    /// Where the program was started.
    pub(crate) directory: Option<PathBuf>,
    /// Where files of the machine are: `/etc`.
    pub(crate) system: PathBuf,
    /// All variables that are text.
    pub(crate) variables: Vec<(String, String)>,
    /// The names of the others.
    pub(crate) unreadable: Vec<String>,
}

impl Environment {
    /// That of this process.
    pub(crate) fn of_process() -> Self {
        let mut environment = Self {
            home: std::env::var_os("HOME").filter(|home| !home.is_empty()).map(PathBuf::from),
            directory: std::env::current_dir().ok(),
            system: PathBuf::from("/etc"),
            variables: Vec::new(),
            unreadable: Vec::new(),
        };
        for (name, value) in std::env::vars_os() {
            match (name.into_string(), value.into_string()) {
                (Ok(name), Ok(value)) => environment.variables.push((name, value)),
                (name, _) => {
                    let name = name.unwrap_or_else(|name: OsString| name.to_string_lossy().into_owned());
                    environment.unreadable.push(name);
                }
            }
        }
        environment
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

    /// The files that are read if they are there, weakest first.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let name = self.appname();
        let mut files = vec![self.system.join(name).join("config"), self.system.join(format!("{name}rc"))];
        if let Some(home) = &self.home {
            let shared = home.join(".config").join(name);
            files.extend([shared.join("config"), shared, home.join(format!(".{name}")).join("config")]);
            files.push(home.join(format!(".{name}rc")));
        }
        let above = self.directory.iter().flat_map(|directory| directory.ancestors());
        files.extend(above.map(|directory| directory.join(format!(".{name}rc"))).find(|path| path.exists()));
        files
    }

    /// The variables that are settings; letters of the prefix may be large or small.
    pub(super) fn settings(&self) -> Result<Group, ConfigError> {
        let prefix = format!("{}_", self.appname());
        let is_setting =
            |name: &str| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(&prefix));
        if let Some(name) = self.unreadable.iter().find(|name| is_setting(name)) {
            return Err(ConfigError::Variable { name: name.clone(), what: "is not UTF-8" });
        }
        let mut tree = Group::default();
        for (name, value) in self.variables.iter().filter(|(name, _)| is_setting(name)) {
            let key = name.get(prefix.len()..).unwrap_or_default();
            let path: Vec<&str> = key.split("__").filter(|part| !part.is_empty()).collect();
            if path.len() > GROUPS_DEPTH_MAX {
                return Err(ConfigError::Variable { name: name.clone(), what: "nests too deep" });
            }
            insert(&mut tree, &path, value, &Origin::Variable(name.clone()));
        }
        Ok(tree)
    }
}

/// A variable whose group is already a value is left out, as rc does.
fn insert(tree: &mut Group, path: &[&str], value: &str, origin: &Origin) {
    match path {
        [] => {}
        [name] => tree.set(name, Setting::text(value, origin.clone())),
        [name, rest @ ..] => {
            if let Some(group) = tree.group(name, origin) {
                insert(group, rest, value, origin);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ssb_msg::json;

    use super::*;

    fn with(variables: &[(&str, &str)]) -> Environment {
        let own = |pair: &(&str, &str)| (pair.0.to_owned(), pair.1.to_owned());
        Environment {
            home: None,
            directory: None,
            system: PathBuf::new(),
            variables: variables.iter().map(own).collect(),
            unreadable: Vec::new(),
        }
    }

    #[test]
    fn variables_nest_at_double_underscores() {
        let environment =
            with(&[("ssb_a__b", "1"), ("ssb_a__c__", "2"), ("ssb_a__b__d", "3"), ("ssb_", "4")]);
        let tree = environment.settings().unwrap();

        assert_eq!(json::compact(&tree.to_json()), r#"{"a":{"b":"1","c":"2"}}"#);
    }

    #[test]
    fn variables_nest_to_a_limit_and_are_text() {
        let deep = |parts: usize| format!("ssb_{}", vec!["a"; parts].join("__"));
        let settings = |name: &str| with(&[(name, "1")]).settings();

        assert!(settings(&deep(GROUPS_DEPTH_MAX)).is_ok());
        let error = settings(&deep(GROUPS_DEPTH_MAX + 1)).unwrap_err().to_string();
        assert!(error.ends_with("__a nests too deep"), "{error}");
        let mut environment = with(&[]);
        environment.unreadable = vec!["PATH".into(), "ssb_port".into()];
        assert_eq!(environment.settings().unwrap_err().to_string(), "variable ssb_port is not UTF-8");
    }
}
