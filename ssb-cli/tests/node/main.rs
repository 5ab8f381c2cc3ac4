//! The program as a node: what it makes, whom it refuses, how it stops, and what is left then.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail tests"
)]

mod blobs;
mod bursts;
mod crowd;
mod deletion;
mod dialing;
mod disk;
mod forking;
mod greedy;
mod home;
mod http;
mod kept;
mod line;
mod looking;
mod old_log;
mod private;
mod rights;
mod signals;
mod start;
mod stop;
