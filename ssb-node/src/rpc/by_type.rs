//! `messagesByType`: all messages of one type, in the order of their receipt.
//!
//! ssb-db 20.4.1 knows of a type its first 32 characters only; here a type is found by its whole name.

use serde_json::Map;
use serde_json::Value;
use ssb_log::Disk;
use ssb_log::Ordinal;
use ssb_log::Reader;
use ssb_log::Stored;
use ssb_log::query::Answer;
use ssb_log::query::Filter;
use ssb_log::query::Query;
use ssb_log::read::ReadError;
use ssb_muxrpc::RemoteError;

use super::args;
use super::source::PAGE_LEN;
use super::source::Page;
use super::source::Source;
use super::source::Then;
use super::stream_options::Options;
use super::stream_options::SYNC;

/// The messages that a filter finds, stored and live.
pub(crate) struct Found {
    filter: Filter,
    options: Options,
    stage: Stage,
}

enum Stage {
    /// The call has not come yet.
    Start,
    /// It came when there were so many messages.
    Called { end: u32 },
    /// Stored messages; the live ones begin there.
    Stored { answer: Box<Answer<Disk>>, live_from: u32 },
    /// New messages.
    Live(Box<Answer<Disk>>),
}

/// The stream that a call asks for.
///
/// # Errors
///
/// JavaScript's texts for what is neither a type nor options.
pub(crate) fn parse(args: &[u8]) -> Result<Found, RemoteError> {
    let (name, options) = match args::first(args) {
        // All else that a call with a text has is ignored.
        Value::String(name) if !name.is_empty() => (Some(name), Options::parse_unchecked(&Map::new())),
        Value::Object(options) => {
            let name = options.get("type").and_then(Value::as_str).map(str::to_owned);
            (name, Options::parse_unchecked(&options))
        }
        other if args::is_truthy(&other) => return Err(args::wrong_type("string|messagesByTypeOpts")),
        _ => return Err(args::required()),
    };
    let (filter, options) = match name {
        Some(name) => (Filter::of_type(&name), options),
        // No message has what is no type.
        None => (Filter::all(), Options { limit: Some(0), live: false, ..options }),
    };
    Ok(Found { filter, options, stage: Stage::Start })
}

impl Found {
    fn next_page(&mut self, reader: &Reader<Disk>) -> Result<Page, ReadError> {
        self.begin(reader);
        match &mut self.stage {
            Stage::Start => unreachable!("it has begun"),
            Stage::Called { end } => {
                let end = *end;
                self.stage = if self.options.old {
                    let mut range = reader.received(self.options.range)?;
                    range.end = range.end.min(Ordinal::new(end));
                    let query = Query::new(self.filter.clone()).within(range);
                    let query = if self.options.reverse { query.descending() } else { query };
                    let query = query.limit(self.options.limit.unwrap_or(u64::MAX));
                    Stage::Stored { answer: Box::new(reader.query(query)), live_from: end }
                } else {
                    self.live(reader, end)
                };
                Ok(Page::empty(Then::More))
            }
            Stage::Stored { answer, live_from } => {
                let page = answer.page(PAGE_LEN)?;
                let mut items: Vec<String> = page.iter().map(|stored| self.options.item(stored)).collect();
                if !answer.is_over() {
                    return Ok(Page { items, then: Then::More });
                }
                let live_from = *live_from;
                if !self.options.live {
                    return Ok(Page { items, then: Then::End(Ok(())) });
                }
                items.extend(self.options.sync.then(|| SYNC.to_owned()));
                self.stage = self.live(reader, live_from);
                Ok(Page { items, then: Then::More })
            }
            Stage::Live(answer) => {
                let past = reader.end();
                let page = answer.page(PAGE_LEN)?;
                let is_wanted = |stored: &&Stored| self.options.is_in_range(stored.received);
                let items = page.iter().filter(is_wanted).map(|stored| self.options.item(stored)).collect();
                let then = if answer.is_over() { Then::Grown { past } } else { Then::More };
                Ok(Page { items, then })
            }
        }
    }

