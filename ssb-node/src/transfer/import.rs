//! Messages from lines of JSON.

use std::io;
use std::io::BufRead;

use super::Summary;
use super::TransferError;
use super::line;
use super::pipeline::Importer;
use super::pipeline::Piece;
use super::pipeline::Progress;
use super::pipeline::Source;
use super::pipeline::What;
use crate::config::Config;

/// Takes in messages, one a line: alone, or as `key`, `value` and `timestamp`. What is here already is left as it is, so the
/// same input may come twice. Tells now and then how far it is.
///
/// # Errors
///
/// [`TransferError`]. A line that is no message, or one that cannot be taken, is none: it is in the [`Summary`].
pub fn import(
    config: &Config,
    input: impl BufRead + Send,
    progress: impl FnMut(Progress),
) -> Result<Summary, TransferError> {
    Importer::open(config)?.take(Lines { input, number: 0 }, None, progress)
}

/// Lines, counted from 1.
struct Lines<R> {
    input: R,
    number: u64,
}

impl<R: BufRead + Send> Source for Lines<R> {
    fn next(&mut self) -> io::Result<Option<Piece>> {
        let Some(line) = line::next(&mut self.input)? else { return Ok(None) };
        self.number += 1;
        let len = u64::try_from(line.len() + 1).unwrap_or(u64::MAX);
        Ok(Some(Piece { place: self.number, len, what: What::Line(line) }))
    }
}
