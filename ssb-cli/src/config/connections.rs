//! `connections`: where to listen, and how to dial.

use ssb_msg::json::Value;
use ssb_node::config::Listen;
use ssb_node::config::Place;
use ssb_node::config::Scope;
use ssb_node::config::Transform;
use ssb_node::config::Transport;
use ssb_node::interfaces;

use super::ConfigError;
use super::tree::Found;
use super::tree::Group;
use super::values;

/// Where to listen, if somebody says so place by place.
pub(super) fn incoming(settings: &Group, port: u16) -> Result<Option<Vec<Listen>>, ConfigError> {
    let Some(found) = settings.find("connections.incoming")? else { return Ok(None) };
    if !found.origin.is_somebody_s() {
        return Ok(None);
    }
    if !matches!(found.value, Value::Object(_)) {
        return Err(found.error("a group of lists of places to listen, such as {\"net\": [...]}"));
    }
    let mut places = Vec::new();
    for (key, read) in [
        ("connections.incoming.net", net as fn(&Entry<'_>, u16) -> Result<Listen, ConfigError>),
        ("connections.incoming.unix", unix),
    ] {
        for entry in entries(settings.find(key)?.as_ref(), "a list of places to listen")? {
            places.push(read(&entry, port)?);
        }
    }
    Ok(Some(places))
}

/// How peers may be dialed.
pub(super) fn outgoing(settings: &Group) -> Result<Vec<Transport>, ConfigError> {
    const EXPECTED: &str = "a list of {transform: \"shs\"}";
    let mut transports = Vec::new();
    for (key, transport) in
        [("connections.outgoing.net", Transport::Net), ("connections.outgoing.onion", Transport::Onion)]
    {
        let found = settings.find(key)?;
        let mut is_dialed = false;
        for entry in entries(found.as_ref(), EXPECTED)? {
            // Whoever does not prove who it is could be anybody.
            if entry.transform(Transform::Shs)? == Transform::NoAuth {
                return Err(entry.error("transform", "\"shs\": peers prove who they are"));
            }
            is_dialed = true;
        }
        transports.extend(is_dialed.then_some(transport));
    }
    Ok(transports)
}

/// One object of a list.
struct Entry<'a> {
    found: &'a Found<'a>,
    index: usize,
    value: &'a Value,
}

fn entries<'a>(found: Option<&'a Found<'a>>, expected: &'static str) -> Result<Vec<Entry<'a>>, ConfigError> {
    let Some(found) = found else { return Ok(Vec::new()) };
    let Value::Array(values) = &found.value else { return Err(found.error(expected)) };
    let entry = |(index, value): (usize, &'a Value)| match value {
        Value::Object(_) => Ok(Entry { found, index, value }),
        value => Err(found.error_at(
            &format!("[{index}]"),
            value,
            "a group such as {scope, host, port, transform}",
        )),
    };
    values.iter().enumerate().map(entry).collect()
}

impl Entry<'_> {
    fn get(&self, name: &str) -> Option<&Value> {
        self.value.get(name).filter(|value| **value != Value::Null)
    }

    fn error(&self, name: &str, expected: &'static str) -> ConfigError {
        let inside = format!("[{}].{name}", self.index);
        match self.value.get(name) {
            Some(value) => self.found.error_at(&inside, value, expected),
            None => ConfigError::Setting {
                name: self.found.origin.name(&format!("{}{inside}", self.found.key)),
                found: "missing".to_owned(),
                expected,
            },
        }
    }

    fn scopes(&self) -> Result<Vec<Scope>, ConfigError> {
        let names = self.get("scope").and_then(values::texts).filter(|names| !names.is_empty());
        let scopes = names.and_then(|names| names.iter().map(|name| Scope::parse(name)).collect());
        scopes.ok_or_else(|| self.error("scope", "\"device\", \"local\", \"public\" or a list of them"))
    }

    fn transform(&self, usual: Transform) -> Result<Transform, ConfigError> {
        let Some(name) = self.get("transform") else { return Ok(usual) };
        let transform = values::text_of(name).and_then(|name| Transform::parse(&name));
        transform.ok_or_else(|| self.error("transform", "\"shs\" or \"noauth\""))
    }
}

fn net(entry: &Entry<'_>, port: u16) -> Result<Listen, ConfigError> {
    let scopes = entry.scopes()?;
    let host = match entry.get("host") {
        None => usual_host(entry.get("scope")),
        Some(host) => {
            let host = values::text_of(host).filter(|host| !host.is_empty());
            Some(host.ok_or_else(|| entry.error("host", "the address or name of an interface"))?)
        }
    };
    let port = match entry.get("port") {
        None => port,
        Some(port) => {
            let port = values::whole(port).and_then(|port| u16::try_from(port).ok());
            port.ok_or_else(|| entry.error("port", PORT))?
        }
    };
    let external = match entry.get("external") {
        None => Vec::new(),
        Some(external) => values::texts(external)
            .ok_or_else(|| entry.error("external", "the name of a host, or a list of them"))?,
    };
    let transform = entry.transform(Transform::Shs)?;
    Ok(Listen { place: Place::Net { host, port }, scopes, transform, external })
}

/// A scope that is not in a list says which interface to listen on (multiserver 3.8.2); a list means all of them.
fn usual_host(scope: Option<&Value>) -> Option<String> {
    match Scope::parse(&values::text_of(scope?)?)? {
        Scope::Device => Some("localhost".to_owned()),
        scope => {
            let address = interfaces::all().into_iter().find(|interface| interface.scope == scope)?.address;
            Some(address.to_string())
        }
    }
}

fn unix(entry: &Entry<'_>, _: u16) -> Result<Listen, ConfigError> {
    let transform = entry.transform(Transform::NoAuth)?;
    // Whatever it says, a file on this machine is for this machine.
    entry.scopes()?;
    Ok(Listen { transform, ..Listen::unix() })
}

/// What a port is.
pub(super) const PORT: &str = "a port, a number from 0 to 65535";
