//! What a node is told before it starts.
//!
//! A [`Config`] is built once, by whoever starts the node; nothing in here reads files, environment or arguments.
//! Names and defaults are those of ssb-config 3.4.6.

use std::fmt;
use std::path::PathBuf;

use ssb_keys::hmac::HmacKey;
use ssb_keys::network::NetworkKey;

/// The port a node listens on unless told otherwise.
pub const PORT: u16 = 8008;

/// How many steps of following away a feed may be and still be replicated, unless told otherwise.
pub const HOPS: u8 = 2;

/// Everything a node is told.
///
/// ```
/// let mut config = ssb_node::config::Config::new("/home/alice/.ssb");
/// config.port = 9009;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// The directory of the secret, the log, the manifest and the socket (`path`).
    pub path: PathBuf,
    /// The key of the network (`caps.shs`).
    pub network: NetworkKey,
    /// The message-signing key of the network, if it has one (`caps.sign`).
    pub signing: Option<HmacKey>,
    /// The host to listen on, and where clients look for the node (`host`). None: all interfaces, and localhost.
    pub host: Option<String>,
    /// The port to listen on, and where clients look for the node (`port`).
    pub port: u16,
    /// Exactly where to listen (`connections.incoming.net`). Empty: `host` and `port` say it.
    pub listen: Vec<Listen>,
    /// How far away a feed may be and still be replicated (`friends.hops`).
    pub hops: u8,
    /// Whether the owner insists that the feed is nowhere longer than here, which opens the gate on publishing.
    pub new_feed: bool,
    /// How much is logged (`logging.level`).
    pub log_level: LogLevel,
}

impl Config {
    /// JavaScript's defaults, for the directory `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            network: NetworkKey::MAIN,
            signing: None,
            host: None,
            port: PORT,
            listen: Vec::new(),
            hops: HOPS,
            new_feed: false,
            log_level: LogLevel::default(),
        }
    }
}

/// One place to listen: an entry of `connections.incoming.net`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// The address or name of an interface. None: all of them.
    pub host: Option<String>,
    /// The port.
    pub port: u16,
    /// To whom the address is told.
    pub scopes: Vec<Scope>,
}

/// To whom an address is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Programs of this machine.
    Device,
    /// The local network; JavaScript also spells it `private`.
    Local,
    /// Everybody.
    Public,
}

impl Scope {
    /// The scope of this name.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "device" => Some(Self::Device),
            "local" | "private" => Some(Self::Local),
            "public" => Some(Self::Public),
            _ => None,
        }
    }
}

/// How much is logged: each level includes those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// What went wrong.
    Error,
    /// What may be wrong.
    Warning,
    /// What is worth knowing.
    #[default]
    Notice,
    /// Everything.
    Info,
}

impl LogLevel {
    /// The level of this name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Error, Self::Warning, Self::Notice, Self::Info]
            .into_iter()
            .find(|level| level.as_str() == name)
    }

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Notice => "notice",
            Self::Info => "info",
        }
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_read_by_the_names_they_print() {
        for level in [LogLevel::Error, LogLevel::Warning, LogLevel::Notice, LogLevel::Info] {
            assert_eq!(LogLevel::parse(&level.to_string()), Some(level));
        }
        assert_eq!(LogLevel::parse("debug"), None);
    }
}
