//! Grouped verification against ed25519-dalek's `verify_strict` with the key parsed once, on one core.
//!
//! Rounds alternate in one run; the ratio is the median over the pairs. Same 750-byte messages, 255 authors,
//! who are busy from the first round on, and fewer than a generation of the cache holds of those.

#![expect(clippy::disallowed_types, clippy::indexing_slicing, reason = "a benchmark reads the clock")]

use std::hint::black_box;
use std::time::Duration;
use std::time::Instant;

use ed25519_dalek::Signature as DalekSignature;
use ed25519_dalek::VerifyingKey;
use ssb_keys::Keypair;
use ssb_keys::verify::Claim;
use ssb_keys::verify::GROUP_LEN;
use ssb_keys::verify::KeyCache;
use ssb_keys::verify::verify_group;

const ROUNDS: usize = 11;
const CLAIMS: usize = 4096;

fn main() {
    let pairs: Vec<Keypair> = (0..255).map(|seed| Keypair::from_seed(&[seed; 32])).collect();
    let messages: Vec<Vec<u8>> = (0..CLAIMS).map(|n| n.to_le_bytes().repeat(94)[..750].to_vec()).collect();
    let claims: Vec<Claim<'_>> = messages
        .iter()
        .zip(pairs.iter().cycle())
        .map(|(message, pair)| Claim { author: pair.id(), signature: pair.sign(message), signed: message })
        .collect();
    let parsed: Vec<(VerifyingKey, DalekSignature)> = claims
        .iter()
        .map(|claim| {
            let key = VerifyingKey::from_bytes(claim.author.as_bytes()).expect("the key is a point");
            (key, DalekSignature::from_bytes(claim.signature.as_bytes()))
        })
        .collect();
    let mut keys = KeyCache::new();

    let mut ratios = Vec::new();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let grouped = time(|| {
            for group in claims.chunks(GROUP_LEN) {
                assert!(verify_group(black_box(group), &mut keys).iter().all(Result::is_ok));
            }
        });
        let strict = time(|| {
            for (claim, (key, signature)) in claims.iter().zip(&parsed) {
                assert!(key.verify_strict(black_box(claim.signed), signature).is_ok());
            }
        });
        ratios.push(strict.as_secs_f64() / grouped.as_secs_f64());
        ours.push(rate(grouped));
        theirs.push(rate(strict));
    }
    println!(
        "ssb-keys verify_group: {:.0}/s; ed25519-dalek verify_strict: {:.0}/s; ratio {:.2} (target 1.20)",
        median(&mut ours),
        median(&mut theirs),
        median(&mut ratios)
    );
}

fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn rate(elapsed: Duration) -> f64 {
    CLAIMS as f64 / elapsed.as_secs_f64()
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
