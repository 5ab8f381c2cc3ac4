//! A node from start to stop.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::thread::JoinHandle;

use async_signal::Signal;
use async_signal::Signals;
use smol::Executor;
use smol::channel::Receiver;
use smol::channel::bounded;
use smol::future::FutureExt as _;
use smol::future::block_on;
use smol::stream::StreamExt as _;
use ssb_blobs::quota::Policy;
use ssb_gossip::core::Core;
use ssb_gossip::core::Start;
use ssb_gossip::firewall::Firewall;
use ssb_gossip::lan::Lan as Neighbours;
use ssb_gossip::retention::Retention;
use ssb_gossip::scheduler::Dialing;
use ssb_keys::FeedId;
use ssb_keys::Keypair;
use ssb_keys::base64;
use ssb_keys::published_mark::MarkError;
use ssb_keys::published_mark::Origin;
use ssb_keys::published_mark::PublishedMark;
use ssb_keys::secret_file;
use ssb_keys::secret_file::LoadError;
use ssb_log::Disk;
use ssb_log::Opener;
use ssb_log::Store;
use ssb_log::recover;
use ssb_log::store;
use ssb_msg::Signing;
use ssb_msg::json;
use thiserror::Error;

use crate::addresses::Addresses;
use crate::addresses::TcpPlace;
use crate::blobs::Blobs;
use crate::blobs::Habit;
use crate::blobs::Setup;
use crate::blobs::cleaning::Cleaner;
use crate::blobs::cleaning::ORPHAN_AGE;
use crate::blobs::pushes;
use crate::clock::Clock;
use crate::config;
use crate::config::Config;
use crate::config::Gossip;
use crate::config::HttpPort;
use crate::config::Listen;
use crate::config::Place;
use crate::config::Scope;
use crate::config::Transform;
use crate::core_task::CoreTask;
use crate::core_task::GROUPS_LEN;
use crate::core_task::INBOX_LEN;
use crate::core_task::Outlets;
use crate::core_task::RESULTS_LEN;
use crate::http::Http;
use crate::http::answer::Rules;
use crate::index_thread;
use crate::index_thread::REBUILDS_LEN;
use crate::keyring::Keyring;
use crate::lan;
use crate::lan::Lan;
use crate::log_inbox::LogInbox;
use crate::log_thread::LogThread;
use crate::log_thread::survey;
use crate::log_thread::survey::Survey;
use crate::logging::Logger;
use crate::peers_file;
use crate::permission;
use crate::pool::Pool;
use crate::shared::Shared;
use crate::supervisor::CONNECTIONS_MAX;
use crate::supervisor::Supervisor;
use crate::supervisor::or_abort;
use crate::transport::Listener;
use crate::transport::ListeningSocket;
use crate::transport::UnixSocket;
use crate::transport::listen_tcp;
use crate::verifiers;

/// The most worker threads: more gain nothing that the verifiers would not lose.
const WORKERS_MAX: usize = 4;

/// How many threads run the tasks: those that wait for sockets take turns, and each that waits may have to wake another
/// before anything happens. With one on two cores a call takes 10 µs less than with two.
const fn workers(cores: usize) -> usize {
    match cores / 2 {
        0 => 1,
        half if half > WORKERS_MAX => WORKERS_MAX,
        half => half,
    }
}

/// How many threads read the log.
const READERS: usize = 2;

/// How many threads look up names.
const RESOLVERS: usize = 2;

/// What a node that is listening says of itself.
#[derive(Clone, Debug)]
pub struct Ready {
    /// Who it is.
    pub id: FeedId,
    /// Where it listens, as multiserver addresses.
    pub addresses: Vec<String>,
    /// Where blobs are served over HTTP, an address to put ids behind; if anywhere.
    pub blobs: Option<String>,
    /// What its owner should know: an identity that was created, a log that was repaired, publishing that is locked.
    pub notices: Vec<String>,
}

fn signing(config: &Config) -> Signing {
    config.signing.map_or_else(Signing::plain, Signing::keyed)
}

fn dialing(gossip: Gossip) -> Dialing {
    let Gossip { local, friends, seed: seeds, global, populate: pubs } = gossip;
    Dialing { seeds, local, friends, global, pubs, chance: u64::from_le_bytes(ssb_keys::entropy::bytes()) }
}

