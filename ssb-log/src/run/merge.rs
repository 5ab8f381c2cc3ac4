//! Makes one run of several.

use std::collections::VecDeque;
use std::sync::Arc;

use super::Posting;
use super::Run;
use super::RunError;
use super::RunWriter;
use crate::storage::Storage;

/// Writes all entries of `runs` in order. One block of each is in memory at a time.
pub(crate) fn merge<F: Storage>(runs: &[Arc<Run<F>>], writer: &mut RunWriter<'_, F>) -> Result<(), RunError> {
    let mut heads: Vec<Head<'_, F>> = runs.iter().map(|run| Head::new(run)).collect();
    loop {
        let mut smallest: Option<(Posting, &mut Head<'_, F>)> = None;
        for head in &mut heads {
            if let Some(posting) = head.peek()?
                && smallest.as_ref().is_none_or(|(smallest, _)| posting < *smallest)
            {
                smallest = Some((posting, head));
            }
        }
        let Some((posting, head)) = smallest else { return Ok(()) };
        head.entries.pop_front();
        writer.push(posting)?;
    }
}

struct Head<'a, F> {
    run: &'a Run<F>,
    next_block: usize,
    entries: VecDeque<Posting>,
}

impl<'a, F: Storage> Head<'a, F> {
    fn new(run: &'a Run<F>) -> Self {
        Self { run, next_block: 0, entries: VecDeque::new() }
    }

    fn peek(&mut self) -> Result<Option<Posting>, RunError> {
        if self.entries.is_empty() && self.next_block < self.run.blocks() {
            self.entries = self.run.block(self.next_block)?.into();
            self.next_block += 1;
        }
        Ok(self.entries.front().copied())
    }
}
