//! Fuzz bodies: functions of bytes that panic when something is not as it must be.
//!
//! Each target of `fuzz_targets` runs one of them under libFuzzer; `cargo test` replays the files of `seeds` through them
//! on any toolchain. Most bodies read their bytes as a script ([`script::Script`]), so that a mutation changes what is
//! *done*; `examples/seeds.rs` writes such scripts.
//!
//! ```text
//! cargo +nightly fuzz run peer                      fuzz (here, or at the root of the repository)
//! cargo test --manifest-path fuzz/Cargo.toml        replay all seeds
//! cargo run --manifest-path fuzz/Cargo.toml --bin peer -- FILE    replay one file, on any toolchain
//! ```

mod box2;
mod boxstream;
mod cast;
mod chain;
mod codec;
mod ebt;
mod handshake;
mod import;
mod kernel;
mod lan;
mod leveldb;
mod log;
mod message;
mod number;
mod peer;
mod privatebox;
mod query;
mod replay;
mod replicator;
pub mod script;
mod secret;
mod session;
mod store;
mod wants;

pub use box2::box2_open;
pub use boxstream::boxstream_open;
pub use chain::message_chain;
pub use codec::muxrpc_decode;
pub use ebt::ebt_note;
pub use handshake::shs_handshake;
pub use import::bipf_read;
pub use import::flume_read;
pub use kernel::kernel_equal;
pub use lan::address_parse;
pub use lan::lan_beacon;
pub use leveldb::leveldb_read;
pub use log::log_recover;
pub use message::message_parse;
pub use number::json_number;
pub use peer::peer;
pub use privatebox::privatebox_open;
pub use query::query_parse;
pub use replay::replay;
pub use replicator::replicator;
pub use secret::secret_file;
pub use session::muxrpc_session;
pub use store::log_ops;
pub use wants::blob_wants;

/// The whole of a fuzz target: runs a body under libFuzzer, or on the files named as arguments.
#[cfg(fuzzing)]
#[macro_export]
macro_rules! target {
    ($body:ident) => {
        libfuzzer_sys::fuzz_target!(|data: &[u8]| $crate::$body(data));
    };
}

/// The whole of a fuzz target: runs a body under libFuzzer, or on the files named as arguments.
#[cfg(not(fuzzing))]
#[macro_export]
macro_rules! target {
    ($body:ident) => {
        fn main() {
            $crate::replay($crate::$body);
        }
    };
}