/// Runs a node until SIGINT or SIGTERM. Calls `ready` once it listens. A second signal ends the process at once, which
/// loses nothing that was acknowledged.
///
/// # Errors
///
/// [`StartError`]: the node did not start, and left everything as it was; or, for [`StartError::Poisoned`], it ran until
/// it was stopped and could not write any more at the end.
pub fn run(config: &Config, ready: impl FnOnce(&Ready)) -> Result<(), StartError> {
    let logger = Logger::new(config.log_level);
    let mut home = Home::open(config)?;
    let Listening { listeners, shown, addresses, reach } = listen(config, home.me.id(), &mut home.notices)?;
    let web = listen_http(&config.http)?;
    write_manifest(&config.path)?;

    let clock = Clock::start();
    let Survey { held, contacts } = survey::survey(&home.store).map_err(StartError::Read)?;
    let seeds = if config.offline { Vec::new() } else { config.seeds.clone() };
    let (me, mark, banned) = (home.me.id(), home.mark, home.store.reader().banned());
    let forks = home.store.reader().forks().into_iter().map(|fork| (fork.feed, fork.sequence)).collect();
    // What is not kept is not asked for, either.
    let hops = config.retention.hops.map_or(config.hops, |kept| kept.min(config.hops));
    let keeps_all = config.retention.policy().is_idle();
    let blob_policy = Policy { quota: config.blobs.quota, orphans: (!keeps_all).then_some(ORPHAN_AGE) };
    let is_idle = keeps_all && blob_policy.is_idle();
    let retention = if is_idle { Retention::Everything } else { Retention::Policy };
    let (stored, about_peers) = peers_file::load(&config.path);
    let (pushes, about_pushes) = pushes::load(&config.path);
    let dialing = (!config.offline).then(|| dialing(config.gossip));
    let learns = dialing.is_some_and(|dialing| dialing.pubs);
    let pubs = if learns { survey::pubs(&home.store).map_err(StartError::Read)? } else { Vec::new() };
    let neighbours = if lan::is_on(config, &reach) { Neighbours::On } else { Neighbours::Off };
    let firewall = Firewall::new(config.admission, config.master.clone());
    let start = Start {
        me,
        signing: signing(config),
        hops,
        blocks: config.blocks,
        mark,
        held,
        contacts,
        seeds,
        stored,
        pubs,
        banned,
        forks,
        retention,
        dialing,
        lan: neighbours,
        firewall,
        blobs: config.blobs.policy(),
        pushes: pushes.iter().copied().collect(),
    };
    let core = Core::new(start);
    let mut notices = home.notices;
    notices.extend(about_peers);
    notices.extend(about_pushes);
    notices.extend(core.recovery().check().err().map(|locked| locked.to_string()));
    let announcement = Ready { id: home.me.id(), addresses: shown, blobs: blobs_at(&web), notices };

    let thread_error = StartError::Thread;
    let (reads, readers) = Pool::start("ssb-read", READERS).map_err(thread_error)?;
    let (inbox, inbox_out) = bounded(INBOX_LEN);
    let habit = if config.blobs.stingy { Habit::Stingy } else { Habit::Open };
    let setup = Setup { quota: config.blobs.quota, habit, pushes, core: Some(inbox.clone()) };
    let blobs = Blobs::start(&config.path, setup, &clock);
    let (blobs, blob_threads) =
        blobs.map_err(|error| StartError::Directory { path: config.path.join("blobs"), error })?;
    // A look-up can take minutes, and nothing is lost with it: nobody waits for these threads in the end.
    let (names, _) = Pool::start("ssb-name", RESOLVERS).map_err(thread_error)?;
    let (rebuilds, rebuilds_out) = bounded(REBUILDS_LEN);
    let shared = Arc::new(Shared {
        me: home.me.clone(),
        network: config.network,
        owners: [home.me.id()].into_iter().chain(config.master.iter().copied()).collect(),
        outgoing: config.outgoing.clone(),
        addresses,
        timeouts: config.timers.timeouts(),
        ping_pause: config.timers.ping,
        ooo: config.ooo,
        methods: permission::methods(),
        reader: home.store.reader(),
        private: home.store.private_reader(),
        reads,
        blobs,
        names,
        rebuilds: rebuilds.clone(),
        clock: clock.clone(),
        logger: logger.clone(),
    });
    let signing = signing(config);
    let log = Arc::new(LogInbox::default());
    let (results, results_out) = bounded(RESULTS_LEN);
    let (groups, groups_out) = bounded(GROUPS_LEN);
    let (dials, dials_out) = bounded(CONNECTIONS_MAX);

    let (indexer, reader) = (home.store.indexer(), home.store.private_reader());
    let indexing = index_thread::start(indexer, reader, Arc::clone(&log), rebuilds_out, logger.clone())
        .map_err(thread_error)?;
    let log_thread = LogThread {
        store: home.store,
        opener: home.opener,
        keyring: home.keyring,
        me: home.me,
        signing,
        home: config.path.clone(),
        mark: home.mark,
        clock: clock.clone(),
        results,
        logger: logger.clone(),
        awaited: BTreeMap::new(),
        retention: config.retention.clone(),
        healthy: true,
    };
    let log_thread = log_thread.start(Arc::clone(&log)).map_err(thread_error)?;
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let verifiers = verifiers::start(cores, &groups_out, signing, &log).map_err(thread_error)?;
    let executor = Arc::new(Executor::new());
    let (stop_workers, stopped) = bounded::<()>(1);
    let workers = start_workers(workers(cores), &executor, &stopped).map_err(thread_error)?;
    let (tables, tables_out) = bounded(1);
    let (home_of_peers, logger_of_peers) = (config.path.clone(), logger.clone());
    let keeper = thread::Builder::new()
        .name("ssb-state".to_owned())
        .spawn(move || peers_file::keep(&home_of_peers, &tables_out, &logger_of_peers))
        .map_err(thread_error)?;
    let (beacons, beacons_out) = bounded(1);
    let (steps, steps_out) = bounded(1);
    let outlets = Outlets {
        groups,
        log: Arc::clone(&log),
        dials,
        tables,
        beacons,
        steps,
        blobs: shared.blobs.clone(),
        logger: logger.clone(),
    };
    let core_task = CoreTask::new(core, clock, inbox_out, results_out, outlets);
    let core_task = executor.spawn(core_task.run());
    let lan = Lan::open(config, &reach, &shared);
    let cleaner = Cleaner {
        blobs: shared.blobs.clone(),
        reader: shared.private.clone(),
        kept: [me].into_iter().chain(config.retention.keep.iter().copied()).collect(),
        policy: blob_policy,
        steps: steps_out,
        logger: logger.clone(),
    };
    let rules = Rules { hosts: config.http.hosts.clone(), cors: config.http.cors };
    let http = Http::new(&shared.blobs, rules, Arc::clone(&executor), &logger);
    let supervisor = Supervisor::new(shared, Arc::clone(&executor), inbox.clone());

    let mut signals = Signals::new([Signal::Int, Signal::Term]).map_err(StartError::Signals)?;
    ready(&announcement);
    // This thread only listens and waits for signals: it takes no turn at waiting for the sockets of others.
    block_on(async {
        let listening = listeners.iter().map(|listener| Box::pin(supervisor.listen(listener)));
        let mut serving = supervisor.dial(&dials_out).or(supervisor.log()).boxed_local();
        for listening in listening {
            serving = serving.or(listening).boxed_local();
        }
        for listener in &web {
            serving = serving.or(http.listen(listener)).boxed_local();
        }
        serving = serving.or(cleaner.run()).boxed_local();
        if let Some(lan) = &lan {
            serving = serving.or(lan.run(&inbox, &beacons_out)).boxed_local();
        }
        serving
            .or(async {
                signals.next().await;
            })
            .await;
    });

    // Nobody is to be told where this node is any more.
    drop((lan, inbox));
    drop((listeners, web));
    logger.notice("stopping");
    end_at_second_signal(signals);
    block_on(http.end());
    drop(http);
    block_on(supervisor.part());
    // From here on nothing comes in; what is here is finished, in the order of the message's journey.
    drop(supervisor);
    log.close();
    let healthy = log_thread.join().unwrap_or(false);
    rebuilds.close();
    join(vec![indexing]);
    let core = block_on(core_task);
    join(vec![keeper]);
    if let Err(error) = peers_file::save(&config.path, &peers_file::text(&core)) {
        peers_file::say(&error, &logger);
    }
    join(verifiers);
    drop(stop_workers);
    join(workers);
    join(readers);
    join(blob_threads);
    logger.finish();
    if healthy { Ok(()) } else { Err(StartError::Poisoned) }
}

