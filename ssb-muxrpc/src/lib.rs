#![doc = include_str!("../README.md")]
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod body;
pub mod decode;
pub mod encode;
pub mod error;
pub mod header;
#[cfg(feature = "io")]
pub mod io;
pub mod limits;
mod manifest;
pub mod method;
pub mod packet;
pub mod session;

pub use body::{Body, BodyType};
pub use error::{ProtocolError, RemoteError};
pub use method::{Kind, Method, MethodId, Methods, Role, Roles};
pub use session::{Event, RequestId, Session};
