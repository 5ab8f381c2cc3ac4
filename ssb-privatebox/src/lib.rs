#![doc = include_str!("../README.md")]
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;
#[cfg(test)]
extern crate std;

#[cfg(feature = "box2")]
pub mod box2;
mod error;
mod key;
pub mod limits;
mod open;
mod opened;
mod seal;
mod suffixed;
pub mod text;
#[cfg(test)]
mod vectors;

pub use error::SealError;
pub use key::ReadKey;
pub use open::open;
pub use opened::Opened;
pub use seal::seal;
pub use seal::seal_for_many;
