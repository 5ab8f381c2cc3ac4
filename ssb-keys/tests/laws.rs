//! What holds for all inputs.

use proptest::prelude::*;
use ssb_kernel::testing::on_each;
use ssb_keys::FeedId;
use ssb_keys::Keypair;
use ssb_keys::Signature;
use ssb_keys::base64;
use ssb_keys::ephemeral::EphemeralKeypair;
use ssb_keys::link::Link;
use ssb_keys::secret_file;
use ssb_keys::secretbox;
use ssb_keys::secretbox::Cipher;
use ssb_keys::uri;
use ssb_keys::verify::Claim;
use ssb_keys::verify::KeyCache;
use ssb_keys::verify::verify;
use ssb_keys::verify::verify_group;

proptest! {
    #[test]
    fn an_id_survives_its_text(bytes: [u8; 32]) {
        let id = FeedId::from_bytes(bytes);
        prop_assert_eq!(FeedId::parse(&id.to_string()), Ok(id));
        prop_assert_eq!(id.to_string().len(), FeedId::TEXT_LEN);
    }

    #[test]
    fn canonical_is_what_decodes(text in "[A-Za-z0-9+/=]{0,12}") {
        prop_assert_eq!(base64::is_canonical(&text), base64::decode(&text).is_ok());
    }

    #[test]
    fn no_text_panics(text: String) {
        let _ = (FeedId::parse(&text), Signature::parse(&text), uri::parse(&text), secret_file::parse(&text));
        let _ = Link::parse(&text).map(|link| link.query());
        let _ = ssb_keys::channel::normalize(&text);
    }

    #[test]
    fn a_group_gives_each_claim_the_verdict_it_has_alone(
        seeds in prop::collection::vec((0_u8..4, any::<[u8; 8]>(), 0_usize..70), 0..150)
    ) {
        let pairs: Vec<Keypair> = (0..4).map(|seed| Keypair::from_seed(&[seed; 32])).collect();
        let claims: Vec<Claim<'_>> = seeds
            .iter()
            .map(|(pair, message, flip)| {
                let pair = &pairs[usize::from(*pair)];
                let mut signature = *pair.sign(message).as_bytes();
                if let Some(byte) = signature.get_mut(*flip) {
                    *byte ^= 0x10;
                }
                Claim { author: pair.id(), signature: Signature::from_bytes(signature), signed: message }
            })
            .collect();
        let alone: Vec<_> = claims.iter().map(|claim| verify(*claim)).collect();
        prop_assert_eq!(verify_group(&claims, &mut KeyCache::new()), alone);
    }

    #[test]
    fn both_sides_share_one_secret(a: [u8; 32], b: [u8; 32]) {
        let (a, b) = (Keypair::from_seed(&a), EphemeralKeypair::from_seed(&b));
        let ours = a.share(&b.public()).unwrap();
        let theirs = b.share_with_feed(&a.id()).unwrap();
        prop_assert_eq!(ours.as_bytes(), theirs.as_bytes());
    }

    #[test]
    fn a_box_opens_with_its_key_and_only_unaltered(
        key: [u8; 32], nonce: [u8; 24], text: Vec<u8>, flip: prop::sample::Index
    ) {
        let mut boxed = text.clone();
        let tag = secretbox::seal(&key, &nonce, &mut boxed);
        let mut opened = boxed.clone();
        prop_assert_eq!(secretbox::open(&key, &nonce, &mut opened, &tag), Ok(()));
        prop_assert_eq!(&opened, &text);

        let mut altered = tag;
        altered[flip.index(tag.len())] ^= 1;
        let before = boxed.clone();
        prop_assert_eq!(secretbox::open(&key, &nonce, &mut boxed, &altered), Err(secretbox::Forged));
        prop_assert_eq!(boxed, before);
    }
}

proptest! {
    #[test]
    fn a_cipher_makes_and_opens_the_boxes_of_its_key(
        key: [u8; 32], nonces in prop::collection::vec((0_u8..3, any::<[u8; 8]>()), 1..9), text: Vec<u8>
    ) {
        on_each(|| {
            let mut cipher = Cipher::new(&key);
            for (prefix, rest) in &nonces {
                let mut nonce = [*prefix; 24];
                nonce[16..].copy_from_slice(rest);
                let (mut boxed, mut again) = (text.clone(), text.clone());

                let tag = cipher.seal(&nonce, &mut boxed);

                assert_eq!(secretbox::seal(&key, &nonce, &mut again), tag);
                assert_eq!(again, boxed);
                assert_eq!(cipher.open(&nonce, &mut boxed, &tag), Ok(()));
                assert_eq!(boxed, text);
                assert_eq!(cipher.open(&nonce, &mut again, &[!tag[0]; 16]), Err(secretbox::Forged));
            }
        });
    }
}

#[test]
fn the_key_cache_forgets_the_older_half_when_it_is_full() {
    let mut keys = KeyCache::new();
    let signature = Keypair::from_seed(&[1; 32]).sign(b"");
    for author in 0..u32::try_from(3 * KeyCache::GENERATION_LEN).unwrap() {
        let mut bytes = [1; 32];
        bytes[..4].copy_from_slice(&author.to_le_bytes());
        let claim = Claim { author: FeedId::from_bytes(bytes), signature, signed: b"" };
        let _ = verify_group(&[claim], &mut keys);
        assert!(keys.len() <= 2 * KeyCache::GENERATION_LEN);
    }
}
