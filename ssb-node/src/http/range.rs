//! Which part of something is asked for (RFC 9110, section 14).

use std::ops::Range;

/// What a `Range` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Everything; also if it asks for several parts, or is none that means anything: a server need not know them.
    All,
    /// These bytes, at least one.
    Of(Range<u64>),
    /// Nothing that there is.
    None,
}

/// What a `Range` asks for of something with so many bytes.
pub(crate) fn part(range: Option<&str>, len: u64) -> Part {
    let Some(bounds) = range.and_then(|range| range.strip_prefix("bytes=")) else { return Part::All };
    let Some((first, last)) = bounds.trim().split_once('-') else { return Part::All };
    let range = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(len),
        (Some(first), None) if last.is_empty() => first..len,
        (None, Some(last)) if first.is_empty() => len.saturating_sub(last)..len,
        _ => return Part::All,
    };
    if range.is_empty() { Part::None } else { Part::Of(range) }
}

fn number(digits: &str) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    // More digits than any length has are a very large number.
    is_number.then(|| digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_two_ends_or_one() {
        for (range, expected) in [
            ("bytes=0-0", Part::Of(0..1)),
            ("bytes=2-4", Part::Of(2..5)),
            ("bytes=2-", Part::Of(2..10)),
            ("bytes=-3", Part::Of(7..10)),
            ("bytes=-30", Part::Of(0..10)),
            ("bytes=5-99999999999999999999999", Part::Of(5..10)),
            ("bytes= 2-4 ", Part::Of(2..5)),
        ] {
            assert_eq!(part(Some(range), 10), expected, "{range}");
        }
    }

    #[test]
    fn what_is_behind_the_end_is_not_there() {
        for range in ["bytes=10-", "bytes=10-11", "bytes=99999999999999999999999-", "bytes=-0"] {
            assert_eq!(part(Some(range), 10), Part::None, "{range}");
        }
        assert_eq!(part(Some("bytes=-5"), 0), Part::None);
    }

    #[test]
    fn what_means_nothing_asks_for_everything() {
        for range in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=4-2",
            "bytes=a-b",
            "bytes=+1-2",
            "items=0-1",
            "bytes=0-1,3-4",
        ] {
            assert_eq!(part(Some(range), 10), Part::All, "{range}");
        }
        assert_eq!(part(None, 10), Part::All);
    }
}
