//! Salsa20 (D. J. Bernstein, "Salsa20 specification"), two or eight blocks side by side.

use core::arch::x86_64::__m256i;
use core::arch::x86_64::_mm256_add_epi32;
use core::arch::x86_64::_mm256_add_epi64;
use core::arch::x86_64::_mm256_blend_epi32;
use core::arch::x86_64::_mm256_castps_si256;
use core::arch::x86_64::_mm256_castsi256_ps;
use core::arch::x86_64::_mm256_or_si256;
use core::arch::x86_64::_mm256_permute2x128_si256;
use core::arch::x86_64::_mm256_set1_epi32;
use core::arch::x86_64::_mm256_set1_epi64x;
use core::arch::x86_64::_mm256_setr_epi32;
use core::arch::x86_64::_mm256_setr_epi64x;
use core::arch::x86_64::_mm256_shuffle_epi32;
use core::arch::x86_64::_mm256_shuffle_ps;
use core::arch::x86_64::_mm256_slli_epi32;
use core::arch::x86_64::_mm256_srli_epi32;
use core::arch::x86_64::_mm256_unpackhi_epi32;
use core::arch::x86_64::_mm256_unpackhi_epi64;
use core::arch::x86_64::_mm256_unpacklo_epi32;
use core::arch::x86_64::_mm256_unpacklo_epi64;
use core::arch::x86_64::_mm256_xor_si256;
use core::hint::black_box;

use zeroize::Zeroizing;

use super::vector::load;
use super::vector::store;

/// A key stream behind its first 32 bytes, which are the key of the MAC.
pub(super) struct Stream {
    input: Zeroizing<[u32; 16]>,
    /// The first blocks, of which so many are made.
    first: Zeroizing<Blocks>,
    made: usize,
}

/// Up to eight blocks, 32 bytes a vector.
type Blocks = [__m256i; 16];

impl Stream {
    /// For a text of so many bytes.
    #[target_feature(enable = "avx2")]
    pub(super) fn new(subkey: &[u8; 32], nonce: &[u8; 8], text_len: usize) -> Self {
        let input = Zeroizing::new(input(subkey, nonce));
        // Two blocks take half of the time of eight, where more than these would be for nothing.
        let (made, first) = match (MAC_KEY_LEN + text_len).div_ceil(BLOCK_LEN) % 8 {
            1 | 2 => (2, two(&input)),
            _ => (8, eight(&input, 0)),
        };
        Self { input, first: Zeroizing::new(first), made }
    }

    /// The key of the MAC.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn mac_key(&self) -> Zeroizing<[u8; MAC_KEY_LEN]> {
        let [vector, ..] = *self.first;
        let mut key = Zeroizing::new([0; MAC_KEY_LEN]);
        store(vector, &mut key);
        key
    }

    /// Adds the stream to a text of the length that was told.
    #[target_feature(enable = "avx2")]
    pub(super) fn xor(&self, text: &mut [u8]) {
        let [_mac_key, first @ ..] = &*self.first;
        let (head, rest) = text.split_at_mut(text.len().min(self.made * BLOCK_LEN - MAC_KEY_LEN));
        xor(first, head);
        let (wholes, rest) = rest.as_chunks_mut::<{ 8 * BLOCK_LEN }>();
        let mut number = self.made as u64;
        for whole in wholes {
            xor(&eight(&self.input, number), whole);
            number += 8;
        }
        if !rest.is_empty() {
            xor(Zeroizing::new(eight(&self.input, number)).as_slice(), rest);
        }
    }
}

/// What all blocks of a stream are made of; their numbers belong where the zeros are.
fn input(subkey: &[u8; 32], nonce: &[u8; 8]) -> [u32; 16] {
    let [a, b, c, d, e, f, g, h] = words(subkey);
    let [i, j] = words(nonce);
    let [w, x, y, z] = words(b"expand 32-byte k");
    [w, a, b, c, d, x, i, j, 0, 0, y, e, f, g, h, z]
}

fn words<const BYTES: usize, const WORDS: usize>(bytes: &[u8; BYTES]) -> [u32; WORDS] {
    let mut words = [0; WORDS];
    words.iter_mut().zip(bytes.as_chunks().0).for_each(|(word, bytes)| *word = u32::from_le_bytes(*bytes));
    words
}

