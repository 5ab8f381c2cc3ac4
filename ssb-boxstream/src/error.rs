//! Why a stream cannot be opened.

use thiserror::Error;

/// Why a frame could not be opened. The stream cannot continue after any of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The tag of a header or body did not match: wrong key, lost sync, or tampering.
    #[error("frame failed authentication")]
    Forged,
}
