#![doc = include_str!("../README.md")]

pub mod blobs;
pub mod connection;
pub mod mesh;
pub mod network;
pub mod node;
pub mod random;
pub mod rude;
pub mod run;
pub mod scenario;
pub mod trace;
pub mod truth;
pub mod world;

pub use run::run;
