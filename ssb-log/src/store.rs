//! The one door for messages.
//!
//! [`Store`] is the writing end: messages are offered, which checks that they continue their feeds, and committed
//! together. Until then nobody hears of them, and if that fails nobody ever does.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;
use std::mem;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::sync::RwLockReadGuard;

use ssb_keys::FeedId;
use ssb_keys::Keypair;
use ssb_keys::MessageId;
use ssb_msg::Message;
use ssb_msg::Signing;
use ssb_msg::Unverified;
use ssb_msg::ValidationState;
use ssb_msg::chain::ChainError;
use ssb_msg::chain::Next;
use ssb_msg::content::Contact;
use ssb_msg::draft;
use ssb_msg::draft::DraftError;
use ssb_msg::unverified::ParseError;
use thiserror::Error;

use crate::base::Base;
use crate::base::read_record;
use crate::compact::COMPACTED;
use crate::compact::CompactError;
use crate::compact::Compacted;
use crate::compact::Compactor;
use crate::compact::Finished;
use crate::decision;
use crate::decision::Decision;
use crate::decision::RECORD_DECISIONS_MAX;
use crate::fields;
use crate::fork::ForkProof;
use crate::index::BrokenChain;
use crate::index::Fact;
use crate::index::Facts;
use crate::index::Indexes;
use crate::index::contacts;
use crate::index::content::ContentIndexes;
use crate::index::feeds::Feeds;
use crate::index::ids::IDS;
use crate::index::ids::id_key;
use crate::index::ledger::Ledger;
use crate::index::private::Private;
use crate::indexer::Indexer;
use crate::limits::UNSYNCED_LEN_MAX;
use crate::log::AppendError;
use crate::log::Durable;
use crate::log::Kind;
use crate::log::Log;
use crate::log::Record;
use crate::log::Visited;
use crate::offsets::Offsets;
use crate::opener::Opener;
use crate::ordinal::Ordinal;
use crate::postings::Postings;
use crate::read::Entry;
use crate::read::LogReader;
use crate::read::ReadError;
use crate::reader::Reader;
use crate::recover;
use crate::recover::Known;
use crate::recover::Opening;
use crate::recover::RECORDS;
use crate::recover::Recovery;
use crate::segments;
use crate::segments::Stretch;
use crate::storage::Directory;
use crate::storage::Storage;
use crate::tombstone::Tombstone;

/// Messages on disk. There is one `Store` per directory, and any number of [`Reader`]s.
pub struct Store<D: Directory> {
    directory: Arc<D>,
    log: Log<D>,
    indexes: Arc<RwLock<Indexes<D::File>>>,
    /// Which files have what is known of the first records.
    parts: Vec<Stretch>,
    content: Arc<ContentIndexes<D::File>>,
    private: Option<Arc<Private<D::File>>>,
    queue: Vec<Queued>,
    /// What `queue` will take in the file.
    queue_len: usize,
    /// The feeds that have messages in `queue`, as they will be.
    heads: BTreeMap<FeedId, Head>,
    /// Messages in `queue` that were deleted before.
    returning: BTreeSet<MessageId>,
}

