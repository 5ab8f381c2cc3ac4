//! Epidemic broadcast trees: one stream for all feeds.

pub mod note;
