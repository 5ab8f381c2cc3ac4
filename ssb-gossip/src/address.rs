//! Where a peer is, and which key it must prove.

use std::fmt;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::str::FromStr;

use ssb_keys::FeedId;
use ssb_keys::base64;
use ssb_msg::content::Pub;
use ssb_msg::content::PubAddress;
use ssb_msg::json;
use thiserror::Error;

use crate::multiserver;
use crate::multiserver::Protocol;

/// The address of a peer.
///
/// Text: `net:host:port~shs:key`, perhaps with `:seed` behind the key, or the older `host:port:@key.ed25519`. Of a list
/// of alternatives the first that is understood counts. Rules: multiserver-address 1.0.1 and ssb-ref 2.16.0, with these
/// differences, all stricter: a port is a decimal number from 1 to 65535, an IP address is a real one, and a key is
/// canonical base64.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    transport: Transport,
    host: String,
    port: u16,
    key: FeedId,
}

/// How to get there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transport {
    /// TCP.
    Net,
    /// Tor.
    Onion,
}

impl Address {
    /// An address over TCP.
    ///
    /// # Errors
    ///
    /// [`ParseAddressError`] if host or port make no address.
    pub fn net(host: &str, port: u16, key: FeedId) -> Result<Self, ParseAddressError> {
        Self::new(Transport::Net, host.to_owned(), &port.to_string(), key)
    }

    /// Parses either form.
    ///
    /// # Errors
    ///
    /// [`ParseAddressError`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, ParseAddressError> {
        if text.contains('~') { Self::parse_multiserver(text) } else { Self::parse_legacy(text) }
    }

    /// How to get there.
    pub const fn transport(&self) -> Transport {
        self.transport
    }

    /// A host name, or an IP address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, never 0.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The key that the peer there must prove.
    pub const fn key(&self) -> FeedId {
        self.key
    }

    /// All alternatives of a list that are addresses, in their order; those that are not are passed over.
    pub fn all(text: &str) -> Vec<Self> {
        if !text.contains('~') {
            return Self::parse_legacy(text).into_iter().collect();
        }
        let alternatives = multiserver::decode(text).unwrap_or_default();
        let understood = alternatives.iter().filter_map(|protocols| understood(protocols));
        understood.filter_map(|(transport, place, proof)| Self::of(transport, place, proof).ok()).collect()
    }

    fn parse_multiserver(text: &str) -> Result<Self, ParseAddressError> {
        let alternatives = multiserver::decode(text).ok_or(ParseAddressError::Grammar)?;
        let understood = alternatives.iter().find_map(|protocols| understood(protocols));
        let (transport, place, proof) = understood.ok_or(ParseAddressError::Protocol)?;
        Self::of(transport, place, proof)
    }

    fn of(transport: Transport, place: &Protocol, proof: &Protocol) -> Result<Self, ParseAddressError> {
        // The port is last; what stands before it is the host, whose colons, if it is IPv6, are not escaped.
        let (port, host) = place.data.split_last().ok_or(ParseAddressError::Port)?;
        let key = proof.data.first().ok_or(ParseAddressError::Key)?;
        let key = base64::decode_array(key).map_err(|_| ParseAddressError::Key)?;
        Self::new(transport, host.join(":"), port, FeedId::from_bytes(key))
    }

    fn parse_legacy(text: &str) -> Result<Self, ParseAddressError> {
        let (rest, key) = text.rsplit_once(':').ok_or(ParseAddressError::Grammar)?;
        let (host, port) = rest.rsplit_once(':').ok_or(ParseAddressError::Grammar)?;
        let key = FeedId::parse(key).map_err(|_| ParseAddressError::Key)?;
        Self::new(Transport::Net, host.to_owned(), port, key)
    }

    fn new(transport: Transport, host: String, port: &str, key: FeedId) -> Result<Self, ParseAddressError> {
        let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let port = port.parse().ok().filter(|port| digits && *port != 0).ok_or(ParseAddressError::Port)?;
        if !is_host(&host) {
            return Err(ParseAddressError::Host);
        }
        Ok(Self { transport, host, port, key })
    }
}

/// How to get there, where, and what is to be proven, if an alternative names a transport with a handshake that we speak.
fn understood(protocols: &[Protocol]) -> Option<(Transport, &Protocol, &Protocol)> {
    match protocols {
        [place, proof, ..] if proof.name.starts_with("shs") => match place.name.as_str() {
            "net" => Some((Transport::Net, place, proof)),
            "onion" => Some((Transport::Onion, place, proof)),
            _ => None,
        },
        _ => None,
    }
}

impl FromStr for Address {
    type Err = ParseAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// Where a message of type `pub` says that a peer is, if it is one and that is an address.
pub fn announced(message: &str) -> Option<Address> {
    // Most messages are none: look before parsing anything.
    if !message.contains("\"pub\"") {
        return None;
    }
    let message = json::parse(message.as_bytes()).ok()?;
    let content = message.get("content")?;
    if content.get("type")?.as_text()?.decode() != "pub" {
        return None;
    }
    match Pub::read(content)?.address {
        PubAddress::Text(text) => Address::parse(&text).ok(),
        PubAddress::Parts { host, port, key } => Address::net(&host, port, key).ok(),
    }
}

/// The multiserver form, without a seed.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let transport = match self.transport {
            Transport::Net => "net",
            Transport::Onion => "onion",
        };
        write!(f, "{transport}:{}:{}~shs:{}", self.host, self.port, base64::encode(self.key.as_bytes()))
    }
}

/// Why a text is not the address of a peer. Whoever wrote it is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseAddressError {
    /// It is neither a multiserver address nor `host:port:@key.ed25519`.
    #[error("not an address: expected net:host:port~shs:key or host:port:@key.ed25519")]
    Grammar,
    /// It names no transport with a handshake that we speak.
    #[error("address names no transport that this node can dial (net, onion) with shs")]
    Protocol,
    /// Its host is not an IP address, a domain name or localhost.
    #[error("address has no valid host")]
    Host,
    /// Its port is not a number from 1 to 65535.
    #[error("address has no valid port")]
    Port,
    /// Its key is not the canonical base64 of 32 bytes.
    #[error("address has no valid key")]
    Key,
}

fn is_host(host: &str) -> bool {
    let all_numeric = host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    host == "localhost"
        || host.parse::<Ipv4Addr>().is_ok()
        || host.parse::<Ipv6Addr>().is_ok()
        || (!all_numeric && is_domain(host))
}

// At least two labels of letters, digits, hyphens inside, and (as many names in use have them) underscores.
fn is_domain(host: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let host = host.strip_suffix('.').unwrap_or(host);
    host.len() <= 253 && host.contains('.') && host.split('.').all(label)
}
