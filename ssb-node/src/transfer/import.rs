//! Messages from lines of JSON, in any order, at the speed of all cores.
//!
//! One thread reads lines, one for each core parses and verifies groups of them, and the caller's stores them in order.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::sync::mpsc;
use std::thread;

use smol::channel;
use ssb_keys::published_mark::PublishedMark;
use ssb_keys::verify::KeyCache;
use ssb_log::Disk;
use ssb_log::Store;
use ssb_log::store::Refused;
use ssb_msg::Message;
use ssb_msg::Signing;
use ssb_msg::Unverified;
use ssb_msg::verify_group;

use super::Summary;
use super::TransferError;
use super::Why;
use super::line;
use super::pending::Kept;
use super::pending::Pending;
use crate::clock::Clock;
use crate::config::Config;

/// How many lines are verified at once.
const GROUP_LEN: usize = 64;

/// A group that has so many bytes has no more lines, so that long ones take no more memory than others.
const GROUP_BYTES: u64 = 256 * 1024;

/// How many groups wait for each thread: what it needs to be never idle.
const GROUPS_PER_THREAD: usize = 4;

/// How many messages are stored with one sync.
const BATCH_LEN: usize = 4096;

/// How far an import is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// How many lines were judged.
    pub lines: u64,
    /// How many bytes they have.
    pub bytes: u64,
}

/// Takes in messages, one a line: alone, or as `key`, `value` and `timestamp`. What is here already is left as it is, so the
/// same input may come twice. Tells now and then how far it is.
///
/// # Errors
///
/// [`TransferError`]. A line that is no message, or one that cannot be taken, is none: it is in the [`Summary`].
pub fn import(
    config: &Config,
    input: impl BufRead + Send,
    progress: impl FnMut(Progress),
) -> Result<Summary, TransferError> {
    let signing = config.signing.map_or_else(Signing::plain, Signing::keyed);
    let importer = Importer {
        store: super::open(config)?,
        mark: super::mark(config)?,
        config,
        clock: Clock::start(),
        pending: Pending::default(),
        summary: Summary::default(),
    };
    thread::scope(|scope| {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let (groups, groups_out) = channel::bounded(cores * GROUPS_PER_THREAD);
        let (judged, judged_out) = mpsc::sync_channel(cores * GROUPS_PER_THREAD);
        let reader = thread::Builder::new()
            .name("ssb-lines".to_owned())
            .spawn_scoped(scope, move || read(input, &groups))
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
        let summary = importer.store_all(&judged_out, progress);
        drop(judged_out);
        let read = reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let summary = summary?;
        read.map_err(TransferError::Input)?;
        Ok(summary)
    })
}

/// Lines that follow each other.
struct Group {
    number: u64,
    /// The number of the first line.
    line: u64,
    bytes: u64,
    lines: Vec<Vec<u8>>,
}

/// The same lines, judged: those that are blank are nothing.
struct Judged {
    number: u64,
    lines: u64,
    bytes: u64,
    messages: Vec<(u64, Result<Message, Why>)>,
}

fn read(mut input: impl BufRead, groups: &channel::Sender<Group>) -> std::io::Result<()> {
    let (mut number, mut next_line) = (0, 1);
    loop {
        let mut group = Group { number, line: next_line, bytes: 0, lines: Vec::with_capacity(GROUP_LEN) };
        while group.lines.len() < GROUP_LEN
            && group.bytes < GROUP_BYTES
            && let Some(line) = line::next(&mut input)?
        {
            group.bytes += u64::try_from(line.len() + 1).unwrap_or(u64::MAX);
            group.lines.push(line);
            next_line += 1;
        }
        number += 1;
        let is_over = group.lines.is_empty();
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
    let Group { number, line, bytes, lines } = group;
    let mut messages = Vec::with_capacity(lines.len());
    let mut claims: Vec<(usize, Unverified)> = Vec::with_capacity(lines.len());
    let count = u64::try_from(lines.len()).unwrap_or(u64::MAX);
    for (line, text) in (line..).zip(lines) {
        match line::parse(&text) {
            None => {}
            Some(Ok(message)) => {
                claims.push((messages.len(), message));
                messages.push((line, Err(Why::Signature)));
            }
            Some(Err(why)) => messages.push((line, Err(why.into()))),
        }
    }
    let (places, group): (Vec<usize>, Vec<Unverified>) = claims.into_iter().unzip();
    for (place, verdict) in places.into_iter().zip(verify_group(group, signing, keys)) {
        if let (Ok(message), Some((_, entry))) = (verdict, messages.get_mut(place)) {
            *entry = Ok(message);
        }
    }
    Judged { number, lines: count, bytes, messages }
}

/// The one who stores.
struct Importer<'a> {
    store: Store<Disk>,
    mark: Option<PublishedMark>,
    config: &'a Config,
    clock: Clock,
    pending: Pending,
    summary: Summary,
}

impl Importer<'_> {
    fn store_all(
        mut self,
        judged: &mpsc::Receiver<Judged>,
        mut progress: impl FnMut(Progress),
    ) -> Result<Summary, TransferError> {
        let mut waiting: BTreeMap<u64, Judged> = BTreeMap::new();
        let (mut next, mut done) = (0, Progress { lines: 0, bytes: 0 });
        for group in judged {
            waiting.insert(group.number, group);
            while let Some(group) = waiting.remove(&next) {
                next += 1;
                for (line, message) in group.messages {
                    match message {
                        Ok(message) => self.offer(message, line)?,
                        Err(why) => self.summary.refuse(why, line),
                    }
                }
                done.lines += group.lines;
                done.bytes += group.bytes;
                if self.store.queued() >= BATCH_LEN {
                    self.commit()?;
                    progress(done);
                }
            }
        }
        self.commit()?;
        for line in self.pending.lines() {
            self.summary.refuse(Why::Gap, line);
        }
        progress(done);
        Ok(self.summary)
    }

    /// Takes a message, and then those that waited for it.
    fn offer(&mut self, message: Message, line: u64) -> Result<(), TransferError> {
        let mut next = Some((message, line));
        while let Some((message, line)) = next {
            next = match self.offer_one(&message)? {
                Ok(()) => {
                    self.summary.new += 1;
                    self.pending.follows(&message)
                }
                Err(Refused::Known) => {
                    self.summary.known += 1;
                    None
                }
                Err(Refused::Gap { .. }) => {
                    match self.pending.keep(&message, line) {
                        Kept::Alone => {}
                        Kept::Twice => self.summary.known += 1,
                        Kept::Instead { line } => self.summary.refuse(Why::Fork, line),
                        Kept::Full => self.summary.refuse(Why::Gap, line),
                    }
                    None
                }
                Err(Refused::Unreadable(error)) => return Err(error.into()),
                Err(_) => {
                    self.summary.refuse(Why::Fork, line);
                    None
                }
            };
        }
        Ok(())
    }

    fn offer_one(&mut self, message: &Message) -> Result<Result<(), Refused>, TransferError> {
        let mut offered = self.store.offer(message, self.clock.timestamp());
        if offered == Err(Refused::Full) {
            self.commit()?;
            offered = self.store.offer(message, self.clock.timestamp());
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
        let _ = self.store.commit_with(|| {
            if let Some(mark) = mark {
                let raised = mark.raised(u64::from(own));
                if raised != *mark {
                    raised.save(path)?;
                    *mark = raised;
                }
            }
            Ok(())
        })?;
        Ok(())
    }
}
