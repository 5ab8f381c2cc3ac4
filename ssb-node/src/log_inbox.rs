//! What waits for the log thread: verified groups in the order of their numbers, and publishing in a lane of its own.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use ssb_gossip::event::Refusal;
use ssb_gossip::event::Source;
use ssb_keys::published_mark::PublishedMark;
use ssb_msg::Message;
use ssb_muxrpc::RemoteError;

use smol::channel::Sender;

/// The most messages that the log thread stores with one sync.
pub(crate) const BATCH_LEN_MAX: usize = 4096;

/// A message after its signature was checked, or why it is not one.
#[derive(Debug)]
pub(crate) struct Verified {
    pub(crate) source: Source,
    /// As received, in bytes.
    pub(crate) len: usize,
    pub(crate) message: Result<Message, Refusal>,
}

/// The owner's own business with the log, ahead of all replication.
#[derive(Debug)]
pub(crate) enum Own {
    Publish { content: String, answer: Sender<Result<String, RemoteError>> },
    SaveMark(PublishedMark),
}

/// What the log thread does next.
#[derive(Debug, Default)]
pub(crate) struct Work {
    pub(crate) own: Vec<Own>,
    pub(crate) verified: Vec<Verified>,
}

/// Shared by the core, the verifiers and the log thread. The core limits what is in it.
#[derive(Default)]
pub(crate) struct LogInbox {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    own: VecDeque<Own>,
    groups: BTreeMap<u64, Vec<Verified>>,
    next: u64,
    closed: bool,
}

impl LogInbox {
    pub(crate) fn own(&self, own: Own) {
        self.lock().own.push_back(own);
        self.changed.notify_one();
    }

    /// Groups come in any order; they are handed out in the order of their numbers.
    pub(crate) fn group(&self, number: u64, verified: Vec<Verified>) {
        self.lock().groups.insert(number, verified);
        self.changed.notify_one();
    }

    /// After this the log thread finishes what is here and ends.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
    }

    /// Waits for work. `None` when it is closed and nothing is left to do.
    pub(crate) fn next(&self) -> Option<Work> {
        let mut state = self.lock();
        loop {
            let work = state.take();
            if !work.own.is_empty() || !work.verified.is_empty() {
                return Some(work);
            }
            if state.closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing here can panic with the lock held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take(&mut self) -> Work {
        let mut work = Work { own: self.own.drain(..).collect(), verified: Vec::new() };
        while work.verified.len() < BATCH_LEN_MAX
            && let Some(group) = self.groups.remove(&self.next)
        {
            self.next += 1;
            work.verified.extend(group);
        }
        work
    }
}

impl fmt::Debug for LogInbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogInbox").finish_non_exhaustive()
    }
}
