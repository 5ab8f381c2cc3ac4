//! What holds for all inputs.

use proptest::prelude::*;
use ssb_keys::FeedId;
use ssb_keys::Keypair;
use ssb_privatebox::ReadKey;
use ssb_privatebox::limits::OVERHEAD_LEN;
use ssb_privatebox::limits::SLOT_LEN;
use ssb_privatebox::open;
use ssb_privatebox::seal;
use ssb_privatebox::seal_for_many;
use ssb_privatebox::text;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_recipient_opens_a_box_and_nobody_else_does(
        plain: Vec<u8>, who in prop::collection::vec(0_u8..20, 1..8), seed: [u8; 32]
    ) {
        let boxed = seal(&plain, &ids(&who), &seed).unwrap();

        prop_assert_eq!(boxed.len(), OVERHEAD_LEN + SLOT_LEN * who.len() + plain.len());
        for one in 0..20 {
            let opened = open(&boxed, &person(one)).map(|opened| opened.into_plain().to_vec());
            prop_assert_eq!(opened, who.contains(&one).then(|| plain.clone()));
        }
    }

    #[test]
    fn the_text_of_a_box_opens_as_the_box_does(plain: Vec<u8>, who in prop::collection::vec(0_u8..4, 1..8)) {
        let content = text::seal(&plain, &ids(&who), &[1; 32]).unwrap();

        prop_assert_eq!(text::decode(&content), seal(&plain, &ids(&who), &[1; 32]).ok());
        for one in 0..4 {
            let opened = text::open(&content, &person(one)).map(|opened| opened.into_plain().to_vec());
            prop_assert_eq!(opened, who.contains(&one).then(|| plain.clone()));
        }
    }

    #[test]
    fn the_read_key_opens_its_box_and_no_other(plain: Vec<u8>, others: Vec<u8>, seed: [u8; 32]) {
        let boxed = seal(&plain, &ids(&[1, 2]), &seed).unwrap();
        let other = seal(&others, &ids(&[2, 1]), &seed).unwrap();

        let opened = open(&boxed, &person(1)).unwrap();
        let key = ReadKey::parse(&opened.key().to_text()).unwrap();

        prop_assert_eq!(key.open(&boxed).map(|opened| opened.to_vec()), Some(plain));
        prop_assert!(key.open(&other).is_none());
    }

    #[test]
    fn a_box_follows_from_seed_text_and_recipients_and_shares_nothing_with_another(
        plain: Vec<u8>, at: prop::sample::Index, seed: [u8; 32]
    ) {
        let mut other_text = plain.clone();
        other_text.push(0);
        let mut other_seed = seed;
        other_seed[at.index(32)] ^= 1;

        let boxed = seal(&plain, &ids(&[1, 2]), &seed).unwrap();

        prop_assert_eq!(&seal_for_many(&plain, &ids(&[1, 2]), &seed).unwrap(), &boxed);
        for other in [
            seal(&other_text, &ids(&[1, 2]), &seed).unwrap(),
            seal(&plain, &ids(&[2, 1]), &seed).unwrap(),
            seal(&plain, &ids(&[1]), &seed).unwrap(),
            seal(&plain, &ids(&[1, 2]), &other_seed).unwrap(),
        ] {
            prop_assert_ne!(&boxed[..24], &other[..24]);
            prop_assert_ne!(&boxed[24..56], &other[24..56]);
            prop_assert_ne!(body_key(&boxed), body_key(&other));
        }
    }

    #[test]
    fn noise_opens_for_nobody(noise in prop::collection::vec(any::<u8>(), 0..600), text: String, key: [u8; 32]) {
        prop_assert!(open(&noise, &person(1)).is_none());
        prop_assert!(text::open(&text, &person(1)).is_none());
        prop_assert!(text::open(&text::encode(&noise), &person(1)).is_none());
        let key = [&[noise.first().copied().unwrap_or_default()], key.as_slice()].concat();
        prop_assert!(ReadKey::parse(&ssb_keys::base64::encode(&key)).unwrap().open(&noise).is_none());
    }
}

#[test]
fn a_box_that_ends_anywhere_else_opens_for_nobody() {
    let boxed = seal(b"hello", &ids(&[1, 2]), &[7; 32]).unwrap();
    let key = open(&boxed, &person(1)).unwrap();

    let longer = (0..60).map(|more| [boxed.as_slice(), &[0; 60][..=more]].concat());
    for changed in (0..boxed.len()).map(|len| boxed[..len].to_vec()).chain(longer) {
        for one in [1, 2] {
            assert!(open(&changed, &person(one)).is_none(), "{} bytes", changed.len());
        }
        assert!(key.key().open(&changed).is_none(), "{} bytes", changed.len());
    }
}

#[test]
fn an_altered_bit_locks_out_whom_it_concerns() {
    let boxed = seal(b"hello", &ids(&[1, 2]), &[7; 32]).unwrap();
    // X25519 ignores the highest bit of a key (RFC 7748, section 5), and so does libsodium.
    let ignored = 55 * 8 + 7;

    for bit in 0..boxed.len() * 8 {
        let mut altered = boxed.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        let slots = [56..56 + SLOT_LEN, 56 + SLOT_LEN..56 + 2 * SLOT_LEN];
        for (one, others) in [(1, &slots[1]), (2, &slots[0])] {
            let plain = open(&altered, &person(one)).map(|opened| opened.plain().to_vec());
            let unconcerned = others.contains(&(bit / 8)) || bit == ignored;
            assert_eq!(plain, unconcerned.then(|| b"hello".to_vec()), "bit {bit}, recipient {one}");
        }
    }
}

/// Somebody, always the same for the same number.
fn person(number: u8) -> Keypair {
    Keypair::from_seed(&[number; 32])
}

/// The end of the read key, without the count of recipients.
fn body_key(boxed: &[u8]) -> Vec<u8> {
    let key = open(boxed, &person(1)).expect("it is for the first").key().to_text();
    key.bytes().skip(4).collect()
}

fn ids(numbers: &[u8]) -> Vec<FeedId> {
    numbers.iter().map(|&number| person(number).id()).collect()
}
