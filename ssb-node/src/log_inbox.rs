//! What waits for the log thread: verified groups in the order of their numbers, and publishing in a lane of its own.

use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use ssb_gossip::event::Draft;
use ssb_gossip::event::Removal;
use ssb_gossip::event::Ticket;
use ssb_gossip::verify::InOrder;
use ssb_gossip::verify::Verified;
use ssb_keys::FeedId;
use ssb_keys::published_mark::PublishedMark;
use ssb_log::Disk;
use ssb_log::Ordinal;
use ssb_log::compact::Compactor;
use ssb_msg::content::Contact;
use ssb_muxrpc::RemoteError;

use smol::channel::Sender;

/// The most messages that the log thread stores with one sync.
pub(crate) const BATCH_LEN_MAX: usize = 4096;

/// While more groups are verified, messages wait so long for them, to be stored with the same sync.
const GATHERING: Duration = Duration::from_millis(5);

/// The owner's own business with the log, ahead of all replication.
#[derive(Debug)]
pub(crate) enum Own {
    Publish {
        draft: Draft,
        answer: Sender<Result<String, RemoteError>>,
    },
    /// The owner adds a message, which comes with a group, and waits for what becomes of it.
    Await {
        ticket: Ticket,
        feed: FeedId,
        raw: Vec<u8>,
        answer: Sender<Result<String, RemoteError>>,
    },
    /// The owner removes something for good.
    Remove {
        what: Removal,
        answer: Sender<Result<String, RemoteError>>,
    },
    /// The owner lets it come back.
    Readmit {
        what: Removal,
        answer: Sender<Result<String, RemoteError>>,
    },
    /// What the policy does not keep goes. So many steps are feeds within reach away.
    Retain(Vec<(FeedId, u8)>),
    /// A copy of the log without what is gone is nearly complete.
    Compact(Compactor<Disk>),
    SaveMark(PublishedMark),
    /// What an author said in private, in the messages before `end`.
    Heard {
        author: FeedId,
        words: Vec<Contact>,
        end: Ordinal,
    },
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
    groups: InOrder,
    /// How many groups are being verified.
    under_way: usize,
    /// What comes next of the groups that are here.
    line: Vec<Verified>,
    closed: bool,
}

impl LogInbox {
    pub(crate) fn own(&self, own: Own) {
        self.lock().own.push_back(own);
        self.changed.notify_one();
    }

    /// A group goes to the verifiers.
    pub(crate) fn expect_group(&self) {
        self.lock().under_way += 1;
    }

    /// Groups come in any order; they are handed out in the order of their numbers.
    pub(crate) fn group(&self, number: u64, verified: Vec<Verified>) {
        let mut state = self.lock();
        state.under_way -= 1;
        state.groups.insert(number, verified);
        drop(state);
        self.changed.notify_one();
    }

