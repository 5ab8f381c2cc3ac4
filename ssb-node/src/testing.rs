//! A node of a few methods for tests of clients (feature `testing`): real handshake, box stream and calls, over
//! loopback TCP or a unix socket, one thread a connection.

use std::io;
use std::io::Read;
use std::io::Write;
use std::net::TcpListener;
#[cfg(unix)]
use std::os::unix::net::UnixListener;
#[cfg(unix)]
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use ssb_gossip::peer::Peer;
use ssb_gossip::peer::PeerEvent;
use ssb_gossip::time::Now;
use ssb_gossip::time::UnixMillis;
use ssb_gossip::time::Uptime;
use ssb_keys::Keypair;
use ssb_keys::network::NetworkKey;
use ssb_muxrpc::Body;
use ssb_muxrpc::Kind;
use ssb_muxrpc::Method;
use ssb_muxrpc::Methods;
use ssb_muxrpc::RemoteError;
use ssb_muxrpc::RequestId;
use ssb_muxrpc::Role;
use ssb_muxrpc::Roles;

/// What the methods do, by position in the table that [`methods`] makes.
const METHODS: [(&str, Kind); 12] = [
    ("whoami", Kind::Sync),
    ("echo", Kind::Async),
    ("fail", Kind::Async),
    ("misuse", Kind::Async),
    ("hangup", Kind::Async),
    ("createLogStream", Kind::Source),
    ("pieces", Kind::Source),
    ("broken", Kind::Source),
    ("blobs.add", Kind::Sink),
    ("blobs.refuse", Kind::Sink),
    ("publish", Kind::Async),
    ("ebt.replicate", Kind::Duplex),
];

/// The methods: `whoami`; `echo` and `publish` answer their arguments; `fail` and `misuse` fail, the latter with a
/// usage error; `hangup` hangs up; `createLogStream` sends its arguments as an item, then two numbers; `pieces` sends
/// bytes; `broken` ends badly after one item; `blobs.add` takes items; `blobs.refuse` does not.
///
/// # Panics
///
/// Never: they form a table.
pub fn methods() -> Methods {
    let methods = METHODS.map(|(path, kind)| Method::new(path, kind));
    Methods::new(methods, Roles::of(&[Role::new(0)])).expect("the table is sound")
}

/// Starts a node with this key on this network, on a free loopback port, and returns the port. It runs as long as the
/// process.
///
/// # Errors
///
/// No port is free.
pub fn start(me: Keypair, network: NetworkKey) -> io::Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let me = me.clone();
            // A connection that fails is its client's to report.
            thread::spawn(move || {
                let seed = [7; 32];
                serve(stream, Peer::accept(&me, &network, &seed, &Arc::new(methods())), &me)
            });
        }
    });
    Ok(port)
}

/// Starts a node on a unix socket at `path`.
///
/// # Errors
///
/// The socket cannot be made.
#[cfg(unix)]
pub fn start_unix(me: Keypair, path: &Path) -> io::Result<()> {
    let listener = UnixListener::bind(path)?;
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let me = me.clone();
            let peer = Peer::local(me.id(), &Arc::new(methods()), Role::new(0));
            thread::spawn(move || serve(stream, peer, &me));
        }
    });
    Ok(())
}

enum Act {
    Admit,
    Call(RequestId, String, String),
    End(RequestId),
    Over,
}

fn serve(mut stream: impl Read + Write, mut peer: Peer, me: &Keypair) -> io::Result<()> {
    let now = Now { uptime: Uptime::new(Duration::ZERO), wall: UnixMillis(0.0) };
    let table = methods();
    loop {
        let act = match peer.poll() {
            Some(PeerEvent::Guest(_)) => Some(Act::Admit),
            Some(PeerEvent::Called { request, method, args, .. }) => {
                let path = table.get(method).into_iter().flat_map(Method::path).collect::<Vec<_>>().join(".");
                Some(Act::Call(request, path, String::from_utf8_lossy(args).into_owned()))
            }
            Some(PeerEvent::StreamEnded { request, .. }) => Some(Act::End(request)),
            Some(PeerEvent::Ended(_)) => Some(Act::Over),
            Some(_) => continue,
            None => None,
        };
        match act {
            Some(Act::Admit) => peer.admit(Role::new(0)),
            Some(Act::Call(_, path, _)) if path == "hangup" => return Ok(()),
            Some(Act::Call(request, path, args)) => act_on(&mut peer, request, &path, &args, me),
            Some(Act::End(request)) => peer.end(request),
            Some(Act::Over) => {
                let rest = peer.outgoing().to_vec();
                return stream.write_all(&rest);
            }
            None => {
                let bytes = peer.outgoing();
                if bytes.is_empty() {
                    match stream.read(peer.space())? {
                        0 => peer.hung_up(),
                        count => peer.filled(count, now),
                    }
                } else {
                    stream.write_all(bytes)?;
                    let count = bytes.len();
                    peer.wrote(count, now);
                }
            }
        }
    }
}

fn act_on(peer: &mut Peer, request: RequestId, path: &str, args: &str, me: &Keypair) {
    match path {
        "whoami" => peer.answer(request, Body::Json(&format!(r#"{{"id":"{}"}}"#, me.id()))),
        "echo" | "publish" => peer.answer(request, Body::Json(args)),
        "fail" => peer.refuse_call(request, &RemoteError::new("it failed")),
        "misuse" => peer.refuse_call(request, &RemoteError::named("UsageError", "Param 0 is required")),
        "createLogStream" => {
            for item in [args, "1", "2.50"] {
                peer.item(request, Body::Json(item));
            }
            peer.end(request);
        }
        "pieces" => {
            peer.item(request, Body::Binary(b"a piece, "));
            peer.item(request, Body::Binary(b"and another"));
            peer.end(request);
        }
        "broken" => {
            peer.item(request, Body::Json("1"));
            peer.refuse_call(request, &RemoteError::new("it broke"));
        }
        "blobs.refuse" => peer.refuse_call(request, &RemoteError::new("no room")),
        // A sink takes what comes, and is confirmed when it ends.
        _ => {}
    }
}
