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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;
    use crate::fixture::STEP;
    use crate::fixture::key;
    use ssb_msg::Message;

    fn options(text: &str) -> Map<String, Value> {
        serde_json::from_str(text).unwrap()
    }

    fn defaults() -> Options {
        Options {
            live: false,
            old: true,
            sync: true,
            reverse: false,
            keys: true,
            values: true,
            limit: None,
            received: (Bound::Unbounded, Bound::Unbounded),
        }
    }

    #[test]
    fn options_are_read_as_javascript_reads_them() {
        use Bound::Excluded;
        use Bound::Included;
        use Bound::Unbounded;
        for (text, expected) in [
            ("{}", defaults()),
            (r#"{"live":true}"#, Options { live: true, ..defaults() }),
            (r#"{"live":1,"old":0}"#, Options { live: true, old: false, ..defaults() }),
            (r#"{"sync":false,"reverse":true}"#, Options { sync: false, reverse: true, ..defaults() }),
            (r#"{"keys":false,"values":false}"#, Options { keys: false, values: false, ..defaults() }),
            (r#"{"limit":3}"#, Options { limit: Some(3), ..defaults() }),
            (r#"{"limit":0}"#, Options { limit: Some(0), ..defaults() }),
            (r#"{"limit":-1}"#, defaults()),
            (r#"{"limit":2.9}"#, Options { limit: Some(2), ..defaults() }),
            (r#"{"gt":5}"#, Options { received: (Excluded(5.0), Unbounded), ..defaults() }),
            (r#"{"gte":5,"gt":9}"#, Options { received: (Included(5.0), Unbounded), ..defaults() }),
            (r#"{"lt":5.5}"#, Options { received: (Unbounded, Excluded(5.5)), ..defaults() }),
            (r#"{"lte":5,"lt":9}"#, Options { received: (Unbounded, Included(5.0)), ..defaults() }),
            (r#"{"unknown":{}}"#, defaults()),
        ] {
            assert_eq!(Options::parse(&options(text)), Ok(expected), "{text}");
        }
    }

    #[test]
    fn options_of_the_wrong_type_are_refused_in_javascript_s_words() {
        for name in ["live", "old", "sync", "reverse", "keys", "values"] {
            let error = usage(&format!(".0 of param {name} must be of type \"boolean\""));
            assert_eq!(Options::parse(&options(&format!(r#"{{"{name}":"yes"}}"#))), Err(error));
        }
        for name in ["gt", "gte", "lt", "lte", "limit"] {
            let error = usage(&format!(".0 of param {name} must be of type \"number\""));
            assert_eq!(Options::parse(&options(&format!(r#"{{"{name}":"5"}}"#))), Err(error));
        }
    }

    fn stream(text: &str) -> LogStream {
        LogStream::parse(&options(text)).unwrap_or_else(|error| panic!("{error:?}"))
    }

    /// All items up to the end or a wait, that, and how many pages had any.
    fn pull_all(stream: &mut LogStream, fixture: &Fixture) -> (Vec<String>, Then, usize) {
        let (mut items, mut pages) = (Vec::new(), 0);
        loop {
            let page = stream.pull(&fixture.reader());
            pages += usize::from(!page.items.is_empty());
            items.extend(page.items);
            if page.then != Then::More {
                return (items, page.then, pages);
            }
        }
    }

    /// What a stream without keys sends in all.
    fn sent(options: &str, fixture: &Fixture) -> Vec<String> {
        let (items, then, _) = pull_all(&mut stream(&format!(r#"{{"keys":false{options}}}"#)), fixture);
        assert_eq!(then, Then::End(Ok(())));
        items
    }

    fn texts<'a>(messages: impl IntoIterator<Item = &'a Message>) -> Vec<String> {
        messages.into_iter().map(|message| message.json().to_owned()).collect()
    }

    #[test]
    fn a_log_longer_than_a_page_comes_whole_in_either_direction() {
        let mut fixture = Fixture::new();
        let messages = fixture.publish_posts(&key(1), 30, 7000);

        let (items, then, pages) = pull_all(&mut stream(r#"{"keys":false}"#), &fixture);

        assert_eq!((items, then), (texts(&messages), Then::End(Ok(()))));
        assert!(pages > 2);
        assert_eq!(sent(r#","reverse":true"#, &fixture), texts(messages.iter().rev()));
    }

    #[test]
    fn a_limit_counts_over_pages() {
        let mut fixture = Fixture::new();
        let messages = fixture.publish_posts(&key(1), 30, 7000);

        assert_eq!(sent(r#","limit":20"#, &fixture), texts(&messages[..20]));
        assert_eq!(sent(r#","limit":20,"reverse":true"#, &fixture), texts(messages[10..].iter().rev()));
        assert_eq!(sent(r#","limit":0"#, &fixture), texts([]));
        assert_eq!(sent(r#","limit":99"#, &fixture), texts(&messages));
    }

    #[test]
    fn a_range_is_one_of_receive_times() {
        let mut fixture = Fixture::new();
        let messages = fixture.publish_posts(&key(1), 5, 1);
        let at = |n: u32| f64::from(n) * STEP;
        let (second, fourth) = (at(2), at(4));

        assert_eq!(sent(&format!(r#","gt":{second},"lte":{fourth}"#), &fixture), texts(&messages[2..4]));
        assert_eq!(sent(&format!(r#","gte":{second},"lt":{fourth}"#), &fixture), texts(&messages[1..3]));
        let last = format!(r#","gte":{second},"lte":{fourth},"reverse":true,"limit":2"#);
        assert_eq!(sent(&last, &fixture), texts([&messages[3], &messages[2]]));
        assert_eq!(sent(&format!(r#","gt":{fourth},"lt":{second}"#), &fixture), texts([]));
    }

    #[test]
    fn keys_and_values_say_what_an_item_is() {
        let mut fixture = Fixture::new();
        let message = fixture.publish(&key(1), r#"{"type":"post"}"#);
        let item = |options| pull_all(&mut stream(options), &fixture).0.remove(0);

        assert_eq!(item("{}"), key_value_timestamp(&message.id(), message.json(), STEP));
        assert_eq!(item(r#"{"values":false}"#), format!("\"{}\"", message.id()));
        assert_eq!(item(r#"{"keys":false}"#), message.json());
    }

    #[test]
    fn a_live_stream_says_where_the_stored_part_ends_and_goes_on() {
        let mut fixture = Fixture::new();
        let first = fixture.publish_posts(&key(1), 1, 1);
        let mut stream = stream(r#"{"live":true,"keys":false}"#);

        let (items, then, _) = pull_all(&mut stream, &fixture);
        assert_eq!(items, [first[0].json(), SYNC]);
        assert_eq!(then, Then::Grown { past: fixture.reader().end() });

        let more = fixture.publish_posts(&key(2), 2, 1);
        assert_eq!(pull_all(&mut stream, &fixture).0, texts(&more));
        assert_eq!(pull_all(&mut stream, &fixture).0, texts([]));
    }

    #[test]
    fn what_comes_while_the_stored_part_is_sent_comes_behind_the_sync() {
        let mut fixture = Fixture::new();
        let stored = fixture.publish_posts(&key(1), 20, 7000);
        let mut stream = stream(r#"{"live":true,"keys":false}"#);
        let first = stream.pull(&fixture.reader()).items;
        let late = fixture.publish_posts(&key(1), 1, 1);

        let (rest, _, _) = pull_all(&mut stream, &fixture);

        let expected = [texts(&stored), vec![SYNC.to_owned()], texts(&late)].concat();
        assert_eq!([first, rest].concat(), expected);
    }

    #[test]
    fn sync_and_old_can_be_turned_off() {
        let mut fixture = Fixture::new();
        let stored = fixture.publish_posts(&key(1), 1, 1);
        let mut quiet = stream(r#"{"live":true,"sync":false,"keys":false}"#);
        let mut new_only = stream(r#"{"live":true,"old":false,"keys":false}"#);
        assert_eq!(pull_all(&mut quiet, &fixture).0, texts(&stored));
        assert_eq!(pull_all(&mut new_only, &fixture).0, texts([]));
        assert_eq!(sent(r#","old":false"#, &fixture), texts([]));

        let more = fixture.publish_posts(&key(1), 1, 1);

        assert_eq!(pull_all(&mut quiet, &fixture).0, texts(&more));
        assert_eq!(pull_all(&mut new_only, &fixture).0, texts(&more));
    }

    #[test]
    fn live_messages_outside_the_range_are_left_out() {
        let mut fixture = Fixture::new();
        let mut stream = stream(&format!(r#"{{"live":true,"sync":false,"keys":false,"lt":{}}}"#, 2.0 * STEP));
        assert_eq!(pull_all(&mut stream, &fixture).0, texts([]));

        let messages = fixture.publish_posts(&key(1), 3, 1);

        assert_eq!(pull_all(&mut stream, &fixture).0, texts(&messages[..1]));
    }
}
