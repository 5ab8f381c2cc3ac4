//! Reads JSON text the way V8's `JSON.parse` does.

use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

use thiserror::Error;

use super::Object;
use super::Text;
use super::Value;
use super::text;
use crate::limits::DEPTH_MAX;
use crate::limits::WIRE_LEN_MAX;

/// Reads one JSON text.
///
/// Bytes that are not UTF-8 are replaced by U+FFFD first, as Node's `Buffer.toString` does.
///
/// # Errors
///
/// When V8 would refuse the text, or it is longer than [`WIRE_LEN_MAX`] or deeper than [`DEPTH_MAX`].
pub fn parse(bytes: &[u8]) -> Result<Value, ParseError> {
    parse_within(bytes, WIRE_LEN_MAX)
}

/// Reads one JSON text of at most `len_max` bytes: for what is no message and may be longer, such as an answer.
///
/// # Errors
///
/// As [`parse`], with `len_max` in place of [`WIRE_LEN_MAX`].
pub fn parse_within(bytes: &[u8], len_max: usize) -> Result<Value, ParseError> {
    if bytes.len() > len_max {
        return Err(ParseError::TooLong { len: bytes.len() });
    }
    let text = String::from_utf8_lossy(bytes);
    Parser { text: &text, at: 0 }.document()
}

/// Why a text is not JSON. Offsets are those of the text after replacing what is not UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseError {
    /// The grammar of RFC 8259 has no place for what stands here.
    #[error("unexpected byte or end of JSON at offset {at}")]
    Unexpected {
        /// Offset in bytes.
        at: usize,
    },
    /// Arrays and objects nest deeper than [`DEPTH_MAX`].
    #[error("JSON nests too deep at offset {at}")]
    TooDeep {
        /// Offset in bytes.
        at: usize,
    },
    /// The text is longer than [`WIRE_LEN_MAX`], or what [`parse_within`] was told.
    #[error("JSON of {len} bytes is too long")]
    TooLong {
        /// Its length in bytes.
        len: usize,
    },
}

struct Parser<'a> {
    text: &'a str,
    /// Always at a character boundary.
    at: usize,
}

/// An array or object whose end has not come yet.
enum Open {
    Array(Vec<Value>),
    Object { pairs: Vec<(Text, Value)>, key: Text },
}

impl<'a> Parser<'a> {
    fn document(mut self) -> Result<Value, ParseError> {
        let mut open: Vec<Open> = Vec::new();
        loop {
            self.skip_space();
            if matches!(self.peek(), Some(b'[' | b'{')) && open.len() == DEPTH_MAX {
                return Err(ParseError::TooDeep { at: self.at });
            }
            let mut value = match self.peek() {
                Some(b'[') => match self.open_array()? {
                    Some(array) => {
                        open.push(array);
                        continue;
                    }
                    None => Value::Array(Vec::new()),
                },
                Some(b'{') => match self.open_object()? {
                    Some(object) => {
                        open.push(object);
                        continue;
                    }
                    None => Value::Object(Object::default()),
                },
                _ => self.scalar()?,
            };
            // Close whatever the value was the last of.
            loop {
                self.skip_space();
                match open.last_mut() {
                    None if self.at == self.text.len() => return Ok(value),
                    None => return Err(self.unexpected()),
                    Some(Open::Array(items)) => {
                        items.push(value);
                        if self.take(b',') {
                            break;
                        }
                        self.expect(b']')?;
                        value = Value::Array(mem::take(items));
                    }
                    Some(Open::Object { pairs, key }) => {
                        pairs.push((mem::replace(key, Text::from_escaped("")), value));
                        if self.take(b',') {
                            *key = self.key()?;
                            break;
                        }
                        self.expect(b'}')?;
                        value = Value::Object(Object::from_pairs(mem::take(pairs)));
                    }
                }
                open.pop();
            }
        }
    }

