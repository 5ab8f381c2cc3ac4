//! The one thread that writes: checks chains, signs what the owner publishes, appends, syncs, and says what became of it.
//!
//! It waits for the verifiers and for nobody else; whoever reads its results must take them.

#[cfg(test)]
mod bench;
mod contacts;
mod forks;
mod publishing;
mod removal;
pub(crate) mod survey;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::thread::JoinHandle;

use smol::channel::Sender;
use ssb_gossip::address::Address;
use ssb_gossip::address::announced;
use ssb_gossip::event::Giver;
use ssb_gossip::event::Input;
use ssb_gossip::event::Outcome;
use ssb_gossip::event::Refusal;
use ssb_gossip::event::Ticket;
use ssb_gossip::event::Verdict;
use ssb_gossip::verify::Verified;
use ssb_keys::FeedId;
use ssb_keys::Keypair;
use ssb_keys::published_mark::PublishedMark;
use ssb_log::Disk;
use ssb_log::Opener;
use ssb_log::Store;
use ssb_log::store::Refused;
use ssb_msg::Message;
use ssb_msg::Signing;
use ssb_msg::Unverified;
use ssb_muxrpc::RemoteError;

use crate::clock::Clock;
use crate::config::LogLevel;
use crate::config::Retention;
use crate::keyring::Keyring;
use crate::log_inbox::LogInbox;
use crate::log_inbox::Own;
use crate::log_inbox::Work;
use crate::logging::Entry;
use crate::logging::Logger;
use crate::rpc::add;
use crate::rpc::del;
use crate::rpc::history;
use crate::rpc::publish;
use crate::supervisor::or_abort;

/// What the thread owns.
#[derive(Debug)]
pub(crate) struct LogThread {
    pub(crate) store: Store<Disk>,
    pub(crate) me: Keypair,
    /// What the owner says of others in private counts at once.
    pub(crate) opener: Opener,
    /// With what the owner seals for themselves.
    pub(crate) keyring: Keyring,
    pub(crate) signing: Signing,
    /// Where the secret and its mark are.
    pub(crate) home: PathBuf,
    pub(crate) mark: PublishedMark,
    pub(crate) clock: Clock,
    pub(crate) results: Sender<Input>,
    pub(crate) logger: Logger,
    /// Who waits for messages that the owner adds.
    pub(crate) awaited: BTreeMap<Ticket, Awaited>,
    /// What is kept.
    pub(crate) retention: Retention,
    /// Whether all that was taken could be stored so far.
    pub(crate) healthy: bool,
}

/// A message that the owner adds, and who waits for what becomes of it.
#[derive(Debug)]
pub(crate) struct Awaited {
    feed: FeedId,
    raw: Vec<u8>,
    answer: Sender<Result<String, RemoteError>>,
}

/// All that was taken in one turn.
#[derive(Default)]
struct Batch {
    entries: Vec<Pending>,
    /// How many of them a commit has decided.
    decided: usize,
    /// Where they say that peers are.
    announced: Vec<Address>,
    /// What contradicts the log, of each feed the first.
    forks: BTreeMap<FeedId, Message>,
}

/// A message that waits for the sync, and who waits for it.
struct Pending {
    giver: Option<Giver>,
    len: usize,
    outcome: Outcome,
    /// A message of the owner's: its answer, and where it goes.
    answer: Option<(String, Sender<Result<String, RemoteError>>)>,
}

impl LogThread {
    /// Starts the thread. It ends when the inbox is closed and empty, and tells whether the log was writable to the end.
    pub(crate) fn start(mut self, inbox: Arc<LogInbox>) -> io::Result<JoinHandle<bool>> {
        thread::Builder::new().name("ssb-log".to_owned()).spawn(move || {
            or_abort("the log thread", || {
                while let Some(work) = inbox.next() {
                    self.work(work);
                }
            });
            self.healthy
        })
    }

