//! Threads that parse and verify, in groups. They finish in any order; the log inbox puts the groups in line again.

use std::io;
use std::sync::Arc;
use std::thread;
use std::thread::JoinHandle;

use smol::channel::Receiver;
use ssb_gossip::event::Group;
use ssb_gossip::verify::verify;
use ssb_keys::verify::KeyCache;
use ssb_msg::Signing;

use crate::log_inbox::LogInbox;
use crate::supervisor::or_abort;

/// Starts `count` threads. They end when the channel is closed and drained.
pub(crate) fn start(
    count: usize,
    groups: &Receiver<Group>,
    signing: Signing,
    log: &Arc<LogInbox>,
) -> io::Result<Vec<JoinHandle<()>>> {
    (0..count)
        .map(|n| {
            let (groups, log) = (groups.clone(), Arc::clone(log));
            thread::Builder::new().name(format!("ssb-verify-{n}")).spawn(move || {
                or_abort("a verifier", || {
                    let mut keys = KeyCache::new();
                    while let Ok(Group { number, items }) = groups.recv_blocking() {
                        log.group(number, verify(items, &signing, &mut keys));
                    }
                });
            })
        })
        .collect()
}
