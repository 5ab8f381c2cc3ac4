//! The sizes of a box2.
//!
//! ```text
//! header     32 bytes  secretbox(header key, u16 where the body starts ‖ flags ‖ 13 bytes)
//! slot       32  × n   message key XOR what follows from a recipient's key, for each recipient
//! extension  …         of which there is none yet
//! body   16 + …        secretbox(body key, plain)
//!
//! message key ─► read key ─┬► header key          every nonce is zero: no key is used twice
//!                          └► body key
//! ```

use ssb_keys::secretbox::TAG_LEN;

/// The most recipients of a box, and the most slots that are tried (private-group-spec 8.1.0).
pub const RECIPIENTS_MAX: usize = 16;

/// What a box takes in bytes, but for its recipients and its text: the header, and the tag of the body.
pub const OVERHEAD_LEN: usize = HEADER_LEN + TAG_LEN;

/// What each recipient adds to a box in bytes.
pub const SLOT_LEN: usize = 32;

/// The tag of the header, and what it says.
pub(crate) const HEADER_LEN: usize = TAG_LEN + 16;

/// The shortest body: its tag, and a text of one byte.
pub(crate) const BODY_LEN_MIN: usize = TAG_LEN + 1;

/// Every key in here seals one text.
pub(crate) const NONCE: [u8; 24] = [0; 24];
