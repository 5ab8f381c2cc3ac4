//! Starts connections and keeps count: the listeners' and the dialed ones. Nobody else spawns.
//!
//! Callers of `gossip.connect` wait for a dial, and a dial waits for sockets and for the look-up of a name.

use std::fmt;
use std::net::SocketAddr;
use std::net::ToSocketAddrs as _;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::panic::resume_unwind;
use std::process;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use smol::Executor;
use smol::Timer;
use smol::channel::Receiver;
use smol::channel::Sender;
use smol::channel::bounded;
use smol::future::FutureExt as _;
use ssb_gossip::address::Address;
use ssb_gossip::address::Transport;
use ssb_gossip::connection::ConnectionId;
use ssb_gossip::connection::Side;
use ssb_gossip::event::Input;
use ssb_gossip::event::Letter;
use ssb_gossip::peer::Peer;
use ssb_gossip::peer::PeerError;
use ssb_keys::FeedId;
use ssb_muxrpc::RemoteError;

use crate::config::LogLevel;
use crate::config::Transform;
use crate::core_task::Answer;
use crate::core_task::ToCore;
use crate::dial_error::DialError;
use crate::doorway::Doorway;
use crate::doorway::Stranger;
use crate::logging;
use crate::logging::Entry;
use crate::logging::Logger;
use crate::mailbox::Mailbox;
use crate::peer_task::PeerTask;
use crate::permission::ANONYMOUS;
use crate::permission::OWNER;
use crate::shared::Shared;
use crate::tasks::TaskGroup;
use crate::transport::Listener;
use crate::transport::Stream;
use crate::transport::connect;

/// The most connections at once. A busy one costs some 100 KiB, an idle one a few KiB and a file.
pub(crate) const CONNECTIONS_MAX: usize = 512;

/// How long a dial may take until the connection stands.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);

/// How long peers have for their goodbyes when the node stops.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(2);

/// How long to wait after a failed accept: most likely the process is out of files, and some will close.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A dial that the core wants, and who waits for its outcome, if anybody.
#[derive(Debug)]
pub(crate) struct DialRequest {
    pub(crate) address: Address,
    pub(crate) answer: Option<Answer>,
}

/// Makes the tasks of connections.
pub(crate) struct Supervisor {
    shared: Arc<Shared>,
    core: Sender<ToCore>,
    tasks: TaskGroup,
    connections: AtomicU64,
    mailboxes: Mutex<Vec<Mailbox<Letter>>>,
    doorway: Mutex<Doorway>,
}

impl Supervisor {
    pub(crate) fn new(
        shared: Arc<Shared>,
        executor: Arc<Executor<'static>>,
        core: Sender<ToCore>,
    ) -> Arc<Self> {
        let tasks = TaskGroup::new(executor, shared.logger.clone());
        let (connections, mailboxes, doorway) = (AtomicU64::new(0), Mutex::default(), Mutex::default());
        Arc::new(Self { shared, core, tasks, connections, mailboxes, doorway })
    }

