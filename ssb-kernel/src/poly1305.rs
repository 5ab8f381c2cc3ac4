//! Poly1305 (RFC 8439, 2.5) in 64-bit words.
//!
//! A number modulo 2¹³⁰ − 5 is held in limbs of 44, 44 and 42 bits, as in Andrew Moon's poly1305-donna-64: products of two
//! limbs fit 128 bits with room for their sums. Nothing is prepared but the key itself, so short texts are cheap.

use zeroize::Zeroize;
use zeroize::Zeroizing;

/// A key, used once.
pub(crate) struct Key {
    r: Zeroizing<Number>,
    s: Zeroizing<u128>,
}

impl Key {
    pub(crate) fn new(bytes: &[u8; 32]) -> Self {
        let half = |half: Option<&[u8; 16]>| u128::from_le_bytes(*half.expect("a key has 32 bytes"));
        // Clamped.
        let r = half(bytes.first_chunk()) & 0x0fff_fffc_0fff_fffc_0fff_fffc_0fff_ffff;
        Self { r: Zeroizing::new(Number::of(r)), s: Zeroizing::new(half(bytes.last_chunk())) }
    }

    /// Powers of what every block is multiplied by.
    pub(crate) fn powers(&self) -> Zeroizing<Powers> {
        let r = *self.r;
        let r2 = r.times(&r);
        let r4 = r2.times(&r2);
        Zeroizing::new(Powers { r, r2, r3: r2.times(&r), r4, r8: r4.times(&r4) })
    }

    /// The tag of a text of which `sum` is the first part, in whole blocks, and `rest` what follows.
    pub(crate) fn tag(&self, mut sum: Number, rest: &[u8]) -> [u8; 16] {
        let (blocks, rest) = rest.as_chunks::<16>();
        for block in blocks {
            sum = sum.plus(u128::from_le_bytes(*block), 1).times(&self.r);
        }
        if !rest.is_empty() {
            let mut block = [0; 16];
            // A one behind the last byte.
            block.iter_mut().zip(rest.iter().chain(&[1])).for_each(|(to, from)| *to = *from);
            sum = sum.plus(u128::from_le_bytes(block), 0).times(&self.r);
        }
        sum.low_128_bits().wrapping_add(*self.s).to_le_bytes()
    }
}

/// Powers of r.
pub(crate) struct Powers {
    pub(crate) r: Number,
    pub(crate) r2: Number,
    pub(crate) r3: Number,
    pub(crate) r4: Number,
    pub(crate) r8: Number,
}

impl Zeroize for Powers {
    fn zeroize(&mut self) {
        let Self { r, r2, r3, r4, r8 } = self;
        [r, r2, r3, r4, r8].into_iter().for_each(Zeroize::zeroize);
    }
}

/// A number modulo 2¹³⁰ − 5: limbs that stand for 1, 2⁴⁴ and 2⁸⁸, each at most a little longer than it should be.
#[derive(Clone, Copy)]
pub(crate) struct Number([u64; 3]);

impl Number {
    pub(crate) const ZERO: Self = Self([0; 3]);

    const fn of(value: u128) -> Self {
        Self([low(value) & M44, low(value >> 44) & M44, low(value >> 88)])
    }

    /// Its limbs, if they were of 26 bits, or a little more.
    pub(crate) const fn limbs_of_26_bits(self) -> [u64; 5] {
        let [a, b, c] = self.0;
        [a & M26, (a >> 26) + ((b & 0xff) << 18), (b >> 8) & M26, (b >> 34) + ((c & 0xffff) << 10), c >> 16]
    }

    // This number and a block of 128 bits, with one more bit on top of it.
    #[inline]
    const fn plus(self, block: u128, top: u64) -> Self {
        let ([a, b, c], [x, y, z]) = (self.0, Self::of(block).0);
        Self([a + x, b + y, c + z + (top << 40)])
    }

