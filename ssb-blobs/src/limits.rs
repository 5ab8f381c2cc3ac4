//! How long and how many: every limit of the crate.

/// The largest blob that is fetched from others unless told otherwise, in bytes (ssb-blobs 1.2.2): one must be smaller.
pub const FETCHED_LEN_MAX: u64 = 5 * 1024 * 1024;

/// The most bytes that are read of a blob at once, as JavaScript reads files.
pub const PIECE_LEN: usize = 64 * 1024;

/// What a blob counts at least, in bytes: a file takes a block of the disk, and the store remembers something of it, however
/// short it is.
pub const ROOM_MIN: u64 = 4 * 1024;

/// The most blobs that one [`Plan`](crate::quota::Plan) lets go. What has to go beyond is found by the next one.
pub const GOING_MAX: usize = 16_384;
