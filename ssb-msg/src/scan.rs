//! The fast way to read a message: one pass, no tree.
//!
//! Takes only messages spelled exactly as V8 spells them compactly, which is nearly all there are. For anything else,
//! also for anything wrong, it says `None` and leaves the message to [`shape`](crate::shape). While it reads it writes
//! the signing form: the same pieces with line breaks and indentation between them.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::str;

use ssb_keys::FeedId;
use ssb_keys::MessageId;
use ssb_keys::Signature;

use crate::fields::Fields;
use crate::fields::Stated;
use crate::json;
use crate::limits::UNITS_MAX;
use crate::limits::WIRE_LEN_MAX;
use crate::shape;
use crate::unverified::Unverified;

/// Reads a message of ordinary spelling.
pub(crate) fn scan(bytes: &[u8]) -> Option<Unverified> {
    if bytes.len() > WIRE_LEN_MAX {
        return None;
    }
    let text = str::from_utf8(bytes).ok()?;
    let mut scanner = Scanner { text, at: 0, pretty: String::with_capacity(bytes.len() + PRETTY_EXTRA_LEN) };
    let stated = scanner.message()?;
    let (fields, signed) = Fields::new(text, scanner.pretty, stated).ok()?;
    Some(Unverified { fields, signed })
}

struct Scanner<'a> {
    text: &'a str,
    /// All before it has been read, and stands in `pretty`.
    at: usize,
    pretty: String,
}

/// An object or array whose end has not come yet.
#[derive(Clone, Copy)]
struct Open {
    end: Bracket,
    /// Which of the keys seen so far is its first.
    first_key: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Bracket {
    Array,
    Object,
}

impl<'a> Scanner<'a> {
    fn message(&mut self) -> Option<Stated> {
        self.take("{")?;
        self.pretty.push_str("{\n  \"previous\": ");
        self.take("\"previous\":")?;
        let previous = if self.take("null").is_some() {
            self.pretty.push_str("null");
            None
        } else {
            Some(MessageId::parse(self.quoted()?).ok()?)
        };
        let (author, sequence) = if self.take(",\"author\":").is_some() {
            let author = self.author()?;
            self.take(",\"sequence\":")?;
            (author, self.sequence()?)
        } else {
            self.take(",\"sequence\":")?;
            let sequence = self.sequence()?;
            self.take(",\"author\":")?;
            (self.author()?, sequence)
        };
        shape::check_first(sequence, previous).ok()?;
        self.take(",\"timestamp\":")?;
        self.pretty.push_str(",\n  \"timestamp\": ");
        let timestamp = self.number()?.parse().ok()?;
        self.take(",\"hash\":\"sha256\",\"content\":")?;
        self.pretty.push_str(",\n  \"hash\": \"sha256\",\n  \"content\": ");
        let start = self.at;
        let content_type = self.content()?;
        let content = start..self.at;
        self.take(",\"signature\":")?;
        self.pretty.push_str(",\n  \"signature\": ");
        let signature = Signature::parse(self.quoted()?).ok()?;
        self.take("}")?;
        self.pretty.push_str("\n}");
        if self.at != self.text.len() {
            return None;
        }
        Some(Stated { previous, author, sequence, timestamp, content, content_type, signature })
    }

    fn author(&mut self) -> Option<FeedId> {
        self.pretty.push_str(",\n  \"author\": ");
        FeedId::parse(self.quoted()?).ok()
    }

    fn sequence(&mut self) -> Option<u32> {
        self.pretty.push_str(",\n  \"sequence\": ");
        shape::sequence(self.number()?.parse().ok()?)
    }

    /// Gives the type; encrypted content has none.
    fn content(&mut self) -> Option<Option<Box<str>>> {
        match self.peek()? {
            b'"' => shape::is_encrypted(self.quoted()?).then_some(None),
            b'{' => self.object().map(Some),
            _ => None,
        }
    }

