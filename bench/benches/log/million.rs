//! A million messages, and how a node starts: our side alone.

use std::fs;
use std::fs::File;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use bench::data::Data;
use bench::usage;
use bench::usage::Usage;
use interop::Lab;
use serde_json::Value;
use ssb_keys::secret_file;
use ssb_node::client::Client;

use crate::ours;

/// How often a node is started.
const STARTS: usize = 7;

/// How long a node is left alone before it is asked what memory it has.
const IDLE: Duration = Duration::from_secs(3);

/// What a million messages took.
pub(super) struct Million {
    pub(super) import: Usage,
    /// Seconds to make all indexes anew.
    pub(super) rebuild: f64,
    pub(super) start: Start,
}

/// Medians of a node's starts.
pub(super) struct Start {
    /// From starting the process to the answer of the first call, in seconds.
    pub(super) answered: f64,
    /// Of the idle node, in bytes.
    pub(super) memory: f64,
}

/// Imports all from standard input, rebuilds the indexes, and starts nodes on them.
pub(super) fn measure(lab: &Lab, data: &Data) -> io::Result<Million> {
    let dir = lab.dir("million");
    eprintln!("a million messages");
    let mut command = lab.our_program();
    command.args(["import", "-", "--path"]).arg(&dir).stdin(File::open(data.messages())?);
    let import = usage::of(command.stdout(Stdio::null()), &dir.join("log"))?;
    let mut rebuilds = Vec::new();
    for _ in 0..3 {
        for entry in fs::read_dir(dir.join("log"))? {
            let entry = entry?;
            if entry.file_name() != "records" {
                fs::remove_file(entry.path())?;
            }
        }
        let told = ours::ask("rebuild", &dir, data)?;
        rebuilds.extend(told.first().and_then(|line| line.get("seconds")).and_then(Value::as_f64));
    }
    Ok(Million { import, rebuild: median(rebuilds), start: start(lab, &dir)? })
}

/// Starts `ssb-cli start` on a directory again and again.
pub(super) fn start(lab: &Lab, dir: &Path) -> io::Result<Start> {
    let name = dir.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let (mut answered, mut memory) = (Vec::new(), Vec::new());
    for turn in 0..STARTS {
        let begun = Instant::now();
        let mut node = lab.ours(name, &[]);
        let me = secret_file::load(&dir.join("secret")).map_err(io::Error::other)?;
        let mut client = Client::connect_unix(&dir.join("socket"), me.id()).map_err(io::Error::other)?;
        client.call(&["whoami"], "[]").map_err(io::Error::other)?;
        // The first start makes the secret.
        if turn > 0 {
            answered.push(begun.elapsed().as_secs_f64());
        }
        client.close();
        if turn + 1 == STARTS {
            thread::sleep(IDLE);
            memory.extend(usage::memory(node.process().id(), "VmRSS:"));
        }
        node.stop();
    }
    Ok(Start { answered: median(answered), memory: median(memory) })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
