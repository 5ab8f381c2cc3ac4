//! The nodes: what they are, how they are filled and started, and what each calls the same thing.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use bench::data::Data;
use bench::javascript;
use bench::usage;
use interop::Lab;
use interop::Node;
use serde_json::Value;
use ssb_gossip::address::Address;
use ssb_keys::FeedId;
use ssb_keys::Keypair;
use ssb_keys::base64;
use ssb_keys::network::NetworkKey;
use ssb_keys::secret_file;
use ssb_node::client::Client;

/// Who takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Ours,
    /// ssb-server 16.
    Server,
    /// The newer stack.
    Modern,
}

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(900);

impl Side {
    pub(super) const ALL: [Self; 3] = [Self::Ours, Self::Server, Self::Modern];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Server => "ssb-server",
            Self::Modern => "ssb-db2",
        }
    }

    /// What it is, with versions.
    pub(super) fn version(self) -> String {
        match self {
            Self::Ours => "ours".to_owned(),
            Self::Server => format!(
                "ssb-server {} (ssb-ebt {})",
                package("ssb-server"),
                package("ssb-server/node_modules/ssb-ebt")
            ),
            Self::Modern => format!(
                "ssb-db2 {} (ssb-ebt {}, secret-stack {})",
                package("ssb-db2"),
                package("ssb-ebt"),
                package("secret-stack")
            ),
        }
    }

    /// Lets it take in all messages from a file, as fast as it can.
    pub(super) fn fill(self, lab: &Lab, name: &str, data: &Data) -> io::Result<()> {
        let dir = lab.dir(name);
        match self {
            Self::Ours => {
                let mut command = lab.our_program();
                command.arg("import").arg(data.messages()).arg("--path").arg(&dir);
                usage::of(command.stdin(Stdio::null()).stdout(Stdio::null()), &dir.join("log"))?;
            }
            Self::Server => drop(javascript::run("ssb-db", "ingest", data, &dir)?),
            Self::Modern => drop(javascript::run("ssb-db2-tx", "ingest", data, &dir)?),
        }
        Ok(())
    }

    const fn connect(self) -> &'static [&'static str] {
        match self {
            Self::Ours | Self::Server => &["gossip", "connect"],
            Self::Modern => &["conn", "connect"],
        }
    }

    const fn clock(self) -> &'static [&'static str] {
        match self {
            Self::Ours | Self::Server => &["getVectorClock"],
            Self::Modern => &["ebt", "clock"],
        }
    }
}

/// A node that runs, and its owner. All feeds of the data are requested.
pub(super) struct Running {
    pub(super) node: Node,
    side: Side,
    owner: Client,
}

impl Running {
    pub(super) fn start(lab: &Lab, side: Side, name: &str, data: &Data) -> io::Result<Self> {
        let meta = data.meta().canonicalize()?;
        let meta = meta.to_str().ok_or_else(|| io::Error::other("the path is not UTF-8"))?;
        let node = match side {
            Side::Ours => lab.ours(name, &[]),
            Side::Server => lab.theirs(name, &["--no-dial", "--request", meta]),
            Side::Modern => lab.modern(name, &["--request", meta]),
        };
        let me = secret_file::load(&node.dir().join("secret")).map_err(io::Error::other)?;
        let mut owner = connect(lab, &node, &me)?;
        if side == Side::Ours {
            for feed in data.feeds()? {
                owner.call(&["ebt", "request"], &format!("[\"{feed}\",true]")).map_err(io::Error::other)?;
            }
        }
        Ok(Self { node, side, owner })
    }

    /// Dials another node.
    pub(super) fn dial(&mut self, other: &Self) -> io::Result<()> {
        let address = format!("[\"{}\"]", other.node.address());
        self.owner.call(self.side.connect(), &address).map_err(io::Error::other)?;
        Ok(())
    }

