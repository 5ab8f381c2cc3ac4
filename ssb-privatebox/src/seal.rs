//! The side of the sender.

use alloc::vec::Vec;

use ssb_keys::FeedId;
use ssb_keys::ephemeral::EphemeralKeypair;
use ssb_keys::hash::Sha256;
use ssb_keys::hmac;
use ssb_keys::secretbox;
use ssb_keys::secretbox::TAG_LEN;
use zeroize::Zeroizing;

use crate::ReadKey;
use crate::SealError;
use crate::limits::MANY_RECIPIENTS_MAX;
use crate::limits::NONCE_LEN;
use crate::limits::OVERHEAD_LEN;
use crate::limits::RECIPIENTS_MAX;
use crate::limits::SLOT_LEN;

/// Seals `plain` for up to [`RECIPIENTS_MAX`] recipients, in this order.
///
/// `seed` is 32 fresh random bytes. The same seed, text and recipients make the same box; a seed that is used again for
/// another text or others makes one that has nothing in common with the first.
///
/// # Errors
///
/// [`SealError`] if there are no recipients or too many, or if one of them has no usable key.
pub fn seal(plain: &[u8], recipients: &[FeedId], seed: &[u8; 32]) -> Result<Vec<u8>, SealError> {
    seal_within(RECIPIENTS_MAX, plain, recipients, seed)
}

/// Seals `plain` for up to [`MANY_RECIPIENTS_MAX`] recipients, in this order, as [`seal`] does for a few.
///
/// JavaScript's programs (ssb-keys 8.5.0) look at the first eight slots: they open it for the first eight recipients only.
///
/// # Errors
///
/// [`SealError`] if there are no recipients or too many, or if one of them has no usable key.
pub fn seal_for_many(plain: &[u8], recipients: &[FeedId], seed: &[u8; 32]) -> Result<Vec<u8>, SealError> {
    seal_within(MANY_RECIPIENTS_MAX, plain, recipients, seed)
}

fn seal_within(max: u8, plain: &[u8], recipients: &[FeedId], seed: &[u8; 32]) -> Result<Vec<u8>, SealError> {
    match u8::try_from(recipients.len()) {
        Ok(0) => Err(SealError::NoRecipients),
        Ok(count) if count <= max => Draw::new(seed, plain, count, recipients).seal(plain, count, recipients),
        _ => Err(SealError::TooManyRecipients { count: recipients.len(), max }),
    }
}

/// All of a box that is random.
struct Draw {
    nonce: [u8; NONCE_LEN],
    one_time: EphemeralKeypair,
    body_key: Zeroizing<[u8; 32]>,
}

impl Draw {
    /// Depends on everything that is sealed: under one nonce and key there is never a second text, whatever the seed.
    fn new(seed: &[u8; 32], plain: &[u8], count: u8, recipients: &[FeedId]) -> Self {
        let mut hash = Sha256::new();
        hash.update(&[count]);
        recipients.iter().for_each(|id| hash.update(id.as_bytes()));
        hash.update(plain);
        let sealed = Zeroizing::new(hash.finish());
        let draw = |name: &[u8]| {
            let input = Zeroizing::new([sealed.as_slice(), name].concat());
            Zeroizing::new(hmac::authenticate(seed, &input))
        };
        Self {
            nonce: *draw(b"nonce").first_chunk().expect("a MAC has 32 bytes"),
            one_time: EphemeralKeypair::from_seed(&draw(b"one-time key")),
            body_key: draw(b"body key"),
        }
    }

    fn seal(&self, plain: &[u8], count: u8, recipients: &[FeedId]) -> Result<Vec<u8>, SealError> {
        // Of this capacity, so that nothing is moved and left behind before it is sealed.
        let mut boxed = Vec::with_capacity(OVERHEAD_LEN + SLOT_LEN * recipients.len() + plain.len());
        boxed.extend_from_slice(&self.nonce);
        boxed.extend_from_slice(self.one_time.public().as_bytes());
        let key = ReadKey::new(count, &self.body_key);
        for &id in recipients {
            let shared = self.one_time.share_with_feed(&id).map_err(|_| SealError::WeakKey { id })?;
            self.append(shared.as_bytes(), key.as_bytes(), &mut boxed);
        }
        self.append(&self.body_key, plain, &mut boxed);
        Ok(boxed)
    }

    /// Appends the secret box of `text`: its tag, then its bytes.
    fn append(&self, key: &[u8; 32], text: &[u8], boxed: &mut Vec<u8>) {
        let start = boxed.len();
        boxed.extend_from_slice(&[0; TAG_LEN]);
        boxed.extend_from_slice(text);
        let (tag, sealed) = boxed
            .get_mut(start..)
            .and_then(|appended| appended.split_first_chunk_mut::<TAG_LEN>())
            .expect("just appended");
        *tag = secretbox::seal(key, &self.nonce, sealed);
    }
}

#[cfg(test)]
mod tests {
    use ssb_kernel::testing::on_each;
    use ssb_keys::base64;

    use super::*;
    use crate::vectors;

    #[test]
    fn vectors_with_javascripts_randomness_a_box_is_javascripts() {
        on_each(|| {
            for row in vectors::rows("private-box.jsonl").iter().filter(|row| row["pinned"].is_object()) {
                let pinned = &row["pinned"];
                let draw = Draw {
                    nonce: vectors::hex(&pinned["nonce"]),
                    one_time: EphemeralKeypair::from_seed(&vectors::hex(&pinned["eph_sk"])),
                    body_key: Zeroizing::new(vectors::hex(&pinned["body_key"])),
                };
                let recipients = row["recipients"].as_array().unwrap();
                let recipients: Vec<FeedId> =
                    recipients.iter().map(|id| FeedId::parse(id.as_str().unwrap()).unwrap()).collect();
                let plain = base64::decode(row["plaintext"].as_str().unwrap()).unwrap();
                let count = u8::try_from(recipients.len()).unwrap();

                let boxed = draw.seal(&plain, count, &recipients).unwrap();

                assert_eq!(crate::text::encode(&boxed), row["boxed"].as_str().unwrap(), "{}", row["name"]);
            }
        });
    }
}