    fn live(&self, reader: &Reader<Disk>, from: u32) -> Stage {
        let range = Ordinal::new(from)..Ordinal::new(u32::MAX);
        Stage::Live(Box::new(reader.query(Query::new(self.filter.clone()).within(range))))
    }
}

impl Source for Found {
    fn begin(&mut self, reader: &Reader<Disk>) {
        if let Stage::Start = self.stage {
            self.stage = Stage::Called { end: reader.end().get() };
        }
    }

    fn pull(&mut self, reader: &Reader<Disk>) -> Page {
        self.next_page(reader).unwrap_or_else(|error| Page::empty(Then::failed(&error)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;
    use crate::fixture::STEP;
    use crate::fixture::key;
    use crate::fixture::pull_all;
    use ssb_msg::Message;

    fn stream(args: &str) -> Found {
        parse(args.as_bytes()).unwrap_or_else(|error| panic!("{error:?}"))
    }

    /// Posts by one author between votes of another.
    fn fixture() -> (Fixture, Vec<Message>) {
        let mut fixture = Fixture::new();
        let mut posts = Vec::new();
        for _ in 0..20 {
            posts.extend(fixture.publish_posts(&key(1), 1, 7000));
            fixture.publish(&key(2), r#"{"type":"vote"}"#);
        }
        (fixture, posts)
    }

    fn texts<'a>(messages: impl IntoIterator<Item = &'a Message>) -> Vec<String> {
        messages.into_iter().map(|message| message.json().to_owned()).collect()
    }

    #[test]
    fn all_of_a_type_come_in_either_direction_and_within_a_range() {
        let (fixture, posts) = fixture();
        let sent = |options: &str| {
            let mut stream = stream(&format!(r#"[{{"type":"post","keys":false{options}}}]"#));
            let (items, then, _) = pull_all(&mut stream, &fixture);
            assert_eq!(then, Then::End(Ok(())));
            items
        };

        assert_eq!(sent(""), texts(&posts));
        assert_eq!(sent(r#","reverse":true"#), texts(posts.iter().rev()));
        assert_eq!(sent(r#","reverse":true,"limit":3"#), texts(posts[17..].iter().rev()));
        // Post n is received at 2 n + 1 steps.
        let range = format!(r#","gt":{},"lte":{}"#, 3.0 * STEP, 9.0 * STEP);
        assert_eq!(sent(&range), texts(&posts[2..5]));
        let of_type =
            |name: &str| pull_all(&mut stream(&format!("[\"{name}\",{{\"limit\":1}}]")), &fixture).0.len();
        assert_eq!((of_type("vote"), of_type("vot"), of_type("none")), (20, 0, 0));
    }

    #[test]
    fn a_live_stream_goes_on_with_what_comes_after_the_call() {
        let (mut fixture, posts) = fixture();
        let mut stream = stream(r#"[{"type":"post","keys":false,"live":true}]"#);
        stream.begin(&fixture.reader());
        let later = fixture.publish_posts(&key(3), 1, 5);

        let (items, then, _) = pull_all(&mut stream, &fixture);

        let expected = [texts(&posts), vec![SYNC.to_owned()], texts(&later)].concat();
        assert_eq!((items, then), (expected, Then::Grown { past: Ordinal::new(41) }));
        fixture.publish(&key(2), r#"{"type":"vote"}"#);
        assert_eq!(pull_all(&mut stream, &fixture).0, Vec::<String>::new());
        let last = fixture.publish_posts(&key(3), 1, 5);
        assert_eq!(pull_all(&mut stream, &fixture).0, texts(&last));
    }

    #[test]
    fn what_is_neither_a_type_nor_options_is_refused() {
        let refused = |args: &str| parse(args.as_bytes()).map(|_| ()).unwrap_err().message().to_owned();

        assert_eq!(refused("[]"), "Param 0 is required");
        assert_eq!(refused("[7]"), "Param 0 must by of type string|messagesByTypeOpts");
    }
}
