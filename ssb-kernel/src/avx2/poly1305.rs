//! Poly1305, four blocks side by side.
//!
//! Of n blocks m, the sum m₁·rⁿ + m₂·rⁿ⁻¹ + … + mₙ·r is wanted. Each lane of a vector sums up every fourth block, in steps of
//! r⁴, or two of them in one step of r⁸. In the end, r⁴ to r bring each lane to its place.

use core::arch::x86_64::__m256i;
use core::arch::x86_64::_mm_add_epi64;
use core::arch::x86_64::_mm_cvtsi128_si64;
use core::arch::x86_64::_mm_unpackhi_epi64;
use core::arch::x86_64::_mm256_add_epi64;
use core::arch::x86_64::_mm256_and_si256;
use core::arch::x86_64::_mm256_castsi256_si128;
use core::arch::x86_64::_mm256_extracti128_si256;
use core::arch::x86_64::_mm256_mul_epu32;
use core::arch::x86_64::_mm256_or_si256;
use core::arch::x86_64::_mm256_set1_epi64x;
use core::arch::x86_64::_mm256_setr_epi64x;
use core::arch::x86_64::_mm256_slli_epi64;
use core::arch::x86_64::_mm256_srli_epi64;
use core::arch::x86_64::_mm256_unpackhi_epi64;
use core::arch::x86_64::_mm256_unpacklo_epi64;
use core::hint::black_box;

use zeroize::Zeroize;
use zeroize::Zeroizing;

use super::vector::load;
use crate::poly1305::Key;
use crate::poly1305::Number;
use crate::poly1305::Powers;

/// The tag of a text.
#[target_feature(enable = "avx2")]
pub(super) fn tag(key: &[u8; 32], text: &[u8]) -> [u8; 16] {
    let key = Key::new(key);
    let (fours, rest) = text.as_chunks::<64>();
    match fours.split_first() {
        // For less, the powers of r cost as much as they save.
        Some((first, fours @ [_, _, ..])) => key.tag(sum(&key.powers(), first, fours), rest),
        _ => key.tag(Number::ZERO, text),
    }
}

/// The sum of so many blocks, four together.
#[target_feature(enable = "avx2")]
fn sum(powers: &Powers, first: &[u8; 64], fours: &[[u8; 64]]) -> Number {
    let Powers { r, r2, r3, r4, r8 } = powers;
    let by_r4 = Zeroizing::new(Multiplier::new([r4, r4, r4, r4]));
    let by_r8 = Zeroizing::new(Multiplier::new([r8, r8, r8, r8]));
    // In the order of the lanes.
    let to_place = Zeroizing::new(Multiplier::new([r4, r2, r3, r]));
    let mut sums = Wide::from(Numbers::of(first));
    let (eights, last) = fours.as_chunks::<2>();
    for [one, other] in eights {
        // Seen from here they may be anything, and are read where they are used. What the compiler knows of their size it
        // uses outside of a loop and forgets inside, and it would multiply 64 bits by 64 then, for twice the instructions.
        let (by_r4, by_r8) = black_box((&by_r4, &by_r8));
        sums =
            by_r8.times(sums.carried()).plus(by_r4.times(Numbers::of(one))).plus(Numbers::of(other).into());
    }
    if let [four] = last {
        sums = by_r4.times(sums.carried()).plus(Numbers::of(four).into());
    }
    to_place.times(sums.carried()).carried().total()
}

/// Four numbers modulo 2¹³⁰ − 5, one a lane. Their limbs stand for 1, 2²⁶, 2⁵² and so on, and have less than 27 bits.
#[derive(Clone, Copy)]
struct Numbers([__m256i; 5]);

/// Numbers whose limbs have less than 62 bits.
#[derive(Clone, Copy)]
struct Wide([__m256i; 5]);

