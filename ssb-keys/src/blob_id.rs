//! The id of a blob.

crate::id::id! {
    /// The SHA-256 hash of a blob's bytes.
    ///
    /// Text: `&`, 44 characters of base64, `.sha256` (ssb-ref 2.16.0, with a real dot). As a link it may carry a
    /// query, see [`link`](crate::link).
    BlobId, '&', ".sha256"
}
