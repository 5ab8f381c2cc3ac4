//! `createRawLogStream`, and `createLogStream` with `raw`: `{seq, value}` for every message, in the order of the log, without
//! a sync item.
//!
//! In ssb-db 20.4.1 `seq` is the byte offset of the message, here it is its ordinal, and the range is one of those. `keys`
//! means nothing, nor does `private`: what was sealed for the owner comes in plain text from `createLogStream`, and from
//! `createRawLogStream` it does not. `values: false` and `seqs: false`, which end with a TypeError there, are refused; a call without options,
//! which crashes the server there, has the default ones.

use std::ops::Range;

use serde_json::Map;
use serde_json::Value;
use ssb_gossip::history::key_value_timestamp;
use ssb_log::Disk;
use ssb_log::Reader;
use ssb_log::Stored;
use ssb_log::read::ReadError;
use ssb_muxrpc::RemoteError;

use super::args;
use super::log_stream::Log;
use super::message_stream::MessageStream;
use super::message_stream::Messages;
use super::message_stream::Placed;
use super::source::Then;
use super::stream_options::Options;

/// All messages, counted by their ordinals.
pub(crate) struct RawLog(Shape);

/// What an item is.
enum Shape {
    /// `{seq, value}`.
    SeqAndValue,
    /// `{value, seq}`, which is the order of `createLogStream`.
    ValueAndSeq,
    /// The value alone.
    Value,
    /// The ordinal alone.
    Seq,
}

/// The stream that a call asks for.
///
/// # Errors
///
/// JavaScript's text for arguments of the wrong type.
pub(crate) fn parse(args: &[u8]) -> Result<MessageStream<RawLog>, RemoteError> {
    let options = args::options(args, "readStreamOpts")?.unwrap_or_default();
    let parsed = raw_options(&options)?;
    for name in ["values", "seqs"] {
        if options.get(name) == Some(&Value::Bool(false)) {
            return Err(RemoteError::new(format!("a raw log stream cannot leave out its {name}")));
        }
    }
    Ok(MessageStream::new(RawLog(Shape::SeqAndValue), Options { private: false, ..parsed }))
}

/// The stream that a call of `createLogStream` with `raw` asks for.
///
/// # Errors
///
/// JavaScript's text for an option of the wrong type, ours for items without anything in them.
pub(crate) fn of_log(options: &Map<String, Value>) -> Result<MessageStream<RawLog>, RemoteError> {
    let parsed = raw_options(options)?;
    let is_wanted = |name: &str| options.get(name) != Some(&Value::Bool(false));
    let shape = match (is_wanted("values"), is_wanted("seqs")) {
        (true, true) => Shape::ValueAndSeq,
        (true, false) => Shape::Value,
        (false, true) => Shape::Seq,
        (false, false) => {
            return Err(RemoteError::new("a raw log stream cannot leave out both values and seqs"));
        }
    };
    // There nobody asks whether the caller wants plain text.
    Ok(MessageStream::new(RawLog(shape), Options { private: true, ..parsed }))
}

// There is no sync item, a limit of 0 is none, and one of more counts new messages, too (flumelog-offset 3.4.4).
fn raw_options(options: &Map<String, Value>) -> Result<Options, RemoteError> {
    let parsed = Options::parse(options)?;
    let live = parsed.live || options.get("live").is_some_and(args::is_truthy);
    let limit = parsed.limit.filter(|limit| *limit != 0);
    Ok(Options { sync: false, live, limit, limits_live: true, ..parsed })
}

impl Messages for RawLog {
    fn end(&self, reader: &Reader<Disk>) -> u32 {
        Log.end(reader)
    }

    fn range(
        &mut self,
        _reader: &Reader<Disk>,
        options: &Options,
        end: u32,
    ) -> Result<Option<Range<u32>>, ReadError> {
        Ok(Some(options.whole_numbers(0..end)))
    }

    fn page(
        &self,
        reader: &Reader<Disk>,
        range: Range<u32>,
        reverse: bool,
    ) -> Result<Vec<Placed>, ReadError> {
        Log.page(reader, range, reverse)
    }

    fn growth(&self, end: u32) -> Then {
        Log.growth(end)
    }

    fn sort_value(&self, place: u32, _stored: &Stored) -> f64 {
        f64::from(place)
    }

