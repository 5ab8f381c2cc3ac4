//! Sockets: bytes in, bytes out, and nothing of the protocol.

mod tcp;
mod unix;

use std::io;
use std::io::Read as _;
use std::io::Write as _;
use std::net::IpAddr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::task::Context;
use std::task::Poll;

use smol::Async;
use socket2::SockRef;

pub(crate) use self::tcp::connect;
pub(crate) use self::tcp::listen as listen_tcp;
pub(crate) use self::unix::UnixSocket;
use crate::config::Transform;

/// Where connections come in, and how they prove who they are.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) socket: ListeningSocket,
    pub(crate) transform: Transform,
}

/// A listening socket of either kind.
#[derive(Debug)]
pub(crate) enum ListeningSocket {
    Tcp(Async<TcpListener>),
    Unix(UnixSocket),
}

impl Listener {
    /// The next connection.
    pub(crate) async fn accept(&self) -> io::Result<Stream> {
        match &self.socket {
            ListeningSocket::Tcp(listener) => tcp::accept(listener).await,
            ListeningSocket::Unix(socket) => socket.accept().await,
        }
    }
}

/// A connected socket of either kind, never blocking.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(Async<TcpStream>),
    Unix(Async<UnixStream>),
}

impl Stream {
    /// From which host it came, or to which it goes.
    pub(crate) fn host(&self) -> Option<IpAddr> {
        match self {
            Self::Tcp(stream) => stream.get_ref().peer_addr().ok().map(|address| address.ip()),
            Self::Unix(_) => None,
        }
    }

    /// How many bytes may wait in this socket to be read, with what the system needs beside them, if it says so.
    pub(crate) fn buffer_len(&self) -> Option<usize> {
        let socket = match self {
            Self::Tcp(stream) => SockRef::from(stream.get_ref()),
            Self::Unix(stream) => SockRef::from(stream.get_ref()),
        };
        socket.recv_buffer_size().ok()
    }

    /// Reads what is there, or arranges to be woken when something is.
    pub(crate) fn poll_read(&self, context: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        self.poll(
            context,
            |context| match self {
                Self::Tcp(stream) => stream.poll_readable(context),
                Self::Unix(stream) => stream.poll_readable(context),
            },
            || match self {
                Self::Tcp(stream) => tcp::read(stream.get_ref(), into),
                Self::Unix(stream) => stream.get_ref().read(into),
            },
        )
    }

    /// Writes what fits, or arranges to be woken when something does.
    pub(crate) fn poll_write(&self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll(
            context,
            |context| match self {
                Self::Tcp(stream) => stream.poll_writable(context),
                Self::Unix(stream) => stream.poll_writable(context),
            },
            || match self {
                Self::Tcp(stream) => stream.get_ref().write(bytes),
                Self::Unix(stream) => stream.get_ref().write(bytes),
            },
        )
    }

    fn poll(
        &self,
        context: &mut Context<'_>,
        ready: impl Fn(&mut Context<'_>) -> Poll<io::Result<()>>,
        mut act: impl FnMut() -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            match act() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => match ready(context) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => return Poll::Pending,
                },
                done => return Poll::Ready(done),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_of_both_kinds_say_how_much_may_wait_in_them() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let tcp = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (unix, _other) = UnixStream::pair().unwrap();
        SockRef::from(&tcp).set_recv_buffer_size(64 * 1024).unwrap();

        let tcp = Stream::Tcp(Async::new(tcp).unwrap()).buffer_len().unwrap();
        let unix = Stream::Unix(Async::new(unix).unwrap()).buffer_len().unwrap();

        // Linux doubles what is set (socket(7)).
        assert!((64 * 1024..=128 * 1024).contains(&tcp), "{tcp}");
        assert!(unix > 0);
    }
}
