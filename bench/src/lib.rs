#![doc = include_str!("../README.md")]

pub mod data;
pub mod javascript;
pub mod rounds;
pub mod table;
pub mod usage;
pub mod wish;
