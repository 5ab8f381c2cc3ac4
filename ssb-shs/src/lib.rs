#![doc = include_str!("../README.md")]
#![cfg_attr(not(feature = "std"), no_std)]

pub mod client;
mod error;
#[cfg(feature = "io")]
pub mod io;
pub mod server;
mod session;
mod transcript;

pub use client::ClientHandshake;
pub use error::HandshakeError;
pub use server::ServerHandshake;
pub use session::Session;
pub use session::StreamKey;
pub use transcript::ACCEPT_LEN;
pub use transcript::AUTH_LEN;
pub use transcript::HELLO_LEN;
