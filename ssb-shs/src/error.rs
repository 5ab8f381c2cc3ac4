//! Why a handshake ends early.

use thiserror::Error;

/// Why a handshake cannot go on. Whoever gets one hangs up without another byte.
///
/// None says which check failed inside a step: an attacker would learn from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The first message was not made with our network key: a peer of another network, or no peer at all.
    #[error("peer does not speak our network's handshake")]
    WrongNetwork,
    /// A key with which no secret can be shared, sent to cheat. The dialed id itself can be one, too.
    #[error("peer's key is unusable")]
    WeakKey,
    /// The peer did not prove to own the key it should own.
    #[error("peer did not prove its identity")]
    Unproven,
}