    /// Accepts connections until the future is dropped.
    pub(crate) async fn listen(&self, listener: &Listener) {
        loop {
            match listener.accept().await {
                // The stranger sees a closed connection, and those who are here notice nothing.
                Ok(_) if self.tasks.len() >= CONNECTIONS_MAX => {
                    self.shared.logger.warning("a connection was refused, as there are too many");
                }
                Ok(socket) => self.accepted(socket, listener.transform),
                Err(error) => {
                    let entry = Entry::new(LogLevel::Warning, "a connection could not be accepted");
                    self.shared.logger.say(&entry.reason(error));
                    Timer::after(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Makes dials until the future is dropped.
    pub(crate) async fn dial(self: &Arc<Self>, requests: &Receiver<DialRequest>) {
        while let Ok(DialRequest { address, answer }) = requests.recv().await {
            let this = Arc::clone(self);
            self.tasks.spawn("a dial", async move {
                let peer = address.key();
                let result = match this.dial_one(&address).await {
                    Ok(()) => Ok(format!("{{\"id\":\"{peer}\",\"address\":\"{address}\"}}")),
                    Err(error) => {
                        let error = format!("could not connect to {address}: {error}");
                        // The core is gone only when the node stops.
                        let input = Input::DialFailed { peer, error: error.clone() };
                        let _ = this.core.send(ToCore::Event(input)).await;
                        Err(RemoteError::new(error))
                    }
                };
                match answer {
                    // The caller may be gone.
                    Some(answer) => drop(answer.try_send(result)),
                    None => this.say_undialed(peer, result.err()),
                }
            });
        }
    }

    /// Says now and then what was held back of the log, until the future is dropped.
    pub(crate) async fn log(&self) {
        loop {
            Timer::after(logging::TICK).await;
            self.shared.logger.tick();
        }
    }

    /// Asks all peers to part, and gives them a little time for it.
    pub(crate) async fn part(&self) {
        for mailbox in self.mailboxes.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            mailbox.send(Letter::Close);
        }
        let parted = async {
            while self.tasks.len() > 0 {
                Timer::after(Duration::from_millis(2)).await;
            }
        };
        let late = async {
            Timer::after(GOODBYE_TIMEOUT).await;
        };
        parted.or(late).await;
        // A dial that is still under way holds us; nothing may outlive the executor.
        self.tasks.end().await;
    }

    fn accepted(&self, socket: Stream, transform: Transform) {
        let Shared { me, network, methods, .. } = &*self.shared;
        match transform {
            Transform::Shs => {
                let peer = Peer::accept(me, network, &seed(), methods);
                let (opening, opened) = bounded(1);
                let host = socket.host();
                let mailbox = self.spawn(Side::Accepted, socket, peer, Some(opening));
                let mut doorway = self.doorway.lock().unwrap_or_else(PoisonError::into_inner);
                doorway.enter(Stranger { mailbox, host, opened });
            }
            Transform::NoAuth => {
                self.spawn(Side::Local, socket, Peer::local(me.id(), methods, OWNER), None);
            }
        }
    }

    // Nobody else hears of a dial that nobody asked for.
    fn say_undialed(&self, peer: FeedId, error: Option<RemoteError>) {
        if let Some(error) = error {
            let entry = Entry::new(LogLevel::Info, "peer could not be dialed").peer(Some(peer));
            self.shared.logger.say(&entry.reason(error.message()));
        }
    }

    async fn dial_one(&self, address: &Address) -> Result<(), DialError> {
        if !self.shared.outgoing.contains(&address.transport()) {
            return Err(DialError::Forbidden);
        }
        if address.transport() == Transport::Onion {
            return Err(DialError::NoOnion);
        }
        let (host, port) = (address.host().to_owned(), address.port());
        let looked_up = self
            .shared
            .names
            .run(move || (host.as_str(), port).to_socket_addrs().map(Iterator::collect::<Vec<SocketAddr>>));
        let connected = async {
            let addresses = looked_up.await.ok_or(DialError::Stopping)?;
            let addresses = addresses.map_err(|error| DialError::unresolved(address, error))?;
            connect(addresses).await.map_err(|error| DialError::unreachable(address, error))
        };
        let late = async {
            Timer::after(DIAL_TIMEOUT).await;
            Err(DialError::TimedOut(DIAL_TIMEOUT))
        };
        let socket = connected.or(late).await?;
        let Shared { me, network, methods, .. } = &*self.shared;
        // Whoever we dial may call what strangers may, whatever its key (secret-stack 6.4.2).
        let peer = Peer::dial(me, network, address.key(), &seed(), methods, ANONYMOUS);
        let (opened, open) = bounded(1);
        self.spawn(Side::Dialed, socket, peer, Some(opened));
        open.recv().await.map_err(|_| DialError::Stopping)?.map_err(DialError::Peer)
    }

    /// Returns where letters for the connection go.
    fn spawn(
        &self,
        side: Side,
        socket: Stream,
        peer: Peer,
        opened: Option<Sender<Result<(), PeerError>>>,
    ) -> Mailbox<Letter> {
        let connection = ConnectionId(self.connections.fetch_add(1, Ordering::Relaxed));
        let task = PeerTask::new(&self.shared, connection, side, socket, peer, self.core.clone(), opened);
        let mut mailboxes = self.mailboxes.lock().unwrap_or_else(PoisonError::into_inner);
        mailboxes.retain(|mailbox| !mailbox.is_closed());
        let mailbox = task.mailbox();
        mailboxes.push(mailbox.clone());
        drop(mailboxes);
        let core = self.core.clone();
        self.tasks.spawn("a connection", async move {
            let ran = AssertUnwindSafe(task.run()).catch_unwind().await;
            // However it ended: the core forgets what is gone. It is gone itself only when the node stops.
            let _ = core.send(ToCore::Event(Input::Closed { connection })).await;
            if let Err(panic) = ran {
                resume_unwind(panic);
            }
        });
        mailbox
    }
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervisor").field("tasks", &self.tasks).finish_non_exhaustive()
    }
}

/// Runs what the node cannot do without: if it panics, the process ends.
pub(crate) fn or_abort(name: &str, work: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(work)).is_err() {
        let entry =
            Entry::new(LogLevel::Error, "a panic that the node cannot go on after: a bug, please report it");
        Logger::new(LogLevel::Error).say(&entry.reason(name));
        process::exit(70);
    }
}

/// 32 fresh random bytes.
fn seed() -> [u8; 32] {
    ssb_keys::entropy::bytes()
}
