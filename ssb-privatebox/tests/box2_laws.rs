//! What holds for all inputs of box2.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail tests")]

use proptest::prelude::*;
use ssb_keys::FeedId;
use ssb_keys::Keypair;
use ssb_keys::MessageId;
use ssb_privatebox::box2::Place;
use ssb_privatebox::box2::PoBox;
use ssb_privatebox::box2::ReadKey;
use ssb_privatebox::box2::RecipientKey;
use ssb_privatebox::box2::limits::OVERHEAD_LEN;
use ssb_privatebox::box2::limits::SLOT_LEN;
use ssb_privatebox::box2::open;
use ssb_privatebox::box2::seal;
use ssb_privatebox::box2::text;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_recipient_opens_a_box_and_nobody_else_does(plain in text(), who in people(), key in message_key()) {
        let boxed = seal(&plain, &place(), &senders_keys(&who), &key).unwrap();

        prop_assert_eq!(boxed.len(), OVERHEAD_LEN + SLOT_LEN * who.len() + plain.len());
        for one in 0..PEOPLE {
            let opened = open(&boxed, &place(), [&readers_key(one)]).map(|opened| opened.into_plain().to_vec());
            prop_assert_eq!(opened, who.contains(&one).then(|| plain.clone()), "recipient {}", one);
        }
    }

    #[test]
    fn whoever_has_the_key_of_a_recipient_among_others_opens_a_box(
        who in people(), keys in prop::collection::vec(0..PEOPLE, 0..6)
    ) {
        let boxed = seal(b"x", &place(), &senders_keys(&who), &[1; 32]).unwrap();

        let trial: Vec<RecipientKey> = keys.iter().copied().map(readers_key).collect();

        prop_assert_eq!(open(&boxed, &place(), &trial).is_some(), keys.iter().any(|one| who.contains(one)));
    }

    #[test]
    fn a_box_opens_in_its_place_only(who in people(), author: [u8; 32], previous: Option<[u8; 32]>) {
        let boxed = seal(b"x", &place(), &senders_keys(&who), &[1; 32]).unwrap();
        let key = open(&boxed, &place(), [&readers_key(who[0])]).unwrap();

        let (author, previous) = (FeedId::from_bytes(author), previous.map(MessageId::from_bytes));
        for elsewhere in [Place::new(author, Some(PREVIOUS)), Place::new(me().id(), previous), Place::new(author, None)] {
            prop_assert!(open(&boxed, &elsewhere, &who.iter().copied().map(readers_key).collect::<Vec<_>>()).is_none());
            prop_assert!(key.key().open(&boxed, &elsewhere).is_none());
        }
    }

    #[test]
    fn the_text_of_a_box_opens_as_the_box_does(plain in text(), who in people()) {
        let content = text::seal(&plain, &place(), &senders_keys(&who), &[1; 32]).unwrap();

        prop_assert_eq!(text::decode(&content), seal(&plain, &place(), &senders_keys(&who), &[1; 32]).ok());
        for one in 0..PEOPLE {
            let opened = text::open(&content, &place(), [&readers_key(one)]);
            prop_assert_eq!(opened.map(|opened| opened.into_plain().to_vec()), who.contains(&one).then(|| plain.clone()));
        }
    }

    #[test]
    fn the_read_key_opens_its_box_and_no_other(plain in text(), one in message_key(), other in message_key()) {
        prop_assume!(one != other);
        let boxed = seal(&plain, &place(), &senders_keys(&[1, 2]), &one).unwrap();
        let another = seal(&plain, &place(), &senders_keys(&[1, 2]), &other).unwrap();

        let opened = open(&boxed, &place(), [&readers_key(1)]).unwrap();
        let key = ReadKey::parse(&opened.key().to_text()).unwrap();

        prop_assert_eq!(key.open(&boxed, &place()).map(|opened| opened.to_vec()), Some(plain));
        prop_assert!(key.open(&another, &place()).is_none());
    }

    #[test]
    fn noise_opens_for_nobody(noise in prop::collection::vec(any::<u8>(), 0..900), text: String, key: [u8; 32]) {
        let keys: Vec<RecipientKey> = (0..PEOPLE).map(readers_key).collect();

        prop_assert!(open(&noise, &place(), &keys).is_none());
        prop_assert!(text::open(&text, &place(), &keys).is_none());
        prop_assert!(text::open(&text::encode(&noise), &place(), &keys).is_none());
        prop_assert!(ReadKey::parse(&ssb_keys::base64::encode(&key)).unwrap().open(&noise, &place()).is_none());
    }

    #[test]
    fn both_sides_come_to_the_same_key(one: [u8; 32], other: [u8; 32]) {
        let (a, b) = (Keypair::from_seed(&one), Keypair::from_seed(&other));
        let po_box = PoBox::from_secret(&other);
        let place = Place::new(a.id(), None);
        for (sender, reader) in [
            (RecipientKey::direct(&a, b.id()), RecipientKey::direct(&b, a.id())),
            (RecipientKey::announced(&a, b.id()), RecipientKey::announced(&b, a.id())),
            (RecipientKey::to_po_box(&a, po_box.id()), RecipientKey::in_po_box(&po_box, a.id())),
        ] {
            let boxed = seal(b"x", &place, &[sender.unwrap()], &[1; 32]).unwrap();
            prop_assert!(open(&boxed, &place, [&reader.unwrap()]).is_some());
        }
    }
}

