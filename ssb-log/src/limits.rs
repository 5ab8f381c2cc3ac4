//! How long and how many: every limit of the crate.

/// The longest body of a record in bytes.
///
/// A message has at most 8,192 UTF-16 units, so 24,576 bytes. The rest is room for a proof of a fork, which holds two.
pub const BODY_LEN_MAX: usize = 65_536;

/// The most bytes that may be written between two syncs.
///
/// What a crash may tear is no longer than this, so recovery need not look further, and whatever is broken for longer
/// is damage and not a torn tail.
pub const UNSYNCED_LEN_MAX: usize = 8 * 1024 * 1024;

/// The latest receive time in milliseconds since 1970 that is believed: JavaScript's last date.
///
/// Receive times only ever grow. One absurd clock reading must not use them up.
pub const RECEIVED_MAX: f64 = 8.64e15;
