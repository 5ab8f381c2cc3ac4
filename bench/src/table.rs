//! A table: each job, both sides, the ratio, what was promised, and whether that holds.

use std::fmt;

/// Rows in the order in which they were measured.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Row>,
}

/// One job.
#[derive(Debug)]
pub struct Row {
    /// What is done.
    pub job: String,
    /// What we take for it.
    pub ours: String,
    /// What others take, and who they are.
    pub theirs: String,
    /// The one against the other.
    pub ratio: String,
    /// What was promised.
    pub target: String,
    /// Whether that is so.
    pub holds: bool,
}

impl Table {
    /// Adds a row at the end.
    pub fn push(&mut self, row: Row) {
        self.rows.push(row);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| job, messages | ours | best JavaScript | ratio | target | |")?;
        writeln!(f, "|---|---|---|---|---|---|")?;
        for Row { job, ours, theirs, ratio, target, holds } in &self.rows {
            let verdict = if *holds { "holds" } else { "MISSED" };
            writeln!(f, "| {job} | {ours} | {theirs} | {ratio} | {target} | {verdict} |")?;
        }
        Ok(())
    }
}

/// Median, smallest and largest.
pub fn spread_of(values: impl Iterator<Item = f64>) -> [f64; 3] {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let at = |place: usize| values.get(place).copied().unwrap_or(f64::NAN);
    [at(values.len() / 2), at(0), at(values.len().saturating_sub(1))]
}

/// As a table has it.
pub fn spread([median, low, high]: [f64; 3]) -> String {
    format!("{median:.2} ({low:.2} to {high:.2})")
}

/// With the unit that fits.
pub fn seconds(value: f64) -> String {
    match value {
        value if value >= 1.0 => format!("{value:.2} s"),
        value if value >= 1e-3 => format!("{:.1} ms", value * 1e3),
        value if value >= 1e-6 => format!("{:.1} µs", value * 1e6),
        value => format!("{:.0} ns", value * 1e9),
    }
}

/// Bytes, as a table has them.
pub fn mib(bytes: f64) -> String {
    format!("{:.1} MiB", bytes / MIB)
}

/// Bytes.
pub const MIB: f64 = 1_048_576.0;
