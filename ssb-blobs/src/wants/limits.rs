//! How much and for how long: every limit of the machine.

use core::time::Duration;

/// The most connections away from which a blob is asked for unless told otherwise (`blobs.sympathy`, ssb-blobs 1.2.2): one that
/// is wanted from farther away is answered for, and not asked for.
pub const SYMPATHY: u8 = 3;

/// How many peers have a pushed blob before it is pushed no longer, unless told otherwise (`blobs.pushy`, ssb-blobs 1.2.2).
pub const PUSHY: usize = 3;

/// The most bytes that are taken for others on behalf of one peer in a [`DAY`] unless told otherwise: twenty of the largest blobs.
pub const PEER_LEN_PER_DAY: u64 = 100 * 1024 * 1024;

/// The most bytes that are taken for others in a [`DAY`] unless told otherwise.
pub const FOREIGN_LEN_PER_DAY: u64 = 1024 * 1024 * 1024;

/// For so long bytes and wants are counted together, from the first one on.
pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The most that the owner wants at a time: as many calls as one connection can have open.
pub const OWN_WANTS_MAX: usize = 16_384;

/// The most blobs that are pushed at a time. Each is named to each peer at the start of a connection.
pub const PUSHES_MAX: usize = 1024;

/// The most of what a peer wants that is remembered, so that it hears when that comes: what is wanted from nearest. Of what it wants
/// beyond, it hears what is here at the time.
pub const WANTED_PER_PEER_MAX: usize = 4096;

/// The most of what a peer says that it has that is remembered. If it has more of what is wanted here, it is asked again when there
/// is room.
pub const HELD_PER_PEER_MAX: usize = 4096;

/// The most that others are asked for at a time on behalf of one peer that wants it itself.
pub const ADOPTED_PER_PEER_MAX: usize = 512;

/// The most that others are asked for at a time on behalf of one peer that passes on what others beyond it want: as much as four of
/// those may want, so that one of them who wants too much leaves something for the rest.
pub const PASSED_ON_PER_PEER_MAX: usize = 4 * ADOPTED_PER_PEER_MAX;

/// The most of both that others are asked for on behalf of one peer in a [`DAY`].
pub const ADOPTED_PER_DAY_MAX: u32 = 4096;

/// The most that others are asked for on behalf of all peers at a time.
pub const ADOPTED_MAX: usize = 16_384;

/// The most peers on whose behalf others are asked for anything in a [`DAY`].
pub const ACCOUNTS_MAX: usize = 4096;

/// For so long it is remembered what a peer wants that has gone.
pub const REMEMBERED_FOR: Duration = DAY;

/// The most downloads at a time.
pub const FETCHES_MAX: usize = 128;

/// The most of them over one connection.
pub const FETCHES_PER_PEER_MAX: usize = 4;

/// How often a download is looked at.
pub const STALLED_AFTER: Duration = Duration::from_secs(60);

/// How many bytes have to come meanwhile, unless it ends: JavaScript sends pieces of as many. Where nobody else has the blob, those of
/// all downloads over the connection count together.
pub const PROGRESS_MIN: u64 = 64 * 1024;

/// For so long a peer is not asked again for a blob that it refused, or was too slow with.
pub const RETRY_AFTER: Duration = Duration::from_secs(2 * 60);

/// How many such peers and blobs are remembered.
pub const SET_BACK_MAX: usize = 4096;

/// For so long nothing is asked of a peer that sent something else than it said.
pub const DOUBTED_FOR: Duration = Duration::from_secs(60 * 60);

/// How many such peers are remembered.
pub const DOUBTED_MAX: usize = 4096;

/// For so long nothing is asked of anybody after something could not be written.
pub const DISK_PAUSE: Duration = Duration::from_secs(60);

/// For so long a blob that was removed is not asked for on behalf of peers.
pub const REMOVED_FOR: Duration = DAY;

/// How many such blobs are remembered.
pub const REMOVED_MAX: usize = 16_384;

/// The most entries of one item that are looked at; the rest of it is passed over.
pub const ENTRIES_MAX: usize = 65_536;