/// Why a node did not start, or ended badly.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The data directory could not be made or used.
    #[error("the data directory {} cannot be used: {error}{}", path.display(), disk_hint(error.kind()))]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// Another node runs in the directory. One of them has to stop.
    #[error("{} runs in {} already", holder(*pid), path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
        /// Its process, where the system tells.
        pid: Option<u32>,
    },
    /// The secret file cannot be used.
    #[error(transparent)]
    Secret(#[from] LoadError),
    /// The published-mark cannot be used.
    #[error(transparent)]
    Mark(#[from] MarkError),
    /// The log cannot be opened.
    #[error("{error}{hint}", error = .0, hint = log_hint(.0))]
    Log(#[from] store::OpenError),
    /// The log cannot be read.
    #[error("the log cannot be read: {0}")]
    Read(#[source] ssb_log::read::ReadError),
    /// The node cannot listen where it should.
    #[error("cannot listen on {address}: {error}{}", port_hint(error))]
    Listen {
        /// Where.
        address: String,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// Connections that prove nothing would be taken from the network, and have all rights.
    #[error(
        "will not listen on {address} without authentication: all who reach it could publish in your name; use \
         `\"transform\": \"shs\"`, or host 127.0.0.1 for programs of this machine"
    )]
    Exposed {
        /// Where.
        address: String,
    },
    /// The log could not be written at some time, and nothing was stored or published from then on.
    #[error("the log could not be written, as was said when it happened; nothing was stored since")]
    Poisoned,
    /// A thread could not be started.
    #[error("a thread cannot be started: {0}")]
    Thread(#[source] io::Error),
    /// Signals cannot be caught.
    #[error("signals cannot be caught: {0}")]
    Signals(#[source] io::Error),
}

fn log_hint(error: &store::OpenError) -> &'static str {
    match error {
        store::OpenError::Log(recover::OpenError::Io { error, .. }) => disk_hint(error.kind()),
        _ => "",
    }
}

fn disk_hint(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "; make room there, then start again",
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            "; a node has to write there: change that, or choose another directory with --path"
        }
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "; it has to be a directory: choose another one with --path"
        }
        _ => "",
    }
}

