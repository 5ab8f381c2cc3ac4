//! What leaves the log: because the owner says so, or a policy; and the space that it gives back.

use std::collections::BTreeMap;

use smol::channel::Sender;
use ssb_gossip::event::Again;
use ssb_gossip::event::Input;
use ssb_keys::FeedId;
use ssb_keys::verify::KeyCache;
use ssb_log::Decision;
use ssb_log::Disk;
use ssb_log::compact::CompactError;
use ssb_log::compact::Compacted;
use ssb_log::compact::Compactor;
use ssb_log::retain;
use ssb_log::retain::Standing;
use ssb_msg::Unverified;
use ssb_muxrpc::RemoteError;

use super::Batch;
use super::LogThread;
use crate::config::LogLevel;
use crate::logging::Entry;
use crate::rpc::del::Change;

impl LogThread {
    // What is gone, or may come back, is so before the answer, and the core hears of it before anything that comes after.
    pub(super) fn change(
        &mut self,
        change: Result<Change, RemoteError>,
        answer: &Sender<Result<String, RemoteError>>,
        batch: &mut Batch,
    ) {
        self.commit(batch);
        let result = change.and_then(|Change { decision, answer, emptied, related }| {
            let timestamp = self.clock.timestamp();
            if let Err(error) = self.store.decide(&[decision], timestamp) {
                self.healthy = false;
                return Err(RemoteError::new(error.to_string()));
            }
            if let Some((feed, again)) = emptied {
                self.tell(Input::Emptied { feed, again });
            }
            if let Decision::Readmit { feed, from, .. } = decision {
                self.bring_back(&feed, from);
            }
            if let Some((author, contact)) = related {
                // What cannot be read is found out about when it is read for somebody.
                let relation = self.store.private_reader().relation(&author, &contact).unwrap_or_default();
                self.tell(Input::Related { author, contact, relation });
            }
            Ok(answer)
        });
        // The caller may be gone.
        let _ = answer.try_send(result);
    }

    // Only others' messages ever go, and only those of whom the owner does not keep everything.
    pub(super) fn retain(&mut self, steps: &[(FeedId, u8)], batch: &mut Batch) {
        self.commit(batch);
        let steps: BTreeMap<FeedId, u8> = steps.iter().copied().collect();
        let (me, timestamp) = (self.me.id(), self.clock.timestamp());
        let standing = |feed: &FeedId| match steps.get(feed) {
            _ if *feed == me || self.retention.keep.contains(feed) => Standing::Kept,
            Some(steps) => Standing::Near(*steps),
            None => Standing::Far,
        };
        let planned = retain::plan(&self.store.reader(), &self.retention.policy(), standing, timestamp);
        let decisions = match planned {
            Ok(decisions) if decisions.is_empty() => return,
            Ok(decisions) => decisions,
            Err(error) => {
                let entry = Entry::new(LogLevel::Warning, "what is too old could not be looked for");
                return self.logger.say(&entry.reason(error));
            }
        };
        let before = self.store.reader().len();
        if let Err(error) = self.store.decide(&decisions, timestamp) {
            self.healthy = false;
            let entry = Entry::new(LogLevel::Error, "nothing is stored or published from now on");
            return self.logger.say(&entry.reason(error));
        }
        for decision in decisions {
            if let Decision::Forget { feed } = decision {
                self.tell(Input::Emptied { feed, again: Again::Allowed });
            }
        }
        let gone = before - self.store.reader().len();
        let entry = Entry::new(LogLevel::Notice, "messages that are not kept any longer are gone");
        self.logger.say(&entry.reason(format!("{gone} of {before}")));
    }

    pub(super) fn compact(&mut self, compactor: Compactor<Disk>, batch: &mut Batch) {
        self.commit(batch);
        match self.store.finish_compaction(compactor) {
            Ok(Compacted { before, after }) => {
                let entry = Entry::new(LogLevel::Notice, "the log was compacted");
                self.logger.say(&entry.reason(format!("{before} bytes became {after}")));
            }
            Err(error) => {
                self.healthy &= !matches!(error, CompactError::Append(_));
                let entry = Entry::new(LogLevel::Warning, "the log could not be compacted");
                self.logger.say(&entry.reason(error));
            }
        }
    }

    // As long as the log was not compacted its bytes are still there.
    fn bring_back(&mut self, feed: &FeedId, sequence: u32) {
        let Ok(Some(text)) = self.store.reader().retained(feed, sequence) else { return };
        let message = Unverified::parse(text.as_bytes()).ok();
        let message = message.and_then(|message| message.verify(&self.signing, &mut KeyCache::new()).ok());
        let Some(message) = message else { return };
        if self.store.offer(&message, self.clock.timestamp()).is_ok() {
            self.commit(&mut Batch::default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::key;
    use crate::log_inbox::Own;
    use crate::log_thread::bench::Bench;
    use crate::log_thread::bench::ME;
    use crate::log_thread::bench::feed;
    use crate::log_thread::bench::own;
    use crate::log_thread::bench::work;
    use smol::channel::bounded;
    use ssb_gossip::event::Removal;

    #[test]
    fn what_the_policy_does_not_keep_goes_and_the_core_hears_of_it() {
        let mut bench = Bench::created();
        bench.thread.retention.hops = Some(1);
        bench.thread.retention.keep = vec![key(4).id()];
        for author in [ME, 2, 3, 4] {
            bench.thread.work(work(feed(author, 2, 5)));
            assert_eq!(bench.outcomes().len(), 2);
        }

        bench.thread.work(own(Own::Retain(vec![(key(ME).id(), 0), (key(2).id(), 1)])));

        let left: Vec<FeedId> =
            bench.thread.store.reader().feeds().iter().map(|latest| latest.feed).collect();
        assert_eq!(left, [key(ME).id(), key(2).id(), key(4).id()]);
        let Ok(Input::Emptied { feed, again }) = bench.results.try_recv() else { panic!("nobody is told") };
        assert_eq!((feed, again), (key(3).id(), Again::Allowed));
        assert!(bench.results.try_recv().is_err());
    }

    #[test]
    fn what_the_owner_lets_come_back_is_taken_from_the_file() {
        let mut bench = Bench::created();
        let messages = feed(2, 3, 5);
        let id = messages[1].id();
        bench.thread.work(work(messages));
        assert_eq!(bench.outcomes().len(), 3);
        let ask = |wish: fn(Removal, Sender<Result<String, RemoteError>>) -> Own| {
            let (answer, answered) = bounded(1);
            (own(wish(Removal::Message(id), answer)), answered)
        };

        let (work, answered) = ask(|what, answer| Own::Remove { what, answer });
        bench.thread.work(work);
        assert_eq!(answered.try_recv(), Ok(Ok("false".to_owned())));
        assert_eq!(bench.thread.store.reader().get(&id), Ok(None));

        let (work, answered) = ask(|what, answer| Own::Readmit { what, answer });
        bench.thread.work(work);
        assert_eq!(answered.try_recv(), Ok(Ok("true".to_owned())));
        assert_eq!(bench.thread.store.reader().get(&id).unwrap().map(|stored| stored.id), Some(id));
    }
}
