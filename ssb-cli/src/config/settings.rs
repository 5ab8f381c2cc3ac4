//! What the settings mean.

use std::path::PathBuf;

use serde_json::Value;
use ssb_keys::FeedId;
use ssb_keys::hmac::HmacKey;
use ssb_keys::network::NetworkKey;
use ssb_node::config::Config;
use ssb_node::config::Listen;
use ssb_node::config::LogLevel;
use ssb_node::config::Place;
use ssb_node::config::Scope;
use ssb_node::config::Transform;

use super::ConfigError;
use super::Environment;
use super::sources::Origin;
use super::sources::Sources;
use super::unknown;
use crate::args::Line;
use crate::minimist;

/// The settings of this command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Those of the node.
    pub(crate) node: Config,
    /// Whose node to call, if not the owner's of the secret.
    pub(crate) key: Option<FeedId>,
    /// What to say of settings that have no effect: in a call they are its own options.
    pub(crate) notices: Vec<String>,
}

impl Settings {
    /// Reads all sources.
    pub(crate) fn read(line: &Line, environment: &Environment) -> Result<Self, ConfigError> {
        let mut sources = Sources::read(line, environment)?;
        let path = match text(&sources, "path")? {
            Some(path) => PathBuf::from(path),
            None => environment.default_path().ok_or(ConfigError::Homeless)?,
        };
        sources.read_beside(&path, environment)?;
        let mut node = Config::new(path);
        read_network(&sources, &mut node)?;
        read_place(&sources, &mut node)?;
        if let Some(hops) = integer(&sources, "friends.hops", 255, "a number from 0 to 255")? {
            node.hops = u8::try_from(hops).unwrap_or(u8::MAX);
        }
        if let Some((value, origin)) = sources.find("logging.level")? {
            let level = value.as_str().and_then(LogLevel::parse);
            let expected = "one of error, warning, notice, info";
            node.log_level = level.ok_or_else(|| origin.error("logging.level", expected))?;
        }
        node.new_feed = match line.before.options.get("new-feed") {
            None | Some(minimist::Value::Bool(false)) => false,
            Some(minimist::Value::Bool(true)) => true,
            // A word behind it was taken for its value.
            Some(_) => return Err(Origin::Options.error("new-feed", "an option that takes a value")),
        };
        Ok(Self { node, key: read_key(&sources)?, notices: unknown::notices(&sources) })
    }
}

fn read_network(sources: &Sources, node: &mut Config) -> Result<(), ConfigError> {
    const EXPECTED: &str = "the base64 of 32 bytes";
    if let Some((value, origin)) = sources.find("caps.shs")? {
        let key = value.as_str().and_then(|text| NetworkKey::parse(text).ok());
        node.network = key.ok_or_else(|| origin.error("caps.shs", EXPECTED))?;
    }
    if let Some((value, origin)) = sources.find("caps.sign")? {
        let key = value.as_str().and_then(|text| HmacKey::parse(text).ok());
        node.signing = Some(key.ok_or_else(|| origin.error("caps.sign", EXPECTED))?);
    }
    Ok(())
}

/// Where to listen: `connections.incoming`, or else `host` and `port`; both only if they agree.
fn read_place(sources: &Sources, node: &mut Config) -> Result<(), ConfigError> {
    const EXPECTED: &str = "a port, a number from 0 to 65535";
    let host = text(sources, "host")?;
    let port = integer(sources, "port", u64::from(u16::MAX), EXPECTED)?;
    let port = port.and_then(|port| u16::try_from(port).ok());
    node.host.clone_from(&host);
    node.port = port.unwrap_or(node.port);
    if sources.find("connections.incoming")?.is_none() {
        return Ok(());
    }
    let expected = "a list of {scope, host, port, transform} with scopes among device, local and public";
    let net =
        read_listen(sources, "connections.incoming.net", expected, |entry| listen_net(entry, node.port))?;
    let unix =
        read_listen(sources, "connections.incoming.unix", "a list of {scope, transform}", listen_unix)?;

    let [public, local, device] = [Scope::Public, Scope::Local, Scope::Device]
        .map(|scope| net.iter().find(|entry| entry.scopes.contains(&scope)));
    if let Some(Listen { place: Place::Net { host: first_host, port: first_port }, .. }) =
        public.or(local).or(device)
    {
        for (key, differs) in [
            ("host", host.is_some() && first_host.is_some() && host != *first_host),
            ("port", port.is_some_and(|port| port != *first_port)),
        ] {
            if let (true, Some((_, origin))) = (differs, sources.find(key)?) {
                return Err(ConfigError::Conflict { origin: origin.to_string(), key });
            }
        }
        (node.host, node.port) = (first_host.clone(), *first_port);
    }
    node.incoming = Some(net.into_iter().chain(unix).collect());
    Ok(())
}

