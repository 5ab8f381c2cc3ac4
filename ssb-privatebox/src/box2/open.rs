//! The side of the recipients.

use super::Opened;
use super::Place;
use super::ReadKey;
use super::RecipientKey;
use super::limits::BODY_LEN_MIN;
use super::limits::HEADER_LEN;
use super::limits::SLOT_LEN;

/// Opens a box that stands in `place`, if it is for one of the keys.
///
/// Returns `None` if it is for others, from another place, damaged, or no box at all, and never says which.
///
/// The keys are tried in their order: those of groups on the first slot, all others on the first
/// [`RECIPIENTS_MAX`](super::limits::RECIPIENTS_MAX). What the header says of where the body starts is believed. (ssb-box2
/// 7.5.0 tries its groups, then its own key, direct messages, and P.O. boxes.)
pub fn open<'a>(
    boxed: &[u8],
    place: &Place,
    keys: impl IntoIterator<Item = &'a RecipientKey>,
) -> Option<Opened> {
    let (header, rest) = boxed.split_first_chunk::<HEADER_LEN>()?;
    // No slot reaches into what is at least a body.
    let slots = rest.get(..rest.len().checked_sub(BODY_LEN_MIN)?)?;
    let (slots, _) = slots.as_chunks::<SLOT_LEN>();
    let key =
        keys.into_iter().find_map(|key| read_key(key, key.scheme().slots_tried(), header, slots, place))?;
    Some(Opened::new(key.open(boxed, place)?, key))
}

/// The read key, if one of the first slots is for this recipient.
pub(super) fn read_key(
    recipient: &RecipientKey,
    slots_tried: usize,
    header: &[u8; HEADER_LEN],
    slots: &[[u8; SLOT_LEN]],
    place: &Place,
) -> Option<ReadKey> {
    recipient.masks(place).find_map(|mask| {
        slots.iter().take(slots_tried).find_map(|slot| {
            let mut message_key = mask.clone();
            message_key.iter_mut().zip(slot).for_each(|(key, byte)| *key ^= byte);
            let key = ReadKey::of_message_key(&message_key, place);
            key.header(header, place).map(|_| key)
        })
    })
}

#[cfg(test)]
mod tests {
    use ssb_keys::FeedId;
    use ssb_keys::secretbox;
    use ssb_keys::secretbox::TAG_LEN;

    use super::super::key::Header;
    use super::super::limits::NONCE;
    use super::*;

    #[test]
    fn sixteen_slots_are_tried_wherever_the_body_starts() {
        let me = RecipientKey::oneself(&[1; 32]);

        for at in [1, 7, 8, 15] {
            let (boxed, plain) = slot_inside_the_body(at, 17, &me);
            assert_eq!(open(&boxed, &place(), [&me]).unwrap().plain(), plain, "slot {at}");
        }
        let (boxed, _) = slot_inside_the_body(16, 17, &me);
        assert!(open(&boxed, &place(), [&me]).is_none());
    }

    #[test]
    fn with_the_key_of_a_group_only_the_first_slot_is_tried() {
        let group = RecipientKey::group(&[1; 32]);
        let slots = [[0; 32], slot(&group)];

        assert!(open(&boxed(&[slot(&group), [0; 32]], 96, 0, b"x"), &place(), [&group]).is_some());
        assert!(open(&boxed(&slots, 96, 0, b"x"), &place(), [&group]).is_none());
    }

    #[test]
    fn a_slot_that_leaves_no_room_for_a_body_is_not_tried() {
        let me = RecipientKey::oneself(&[1; 32]);

        assert!(open(&slot_inside_the_body(1, 17, &me).0, &place(), [&me]).is_some());
        assert!(open(&slot_inside_the_body(1, 16, &me).0, &place(), [&me]).is_none());
    }

    #[test]
    fn where_the_body_starts_is_believed_but_for_what_is_behind_the_end() {
        let me = RecipientKey::oneself(&[1; 32]);
        let opens = |body_at, extension_len| {
            let boxed = boxed(&[slot(&me)], body_at, extension_len, b"x");
            open(&boxed, &place(), [&me]).map(|opened| opened.plain().to_vec())
        };

        assert_eq!(opens(64, 0).as_deref(), Some(b"x".as_slice()));
        assert_eq!(opens(64 + 100, 100).as_deref(), Some(b"x".as_slice()));
        // One byte off, less than a tag before the end, at the end, behind it, and as far as it goes.
        for lie in [0, 32, 63, 65, 66, 81, 82, u16::MAX] {
            assert_eq!(opens(lie, 0), None, "body at {lie}");
        }
    }

    /// A box of which the body starts at once, and one slot lies inside of it, followed by some bytes, made so that both are
    /// whole.
    fn slot_inside_the_body(at: usize, behind: usize, reader: &RecipientKey) -> (Vec<u8>, Vec<u8>) {
        let mut plain = alloc::vec![0; SLOT_LEN * (at + 1) - TAG_LEN + behind];
        let stream = body(&plain);
        let places = SLOT_LEN * at..SLOT_LEN * (at + 1);
        for (place, byte) in places.zip(slot(reader)) {
            plain[place - TAG_LEN] = stream[place] ^ byte;
        }
        (boxed(&[], 32, 0, &plain), plain)
    }

    fn boxed(slots: &[[u8; 32]], body_at: u16, extension_len: usize, plain: &[u8]) -> Vec<u8> {
        let header = Header { body_at }.seal(&key(), &place());
        let extension = alloc::vec![0; extension_len];
        [header.as_slice(), slots.as_flattened(), &extension, &body(plain)].concat()
    }

    fn slot(reader: &RecipientKey) -> [u8; SLOT_LEN] {
        let mut slot = *reader.mask(&place());
        slot.iter_mut().zip(MESSAGE_KEY).for_each(|(byte, key)| *byte ^= key);
        slot
    }

    fn body(plain: &[u8]) -> Vec<u8> {
        let mut text = plain.to_vec();
        let tag = secretbox::seal(&key().body_key(&place()), &NONCE, &mut text);
        [tag.as_slice(), &text].concat()
    }

    fn key() -> ReadKey {
        ReadKey::of_message_key(&MESSAGE_KEY, &place())
    }

    fn place() -> Place {
        Place::new(FeedId::from_bytes([7; 32]), None)
    }

    const MESSAGE_KEY: [u8; 32] = [5; 32];
}
