//! Streams of messages that we serve: cursors that are pulled, page by page, on a thread that may block.

use ssb_keys::FeedId;
use ssb_log::Disk;
use ssb_log::Ordinal;
use ssb_log::Reader;
use ssb_log::read::ReadError;
use ssb_muxrpc::RemoteError;

use crate::pool::Pool;
use crate::shared::Shared;

/// About how many bytes of items one pull may bring.
pub(crate) const PAGE_LEN: usize = 64 * 1024;

/// A stream that we serve.
pub(crate) trait Source: Send {
    /// The call has come: what is stored now is old, and what comes later is new. Must not block.
    fn begin(&mut self, _reader: &Reader<Disk>) {}

    /// Reads the next items, as JSON texts. May block on the disk.
    fn pull(&mut self, reader: &Reader<Disk>) -> Page;

    /// The threads on which it is pulled.
    fn pool<'a>(&self, shared: &'a Shared) -> &'a Pool {
        &shared.reads
    }
}

impl Source for Box<dyn Source> {
    fn begin(&mut self, reader: &Reader<Disk>) {
        (**self).begin(reader);
    }

    fn pull(&mut self, reader: &Reader<Disk>) -> Page {
        (**self).pull(reader)
    }

    fn pool<'a>(&self, shared: &'a Shared) -> &'a Pool {
        (**self).pool(shared)
    }
}

/// What one pull brought.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) items: Vec<String>,
    pub(crate) then: Then,
}

impl Page {
    pub(crate) const fn empty(then: Then) -> Self {
        Self { items: Vec::new(), then }
    }
}

/// What follows a page.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Then {
    /// Another page, at once.
    More,
    /// Another page when the log has grown past this end.
    Grown { past: Ordinal },
    /// Another page when this feed has more than `past` messages.
    FeedGrown { feed: FeedId, past: u32 },
    /// What somebody tells of the stream from now on, see [`Changes`](crate::peer_task::changes::Changes).
    Live,
    /// Nothing.
    End(Result<(), RemoteError>),
}

impl Then {
    /// The end of a stream whose messages cannot be read.
    pub(crate) fn failed(error: &ReadError) -> Self {
        Self::End(Err(RemoteError::new(error.to_string())))
    }
}

/// The place behind a message.
pub(crate) fn behind(message: Ordinal) -> Ordinal {
    message.next().expect("a message is before the end of its log, which has a number")
}