#[test]
fn a_box_that_ends_anywhere_else_opens_for_nobody() {
    let boxed = seal(b"hello", &place(), &senders_keys(&[1, 2]), &[7; 32]).unwrap();
    let key = open(&boxed, &place(), [&readers_key(1)]).unwrap();

    let longer = (0..60).map(|more| [boxed.as_slice(), &[0; 60][..=more]].concat());
    for changed in (0..boxed.len()).map(|len| boxed[..len].to_vec()).chain(longer) {
        for one in [1, 2] {
            assert!(open(&changed, &place(), [&readers_key(one)]).is_none(), "{} bytes", changed.len());
        }
        assert!(key.key().open(&changed, &place()).is_none(), "{} bytes", changed.len());
    }
}

#[test]
fn an_altered_bit_locks_out_whom_it_concerns() {
    let boxed = seal(b"hello", &place(), &senders_keys(&[1, 2]), &[7; 32]).unwrap();

    for bit in 0..boxed.len() * 8 {
        let mut altered = boxed.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        for (one, other_slot) in [(1, 64..96), (2, 32..64)] {
            let plain = open(&altered, &place(), [&readers_key(one)]).map(|opened| opened.plain().to_vec());
            let concerned = !other_slot.contains(&(bit / 8));
            assert_eq!(plain, (!concerned).then(|| b"hello".to_vec()), "bit {bit}, recipient {one}");
        }
    }
}

#[test]
fn the_same_key_of_another_kind_opens_nothing() {
    let (group, oneself) = (RecipientKey::group(&[1; 32]), RecipientKey::oneself(&[1; 32]));

    let boxed = seal(b"x", &place(), std::slice::from_ref(&group), &[7; 32]).unwrap();

    assert!(open(&boxed, &place(), [&oneself]).is_none());
    assert!(open(&boxed, &place(), [&group]).is_some());
}

/// The keys with which I seal for people. The first of all is a group.
fn senders_keys(who: &[u8]) -> Vec<RecipientKey> {
    who.iter().map(|&number| key_of(number, Side::Sender)).collect()
}

/// The key by which somebody finds their slot.
fn readers_key(number: u8) -> RecipientKey {
    key_of(number, Side::Reader)
}

enum Side {
    Sender,
    Reader,
}

fn key_of(number: u8, side: Side) -> RecipientKey {
    let seed = [100 + number; 32];
    let (other, po_box) = (Keypair::from_seed(&seed), PoBox::from_secret(&seed));
    match (number, number % 4, side) {
        (0, ..) => RecipientKey::group(&seed),
        (_, 0, _) => RecipientKey::oneself(&seed),
        (_, 1, Side::Sender) => RecipientKey::direct(&me(), other.id()).unwrap(),
        (_, 1, Side::Reader) => RecipientKey::direct(&other, me().id()).unwrap(),
        (_, 2, Side::Sender) => RecipientKey::announced(&me(), other.id()).unwrap(),
        (_, 2, Side::Reader) => RecipientKey::announced(&other, me().id()).unwrap(),
        (_, _, Side::Sender) => RecipientKey::to_po_box(&me(), po_box.id()).unwrap(),
        (_, _, Side::Reader) => RecipientKey::in_po_box(&po_box, me().id()).unwrap(),
    }
}

/// One to sixteen people, of whom a group can only be the first.
fn people() -> impl Strategy<Value = Vec<u8>> {
    (any::<bool>(), prop::collection::vec(1..PEOPLE, 1..16)).prop_map(|(with_group, mut who)| {
        if with_group {
            who.insert(0, 0);
        }
        who
    })
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 1..200)
}

fn message_key() -> impl Strategy<Value = [u8; 32]> {
    any::<[u8; 32]>().prop_filter("random", |key| *key != [0; 32])
}

fn me() -> Keypair {
    Keypair::from_seed(&[1; 32])
}

fn place() -> Place {
    Place::new(me().id(), Some(PREVIOUS))
}

const PEOPLE: u8 = 12;
const PREVIOUS: MessageId = MessageId::from_bytes([2; 32]);
