//! The blobs that a connection brings with `blobs.add`.
//!
//! The end is confirmed when the blob is in the store. While much waits to be written, the connection reads nothing more.

use std::collections::BTreeMap;
use std::task::Context;
use std::task::Poll;

use ssb_blobs::writer::Expected;
use ssb_gossip::peer::Peer;
use ssb_muxrpc::BodyType;
use ssb_muxrpc::RemoteError;
use ssb_muxrpc::RequestId;

use crate::blobs::Blobs;
use crate::blobs::JOB_LEN;
use crate::blobs::intake::Intake;
use crate::rpc::blobs;

/// The most blobs that one connection brings at once: each has a file open.
const ADDS_MAX: usize = 64;

/// All such streams of one connection.
#[derive(Debug, Default)]
pub(super) struct Adds(BTreeMap<RequestId, Intake>);

impl Adds {
    /// A new stream.
    ///
    /// # Errors
    ///
    /// When there are too many.
    pub(super) fn called(
        &mut self,
        request: RequestId,
        expected: Expected,
        blobs: &Blobs,
    ) -> Result<(), RemoteError> {
        if self.0.len() >= ADDS_MAX {
            return Err(RemoteError::new(format!("a connection adds at most {ADDS_MAX} blobs at once")));
        }
        self.0.insert(request, Intake::new(blobs, expected));
        Ok(())
    }

    /// Whether what comes in a stream is a piece of a blob.
    pub(super) fn has(&self, request: RequestId) -> bool {
        self.0.contains_key(&request)
    }

    /// A piece came.
    pub(super) fn item(&mut self, request: RequestId, kind: BodyType, piece: &[u8], peer: &mut Peer) {
        let Some(intake) = self.0.get_mut(&request) else { return };
        match kind {
            BodyType::Binary | BodyType::Text => intake.take(piece),
            BodyType::Json => {
                self.0.remove(&request);
                peer.refuse_call(request, &RemoteError::new("blobs.add: bytes are expected"));
            }
        }
    }

    /// The peer has sent all, or given up.
    pub(super) fn ended(&mut self, request: RequestId, failed: bool) {
        if failed {
            self.0.remove(&request);
        } else if let Some(intake) = self.0.get_mut(&request) {
            intake.end();
        }
    }

    /// Whether more may come.
    pub(super) fn has_room(&self) -> bool {
        self.0.values().map(Intake::waiting).sum::<usize>() < JOB_LEN
    }

    /// Moves what can move. Returns whether anything did.
    pub(super) fn poll(&mut self, context: &mut Context<'_>, peer: &mut Peer) -> bool {
        let (mut moved, had_room) = (false, self.has_room());
        self.0.retain(|request, intake| {
            let Poll::Ready(stored) = intake.poll(context) else { return true };
            moved = true;
            match stored {
                Ok(_) => peer.end(*request),
                Err(error) => peer.refuse_call(*request, &blobs::not_stored(error)),
            }
            false
        });
        moved || had_room != self.has_room()
    }
}
