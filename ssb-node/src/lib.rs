//! A running Secure Scuttlebutt node, and the [`client`] that calls one.

pub mod client;
pub mod config;
pub mod node;
#[cfg(feature = "testing")]
pub mod testing;
