//! Messages come in: in any order, at the speed of all cores, wherever they come from.
//!
//! One thread reads a [`Source`], one for each core parses and verifies groups of what it has, the caller's stores them in
//! order, and one more keeps the indexes up with that, so that all is found when it is over.

use std::collections::BTreeMap;
use std::io;
use std::sync::mpsc;
use std::thread;

use smol::channel;
use ssb_keys::FeedId;
use ssb_keys::published_mark::PublishedMark;
use ssb_keys::verify::KeyCache;
use ssb_log::Disk;
use ssb_log::Indexer;
use ssb_log::Store;
use ssb_log::import::Record;
use ssb_log::store::Refused;
use ssb_msg::Message;
use ssb_msg::Signing;
use ssb_msg::Unverified;
use ssb_msg::verify_group;

use super::Summary;
use super::TransferError;
use super::Why;
use super::blobs;
use super::blobs::Arrivals;
use super::blobs::NotABlob;
use super::blobs::Taken;
use super::heads::Heads;
use super::line;
use super::line::NotAMessage;
use super::line::Parsed;
use super::pending::Kept;
use super::pending::Pending;
use crate::clock::Clock;
use crate::config::Config;
use crate::index_thread::follow_to_the_end;

/// Where messages come from.
pub(super) trait Source: Send {
    /// What comes next, `None` at the end.
    fn next(&mut self) -> io::Result<Option<Piece>>;
}

/// One thing that comes in.
pub(super) struct Piece {
    /// Where it stands: a line's number, or an offset in a file.
    pub(super) place: u64,
    /// How many bytes it takes there.
    pub(super) len: u64,
    pub(super) what: What,
}

/// What it is.
pub(super) enum What {
    /// A line. When others received it means nothing here.
    Line(Vec<u8>),
    /// A record of an old log of this very node: it was received when that says.
    Record(Record),
    /// A record that was deleted.
    Deleted,
    /// The torn end of a file.
    Torn,
    /// Nothing that could be a message.
    Refused(Why),
}

/// How many pieces are verified at once.
const GROUP_LEN: usize = 64;

/// A group that has so many bytes has no more pieces, so that long ones take no more memory than others.
const GROUP_BYTES: u64 = 256 * 1024;

/// How many groups wait for each thread: what it needs to be never idle.
const GROUPS_PER_THREAD: usize = 4;

/// How many messages are stored with one sync.
const BATCH_LEN: usize = 4096;

/// How far an import or a migration is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// How many lines or records were judged.
    pub count: u64,
    /// How many bytes they have.
    pub bytes: u64,
}

/// A directory in which no node runs, and into which messages come.
pub(super) struct Importer<'a> {
    writer: Writer<'a>,
    indexer: Indexer<Disk>,
}

/// The one who stores.
struct Writer<'a> {
    store: Store<Disk>,
    mark: Option<PublishedMark>,
    config: &'a Config,
    clock: Clock,
    /// Where blobs go; opened when the first one comes.
    blobs: Option<Arrivals>,
}

impl<'a> Importer<'a> {
    /// Opens the log of a directory in which no node runs.
    pub(super) fn open(config: &'a Config) -> Result<Self, TransferError> {
        let (store, mark) = (super::open(config)?, super::mark(config)?);
        let indexer = store.indexer();
        Ok(Self { writer: Writer { store, mark, config, clock: Clock::start(), blobs: None }, indexer })
    }

    /// The last sequence of a feed that is here, 0 if there is none.
    pub(super) fn sequence(&self, feed: &FeedId) -> u32 {
        self.writer.store.state(feed).sequence()
    }

    /// Takes in all that a source has, and tells now and then how far it is.
    pub(super) fn take(
        &mut self,
        source: impl Source,
        heads: Option<&mut Heads>,
        progress: impl FnMut(Progress),
    ) -> Result<Summary, TransferError> {
        let Self { writer, indexer } = self;
        let signing = writer.config.signing.map_or_else(Signing::plain, Signing::keyed);
        let log = writer.store.reader();
        let taking = Taking { writer, heads, pending: Pending::default(), summary: Summary::default() };
        thread::scope(|scope| {
            let cores = thread::available_parallelism().map_or(1, usize::from);
            let (groups, groups_out) = channel::bounded(cores * GROUPS_PER_THREAD);
            let (judged, judged_out) = mpsc::sync_channel(cores * GROUPS_PER_THREAD);
            let (storing, stored) = channel::bounded(1);
            let indexing = thread::Builder::new()
                .name("ssb-index".to_owned())
                .spawn_scoped(scope, move || follow_to_the_end(indexer, &log, &stored))
                .map_err(TransferError::Thread)?;
            let reader = thread::Builder::new()
                .name("ssb-source".to_owned())
                .spawn_scoped(scope, move || read(source, &groups))
                .map_err(TransferError::Thread)?;
            for number in 0..cores {
                let (groups, judged) = (groups_out.clone(), judged.clone());
                thread::Builder::new()
                    .name(format!("ssb-verify-{number}"))
                    .spawn_scoped(scope, move || verify_all(&groups, &judged, &signing))
                    .map_err(TransferError::Thread)?;
            }
            // Ours go, so that theirs are the last: whoever fails then stops the others.
            drop((groups_out, judged));
            let summary = taking.store_all(&judged_out, progress);
            drop(judged_out);
            drop(storing);
            let read = reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            // What an index does not have, the next who opens the log makes.
            let _ = indexing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            let summary = summary?;
            read.map_err(TransferError::Input)?;
            Ok(summary)
        })
    }
}

