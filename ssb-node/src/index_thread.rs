//! The thread that keeps the indexes up with the log, and copies the log when much of it is gone. Nobody waits for it but who
//! has called `rebuild` and an import in its end, and it waits for nobody but the log.

use std::future::Future;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;

use smol::Timer;
use smol::channel::Receiver;
use smol::future::FutureExt as _;
// Not smol's own, which would take turns at waiting for sockets and so keep the tasks of connections waiting for this thread.
use smol::future::block_on;
use ssb_log::Disk;
use ssb_log::Indexer;
use ssb_log::Ordinal;
use ssb_log::Reader;
use ssb_log::compact;
use ssb_log::compact::Compactor;
use ssb_log::indexer::IndexError;
use ssb_log::indexer::Progress;
use ssb_log::tail::Follower;

use crate::config::LogLevel;
use crate::core_task::Answer;
use crate::log_inbox::LogInbox;
use crate::log_inbox::Own;
use crate::logging::Entry;
use crate::logging::Logger;
use crate::supervisor::or_abort;

/// How long to wait after a file could not be written.
const PAUSE: Duration = Duration::from_secs(60);

/// The indexes are brought up to date no more often than this: what comes together costs less, and whoever asks reads in the log
/// what they do not have.
const EVERY: Duration = Duration::from_millis(100);

/// What is less than so many messages is not worth a file before a stop: the next start reads them in a millisecond.
const WORTH_A_FILE: u32 = 1024;

/// The log is copied without what is gone when that gives back a part of it as large as this ...
const WORTH_A_COPY: u64 = 8;

/// ... and at least so many bytes.
const WORTH_A_COPY_MIN: u64 = 1024 * 1024;

/// How much the thread gives way to others, of at most 19 (setpriority(2)).
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// How much of the log is copied at once.
const PIECE_LEN: usize = 1024 * 1024;

/// How many calls of `rebuild` may wait.
pub(crate) const REBUILDS_LEN: usize = 16;

/// Who wants the indexes made anew: hears when they are.
pub(crate) type Rebuild = Answer;

/// Starts the thread. It ends when `rebuilds` is closed. What it finds that others said to the owner in private, it tells the log
/// thread.
pub(crate) fn start(
    mut indexer: Indexer<Disk>,
    reader: Reader<Disk>,
    log: Arc<LogInbox>,
    rebuilds: Receiver<Rebuild>,
    logger: Logger,
) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name("ssb-index".to_owned()).spawn(move || {
        or_abort("the index thread", || {
            give_way();
            let mut follower = reader.follow();
            let mut copying = Copying::default();
            let mut waiting: Vec<Rebuild> = Vec::new();
            let mut begun = Instant::now();
            while !rebuilds.is_closed() {
                let seen = reader.end();
                let wanted = match indexer.work() {
                    Ok(Progress::More) => rebuilds.try_recv().ok(),
                    Ok(Progress::UpToDate) => {
                        for rebuild in waiting.drain(..) {
                            // The caller may be gone.
                            let _ = rebuild.try_send(Ok("false".to_owned()));
                        }
                        hear(&mut indexer, &reader, &log);
                        if copying.work(&indexer, &reader, &log, &logger) {
                            rebuilds.try_recv().ok()
                        } else {
                            let again = async {
                                grown(&mut follower, seen).await;
                                Timer::at(begun + EVERY).await;
                            };
                            let wanted = wait(again, &rebuilds);
                            begun = Instant::now();
                            wanted
                        }
                    }
                    Err(error) => {
                        let entry =
                            Entry::new(LogLevel::Warning, "an index is behind; answers only take longer");
                        logger.say(&entry.reason(error));
                        let paused = async {
                            Timer::after(PAUSE).await;
                        };
                        wait(paused, &rebuilds)
                    }
                };
                if let Some(rebuild) = wanted {
                    waiting.push(rebuild);
                    if let Err(error) = indexer.forget() {
                        let entry = Entry::new(LogLevel::Warning, "an index cannot be made anew");
                        logger.say(&entry.reason(error));
                    }
                }
            }
            if let Err(error) = indexer.finish(WORTH_A_FILE) {
                logger.say(&Entry::new(LogLevel::Info, "an index was not saved").reason(error));
            }
        });
    })
}

