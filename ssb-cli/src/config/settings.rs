//! What the settings mean.

use std::path::PathBuf;
use std::time::Duration;

use ssb_keys::FeedId;
use ssb_keys::hmac::HmacKey;
use ssb_keys::network::NetworkKey;
use ssb_msg::json::Value;
use ssb_node::config::Address;
use ssb_node::config::Admission;
use ssb_node::config::Blocks;
use ssb_node::config::Config;
use ssb_node::config::HttpPort;
use ssb_node::config::LogLevel;
use ssb_node::config::ParseAddressError;
use ssb_node::config::Timers;

use super::ConfigError;
use super::connections;
use super::connections::PORT;
use super::sources::Sources;
use super::tree::Group;
use super::unknown;
use super::values;
use crate::args::Line;
use crate::minimist;

/// The settings of this command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Those of the node.
    pub(crate) node: Config,
    /// Whose node to call, if not the owner's of the secret.
    pub(crate) key: Option<FeedId>,
    /// What to say of settings that have no effect.
    pub(crate) notices: Vec<String>,
}

impl Settings {
    /// What a call has to know: which node it is, and where. All other settings may be options of the call itself.
    pub(crate) fn of_call(sources: &Sources) -> Result<Self, ConfigError> {
        let settings = &sources.all;
        let path = values::text(settings, "path", "the name of a directory")?.ok_or(ConfigError::Homeless)?;
        let mut node = Config::new(PathBuf::from(path));
        read_caps(settings, &mut node)?;
        read_place(settings, &mut node)?;
        Ok(Self { node, key: read_key(&sources.beside_the_call)?, notices: Vec::new() })
    }

    /// What a node has to know.
    pub(crate) fn of_node(sources: &Sources, line: &Line) -> Result<Self, ConfigError> {
        let settings = &sources.all;
        let Self { mut node, key, .. } = Self::of_call(sources)?;
        let mut notices = unknown::notices(settings, line.own_options());
        read_master(settings, &mut node)?;
        node.outgoing = connections::outgoing(settings)?;
        node.timers = read_timers(settings)?;
        node.seeds = read_seeds(settings, &mut notices)?;
        node.offline = values::switch(settings, "offline")?.unwrap_or(false);
        read_gossip(settings, &mut node)?;
        read_firewall(settings, &mut node, &mut notices)?;
        node.legacy_replication = values::switch(settings, "replicate.legacy")?.unwrap_or(true);
        node.ooo.hook = values::switch(settings, "ooo.hook")?.unwrap_or(true);
        let millis =
            values::integer(settings, "ooo.timeout", u64::MAX, "a whole number of milliseconds, 0 or more")?;
        // JavaScript never gives up then.
        node.ooo.timeout = match millis {
            None => node.ooo.timeout,
            Some(0) => Duration::MAX,
            Some(millis) => Duration::from_millis(millis),
        };
        if let Some(hops) =
            values::integer(settings, "friends.hops", u64::MAX, "a whole number of steps, 0 or more")?
        {
            // Nobody is that many steps away.
            node.hops = u8::try_from(hops).unwrap_or(u8::MAX);
        }
        if let Some(found) = settings.find("friends.blocks")? {
            node.blocks = match values::text_of(&found.value).as_deref() {
                Some("transitive") => Blocks::Transitive,
                Some("first-person") => Blocks::FirstPerson,
                _ => return Err(found.error("transitive or first-person")),
            };
        }
        read_retention(settings, &mut node)?;
        read_blobs(settings, &mut node)?;
        read_http(settings, &mut node)?;
        if let Some(found) = settings.find("logging.level")? {
            let level = values::text_of(&found.value).and_then(|name| LogLevel::parse(&name));
            node.log_level = level.ok_or_else(|| found.error("one of error, warning, notice, info"))?;
        }
        node.new_feed = match line.before.options.get("new-feed") {
            None | Some(minimist::Value::Bool(false)) => false,
            Some(minimist::Value::Bool(true)) => true,
            // A word behind it was taken for its value.
            Some(value) => {
                return Err(ConfigError::Setting {
                    name: "option --new-feed".to_owned(),
                    found: ssb_msg::json::compact(&value.to_json()),
                    expected: "no value: write `--new-feed` behind all other words",
                });
            }
        };
        Ok(Self { node, key, notices })
    }
}