impl Writer<'_> {
    fn offer(
        &mut self,
        message: &Message,
        received: Option<f64>,
    ) -> Result<Result<(), Refused>, TransferError> {
        // A clock that was ahead once must not stay so.
        let now = self.clock.timestamp();
        let received = received.map_or(now, |received| received.min(now));
        let mut offered = self.store.offer(message, received);
        if offered == Err(Refused::Full) {
            self.commit()?;
            offered = self.store.offer(message, received);
        }
        Ok(offered)
    }

    // The mark is on disk before anybody could see a message of the own feed that it does not know of.
    fn commit(&mut self) -> Result<(), TransferError> {
        if self.store.queued() == 0 {
            return Ok(());
        }
        let own = self.mark.map_or(0, |mark| self.store.state(&mark.feed).sequence());
        let (path, mark) = (&self.config.path, &mut self.mark);
        let raise = || mark.as_mut().map_or(Ok(()), |mark| mark.raise(u64::from(own), path));
        let _ = self.store.commit_with(raise)?;
        Ok(())
    }
}

/// Pieces that follow each other.
struct Group {
    number: u64,
    bytes: u64,
    pieces: Vec<Piece>,
}

/// The same, judged: blank lines are nothing.
struct Judged {
    number: u64,
    count: u64,
    bytes: u64,
    entries: Vec<Entry>,
}

struct Entry {
    place: u64,
    /// Whose it says to be, and which of theirs.
    claim: Option<(FeedId, u32)>,
    outcome: Outcome,
}

enum Outcome {
    Verified(Message, Option<f64>),
    Refused(Why),
    /// A piece of a blob.
    Blob(blobs::Piece),
    Deleted,
    Torn,
}

fn read(mut source: impl Source, groups: &channel::Sender<Group>) -> io::Result<()> {
    let mut number = 0;
    loop {
        let mut group = Group { number, bytes: 0, pieces: Vec::with_capacity(GROUP_LEN) };
        while group.pieces.len() < GROUP_LEN
            && group.bytes < GROUP_BYTES
            && let Some(piece) = source.next()?
        {
            group.bytes += piece.len;
            group.pieces.push(piece);
        }
        number += 1;
        let is_over = group.pieces.is_empty();
        // If nobody takes it, storing has failed.
        if is_over || groups.send_blocking(group).is_err() {
            return Ok(());
        }
    }
}

fn verify_all(groups: &channel::Receiver<Group>, judged: &mpsc::SyncSender<Judged>, signing: &Signing) {
    let mut keys = KeyCache::new();
    while let Ok(group) = groups.recv_blocking() {
        if judged.send(verify(group, signing, &mut keys)).is_err() {
            return;
        }
    }
}

fn verify(group: Group, signing: &Signing, keys: &mut KeyCache) -> Judged {
    let Group { number, bytes, pieces } = group;
    let count = u64::try_from(pieces.len()).unwrap_or(u64::MAX);
    let mut entries = Vec::with_capacity(pieces.len());
    let mut claims: Vec<((usize, Option<f64>), Unverified)> = Vec::with_capacity(pieces.len());
    for Piece { place, what, .. } in pieces {
        let mut entry = |claim, outcome| entries.push(Entry { place, claim, outcome });
        match parse(what) {
            None => {}
            Some(Ok(Parsed { message, received })) => {
                entry(Some((message.author(), message.sequence())), Outcome::Refused(Why::Signature));
                claims.push(((entries.len() - 1, received), message));
            }
            Some(Err(outcome)) => entry(None, outcome),
        }
    }
    let (places, group): (Vec<(usize, Option<f64>)>, Vec<Unverified>) = claims.into_iter().unzip();
    for ((place, received), verdict) in places.into_iter().zip(verify_group(group, signing, keys)) {
        if let (Ok(message), Some(entry)) = (verdict, entries.get_mut(place)) {
            entry.outcome = Outcome::Verified(message, received);
        }
    }
    Judged { number, count, bytes, entries }
}

