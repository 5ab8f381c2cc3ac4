//! Messages as lines of JSON.

use std::io;
use std::io::Write;

use ssb_gossip::history::key_value_timestamp;
use ssb_keys::FeedId;
use ssb_log::Disk;
use ssb_log::Ordinal;
use ssb_log::Reader;
use ssb_log::Stored;

use super::TransferError;
use super::blobs::Departures;
use crate::config::Config;
use crate::rpc::source::behind;

/// About how many bytes are read at once.
const PAGE_LEN: usize = 1024 * 1024;

/// Which messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Selection {
    /// Only those of this feed.
    pub feed: Option<FeedId>,
    /// Only those behind the first so many: of the feed, or of the log in the order of receiving.
    pub since: u32,
    /// Whether blobs that are here, and to which these messages refer, go with them.
    pub blobs: bool,
}

impl Selection {
    /// Those of a feed.
    #[must_use]
    pub const fn of_feed(mut self, feed: FeedId) -> Self {
        self.feed = Some(feed);
        self
    }

    /// Those behind the first so many.
    #[must_use]
    pub const fn since(mut self, since: u32) -> Self {
        self.since = since;
        self
    }

    /// With the blobs to which they refer.
    #[must_use]
    pub const fn with_blobs(mut self) -> Self {
        self.blobs = true;
        self
    }
}

/// Writes messages, one a line, as `key`, `value` and `timestamp`, in the order in which they were received; those of a
/// feed in its own. Returns how many. Blobs come behind them, in pieces of 64 KiB, one a line: `blob`, the id; `size` of all of it;
/// `at`, where the piece begins; and its `bytes` in base64. What private messages refer to is not among them: they cannot be read.
///
/// # Errors
///
/// [`TransferError`]. [`TransferError::Output`] also if nobody reads any more.
pub fn export(config: &Config, selection: Selection, output: impl Write) -> Result<u64, TransferError> {
    // Whoever only reads makes nothing.
    let log = config.path.join("log");
    log.metadata().map_err(|error| TransferError::Directory { path: log, error })?;
    let store = super::open(config)?;
    let reader = store.reader();
    let mut departures = if selection.blobs { Some(Departures::open(&config.path)?) } else { None };
    let mut output = io::BufWriter::new(output);
    let mut write = |stored: &Stored| {
        departures.iter_mut().for_each(|departures| departures.see(stored));
        write(stored, &mut output)
    };
    let count = match selection.feed {
        Some(feed) => export_feed(&reader, &feed, selection.since, &mut write),
        None => export_log(&reader, selection.since, &mut write),
    }?;
    if let Some(departures) = departures {
        departures.write(&mut output)?;
    }
    output.flush().map_err(TransferError::Output)?;
    Ok(count)
}

fn export_log(
    reader: &Reader<Disk>,
    since: u32,
    write: &mut impl FnMut(&Stored) -> Result<(), TransferError>,
) -> Result<u64, TransferError> {
    let (mut from, mut count) = (Ordinal::new(since), 0);
    loop {
        let page = reader.page(from..reader.end(), PAGE_LEN)?;
        let Some(last) = page.last() else { return Ok(count) };
        from = behind(last.ordinal);
        for stored in &page {
            write(stored)?;
            count += 1;
        }
    }
}

fn export_feed(
    reader: &Reader<Disk>,
    feed: &FeedId,
    since: u32,
    write: &mut impl FnMut(&Stored) -> Result<(), TransferError>,
) -> Result<u64, TransferError> {
    let (mut next, mut count) = (since.saturating_add(1), 0);
    // Behind each message that was deleted another page begins.
    while let Some(mut sequence) = reader.next_sequence(feed, next) {
        let page = reader.feed_page(feed, sequence, PAGE_LEN)?;
        for stored in &page {
            write(stored)?;
            sequence = sequence.saturating_add(1);
            count += 1;
        }
        next = sequence;
    }
    Ok(count)
}

fn write(stored: &Stored, output: &mut impl Write) -> Result<(), TransferError> {
    let line = key_value_timestamp(&stored.id, &stored.json, stored.received);
    output.write_all(line.as_bytes()).and_then(|()| output.write_all(b"\n")).map_err(TransferError::Output)
}
