//! Blobs over HTTP, as ssb-ws 6.2.3 and ssb-serve-blobs 3 serve them: `GET /blobs/get/ID`.
//!
//! To programs of this machine, unless its owner wants otherwise. Whoever asks gets what is here: nobody is asked for a blob on
//! behalf of somebody who has not proven who they are, and messages are not served at all. What is served may be a page of whoever
//! likes to be mean: it is shown, and never runs.
//!
//! Requests and answers are values: [`request`], [`range`], [`content_type`], [`unboxing`] and [`answer`] read nothing and send
//! nothing. [`connection`] does both.

pub(crate) mod answer;
pub(crate) mod connection;
mod content_type;
mod range;
mod request;
mod unboxing;

use std::sync::Arc;
use std::time::Duration;

use smol::Executor;
use smol::Timer;

use self::answer::Rules;
use self::connection::Serving;
use crate::blobs::Blobs;
use crate::config::LogLevel;
use crate::logging::Entry;
use crate::logging::Logger;
use crate::tasks::TaskGroup;
use crate::transport::Listener;

/// The most connections at once. Browsers make six to a host.
pub(crate) const CONNECTIONS_MAX: usize = 64;

/// How long to wait after a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves blobs.
#[derive(Debug)]
pub(crate) struct Http {
    serving: Arc<Serving>,
    tasks: TaskGroup,
    logger: Logger,
}

impl Http {
    pub(crate) fn new(
        blobs: &Blobs,
        rules: Rules,
        executor: Arc<Executor<'static>>,
        logger: &Logger,
    ) -> Self {
        let serving = Arc::new(Serving { blobs: blobs.clone(), rules });
        Self { serving, tasks: TaskGroup::new(executor, logger.clone()), logger: logger.clone() }
    }

    /// Accepts connections until the future is dropped.
    pub(crate) async fn listen(&self, listener: &Listener) {
        loop {
            match listener.accept().await {
                // Whoever is one too many sees a closed connection.
                Ok(_) if self.tasks.len() >= CONNECTIONS_MAX => {
                    self.logger.warning("a connection over HTTP was refused, as there are too many");
                }
                Ok(socket) => {
                    self.tasks.spawn(
                        "a connection over HTTP",
                        connection::serve(socket, Arc::clone(&self.serving)),
                    );
                }
                Err(error) => {
                    let entry = Entry::new(LogLevel::Warning, "a connection over HTTP could not be accepted");
                    self.logger.say(&entry.reason(error));
                    Timer::after(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Ends all connections.
    pub(crate) async fn end(&self) {
        self.tasks.end().await;
    }
}