impl<D: Directory> Store<D> {
    /// Opens the messages in `directory`, creating the log if there is none.
    ///
    /// Messages that no file of an index knows of yet are read, and their places in their feeds checked, which names each but
    /// the last; of that the id is computed. Signatures are not checked: they were before the messages came here.
    ///
    /// # Errors
    ///
    /// [`OpenError`] names the file, what is wrong with it, and what to do.
    pub fn open(directory: D) -> Result<(Self, Recovery), OpenError> {
        let path = directory.path(RECORDS);
        let unusable =
            |error: std::io::Error| recover::OpenError::Io { path: path.clone(), error: error.into() };
        let opening = Opening::begin(&directory)?;
        let names = directory.list().map_err(unusable)?;
        // What a compaction that was cut short has left.
        segments::remove(&directory, COMPACTED).map_err(unusable)?;
        let (base, parts, unused) = Base::load(&directory, &names, opening.records());
        let known = known(&base, opening.records());
        let mut indexes = restore(&directory, &names, &base, &known.offsets, opening.records(), &path)?;
        for name in unused {
            // What stays is left out again at the next start.
            let _ = directory.remove(&name);
        }
        let mut flaw = None;
        let visit = |visited: Visited<'_>| {
            if flaw.is_none() {
                flaw = index(&mut indexes, &visited).err().map(|flaw| (visited.offset, flaw));
            }
        };
        let (log, recovery) = Log::finish(&directory, opening, known, visit)?;
        let reader = log.reader();
        if let Some((offset, flaw)) =
            flaw.or_else(|| flaw_of_last(&indexes.ledger.feeds, base.end(), &reader))
        {
            return Err(OpenError::Flawed { path, offset, flaw });
        }
        let content = ContentIndexes::open(&directory, |at| Some(reader.read(Ordinal::new(at)).ok()?.id));
        let content = content.map_err(unusable)?;
        let store = Self {
            directory: Arc::new(directory),
            log,
            indexes: Arc::new(RwLock::new(indexes)),
            content,
            private: None,
            parts,
            queue: Vec::new(),
            queue_len: 0,
            heads: BTreeMap::new(),
            returning: BTreeSet::new(),
        };
        Ok((store, recovery))
    }

    /// Takes a message for the next [`commit`](Self::commit) if it continues its feed, or was deleted and
    /// [may come back](Decision::Readmit).
    ///
    /// `received` is in milliseconds since 1970; of two messages the later one always gets the larger time.
    ///
    /// # Errors
    ///
    /// [`Refused`] says whether it is merely known, early, or proof of a fork.
    pub fn offer(&mut self, message: &Message, received: f64) -> Result<(), Refused> {
        let len = record(message, received).stored_len();
        if self.queue_len + len > UNSYNCED_LEN_MAX {
            return Err(Refused::Full);
        }
        if self.indexes().ledger.gone.banned().contains(&message.author()) {
            return Err(Refused::Banned);
        }
        let state = self.state(&message.author());
        match state.check(message) {
            Ok(next) => {
                self.enqueue(message.clone(), received, state, next);
                Ok(())
            }
            Err(error) => match self.refuse(message, error) {
                Refused::Known if self.may_come_back(message) => {
                    self.returning.insert(message.id());
                    self.queue_len += len;
                    self.queue.push(Queued { message: message.clone(), received });
                    Ok(())
                }
                refused => Err(refused),
            },
        }
    }

    /// Makes and signs the next message of a feed, and takes it for the next [`commit`](Self::commit).
    ///
    /// It follows whatever is here of the feed, messages that are not committed yet included. It must not leave this
    /// process before it is.
    ///
    /// # Errors
    ///
    /// [`PublishError`] says what is wrong with the content.
    pub fn sign_next(
        &mut self,
        content: &str,
        timestamp: f64,
        keypair: &Keypair,
        signing: &Signing,
        received: f64,
    ) -> Result<Message, PublishError> {
        let state = self.state(&keypair.id());
        let message = draft::sign(content, &state, timestamp, keypair, signing)?;
        self.offer(&message, received).map_err(|refused| match refused {
            Refused::Full => PublishError::Full,
            Refused::Banned => PublishError::Banned,
            _ => unreachable!("it was made to follow"),
        })?;
        Ok(message)
    }

    /// Makes all that was taken durable, as one write and one sync, then shows it to readers and wakes followers.
    ///
    /// # Errors
    ///
    /// [`AppendError`]: nothing of it is visible, nor taken any more, and after an error of the disk nothing can be
    /// committed until the store is opened anew.
    pub fn commit(&mut self) -> Result<Durable, AppendError> {
        self.commit_with(|| Ok(()))
    }

    /// As [`commit`](Self::commit), with something to be done when it is durable and before anybody sees it: what must
    /// be on disk before a message leaves this process.
    ///
    /// # Errors
    ///
    /// As there. If `before_shown` fails, it is durable and yet not shown, and the store takes nothing more until it is
    /// opened anew.
    pub fn commit_with(
        &mut self,
        before_shown: impl FnOnce() -> std::io::Result<()>,
    ) -> Result<Durable, AppendError> {
        // Whatever happens, the feeds continue from what is durable.
        let queue = mem::take(&mut self.queue);
        self.heads.clear();
        self.returning.clear();
        self.queue_len = 0;

        let records: Vec<Record<'_>> =
            queue.iter().map(|queued| record(&queued.message, queued.received)).collect();
        let ordinals = self.log.append(&records)?;
        let durable = self.log.sync()?;
        self.log.poison_on_error(before_shown())?;

        // Readers take the same lock, so they see the indexes and the log move together.
        let mut indexes = self.indexes.write().unwrap_or_else(PoisonError::into_inner);
        for (at, queued) in (ordinals.start.get()..).zip(&queue) {
            let applied = indexes.apply(Ordinal::new(at), &Fact::Message(Facts::of(&queued.message)));
            applied.expect("the chain was checked when the message was offered");
        }
        self.log.publish_quietly(durable);
        drop(indexes);
        self.log.wake();
        Ok(durable)
    }

    /// Makes decisions durable, in their order, and lets readers see what comes of them. What was offered has to be committed
    /// before.
    ///
    /// What is gone is not shown any more. Its bytes stay in the file until the log is [compacted](Self::compactor).
    ///
    /// # Errors
    ///
    /// [`AppendError`]: some of the first of them may count, and nothing can be written until the store is opened anew.
    ///
    /// # Panics
    ///
    /// When messages wait for their commit.
    pub fn decide(&mut self, decisions: &[Decision], received: f64) -> Result<(), AppendError> {
        assert!(self.queue.is_empty(), "what was offered is committed first");
        let content = Arc::clone(&self.content);
        // Held to the end, so that nobody puts what is gone into a file meanwhile.
        let mut contacts = content.contacts();
        if decisions.iter().any(|decision| self.removes_contacts(decision)) {
            contacts.clear(&*self.directory).map_err(|error| AppendError::Io(error.into()))?;
        }
        for chunk in decisions.chunks(RECORD_DECISIONS_MAX) {
            let (id, body) = decision::encode(chunk);
            let ordinals = self.log.append(&[Record { kind: Kind::Decision, id, received, body: &body }])?;
            let durable = self.log.sync()?;
            let mut indexes = self.indexes.write().unwrap_or_else(PoisonError::into_inner);
            let applied = indexes.apply(ordinals.start, &Fact::Decisions(id, chunk));
            applied.expect("decisions follow anything");
            self.log.publish_quietly(durable);
        }
        self.log.wake();
        Ok(())
    }

    /// Keeps the proof that a feed has forked, durable and visible at once: a message that was [refused](Refused::Fork), and
    /// the one that the log holds. False if the log has a proof of that feed already, or holds no such message any more. What
    /// was offered has to be committed before.
    ///
    /// # Errors
    ///
    /// [`ProveError`].
    ///
    /// # Panics
    ///
    /// When messages wait for their commit.
    pub fn prove(&mut self, other: &Message, received: f64) -> Result<bool, ProveError> {
        assert!(self.queue.is_empty(), "what was offered is committed first");
        let feed = other.author();
        if self.indexes().ledger.forks.contains_key(&feed) {
            return Ok(false);
        }
        let reader = self.reader();
        let places = [Some(other.sequence()), other.sequence().checked_sub(1)];
        let places = places.into_iter().flatten().filter_map(|sequence| reader.by_sequence(&feed, sequence));
        let mut proof = None;
        for at in places {
            let held = match reader.read(at) {
                Err(ReadError::Absent) => continue,
                held => Unverified::parse(held?.json.as_bytes()).ok(),
            };
            let proves = |held| ForkProof::new(held, Unverified::parse(other.compact()).ok()?);
            proof = proof.or_else(|| held.and_then(proves));
        }
        let Some(proof) = proof else { return Ok(false) };
        let (id, body) = proof.to_record();
        let ordinals = self.log.append(&[Record { kind: Kind::ForkProof, id, received, body: &body }])?;
        let durable = self.log.sync()?;
        let mut indexes = self.indexes.write().unwrap_or_else(PoisonError::into_inner);
        let applied = indexes.apply(ordinals.start, &Fact::Fork(id, proof.fork()));
        applied.expect("a proof follows anything");
        self.log.publish_quietly(durable);
        drop(indexes);
        self.log.wake();
        Ok(true)
    }

    /// What gives back the space of what is gone, a piece at a time and on another thread. It is
    /// [finished](Self::finish_compaction) here.
    pub fn compactor(&self) -> Compactor<D> {
        Compactor::new(Arc::clone(&self.directory), self.log.reader(), Arc::clone(&self.indexes))
    }

    /// Goes on with the compacted log in place of the other one. What was committed since the compactor came to the end is
    /// copied now. What was offered and not committed stays so.
    ///
    /// # Errors
    ///
    /// [`CompactError`]. Unless it is [`CompactError::Append`], this log goes on as it was.
    pub fn finish_compaction(&mut self, compactor: Compactor<D>) -> Result<Compacted, CompactError> {
        let before = self.log.len();
        let Finished { file, offsets } = compactor.finish()?;
        self.log.move_to(
            file,
            offsets,
            || self.directory.rename(COMPACTED, RECORDS),
            || self.directory.sync(),
        )?;
        Ok(Compacted { before, after: self.log.len() })
    }

    /// What the next message of a feed has to follow, messages that are not committed yet included.
    pub fn state(&self, feed: &FeedId) -> ValidationState {
        match self.heads.get(feed) {
            Some(head) => head.state.clone(),
            None => self.indexes().ledger.feeds.state(feed),
        }
    }

    /// How many messages wait to be committed.
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// What they will take in the file, in bytes.
    pub fn queued_len(&self) -> usize {
        self.queue_len
    }

    /// What reads this store. It can be cloned and sent to other threads, and outlives the store.
    pub fn reader(&self) -> Reader<D> {
        Reader::new(self.log.reader(), Arc::clone(&self.indexes), Arc::clone(&self.content), None)
    }

    /// Opens what was sealed for the owner of a key from now on, for [`private_reader`](Self::private_reader) and for the
    /// [`indexer`](Self::indexer), who has to be made afterwards. What another owner could read is forgotten.
    ///
    /// # Errors
    ///
    /// Those of the directory: nothing is opened then.
    pub fn unlock(&mut self, opener: Opener) -> std::io::Result<()> {
        let log = self.log.reader();
        let last = |at| Some(log.read(Ordinal::new(at)).ok()?.id);
        self.private = Some(Arc::new(Private::open(&*self.directory, opener, last)?));
        Ok(())
    }

    /// What reads this store for its owner: once [unlocked](Self::unlock), with what was sealed for them in plain text. Nobody else
    /// may have it, nor what it gives.
    pub fn private_reader(&self) -> Reader<D> {
        let (log, private) = (self.log.reader(), self.private.clone());
        Reader::new(log, Arc::clone(&self.indexes), Arc::clone(&self.content), private)
    }

    /// What keeps the indexes of content up with the log. One of it, on a thread of its own, is enough.
    pub fn indexer(&self) -> Indexer<D> {
        let (directory, log) = (Arc::clone(&self.directory), self.log.reader());
        let indexes = (Arc::clone(&self.indexes), Arc::clone(&self.content), self.private.clone());
        Indexer::new(directory, log, indexes, self.parts.clone())
    }

    /// Who follows and blocks whom: of each author the last word on each feed, those of messages that are durable; what the owner
    /// was told in private counts once the store is [unlocked](Self::unlock) and the indexer has looked at it.
    ///
    /// # Errors
    ///
    /// [`ReadError`] of a message that has such a word.
    pub fn contacts(&self) -> Result<Vec<(FeedId, Contact)>, ReadError> {
        contacts::all(&*self.directory, &self.private_reader())
    }

    fn enqueue(&mut self, message: Message, received: f64, mut state: ValidationState, next: Next) {
        state.advance(next);
        self.queue_len += record(&message, received).stored_len();
        match self.heads.get_mut(&message.author()) {
            Some(head) => {
                head.state = state;
                head.queued.push(message.id());
            }
            None => {
                let head = Head { state, first: message.sequence(), queued: vec![message.id()] };
                self.heads.insert(message.author(), head);
            }
        }
        self.queue.push(Queued { message, received });
    }

    fn refuse(&self, message: &Message, error: ChainError) -> Refused {
        match error {
            ChainError::AlreadyHave { .. } => Refused::Known,
            ChainError::Behind { found, .. } => match self.has(message) {
                Ok(true) => Refused::Known,
                Ok(false) => Refused::Fork { sequence: found },
                Err(error) => Refused::Unreadable(error),
            },
            ChainError::Fork { sequence } => Refused::Fork { sequence },
            ChainError::Gap { expected, found } => Refused::Gap { expected, found },
            _ => unreachable!("the state is that of the author"),
        }
    }

    /// Whether the message of that feed and sequence is this one.
    fn has(&self, message: &Message) -> Result<bool, ReadError> {
        if let Some(head) = self.heads.get(&message.author())
            && let Some(position) = message.sequence().checked_sub(head.first)
        {
            let position = usize::try_from(position).map_err(|_| ReadError::Absent)?;
            return Ok(head.queued.get(position) == Some(&message.id()));
        }
        let at = self.indexes().ledger.feeds.by_sequence(&message.author(), message.sequence());
        let Some(at) = at else { return Ok(false) };
        Ok(self.log.reader().read(at)?.id == *message.id().as_bytes())
    }

    /// Whether a message that is known was deleted, and may come back.
    fn may_come_back(&self, message: &Message) -> bool {
        let indexes = self.indexes();
        let slot = indexes.ledger.feeds.by_sequence(&message.author(), message.sequence());
        slot.is_some_and(|slot| indexes.ledger.gone.may_come_back(slot))
            && !self.returning.contains(&message.id())
    }

    /// Whether what is known of who follows whom may be something else after a decision.
    fn removes_contacts(&self, decision: &Decision) -> bool {
        let places: Vec<Ordinal> = match *decision {
            Decision::Readmit { .. } | Decision::Unban { .. } => return false,
            Decision::Forget { feed } | Decision::Ban { feed } => {
                return self.indexes().ledger.feeds.number(&feed).is_some();
            }
            Decision::Delete { from, upto, .. } if upto - from >= LOOKED_AT_MAX => return true,
            Decision::Delete { feed, from, upto } => {
                let indexes = self.indexes();
                (from..=upto)
                    .filter_map(|sequence| indexes.ledger.feeds.by_sequence(&feed, sequence))
                    .collect()
            }
        };
        let log = self.log.reader();
        places.into_iter().any(|at| match log.read(at) {
            Ok(entry) => std::str::from_utf8(&entry.body).is_ok_and(|text| contacts::said(text).is_some()),
            Err(_) => true,
        })
    }

    fn indexes(&self) -> RwLockReadGuard<'_, Indexes<D::File>> {
        self.indexes.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: Directory> fmt::Debug for Store<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("log", &self.log)
            .field("queued", &self.queue.len())
            .finish_non_exhaustive()
    }
}

