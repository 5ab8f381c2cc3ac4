//! The id that a private message has for those who can read it.

crate::id::id! {
    /// What those who can read a message call it among themselves, so that nobody else learns which one they mean.
    ///
    /// Text: `%`, 44 characters of base64, `.cloaked` (ssb-ref 2.16.0, with a real dot).
    CloakedId, '%', ".cloaked"
}
