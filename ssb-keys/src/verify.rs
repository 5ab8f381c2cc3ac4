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

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use curve25519_dalek::edwards::CompressedEdwardsY;
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::Scalar;
use sha2::Digest as _;
use sha2::Sha512;
use thiserror::Error;

use crate::FeedId;
use crate::Signature;

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
    let mut verdicts = Vec::with_capacity(claims.len());
    for group in claims.chunks(GROUP_LEN) {
        let points: Vec<Option<EdwardsPoint>> = group.iter().map(|claim| expected_r(claim, keys)).collect();
        let valid: Vec<EdwardsPoint> = points.iter().flatten().copied().collect();
        let mut encoded = EdwardsPoint::compress_batch_alloc(&valid).into_iter();
        verdicts.extend(group.iter().zip(&points).map(|(claim, point)| match point {
            Some(_) if encoded.next().is_some_and(|r| r.0.as_slice() == r_bytes(&claim.signature)) => Ok(()),
            _ => Err(BadSignature),
        }));
    }
    verdicts
}

/// A signature that is not the author's, or not one that the network accepts. The sender is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("invalid signature")]
pub struct BadSignature;

/// Remembers authors' keys in the form in which they are used, 160 bytes each.
///
/// Bounded: at most two generations of [`KeyCache::GENERATION_LEN`] authors, of which the older is dropped whole.
#[derive(Clone, Default)]
pub struct KeyCache {
    young: BTreeMap<FeedId, Option<EdwardsPoint>>,
    old: BTreeMap<FeedId, Option<EdwardsPoint>>,
}

impl KeyCache {
    /// How many authors a generation holds: with both, at most about 2 MiB.
    pub const GENERATION_LEN: usize = 4096;

    /// An empty cache.
    pub const fn new() -> Self {
        Self { young: BTreeMap::new(), old: BTreeMap::new() }
    }

    /// How many authors it knows, at most twice [`GENERATION_LEN`](Self::GENERATION_LEN).
    pub fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    /// Whether it knows nobody yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    // −A of an author whose key the rule accepts.
    fn negated(&mut self, author: &FeedId) -> Option<EdwardsPoint> {
        if let Some(point) = self.young.get(author) {
            return *point;
        }
        let point = self.old.remove(author).unwrap_or_else(|| {
            canonical_point(author).filter(|point| !point.is_small_order()).map(|point| -point)
        });
        if self.young.len() >= Self::GENERATION_LEN {
            self.old = core::mem::take(&mut self.young);
        }
        self.young.insert(*author, point);
        point
    }
}

impl core::fmt::Debug for KeyCache {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("KeyCache").field("len", &self.len()).finish_non_exhaustive()
    }
}

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
fn expected_r(claim: &Claim<'_>, keys: &mut KeyCache) -> Option<EdwardsPoint> {
    let r = r_bytes(&claim.signature);
    let s = claim.signature.as_bytes().last_chunk::<32>()?;
    let s = Option::<Scalar>::from(Scalar::from_canonical_bytes(*s))?;
    if is_small_order_encoding(r) {
        return None;
    }
    let minus_a = keys.negated(&claim.author)?;
    let hash = Sha512::new()
        .chain_update(r)
        .chain_update(claim.author.as_bytes())
        .chain_update(claim.signed)
        .finalize();
    let k = Scalar::from_bytes_mod_order_wide(&hash.into());
    Some(EdwardsPoint::vartime_double_scalar_mul_basepoint(&k, &minus_a, &s))
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
