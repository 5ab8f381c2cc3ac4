#![doc = include_str!("../README.md")]
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod chain;
pub mod content;
pub mod draft;
mod fields;
pub mod json;
pub mod limits;
pub mod message;
mod scan;
mod shape;
pub mod signing;
pub mod unverified;

pub use chain::ValidationState;
pub use content::Content;
pub use message::Message;
pub use message::verify_group;
pub use signing::Signing;
pub use unverified::Unverified;
