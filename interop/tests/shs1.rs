//! npm's `shs1-test` drives the examples of ssb-shs through the secret handshake, well and badly behaved.

use std::path::Path;
use std::process::Command;
use std::process::Stdio;

use interop::Lab;
use interop::example;
use interop::javascript;

#[test]
fn our_server_passes_shs1_test() {
    pass("test-server.js", "shs1_server");
}

#[test]
fn our_client_passes_shs1_test() {
    pass("test-client.js", "shs1_client");
}

fn pass(suite: &str, program: &str) {
    let lab = Lab::new();
    let program = example("ssb-shs", program);
    for seed in 1..=20 {
        run(&lab, suite, &program, &format!("seed {seed}"));
    }
}

/// The suite spawns the program once for each of its 45 cases and exits with the number of failures.
fn run(lab: &Lab, suite: &str, program: &Path, seed: &str) {
    let mut command: Command = lab.tame(javascript(&format!("node_modules/shs1-test/{suite}")));
    let output = command.arg(program).arg(seed).stdin(Stdio::null()).output().expect("node starts");
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && report.contains("Passed"),
        "{suite}, {seed}: {}\n{report}",
        output.status
    );
}