/// Lets other threads go first: while much comes in, verifying it is what somebody waits for.
fn give_way() {
    // If that is not possible, indexes and messages only share what there is.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICENESS);
}

/// What was said in private lately, and holds, counts like what everybody hears.
fn hear(indexer: &mut Indexer<Disk>, reader: &Reader<Disk>, log: &LogInbox) {
    for author in indexer.secretive() {
        let end = reader.end();
        // What cannot be read is found out about when it is read for somebody.
        let words = reader.private_words(&author, end).unwrap_or_default();
        log.own(Own::Heard { author, words, end });
    }
}

/// A copy of the log that is being made.
#[derive(Default)]
struct Copying {
    compactor: Option<Compactor<Disk>>,
    /// How many places without a message there were when it was last asked whether a copy is worth it.
    gone: u32,
}

impl Copying {
    /// Goes on with a copy, if one is worth it. Returns whether there is more to do now.
    fn work(
        &mut self,
        indexer: &Indexer<Disk>,
        reader: &Reader<Disk>,
        log: &LogInbox,
        logger: &Logger,
    ) -> bool {
        if self.compactor.is_none() {
            // Not what the end and the count of messages differ by: the log may grow between the two.
            let gone = reader.gone();
            let is_news = std::mem::replace(&mut self.gone, gone) != gone;
            let least = WORTH_A_COPY_MIN.max(reader.file_len() / WORTH_A_COPY);
            if !is_news || reader.reclaimable() < least {
                return false;
            }
        }
        let compactor = self.compactor.get_or_insert_with(|| indexer.compactor());
        let worked = match compactor.work(PIECE_LEN) {
            Ok(compact::Progress::More) => return true,
            Ok(compact::Progress::Copied) => compactor.sync(),
            Err(error) => Err(error),
        };
        let compactor = self.compactor.take();
        match worked {
            // The log thread copies what came meanwhile, and goes on with the copy.
            Ok(()) => compactor.into_iter().for_each(|compactor| log.own(Own::Compact(compactor))),
            Err(error) => {
                let entry =
                    Entry::new(LogLevel::Warning, "the space of deleted messages is not given back yet");
                logger.say(&entry.reason(error));
            }
        }
        false
    }
}

/// Waits for something, but no longer than until somebody wants the indexes made anew, or the thread is to stop.
fn wait(something: impl Future<Output = ()>, rebuilds: &Receiver<Rebuild>) -> Option<Rebuild> {
    block_on(
        async {
            something.await;
            None
        }
        .or(async { rebuilds.recv().await.ok() }),
    )
}

/// Keeps the indexes up with the log until `stored` is closed, and then until they are: nothing comes behind that.
///
/// # Errors
///
/// [`IndexError`]: they are behind, and whoever opens the log goes on with them.
pub(crate) fn follow_to_the_end(
    indexer: &mut Indexer<Disk>,
    reader: &Reader<Disk>,
    stored: &Receiver<()>,
) -> Result<(), IndexError> {
    let mut follower = reader.follow();
    loop {
        // In this order: what was stored before it was closed is not missed.
        let is_all = stored.is_closed();
        let seen = reader.end();
        match indexer.work()? {
            Progress::More => {}
            Progress::UpToDate if is_all => return indexer.finish(WORTH_A_FILE),
            Progress::UpToDate => block_on(grown(&mut follower, seen).or(ended(stored))),
        }
    }
}

async fn grown(follower: &mut Follower, seen: Ordinal) {
    poll_fn(|context| follower.poll_past(context, seen)).await;
}

async fn ended(stopped: &Receiver<()>) {
    // Nothing is ever sent: it ends when the sender is gone.
    let _ = stopped.recv().await;
}