fn read_listen(
    sources: &Sources,
    key: &str,
    expected: &'static str,
    read: impl Fn(&Value) -> Option<Listen>,
) -> Result<Vec<Listen>, ConfigError> {
    let Some((value, origin)) = sources.find(key)? else { return Ok(Vec::new()) };
    let entries = value.as_array().and_then(|entries| entries.iter().map(read).collect());
    entries.ok_or_else(|| origin.error(key, expected))
}

fn listen_net(entry: &Value, port: u16) -> Option<Listen> {
    let host = match entry.get("host") {
        // A scope that is not in a list means this machine's name in it (multiserver 3.8.2).
        None | Some(Value::Null) if entry.get("scope")? == "device" => Some("localhost".to_owned()),
        None | Some(Value::Null) => None,
        Some(host) => Some(host.as_str()?.to_owned()),
    };
    let port = match entry.get("port") {
        None | Some(Value::Null) => port,
        Some(port) => u16::try_from(whole(port)?).ok()?,
    };
    Some(Listen {
        place: Place::Net { host, port },
        scopes: scopes(entry)?,
        transform: transform(entry, Transform::Shs)?,
        external: texts(entry.get("external"))?,
    })
}

fn listen_unix(entry: &Value) -> Option<Listen> {
    Some(Listen { scopes: scopes(entry)?, transform: transform(entry, Transform::NoAuth)?, ..Listen::unix() })
}

fn scopes(entry: &Value) -> Option<Vec<Scope>> {
    texts(entry.get("scope"))?.iter().map(|name| Scope::parse(name)).collect()
}

fn transform(entry: &Value, usual: Transform) -> Option<Transform> {
    entry.get("transform").map_or(Some(usual), |name| Transform::parse(name.as_str()?))
}

/// A text, a list of them, or nothing.
fn texts(value: Option<&Value>) -> Option<Vec<String>> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match value {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::Array(values)) => values.iter().map(text).collect(),
        Some(value) => Some(vec![text(value)?]),
    }
}

/// Before `--`, `--key` belongs to the call alone: many methods have an option of that name.
fn read_key(sources: &Sources) -> Result<Option<FeedId>, ConfigError> {
    let Some((value, origin)) = sources.find_among("key", |origin| *origin != Origin::Options)? else {
        return Ok(None);
    };
    let id = value.as_str().and_then(|text| FeedId::parse(text).ok());
    id.map(Some).ok_or_else(|| origin.error("key", "the id of a feed, @...ed25519"))
}

fn text(sources: &Sources, key: &str) -> Result<Option<String>, ConfigError> {
    let Some((value, origin)) = sources.find(key)? else { return Ok(None) };
    match value.as_str() {
        Some(text) if !text.is_empty() => Ok(Some(text.to_owned())),
        _ => Err(origin.error(key, "text")),
    }
}

fn integer(
    sources: &Sources,
    key: &str,
    max: u64,
    expected: &'static str,
) -> Result<Option<u64>, ConfigError> {
    let Some((value, origin)) = sources.find(key)? else { return Ok(None) };
    whole(value).filter(|number| *number <= max).map(Some).ok_or_else(|| origin.error(key, expected))
}

