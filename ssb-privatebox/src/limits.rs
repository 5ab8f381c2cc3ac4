//! The sizes of a box.
//!
//! ```text
//! nonce     24 bytes  of every secret box in here
//! one-time  32        X25519 public key, made for this box
//! slot      49  × n   secretbox(nonce, what recipient and one-time key share, u8 n ‖ body key), for each recipient
//! body   16 + …       secretbox(nonce, body key, plain)
//! ```

use ssb_keys::secretbox::TAG_LEN;

/// The most recipients of a box that all programs open for all of them (ssb-keys 8.5.0).
pub const RECIPIENTS_MAX: u8 = 7;

/// The most recipients that the format can count, and the most slots that are tried.
pub const MANY_RECIPIENTS_MAX: u8 = 255;

/// What a box takes in bytes, but for its recipients and its text: nonce, one-time key, and the tag of the body.
pub const OVERHEAD_LEN: usize = HEADER_LEN + TAG_LEN;

/// What each recipient adds to a box in bytes: a tag, the count of slots, and the body key.
pub const SLOT_LEN: usize = TAG_LEN + KEY_LEN;

/// The nonce.
pub(crate) const NONCE_LEN: usize = 24;

/// The nonce and the one-time key.
pub(crate) const HEADER_LEN: usize = NONCE_LEN + 32;

/// What a slot holds, in bytes: the count of slots, and the key of the body.
pub const KEY_LEN: usize = 1 + 32;
