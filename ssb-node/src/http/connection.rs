//! One connection over HTTP: requests in, blobs out.
//!
//! The task waits for its socket and for the threads that read blobs, and nobody waits for it.

use std::future::Future;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use smol::Timer;
use smol::future::FutureExt as _;
use ssb_blobs::limits::PIECE_LEN;
use ssb_keys::BlobId;

use super::answer;
use super::answer::Answer;
use super::answer::Asked;
use super::answer::Body;
use super::answer::Framing;
use super::answer::Rules;
use super::answer::Seen;
use super::answer::Status;
use super::content_type::SNIFFED_LEN;
use super::request;
use super::request::HEAD_LEN_MAX;
use super::request::Method;
use super::request::Request;
use crate::blobs::Blobs;
use crate::blobs::slice::Slice;
use crate::transport::Stream;

/// How long a connection may be silent between two requests, or take for the head of one.
pub(crate) const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the reader of an answer may take for the next 64 KiB, or what there is of them.
pub(crate) const PIECE_TIMEOUT: Duration = Duration::from_secs(60);

/// What connections have in common.
#[derive(Debug)]
pub(super) struct Serving {
    pub(super) blobs: Blobs,
    pub(super) rules: Rules,
}

/// Answers requests until one side has enough.
pub(super) async fn serve(socket: Stream, serving: Arc<Serving>) {
    let mut connection = Connection { socket, serving, received: Vec::new() };
    // Whatever goes wrong, the other side sees the end.
    while let Ok(true) = connection.turn().await {}
}

struct Connection {
    socket: Stream,
    serving: Arc<Serving>,
    /// What came of the next request.
    received: Vec<u8>,
}

impl Connection {
    /// Answers one request. Returns whether there may be another.
    async fn turn(&mut self) -> io::Result<bool> {
        let serving = Arc::clone(&self.serving);
        let rules = &serving.rules;
        let request = match within(HEAD_TIMEOUT, self.head()).await? {
            Ok(Some(request)) => request,
            Ok(None) => return Ok(false),
            Err(refusal) => {
                let Answer { head, .. } = answer::refused(refusal.into(), false, Method::Get, rules);
                self.write(&head).await?;
                return Ok(false);
            }
        };
        let goes_on = request.goes_on;
        match Asked::of(&request, rules) {
            Ok(asked) => self.answer(&request, asked).await,
            Err(status) => {
                let Answer { head, .. } = answer::refused(status, goes_on, request.method, rules);
                self.write(&head).await?;
                Ok(goes_on)
            }
        }
    }

    /// The head of the next request. `None` if there is none.
    async fn head(&mut self) -> io::Result<Result<Option<Request>, request::Refusal>> {
        let mut piece = [0; 1024];
        loop {
            match request::parse(&self.received) {
                Ok(None) => {}
                Ok(Some((len, request))) => {
                    self.received.drain(..len);
                    return Ok(Ok(Some(request)));
                }
                Err(refusal) => return Ok(Err(refusal)),
            }
            debug_assert!(self.received.len() < HEAD_LEN_MAX, "a longer head is refused");
            let count = poll_fn(|context| self.socket.poll_read(context, &mut piece)).await?;
            if count == 0 {
                return Ok(Ok(None));
            }
            self.received.extend_from_slice(piece.get(..count).unwrap_or_default());
        }
    }

    /// Answers a request for a blob. Nobody else is asked for one that is not here.
    async fn answer(&mut self, request: &Request, mut asked: Asked) -> io::Result<bool> {
        let mut slice = Slice::whole(asked.id);
        let mut opened = Vec::new();
        let mut is_over = false;
        let seen = match &mut asked.unboxing {
            None => match self.look(asked.id).await {
                Ok(seen) => seen,
                Err(_) => return self.refuse(Status::Failed, request).await,
            },
            Some(unboxing) => {
                // As much as it takes to see what it is.
                let mut is_here = false;
                let mut is_opened = true;
                while is_opened && !is_over && opened.len() < SNIFFED_LEN {
                    let Some(pieces) = self.next(&mut slice).await? else { break };
                    is_here = true;
                    is_over = pieces.is_empty();
                    is_opened = pieces.iter().all(|piece| unboxing.open(piece, &mut opened).is_ok());
                }
                let is_whole = !is_over || unboxing.has_ended();
                if is_here && !(is_opened && is_whole) {
                    return self.refuse(Status::Malformed, request).await;
                }
                let beginning = opened.get(..SNIFFED_LEN).unwrap_or(&opened).to_vec();
                is_here.then_some(Seen { len: None, beginning })
            }
        };
        let Some(seen) = seen else { return self.refuse(Status::NotFound, request).await };
        let Answer { head, body } = answer::found(request, &asked, &seen, &self.serving.rules);
        self.write(&head).await?;
        match body {
            Body::Nothing => Ok(request.goes_on),
            Body::Bytes(range) => {
                slice.select(range);
                self.send(&mut slice).await?;
                Ok(request.goes_on)
            }
            Body::Opened(framing) => {
                self.send_opened(&mut slice, asked, opened, framing).await?;
                Ok(request.goes_on && framing == Framing::Chunks)
            }
        }
    }