/// The key stream of eight blocks, from this number on: a vector holds the same word of each.
#[inline]
#[target_feature(enable = "avx2")]
fn eight(input: &[u32; 16], number: u64) -> Blocks {
    let mut start = [_mm256_set1_epi32(0); 16];
    start.iter_mut().zip(input).for_each(|(word, &input)| *word = _mm256_set1_epi32(input.cast_signed()));
    [start[8], start[9]] = numbers(number);
    // Something that is certainly in memory makes the compiler align the stack. Words that find no register go there, and
    // would cross lines of the cache.
    let start = black_box(&start);
    let mut state = *start;
    for _ in 0..10 {
        state = double_round(state);
    }
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = sum(state, start);
    // The first half and the second half of each block.
    let ([a, c, e, g, i, k, m, o], [b, d, f, h, j, l, n, p]) =
        (transposed([a, b, c, d, e, f, g, h]), transposed([i, j, k, l, m, n, o, p]));
    [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]
}

/// The lower and the upper words of eight numbers, from this one on.
#[inline]
#[target_feature(enable = "avx2")]
fn numbers(first: u64) -> [__m256i; 2] {
    let first = _mm256_set1_epi64x(first.cast_signed());
    // The shuffles take two words of one, then two of the other, in each half.
    let some = _mm256_castsi256_ps(_mm256_add_epi64(first, _mm256_setr_epi64x(0, 1, 4, 5)));
    let others = _mm256_castsi256_ps(_mm256_add_epi64(first, _mm256_setr_epi64x(2, 3, 6, 7)));
    let lower = _mm256_shuffle_ps::<0b10_00_10_00>(some, others);
    let upper = _mm256_shuffle_ps::<0b11_01_11_01>(some, others);
    [_mm256_castps_si256(lower), _mm256_castps_si256(upper)]
}

#[inline]
#[target_feature(enable = "avx2")]
fn double_round(state: [__m256i; 16]) -> [__m256i; 16] {
    let [x0, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11, x12, x13, x14, x15] = state;
    // Columns.
    let [x0, x4, x8, x12] = quarter_round([x0, x4, x8, x12]);
    let [x5, x9, x13, x1] = quarter_round([x5, x9, x13, x1]);
    let [x10, x14, x2, x6] = quarter_round([x10, x14, x2, x6]);
    let [x15, x3, x7, x11] = quarter_round([x15, x3, x7, x11]);
    // Rows.
    let [x0, x1, x2, x3] = quarter_round([x0, x1, x2, x3]);
    let [x5, x6, x7, x4] = quarter_round([x5, x6, x7, x4]);
    let [x10, x11, x8, x9] = quarter_round([x10, x11, x8, x9]);
    let [x15, x12, x13, x14] = quarter_round([x15, x12, x13, x14]);
    [x0, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11, x12, x13, x14, x15]
}

/// Rows of words into columns.
#[inline]
#[target_feature(enable = "avx2")]
fn transposed([a, b, c, d, e, f, g, h]: [__m256i; 8]) -> [__m256i; 8] {
    let [ab, cd, ef, gh] = [(a, b), (c, d), (e, f), (g, h)]
        .map(|(one, other)| [_mm256_unpacklo_epi32(one, other), _mm256_unpackhi_epi32(one, other)]);
    let pair = |one, other| [_mm256_unpacklo_epi64(one, other), _mm256_unpackhi_epi64(one, other)];
    let ([s0, s1], [s2, s3]) = (pair(ab[0], cd[0]), pair(ab[1], cd[1]));
    let ([t0, t1], [t2, t3]) = (pair(ef[0], gh[0]), pair(ef[1], gh[1]));
    [
        low_halves(s0, t0),
        low_halves(s1, t1),
        low_halves(s2, t2),
        low_halves(s3, t3),
        high_halves(s0, t0),
        high_halves(s1, t1),
        high_halves(s2, t2),
        high_halves(s3, t3),
    ]
}

/// The key stream of the first two blocks: a vector holds four words of each, a diagonal of the matrix that they are.
#[inline]
#[target_feature(enable = "avx2")]
fn two(input: &[u32; 16]) -> Blocks {
    let [x0, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11, x12, x13, x14, x15] = input.map(u32::cast_signed);
    let start = [
        _mm256_setr_epi32(x0, x5, x10, x15, x0, x5, x10, x15),
        _mm256_setr_epi32(x4, x9, x14, x3, x4, x9, x14, x3),
        // The second is number 1.
        _mm256_setr_epi32(x8, x13, x2, x7, 1, x13, x2, x7),
        _mm256_setr_epi32(x12, x1, x6, x11, x12, x1, x6, x11),
    ];
    let mut state = start;
    for _ in 0..20 {
        let [a, b, c, d] = quarter_round(state);
        // Each word of the first diagonal gets the other three of its row into its lane, and then those of its column again.
        state = [a, turned::<0b00_11_10_01>(d), turned::<0b01_00_11_10>(c), turned::<0b10_01_00_11>(b)];
    }
    let [a, b, c, d] = sum(state, &start);
    // From diagonals to rows.
    let odd = |one, other| _mm256_blend_epi32::<0b1010_1010>(one, other);
    let last = |one, other| _mm256_blend_epi32::<0b1100_1100>(one, other);
    let [ad, ba, cb, dc] = [odd(a, d), odd(b, a), odd(c, b), odd(d, c)];
    let [w, x, y, z] = [last(ad, cb), last(ba, dc), last(cb, ad), last(dc, ba)];
    let mut blocks = [_mm256_set1_epi32(0); 16];
    [blocks[0], blocks[1]] = [low_halves(w, x), low_halves(y, z)];
    [blocks[2], blocks[3]] = [high_halves(w, x), high_halves(y, z)];
    blocks
}

