//! What a person waits for: `start` in an empty directory until it listens, `whoami` on a running node, and the memory
//! of a node that idles. Whole processes, medians; the targets are 100 ms, 20 ms and 20 MiB.

#![expect(clippy::indexing_slicing, reason = "a benchmark may fail")]

use std::fs;
use std::io::BufRead as _;
use std::io::BufReader;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Instant;

const ROUNDS: usize = 11;

fn main() {
    let (mut starts, mut calls, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let home = tempfile::tempdir().expect("a directory for the node");
        let begin = Instant::now();
        let (mut node, port) = start(home.path());
        starts.push(millis(begin));
        // The first call warms up what all later ones use.
        whoami(home.path(), &port);
        for _ in 0..3 {
            let begin = Instant::now();
            whoami(home.path(), &port);
            calls.push(millis(begin));
        }
        memory.push(resident_mib(&node));
        node.kill().expect("the node runs");
        node.wait().expect("the node is ours");
    }
    println!(
        "ssb-cli start in an empty directory: {:.1} ms (target 100); whoami: {:.1} ms (target 20); idle: {:.1} MiB \
         (target 20)",
        median(&mut starts),
        median(&mut calls),
        median(&mut memory),
    );
}

fn command(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ssb-cli"));
    command.env("HOME", home).env_remove("ssb_appname");
    command
}

/// Starts a node and waits until it says where it listens.
fn start(home: &Path) -> (Child, String) {
    let mut node = command(home)
        .args(["start", "--host", "127.0.0.1", "--port", "0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the node starts");
    let mut lines = BufReader::new(node.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
    let listening = lines.find(|line| line.starts_with("listening on ")).expect("the node listens");
    let port = listening.split("127.0.0.1:").nth(1).and_then(|rest| rest.split('~').next()).expect("a port");
    (node, port.to_owned())
}

fn whoami(home: &Path, port: &str) {
    let output = command(home).args(["whoami", "--host", "127.0.0.1", "--port", port]).output();
    assert!(output.expect("the command runs").status.success());
}

fn resident_mib(node: &Child) -> f64 {
    let status = fs::read_to_string(format!("/proc/{}/status", node.id())).expect("Linux tells");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a line for it");
    let kib: f64 = line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number");
    kib / 1024.0
}

fn millis(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
