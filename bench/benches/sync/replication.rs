//! All messages from a node that has them to one that has none.

use std::io;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use bench::data::Data;
use bench::wish::clear;
use interop::Lab;

use crate::side::Running;
use crate::side::Side;

/// What it took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Replication {
    /// From the dialing until the receiver has everything.
    pub(super) seconds: f64,
    /// CPU seconds of the sender.
    pub(super) sender: f64,
    /// CPU seconds of the receiver.
    pub(super) receiver: f64,
    /// The receiver's peak of memory, in bytes.
    pub(super) memory: f64,
}

/// How often the receiver is asked what it has.
const PAUSE: Duration = Duration::from_millis(100);

/// How long both are left alone before their CPU time is read: indexes may lag behind.
const REST: Duration = Duration::from_secs(1);

/// Starts an empty receiver and lets it dial the sender.
pub(super) fn measure(lab: &Lab, from: &mut Running, to: Side, data: &Data) -> io::Result<Replication> {
    let name = format!("{}-sink", to.name());
    clear(&lab.dir(&name))?;
    let mut receiver = Running::start(lab, to, &name, data)?;
    thread::sleep(REST);
    let before = [from.usage()?.0, receiver.usage()?.0];
    let start = Instant::now();
    receiver.dial(from)?;
    receiver.wait_for_messages(data, PAUSE)?;
    let seconds = start.elapsed().as_secs_f64();
    thread::sleep(REST);
    let ((sender, _), (cpu, memory)) = (from.usage()?, receiver.usage()?);
    receiver.stop();
    let done = Replication { seconds, sender: sender - before[0], receiver: cpu - before[1], memory };
    eprintln!("to {}: {done:?}", to.name());
    Ok(done)
}
