//! Messages out of one directory and into another, and out of the old logs of JavaScript.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail tests")]

mod home;
mod lines;
mod migrate;
