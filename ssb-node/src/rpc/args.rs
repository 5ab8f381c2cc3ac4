//! The arguments of a call, as raw JSON.

use serde_json::value::RawValue;

/// The arguments, each as the text it came in. Missing ones are `None`, as is what is not an array at all.
pub(crate) fn split(args: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(args);
    let split: Vec<Box<RawValue>> = serde_json::from_str(&text).unwrap_or_default();
    split.into_iter().map(|argument| argument.get().to_owned()).collect()
}

/// The options object of a stream: `null` and a missing one are empty.
pub(crate) fn options(args: &[u8]) -> serde_json::Map<String, serde_json::Value> {
    let first = split(args).into_iter().next().unwrap_or_default();
    serde_json::from_str(&first).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_stay_the_text_they_came_in() {
        assert_eq!(
            split(br#"[ {"b":1.50,"a":1} , 5,"x\u00e9"]"#),
            [r#"{"b":1.50,"a":1}"#, "5", r#""x\u00e9""#]
        );
        for none in ["", "[]", "{}", "5", "[1"] {
            assert_eq!(split(none.as_bytes()), <[String; 0]>::default(), "{none}");
        }
    }

    #[test]
    fn options_that_are_no_object_are_none() {
        assert_eq!(options(br#"[{"limit":1}]"#).len(), 1);
        for none in ["", "[]", "[null]", "[5]", "[[]]", r#"["x"]"#] {
            assert!(options(none.as_bytes()).is_empty(), "{none}");
        }
    }
}