/// Who has a log open.
pub(crate) fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another node".to_owned(), |pid| format!("another node, process {pid},"))
}

fn port_hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "; another program has the port: stop it, or choose another with --port",
        _ => "",
    }
}

/// What is in the data directory.
struct Home {
    me: Keypair,
    keyring: Keyring,
    opener: Opener,
    mark: PublishedMark,
    store: Store<Disk>,
    notices: Vec<String>,
}

impl Home {
    fn open(config: &Config) -> Result<Self, StartError> {
        let path = &config.path;
        let unusable = |error| StartError::Directory { path: path.clone(), error };
        make_directory(path).map_err(unusable)?;
        let mut notices = Vec::new();
        // The log first: its lock keeps a second node from touching anything.
        let disk = Disk::open(&path.join("log")).map_err(unusable)?;
        let (mut store, recovery) = Store::open(disk).map_err(|error| match error {
            store::OpenError::Log(recover::OpenError::Locked { pid, .. }) => {
                StartError::InUse { path: path.clone(), pid }
            }
            error => error.into(),
        })?;
        notices.extend(recovery.cut.map(|cut| {
            format!(
                "the end of the log was damaged at byte {}, as after a crash, and was cut off; what was cut is kept \
                 in {}",
                cut.offset,
                cut.kept.display()
            )
        }));
        let me = load_or_create(path, &mut notices)?;
        let keyring = Keyring::load(path, &me).unwrap_or_else(|error| {
            notices.push(format!(
                "the keyring could not be read, and what was sealed with its keys stays sealed: {error}"
            ));
            Keyring::unusable(&me)
        });
        let opener = Opener::with_keys(me.clone(), &keyring.keys());
        store.unlock(opener.clone()).map_err(unusable)?;
        let mut mark = PublishedMark::load(path, me.id())?;
        let held = u64::from(store.state(&me.id()).sequence());
        if config.new_feed && !mark.permits(held) {
            mark = PublishedMark { feed: me.id(), origin: Origin::Insisted, sequence: held };
            mark.save(path).map_err(unusable)?;
            notices.push(NEW_FEED.to_owned());
        } else if mark.reopened(held) != mark {
            mark = mark.reopened(held);
            mark.save(path).map_err(unusable)?;
        }
        Ok(Self { me, keyring, opener, mark, store, notices })
    }
}

