//! The program as a node: what it makes, whom it refuses, how it stops, and what is left then.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail tests")]

use std::collections::BTreeMap;
use std::fs;
use std::io::BufRead as _;
use std::io::BufReader;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::os::unix::fs::FileTypeExt as _;
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
const PATIENCE: Duration = Duration::from_secs(20);

/// A directory for a node that does not exist yet.
struct Home(TempDir);

/// A node that is listening. Killed when dropped.
struct Node {
    child: Child,
    port: u16,
    /// The line that says where it listens.
    listening: String,
}

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// With a secret that came from elsewhere.
    fn with_secret() -> Self {
        let home = Self::new();
        fs::create_dir(home.path()).unwrap();
        secret_file::create(&home.file("secret"), &Keypair::from_seed(&[1; 32])).unwrap();
        home
    }

    fn path(&self) -> PathBuf {
        self.0.path().join(".ssb")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ssb-cli"));
        command.args(words).env_clear().env("HOME", self.0.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn start(&self) -> Node {
        self.start_with(&[])
    }

    fn start_with(&self, words: &[&str]) -> Node {
        let words = [&["start", "--host", "127.0.0.1", "--port", "0"], words].concat();
        Node::wait_for(self.command(&words).spawn().unwrap())
    }

    /// Starts a node that does not start, and says why.
    fn refusal(&self) -> String {
        let child = self.command(&["start", "--host", "127.0.0.1", "--port", "0"]).spawn().unwrap();
        refusal(child)
    }

    fn call(&self, node: &Node, words: &[&str]) -> Output {
        let port = node.port.to_string();
        let settings = ["--host", "127.0.0.1", "--port", &port];
        self.command(&[words, &settings].concat()).output().unwrap()
    }

    /// What a call prints.
    fn answer(&self, node: &Node, words: &[&str]) -> String {
        let output = self.call(node, words);
        assert_eq!(text(&output.stderr), "", "{words:?}");
        assert!(output.status.success(), "{words:?}");
        text(&output.stdout)
    }

    fn mode(&self, name: &str) -> u32 {
        fs::symlink_metadata(self.file(name)).unwrap().permissions().mode() & 0o7777
    }

    /// All regular files and what is in them.
    fn contents(&self) -> BTreeMap<PathBuf, Vec<u8>> {
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
    fn wait_for(mut child: Child) -> Self {
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut listening = String::new();
        while !listening.starts_with("listening on ") {
            listening.clear();
            if stdout.read_line(&mut listening).unwrap() == 0 {
                panic!("it does not listen: {}", refusal(child));
            }
        }
        let port = listening.split(':').nth(2).and_then(|rest| rest.split('~').next()).unwrap();
        Self { port: port.parse().unwrap(), child, listening }
    }

    fn pid(&self) -> String {
        self.child.id().to_string()
    }

    fn signal(&self, name: &str) {
        assert!(Command::new("kill").args(["-s", name, &self.pid()]).status().unwrap().success());
    }

    fn stop(self) -> ExitStatus {
        self.stop_by("TERM")
    }

    fn stop_by(mut self, signal: &str) -> ExitStatus {
        self.signal(signal);
        wait(&mut self.child)
    }

    /// Stops it, and returns what it said on standard error.
    fn stop_and_tell(mut self) -> String {
        let stderr = self.child.stderr.take().unwrap();
        assert!(self.stop().success());
        BufReader::new(stderr).lines().map(|line| line.unwrap() + "\n").collect()
    }

    fn kill(mut self) {
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

/// Waits for the end of a process, and not for ever.
fn wait(child: &mut Child) -> ExitStatus {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        assert!(begun.elapsed() < PATIENCE, "it does not end");
        std::thread::yield_now();
    }
}

fn refusal(mut child: Child) -> String {
    assert!(wait(&mut child).code().is_some_and(|code| code != 0));
    let output = child.wait_with_output().unwrap();
    text(&output.stderr)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    *bytes.get_mut(at).unwrap() ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_first_start_makes_all_that_a_node_needs() {
    let home = Home::new();

    let node = home.start();

    assert_eq!(home.mode("secret"), 0o400);
    assert_eq!(home.mode("socket"), 0o600);
    assert!(fs::symlink_metadata(home.file("socket")).unwrap().file_type().is_socket());
    assert_eq!(fs::metadata(home.path()).unwrap().permissions().mode() & 0o777, 0o700);
    assert!(home.file("log").is_dir());
    let me = secret_file::load(&home.file("secret")).unwrap().id();
    let mark = fs::read_to_string(home.file("published-mark")).unwrap();
    assert_eq!(mark, format!("{{\"feed\":\"{me}\",\"origin\":\"created\",\"sequence\":0}}\n"));
    let manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(home.file("manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest.pointer("/createLogStream"), Some(&"source".into()));
    assert!(node.stop_and_tell().contains(&format!("a new identity was created: {me}")));
}

#[test]
fn a_second_start_keeps_the_identity() {
    let home = Home::new();
    let node = home.start();
    let me = home.answer(&node, &["whoami"]);
    node.stop();

    let node = home.start();

    assert_eq!(home.answer(&node, &["whoami"]), me);
    assert!(!node.stop_and_tell().contains("new identity"));
}

#[test]
fn a_second_node_in_the_directory_is_refused_and_touches_nothing() {
    let home = Home::new();
    let node = home.start();
    let before = home.contents();

    let said = home.refusal();

    assert!(said.contains(&format!("process {}", node.pid())), "{said}");
    assert_eq!(home.contents(), before);
    assert!(home.answer(&node, &["whoami"]).contains("ed25519"));
    assert!(home.file("socket").exists());
}

#[test]
fn a_port_in_use_is_named_and_the_way_out() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let home = Home::new();

    let said = refusal(home.command(&["start", "--host", "127.0.0.1", "--port", &port]).spawn().unwrap());

    assert!(said.contains(&format!("cannot listen on 127.0.0.1:{port}")), "{said}");
    assert!(said.contains("--port"), "{said}");
    assert!(!home.file("socket").exists());
}

#[test]
fn a_host_that_is_not_here_is_not_blamed_on_other_programs() {
    let home = Home::new();

    let said = refusal(home.command(&["start", "--host", "192.0.2.1", "--port", "0"]).spawn().unwrap());

    assert!(said.contains("cannot listen on 192.0.2.1:0"), "{said}");
    assert!(!said.contains("another program"), "{said}");
}

#[test]
fn a_directory_too_deep_for_a_socket_does_without() {
    let home = Home::new();
    let deep = home.file(&"d".repeat(110));

    let node = home.start_with(&["--path", deep.to_str().unwrap()]);

    assert!(!node.listening.contains("unix:"), "{}", node.listening);
    let said = node.stop_and_tell();
    assert!(said.contains("there is no unix socket at"), "{said}");
}

#[test]
fn every_place_of_the_settings_is_listened_on() {
    let home = Home::new();
    fs::create_dir(home.path()).unwrap();
    let places =
        r#"[{"scope":"device","host":"127.0.0.1","port":0},{"scope":"local","host":"127.0.0.2","port":0}]"#;
    fs::write(home.file("config"), format!(r#"{{"connections":{{"incoming":{{"net":{places}}}}}}}"#))
        .unwrap();

    let node = Node::wait_for(home.command(&["start"]).spawn().unwrap());

    assert!(node.listening.contains("net:127.0.0.1:"), "{}", node.listening);
    assert!(node.listening.contains("net:127.0.0.2:"), "{}", node.listening);
}

#[test]
fn either_signal_stops_it_cleanly() {
    for signal in ["TERM", "INT"] {
        let home = Home::new();

        let status = home.start().stop_by(signal);

        assert_eq!(status.code(), Some(0), "{signal}");
        assert!(!home.file("socket").exists(), "{signal}");
    }
}

#[test]
fn connections_that_are_open_do_not_keep_it() {
    let home = Home::new();
    let node = home.start();
    let _silent = TcpStream::connect((Ipv4Addr::LOCALHOST, node.port)).unwrap();
    let port = node.port.to_string();
    let mut live = home
        .command(&["log", "--live", "--host", "127.0.0.1", "--port", &port])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(live.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert_eq!(first, "{\n", "the sync of a live stream");

    assert_eq!(node.stop().code(), Some(0));
    wait(&mut live);
}

#[test]
fn a_dial_that_nobody_answers_does_not_keep_it() {
    let home = Home::new();
    let node = home.start();
    let deaf = Deaf::new();
    let port = node.port.to_string();
    let key = "A".repeat(43);
    let address = format!("net:127.0.0.1:{}~shs:{key}=", deaf.address.port());
    let words = ["gossip.connect", &address, "--host", "127.0.0.1", "--port", &port];
    let mut dialing = home.command(&words).spawn().unwrap();
    // It is under way once the node has more connections open than those of the call.
    while sockets(&node) < 2 {
        std::thread::yield_now();
    }

    assert_eq!(node.stop().code(), Some(0));
    wait(&mut dialing);
}

/// A listener whose queue is full: connecting takes for ever.
struct Deaf {
    address: SocketAddr,
    _listener: TcpListener,
    _queued: Vec<TcpStream>,
}

impl Deaf {
    fn new() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(300)).ok();
        let queued = std::iter::from_fn(connect).collect();
        Self { address, _listener: listener, _queued: queued }
    }
}

/// How many TCP connections of a node are open or opening.
fn sockets(node: &Node) -> usize {
    let table = fs::read_to_string(format!("/proc/{}/net/tcp", node.pid())).unwrap();
    let of_node: Vec<String> = fs::read_dir(format!("/proc/{}/fd", node.pid()))
        .unwrap()
        .filter_map(|entry| fs::read_link(entry.unwrap().path()).ok())
        .filter_map(|link| Some(link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    let fields = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    // State 0A is a listener.
    let is_counted = |fields: &Vec<String>| {
        fields.get(3).is_some_and(|state| state != "0A")
            && fields.get(9).is_some_and(|inode| of_node.contains(inode))
    };
    table.lines().map(fields).filter(is_counted).count()
}

#[test]
fn it_runs_on_when_nobody_reads_what_it_says() {
    let home = Home::new();
    let mut node = home.start_with(&["--logging.level", "info"]);
    drop(node.child.stderr.take());

    assert!(home.answer(&node, &["whoami"]).contains("ed25519"));
    assert!(home.answer(&node, &["publish", "--type", "post"]).contains("\"sequence\": 1"));

    assert_eq!(node.stop().code(), Some(0));
}

#[test]
fn what_a_killed_node_left_does_not_keep_the_next_from_starting() {
    let home = Home::new();
    let node = home.start();
    let published = home.answer(&node, &["publish", "--type", "post", "--text", "kept"]);
    node.kill();
    fs::set_permissions(home.file("socket"), fs::Permissions::from_mode(0o666)).unwrap();

    let node = home.start();

    assert_eq!(home.mode("socket"), 0o600);
    assert!(fs::symlink_metadata(home.file("socket")).unwrap().file_type().is_socket());
    assert_eq!(home.answer(&node, &["log"]), published + "\n");
}

#[test]
fn a_secret_that_others_can_read_is_refused() {
    let home = Home::with_secret();
    fs::set_permissions(home.file("secret"), fs::Permissions::from_mode(0o644)).unwrap();

    let said = home.refusal();

    assert!(said.contains("chmod"), "{said}");
    assert!(said.contains(home.file("secret").to_str().unwrap()), "{said}");
    assert_eq!(home.mode("secret"), 0o644);
}

#[test]
fn a_malformed_secret_is_refused_and_left_as_it_is() {
    let home = Home::with_secret();
    fs::remove_file(home.file("secret")).unwrap();
    fs::write(home.file("secret"), "{\"curve\":").unwrap();
    fs::set_permissions(home.file("secret"), fs::Permissions::from_mode(0o600)).unwrap();

    let said = home.refusal();

    assert!(said.contains(home.file("secret").to_str().unwrap()), "{said}");
    assert_eq!(fs::read_to_string(home.file("secret")).unwrap(), "{\"curve\":");
    assert!(!home.file("published-mark").exists());
}

#[test]
fn a_malformed_mark_is_refused_and_left_as_it_is() {
    let home = Home::with_secret();
    fs::write(home.file("published-mark"), "{}").unwrap();

    let said = home.refusal();

    assert!(said.contains(home.file("published-mark").to_str().unwrap()), "{said}");
    assert_eq!(fs::read_to_string(home.file("published-mark")).unwrap(), "{}");
}

#[test]
fn damage_in_the_middle_of_the_log_is_named_and_nothing_is_cut() {
    let home = Home::new();
    let node = home.start();
    for text in ["one", "two", "three"] {
        home.answer(&node, &["publish", "--type", "post", "--text", text]);
    }
    node.stop();
    let records = home.file("log/records");
    flip(&records, 16 + 100);
    let before = fs::read(&records).unwrap();

    let said = home.refusal();

    assert!(said.contains(records.to_str().unwrap()), "{said}");
    assert!(said.contains("byte 16"), "{said}");
    assert_eq!(fs::read(&records).unwrap(), before);
}

#[test]
fn a_torn_end_of_the_log_is_cut_off_and_told() {
    let home = Home::new();
    let node = home.start();
    let published = home.answer(&node, &["publish", "--type", "post", "--text", "whole"]);
    node.stop();
    let records = home.file("log/records");
    let whole = fs::read(&records).unwrap();
    fs::write(&records, [whole.as_slice(), &[7; 20]].concat()).unwrap();

    let node = home.start();

    assert_eq!(home.answer(&node, &["log"]), published + "\n");
    let said = node.stop_and_tell();
    assert!(said.contains(&format!("damaged at byte {}", whole.len())), "{said}");
    assert_eq!(fs::read(home.file(&format!("log/cut-{}", whole.len()))).unwrap(), [7; 20]);
}

#[test]
fn what_was_published_is_there_after_a_restart() {
    let home = Home::new();
    let node = home.start();
    let whoami: serde_json::Value = serde_json::from_str(&home.answer(&node, &["whoami"])).unwrap();
    let me = whoami.pointer("/id").and_then(serde_json::Value::as_str).unwrap();
    let first = home.answer(&node, &["publish", "--type", "post", "--text", "one"]);
    let second = home.answer(&node, &["publish", "--type", "post", "--text", "two"]);
    node.stop();

    let node = home.start();

    let both = format!("{first}\n{second}\n");
    assert_eq!(home.answer(&node, &["log"]), both);
    assert_eq!(home.answer(&node, &["hist", "--id", me]), both);
    assert_eq!(home.answer(&node, &["log", "--reverse", "--limit", "1"]), format!("{second}\n"));
    let message: serde_json::Value = serde_json::from_str(&first).unwrap();
    let id = message.pointer("/key").and_then(serde_json::Value::as_str).unwrap();
    let got: serde_json::Value = serde_json::from_str(&home.answer(&node, &["get", id])).unwrap();
    assert_eq!(Some(&got), message.pointer("/value"));
    let third = home.answer(&node, &["publish", "--type", "post", "--text", "three"]);
    assert!(third.contains("\"sequence\": 3"), "{third}");
}

#[test]
fn a_log_that_could_not_be_written_ends_with_an_error() {
    let home = Home::new();
    let mut node = home.start();
    // The mark has to be on disk before anybody sees the message, and now cannot be.
    fs::remove_file(home.file("published-mark")).unwrap();
    fs::create_dir(home.file("published-mark")).unwrap();

    let refused = home.call(&node, &["publish", "--type", "post"]);

    assert_eq!(refused.status.code(), Some(1));
    let said = text(&refused.stderr);
    assert!(said.contains("the log cannot be written any more"), "{said}");
    assert_eq!(home.answer(&node, &["log"]), "");
    node.signal("TERM");
    assert_eq!(wait(&mut node.child).code(), Some(74));
}

#[test]
fn a_secret_from_elsewhere_locks_publishing_until_its_owner_insists() {
    let home = Home::with_secret();
    let node = home.start();
    let refused = home.call(&node, &["publish", "--type", "post"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("publishing is locked"), "{}", text(&refused.stderr));
    assert!(node.stop_and_tell().contains("--new-feed"));

    let node = home.start_with(&["--new-feed"]);
    assert!(home.answer(&node, &["publish", "--type", "post"]).contains("\"sequence\": 1"));
    assert!(node.stop_and_tell().contains("forks"));

    let node = home.start();
    assert!(home.answer(&node, &["publish", "--type", "post"]).contains("\"sequence\": 2"));
}

#[test]
fn a_log_longer_than_the_mark_raises_it_before_anybody_sees_the_feed() {
    let home = Home::new();
    let node = home.start();
    home.answer(&node, &["publish", "--type", "post", "--text", "synced, and then the power went"]);
    node.stop();
    let path = home.file("published-mark");
    let mark = fs::read_to_string(&path).unwrap();
    assert!(mark.contains(r#""sequence":1"#), "{mark}");
    fs::write(&path, mark.replace(r#""sequence":1"#, r#""sequence":0"#)).unwrap();

    home.start().stop();

    assert_eq!(fs::read_to_string(&path).unwrap(), mark);
}

#[test]
fn a_log_shorter_than_the_mark_locks_publishing_for_every_start() {
    let home = Home::new();
    let node = home.start();
    for text in ["one", "two"] {
        home.answer(&node, &["publish", "--type", "post", "--text", text]);
    }
    node.stop();
    fs::remove_dir_all(home.file("log")).unwrap();

    for _ in 0..2 {
        let node = home.start();
        let refused = home.call(&node, &["publish", "--type", "post"]);
        let said = text(&refused.stderr);
        assert!(said.contains("2 messages of this feed were published from here"), "{said}");
        node.stop();
        // Even if as much comes back as the mark says: it may be as old as a backup.
        let mark = fs::read_to_string(home.file("published-mark")).unwrap();
        assert!(mark.contains(r#""origin":"unknown","sequence":2"#), "{mark}");
    }
}
