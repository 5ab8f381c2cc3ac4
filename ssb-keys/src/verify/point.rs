//! Points of edwards25519: −x² + y² = 1 + d·x²·y² (RFC 8032, 5.1).
//!
//! The formulas are those of Hisil, Wong, Carter and Dawson, "Twisted Edwards Curves Revisited" (2008), and have no
//! exceptions on this curve: they hold for equal points, opposite points and points of small order, and no z they give is
//! zero. As usual, each result is left in a form from which three products make the next input, or four if it needs t.

use alloc::vec::Vec;

use super::field::Number;
use super::field::Wide;
use super::field::inverses;

/// A point by its coordinates.
#[derive(Clone, Copy)]
pub(super) struct Affine {
    x: Number,
    y: Number,
}

/// The point (x/z, y/z).
#[derive(Clone, Copy)]
pub(super) struct Projective {
    x: Number,
    y: Number,
    z: Number,
}

/// A [`Projective`] point with t = x·y/z: fit to be added to.
#[derive(Clone, Copy)]
pub(super) struct Extended {
    x: Number,
    y: Number,
    z: Number,
    t: Number,
}

/// The point (x/z, y/t), which a doubling or an addition gives.
#[derive(Clone, Copy)]
pub(super) struct Completed {
    x: Wide,
    y: Wide,
    z: Wide,
    t: Wide,
}

/// y + x, y − x and 2d·x·y of a point: fit to be added.
#[derive(Clone, Copy)]
pub(super) struct Addend {
    sum: Number,
    difference: Number,
    product: Number,
}

impl Affine {
    /// Decodes what is known to be the canonical encoding of a point.
    pub(super) fn decode(encoded: &[u8; 32]) -> Self {
        let y = Number::from_bytes(encoded);
        let square = y.square();
        // x² = u/v, and if u/v has a root it is this number or that times √−1 (RFC 8032, 5.1.3).
        let u = (square - Number::ONE).carry();
        let v = (D * square + Number::ONE).carry();
        let v3 = v.square() * v;
        let mut x = u * v3 * (u * v3.square() * v).root_power();
        if v * x.square() != u {
            x = x * SQRT_MINUS_1;
        }
        if x.is_odd() != (encoded[31] >> 7 == 1) {
            x = x.negated();
        }
        Self { x, y }
    }

    pub(super) fn negated(self) -> Self {
        Self { x: self.x.negated(), y: self.y }
    }

    pub(super) fn extended(self) -> Extended {
        Extended { x: self.x, y: self.y, z: Number::ONE, t: self.x * self.y }
    }
}

impl Projective {
    pub(super) const IDENTITY: Self = Self { x: Number::ZERO, y: Number::ONE, z: Number::ONE };

    /// dbl-2008-hwcd, with 2·x·y as a product.
    #[inline(always)]
    pub(super) fn doubled(self) -> Completed {
        let (xx, yy, zz) = (self.x.square(), self.y.square(), self.z.square());
        let xy = self.x * self.y;
        let z = yy - xx;
        Completed { x: xy + xy, y: yy + xx, z, t: zz.twice() - z.carry() }
    }

    /// The canonical encodings of points.
    pub(super) fn encode_all(points: &[Self]) -> Vec<[u8; 32]> {
        let encode = |point: Affine| {
            let mut encoded = point.y.to_bytes();
            encoded[31] |= u8::from(point.x.is_odd()) << 7;
            encoded
        };
        Self::affine_all(points).map(encode).collect()
    }

    /// What adds these points.
    pub(super) fn addends(points: &[Self]) -> Vec<Addend> {
        let addend = |Affine { x, y }: Affine| Addend {
            sum: (y + x).carry(),
            difference: (y - x).carry(),
            product: x * y * D.twice(),
        };
        Self::affine_all(points).map(addend).collect()
    }

    fn affine_all(points: &[Self]) -> impl Iterator<Item = Affine> {
        let z: Vec<Number> = points.iter().map(|point| point.z).collect();
        points
            .iter()
            .zip(inverses(&z))
            .map(|(point, inverse)| Affine { x: point.x * inverse, y: point.y * inverse })
    }
}

impl Extended {
    pub(super) fn projective(self) -> Projective {
        Projective { x: self.x, y: self.y, z: self.z }
    }

    pub(super) fn doubled(self) -> Self {
        self.projective().doubled().extended()
    }

    /// add-2008-hwcd-3, the other point's z being 1.
    #[inline(always)]
    pub(super) fn plus(self, other: &Addend) -> Completed {
        let a = (self.y - self.x) * other.difference;
        let b = (self.y + self.x) * other.sum;
        let c = self.t * other.product;
        let d = self.z.twice();
        Completed { x: b - a, y: b + a, z: d + c, t: d - c }
    }

    /// This point and what remains when `step` is added again and again.
    pub(super) fn progression(self, step: Self) -> impl Iterator<Item = Self> {
        // With all three numbers z times as large, the sum is right if d is too.
        let addend = Addend {
            sum: (step.y + step.x).carry(),
            difference: (step.y - step.x).carry(),
            product: step.t * D.twice(),
        };
        core::iter::successors(Some(self), move |point| {
            Some(Self { z: point.z * step.z, ..*point }.plus(&addend).extended())
        })
    }
}

impl Completed {
    #[inline(always)]
    pub(super) fn projective(self) -> Projective {
        Projective { x: self.x * self.t, y: self.y * self.z, z: self.z * self.t }
    }

    #[inline(always)]
    pub(super) fn extended(self) -> Extended {
        let Projective { x, y, z } = self.projective();
        Extended { x, y, z, t: self.x * self.y }
    }
}

impl Addend {
    pub(super) fn negated(&self) -> Self {
        Self { sum: self.difference, difference: self.sum, product: self.product.negated() }
    }
}

/// d = −121665/121666.
const D: Number = Number::from_limbs([
    929_955_233_495_203,
    466_365_720_129_213,
    1_662_059_464_998_953,
    2_033_849_074_728_123,
    1_442_794_654_840_575,
]);

const SQRT_MINUS_1: Number = Number::from_limbs([
    1_718_705_420_411_056,
    234_908_883_556_509,
    2_233_514_472_574_048,
    2_117_202_627_021_982,
    765_476_049_583_133,
]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_constants_are_what_their_names_say() {
        let small = |n| Number::from_limbs([n, 0, 0, 0, 0]);

        assert!(D * small(121_666) == small(121_665).negated());
        assert!(SQRT_MINUS_1.square() == Number::ONE.negated());
    }
}
