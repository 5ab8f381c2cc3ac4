//! The people of all bodies: their keys never change, so that seeds keep their meaning.

use std::sync::LazyLock;

use ssb_keys::Keypair;

/// Dials, and writes messages.
pub(crate) static ALICE: LazyLock<Keypair> = LazyLock::new(|| Keypair::from_seed(&[1; 32]));

/// Is dialed, and reads.
pub(crate) static BOB: LazyLock<Keypair> = LazyLock::new(|| Keypair::from_seed(&[2; 32]));

/// Attacks, under a valid key of her own.
pub(crate) static MALLORY: LazyLock<Keypair> = LazyLock::new(|| Keypair::from_seed(&[3; 32]));
