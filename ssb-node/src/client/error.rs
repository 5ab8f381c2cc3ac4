//! Why a node cannot be called.

use std::io;

use ssb_gossip::peer::PeerError;
use ssb_muxrpc::RemoteError;
use ssb_muxrpc::session;
use ssb_shs::HandshakeError;
use thiserror::Error;

/// Why there is no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The host has no address: mistyped, or no name service.
    #[error("host has no address ({0})")]
    Unresolved(io::ErrorKind),
    /// Nobody listens there: the node does not run, or at another port.
    #[error("nobody listens there ({0})")]
    Unreachable(io::ErrorKind),
    /// Connecting or the handshake took too long. Something may listen that is no node, or one that is overloaded.
    #[error("no answer in time")]
    TimedOut,
    /// Whoever listens hung up on our greeting, or greeted differently: another network key, or no node at all.
    #[error("it does not answer to this network key")]
    NoAnswer,
    /// It speaks this network's handshake but hung up on our proof, or proved badly: it has another key than asked
    /// for, or does not want us.
    #[error("it has another key than asked for, or refuses ours")]
    Rejected,
    /// The connection broke during the handshake.
    #[error("connection broke during the handshake ({0})")]
    Lost(io::ErrorKind),
}

impl From<PeerError> for ConnectError {
    fn from(error: PeerError) -> Self {
        match error {
            PeerError::HandshakeTimeout | PeerError::Silent => Self::TimedOut,
            PeerError::Rejected
            | PeerError::Handshake(HandshakeError::Unproven | HandshakeError::WeakKey) => Self::Rejected,
            _ => Self::NoAnswer,
        }
    }
}

/// Why a call has no result.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CallError {
    /// The method answered with an error.
    #[error(transparent)]
    Remote(RemoteError),
    /// The call could not be made.
    #[error(transparent)]
    Call(#[from] session::CallError),
    /// The node said goodbye before it answered.
    #[error("node closed the connection before it answered")]
    Goodbye,
    /// The connection ended badly.
    #[error("connection to the node ended: {0}")]
    Ended(#[source] PeerError),
    /// The connection broke.
    #[error("connection to the node broke ({0})")]
    Io(io::ErrorKind),
    /// What was to be sent could not be read.
    #[error("input could not be read ({0})")]
    Input(io::ErrorKind),
}