impl Numbers {
    /// Four blocks, in the order first, third, second, fourth.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn of(blocks: &[u8; 64]) -> Self {
        let [one, other] = [blocks.first_chunk(), blocks.last_chunk()].map(|half| half.expect("64 bytes"));
        let (one, other) = (load(one), load(other));
        let (low, high) = (_mm256_unpacklo_epi64(one, other), _mm256_unpackhi_epi64(one, other));
        let middle = _mm256_or_si256(_mm256_srli_epi64::<52>(low), _mm256_slli_epi64::<12>(high));
        let mask = _mm256_set1_epi64x(MASK);
        Self([
            _mm256_and_si256(low, mask),
            _mm256_and_si256(_mm256_srli_epi64::<26>(low), mask),
            _mm256_and_si256(middle, mask),
            _mm256_and_si256(_mm256_srli_epi64::<14>(high), mask),
            // With one more bit on top of its 128.
            _mm256_or_si256(_mm256_srli_epi64::<40>(high), _mm256_set1_epi64x(1 << 24)),
        ])
    }

    /// The sum of all four.
    #[target_feature(enable = "avx2")]
    fn total(self) -> Number {
        let [a, b, c, d, e] = self.0.map(|limbs| {
            let pairs = _mm_add_epi64(_mm256_castsi256_si128(limbs), _mm256_extracti128_si256::<1>(limbs));
            let total = _mm_add_epi64(pairs, _mm_unpackhi_epi64(pairs, pairs));
            u128::from(_mm_cvtsi128_si64(total).cast_unsigned())
        });
        // To where limbs of 44 bits begin.
        Number::carried(a + (b << 26), (c << 8) + (d << 34), e << 16)
    }
}

impl Wide {
    #[inline]
    #[target_feature(enable = "avx2")]
    fn plus(mut self, other: Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(limb, other)| *limb = _mm256_add_epi64(*limb, other));
        self
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn carried(self) -> Numbers {
        let mask = _mm256_set1_epi64x(MASK);
        let split = |limb| (_mm256_and_si256(limb, mask), _mm256_srli_epi64::<26>(limb));
        let carry = |from, to| {
            let (from, carried) = split(from);
            (from, _mm256_add_epi64(to, carried))
        };
        let [a, b, c, d, e] = self.0;
        // Two chains at once, one from the first limb and one from the fourth.
        let ((a, b), (d, e)) = (carry(a, b), carry(d, e));
        let ((b, c), (e, over)) = (carry(b, c), split(e));
        // 2¹³⁰ is 5.
        let a = _mm256_add_epi64(a, _mm256_add_epi64(over, _mm256_slli_epi64::<2>(over)));
        let ((c, d), (a, b)) = (carry(c, d), carry(a, b));
        let (d, e) = carry(d, e);
        Numbers([a, b, c, d, e])
    }
}

impl From<Numbers> for Wide {
    #[inline]
    fn from(numbers: Numbers) -> Self {
        Self(numbers.0)
    }
}

/// What four numbers are multiplied by: the limbs of a number each, and five times these.
struct Multiplier([__m256i; 5], [__m256i; 5]);

impl Multiplier {
    #[target_feature(enable = "avx2")]
    fn new(numbers: [&Number; 4]) -> Self {
        let [[a, b, c, d, e], [f, g, h, i, j], [k, l, m, n, o], [p, q, r, s, t]] =
            numbers.map(|number| number.limbs_of_26_bits().map(u64::cast_signed));
        let limbs = [
            _mm256_setr_epi64x(a, f, k, p),
            _mm256_setr_epi64x(b, g, l, q),
            _mm256_setr_epi64x(c, h, m, r),
            _mm256_setr_epi64x(d, i, n, s),
            _mm256_setr_epi64x(e, j, o, t),
        ];
        let mut five_times = limbs;
        five_times.iter_mut().for_each(|limb| *limb = _mm256_add_epi64(*limb, _mm256_slli_epi64::<2>(*limb)));
        Self(limbs, five_times)
    }

    /// The products, as in school. 2¹³⁰ is 5: what is past the fifth limb comes back five times.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn times(&self, numbers: Numbers) -> Wide {
        let Self([r0, r1, r2, r3, r4], [_, s1, s2, s3, s4]) = *self;
        let [a, b, c, d, e] = numbers.0;
        let sum = |products: [(__m256i, __m256i); 5]| {
            let [a, b, c, d, e] = products.map(|(one, other)| _mm256_mul_epu32(one, other));
            _mm256_add_epi64(_mm256_add_epi64(_mm256_add_epi64(a, b), _mm256_add_epi64(c, d)), e)
        };
        Wide([
            sum([(a, r0), (b, s4), (c, s3), (d, s2), (e, s1)]),
            sum([(a, r1), (b, r0), (c, s4), (d, s3), (e, s2)]),
            sum([(a, r2), (b, r1), (c, r0), (d, s4), (e, s3)]),
            sum([(a, r3), (b, r2), (c, r1), (d, r0), (e, s4)]),
            sum([(a, r4), (b, r3), (c, r2), (d, r1), (e, r0)]),
        ])
    }
}

impl Zeroize for Multiplier {
    fn zeroize(&mut self) {
        self.0.zeroize();
        self.1.zeroize();
    }
}

const MASK: i64 = (1 << 26) - 1;
