//! Where settings come from, as rc 1.2.8 looks for them.

use std::io;
use std::path::Path;
use std::path::PathBuf;

use ssb_msg::json::Value;

use super::ConfigError;
use super::Environment;
use super::Origin;
use super::defaults;
use super::file;
use super::tree::Group;
use super::tree::Setting;
use super::values;
use crate::args::Line;
use crate::minimist;
use crate::minimist::Parsed;

/// All settings.
#[derive(Clone, Debug)]
pub(crate) struct Sources {
    /// Merged, defaults included.
    pub(super) all: Group,
    /// The same without options before `--`, which may be those of a call, and without defaults.
    pub(super) beside_the_call: Group,
}

impl Sources {
    /// Reads and merges everything.
    pub(crate) fn read(line: &Line, environment: &Environment) -> Result<Self, ConfigError> {
        let weak = line.after.as_ref().map(|after| options(after, &[], &Origin::WeakOption));
        let strong = options(&line.before, &line.words_after, &Origin::Option);
        let variables = environment.settings()?;
        let mut files = Files::usual(environment)?;
        files.add_named(&variables, &strong)?;
        let merged = |files: &Files| {
            // Without `--` JavaScript takes all words for both kinds.
            let mut merged = weak.clone().unwrap_or_else(|| options(&line.before, &[], &Origin::Option));
            files.merge_over(&mut merged);
            merged.merge(variables.clone());
            merged.merge(strong.clone());
            merged
        };

        // Which directory it is, all sources but the file in it say together.
        let directory = match merged(&files).find("path")? {
            Some(found) => {
                let path = values::text_of(&found.value).filter(|path| !path.is_empty());
                PathBuf::from(path.ok_or_else(|| found.error("the name of a directory"))?)
            }
            None => environment.default_path().ok_or(ConfigError::Homeless)?,
        };
        files.add_beside(&directory)?;
        let mut all = defaults::below(environment.default_path().as_deref().unwrap_or(&directory));
        all.merge(merged(&files));
        files.name_in(&mut all);
        defaults::derive(&mut all)?;

        let mut beside_the_call = weak.unwrap_or_default();
        files.merge_over(&mut beside_the_call);
        beside_the_call.merge(variables);
        Ok(Self { all, beside_the_call })
    }

    /// What they say, but for what they mean.
    pub(crate) const fn settings(&self) -> &Group {
        &self.all
    }
}

/// The files that were read, weakest first, each once.
struct Files {
    read: Vec<(PathBuf, Group)>,
    /// `~/.<appname>/config`.
    own: Option<PathBuf>,
    /// How many are not stronger than that one.
    own_at: usize,
}

impl Files {
    /// Those that are read if they are there.
    fn usual(environment: &Environment) -> Result<Self, ConfigError> {
        let own = environment.default_path().map(|path| path.join("config"));
        let mut files = Self { read: Vec::new(), own, own_at: 0 };
        for path in environment.files() {
            let is_own = Some(&path) == files.own.as_ref();
            // Where others have a directory with a file in it, a directory is no mistake.
            if is_own || !path.is_dir() {
                files.add(path, |_| Ok(()))?;
            }
            if is_own {
                files.own_at = files.read.len();
            }
        }
        Ok(files)
    }

    /// Those that somebody named, which have to be there.
    fn add_named(&mut self, variables: &Group, options: &Group) -> Result<(), ConfigError> {
        for found in [variables.find("config")?, options.find("config")?].into_iter().flatten() {
            let path = values::text_of(&found.value).ok_or_else(|| found.error("the name of a file"))?;
            // No name is no file, as in JavaScript.
            if !path.is_empty() {
                let missing = |path| Err(ConfigError::Unreadable { path, kind: io::ErrorKind::NotFound });
                self.add(PathBuf::from(path), missing)?;
            }
        }
        Ok(())
    }

    /// The one in the directory of the node, unless that is our own.
    fn add_beside(&mut self, directory: &Path) -> Result<(), ConfigError> {
        let path = directory.join("config");
        if Some(&path) != self.own.as_ref()
            && !self.is_read(&path)
            && let Some(mut settings) = file::read_if_there(&path)?
        {
            // It was found by what it would set.
            settings.remove("path");
            self.read.insert(self.own_at, (path, settings));
        }
        Ok(())
    }

    fn add(
        &mut self,
        path: PathBuf,
        missing: impl FnOnce(PathBuf) -> Result<(), ConfigError>,
    ) -> Result<(), ConfigError> {
        if self.is_read(&path) {
            return Ok(());
        }
        match file::read_if_there(&path)? {
            Some(settings) => self.read.push((path, settings)),
            None => missing(path)?,
        }
        Ok(())
    }

    fn is_read(&self, path: &Path) -> bool {
        self.read.iter().any(|(known, _)| known == path)
    }

    fn merge_over(&self, settings: &mut Group) {
        for (_, file) in &self.read {
            settings.merge(file.clone());
        }
    }

    /// Says which there are, as rc does.
    fn name_in(&self, settings: &mut Group) {
        let names: Vec<Value> =
            self.read.iter().map(|(path, _)| defaults::text(&path.to_string_lossy())).collect();
        if let Some(last) = names.last().cloned() {
            settings.set("configs", Setting::Value(Value::Array(names), Origin::Derived));
            settings.set("config", Setting::Value(last, Origin::Derived));
        }
    }
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

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
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
                directory: Some(root.join("home/near/deep")),
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
            let tree = Sources::read(&line, &self.environment()).unwrap().all;
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
            ("home/near/.ssbrc", "home/near/.ssbrc"),
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
}
