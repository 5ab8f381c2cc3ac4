#![doc = include_str!("../README.md")]

pub mod address;
pub mod graph;
pub mod multiserver;
pub mod peer;
pub mod time;
