//! What comes out of a box, whichever kind it is of.

use alloc::vec::Vec;
use core::fmt;

use zeroize::Zeroizing;

use crate::ReadKey;

/// What was in a box, and the key `K` that opens it again. Wiped when dropped, never printed.
pub struct Opened<K = ReadKey> {
    plain: Zeroizing<Vec<u8>>,
    key: K,
}

impl<K> Opened<K> {
    pub(crate) const fn new(plain: Zeroizing<Vec<u8>>, key: K) -> Self {
        Self { plain, key }
    }

    /// What the sender sealed.
    pub fn plain(&self) -> &[u8] {
        &self.plain
    }

    /// The key that opens this box again, for whoever has it.
    pub const fn key(&self) -> &K {
        &self.key
    }

    /// What the sender sealed, without its key.
    pub fn into_plain(self) -> Zeroizing<Vec<u8>> {
        self.plain
    }
}

impl<K> fmt::Debug for Opened<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").finish_non_exhaustive()
    }
}
