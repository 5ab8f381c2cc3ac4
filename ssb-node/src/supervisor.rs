//! Starts everything, and is the only one that spawns: listeners, dialed connections, and the tasks of peers.
//!
//! Nobody waits for the supervisor but callers of `gossip.connect`, and it waits only for sockets.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::net::ToSocketAddrs as _;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use smol::Executor;
use smol::Timer;
use smol::channel::Receiver;
use smol::channel::Sender;
use smol::future::FutureExt as _;
use ssb_gossip::address::Address;
use ssb_gossip::address::Transport;
use ssb_gossip::event::ConnectionId;
use ssb_gossip::event::Side;
use ssb_gossip::peer::Peer;

use crate::core_task::ToCore;
use crate::peer_task;
use crate::peer_task::Letter;
use crate::peer_task::PeerTask;
use crate::permission::ANONYMOUS;
use crate::permission::OWNER;
use crate::shared::Shared;
use crate::transport::Accepted;
use crate::transport::Listener;
use crate::transport::Stream;

/// How long a dial may take until the connection stands.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);

/// The most connections at once: each may cost some 100 KiB when it is busy.
pub(crate) const CONNECTIONS_MAX: usize = 512;

/// How long peers have for their goodbyes when the node stops.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(2);

/// A dial to be made, and who waits for its outcome.
#[derive(Debug)]
pub(crate) struct DialRequest {
    pub(crate) address: Address,
    pub(crate) answer: Sender<Result<(), String>>,
}

/// Spawns and keeps count.
pub(crate) struct Supervisor {
    shared: Arc<Shared>,
    executor: Arc<Executor<'static>>,
    core: Sender<ToCore>,
    next_connection: AtomicU64,
    open: Arc<AtomicUsize>,
    mailboxes: Mutex<Vec<peer_task::Mailbox>>,
}

impl Supervisor {
    pub(crate) fn new(shared: Arc<Shared>, executor: Arc<Executor<'static>>, core: Sender<ToCore>) -> Self {
        Self {
            shared,
            executor,
            core,
            next_connection: AtomicU64::new(0),
            open: Arc::new(AtomicUsize::new(0)),
            mailboxes: Mutex::new(Vec::new()),
        }
    }

    /// Accepts connections until the future is dropped.
    pub(crate) async fn listen(&self, listener: &Listener) {
        loop {
            match listener.accept().await {
                Ok(Accepted { stream, from }) => self.accepted(stream, &from),
                // Out of files, most likely: breathe, and the connections that close meanwhile make room.
                Err(error) => {
                    self.shared.logger.warning(&format!("a connection could not be accepted: {error}"));
                    Timer::after(Duration::from_millis(100)).await;
                }
            }
        }
    }

    /// Makes the dials that the core allowed, until the future is dropped.
    pub(crate) async fn dial(self: &Arc<Self>, requests: &Receiver<DialRequest>) {
        while let Ok(request) = requests.recv().await {
            let this = Arc::clone(self);
            self.executor.spawn(async move { this.dial_one(request).await }).detach_within(&self.open);
        }
    }

    /// Asks all peers to part, and waits for them a little.
    pub(crate) async fn part(&self) {
        for mailbox in self.mailboxes.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            mailbox.send(Letter::Close);
        }
        let gone = async {
            while self.open.load(Ordering::Acquire) > 0 {
                Timer::after(Duration::from_millis(5)).await;
            }
        };
        gone.or(async {
            Timer::after(GOODBYE_TIMEOUT).await;
        })
        .await;
    }
}
