//! What is so unless somebody says otherwise, as ssb-config 3.4.6 has it built in or derives it from the rest.

use std::path::Path;

use ssb_msg::json;
use ssb_msg::json::Value;
use ssb_node::interfaces;
use ssb_node::interfaces::Interface;

use super::ConfigError;
use super::Origin;
use super::tree::Group;
use super::tree::Setting;

/// The port of WebSockets.
const WS_PORT: f64 = 8989.0;

/// The port of everything else.
const NET_PORT: f64 = 8008.0;

/// The settings below all others, for the directory `path`.
pub(super) fn below(path: &Path) -> Group {
    let path = json::compact(&text(&path.to_string_lossy()));
    let all = BELOW.replace("PATH", &path);
    match json::parse(all.as_bytes()) {
        Ok(Value::Object(object)) => Group::from_json(&object, &Origin::Default),
        // A path longer than JSON may be here is none that a system has.
        _ => Group::default(),
    }
}

/// Fills in what follows from the rest: where to listen, and the older names for that.
///
/// # Errors
///
/// [`ConfigError::Conflict`] if older and newer names contradict each other.
pub(super) fn derive(config: &mut Group) -> Result<(), ConfigError> {
    if config.find("connections.incoming")?.is_none() {
        let incoming = Setting::from_json(&incoming(config)?, &Origin::Derived);
        let Some(connections) = config.group("connections", &Origin::Derived) else { return Ok(()) };
        connections.set("incoming", incoming);
    }
    let net = first(config, "connections.incoming.net", NET_PORT)?;
    let ws = first(config, "connections.incoming.ws", NET_PORT)?;
    check_conflicts(config, net.as_ref(), ws.as_ref())?;
    let field = |entry: &Option<Value>, name| entry.as_ref().and_then(|entry| entry.get(name)).cloned();
    let host = field(&net, "host").or(field(&ws, "host"));
    for (name, value) in [("host", host), ("port", field(&net, "port"))] {
        replace(config, name, value);
    }
    replace(config, "ws", Some(ws.unwrap_or(Value::Object(json::Object::default()))));
    Ok(())
}

fn replace(config: &mut Group, name: &str, value: Option<Value>) {
    let known = config.get(name).cloned();
    match (known, value.map(|value| Setting::from_json(&value, &Origin::Derived))) {
        (Some(known), Some(setting)) if known.is_equal(&setting) => {}
        (Some(Setting::Group(known, _)), Some(Setting::Group(mut group, origin))) => {
            // What somebody set to the same value is still theirs.
            let same = |name: &str| {
                known.get(name).filter(|old| group.get(name).is_some_and(|new| new.is_equal(old)))
            };
            let kept: Vec<(String, Setting)> =
                known.names().filter_map(|name| Some((name.to_owned(), same(name)?.clone()))).collect();
            for (name, setting) in kept {
                group.set(&name, setting);
            }
            config.set(name, Setting::Group(group, origin));
        }
        (_, Some(setting)) => config.set(name, setting),
        (_, None) => drop(config.remove(name)),
    }
}

fn incoming(config: &Group) -> Result<Value, ConfigError> {
    let get = |key: &str| Ok(config.find(key)?.map(|found| found.value));
    let host = get("host")?.filter(Value::is_truthy);
    let ports = [
        ("net", get("port")?.unwrap_or(Value::Number(NET_PORT))),
        ("ws", get("ws.port")?.unwrap_or(Value::Number(WS_PORT))),
    ];
    let interfaces = if host.is_some() { Vec::new() } else { interfaces::all() };
    let mut pairs: Vec<(&str, Value)> = Vec::new();
    for (name, port) in ports {
        let entries = match &host {
            Some(host) => vec![entry(host.clone(), &port, &["device", "local", "public"])],
            None => interfaces.iter().map(|interface| of_interface(interface, &port)).collect(),
        };
        pairs.push((name, Value::Array(entries)));
    }
    pairs.push((
        "unix",
        Value::Array(vec![object([("scope", text("device")), ("transform", text("noauth"))])]),
    ));
    Ok(object(pairs))
}

fn of_interface(interface: &Interface, port: &Value) -> Value {
    entry(text(&interface.address.to_string()), port, &[interface.scope.as_str()])
}

fn entry(host: Value, port: &Value, scopes: &[&str]) -> Value {
    let scopes = scopes.iter().map(|scope| text(scope)).collect();
    object([
        ("host", host),
        ("port", port.clone()),
        ("scope", Value::Array(scopes)),
        ("transform", text("shs")),
    ])
}

