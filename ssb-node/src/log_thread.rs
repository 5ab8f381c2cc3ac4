//! The one thread that writes: checks chains, signs what the owner publishes, appends, syncs, and says what became of it.
//!
//! It waits for the verifiers and for nobody else; whoever reads its results must take them.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::thread::JoinHandle;

use smol::channel::Sender;
use ssb_gossip::event::Input;
use ssb_gossip::event::Outcome;
use ssb_gossip::event::Refusal;
use ssb_gossip::event::Source;
use ssb_gossip::event::Verdict;
use ssb_gossip::history::contact_of;
use ssb_keys::FeedId;
use ssb_keys::Keypair;
use ssb_keys::published_mark::PublishedMark;
use ssb_log::Disk;
use ssb_log::Ordinal;
use ssb_log::Store;
use ssb_log::read::ReadError;
use ssb_log::store::Refused;
use ssb_msg::Message;
use ssb_msg::Signing;
use ssb_msg::content::Contact;
use ssb_muxrpc::RemoteError;

use crate::clock::Clock;
use crate::log_inbox::LogInbox;
use crate::log_inbox::Own;
use crate::log_inbox::Verified;
use crate::log_inbox::Work;
use crate::logging::Logger;
use crate::rpc::publish;
use crate::rpc::source::behind;
use crate::supervisor::or_abort;

/// What the thread owns.
#[derive(Debug)]
pub(crate) struct LogThread {
    pub(crate) store: Store<Disk>,
    pub(crate) me: Keypair,
    pub(crate) signing: Signing,
    /// Where the secret and its mark are.
    pub(crate) home: PathBuf,
    pub(crate) mark: PublishedMark,
    pub(crate) clock: Clock,
    pub(crate) results: Sender<Input>,
    pub(crate) logger: Logger,
    /// Whether all that was taken could be stored so far.
    pub(crate) healthy: bool,
}

/// A message that waits for the sync, and who waits for it.
struct Pending {
    source: Option<Source>,
    len: usize,
    outcome: Outcome,
    /// A published message: its answer, and where it goes.
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
        let mut pending = Vec::with_capacity(work.verified.len() + work.own.len());
        let mut marks = Vec::new();
        for own in work.own {
            match own {
                Own::Publish { content, answer } => self.publish(&content, answer, &mut pending),
                Own::SaveMark(mark) => marks.push(mark),
            }
        }
        for verified in work.verified {
            self.offer(verified, &mut pending);
        }
        self.commit(&mut pending);
        for mark in marks {
            self.save_mark(mark);
        }
        let (answers, verdicts): (Vec<_>, Vec<_>) = pending.into_iter().map(Pending::part).unzip();
        if !verdicts.is_empty() {
            self.tell(Input::Verdicts(verdicts));
        }
        for (answer, to) in answers.into_iter().flatten() {
            // The caller may be gone.
            let _ = to.try_send(answer);
        }
    }

    fn publish(
        &mut self,
        content: &str,
        answer: Sender<Result<String, RemoteError>>,
        pending: &mut Vec<Pending>,
    ) {
        // The core holds the gate. This is the last look at the mark before a signature that cannot be taken back.
        let held = self.held();
        if !self.mark.permits(u64::from(held)) {
            let _ = answer.try_send(Err(RemoteError::new("publishing is locked")));
            return;
        }
        let timestamp = self.clock.timestamp();
        match self.store.sign_next(content, timestamp, &self.me, &self.signing, timestamp) {
            Ok(message) => pending.push(Pending {
                source: None,
                len: 0,
                outcome: stored(&message),
                answer: Some((publish::answer(&message, timestamp), answer)),
            }),
            Err(error) => {
                let _ = answer.try_send(Err(publish::refusal(&error, content)));
            }
        }
    }

    fn offer(&mut self, verified: Verified, pending: &mut Vec<Pending>) {
        let Verified { source, len, message } = verified;
        let outcome = match message {
            Ok(message) => {
                let outcome = stored(&message);
                match self.store.offer(&message, self.clock.timestamp()) {
                    Ok(()) => outcome,
                    Err(Refused::Full) => {
                        self.commit(pending);
                        match self.store.offer(&message, self.clock.timestamp()) {
                            Ok(()) => outcome,
                            Err(refused) => refusal(refused),
                        }
                    }
                    Err(refused) => refusal(refused),
                }
            }
            Err(refused) => Outcome::Refused(refused),
        };
        pending.push(Pending { source: Some(source), len, outcome, answer: None });
    }

    // Makes durable what was taken; then the mark; and only then does anybody see or hear of it.
    fn commit(&mut self, pending: &mut [Pending]) {
        if self.store.queued() == 0 {
            return;
        }
        let me = self.me.id();
        let (home, mark) = (&self.home, &mut self.mark);
        let own = self.store.state(&me).sequence();
        let committed = self.store.commit_with(|| {
            let moved = PublishedMark { sequence: u64::from(own), ..*mark };
            if moved.sequence > mark.sequence && mark.permits(mark.sequence) {
                moved.save(home)?;
                *mark = moved;
            }
            Ok(())
        });
        if let Err(error) = committed {
            self.healthy = false;
            self.logger.error(&format!("the log cannot be written any more: {error}"));
            for entry in pending {
                entry.fail();
            }
        }
    }

    fn save_mark(&mut self, mark: PublishedMark) {
        match mark.save(&self.home) {
            Ok(()) => {
                self.logger.notice("the own feed was recovered from a peer: publishing is open");
                self.mark = mark;
                self.tell(Input::MarkSaved(mark));
            }
            Err(error) => self.logger.error(&format!("the published-mark could not be saved: {error}")),
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
        let Self { source, len, outcome, answer } = self;
        (answer.map(|(text, to)| (Ok(text), to)), Verdict { source, len, outcome })
    }
}

fn stored(message: &Message) -> Outcome {
    Outcome::Stored {
        feed: message.author(),
        sequence: message.sequence(),
        contact: contact_of(message.json()),
    }
}

fn refusal(refused: Refused) -> Outcome {
    match refused {
        Refused::Known => Outcome::Known,
        Refused::Fork { .. } => Outcome::Refused(Refusal::Fork),
        Refused::Gap { .. } => Outcome::Refused(Refusal::Gap),
        _ => Outcome::Refused(Refusal::Storage),
    }
}

/// What of a store the core starts from.
#[derive(Debug)]
pub(crate) struct Survey {
    /// How far each feed is held.
    pub(crate) held: Vec<(FeedId, u32)>,
    /// Who follows or blocks whom.
    pub(crate) contacts: Vec<(FeedId, Contact)>,
}

/// Reads a whole store for its contacts.
pub(crate) fn survey(store: &Store<Disk>) -> Result<Survey, ReadError> {
    let reader = store.reader();
    let held = reader.feeds().into_iter().map(|latest| (latest.feed, latest.sequence)).collect();
    let (mut contacts, mut from) = (Vec::new(), Ordinal::ZERO);
    loop {
        let page = reader.page(from..reader.end(), SURVEY_LEN)?;
        let Some(last) = page.last() else { return Ok(Survey { held, contacts }) };
        from = behind(last.ordinal);
        for stored in &page {
            let Some(contact) = contact_of(&stored.json) else { continue };
            let author = reader.author(stored.ordinal).and_then(|number| reader.feed_id(number));
            contacts.extend(author.map(|author| (author, contact)));
        }
    }
}

/// How much is read at once at start.
const SURVEY_LEN: usize = 1024 * 1024;
