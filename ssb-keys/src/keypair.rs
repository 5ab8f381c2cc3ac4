//! The identity of a node: an ed25519 key pair.

use core::fmt;

use ed25519_dalek::Signer as _;
use ed25519_dalek::SigningKey;
use sha2::Digest as _;
use sha2::Sha512;
use zeroize::Zeroizing;

use crate::FeedId;
use crate::Signature;
use crate::ephemeral::EphemeralPublicKey;
use crate::ephemeral::SharedSecret;
use crate::ephemeral::WeakKey;

/// A key pair that signs. Its secret half is wiped when dropped and never printed.
#[derive(Clone)]
pub struct Keypair {
    signing: SigningKey,
    id: FeedId,
}

impl Keypair {
    /// The pair of a seed: 32 random bytes (RFC 8032).
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let signing = SigningKey::from_bytes(seed);
        let id = FeedId::from_bytes(signing.verifying_key().to_bytes());
        Self { signing, id }
    }

    /// The pair of a 64-byte secret: the seed, then the public key that belongs to it.
    ///
    /// Returns `None` if the public key is another one. JavaScript does not look (ssb-keys 8.5.0) and would sign with
    /// one key under the name of the other.
    pub fn from_secret(secret: &[u8; 64]) -> Option<Self> {
        let (seed, public) = secret.split_first_chunk::<32>()?;
        let pair = Self::from_seed(seed);
        (pair.id.as_bytes() == public).then_some(pair)
    }

    /// A new identity from the system's randomness.
    ///
    /// # Panics
    ///
    /// If the system has no randomness to give: nothing secret can be made then.
    #[cfg(feature = "entropy")]
    pub fn generate() -> Self {
        Self::from_seed(&Zeroizing::new(crate::entropy::bytes()))
    }

    /// The public half, which names the feed.
    pub const fn id(&self) -> FeedId {
        self.id
    }

    /// Signs `message`. Deterministic (RFC 8032).
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature::from_bytes(self.signing.sign(message).to_bytes())
    }

    /// The secret shared with the owner of a one-time key.
    ///
    /// # Errors
    ///
    /// [`WeakKey`] if their key has low order.
    pub fn share(&self, theirs: &EphemeralPublicKey) -> Result<SharedSecret, WeakKey> {
        // `mul_clamped` clamps what RFC 8032 takes from the hash of the seed, which is X25519's clamping.
        let hash = Zeroizing::new(<[u8; 64]>::from(Sha512::digest(self.signing.as_bytes())));
        let scalar = Zeroizing::new(*hash.first_chunk::<32>().expect("SHA-512 has 64 bytes"));
        SharedSecret::new(&scalar, theirs.as_bytes())
    }

    /// The seed, then the public key: what the secret file holds.
    pub fn to_secret(&self) -> Zeroizing<[u8; 64]> {
        Zeroizing::new(self.signing.to_keypair_bytes())
    }
}

impl fmt::Debug for Keypair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keypair").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_the_id_and_nothing_else() {
        let pair = Keypair::from_seed(&[7; 32]);

        assert_eq!(alloc::format!("{pair:?}"), alloc::format!("Keypair {{ id: {}, .. }}", pair.id()));
    }

    #[test]
    fn a_secret_whose_halves_disagree_is_refused() {
        let mut secret = *Keypair::from_seed(&[7; 32]).to_secret();
        assert!(Keypair::from_secret(&secret).is_some());

        secret[63] ^= 1;
        assert!(Keypair::from_secret(&secret).is_none());
    }
}
