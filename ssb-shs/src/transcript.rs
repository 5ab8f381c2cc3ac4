//! What is hashed, signed and sealed, all in one place.
//!
//! With the network key `K`, the long-term keys `A` (client) and `B` (server), the ephemeral keys `a` and `b`, and
//! SHA-256 as `H` (secret-handshake 1.1.21):
//!
//! ```text
//! 1  A → B   64   hmac(a) ‖ a
//! 2  B → A   64   hmac(b) ‖ b
//! 3  A → B  112   box[H(K ‖ a·b ‖ a·B)](        sign_A(K ‖ B ‖ H(a·b)) ‖ A )
//! 4  B → A   80   box[H(K ‖ a·b ‖ a·B ‖ A·b)](  sign_B(K ‖ sign_A ‖ A ‖ H(a·b)) )
//! ```
//!
//! Every box has the zero nonce: its key seals nothing else.

use ssb_keys::FeedId;
use ssb_keys::Keypair;
use ssb_keys::Signature;
use ssb_keys::ephemeral::EphemeralPublicKey;
use ssb_keys::ephemeral::SharedSecret;
use ssb_keys::hash::Sha256;
use ssb_keys::hash::sha256;
use ssb_keys::network::NetworkKey;
use ssb_keys::secretbox;
use ssb_keys::verify::Claim;
use ssb_keys::verify::verify;
use zeroize::Zeroizing;

use crate::HandshakeError;
use crate::Session;
use crate::StreamKey;

/// The length of the first and the second message in bytes.
pub const HELLO_LEN: usize = 64;
/// The length of the third message in bytes.
pub const AUTH_LEN: usize = 112;
/// The length of the fourth message in bytes.
pub const ACCEPT_LEN: usize = 80;

/// What both sides know after the hellos.
pub(crate) struct Transcript {
    pub(crate) network: NetworkKey,
    pub(crate) client: EphemeralPublicKey,
    pub(crate) server: EphemeralPublicKey,
    /// a·b
    pub(crate) shared_ab: SharedSecret,
    /// a·B
    pub(crate) shared_a_b_long: SharedSecret,
}

impl Transcript {
    /// The third message: the client's proof under the key that only the owner of `B` can compute.
    pub(crate) fn seal_auth(&self, me: &Keypair, server: &FeedId) -> ([u8; AUTH_LEN], Signature) {
        let signature = me.sign(&self.client_statement(server));
        let mut text = [0; AUTH_LEN - secretbox::TAG_LEN];
        let (proof, id) = text.split_at_mut(64);
        proof.copy_from_slice(signature.as_bytes());
        id.copy_from_slice(me.id().as_bytes());
        let tag = secretbox::seal(&self.auth_key(), &ZERO_NONCE, &mut text);
        (attach(&tag, &text), signature)
    }

    /// Opens the third message and checks the proof in it.
    pub(crate) fn open_auth(
        &self,
        auth: &[u8; AUTH_LEN],
        server: &FeedId,
    ) -> Result<(FeedId, Signature), HandshakeError> {
        let mut text: [u8; AUTH_LEN - secretbox::TAG_LEN] = open(&self.auth_key(), auth)?;
        let (proof, id) = text.split_first_chunk_mut::<64>().ok_or(HandshakeError::Unproven)?;
        let author = FeedId::from_bytes(*id.first_chunk().ok_or(HandshakeError::Unproven)?);
        let signature = Signature::from_bytes(*proof);
        verify(Claim { author, signature, signed: &self.client_statement(server) })
            .map_err(|_| HandshakeError::Unproven)?;
        Ok((author, signature))
    }

    /// The key of the fourth message; A·b joins the secrets.
    pub(crate) fn accept_key(&self, shared_a_long_b: &SharedSecret) -> Zeroizing<[u8; 32]> {
        let mut hash = Sha256::new();
        hash.update(self.network.as_bytes());
        hash.update(self.shared_ab.as_bytes());
        hash.update(self.shared_a_b_long.as_bytes());
        hash.update(shared_a_long_b.as_bytes());
        Zeroizing::new(hash.finish())
    }

    /// What the server signs: K ‖ sign_A ‖ A ‖ H(a·b).
    pub(crate) fn server_statement(&self, client: &FeedId, proof: &Signature) -> [u8; 160] {
        let mut statement = [0; 160];
        let parts: [&[u8]; 4] = [
            self.network.as_bytes(),
            proof.as_bytes(),
            client.as_bytes(),
            &sha256(self.shared_ab.as_bytes()),
        ];
        join(&mut statement, &parts);
        statement
    }

