//! JavaScript strings, which Rust's cannot hold.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use core::fmt::Write as _;

/// A string of UTF-16 code units, kept as V8 writes it between the quotes.
///
/// A JavaScript string may hold half of a surrogate pair, which no `str` can. In its escaped form (`\ud800`) it is
/// plain text, each string has exactly one such form, and writing it needs no work.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text {
    /// As `JSON.stringify` writes it, without the quotes.
    escaped: Box<str>,
}

impl Text {
    /// Takes in an ordinary string.
    pub fn new(text: &str) -> Self {
        let mut escaped = String::with_capacity(text.len());
        text.chars().for_each(|char| push_char(char, &mut escaped));
        Self { escaped: escaped.into() }
    }

    pub(super) fn from_escaped(escaped: impl Into<Box<str>>) -> Self {
        Self { escaped: escaped.into() }
    }

    /// The text between the quotes, as V8 writes it.
    pub fn escaped(&self) -> &str {
        &self.escaped
    }

    /// The string itself; half a surrogate pair becomes U+FFFD.
    pub fn decode(&self) -> Cow<'_, str> {
        decode(&self.escaped)
    }

    /// Its length in JavaScript: UTF-16 code units.
    pub fn units(&self) -> usize {
        units(&self.escaped)
    }

    /// Whether it is this very string.
    pub fn is(&self, text: &str) -> bool {
        // A plain string is its own escaped form, and no other string has that form.
        *self.escaped == *text && !text.contains('\\')
            || self.escaped.contains('\\') && *self == Self::new(text)
    }
}

/// The UTF-16 code units of the string with this escaped form.
pub(crate) fn units(escaped: &str) -> usize {
    let mut units = 0;
    let mut chars = escaped.chars();
    while let Some(char) = chars.next() {
        units += char.len_utf16();
        if char == '\\' && chars.next() == Some('u') {
            chars.by_ref().take(4).for_each(drop);
        }
    }
    units
}

/// The string with this escaped form; half a surrogate pair becomes U+FFFD.
pub(crate) fn decode(escaped: &str) -> Cow<'_, str> {
    if !escaped.contains('\\') {
        return Cow::Borrowed(escaped);
    }
    let mut decoded = String::with_capacity(escaped.len());
    let mut chars = escaped.chars();
    while let Some(char) = chars.next() {
        if char != '\\' {
            decoded.push(char);
            continue;
        }
        match chars.next() {
            Some('b') => decoded.push('\u{8}'),
            Some('f') => decoded.push('\u{c}'),
            Some('n') => decoded.push('\n'),
            Some('r') => decoded.push('\r'),
            Some('t') => decoded.push('\t'),
            Some('u') => {
                let unit =
                    chars.by_ref().take(4).fold(0, |unit, hex| unit << 4 | hex.to_digit(16).unwrap_or(0));
                decoded.push(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            Some(other) => decoded.push(other),
            None => {}
        }
    }
    Cow::Owned(decoded)
}

/// Appends one character in escaped form.
pub(super) fn push_char(char: char, escaped: &mut String) {
    match char {
        '"' => escaped.push_str("\\\""),
        '\\' => escaped.push_str("\\\\"),
        '\u{8}' => escaped.push_str("\\b"),
        '\u{c}' => escaped.push_str("\\f"),
        '\n' => escaped.push_str("\\n"),
        '\r' => escaped.push_str("\\r"),
        '\t' => escaped.push_str("\\t"),
        '\0'..='\u{1f}' => push_unit(char.into(), escaped),
        _ => escaped.push(char),
    }
}

/// Appends one code unit as `\uXXXX`.
pub(super) fn push_unit(unit: u32, escaped: &mut String) {
    write!(escaped, "\\u{unit:04x}").expect("writing to a string cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_survive_being_escaped() {
        let text = "a\"\\/\u{0}\u{8}\t\n\u{c}\r\u{1f}\u{7f}é\u{2028}😀\\u0041";

        assert_eq!(Text::new(text).decode(), text);
        assert_eq!(Text::new(text).units(), text.encode_utf16().count());
        assert!(Text::new(text).is(text));
    }

    #[test]
    fn a_lone_surrogate_is_one_unit_and_no_character() {
        let text = Text::from_escaped("a\\ud800b");

        assert_eq!(text.units(), 3);
        assert_eq!(text.decode(), "a\u{fffd}b");
        assert!(!text.is("a\u{fffd}b"));
    }

    #[test]
    fn an_escaped_form_is_not_mistaken_for_the_string() {
        assert!(!Text::new("\n").is("\\n"));
        assert!(Text::new("\\n").is("\\n"));
    }
}
