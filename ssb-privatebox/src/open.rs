//! The side of the recipients.

use ssb_keys::Keypair;
use ssb_keys::ephemeral::EphemeralPublicKey;
use ssb_keys::ephemeral::SharedSecret;
use ssb_keys::secretbox;
use ssb_keys::secretbox::TAG_LEN;
use zeroize::Zeroizing;

use crate::Opened;
use crate::ReadKey;
use crate::limits::HEADER_LEN;
use crate::limits::MANY_RECIPIENTS_MAX;
use crate::limits::NONCE_LEN;
use crate::limits::SLOT_LEN;

/// Opens a box, if it is for `me`.
///
/// Returns `None` if it is for others, damaged, or no box at all, and never says which.
///
/// The first slot that opens decides, and what it says of where the body starts is believed (private-box 0.3.1). That
/// package gives up after eight slots; here all that fit are tried, so that nobody for whom a box was sealed is left out.
pub fn open(boxed: &[u8], me: &Keypair) -> Option<Opened> {
    let (header, rest) = boxed.split_first_chunk::<HEADER_LEN>()?;
    let (nonce, one_time) = header.split_first_chunk::<NONCE_LEN>()?;
    let shared = me.share(&EphemeralPublicKey::from_bytes(*one_time.first_chunk()?)).ok()?;
    // No slot reaches into what is at least the tag of the body.
    let slots = rest.get(..rest.len().checked_sub(TAG_LEN)?)?;
    let (slots, _) = slots.as_chunks::<SLOT_LEN>();
    let key = slots
        .iter()
        .take(usize::from(MANY_RECIPIENTS_MAX))
        .find_map(|slot| open_slot(slot, nonce, &shared))?;
    Some(Opened::new(key.open(boxed)?, key))
}

fn open_slot(slot: &[u8; SLOT_LEN], nonce: &[u8; NONCE_LEN], shared: &SharedSecret) -> Option<ReadKey> {
    let (tag, text) = slot.split_first_chunk::<TAG_LEN>()?;
    let mut text = Zeroizing::new(*text.first_chunk()?);
    secretbox::open(shared.as_bytes(), nonce, text.as_mut_slice(), tag).ok()?;
    Some(ReadKey::from_bytes(text))
}