fn read_caps(settings: &Group, node: &mut Config) -> Result<(), ConfigError> {
    const EXPECTED: &str = "32 bytes in base64: 44 characters, the last one `=`, as encoders write them";
    if let Some(found) = settings.find("caps.shs")? {
        let key = values::text_of(&found.value).and_then(|text| NetworkKey::parse(&text).ok());
        node.network = key.ok_or_else(|| found.error(EXPECTED))?;
    }
    if let Some(found) = settings.find("caps.sign")? {
        let key = values::text_of(&found.value).and_then(|text| HmacKey::parse(&text).ok());
        node.signing = Some(key.ok_or_else(|| found.error(EXPECTED))?);
    }
    Ok(())
}

fn read_master(settings: &Group, node: &mut Config) -> Result<(), ConfigError> {
    if let Some(found) = settings.find("master")? {
        let ids = values::texts(&found.value).and_then(|ids| {
            ids.iter().filter(|id| !id.is_empty()).map(|id| FeedId::parse(id).ok()).collect::<Option<_>>()
        });
        node.master = ids.ok_or_else(|| found.error(IDS))?;
    }
    Ok(())
}

/// Where to listen, and where to call: `connections.incoming`, or else `host` and `port`.
fn read_place(settings: &Group, node: &mut Config) -> Result<(), ConfigError> {
    if let Some(port) = values::integer(settings, "port", u64::from(u16::MAX), PORT)? {
        node.port = u16::try_from(port).unwrap_or(node.port);
    }
    node.incoming = connections::incoming(settings, node.port)?;
    // What follows from the interfaces of this machine is not where a node is that listens on all of them.
    let is_set =
        settings.find("host")?.is_some_and(|host| host.origin.is_somebody_s()) || node.incoming.is_some();
    if is_set {
        node.host = values::text(settings, "host", "the address or name of an interface")?;
    }
    Ok(())
}

fn read_timers(settings: &Group) -> Result<Timers, ConfigError> {
    // Timers without a handshake (ssb-config has always some) leave it this long (secret-stack 6.4.2).
    const UNSET_HANDSHAKE: Duration = Duration::from_secs(15);
    let mut timers = Timers::default();
    let handshake = values::millis(settings, "timers.handshake")?.unwrap_or(UNSET_HANDSHAKE);
    timers.handshake = values::millis(settings, "timeout")?.unwrap_or(handshake);
    timers.inactivity = match settings.find("timers.inactivity")?.and_then(|found| found.value.as_number()) {
        // Never, in JavaScript.
        Some(millis) if millis < 0.0 => values::MILLIS_MAX,
        _ => values::millis(settings, "timers.inactivity")?.unwrap_or(timers.inactivity),
    };
    let ping = values::millis(settings, "timers.ping")?.unwrap_or(timers.ping);
    timers.ping = ping.clamp(Timers::PING_MIN, Timers::PING_MAX);
    Ok(timers)
}

/// Addresses of kinds that cannot be dialed are told and left out, as JavaScript leaves them alone.
fn read_seeds(settings: &Group, notices: &mut Vec<String>) -> Result<Vec<Address>, ConfigError> {
    const EXPECTED: &str = "the address of a peer, net:host:port~shs:key, or a list of them";
    let Some(found) = settings.find("seeds")? else { return Ok(Vec::new()) };
    let texts = values::texts(&found.value).ok_or_else(|| found.error(EXPECTED))?;
    let mut seeds = Vec::new();
    for text in texts.iter().filter(|text| !text.is_empty()) {
        match Address::parse(text) {
            Ok(address) => seeds.push(address),
            Err(error @ ParseAddressError::Protocol) => {
                notices.push(format!("{}: {text} is left out: {error}", found.origin.name("seeds")));
            }
            Err(_) => return Err(found.error_at("", &super::defaults::text(text), EXPECTED)),
        }
    }
    Ok(seeds)
}