/// Why a message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refused {
    /// It is already here.
    #[error("message is already here")]
    Known,
    /// Its author has signed another message in its place, or before it. Keep both as proof; take nothing more of that
    /// branch.
    #[error("message {sequence} forks its feed")]
    Fork {
        /// Its sequence.
        sequence: u32,
    },
    /// Messages between the latest of its feed and it are missing. Ask for those first.
    #[error("message {found} came when {expected} was expected")]
    Gap {
        /// The sequence that would be next.
        expected: u32,
        /// Its sequence.
        found: u32,
    },
    /// As much was taken as fits in one commit. Commit, then offer it again.
    #[error("too many messages wait to be committed")]
    Full,
    /// The owner wants nothing of its feed.
    #[error("its feed is banned")]
    Banned,
    /// What is here of its feed could not be read, so it cannot be compared.
    #[error(transparent)]
    Unreadable(ReadError),
}

/// Why a proof was not kept.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ProveError {
    /// What the log holds of the feed cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The proof is not there, and nothing can be written until the store is opened anew.
    #[error(transparent)]
    Append(#[from] AppendError),
}

/// Why a message was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PublishError {
    /// No valid message can have that content.
    #[error(transparent)]
    Draft(#[from] DraftError),
    /// As much was taken as fits in one commit. Commit, then try again.
    #[error("too many messages wait to be committed")]
    Full,
    /// The owner wants nothing of that feed.
    #[error("the feed is banned")]
    Banned,
}

