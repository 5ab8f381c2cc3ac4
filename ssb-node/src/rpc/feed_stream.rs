//! `createFeedStream`: all messages by the time that their authors claim, or that of their receipt if the author claims a
//! later one. New ones come as they arrive.
//!
//! An index has this order: a call finds in it, a part at a time so that other streams have their turns, where the messages are
//! that it wants, and keeps 16 bytes for each. Of two messages with the same time and author ssb-db 20.4.1 shows only the
//! later; here both are sent.

use std::ops::Bound;
use std::ops::Range;

use ssb_log::Disk;
use ssb_log::Ordinal;
use ssb_log::Reader;
use ssb_log::Stored;
use ssb_log::query;
use ssb_log::query::Order;
use ssb_log::read::ReadError;
use ssb_msg::json;
use ssb_muxrpc::RemoteError;

use super::args;
use super::log_stream::Log;
use super::message_stream::MessageStream;
use super::message_stream::Messages;
use super::message_stream::Placed;
use super::message_stream::read_page;
use super::source::Then;
use super::stream_options::Options;

/// All messages: those that are stored when the stream begins by their times, then the others by their ordinals.
#[derive(Default)]
pub(crate) struct ByTime {
    /// What looks up the first, until all are found.
    lookup: Option<query::ByTime<Disk>>,
    /// What was found.
    order: Vec<(f64, Ordinal)>,
}

/// The stream that a call asks for.
///
/// # Errors
///
/// JavaScript's text for arguments of the wrong type.
pub(crate) fn parse(args: &[u8]) -> Result<MessageStream<ByTime>, RemoteError> {
    let options = args::options(args, "readStreamOpts")?.unwrap_or_default();
    let mut options = Options::parse(&options)?;
    // JavaScript's index sorts by time and author, and its bounds stand before all authors: `gt` takes in messages of that
    // very time, and `lte` leaves them out.
    let (lower, upper) = &mut options.range;
    if let Bound::Excluded(time) = *lower {
        *lower = Bound::Included(time);
    }
    if let Bound::Included(time) = *upper {
        *upper = Bound::Excluded(time);
    }
    Ok(MessageStream::new(ByTime::default(), options))
}

impl Messages for ByTime {
    fn end(&self, reader: &Reader<Disk>) -> u32 {
        reader.end().get()
    }

    fn range(
        &mut self,
        reader: &Reader<Disk>,
        options: &Options,
        end: u32,
    ) -> Result<Option<Range<u32>>, ReadError> {
        let Self { lookup, order } = self;
        let direction = if options.reverse { Order::Descending } else { Order::Ascending };
        let lookup = lookup.get_or_insert_with(|| reader.by_time(options.range, direction));
        let found = lookup.page(LOOKUP_LEN)?.into_iter().filter(|(_, at)| at.get() < end);
        order.extend(found);
        if !lookup.is_over() && !has_enough(order, options.limit) {
            return Ok(None);
        }
        if options.reverse {
            order.reverse();
        }
        let author = |at: &Ordinal| {
            let feed = reader.author(*at).and_then(|number| reader.feed_id(number));
            feed.map(|feed| feed.to_string())
        };
        for alike in order.chunk_by_mut(|(time, _), (next, _)| time == next) {
            if alike.len() > 1 {
                alike.sort_by_cached_key(|(_, at)| author(at));
            }
        }
        Ok(Some(0..count(order)))
    }

    fn page(
        &self,
        reader: &Reader<Disk>,
        range: Range<u32>,
        reverse: bool,
    ) -> Result<Vec<Placed>, ReadError> {
        read_page(reader, range, reverse, |place| {
            let index = usize::try_from(place).expect("memory is addressed with 32 bits or more");
            Some(self.order.get(index).map_or(Ordinal::new(place), |(_, at)| *at))
        })
    }

    fn growth(&self, end: u32) -> Then {
        Log.growth(end)
    }

    fn sort_value(&self, _place: u32, stored: &Stored) -> f64 {
        stored.time()
    }

    fn item(&self, options: &Options, _place: u32, stored: &Stored) -> String {
        let item = options.item(stored);
        match item.strip_suffix('}') {
            Some(fields) if options.keys && options.values => {
                let time = json::compact(&json::Value::Number(stored.time()));
                format!("{fields},\"rts\":{time}}}")
            }
            _ => item,
        }
    }
}

