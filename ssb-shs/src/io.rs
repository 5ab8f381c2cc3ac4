//! Drives a handshake over any futures-io stream.
//!
//! There is no clock here: wrap a call in your runtime's timeout, or a silent peer keeps it waiting for ever. A future
//! that is dropped leaves the stream in the middle of a handshake; close it.

use futures_io::AsyncRead;
use futures_io::AsyncWrite;
use futures_lite::AsyncReadExt as _;
use futures_lite::AsyncWriteExt as _;
use ssb_keys::FeedId;
use ssb_keys::Keypair;
use ssb_keys::ephemeral::EphemeralKeypair;
use ssb_keys::network::NetworkKey;
use thiserror::Error;

use crate::ClientHandshake;
use crate::HandshakeError;
use crate::ServerHandshake;
use crate::Session;
use crate::server;
use crate::transcript::ACCEPT_LEN;
use crate::transcript::AUTH_LEN;
use crate::transcript::HELLO_LEN;

/// Shakes hands as the client, with the owner of `server`. `seed` is 32 fresh random bytes.
///
/// # Errors
///
/// [`IoError`]: close the stream. A server that hangs up on our proof does not own the dialed key, or does not want
/// us: [`IoError::HungUp`].
pub async fn connect<S>(
    stream: &mut S,
    me: &Keypair,
    network: &NetworkKey,
    server: FeedId,
    seed: &[u8; 32],
) -> Result<Session, IoError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (hello, client) =
        ClientHandshake::new(me, network, server, EphemeralKeypair::from_seed(seed)).hello();
    send(stream, &hello).await?;
    let (auth, client) = client.server_hello(&receive::<HELLO_LEN, _>(stream).await?)?;
    send(stream, &auth).await?;
    Ok(client.server_accept(&receive::<ACCEPT_LEN, _>(stream).await?)?)
}

/// Shakes hands as the server, up to the point where the client has proven who it is. `seed` is 32 fresh random bytes.
///
/// # Errors
///
/// [`IoError`]: close the stream.
pub async fn accept<S>(
    mut stream: S,
    me: &Keypair,
    network: &NetworkKey,
    seed: &[u8; 32],
) -> Result<Guest<S>, IoError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let server = ServerHandshake::new(me, network, EphemeralKeypair::from_seed(seed));
    let (hello, server) = server.client_hello(&receive::<HELLO_LEN, _>(&mut stream).await?)?;
    send(&mut stream, &hello).await?;
    let guest = server.client_auth(&receive::<AUTH_LEN, _>(&mut stream).await?)?;
    Ok(Guest { guest, stream })
}

/// A client that has proven who it is. Drop it to refuse it.
#[derive(Debug)]
pub struct Guest<S> {
    guest: server::Guest,
    stream: S,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Guest<S> {
    /// Who it is.
    pub fn id(&self) -> FeedId {
        self.guest.id()
    }

    /// Lets it in.
    ///
    /// # Errors
    ///
    /// [`IoError::Io`] if the stream fails.
    pub async fn admit(mut self) -> Result<(S, Session), IoError> {
        let (accept, session) = self.guest.admit();
        send(&mut self.stream, &accept).await?;
        Ok((self.stream, session))
    }
}

/// Why a handshake over a stream failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IoError {
    /// The peer sent something wrong.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// The peer hung up in the middle.
    #[error("peer hung up during the handshake")]
    HungUp,
    /// The stream failed.
    #[error("stream failed during the handshake")]
    Io(#[source] std::io::Error),
}

async fn send<S: AsyncWrite + Unpin>(stream: &mut S, message: &[u8]) -> Result<(), IoError> {
    stream.write_all(message).await.map_err(IoError::Io)?;
    stream.flush().await.map_err(IoError::Io)
}

async fn receive<const N: usize, S: AsyncRead + Unpin>(stream: &mut S) -> Result<[u8; N], IoError> {
    let mut message = [0; N];
    stream.read_exact(&mut message).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => IoError::HungUp,
        _ => IoError::Io(error),
    })?;
    Ok(message)
}