/// The entry that the older names speak of: the most public one. It gets a port if it has a host and none.
fn first(config: &mut Group, key: &str, port: f64) -> Result<Option<Value>, ConfigError> {
    let fallback = config.find("port")?.map(|found| found.value).filter(Value::is_truthy);
    let Some(found) = config.find(key)? else { return Ok(None) };
    let Value::Array(mut entries) = found.value.clone() else {
        return Err(found.error("a list of places to listen"));
    };
    let has = |entry: &Value, names: &[&str]| match entry.get("scope") {
        Some(Value::Array(scopes)) => {
            scopes.iter().any(|scope| names.iter().any(|name| *scope == text(name)))
        }
        Some(scope) => names.iter().any(|name| *scope == text(name)),
        None => false,
    };
    let order: [&[&str]; 3] = [&["public"], &["local", "private"], &["device"]];
    let at = order.iter().find_map(|names| entries.iter().position(|entry| has(entry, names)));
    let Some(entry) = at.and_then(|at| entries.get_mut(at)) else { return Ok(None) };
    let has_host = entry.get("host").is_some_and(Value::is_truthy);
    // Port 0 is any that is free; JavaScript makes it the usual one.
    if has_host && entry.get("port").is_none_or(|port| *port == Value::Null) {
        let mut fields: Vec<(json::Text, Value)> = match entry {
            Value::Object(fields) => {
                fields.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
            }
            _ => Vec::new(),
        };
        fields.push((json::Text::new("port"), fallback.unwrap_or(Value::Number(port))));
        *entry = Value::Object(json::Object::from_pairs(fields));
    }
    let first = entry.clone();
    let origin = found.origin.clone();
    put(config, key, Setting::Value(Value::Array(entries), origin));
    Ok(Some(first))
}

/// Sets a dotted name whose groups are there.
fn put(config: &mut Group, key: &str, setting: Setting) {
    let mut group = config;
    let mut names = key.split('.').peekable();
    while let Some(name) = names.next() {
        if names.peek().is_none() {
            return group.set(name, setting);
        }
        let Some(inner) = group.group(name, &Origin::Derived) else { return };
        group = inner;
    }
}

/// Older and newer names may both be set, to the same.
fn check_conflicts(config: &Group, net: Option<&Value>, ws: Option<&Value>) -> Result<(), ConfigError> {
    let cases = [
        ("net host", "host", net, "connections.incoming.net", "host"),
        ("net port", "port", net, "connections.incoming.net", "port"),
        ("ws port", "ws.port", ws, "connections.incoming.ws", "port"),
    ];
    let mut conflicts = Vec::new();
    let mut settings = Vec::new();
    for (what, key, entry, list, field) in cases {
        let Some(other) = entry.and_then(|entry| entry.get(field)).filter(|value| value.is_truthy()) else {
            continue;
        };
        let Some(found) = config.find(key)?.filter(|found| found.value.is_truthy()) else { continue };
        if plain(&found.value) != plain(other) {
            conflicts.push(what);
            let origin =
                config.find(list)?.map_or_else(|| list.to_owned(), |list| list.origin.name(&list.key));
            settings.push(format!(
                "{} is {}, but {origin} has {}",
                found.origin.name(key),
                json::compact(&found.value),
                json::compact(other)
            ));
        }
    }
    if conflicts.is_empty() {
        return Ok(());
    }
    Err(ConfigError::Conflict { what: conflicts.join(", "), settings: settings.join("; ") })
}

/// A number and its digits are the same port: variables and INI files have only text.
fn plain(value: &Value) -> String {
    match value {
        Value::Text(text) => text.decode().into_owned(),
        value => json::compact(value),
    }
}

pub(super) fn text(text: &str) -> Value {
    Value::Text(json::Text::new(text))
}

pub(super) fn object<'a>(pairs: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    let pairs = pairs.into_iter().map(|(name, value)| (json::Text::new(name), value));
    Value::Object(json::Object::from_pairs(pairs))
}

/// The defaults of ssb-config 3.4.6, with the network of ssb-caps 1.1.0.
const BELOW: &str = r#"{
    "path": PATH,
    "party": true,
    "timeout": 0,
    "pub": true,
    "local": true,
    "friends": { "dunbar": 150, "hops": 2 },
    "gossip": { "connections": 3 },
    "connections": { "outgoing": { "net": [{ "transform": "shs" }], "onion": [{ "transform": "shs" }] } },
    "timers": { "connection": 0, "reconnect": 5000, "ping": 300000, "handshake": 5000 },
    "caps": {
        "shs": "1KHLiKZvAvjbY1ziZEHMXawbCEIM6qwjCDm3VYRan/s=",
        "sign": null,
        "invite": "HT0wIYuk3OWc2FtaCfHNnakV68jSGRrjRMP9Kos7IQc="
    },
    "master": [],
    "logging": { "level": "notice" }
}"#;
