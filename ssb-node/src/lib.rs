#![doc = include_str!("../README.md")]

mod addresses;
mod blobs;
pub mod client;
mod clock;
pub mod config;
mod core_task;
mod dial_error;
mod doorway;
#[cfg(test)]
mod fixture;
mod followers;
mod http;
mod index_thread;
pub mod interfaces;
mod keyring;
mod lan;
mod log_inbox;
mod log_thread;
mod logging;
mod mailbox;
pub mod node;
mod old_peers;
mod peer_task;
mod peers_file;
mod permission;
mod pool;
mod rpc;
mod share;
mod shared;
mod supervisor;
mod tasks;
#[cfg(feature = "testing")]
pub mod testing;
pub mod transfer;
mod transport;
mod verifiers;
mod whole_file;
