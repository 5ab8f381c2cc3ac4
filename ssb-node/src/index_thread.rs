//! The thread that keeps the indexes up with the log. Nobody waits for it but an import in its end, and it waits for nobody
//! but the log.

use std::future::poll_fn;
use std::io;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

use smol::Timer;
use smol::channel::Receiver;
use smol::future::FutureExt as _;
// Not smol's own, which would take turns at waiting for sockets and so keep the tasks of connections waiting for this thread.
use smol::future::block_on;
use ssb_log::Disk;
use ssb_log::Indexer;
use ssb_log::Ordinal;
use ssb_log::Reader;
use ssb_log::indexer::IndexError;
use ssb_log::indexer::Progress;
use ssb_log::tail::Follower;

use crate::config::LogLevel;
use crate::logging::Entry;
use crate::logging::Logger;
use crate::supervisor::or_abort;

/// How long to wait after a file could not be written.
const PAUSE: Duration = Duration::from_secs(60);

/// What is less than so many messages is not worth a file before a stop: the next start reads them in a millisecond.
const WORTH_A_FILE: u32 = 1024;

/// Starts the thread. It ends when `stopped` is closed.
pub(crate) fn start(
    mut indexer: Indexer<Disk>,
    reader: Reader<Disk>,
    stopped: Receiver<()>,
    logger: Logger,
) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name("ssb-index".to_owned()).spawn(move || {
        or_abort("the index thread", || {
            let mut follower = reader.follow();
            while !stopped.is_closed() {
                let seen = reader.end();
                match indexer.work() {
                    Ok(Progress::More) => {}
                    Ok(Progress::UpToDate) => block_on(grown(&mut follower, seen).or(ended(&stopped))),
                    Err(error) => {
                        let entry =
                            Entry::new(LogLevel::Warning, "an index is behind; answers only take longer");
                        logger.say(&entry.reason(error));
                        block_on(
                            async {
                                Timer::after(PAUSE).await;
                            }
                            .or(ended(&stopped)),
                        );
                    }
                }
            }
            if let Err(error) = indexer.finish(WORTH_A_FILE) {
                logger.say(&Entry::new(LogLevel::Info, "an index was not saved").reason(error));
            }
        });
    })
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
