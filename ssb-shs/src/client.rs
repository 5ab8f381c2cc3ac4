//! The dialing side.
//!
//! [`ClientHandshake`] → [`AwaitHello`] → [`AwaitAccept`] → [`Session`]: each step consumes the one before it.

use core::fmt;

use ssb_keys::FeedId;
use ssb_keys::Keypair;
use ssb_keys::Signature;
use ssb_keys::ephemeral::EphemeralKeypair;
use ssb_keys::network::NetworkKey;
use ssb_keys::verify::Claim;
use ssb_keys::verify::verify;
use zeroize::Zeroizing;

use crate::HandshakeError;
use crate::Session;
use crate::transcript;
use crate::transcript::ACCEPT_LEN;
use crate::transcript::AUTH_LEN;
use crate::transcript::HELLO_LEN;
use crate::transcript::Transcript;

/// A client that has said nothing yet.
pub struct ClientHandshake {
    me: Keypair,
    network: NetworkKey,
    server: FeedId,
    ephemeral: EphemeralKeypair,
}

impl ClientHandshake {
    /// A handshake of `me` with the owner of `server`. `ephemeral` is used for this handshake only.
    pub fn new(me: &Keypair, network: &NetworkKey, server: FeedId, ephemeral: EphemeralKeypair) -> Self {
        Self { me: me.clone(), network: *network, server, ephemeral }
    }

    /// The first message, to be sent.
    pub fn hello(self) -> ([u8; HELLO_LEN], AwaitHello) {
        (transcript::hello(&self.network, &self.ephemeral.public()), AwaitHello(self))
    }
}

/// A client waiting for the second message.
pub struct AwaitHello(ClientHandshake);

impl AwaitHello {
    /// Takes the second message and makes the third, to be sent.
    ///
    /// # Errors
    ///
    /// [`HandshakeError::WrongNetwork`] or [`HandshakeError::WeakKey`]: hang up.
    pub fn server_hello(
        self,
        message: &[u8; HELLO_LEN],
    ) -> Result<([u8; AUTH_LEN], AwaitAccept), HandshakeError> {
        let ClientHandshake { me, network, server, ephemeral } = self.0;
        let theirs = transcript::read_hello(&network, message)?;
        let transcript = Transcript {
            network,
            client: ephemeral.public(),
            server: theirs,
            shared_ab: ephemeral.share(&theirs).map_err(|_| HandshakeError::WeakKey)?,
            shared_a_b_long: ephemeral.share_with_feed(&server).map_err(|_| HandshakeError::WeakKey)?,
        };
        let shared_a_long_b = me.share(&theirs).map_err(|_| HandshakeError::WeakKey)?;
        let accept_key = transcript.accept_key(&shared_a_long_b);
        let (auth, proof) = transcript.seal_auth(&me, &server);
        Ok((auth, AwaitAccept { transcript, accept_key, proof, me: me.id(), server }))
    }
}

/// A client waiting for the fourth message.
///
/// A server that does not own the dialed key, or does not want us, hangs up now instead of answering.
pub struct AwaitAccept {
    transcript: Transcript,
    accept_key: Zeroizing<[u8; 32]>,
    proof: Signature,
    me: FeedId,
    server: FeedId,
}

impl AwaitAccept {
    /// Takes the fourth message.
    ///
    /// # Errors
    ///
    /// [`HandshakeError::Unproven`]: hang up.
    pub fn server_accept(self, message: &[u8; ACCEPT_LEN]) -> Result<Session, HandshakeError> {
        let signature = transcript::open_accept(&self.accept_key, message)?;
        let statement = self.transcript.server_statement(&self.me, &self.proof);
        verify(Claim { author: self.server, signature, signed: &statement })
            .map_err(|_| HandshakeError::Unproven)?;
        Ok(self.transcript.client_session(&self.accept_key, &self.me, &self.server))
    }
}

impl fmt::Debug for ClientHandshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientHandshake").field("server", &self.server).finish_non_exhaustive()
    }
}

impl fmt::Debug for AwaitHello {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwaitHello").field("server", &self.0.server).finish_non_exhaustive()
    }
}

impl fmt::Debug for AwaitAccept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwaitAccept").field("server", &self.server).finish_non_exhaustive()
    }
}
