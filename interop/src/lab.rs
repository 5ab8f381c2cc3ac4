//! A network of its own: a random network key, a temporary folder, and nodes on loopback or on machines of their own.

use std::collections::BTreeMap;
use std::fs::File;
use std::iter;
use std::net::Ipv4Addr;
use std::net::TcpListener;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::PoisonError;

use serde_json::Value;
use tempfile::TempDir;

use crate::client::Client;
use crate::hosts::Host;
use crate::message::json;
use crate::process::Process;
use crate::programs::Build;
use crate::programs::javascript;
use crate::programs::lock_file;
use crate::programs::ssb_cli;
use crate::wait::fail;
use crate::wait::random;

/// Where one test takes place. Make it first, so that it is dropped last.
#[derive(Debug)]
pub struct Lab {
    root: TempDir,
    shs: String,
    sign: Option<String>,
    build: Build,
    /// Where each node listens: a node that starts again does so at the same place.
    ports: Mutex<BTreeMap<String, String>>,
    /// One test at a time in all processes: each starts several nodes, and some measure.
    _turn: File,
}

/// Options of a node that dials nobody by itself: all that has none of these options.
const NO_DIALS: [&str; 8] = [
    "--gossip.seed",
    "false",
    "--gossip.friends",
    "false",
    "--gossip.global",
    "false",
    "--gossip.local",
    "false",
];

impl Lab {
    /// A network on which signatures are plain, as on the main network.
    #[must_use]
    pub fn new() -> Self {
        Self::open(None, Build::Debug)
    }

    /// The same, in which our nodes are as fast as users have them.
    #[must_use]
    pub fn for_measuring() -> Self {
        Self::open(None, Build::Release)
    }

    /// A network with `caps.sign`.
    #[must_use]
    pub fn with_signing_key() -> Self {
        Self::open(Some(random_key()), Build::Debug)
    }

    fn open(sign: Option<String>, build: Build) -> Self {
        let turn = lock_file("turn.lock");
        turn.lock().expect("this file system has locks");
        // A short name: the path of a unix socket must fit into 104 bytes.
        let root =
            tempfile::Builder::new().prefix("ssb").tempdir().expect("the temporary folder is writable");
        Self { root, shs: random_key(), sign, build, ports: Mutex::default(), _turn: turn }
    }

    /// Starts our node in the folder `name`.
    ///
    /// # Panics
    ///
    /// When it does not listen.
    #[track_caller]
    #[must_use]
    pub fn ours(&self, name: &str, options: &[&str]) -> Node {
        self.listening(name, self.launch_ours(name, options))
    }

    /// Starts our node without waiting for anything.
    #[track_caller]
    #[must_use]
    pub fn launch_ours(&self, name: &str, options: &[&str]) -> Process {
        let mut command = self.tame(Command::new(ssb_cli(self.build)));
        command.arg("start").arg("--path").arg(self.dir(name)).args(["--host", "127.0.0.1", "--port"]);
        command.arg(self.port(name)).args(["--caps.shs", &self.shs]);
        if let Some(sign) = &self.sign {
            command.args(["--caps.sign", sign]);
        }
        // Whom it dials is what most tests are about.
        if !options.iter().any(|option| option.starts_with("--gossip.")) {
            command.args(NO_DIALS);
        }
        Process::start(name, command.args(options))
    }

    /// Starts a JavaScript ssb-server in the folder `name`.
    ///
    /// # Panics
    ///
    /// When it does not listen.
    #[track_caller]
    #[must_use]
    pub fn theirs(&self, name: &str, options: &[&str]) -> Node {
        let mut command = self.tame(javascript("server.js"));
        command.arg("--dir").arg(self.dir(name)).args([
            "--port",
            &self.port(name),
            "--ws-port",
            &free_port(),
        ]);
        command.args(["--shs", &self.shs]);
        if let Some(sign) = &self.sign {
            command.args(["--sign", sign]);
        }
        self.ready(name, command.args(options))
    }

    /// Starts a JavaScript ssb-db2, which talks to nobody, in the folder `name`.
    ///
    /// # Panics
    ///
    /// When it does not listen.
    #[track_caller]
    #[must_use]
    pub fn db2(&self, name: &str) -> Node {
        let mut command = self.tame(javascript("db2.js"));
        command.arg("--dir").arg(self.dir(name)).args(["--port", &self.port(name), "--shs", &self.shs]);
        self.ready(name, &mut command)
    }

