//! Data on standard output, as JavaScript prints it.

use std::io;
use std::io::Write as _;

use ssb_msg::json;
use ssb_node::client::Answer;

use crate::failure::Failure;

/// The longest answer that is printed, in bytes: the longest that arrives.
pub(crate) const ANSWER_LEN_MAX: usize = 8 * 1024 * 1024;

/// Writes to standard output, at once.
pub(crate) fn out(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(|error| Failure::of_output(&error))
}

/// Talks on standard error. Nothing is lost if nobody listens.
pub(crate) fn talk(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// The text of an answer: `JSON.stringify(answer, null, 2)`.
pub(crate) fn pretty(answer: &Answer) -> Result<String, Failure> {
    let value = json::parse_within(answer.to_json().as_bytes(), ANSWER_LEN_MAX)
        .map_err(|error| Failure::new(format!("Error: the node's answer cannot be printed: {error}")))?;
    Ok(json::pretty(&value))
}

/// The bytes of an item of a stream: a blank line behind JSON, bytes as they are.
pub(crate) fn item(item: &Answer) -> Result<Vec<u8>, Failure> {
    match item {
        Answer::Binary(bytes) => Ok(bytes.clone()),
        other => Ok((pretty(other)? + "\n\n").into_bytes()),
    }
}

/// Rows of cells, aligned; the last of a row is as long as it likes.
pub(crate) fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<String>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_aligned_and_end_where_their_text_does() {
        let rows = [["a", "long", ""], ["äöü", "b", "c"]].map(|row| row.map(str::to_owned));

        assert_eq!(aligned(&rows), "a    long\näöü  b     c\n");
    }

    #[test]
    fn answers_are_printed_as_v8_prints_them() {
        let answer = Answer::Json(r#"{"b":1.50,"1":[],"a":{"x":"\u00e9\n"}}"#.into());

        let expected = "{\n  \"1\": [],\n  \"b\": 1.5,\n  \"a\": {\n    \"x\": \"é\\n\"\n  }\n}";
        assert_eq!(pretty(&answer).unwrap(), expected);
        assert_eq!(item(&Answer::Text("x".into())).unwrap(), b"\"x\"\n\n");
        assert_eq!(item(&Answer::Binary(vec![1, 2])).unwrap(), [1, 2]);
    }

    #[test]
    fn an_answer_longer_than_any_message_is_printed() {
        let long = format!("[\"{}\"]", "x".repeat(1_000_000));

        assert_eq!(pretty(&Answer::Json(long.clone())).unwrap().len(), long.len() + 4);
    }
}