#[inline]
#[target_feature(enable = "avx2")]
fn turned<const ORDER: i32>(words: __m256i) -> __m256i {
    _mm256_shuffle_epi32::<ORDER>(words)
}

#[inline]
#[target_feature(enable = "avx2")]
fn low_halves(one: __m256i, other: __m256i) -> __m256i {
    _mm256_permute2x128_si256::<0x20>(one, other)
}

#[inline]
#[target_feature(enable = "avx2")]
fn high_halves(one: __m256i, other: __m256i) -> __m256i {
    _mm256_permute2x128_si256::<0x31>(one, other)
}

#[inline]
#[target_feature(enable = "avx2")]
fn quarter_round([a, b, c, d]: [__m256i; 4]) -> [__m256i; 4] {
    let b = _mm256_xor_si256(b, rotated::<7, 25>(_mm256_add_epi32(a, d)));
    let c = _mm256_xor_si256(c, rotated::<9, 23>(_mm256_add_epi32(b, a)));
    let d = _mm256_xor_si256(d, rotated::<13, 19>(_mm256_add_epi32(c, b)));
    let a = _mm256_xor_si256(a, rotated::<18, 14>(_mm256_add_epi32(d, c)));
    [a, b, c, d]
}

#[inline]
#[target_feature(enable = "avx2")]
fn sum<const N: usize>(mut words: [__m256i; N], others: &[__m256i; N]) -> [__m256i; N] {
    words.iter_mut().zip(others).for_each(|(word, other)| *word = _mm256_add_epi32(*word, *other));
    words
}

/// Rotated to the left; the other bits are those to the right, 32 together.
#[inline]
#[target_feature(enable = "avx2")]
fn rotated<const LEFT: i32, const RIGHT: i32>(words: __m256i) -> __m256i {
    _mm256_or_si256(_mm256_slli_epi32::<LEFT>(words), _mm256_srli_epi32::<RIGHT>(words))
}

/// Adds vectors of a key stream to a text that is no longer than they are.
#[inline]
#[target_feature(enable = "avx2")]
fn xor(stream: &[__m256i], text: &mut [u8]) {
    let (rows, rest) = text.as_chunks_mut::<32>();
    let mut stream = stream.iter();
    for (row, vector) in rows.iter_mut().zip(&mut stream) {
        store(_mm256_xor_si256(load(row), *vector), row);
    }
    if let Some(vector) = stream.next() {
        let mut last = Zeroizing::new([0; 32]);
        store(*vector, &mut last);
        rest.iter_mut().zip(&*last).for_each(|(to, from)| *to ^= from);
    }
}

const MAC_KEY_LEN: usize = 32;
const BLOCK_LEN: usize = 64;

#[cfg(test)]
#[target_feature(enable = "avx2")]
pub(super) fn eight_blocks(subkey: &[u8; 32], nonce: &[u8; 8], number: u64) -> [u8; 8 * BLOCK_LEN] {
    let mut bytes = [0; 8 * BLOCK_LEN];
    xor(&eight(&input(subkey, nonce), number), &mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use salsa20::Salsa20;
    use salsa20::cipher::KeyIvInit as _;
    use salsa20::cipher::StreamCipher as _;
    use salsa20::cipher::StreamCipherSeek as _;

    use super::super::Avx2;
    use super::*;

    #[test]
    fn numbers_of_blocks_have_64_bits() {
        let Some(avx2) = Avx2::of_this_cpu() else { return };
        let (subkey, nonce) = ([0x5a; 32], [1, 2, 3, 4, 5, 6, 7, 0xff]);
        for number in [0, 1, (1 << 32) - 9, (1 << 32) - 8, (1 << 32) - 3, (1 << 32) - 1, 1 << 32, 1 << 57] {
            let mut twin = Salsa20::new(&subkey.into(), &nonce.into());
            twin.seek(number * 64);
            let mut expected = [0; 8 * BLOCK_LEN];
            twin.apply_keystream(&mut expected);

            assert_eq!(avx2.eight_blocks(&subkey, &nonce, number), expected, "from number {number}");
        }
    }
}
