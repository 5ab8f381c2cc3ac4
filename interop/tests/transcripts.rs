//! Says to `ssb-cli` what somebody once said to ssb-server's command line, and compares what both answer.
//!
//! Standard output has to be the same, ids, times and ports mapped; so has whether the command succeeds; and standard error
//! has to name the same cause. What differs on purpose is listed with its reason, and has to differ.

mod transcript;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use interop::Lab;
use interop::Process;
use interop::fail;
use serde_json::json;

use self::transcript::Entry;
use self::transcript::Mapping;
use self::transcript::parse;

/// Methods that this version does not have.
const NOT_HERE: &[(&str, &str)] = &[
    ("ws", "a namespace of the WebSocket plugin, which has no methods"),
    ("links", "the index of links comes later"),
    ("latest", "comes with EBT"),
    ("gossip.enable", "the scheduler comes later"),
    ("gossip.disable", "the scheduler comes later"),
];

/// What differs on purpose: the command as it was typed, in what, and why.
const DIFFERENT: &[(&str, In, &str)] = &[
    ("", In::Stdout, "ours teaches its own commands"),
    ("--help", In::Stdout, "ours teaches its own commands"),
    ("get --help", In::Stdout, "ours says how words become arguments"),
    ("publish --help", In::Stdout, "ours says how words become arguments"),
    ("nosuchcmd", In::Stdout, "an error is no data: it goes to standard error"),
    ("blobs", In::Stdout, "ours lists the methods that can be called, not those with a help text"),
    ("blobs --help", In::Stdout, "ours lists the methods that can be called, not those with a help text"),
    ("blobs.add --help", In::Everything, "there it adds the empty blob"),
    ("blobs.nosuch", In::Stdout, "an error is no data: it goes to standard error"),
    ("gossip", In::Stdout, "ours lists the methods that can be called, not those with a help text"),
    ("version", In::Stdout, "that of this node, not that of ssb-db"),
    ("help", In::Stdout, "the texts are our own, and about the methods that are here"),
    ("status", In::Stdout, "counts messages, not bytes, and names the indexes that are here"),
    ("log --limit 2 --raw", In::Stdout, "counts messages, not bytes"),
    (
        "gossip.add 127.0.0.1:28124:@wsCtXwYXMS56nwK/tcWWDZ7pNP9npMksXFsdAnf5w+0=.ed25519",
        In::Everything,
        "there older addresses are refused by mistake",
    ),
    ("gossip.peers", In::Stdout, SCHEDULER),
    ("gossip.get @1qs/5jRRSRY87szJS7uIQGolKqCZZNvpDLPX/+aiR5s=.ed25519", In::Stdout, SCHEDULER),
    ("gossip.reconnect", In::Stdout, "there it is when the scheduler was woken, which comes later"),
    ("gossip.connect", In::Cause, "there the server stumbles over it, here it says what is missing"),
    ("manifest", In::Stdout, "methods that are not here are not in it"),
    ("private.publish", In::Cause, "there applications bring it, here it is, and says what is missing"),
    (NO_VALUES, In::Everything, "there it never ends"),
    ("createSequenceStream", In::Stdout, "counts messages, not bytes"),
    (
        "createRawLogStream --limit 1 --no-seqs",
        In::Cause,
        "there it is a TypeError, here it says what is wrong",
    ),
    (
        "createRawLogStream --limit 1 --reverse --no-values",
        In::Cause,
        "there it is a TypeError, here it says what is wrong",
    ),
    ("start", In::Stdout, LATE),
    ("start -- --port 28010 --ws.port 28990", In::Stdout, LATE),
    ("start -- --path <js>/d9", In::Stdout, LATE),
    ("server -- --path <js>/d10 --port 28011 --ws.port 28991", In::Stdout, LATE),
    ("address", In::Stdout, WEBSOCKETS),
    ("address local", In::Stdout, WEBSOCKETS),
    ("address public", In::Stdout, WEBSOCKETS),
    ("address device", In::Stdout, WEBSOCKETS),
    ("multiserver.address public", In::Stdout, WEBSOCKETS),
    ("log --limit 1 --keys false", In::Everything, "there `--keys` is a setting too, and breaks the command"),
];

const WEBSOCKETS: &str = "there are no WebSockets yet";

const SCHEDULER: &str = "the scheduler comes later; there it had dialed the peer meanwhile";

const LATE: &str = "the first lines come when the node listens, not before it fails to";

const NO_VALUES: &str =
    "hist --id @k/v+UHLxF9OeV9HfhGrlXA2ZaQqWKWoOWkkkG2htSPw=.ed25519 --limit 1 --no-values";

