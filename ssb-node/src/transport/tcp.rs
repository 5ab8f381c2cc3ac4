//! TCP: packets leave at once, whole.

use std::io;
use std::io::Read as _;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::net::ToSocketAddrs as _;

use smol::Async;

use super::Stream;

/// Listens on `host` and `port`; without a host, on every address of the machine, IPv6 and IPv4.
pub(crate) fn listen(host: Option<&str>, port: u16) -> io::Result<Vec<Async<TcpListener>>> {
    let Some(host) = host else {
        // One socket for both on most systems; where IPv6 is off, IPv4 alone.
        let any = TcpListener::bind(("::", port)).or_else(|error| match error.kind() {
            io::ErrorKind::AddrInUse => Err(error),
            _ => TcpListener::bind(("0.0.0.0", port)),
        });
        return Ok(vec![Async::new(any?)?]);
    };
    let mut listeners = Vec::new();
    let mut port = port;
    let mut last_error = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for mut address in (host, port).to_socket_addrs()? {
        address.set_port(port);
        match TcpListener::bind(address) {
            Ok(listener) => {
                // A free port that was picked for the first address serves all of them.
                port = listener.local_addr()?.port();
                listeners.push(Async::new(listener)?);
            }
            // `localhost` may name an address that this machine does not have.
            Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => last_error = error,
            Err(error) => return Err(error),
        }
    }
    if listeners.is_empty() { Err(last_error) } else { Ok(listeners) }
}

/// Connects to the first of these addresses that answers.
pub(crate) async fn connect(addresses: Vec<SocketAddr>) -> io::Result<Stream> {
    let mut last_error = io::Error::from(io::ErrorKind::NotFound);
    for address in addresses {
        match Async::<TcpStream>::connect(address).await {
            Ok(stream) => return prepare(stream),
            Err(error) => last_error = error,
        }
    }
    Err(last_error)
}

/// Sends small packets at once: waiting to fill a segment costs JavaScript clients 40 ms and more a call.
fn prepare(stream: Async<TcpStream>) -> io::Result<Stream> {
    stream.get_ref().set_nodelay(true)?;
    Ok(Stream::Tcp(stream))
}

/// Accepts one connection.
pub(super) async fn accept(listener: &Async<TcpListener>) -> io::Result<Stream> {
    let (stream, _) = listener.accept().await?;
    prepare(stream)
}

/// Reads what is there, and acknowledges it at once.
///
/// JavaScript's clients write a packet in four pieces and, without `TCP_NODELAY`, hold the second back until the first
/// is acknowledged: a delayed acknowledgement costs them 40 ms a call. The system forgets the wish, so it is made anew.
pub(super) fn read(mut stream: &TcpStream, into: &mut [u8]) -> io::Result<usize> {
    let count = stream.read(into)?;
    #[cfg(target_os = "linux")]
    // What comes of it is speed only.
    let _ = std::os::linux::net::TcpStreamExt::set_quickack(stream, true);
    Ok(count)
}
