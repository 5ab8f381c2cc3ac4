//! `createHistoryStream`: one feed in the order of its sequences.

use serde_json::Value;
use ssb_gossip::history::HistoryQuery;
use ssb_gossip::history::INCOMPLETE;
use ssb_gossip::history::Served;
use ssb_gossip::history::ServedPage;
use ssb_gossip::history::ServedThen;
use ssb_keys::FeedId;
use ssb_log::Disk;
use ssb_log::Reader;
use ssb_log::read::ReadError;
use ssb_msg::content::Relation;
use ssb_muxrpc::RemoteError;

use super::args;
use super::source::PAGE_LEN;
use super::source::Page;
use super::source::Source;
use super::source::Then;

/// JavaScript's text for a call with an option of the wrong type (ssb-db 20.4.1). It looks at those only if there is
/// something to send, that is if the feed has come as far (ssb-replicate 1.3.5).
pub(crate) fn refusal(args: &[u8], query: &HistoryQuery, reader: &Reader<Disk>) -> Option<RemoteError> {
    let options = args::first(args);
    let is_wrong = |name: &str, takes_flags: bool| match options.get(name) {
        Some(Value::Bool(flag)) => *flag && !takes_flags,
        Some(Value::Number(_)) | None => false,
        Some(other) => args::is_truthy(other),
    };
    let is_wrong = ["live", "keys", "values"].iter().any(|name| is_wrong(name, true))
        || ["seq", "limit"].iter().any(|name| is_wrong(name, false));
    let has_come = || reader.latest(&query.feed).is_some_and(|latest| latest.sequence >= query.from);
    (is_wrong && has_come()).then(|| args::wrong_type("feedId"))
}

/// How far the log holds a feed.
pub(crate) fn latest(reader: &Reader<Disk>, feed: &FeedId) -> u32 {
    reader.latest(feed).map_or(0, |latest| latest.sequence)
}

/// The next messages of a feed that is sent, which the log holds up to `latest`.
pub(crate) fn page(served: &mut Served, latest: u32, reader: &Reader<Disk>) -> ServedPage<ReadError> {
    let (feed, viewer) = (served.feed(), served.viewer());
    let read = |sequence, len| {
        let page = reader.feed_page(&feed, sequence, len)?;
        Ok(page.into_iter().map(|stored| (stored.id, stored.received, stored.json)).collect())
    };
    served.page(latest, PAGE_LEN, read, || Ok(reader.relation(&feed, &viewer)? == Some(Relation::Block)))
}

/// A history stream that we serve.
pub(crate) struct History(pub(crate) Served);

