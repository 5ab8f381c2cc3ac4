//! The id of a message.

crate::id::id! {
    /// The SHA-256 hash of a classic message.
    ///
    /// Text: `%`, 44 characters of base64, `.sha256` (ssb-ref 2.16.0, with a real dot).
    MessageId, '%', ".sha256"
}