fn read_gossip(settings: &Group, node: &mut Config) -> Result<(), ConfigError> {
    let switch = |key| Ok::<_, ConfigError>(values::switch(settings, key)?.unwrap_or(true));
    node.local = switch("local")?;
    node.lan_legacy = switch("lan.legacy")?;
    node.gossip.local = switch("gossip.local")?;
    node.gossip.friends = switch("gossip.friends")?;
    node.gossip.seed = switch("gossip.seed")?;
    node.gossip.global = switch("gossip.global")?;
    node.gossip.populate = switch("gossip.pub")? && switch("gossip.autoPopulate")?;
    Ok(())
}

/// Names of ssb-conn-firewall 1.1.4, and `admit`, which is ours. Of two that differ, the stricter one holds.
fn read_firewall(settings: &Group, node: &mut Config, notices: &mut Vec<String>) -> Result<(), ConfigError> {
    if let Some(found) = settings.find("conn.firewall.admit")? {
        let admission = values::text_of(&found.value).and_then(|name| Admission::parse(&name));
        node.admission = admission.ok_or_else(|| found.error("one of everyone, followed, none"))?;
    }
    if values::switch(settings, "conn.firewall.rejectUnknown")?.unwrap_or(false) {
        node.admission = node.admission.max(Admission::Followed);
    }
    if let Some(found) = settings.find("conn.firewall.rejectBlocked")?
        && !values::switch(settings, "conn.firewall.rejectBlocked")?.unwrap_or(true)
    {
        let name = found.origin.name("conn.firewall.rejectBlocked");
        notices.push(format!("{name} has no effect: whom you block is refused whatever else holds"));
    }
    Ok(())
}

fn read_retention(settings: &Group, node: &mut Config) -> Result<(), ConfigError> {
    let hops = values::integer(settings, "retention.hops", u64::MAX, "a whole number of steps, 0 or more")?;
    node.retention.hops = hops.map(|hops| u8::try_from(hops).unwrap_or(u8::MAX));
    let days = values::integer(settings, "retention.days", DAYS_MAX, "a whole number of days, 0 to 36500")?;
    node.retention.age = days.map(|days| Duration::from_secs(days * 86_400));
    node.retention.bytes = values::integer(settings, "retention.bytes", u64::MAX, BYTES)?;
    if let Some(found) = settings.find("retention.keep")? {
        let ids = values::texts(&found.value).and_then(|ids| {
            ids.iter().filter(|id| !id.is_empty()).map(|id| FeedId::parse(id).ok()).collect::<Option<_>>()
        });
        node.retention.keep = ids.ok_or_else(|| found.error(IDS))?;
    }
    Ok(())
}

/// Names of ssb-blobs 1.2.2, where 0 counts as not set, and `quota`, which is ours.
fn read_blobs(settings: &Group, node: &mut Config) -> Result<(), ConfigError> {
    let count = |key, expected| values::integer(settings, key, u64::MAX, expected);
    let set = |value: Option<u64>| value.filter(|value| *value > 0);
    node.blobs.max = set(count("blobs.max", BYTES)?).unwrap_or(node.blobs.max);
    let sympathy = count("blobs.sympathy", "a whole number of steps, 0 or more")?;
    // Nobody is that many steps away.
    node.blobs.sympathy =
        sympathy.map_or(node.blobs.sympathy, |steps| u8::try_from(steps).unwrap_or(u8::MAX));
    node.blobs.stingy = values::switch(settings, "blobs.stingy")?.unwrap_or(false);
    let pushy = set(count("blobs.pushy", "a whole number of peers, 0 or more")?);
    node.blobs.pushy = pushy.map_or(node.blobs.pushy, |peers| u32::try_from(peers).unwrap_or(u32::MAX));
    node.blobs.quota = count("blobs.quota", BYTES)?;
    Ok(())
}

