//! Where the programs are: `npm ci` and `cargo build`, each at most once.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::fs::File;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::sync::LazyLock;
use std::sync::Mutex;

use serde_json::Value;

use crate::wait::fail;

/// A command that runs `script`: one of ours in `js/`, or one of a package, as `node_modules/...`.
///
/// # Panics
///
/// When Node or npm is missing, or npm cannot install what `package-lock.json` names.
#[must_use]
pub fn javascript(script: &str) -> Command {
    let path = if script.starts_with("node_modules/") { MODULES.join(script) } else { js().join(script) };
    let mut command = Command::new("node");
    command.arg(path).env("LAB_MODULES", MODULES.as_path()).env("NODE_NO_WARNINGS", "1");
    command
}

/// How cargo builds the node under test.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Build {
    /// Quickly, and with all assertions.
    Debug,
    /// As users have it.
    Release,
}

/// The node under test: `$SSB_CLI`, or what cargo builds.
///
/// # Panics
///
/// When it does not build.
pub(crate) fn ssb_cli(build: Build) -> PathBuf {
    let what: &[&str] = match build {
        Build::Debug => &["-p", "ssb-cli", "--bin", "ssb-cli"],
        Build::Release => &["-p", "ssb-cli", "--bin", "ssb-cli", "--release"],
    };
    env::var_os("SSB_CLI").map_or_else(|| built(what), PathBuf::from)
}

/// An example program of one of our crates.
///
/// # Panics
///
/// When it does not build.
#[must_use]
pub fn example(package: &str, name: &str) -> PathBuf {
    built(&["-p", package, "--example", name])
}

/// A file that processes can lock to take turns.
pub(crate) fn lock_file(name: &str) -> File {
    let work = js().join("work");
    fs::create_dir_all(&work)
        .and_then(|()| File::create(work.join(name)))
        .unwrap_or_else(|error| fail(format_args!("cannot write to {}: {error}", work.display())))
}

/// The folder that holds `node_modules`. `LAB_MODULES` names one that is already there.
static MODULES: LazyLock<PathBuf> = LazyLock::new(|| {
    if let Some(given) = env::var_os("LAB_MODULES") {
        return PathBuf::from(given);
    }
    let turn = lock_file("install.lock");
    turn.lock().expect("this file system has locks");
    // What was installed last; written after npm succeeded, so a half-done installation is done again.
    let stamp = js().join("work/installed.json");
    let wanted = fs::read(js().join("package-lock.json")).expect("package-lock.json is in the repository");
    let here = js().join("node_modules").is_dir() && fs::read(&stamp).is_ok_and(|last| last == wanted);
    if !here {
        run(Command::new("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(js()));
        fs::write(&stamp, wanted).expect("the folder was writable a moment ago");
    }
    js().to_owned()
});

/// Always asks cargo, so that no test ever meets yesterday's program; asking costs little when nothing has changed.
fn built(what: &[&str]) -> PathBuf {
    static BUILT: Mutex<BTreeMap<String, PathBuf>> = Mutex::new(BTreeMap::new());
    let mut built = BUILT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let key = what.join(" ");
    if let Some(path) = built.get(&key) {
        return path.clone();
    }
    let messages = run(Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--message-format=json-render-diagnostics"])
        .args(what)
        .current_dir(env!("CARGO_MANIFEST_DIR")));
    let path = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .find_map(|message| Some(PathBuf::from(message.get("executable")?.as_str()?)))
        .unwrap_or_else(|| fail(format_args!("cargo build {key} made no program")));
    built.insert(key, path.clone());
    path
}

fn run(command: &mut Command) -> String {
    let output = command
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| fail(format_args!("cannot run {command:?}: {error}")));
    if !output.status.success() {
        fail(format_args!("{command:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)));
    }
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn js() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/js"))
}