    fn work(&mut self, work: Work) {
        let mut batch = Batch::default();
        let mut marks = Vec::new();
        for own in work.own {
            match own {
                Own::Publish { draft, answer } => self.publish(&draft, answer, &mut batch),
                Own::Await { ticket, feed, raw, answer } => {
                    self.awaited.insert(ticket, Awaited { feed, raw, answer });
                }
                Own::Remove { what, answer } => {
                    let change = del::remove(&self.store.private_reader(), what);
                    self.change(change, &answer, &mut batch);
                }
                Own::Readmit { what, answer } => {
                    let change = del::readmit(&self.store.private_reader(), what);
                    self.change(change, &answer, &mut batch);
                }
                Own::Retain(steps) => self.retain(&steps, &mut batch),
                Own::Compact(compactor) => self.compact(compactor, &mut batch),
                Own::SaveMark(mark) => marks.push(mark),
                Own::Heard { author, words, end } => self.hear(author, words, end),
            }
        }
        for verified in work.verified {
            self.offer(verified, &mut batch);
        }
        self.commit(&mut batch);
        for mark in marks {
            self.save_mark(mark);
        }
        let (answers, verdicts): (Vec<_>, Vec<_>) = batch.entries.into_iter().map(Pending::part).unzip();
        if !verdicts.is_empty() {
            self.tell(Input::Verdicts(verdicts));
        }
        for address in batch.announced {
            self.tell(Input::Announced { address });
        }
        for message in batch.forks.into_values() {
            self.prove(&message);
        }
        for (answer, to) in answers.into_iter().flatten() {
            // The caller may be gone.
            let _ = to.try_send(answer);
        }
    }

    fn offer(&mut self, verified: Verified, batch: &mut Batch) {
        let Verified { giver, len, message } = verified;
        let awaited = match giver {
            Giver::Owner(ticket) => self.awaited.remove(&ticket),
            Giver::Peer(_) | Giver::Ebt(..) => None,
        };
        let timestamp = self.clock.timestamp();
        let offered = message.map_err(Outcome::Refused).and_then(|message| {
            let mut offered = self.store.offer(&message, timestamp);
            if offered == Err(Refused::Full) {
                self.commit(batch);
                offered = self.store.offer(&message, timestamp);
            }
            match offered {
                Ok(()) => Ok(message),
                Err(refused) => {
                    let outcome = self.refusal(message.author(), refused);
                    if matches!(refused, Refused::Fork { .. }) {
                        batch.forks.entry(message.author()).or_insert(message);
                    }
                    Err(outcome)
                }
            }
        });
        let (outcome, answer) = match (offered, awaited) {
            (Ok(message), awaited) => {
                batch.announced.extend(announced(message.json()));
                (
                    self.stored(&message),
                    awaited.map(|awaited| (publish::answer(&message, timestamp), awaited.answer)),
                )
            }
            (Err(outcome), None) => (outcome, None),
            (Err(outcome), Some(Awaited { feed, raw, answer })) => {
                // The caller may be gone.
                let _ = answer.try_send(Err(self.explain(&feed, &raw, &outcome, batch)));
                (outcome, None)
            }
        };
        batch.entries.push(Pending { giver: Some(giver), len, outcome, answer });
    }

    fn refusal(&self, feed: FeedId, refused: Refused) -> Outcome {
        match refused {
            Refused::Known => Outcome::Known { feed, held: history::latest(&self.store.reader(), &feed) },
            Refused::Fork { .. } => Outcome::Refused(Refusal::Fork),
            Refused::Gap { .. } => Outcome::Refused(Refusal::Gap),
            Refused::Banned => Outcome::Refused(Refusal::Banned),
            _ => Outcome::Refused(Refusal::Storage),
        }
    }

    // Why a message that the owner adds is not stored.
    fn explain(&mut self, feed: &FeedId, raw: &[u8], outcome: &Outcome, batch: &mut Batch) -> RemoteError {
        // What came before it is part of the reason, and can be read once it is durable.
        self.commit(batch);
        let latest = self.latest(feed);
        let why = match outcome {
            Outcome::Refused(why) => Some(*why),
            Outcome::Known { .. } | Outcome::Stored { .. } => None,
        };
        add::refusal(raw, latest.as_ref(), why)
    }

    fn latest(&self, feed: &FeedId) -> Option<add::Latest> {
        let reader = self.store.reader();
        let sequence = reader.latest(feed)?.sequence;
        let stored = reader.read(reader.by_sequence(feed, sequence)?).ok()?;
        let timestamp = Unverified::parse(stored.json.as_bytes()).ok()?.timestamp();
        Some(add::Latest { id: stored.id, sequence, timestamp })
    }

