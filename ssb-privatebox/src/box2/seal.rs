//! The side of the sender.

use alloc::vec::Vec;

use ssb_keys::secretbox;
use ssb_keys::secretbox::TAG_LEN;

use super::Place;
use super::ReadKey;
use super::RecipientKey;
use super::Scheme;
use super::SealError;
use super::key::Header;
use super::limits::HEADER_LEN;
use super::limits::NONCE;
use super::limits::OVERHEAD_LEN;
use super::limits::RECIPIENTS_MAX;
use super::limits::SLOT_LEN;

/// Seals `plain` for up to [`RECIPIENTS_MAX`] recipients, in this order; a group comes first.
///
/// `message_key` is 32 fresh random bytes, which never seal a second text: all of a box follows from them.
///
/// # Errors
///
/// [`SealError`] if there is no text, if there are no recipients or too many, or a group behind another recipient, or if the
/// message key is all zeros.
pub fn seal(
    plain: &[u8],
    place: &Place,
    recipients: &[RecipientKey],
    message_key: &[u8; 32],
) -> Result<Vec<u8>, SealError> {
    if plain.is_empty() {
        return Err(SealError::NoText);
    }
    if recipients.is_empty() {
        return Err(SealError::NoRecipients);
    }
    if recipients.len() > RECIPIENTS_MAX {
        return Err(SealError::TooManyRecipients { count: recipients.len(), max: RECIPIENTS_MAX });
    }
    let is_group = |recipient: &RecipientKey| recipient.scheme() == Scheme::Group;
    if let Some(behind) = recipients.iter().skip(1).position(is_group) {
        return Err(SealError::MisplacedGroup { at: behind + 1 });
    }
    if message_key.iter().fold(0, |all, byte| all | byte) == 0 {
        return Err(SealError::ZeroKey);
    }
    Ok(seal_for_any(plain, place, recipients, message_key))
}

/// Seals for whomever, however many, in any order.
pub(super) fn seal_for_any(
    plain: &[u8],
    place: &Place,
    recipients: &[RecipientKey],
    message_key: &[u8; 32],
) -> Vec<u8> {
    let key = ReadKey::of_message_key(message_key, place);
    let body_at = HEADER_LEN + SLOT_LEN * recipients.len();
    let header = Header { body_at: u16::try_from(body_at).expect("recipients are few") };
    // Of this capacity, so that nothing is moved and left behind before it is sealed.
    let mut boxed = Vec::with_capacity(OVERHEAD_LEN + SLOT_LEN * recipients.len() + plain.len());
    boxed.extend_from_slice(&header.seal(&key, place));
    for recipient in recipients {
        let mask = recipient.mask(place);
        boxed.extend(message_key.iter().zip(mask.iter()).map(|(key, byte)| key ^ byte));
    }
    boxed.extend_from_slice(&[0; TAG_LEN]);
    boxed.extend_from_slice(plain);
    let (tag, text) = boxed
        .get_mut(body_at..)
        .and_then(|body| body.split_first_chunk_mut::<TAG_LEN>())
        .expect("just appended");
    *tag = secretbox::seal(&key.body_key(place), &NONCE, text);
    boxed
}
