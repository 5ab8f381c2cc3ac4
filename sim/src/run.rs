//! Runs a seed.

use std::fmt;
use std::ops::RangeInclusive;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use thiserror::Error;

use crate::scenario::Scenario;
use crate::trace::Mode;
use crate::trace::Trace;
use crate::world::Report;
use crate::world::World;

/// Runs the scenario of a seed with that many nodes.
///
/// # Errors
///
/// [`Failure`] says what did not hold.
pub fn run(seed: u64, nodes: RangeInclusive<u64>, mode: Mode) -> Result<Report, Failure> {
    run_scenario(Scenario::new(seed, nodes), mode)
}

/// Runs a scenario.
///
/// # Errors
///
/// [`Failure`] says what did not hold.
pub fn run_scenario(scenario: Scenario, mode: Mode) -> Result<Report, Failure> {
    let seed = scenario.seed;
    let mut world = World::new(scenario, Trace::new(mode));
    let result = catch_unwind(AssertUnwindSafe(|| world.run()));
    result.unwrap_or_else(|_| Err("a node panicked".to_owned())).map_err(|what| Failure {
        seed,
        at: world.micros(),
        what,
        trace: world.trace().lines().map(str::to_owned).collect(),
    })
}

/// What did not hold, and what came before.
#[derive(Clone, Debug, Error)]
pub struct Failure {
    /// The seed that shows it again.
    pub seed: u64,
    /// When, in microseconds.
    pub at: u64,
    /// What.
    pub what: String,
    /// The last lines of the trace.
    pub trace: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.trace {
            writeln!(f, "{line}")?;
        }
        write!(f, "seed {} fails at {} us: {}", self.seed, self.at, self.what)
    }
}
