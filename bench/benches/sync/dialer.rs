//! The same client for all sides: reads one feed, and shakes hands.

use std::io;
use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use bench::data::Data;
use interop::Lab;
use ssb_gossip::address::Address;
use ssb_gossip::peer::Peer;
use ssb_gossip::peer::Timeouts;
use ssb_gossip::time::Now;
use ssb_gossip::time::UnixMillis;
use ssb_gossip::time::Uptime;
use ssb_keys::Keypair;
use ssb_muxrpc::Methods;
use ssb_muxrpc::Role;
use ssb_muxrpc::Roles;

use crate::side::Running;
use crate::side::id;
use crate::side::network;

/// How often the feed is read; the first time does not count.
const READS: usize = 4;

/// How many strangers connect.
const STRANGERS: u32 = 1_000;

/// How many of them before the clock starts.
const FIRST_STRANGERS: u32 = 100;

/// Messages a second of the longest feed, by `createHistoryStream` to its end.
pub(super) fn history(server: &mut Running, data: &Data) -> io::Result<f64> {
    let (feed, _) = data.notable()?;
    let args = format!(r#"[{{"id":"{feed}","live":false}}]"#);
    let mut rates = Vec::new();
    for read in 0..READS {
        let start = Instant::now();
        let count = server.count(&["createHistoryStream"], &args)?;
        if count == 0 {
            return Err(io::Error::other("the feed is empty"));
        }
        if read > 0 {
            rates.push(f64::from(count) / start.elapsed().as_secs_f64());
        }
    }
    rates.sort_by(f64::total_cmp);
    eprintln!("history, messages a second: {rates:.0?}");
    Ok(rates.get(rates.len() / 2).copied().unwrap_or(f64::NAN))
}

/// Strangers that connect, one after the other, for a second of the server's CPU.
pub(super) fn handshakes(lab: &Lab, server: &mut Running) -> io::Result<f64> {
    for _ in 0..FIRST_STRANGERS {
        shake_hands(lab, server)?;
    }
    thread::sleep(Duration::from_millis(500));
    let (before, _) = server.usage()?;
    for _ in 0..STRANGERS {
        shake_hands(lab, server)?;
    }
    thread::sleep(Duration::from_millis(500));
    let (after, _) = server.usage()?;
    eprintln!("{STRANGERS} handshakes: {:.2} s of CPU", after - before);
    Ok(f64::from(STRANGERS) / (after - before))
}

/// Connects with a new key, and hangs up.
fn shake_hands(lab: &Lab, server: &Running) -> io::Result<()> {
    let address = Address::parse(server.node.address()).map_err(io::Error::other)?;
    let mut stream = TcpStream::connect((address.host(), address.port()))?;
    stream.set_nodelay(true)?;
    let methods = Arc::new(Methods::new([], Roles::of(&[])).map_err(io::Error::other)?);
    let entropy = Keypair::generate().to_secret();
    let (seed, _) = entropy.split_first_chunk::<32>().expect("a secret is 64 bytes");
    let (me, owner) = (Keypair::generate(), id(&server.node)?);
    let mut peer = Peer::dial(&me, &network(lab)?, owner, seed, &methods, Role::new(0));
    peer.start(Timeouts::default(), now());
    while !peer.is_open() {
        while !peer.outgoing().is_empty() {
            let count = stream.write(peer.outgoing())?;
            peer.wrote(count, now());
        }
        let count = stream.read(peer.space())?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        peer.filled(count, now());
        while peer.poll().is_some() {}
    }
    Ok(())
}

/// This client knows no time, so nothing on it ever times out.
const fn now() -> Now {
    Now { uptime: Uptime::new(Duration::ZERO), wall: UnixMillis(0.0) }
}
