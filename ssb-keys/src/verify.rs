//! The one statement of which signatures we accept: exactly those that libsodium accepts.
//!
//! A network whose members disagree about one signature splits at that message, so the rule is libsodium's
//! `crypto_sign_ed25519_verify_detached` to the bit (1.0.18 and 1.0.21 agree):
//!
//! 1. S is canonical: below the order of the group.
//! 2. R, by its bytes, is none of the encodings of a point of small order.
//! 3. A is a canonical encoding of a point that has not small order. A component of small order is tolerated.
//! 4. `S·B − k·A`, encoded, equals R byte for byte, with k = SHA-512(R ‖ A ‖ message). R is never decoded.
//!
//! Batch equations see torsion only through random numbers and accept other sets; [`verify_group`] shares the work of
//! one inversion among up to [`GROUP_LEN`] signatures and leaves each its own verdict.
//!
//! `S·B − k·A` is computed by curve25519-dalek or, for authors who are verified often on a CPU without AVX-512, from
//! multiples of A and B that are kept. The two ways give the same point, whatever A is.

mod field;
mod keys;
mod point;
mod split;

use alloc::vec::Vec;

use curve25519_dalek::edwards::CompressedEdwardsY;
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::Scalar;
use sha2::Digest as _;
use sha2::Sha512;
use thiserror::Error;

use crate::FeedId;
use crate::Signature;
use keys::Patience;
use point::Projective;

pub use keys::KeyCache;

/// How many signatures share one inversion: more gain less than one part in a hundred.
pub const GROUP_LEN: usize = 64;

/// A statement that `author` signed `signed` with `signature`, to be verified.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// Who is said to have signed.
    pub author: FeedId,
    /// What is said to be their signature.
    pub signature: Signature,
    /// The exact bytes that were signed.
    pub signed: &'a [u8],
}

/// Verifies one claim.
///
/// # Errors
///
/// [`BadSignature`] if libsodium would refuse it.
pub fn verify(claim: Claim<'_>) -> Result<(), BadSignature> {
    let mut keys = KeyCache::new();
    verify_group(&[claim], &mut keys).pop().unwrap_or(Err(BadSignature))
}

