//! `add`: which message is stored, and JavaScript's texts for one that cannot be.
//!
//! Whether it is valid is decided where all messages are judged. What is here only finds the words for a refusal, in the
//! order in which ssb-validate 4.1.4 looks.

use ssb_gossip::event::Refusal;
use ssb_keys::FeedId;
use ssb_keys::MessageId;
use ssb_msg::Unverified;
use ssb_msg::json;
use ssb_msg::json::Text;
use ssb_msg::json::Value;
use ssb_msg::limits::SEQUENCE_MAX;
use ssb_msg::limits::TYPE_UNITS_MAX;
use ssb_msg::limits::TYPE_UNITS_MIN;
use ssb_msg::limits::UNITS_MAX;
use ssb_msg::unverified::ParseError;
use ssb_muxrpc::RemoteError;

use super::args;
use super::publish;

/// What a call adds.
#[derive(Debug, PartialEq)]
pub(crate) struct Add {
    /// Whose it says it is.
    pub(crate) feed: FeedId,
    /// The message as it was written.
    pub(crate) raw: Vec<u8>,
}

impl Add {
    /// Reads the arguments: one message.
    ///
    /// # Errors
    ///
    /// JavaScript's texts for what has not the form of one (ssb-db 20.4.1).
    pub(crate) fn parse(raw: &[u8]) -> Result<Self, RemoteError> {
        let Some(raw) = args::split(raw).into_iter().next() else { return Err(args::required()) };
        let wrong = || args::wrong_type("msg");
        let message = json::parse(raw.as_bytes()).map_err(|_| wrong())?;
        if !message.is_truthy() {
            return Err(args::required());
        }
        if !matches!(message, Value::Object(_) | Value::Array(_)) {
            return Err(wrong());
        }
        let field = |name: &str| message.get(name).unwrap_or(&Value::Null);
        match field("content") {
            Value::Text(content) if !content.escaped().is_empty() => {}
            content @ (Value::Object(_) | Value::Array(_)) => {
                let of_type = content.get("type").and_then(Value::as_text);
                if of_type.is_none_or(|text| text.escaped().is_empty()) {
                    return Err(args::wrong_field("content.type", "string"));
                }
            }
            _ => return Err(args::wrong_field("content", "object|string")),
        }
        let text = |name: &str| field(name).as_text().map(|text| text.decode());
        let feed = text("author").and_then(|author| FeedId::parse(&author).ok());
        let feed = feed.ok_or_else(|| args::wrong_field("author", "feedId"))?;
        let sequence = field("sequence").as_number();
        let sequence = sequence.ok_or_else(|| args::wrong_field("sequence", "number"))?;
        let previous = text("previous").map(|previous| MessageId::parse(&previous));
        if sequence > 1.0 && !matches!(previous, Some(Ok(_))) {
            return Err(args::wrong_field("previous", "msgId"));
        }
        #[expect(clippy::float_cmp, reason = "1 is exactly 1")]
        if sequence == 1.0 && *field("previous") != Value::Null {
            return Err(args::wrong_field("previous", "null"));
        }
        if field("timestamp").as_number().is_none() {
            return Err(args::wrong_field("timestamp", "number"));
        }
        if text("hash").as_deref() != Some("sha256") {
            return Err(args::usage("Param 0 must have .hash set to \"sha256\""));
        }
        if field("signature").as_text().is_none() {
            return Err(args::wrong_field("signature", "string"));
        }
        Ok(Self { feed, raw: raw.into_bytes() })
    }
}

/// The end of a feed, as a refusal names it.
#[derive(Debug)]
pub(crate) struct Latest {
    pub(crate) id: MessageId,
    pub(crate) sequence: u32,
    /// What its author claims.
    pub(crate) timestamp: f64,
}

/// JavaScript's text for a message that was not stored, while its feed ended with `latest`; ours where it has none.
/// A message that is here already is refused too, as there.
pub(crate) fn refusal(raw: &[u8], latest: Option<&Latest>, why: Option<Refusal>) -> RemoteError {
    if why == Some(Refusal::Storage) {
        return RemoteError::new("the log cannot be written any more; see the node's own log");
    }
    if why == Some(Refusal::Banned) {
        return RemoteError::new("its feed was deleted here; undel lets it come back");
    }
    let said = json::parse(raw).ok().and_then(|message| {
        unsigned(&message)
            .or_else(|| out_of_line(&message, latest))
            .or_else(|| misshapen(&message, Unverified::parse(raw).err()))
    });
    RemoteError::new(said.unwrap_or_else(|| "invalid signature".to_owned()))
}