    /// `None` for an empty one, which is closed already.
    fn open_array(&mut self) -> Result<Option<Open>, ParseError> {
        self.expect(b'[')?;
        self.skip_space();
        Ok(if self.take(b']') { None } else { Some(Open::Array(Vec::new())) })
    }

    /// `None` for an empty one, which is closed already.
    fn open_object(&mut self) -> Result<Option<Open>, ParseError> {
        self.expect(b'{')?;
        self.skip_space();
        if self.take(b'}') {
            return Ok(None);
        }
        Ok(Some(Open::Object { pairs: Vec::new(), key: self.key()? }))
    }

    /// A key and its colon.
    fn key(&mut self) -> Result<Text, ParseError> {
        self.skip_space();
        let key = self.string()?;
        self.skip_space();
        self.expect(b':')?;
        Ok(key)
    }

    fn scalar(&mut self) -> Result<Value, ParseError> {
        match self.peek() {
            Some(b'"') => Ok(Value::Text(self.string()?)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b'n') => self.word("null", Value::Null),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            _ => Err(self.unexpected()),
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, ParseError> {
        if !self.rest().starts_with(word) {
            return Err(self.unexpected());
        }
        self.at += word.len();
        Ok(value)
    }

    fn number(&mut self) -> Result<Value, ParseError> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            if !self.take(b'+') {
                self.take(b'-');
            }
            self.digits()?;
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        text.parse().map(Value::Number).map_err(|_| ParseError::Unexpected { at: start })
    }

    /// One digit or more.
    fn digits(&mut self) -> Result<(), ParseError> {
        let digits = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return Err(self.unexpected());
        }
        self.at += digits;
        Ok(())
    }

