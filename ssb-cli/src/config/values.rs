//! What single settings mean: texts, numbers, switches, spans of time.

use std::time::Duration;

use ssb_msg::json::Value;

use super::ConfigError;
use super::tree::Group;

/// The longest span of time, some 24 days: what Node's timers take.
pub(super) const MILLIS_MAX: Duration = Duration::from_millis(MILLIS_COUNT_MAX);

const MILLIS_COUNT_MAX: u64 = 0x7fff_ffff;

/// A text that is not empty.
pub(super) fn text(
    settings: &Group,
    key: &str,
    expected: &'static str,
) -> Result<Option<String>, ConfigError> {
    let Some(found) = settings.find(key)? else { return Ok(None) };
    let text = text_of(&found.value).filter(|text| !text.is_empty());
    text.map(Some).ok_or_else(|| found.error(expected))
}

/// A whole number up to `max`.
pub(super) fn integer(
    settings: &Group,
    key: &str,
    max: u64,
    expected: &'static str,
) -> Result<Option<u64>, ConfigError> {
    let Some(found) = settings.find(key)? else { return Ok(None) };
    let number = whole(&found.value).filter(|number| *number <= max);
    number.map(Some).ok_or_else(|| found.error(expected))
}

/// A switch. Variables and INI files say it in text.
pub(super) fn switch(settings: &Group, key: &str) -> Result<Option<bool>, ConfigError> {
    let Some(found) = settings.find(key)? else { return Ok(None) };
    match &found.value {
        Value::Bool(bool) => Ok(Some(*bool)),
        Value::Text(text) if text.is("true") => Ok(Some(true)),
        Value::Text(text) if text.is("false") => Ok(Some(false)),
        _ => Err(found.error("true or false")),
    }
}

/// A span of time in milliseconds. 0 counts as not set, as in JavaScript.
pub(super) fn millis(settings: &Group, key: &str) -> Result<Option<Duration>, ConfigError> {
    let millis = integer(settings, key, MILLIS_COUNT_MAX, "a time in milliseconds, from 0 to 2147483647")?;
    Ok(millis.filter(|millis| *millis > 0).map(Duration::from_millis))
}

/// A list of texts, or one of them.
pub(super) fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Array(values) => values.iter().map(text_of).collect(),
        value => Some(vec![text_of(value)?]),
    }
}

/// A text.
pub(super) fn text_of(value: &Value) -> Option<String> {
    value.as_text().map(|text| text.decode().into_owned())
}

/// A number, or, as variables are, its digits.
pub(super) fn whole(value: &Value) -> Option<u64> {
    match value {
        Value::Text(text) => {
            let digits = text.escaped();
            let all = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            all.then(|| digits.parse().ok())?
        }
        Value::Number(number) => exact(*number),
        _ => None,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a whole number in the range of exact ones fits"
)]
fn exact(number: f64) -> Option<u64> {
    const EXACT_MAX: f64 = 9_007_199_254_740_991.0;
    (number.fract() == 0.0 && (0.0..=EXACT_MAX).contains(&number)).then_some(number as u64)
}

#[cfg(test)]
mod tests {
    use ssb_msg::json;

    use super::*;

    #[test]
    fn whole_numbers_are_numbers_or_their_digits() {
        let table = [
            ("5", Some(5)),
            ("\"08\"", Some(8)),
            ("1e3", Some(1000)),
            ("9007199254740991", Some(9_007_199_254_740_991)),
            ("9007199254740992", None),
            ("1e999", None),
            ("-1", None),
            ("1.5", None),
            ("\"\"", None),
            ("\"+5\"", None),
            ("\"99999999999999999999\"", None),
            ("true", None),
        ];
        for (text, expected) in table {
            assert_eq!(whole(&json::parse(text.as_bytes()).unwrap()), expected, "{text}");
        }
    }
}