/// The message of a piece, or what it is instead; `None` if it is a blank line.
fn parse(what: What) -> Option<Result<Parsed, Outcome>> {
    let refused = |why: NotAMessage| Outcome::Refused(why.into());
    Some(match what {
        What::Line(line) => {
            if let Some(piece) = blobs::Piece::parse(&line) {
                return Some(Err(piece.map_or_else(|why| Outcome::Refused(why.into()), Outcome::Blob)));
            }
            line::parse(&line)?.map(|parsed| Parsed { received: None, ..parsed }).map_err(refused)
        }
        What::Record(record) => match record.text() {
            Ok(text) => line::parse(&text).unwrap_or(Err(NotAMessage::Malformed)).map_err(refused),
            Err(_) => Err(refused(NotAMessage::NotBipf)),
        },
        What::Deleted => Err(Outcome::Deleted),
        What::Torn => Err(Outcome::Torn),
        What::Refused(why) => Err(Outcome::Refused(why)),
    })
}

/// One source, while it is taken in.
struct Taking<'i, 'c, 'h> {
    writer: &'i mut Writer<'c>,
    heads: Option<&'h mut Heads>,
    pending: Pending,
    summary: Summary,
}

impl Taking<'_, '_, '_> {
    fn store_all(
        mut self,
        judged: &mpsc::Receiver<Judged>,
        mut progress: impl FnMut(Progress),
    ) -> Result<Summary, TransferError> {
        let mut waiting: BTreeMap<u64, Judged> = BTreeMap::new();
        let (mut next, mut done) = (0, Progress::default());
        for group in judged {
            waiting.insert(group.number, group);
            while let Some(group) = waiting.remove(&next) {
                next += 1;
                for entry in group.entries {
                    self.enter(entry)?;
                }
                done.count += group.count;
                done.bytes += group.bytes;
                if next.is_multiple_of(GROUPS_BETWEEN_NEWS) {
                    progress(done);
                }
                if self.writer.store.queued() >= BATCH_LEN {
                    self.writer.commit()?;
                }
            }
        }
        self.writer.commit()?;
        let waiting: Vec<(FeedId, u64)> = self.pending.places().collect();
        for (feed, place) in waiting {
            self.refuse(Why::Gap, place, Some(feed));
        }
        if let Some(place) = self.writer.blobs.as_mut().and_then(Arrivals::give_up) {
            self.refuse(NotABlob::CutShort.into(), place, None);
        }
        progress(done);
        Ok(self.summary)
    }

    fn enter(&mut self, entry: Entry) -> Result<(), TransferError> {
        let Entry { place, claim, outcome } = entry;
        if let (Some(heads), Some((feed, sequence))) = (&mut self.heads, claim) {
            heads.see(feed, sequence);
        }
        match outcome {
            Outcome::Verified(message, received) => self.offer(message, received, place)?,
            Outcome::Refused(why) => self.refuse(why, place, claim.map(|(feed, _)| feed)),
            Outcome::Blob(piece) => self.take_blob(&piece, place)?,
            Outcome::Deleted => self.summary.deleted += 1,
            Outcome::Torn => self.summary.torn_at = Some(place),
        }
        Ok(())
    }

    fn take_blob(&mut self, piece: &blobs::Piece, place: u64) -> Result<(), TransferError> {
        let arrivals = match &mut self.writer.blobs {
            Some(arrivals) => arrivals,
            none => none.insert(Arrivals::open(&self.writer.config.path)?),
        };
        let cut_short = if arrivals.expects(piece) { None } else { arrivals.give_up() };
        let taken = arrivals.take(piece, place)?;
        if let Some(first) = cut_short {
            self.refuse(NotABlob::CutShort.into(), first, None);
        }
        match taken {
            Ok(Some(Taken::New)) => self.summary.blobs_new += 1,
            Ok(Some(Taken::Known)) => self.summary.blobs_known += 1,
            Ok(None) => {}
            Err(why) => self.refuse(why.into(), place, None),
        }
        Ok(())
    }

    fn refuse(&mut self, why: Why, place: u64, feed: Option<FeedId>) {
        self.summary.refuse(why, place);
        if let (Some(heads), Some(feed)) = (&mut self.heads, feed) {
            heads.refuse(feed, why, place);
        }
    }

    /// Takes a message, and then those that waited for it.
    fn offer(&mut self, message: Message, received: Option<f64>, place: u64) -> Result<(), TransferError> {
        let mut next = Some((message, received, place));
        while let Some((message, received, place)) = next {
            let feed = Some(message.author());
            next = None;
            match self.writer.offer(&message, received)? {
                Ok(()) => {
                    self.summary.new += 1;
                    next = self.pending.follows(&message);
                }
                Err(Refused::Known) => self.summary.known += 1,
                Err(Refused::Gap { .. }) => match self.pending.keep(&message, received, place) {
                    Kept::Alone => {}
                    Kept::Twice => self.summary.known += 1,
                    Kept::Instead { place } => self.refuse(Why::Fork, place, feed),
                    Kept::Full => self.refuse(Why::Gap, place, feed),
                },
                Err(Refused::Banned) => self.refuse(Why::Banned, place, feed),
                Err(Refused::Unreadable(error)) => return Err(error.into()),
                Err(_) => self.refuse(Why::Fork, place, feed),
            }
        }
        Ok(())
    }
}

/// Progress is told after so many groups.
const GROUPS_BETWEEN_NEWS: u64 = 16;
