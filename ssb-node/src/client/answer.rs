//! What a node sends: an answer, or an item of a stream.

use ssb_muxrpc::BodyType;

/// An answer, or an item of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The text of a JSON value.
    Json(String),
    /// Text that is not JSON: a JavaScript string.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
}

impl Answer {
    /// What is not UTF-8 becomes U+FFFD, as in JavaScript.
    pub(super) fn new(kind: BodyType, body: &[u8]) -> Self {
        let text = || String::from_utf8_lossy(body).into_owned();
        match kind {
            BodyType::Json => Self::Json(text()),
            BodyType::Text => Self::Text(text()),
            BodyType::Binary => Self::Binary(body.to_vec()),
        }
    }

    /// The JSON text that JavaScript's `JSON.stringify` makes of it; JSON is left as it came.
    pub fn to_json(&self) -> String {
        match self {
            Self::Json(text) => text.clone(),
            Self::Text(text) => quoted(text),
            Self::Binary(bytes) => {
                let bytes: Vec<String> = bytes.iter().map(ToString::to_string).collect();
                format!(r#"{{"type":"Buffer","data":[{}]}}"#, bytes.join(","))
            }
        }
    }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for char in text.chars() {
        match char {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            '\0'..='\u{1f}' => quoted.push_str(&format!("\\u{:04x}", u32::from(char))),
            _ => quoted.push(char),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_bytes_become_json_as_in_javascript() {
        assert_eq!(Answer::Text("a\"\n\u{1}é".into()).to_json(), r#""a\"\n\u0001é""#);
        assert_eq!(Answer::Binary(vec![0, 255]).to_json(), r#"{"type":"Buffer","data":[0,255]}"#);
        assert_eq!(Answer::Json("[1.50]".into()).to_json(), "[1.50]");
    }
}