    /// The client's session; the server's is the same with the directions swapped.
    pub(crate) fn client_session(&self, accept_key: &[u8; 32], client: &FeedId, server: &FeedId) -> Session {
        Session {
            peer: *server,
            send: self.stream_key(accept_key, server, &self.server),
            receive: self.stream_key(accept_key, client, &self.client),
        }
    }

    /// The server's session.
    pub(crate) fn server_session(&self, accept_key: &[u8; 32], client: &FeedId, server: &FeedId) -> Session {
        let Session { send, receive, .. } = self.client_session(accept_key, client, server);
        Session { peer: *client, send: receive, receive: send }
    }

    // H(H(accept key) ‖ receiver), starting at the nonce that the receiver's own hello proved.
    fn stream_key(
        &self,
        accept_key: &[u8; 32],
        receiver: &FeedId,
        ephemeral: &EphemeralPublicKey,
    ) -> StreamKey {
        let mut hash = Sha256::new();
        hash.update(Zeroizing::new(sha256(accept_key)).as_slice());
        hash.update(receiver.as_bytes());
        let mac = self.network.authenticate(ephemeral.as_bytes());
        let nonce = *mac.first_chunk().expect("a MAC has 32 bytes");
        StreamKey { key: Zeroizing::new(hash.finish()), nonce }
    }

    // H(K ‖ a·b ‖ a·B)
    fn auth_key(&self) -> Zeroizing<[u8; 32]> {
        let mut hash = Sha256::new();
        hash.update(self.network.as_bytes());
        hash.update(self.shared_ab.as_bytes());
        hash.update(self.shared_a_b_long.as_bytes());
        Zeroizing::new(hash.finish())
    }

    // K ‖ B ‖ H(a·b)
    fn client_statement(&self, server: &FeedId) -> [u8; 96] {
        let mut statement = [0; 96];
        join(
            &mut statement,
            &[self.network.as_bytes(), server.as_bytes(), &sha256(self.shared_ab.as_bytes())],
        );
        statement
    }
}

/// A hello: the MAC of an ephemeral key under the network key, and the key.
pub(crate) fn hello(network: &NetworkKey, key: &EphemeralPublicKey) -> [u8; HELLO_LEN] {
    let mut message = [0; HELLO_LEN];
    join(&mut message, &[&network.authenticate(key.as_bytes()), key.as_bytes()]);
    message
}

/// The ephemeral key of a hello of our network.
pub(crate) fn read_hello(
    network: &NetworkKey,
    message: &[u8; HELLO_LEN],
) -> Result<EphemeralPublicKey, HandshakeError> {
    let (mac, key) = message.split_first_chunk::<32>().ok_or(HandshakeError::WrongNetwork)?;
    let key = key.first_chunk().ok_or(HandshakeError::WrongNetwork)?;
    if network.check(key, mac) {
        Ok(EphemeralPublicKey::from_bytes(*key))
    } else {
        Err(HandshakeError::WrongNetwork)
    }
}

/// The fourth message, sealed.
pub(crate) fn seal_accept(key: &[u8; 32], proof: &Signature) -> [u8; ACCEPT_LEN] {
    let mut text = *proof.as_bytes();
    let tag = secretbox::seal(key, &ZERO_NONCE, &mut text);
    attach(&tag, &text)
}

/// The signature in the fourth message.
pub(crate) fn open_accept(key: &[u8; 32], accept: &[u8; ACCEPT_LEN]) -> Result<Signature, HandshakeError> {
    open(key, accept).map(Signature::from_bytes)
}

fn open<const N: usize, const M: usize>(key: &[u8; 32], boxed: &[u8; N]) -> Result<[u8; M], HandshakeError> {
    let (tag, sealed) = boxed.split_first_chunk().ok_or(HandshakeError::Unproven)?;
    let mut text = *sealed.first_chunk().ok_or(HandshakeError::Unproven)?;
    secretbox::open(key, &ZERO_NONCE, &mut text, tag).map_err(|_| HandshakeError::Unproven)?;
    Ok(text)
}

fn attach<const N: usize>(tag: &[u8; secretbox::TAG_LEN], text: &[u8]) -> [u8; N] {
    let mut boxed = [0; N];
    join(&mut boxed, &[tag, text]);
    boxed
}

fn join(out: &mut [u8], parts: &[&[u8]]) {
    let bytes = parts.iter().flat_map(|part| part.iter());
    debug_assert_eq!(parts.iter().map(|part| part.len()).sum::<usize>(), out.len());
    out.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
}

const ZERO_NONCE: [u8; 24] = [0; 24];
