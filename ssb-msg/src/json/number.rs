//! Numbers as ECMA-262 Number::toString prints them.

use alloc::string::String;

/// Appends what `JSON.stringify` makes of a number.
pub(crate) fn write(number: f64, out: &mut String) {
    if number.is_finite() {
        out.push_str(ryu_js::Buffer::new().format_finite(number));
    } else {
        out.push_str("null");
    }
}

/// Whether a number would be printed with exactly these characters.
pub(crate) fn is_canonical(text: &str) -> bool {
    if is_short_integer(text) {
        return true;
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => ryu_js::Buffer::new().format_finite(number) == text,
        _ => false,
    }
}

/// Up to 15 digits are exact in an `f64` and print as they stand.
fn is_short_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
    match digits {
        [b'1'..=b'9', rest @ ..] => rest.len() < 15 && rest.iter().all(u8::is_ascii_digit),
        // Not "-0", which prints as "0".
        [b'0'] => text.len() == 1,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(number: f64) -> String {
        let mut out = String::new();
        write(number, &mut out);
        out
    }

    #[test]
    fn the_decimal_point_moves_at_the_exponents_of_ecmascript() {
        assert_eq!(printed(1e20), "100000000000000000000");
        assert_eq!(printed(1e21), "1e+21");
        assert_eq!(printed(1e-6), "0.000001");
        assert_eq!(printed(1e-7), "1e-7");
        assert_eq!(printed(123456789012345680000.0), "123456789012345680000");
    }

    #[test]
    fn what_has_no_number_is_null_and_zero_has_no_sign() {
        assert_eq!(printed(f64::INFINITY), "null");
        assert_eq!(printed(f64::NEG_INFINITY), "null");
        assert_eq!(printed(f64::NAN), "null");
        assert_eq!(printed(-0.0), "0");
    }

    #[test]
    fn only_the_printed_spelling_is_canonical() {
        for text in ["0", "-1", "999999999999999", "9007199254740992", "1.5", "1e+21", "5e-324", "-0.25"] {
            assert!(is_canonical(text), "{text}");
        }
        for text in
            ["-0", "01", "1.0", "1e21", "9007199254740993", "1E+21", "1e999", "", "-", "inf", "+1", ".5"]
        {
            assert!(!is_canonical(text), "{text}");
        }
    }
}
