//! The listening side.
//!
//! [`ServerHandshake`] → [`AwaitAuth`] → [`Guest`] → [`Session`]. A guest has proven who they are and
//! waits to be admitted; to refuse is to drop the guest and hang up without a byte.

use core::fmt;

use ssb_keys::FeedId;
use ssb_keys::Keypair;
use ssb_keys::Signature;
use ssb_keys::ephemeral::EphemeralKeypair;
use ssb_keys::network::NetworkKey;
use zeroize::Zeroizing;

use crate::HandshakeError;
use crate::Session;
use crate::transcript;
use crate::transcript::ACCEPT_LEN;
use crate::transcript::AUTH_LEN;
use crate::transcript::HELLO_LEN;
use crate::transcript::Transcript;

/// A server waiting for the first message.
pub struct ServerHandshake {
    me: Keypair,
    network: NetworkKey,
    ephemeral: EphemeralKeypair,
}

impl ServerHandshake {
    /// A handshake of `me` with whoever dialed. `ephemeral` is used for this handshake only.
    pub fn new(me: &Keypair, network: &NetworkKey, ephemeral: EphemeralKeypair) -> Self {
        Self { me: me.clone(), network: *network, ephemeral }
    }

    /// Takes the first message and makes the second, to be sent.
    ///
    /// # Errors
    ///
    /// [`HandshakeError::WrongNetwork`] or [`HandshakeError::WeakKey`]: hang up.
    pub fn client_hello(
        self,
        message: &[u8; HELLO_LEN],
    ) -> Result<([u8; HELLO_LEN], AwaitAuth), HandshakeError> {
        let Self { me, network, ephemeral } = self;
        let theirs = transcript::read_hello(&network, message)?;
        let reply = transcript::hello(&network, &ephemeral.public());
        let transcript = Transcript {
            network,
            client: theirs,
            server: ephemeral.public(),
            shared_ab: ephemeral.share(&theirs).map_err(|_| HandshakeError::WeakKey)?,
            shared_a_b_long: me.share(&theirs).map_err(|_| HandshakeError::WeakKey)?,
        };
        Ok((reply, AwaitAuth { me, ephemeral, transcript }))
    }
}

/// A server waiting for the third message.
pub struct AwaitAuth {
    me: Keypair,
    ephemeral: EphemeralKeypair,
    transcript: Transcript,
}

impl AwaitAuth {
    /// Takes the third message.
    ///
    /// # Errors
    ///
    /// [`HandshakeError::Unproven`] or [`HandshakeError::WeakKey`]: hang up.
    pub fn client_auth(self, message: &[u8; AUTH_LEN]) -> Result<Guest, HandshakeError> {
        let (client, proof) = self.transcript.open_auth(message, &self.me.id())?;
        // Only now: converting a key before its owner proved it would answer an attacker's question.
        let shared_a_long_b = self.ephemeral.share_with_feed(&client).map_err(|_| HandshakeError::WeakKey)?;
        let accept_key = self.transcript.accept_key(&shared_a_long_b);
        Ok(Guest { me: self.me, transcript: self.transcript, accept_key, client, proof })
    }
}

/// A client that has proven who it is, before the server has answered.
pub struct Guest {
    me: Keypair,
    transcript: Transcript,
    accept_key: Zeroizing<[u8; 32]>,
    client: FeedId,
    proof: Signature,
}

impl Guest {
    /// Who it is.
    pub fn id(&self) -> FeedId {
        self.client
    }

    /// Lets it in: the fourth message, to be sent, and the session.
    pub fn admit(self) -> ([u8; ACCEPT_LEN], Session) {
        let statement = self.transcript.server_statement(&self.client, &self.proof);
        let accept = transcript::seal_accept(&self.accept_key, &self.me.sign(&statement));
        (accept, self.transcript.server_session(&self.accept_key, &self.client, &self.me.id()))
    }
}

impl fmt::Debug for ServerHandshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerHandshake").finish_non_exhaustive()
    }
}

impl fmt::Debug for AwaitAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwaitAuth").finish_non_exhaustive()
    }
}

impl fmt::Debug for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guest").field("id", &self.client).finish_non_exhaustive()
    }
}
