//! What happened last, for whoever has to find out why.

use std::collections::VecDeque;

/// The last lines of a run, or all of them on stderr.
#[derive(Clone, Debug)]
pub struct Trace {
    lines: VecDeque<String>,
    mode: Mode,
}

/// What becomes of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The last ones are kept for a failure.
    Kept,
    /// All are printed.
    Printed,
}

impl Trace {
    /// An empty trace.
    pub const fn new(mode: Mode) -> Self {
        Self { lines: VecDeque::new(), mode }
    }

    /// Takes a line in.
    pub fn say(&mut self, now: u64, line: impl FnOnce() -> String) {
        let line = format!("{:>5}.{:06} {}", now / 1_000_000, now % 1_000_000, line());
        match self.mode {
            Mode::Printed => eprintln!("{line}"),
            Mode::Kept => {
                if self.lines.len() == LINES_MAX {
                    self.lines.pop_front();
                }
                self.lines.push_back(line);
            }
        }
    }

    /// The lines that were kept.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(String::as_str)
    }
}

/// How many lines a failure shows.
const LINES_MAX: usize = 40;
