//! The program, run against a node of a few methods.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail tests")]

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

use ssb_keys::BlobId;
use ssb_keys::Keypair;
use ssb_keys::base64;
use ssb_keys::hash::sha256;
use ssb_keys::network::NetworkKey;
use ssb_keys::secret_file;
use ssb_node::testing;
use tempfile::TempDir;

const NETWORK: NetworkKey = NetworkKey::from_bytes([9; 32]);

/// A home with the directory of a node in it, and the port of that node.
struct Home {
    directory: TempDir,
    port: u16,
}

/// What a command did.
#[derive(Debug, PartialEq)]
struct Done {
    stdout: String,
    stderr: String,
    code: Option<i32>,
}

impl Home {
    /// With a secret, a manifest and a node that runs.
    fn new() -> Self {
        let me = Keypair::from_seed(&[1; 32]);
        let home = Self {
            directory: tempfile::tempdir().unwrap(),
            port: testing::start(me.clone(), NETWORK).unwrap(),
        };
        fs::create_dir(home.path()).unwrap();
        secret_file::create(&home.path().join("secret"), &me).unwrap();
        fs::write(home.path().join("manifest.json"), testing::methods().manifest()).unwrap();
        home.configure(home.port.into(), &base64::encode(&[9; 32]));
        home
    }

    fn path(&self) -> std::path::PathBuf {
        self.directory.path().join(".ssb")
    }

    fn configure(&self, port: u32, network: &str) {
        let config = format!(
            "// A test.\n{{\"host\": \"127.0.0.1\", \"port\": {port}, \"caps\": {{\"shs\": \"{network}\"}}}}"
        );
        fs::write(self.path().join("config"), config).unwrap();
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ssb-cli"));
        command.args(words).env_clear().env("HOME", self.directory.path());
        command
    }

    fn run(&self, words: &[&str]) -> Done {
        self.run_with(words, b"")
    }

