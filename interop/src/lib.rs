#![doc = include_str!("../README.md")]

mod blob;
mod client;
mod hosts;
mod lab;
mod message;
mod process;
mod programs;
mod wait;

pub use blob::blob_file;
pub use client::Answer;
pub use client::Client;
pub use client::Stream;
pub use hosts::Host;
pub use hosts::Network;
pub use lab::Lab;
pub use lab::Node;
pub use message::json;
pub use message::key;
pub use message::receive_time;
pub use message::value;
pub use message::without_receive_time;
pub use process::Process;
pub use programs::example;
pub use programs::javascript;
pub use wait::PATIENCE;
pub use wait::eventually;
pub use wait::fail;
pub use wait::random;