/// What may differ.
#[derive(Clone, Copy, Debug, PartialEq)]
enum In {
    /// Standard output.
    Stdout,
    /// What standard error says.
    Cause,
    /// Standard output, success and cause.
    Everything,
}

/// Causes that JavaScript buries in a stack of its own.
const CAUSES: &[(&str, &str)] = &[
    ("publish .", "standard input is not JSON"),
    ("whoami", "no manifest file- should be generated first time server is run"),
    ("start", "runs in ~/.ssblab already"),
    ("start -- --port 28010 --ws.port 28990", "runs in ~/.ssblab already"),
    ("start -- --path <js>/d9", "address already in use"),
    ("server -- --path <js>/d10 --port 28011 --ws.port 28991", "address already in use"),
];

#[test]
fn the_command_line_answers_what_that_of_ssb_server_answered() {
    let entries = parse(include_str!("../transcripts/ssb-server-16.0.1.txt"));
    let mut session = Session::new();
    let mut differences = Vec::new();
    let mut compared = 0;

    for entry in &entries {
        session.prepare(entry);
        let first = entry.words.first().map_or("", String::as_str);
        let is_here = !NOT_HERE.iter().any(|(name, _)| {
            first == *name || first.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'))
        });
        if is_here {
            compared += 1;
            differences.extend(session.difference(entry));
        }
    }

    let same = DIFFERENT.iter().filter(|(command, ..)| !session.differed.contains(*command));
    differences.extend(
        same.map(|(command, ..)| format!("{command}: does not differ any more, take it from the list")),
    );

    assert!(compared > 120, "{compared} commands");
    assert!(differences.is_empty(), "\n{}\n{} of {compared}", differences.join("\n\n"), differences.len());
}

/// A home with a node in it, as it was where the transcript comes from.
struct Session {
    node: Option<Process>,
    mapping: Mapping,
    /// What is listed and did differ.
    differed: BTreeSet<String>,
    home: PathBuf,
    lab: Lab,
}

impl Session {
    fn new() -> Self {
        let lab = Lab::new();
        let (port, ws) = (free_port(), free_port());
        // In the later part of the transcript the node had other ports.
        let mut free: Vec<(&str, String)> = vec![("18008", port.clone()), ("28008", port.clone())];
        free.extend([("18989", ws.clone()), ("28989", ws.clone())]);
        free.extend(
            ["28010", "28990", "28011", "28991", "28555", "28123", "28124"].map(|port| (port, free_port())),
        );
        let config = json!({
            "host": "127.0.0.1", "port": number(&port), "ws": {"port": number(&ws)}, "caps": {"shs": lab.shs()},
            "gossip": {"local": false}, "allowPrivate": true
        });
        let home = lab.dir("home");
        fs::create_dir_all(home.join(".ssblab")).expect("the lab is writable");
        fs::write(home.join(".ssblab/config"), config.to_string()).expect("the lab is writable");
        let mapping = Mapping::new(free, &home);
        Self { node: None, mapping, differed: BTreeSet::new(), home, lab }
    }

    fn command(&self, words: &[String]) -> Command {
        let mut command = self.lab.our_program();
        command.current_dir(&self.home).env("HOME", &self.home).env("ssb_appname", "ssblab").args(words);
        command
    }

    /// Follows the stage directions. Unless they say otherwise, the node runs.
    fn prepare(&mut self, entry: &Entry) {
        let manifest = self.home.join(".ssblab/manifest.json");
        match entry.scene.as_deref() {
            Some("the node is stopped") => drop(self.node.take()),
            Some("the node is stopped, and manifest.json away") => {
                self.node = None;
                fs::remove_file(&manifest).expect("the node wrote it");
            }
            Some("the node runs") | None => {}
            Some(other) => fail(format_args!("nobody knows this scene: {other}")),
        }
        let is_stopped = entry.is_stopped;
        if !is_stopped && self.node.is_none() {
            // Whom a node dials by itself, nobody typed.
            let words =
                ["start", "--gossip.friends", "false", "--gossip.global", "false", "--gossip.local", "false"];
            let node = Process::start("ours", &mut self.command(&words.map(str::to_owned)));
            node.find_line("line 'listening on'", |line| line.starts_with("listening on ").then_some(()));
            self.node = Some(node);
        }
    }

