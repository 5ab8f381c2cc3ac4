//! Authors' keys, in the forms in which they are used.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;

use curve25519_dalek::constants::ED25519_BASEPOINT_COMPRESSED;
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::Scalar;

use super::Expected;
use super::canonical_point;
use super::point::Affine;
use super::split::Multiples;
use super::split::Sum;
use crate::FeedId;

/// Remembers authors' keys in the form in which they are used, 160 bytes each, and multiples of the keys of busy authors,
/// 7,680 bytes each.
///
/// Bounded: at most two generations of [`KeyCache::GENERATION_LEN`] authors, [`KeyCache::BUSY_LEN`] of them busy. The older
/// one is dropped whole.
#[derive(Clone, Default)]
pub struct KeyCache {
    young: BTreeMap<FeedId, Known>,
    old: BTreeMap<FeedId, Known>,
    // How many of the young are busy.
    busy: usize,
    adder: Option<Box<Adder>>,
}

impl KeyCache {
    /// How many authors a generation holds: with both, at most about 2 MiB.
    pub const GENERATION_LEN: usize = 4096;

    /// How many busy authors a generation holds: with both, at most about 4 MiB.
    pub const BUSY_LEN: usize = 256;

    /// An empty cache.
    pub const fn new() -> Self {
        Self { young: BTreeMap::new(), old: BTreeMap::new(), busy: 0, adder: None }
    }

    /// How many authors it knows, at most twice [`GENERATION_LEN`](Self::GENERATION_LEN).
    pub fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    /// Whether it knows nobody yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    // The key of an author that the rule accepts.
    pub(super) fn key(&mut self, author: &FeedId, patience: Patience) -> Option<Key<'_>> {
        let Self { young, old, busy, adder } = self;
        if young.len() >= Self::GENERATION_LEN || *busy >= Self::BUSY_LEN {
            *old = core::mem::take(young);
            *busy = 0;
        }
        let known = young.entry(*author).or_insert_with(|| {
            let known = old.remove(author).unwrap_or_else(|| Known::of(author));
            *busy += usize::from(matches!(known, Known::Multiples(_)));
            known
        });
        if let Known::Point { claims, .. } = known {
            if *claims < patience.0 {
                *claims += 1;
            } else {
                let point = Affine::decode(author.as_bytes());
                *known = Known::Multiples(Multiples::of(point.negated(), AUTHOR_WIDTH));
                *busy += 1;
            }
        }
        match known {
            Known::Refused => None,
            Known::Point { minus_a, .. } => Some(Key::Point(minus_a)),
            Known::Multiples(minus_a) => {
                Some(Key::Multiples(minus_a, adder.get_or_insert_with(Box::default)))
            }
        }
    }
}

impl core::fmt::Debug for KeyCache {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("KeyCache").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// After how many claims an author is busy. Then the multiples of the key are made, which take the time that they save in
/// about five more claims: who waits about as long takes never more than twice the least time, whenever the claims end.
#[derive(Clone, Copy)]
pub(super) struct Patience(pub(super) u32);

impl Patience {
    pub(super) const ENDLESS: Self = Self(u32::MAX);

    /// Endless where curve25519-dalek uses AVX-512, which is as fast without multiples.
    pub(super) fn of_this_machine() -> Self {
        // The conditions under which curve25519-dalek 5 compiles its AVX-512 code in, and asks the same question.
        #[cfg(all(
            target_arch = "x86_64",
            any(
                curve25519_dalek_backend = "avx512",
                all(target_feature = "avx512ifma", target_feature = "avx512vl")
            )
        ))]
        {
            cpufeatures::new!(avx512, "avx512ifma", "avx512vl");
            if avx512::get() {
                return Self::ENDLESS;
            }
        }
        Self(4)
    }
}

/// −A of an author, ready to be used.
pub(super) enum Key<'a> {
    Point(&'a EdwardsPoint),
    Multiples(&'a Multiples, &'a mut Adder),
}

impl Key<'_> {
    /// S·B − k·A.
    pub(super) fn combine(self, s: &Scalar, k: &Scalar) -> Expected {
        match self {
            Self::Point(minus_a) => {
                Expected::Whole(EdwardsPoint::vartime_double_scalar_mul_basepoint(k, minus_a, s))
            }
            Self::Multiples(minus_a, Adder { base, sum }) => {
                sum.add(s, base);
                sum.add(k, minus_a);
                Expected::Split(sum.take())
            }
        }
    }
}

// What is kept of an author's key.
#[derive(Clone)]
enum Known {
    Refused,
    Point { minus_a: EdwardsPoint, claims: u32 },
    Multiples(Multiples),
}

impl Known {
    fn of(author: &FeedId) -> Self {
        match canonical_point(author).filter(|point| !point.is_small_order()) {
            Some(point) => Self::Point { minus_a: -point, claims: 0 },
            None => Self::Refused,
        }
    }
}

/// The multiples of B, 61 KB, and room for a sum.
#[derive(Clone)]
pub(super) struct Adder {
    base: Multiples,
    sum: Sum,
}

impl Default for Adder {
    fn default() -> Self {
        let base = Affine::decode(ED25519_BASEPOINT_COMPRESSED.as_bytes());
        Self { base: Multiples::of(base, BASE_WIDTH), sum: Sum::new() }
    }
}

// 4 and 32 multiples a part. One bit more doubles the memory, for 8 and 4 additions less of about 83.
const AUTHOR_WIDTH: u32 = 4;
const BASE_WIDTH: u32 = 7;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Keypair;

    #[test]
    fn an_author_is_busy_once_patience_ends() {
        let author = Keypair::from_seed(&[1; 32]).id();
        let mut keys = KeyCache::new();

        for _ in 0..3 {
            assert!(matches!(keys.key(&author, Patience(3)), Some(Key::Point(_))));
        }
        assert!(matches!(keys.key(&author, Patience(3)), Some(Key::Multiples(..))));
    }

    #[test]
    fn two_generations_hold_no_more_busy_authors_than_they_may() {
        let mut keys = KeyCache::new();

        for author in 0..3 * u16::try_from(KeyCache::BUSY_LEN).unwrap() {
            let mut seed = [0; 32];
            seed[..2].copy_from_slice(&author.to_le_bytes());
            let _ = keys.key(&Keypair::from_seed(&seed).id(), Patience(0));
            let busy = keys.young.values().chain(keys.old.values());
            assert!(
                busy.filter(|known| matches!(known, Known::Multiples(_))).count() <= 2 * KeyCache::BUSY_LEN
            );
        }
        assert!(!keys.old.is_empty());
    }
}
