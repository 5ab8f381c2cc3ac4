//! `createLogStream`: all messages in the order of their receipt; with `raw`, the log itself.

use std::ops::Range;

use ssb_log::Disk;
use ssb_log::Ordinal;
use ssb_log::Reader;
use ssb_log::Stored;
use ssb_log::read::ReadError;
use ssb_muxrpc::RemoteError;

use super::args;
use super::message_stream::MessageStream;
use super::message_stream::Messages;
use super::message_stream::Placed;
use super::raw_log_stream;
use super::source::PAGE_LEN;
use super::source::Source;
use super::source::Then;
use super::stream_options::Options;

/// All messages, counted by their ordinals.
pub(crate) struct Log;

/// The stream that a call asks for.
///
/// # Errors
///
/// JavaScript's text for arguments of the wrong type.
pub(crate) fn parse(args: &[u8]) -> Result<Box<dyn Source>, RemoteError> {
    let options = args::options(args, "readStreamOpts")?.unwrap_or_default();
    if options.get("raw").is_some_and(args::is_truthy) {
        return Ok(Box::new(raw_log_stream::of_log(&options)?));
    }
    Ok(Box::new(MessageStream::new(Log, Options::parse(&options)?)))
}

impl Messages for Log {
    fn end(&self, reader: &Reader<Disk>) -> u32 {
        reader.end().get()
    }

    fn range(
        &mut self,
        reader: &Reader<Disk>,
        options: &Options,
        end: u32,
    ) -> Result<Option<Range<u32>>, ReadError> {
        let range = reader.received(options.range)?;
        let end = range.end.get().min(end);
        Ok(Some(range.start.get().min(end)..end))
    }

    fn page(
        &self,
        reader: &Reader<Disk>,
        range: Range<u32>,
        reverse: bool,
    ) -> Result<Vec<Placed>, ReadError> {
        let range = Ordinal::new(range.start)..Ordinal::new(range.end);
        let page = if reverse { reader.page_back(range, PAGE_LEN) } else { reader.page(range, PAGE_LEN) }?;
        Ok(page.into_iter().map(|stored| (stored.ordinal.get(), stored)).collect())
    }

    fn growth(&self, end: u32) -> Then {
        Then::Grown { past: Ordinal::new(end) }
    }

    fn sort_value(&self, _place: u32, stored: &Stored) -> f64 {
        stored.received
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;
    use crate::fixture::STEP;
    use crate::fixture::key;
    use crate::fixture::pull_all;
    use crate::rpc::stream_options::SYNC;
    use ssb_gossip::history::key_value_timestamp;
    use ssb_msg::Message;

    fn stream(text: &str) -> Box<dyn Source> {
        parse(format!("[{text}]").as_bytes()).unwrap_or_else(|error| panic!("{error:?}"))
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
        let mut new_only = stream(r#"{"old":false,"keys":false}"#);
        assert_eq!(pull_all(&mut quiet, &fixture).0, texts(&stored));
        assert_eq!(pull_all(&mut new_only, &fixture).0, texts([]));

        let more = fixture.publish_posts(&key(1), 1, 1);

        assert_eq!(pull_all(&mut quiet, &fixture).0, texts(&more));
        assert_eq!(pull_all(&mut new_only, &fixture).0, texts(&more));
    }

    #[test]
    fn what_comes_between_the_call_and_the_first_page_is_new() {
        let mut fixture = Fixture::new();
        fixture.publish_posts(&key(1), 1, 1);
        let mut stream = stream(r#"{"old":false,"keys":false}"#);
        stream.begin(&fixture.reader());

        let new = fixture.publish_posts(&key(1), 1, 1);

        assert_eq!(pull_all(&mut stream, &fixture).0, texts(&new));
    }

    #[test]
    fn a_raw_stream_is_one_of_the_log_itself() {
        let mut fixture = Fixture::new();
        fixture.publish_posts(&key(1), 2, 1);

        assert_eq!(pull_all(&mut stream(r#"{"raw":true,"values":false,"gt":0}"#), &fixture).0, ["1"]);
        assert_eq!(pull_all(&mut stream(r#"{"raw":0,"values":false,"limit":1}"#), &fixture).0[0].len(), 54);
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