    /// Reads the content when it is an object, and gives its type.
    fn object(&mut self) -> Option<Box<str>> {
        let mut open: [Open; DEPTH_MAX] = [Open { end: Bracket::Array, first_key: 0 }; DEPTH_MAX];
        let mut depth = 0;
        // The keys of all open objects, innermost last.
        let mut keys: Vec<&'a str> = Vec::with_capacity(16);
        let mut content_type = None;
        loop {
            // A value begins here. The type is one directly in the content.
            let is_type = depth == 1 && keys.last() == Some(&"type");
            match self.peek()? {
                b'"' if is_type => content_type = Some(self.quoted()?),
                _ if is_type => return None,
                b'"' => drop(self.quoted()?),
                b'-' | b'0'..=b'9' => drop(self.number()?),
                b't' => self.word("true")?,
                b'f' => self.word("false")?,
                b'n' => self.word("null")?,
                b'{' if self.take("{}").is_some() => self.pretty.push_str("{}"),
                b'[' if self.take("[]").is_some() => self.pretty.push_str("[]"),
                b'{' => {
                    *open.get_mut(depth)? = Open { end: Bracket::Object, first_key: keys.len() };
                    depth += 1;
                    self.word("{")?;
                    self.key(depth, keys.len(), &mut keys)?;
                    continue;
                }
                b'[' => {
                    *open.get_mut(depth)? = Open { end: Bracket::Array, first_key: keys.len() };
                    depth += 1;
                    self.word("[")?;
                    self.line_break(depth)?;
                    continue;
                }
                _ => return None,
            }
            // And here it has ended, perhaps with others around it.
            loop {
                if depth == 0 {
                    let escaped = content_type?;
                    shape::check_type_len(escaped).ok()?;
                    return Some(json::decode(escaped).into());
                }
                let innermost = *open.get(depth - 1)?;
                if self.peek()? == b',' {
                    self.word(",")?;
                    match innermost.end {
                        Bracket::Object => self.key(depth, innermost.first_key, &mut keys)?,
                        Bracket::Array => self.line_break(depth)?,
                    }
                    break;
                }
                depth -= 1;
                keys.truncate(innermost.first_key);
                self.line_break(depth)?;
                self.word(if innermost.end == Bracket::Object { "}" } else { "]" })?;
            }
        }
    }

    /// A key and its colon, unless V8 would move it or merge it with another.
    fn key(&mut self, depth: usize, first_key: usize, keys: &mut Vec<&'a str>) -> Option<()> {
        self.line_break(depth)?;
        let key = self.quoted()?;
        let siblings = keys.get(first_key..)?;
        if siblings.len() >= KEYS_MAX || siblings.contains(&key) || json::array_index(key).is_some() {
            return None;
        }
        keys.push(key);
        self.take(":")?;
        self.pretty.push_str(": ");
        Some(())
    }

    /// A string that is spelled as V8 spells it; what is between the quotes.
    fn quoted(&mut self) -> Option<&'a str> {
        let start = self.at;
        self.take("\"")?;
        loop {
            self.at += plain_len(self.rest());
            match self.rest() {
                [b'"', ..] => break,
                [b'\\', b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't', ..] => self.at += 2,
                // The controls that have no short escape: not 08, 09, 0a, 0c, 0d.
                [b'\\', b'u', b'0', b'0', b'0', b'0'..=b'7' | b'b' | b'e' | b'f', ..]
                | [b'\\', b'u', b'0', b'0', b'1', b'0'..=b'9' | b'a'..=b'f', ..] => self.at += 6,
                _ => return None,
            }
        }
        self.at += 1;
        let quoted = self.text.get(start..self.at)?;
        self.pretty.push_str(quoted);
        quoted.get(1..quoted.len() - 1)
    }

    /// A number that is spelled as V8 spells it.
    fn number(&mut self) -> Option<&'a str> {
        let rest = self.rest();
        let len = rest.iter().position(|byte| !matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e'));
        let number = self.text.get(self.at..self.at + len?)?;
        if !json::is_canonical_number(number) {
            return None;
        }
        self.at += number.len();
        self.pretty.push_str(number);
        Some(number)
    }

    /// Something that looks the same in both forms.
    fn word(&mut self, word: &str) -> Option<()> {
        self.take(word)?;
        self.pretty.push_str(word);
        Some(())
    }

    fn take(&mut self, piece: &str) -> Option<()> {
        self.rest().starts_with(piece.as_bytes()).then(|| self.at += piece.len())
    }

    /// A new line inside the content, `depth` levels deep.
    fn line_break(&mut self, depth: usize) -> Option<()> {
        // Indentation must not make much out of little.
        if self.pretty.len() > PRETTY_LEN_MAX {
            return None;
        }
        // The content itself is one level deep.
        self.pretty.push_str(LINE_BREAK.get(..1 + 2 * (depth + 1))?);
        Some(())
    }

    fn peek(&self) -> Option<u8> {
        self.rest().first().copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }
}

/// How many bytes from here stand for themselves in a JSON string.
fn plain_len(bytes: &[u8]) -> usize {
    let (words, tail) = bytes.as_chunks::<8>();
    let mut len = 0;
    for word in words {
        let special = special_bytes(u64::from_le_bytes(*word));
        if special != 0 {
            return len + lowest_byte(special);
        }
        len += 8;
    }
    len + tail.iter().take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..0x20)).count()
}

