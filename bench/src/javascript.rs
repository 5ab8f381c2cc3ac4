//! The other side: npm's packages, our drivers in `js`, a process for each question.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::sync::OnceLock;

use serde_json::Value;

use crate::data::Data;

/// What db.js calls them.
pub const STORES: [&str; 3] = ["ssb-db", "ssb-db2", "ssb-db2-tx"];

/// Runs db.js to its end, and returns the lines it printed.
pub fn run(store: &str, mode: &str, data: &Data, work: &Path) -> io::Result<Vec<Value>> {
    let mut command = node()?;
    command.args(["--expose-gc", "db.js", store, mode]).arg(&data.folder).arg(work);
    lines(&mut command)
}

/// Makes data.
pub fn generate(folder: &Path, count: u32) -> io::Result<()> {
    eprintln!("making {count} messages");
    let mut command = driver("gen.js")?;
    command.arg(folder).arg(count.to_string());
    lines(&mut command).map(drop)
}

/// A driver in the folder `js`, to be started.
pub fn driver(name: &str) -> io::Result<Command> {
    let mut command = node()?;
    command.arg(name);
    Ok(command)
}

/// Runs a program that prints JSON, a value a line.
pub fn lines(command: &mut Command) -> io::Result<Vec<Value>> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(io::Error::other(format!("{command:?}: {}", output.status)));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    // Packages have notes of their own to print.
    Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

fn node() -> io::Result<Command> {
    let mut command = Command::new("node");
    command.current_dir(installed()?).env("NODE_NO_WARNINGS", "1");
    Ok(command)
}

/// The folder of the drivers, with what `package-lock.json` names in `node_modules`.
fn installed() -> io::Result<&'static Path> {
    static INSTALLED: OnceLock<PathBuf> = OnceLock::new();
    if let Some(folder) = INSTALLED.get() {
        return Ok(folder);
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("js");
    // Written after npm succeeded, so that half an installation is done again.
    let stamp = folder.join("node_modules/.installed.json");
    let wanted = fs::read(folder.join("package-lock.json"))?;
    if fs::read(&stamp).ok().as_ref() != Some(&wanted) {
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&folder);
        let status = npm.stdin(Stdio::null()).stdout(Stdio::null()).status()?;
        if !status.success() {
            return Err(io::Error::other(format!("npm ci: {status}")));
        }
        fs::write(&stamp, &wanted)?;
    }
    Ok(INSTALLED.get_or_init(|| folder))
}
