#![doc = include_str!("../README.md")]

mod args;
mod commands;
mod config;
mod failure;
mod minimist;
mod print;

use std::process::ExitCode;

fn main() -> ExitCode {
    match commands::run(std::env::args_os().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
