//! Messages as lines of JSON.

use std::io;
use std::io::Write;

use ssb_gossip::history::key_value_timestamp;
use ssb_keys::FeedId;
use ssb_log::Disk;
use ssb_log::Ordinal;
use ssb_log::Reader;

use super::TransferError;
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
}

/// Writes messages, one a line, as `key`, `value` and `timestamp`, in the order in which they were received; those of a
/// feed in its own. Returns how many.
///
/// # Errors
///
/// [`TransferError`]. [`TransferError::Output`] also if nobody reads any more.
pub fn export(config: &Config, selection: Selection, output: impl Write) -> Result<u64, TransferError> {
    // Whoever only reads makes nothing.
    let log = config.path.join("log");
    log.metadata().map_err(|error| TransferError::Directory { path: log, error })?;
    let reader = super::open(config)?.reader();
    let mut output = io::BufWriter::new(output);
    let count = match selection.feed {
        Some(feed) => export_feed(&reader, &feed, selection.since, &mut output),
        None => export_log(&reader, selection.since, &mut output),
    }?;
    output.flush().map_err(TransferError::Output)?;
    Ok(count)
}

fn export_log(reader: &Reader<Disk>, since: u32, output: &mut impl Write) -> Result<u64, TransferError> {
    let (mut from, mut count) = (Ordinal::new(since), 0);
    loop {
        let page = reader.page(from..reader.end(), PAGE_LEN)?;
        let Some(last) = page.last() else { return Ok(count) };
        from = behind(last.ordinal);
        for stored in &page {
            write(stored, output)?;
            count += 1;
        }
    }
}

fn export_feed(
    reader: &Reader<Disk>,
    feed: &FeedId,
    since: u32,
    output: &mut impl Write,
) -> Result<u64, TransferError> {
    let (mut next, mut count) = (since.saturating_add(1), 0);
    // Behind each message that was deleted another page begins.
    while let Some(mut sequence) = reader.next_sequence(feed, next) {
        let page = reader.feed_page(feed, sequence, PAGE_LEN)?;
        for stored in &page {
            write(stored, output)?;
            sequence = sequence.saturating_add(1);
            count += 1;
        }
        next = sequence;
    }
    Ok(count)
}

fn write(stored: &ssb_log::Stored, output: &mut impl Write) -> Result<(), TransferError> {
    let line = key_value_timestamp(&stored.id, &stored.json, stored.received);
    output.write_all(line.as_bytes()).and_then(|()| output.write_all(b"\n")).map_err(TransferError::Output)
}