    fn string(&mut self) -> Result<Text, ParseError> {
        self.expect(b'"')?;
        let mut escaped = String::new();
        loop {
            let rest = self.rest();
            let plain = rest.bytes().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));
            let (run, _) = rest.split_at(plain.unwrap_or(rest.len()));
            escaped.push_str(run);
            self.at += run.len();
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Text::from_escaped(escaped));
                }
                Some(b'\\') => self.escape(&mut escaped)?,
                _ => return Err(self.unexpected()),
            }
        }
    }

    /// One escape sequence, or two that make a surrogate pair.
    fn escape(&mut self, escaped: &mut String) -> Result<(), ParseError> {
        self.expect(b'\\')?;
        let char = match self.peek() {
            Some(plain @ (b'"' | b'\\' | b'/')) => plain.into(),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(escaped),
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        text::push_char(char, escaped);
        Ok(())
    }

    /// Past the backslash of `\uXXXX`.
    fn unicode_escape(&mut self, escaped: &mut String) -> Result<(), ParseError> {
        let unit = self.unit().ok_or_else(|| self.unexpected())?;
        if let Some(char) = char::from_u32(unit) {
            text::push_char(char, escaped);
            return Ok(());
        }
        // Half a surrogate pair. Only a first half with its second half behind it makes a character.
        let behind_first = self.at;
        let second = if self.take(b'\\') { self.unit() } else { None };
        match second {
            Some(second @ 0xdc00..0xe000) if unit < 0xdc00 => {
                let code = 0x1_0000 + ((unit - 0xd800) << 10) + (second - 0xdc00);
                escaped.extend(char::from_u32(code));
            }
            _ => {
                self.at = behind_first;
                text::push_unit(unit, escaped);
            }
        }
        Ok(())
    }

    /// `uXXXX`; does not move when it is something else.
    fn unit(&mut self) -> Option<u32> {
        let hex = self.rest().strip_prefix('u')?.get(..4)?;
        if !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        self.at += 5;
        u32::from_str_radix(hex, 16).ok()
    }

    fn skip_space(&mut self) {
        let space = self.rest().bytes().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
        self.at += space.count();
    }

    fn take(&mut self, byte: u8) -> bool {
        let taken = self.peek() == Some(byte);
        self.at += usize::from(taken);
        taken
    }

    fn expect(&mut self, byte: u8) -> Result<(), ParseError> {
        if self.take(byte) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn unexpected(&self) -> ParseError {
        ParseError::Unexpected { at: self.at }
    }
}

#[cfg(test)]
mod tests {
    use super::super::compact;
    use super::*;

    fn rewritten(text: &str) -> Result<String, ParseError> {
        parse(text.as_bytes()).map(|value| compact(&value))
    }

    #[test]
    fn white_space_is_of_four_kinds() {
        assert_eq!(rewritten(" \t\r\n[ 1 , { \"a\" : [ ] } ]\n").unwrap(), r#"[1,{"a":[]}]"#);
        assert_eq!(rewritten("\u{feff}1"), Err(ParseError::Unexpected { at: 0 }));
        assert_eq!(rewritten("\u{b}1"), Err(ParseError::Unexpected { at: 0 }));
        assert_eq!(rewritten("1\u{a0}"), Err(ParseError::Unexpected { at: 1 }));
    }

    #[test]
    fn what_the_grammar_forbids_is_refused_where_it_stands() {
        for (text, at) in [
            ("", 0),
            ("[1,]", 3),
            ("{\"a\":1,}", 7),
            ("{a:1}", 1),
            ("[1", 2),
            ("01", 1),
            ("1.", 2),
            (".5", 0),
            ("-", 1),
            ("+1", 0),
            ("1e", 2),
            ("nul", 0),
            ("\"\n\"", 1),
            ("\"\\x\"", 2),
            ("\"\\u12g4\"", 2),
            ("\"\\u+123\"", 2),
            ("\"abc", 4),
            ("1 2", 2),
            ("]", 0),
        ] {
            assert_eq!(rewritten(text), Err(ParseError::Unexpected { at }), "{text}");
        }
    }

    #[test]
    fn halves_of_a_pair_meet_only_when_in_order() {
        assert_eq!(rewritten(r#""\uD83D\uDE00""#).unwrap(), "\"😀\"");
        assert_eq!(rewritten(r#""\uDE00\uD83D""#).unwrap(), r#""\ude00\ud83d""#);
        assert_eq!(rewritten(r#""\uD83D\uD83D\uDE00""#).unwrap(), "\"\\ud83d😀\"");
        assert_eq!(rewritten(r#""\uD83D\n""#).unwrap(), r#""\ud83d\n""#);
        assert_eq!(rewritten(r#""\uD83Dx""#).unwrap(), r#""\ud83dx""#);
    }

    #[test]
    fn bytes_that_are_not_utf8_are_replaced() {
        assert_eq!(parse(b"\"\xff\xe2\x82\"").map(|value| compact(&value)).unwrap(), "\"\u{fffd}\u{fffd}\"");
    }

    #[test]
    fn nesting_ends_at_its_limit() {
        let nested = |depth| "[".repeat(depth) + &"]".repeat(depth);

        assert!(rewritten(&nested(DEPTH_MAX)).is_ok());
        assert_eq!(rewritten(&nested(DEPTH_MAX + 1)), Err(ParseError::TooDeep { at: DEPTH_MAX }));
    }

    #[test]
    fn length_ends_at_its_limit() {
        let spaced = |len| "1".to_owned() + &" ".repeat(len - 1);

        assert!(rewritten(&spaced(WIRE_LEN_MAX)).is_ok());
        assert_eq!(rewritten(&spaced(WIRE_LEN_MAX + 1)), Err(ParseError::TooLong { len: WIRE_LEN_MAX + 1 }));
    }

    #[test]
    fn what_is_no_message_may_be_longer() {
        let spaced = "1".to_owned() + &" ".repeat(WIRE_LEN_MAX);

        assert_eq!(parse_within(spaced.as_bytes(), spaced.len()), Ok(Value::Number(1.0)));
        let over = parse_within(spaced.as_bytes(), WIRE_LEN_MAX);
        assert_eq!(over, Err(ParseError::TooLong { len: spaced.len() }));
    }
}
