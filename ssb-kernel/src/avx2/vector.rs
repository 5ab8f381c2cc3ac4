//! What goes between memory and registers.

use core::arch::x86_64::__m256i;
use core::arch::x86_64::_mm256_loadu_si256;
use core::arch::x86_64::_mm256_storeu_si256;

#[inline]
#[target_feature(enable = "avx2")]
#[expect(unsafe_code, reason = "takes a pointer")]
pub(super) fn load(bytes: &[u8; 32]) -> __m256i {
    // SAFETY: there are 32 bytes to be read, and this way of reading asks for no alignment.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
#[expect(unsafe_code, reason = "takes a pointer")]
pub(super) fn store(vector: __m256i, bytes: &mut [u8; 32]) {
    // SAFETY: there are 32 bytes to be written, which nobody else has, and this way of writing asks for no alignment.
    unsafe { _mm256_storeu_si256(bytes.as_mut_ptr().cast(), vector) }
}
