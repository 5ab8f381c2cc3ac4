//! `createLogStream`: all messages in the order of their receipt.
//!
//! The options are those that all streams of ssb-db 20.4.1 share: `live old sync gt gte lt lte reverse limit keys
//! values`.

use std::ops::Bound;

use serde_json::Map;
use serde_json::Value;
use ssb_gossip::history::key_value_timestamp;
use ssb_log::Disk;
use ssb_log::Ordinal;
use ssb_log::Reader;
use ssb_log::Stored;
use ssb_log::read::ReadError;
use ssb_muxrpc::RemoteError;

use super::source::PAGE_LEN;
use super::source::Page;
use super::source::Source;
use super::source::Then;
use super::source::behind;

/// A log stream that we serve: a range of the stored part, then, if it is live, the end of the log.
pub(crate) struct LogStream {
    options: Options,
    stage: Stage,
}

#[derive(Debug, PartialEq)]
struct Options {
    live: bool,
    old: bool,
    sync: bool,
    reverse: bool,
    keys: bool,
    values: bool,
    /// `None` for all.
    limit: Option<u64>,
    received: (Bound<f64>, Bound<f64>),
}

enum Stage {
    /// Nothing was looked up yet.
    Start,
    /// What of the stored part is left, and where live begins.
    Stored { from: Ordinal, to: Ordinal, left: u64, live_from: Ordinal },
    /// New messages, from here.
    Live { from: Ordinal },
}

impl LogStream {
    /// Reads the options of a call.
    ///
    /// # Errors
    ///
    /// JavaScript's text for an option of the wrong type.
    pub(crate) fn parse(options: &Map<String, Value>) -> Result<Self, RemoteError> {
        Ok(Self { options: Options::parse(options)?, stage: Stage::Start })
    }

    fn start(&mut self, reader: &Reader<Disk>) -> Result<Stage, ReadError> {
        let end = reader.end();
        if !self.options.old {
            return Ok(Stage::Live { from: end });
        }
        let range = reader.received(self.options.received)?;
        let left = self.options.limit.unwrap_or(u64::MAX);
        Ok(Stage::Stored { from: range.start, to: range.end.min(end), left, live_from: end })
    }

    fn next_page(&mut self, reader: &Reader<Disk>) -> Result<Page, ReadError> {
        if let Stage::Start = self.stage {
            self.stage = self.start(reader)?;
        }
        let options = &self.options;
        match &mut self.stage {
            Stage::Start => unreachable!("just left"),
            Stage::Stored { from, to, left, live_from } => {
                let wanted = usize::try_from(*left).unwrap_or(usize::MAX);
                let mut page = match (wanted, options.reverse) {
                    (0, _) => Vec::new(),
                    (_, false) => reader.page(*from..*to, PAGE_LEN)?,
                    (_, true) => reader.page_back(*from..*to, PAGE_LEN)?,
                };
                page.truncate(wanted);
                *left -= u64::try_from(page.len()).unwrap_or(u64::MAX).min(*left);
                let Some(last) = page.last() else {
                    let live_from = *live_from;
                    return Ok(self.finish_stored(live_from));
                };
                if options.reverse {
                    *to = last.ordinal;
                } else {
                    *from = behind(last.ordinal);
                }
                Ok(Page { items: page.iter().map(|stored| options.item(stored)).collect(), then: Then::More })
            }
            Stage::Live { from } => {
                let end = reader.end();
                let page = reader.page(*from..end, PAGE_LEN)?;
                *from = page.last().map_or(*from, |last| behind(last.ordinal));
                let then = if *from < end { Then::More } else { Then::Grown { past: end } };
                let wanted = page.iter().filter(|stored| options.is_in_range(stored.received));
                Ok(Page { items: wanted.map(|stored| options.item(stored)).collect(), then })
            }
        }
    }

    fn finish_stored(&mut self, live_from: Ordinal) -> Page {
        if !self.options.live {
            return Page { items: Vec::new(), then: Then::End(Ok(())) };
        }
        self.stage = Stage::Live { from: live_from };
        let items = if self.options.sync { vec![SYNC.to_owned()] } else { Vec::new() };
        Page { items, then: Then::More }
    }
}

impl Source for LogStream {
    fn pull(&mut self, reader: &Reader<Disk>) -> Page {
        if !self.options.old && !self.options.live {
            return Page { items: Vec::new(), then: Then::End(Ok(())) };
        }
        self.next_page(reader).unwrap_or_else(|error| Page {
            items: Vec::new(),
            then: Then::End(Err(RemoteError::new(error.to_string()))),
        })
    }
}

impl Options {
    fn parse(options: &Map<String, Value>) -> Result<Self, RemoteError> {
        let flag = |name: &str, default: bool| match options.get(name) {
            None => Ok(default),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(Value::Number(number)) => Ok(number.as_f64() != Some(0.0)),
            // The order of the words is JavaScript's (muxrpc-validation 3.0.2).
            Some(_) => Err(usage(&format!(".0 of param {name} must be of type \"boolean\""))),
        };
        let number = |name: &str| match options.get(name) {
            None => Ok(None),
            Some(Value::Number(number)) => Ok(number.as_f64()),
            Some(_) => Err(usage(&format!(".0 of param {name} must be of type \"number\""))),
        };
        let bound = |inclusive: Option<f64>, exclusive: Option<f64>| match (inclusive, exclusive) {
            (Some(bound), _) => Bound::Included(bound),
            (None, Some(bound)) => Bound::Excluded(bound),
            (None, None) => Bound::Unbounded,
        };
        let lower = bound(number("gte")?, number("gt")?);
        let upper = bound(number("lte")?, number("lt")?);
        Ok(Self {
            live: flag("live", false)?,
            old: flag("old", true)?,
            sync: flag("sync", true)?,
            reverse: flag("reverse", false)?,
            keys: flag("keys", true)?,
            values: flag("values", true)?,
            limit: number("limit")?.filter(|limit| *limit >= 0.0).map(whole),
            received: (lower, upper),
        })
    }

    fn item(&self, stored: &Stored) -> String {
        match (self.keys, self.values) {
            (true, true) => key_value_timestamp(&stored.id, &stored.json, stored.received),
            (true, false) => format!("\"{}\"", stored.id),
            (false, _) => stored.json.clone(),
        }
    }

    fn is_in_range(&self, received: f64) -> bool {
        std::ops::RangeBounds::contains(&self.received, &received)
    }
}

/// An error that JavaScript's command line prints without its name.
pub(crate) fn usage(message: &str) -> RemoteError {
    RemoteError::named("UsageError", message)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "not negative, and saturating is right"
)]
fn whole(number: f64) -> u64 {
    number as u64
}

/// What stands between stored and live items.
const SYNC: &str = "{\"sync\":true}";