    // Makes durable what was taken; then the mark; and only then does anybody see or hear of it.
    fn commit(&mut self, batch: &mut Batch) {
        let undecided = batch.decided;
        batch.decided = batch.entries.len();
        if self.store.queued() == 0 {
            return;
        }
        let me = self.me.id();
        let (home, mark) = (&self.home, &mut self.mark);
        let own = self.store.state(&me).sequence();
        let committed = self.store.commit_with(|| mark.raise(u64::from(own), home));
        if let Err(error) = committed {
            self.healthy = false;
            let entry = Entry::new(LogLevel::Error, "nothing is stored or published from now on");
            self.logger.say(&entry.reason(error));
            batch.entries.iter_mut().skip(undecided).for_each(Pending::fail);
        }
    }

    fn save_mark(&mut self, mark: PublishedMark) {
        // A message may have been published since the core decided this.
        let mark = PublishedMark { sequence: mark.sequence.max(self.mark.sequence), ..mark };
        match mark.save(&self.home) {
            Ok(()) => {
                self.logger.notice("the own feed was recovered from a peer: publishing is open");
                self.mark = mark;
                self.tell(Input::MarkSaved(mark));
            }
            Err(error) => {
                let entry = Entry::new(LogLevel::Error, "the published-mark could not be saved");
                self.logger.say(&entry.reason(error));
            }
        }
    }

    fn held(&self) -> u32 {
        self.store.state(&self.me.id()).sequence()
    }

    fn tell(&self, input: Input) {
        // The core is gone only when the node stops.
        let _ = self.results.send_blocking(input);
    }
}

type Answer = (Result<String, RemoteError>, Sender<Result<String, RemoteError>>);

impl Pending {
    fn fail(&mut self) {
        if matches!(self.outcome, Outcome::Stored { .. }) {
            self.outcome = Outcome::Refused(Refusal::Storage);
        }
        if let Some((_, to)) = self.answer.take() {
            let _ = to.try_send(Err(RemoteError::new(
                "the log cannot be written any more; see the node's own log",
            )));
        }
    }

