//! Every limit of this crate, with its reason. The JavaScript sets none of them; its wire format allows 4 GiB a body.

/// The longest body a packet may announce, in bytes. Above it the connection ends.
///
/// The largest thing JavaScript peers send on purpose is the first clock of `ebt.replicate`, all feeds in one item:
/// at about 70 bytes a feed this has room for 120,000 of them.
pub const BODY_LEN_MAX: u32 = 8 * 1024 * 1024;

/// The longest answer or item that is buffered unless more was asked for, in bytes.
///
/// Blob chunks are 64 KiB and messages 8 KiB; the rest are results of queries.
pub const ITEM_LEN_MAX: u32 = 1024 * 1024;

/// The longest call that is buffered unless its method allows more, in bytes.
///
/// The largest usual argument is a message of at most 8,192 UTF-16 units.
pub const CALL_LEN_MAX: u32 = 64 * 1024;

/// The longest body of an error or of the end of a stream, in bytes. One that is longer ends its request all the same.
pub const END_LEN_MAX: u32 = 64 * 1024;

/// The longest message or name kept or sent of a [`RemoteError`](crate::RemoteError), in bytes; the rest is cut off.
///
/// JavaScript's longest errors quote a whole message's properties; nobody compares texts of this length.
pub const ERROR_TEXT_LEN_MAX: usize = 4096;

/// How many requests may be open in each direction.
///
/// Legacy replication opens one live `createHistoryStream` for every feed, thousands of them.
pub const OPEN_MAX: usize = 16_384;

/// Once more than this waits to be sent, [`Session::receive`](crate::Session::receive) takes nothing in, in bytes.
///
/// A peer that calls without reading its answers stops itself. Sources are pulled while far less is waiting.
pub const OUTBOX_LEN_MAX: usize = 256 * 1024;

/// A buffer that grew beyond this is freed as soon as it is empty, in bytes.
pub(crate) const KEPT_CAPACITY_MAX: usize = 128 * 1024;