impl Source for History {
    fn pull(&mut self, reader: &Reader<Disk>) -> Page {
        // Whoever asks replicates: nothing is ever opened here.
        let reader = &reader.sealed();
        let feed = self.0.feed();
        let latest = latest(reader, &feed);
        let page = page(&mut self.0, latest, reader);
        let then = match page.then {
            ServedThen::More => Then::More,
            ServedThen::Wait => Then::FeedGrown { feed, past: latest },
            ServedThen::Over => Then::End(Ok(())),
            ServedThen::Incomplete => Then::End(Err(RemoteError::new(INCOMPLETE))),
            ServedThen::Failed(error) => Then::failed(&error),
        };
        Page { items: page.items.into_iter().map(|(_, item)| item).collect(), then }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;
    use crate::fixture::key;
    use ssb_log::Decision;
    use ssb_msg::Message;

    const AUTHOR: u8 = 1;

    fn history(fixture: &Fixture, query: HistoryQuery) -> History {
        let latest = fixture.reader().latest(&query.feed).map_or(0, |latest| latest.sequence);
        History(Served::new(query, key(9).id(), latest))
    }

    fn query(live: bool) -> HistoryQuery {
        HistoryQuery::replicate(key(AUTHOR).id(), 1, live)
    }

    #[test]
    fn options_of_the_wrong_type_are_refused_if_there_is_something_to_send() {
        let mut fixture = Fixture::new();
        fixture.publish_posts(&key(AUTHOR), 2, 1);
        let refused = |author: u8, option: &str| {
            let args = format!("[{{\"id\":\"{}\",{option}}}]", key(author).id());
            let query = HistoryQuery::parse(args.as_bytes()).unwrap();
            refusal(args.as_bytes(), &query, &fixture.reader())
        };
        for option in [r#""seq":"1""#, r#""limit":true"#, r#""live":"x""#, r#""keys":{}"#, r#""values":[]"#] {
            assert_eq!(refused(AUTHOR, option), Some(args::wrong_type("feedId")), "{option}");
        }
        for option in [r#""seq":1"#, r#""limit":null"#, r#""live":0"#, r#""keys":true"#, r#""values":false"#]
        {
            assert_eq!(refused(AUTHOR, option), None, "{option}");
        }
        assert_eq!(refused(AUTHOR + 1, r#""keys":"x""#), None, "nothing is there");
        assert_eq!(refused(AUTHOR, r#""keys":"x","sequence":3"#), None, "nothing is there yet");
    }

    /// All items up to the end or a wait, and that.
    fn pull_all(history: &mut History, fixture: &Fixture) -> (Vec<String>, Then) {
        let mut items = Vec::new();
        loop {
            let page = history.pull(&fixture.reader());
            assert!(page.items.iter().map(String::len).sum::<usize>() < 2 * PAGE_LEN);
            items.extend(page.items);
            if page.then != Then::More {
                return (items, page.then);
            }
        }
    }

    fn texts(messages: &[Message]) -> Vec<String> {
        messages.iter().map(|message| message.json().to_owned()).collect()
    }

    #[test]
    fn a_feed_longer_than_a_page_comes_whole_and_in_order() {
        let mut fixture = Fixture::new();
        let mut messages = Vec::new();
        for _ in 0..30 {
            messages.extend(fixture.publish_posts(&key(AUTHOR), 1, 7000));
            fixture.publish_posts(&key(2), 1, 7000);
        }
        let mut history = history(&fixture, query(false));
        assert_eq!(history.pull(&fixture.reader()).then, Then::More);

        let (rest, then) = pull_all(&mut history, &fixture);

        assert_eq!(then, Then::End(Ok(())));
        let skipped = messages.len() - rest.len();
        assert_eq!(rest, texts(&messages[skipped..]));
        let (all, _) = pull_all(&mut self::history(&fixture, query(false)), &fixture);
        assert_eq!(all, texts(&messages));
    }

    #[test]
    fn a_live_stream_waits_for_its_feed_and_goes_on() {
        let mut fixture = Fixture::new();
        let messages = fixture.publish_posts(&key(AUTHOR), 2, 5);
        let mut history = history(&fixture, query(true));

        let grown = |past| Then::FeedGrown { feed: key(AUTHOR).id(), past };
        assert_eq!(pull_all(&mut history, &fixture), (texts(&messages), grown(2)));
        let more = fixture.publish_posts(&key(AUTHOR), 1, 5);

        assert_eq!(pull_all(&mut history, &fixture), (texts(&more), grown(3)));
    }

    #[test]
    fn a_feed_that_nobody_has_ends_or_waits() {
        let fixture = Fixture::new();

        assert_eq!(pull_all(&mut history(&fixture, query(false)), &fixture), (vec![], Then::End(Ok(()))));
        let wait = Then::FeedGrown { feed: key(AUTHOR).id(), past: 0 };
        assert_eq!(pull_all(&mut history(&fixture, query(true)), &fixture), (vec![], wait));
    }

    #[test]
    fn a_feed_with_a_hole_is_sent_up_to_it_and_says_that_more_is_missing() {
        for hole in 1..=3 {
            let mut fixture = Fixture::new();
            let messages = fixture.publish_posts(&key(AUTHOR), 3, 5);
            let deleted = Decision::Delete { feed: key(AUTHOR).id(), from: hole, upto: hole };
            fixture.store().decide(&[deleted], 0.0).unwrap();
            let place = usize::try_from(hole).unwrap();
            for live in [false, true] {
                let incomplete = Then::End(Err(RemoteError::new(INCOMPLETE)));
                let (items, then) = pull_all(&mut history(&fixture, query(live)), &fixture);
                assert_eq!((items, then), (texts(&messages[..place - 1]), incomplete), "{hole}");
            }

            // Whoever has what is missing here gets what is behind it.
            let behind = HistoryQuery { from: hole + 1, ..query(false) };
            let (items, then) = pull_all(&mut history(&fixture, behind), &fixture);

            assert_eq!((items, then), (texts(&messages[place..]), Then::End(Ok(()))), "{hole}");
        }
    }

    #[test]
    fn a_live_stream_jumps_over_what_its_limit_leaves_out() {
        let mut fixture = Fixture::new();
        let messages = fixture.publish_posts(&key(AUTHOR), 30, 7000);
        let mut history = history(&fixture, HistoryQuery { limit: Some(2), ..query(true) });
        let (items, _) = pull_all(&mut history, &fixture);
        assert_eq!(items, texts(&messages[..2]));

        let more = fixture.publish_posts(&key(AUTHOR), 1, 5);

        assert_eq!(pull_all(&mut history, &fixture).0, texts(&more));
    }

    #[test]
    fn it_ends_before_the_message_that_blocks_the_viewer() {
        let mut fixture = Fixture::new();
        let before = fixture.publish_posts(&key(AUTHOR), 1, 5);
        let viewer = key(9).id();
        fixture
            .publish(&key(AUTHOR), &format!(r#"{{"type":"contact","contact":"{viewer}","blocking":true}}"#));
        fixture.publish_posts(&key(AUTHOR), 1, 5);

        let (items, then) = pull_all(&mut history(&fixture, query(true)), &fixture);

        assert_eq!((items, then), (texts(&before), Then::End(Ok(()))));
    }
}
