//! The sizes of frames.

/// The length of a sealed header in bytes: a tag, and sealed in it the length and the tag of the body.
pub const HEADER_LEN: usize = 34;

/// The most bytes of a body that we send; longer writes become several frames (pull-box-stream 1.0.13).
pub const SENT_BODY_LEN_MAX: usize = 4096;

/// The most bytes of a body that we accept: all that 16 bits can say, because JavaScript accepts it and other
/// programs send it.
pub const BODY_LEN_MAX: usize = 65_535;
