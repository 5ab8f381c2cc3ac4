//! What a process takes, from start to end, as the system tells it.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use rustix::time::ClockId;
use rustix::time::clock_gettime;

/// What a process took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// From the wall clock.
    pub seconds: f64,
    /// Of all cores.
    pub cpu: f64,
    /// At its peak, in bytes.
    pub memory: f64,
    /// What it left on disk, in bytes.
    pub disk: f64,
}

/// How often the system is asked: what a process takes in its last moments may be missed.
const PAUSE: Duration = Duration::from_millis(5);

/// The kernel's unit of CPU time, everywhere that Linux runs.
const TICKS_PER_SECOND: f64 = 100.0;

/// Runs a command that fills `dir` to its end.
pub fn of(command: &mut Command, dir: &Path) -> io::Result<Usage> {
    let start = Instant::now();
    let mut child = command.spawn()?;
    let mut usage = Usage::default();
    let status = loop {
        if let Some((cpu, memory)) = of_process(child.id()) {
            usage.cpu = usage.cpu.max(cpu);
            usage.memory = usage.memory.max(memory);
        }
        if let Some(status) = child.try_wait()? {
            break status;
        }
        thread::sleep(PAUSE);
    };
    usage.seconds = start.elapsed().as_secs_f64();
    if !status.success() {
        return Err(io::Error::other(format!("{command:?}: {status}")));
    }
    usage.disk = size(dir)?;
    Ok(usage)
}

/// CPU seconds of the calling thread so far: what others do on the machine is not in it.
#[expect(clippy::cast_precision_loss, reason = "no thread here lives for 2^53 ns")]
pub fn of_this_thread() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// CPU time and peak of memory so far.
pub fn of_process(id: u32) -> Option<(f64, f64)> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name may have spaces, and is in brackets.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some(((user + system) / TICKS_PER_SECOND, memory(id, "VmHWM:").unwrap_or_default()))
}

/// A line of what the system tells of a process's memory, in bytes.
pub fn memory(id: u32, field: &str) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<f64>().ok()? * 1024.0)
}

/// What all files in a folder have, in bytes.
#[expect(clippy::cast_precision_loss, reason = "no folder here has 2^53 bytes")]
pub fn size(folder: &Path) -> io::Result<f64> {
    let mut sum = 0.0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        sum += if metadata.is_dir() { size(&entry.path())? } else { metadata.len() as f64 };
    }
    Ok(sum)
}
