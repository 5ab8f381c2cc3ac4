//! Runs seeds: `sim --seeds 2000 --from 0 --nodes 50`, or with a trace the one that `SSB_SIM_SEED` names.
//! Or measures large networks: `sim mesh --nodes 1000`.

use std::env;
use std::process::ExitCode;

use sim::mesh::command;
use sim::run;
use sim::trace::Mode;
use sim::world::Report;

fn main() -> ExitCode {
    let (mut seeds, mut from, mut nodes) = (variable("SSB_SIM_SEEDS").unwrap_or(200), 0, 50);
    let mut args = env::args().skip(1).peekable();
    if args.next_if(|name| name == "mesh").is_some() {
        return match command::run(args) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error}");
                ExitCode::from(2)
            }
        };
    }
    while let Some(name) = args.next() {
        let value = args.next().and_then(|value| value.parse().ok());
        match (name.as_str(), value) {
            ("--seeds", Some(value)) => seeds = value,
            ("--from", Some(value)) => from = value,
            ("--nodes", Some(value)) if value >= 2 => nodes = value,
            _ => {
                eprintln!("usage: sim [--seeds COUNT] [--from SEED] [--nodes MOST]\n{}", command::USAGE);
                return ExitCode::from(2);
            }
        }
    }
    let (range, mode) = match variable("SSB_SIM_SEED") {
        Some(seed) => (seed..seed + 1, Mode::Printed),
        None => (from..from + seeds, Mode::Kept),
    };
    let mut failures = 0_u64;
    for seed in range {
        match run(seed, 2..=nodes, mode) {
            Ok(report) => print(seed, &report),
            Err(failure) => {
                failures += 1;
                println!("{failure}");
            }
        }
    }
    println!("{failures} failures");
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn print(seed: u64, report: &Report) {
    let Report { nodes, messages, copies, crashes, restores, forks, fetched, blobs, bytes, seconds, digest } =
        report;
    let digest: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    println!(
        "seed {seed}: {nodes} nodes, {messages} messages, {copies} copies, {crashes} crashes, {restores} restores, {forks} forks known, \
         {fetched} fetched, {blobs} blobs, {bytes} bytes, {seconds} s, {digest}"
    );
}

fn variable(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}
