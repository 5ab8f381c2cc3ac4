//! The bytes of one connection: what was read and not yet used, and what is to be written.

use std::ops::Range;

use ssb_boxstream::OpenError;
use ssb_boxstream::Opener;
use ssb_boxstream::Progress;
use ssb_boxstream::Sealer;

use super::PeerError;
use super::SEALED_LEN_MAX;
use super::Stage;

/// What became of sealed bytes.
pub(super) enum Opened {
    Some,
    Goodbye,
    Nothing,
}

/// What was read: `plain` is opened and not yet used, what follows it up to `filled` is still sealed.
#[derive(Default)]
pub(super) struct Incoming {
    pub(super) buffer: Vec<u8>,
    plain: Range<usize>,
    pub(super) filled: usize,
    pub(super) hung_up: bool,
}

impl Incoming {
    pub(super) fn space(&mut self, room: usize) -> &mut [u8] {
        // Moves what is unused to the front; of a frame that is not whole yet that is less than the frame.
        if self.plain.start > 0 {
            self.buffer.copy_within(self.plain.start..self.filled, 0);
            self.filled -= self.plain.start;
            self.plain = 0..self.plain.len();
        }
        let wanted = self.plain.end.max(self.filled) + room;
        if self.buffer.len() < wanted {
            self.buffer.resize(wanted, 0);
        }
        self.buffer.get_mut(self.filled..).unwrap_or_default()
    }

    /// A message of the handshake, once it is whole.
    pub(super) fn message<const N: usize>(&mut self) -> Result<Option<[u8; N]>, PeerError> {
        let whole = self.buffer.get(self.plain.end..self.filled).and_then(|rest| rest.first_chunk()).copied();
        match whole {
            Some(message) => {
                self.plain = self.plain.end + N..self.plain.end + N;
                Ok(Some(message))
            }
            None if self.hung_up => Err(PeerError::HungUp),
            None => Ok(None),
        }
    }

    pub(super) fn open(&mut self, opener: Option<&mut Opener>) -> Result<Opened, OpenError> {
        let sealed = self.buffer.get_mut(self.plain.end..self.filled).unwrap_or_default();
        let start = self.plain.end;
        let Some(opener) = opener else {
            self.plain = start..self.filled;
            return Ok(if self.plain.is_empty() { Opened::Nothing } else { Opened::Some });
        };
        let (count, len) = match opener.open(sealed)? {
            (_, Progress::Partial) => return Ok(Opened::Nothing),
            (_, Progress::Goodbye) => return Ok(Opened::Goodbye),
            (count, Progress::Header) => (count, 0),
            (count, Progress::Plain(body)) => (count, body.len()),
        };
        self.plain = start + count - len..start + count;
        Ok(Opened::Some)
    }

    pub(super) fn plain(&self) -> &[u8] {
        self.buffer.get(self.plain.clone()).unwrap_or_default()
    }

    pub(super) fn used(&mut self, count: usize) {
        self.plain.start += count;
    }

    /// Gives the buffer back while the connection is idle.
    pub(super) fn free(&mut self) {
        if self.plain.is_empty() && self.plain.end == self.filled {
            *self = Self { hung_up: self.hung_up, ..Self::default() };
        }
    }
}

/// What is to be written: `written..` of `sealed`.
#[derive(Default)]
pub(super) struct Outgoing {
    pub(super) sealer: Option<Sealer>,
    pub(super) sealed: Vec<u8>,
    written: usize,
    /// How many bytes were written so far, of all.
    pub(super) total: u64,
}

impl Outgoing {
    pub(super) fn refill(&mut self, stage: &mut Stage) {
        let Stage::Open { session, .. } = stage else { return };
        if self.written < self.sealed.len() {
            return;
        }
        let waiting = session.outgoing();
        let text = waiting.get(..SEALED_LEN_MAX).unwrap_or(waiting);
        let count = text.len();
        if count == 0 {
            return;
        }
        self.sealed.clear();
        self.written = 0;
        match &mut self.sealer {
            Some(sealer) => sealer.seal(text, &mut self.sealed),
            None => self.sealed.extend_from_slice(text),
        }
        session.sent(count);
    }

    /// Seals all that is left, and the goodbye.
    pub(super) fn finish(&mut self, stage: &mut Stage) {
        let Stage::Open { session, .. } = stage else { return };
        let count = session.outgoing().len();
        match self.sealer.take() {
            Some(mut sealer) => {
                sealer.seal(session.outgoing(), &mut self.sealed);
                sealer.goodbye(&mut self.sealed);
            }
            None => self.sealed.extend_from_slice(session.outgoing()),
        }
        session.sent(count);
    }

    pub(super) fn wrote(&mut self, count: usize) {
        self.written += count;
        self.total += u64::try_from(count).unwrap_or(u64::MAX);
        assert!(self.written <= self.sealed.len(), "more was written than there was");
        if self.written == self.sealed.len() {
            self.sealed = Vec::new();
            self.written = 0;
        }
    }

    pub(super) fn rest(&self) -> &[u8] {
        self.sealed.get(self.written..).unwrap_or_default()
    }
}