/// A number, or, as variables are, its digits.
fn whole(value: &Value) -> Option<u64> {
    match value {
        Value::String(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok(),
        other => other.as_u64(),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::fs;

    use ssb_keys::Keypair;
    use ssb_keys::base64;
    use tempfile::TempDir;

    use super::*;

    /// A home, the files in it, and variables.
    struct Home {
        directory: TempDir,
        variables: Vec<(String, String)>,
    }

    impl Home {
        fn new(files: &[(&str, &str)], variables: &[(&str, &str)]) -> Self {
            let directory = tempfile::tempdir().unwrap();
            for (name, text) in files {
                let path = directory.path().join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            let variables = variables.iter().map(|(name, value)| (name.to_string(), value.to_string()));
            Self { directory, variables: variables.collect() }
        }

        /// Messages name files by `~`.
        fn read(&self, words: &str) -> Result<Settings, String> {
            let home = self.directory.path().to_str().unwrap();
            let words = words.replace('~', home);
            let line = Line::read(words.split_whitespace().map(OsString::from)).unwrap();
            let environment = Environment { home: Some(home.into()), variables: self.variables.clone() };
            Settings::read(&line, &environment).map_err(|error| error.to_string().replace(home, "~"))
        }

        fn node(&self, words: &str) -> Config {
            self.read(words).unwrap().node
        }
    }

    fn read(file: &str, words: &str) -> Result<Settings, String> {
        Home::new(&[(".ssb/config", file)], &[]).read(words)
    }

    #[test]
    fn nothing_set_is_javascript_s_defaults() {
        let home = Home::new(&[], &[]);

        assert_eq!(home.node("whoami"), Config::new(home.directory.path().join(".ssb")));
    }

    #[test]
    fn each_source_gives_way_to_the_next() {
        let file = |port| format!("{{\"port\": {port}}}");
        let (two, three, four) = (file(2), file(3), file(4));
        let files = [(".ssb/config", two.as_str()), ("d/config", three.as_str()), ("extra", four.as_str())];
        let port = |files: &[(&str, &str)], variables: &[(&str, &str)], words: &str| {
            Home::new(files, variables).node(words).port
        };

        assert_eq!(port(&[], &[], "whoami -- --port 1"), 1);
        assert_eq!(port(&files, &[], "whoami -- --port 1"), 2);
        assert_eq!(port(&files, &[], "whoami --path ~/d -- --port 1"), 3);
        assert_eq!(port(&files, &[], "whoami --path ~/d --config ~/extra"), 4);
        assert_eq!(port(&files, &[("ssb_port", "5")], "whoami --path ~/d --config ~/extra"), 5);
        assert_eq!(port(&files, &[("ssb_port", "5")], "whoami --port 6 --path ~/d --config ~/extra"), 6);
    }

    #[test]
    fn groups_are_merged() {
        let key = base64::encode(&[9; 32]);
        let file = format!("{{\"caps\": {{\"shs\": \"{key}\"}}, \"friends\": {{\"dunbar\": 150}}}}");
        let home =
            Home::new(&[(".ssb/config", &file)], &[("ssb_caps__sign", &key), ("SSB_friends__hops", "3")]);

        let node = home.node("start --logging.level=info --new-feed");
        assert_eq!(node.network, NetworkKey::from_bytes([9; 32]));
        assert_eq!(node.signing, Some(HmacKey::from_bytes([9; 32])));
        assert_eq!((node.hops, node.log_level, node.new_feed), (3, LogLevel::Info, true));
    }

    #[test]
    fn another_appname_is_another_directory_and_other_variables() {
        let files = [(".ssb/config", r#"{"port": 1}"#), (".lab/config", r#"{"host": "h"}"#)];
        let home = Home::new(&files, &[("ssb_appname", "lab"), ("lab_port", "2"), ("ssb_port", "3")]);

        let node = home.node("whoami");
        assert_eq!(node.path, home.directory.path().join(".lab"));
        assert_eq!((node.host.as_deref(), node.port), (Some("h"), 2));
    }

    #[test]
    fn null_unsets() {
        let node = read(r#"{"host": null, "caps": {"sign": null}}"#, "whoami -- --host x").unwrap().node;

        assert_eq!((node.host, node.signing), (None, None));
    }

    #[test]
    fn the_key_to_call_is_no_option_of_the_call() {
        let id = Keypair::from_seed(&[1; 32]).id();

        assert_eq!(read("{}", &format!("whoami -- --key {id}")).unwrap().key, Some(id));
        assert_eq!(read("{}", "blobs.get --key &x").unwrap().key, None);
        let error = "command line, behind `--`: key is not the id of a feed, @...ed25519";
        assert_eq!(read("{}", "whoami -- --key x"), Err(error.into()));
    }

    #[test]
    fn incoming_connections_say_where_the_node_is() {
        let entries = r#"{"connections": {"incoming": {"net": [
            {"scope": "device", "host": "localhost", "port": 1, "transform": "shs"},
            {"scope": ["local", "public"], "host": "10.0.0.1"}
        ]}}}"#;

        let node = read(entries, "start").unwrap().node;
        let incoming = node.incoming.unwrap();
        assert_eq!(incoming.len(), 2);
        assert_eq!(incoming[0].scopes, [Scope::Device]);
        assert_eq!((node.host.as_deref(), node.port), (Some("10.0.0.1"), 8008));
        let conflict = "command line: host contradicts connections.incoming.net; set only one of them";
        assert_eq!(read(entries, "start --host x"), Err(conflict.into()));
    }

    #[test]
    fn wrong_settings_are_told_with_their_origin_and_key() {
        let table = [
            (r#"{"port": 70000}"#, "", "~/.ssb/config: port is not a port, a number from 0 to 65535"),
            (r#"{"port": "x"}"#, "", "~/.ssb/config: port is not a port, a number from 0 to 65535"),
            (r#"{"port": 1.5}"#, "", "~/.ssb/config: port is not a port, a number from 0 to 65535"),
            (r#"{"host": 5}"#, "", "~/.ssb/config: host is not text"),
            (r#"{"path": ""}"#, "", "~/.ssb/config: path is not text"),
            (r#"{"caps": {"shs": "x"}}"#, "", "~/.ssb/config: caps.shs is not the base64 of 32 bytes"),
            (r#"{"caps": {"sign": 1}}"#, "", "~/.ssb/config: caps.sign is not the base64 of 32 bytes"),
            (r#"{"caps": "x"}"#, "", "~/.ssb/config: caps is not a group of settings"),
            (r#"{"friends": {"hops": -1}}"#, "", "~/.ssb/config: friends.hops is not a number from 0 to 255"),
            (
                r#"{"logging": {"level": "loud"}}"#,
                "",
                "~/.ssb/config: logging.level is not one of error, warning, notice, info",
            ),
            (
                r#"{"connections": {"incoming": {"net": [{"scope": "all"}]}}}"#,
                "",
                "~/.ssb/config: connections.incoming.net is not a list of {scope, host, port, transform} with \
                 scopes among device, local and public",
            ),
            ("{\n  \"port\": ,\n}", "", "~/.ssb/config: line 2, column 11: expected value"),
            ("{}", "--port x", "command line: port is not a port, a number from 0 to 65535"),
            ("{}", "--caps.shs", "command line: caps.shs is not the base64 of 32 bytes"),
            ("{}", "--port 1 --port 2", "command line: port is not a port, a number from 0 to 65535"),
            ("{}", "--new-feed x", "command line: new-feed is not an option that takes a value"),
            ("{}", "--config ~/none", "~/none: cannot be read (entity not found)"),
            ("{}", "--config ~", "~: cannot be read (is a directory)"),
            ("{}", "-- --port x", "command line, behind `--`: port is not a port, a number from 0 to 65535"),
        ];
        for (file, words, message) in table {
            assert_eq!(read(file, &format!("start {words}")), Err(message.to_owned()), "{file} {words}");
        }
    }

    #[test]
    fn variables_are_wrong_too() {
        let home = Home::new(&[], &[("ssb_port", "x")]);

        let error = "environment: port is not a port, a number from 0 to 65535";
        assert_eq!(home.read("whoami"), Err(error.into()));
    }

    #[test]
    fn without_a_home_there_must_be_a_path() {
        let read = |words: &str| {
            let line = Line::read(words.split_whitespace().map(OsString::from)).unwrap();
            Settings::read(&line, &Environment::default())
        };

        assert_eq!(read("whoami"), Err(ConfigError::Homeless));
        assert_eq!(read("whoami --path d").unwrap().node.path, PathBuf::from("d"));
    }
}
