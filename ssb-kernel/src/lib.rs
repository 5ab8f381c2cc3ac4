#![doc = include_str!("../README.md")]
#![no_std]

#[cfg(any(test, feature = "testing"))]
extern crate std;

#[cfg(target_arch = "x86_64")]
mod avx2;
mod backend;
mod cipher;
#[cfg(target_arch = "x86_64")]
mod poly1305;
mod portable;
#[cfg(feature = "testing")]
pub mod testing;

pub use backend::Backend;
pub use cipher::Cipher;
pub use cipher::Forged;
pub use cipher::TAG_LEN;
