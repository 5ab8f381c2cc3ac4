#![doc = include_str!("../README.md")]
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod base64;
pub mod bfe;
pub mod blob_id;
pub mod channel;
pub mod cloaked_id;
#[cfg(feature = "entropy")]
pub mod entropy;
pub mod ephemeral;
pub mod feed_id;
pub mod hash;
pub mod hkdf;
pub mod hmac;
mod id;
pub mod keypair;
pub mod link;
pub mod message_id;
pub mod network;
#[cfg(feature = "std")]
pub mod published_mark;
#[cfg(feature = "std")]
pub mod secret_file;
pub mod secretbox;
pub mod signature;
pub mod uri;
pub mod verify;

pub use blob_id::BlobId;
pub use cloaked_id::CloakedId;
pub use feed_id::FeedId;
pub use id::ParseIdError;
pub use keypair::Keypair;
pub use message_id::MessageId;
pub use signature::Signature;
