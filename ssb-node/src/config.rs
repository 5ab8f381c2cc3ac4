//! What a node is told before it starts.
//!
//! A [`Config`] is built once, by whoever starts the node; nothing in here reads files, environment or arguments.
//! Names and defaults are those of ssb-config 3.4.6.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use ssb_blobs::limits::FETCHED_LEN_MAX;
use ssb_blobs::wants;
pub use ssb_gossip::address::Address;
pub use ssb_gossip::address::ParseAddressError;
pub use ssb_gossip::address::Transport;
pub use ssb_gossip::firewall::Admission;
pub use ssb_gossip::graph::Blocks;
use ssb_gossip::ooo::PATIENCE;
use ssb_gossip::peer::HANDSHAKE_TIMEOUT;
use ssb_gossip::peer::INACTIVITY_TIMEOUT;
use ssb_gossip::peer::Timeouts;
use ssb_gossip::ping::PAUSE;
use ssb_keys::FeedId;
use ssb_keys::hmac::HmacKey;
use ssb_keys::network::NetworkKey;
use ssb_log::retain::Policy;

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
    /// Whose connections have all rights, beside the node's own key (`master`). A connection that the node dialed has
    /// none of them, whatever its key.
    pub master: Vec<FeedId>,
    /// The host to listen on, and where clients look for the node (`host`). None: all interfaces, and localhost.
    pub host: Option<String>,
    /// The port to listen on, and where clients look for the node (`port`).
    pub port: u16,
    /// Exactly where to listen (`connections.incoming`). None: on `host` and `port`, and on the unix socket.
    pub incoming: Option<Vec<Listen>>,
    /// How peers may be dialed (`connections.outgoing`).
    pub outgoing: Vec<Transport>,
    /// How long things may take (`timers` and `timeout`).
    pub timers: Timers,
    /// Peers to know from the start (`seeds`).
    pub seeds: Vec<Address>,
    /// Whether nodes of the local network are found, and find this one (`local`, and `gossip.local`). A node that listens nowhere in
    /// the local network keeps out of it.
    pub local: bool,
    /// Whether that is also done as ssb-local does it, in clear (`lan.legacy`).
    pub lan_legacy: bool,
    /// Whether the node keeps to itself: it learns no peers and dials none by itself (`offline`).
    pub offline: bool,
    /// Which peers are dialed and learned of (`gossip`).
    pub gossip: Gossip,
    /// Whose connections are accepted (`conn.firewall`).
    pub admission: Admission,
    /// Whether feeds are replicated with `createHistoryStream` (`replicate.legacy`).
    pub legacy_replication: bool,
    /// Whether and how long peers are asked for single messages (`ooo`).
    pub ooo: Ooo,
    /// How far away a feed may be and still be replicated (`friends.hops`).
    pub hops: u8,
    /// Whose blocks exclude a feed that others follow (`friends.blocks`, which JavaScript has not).
    pub blocks: Blocks,
    /// What of the log is kept (`retention`).
    pub retention: Retention,
    /// Which blobs are fetched, offered and kept (`blobs`).
    pub blobs: Blobs,
    /// Where blobs are served over HTTP (`serveBlobs`, and `ws.port`).
    pub http: Http,
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
            master: Vec::new(),
            host: None,
            port: PORT,
            incoming: None,
            outgoing: vec![Transport::Net, Transport::Onion],
            timers: Timers::default(),
            seeds: Vec::new(),
            local: true,
            lan_legacy: true,
            offline: false,
            gossip: Gossip::default(),
            admission: Admission::default(),
            legacy_replication: true,
            ooo: Ooo::default(),
            hops: HOPS,
            blocks: Blocks::default(),
            retention: Retention::default(),
            blobs: Blobs::default(),
            http: Http::default(),
            new_feed: false,
            log_level: LogLevel::default(),
        }
    }

    /// Whether nodes of the local network are found.
    pub(crate) const fn finds_neighbours(&self) -> bool {
        self.local && self.gossip.local && !self.offline
    }
}

/// Whether and how long peers are asked for messages of feeds that are not here (ssb-ooo 1.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ooo {
    /// Whether `get` asks, too (`ooo.hook`).
    pub hook: bool,
    /// How long whoever asks waits unless the call says how long, at most an hour (`ooo.timeout`).
    pub timeout: Duration,
}

impl Default for Ooo {
    fn default() -> Self {
        Self { hook: true, timeout: PATIENCE }
    }
}

/// What of the log is kept, and for how long. Unless told otherwise everything is, for ever.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retention {
    /// Feeds further away than so many follows go, and are not replicated (`retention.hops`).
    pub hops: Option<u8>,
    /// Messages of others that were received longer ago than this go (`retention.days`).
    pub age: Option<Duration>,
    /// When the log is larger than so many bytes, the oldest messages of those farthest away go (`retention.bytes`).
    pub bytes: Option<u64>,
    /// Feeds of which everything is kept, as of the own one (`retention.keep`).
    pub keep: Vec<FeedId>,
}

impl Retention {
    /// The policy over the log.
    pub(crate) const fn policy(&self) -> Policy {
        Policy { hops: self.hops, age: self.age, quota: self.bytes }
    }
}

/// Which blobs are fetched, offered and kept (ssb-blobs 1.2.2; `quota` is ours).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Blobs {
    /// Only blobs of fewer bytes are fetched from peers (`blobs.max`). The owner adds what they like.
    pub max: u64,
    /// How far away whoever wants a blob may be for this node to look for it, too (`blobs.sympathy`).
    pub sympathy: u8,
    /// Whether peers are told only of blobs that are pushed (`blobs.stingy`).
    pub stingy: bool,
    /// How many peers have to have a blob that is pushed (`blobs.pushy`).
    pub pushy: u32,
    /// How many bytes all blobs may have (`blobs.quota`). Above that, blobs of others go, those that nobody refers to or only
    /// feeds far away first, and no more of them are taken until there is room. None: as many as there are.
    pub quota: Option<u64>,
}