fn unsigned(message: &Value) -> Option<String> {
    let signature = message.get("signature").and_then(Value::as_text).map(|text| text.decode());
    let body = signature.as_deref().and_then(|text| text.strip_suffix(".sig.ed25519"));
    let is_signature = body.is_some_and(|body| body.len() == SIGNATURE_BASE64_LEN && is_base64(body));
    (!is_signature).then(|| "invalid message: signature type must match author type".to_owned())
}

fn out_of_line(message: &Value, latest: Option<&Latest>) -> Option<String> {
    let field = |name: &str| message.get(name).map(json::compact).unwrap_or_default();
    let feed =
        message.get("author").and_then(Value::as_text).map(|author| author.decode()).unwrap_or_default();
    let sequence = message.get("sequence").and_then(Value::as_number);
    if let Some(Latest { id, sequence: last, timestamp }) = latest {
        if sequence != Some(f64::from(last + 1)) {
            let timestamp = json::compact(&Value::Number(*timestamp));
            return Some(format!(
                "invalid message: expected sequence {} but got:{}in state:{{\"id\":\"{id}\",\"sequence\":{last},\
                 \"timestamp\":{timestamp},\"queue\":[]}}, on feed:{feed}",
                last + 1,
                field("sequence"),
            ));
        }
        let follows = field("previous") == format!("\"{id}\"");
        return (!follows)
            .then(|| format!("invalid message: expected different previous message, on feed:{feed}"));
    }
    if message.get("previous") != Some(&Value::Null) {
        return Some(format!("initial message must have previous: null, on feed:{feed}"));
    }
    (sequence != Some(1.0)).then(|| format!("initial message must have sequence: 1, on feed:{feed}"))
}

fn misshapen(message: &Value, error: Option<ParseError>) -> Option<String> {
    let error = error?;
    if error == ParseError::Keys {
        return Some("message must have keys in allowed order".to_owned());
    }
    let sequence = message.get("sequence").and_then(Value::as_number).unwrap_or_default();
    let is_whole = sequence.fract() == 0.0 && sequence.abs() <= f64::from(SEQUENCE_MAX);
    if !is_whole || error == ParseError::Content {
        return Some(format!("message has invalid properties:{}", json::pretty(message)));
    }
    let units = json::pretty_units(message);
    if units > UNITS_MAX {
        return Some(format!("Encoded message must not be larger than 8192 bytes. Current size is {units}"));
    }
    let content = message.get("content").filter(|content| content.as_object().is_some());
    let units = content.and_then(|content| content.get("type")).and_then(Value::as_text).map(Text::units);
    if content.is_some() && !units.is_some_and(|units| (TYPE_UNITS_MIN..=TYPE_UNITS_MAX).contains(&units)) {
        return Some(publish::wrong_content_type(&content.map(json::compact).unwrap_or_default()));
    }
    // A rule of ours that is stricter than JavaScript's.
    Some(error.to_string())
}

fn is_base64(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='))
}

