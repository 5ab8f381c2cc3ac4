#![doc = include_str!("../README.md")]
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod error;
#[cfg(feature = "io")]
pub mod io;
pub mod limits;
mod nonce;
mod open;
mod seal;

pub use error::OpenError;
pub use open::Opener;
pub use open::Progress;
pub use seal::Sealer;
