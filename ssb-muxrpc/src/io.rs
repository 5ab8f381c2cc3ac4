//! A session over any stream of `futures-io`.
//!
//! Nobody waits for anybody here but for the peer: [`Connection::next`] sends what is outgoing while it waits for input.
//! While more than [`OUTBOX_LEN_MAX`](crate::limits::OUTBOX_LEN_MAX) is outgoing it does not read, so a peer that calls
//! without reading the answers is slowed down by its own socket. Two peers that both do so wait for each other; close
//! connections on which nothing moves.

use core::future::poll_fn;
use core::pin::Pin;
use core::task::Context;
use core::task::Poll;
use core::task::ready;
use std::boxed::Box;
use std::io;
use std::vec;

use futures_io::AsyncRead;
use futures_io::AsyncWrite;

use crate::error::ProtocolError;
use crate::session::Event;
use crate::session::Session;

/// A stream and the session on it.
///
/// Every future may be dropped at any time: what was read and what is to be sent is kept here, not in the future.
#[derive(Debug)]
pub struct Connection<S> {
    stream: S,
    session: Session,
    /// What was read and not taken in lies between `from` and `to`.
    input: Box<[u8]>,
    from: usize,
    to: usize,
    output: Output,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Puts a session on a stream. The session may already have made calls.
    pub fn new(stream: S, session: Session) -> Self {
        let input = vec![0; INPUT_LEN].into_boxed_slice();
        Self { stream, session, input, from: 0, to: 0, output: Output::Unflushed }
    }

    /// Waits for the next event and sends what is outgoing meanwhile. Nothing comes once both sides are done and
    /// everything was sent.
    ///
    /// # Errors
    ///
    /// A [`ConnectionError`], after which the next calls return the events of what ended with the connection.
    pub async fn next(&mut self) -> Result<Option<Event>, ConnectionError> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// Sends everything that is outgoing. [`next`](Self::next) does so too; this is for when no event is wanted.
    ///
    /// # Errors
    ///
    /// The stream's.
    pub async fn flush(&mut self) -> io::Result<()> {
        poll_fn(|cx| self.poll_flush(cx)).await
    }

    /// The session, to call and answer with.
    pub fn session(&mut self) -> &mut Session {
        &mut self.session
    }

    /// The [body](Session::body) of the event just returned.
    pub fn body(&self) -> &[u8] {
        self.session.body()
    }

    /// Gives the stream back, to be closed.
    pub fn into_inner(self) -> S {
        self.stream
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Event>, ConnectionError>> {
        loop {
            let rest = self.input.get(self.from..self.to).unwrap_or_default();
            let (count, event) = self.session.receive(rest)?;
            self.from += count;
            if event.is_some() {
                return Poll::Ready(Ok(event));
            }

            let was_congested = self.session.is_congested();
            let flushed = self.poll_flush(cx)?;
            if self.session.is_finished() {
                ready!(flushed);
                return Poll::Ready(Ok(None));
            }
            match (was_congested, self.session.is_congested()) {
                (_, true) => return Poll::Pending,
                // Input may have been left untouched.
                (true, false) => continue,
                (false, false) => {}
            }
            ready!(self.poll_fill(cx))?;
        }
    }

    /// Reads once, after everything read before was taken in.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        debug_assert_eq!(self.from, self.to, "input would be overwritten");
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut self.input));
        self.from = 0;
        self.to = *read.as_ref().unwrap_or(&0);
        if self.to == 0 {
            self.session.hung_up();
        }
        Poll::Ready(read.map(|_| ()))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.output == Output::Broken {
            return Poll::Ready(Ok(()));
        }
        let flushed = ready!(self.poll_send(cx));
        if flushed.is_err() {
            // Reading might still work, but no answer would arrive.
            self.output = Output::Broken;
            self.session.hung_up();
        }
        Poll::Ready(flushed)
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.session.buffered() > 0 {
            self.output = Output::Unflushed;
            let count = ready!(Pin::new(&mut self.stream).poll_write(cx, self.session.outgoing()))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.session.sent(count);
        }
        if self.output == Output::Unflushed {
            ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
            self.output = Output::Flushed;
        }
        Poll::Ready(Ok(()))
    }
}

/// Why a connection ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectionError {
    /// The stream failed.
    #[error("stream failed")]
    Io(#[from] io::Error),
    /// The peer broke the protocol.
    #[error("peer broke the protocol")]
    Protocol(#[from] ProtocolError),
}

/// What became of the bytes given to the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Output {
    Flushed,
    Unflushed,
    /// An earlier write failed; nothing is written any more.
    Broken,
}

/// How much is read at a time, in bytes.
const INPUT_LEN: usize = 16 * 1024;