/// Why a store was not opened.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is no log to read.
    #[error(transparent)]
    Log(#[from] recover::OpenError),
    /// The log is as it was written, but what was written is wrong: another program wrote it, or ours has a mistake.
    /// Move it away and fetch the messages from peers again.
    #[error("{} is wrong at byte {offset}: {flaw}; move it away and replicate again", path.display())]
    Flawed {
        /// The file.
        path: PathBuf,
        /// Where the record stands.
        offset: u64,
        /// What is wrong with it.
        #[source]
        flaw: Flaw,
    },
}

impl OpenError {
    /// Whether the log is not as it was written, or should not have been written: a [`Check`](crate::check::Check) says more.
    pub const fn is_damage(&self) -> bool {
        matches!(self, Self::Flawed { .. } | Self::Log(recover::OpenError::Damaged { .. }))
    }
}

/// What is wrong with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Flaw {
    /// What should be a tombstone, decisions of the owner or the proof of a fork is none.
    #[error("record is not what its kind says")]
    Body,
    /// What should be a message is none.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// It is a message, but not in the form in which they are kept.
    #[error("message is not compact")]
    Form,
    /// Its id is that of another message.
    #[error("record has the id of another message")]
    Id,
    /// It does not follow the message before it in its feed.
    #[error(transparent)]
    Chain(#[from] BrokenChain),
}

