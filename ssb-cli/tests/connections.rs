//! Where a node listens, who has which rights there, and whom it dials.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail tests")]

use std::fs;
use std::io::BufRead as _;
use std::io::BufReader;
use std::net::Ipv4Addr;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;
use std::time::Duration;

use ssb_keys::FeedId;
use ssb_keys::Keypair;
use ssb_keys::network::NetworkKey;
use ssb_keys::secret_file;
use ssb_node::client::CallError;
use ssb_node::client::Client;
use tempfile::TempDir;

/// A home with settings in it, and its node.
struct Node {
    child: Child,
    /// Its line `listening on`.
    addresses: String,
    home: TempDir,
}

impl Node {
    /// Starts one whose `~/.ssb/config` is this, `PORT` replaced by a free one.
    fn start(config: &str) -> Self {
        let home = home(config);
        let mut child =
            command(&home, &["start"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let addresses =
            lines.filter_map(|line| line.strip_prefix("listening").map(str::to_owned)).next().unwrap();
        Self { child, addresses, home }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.home.path().join(".ssb").join(name)
    }

    fn id(&self) -> FeedId {
        secret_file::load(&self.file("secret")).unwrap().id()
    }

    fn client(&self, me: &Keypair) -> Client {
        let port = self.addresses.split_once("net:127.0.0.1:").unwrap().1.split('~').next().unwrap();
        let port = port.parse().unwrap();
        Client::connect_net("127.0.0.1", port, &NetworkKey::MAIN, me, self.id(), Duration::from_secs(30))
            .unwrap()
    }

    fn call(&self, words: &[&str]) -> Output {
        command(&self.home, words).stdin(Stdio::null()).output().unwrap()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn home(config: &str) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join(".ssb")).unwrap();
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    fs::write(home.path().join(".ssb/config"), config.replace("PORT", &free.to_string())).unwrap();
    home
}

fn command(home: &TempDir, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ssb-cli"));
    command.args(words).env_clear().env("HOME", home.path()).current_dir(home.path());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn masters_have_all_rights_and_strangers_have_not() {
    let (master, stranger) = (Keypair::from_seed(&[1; 32]), Keypair::from_seed(&[2; 32]));
    let node =
        Node::start(&format!(r#"{{"host": "127.0.0.1", "port": PORT, "master": ["{}"]}}"#, master.id()));

    let answer = node.client(&master).call(&["whoami"], "[]").unwrap();
    assert_eq!(answer.to_json(), format!(r#"{{"id":"{}"}}"#, node.id()));
    let refused = node.client(&stranger).call(&["whoami"], "[]");
    let Err(CallError::Remote(error)) = refused else { panic!("{refused:?}") };
    assert_eq!(error.message(), "method:whoami is not in list of allowed methods");
}

#[test]
fn a_call_as_a_stranger_says_why_it_is_refused() {
    let node = Node::start(r#"{"host": "127.0.0.1", "port": PORT}"#);
    let id = node.id().to_string();
    fs::rename(node.file("secret"), node.file("secret.away")).unwrap();
    secret_file::create(&node.file("secret"), &Keypair::from_seed(&[2; 32])).unwrap();

    let output = node.call(&["whoami", "--", "--key", &id]);

    let said = text(&output.stderr);
    assert!(
        said.starts_with("Error: method:whoami is not in list of allowed methods\nThis node takes you"),
        "{said}"
    );
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_node_on_its_socket_only_is_called_there() {
    let socket = r#"{"connections": {"incoming": {"unix": [{"scope": "device", "transform": "noauth"}]}}}"#;
    let node = Node::start(socket);

    assert!(
        node.addresses.starts_with(" on unix:") && !node.addresses.contains("net:"),
        "{}",
        node.addresses
    );
    let answer = node.call(&["whoami"]);
    assert!(text(&answer.stdout).contains(&node.id().to_string()), "{}", text(&answer.stderr));
    let home = home(socket);
    fs::copy(node.file("secret"), home.path().join(".ssb/secret")).unwrap();
    fs::copy(node.file("manifest.json"), home.path().join(".ssb/manifest.json")).unwrap();
    let nobody = command(&home, &["whoami"]).output().unwrap();
    assert!(
        text(&nobody.stderr).contains("Use the \"start\" command to start it."),
        "{}",
        text(&nobody.stderr)
    );
    assert_eq!(nobody.status.code(), Some(1));
}

#[test]
fn without_an_entry_for_it_there_is_no_socket() {
    let node = Node::start(
        r#"{"connections": {"incoming": {"net": [{"scope": "device", "host": "127.0.0.1", "port": PORT}]}}}"#,
    );

    assert!(!node.addresses.contains("unix:"), "{}", node.addresses);
    assert!(!node.file("socket").exists());
    assert!(text(&node.call(&["whoami"]).stdout).contains(&node.id().to_string()));
}

#[test]
fn a_node_may_listen_nowhere() {
    let node = Node::start(r#"{"connections": {"incoming": {}}}"#);

    assert_eq!(node.addresses, " nowhere");
}

#[test]
fn strangers_on_the_network_never_count_as_the_owner() {
    let entry = r#"{"scope": "public", "host": "0.0.0.0", "port": PORT, "transform": "noauth"}"#;
    let home = home(&format!(r#"{{"connections": {{"incoming": {{"net": [{entry}]}}}}}}"#));

    let output = command(&home, &["start"]).output().unwrap();

    let said = text(&output.stderr);
    assert!(said.contains("without authentication: all who reach it could publish in your name"), "{said}");
    assert_eq!(output.status.code(), Some(78));
}

#[test]
fn peers_are_dialed_only_as_the_settings_allow() {
    let node =
        Node::start(r#"{"host": "127.0.0.1", "port": PORT, "connections": {"outgoing": {"net": null}}}"#);
    let address = format!("net:127.0.0.1:1~shs:{}", ssb_keys::base64::encode(&[3; 32]));

    let output = node.call(&["gossip.connect", &address]);

    let said = text(&output.stderr);
    assert!(said.contains("connections.outgoing does not list this transport"), "{said}");
    assert_eq!(output.status.code(), Some(1));
}
