//! What a handshake yields.

use core::fmt;

use ssb_keys::FeedId;
use zeroize::Zeroizing;

/// The outcome of a handshake: who the peer is, and one key and nonce for each direction.
#[derive(Debug)]
pub struct Session {
    /// The peer, who has proven to own this key.
    pub peer: FeedId,
    /// For what we send.
    pub send: StreamKey,
    /// For what we receive.
    pub receive: StreamKey,
}

/// The key and the first nonce of one direction. Wiped when dropped, never printed.
pub struct StreamKey {
    pub(crate) key: Zeroizing<[u8; 32]>,
    pub(crate) nonce: [u8; 24],
}

impl StreamKey {
    /// The key.
    pub fn key(&self) -> &[u8; 32] {
        &self.key
    }

    /// The first nonce; each box takes the next.
    pub fn nonce(&self) -> &[u8; 24] {
        &self.nonce
    }
}

impl fmt::Debug for StreamKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamKey").finish_non_exhaustive()
    }
}
