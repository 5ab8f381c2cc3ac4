//! Channel names: one spelling for each.

use alloc::string::String;
use alloc::vec::Vec;

/// The most UTF-16 code units of a channel name (ssb-ref 2.16.0).
pub const CHANNEL_LEN_MAX: usize = 30;

/// The one spelling of a channel name: lower case, without white space and punctuation, cut to 30 UTF-16 units.
///
/// `None` if nothing is left. Rule: `normalizeChannel` of ssb-ref 2.16.0.
pub fn normalize(name: &str) -> Option<String> {
    let lower = name.to_lowercase();
    let kept = lower.chars().filter(|&c| !is_white_space(c) && !",.?!<>()[]\"#".contains(c));
    let kept: Vec<u16> = kept.collect::<String>().encode_utf16().take(CHANNEL_LEN_MAX).collect();
    (!kept.is_empty()).then(|| String::from_utf16_lossy(&kept))
}

// `\s` of JavaScript: Unicode's white space, with the byte-order mark and without NEL.
fn is_white_space(c: char) -> bool {
    c == '\u{feff}' || (c.is_whitespace() && c != '\u{85}')
}
