//! How long, deep and many: every limit of the crate.

/// The most UTF-16 code units the signing form of a message, signature included, may have (ssb-validate 4.1.4).
pub const UNITS_MAX: usize = 8192;

/// The longest text in bytes that [`Unverified::parse`](crate::unverified::Unverified::parse) and
/// [`json::parse`](crate::json::parse) look at; 64 KiB.
///
/// JSON has no longest spelling of a value: white space, digits and repeated keys have no end. What JavaScript
/// sends is `JSON.stringify` of the value, at most three bytes for each of [`UNITS_MAX`] units, 24 KiB. A writer
/// that escapes every single unit as `\uXXXX` needs six, 48 KiB. The rest is room for white space.
pub const WIRE_LEN_MAX: usize = 65_536;

/// How deep arrays and objects may nest in JSON.
///
/// V8 has no limit. In a message the indentation alone reaches [`UNITS_MAX`] before depth 64, so no valid
/// message comes near this.
pub const DEPTH_MAX: usize = 256;

/// The fewest UTF-16 code units of a content's `type` (ssb-validate 4.1.4).
pub const TYPE_UNITS_MIN: usize = 3;

/// The most UTF-16 code units of a content's `type` (ssb-validate 4.1.4).
pub const TYPE_UNITS_MAX: usize = 52;

/// The last sequence number of a feed: JavaScript checks sequences with `~~n`, which is 32 bits wide.
pub const SEQUENCE_MAX: u32 = 0x7fff_ffff;
