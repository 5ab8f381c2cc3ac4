//! What the machine can do at best: bytes over loopback and back, by smol and nothing else.

use std::io;
use std::io::Read as _;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;

use smol::Async;
use smol::Executor;
use smol::io::AsyncReadExt as _;
use smol::io::AsyncWriteExt as _;

/// Sends back what comes, until the process is killed. As many threads run its tasks as run a node's.
///
/// # Errors
///
/// When loopback cannot be listened on.
pub(super) fn serve(ready: impl FnOnce(SocketAddr)) -> io::Result<()> {
    let executor = Arc::new(Executor::new());
    for _ in 0..(thread::available_parallelism()?.get() / 2).clamp(1, 4) {
        let executor = Arc::clone(&executor);
        thread::spawn(move || smol::block_on(executor.run(std::future::pending::<()>())));
    }
    let listener = Async::<TcpListener>::bind((Ipv4Addr::LOCALHOST, 0))?;
    ready(listener.get_ref().local_addr()?);
    smol::future::block_on(async {
        loop {
            let (stream, _) = listener.accept().await?;
            executor.spawn(echo(stream)).detach();
        }
    })
}

async fn echo(mut stream: Async<TcpStream>) -> io::Result<()> {
    stream.get_ref().set_nodelay(true)?;
    let mut buffer = [0; 16 * 1024];
    loop {
        let count = stream.read(&mut buffer).await?;
        let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else { return Ok(()) };
        stream.write_all(bytes).await?;
    }
}

/// Sends so many bytes and waits for them, `count` times.
///
/// # Errors
///
/// When the connection breaks.
pub(super) fn call(stream: &mut TcpStream, len: usize, count: usize) -> io::Result<()> {
    let mut bytes = vec![7; len];
    for _ in 0..count {
        stream.write_all(&bytes)?;
        stream.read_exact(&mut bytes)?;
    }
    Ok(())
}