    /// Says it, and what differs if something does that should not, or nothing does that should.
    fn difference(&mut self, entry: &Entry) -> Option<String> {
        let command = entry.words.join(" ");
        let said = self.say(entry);
        let stdout = self.mapping.compare(&entry.stdout, &said.stdout);
        let success = match (entry.code, said.code) {
            (theirs, ours) if theirs.map(|code| code == 0) == ours.map(|code| code == 0) => Ok(()),
            (theirs, ours) => Err(format!("exit code {ours:?}, there {theirs:?}")),
        };
        let cause = self.cause(entry, &command, &said.stderr);

        let listed = DIFFERENT.iter().find(|(listed, ..)| *listed == command).map(|(_, what, _)| *what);
        let (checked, excused) = match listed {
            None => (vec![stdout, success, cause], Vec::new()),
            Some(In::Stdout) => (vec![success, cause], vec![stdout]),
            Some(In::Cause) => (vec![stdout, success], vec![cause]),
            Some(In::Everything) => (Vec::new(), vec![stdout, success, cause]),
        };
        let wrong: Vec<String> = checked.into_iter().filter_map(Result::err).collect();
        if excused.iter().any(Result::is_err) {
            self.differed.insert(command.clone());
        }
        (!wrong.is_empty()).then(|| format!("line {}: {command}\n{}", entry.line, wrong.join("\n")))
    }

    fn cause(&self, entry: &Entry, command: &str, stderr: &str) -> Result<(), String> {
        if entry.code == Some(0) || entry.code.is_none() {
            return Ok(());
        }
        let listed =
            || CAUSES.iter().find(|(listed, _)| *listed == command).map(|(_, cause)| (*cause).to_owned());
        // An unknown command is told on standard output there.
        let missing =
            || entry.stdout.lines().find(|line| line.starts_with("missing command")).map(str::to_owned);
        let first = || {
            let is_dump = entry.stderr.contains("Node.js v");
            (!is_dump || entry.stderr.starts_with("Error: "))
                .then(|| entry.stderr.lines().next().map(str::to_owned))?
        };
        let cause = entry.message().or_else(first).or_else(missing).or_else(listed);
        let cause = self.mapping.to_ours(&cause.ok_or_else(|| format!("no cause in {}", entry.stderr))?);
        let ours = stderr.replace(&*self.home.to_string_lossy(), "~");
        let is_there = ours.to_lowercase().contains(&cause.to_lowercase());
        if is_there { Ok(()) } else { Err(format!("standard error: {ours}does not contain: {cause}")) }
    }

    fn say(&mut self, entry: &Entry) -> Said {
        let words: Vec<String> = entry.words.iter().map(|word| self.mapping.to_ours(word)).collect();
        let input = entry.stdin.as_ref().map(|input| self.mapping.to_ours(input));
        let mut command = self.command(&words);
        if let Some((name, value)) = &entry.variable {
            command.env(name, self.mapping.to_ours(value));
        }
        if entry.code.is_none() {
            let theirs = entry.words.join(" ");
            // What ends here has the time that it takes.
            let ends = DIFFERENT.iter().any(|(listed, what, _)| *listed == theirs && *what == In::Everything);
            let patience = if ends { interop::PATIENCE } else { QUIET };
            return self.watch(&mut command, entry.stdout.lines().count(), patience);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| fail(error));
        if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
            stdin.write_all(input.as_bytes()).unwrap_or_else(|error| fail(error));
        }
        let output = child.wait_with_output().unwrap_or_else(|error| fail(error));
        Said {
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            code: output.status.code(),
        }
    }

    /// Waits for so many lines, and whether more come or the stream ends.
    fn watch(&self, command: &mut Command, lines: usize, quiet: Duration) -> Said {
        let mut process = Process::start("a stream", command);
        let mut stdout = String::new();
        for line in 0..=lines {
            let patience = if line < lines { interop::PATIENCE } else { quiet };
            match process.line(patience) {
                Ok(line) => stdout.push_str(&(line + "\n")),
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => {
                    let code = process.ended().code();
                    return Said { stdout, stderr: process.said(), code };
                }
            }
        }
        Said { stdout, stderr: process.said(), code: None }
    }
}

/// How long a stream without anything to say is watched. One that ends does so within a few milliseconds.
const QUIET: Duration = Duration::from_millis(500);

/// What a command said.
struct Said {
    stdout: String,
    stderr: String,
    code: Option<i32>,
}

fn number(port: &str) -> u16 {
    port.parse().unwrap_or_else(|_| fail(format_args!("{port} is no port")))
}

/// A port nobody uses now.
fn free_port() -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    listener.expect("loopback has a free port").port().to_string()
}