/// The length of a signature of 64 bytes.
const SIGNATURE_BASE64_LEN: usize = 88;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;
    use crate::fixture::key;

    fn post() -> String {
        Fixture::new().publish(&key(1), r#"{"type":"post","text":"hi"}"#).json().to_owned()
    }

    fn not_taken(message: &str) -> RemoteError {
        Add::parse(format!("[{message}]").as_bytes()).unwrap_err()
    }

    fn latest() -> Latest {
        Latest { id: MessageId::from_bytes([7; 32]), sequence: 3, timestamp: 5.5 }
    }

    /// Why JavaScript does not store this message of feed 1.
    fn refused(message: &str, latest: Option<&Latest>) -> String {
        refusal(message.as_bytes(), latest, Some(Refusal::Malformed)).message().to_owned()
    }

    #[test]
    fn a_message_is_taken_as_it_was_written_whatever_comes_behind_it() {
        let post = post().replacen(':', " : ", 1);

        let add = Add::parse(format!("[ {post} , 5]").as_bytes()).unwrap();

        assert_eq!(add, Add { feed: key(1).id(), raw: post.into_bytes() });
    }

    #[test]
    fn what_has_not_the_form_of_a_message_is_refused_in_javascript_s_words() {
        let post = post();
        let with = |from: &str, to: &str| {
            assert!(post.contains(from), "{from}");
            post.replacen(from, to, 1)
        };
        let id = MessageId::from_bytes([1; 32]);
        let cases = [
            ("null".to_owned(), args::required()),
            ("false".to_owned(), args::required()),
            ("5".to_owned(), args::wrong_type("msg")),
            (r#""x""#.to_owned(), args::wrong_type("msg")),
            ("[]".to_owned(), args::wrong_field("content", "object|string")),
            (r#"{"content":""}"#.to_owned(), args::wrong_field("content", "object|string")),
            (r#"{"content":5}"#.to_owned(), args::wrong_field("content", "object|string")),
            (r#"{"content":[]}"#.to_owned(), args::wrong_field("content.type", "string")),
            (r#"{"content":{"type":5}}"#.to_owned(), args::wrong_field("content.type", "string")),
            (r#"{"content":"x"}"#.to_owned(), args::wrong_field("author", "feedId")),
            (with("\"@", "\""), args::wrong_field("author", "feedId")),
            (with("\"sequence\":1", "\"sequence\":\"1\""), args::wrong_field("sequence", "number")),
            (with("\"sequence\":1", "\"sequence\":2"), args::wrong_field("previous", "msgId")),
            (with("null", "\"\""), args::wrong_field("previous", "null")),
            (with("null", &format!("\"{id}\"")), args::wrong_field("previous", "null")),
            (with("\"timestamp\":10", "\"timestamp\":\"10\""), args::wrong_field("timestamp", "number")),
            (with("sha256", "sha255"), args::usage("Param 0 must have .hash set to \"sha256\"")),
            (with("\"signature\":\"", "\"other\":\""), args::wrong_field("signature", "string")),
        ];
        for (message, error) in cases {
            assert_eq!(not_taken(&message), error, "{message}");
        }
        assert_eq!(Add::parse(b"[]"), Err(args::required()));
        assert_eq!(Add::parse(b"{}"), Err(args::required()));
    }

    #[test]
    fn a_message_that_does_not_come_next_is_refused_with_the_end_of_its_feed() {
        let (post, latest) = (post(), latest());
        let (feed, id) = (key(1).id(), latest.id);

        assert_eq!(
            refused(&post, Some(&latest)),
            format!(
                "invalid message: expected sequence 4 but got:1in state:{{\"id\":\"{id}\",\"sequence\":3,\
                 \"timestamp\":5.5,\"queue\":[]}}, on feed:{feed}"
            )
        );
        let fourth = post.replacen("\"sequence\":1", "\"sequence\":4", 1);
        assert_eq!(
            refused(&fourth, Some(&latest)),
            format!("invalid message: expected different previous message, on feed:{feed}")
        );
        assert_eq!(refused(&fourth, None), format!("initial message must have sequence: 1, on feed:{feed}"));
        let other = fourth.replacen("null", &format!("\"{id}\""), 1);
        assert_eq!(
            refused(&other, None),
            format!("initial message must have previous: null, on feed:{feed}")
        );
        assert_eq!(refused(&other, Some(&latest)), "invalid signature");
    }

    #[test]
    fn a_message_that_is_none_is_refused_for_the_first_rule_that_it_breaks() {
        let post = post();
        let long = post.replacen("hi", &"x".repeat(8192), 1);
        let units = json::pretty(&json::parse(long.as_bytes()).unwrap()).len();
        let in_order = post.replacen("\"hash\"", "\"more\":1,\"hash\"", 1);
        let clear = post.replacen(r#"{"type":"post","text":"hi"}"#, "\"clear\"", 1);
        let pretty = json::pretty(&json::parse(clear.as_bytes()).unwrap());
        for (message, text) in [
            (post.replacen(".sig.", ".sog.", 1), "invalid message: signature type must match author type"),
            (post.replacen(".sig.", "x.sig.", 1), "invalid message: signature type must match author type"),
            (in_order, "message must have keys in allowed order"),
            (clear, &format!("message has invalid properties:{pretty}")),
            (long, &format!("Encoded message must not be larger than 8192 bytes. Current size is {units}")),
            (post.replacen("post", "ab", 1), "type must be a string3 <= type.length < 52, was:ab"),
            (post.replacen("hi", "ho", 1), "invalid signature"),
        ] {
            assert_eq!(refused(&message, None), text);
        }
    }

    #[test]
    fn a_log_that_cannot_be_written_says_so() {
        let error = refusal(post().as_bytes(), None, Some(Refusal::Storage));

        assert!(error.message().starts_with("the log cannot be written"), "{error:?}");
    }
}