    fn item(&self, options: &Options, place: u32, stored: &Stored) -> String {
        let value = key_value_timestamp(&stored.id, options.message(stored), stored.received);
        match self.0 {
            Shape::SeqAndValue => format!("{{\"seq\":{place},\"value\":{value}}}"),
            Shape::ValueAndSeq => format!("{{\"value\":{value},\"seq\":{place}}}"),
            Shape::Value => value,
            Shape::Seq => place.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;
    use crate::fixture::STEP;
    use crate::fixture::key;
    use crate::fixture::pull_all;

    fn stream(options: &str) -> MessageStream<RawLog> {
        parse(format!("[{{{options}}}]").as_bytes()).unwrap_or_else(|error| panic!("{error:?}"))
    }

    #[test]
    fn a_range_is_one_of_ordinals() {
        let mut fixture = Fixture::new();
        let mut items = Vec::new();
        for n in 0..3_u32 {
            let message = fixture.publish(&key(1), r#"{"type":"post"}"#);
            let received = f64::from(n + 1) * STEP;
            let value = key_value_timestamp(&message.id(), message.json(), received);
            items.push(SEQ_AND_VALUE.replace("VALUE", &value).replace("SEQ", &n.to_string()));
        }

        for (options, range) in [
            ("", 0..3),
            (r#""keys":false"#, 0..3),
            (r#""limit":0"#, 0..3),
            (r#""gt":0"#, 1..3),
            (r#""gte":1,"lt":2"#, 1..2),
            (r#""lte":1"#, 0..2),
            (r#""gt":-1,"limit":2"#, 0..2),
        ] {
            let (sent, then, _) = pull_all(&mut stream(options), &fixture);
            assert_eq!((sent, then), (items[range].to_vec(), Then::End(Ok(()))), "{options}");
        }
        let backwards = pull_all(&mut stream(r#""reverse":true,"limit":1"#), &fixture).0;
        assert_eq!(backwards, items[2..]);
    }

    #[test]
    fn it_goes_on_live_without_a_sync_item() {
        let mut fixture = Fixture::new();
        let mut stream = stream(r#""live":true"#);
        assert_eq!(pull_all(&mut stream, &fixture).0, Vec::<String>::new());

        fixture.publish_posts(&key(1), 2, 1);

        assert_eq!(pull_all(&mut stream, &fixture).0.len(), 2);
    }

    #[test]
    fn a_limit_ends_it_even_if_it_is_live() {
        let mut fixture = Fixture::new();
        fixture.publish_posts(&key(1), 2, 1);
        let (mut two, mut three) = (stream(r#""live":1,"limit":2"#), stream(r#""live":true,"limit":3"#));
        let (items, then, _) = pull_all(&mut two, &fixture);
        assert_eq!((items.len(), then), (2, Then::End(Ok(()))));
        assert_eq!(pull_all(&mut three, &fixture).0.len(), 2);

        fixture.publish_posts(&key(1), 2, 1);

        let (items, then, _) = pull_all(&mut three, &fixture);
        assert_eq!((items.len(), then), (1, Then::End(Ok(()))));
    }

    #[test]
    fn an_item_cannot_be_left_without_its_parts() {
        for name in ["values", "seqs"] {
            let refused = parse(format!(r#"[{{"{name}":false}}]"#).as_bytes()).map(|_| ()).unwrap_err();
            assert_eq!(refused.message(), format!("a raw log stream cannot leave out its {name}"));
        }
    }

    #[test]
    fn an_item_of_the_log_stream_can_be_either_part_alone() {
        let mut fixture = Fixture::new();
        let message = fixture.publish(&key(1), r#"{"type":"post"}"#);
        let value = key_value_timestamp(&message.id(), message.json(), STEP);
        let item = |options: &str| {
            let mut stream =
                of_log(&crate::fixture::options(options)).unwrap_or_else(|error| panic!("{error:?}"));
            pull_all(&mut stream, &fixture).0.remove(0)
        };

        assert_eq!(item("{}"), format!("{{\"value\":{value},\"seq\":0}}"));
        assert_eq!(item(r#"{"keys":false,"seqs":false}"#), value);
        assert_eq!(item(r#"{"values":false}"#), "0");
        let neither = of_log(&crate::fixture::options(r#"{"values":false,"seqs":false}"#)).map(|_| ());
        assert!(neither.unwrap_err().message().ends_with("both values and seqs"));
    }

    const SEQ_AND_VALUE: &str = r#"{"seq":SEQ,"value":VALUE}"#;
}
