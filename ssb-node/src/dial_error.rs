//! Why a dial failed, with Node's words for what the system says: its clients look for them.

use std::io;
use std::time::Duration;

use ssb_gossip::address::Address;
use ssb_gossip::peer::PeerError;
use thiserror::Error;

/// Why a dial failed.
#[derive(Debug, Error)]
pub(crate) enum DialError {
    /// The settings forbid it.
    #[error("connections.outgoing does not list this transport")]
    Forbidden,
    /// Tor comes later.
    #[error("dialing through Tor is not supported yet")]
    NoOnion,
    /// The host has no address.
    #[error("getaddrinfo ENOTFOUND {host}: {error}")]
    Unresolved {
        /// The host.
        host: String,
        #[source]
        error: io::Error,
    },
    /// Nobody answers there.
    #[error("connect {} {host}:{port}: {error}", node_s_name(error.kind()))]
    Unreachable {
        /// The host.
        host: String,
        /// The port.
        port: u16,
        #[source]
        error: io::Error,
    },
    /// It took too long.
    #[error("no connection after {} seconds", .0.as_secs())]
    TimedOut(Duration),
    /// Whoever answered is not who was dialed, or broke the protocol.
    #[error(transparent)]
    Peer(PeerError),
    /// Nobody waits for it any more.
    #[error("the node is stopping")]
    Stopping,
}

impl DialError {
    pub(crate) fn unresolved(address: &Address, error: io::Error) -> Self {
        Self::Unresolved { host: address.host().to_owned(), error }
    }

    pub(crate) fn unreachable(address: &Address, error: io::Error) -> Self {
        Self::Unreachable { host: address.host().to_owned(), port: address.port(), error }
    }
}

/// What Node calls an error of the system.
const fn node_s_name(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::ConnectionRefused => "ECONNREFUSED",
        io::ErrorKind::ConnectionReset => "ECONNRESET",
        io::ErrorKind::TimedOut => "ETIMEDOUT",
        io::ErrorKind::HostUnreachable => "EHOSTUNREACH",
        io::ErrorKind::NetworkUnreachable => "ENETUNREACH",
        io::ErrorKind::AddrNotAvailable => "EADDRNOTAVAIL",
        io::ErrorKind::PermissionDenied => "EACCES",
        _ => "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_is_told_in_node_s_words() {
        let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        let address = Address::parse(&format!("net:127.0.0.1:8008~shs:{key}")).unwrap();
        let refused = DialError::unreachable(&address, io::ErrorKind::ConnectionRefused.into());
        let unresolved = DialError::unresolved(&address, io::Error::other("no such name"));

        assert_eq!(refused.to_string(), "connect ECONNREFUSED 127.0.0.1:8008: connection refused");
        assert_eq!(unresolved.to_string(), "getaddrinfo ENOTFOUND 127.0.0.1: no such name");
    }
}
