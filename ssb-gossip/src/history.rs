//! `createHistoryStream`: one feed, in order, both sides of it.
//!
//! Shapes and quirks as ssb-db 20.4.1 and ssb-replicate 1.3.5 have them; where those never answer (`values: false`
//! alone), the stream here ends.

use serde_json::Value;
use ssb_keys::FeedId;
use ssb_keys::MessageId;
use ssb_msg::content::Contact;
use ssb_msg::content::Relation;
use ssb_msg::json;

/// What a caller asks for: `{id, seq | sequence, limit, live, old, keys, values}`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HistoryQuery {
    /// Whose messages.
    pub feed: FeedId,
    /// The first sequence wanted: at least 1.
    pub from: u32,
    /// The most stored messages to send. `None` for all.
    pub limit: Option<u64>,
    /// Whether to go on with new messages after the stored ones.
    pub live: bool,
    /// Whether to send stored messages.
    pub old: bool,
    /// Whether items carry the message's id.
    pub keys: bool,
    /// Whether items carry the message.
    pub values: bool,
}

impl HistoryQuery {
    /// All messages of a feed from `from` on, as bare values: what a replicating peer asks for.
    pub const fn replicate(feed: FeedId, from: u32, live: bool) -> Self {
        Self { feed, from, limit: None, live, old: true, keys: false, values: true }
    }

    /// Reads the arguments of a call. `None` where JavaScript's answer is an empty stream: no object, no valid id, or
    /// the positional form, which ssb-replicate does not pass on.
    pub fn parse(args: &[u8]) -> Option<Self> {
        let args: Value = serde_json::from_slice(args).ok()?;
        let options = args.get(0)?.as_object()?;
        let feed = FeedId::parse(options.get("id")?.as_str()?).ok()?;
        // JavaScript compares with `false`: nothing else turns these off.
        let is_not_false = |name: &str| options.get(name) != Some(&Value::Bool(false));
        // No sequence stands behind a text.
        if options.get("sequence").and_then(Value::as_str).is_some_and(|text| !text.is_empty()) {
            return None;
        }
        let number = |name: &str| options.get(name).and_then(Value::as_f64);
        // `opts.sequence || opts.seq || 0`
        let from = number("sequence").filter(|from| *from != 0.0).or_else(|| number("seq"));
        let limit = number("limit").filter(|limit| *limit >= 0.0);
        Some(Self {
            feed,
            from: clamp(from.unwrap_or(0.0).max(1.0).ceil()),
            limit: limit.map(|limit| u64::from(clamp(limit))),
            live: options.get("live") == Some(&Value::Bool(true)),
            old: is_not_false("old"),
            keys: is_not_false("keys"),
            values: is_not_false("values"),
        })
    }

    /// The arguments of a call that asks for this.
    pub fn to_args(&self) -> String {
        let Self { feed, from, live, keys, .. } = self;
        format!("[{{\"id\":\"{feed}\",\"seq\":{from},\"live\":{live},\"keys\":{keys}}}]")
    }
}

/// A history stream that we serve: a cursor into the log, never a queue.
#[derive(Clone, Debug)]
pub struct Served {
    query: HistoryQuery,
    /// The next sequence to send.
    next: u32,
    /// The last sequence that counts as stored, not live.
    stored_up_to: u32,
    left: Option<u64>,
    viewer: FeedId,
    done: bool,
}

impl Served {
    /// A stream for `viewer`, at a time when the log holds the feed up to `latest`.
    pub const fn new(query: HistoryQuery, viewer: FeedId, latest: u32) -> Self {
        // A stream without its stored part is a live one, if there is a stored part (pull-live 1.0.1).
        let live = query.live || (!query.old && query.from <= latest);
        let query = HistoryQuery { live, ..query };
        let sends_stored = query.old && !matches!(query.limit, Some(0));
        let next = if sends_stored || query.from > latest { query.from } else { latest.saturating_add(1) };
        Self { query, next, stored_up_to: latest, left: query.limit, viewer, done: false }
    }

    /// The next sequence to send, if the log holds the feed up to `latest` by now.
    pub fn next(&self, latest: u32) -> Option<u32> {
        (!self.is_over(latest) && self.next <= latest).then_some(self.next)
    }

    /// Whether nothing follows, if the log holds the feed up to `latest` by now.
    pub fn is_over(&self, latest: u32) -> bool {
        self.done || (!self.query.live && (self.next > latest || self.left == Some(0)))
    }

    /// Who gets it.
    pub const fn viewer(&self) -> FeedId {
        self.viewer
    }

