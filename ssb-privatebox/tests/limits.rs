//! How many a box can be for, and what of a box is believed.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "helpers of tests fail tests")]

use ssb_keys::FeedId;
use ssb_keys::Keypair;
use ssb_keys::ephemeral::EphemeralKeypair;
use ssb_keys::secretbox;
use ssb_privatebox::SealError;
use ssb_privatebox::limits::SLOT_LEN;
use ssb_privatebox::open;
use ssb_privatebox::seal;
use ssb_privatebox::seal_for_many;
use ssb_privatebox::text;

#[test]
fn a_box_for_nobody_is_not_made() {
    assert_eq!(seal(b"x", &[], &SEED), Err(SealError::NoRecipients));
    assert_eq!(seal_for_many(b"x", &[], &SEED), Err(SealError::NoRecipients));
    assert_eq!(text::seal(b"x", &[], &SEED), Err(SealError::NoRecipients));
}

#[test]
fn seven_may_read_a_message_and_eight_may_not() {
    let people = people(8);

    let boxed = seal(b"x", &people.ids[..7], &SEED).unwrap();

    assert!(people.keys[..7].iter().all(|one| open(&boxed, one).is_some()));
    assert_eq!(seal(b"x", &people.ids, &SEED), Err(SealError::TooManyRecipients { count: 8, max: 7 }));
    assert_eq!(text::seal(b"x", &people.ids, &SEED), Err(SealError::TooManyRecipients { count: 8, max: 7 }));
}

#[test]
fn many_are_as_many_as_a_byte_can_count() {
    let people = people(256);

    let boxed = seal_for_many(b"x", &people.ids[..255], &SEED).unwrap();

    for (at, one) in people.keys[..255].iter().enumerate() {
        assert_eq!(open(&boxed, one).unwrap().plain(), b"x", "recipient {at}");
    }
    assert!(open(&boxed, &people.keys[255]).is_none());
    let refused = seal_for_many(b"x", &people.ids, &SEED);
    assert_eq!(refused, Err(SealError::TooManyRecipients { count: 256, max: 255 }));
}

#[test]
fn nothing_is_a_text_too() {
    let people = people(1);

    let boxed = seal(b"", &people.ids, &SEED).unwrap();

    assert_eq!(open(&boxed, &people.keys[0]).unwrap().plain(), b"");
}

#[test]
fn an_id_that_is_no_key_is_named() {
    let nobody = FeedId::from_bytes([0; 32]);
    let ids = [people(1).ids[0], nobody];

    assert_eq!(seal(b"x", &ids, &SEED), Err(SealError::WeakKey { id: nobody }));
}

#[test]
fn a_one_time_key_of_low_order_opens_for_nobody() {
    let people = people(1);
    let mut boxed = seal(b"x", &people.ids, &SEED).unwrap();

    boxed[24..56].fill(0);

    assert!(open(&boxed, &people.keys[0]).is_none());
}

#[test]
fn two_hundred_and_fifty_five_slots_are_tried_wherever_the_body_starts() {
    let me = &people(1).keys[0];

    for at in [1, 7, 8, 254] {
        let (boxed, plain) = slot_inside_the_body(at, 16, me);
        assert_eq!(open(&boxed, me).unwrap().plain(), plain, "slot {at}");
    }
    let (boxed, _) = slot_inside_the_body(255, 16, me);
    assert!(open(&boxed, me).is_none());
}

#[test]
fn a_slot_that_leaves_no_room_for_a_body_is_not_tried() {
    let me = &people(1).keys[0];

    assert!(open(&slot_inside_the_body(1, 16, me).0, me).is_some());
    assert!(open(&slot_inside_the_body(1, 15, me).0, me).is_none());
}

#[test]
fn the_first_slot_that_opens_decides() {
    let me = &people(1).keys[0];
    let one_time = EphemeralKeypair::from_seed(&SEED);
    let shared = one_time.share_with_feed(&me.id()).unwrap();
    let slot = |count: u8| secret_box(shared.as_bytes(), &[&[count], BODY_KEY.as_slice()].concat());
    let with_slots = |first, second| {
        let header = [NONCE.as_slice(), one_time.public().as_bytes()].concat();
        [header, slot(first), slot(second), secret_box(&BODY_KEY, b"x")].concat()
    };

    assert!(open(&with_slots(2, 1), me).is_some());
    assert!(open(&with_slots(1, 2), me).is_none());
}

/// A box that claims to have no slots, and has one inside of its body, followed by some bytes, made so that both are whole.
fn slot_inside_the_body(at: usize, behind: usize, reader: &Keypair) -> (Vec<u8>, Vec<u8>) {
    let one_time = EphemeralKeypair::from_seed(&SEED);
    let shared = one_time.share_with_feed(&reader.id()).unwrap();
    let slot = secret_box(shared.as_bytes(), &[&[0], BODY_KEY.as_slice()].concat());
    let mut plain = vec![0; SLOT_LEN * (at + 1) - secretbox::TAG_LEN + behind];
    let stream = secret_box(&BODY_KEY, &plain);
    let places = SLOT_LEN * at..SLOT_LEN * (at + 1);
    for (place, byte) in places.zip(slot) {
        plain[place - secretbox::TAG_LEN] = stream[place] ^ byte;
    }
    let body = secret_box(&BODY_KEY, &plain);
    ([NONCE.as_slice(), one_time.public().as_bytes(), &body].concat(), plain)
}

fn secret_box(key: &[u8; 32], text: &[u8]) -> Vec<u8> {
    let mut sealed = text.to_vec();
    let tag = secretbox::seal(key, &NONCE, &mut sealed);
    [tag.as_slice(), &sealed].concat()
}

struct People {
    keys: Vec<Keypair>,
    ids: Vec<FeedId>,
}

fn people(count: u16) -> People {
    let person = |number: u16| {
        let mut seed = SEED;
        seed[..2].copy_from_slice(&number.to_be_bytes());
        Keypair::from_seed(&seed)
    };
    let keys: Vec<Keypair> = (0..count).map(person).collect();
    let ids = keys.iter().map(Keypair::id).collect();
    People { keys, ids }
}

const SEED: [u8; 32] = [0x5e; 32];
const NONCE: [u8; 24] = [3; 24];
const BODY_KEY: [u8; 32] = [4; 32];
