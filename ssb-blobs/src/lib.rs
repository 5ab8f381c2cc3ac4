#![doc = include_str!("../README.md")]
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "std")]
pub mod disk;
mod empty;
#[cfg(feature = "faulty")]
pub mod faulty;
#[cfg(feature = "std")]
pub mod files;
pub mod limits;
#[cfg(feature = "faulty")]
pub mod memory;
#[cfg(feature = "std")]
mod place;
pub mod quota;
#[cfg(feature = "std")]
pub mod reader;
#[cfg(feature = "std")]
pub mod store;
#[cfg(feature = "std")]
mod table;
pub mod wants;
#[cfg(feature = "std")]
pub mod writer;

#[cfg(feature = "std")]
pub use disk::Disk;
pub use empty::EMPTY;
#[cfg(feature = "std")]
pub use reader::Reader;
#[cfg(feature = "std")]
pub use store::Store;
#[cfg(feature = "std")]
pub use writer::Writer;