    /// Whose feed it is.
    pub const fn feed(&self) -> FeedId {
        self.query.feed
    }

    /// The item for the message that [`next`](Self::next) named.
    fn item(&mut self, id: &MessageId, received: f64, message: &str) -> String {
        let is_old = self.next <= self.stored_up_to;
        self.next += 1;
        if let Some(left) = self.left.as_mut().filter(|_| is_old) {
            *left = left.saturating_sub(1);
            if *left == 0 && self.query.live {
                self.next = self.next.max(self.stored_up_to + 1);
            }
        }
        match (self.query.keys, self.query.values) {
            (true, true) => key_value_timestamp(id, message, received),
            (true, false) => format!("\"{id}\""),
            (false, _) => message.to_owned(),
        }
    }

    /// The next items, about `len_max` bytes of them, from a log that holds the feed up to `latest` by now. `read` gives
    /// messages from a sequence on, about so many bytes, at least one if it is there: id, receive time and text.
    ///
    /// The stream ends before a message with which the author blocks the viewer, who is not to see that (ssb-replicate 1.3.5);
    /// unless the author has taken it back since: `is_blocked` says what the last word is.
    pub fn page<E>(
        &mut self,
        latest: u32,
        len_max: usize,
        mut read: impl FnMut(u32, usize) -> Result<Vec<(MessageId, f64, String)>, E>,
        is_blocked: impl Fn() -> Result<bool, E>,
    ) -> ServedPage<E> {
        let mut items = Vec::new();
        let mut len = 0;
        while let Some(sequence) = self.next(latest) {
            if len >= len_max {
                return ServedPage { items, then: ServedThen::More };
            }
            let messages = match read(sequence, len_max - len) {
                Ok(messages) => messages,
                Err(error) => return ServedPage { items, then: ServedThen::Failed(error) },
            };
            if messages.is_empty() {
                // Whoever gets the first part must not take it for all there is: its author would fork the feed.
                self.done = true;
                return ServedPage { items, then: ServedThen::Incomplete };
            }
            for (sequence, (id, received, message)) in (sequence..).zip(messages) {
                // The cursor may have jumped over the rest, or come to its end.
                if self.next(latest) != Some(sequence) {
                    break;
                }
                if self.blocks_viewer(&message) {
                    match is_blocked() {
                        Ok(false) => {}
                        Ok(true) => {
                            self.done = true;
                            break;
                        }
                        Err(error) => return ServedPage { items, then: ServedThen::Failed(error) },
                    }
                }
                let item = self.item(&id, received, &message);
                len += item.len();
                items.push((sequence, item));
            }
        }
        let then = if self.is_over(latest) { ServedThen::Over } else { ServedThen::Wait };
        ServedPage { items, then }
    }

    fn blocks_viewer(&self, message: &str) -> bool {
        contact_of(message)
            .is_some_and(|contact| contact.contact == self.viewer && contact.relation == Relation::Block)
    }
}

/// Some items of a stream that we serve.
#[derive(Debug)]
pub struct ServedPage<E> {
    /// The sequence of each, and its text.
    pub items: Vec<(u32, String)>,
    /// What follows them.
    pub then: ServedThen<E>,
}

/// What follows a page.
#[derive(Debug)]
pub enum ServedThen<E> {
    /// Another page.
    More,
    /// Another page when the log holds more of the feed.
    Wait,
    /// Nothing.
    Over,
    /// Nothing, although there is more of the feed: the next message was deleted here.
    Incomplete,
    /// Nothing, because the log could not be read.
    Failed(E),
}

impl<E> ServedThen<E> {
    /// Why the log could not be read.
    pub fn failure(self) -> Option<E> {
        match self {
            Self::Failed(error) => Some(error),
            Self::More | Self::Wait | Self::Over | Self::Incomplete => None,
        }
    }
}

/// What a history stream ends with when it is [incomplete](ServedThen::Incomplete).
pub const INCOMPLETE: &str =
    "a message of this feed was deleted here, and what follows cannot be checked without it";

/// `{key, value, timestamp}`, as every stream of messages sends it.
pub fn key_value_timestamp(id: &MessageId, message: &str, received: f64) -> String {
    format!(
        "{{\"key\":\"{id}\",\"value\":{message},\"timestamp\":{}}}",
        json::compact(&json::Value::Number(received))
    )
}

