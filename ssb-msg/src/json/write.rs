//! Writes JSON text the way V8's `JSON.stringify` does.

use alloc::string::String;
use alloc::vec::Vec;
use core::iter;
use core::slice;

use super::Text;
use super::Value;
use super::number;

/// `JSON.stringify(value, null, 2)`: the form that is hashed, signed and measured.
pub fn pretty(value: &Value) -> String {
    let mut out = String::new();
    write(value, Layout::Pretty, &mut out);
    out
}

/// `JSON.stringify(value)`: the form that is kept and sent.
pub fn compact(value: &Value) -> String {
    let mut out = String::new();
    compact_into(value, &mut out);
    out
}

/// The UTF-16 code units of [`pretty`], counted without writing it.
///
/// Indentation can make the text a hundred times longer than the one the value came from.
pub fn pretty_units(value: &Value) -> usize {
    let mut units = Units(0);
    write(value, Layout::Pretty, &mut units);
    units.0
}

/// Appends [`compact`].
pub(crate) fn compact_into(value: &Value, out: &mut String) {
    write(value, Layout::Compact, out);
}

#[derive(Clone, Copy, PartialEq)]
enum Layout {
    Compact,
    Pretty,
}

trait Sink {
    fn push(&mut self, text: &str);

    /// A new line, `depth` levels deep.
    fn line_break(&mut self, depth: usize);
}

impl Sink for String {
    fn push(&mut self, text: &str) {
        self.push_str(text);
    }

    fn line_break(&mut self, depth: usize) {
        self.push('\n');
        self.extend(iter::repeat_n("  ", depth));
    }
}

/// Counts instead of writing.
struct Units(usize);

impl Sink for Units {
    fn push(&mut self, text: &str) {
        self.0 += text.chars().map(char::len_utf16).sum::<usize>();
    }

    // In one step, or short texts could make long work.
    fn line_break(&mut self, depth: usize) {
        self.0 += 1 + 2 * depth;
    }
}

/// An array or object that is being written.
enum Open<'a> {
    Array(slice::Iter<'a, Value>),
    Object(slice::Iter<'a, (Text, Value)>),
}

impl<'a> Open<'a> {
    fn next(&mut self) -> Option<(Option<&'a Text>, &'a Value)> {
        match self {
            Self::Array(items) => items.next().map(|item| (None, item)),
            Self::Object(entries) => entries.next().map(|(key, value)| (Some(key), value)),
        }
    }

    fn end(&self) -> &'static str {
        match self {
            Self::Array(_) => "]",
            Self::Object(_) => "}",
        }
    }
}

fn write(value: &Value, layout: Layout, sink: &mut impl Sink) {
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut value = value;
    loop {
        let mut first = false;
        match value {
            Value::Array(items) if !items.is_empty() => {
                sink.push("[");
                open.push(Open::Array(items.iter()));
                first = true;
            }
            Value::Object(object) if !object.is_empty() => {
                sink.push("{");
                open.push(Open::Object(object.entries().iter()));
                first = true;
            }
            other => write_leaf(other, sink),
        }
        // The next value is in the innermost open one that has any left.
        value = loop {
            let depth = open.len();
            let Some(innermost) = open.last_mut() else {
                return;
            };
            let Some((key, next)) = innermost.next() else {
                if layout == Layout::Pretty {
                    sink.line_break(depth - 1);
                }
                sink.push(innermost.end());
                open.pop();
                first = false;
                continue;
            };
            if !first {
                sink.push(",");
            }
            if layout == Layout::Pretty {
                sink.line_break(depth);
            }
            if let Some(key) = key {
                write_text(key, sink);
                sink.push(if layout == Layout::Pretty { ": " } else { ":" });
            }
            break next;
        };
    }
}

fn write_leaf(value: &Value, sink: &mut impl Sink) {
    match value {
        Value::Null => sink.push("null"),
        Value::Bool(true) => sink.push("true"),
        Value::Bool(false) => sink.push("false"),
        Value::Number(number) => {
            let mut printed = String::new();
            number::write(*number, &mut printed);
            sink.push(&printed);
        }
        Value::Text(text) => write_text(text, sink),
        Value::Array(_) => sink.push("[]"),
        Value::Object(_) => sink.push("{}"),
    }
}

fn write_text(text: &Text, sink: &mut impl Sink) {
    sink.push("\"");
    sink.push(text.escaped());
    sink.push("\"");
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    #[test]
    fn the_signing_form_has_two_spaces_a_level_and_bare_empty_ones() {
        let value = parse(br#"{"a":[1,{"b":[]},[[]]],"c":{},"d":"\"\/\u001F"}"#).unwrap();

        assert_eq!(
            pretty(&value),
            "{\n  \"a\": [\n    1,\n    {\n      \"b\": []\n    },\n    [\n      []\n    ]\n  ],\n  \"c\": {},\n  \
             \"d\": \"\\\"/\\u001f\"\n}"
        );
    }

    #[test]
    fn units_are_those_of_the_text() {
        let value = parse("{\"é\":[\"😀\",\"\\ud800\",1e3,null,true,false]}".as_bytes()).unwrap();

        assert_eq!(pretty_units(&value), pretty(&value).encode_utf16().count());
    }
}
