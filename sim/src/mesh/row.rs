//! What was measured as a row of a table: of one that is read, and of one that is kept for the next time.

use std::fmt::Write as _;

use super::measure::Measured;
use super::measure::Phase;
use super::outside::ratio;
use super::shape::Topology;

/// A row.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// How connections lie.
    pub topology: Topology,
    /// How many nodes there are.
    pub nodes: usize,
    /// The number of each of [`COLUMNS`].
    values: Vec<f64>,
}

/// A column: its name, what stands over it, and how many digits there are behind the point.
pub type Column = (&'static str, &'static str, usize);

/// All columns but the first two.
pub const COLUMNS: [Column; 21] = [
    ("connections", "connections", 0),
    ("connections-max", "most of a node", 0),
    ("wanted", "feeds wanted", 0),
    ("wanted-max", "at most", 0),
    ("messages", "messages a feed", 0),
    ("deliveries", "deliveries", 0),
    ("first", "first sync, s", 1),
    ("first-cost", "bytes", 2),
    ("first-notes", "notes", 2),
    ("first-copies", "copies", 3),
    ("single-median", "a single message, s", 2),
    ("single-95th", "95th, s", 2),
    ("single-cost", "bytes", 2),
    ("single-notes", "notes", 2),
    ("single-copies", "copies", 3),
    ("burst", "burst, s", 2),
    ("burst-cost", "bytes", 2),
    ("burst-copies", "copies", 3),
    ("fallbacks", "old way", 0),
    ("wall", "wall, s", 0),
    ("memory", "memory, MiB", 0),
];

impl Row {
    /// Of what was measured.
    pub fn new(measured: &Measured) -> Self {
        let Measured { plan, first, singles, burst, .. } = measured;
        let deliveries = first.tally.stored + singles.tally.stored + burst.tally.stored;
        let fallbacks = first.tally.fallbacks + singles.tally.fallbacks + burst.tally.fallbacks;
        let notes = |phase: &Phase| ratio(phase.tally.notes_len, phase.tally.stored_len);
        let values = [
            measured.connections as f64,
            measured.connections_max as f64,
            measured.wanted as f64 / plan.nodes as f64,
            measured.wanted_max as f64,
            f64::from(measured.messages),
            deliveries as f64,
            seconds(first.took),
            first.tally.cost(),
            notes(first),
            first.tally.copies(),
            seconds(percentile(&singles.each, 50)),
            seconds(percentile(&singles.each, 95)),
            singles.tally.cost(),
            notes(singles),
            singles.tally.copies(),
            seconds(burst.took),
            burst.tally.cost(),
            burst.tally.copies(),
            fallbacks as f64,
            measured.wall.as_secs_f64(),
            (measured.memory / (1024 * 1024)) as f64,
        ];
        Self { topology: plan.topology, nodes: plan.nodes, values: values.to_vec() }
    }

    /// The number of a column.
    pub fn value(&self, name: &str) -> Option<f64> {
        let column = COLUMNS.iter().position(|(column, ..)| *column == name)?;
        self.values.get(column).copied()
    }

    /// As a line of a file.
    pub fn to_line(&self) -> String {
        let mut line = format!("{}\t{}", self.topology.name(), self.nodes);
        for (name, ..) in COLUMNS {
            // Nothing fails that writes into a string.
            let _ = write!(line, "\t{name}={}", self.value(name).unwrap_or_default());
        }
        line
    }

    /// From such a line. `None` if it is none.
    pub fn parse(line: &str) -> Option<Self> {
        let mut words = line.split('\t');
        let topology = Topology::parse(words.next()?)?;
        let nodes = words.next()?.parse().ok()?;
        let pairs: Vec<(&str, f64)> = words
            .filter_map(|word| word.split_once('='))
            .filter_map(|(name, value)| Some((name, value.parse().ok()?)))
            .collect();
        let value =
            |(column, ..): Column| pairs.iter().find(|(name, _)| *name == column).map(|(_, value)| *value);
        Some(Self { topology, nodes, values: COLUMNS.into_iter().map(value).collect::<Option<_>>()? })
    }
}

/// Rows as a table in Markdown.
pub fn table(rows: &[Row]) -> String {
    let heads: Vec<&str> = COLUMNS.iter().map(|(_, head, _)| *head).collect();
    let mut text = format!("| topology | nodes | {} |\n|---|--:|", heads.join(" | "));
    text.push_str(&"--:|".repeat(COLUMNS.len()));
    text.push('\n');
    for row in rows {
        let _ = write!(text, "| {} | {} |", row.topology.name(), row.nodes);
        for (name, _, digits) in COLUMNS {
            let _ = write!(text, " {:.digits$} |", row.value(name).unwrap_or_default());
        }
        text.push('\n');
    }
    text
}

fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

/// The value below which so many of a hundred are; 0 of none.
fn percentile(sorted: &[u64], percent: usize) -> u64 {
    let index = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(index).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        Row { topology: Topology::Ring, nodes: 7, values: vec![1.25; COLUMNS.len()] }
    }

    #[test]
    fn a_row_that_was_kept_is_the_same() {
        assert_eq!(Row::parse(&row().to_line()), Some(row()));
        assert_eq!(Row::parse("ring\t7\twall=1"), None);
        assert_eq!(Row::parse("square\t7"), None);
    }

    #[test]
    fn a_table_has_a_line_for_each_row() {
        let table = table(&[row(), row()]);

        assert_eq!(table.lines().count(), 4);
        let columns: Vec<usize> = table.lines().map(|line| line.matches('|').count()).collect();
        assert_eq!(columns, [COLUMNS.len() + 3; 4]);
    }

    #[test]
    fn percentiles_are_values_that_occurred() {
        let sorted: Vec<u64> = (1..=20).collect();

        assert_eq!([50, 95, 100].map(|percent| percentile(&sorted, percent)), [10, 19, 20]);
        assert_eq!(percentile(&[], 50), 0);
    }
}
