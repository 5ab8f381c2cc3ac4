//! `createUserStream`: one feed in the order of its sequences, with all the options of streams.

use std::ops::Range;

use ssb_keys::FeedId;
use ssb_log::Disk;
use ssb_log::Reader;
use ssb_log::Stored;
use ssb_log::read::ReadError;
use ssb_muxrpc::RemoteError;

use super::args;
use super::history;
use super::message_stream::MessageStream;
use super::message_stream::Messages;
use super::message_stream::Placed;
use super::message_stream::read_page;
use super::source::Then;
use super::stream_options::Options;

/// The messages of a feed, counted from 0: one less than their sequences.
pub(crate) struct Feed(FeedId);

/// The stream that a call asks for.
///
/// # Errors
///
/// JavaScript's text for arguments of the wrong type, or without a feed.
pub(crate) fn parse(args: &[u8]) -> Result<MessageStream<Feed>, RemoteError> {
    let given = args::options(args, "createUserStreamOpts")?.ok_or_else(args::required)?;
    let options = Options::parse(&given)?;
    let feed = given.get("id").and_then(|id| id.as_str()).and_then(|id| FeedId::parse(id).ok());
    let feed = feed.ok_or_else(|| args::wrong_field("id", "feedId"))?;
    Ok(MessageStream::new(Feed(feed), options))
}

impl Messages for Feed {
    fn end(&self, reader: &Reader<Disk>) -> u32 {
        history::latest(reader, &self.0)
    }

    fn range(
        &mut self,
        _reader: &Reader<Disk>,
        options: &Options,
        end: u32,
    ) -> Result<Option<Range<u32>>, ReadError> {
        let sequences = options.whole_numbers(1..end.saturating_add(1));
        Ok(Some(sequences.start - 1..sequences.end - 1))
    }

    fn page(
        &self,
        reader: &Reader<Disk>,
        range: Range<u32>,
        reverse: bool,
    ) -> Result<Vec<Placed>, ReadError> {
        read_page(reader, range, reverse, |place| reader.by_sequence(&self.0, place + 1))
    }

    fn growth(&self, end: u32) -> Then {
        Then::FeedGrown { feed: self.0, past: end }
    }

    fn sort_value(&self, place: u32, _stored: &Stored) -> f64 {
        f64::from(place) + 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;
    use crate::fixture::key;
    use crate::fixture::pull_all;
    use crate::rpc::stream_options::SYNC;
    use ssb_msg::Message;

    fn stream(options: &str) -> MessageStream<Feed> {
        let args = format!(r#"[{{"id":"{}","keys":false{options}}}]"#, key(1).id());
        parse(args.as_bytes()).unwrap_or_else(|error| panic!("{error:?}"))
    }

    fn texts<'a>(messages: impl IntoIterator<Item = &'a Message>) -> Vec<String> {
        messages.into_iter().map(|message| message.json().to_owned()).collect()
    }

    /// Posts of feed 1, with those of another between them.
    fn mixed(fixture: &mut Fixture, count: usize, text_len: usize) -> Vec<Message> {
        let mut messages = Vec::new();
        for _ in 0..count {
            messages.extend(fixture.publish_posts(&key(1), 1, text_len));
            fixture.publish_posts(&key(2), 1, text_len);
        }
        messages
    }

    #[test]
    fn a_feed_longer_than_a_page_comes_whole_in_either_direction() {
        let mut fixture = Fixture::new();
        let messages = mixed(&mut fixture, 30, 7000);

        let (items, then, pages) = pull_all(&mut stream(""), &fixture);
        assert_eq!((items, then), (texts(&messages), Then::End(Ok(()))));
        assert!(pages > 2);

        let reversed = pull_all(&mut stream(r#","reverse":true,"limit":20"#), &fixture).0;
        assert_eq!(reversed, texts(messages[10..].iter().rev()));
    }

    #[test]
    fn a_range_is_one_of_sequences() {
        let mut fixture = Fixture::new();
        let messages = mixed(&mut fixture, 5, 1);

        for (options, range) in [
            (r#","gt":2"#, 2..5),
            (r#","gte":2"#, 1..5),
            (r#","lt":2"#, 0..1),
            (r#","lte":2"#, 0..2),
            (r#","gt":1,"lte":4"#, 1..4),
            (r#","gt":1.5,"lt":3.5"#, 1..3),
            (r#","gte":1.5,"lte":3.5"#, 1..3),
            (r#","gt":4,"lt":2"#, 0..0),
            (r#","gte":-9,"lte":99"#, 0..5),
            (r#","gt":99"#, 0..0),
            (r#","gt":null,"lt":"x""#, 0..5),
            (r#","lte":null"#, 0..0),
        ] {
            let (items, then, _) = pull_all(&mut stream(options), &fixture);
            assert_eq!((items, then), (texts(&messages[range]), Then::End(Ok(()))), "{options}");
        }
    }

    #[test]
    fn a_live_stream_waits_for_its_feed_and_goes_on_within_its_range() {
        let mut fixture = Fixture::new();
        let stored = mixed(&mut fixture, 2, 1);
        let mut all = stream(r#","live":true"#);
        let mut early = stream(r#","live":true,"sync":false,"limit":1,"lt":4"#);
        let grown = |past| Then::FeedGrown { feed: key(1).id(), past };
        let (items, then, _) = pull_all(&mut all, &fixture);
        assert_eq!((items, then), ([texts(&stored), vec![SYNC.to_owned()]].concat(), grown(2)));
        assert_eq!(pull_all(&mut early, &fixture).0, texts(&stored[..1]));

        let more = mixed(&mut fixture, 2, 1);

        let (items, then, _) = pull_all(&mut all, &fixture);
        assert_eq!((items, then), (texts(&more), grown(4)));
        assert_eq!(pull_all(&mut early, &fixture).0, texts(&more[..1]));
    }

    #[test]
    fn a_feed_that_nobody_has_is_empty() {
        assert_eq!(pull_all(&mut stream(""), &Fixture::new()).1, Then::End(Ok(())));
    }

    #[test]
    fn without_a_feed_it_is_refused_in_javascript_s_words() {
        let refused = |args: &str| parse(args.as_bytes()).map(|_| ()).unwrap_err();

        assert_eq!(refused("[]"), args::required());
        assert_eq!(refused("[null]"), args::required());
        assert_eq!(refused(r#"["x"]"#), args::wrong_type("createUserStreamOpts"));
        assert_eq!(refused("[{}]"), args::wrong_field("id", "feedId"));
        assert_eq!(refused(r#"[{"id":"x"}]"#), args::wrong_field("id", "feedId"));
        assert_eq!(refused(r#"[{"limit":"1"}]"#), args::wrong_option("limit", "number"));
    }
}