fn load_or_create(path: &Path, notices: &mut Vec<String>) -> Result<Keypair, StartError> {
    let secret = path.join("secret");
    let unusable = |error| StartError::Directory { path: path.to_owned(), error };
    match secret_file::load(&secret) {
        Ok(me) => Ok(me),
        Err(error) if error.is_missing() => {
            let me = Keypair::generate();
            // The mark first: a secret without one counts as somebody else's.
            PublishedMark::created(me.id()).save(path).map_err(unusable)?;
            secret_file::create(&secret, &me).map_err(unusable)?;
            notices.push(format!("a new identity was created: {}", me.id()));
            Ok(me)
        }
        Err(error) => Err(error.into()),
    }
}

fn make_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Where a node listens.
struct Listening {
    listeners: Vec<Listener>,
    /// Where, for its owner to read.
    shown: Vec<String>,
    /// Where, for others.
    addresses: Addresses,
    /// Where, for the local network.
    reach: Vec<SocketAddr>,
}

fn listen(config: &Config, me: FeedId, notices: &mut Vec<String>) -> Result<Listening, StartError> {
    let failed = |address: String| move |error| StartError::Listen { address, error };
    let (mut listeners, mut shown, mut addresses) = (Vec::new(), Vec::new(), Addresses::default());
    let mut reach = Vec::new();
    let key = base64::encode(me.as_bytes());
    for (place, transform) in places(config) {
        let proof = match transform {
            Transform::Shs => format!("shs:{key}"),
            Transform::NoAuth => format!("noauth:{key}"),
        };
        let Place::Net { host, port } = &place else {
            let socket = config.path.join("socket");
            match UnixSocket::listen(&socket) {
                Ok(unix) => {
                    shown.push(format!("unix:{}~{proof}", socket.display()));
                    addresses.add_unix(&socket);
                    listeners.push(Listener { socket: ListeningSocket::Unix(unix), transform });
                }
                // Programs reach the node over TCP as well; a long path is all it takes.
                Err(error) => {
                    notices.push(format!("there is no unix socket at {}: {error}", socket.display()));
                }
            }
            continue;
        };
        let named = format!("{}:{port}", host.as_deref().unwrap_or("*"));
        let mut port = *port;
        for listener in listen_tcp(host.as_deref(), port).map_err(failed(named.clone()))? {
            let bound = listener.get_ref().local_addr().map_err(failed(named.clone()))?;
            // Programs of this machine are trusted by whoever asks for this; the network never is.
            if transform == Transform::NoAuth && !bound.ip().is_loopback() {
                return Err(StartError::Exposed { address: named });
            }
            // An address of all interfaces is nothing to dial; this machine's own name is.
            let name =
                if bound.ip().is_unspecified() { "localhost".to_owned() } else { bound.ip().to_string() };
            // A free port that was picked is the same for all addresses of a host.
            port = bound.port();
            shown.push(format!("net:{name}:{port}~{proof}"));
            if transform == Transform::Shs
                && told(config, &place, transform).any(|told| told.scopes.contains(&Scope::Local))
            {
                reach.push(bound);
            }
            listeners.push(Listener { socket: ListeningSocket::Tcp(listener), transform });
        }
        for Told { scopes, external } in told(config, &place, transform) {
            addresses.add_net(TcpPlace { host: host.as_deref(), port, transform, scopes, external }, &key);
        }
    }
    Ok(Listening { listeners, shown, addresses, reach })
}