    fn part(self) -> (Option<Answer>, Verdict) {
        let Self { giver, len, outcome, answer } = self;
        (answer.map(|(text, to)| (Ok(text), to)), Verdict { giver, len, outcome })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::key;
    use crate::log_thread::bench::Bench;
    use crate::log_thread::bench::ME;
    use crate::log_thread::bench::feed;
    use crate::log_thread::bench::own;
    use crate::log_thread::bench::publish;
    use crate::log_thread::bench::verified;
    use crate::log_thread::bench::work;
    use smol::channel::Receiver;
    use smol::channel::bounded;
    use ssb_keys::published_mark::Origin;
    use ssb_log::Ordinal;
    use std::fs;

    #[test]
    fn offered_messages_get_their_verdicts_in_order() {
        let mut bench = Bench::created();
        let theirs = feed(2, 3, 1);
        let offered = [&theirs[0], &theirs[0], &theirs[2], &theirs[1]].map(Clone::clone);
        let mut work = work(offered);
        work.verified.push(verified(Err(Refusal::Signature)));
        work.verified.push(verified(Ok(feed(2, 1, 2).remove(0))));

        bench.thread.work(work);

        let stored = |sequence| Outcome::Stored { feed: key(2).id(), sequence, contact: None };
        assert_eq!(
            bench.outcomes(),
            [
                stored(1),
                // What is durable counts.
                Outcome::Known { feed: key(2).id(), held: 0 },
                Outcome::Refused(Refusal::Gap),
                stored(2),
                Outcome::Refused(Refusal::Signature),
                Outcome::Refused(Refusal::Fork),
            ]
        );
    }

    #[test]
    fn messages_of_the_own_feed_from_peers_move_the_mark_too() {
        let mut bench = Bench::created();

        bench.thread.work(work(feed(ME, 3, 1)));

        assert_eq!(
            bench.mark_on_disk(),
            PublishedMark { sequence: 3, ..PublishedMark::created(key(ME).id()) }
        );
    }

    #[test]
    fn a_mark_of_nobody_knows_whose_secret_does_not_move() {
        let mut bench = Bench::new(PublishedMark::unknown(key(ME).id()));

        bench.thread.work(work(feed(ME, 3, 1)));

        assert_eq!(bench.thread.mark, PublishedMark::unknown(key(ME).id()));
    }

    #[test]
    fn a_recovered_mark_is_saved_and_told() {
        let mut bench = Bench::new(PublishedMark::unknown(key(ME).id()));
        let mark = PublishedMark { feed: key(ME).id(), origin: Origin::Recovered, sequence: 2 };

        bench.thread.work(own(Own::SaveMark(mark)));

        assert_eq!(bench.mark_on_disk(), mark);
        assert!(matches!(bench.results.try_recv(), Ok(Input::MarkSaved(saved)) if saved == mark));
    }

    #[test]
    fn a_late_mark_does_not_take_back_what_was_published_since() {
        let recovered = PublishedMark { feed: key(ME).id(), origin: Origin::Recovered, sequence: 0 };
        let mut bench = Bench::new(recovered);
        let (publish, _answered) = publish(r#"{"type":"post"}"#);

        bench.thread.work(Work { own: vec![publish, Own::SaveMark(recovered)], ..Work::default() });

        assert_eq!(bench.mark_on_disk().sequence, 1);
    }

    /// A message that the owner adds, and what it is answered.
    fn add(
        ticket: u64,
        message: &Message,
        verdict: Result<Message, Refusal>,
    ) -> (Work, Receiver<Result<String, RemoteError>>) {
        let (ticket, raw) = (Ticket(ticket), message.json().as_bytes().to_vec());
        let (answer, answered) = bounded(1);
        let work = Work {
            own: vec![Own::Await { ticket, feed: message.author(), raw, answer }],
            verified: vec![Verified { giver: Giver::Owner(ticket), len: 9, message: verdict }],
        };
        (work, answered)
    }

    #[test]
    fn what_the_owner_adds_is_answered_once_it_is_durable() {
        let mut bench = Bench::created();
        let message = feed(2, 1, 1).remove(0);
        let (work, answered) = add(5, &message, Ok(message.clone()));

        bench.thread.work(work);

        let reader = bench.thread.store.reader();
        let received = reader.read(Ordinal::ZERO).unwrap().received;
        assert_eq!(answered.try_recv().unwrap(), Ok(publish::answer(&message, received)));
        assert_eq!(bench.outcomes(), [Outcome::Stored { feed: key(2).id(), sequence: 1, contact: None }]);
        assert!(bench.thread.awaited.is_empty());
    }

    #[test]
    fn what_the_owner_adds_to_the_own_feed_moves_the_mark_first() {
        let mut bench = Bench::created();
        let message = feed(ME, 1, 1).remove(0);
        let (work, answered) = add(5, &message, Ok(message.clone()));

        bench.thread.work(work);

        assert!(answered.try_recv().unwrap().is_ok());
        assert_eq!(bench.mark_on_disk().sequence, 1);
    }

    #[test]
    fn an_added_message_that_does_not_come_next_is_answered_with_the_end_of_its_feed() {
        let mut bench = Bench::created();
        let messages = feed(2, 3, 1);
        let (mut work, first) = add(1, &messages[0], Ok(messages[0].clone()));
        // One known, one early, one of another branch: all in the turn that stores the first.
        let fork = feed(2, 1, 2).remove(0);
        let others = [(2, &messages[0]), (3, &messages[2]), (4, &fork)];
        let answers: Vec<_> = others
            .into_iter()
            .map(|(ticket, message)| {
                let (more, answered) = add(ticket, message, Ok(message.clone()));
                work.own.extend(more.own);
                work.verified.extend(more.verified);
                answered
            })
            .collect();

        bench.thread.work(work);

        assert!(first.try_recv().unwrap().is_ok());
        let id = messages[0].id();
        for (answered, got) in answers.iter().zip([1, 3, 1]) {
            let text = format!(
                "invalid message: expected sequence 2 but got:{got}in state:{{\"id\":\"{id}\",\"sequence\":1,\
                 \"timestamp\":0,\"queue\":[]}}, on feed:{}",
                key(2).id()
            );
            assert_eq!(answered.try_recv().unwrap(), Err(RemoteError::new(text)));
        }
        let refused = |why| Outcome::Refused(why);
        let known = Outcome::Known { feed: key(2).id(), held: 0 };
        assert_eq!(bench.outcomes()[1..], [known, refused(Refusal::Gap), refused(Refusal::Fork)]);
    }

    #[test]
    fn a_fork_is_told_once_however_often_it_comes() {
        let mut bench = Bench::created();
        let (feed, ours, theirs) = (key(2).id(), feed(2, 3, 1), feed(2, 3, 2));
        bench.thread.work(work(ours[..2].to_vec()));
        bench.outcomes();

        bench.thread.work(work([theirs[1].clone(), theirs[0].clone(), ours[2].clone()]));
        bench.thread.work(work([theirs[0].clone()]));

        let refused = Outcome::Refused(Refusal::Fork);
        let stored = Outcome::Stored { feed, sequence: 3, contact: None };
        assert_eq!(bench.outcomes(), [refused.clone(), refused.clone(), stored]);
        let told = bench.results.try_recv().unwrap();
        assert!(matches!(told, Input::Forked { feed: told, sequence: 2 } if told == feed), "{told:?}");
        assert_eq!(bench.outcomes(), [refused]);
        assert_eq!(bench.thread.store.reader().forks().len(), 1);
    }

    #[test]
    fn an_added_message_with_a_bad_signature_is_answered_so() {
        let mut bench = Bench::created();
        let message = feed(2, 1, 1).remove(0);
        let (work, answered) = add(5, &message, Err(Refusal::Signature));

        bench.thread.work(work);

        assert_eq!(answered.try_recv().unwrap(), Err(RemoteError::new("invalid signature")));
        assert!(bench.thread.store.reader().is_empty());
    }

    #[test]
    fn an_added_message_that_is_none_is_answered_with_the_end_of_its_feed_too() {
        let mut bench = Bench::created();
        let message = feed(2, 1, 1).remove(0);
        bench.thread.work(work([message.clone()]));
        let (mut work, answered) = add(5, &message, Err(Refusal::Malformed));
        if let [Own::Await { raw, .. }] = work.own.as_mut_slice() {
            *raw = message.json().replacen("\"sequence\":1", "\"sequence\":1.5", 1).into_bytes();
        }

        bench.thread.work(work);

        let error = answered.try_recv().unwrap().unwrap_err();
        assert!(error.message().starts_with("invalid message: expected sequence 2 but got:1.5in state:"));
    }

    #[test]
    fn an_added_message_that_could_not_be_written_is_answered_so() {
        let mut bench = Bench::created();
        fs::create_dir(bench.fixture.path().join("published-mark")).unwrap();
        let message = feed(ME, 1, 1).remove(0);
        let (work, answered) = add(5, &message, Ok(message.clone()));

        bench.thread.work(work);

        assert!(answered.try_recv().unwrap().unwrap_err().message().contains("cannot be written any more"));
    }

    #[test]
    fn more_than_one_commit_s_worth_is_stored_in_one_turn() {
        let mut bench = Bench::created();

        bench.thread.work(work(feed(2, 1200, 7500)));

        assert!(bench.outcomes().iter().all(|outcome| matches!(outcome, Outcome::Stored { .. })));
        assert_eq!(bench.thread.store.reader().len(), 1200);
    }

    #[test]
    fn a_log_that_cannot_be_written_says_so_and_stores_nothing() {
        let mut bench = Bench::created();
        // The mark has to be on disk before anybody sees the message, and now cannot be.
        fs::create_dir(bench.fixture.path().join("published-mark")).unwrap();
        let (first, answered) = publish(r#"{"type":"post"}"#);
        bench.thread.work(own(first));
        assert!(answered.try_recv().unwrap().unwrap_err().message().contains("cannot be written any more"));
        assert_eq!(bench.outcomes(), [Outcome::Refused(Refusal::Storage)]);
        assert!(!bench.thread.healthy);

        let (second, answered) = publish(r#"{"type":"post"}"#);
        bench.thread.work(own(second));
        bench.outcomes();
        bench.thread.work(work(feed(2, 1, 1)));

        assert!(answered.try_recv().unwrap().is_err());
        assert_eq!(bench.outcomes(), [Outcome::Refused(Refusal::Storage)]);
        assert!(bench.thread.store.reader().is_empty());
    }

    #[test]
    fn what_an_earlier_commit_of_the_turn_stored_stays_stored() {
        let mut bench = Bench::created();
        fs::create_dir(bench.fixture.path().join("published-mark")).unwrap();
        let mut messages = feed(2, 1200, 7500);
        messages.extend(feed(ME, 1, 1));

        bench.thread.work(work(messages));

        let outcomes = bench.outcomes();
        let stored = outcomes.iter().take_while(|outcome| matches!(outcome, Outcome::Stored { .. })).count();
        assert!(stored > 0);
        assert_eq!(bench.thread.store.reader().len(), u32::try_from(stored).unwrap());
        assert!(outcomes[stored..].iter().all(|outcome| *outcome == Outcome::Refused(Refusal::Storage)));
    }
}
