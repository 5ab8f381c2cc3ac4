//! Which code runs.

use core::fmt;

#[cfg(target_arch = "x86_64")]
use crate::avx2::Avx2;
use crate::cipher::Forged;
use crate::cipher::TAG_LEN;
use crate::portable;

/// Code for one kind of CPU. All give the same bytes; they differ in speed.
///
/// A value of this type is a proof that this CPU can run it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Backend(Kind);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
}

impl Backend {
    /// The crates salsa20 and poly1305 as they are, for any CPU.
    pub const PORTABLE: Self = Self(Kind::Portable);

    /// The fastest that this CPU can run. The CPU is asked the first time.
    #[inline]
    pub fn best() -> Self {
        #[cfg(feature = "testing")]
        if let Some(chosen) = crate::testing::chosen() {
            return chosen;
        }
        Self::avx2().unwrap_or(Self::PORTABLE)
    }

    /// All that this CPU can run, the slowest first.
    pub fn available() -> impl Iterator<Item = Self> {
        [Some(Self::PORTABLE), Self::avx2()].into_iter().flatten()
    }

    /// The name of what the CPU must have: `portable` or `avx2`.
    pub const fn name(self) -> &'static str {
        match self.0 {
            Kind::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(_) => "avx2",
        }
    }

    pub(crate) fn seal(self, subkey: &[u8; 32], nonce: &[u8; 8], text: &mut [u8]) -> [u8; TAG_LEN] {
        match self.0 {
            Kind::Portable => portable::seal(subkey, nonce, text),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(avx2) => avx2.seal(subkey, nonce, text),
        }
    }

    pub(crate) fn open(
        self,
        subkey: &[u8; 32],
        nonce: &[u8; 8],
        text: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), Forged> {
        match self.0 {
            Kind::Portable => portable::open(subkey, nonce, text, tag),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(avx2) => avx2.open(subkey, nonce, text, tag),
        }
    }

    fn avx2() -> Option<Self> {
        #[cfg(target_arch = "x86_64")]
        return Avx2::of_this_cpu().map(|avx2| Self(Kind::Avx2(avx2)));
        #[cfg(not(target_arch = "x86_64"))]
        None
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Backend").field(&self.name()).finish()
    }
}