struct Queued {
    message: Message,
    received: f64,
}

/// A feed that has messages in the queue.
struct Head {
    state: ValidationState,
    /// The sequence of the first of `queued`; they have no gaps.
    first: u32,
    queued: Vec<MessageId>,
}

fn record(message: &Message, received: f64) -> Record<'_> {
    Record { kind: Kind::Message, id: *message.id().as_bytes(), received, body: message.compact() }
}

/// How many messages are looked at to find out whether one of them says something of a feed.
const LOOKED_AT_MAX: u32 = 64;

/// Where the records are of which something is known.
fn known<F: Storage>(base: &Base, records: &F) -> Known {
    let mut offsets = Offsets::new();
    base.lens.iter().for_each(|len| offsets.push(*len));
    let last = base.end().checked_sub(1).map(Ordinal::new);
    let received =
        last.and_then(|last| read_record(records, &offsets, last)).map(|(_, received, _)| received);
    Known { offsets, received }
}

/// The indexes as they are in files.
fn restore<D: Directory>(
    directory: &D,
    names: &[String],
    base: &Base,
    offsets: &Offsets,
    records: &D::File,
    path: &Path,
) -> Result<Indexes<D::File>, OpenError> {
    let id = |at: u32| read_record(records, offsets, Ordinal::new(at)).map(|(id, ..)| id);
    let damaged = |at: Ordinal| {
        let offset = offsets.span(at).map_or(0, |span| span.start);
        recover::OpenError::Damaged { path: path.to_owned(), offset }
    };
    let (mut ids, unused) = Postings::open(directory, IDS, names, id);
    for name in unused {
        // What stays is left out again at the next start.
        let _ = directory.remove(&name);
    }
    for at in ids.end()..base.end() {
        let id = MessageId::from_bytes(id(at).ok_or_else(|| damaged(Ordinal::new(at)))?);
        ids.apply(at, [id_key(&id)]);
    }
    let body = |at: Ordinal| read_record(records, offsets, at).map(|(_, _, body)| body);
    Ok(Indexes::new(Ledger::restore(base, body).map_err(damaged)?, ids))
}

