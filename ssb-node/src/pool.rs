//! A few threads for what blocks: reads of the log, look-ups of names.

use std::future::Future;
use std::io;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::pin::Pin;
use std::thread;
use std::thread::JoinHandle;

use smol::channel::Sender;
use smol::channel::bounded;

/// How many jobs wait before callers do.
const JOBS_MAX: usize = 256;

type Job = Box<dyn FnOnce() + Send>;

/// What a job gives back; `None` if it panicked or the pool is closed.
pub(crate) type Promise<T> = Pin<Box<dyn Future<Output = Option<T>> + Send>>;

/// Hands jobs to the threads. Clones share them; they end when the last clone is gone.
#[derive(Clone, Debug)]
pub(crate) struct Pool(Sender<Job>);

impl Pool {
    /// Starts `count` threads.
    pub(crate) fn start(name: &str, count: usize) -> io::Result<(Self, Vec<JoinHandle<()>>)> {
        let (sender, jobs) = bounded::<Job>(JOBS_MAX);
        let threads = (0..count)
            .map(|n| {
                let jobs = jobs.clone();
                thread::Builder::new().name(format!("{name}-{n}")).spawn(move || {
                    while let Ok(job) = jobs.recv_blocking() {
                        // A job that panics loses its own answer; its caller sees `None`.
                        let _ = catch_unwind(AssertUnwindSafe(job));
                    }
                })
            })
            .collect::<io::Result<_>>()?;
        Ok((Self(sender), threads))
    }

    /// Runs `job` on one of the threads, some time. If too many wait already it is dropped without being run.
    pub(crate) fn try_run(&self, job: impl FnOnce() + Send + 'static) {
        drop(self.0.try_send(Box::new(job)));
    }

    /// Runs `job` on one of the threads.
    pub(crate) fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Promise<T> {
        let jobs = self.0.clone();
        Box::pin(async move {
            let (answer, answered) = bounded(1);
            let job: Job = Box::new(move || {
                // Nobody may be waiting any more.
                let _ = answer.try_send(job());
            });
            jobs.send(job).await.ok()?;
            answered.recv().await.ok()
        })
    }
}
