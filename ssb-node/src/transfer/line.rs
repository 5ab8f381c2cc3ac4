//! A line that comes in: a message, or `{key, value, timestamp}` around one.

use std::io;
use std::io::BufRead;
use std::io::Read as _;

use serde_json::value::RawValue;
use ssb_keys::MessageId;
use ssb_msg::Unverified;
use thiserror::Error;

/// The most bytes of a line: what the longest message can take, however it is spelled, and what is around it.
pub const LINE_LEN_MAX: usize = 256 * 1024;

/// Why a line is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Error)]
#[non_exhaustive]
pub enum NotAMessage {
    /// It has more than [`LINE_LEN_MAX`] bytes.
    #[error("a line has more than {LINE_LEN_MAX} bytes")]
    TooLong,
    /// It is not JSON.
    #[error("it is not JSON")]
    NotJson,
    /// It is JSON, and no valid message.
    #[error("it is not a valid message")]
    Malformed,
    /// The key beside it is not its id.
    #[error("its key is not its id")]
    WrongKey,
    /// It is a message of a feed of another format than the classic one, such as a metafeed.
    #[error("it is of a feed format that is not known here")]
    OtherFormat,
    /// A record of `log.bipf` is not bipf.
    #[error("it is not bipf")]
    NotBipf,
}

/// The next line, without its end; `None` behind the last. Of a line that is too long only the start is kept.
pub(super) fn next(input: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let limit = u64::try_from(LINE_LEN_MAX).unwrap_or(u64::MAX) + 2;
    if input.by_ref().take(limit).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.last() != Some(&b'\n') && line.len() > LINE_LEN_MAX {
        skip_line(input)?;
    }
    while line.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
        line.pop();
    }
    Ok(Some(line))
}

fn skip_line(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffer = input.fill_buf()?;
        let (count, is_over) = match buffer.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        input.consume(count);
        if is_over {
            return Ok(());
        }
    }
}

/// What a line holds.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) message: Unverified,
    /// When it was received, if that stands beside it: finite, and not before 1970.
    pub(super) received: Option<f64>,
}

/// The message of a line. `None` if the line is blank.
pub(super) fn parse(line: &[u8]) -> Option<Result<Parsed, NotAMessage>> {
    let line = line.trim_ascii();
    if line.is_empty() {
        return None;
    }
    if line.len() > LINE_LEN_MAX {
        return Some(Err(NotAMessage::TooLong));
    }
    // Most lines are one of the two as they stand.
    if let Ok(message) = Unverified::parse(line) {
        return Some(Ok(Parsed { message, received: None }));
    }
    let Ok(around) = serde_json::from_slice::<Around<'_>>(line) else {
        let is_json = serde_json::from_slice::<&RawValue>(line).is_ok();
        return Some(Err(if is_json { not_classic(line) } else { NotAMessage::NotJson }));
    };
    let value = around.value.get().as_bytes();
    let Ok(message) = Unverified::parse(value) else {
        return Some(Err(not_classic(value)));
    };
    let received = around.timestamp.and_then(|number| number.get().parse().ok());
    let received = received.filter(|received: &f64| received.is_finite() && *received >= 0.0);
    let is_its_key = around.key.is_none_or(|key| MessageId::parse(&key) == Ok(message.id()));
    Some(if is_its_key { Ok(Parsed { message, received }) } else { Err(NotAMessage::WrongKey) })
}

/// Why JSON is no message: the authors of all other formats are URIs.
fn not_classic(value: &[u8]) -> NotAMessage {
    match serde_json::from_slice(value) {
        Ok(Signed { author }) if author.starts_with("ssb:feed/") => NotAMessage::OtherFormat,
        _ => NotAMessage::Malformed,
    }
}

/// What stands around a message.
#[derive(serde::Deserialize)]
struct Around<'a> {
    key: Option<String>,
    #[serde(borrow)]
    value: &'a RawValue,
    #[serde(borrow)]
    timestamp: Option<&'a RawValue>,
}