    /// Starts a node of the newer JavaScript stack, with ssb-db2 and ssb-ebt 9, in the folder `name`. It dials nobody by itself.
    ///
    /// # Panics
    ///
    /// When it does not listen.
    #[track_caller]
    #[must_use]
    pub fn modern(&self, name: &str, options: &[&str]) -> Node {
        let mut command = self.tame(javascript("modern.js"));
        command.arg("--dir").arg(self.dir(name)).args(["--port", &self.port(name), "--shs", &self.shs]);
        self.ready(name, command.args(options))
    }

    /// Starts our node on a machine of its own, on port 8008 unless told otherwise.
    ///
    /// # Panics
    ///
    /// When it does not listen.
    #[track_caller]
    #[must_use]
    pub fn ours_on(&self, host: &Host, name: &str, options: &[&str]) -> Node {
        let mut command = self.tame(Command::new(ssb_cli(self.build)));
        command.arg("start").arg("--path").arg(self.dir(name)).args(["--caps.shs", &self.shs]).args(options);
        self.listening(name, Process::start(name, &mut host.run(&command)))
    }

    /// Starts a JavaScript ssb-server, or with `modern.js` the newer stack, on a machine of its own, where it finds others.
    ///
    /// # Panics
    ///
    /// When it does not listen.
    #[track_caller]
    #[must_use]
    pub fn theirs_on(&self, host: &Host, name: &str, script: &str, options: &[&str]) -> Node {
        let mut command = self.tame(javascript(script));
        command.arg("--dir").arg(self.dir(name)).args(["--shs", &self.shs, "--host", &host.ip().to_string()]);
        command.args(options);
        self.ready(name, &mut host.run(&command))
    }

    /// A node of ours, once it says where it listens.
    #[track_caller]
    fn listening(&self, name: &str, process: Process) -> Node {
        let address = process.find_line("line 'listening on'", |line| {
            let addresses = line.strip_prefix("listening on ")?;
            addresses.split(';').find(|address| address.starts_with("net:")).map(str::to_owned)
        });
        Node { process, address, dir: self.dir(name) }
    }