    async fn refuse(&mut self, status: Status, request: &Request) -> io::Result<bool> {
        let Answer { head, .. } =
            answer::refused(status, request.goes_on, request.method, &self.serving.rules);
        self.write(&head).await?;
        Ok(request.goes_on)
    }

    /// What a blob is like, if it is here.
    async fn look(&self, id: BlobId) -> io::Result<Option<Seen>> {
        let looked = self.serving.blobs.run(move |blobs| {
            let Some(mut reader) = blobs.store().read(&id)? else { return Ok(None) };
            let mut beginning = vec![0; SNIFFED_LEN];
            let count = reader.read(&mut beginning)?;
            beginning.truncate(count);
            Ok(Some(Seen { len: Some(reader.len()), beginning }))
        });
        looked.await.unwrap_or_else(|| Err(stopping()))
    }

    /// The next pieces, none at the end; `None` if the blob is not here.
    async fn next(&self, slice: &mut Slice) -> io::Result<Option<Vec<Vec<u8>>>> {
        let mut moved = slice.clone();
        let read = self.serving.blobs.run(move |blobs| {
            let pieces = moved.read(blobs.store())?;
            Ok((moved, pieces))
        });
        let (moved, pieces) = read.await.unwrap_or_else(|| Err(stopping()))?;
        *slice = moved;
        Ok(pieces)
    }

    async fn send(&mut self, slice: &mut Slice) -> io::Result<()> {
        loop {
            // Its length was told: whoever gets less sees that something is missing.
            let pieces = self.next(slice).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
            if pieces.is_empty() {
                return Ok(());
            }
            for piece in &pieces {
                self.write(piece).await?;
            }
        }
    }

    async fn send_opened(
        &mut self,
        slice: &mut Slice,
        mut asked: Asked,
        mut opened: Vec<u8>,
        framing: Framing,
    ) -> io::Result<()> {
        let Some(unboxing) = &mut asked.unboxing else { return Ok(()) };
        loop {
            if !opened.is_empty() {
                self.write_framed(&opened, framing).await?;
                opened.clear();
            }
            if unboxing.has_ended() {
                break;
            }
            let pieces = self.next(slice).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
            if pieces.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            for piece in &pieces {
                // What is not whole has no end.
                unboxing.open(piece, &mut opened).map_err(|_| io::ErrorKind::InvalidData)?;
            }
        }
        match framing {
            Framing::Chunks => self.write(b"0\r\n\r\n").await,
            Framing::Close => Ok(()),
        }
    }

    async fn write_framed(&mut self, bytes: &[u8], framing: Framing) -> io::Result<()> {
        if framing == Framing::Close {
            return self.write(bytes).await;
        }
        self.write(format!("{:x}\r\n", bytes.len()).as_bytes()).await?;
        self.write(bytes).await?;
        self.write(b"\r\n").await
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        for mut piece in bytes.chunks(PIECE_LEN) {
            let written = async {
                while !piece.is_empty() {
                    let count = poll_fn(|context| self.socket.poll_write(context, piece)).await?;
                    piece = piece.get(count..).filter(|_| count > 0).ok_or(io::ErrorKind::WriteZero)?;
                }
                Ok(())
            };
            within(PIECE_TIMEOUT, written).await?;
        }
        Ok(())
    }
}

async fn within<T>(timeout: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let late = async {
        Timer::after(timeout).await;
        Err(io::ErrorKind::TimedOut.into())
    };
    work.or(late).await
}

fn stopping() -> io::Error {
    io::ErrorKind::Interrupted.into()
}