/// What messages of all formats have.
#[derive(serde::Deserialize)]
struct Signed {
    author: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::key;
    use ssb_msg::Signing;
    use ssb_msg::ValidationState;
    use ssb_msg::draft;

    fn message() -> ssb_msg::Message {
        let state = ValidationState::new(key(1).id());
        draft::sign(r#"{"type":"post","text":"hi"}"#, &state, 1.0, &key(1), &Signing::plain()).unwrap()
    }

    #[test]
    fn a_message_is_taken_alone_or_with_what_stands_around_it() {
        let message = message();
        let (id, json) = (message.id(), message.json());
        for line in [
            json.to_owned(),
            format!("  {json} "),
            format!(r#"{{"key":"{id}","value":{json},"timestamp":5}}"#),
            format!(r#"{{"timestamp":1e999,"value": {json},"seq":7}}"#),
        ] {
            let parsed = parse(line.as_bytes()).unwrap().unwrap();
            assert_eq!(parsed.message.id(), id, "{line}");
        }
    }

    #[test]
    fn when_a_message_was_received_stands_beside_it() {
        let json = message().json().to_owned();
        for (time, received) in [
            ("1500000000000.002", Some(1_500_000_000_000.002)),
            ("-1", None),
            ("1e999", None),
            ("\"5\"", None),
        ] {
            let line = format!(r#"{{"value":{json},"timestamp":{time}}}"#);
            assert_eq!(parse(line.as_bytes()).unwrap().unwrap().received, received, "{time}");
        }
    }

    #[test]
    fn a_message_of_another_format_is_told_as_such() {
        let other =
            r#"{"author":"ssb:feed/bendybutt-v1/APaWWDs8g73EZFUMfW37R_ULtFEjwKNbDczvdYihjbU=","sequence":1}"#;
        for line in [other.to_owned(), format!(r#"{{"key":"ssb:message/x","value":{other}}}"#)] {
            assert_eq!(parse(line.as_bytes()).unwrap().err(), Some(NotAMessage::OtherFormat));
        }
    }

    #[test]
    fn what_is_no_message_is_told_by_what_is_wrong_with_it() {
        let message = message();
        let (json, other) = (message.json(), MessageId::from_bytes([0; 32]));
        for (line, why) in [
            ("{\"a\":".to_owned(), NotAMessage::NotJson),
            ("\u{0}".to_owned(), NotAMessage::NotJson),
            ("{}".to_owned(), NotAMessage::Malformed),
            ("[1,2]".to_owned(), NotAMessage::Malformed),
            ("{\"value\":{}}".to_owned(), NotAMessage::Malformed),
            (format!(r#"{{"key":"{other}","value":{json}}}"#), NotAMessage::WrongKey),
            (format!(r#"{{"key":"x","value":{json}}}"#), NotAMessage::WrongKey),
            (format!("{json}{}", " ".repeat(LINE_LEN_MAX)), NotAMessage::Malformed),
        ] {
            let expected =
                if why == NotAMessage::Malformed && line.len() > LINE_LEN_MAX { None } else { Some(why) };
            assert_eq!(parse(line.as_bytes()).unwrap().err(), expected, "{line:.99}");
        }
        assert!(parse(b" \t").is_none());
    }

    #[test]
    fn lines_are_cut_at_their_ends_and_a_long_one_is_skipped_whole() {
        let long = "x".repeat(3 * LINE_LEN_MAX);
        let at_limit = "y".repeat(LINE_LEN_MAX);
        let text = format!("a\r\n\n{long}\n{at_limit}\nb");
        let mut input = io::BufReader::with_capacity(77, text.as_bytes());

        let mut lines = Vec::new();
        while let Some(line) = next(&mut input).unwrap() {
            lines.push(line.len());
        }

        assert_eq!(lines, [1, 0, LINE_LEN_MAX + 2, LINE_LEN_MAX, 1]);
        assert_eq!(parse(&vec![b'1'; LINE_LEN_MAX + 1]).unwrap().err(), Some(NotAMessage::TooLong));
    }
}
