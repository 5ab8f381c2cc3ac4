//! `createHistoryStream`: one feed, in order, both sides of it.
//!
//! Shapes and quirks as ssb-db 20.4.1 and ssb-replicate 1.3.5 have them; where those never answer (`values: false`
//! alone, `old: false` without `live`), the stream here ends.

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
        let flag = |name: &str, default: bool| match options.get(name) {
            None | Some(Value::Null) => default,
            Some(Value::Bool(flag)) => *flag,
            Some(Value::Number(number)) => number.as_f64().is_some_and(|number| number != 0.0),
            Some(_) => true,
        };
        let number = |name: &str| options.get(name).and_then(Value::as_f64);
        let from = number("seq").or_else(|| number("sequence")).unwrap_or(0.0).max(1.0);
        let limit = number("limit").filter(|limit| *limit >= 0.0);
        Some(Self {
            feed,
            from: clamp(from),
            limit: limit.map(|limit| u64::from(clamp(limit))),
            live: flag("live", false),
            old: flag("old", true),
            keys: flag("keys", true),
            values: flag("values", true),
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
        let next = if query.old || query.from > latest { query.from } else { latest + 1 };
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

    /// Whose feed it is.
    pub const fn feed(&self) -> FeedId {
        self.query.feed
    }

    /// The item for the message that [`next`](Self::next) named. `None` if the stream ends before it, because with it
    /// the author blocks the viewer, who is not to see that (ssb-replicate 1.3.5).
    pub fn item(&mut self, id: &MessageId, received: f64, message: &str) -> Option<String> {
        if self.blocks_viewer(message) {
            self.done = true;
            return None;
        }
        let is_old = self.next <= self.stored_up_to;
        self.next += 1;
        if let Some(left) = self.left.as_mut().filter(|_| is_old) {
            *left = left.saturating_sub(1);
            if *left == 0 && self.query.live {
                self.next = self.next.max(self.stored_up_to + 1);
            }
        }
        Some(match (self.query.keys, self.query.values) {
            (true, true) => key_value_timestamp(id, message, received),
            (true, false) => format!("\"{id}\""),
            (false, _) => message.to_owned(),
        })
    }

    fn blocks_viewer(&self, message: &str) -> bool {
        contact_of(message)
            .is_some_and(|contact| contact.contact == self.viewer && contact.relation == Relation::Block)
    }
}

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