/// The contact that a message sets, if it sets one. Its type does not matter (ssb-friends 4.1.4).
pub fn contact_of(message: &str) -> Option<Contact> {
    // Most messages set none: look before parsing anything.
    if !message.contains("\"contact\"") {
        return None;
    }
    let message = json::parse(message.as_bytes()).ok()?;
    let json::Value::Object(fields) = message else { return None };
    Contact::read(fields.get("content")?)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped, and fractions are dropped"
)]
fn clamp(number: f64) -> u32 {
    number.clamp(0.0, f64::from(u32::MAX)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const AUTHOR: FeedId = FeedId::from_bytes([1; 32]);
    const VIEWER: FeedId = FeedId::from_bytes([2; 32]);

    fn parse(options: &str) -> Option<HistoryQuery> {
        HistoryQuery::parse(format!("[{{\"id\":\"{AUTHOR}\"{options}}}]").as_bytes())
    }

    /// What a call without options asks for.
    fn all() -> HistoryQuery {
        HistoryQuery { keys: true, ..HistoryQuery::replicate(AUTHOR, 1, false) }
    }

    #[test]
    fn options_are_read_as_javascript_reads_them() {
        for (options, expected) in [
            ("", all()),
            (r#","seq":5"#, HistoryQuery { from: 5, ..all() }),
            (r#","seq":4.5"#, HistoryQuery { from: 5, ..all() }),
            (r#","sequence":5"#, HistoryQuery { from: 5, ..all() }),
            (r#","sequence":7,"seq":5"#, HistoryQuery { from: 7, ..all() }),
            (r#","sequence":0,"seq":5"#, HistoryQuery { from: 5, ..all() }),
            (r#","seq":0"#, all()),
            (r#","seq":-3"#, all()),
            (r#","seq":2.9"#, HistoryQuery { from: 3, ..all() }),
            (r#","seq":1e300"#, HistoryQuery { from: u32::MAX, ..all() }),
            (r#","seq":"5""#, all()),
            (r#","seq":null"#, all()),
            (r#","limit":3"#, HistoryQuery { limit: Some(3), ..all() }),
            (r#","limit":0"#, HistoryQuery { limit: Some(0), ..all() }),
            (r#","limit":-1"#, all()),
            (r#","limit":"3""#, all()),
            (r#","live":true"#, HistoryQuery { live: true, ..all() }),
            (r#","live":1"#, all()),
            (r#","live":0"#, all()),
            (r#","live":"""#, all()),
            (r#","live":null"#, all()),
            (r#","live":{}"#, all()),
            (r#","old":false"#, HistoryQuery { old: false, ..all() }),
            (r#","old":0"#, all()),
            (r#","old":null"#, all()),
            (r#","keys":false"#, HistoryQuery { keys: false, ..all() }),
            (r#","keys":0"#, all()),
            (r#","values":false"#, HistoryQuery { values: false, ..all() }),
            (r#","values":null"#, all()),
            (r#","unknown":[1]"#, all()),
        ] {
            assert_eq!(parse(options), Some(expected), "{options}");
        }
    }

    #[test]
    fn without_an_object_with_an_id_nothing_is_asked() {
        let positional = format!("[\"{AUTHOR}\",5,true]");
        let with_text = format!("[{{\"id\":\"{AUTHOR}\",\"sequence\":\"x\"}}]");
        for args in [
            "",
            "[]",
            "{}",
            "[null]",
            "[{}]",
            r#"[{"id":5}]"#,
            r#"[{"id":"@me"}]"#,
            r#"[{"seq":1}]"#,
            &with_text,
            "[[]]",
            &positional,
            "not json",
            "[{",
        ] {
            assert_eq!(HistoryQuery::parse(args.as_bytes()), None, "{args}");
        }
    }

    #[test]
    fn what_is_asked_is_what_a_peer_reads() {
        for query in [HistoryQuery::replicate(AUTHOR, 9, true), HistoryQuery::replicate(AUTHOR, 1, false)] {
            assert_eq!(HistoryQuery::parse(query.to_args().as_bytes()), Some(query));
        }
    }

    /// The sequences that a stream sends until it ends or waits, of a log that holds `stored` messages at first and
    /// `grown` in the end, and whether it ended.
    fn sent(query: HistoryQuery, stored: u32, grown: u32) -> (Vec<u32>, bool) {
        let mut served = Served::new(query, VIEWER, stored);
        let mut sent = Vec::new();
        for latest in [stored, grown] {
            while let Some(next) = served.next(latest) {
                sent.push(next);
                served.item(&MessageId::from_bytes([0; 32]), 0.0, "{}");
            }
            if served.is_over(latest) {
                return (sent, true);
            }
        }
        (sent, false)
    }

    #[test]
    fn live_old_and_limit_say_what_is_sent() {
        let live = HistoryQuery { live: true, ..all() };
        for (query, expected) in [
            (all(), (vec![1, 2, 3], true)),
            (HistoryQuery { from: 3, ..all() }, (vec![3], true)),
            (HistoryQuery { from: 4, ..all() }, (vec![], true)),
            (HistoryQuery { limit: Some(2), ..all() }, (vec![1, 2], true)),
            (HistoryQuery { limit: Some(9), ..all() }, (vec![1, 2, 3], true)),
            (HistoryQuery { limit: Some(0), ..all() }, (vec![], true)),
            (HistoryQuery { old: false, ..all() }, (vec![4, 5], false)),
            (HistoryQuery { old: false, from: 9, ..all() }, (vec![], true)),
            (live, (vec![1, 2, 3, 4, 5], false)),
            (HistoryQuery { from: 3, ..live }, (vec![3, 4, 5], false)),
            (HistoryQuery { from: 5, ..live }, (vec![5], false)),
            (HistoryQuery { from: 9, ..live }, (vec![], false)),
            (HistoryQuery { old: false, ..live }, (vec![4, 5], false)),
            (HistoryQuery { old: false, from: 5, ..live }, (vec![5], false)),
            (HistoryQuery { limit: Some(2), ..live }, (vec![1, 2, 4, 5], false)),
            (HistoryQuery { limit: Some(3), ..live }, (vec![1, 2, 3, 4, 5], false)),
            (HistoryQuery { limit: Some(0), ..live }, (vec![4, 5], false)),
        ] {
            assert_eq!(sent(query, 3, 5), expected, "{query:?}");
        }
    }

    #[test]
    fn keys_and_values_say_what_an_item_is() {
        let id = MessageId::from_bytes([0; 32]);
        let item = |keys, values| {
            let mut served = Served::new(HistoryQuery { keys, values, ..all() }, VIEWER, 1);
            served.item(&id, 12.5, r#"{"content":{}}"#)
        };

        assert_eq!(
            item(true, true),
            format!(r#"{{"key":"{id}","value":{{"content":{{}}}},"timestamp":12.5}}"#)
        );
        assert_eq!(item(true, false), format!("\"{id}\""));
        assert_eq!(item(false, true), r#"{"content":{}}"#);
        assert_eq!(item(false, false), r#"{"content":{}}"#);
    }

    /// The sequences that the viewer gets of a feed in which the author says this of them, and whether that is all.
    fn seen(words: &[&str], of: FeedId, is_blocked: bool) -> (Vec<u32>, bool) {
        let message = |word: &&str| format!(r#"{{"content":{{"type":"contact","contact":"{of}",{word}}}}}"#);
        let feed: Vec<String> = words.iter().map(message).collect();
        let latest = u32::try_from(feed.len()).unwrap();
        let mut served = Served::new(HistoryQuery { live: true, ..all() }, VIEWER, latest);
        let page = served.page(
            latest,
            1_000_000,
            |from, _| {
                let rest = feed.iter().skip(from as usize - 1);
                Ok::<_, ()>(rest.map(|text| (MessageId::from_bytes([0; 32]), 0.0, text.clone())).collect())
            },
            || Ok(is_blocked),
        );
        let is_over = matches!(page.then, ServedThen::Over);
        assert_eq!(is_over, served.next(latest + 5).is_none());
        (page.items.into_iter().map(|(sequence, _)| sequence).collect(), is_over)
    }

    #[test]
    fn whoever_is_blocked_does_not_see_it_nor_what_follows() {
        let words = [r#""following":true"#, r#""blocking":true"#, r#""following":true"#];

        assert_eq!(seen(&words[..2], VIEWER, true), (vec![1], true));
        assert_eq!(seen(&words, VIEWER, false), (vec![1, 2, 3], false), "it was taken back");
    }

    #[test]
    fn a_block_of_somebody_else_is_sent() {
        assert_eq!(seen(&[r#""blocking":true"#], AUTHOR, true), (vec![1], false));
    }

    #[test]
    fn receive_times_are_written_as_javascript_writes_numbers() {
        let id = MessageId::from_bytes([0; 32]);
        for (received, text) in [
            (0.0, "0"),
            (1_491_901_740_000.0, "1491901740000"),
            (1_491_901_740_000.001, "1491901740000.001"),
            (1e21, "1e+21"),
            (1e-7, "1e-7"),
        ] {
            let expected = format!(r#"{{"key":"{id}","value":1,"timestamp":{text}}}"#);
            assert_eq!(key_value_timestamp(&id, "1", received), expected);
        }
    }
}
