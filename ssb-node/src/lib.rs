#![doc = include_str!("../README.md")]

mod clock;
pub mod config;
mod core_task;
mod log_inbox;
mod log_thread;
pub mod logging;
mod mailbox;
pub mod node;
mod peer_task;
mod permission;
mod read_pool;
mod rpc;
mod shared;
mod supervisor;
mod tasks;
mod transport;
mod verifiers;