/// Where blobs are served over HTTP. To programs of this machine, unless told otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Http {
    /// At which port (`serveBlobs.port` of ssb-serve-blobs 3, or else `ws.port`).
    pub port: HttpPort,
    /// At which host (`serveBlobs.host`, which JavaScript has not). None: at those that only this machine reaches.
    pub host: Option<String>,
    /// By which names the node may be asked, beside `localhost` and its addresses (`serveBlobs.hosts`, which JavaScript has not).
    pub hosts: Vec<String>,
    /// Whether pages of others may read blobs (`serveBlobs.cors`).
    pub cors: bool,
}

/// A port for HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpPort {
    /// None.
    Off,
    /// This one, unless another program has it.
    IfFree(u16),
    /// This one; 0 for any that is free.
    Exactly(u16),
}

impl HttpPort {
    /// That of ssb-server 16.0.1.
    pub const USUAL: u16 = 8989;
}

impl Default for HttpPort {
    fn default() -> Self {
        Self::IfFree(Self::USUAL)
    }
}

impl Default for Blobs {
    fn default() -> Self {
        Self { max: FETCHED_LEN_MAX, sympathy: 3, stingy: false, pushy: 3, quota: None }
    }
}

impl Blobs {
    /// What of it concerns peers.
    pub(crate) fn policy(&self) -> wants::Policy {
        let Self { max, sympathy, stingy, pushy, quota: _ } = *self;
        let pushy = usize::try_from(pushy).unwrap_or(usize::MAX);
        wants::Policy { sympathy, pushy, stingy, len_max: max, ..wants::Policy::default() }
    }
}

/// One place to listen: an entry of `connections.incoming.net` or `.unix`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// Where.
    pub place: Place,
    /// To whom the address is told.
    pub scopes: Vec<Scope>,
    /// How whoever connects proves who it is.
    pub transform: Transform,
    /// The hosts that everybody else is told instead of this one (`external`).
    pub external: Vec<String>,
}

impl Listen {
    /// Listens for handshakes on all interfaces, and tells everybody.
    pub fn net(port: u16) -> Self {
        Self {
            place: Place::Net { host: None, port },
            scopes: vec![Scope::Device, Scope::Local, Scope::Public],
            transform: Transform::Shs,
            external: Vec::new(),
        }
    }

    /// Listens on the unix socket of the directory, for its owner.
    pub fn unix() -> Self {
        Self {
            place: Place::Unix,
            scopes: vec![Scope::Device],
            transform: Transform::NoAuth,
            external: Vec::new(),
        }
    }
}

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// TCP.
    Net {
        /// The address or name of an interface. None: all of them.
        host: Option<String>,
        /// The port; 0 for any that is free.
        port: u16,
    },
    /// The file `socket` in the directory, which only the owner can open.
    Unix,
}

/// How whoever connects proves who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transform {
    /// With the secret handshake.
    Shs,
    /// Not at all: it counts as the owner.
    NoAuth,
}

impl Transform {
    /// The transform of this name.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "shs" => Some(Self::Shs),
            "noauth" => Some(Self::NoAuth),
            _ => None,
        }
    }

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shs => "shs",
            Self::NoAuth => "noauth",
        }
    }
}

/// How long things may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timers {
    /// A handshake (`timers.handshake`, or `timeout` if it is not 0).
    pub handshake: Duration,
    /// Silence in both directions, until the connection is closed (`timers.inactivity`). The owner's are never.
    pub inactivity: Duration,
    /// From a `gossip.ping` to the next (`timers.ping`).
    pub ping: Duration,
}

impl Timers {
    /// The shortest time between pings; what is shorter becomes this (ssb-gossip 1.1.1).
    pub const PING_MIN: Duration = Duration::from_secs(10);

    /// The longest time between pings; what is longer becomes this (ssb-gossip 1.1.1).
    pub const PING_MAX: Duration = Duration::from_secs(30 * 60);

    /// Those of a connection.
    pub(crate) const fn timeouts(&self) -> Timeouts {
        Timeouts { handshake: self.handshake, inactivity: self.inactivity }
    }
}

impl Default for Timers {
    fn default() -> Self {
        Self { handshake: HANDSHAKE_TIMEOUT, inactivity: INACTIVITY_TIMEOUT, ping: PAUSE }
    }
}

/// Which peers are dialed by the node itself, and where it learns of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gossip {
    /// Peers of the local network (`gossip.local`).
    pub local: bool,
    /// Peers that the owner follows, or who follow those (`gossip.friends`).
    pub friends: bool,
    /// Seeds (`gossip.seed`).
    pub seed: bool,
    /// All others (`gossip.global`).
    pub global: bool,
    /// Whether peers are learned from messages of type `pub` (`gossip.pub` and `gossip.autoPopulate`).
    pub populate: bool,
}

impl Default for Gossip {
    fn default() -> Self {
        Self { local: true, friends: true, seed: true, global: true, populate: true }
    }
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
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Device, Self::Local, Self::Public];

    /// The scope of this name.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "device" => Some(Self::Device),
            "local" | "private" => Some(Self::Local),
            "public" => Some(Self::Public),
            _ => None,
        }
    }

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Local => "local",
            Self::Public => "public",
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
