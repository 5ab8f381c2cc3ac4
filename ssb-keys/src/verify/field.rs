//! Numbers modulo p = 2²⁵⁵ − 19.
//!
//! The arithmetic is that of the crate fiat-crypto, which is generated together with a proof that it is right as long as
//! limbs keep to bounds. The types keep them: only two [`Number`]s are added or subtracted, which gives a [`Wide`] number;
//! numbers of either kind are multiplied, which gives a `Number` again.

use alloc::vec::Vec;
use core::ops::Add;
use core::ops::Mul;
use core::ops::Sub;

use fiat_crypto::curve25519_64::fiat_25519_add;
use fiat_crypto::curve25519_64::fiat_25519_carry;
use fiat_crypto::curve25519_64::fiat_25519_carry_mul;
use fiat_crypto::curve25519_64::fiat_25519_carry_square;
use fiat_crypto::curve25519_64::fiat_25519_from_bytes;
use fiat_crypto::curve25519_64::fiat_25519_loose_field_element;
use fiat_crypto::curve25519_64::fiat_25519_relax;
use fiat_crypto::curve25519_64::fiat_25519_sub;
use fiat_crypto::curve25519_64::fiat_25519_tight_field_element;
use fiat_crypto::curve25519_64::fiat_25519_to_bytes;

/// A number within the bounds that fiat-crypto calls tight.
#[derive(Clone, Copy)]
pub(super) struct Number(fiat_25519_tight_field_element);

/// A sum or difference that is not carried yet, within the bounds that fiat-crypto calls loose.
#[derive(Clone, Copy)]
pub(super) struct Wide(fiat_25519_loose_field_element);

impl Number {
    pub(super) const ZERO: Self = Self::from_limbs([0; 5]);
    pub(super) const ONE: Self = Self::from_limbs([1, 0, 0, 0, 0]);

    /// The constant with these limbs of 51 bits, the lowest first.
    pub(super) const fn from_limbs(limbs: [u64; 5]) -> Self {
        Self(fiat_25519_tight_field_element(limbs))
    }

    /// What the lower 255 bits say, canonical or not.
    pub(super) fn from_bytes(bytes: &[u8; 32]) -> Self {
        let mut bytes = *bytes;
        bytes[31] &= 0x7f;
        let mut number = Self::ZERO;
        fiat_25519_from_bytes(&mut number.0, &bytes);
        number
    }

    /// The canonical encoding, below p.
    pub(super) fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        fiat_25519_to_bytes(&mut bytes, &self.0);
        bytes
    }

    /// Whether the canonical encoding is odd, which RFC 8032 calls the sign.
    pub(super) fn is_odd(self) -> bool {
        self.to_bytes()[0] & 1 == 1
    }

    #[inline(always)]
    pub(super) fn square(self) -> Self {
        let mut square = Self::ZERO;
        fiat_25519_carry_square(&mut square.0, &Wide::from(self).0);
        square
    }

    #[inline(always)]
    pub(super) fn twice(self) -> Self {
        (self + self).carry()
    }

    pub(super) fn negated(self) -> Self {
        (Self::ZERO - self).carry()
    }

    /// The inverse; 0 for 0, which has none.
    pub(super) fn inverse(self) -> Self {
        let (ones, eleventh) = self.power_of_250_ones();
        ones.squared(5) * eleventh
    }

    /// The power (p − 5)/8, of which square roots are made.
    pub(super) fn root_power(self) -> Self {
        let (ones, _) = self.power_of_250_ones();
        ones.squared(2) * self
    }

    // The powers 2²⁵⁰ − 1 and 11. The exponents p − 2 and (p − 5)/8 both begin with 250 ones.
    fn power_of_250_ones(self) -> (Self, Self) {
        let second = self.square();
        let ninth = second.squared(2) * self;
        let eleventh = ninth * second;
        let ones_5 = eleventh.square() * ninth;
        let ones_10 = ones_5.squared(5) * ones_5;
        let ones_20 = ones_10.squared(10) * ones_10;
        let ones_40 = ones_20.squared(20) * ones_20;
        let ones_50 = ones_40.squared(10) * ones_10;
        let ones_100 = ones_50.squared(50) * ones_50;
        let ones_200 = ones_100.squared(100) * ones_100;
        (ones_200.squared(50) * ones_50, eleventh)
    }

    fn squared(self, times: u32) -> Self {
        (0..times).fold(self, |number, _| number.square())
    }
}

impl Wide {
    #[inline(always)]
    pub(super) fn carry(self) -> Number {
        let mut number = Number::ZERO;
        fiat_25519_carry(&mut number.0, &self.0);
        number
    }
}

impl From<Number> for Wide {
    #[inline(always)]
    fn from(number: Number) -> Self {
        let mut wide = Self(fiat_25519_loose_field_element([0; 5]));
        fiat_25519_relax(&mut wide.0, &number.0);
        wide
    }
}

impl Add for Number {
    type Output = Wide;

    #[inline(always)]
    fn add(self, other: Self) -> Wide {
        let mut sum = Wide(fiat_25519_loose_field_element([0; 5]));
        fiat_25519_add(&mut sum.0, &self.0, &other.0);
        sum
    }
}

impl Sub for Number {
    type Output = Wide;

    #[inline(always)]
    fn sub(self, other: Self) -> Wide {
        let mut difference = Wide(fiat_25519_loose_field_element([0; 5]));
        fiat_25519_sub(&mut difference.0, &self.0, &other.0);
        difference
    }
}

impl<Factor: Into<Wide>> Mul<Factor> for Number {
    type Output = Self;

    #[inline(always)]
    fn mul(self, other: Factor) -> Self {
        Wide::from(self) * other
    }
}

impl<Factor: Into<Wide>> Mul<Factor> for Wide {
    type Output = Number;

    #[inline(always)]
    fn mul(self, other: Factor) -> Number {
        let mut product = Number::ZERO;
        fiat_25519_carry_mul(&mut product.0, &self.0, &other.into().0);
        product
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.to_bytes() == other.to_bytes()
    }
}

/// The inverses of numbers of which none is zero, at the price of one inversion (Montgomery's trick).
pub(super) fn inverses(numbers: &[Number]) -> Vec<Number> {
    if numbers.is_empty() {
        return Vec::new();
    }
    let mut product = Number::ONE;
    let product_before = |&number: &Number| {
        let before = product;
        product = before * number;
        before
    };
    let mut inverses: Vec<Number> = numbers.iter().map(product_before).collect();
    let mut inverse = product.inverse();
    for (before, &number) in inverses.iter_mut().zip(numbers).rev() {
        *before = *before * inverse;
        inverse = inverse * number;
    }
    inverses
}
