//! Files of settings: JSON with comments, or INI.

use std::fs::File;
use std::io;
use std::io::Read as _;
use std::path::Path;

use ssb_msg::json;

use super::ConfigError;
use super::Origin;
use super::ini;
use super::tree::Group;

/// The longest file that is read, in bytes: many times any that a person writes.
pub(super) const LEN_MAX: usize = 1024 * 1024;

/// Reads a file. One that is not there is `None`, one without anything in it an empty group.
pub(super) fn read_if_there(path: &Path) -> Result<Option<Group>, ConfigError> {
    let unreadable =
        |error: &io::Error| ConfigError::Unreadable { path: path.to_owned(), kind: error.kind() };
    let mut bytes = Vec::new();
    let limit = u64::try_from(LEN_MAX).unwrap_or(u64::MAX).saturating_add(1);
    match File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes)) {
        Ok(_) => {}
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(unreadable(&error)),
    }
    if bytes.len() > LEN_MAX {
        return Err(ConfigError::TooLong { path: path.to_owned() });
    }
    let text = String::from_utf8(bytes).map_err(|error| ConfigError::NotText {
        path: path.to_owned(),
        offset: error.utf8_error().valid_up_to(),
    })?;
    parse(&text, path).map(Some)
}

/// Parses the text of the file at `path`.
fn parse(text: &str, path: &Path) -> Result<Group, ConfigError> {
    let origin = Origin::File(path.to_owned());
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let json = without_comments(text);
    if json.trim().is_empty() {
        return Ok(Group::default());
    }
    if !json.trim_start().starts_with('{') {
        // It would be taken for INI, and mean nothing.
        if serde_json::from_str::<serde_json::Value>(&json).is_ok() {
            return Err(ConfigError::NotAnObject { path: path.to_owned() });
        }
        return ini::parse(text, &origin).map_err(|(line, message)| ConfigError::Syntax {
            path: path.to_owned(),
            place: format!("line {line}"),
            message: message.to_owned(),
        });
    }
    // serde_json says best what is wrong, ssb-msg keeps what is right in its order.
    if let Err(error) = serde_json::from_str::<serde_json::Value>(&json) {
        return Err(syntax(&error, &json, path));
    }
    match json::parse_within(json.as_bytes(), LEN_MAX) {
        Ok(json::Value::Object(object)) => Ok(Group::from_json(&object, &origin)),
        _ => Err(ConfigError::NotAnObject { path: path.to_owned() }),
    }
}

fn syntax(error: &serde_json::Error, json: &str, path: &Path) -> ConfigError {
    let message = error.to_string();
    let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
    let message = match message {
        "recursion limit exceeded" => "nests deeper than 127 groups and lists",
        "trailing comma" => "a comma stands before the closing bracket",
        "EOF while parsing an object" => "the file ends inside a group: a `}` is missing",
        "EOF while parsing a list" => "the file ends inside a list: a `]` is missing",
        "EOF while parsing a string" => "the file ends inside a text: a `\"` is missing",
        "EOF while parsing a value" => "the file ends where a value belongs",
        "key must be a string" => "expected a name in double quotes, as in {\"port\": 8008}",
        "expected value" | "expected ident" => {
            "expected a value: a text in double quotes, a number, true, false, null, [...] or {...}"
        }
        "trailing characters" => "more stands behind the closing bracket of all settings",
        message if message.starts_with("control character") => {
            "a text goes on behind its line: write \\n, or close it with `\"`"
        }
        message => message,
    };
    // serde_json counts bytes, and from 0 if it is the line break itself that is wrong.
    let line = json.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
    let column = line.get(..error.column()).map_or(error.column(), |before| before.chars().count());
    ConfigError::Syntax {
        path: path.to_owned(),
        place: format!("line {}, column {}", error.line(), column.max(1)),
        message: message.to_owned(),
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
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> Result<String, String> {
        let group = parse(text, Path::new("config")).map_err(|error| error.to_string())?;
        Ok(json::compact(&group.to_json()))
    }

    #[test]
    fn comments_are_left_out() {
        let text =
            "// first\n{ /* é * / ** */ \"a\": 1, // \"b\": 2,\n \"c\": \"//x /* y\\\"// z\" /**/ }\n/* end";

        assert_eq!(parsed(text), Ok(r#"{"a":1,"c":"//x /* y\"// z"}"#.into()));
    }

    #[test]
    fn a_file_of_nothing_sets_nothing() {
        for text in ["", " // only a comment", "\u{feff}\n", "; another\n"] {
            assert_eq!(parsed(text), Ok("{}".into()), "{text:?}");
        }
    }

    #[test]
    fn what_does_not_begin_with_a_brace_is_ini() {
        assert_eq!(parsed("port = 8008\n[caps]\nshs=x"), Ok(r#"{"port":"8008","caps":{"shs":"x"}}"#.into()));
        assert_eq!(parsed("\u{feff}{\"b\": 1.50, \"a\": \"\"}"), Ok(r#"{"b":1.5,"a":""}"#.into()));
    }

    #[test]
    fn malformed_files_are_told_with_line_and_column() {
        let table = [
            ("{\n  \"port\": 8008\n  \"host\": \"x\"\n}", "config: line 3, column 3: expected `,` or `}`"),
            (
                "{\n /* é */ \"é\": tru }",
                "config: line 2, column 18: expected a value: a text in double quotes, a number, true, false, null, [...] or {...}",
            ),
            ("{\"a\": 1,}", "config: line 1, column 9: a comma stands before the closing bracket"),
            ("{\"a\": 1", "config: line 1, column 7: the file ends inside a group: a `}` is missing"),
            ("{a: 1}", "config: line 1, column 2: expected a name in double quotes, as in {\"port\": 8008}"),
            (
                "{\"a\": 'x'}",
                "config: line 1, column 7: expected a value: a text in double quotes, a number, true, false, null, [...] or {...}",
            ),
            (
                "{\"a\": \"x\ny\"}",
                "config: line 2, column 1: a text goes on behind its line: write \\n, or close it with `\"`",
            ),
            ("{} {}", "config: line 1, column 4: more stands behind the closing bracket of all settings"),
            ("port = 8008\n[caps", "config: line 2: expected `[section]` alone on the line"),
            ("[1]", "config: is not an object of settings, {\"name\": value}"),
            ("8008", "config: is not an object of settings, {\"name\": value}"),
        ];
        for (text, message) in table {
            assert_eq!(parsed(text), Err(message.to_owned()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_a_file_says_it_is_settings_or_an_error(text in ".*|([\\[\\]{}=\"'\\\\;#.,: \n/*a]|null|1)*") {
            // Neither may panic, and what was understood is understood again.
            if let Ok(settings) = parsed(&text) {
                prop_assert_eq!(parsed(&settings), Ok(settings));
            }
        }
    }

    #[test]
    fn groups_nest_to_a_limit() {
        let nested = |depth: usize| "{\"a\":".repeat(depth - 1) + "{}" + &"}".repeat(depth - 1);

        assert!(parsed(&nested(127)).is_ok());
        let error = parsed(&nested(128)).unwrap_err();
        assert!(error.ends_with("nests deeper than 127 groups and lists"), "{error}");
    }

    #[test]
    fn files_are_read_to_a_limit() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config");
        let read_long = |len: usize| {
            std::fs::write(&path, format!("{{}}{}", " ".repeat(len - 2))).unwrap();
            read_if_there(&path)
        };

        assert!(matches!(read_long(LEN_MAX), Ok(Some(_))));
        assert_eq!(read_long(LEN_MAX + 1), Err(ConfigError::TooLong { path: path.clone() }));
    }
}
