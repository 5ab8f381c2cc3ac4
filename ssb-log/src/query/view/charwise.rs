//! The order of JavaScript's indexes: keys as charwise 3.0.1 spells them, compared byte by byte.

use std::fmt::Write as _;

use thiserror::Error;

use super::super::language::Value;

/// Spells a key.
///
/// # Errors
///
/// [`NotAKey`] if there is an object in it.
pub(crate) fn encode(key: &[Value]) -> Result<String, NotAKey> {
    let mut out = String::new();
    push_array(key, &mut out)?;
    Ok(out)
}

/// There is an object where a key has none. The text is JavaScript's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("can only encode arrays")]
pub struct NotAKey;

fn push_array(items: &[Value], out: &mut String) -> Result<(), NotAKey> {
    out.push('K');
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            out.push('"');
        }
        match item {
            Value::Undefined => out.push('L'),
            Value::Null => out.push('A'),
            Value::Bool(false) => out.push('B'),
            Value::Bool(true) => out.push('C'),
            Value::Number(number) => push_number(*number, out),
            Value::Text(text) => push_text(&text.decode(), out),
            Value::Array(items) => push_array(items, out)?,
            Value::Object(_) => return Err(NotAKey),
        }
    }
    out.push('!');
    Ok(())
}

fn push_text(text: &str, out: &mut String) {
    out.push('J');
    let has_separator = text.contains(['!', '"']);
    let has_control = text.contains(['\0', '\u{1}']);
    for char in text.chars() {
        match char {
            '?' if has_separator => out.push_str("?@"),
            '!' => out.push_str("??"),
            '"' => out.push_str("?%"),
            '\u{1}' if has_control => out.push_str("\u{1}\u{1}"),
            '\0' => out.push('\u{1}'),
            _ => out.push(char),
        }
    }
}

/// The exponent, then the digits, each of a negative number less the smaller it is.
fn push_number(number: f64, out: &mut String) {
    if number.is_nan() {
        return out.push_str("DaN");
    }
    if number == 0.0 {
        return out.push_str("FE  0M0");
    }
    if number.is_infinite() {
        return out.push_str(if number > 0.0 { "FF" } else { "DD" });
    }
    let scientific = format!("{:e}", number.abs());
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent = exponent.parse().unwrap_or(0) + EXPONENT_OFFSET;
    let dot = if digits.contains('.') { "" } else { "." };
    let start = out.len() + 1;
    let sign = if number > 0.0 { 'F' } else { 'D' };
    write!(out, "{sign}E{exponent:>3}M{digits}{dot}{}", "0".repeat(DIGITS_ADDED))
        .expect("a string takes all");
    if number < 0.0 {
        let flipped: String = out.split_off(start).chars().map(flip).collect();
        out.push_str(&flipped);
    }
}

fn flip(char: char) -> char {
    let digit = char.to_digit(10).and_then(|digit| char::from_digit(9 - digit, 10));
    digit.unwrap_or(char)
}

/// Makes all exponents positive.
const EXPONENT_OFFSET: i32 = 500;

/// More than a number has.
const DIGITS_ADDED: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_spelled_as_charwise_spells_them() {
        let n = Value::Number;
        let t = Value::text;
        // Made by charwise 3.0.1.
        for (key, spelled) in [
            (vec![], "K!"),
            (vec![Value::Null, Value::Undefined, Value::Bool(true), Value::Bool(false)], "KA\"L\"C\"B!"),
            (vec![n(0.0), n(-0.0)], "KFE  0M0\"FE  0M0!"),
            (vec![n(1.0)], "KFE500M1.00000000000000000000!"),
            (vec![n(-12.5)], "KDE498M8.7499999999999999999999!"),
            (vec![n(1_491_901_740_000.25)], "KFE512M1.4919017400002500000000000000000000!"),
            (vec![n(5e-324)], "KFE176M5.00000000000000000000!"),
            (vec![n(f64::INFINITY), n(f64::NEG_INFINITY), n(f64::NAN)], "KFF\"DD\"DaN!"),
            (vec![t(""), t("a?"), t("a?!\"")], "KJ\"Ja?\"Ja?@???%!"),
            (vec![t("\0\u{1}")], "KJ\u{1}\u{1}\u{1}!"),
            (
                vec![Value::Array(vec![t("vote"), n(1.0)]), Value::Array(vec![])],
                "KKJvote\"FE500M1.00000000000000000000!\"K!!",
            ),
        ] {
            assert_eq!(encode(&key).as_deref(), Ok(spelled), "{key:?}");
        }
        assert_eq!(encode(&[Value::Array(vec![Value::Object(vec![])])]), Err(NotAKey));
    }
}