/// Names of ssb-serve-blobs 3, `ws.port` of ssb-config 3.4.6, and two that are ours.
fn read_http(settings: &Group, node: &mut Config) -> Result<(), ConfigError> {
    let port = |key| values::integer(settings, key, u64::from(u16::MAX), PORT);
    let port_of = |port| u16::try_from(port).unwrap_or(HttpPort::USUAL);
    if let Some(found) = settings.find("ws.port")?
        && let Some(port) = port("ws.port")?.map(port_of)
    {
        let is_needed = found.origin.is_somebody_s();
        node.http.port = if is_needed { HttpPort::Exactly(port) } else { HttpPort::IfFree(port) };
    }
    if let Some(found) = settings.find("serveBlobs")?.filter(|found| !matches!(found.value, Value::Object(_)))
    {
        match values::switch(settings, "serveBlobs")? {
            Some(false) => node.http.port = HttpPort::Off,
            Some(true) => {}
            None => return Err(found.error("true, false, or an object of settings")),
        }
        return Ok(());
    }
    if let Some(port) = port("serveBlobs.port")? {
        node.http.port = HttpPort::Exactly(port_of(port));
    }
    node.http.host = values::text(settings, "serveBlobs.host", "the address or name of an interface")?;
    if let Some(found) = settings.find("serveBlobs.hosts")? {
        node.http.hosts =
            values::texts(&found.value).ok_or_else(|| found.error("a name, or a list of names"))?;
    }
    node.http.cors = values::switch(settings, "serveBlobs.cors")?.unwrap_or(false);
    Ok(())
}

/// Before `--`, `--key` belongs to the call alone: many methods have an option of that name.
fn read_key(settings: &Group) -> Result<Option<FeedId>, ConfigError> {
    let Some(found) = settings.find("key")? else { return Ok(None) };
    let id = match &found.value {
        Value::Text(text) => FeedId::parse(&text.decode()).ok(),
        _ => None,
    };
    id.map(Some).ok_or_else(|| found.error("the id of a feed, @...=.ed25519"))
}

const BYTES: &str = "a whole number of bytes, 0 or more";

const IDS: &str = "the id of a feed, @...=.ed25519, or a list of them";

