//! The key that two sides come to share, each out of its own secret key and the other's public one.
//!
//! ```text
//! HKDF-SHA-256(salt, X25519(mine, theirs), context ‖ first ‖ second)
//! side = type and format ‖ X25519 public key (32) ‖ type and format ‖ id (32)
//! ```
//!
//! Both sides have to agree which of them is the first. private-group-spec 8.1.0 orders them as bytes, and so do programs
//! that are not written in JavaScript. ssb-private-group-keys 1.1.2 orders them as the texts that they are as UTF-8, in
//! which whatever is no UTF-8 looks the same: for one pair of feeds in ten that is the other way round.

use alloc::string::String;
use core::cmp::Ordering;

use ssb_keys::FeedId;
use ssb_keys::bfe;
use ssb_keys::ephemeral::EphemeralPublicKey;
use ssb_keys::ephemeral::SharedSecret;
use ssb_keys::hash::sha256;
use ssb_keys::hkdf;
use zeroize::Zeroizing;

use super::PoBoxId;
use super::slp;

/// One of the two who share a key.
pub(super) struct Side(pub(super) [u8; 2 * bfe::LEN]);

impl Side {
    /// A feed, whose key is its own as X25519 has it.
    pub(super) fn of_feed(feed: FeedId, key: EphemeralPublicKey) -> Self {
        Self::new([3, 0], key.as_bytes(), [0, 0], feed.as_bytes())
    }

    pub(super) fn of_po_box(po_box: PoBoxId) -> Self {
        Self::new([3, 1], po_box.as_bytes(), [7, 0], po_box.as_bytes())
    }

    fn new(key_type: [u8; 2], key: &[u8; 32], id_type: [u8; 2], id: &[u8; 32]) -> Self {
        let mut side = [0; 2 * bfe::LEN];
        let parts = key_type.iter().chain(key).chain(&id_type).chain(id);
        side.iter_mut().zip(parts).for_each(|(to, from)| *to = *from);
        Self(side)
    }
}

/// The key to seal with, and the other one that may open.
pub(super) type Keys = (Zeroizing<[u8; 32]>, Option<Zeroizing<[u8; 32]>>);

/// What the key is for.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    DirectMessage,
    PoBox,
}

/// The key in the order in which JavaScript has the two sides, of which mine is named first; and the key in the other order, if
/// that is the specification's.
pub(super) fn keys(purpose: Purpose, secret: &SharedSecret, sides: [&Side; 2]) -> Keys {
    let [salt, context] = match purpose {
        Purpose::DirectMessage => ["envelope-dm-v1-extract-salt", "envelope-ssb-dm-v1/key"],
        Purpose::PoBox => ["envelope-pobox-v1-extract-salt", "envelope-ssb-pobox-v1/key"],
    };
    let key = |first: &Side, second: &Side| {
        let extracted = hkdf::extract(&sha256(salt.as_bytes()), secret.as_bytes());
        hkdf::expand(&extracted, &slp::encode([context.as_bytes(), &first.0, &second.0]))
    };
    let [mine, theirs] = sides;
    let order = as_javascript(&mine.0, &theirs.0);
    // Where JavaScript sees no difference, everybody comes first in their own eyes.
    let (first, second) = if order == Ordering::Greater { (theirs, mine) } else { (mine, theirs) };
    (key(first, second), (order != mine.0.cmp(&theirs.0)).then(|| key(second, first)))
}

/// As `Array.prototype.sort` of JavaScript has two buffers: as UTF-16, each decoded from UTF-8.
fn as_javascript(one: &[u8], other: &[u8]) -> Ordering {
    let [one, other] = [one, other].map(String::from_utf8_lossy);
    one.encode_utf16().cmp(other.encode_utf16())
}

#[cfg(test)]
mod tests {
    use ssb_keys::Keypair;
    use ssb_keys::ephemeral::EphemeralKeypair;

    use super::*;

    #[test]
    fn the_other_key_is_only_there_where_the_orders_differ() {
        let both = |mine: u8, theirs: u8| {
            let secret = Keypair::from_seed(&[1; 32]).share(&EphemeralKeypair::from_seed(&[2; 32]).public());
            let (mine, theirs) = (Side([mine; 2 * bfe::LEN]), Side([theirs; 2 * bfe::LEN]));
            let (key, other) = keys(Purpose::DirectMessage, &secret.unwrap(), [&mine, &theirs]);
            (*key, other.map(|other| *other))
        };

        // Of texts, both sides have the one key; of what is no text, each has both.
        assert_eq!(both(b'a', b'b'), both(b'b', b'a'));
        assert_eq!(both(b'a', b'b').1, None);
        let (mine, theirs) = (both(0xfe, 0xff), both(0xff, 0xfe));
        assert_ne!(mine.0, theirs.0);
        assert_eq!((mine.1, theirs.1), (Some(theirs.0), Some(mine.0)));
    }

    #[test]
    fn javascript_sees_text_where_the_specification_sees_bytes() {
        // U+FF5E is one unit, above the surrogates of U+1F600, of which the bytes are greater.
        let (low, high) = ("\u{ff5e}".as_bytes(), "\u{1f600}".as_bytes());

        assert!(low < high);
        assert_eq!(as_javascript(low, high), Ordering::Greater);
    }

    #[test]
    fn javascript_sees_no_difference_between_bytes_that_are_no_text() {
        assert_eq!(as_javascript(&[0xff], &[0xfe]), Ordering::Equal);
        // U+FFFD instead of the byte is above what the byte is below.
        assert_eq!(as_javascript(&[0x80], "\u{7ff}".as_bytes()), Ordering::Greater);
    }
}