/// Takes a record that is already in the log into the indexes.
fn index<F: Storage>(indexes: &mut Indexes<F>, visited: &Visited<'_>) -> Result<(), Flaw> {
    let record = &visited.record;
    if record.kind == Kind::Message
        && let Some(facts) = fields::facts(record.id, record.body)
    {
        return Ok(indexes.apply(visited.ordinal, &Fact::Message(facts))?);
    }
    with_fact(record, |fact| indexes.apply(visited.ordinal, fact))??;
    Ok(())
}

/// The ids of others are named by the messages that follow them: of each feed whose end was read, the last one is hashed.
fn flaw_of_last<D: Directory>(feeds: &Feeds, from: u32, log: &LogReader<D>) -> Option<(u64, Flaw)> {
    let ends = feeds.all().map(|latest| latest.ordinal).filter(|last| last.get() >= from);
    // One that cannot be read is told when it is asked for.
    let mut entries = ends.filter_map(|last| log.read(last).ok());
    entries.find_map(|entry| {
        let Entry { kind, id, received, body, .. } = &entry;
        let record = Record { kind: *kind, id: *id, received: *received, body };
        Some((entry.offset, with_fact(&record, |_| ()).err()?))
    })
}

/// Calls `take` with what a record is, if it is what its kind says.
pub(crate) fn with_fact<T>(record: &Record<'_>, take: impl FnOnce(&Fact<'_>) -> T) -> Result<T, Flaw> {
    let id = MessageId::from_bytes(record.id);
    match record.kind {
        Kind::Message => {
            let message = Unverified::parse(record.body)?;
            if message.compact() != record.body {
                return Err(Flaw::Form);
            }
            if message.id() != id {
                return Err(Flaw::Id);
            }
            Ok(take(&Fact::Message(Facts::stated(&message))))
        }
        Kind::Tombstone if record.body.is_empty() => Ok(take(&Fact::Nobody(id))),
        Kind::Tombstone => {
            let tombstone = Tombstone::parse(record.body).ok_or(Flaw::Body)?;
            Ok(take(&Fact::Tombstone(id, tombstone)))
        }
        Kind::Decision => {
            let decisions = decision::decode(&record.id, record.body).ok_or(Flaw::Body)?;
            Ok(take(&Fact::Decisions(record.id, &decisions)))
        }
        Kind::ForkProof => {
            let proof = ForkProof::decode(&record.id, record.body).ok_or(Flaw::Body)?;
            Ok(take(&Fact::Fork(record.id, proof.fork())))
        }
    }
}