/// The most days that messages are kept for, if not for ever: a century.
const DAYS_MAX: u64 = 36_500;

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::fs;

    use ssb_keys::Keypair;
    use ssb_keys::base64;
    use ssb_node::config::Blobs;
    use ssb_node::config::Gossip;
    use ssb_node::config::Listen;
    use ssb_node::config::Place;
    use ssb_node::config::Retention;
    use ssb_node::config::Scope;
    use ssb_node::config::Transform;
    use ssb_node::config::Transport;
    use tempfile::TempDir;

    use super::*;
    use crate::args::Task;
    use crate::config::Environment;

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
            let environment = Environment {
                home: Some(home.into()),
                directory: None,
                system: self.directory.path().join("etc"),
                variables: self.variables.clone(),
                unreadable: Vec::new(),
            };
            let settings = Sources::read(&line, &environment).and_then(|sources| match line.task() {
                Task::Call(_) => Settings::of_call(&sources),
                _ => Settings::of_node(&sources, &line),
            });
            settings.map_err(|error| error.to_string().replace(home, "~"))
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
    fn null_unsets() {
        let node = read(r#"{"host": null, "caps": {"sign": null}}"#, "whoami -- --host x").unwrap().node;

        assert_eq!((node.host, node.signing), (None, None));
    }

    #[test]
    fn the_key_to_call_is_no_option_of_the_call() {
        let id = Keypair::from_seed(&[1; 32]).id();

        assert_eq!(read("{}", &format!("whoami -- --key {id}")).unwrap().key, Some(id));
        assert_eq!(read("{}", "blobs.get --key &x").unwrap().key, None);
        let error = "option --key behind `--` is \"x\"; expected the id of a feed, @...=.ed25519";
        assert_eq!(read("{}", "whoami -- --key x"), Err(error.into()));
    }

    #[test]
    fn options_of_a_call_need_make_no_sense_as_settings() {
        let words =
            "x --replicate=false --timeout never --seeds y --gossip 1 --master z --timers.ping a --offline b";

        assert!(read("{}", words).is_ok());
        assert!(read("{}", &words.replace("x ", "start ")).is_err());
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
        assert_eq!(incoming[0].place, Place::Net { host: Some("localhost".into()), port: 1 });
        let conflict = "ssb-config: conflicting connection settings for: net host; option --host is \"x\", but \
                        ~/.ssb/config: connections.incoming.net has \"10.0.0.1\"; set only one of them";
        assert_eq!(read(entries, "start --host x"), Err(conflict.into()));
    }

    #[test]
    fn all_that_a_node_can_be_told_is_read() {
        let id = Keypair::from_seed(&[1; 32]).id();
        let seed = format!("net:a.example:8008~shs:{}", base64::encode(id.as_bytes()));
        let file = format!(
            r#"{{
                "master": "{id}", "timeout": 0, "seeds": ["{seed}", "ws://b.example:8989~shs:{key}"], "offline": "true",
                "timers": {{"handshake": 7000, "inactivity": "8000", "ping": 1}},
                "gossip": {{"local": false, "global": "false", "autoPopulate": false}},
                "local": "false", "lan": {{"legacy": false}},
                "replicate": {{"legacy": false}}, "connections": {{"outgoing": {{"net": null}}}}, "friends": {{"hops": 1e9, "blocks": "first-person"}}
            }}"#,
            key = base64::encode(id.as_bytes()),
        );
        let Settings { node, notices, .. } = read(&file, "start").unwrap();

        assert_eq!(node.master, [id]);
        assert_eq!(node.seeds, [Address::parse(&seed).unwrap()]);
        assert!(notices.iter().any(|notice| notice.contains("ws://b.example:8989")), "{notices:?}");
        let timers = [node.timers.handshake, node.timers.inactivity, node.timers.ping];
        assert_eq!(timers, [7, 8, 10].map(Duration::from_secs));
        let Gossip { local, friends, seed, global, populate, .. } = node.gossip;
        assert_eq!([local, friends, seed, global, populate], [false, true, true, false, false]);
        assert!(node.offline && !node.legacy_replication && !node.local && !node.lan_legacy);
        assert_eq!(node.outgoing, [Transport::Onion]);
        assert_eq!((node.hops, node.blocks), (u8::MAX, Blocks::FirstPerson));
        assert_eq!(read("{}", "start --timeout 9000").unwrap().node.timers.handshake, Duration::from_secs(9));
        assert_eq!(
            read("{}", "start --timers.inactivity=-1").unwrap().node.timers.inactivity,
            values::MILLIS_MAX
        );
        let ping = |millis| read("{}", &format!("start --timers.ping {millis}")).unwrap().node.timers.ping;
        assert_eq!(ping(3_600_000), Timers::PING_MAX);
    }

    #[test]
    fn who_may_connect_is_read_and_the_stricter_setting_holds() {
        let admission = |firewall: &str| {
            let file = format!(r#"{{"conn": {{"firewall": {firewall}}}}}"#);
            read(&file, "start").map(|settings| settings.node.admission)
        };

        for (firewall, expected) in [
            ("null", Admission::Everyone),
            (r#"{"rejectUnknown": false, "rejectBlocked": true}"#, Admission::Everyone),
            (r#"{"rejectUnknown": "true"}"#, Admission::Followed),
            (r#"{"admit": "followed"}"#, Admission::Followed),
            (r#"{"admit": "everyone", "rejectUnknown": true}"#, Admission::Followed),
            (r#"{"admit": "none", "rejectUnknown": true}"#, Admission::Nobody),
        ] {
            assert_eq!(admission(firewall), Ok(expected), "{firewall}");
        }
        let error =
            "~/.ssb/config: conn.firewall.admit is \"friends\"; expected one of everyone, followed, none";
        assert_eq!(admission(r#"{"admit": "friends"}"#), Err(error.to_owned()));
    }

    #[test]
    fn that_blocked_peers_are_refused_is_no_setting() {
        let notices = |words: &str| read("{}", words).unwrap().notices;

        let said = "option --conn.firewall.rejectBlocked has no effect: whom you block is refused whatever else holds";
        assert_eq!(notices("start --conn.firewall.rejectBlocked=false"), [said]);
        assert_eq!(notices("start --conn.firewall.rejectBlocked"), [""; 0]);
    }

    #[test]
    fn what_is_kept_is_read() {
        let id = Keypair::from_seed(&[1; 32]).id();
        let file =
            format!(r#"{{"retention": {{"hops": 1, "days": "30", "bytes": 1000000000, "keep": "{id}"}}}}"#);

        let retention = read(&file, "start").unwrap().node.retention;

        assert_eq!((retention.hops, retention.bytes), (Some(1), Some(1_000_000_000)));
        assert_eq!((retention.age, retention.keep), (Some(Duration::from_secs(30 * 86_400)), vec![id]));
        assert_eq!(read("{}", "start").unwrap().node.retention, Retention::default());
        let too_long = "option --retention.days is 36501; expected a whole number of days, 0 to 36500";
        assert_eq!(read("{}", "start --retention.days 36501"), Err(too_long.into()));
        assert!(read("{}", "start --retention.days 36500").is_ok());
    }

    #[test]
    fn which_blobs_are_fetched_and_kept_is_read() {
        let file =
            r#"{"blobs": {"max": 1000, "sympathy": 0, "stingy": true, "pushy": "7", "quota": 5000000000}}"#;

        let blobs = read(file, "start").unwrap().node.blobs;

        assert_eq!((blobs.max, blobs.sympathy, blobs.stingy, blobs.pushy), (1_000, 0, true, 7));
        assert_eq!(blobs.quota, Some(5_000_000_000));
        let unset = read(r#"{"blobs": {"max": 0, "pushy": 0, "quota": null}}"#, "start").unwrap().node.blobs;
        assert_eq!(unset, Blobs::default());
        let far = read("{}", "start --blobs.sympathy 1000 --blobs.quota 0").unwrap().node.blobs;
        assert_eq!((far.sympathy, far.quota), (u8::MAX, Some(0)));
        let error = "option --blobs.quota is \"1GB\"; expected a whole number of bytes, 0 or more";
        assert_eq!(read("{}", "start --blobs.quota 1GB"), Err(error.into()));
    }

    #[test]
    fn where_blobs_are_served_over_http_is_read() {
        let http = |file: &str, words: &str| read(file, words).map(|settings| settings.node.http);
        let port = |file: &str, words: &str| http(file, words).unwrap().port;

        assert_eq!(port("{}", "start"), HttpPort::IfFree(8989));
        assert_eq!(port(r#"{"ws": {"port": 9000}}"#, "start"), HttpPort::Exactly(9000));
        assert_eq!(
            port(r#"{"serveBlobs": {"port": 26835}}"#, "start --ws.port 9000"),
            HttpPort::Exactly(26835)
        );
        assert_eq!(port("{}", "start --serveBlobs=false"), HttpPort::Off);
        assert_eq!(port("{}", "start --no-serveBlobs"), HttpPort::Off);
        assert_eq!(port(r#"{"serveBlobs": true}"#, "start"), HttpPort::IfFree(8989));
        let file = r#"{"serveBlobs": {"host": "0.0.0.0", "hosts": "blobs.example", "cors": true}}"#;
        let served = http(file, "start").unwrap();
        assert_eq!((served.host.as_deref(), served.cors), (Some("0.0.0.0"), true));
        assert_eq!(served.hosts, ["blobs.example"]);
        let error = "option --serveBlobs is \"maybe\"; expected true or false";
        assert_eq!(http("{}", "start --serveBlobs maybe"), Err(error.into()));
    }

    #[test]
    fn only_places_that_are_named_are_listened_on() {
        let places = |entries: &str| {
            let file = format!(r#"{{"connections": {{"incoming": {entries}}}}}"#);
            read(&file, "start").unwrap().node.incoming.unwrap()
        };

        assert_eq!(places("{}"), []);
        let unix = places(r#"{"unix": [{"scope": "device", "transform": "noauth"}]}"#);
        assert_eq!(unix, [Listen::unix()]);
        let net = places(r#"{"net": [{"scope": ["public"], "external": "a.example", "transform": "shs"}]}"#);
        assert_eq!(net[0].place, Place::Net { host: None, port: 8008 });
        assert_eq!(
            (net[0].external.as_slice(), net[0].transform),
            (&["a.example".to_owned()][..], Transform::Shs)
        );
    }

    #[test]
    fn without_a_home_there_must_be_a_path() {
        let read = |words: &str| {
            let line = Line::read(words.split_whitespace().map(OsString::from)).unwrap();
            let environment = Environment {
                home: None,
                directory: None,
                system: PathBuf::from("/nonexistent"),
                variables: Vec::new(),
                unreadable: Vec::new(),
            };
            Settings::of_call(&Sources::read(&line, &environment)?)
        };

        assert_eq!(read("whoami"), Err(ConfigError::Homeless));
        assert_eq!(read("whoami --path d").unwrap().node.path, PathBuf::from("d"));
    }
}
