//! A million messages from one node of ours to another.

use std::io;

use bench::data::Data;
use interop::Lab;

use crate::replication;
use crate::replication::Replication;
use crate::side::Running;
use crate::side::Side;

pub(super) fn measure(lab: &Lab, data: &Data) -> io::Result<Replication> {
    eprintln!("a million messages");
    Side::Ours.fill(lab, "million", data)?;
    let mut sender = Running::start(lab, Side::Ours, "million", data)?;
    sender.wait_for_indexes(data)?;
    let done = replication::measure(lab, &mut sender, Side::Ours, data)?;
    sender.stop();
    Ok(done)
}
