#![doc = include_str!("../README.md")]

pub mod address;
pub mod connection;
pub mod core;
pub mod event;
pub mod graph;
pub mod history;
pub mod multiserver;
pub mod peer;
pub mod peers;
pub mod ping;
pub mod recovery;
pub mod replicator;
pub mod statistics;
pub mod streams;
pub mod time;
pub mod verify;