    #[track_caller]
    fn ready(&self, name: &str, command: &mut Command) -> Node {
        let process = Process::start(name, command);
        let address = process.find_line("line 'ready'", |line| {
            // ssb-server's plugins print notes of their own before.
            let line = line.starts_with(r#"{"ready""#).then(|| json(line))?;
            line.get("address")?.as_str().map(str::to_owned)
        });
        Node { process, address, dir: self.dir(name) }
    }

    /// Connects as the node's owner, over TCP.
    ///
    /// # Panics
    ///
    /// When it cannot.
    #[track_caller]
    #[must_use]
    pub fn client(&self, node: &Node) -> Client {
        self.try_client(&node.address, Some(node), None).unwrap_or_else(|error| fail(error))
    }

    /// Connects as the node's owner, over the unix socket.
    ///
    /// # Panics
    ///
    /// When it cannot.
    #[track_caller]
    #[must_use]
    pub fn socket_client(&self, node: &Node) -> Client {
        let address = format!("unix:{}/socket~noauth:{}", node.dir.display(), node.key());
        self.try_client(&address, Some(node), None).unwrap_or_else(|error| fail(error))
    }

    /// Connects as [`socket_client`](Self::socket_client) does. Errors begin with their names: `TypeError: ...`.
    ///
    /// # Panics
    ///
    /// When it cannot.
    #[track_caller]
    #[must_use]
    pub fn naming_client(&self, node: &Node) -> Client {
        let address = format!("unix:{}/socket~noauth:{}", node.dir.display(), node.key());
        let secret = node.dir.join("secret");
        let options = ["--names".as_ref(), "--keys".as_ref(), secret.as_os_str()];
        Client::connect_with(&address, &self.shs, &options).unwrap_or_else(|error| fail(error))
    }

    /// Connects with a key nobody knows.
    ///
    /// # Panics
    ///
    /// When it cannot.
    #[track_caller]
    #[must_use]
    pub fn stranger(&self, node: &Node, manifest: Option<&str>) -> Client {
        self.try_client(&node.address, None, manifest).unwrap_or_else(|error| fail(error))
    }

    /// Connects to an address with the key of `owner`, or with a new one.
    ///
    /// # Errors
    ///
    /// ssb-client's message.
    pub fn try_client(
        &self,
        address: &str,
        owner: Option<&Node>,
        manifest: Option<&str>,
    ) -> Result<Client, String> {
        Client::connect(address, &self.shs, owner.map(|node| node.dir.join("secret")).as_deref(), manifest)
    }

    /// Runs a command of `ssb-cli` for a running node, to its end.
    ///
    /// # Panics
    ///
    /// When it cannot be started.
    #[track_caller]
    #[must_use]
    pub fn ssb_cli(&self, node: &Node, arguments: &[&str]) -> Output {
        let mut command = self.tame(Command::new(ssb_cli(self.build)));
        command.args(arguments).arg("--path").arg(&node.dir).args(["--caps.shs", &self.shs]);
        command.args(["--port", node.port()]).stdin(Stdio::null());
        command.output().unwrap_or_else(|error| fail(format_args!("cannot run {command:?}: {error}")))
    }

    /// Our program, which sees this lab as its home.
    #[must_use]
    pub fn our_program(&self) -> Command {
        self.tame(Command::new(ssb_cli(self.build)))
    }

    /// A program that sees this lab as its home and nobody's configuration.
    #[must_use]
    pub fn tame(&self, mut command: Command) -> Command {
        command.current_dir(self.root.path()).env("HOME", self.root.path()).env("ssb_appname", APP_NAME);
        command.env_remove("XDG_CONFIG_HOME");
        command
    }

    /// Where the node of a folder listens.
    fn port(&self, name: &str) -> String {
        let mut ports = self.ports.lock().unwrap_or_else(PoisonError::into_inner);
        ports.entry(name.to_owned()).or_insert_with(free_port).clone()
    }

    /// The folder called `name`.
    #[must_use]
    pub fn dir(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// The network key, base64.
    #[must_use]
    pub fn shs(&self) -> &str {
        &self.shs
    }

    /// `caps` as they stand in a configuration file.
    #[must_use]
    pub fn caps(&self) -> Value {
        serde_json::json!({ "shs": self.shs, "sign": self.sign })
    }
}

impl Default for Lab {
    fn default() -> Self {
        Self::new()
    }
}

/// A running node, ours or theirs. Killed when dropped.
#[derive(Debug)]
pub struct Node {
    process: Process,
    address: String,
    dir: PathBuf,
}

impl Node {
    /// Ends it with `SIGTERM`.
    ///
    /// # Panics
    ///
    /// When it does not end.
    #[track_caller]
    pub fn stop(mut self) {
        self.process.terminate();
    }

    /// Ends it with `SIGKILL`.
    pub fn kill(mut self) {
        self.process.kill();
    }

    /// Its process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// `net:127.0.0.1:PORT~shs:KEY`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// `@KEY.ed25519`.
    #[must_use]
    pub fn id(&self) -> String {
        format!("@{}.ed25519", self.key())
    }

    /// The TCP port it listens on.
    ///
    /// # Panics
    ///
    /// When its address has none.
    #[must_use]
    pub fn port(&self) -> &str {
        let port = self.address.split_once('~').and_then(|(net, _)| net.rsplit_once(':'));
        port.unwrap_or_else(|| fail(format_args!("no port in {}", self.address))).1
    }

    /// Its data directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Its key, base64.
    ///
    /// # Panics
    ///
    /// When its address has none.
    #[must_use]
    pub fn key(&self) -> &str {
        let key = self.address.split_once("~shs:");
        key.unwrap_or_else(|| fail(format_args!("no key in {}", self.address))).1
    }
}

/// Set for every program, so that none of them reads `~/.ssb`.
const APP_NAME: &str = "ssb-interop";

/// A port nobody uses now. It could be taken before we use it, but the system does not hand it out again so soon.
fn free_port() -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    listener.expect("loopback has a free port").port().to_string()
}

/// 32 bytes as canonical base64. Never the main network's, but for a chance of one in 2^256.
fn random_key() -> String {
    let digit = |from: &[u8]| {
        let at = usize::try_from(random() % from.len() as u64).expect("less than 64");
        char::from(from.get(at).copied().expect("the remainder is below the length"))
    };
    // The last digit carries four bits only, the lowest two of its six are zero.
    iter::repeat_with(|| digit(BASE64)).take(42).chain([digit(b"AEIMQUYcgkosw048"), '=']).collect()
}

const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
