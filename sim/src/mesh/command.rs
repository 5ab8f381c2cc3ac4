//! `sim mesh`: measures networks, and prints a table.

use std::fs;
use std::io;
use std::time::Duration;

use thiserror::Error;

use super::measure::Plan;
use super::measure::Sealing;
use super::measure::measure;
use super::outside::Verifying;
use super::plot::plot;
use super::row::Row;
use super::row::table;
use super::shape::Topology;

/// What is said to who asks for something else.
pub const USAGE: &str = "usage: sim mesh [--nodes COUNT,...] [--topology NAME,...] [--messages COUNT] [--singles COUNT] \
                         [--burst COUNT] [--seed SEED] [--minutes COUNT] [--unverified] [--unsealed] [--rows FILE] [--svg FILE] [--kept]";

/// Why there is no table.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CommandError {
    /// It is not understood.
    #[error("{USAGE}")]
    Usage,
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] io::Error),
    /// So many networks could not be measured; why is said already.
    #[error("{0} networks could not be measured")]
    Unmeasured(usize),
}

/// Does what the arguments say. What was measured before and kept is in the table, too.
///
/// # Errors
///
/// [`CommandError`] says why not.
pub fn run(args: impl Iterator<Item = String>) -> Result<(), CommandError> {
    let Wanted { plans, rows: kept, svg } = Wanted::parse(args).ok_or(CommandError::Usage)?;
    let mut rows = Vec::new();
    if let Some(kept) = &kept
        && fs::exists(kept)?
    {
        rows.extend(fs::read_to_string(kept)?.lines().filter_map(Row::parse));
    }
    let mut failures = 0;
    for plan in plans {
        let name = plan.topology.name();
        match measure(plan) {
            Ok(measured) => {
                let row = Row::new(&measured);
                eprintln!("{}", row.to_line().replace('\t', " "));
                rows.retain(|other| (other.topology, other.nodes) != (row.topology, row.nodes));
                rows.push(row);
            }
            Err(error) => {
                failures += 1;
                eprintln!("{name} of {} nodes: {error}", plan.nodes);
            }
        }
    }
    rows.sort_by_key(|row| (row.nodes, row.topology.name()));
    if let Some(kept) = kept {
        fs::write(kept, rows.iter().map(|row| row.to_line() + "\n").collect::<String>())?;
    }
    if let Some(svg) = svg {
        fs::write(svg, plot(&rows))?;
    }
    print!("{}", table(&rows));
    if failures == 0 { Ok(()) } else { Err(CommandError::Unmeasured(failures)) }
}

/// What is to be done.
struct Wanted {
    plans: Vec<Plan>,
    /// The file with what was measured before.
    rows: Option<String>,
    svg: Option<String>,
}

impl Wanted {
    fn parse(mut args: impl Iterator<Item = String>) -> Option<Self> {
        let mut sizes = vec![100];
        let mut topologies = vec![Topology::Regular, Topology::SmallWorld, Topology::Pubs];
        let mut plan = Plan::new(Topology::Regular, 0);
        let (mut rows, mut svg) = (None, None);
        let mut measures = true;
        while let Some(name) = args.next() {
            match name.as_str() {
                "--unverified" => plan.verifying = Verifying::Nothing,
                "--unsealed" => plan.sealing = Sealing::Open,
                "--nodes" => sizes = list(&args.next()?, |size| size.parse().ok().filter(|size| *size >= 2))?,
                "--topology" => topologies = list(&args.next()?, Topology::parse)?,
                "--messages" => plan.messages = args.next()?.parse().ok()?,
                "--singles" => plan.singles = args.next()?.parse().ok()?,
                "--burst" => plan.burst = args.next()?.parse().ok()?,
                "--seed" => plan.seed = args.next()?.parse().ok()?,
                "--minutes" => {
                    plan.within = Duration::from_secs(args.next()?.parse::<u64>().ok()?.checked_mul(60)?);
                }
                "--kept" => measures = false,
                "--rows" => rows = Some(args.next()?),
                "--svg" => svg = Some(args.next()?),
                _ => return None,
            }
        }
        let plans = sizes.iter().filter(|_| measures).flat_map(|nodes| {
            topologies.iter().map(move |topology| Plan { topology: *topology, nodes: *nodes, ..plan })
        });
        Some(Self { plans: plans.collect(), rows, svg })
    }
}

fn list<T>(words: &str, parse: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    words.split(',').map(parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Option<Vec<(Topology, usize, u32)>> {
        let wanted = Wanted::parse(line.split(' ').map(str::to_owned))?;
        Some(wanted.plans.iter().map(|plan| (plan.topology, plan.nodes, plan.messages)).collect())
    }

    #[test]
    fn each_topology_is_measured_in_each_size() {
        let plans = parse("--nodes 10,20 --topology ring,pubs --messages 3");

        let expected = [
            (Topology::Ring, 10, 3),
            (Topology::Pubs, 10, 3),
            (Topology::Ring, 20, 3),
            (Topology::Pubs, 20, 3),
        ];
        assert_eq!(plans.as_deref(), Some(expected.as_slice()));
    }

    #[test]
    fn of_what_was_kept_a_table_is_made_without_measuring_anything() {
        assert_eq!(parse("--kept --rows rows.tsv"), Some(Vec::new()));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for line in ["--nodes", "--nodes 1", "--topology square", "--messages -1", "--seeds 1", "mesh"] {
            assert_eq!(parse(line), None, "{line}");
        }
    }
}
