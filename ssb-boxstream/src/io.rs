//! Box streams over any futures-io stream.
//!
//! [`BoxWriter`] and [`BoxReader`] are themselves `AsyncWrite` and `AsyncRead`. Futures over them may be dropped at any
//! await: what was taken in is in the value, not in the future.

use alloc::vec::Vec;
use core::pin::Pin;
use core::task::Context;
use core::task::Poll;
use core::task::ready;
use std::io;

use futures_io::AsyncRead;
use futures_io::AsyncWrite;

use crate::Opener;
use crate::Progress;
use crate::Sealer;
use crate::limits::BODY_LEN_MAX;
use crate::limits::SENT_BODY_LEN_MAX;

/// Seals what is written to it. Close it, or the other side takes the end for a cut.
#[derive(Debug)]
pub struct BoxWriter<W> {
    inner: W,
    sealer: Option<Sealer>,
    /// Sealed bytes, of which the first `written` are gone.
    sealed: Vec<u8>,
    written: usize,
}

impl<W: AsyncWrite + Unpin> BoxWriter<W> {
    /// A writer to `inner`.
    pub fn new(inner: W, sealer: Sealer) -> Self {
        Self { inner, sealer: Some(sealer), sealed: Vec::new(), written: 0 }
    }

    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest) = self.sealed.get(self.written..).filter(|rest| !rest.is_empty()) {
            match ready!(Pin::new(&mut self.inner).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.written += count,
            }
        }
        self.sealed.clear();
        self.written = 0;
        Poll::Ready(Ok(()))
    }
}

impl<W: AsyncWrite + Unpin> AsyncWrite for BoxWriter<W> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, plain: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_drain(cx))?;
        let this = &mut *self;
        let Some(sealer) = &mut this.sealer else {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        };
        let body = plain.get(..SENT_BODY_LEN_MAX).unwrap_or(plain);
        sealer.seal(body, &mut this.sealed);
        Poll::Ready(Ok(body.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_drain(cx))?;
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    /// Says goodbye and closes the stream under it.
    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if let Some(sealer) = this.sealer.take() {
            sealer.goodbye(&mut this.sealed);
        }
        ready!(this.poll_drain(cx))?;
        Pin::new(&mut this.inner).poll_close(cx)
    }
}

/// Opens what it reads. Its end of file is the peer's goodbye; an end before it is
/// [`io::ErrorKind::UnexpectedEof`], a forged frame [`io::ErrorKind::InvalidData`], after all that came whole.
#[derive(Debug)]
pub struct BoxReader<R> {
    inner: R,
    opener: Opener,
    /// `start..opened` is plain text to be read, `opened..` sealed bytes; what is before `start` is used up.
    buffer: Vec<u8>,
    start: usize,
    opened: usize,
}

impl<R: AsyncRead + Unpin> BoxReader<R> {
    /// A reader from `inner`. Holds at most one frame: 64 KiB, and only if the peer sends such frames.
    pub fn new(inner: R, opener: Opener) -> Self {
        Self { inner, opener, buffer: Vec::new(), start: 0, opened: 0 }
    }

    // Reads until the next header or body is whole and opened.
    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.start == self.opened && !self.opener.is_finished() {
            let sealed = self.buffer.get_mut(self.opened..).unwrap_or_default();
            let (count, plain) = match self.opener.open(sealed) {
                Ok((count, Progress::Plain(plain))) => (count, plain.len()),
                Ok((0, Progress::Partial)) => {
                    ready!(self.poll_fill(cx))?;
                    continue;
                }
                Ok((count, _)) => (count, 0),
                Err(error) => return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, error))),
            };
            self.opened += count;
            self.start = self.opened - plain;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.buffer.drain(..self.start);
        self.opened -= self.start;
        self.start = 0;
        let held = self.buffer.len();
        let room = self.opener.wanted().clamp(SENT_BODY_LEN_MAX, BODY_LEN_MAX);
        self.buffer.resize(held.max(room) + 1, 0);
        let free = self.buffer.get_mut(held..).unwrap_or_default();
        let read = Pin::new(&mut self.inner).poll_read(cx, free);
        self.buffer.truncate(held + if let Poll::Ready(Ok(count)) = read { count } else { 0 });
        match ready!(read)? {
            0 => Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
            _ => Poll::Ready(Ok(())),
        }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for BoxReader<R> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut [u8]) -> Poll<io::Result<usize>> {
        if out.is_empty() {
            return Poll::Ready(Ok(0));
        }
        ready!(self.poll_open(cx))?;
        let plain = self.buffer.get(self.start..self.opened).unwrap_or_default();
        let count = plain.len().min(out.len());
        out.iter_mut().zip(plain).for_each(|(to, from)| *to = *from);
        self.start += count;
        Poll::Ready(Ok(count))
    }
}