/// Eight bytes at once: the top bit of the lowest byte that is a quote, a backslash or a control is set, and no bit
/// below it. (Bits above it may be wrong: borrows only travel up.)
fn special_bytes(word: u64) -> u64 {
    let below = |limit: u64, word: u64| word.wrapping_sub(ONES * limit) & !word & TOPS;
    let equal = |byte: u8, word: u64| below(1, word ^ (ONES * u64::from(byte)));
    below(0x20, word) | equal(b'"', word) | equal(b'\\', word)
}

/// The index of the lowest byte that has a bit set.
fn lowest_byte(word: u64) -> usize {
    let bytes = word.trailing_zeros() / 8;
    usize::try_from(bytes).expect("there are 8 bytes")
}

const ONES: u64 = 0x0101_0101_0101_0101;

const TOPS: u64 = 0x8080_8080_8080_8080;

/// Deeper content is left to the tree.
const DEPTH_MAX: usize = 15;

/// Objects with more keys are left to the tree, which does not compare each with each.
const KEYS_MAX: usize = 32;

/// No signing form within the limit has more bytes: a unit takes three at most.
const PRETTY_LEN_MAX: usize = 3 * UNITS_MAX;

/// What the signing form of most messages has more than the compact one.
const PRETTY_EXTRA_LEN: usize = 256;

const LINE_BREAK: &str = "\n                                ";

#[cfg(test)]
mod tests {
    use super::*;

    fn is_scanned(content: &str) -> bool {
        let author = FeedId::from_bytes([1; 32]);
        let signature = Signature::from_bytes([2; 64]);
        let message = format!(
            r#"{{"previous":null,"author":"{author}","sequence":1,"timestamp":1.5,"hash":"sha256","content":{content},"signature":"{signature}"}}"#
        );
        assert!(shape::parse(message.as_bytes()).is_ok(), "{content} is wrong, not unusual");
        scan(message.as_bytes()).is_some()
    }

    fn keys(count: usize) -> String {
        let keys: Vec<String> = (1..count).map(|n| format!(r#","key{n}":null"#)).collect();
        format!(r#"{{"type":"post"{}}}"#, keys.concat())
    }

    fn nested(depth: usize) -> String {
        // The content is one level itself.
        format!(r#"{{"type":"post","x":{}1{}}}"#, "[".repeat(depth - 1), "]".repeat(depth - 1))
    }

    #[test]
    fn ordinary_messages_need_no_tree() {
        for content in [
            r#"{"type":"post","text":"a\n\"é😀\u0000","x":[1,-2.5,1e+21,{"a":[],"b":{}},true,false,null]}"#,
            r#"{"text":"","type":"post"}"#,
            "\"aGVsbG8=.box\"",
        ] {
            assert!(is_scanned(content), "{content}");
        }
    }

    #[test]
    fn unusual_spellings_are_left_to_the_tree() {
        for content in [
            r#"{"type":"post","1":1}"#,
            r#"{"type":"post","a":1,"a":2}"#,
            r#"{"type":"post","a":"\/"}"#,
            r#"{"type":"post","a":"\u0041"}"#,
            r#"{"type":"post","a":"\u001F"}"#,
            r#"{"type":"post","a":"\u000a"}"#,
            r#"{"type":"post","a":"\ud800"}"#,
            r#"{"type":"post","a":1.0}"#,
            r#"{"type":"post","a":-0}"#,
            r#"{"type": "post"}"#,
            r#"{"type":1,"type":"post"}"#,
        ] {
            assert!(!is_scanned(content), "{content}");
        }
    }

    #[test]
    fn many_keys_and_deep_content_are_left_to_the_tree() {
        assert!(is_scanned(&keys(KEYS_MAX)));
        assert!(!is_scanned(&keys(KEYS_MAX + 1)));
        assert!(is_scanned(&nested(DEPTH_MAX)));
        assert!(!is_scanned(&nested(DEPTH_MAX + 1)));
    }

    #[test]
    fn eight_bytes_at_once_find_what_one_at_a_time_would() {
        for at in 0..20 {
            for special in 0..=255_u8 {
                let mut bytes = [b'x'; 20];
                bytes[19] = b'"';
                bytes[at] = special;

                let slow = bytes.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));

                assert_eq!(plain_len(&bytes), slow.unwrap_or(bytes.len()), "{special} at {at}");
            }
        }
    }

    #[test]
    fn the_line_break_reaches_the_deepest_level() {
        assert_eq!(LINE_BREAK.len(), 1 + 2 * (DEPTH_MAX + 1));
    }
}