/// Whether there are as many as are wanted, and one of another time behind: of the same time, authors say which come first.
fn has_enough(order: &[(f64, Ordinal)], limit: Option<u64>) -> bool {
    let wanted = limit.and_then(|limit| usize::try_from(limit).ok());
    let last = wanted.and_then(|wanted| order.get(wanted.checked_sub(1)?));
    wanted == Some(0) || last.zip(order.last()).is_some_and(|((last, _), (behind, _))| last != behind)
}

fn count(order: &[(f64, Ordinal)]) -> u32 {
    u32::try_from(order.len()).expect("a log has fewer than 2^32 records")
}

/// How many messages are looked up in one turn.
const LOOKUP_LEN: usize = 16_384;

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

    fn stream(options: &str) -> MessageStream<ByTime> {
        parse(format!("[{{{options}}}]").as_bytes()).unwrap_or_else(|error| panic!("{error:?}"))
    }

    /// Messages that claim these times, received at 10, 20 and so on.
    fn claiming(fixture: &mut Fixture, times: &[f64]) -> Vec<Message> {
        let content = r#"{"type":"post"}"#;
        times.iter().map(|time| fixture.publish_claiming(&key(1), content, *time)).collect()
    }

    fn keys<'a>(messages: impl IntoIterator<Item = &'a Message>) -> Vec<String> {
        messages.into_iter().map(|message| format!("\"{}\"", message.id())).collect()
    }

    #[test]
    fn messages_come_by_the_earlier_of_claimed_and_received_time() {
        let mut fixture = Fixture::new();
        let messages = claiming(&mut fixture, &[10.0, 5.0, 9000.0, 7.0]);
        let [first, second, third, fourth] = &messages[..] else { panic!("four") };

        for (options, expected) in [
            ("", vec![second, fourth, first, third]),
            (r#","reverse":true"#, vec![third, first, fourth, second]),
            (r#","limit":1"#, vec![second]),
            (r#","gt":7"#, vec![fourth, first, third]),
            (r#","gte":7.5"#, vec![first, third]),
            (r#","lte":10"#, vec![second, fourth]),
            (r#","lt":31"#, vec![second, fourth, first, third]),
            (r#","gt":8,"lt":6"#, vec![]),
        ] {
            let (items, then, _) = pull_all(&mut stream(&format!(r#""values":false{options}"#)), &fixture);
            assert_eq!((items, then), (keys(expected), Then::End(Ok(()))), "{options}");
        }
    }

    #[test]
    fn items_say_by_which_time_they_are_sorted() {
        let mut fixture = Fixture::new();
        let messages = claiming(&mut fixture, &[9000.0, 5.5]);

        let (items, _, _) = pull_all(&mut stream(""), &fixture);

        let item = |message: &Message, received, rts: &str| {
            let item = key_value_timestamp(&message.id(), message.json(), received);
            item.strip_suffix('}').map(|fields| format!("{fields},\"rts\":{rts}}}"))
        };
        let expected = [item(&messages[1], 2.0 * STEP, "5.5"), item(&messages[0], STEP, "10")];
        assert_eq!(items.into_iter().map(Some).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn new_messages_come_as_they_arrive() {
        let mut fixture = Fixture::new();
        let stored = claiming(&mut fixture, &[8.0, 5.0]);
        let mut stream = stream(r#""values":false,"live":true,"gt":3"#);
        let sync = vec![SYNC.to_owned()];
        assert_eq!(pull_all(&mut stream, &fixture).0, [keys(stored.iter().rev()), sync].concat());

        let more = claiming(&mut fixture, &[7.0, 2.0, 6.0]);

        assert_eq!(pull_all(&mut stream, &fixture).0, keys([&more[0], &more[2]]));
    }

    #[test]
    fn a_log_longer_than_a_turn_comes_whole() {
        let mut fixture = Fixture::new();
        let messages = fixture.publish_posts(&key(1), 160, 7500);

        assert_eq!(pull_all(&mut stream(r#""values":false"#), &fixture).0, keys(&messages));
    }
}
