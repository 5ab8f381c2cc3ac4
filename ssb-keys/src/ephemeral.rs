//! X25519 key pairs for one handshake or one box, and the secrets shared with them.

use core::fmt;

use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::montgomery::MontgomeryPoint;
use subtle::ConstantTimeEq as _;
use thiserror::Error;
use zeroize::Zeroize as _;
use zeroize::Zeroizing;

use crate::FeedId;
use crate::verify;

/// An X25519 key pair that is used once.
pub struct EphemeralKeypair {
    secret: Zeroizing<[u8; 32]>,
    public: EphemeralPublicKey,
}

impl EphemeralKeypair {
    /// The pair of a seed: any 32 random bytes.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let public = EphemeralPublicKey(EdwardsPoint::mul_base_clamped(*seed).to_montgomery().to_bytes());
        Self { secret: Zeroizing::new(*seed), public }
    }

    /// The public half.
    pub const fn public(&self) -> EphemeralPublicKey {
        self.public
    }

    /// The secret shared with the owner of another one-time key.
    ///
    /// # Errors
    ///
    /// [`WeakKey`] if their key has low order: the result would be all zeros, whoever asks.
    pub fn share(&self, theirs: &EphemeralPublicKey) -> Result<SharedSecret, WeakKey> {
        SharedSecret::new(&self.secret, &theirs.0)
    }

    /// The secret shared with the owner of a feed.
    ///
    /// # Errors
    ///
    /// [`WeakKey`] if the feed id is no usable key, see [`EphemeralPublicKey::of_feed`].
    pub fn share_with_feed(&self, theirs: &FeedId) -> Result<SharedSecret, WeakKey> {
        self.share(&EphemeralPublicKey::of_feed(theirs)?)
    }
}

impl fmt::Debug for EphemeralKeypair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EphemeralKeypair").field("public", &self.public).finish_non_exhaustive()
    }
}

/// An X25519 public key: any 32 bytes. Whether it is usable shows when a secret is shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EphemeralPublicKey([u8; 32]);

impl EphemeralPublicKey {
    /// A key of these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The X25519 form of a feed's ed25519 key.
    ///
    /// # Errors
    ///
    /// [`WeakKey`] if the id is no canonical point of the curve, has small order, or lies outside the prime-order
    /// subgroup, as libsodium 1.0.21's `crypto_sign_ed25519_pk_to_curve25519` refuses.
    pub fn of_feed(feed: &FeedId) -> Result<Self, WeakKey> {
        let point = verify::canonical_point(feed).ok_or(WeakKey)?;
        if point.is_small_order() || !point.is_torsion_free() {
            return Err(WeakKey);
        }
        Ok(Self(point.to_montgomery().to_bytes()))
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// What two key pairs have in common. Wiped when dropped, never printed.
pub struct SharedSecret(Zeroizing<[u8; 32]>);

impl SharedSecret {
    pub(crate) fn new(secret: &[u8; 32], public: &[u8; 32]) -> Result<Self, WeakKey> {
        let mut point = MontgomeryPoint(*public).mul_clamped(*secret);
        let shared = Zeroizing::new(point.to_bytes());
        point.zeroize();
        if shared.ct_eq(&[0; 32]).into() { Err(WeakKey) } else { Ok(Self(shared)) }
    }

    /// The raw output of X25519: never all zeros. Hash it before use as a key, where the protocol does.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedSecret").finish_non_exhaustive()
    }
}

/// A key with which no secret can be shared. Its owner is at fault or attacking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("public key is unusable for a shared secret")]
pub struct WeakKey;
