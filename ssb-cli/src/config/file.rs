//! Files of settings: JSON with comments.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::Value;

use super::ConfigError;

/// Reads a file. One that is not there is `None`, one without anything in it an empty object.
pub(super) fn read(path: &Path) -> Result<Option<Value>, ConfigError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(ConfigError::Unreadable { path: path.to_owned(), kind: error.kind() }),
    };
    parse(&text, path).map(Some)
}

/// Parses the text of the file at `path`.
pub(super) fn parse(text: &str, path: &Path) -> Result<Value, ConfigError> {
    let json = without_comments(text);
    if json.trim().is_empty() {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    match serde_json::from_str(&json) {
        Ok(object @ Value::Object(_)) => Ok(object),
        Ok(_) => Err(ConfigError::NotAnObject { path: path.to_owned() }),
        Err(error) => {
            let message = error.to_string();
            let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
            // serde_json counts bytes, and from 0 if it is the line break itself that is wrong.
            let line = json.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
            let column = line.get(..error.column()).map_or(error.column(), |before| before.chars().count());
            Err(ConfigError::Syntax {
                path: path.to_owned(),
                line: error.line(),
                column: column.max(1),
                message: message.to_owned(),
            })
        }
    }
}

/// Puts spaces where comments are, so that what is left stays at its line and column.
fn without_comments(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut inside = Inside::Nothing;
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        let next = chars.peek().copied();
        match inside {
            Inside::Text => {
                kept.push(char);
                match char {
                    '\\' => kept.extend(chars.next()),
                    '"' => inside = Inside::Nothing,
                    _ => {}
                }
                continue;
            }
            Inside::Nothing if char == '"' => inside = Inside::Text,
            Inside::Nothing if char == '/' && next == Some('/') => inside = Inside::Line,
            Inside::Nothing if char == '/' && next == Some('*') => {
                inside = Inside::Block;
                // This star does not end what it begins.
                chars.next();
                kept.push_str("  ");
                continue;
            }
            Inside::Line if char == '\n' => inside = Inside::Nothing,
            Inside::Block if char == '*' && next == Some('/') => {
                inside = Inside::Nothing;
                chars.next();
                kept.push_str("  ");
                continue;
            }
            Inside::Nothing | Inside::Line | Inside::Block => {}
        }
        match inside {
            Inside::Line | Inside::Block if char != '\n' => kept.push(' '),
            _ => kept.push(char),
        }
    }
    kept
}

#[derive(Clone, Copy)]
enum Inside {
    Nothing,
    Text,
    Line,
    Block,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parsed(text: &str) -> Result<Value, String> {
        parse(text, Path::new("config")).map_err(|error| error.to_string())
    }

    #[test]
    fn comments_are_left_out() {
        let text =
            "// first\n{ /* é * / ** */ \"a\": 1, // \"b\": 2,\n \"c\": \"//x /* y\\\"// z\" /**/ }\n/* end";

        assert_eq!(parsed(text), Ok(json!({"a": 1, "c": "//x /* y\"// z"})));
    }

    #[test]
    fn a_file_of_nothing_sets_nothing() {
        assert_eq!(parsed(""), Ok(json!({})));
        assert_eq!(parsed(" // only a comment"), Ok(json!({})));
    }

    #[test]
    fn malformed_files_are_told_with_line_and_column() {
        let table = [
            ("{\n  \"port\": 8008\n  \"host\": \"x\"\n}", "config: line 3, column 3: expected `,` or `}`"),
            ("{\n /* é */ \"é\": tru }", "config: line 2, column 18: expected ident"),
            ("{\"a\": 1,}", "config: line 1, column 9: trailing comma"),
            ("{\"a\": 1", "config: line 1, column 7: EOF while parsing an object"),
            ("{a: 1}", "config: line 1, column 2: key must be a string"),
            ("{\"a\": 'x'}", "config: line 1, column 7: expected value"),
            (
                "{\"a\": \"x\ny\"}",
                "config: line 2, column 1: control character (\\u0000-\\u001F) found while parsing a string",
            ),
            ("{} {}", "config: line 1, column 4: trailing characters"),
            ("port = 8008", "config: line 1, column 1: expected value"),
            ("[1]", "config: is not an object of settings"),
            ("8008", "config: is not an object of settings"),
        ];
        for (text, message) in table {
            assert_eq!(parsed(text), Err(message.to_owned()), "{text}");
        }
    }
}
