//! The thread that keeps the indexes up with the log. Only who has called `rebuild` waits for it, and it waits for nobody but
//! the log.

use std::future::Future;
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
use ssb_log::Reader;
use ssb_log::indexer::Progress;

use crate::config::LogLevel;
use crate::core_task::Answer;
use crate::logging::Entry;
use crate::logging::Logger;
use crate::supervisor::or_abort;

/// How long to wait after a file could not be written.
const PAUSE: Duration = Duration::from_secs(60);

/// What is less than so many messages is not worth a file before a stop: the next start reads them in a millisecond.
const WORTH_A_FILE: u32 = 1024;

/// How many calls of `rebuild` may wait.
pub(crate) const REBUILDS_LEN: usize = 16;

/// Who wants the indexes made anew: hears when they are.
pub(crate) type Rebuild = Answer;

/// Starts the thread. It ends when `rebuilds` is closed.
pub(crate) fn start(
    mut indexer: Indexer<Disk>,
    reader: Reader<Disk>,
    rebuilds: Receiver<Rebuild>,
    logger: Logger,
) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name("ssb-index".to_owned()).spawn(move || {
        or_abort("the index thread", || {
            let mut follower = reader.follow();
            let mut waiting: Vec<Rebuild> = Vec::new();
            while !rebuilds.is_closed() {
                let seen = reader.end();
                let wanted = match indexer.work() {
                    Ok(Progress::More) => rebuilds.try_recv().ok(),
                    Ok(Progress::UpToDate) => {
                        for rebuild in waiting.drain(..) {
                            // The caller may be gone.
                            let _ = rebuild.try_send(Ok("false".to_owned()));
                        }
                        let grown = async {
                            poll_fn(|context| follower.poll_past(context, seen)).await;
                        };
                        wait(grown, &rebuilds)
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
