//! A directory for a node, and a node in it.

use std::collections::BTreeMap;
use std::fs;
use std::io::BufRead as _;
use std::io::BufReader;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Output;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use ssb_keys::Keypair;
use ssb_keys::secret_file;
use tempfile::TempDir;

/// How long a node may take for anything here.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// A directory for a node that does not exist yet.
pub(super) struct Home(TempDir);

/// A node that is listening. Killed when dropped.
pub(super) struct Node {
    pub(super) child: Child,
    pub(super) port: u16,
    /// The line that says where it listens.
    pub(super) listening: String,
    /// Where blobs are over HTTP, if anywhere: an address to put ids behind.
    pub(super) blobs: Option<String>,
}

impl Home {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// With a secret that came from elsewhere.
    pub(super) fn with_secret() -> Self {
        let home = Self::new();
        fs::create_dir(home.path()).unwrap();
        secret_file::create(&home.file("secret"), &Keypair::from_seed(&[1; 32])).unwrap();
        home
    }

    pub(super) fn path(&self) -> PathBuf {
        self.0.path().join(".ssb")
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// A file that is not the node's.
    pub(super) fn beside(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Who lives there.
    pub(super) fn id(&self) -> String {
        secret_file::load(&self.file("secret")).unwrap().id().to_string()
    }

    pub(super) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ssb-cli"));
        command.args(words).env_clear().env("HOME", self.0.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(super) fn start(&self) -> Node {
        self.start_with(&[])
    }

    pub(super) fn start_with(&self, words: &[&str]) -> Node {
        let words = [&["start", "--host", "127.0.0.1", "--port", "0"], words].concat();
        Node::wait_for(self.command(&words).spawn().unwrap())
    }

    /// Starts a node that does not start, and says why.
    pub(super) fn refusal(&self) -> String {
        let child = self.command(&["start", "--host", "127.0.0.1", "--port", "0"]).spawn().unwrap();
        refusal(child)
    }

    pub(super) fn call(&self, node: &Node, words: &[&str]) -> Output {
        let port = node.port.to_string();
        let settings = ["--host", "127.0.0.1", "--port", &port];
        self.command(&[words, &settings].concat()).output().unwrap()
    }

    /// The same without waiting for it.
    pub(super) fn call_in_background(&self, node: &Node, words: &[&str]) -> Child {
        let port = node.port.to_string();
        let settings = ["--host", "127.0.0.1", "--port", &port];
        self.command(&[words, &settings].concat()).spawn().unwrap()
    }

    /// What a call prints.
    pub(super) fn answer(&self, node: &Node, words: &[&str]) -> String {
        let output = self.call(node, words);
        assert_eq!(text(&output.stderr), "", "{words:?}");
        assert!(output.status.success(), "{words:?}");
        text(&output.stdout)
    }

    /// A live stream from a node, which has begun: its caller reads nothing more.
    pub(super) fn live(&self, node: &Node) -> Child {
        let port = node.port.to_string();
        let mut live = self.command(&["log", "--live", "--host", "127.0.0.1", "--port", &port]);
        let mut live = live.stderr(Stdio::null()).spawn().unwrap();
        let mut first = String::new();
        BufReader::new(live.stdout.take().unwrap()).read_line(&mut first).unwrap();
        assert_eq!(first, "{\n", "the sync of a live stream, or a message");
        live
    }

    pub(super) fn mode(&self, name: &str) -> u32 {
        fs::symlink_metadata(self.file(name)).unwrap().permissions().mode() & 0o7777
    }

    /// All regular files and what is in them.
    pub(super) fn contents(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let (mut contents, mut directories) = (BTreeMap::new(), vec![self.path()]);
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
                let kind = entry.file_type().unwrap();
                if kind.is_dir() {
                    directories.push(entry.path());
                } else if kind.is_file() {
                    contents.insert(entry.path(), fs::read(entry.path()).unwrap());
                }
            }
        }
        contents
    }
}

impl Node {
    pub(super) fn wait_for(mut child: Child) -> Self {
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let (mut listening, mut blobs) = (String::new(), None);
        while !listening.starts_with("listening on ") {
            blobs = blobs
                .or_else(|| listening.strip_prefix("blobs at ").map(|place| place.trim_end().to_owned()));
            listening.clear();
            if stdout.read_line(&mut listening).unwrap() == 0 {
                panic!("it does not listen: {}", refusal(child));
            }
        }
        let port = listening.split(':').nth(2).and_then(|rest| rest.split('~').next()).unwrap();
        Self { port: port.parse().unwrap(), child, listening, blobs }
    }

    pub(super) fn pid(&self) -> String {
        self.child.id().to_string()
    }

    pub(super) fn signal(&self, name: &str) {
        kill(&self.child, name);
    }

    pub(super) fn stop(self) -> ExitStatus {
        self.stop_by("TERM")
    }

    pub(super) fn stop_by(mut self, signal: &str) -> ExitStatus {
        self.signal(signal);
        wait(&mut self.child)
    }

    /// Stops it, and returns what it said on standard error.
    pub(super) fn stop_and_tell(mut self) -> String {
        self.signal("TERM");
        assert!(wait(&mut self.child).success());
        self.said()
    }

    /// What it said on standard error, once it has ended.
    pub(super) fn said(&mut self) -> String {
        let stderr = self.child.stderr.take().unwrap();
        BufReader::new(stderr).lines().map(|line| line.unwrap() + "\n").collect()
    }

    pub(super) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Most have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to a process that was not waited for.
pub(super) fn kill(child: &Child, signal: &str) {
    assert!(Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap().success());
}

/// Waits for the end of a process, and not for ever.
pub(super) fn wait(child: &mut Child) -> ExitStatus {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        assert!(begun.elapsed() < PATIENCE, "it does not end");
        std::thread::yield_now();
    }
}

pub(super) fn refusal(mut child: Child) -> String {
    assert!(wait(&mut child).code().is_some_and(|code| code != 0));
    let output = child.wait_with_output().unwrap();
    text(&output.stderr)
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

pub(super) fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    *bytes.get_mut(at).unwrap() ^= 1;
    fs::write(path, bytes).unwrap();
}