    /// The product. Of the factors, limbs may have up to 46 bits; those of the product have at most 44 bits and a little.
    #[inline]
    pub(crate) const fn times(self, other: &Self) -> Self {
        let ([a, b, c], [x, y, z]) = (self.0, other.0);
        // 2¹³² is 20: what is past the third limb comes back twenty times.
        let (y20, z20) = (y * 20, z * 20);
        let low_sum = wide(a, x) + wide(b, z20) + wide(c, y20);
        let middle_sum = wide(a, y) + wide(b, x) + wide(c, z20);
        let high_sum = wide(a, z) + wide(b, y) + wide(c, x);
        Self::carried(low_sum, middle_sum, high_sum)
    }

    /// The number with these limbs, of up to 100 bits each.
    #[inline]
    pub(crate) const fn carried(first: u128, second: u128, third: u128) -> Self {
        let second = second + (first >> 44);
        let third = third + (second >> 44);
        // 2¹³⁰ is 5.
        let first = (low(first) & M44) + low(third >> 42) * 5;
        Self([first & M44, (low(second) & M44) + (first >> 44), low(third) & M42])
    }

    // Of the number between 0 and 2¹³⁰ − 6 that it stands for.
    const fn low_128_bits(self) -> u128 {
        let [a, b, c] = Self::carried(self.0[0] as u128, self.0[1] as u128, self.0[2] as u128).0;
        let c = c + (b >> 44);
        let b = b & M44;
        // 5 more, and a bit is carried out of 130: then it was not below 2¹³⁰ − 5.
        let carry = (c + ((b + ((a + 5) >> 44)) >> 44)) >> 42;
        let value = (a as u128) | (b as u128) << 44 | (c as u128) << 88;
        value.wrapping_add(carry as u128 * 5)
    }
}

impl Zeroize for Number {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

const fn wide(a: u64, b: u64) -> u128 {
    a as u128 * b as u128
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is wanted")]
const fn low(value: u128) -> u64 {
    value as u64
}

const M26: u64 = (1 << 26) - 1;
const M42: u64 = (1 << 42) - 1;
const M44: u64 = (1 << 44) - 1;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use std::vec::Vec;

    use super::*;
    use crate::avx2::Avx2;
    use crate::portable;

    #[test]
    fn vectors_of_rfc_8439() {
        let texts = TEXTS.iter().map(|(key, text, tag)| (key, text.as_bytes().to_vec(), tag));
        let bytes = BYTES.iter().map(|(key, bytes, tag)| (key, unhex(bytes), tag));
        for (key, text, tag) in texts.chain(bytes) {
            let (key, tag): ([u8; 32], [u8; 16]) =
                (unhex(key).try_into().unwrap(), unhex(tag).try_into().unwrap());

            assert_eq!(portable::tag(&key, &text), tag, "by the crate");
            assert_eq!(Key::new(&key).tag(Number::ZERO, &text), tag, "one block after the other");
            if let Some(avx2) = Avx2::of_this_cpu() {
                assert_eq!(avx2.tag(&key, &text), tag, "by AVX2");
            }
        }
    }

    proptest! {
        #[test]
        fn tags_are_the_crates(key in bytes(32..33), text in bytes(0..1200)) {
            let key = key.try_into().unwrap();
            let expected = portable::tag(&key, &text);

            prop_assert_eq!(Key::new(&key).tag(Number::ZERO, &text), expected);
            if let Some(avx2) = Avx2::of_this_cpu() {
                prop_assert_eq!(avx2.tag(&key, &text), expected);
            }
        }
    }

    // Most limbs at their largest or at zero, or any.
    fn bytes(len: std::ops::Range<usize>) -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![4 => Just(0xff_u8), 1 => Just(0), 1 => any::<u8>()];
        prop_oneof![prop::collection::vec(byte, len.clone()), prop::collection::vec(any::<u8>(), len)]
    }

