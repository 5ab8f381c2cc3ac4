//! Where settings come from, as rc 1.2.8 looks for them.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use ssb_msg::json::Value;

use super::ConfigError;
use super::Origin;
use super::defaults;
use super::file;
use super::ini::GROUPS_DEPTH_MAX;
use super::tree::Group;
use super::tree::Setting;
use super::values;
use crate::args::Line;
use crate::minimist;
use crate::minimist::Parsed;

/// What the system tells a program: taken in once, so that tests can make it up.
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
    fn default_path(&self) -> Option<PathBuf> {
        self.home.as_ref().map(|home| home.join(format!(".{}", self.appname())))
    }

    /// The files that are read if they are there, weakest first.
    fn files(&self) -> Vec<PathBuf> {
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
    fn settings(&self) -> Result<Group, ConfigError> {
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

/// All settings.
#[derive(Clone, Debug)]
pub(crate) struct Sources {
    /// Merged, defaults included.
    pub(super) all: Group,
    /// The same without options before `--`, which may be those of a call, and without defaults.
    pub(super) beside_the_call: Group,
}

/// Reads and merges everything.
pub(super) fn read(line: &Line, environment: &Environment) -> Result<Sources, ConfigError> {
    // Without `--` JavaScript takes all words for both kinds.
    let weak = line.after.as_ref();
    let weakest = weak.map_or_else(
        || options(&line.before, &[], &Origin::Option),
        |weak| options(weak, &[], &Origin::WeakOption),
    );
    let strong = options(&line.before, &line.words_after, &Origin::Option);
    let variables = environment.settings()?;

    let mut files: Vec<(PathBuf, Group)> = Vec::new();
    let mut own_at = 0;
    let own = environment.default_path().map(|path| path.join("config"));
    for path in environment.files() {
        // Read already, or a directory as others have it there, with a file in it.
        let is_left_out =
            files.iter().any(|(known, _)| *known == path) || (path.is_dir() && Some(&path) != own.as_ref());
        if !is_left_out && let Some(settings) = file::read_if_there(&path)? {
            files.push((path.clone(), settings));
        }
        if Some(&path) == own.as_ref() {
            own_at = files.len();
        }
    }
    for path in named_files(&variables, &strong)? {
        if !files.iter().any(|(known, _)| *known == path) {
            let missing = || ConfigError::Unreadable { path: path.clone(), kind: io::ErrorKind::NotFound };
            files.push((path.clone(), file::read_if_there(&path)?.ok_or_else(missing)?));
        }
    }
    let merged = |files: &[(PathBuf, Group)]| {
        let mut merged = weakest.clone();
        for (_, settings) in files {
            merged.merge(settings.clone());
        }
        merged.merge(variables.clone());
        merged.merge(strong.clone());
        merged
    };

    // Which directory it is, all other sources say together.
    let first = merged(&files);
    let path = match first.find("path")? {
        Some(found) => PathBuf::from(
            values::text_of(&found.value)
                .filter(|path| !path.is_empty())
                .ok_or_else(|| found.error("the name of a directory"))?,
        ),
        None => environment.default_path().ok_or(ConfigError::Homeless)?,
    };
    let beside = path.join("config");
    let is_left_out = Some(&beside) == own.as_ref() || files.iter().any(|(known, _)| *known == beside);
    if !is_left_out && let Some(mut settings) = file::read_if_there(&beside)? {
        settings.remove("path");
        files.insert(own_at, (beside, settings));
    }
    let mut config = defaults::below(environment.default_path().as_deref().unwrap_or(&path));
    config.merge(merged(&files));
    let names: Vec<Value> = files.iter().map(|(path, _)| defaults::text(&path.to_string_lossy())).collect();
    if let Some(last) = names.last().cloned() {
        config.set("configs", Setting::Value(Value::Array(names), Origin::Derived));
        config.set("config", Setting::Value(last, Origin::Derived));
    }
    defaults::derive(&mut config)?;
    let mut beside_the_call = weak.map(|weak| options(weak, &[], &Origin::WeakOption)).unwrap_or_default();
    for (_, settings) in files {
        beside_the_call.merge(settings);
    }
    beside_the_call.merge(variables);
    Ok(Sources { all: config, beside_the_call })
}

/// The files that somebody named, weakest first.
fn named_files(variables: &Group, options: &Group) -> Result<Vec<PathBuf>, ConfigError> {
    let mut files = Vec::new();
    for found in [variables.find("config")?, options.find("config")?].into_iter().flatten() {
        let path = values::text_of(&found.value).ok_or_else(|| found.error("the name of a file"))?;
        // No name is no file, as in JavaScript.
        files.extend((!path.is_empty()).then(|| PathBuf::from(path)));
    }
    Ok(files)
}

/// Options, and the other words as `_`.
fn options(parsed: &Parsed, more_words: &[String], origin: &Origin) -> Group {
    let words = parsed.positionals.iter().map(minimist::Value::to_json);
    let words = words.chain(more_words.iter().map(|word| defaults::text(word)));
    let mut group = Group::default();
    group.set("_", Setting::Value(Value::Array(words.collect()), origin.clone()));
    if let Value::Object(object) = parsed.options.to_json() {
        group.merge(Group::from_json(&object, origin));
    }
    group
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
    use std::fs;

    use ssb_msg::json;

    use super::*;

    /// A machine in a folder: `home`, `etc`, and the folders that tests name.
    struct Machine {
        root: tempfile::TempDir,
        variables: Vec<(String, String)>,
    }

    impl Machine {
        fn new(files: &[(&str, &str)], variables: &[(&str, &str)]) -> Self {
            let root = tempfile::tempdir().unwrap();
            for (name, text) in files {
                let path = root.path().join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            let own = |pair: &(&str, &str)| (pair.0.to_owned(), pair.1.to_owned());
            Self { root, variables: variables.iter().map(own).collect() }
        }

        fn environment(&self) -> Environment {
            let root = self.root.path();
            Environment {
                home: Some(root.join("home")),
                directory: Some(root.join("home/work/deep")),
                system: root.join("etc"),
                variables: self.variables.clone(),
                unreadable: Vec::new(),
            }
        }

        /// What `x` is in the end, and where it was set, in `root`.
        fn x(&self, words: &str) -> String {
            let root = self.root.path().to_str().unwrap();
            let words = words.replace('~', root);
            let line = Line::read(words.split_whitespace().map(OsString::from)).unwrap();
            let tree = read(&line, &self.environment()).unwrap().all;
            let found = tree.find("x").unwrap();
            found.map_or_else(String::new, |found| {
                format!("{} {}", json::compact(&found.value), found.origin).replace(&format!("{root}/"), "")
            })
        }
    }

    #[test]
    fn each_source_gives_way_to_the_next() {
        let sources = [
            ("etc/ssb/config", "etc/ssb/config"),
            ("etc/ssbrc", "etc/ssbrc"),
            ("home/.config/ssb/config", "home/.config/ssb/config"),
            ("home/.ssb/config", "home/.ssb/config"),
            ("d/config", "d/config"),
            ("home/.ssbrc", "home/.ssbrc"),
            ("home/work/.ssbrc", "home/work/.ssbrc"),
            ("by-variable", "by-variable"),
            ("by-option", "by-option"),
        ];
        let words = "whoami --path ~/d --config ~/by-option -- --x behind";
        let all: Vec<(&str, String)> =
            sources.iter().map(|(file, value)| (*file, format!("{{\"x\": \"{value}\"}}"))).collect();
        for count in 0..=sources.len() {
            let mut files: Vec<(&str, &str)> =
                all.iter().take(count).map(|(file, text)| (*file, text.as_str())).collect();
            for (file, _) in all.iter().skip(count).filter(|(file, _)| file.starts_with("by-")) {
                files.push((file, "{}"));
            }
            let machine = Machine::new(&files, &[]);
            let by_variable = machine.root.path().join("by-variable").to_str().unwrap().to_owned();
            let machine = Machine { variables: vec![("ssb_config".into(), by_variable)], ..machine };

            let expected = match count.checked_sub(1).and_then(|last| sources.get(last)) {
                Some((file, value)) => format!("\"{value}\" {file}"),
                None => "\"behind\" option behind `--`".to_owned(),
            };
            assert_eq!(machine.x(words), expected, "{count}");
        }
    }

    #[test]
    fn variables_are_stronger_than_files_and_options_than_variables() {
        let machine = Machine::new(&[("home/.ssb/config", r#"{"x": 1}"#)], &[("SSB_x", "2")]);

        assert_eq!(machine.x("whoami"), "\"2\" variable SSB_x");
        assert_eq!(machine.x("whoami --x 3"), "3 option");
    }

    #[test]
    fn a_file_may_stand_where_others_have_a_directory() {
        let machine = Machine::new(&[("home/.config/ssb", "x = 1"), ("home/.ssbrc/none", "")], &[]);

        assert_eq!(machine.x("whoami"), "\"1\" home/.config/ssb");
    }

    #[test]
    fn another_appname_is_other_files_and_other_variables() {
        let files = [("home/.ssb/config", r#"{"x": 1}"#), ("etc/labrc", r#"{"x": 2}"#)];

        assert_eq!(
            Machine::new(&files, &[("ssb_appname", "lab"), ("ssb_x", "3")]).x("whoami"),
            "2 etc/labrc"
        );
        assert_eq!(
            Machine::new(&files, &[("ssb_appname", "lab"), ("lab_x", "4")]).x("whoami"),
            "\"4\" variable lab_x"
        );
    }

    #[test]
    fn variables_nest_at_double_underscores() {
        let machine =
            Machine::new(&[], &[("ssb_a__b", "1"), ("ssb_a__c__", "2"), ("ssb_a__b__d", "3"), ("ssb_", "4")]);
        let tree = machine.environment().settings().unwrap();

        assert_eq!(json::compact(&tree.to_json()), r#"{"a":{"b":"1","c":"2"}}"#);
    }

    #[test]
    fn variables_nest_to_a_limit_and_are_text() {
        let deep = |parts: usize| format!("ssb_{}", vec!["a"; parts].join("__"));
        let settings = |name: &str| Machine::new(&[], &[(name, "1")]).environment().settings();

        assert!(settings(&deep(GROUPS_DEPTH_MAX)).is_ok());
        let error = settings(&deep(GROUPS_DEPTH_MAX + 1)).unwrap_err().to_string();
        assert!(error.ends_with("__a nests too deep"), "{error}");
        let mut environment = Machine::new(&[], &[]).environment();
        environment.unreadable = vec!["PATH".into(), "ssb_port".into()];
        assert_eq!(environment.settings().unwrap_err().to_string(), "variable ssb_port is not UTF-8");
    }
}