    /// Waits until it has all messages.
    pub(super) fn wait_for_messages(&mut self, data: &Data, pause: Duration) -> io::Result<()> {
        let begun = Instant::now();
        loop {
            let held = self.held()?;
            if held >= u64::from(data.count) {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                return Err(io::Error::other(format!("{} has {held} messages only", self.side.name())));
            }
            thread::sleep(pause);
        }
    }

    /// Waits until it has all messages, and all indexes of them.
    pub(super) fn wait_for_indexes(&mut self, data: &Data) -> io::Result<()> {
        self.wait_for_messages(data, Duration::from_millis(100))?;
        let begun = Instant::now();
        while self.side == Side::Server && begun.elapsed() < PATIENCE {
            let progress = self.ask(&["progress"], "[]")?;
            let [current, target] = ["current", "target"].map(|at| progress.get("indexes")?.get(at).cloned());
            if current == target {
                break;
            }
            thread::sleep(Duration::from_millis(100));
        }
        // What is begun at the start, and told by nothing.
        thread::sleep(Duration::from_secs(1));
        Ok(())
    }

    /// CPU seconds so far, and the peak of memory in bytes.
    pub(super) fn usage(&mut self) -> io::Result<(f64, f64)> {
        let id = self.node.process().id();
        usage::of_process(id).ok_or_else(|| io::Error::other(format!("{} is gone", self.side.name())))
    }

    /// Reads a source to its end, and counts what comes.
    pub(super) fn count(&mut self, path: &[&str], args: &str) -> io::Result<u32> {
        let mut count = 0;
        let count_one = |_| {
            count += 1;
            std::ops::ControlFlow::Continue(())
        };
        self.owner.source(path, args, count_one).map_err(io::Error::other)?;
        Ok(count)
    }

    pub(super) fn stop(self) {
        let Self { node, owner, .. } = self;
        owner.close();
        node.stop();
    }

    /// The sum of all feeds' sequences.
    fn held(&mut self) -> io::Result<u64> {
        let args = if self.side == Side::Modern { r#"[{"format":"classic"}]"# } else { "[]" };
        let clock = self.ask(self.side.clock(), args)?;
        let feeds = clock.as_object().ok_or_else(|| io::Error::other("no clock"))?;
        // Of what is not there, newer JavaScript has a -1.
        Ok(feeds.values().filter_map(Value::as_u64).sum())
    }

    fn ask(&mut self, path: &[&str], args: &str) -> io::Result<Value> {
        let answer = self.owner.call(path, args).map_err(io::Error::other)?;
        Ok(serde_json::from_str(&answer.to_json())?)
    }
}

/// Connects to a node as `me`. JavaScript's may be busy with its indexes for longer than a client waits.
fn connect(lab: &Lab, node: &Node, me: &Keypair) -> io::Result<Client> {
    let (network, address) = (network(lab)?, Address::parse(node.address()).map_err(io::Error::other)?);
    let begun = Instant::now();
    loop {
        let patience = Duration::from_secs(60);
        match Client::connect_net(address.host(), address.port(), &network, me, id(node)?, patience) {
            Ok(client) => return Ok(client),
            Err(error) if begun.elapsed() > PATIENCE => return Err(io::Error::other(error)),
            Err(_) => thread::sleep(Duration::from_secs(1)),
        }
    }
}

pub(super) fn network(lab: &Lab) -> io::Result<NetworkKey> {
    Ok(NetworkKey::from_bytes(base64::decode_array(lab.shs()).map_err(io::Error::other)?))
}

pub(super) fn id(node: &Node) -> io::Result<FeedId> {
    FeedId::parse(&node.id()).map_err(io::Error::other)
}

/// The version of a package that the lock file names.
fn package(name: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../interop/js/package-lock.json");
    let lock: Value =
        fs::read(file).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
    let package = lock.get("packages").and_then(|all| all.get(format!("node_modules/{name}")));
    let version = package.and_then(|package| package.get("version")).and_then(Value::as_str);
    version.unwrap_or("?").to_owned()
}