    /// After this the log thread finishes what is here and ends.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
    }

    /// Waits for work, and a little longer for what is nearly there. `None` when it is closed and nothing is left to do.
    pub(crate) fn next(&self) -> Option<Work> {
        let mut state = self.lock();
        let mut since = None;
        loop {
            state.gather();
            if !state.own.is_empty() || state.is_gathered() {
                return Some(state.take());
            }
            state = if !state.line.is_empty() {
                let left = GATHERING.saturating_sub(since.get_or_insert_with(Instant::now).elapsed());
                if left.is_zero() {
                    return Some(state.take());
                }
                self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
            } else if state.closed {
                return None;
            } else {
                self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
            };
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing here can panic with the lock held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn gather(&mut self) {
        while self.line.len() < BATCH_LEN_MAX
            && let Some(group) = self.groups.pop()
        {
            self.line.extend(group);
        }
    }

    /// Whether there is something to store, and nothing to wait for.
    fn is_gathered(&self) -> bool {
        let is_all = self.under_way == 0 || self.closed;
        !self.line.is_empty() && (is_all || self.line.len() >= BATCH_LEN_MAX)
    }

    fn take(&mut self) -> Work {
        Work { own: self.own.drain(..).collect(), verified: mem::take(&mut self.line) }
    }
}

impl fmt::Debug for LogInbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogInbox").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ssb_gossip::event::Giver;
    use ssb_gossip::event::Refusal;
    use std::sync::Arc;
    use std::thread;

    /// A group of so many items that say whose they are by their length.
    fn group(mark: usize, count: usize) -> Vec<Verified> {
        let giver = Giver::Owner(Ticket(0));
        (0..count).map(|_| Verified { giver, len: mark, message: Err(Refusal::Malformed) }).collect()
    }

    /// A group that is verified at once.
    fn come(inbox: &LogInbox, number: u64, group: Vec<Verified>) {
        inbox.expect_group();
        inbox.group(number, group);
    }

    fn marks(work: &Work) -> Vec<usize> {
        work.verified.iter().map(|verified| verified.len).collect()
    }

    fn save_mark() -> Own {
        Own::SaveMark(PublishedMark::created(FeedId::from_bytes([0; 32])))
    }

    #[test]
    fn groups_come_out_in_the_order_of_their_numbers() {
        let inbox = LogInbox::default();
        come(&inbox, 1, group(11, 2));
        come(&inbox, 2, group(12, 1));
        come(&inbox, 0, group(10, 1));
        come(&inbox, 4, group(14, 1));

        assert_eq!(marks(&inbox.next().unwrap()), [10, 11, 11, 12]);
        come(&inbox, 3, group(13, 1));
        assert_eq!(marks(&inbox.next().unwrap()), [13, 14]);
    }

    #[test]
    fn one_turn_takes_no_more_groups_once_its_batch_is_full() {
        let inbox = LogInbox::default();
        for number in 0..3 {
            come(&inbox, number, group(0, BATCH_LEN_MAX - 1));
        }

        assert_eq!(inbox.next().unwrap().verified.len(), 2 * (BATCH_LEN_MAX - 1));
        assert_eq!(inbox.next().unwrap().verified.len(), BATCH_LEN_MAX - 1);
    }

    #[test]
    fn what_is_verified_waits_a_little_for_what_is_nearly() {
        let inbox = LogInbox::default();
        inbox.expect_group();
        come(&inbox, 1, group(11, 1));
        let begun = Instant::now();
        let late = thread::scope(|scope| {
            scope.spawn(|| inbox.group(0, group(10, 1)));
            inbox.next().unwrap()
        });
        assert_eq!(marks(&late), [10, 11]);

        inbox.expect_group();
        come(&inbox, 2, group(12, 1));
        assert_eq!(marks(&inbox.next().unwrap()), [12], "the other takes too long");
        assert!(begun.elapsed() >= GATHERING);

        inbox.expect_group();
        come(&inbox, 3, group(13, 1));
        inbox.own(save_mark());
        let work = inbox.next().unwrap();
        assert_eq!((work.own.len(), marks(&work)), (1, vec![13]), "the owner waits for nobody");

        come(&inbox, 4, group(14, BATCH_LEN_MAX));
        assert_eq!(inbox.next().unwrap().verified.len(), BATCH_LEN_MAX, "a batch is full");

        come(&inbox, 5, group(15, 1));
        inbox.close();
        assert_eq!(marks(&inbox.next().unwrap()), [15], "nobody sends any more");
    }

    #[test]
    fn the_owner_s_wishes_wait_for_no_group() {
        let inbox = LogInbox::default();
        come(&inbox, 1, group(11, 1));
        inbox.own(save_mark());
        inbox.own(save_mark());

        let work = inbox.next().unwrap();

        assert_eq!((work.own.len(), work.verified.len()), (2, 0));
    }

    #[test]
    fn what_is_in_it_when_it_closes_comes_out_first() {
        let inbox = LogInbox::default();
        inbox.own(save_mark());
        come(&inbox, 0, group(10, 1));
        come(&inbox, 2, group(12, 1));
        inbox.close();

        assert_eq!(marks(&inbox.next().unwrap()), [10]);
        assert!(inbox.next().is_none(), "a group before it never came");
    }

    #[test]
    fn whoever_waits_is_woken_by_work_and_by_the_end() {
        let inbox = Arc::new(LogInbox::default());
        let waiting = {
            let inbox = Arc::clone(&inbox);
            thread::spawn(move || {
                std::iter::from_fn(|| inbox.next()).flat_map(|work| marks(&work)).collect::<Vec<_>>()
            })
        };
        come(&inbox, 0, group(10, 1));
        come(&inbox, 1, group(11, 1));
        inbox.close();

        assert_eq!(waiting.join().unwrap(), [10, 11]);
    }
}
