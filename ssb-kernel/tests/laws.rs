//! What holds for all inputs: every back end does what the crates salsa20 and poly1305 do.

use poly1305::Poly1305;
use proptest::prelude::*;
use salsa20::XSalsa20;
use salsa20::cipher::KeyInit as _;
use salsa20::cipher::KeyIvInit as _;
use salsa20::cipher::StreamCipher as _;
use ssb_kernel::Backend;
use ssb_kernel::Cipher;
use ssb_kernel::Forged;

/// More than a box stream ever seals at once, and in every place behind many blocks.
const LEN_MAX: usize = 4200;

/// A box as the crates make it, from the key and the nonce each time.
fn sealed_by_the_crates(key: &[u8; 32], nonce: &[u8; 24], text: &[u8]) -> (Vec<u8>, [u8; 16]) {
    let mut cipher = XSalsa20::new(key.into(), nonce.into());
    let (mut mac_key, mut sealed) = ([0; 32], text.to_vec());
    cipher.apply_keystream(&mut mac_key);
    cipher.apply_keystream(&mut sealed);
    let tag = Poly1305::new(&mac_key.into()).compute_unpadded(&sealed).into();
    (sealed, tag)
}

/// A text of which no two lines of a cache are the same.
fn text_of(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 7 + at / 256).to_le_bytes()[0]).collect()
}

#[test]
fn every_length_is_sealed_as_by_the_crates_and_opens() {
    let (key, nonce) = ([7; 32], [9; 24]);
    for len in 0..=LEN_MAX {
        let plain = text_of(len);
        let (expected, expected_tag) = sealed_by_the_crates(&key, &nonce, &plain);
        for backend in Backend::available() {
            let (mut cipher, mut text) = (Cipher::on(backend, &key), plain.clone());

            let tag = cipher.seal(&nonce, &mut text);

            assert!(text == expected && tag == expected_tag, "{len} bytes, {backend:?}");
            assert_eq!(cipher.open(&nonce, &mut text, &tag), Ok(()), "{len} bytes, {backend:?}");
            assert!(text == plain, "{len} bytes, {backend:?}");
        }
    }
}

#[test]
fn the_longest_body_of_a_box_stream_is_sealed_as_by_the_crates() {
    let plain = text_of(usize::from(u16::MAX));
    let (expected, expected_tag) = sealed_by_the_crates(&[1; 32], &[2; 24], &plain);
    for backend in Backend::available() {
        let mut text = plain.clone();
        let tag = Cipher::on(backend, &[1; 32]).seal(&[2; 24], &mut text);
        assert!(text == expected && tag == expected_tag, "{backend:?}");
    }
}

proptest! {
    #[test]
    fn whatever_is_sealed_anywhere_in_a_buffer_is_sealed_as_by_the_crates(
        key: [u8; 32], nonce: [u8; 24], mut buffer in prop::collection::vec(any::<u8>(), 0..LEN_MAX),
        start: prop::sample::Index, end: prop::sample::Index,
    ) {
        let (start, end) = (start.index(buffer.len() + 1), end.index(buffer.len() + 1));
        let (start, end) = (start.min(end), start.max(end));
        let before = buffer.clone();
        let (expected, expected_tag) = sealed_by_the_crates(&key, &nonce, &before[start..end]);
        for backend in Backend::available() {
            let mut cipher = Cipher::on(backend, &key);

            let tag = cipher.seal(&nonce, &mut buffer[start..end]);

            prop_assert_eq!(tag, expected_tag);
            prop_assert!(buffer[start..end] == expected);
            prop_assert!(buffer[..start] == before[..start] && buffer[end..] == before[end..]);

            prop_assert_eq!(cipher.open(&nonce, &mut buffer[start..end], &tag), Ok(()));
            prop_assert!(buffer == before);
        }
    }

    #[test]
    fn an_altered_bit_opens_nothing_and_changes_nothing(
        key: [u8; 32], nonce: [u8; 24], plain in prop::collection::vec(any::<u8>(), 0..1500), bit: prop::sample::Index,
    ) {
        for backend in Backend::available() {
            let (mut cipher, mut text) = (Cipher::on(backend, &key), plain.clone());
            let mut tag = cipher.seal(&nonce, &mut text);
            let bit = bit.index(8 * (tag.len() + text.len()));
            let byte = tag.iter_mut().chain(&mut text).nth(bit / 8).unwrap();
            *byte ^= 1 << (bit % 8);
            let altered = text.clone();

            prop_assert_eq!(cipher.open(&nonce, &mut text, &tag), Err(Forged));
            prop_assert!(text == altered);
        }
    }

    #[test]
    fn a_cipher_seals_many_boxes_as_the_crates_seal_each(
        key: [u8; 32], nonces in prop::collection::vec((0_u8..3, any::<[u8; 8]>(), 0_usize..200), 1..12),
    ) {
        for backend in Backend::available() {
            let mut cipher = Cipher::on(backend, &key);
            for (prefix, rest, len) in &nonces {
                let (mut nonce, mut text) = ([*prefix; 24], text_of(*len));
                nonce[16..].copy_from_slice(rest);
                let expected = sealed_by_the_crates(&key, &nonce, &text);

                let tag = cipher.seal(&nonce, &mut text);

                prop_assert_eq!((text, tag), expected);
            }
        }
    }
}