    fn run_with(&self, words: &[&str], input: &[u8]) -> Done {
        let mut command = self.command(words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // It need not read any of it.
        let _ = child.stdin.take().unwrap().write_all(input);
        let output = child.wait_with_output().unwrap();
        let text =
            |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replace(home(self.directory.path()), "~");
        Done { stdout: text(output.stdout), stderr: text(output.stderr), code: output.status.code() }
    }
}

fn home(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn printed(stdout: &str) -> Done {
    Done { stdout: stdout.into(), stderr: String::new(), code: Some(0) }
}

fn failed(stderr: &str) -> Done {
    Done { stdout: String::new(), stderr: stderr.into(), code: Some(1) }
}

#[test]
fn an_answer_is_printed_as_javascript_prints_it() {
    let home = Home::new();
    let id = Keypair::from_seed(&[1; 32]).id();

    assert_eq!(home.run(&["whoami"]), printed(&format!("{{\n  \"id\": \"{id}\"\n}}\n")));
    let echoed =
        home.run(&["echo", "5", "x", "--b", "1.50", "--a.c", "--no-d", "--port", &home.port.to_string()]);
    let expected = "[\n  5,\n  \"x\",\n  {\n    \"b\": 1.5,\n    \"a\": {\n      \"c\": true\n    },\n    \"d\": false\n  }\n]\n";
    assert_eq!(echoed, printed(expected));
}

#[test]
fn a_dot_reads_the_only_argument_from_standard_input() {
    let home = Home::new();

    let published =
        home.run_with(&["publish", ".", "dropped", "--also"], br#"{"type":"post","text":"a\u00e9"}"#);

    let expected = "[\n  {\n    \"type\": \"post\",\n    \"text\": \"aé\"\n  }\n]\n";
    assert_eq!(published, printed(expected));
    let done = home.run_with(&["publish", "."], b"{bad");
    assert!(done.stderr.starts_with("Error: standard input is not JSON: unexpected byte"), "{}", done.stderr);
    assert_eq!((done.stdout.as_str(), done.code), ("", Some(1)));
}

#[test]
fn items_have_a_blank_line_behind_them_and_bytes_do_not() {
    let home = Home::new();

    let log = home.run(&["log", "--limit", "2"]);

    assert_eq!(log, printed("[\n  {\n    \"limit\": 2\n  }\n]\n\n1\n\n2.5\n\n"));
    assert_eq!(home.run(&["pieces"]), printed("a piece, and another"));
}

#[test]
fn a_stream_that_breaks_prints_what_came() {
    let broken = Home::new().run(&["broken"]);

    assert_eq!(broken, Done { stdout: "1\n\n".into(), stderr: "Error: it broke\n".into(), code: Some(1) });
}

#[test]
fn a_sink_reads_standard_input() {
    let home = Home::new();

    let id = BlobId::from_bytes(sha256(&[7; 200_000]));
    assert_eq!(home.run_with(&["blobs.add"], &[7; 200_000]), printed(&format!("{id}\n")));
    assert_eq!(home.run_with(&["blobs.refuse"], &[7; 200_000]), failed("Error: no room\n"));
}

#[test]
fn a_blob_is_read_from_a_file_and_its_id_is_printed() {
    let home = Home::new();
    let file = home.path().join("file");
    fs::write(&file, [7; 200_000]).unwrap();
    let name = file.to_str().unwrap();
    let id = BlobId::from_bytes(sha256(&[7; 200_000]));

    assert_eq!(home.run(&["blobs.add", name]), printed(&format!("{id}\n")));
    assert_eq!(home.run(&["blobs.add", name, "--id", &id.to_string()]), printed(&format!("{id}\n")));
    let none = "Error: none cannot be read: No such file or directory (os error 2)\n";
    assert_eq!(home.run(&["blobs.add", "none"]), failed(none));
    let directory = home.run(&["blobs.add", home.path().to_str().unwrap()]);
    assert_eq!(
        (directory.stderr.as_str(), directory.code),
        ("Error: ~/.ssb cannot be read: is a directory\n", Some(1))
    );
    let id = "Error: --id has to be the id of a blob, such as &8aEQ...=.sha256\n";
    assert_eq!(home.run(&["blobs.add", name, "--id", "x"]), failed(id));
}

#[test]
fn errors_of_methods_are_told_and_usage_errors_by_their_message() {
    let home = Home::new();

    assert_eq!(home.run(&["fail"]), failed("Error: it failed\n"));
    assert_eq!(home.run(&["misuse"]), failed("Param 0 is required\n"));
    assert_eq!(home.run(&["hangup"]), failed("Error: connection to the node ended: unexpected hangup\n"));
    assert_eq!(home.run(&["ebt.replicate"]), failed("Invalid Manifest: duplex is not a valid method-type\n"));
}

#[test]
fn an_unknown_command_lists_the_known_ones() {
    let home = Home::new();

    let unknown = home.run(&["blobs.nosuch"]);

    let hint = "These are the methods of the node; `ssb-cli --help` lists the other commands.";
    assert_eq!(unknown, failed(&format!("missing command: blobs.nosuch\nadd|refuse\n{hint}\n")));
    let case = home.run(&["WhoAmI"]);
    assert!(case.stderr.ends_with("\nDid you mean `whoami`?\n"), "{}", case.stderr);
    assert_eq!(home.run(&["blobs"]), printed("add|refuse\n"));
}

#[test]
fn a_node_that_does_not_run_is_told() {
    let home = Home::new();
    // The port was free a moment ago.
    let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();

    assert_eq!(
        home.run(&["whoami", "--port", &port.to_string()]),
        failed(&format!(
            "Error: Could not connect to ssb-server 127.0.0.1:{port}\nUse the \"start\" command to start it.\n\
             Nobody listens there (connection refused). If it runs elsewhere, say where: --host, --port.\n"
        ))
    );
}

#[test]
fn another_network_and_another_key_are_told_apart() {
    let home = Home::new();
    let first = format!("Error: Could not connect to ssb-server 127.0.0.1:{}\n", home.port);
    let other = Keypair::from_seed(&[2; 32]).id();

    let network = home.run(&["whoami", "--caps.shs", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]);
    let key = home.run(&["whoami", "--", "--key", &other.to_string()]);

    assert_eq!(
        network,
        failed(&format!(
            "{first}Something listens there, but it does not answer to the network key \
             AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:\nit is on another network (check caps.shs), or no \
             Scuttlebutt node (check --port).\n"
        ))
    );
    assert_eq!(
        key,
        failed(&format!(
            "{first}A node of this network listens there, but it is not {other}, or it refuses us.\nCheck that \
             --path is the node's own directory, or say whose node it is: `-- --key ID`.\n"
        ))
    );
}

#[test]
fn a_missing_secret_is_told_and_none_is_made() {
    let home = Home::new();

    let done = home.run(&["whoami", "--path", home.directory.path().join("new").to_str().unwrap()]);

    assert_eq!(
        done,
        failed(
            "Error: ~/new/secret: there is no secret file\n`ssb-cli start` makes an identity; `ssb-cli whoami` \
             needs one. If yours is elsewhere, name its directory: --path DIR.\n"
        )
    );
    assert!(!home.directory.path().join("new").exists());
}

#[cfg(unix)]
#[test]
fn a_secret_that_cannot_be_used_is_told_with_the_way_out() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Home::new();
    let secret = home.path().join("secret");

    fs::set_permissions(&secret, fs::Permissions::from_mode(0o644)).unwrap();
    let exposed = home.run(&["whoami"]);
    fs::remove_file(&secret).unwrap();
    fs::write(&secret, "# nothing").unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let empty = home.run(&["whoami"]);

    assert_eq!(
        exposed,
        failed(
            "Error: ~/.ssb/secret: others can read this secret (mode 0644); run `chmod 400` on it, and consider \
             the key known to them\n"
        )
    );
    assert_eq!(
        empty,
        failed(
            "Error: ~/.ssb/secret: holds no key; restore it from your backup, or move it away to start a new \
             identity\n"
        )
    );
}

#[test]
fn a_missing_or_malformed_manifest_is_told() {
    let home = Home::new();
    let manifest = home.path().join("manifest.json");

    fs::write(&manifest, "{\"whoami\"").unwrap();
    let malformed = home.run(&["whoami"]);
    fs::remove_file(&manifest).unwrap();
    let missing = home.run(&["whoami"]);

    assert_eq!(
        malformed,
        failed(
            "Error: ~/.ssb/manifest.json: EOF while parsing an object at line 1 column 9\nThe node writes it again \
             when it starts.\n"
        )
    );
    assert!(
        missing.stderr.starts_with(
            "Error: no manifest file- should be generated first time server is run\n~/.ssb/manifest.json: "
        ),
        "{}",
        missing.stderr
    );
    assert_eq!(missing.code, Some(1));
}

#[test]
fn a_malformed_config_is_told_with_its_place() {
    let home = Home::new();
    let hint = "`ssb-cli --help` says where settings are read from.\n";

    fs::write(home.path().join("config"), "{\n  // the port\n  \"port\" 8008\n}").unwrap();
    let syntax = format!("Error: ~/.ssb/config: line 3, column 10: expected `:`\n{hint}");
    assert_eq!(home.run(&["whoami"]), failed(&syntax));
    assert_eq!(home.run(&["start"]), Done { code: Some(78), ..failed(&syntax) });

    home.configure(1, "x");
    let expected = "32 bytes in base64: 44 characters, the last one `=`, as encoders write them";
    let key = format!("Error: ~/.ssb/config: caps.shs is a text of 1 character; expected {expected}\n{hint}");
    assert_eq!(home.run(&["whoami"]), failed(&key));
}

#[test]
fn output_nobody_reads_any_more_is_no_error() {
    let home = Home::new();
    let mut child = home
        .command(&["log"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();

    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();

    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}

#[test]
fn help_and_version_need_nothing() {
    let home = Home::new();

    assert_eq!(home.run(&["--version"]), printed("ssb-cli 0.1.0\n"));
    assert!(home.run(&["--help"]).stdout.contains("Usage: ssb-cli start [options]"));
    assert!(home.run(&["start", "--help"]).stdout.contains("--new-feed"));
    assert!(home.run(&["log", "--help"]).stdout.starts_with("log: a method of the node\n"));
    assert_eq!(home.run(&["help"]).stdout, home.run(&["--help"]).stdout);
}

#[test]
fn an_option_that_contradicts_another_is_told() {
    let error = "Error: --a.b cannot be set: what stands before its last dot has a value of its own\n";

    assert_eq!(Home::new().run(&["echo", "--a", "1", "--a.b", "2"]), failed(error));
    assert_eq!(
        Home::new().run(&["start", "--a", "1", "--a.b", "2"]),
        Done { code: Some(64), ..failed(error) }
    );
}

#[test]
fn settings_are_told_with_where_they_were_set() {
    let home = Home::new();

    let table = home.run(&["config", "--sources", "--friends.hops", "3"]);
    let json = home.run(&["conf", "--sources", "--json"]);

    assert_eq!((table.stderr.as_str(), table.code), ("", Some(0)));
    let row = |name: &str| {
        let row = table.stdout.lines().find(|line| line.split_whitespace().next() == Some(name)).unwrap();
        row.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(row("friends.hops"), "3 option");
    assert_eq!(row("host"), "\"127.0.0.1\" ~/.ssb/config");
    assert_eq!(row("timers.ping"), "300000 default");
    assert_eq!(row("ws.port"), "8989 derived");
    assert!(!table.stdout.contains("sources") && !table.stdout.contains('\u{1b}'), "{}", table.stdout);
    let rows: Vec<serde_json::Value> = serde_json::from_str(&json.stdout).unwrap();
    let port = rows.iter().find(|row| row["key"] == "port").unwrap();
    assert_eq!((&port["value"], &port["source"]), (&home.port.into(), &"~/.ssb/config".into()));
}

#[test]
fn settings_that_cannot_be_used_are_printed_all_the_same() {
    let home = Home::new();
    home.configure(70000, "x");

    let done = home.run(&["config"]);

    assert!(done.stdout.contains("\"port\": 70000"), "{}", done.stdout);
    assert!(
        done.stderr.starts_with("Error: ~/.ssb/config: caps.shs is a text of 1 character"),
        "{}",
        done.stderr
    );
    assert_eq!(done.code, Some(78));
}

#[test]
fn the_secret_key_is_never_printed() {
    let home = Home::new();
    let secret = Keypair::from_seed(&[1; 32]);
    let private = base64::encode(secret.to_secret().as_slice());

    let config = home.run(&["config"]);

    assert!(config.stdout.contains(&format!("\"id\": \"{}\"", secret.id())), "{}", config.stdout);
    assert!(!config.stdout.contains(&private) && !config.stdout.contains("private"), "{}", config.stdout);
}
