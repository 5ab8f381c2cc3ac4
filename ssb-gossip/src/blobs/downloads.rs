//! The blobs that one connection gets: what stands between the items of `blobs.get` and whoever writes files.

use std::collections::BTreeMap;
use std::collections::VecDeque;

use ssb_blobs::wants::event::Fetch;
use ssb_blobs::wants::event::Input as Blobs;
use ssb_blobs::wants::event::Outcome;
use ssb_keys::BlobId;
use ssb_muxrpc::BodyType;
use ssb_muxrpc::Kind;
use ssb_muxrpc::RequestId;

use crate::event::Input;
use crate::peer::Peer;

/// The core hears of a download whenever so much more has come.
pub const PROGRESS_STEP: u64 = 16 * 1024;

/// All downloads of a connection.
#[derive(Debug, Default)]
pub struct Downloads {
    /// Those of which more may come.
    all: BTreeMap<RequestId, Download>,
    steps: VecDeque<Step>,
    outbox: VecDeque<Input>,
}

#[derive(Debug)]
struct Download {
    fetch: Fetch,
    len_max: u64,
    received: u64,
    /// How much of that the core has heard of.
    told: u64,
}

/// What is to be done with the file of a download.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Begin one.
    Begin {
        /// The name of the download.
        fetch: Fetch,
        /// What it has to be.
        id: BlobId,
        /// How many bytes it may have.
        len_max: u64,
    },
    /// Write a piece. If that is impossible, [`Downloads::broke`] is to be told.
    Write {
        /// Of which download.
        fetch: Fetch,
        /// The piece.
        piece: Vec<u8>,
    },
    /// All of it has come. [`Downloads::finished`] is to be told what it was.
    Finish {
        /// Which download.
        fetch: Fetch,
    },
    /// Nothing comes of it.
    Abandon {
        /// Which download.
        fetch: Fetch,
    },
}

impl Downloads {
    /// The core wants a blob.
    pub fn fetch(&mut self, fetch: Fetch, id: BlobId, len_max: u64, peer: &mut Peer) {
        let args = format!("[{{\"key\":\"{id}\",\"max\":{len_max}}}]");
        match peer.call(&["blobs", "get"], Kind::Source, &args) {
            Ok(request) => {
                self.all.insert(request, Download { fetch, len_max, received: 0, told: 0 });
                self.steps.push_back(Step::Begin { fetch, id, len_max });
            }
            Err(_) => self.tell(Blobs::Ended { fetch, outcome: Outcome::Refused }),
        }
    }

    /// The core does not want it any more.
    pub fn stop(&mut self, fetch: Fetch, peer: &mut Peer) {
        self.end(fetch, peer);
        self.steps.push_back(Step::Abandon { fetch });
    }

    /// Whether what comes in a stream is of a download.
    pub fn has(&self, request: RequestId) -> bool {
        self.all.contains_key(&request)
    }

    /// An item came. Returns whether it was of a download.
    pub fn item(&mut self, request: RequestId, kind: BodyType, body: &[u8], peer: &mut Peer) -> bool {
        let Some(download) = self.all.get_mut(&request) else { return false };
        let fetch = download.fetch;
        download.received += u64::try_from(body.len()).unwrap_or(u64::MAX);
        if kind != BodyType::Binary {
            self.give_up(fetch, Outcome::Refused, peer);
        } else if download.received > download.len_max {
            self.give_up(fetch, Outcome::TooLong, peer);
        } else {
            let received = download.received;
            if received - download.told >= PROGRESS_STEP {
                download.told = received;
                self.tell(Blobs::Progress { fetch, received });
            }
            self.steps.push_back(Step::Write { fetch, piece: body.to_vec() });
        }
        true
    }

    /// The peer ended a stream.
    pub fn ended(&mut self, request: RequestId, failed: bool) {
        let Some(Download { fetch, .. }) = self.all.remove(&request) else { return };
        if failed {
            self.steps.push_back(Step::Abandon { fetch });
            self.tell(Blobs::Ended { fetch, outcome: Outcome::Refused });
        } else {
            self.steps.push_back(Step::Finish { fetch });
        }
    }

    /// A file could not be begun, or a piece not be written.
    pub fn broke(&mut self, fetch: Fetch, peer: &mut Peer) {
        self.end(fetch, peer);
        self.tell(Blobs::Ended { fetch, outcome: Outcome::Failed });
    }

    /// All of a download has come, and this has become of it.
    pub fn finished(&mut self, fetch: Fetch, id: BlobId, outcome: Outcome) {
        self.tell(Blobs::Ended { fetch, outcome });
        // It may be here, and the core not have waited for it any more.
        if let Outcome::Stored { size } = outcome {
            self.tell(Blobs::Stored { id, size });
        }
    }

    /// What is to be done next. Whoever does it sees to it that the peer sends no more than is written.
    pub fn pop(&mut self) -> Option<Step> {
        self.steps.pop_front()
    }

    /// What the core is to hear next.
    pub fn poll(&mut self) -> Option<Input> {
        self.outbox.pop_front()
    }

    fn give_up(&mut self, fetch: Fetch, outcome: Outcome, peer: &mut Peer) {
        self.stop(fetch, peer);
        self.tell(Blobs::Ended { fetch, outcome });
    }

    /// Nothing more of this is to come.
    fn end(&mut self, fetch: Fetch, peer: &mut Peer) {
        if let Some((request, _)) = self.all.extract_if(.., |_, download| download.fetch == fetch).next() {
            peer.end(request);
        }
    }

    fn tell(&mut self, input: Blobs) {
        self.outbox.push_back(Input::Blobs(input));
    }
}
