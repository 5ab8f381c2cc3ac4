//! Sums of scalar multiples, with most doublings done beforehand.
//!
//! A scalar is split into [`PARTS`] parts of [`ROWS`] bits. With the multiples 2¹⁶·P, 2³²·P and so on of a point at hand, all
//! parts of all scalars share [`ROWS`] doublings, where the usual method takes 253. The digits are those of the width-w
//! non-adjacent form (Hankerson, Menezes, Vanstone, "Guide to Elliptic Curve Cryptography", algorithm 3.35). They add up to
//! the scalar as an integer, so the sum is right for points with a component of small order too.
//!
//! Everything here is public, and takes a time that depends on it.

use alloc::vec::Vec;

use curve25519_dalek::scalar::Scalar;

use super::point::Addend;
use super::point::Affine;
use super::point::Extended;
use super::point::Projective;

const PARTS: usize = 16;
const ROWS: usize = 16;

/// Small odd multiples of a point, and of that point times 2¹⁶, 2³² and so on.
#[derive(Clone)]
pub(super) struct Multiples {
    width: u32,
    // Part after part; of each part the multiples 1, 3, 5 and so on.
    addends: Vec<Addend>,
}

impl Multiples {
    /// With digits of `width` bits, 2 to 7: 2^(width − 2) multiples a part, of 120 bytes each.
    pub(super) fn of(point: Affine, width: u32) -> Self {
        let parts = core::iter::successors(Some(point.extended()), |part| {
            Some((0..ROWS).fold(*part, |point, _| point.doubled()))
        });
        let odd = |part: Extended| part.progression(part.doubled()).take(1 << (width - 2));
        let points: Vec<Projective> = parts.take(PARTS).flat_map(odd).map(Extended::projective).collect();
        Self { width, addends: Projective::addends(&points) }
    }

    // What a digit adds to its row: the digit, which is odd, times the part's point.
    fn addend(&self, part: usize, digit: Digit) -> Option<Addend> {
        let multiple = self.addends.get((part << (self.width - 2)) + usize::from(digit.magnitude / 2))?;
        Some(if digit.is_negative { multiple.negated() } else { *multiple })
    }
}

/// A sum of multiples of points, which takes its doublings only once.
#[derive(Clone)]
pub(super) struct Sum {
    // What is to be doubled 0, 1, 2 and so on times.
    rows: [Vec<Addend>; ROWS],
}

impl Sum {
    pub(super) const fn new() -> Self {
        Self { rows: [const { Vec::new() }; ROWS] }
    }

    /// Adds a multiple.
    pub(super) fn add(&mut self, scalar: &Scalar, point: &Multiples) {
        for digit in Digits::of(scalar, point.width) {
            let (row, part) = (self.rows.get_mut(digit.at % ROWS), point.addend(digit.at / ROWS, digit));
            // A copy, negated here: all of a sum is fetched from memory together, before it is waited for.
            row.expect("a remainder").push(part.expect("a scalar has no more bits than the parts"));
        }
    }

    /// Takes the sum and starts another at zero.
    pub(super) fn take(&mut self) -> Projective {
        self.rows.iter_mut().rev().fold(Projective::IDENTITY, |sum, row| {
            row.drain(..).fold(sum.doubled(), |sum, addend| sum.extended().plus(&addend)).projective()
        })
    }
}

/// An odd number times 2^at.
#[derive(Clone, Copy)]
struct Digit {
    at: usize,
    magnitude: u8,
    is_negative: bool,
}

/// The digits of a scalar, of which it is the sum, the lowest first.
struct Digits {
    width: u32,
    // What is left, without the bits below `at`.
    low: u128,
    high: u128,
    at: usize,
}

impl Digits {
    fn of(scalar: &Scalar, width: u32) -> Self {
        let [low, high] = [scalar.as_bytes().first_chunk(), scalar.as_bytes().last_chunk()]
            .map(|half| u128::from_le_bytes(*half.expect("a scalar has 32 bytes")));
        Self { width, low, high, at: 0 }
    }

    // By less than 128 bits.
    fn skip(&mut self, bits: u32) {
        self.low = self.low >> bits | self.high << 1 << (127 - bits);
        self.high >>= bits;
        self.at += bits as usize;
    }
}

impl Iterator for Digits {
    type Item = Digit;

    #[inline]
    fn next(&mut self) -> Option<Digit> {
        if self.low == 0 {
            // The highest bit of a scalar is far below 2^255: one skip finds it if there is one.
            self.skip(127);
            if self.low == 0 {
                return None;
            }
        }
        self.skip(self.low.trailing_zeros());
        let at = self.at;
        let [lowest, ..] = self.low.to_le_bytes();
        let window = lowest & ((1 << self.width) - 1);
        let is_negative = window >> (self.width - 1) == 1;
        let magnitude = if is_negative { (1 << self.width) - window } else { window };
        self.skip(self.width);
        if is_negative {
            // The window was more than its digit by 2^width.
            let (low, carry) = self.low.overflowing_add(1);
            (self.low, self.high) = (low, self.high + u128::from(carry));
        }
        Some(Digit { at, magnitude, is_negative })
    }
}