    #[test]
    fn sums_on_both_sides_of_the_modulus_are_reduced() {
        // With r = 1 the blocks are just added up.
        let mut key = [0; 32];
        key[0] = 1;
        for blocks in (3..40).step_by(2) {
            // A block of ones is 2¹²⁹ − 1. With so many, and what is on top of one more, the sum is 3·2¹²⁸ and this, for
            // four times 2¹²⁸ are 5. The modulus is 3·2¹²⁸ and 2¹²⁸ − 5.
            let sum = (2 * blocks + 1) / 4 * 5 - blocks;
            for above in -6_i128..6 {
                let mut text = [0xff; 16].repeat(usize::try_from(blocks).unwrap());
                text.extend_from_slice(&(above - 5 - sum).to_le_bytes());

                let expected = if above < 0 { above - 5 } else { above }.to_le_bytes();
                assert_eq!(portable::tag(&key, &text), expected);
                assert_eq!(Key::new(&key).tag(Number::ZERO, &text), expected, "{blocks} blocks, {above}");
                if let Some(avx2) = Avx2::of_this_cpu() {
                    assert_eq!(avx2.tag(&key, &text), expected, "{blocks} blocks, {above}");
                }
            }
        }
    }

    #[expect(clippy::string_slice, reason = "helpers of tests fail tests")]
    fn unhex(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    // RFC 8439, 2.5.2 and A.3, 2 to 4.
    const TEXTS: [(&str, &str, &str); 4] = [
        (
            "85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b",
            "Cryptographic Forum Research Group",
            "a8061dc1305136c6c22b8baf0c0127a9",
        ),
        (
            "0000000000000000000000000000000036e5f6b5c5e06070f0efca96227a863e",
            SUBMISSION,
            "36e5f6b5c5e06070f0efca96227a863e",
        ),
        (
            "36e5f6b5c5e06070f0efca96227a863e00000000000000000000000000000000",
            SUBMISSION,
            "f3477e7cd95417af89a6b8794c310cf0",
        ),
        (
            "1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0",
            "'Twas brillig, and the slithy toves\nDid gyre and gimble in the wabe:\nAll mimsy were the borogoves,\n\
             And the mome raths outgrabe.",
            "4541669a7eaaee61e708dc7cbcc5eb62",
        ),
    ];

    const SUBMISSION: &str = "Any submission to the IETF intended by the Contributor for publication as all or part of \
        an IETF Internet-Draft or RFC and any statement made within the context of an IETF activity is considered an \
        \"IETF Contribution\". Such statements include oral statements in IETF sessions, as well as written and \
        electronic communications made at any time or place, which are addressed to";

    // RFC 8439, A.3, 1 and 5 to 11.
    const BYTES: [(&str, &str, &str); 8] = [
        (
            "0000000000000000000000000000000000000000000000000000000000000000",
            "00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
             000000000000000000000000",
            "00000000000000000000000000000000",
        ),
        (
            "0200000000000000000000000000000000000000000000000000000000000000",
            "ffffffffffffffffffffffffffffffff",
            "03000000000000000000000000000000",
        ),
        (
            "02000000000000000000000000000000ffffffffffffffffffffffffffffffff",
            "02000000000000000000000000000000",
            "03000000000000000000000000000000",
        ),
        (
            "0100000000000000000000000000000000000000000000000000000000000000",
            "fffffffffffffffffffffffffffffffff0ffffffffffffffffffffffffffffff11000000000000000000000000000000",
            "05000000000000000000000000000000",
        ),
        (
            "0100000000000000000000000000000000000000000000000000000000000000",
            "fffffffffffffffffffffffffffffffffbfefefefefefefefefefefefefefefe01010101010101010101010101010101",
            "00000000000000000000000000000000",
        ),
        (
            "0200000000000000000000000000000000000000000000000000000000000000",
            "fdffffffffffffffffffffffffffffff",
            "faffffffffffffffffffffffffffffff",
        ),
        (
            "0100000000000000040000000000000000000000000000000000000000000000",
            "e33594d7505e43b900000000000000003394d7505e4379cd010000000000000000000000000000000000000000000000\
             01000000000000000000000000000000",
            "14000000000000005500000000000000",
        ),
        (
            "0100000000000000040000000000000000000000000000000000000000000000",
            "e33594d7505e43b900000000000000003394d7505e4379cd010000000000000000000000000000000000000000000000",
            "13000000000000000000000000000000",
        ),
    ];
}
