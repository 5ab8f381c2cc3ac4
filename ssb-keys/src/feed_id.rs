//! The id of a feed: who wrote it.

crate::id::id! {
    /// An ed25519 public key, and the feed of what its owner signed.
    ///
    /// Text: `@`, 44 characters of base64, `.ed25519` (ssb-ref 2.16.0, without that package's tolerance for any
    /// character in place of the dot and for the suffix `.sha256`, which no message validator accepts). Any 32 bytes
    /// make a feed id; whether they are a usable key shows when a signature is checked or a secret is shared.
    FeedId, '@', ".ed25519"
}
