//! The two sockets a node can be reached on, blocking.

use std::io;
use std::io::Read as _;
use std::io::Write as _;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::net::ToSocketAddrs as _;
#[cfg(unix)]
use std::os::unix::net::UnixStream;
#[cfg(unix)]
use std::path::Path;
use std::time::Duration;
use std::time::Instant;

use super::ConnectError;
use super::Patience;

pub(super) enum Socket {
    Net(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Socket {
    /// Tries one address after the other. The error is that of the last one.
    pub(super) fn connect_net(host: &str, port: u16, deadline: Instant) -> Result<Self, ConnectError> {
        let mut error = ConnectError::Unresolved(io::ErrorKind::NotFound);
        for address in addresses(host, port)? {
            match TcpStream::connect_timeout(&address, time_left(deadline)) {
                Ok(stream) => {
                    // Calls are small and wait for answers: collecting bytes would only delay them.
                    stream.set_nodelay(true).map_err(|error| ConnectError::Lost(error.kind()))?;
                    return Ok(Self::Net(stream));
                }
                Err(refused) if refused.kind() == io::ErrorKind::TimedOut => error = ConnectError::TimedOut,
                Err(refused) => error = ConnectError::Unreachable(refused.kind()),
            }
        }
        Err(error)
    }

    #[cfg(unix)]
    pub(super) fn connect_unix(path: &Path) -> Result<Self, ConnectError> {
        UnixStream::connect(path).map(Self::Unix).map_err(|error| ConnectError::Unreachable(error.kind()))
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Net(stream) => stream.write(bytes),
            #[cfg(unix)]
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    /// `None` if nothing came in the time there was.
    pub(super) fn read(&mut self, space: &mut [u8], patience: Patience) -> io::Result<Option<usize>> {
        match patience {
            Patience::None => {
                self.set_nonblocking(true)?;
                let read = self.read_some(space);
                self.set_nonblocking(false)?;
                read
            }
            Patience::Until(deadline) => {
                self.set_read_timeout(Some(time_left(deadline)))?;
                let read = self.read_some(space);
                self.set_read_timeout(None)?;
                read
            }
            Patience::Endless => self.read_some(space),
        }
    }

    fn read_some(&mut self, space: &mut [u8]) -> io::Result<Option<usize>> {
        use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
        let read = match self {
            Self::Net(stream) => stream.read(space),
            #[cfg(unix)]
            Self::Unix(stream) => stream.read(space),
        };
        match read {
            Ok(count) => Ok(Some(count)),
            Err(error) if matches!(error.kind(), Interrupted | TimedOut | WouldBlock) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        match self {
            Self::Net(stream) => stream.set_nonblocking(nonblocking),
            #[cfg(unix)]
            Self::Unix(stream) => stream.set_nonblocking(nonblocking),
        }
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        match self {
            Self::Net(stream) => stream.set_read_timeout(timeout),
            #[cfg(unix)]
            Self::Unix(stream) => stream.set_read_timeout(timeout),
        }
    }
}

/// Both loopbacks for `localhost`, whatever the resolver thinks: a node may listen on either alone.
fn addresses(host: &str, port: u16) -> Result<Vec<SocketAddr>, ConnectError> {
    if host == "localhost" {
        let loopbacks = [IpAddr::from(Ipv6Addr::LOCALHOST), IpAddr::from(Ipv4Addr::LOCALHOST)];
        return Ok(loopbacks.map(|ip| SocketAddr::new(ip, port)).to_vec());
    }
    let resolved = (host, port).to_socket_addrs().map_err(|error| ConnectError::Unresolved(error.kind()))?;
    Ok(resolved.collect())
}

/// At least a millisecond: zero would mean for ever.
fn time_left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
}