/// Verifies claims, one verdict each, in their order.
pub fn verify_group(claims: &[Claim<'_>], keys: &mut KeyCache) -> Vec<Result<(), BadSignature>> {
    verdicts(claims, keys, Patience::of_this_machine())
}

fn verdicts(claims: &[Claim<'_>], keys: &mut KeyCache, patience: Patience) -> Vec<Result<(), BadSignature>> {
    let mut verdicts = Vec::with_capacity(claims.len());
    for group in claims.chunks(GROUP_LEN) {
        let expected: Vec<Option<Expected>> =
            group.iter().map(|claim| expected_r(claim, keys, patience)).collect();
        verdicts.extend(group.iter().zip(encoded(&expected)).map(|(claim, expected)| match expected {
            Some(r) if r == *r_bytes(&claim.signature) => Ok(()),
            _ => Err(BadSignature),
        }));
    }
    verdicts
}

/// A signature that is not the author's, or not one that the network accepts. The sender is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("invalid signature")]
pub struct BadSignature;

/// The point that a feed id encodes, if it is the one canonical encoding of it.
pub(crate) fn canonical_point(feed: &FeedId) -> Option<EdwardsPoint> {
    let encoded = CompressedEdwardsY(*feed.as_bytes());
    // For x = 0 the sign is meaningless and one of two encodings not canonical; both such points have small order,
    // so comparing y alone refuses nothing that the callers would keep.
    if !y_is_canonical(feed.as_bytes()) {
        return None;
    }
    encoded.decompress()
}

// The R that would make the claim true, or `None` if the claim is refused before that question.
fn expected_r(claim: &Claim<'_>, keys: &mut KeyCache, patience: Patience) -> Option<Expected> {
    let r = r_bytes(&claim.signature);
    let s = claim.signature.as_bytes().last_chunk::<32>()?;
    let s = Option::<Scalar>::from(Scalar::from_canonical_bytes(*s))?;
    if is_small_order_encoding(r) {
        return None;
    }
    let key = keys.key(&claim.author, patience)?;
    let hash = Sha512::new()
        .chain_update(r)
        .chain_update(claim.author.as_bytes())
        .chain_update(claim.signed)
        .finalize();
    let k = Scalar::from_bytes_mod_order_wide(&hash.into());
    Some(key.combine(&s, &k))
}

// A point as one of the two ways to compute it leaves it.
enum Expected {
    Whole(EdwardsPoint),
    Split(Projective),
}

// The encodings, with one inversion for each way that was taken.
fn encoded(points: &[Option<Expected>]) -> impl Iterator<Item = Option<[u8; 32]>> {
    let (mut whole, mut split) = (Vec::new(), Vec::new());
    for point in points.iter().flatten() {
        match point {
            Expected::Whole(point) => whole.push(*point),
            Expected::Split(point) => split.push(*point),
        }
    }
    let whole = if whole.is_empty() { Vec::new() } else { EdwardsPoint::compress_batch_alloc(&whole) };
    let mut whole = whole.into_iter();
    let mut split = Projective::encode_all(&split).into_iter();
    points.iter().map(move |point| match point.as_ref()? {
        Expected::Whole(_) => whole.next().map(|encoded| encoded.0),
        Expected::Split(_) => split.next(),
    })
}

fn r_bytes(signature: &Signature) -> &[u8; 32] {
    signature.as_bytes().first_chunk().expect("a signature has 64 bytes")
}

// Below p = 2^255 − 19, the sign bit aside.
fn y_is_canonical(bytes: &[u8; 32]) -> bool {
    let (first, middle, last) = (bytes[0], &bytes[1..31], bytes[31] & 0x7f);
    first < 0xed || last != 0x7f || middle.iter().any(|&byte| byte != 0xff)
}

// A point of order 1, 2, 4 or 8 in any encoding, whatever the sign bit. What does not decode is none.
fn is_small_order_encoding(bytes: &[u8; 32]) -> bool {
    let mut y = *bytes;
    y[31] &= 0x7f;
    SMALL_ORDER_Y.contains(&y)
}

/// The y coordinates of the eight points of small order, canonical and, where it fits 255 bits, plus p.
const SMALL_ORDER_Y: [[u8; 32]; 7] = {
    let mut p_minus_1 = [0xff; 32];
    p_minus_1[0] = 0xec;
    p_minus_1[31] = 0x7f;
    let mut p = p_minus_1;
    p[0] = 0xed;
    let mut p_plus_1 = p_minus_1;
    p_plus_1[0] = 0xee;
    let mut one = [0; 32];
    one[0] = 1;
    [
        [0; 32],
        one,
        [
            0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
            0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
        ],
        [
            0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
            0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
        ],
        p_minus_1,
        p,
        p_plus_1,
    ]
};

#[cfg(test)]
mod tests {
    extern crate std;

    use std::path::Path;
    use std::path::PathBuf;

    use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
    use curve25519_dalek::constants::EIGHT_TORSION;
    use curve25519_dalek::edwards::EdwardsPoint;
    use curve25519_dalek::scalar::Scalar;
    use proptest::prelude::*;
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;
    use serde_json::Value;

    use super::keys::Adder;
    use super::keys::Key;
    use super::point::Affine;
    use super::split::Multiples;
    use super::*;

    proptest! {
        #[test]
        fn both_ways_compute_the_same_points(
            inputs in prop::collection::vec((scalar(), scalar(), point()), 1..20), width in 2_u32..=7
        ) {
            let mut adder = Adder::default();
            for (s, k, a) in inputs {
                let minus_a = Affine::decode(a.compress().as_bytes()).negated();
                let whole = Key::Point(&-a).combine(&s, &k);
                let split = Key::Multiples(&Multiples::of(minus_a, width), &mut adder).combine(&s, &k);

                let points: Vec<_> = encoded(&[Some(split), None, Some(whole)]).collect();
                prop_assert_eq!(points[0], points[2]);
                prop_assert_eq!(points[2], Some((s * ED25519_BASEPOINT_POINT - k * a).compress().0));
            }
        }

        #[test]
        fn both_ways_give_the_same_verdicts(claims in prop::collection::vec(claim(), 1..100), patience in 0_u32..4) {
            let claims: Vec<Claim<'_>> = claims.iter().map(|(author, signature, signed)| Claim {
                author: *author, signature: *signature, signed
            }).collect();

            let whole = verdicts(&claims, &mut KeyCache::new(), Patience::ENDLESS);
            let split = verdicts(&claims, &mut KeyCache::new(), Patience(0));
            let mixed = verdicts(&claims, &mut KeyCache::new(), Patience(patience));

            prop_assert_eq!(&whole, &split);
            prop_assert_eq!(&whole, &mixed);
        }
    }

    // Any, near the ends, and of few or many ones.
    fn scalar() -> impl Strategy<Value = Scalar> {
        prop_oneof![
            any::<[u8; 32]>().prop_map(Scalar::from_bytes_mod_order),
            any::<u64>().prop_map(Scalar::from),
            any::<u8>().prop_map(|low| -Scalar::from(low)),
            (any::<u64>(), any::<[bool; 4]>()).prop_map(|(word, set)| {
                let words: Vec<u8> =
                    set.iter().flat_map(|set| (word * u64::from(*set)).to_le_bytes()).collect();
                Scalar::from_bytes_mod_order(words.try_into().unwrap())
            }),
            (0_usize..253, 0_usize..253).prop_map(|(a, b)| {
                let bit = |at: usize| {
                    let mut bytes = [0; 32];
                    bytes[at / 8] = 1 << (at % 8);
                    Scalar::from_bytes_mod_order(bytes)
                };
                bit(a) - bit(b)
            }),
        ]
    }

    // Of the large subgroup, with a component of small order, or of small order only.
    fn point() -> impl Strategy<Value = EdwardsPoint> {
        (scalar(), 0_usize..8).prop_map(|(a, t)| a * ED25519_BASEPOINT_POINT + EIGHT_TORSION[t])
    }

    // Of a few authors, honest or not: A and R may have a component of small order, which is accepted if they are lucky.
    // Then something may be changed.
    fn claim() -> impl Strategy<Value = (FeedId, Signature, Vec<u8>)> {
        let torsion = || prop_oneof![Just(0), 0_usize..8];
        let change = prop_oneof![
            4 => Just(Change::Nothing),
            1 => any::<[u8; 32]>().prop_map(Change::Author),
            1 => odd_encoding().prop_map(Change::Author),
            1 => odd_encoding().prop_map(Change::R),
            1 => Just(Change::AddOrder),
            1 => (0_usize..64, 0_usize..8).prop_map(|(at, bit)| Change::Flip(at, 1 << bit)),
        ];
        (1_u8..7, torsion(), scalar(), torsion(), any::<[u8; 8]>(), change).prop_map(
            |(a, a_torsion, r, r_torsion, signed, change)| {
                let encode = |scalar: Scalar, torsion: usize| {
                    (scalar * ED25519_BASEPOINT_POINT + EIGHT_TORSION[torsion]).compress().0
                };
                let a = Scalar::from_bytes_mod_order([a; 32]);
                let (mut author, mut r_bytes) = (encode(a, a_torsion), encode(r, r_torsion));
                match change {
                    Change::Author(other) => author = other,
                    Change::R(other) => r_bytes = other,
                    _ => {}
                }
                let hash =
                    Sha512::new().chain_update(r_bytes).chain_update(author).chain_update(signed).finalize();
                let mut s = (r + Scalar::from_bytes_mod_order_wide(&hash.into()) * a).to_bytes();
                if change == Change::AddOrder {
                    add_order(&mut s);
                }
                let mut signature: [u8; 64] = [r_bytes, s].concat().try_into().unwrap();
                if let Change::Flip(at, bit) = change {
                    signature[at] ^= bit;
                }
                (FeedId::from_bytes(author), Signature::from_bytes(signature), signed.to_vec())
            },
        )
    }

    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Change {
        Nothing,
        Author([u8; 32]),
        R([u8; 32]),
        // S is no longer canonical.
        AddOrder,
        Flip(usize, u8),
    }

    // Of small order, or not below p.
    fn odd_encoding() -> impl Strategy<Value = [u8; 32]> {
        let small_order = prop::sample::select(&SMALL_ORDER_Y[..]);
        let not_canonical = (0xed_u8..=0xff).prop_map(|first| {
            let mut bytes = [0xff; 32];
            (bytes[0], bytes[31]) = (first, 0x7f);
            bytes
        });
        (prop_oneof![small_order, not_canonical], any::<bool>()).prop_map(|(mut bytes, sign)| {
            bytes[31] |= u8::from(sign) << 7;
            bytes
        })
    }

    fn add_order(s: &mut [u8; 32]) {
        let mut carry = 1;
        for (byte, order) in s.iter_mut().zip((-Scalar::ONE).to_bytes()) {
            carry += u16::from(*byte) + u16::from(order);
            *byte = carry.to_le_bytes()[0];
            carry >>= 8;
        }
    }

    #[test]
    fn vectors_each_way_gives_libsodiums_verdicts() {
        let rows = rows();
        let claims: Vec<(FeedId, Signature, Vec<u8>, bool)> = rows.iter().filter_map(claimed).collect();
        let expected: Vec<bool> = claims.iter().map(|(.., is_good)| *is_good).collect();
        let claims: Vec<Claim<'_>> = claims
            .iter()
            .map(|(author, signature, signed, _)| Claim { author: *author, signature: *signature, signed })
            .collect();
        // By curve25519-dalek, by multiples, and as authors become busy.
        for patience in [Patience::ENDLESS, Patience(0), Patience(1)] {
            let mut keys = KeyCache::new();
            for round in 0..3 {
                let verdicts = verdicts(&claims, &mut keys, patience);
                let verdicts: Vec<bool> = verdicts.iter().map(Result::is_ok).collect();
                assert_eq!(verdicts, expected, "with patience {} in round {round}", patience.0);
            }
        }
    }

    // A row of ed25519.jsonl that says whether a signature is good; keys and signatures of another length make no claim.
    fn claimed(row: &Value) -> Option<(FeedId, Signature, Vec<u8>, bool)> {
        let bytes = |name: &str| unhex(row[name].as_str().unwrap());
        if row["op"] != "verify" {
            return None;
        }
        let (author, signature) = (bytes("pk").try_into().ok()?, bytes("sig").try_into().ok()?);
        let is_good = row["newer"] == true && row["server"] == true;
        Some((FeedId::from_bytes(author), Signature::from_bytes(signature), bytes("msg"), is_good))
    }

    // Of the folder that `SSB_VECTORS` names, as far as it has them, else of our copy.
    fn rows() -> Vec<Value> {
        let named = std::env::var_os("SSB_VECTORS").map(PathBuf::from);
        let folder = match &named {
            Some(named) => {
                assert!(named.is_dir(), "SSB_VECTORS={} is no folder", named.display());
                named.join("generated")
            }
            None => Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors"),
        };
        let path = folder.join("ed25519.jsonl");
        if named.is_some() && !path.exists() {
            std::println!("{} is not among the vectors", path.display());
            return Vec::new();
        }
        let text = std::fs::read_to_string(&path).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[expect(clippy::string_slice, reason = "helpers of tests fail tests")]
    fn unhex(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    #[test]
    fn made_up_claims_are_good_and_bad_and_lucky() {
        let mut runner = TestRunner::deterministic();
        let (mut good, mut lucky) = (0, 0);
        for _ in 0..1000 {
            let (author, signature, signed) = claim().new_tree(&mut runner).unwrap().current();
            if verify(Claim { author, signature, signed: &signed }).is_ok() {
                good += 1;
                lucky += i32::from(!canonical_point(&author).unwrap().is_torsion_free());
            }
        }

        assert!((100..900).contains(&good), "{good} are good");
        assert!(lucky > 20, "{lucky} are lucky");
    }
}