/// Where blobs are served over HTTP.
fn listen_http(config: &config::Http) -> Result<Vec<Listener>, StartError> {
    let host = config.host.as_deref().unwrap_or("localhost");
    let (port, is_needed) = match config.port {
        HttpPort::Off => return Ok(Vec::new()),
        HttpPort::IfFree(port) => (port, false),
        HttpPort::Exactly(port) => (port, true),
    };
    match listen_tcp(Some(host), port) {
        Ok(sockets) => {
            let listener =
                |socket| Listener { socket: ListeningSocket::Tcp(socket), transform: Transform::NoAuth };
            Ok(sockets.into_iter().map(listener).collect())
        }
        // Perhaps another node; whoever wants to read blobs here says where.
        Err(_) if !is_needed => Ok(Vec::new()),
        Err(error) => Err(StartError::Listen { address: format!("http://{host}:{port}"), error }),
    }
}

fn blobs_at(web: &[Listener]) -> Option<String> {
    let ListeningSocket::Tcp(socket) = &web.first()?.socket else { return None };
    let address = socket.get_ref().local_addr().ok()?;
    let host = if address.ip().is_loopback() || address.ip().is_unspecified() {
        format!("localhost:{}", address.port())
    } else {
        address.to_string()
    };
    Some(format!("http://{host}/blobs/get/"))
}

/// To whom a place is told, and how.
struct Told<'a> {
    scopes: &'a [Scope],
    external: &'a [String],
}

fn told<'a>(config: &'a Config, place: &'a Place, transform: Transform) -> impl Iterator<Item = Told<'a>> {
    let everybody = config.incoming.is_none().then_some(Told { scopes: &Scope::ALL, external: &[] });
    let listed = config.incoming.iter().flatten();
    let here = listed.filter(move |listen| listen.place == *place && listen.transform == transform);
    everybody.into_iter().chain(here.map(|Listen { scopes, external, .. }| Told { scopes, external }))
}

// Each once: several scopes may name one place.
fn places(config: &Config) -> BTreeSet<(Place, Transform)> {
    match &config.incoming {
        None => BTreeSet::from([
            (Place::Net { host: config.host.clone(), port: config.port }, Transform::Shs),
            (Place::Unix, Transform::NoAuth),
        ]),
        Some(listen) => listen.iter().map(|listen| (listen.place.clone(), listen.transform)).collect(),
    }
}

// JavaScript's clients up to ssb-client 4.7.9, and its command line, read the methods from this file.
fn write_manifest(path: &Path) -> Result<(), StartError> {
    let manifest = json::parse(permission::methods().manifest().as_bytes()).expect("the manifest is JSON");
    let (aside, target) = (path.join("manifest.json.new"), path.join("manifest.json"));
    fs::File::create(&aside)
        .and_then(|mut file| file.write_all(json::pretty(&manifest).as_bytes()))
        .and_then(|()| fs::rename(&aside, &target))
        .map_err(|error| StartError::Directory { path: path.to_owned(), error })
}

fn start_workers(
    count: usize,
    executor: &Arc<Executor<'static>>,
    stopped: &Receiver<()>,
) -> io::Result<Vec<JoinHandle<()>>> {
    (0..count)
        .map(|n| {
            let (executor, stopped) = (Arc::clone(executor), stopped.clone());
            thread::Builder::new().name(format!("ssb-worker-{n}")).spawn(move || {
                or_abort("a worker", || {
                    // Ends when the sender is dropped.
                    let _ = smol::block_on(executor.run(stopped.recv()));
                });
            })
        })
        .collect()
}

fn end_at_second_signal(mut signals: Signals) {
    let waiting = thread::Builder::new().name("ssb-signal".to_owned()).spawn(move || {
        if smol::block_on(signals.next()).is_some() {
            std::process::exit(130);
        }
    });
    // Without that thread a second signal waits with everybody else.
    drop(waiting);
}

fn join(threads: Vec<JoinHandle<()>>) {
    for thread in threads {
        // A panic in there was reported where it happened.
        let _ = thread.join();
    }
}

const NEW_FEED: &str = "--new-feed: publishing was opened by its owner. If this key has published more than this log \
                        holds, anywhere, the feed forks with the next message, and peers will follow one branch only";
