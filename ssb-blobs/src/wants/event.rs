//! What happens to wants, and what is to be done about it.

use alloc::vec::Vec;

use ssb_keys::BlobId;
use ssb_keys::FeedId;

use super::item::Word;

/// A connection, as the caller numbers them. Never used twice; two connections with one peer are two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Connection(pub u64);

/// A download. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fetch(pub u64);

/// How a peer stands to the owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Its feed is replicated: others are asked for what it wants.
    Near,
    /// Anybody else: it gets what is here, and others are not asked.
    Stranger,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A connection with a peer is open.
    Opened {
        /// Which.
        connection: Connection,
        /// With whom.
        peer: FeedId,
        /// How it stands to the owner.
        standing: Standing,
    },
    /// A connection is gone, with all downloads over it; or one of the owner's programs is.
    Closed {
        /// Which.
        connection: Connection,
    },
    /// A peer stands otherwise to the owner than before.
    Moved {
        /// Who.
        peer: FeedId,
        /// How now.
        standing: Standing,
    },
    /// The peer wants to hear what is wanted here, and who of it is here: it has called `createWants`.
    Listens {
        /// Over which connection.
        connection: Connection,
    },
    /// It does not listen any more.
    Deaf {
        /// Over which connection.
        connection: Connection,
    },
    /// The peer says something of blobs.
    Said {
        /// Over which connection.
        connection: Connection,
        /// What.
        words: Vec<(BlobId, Word)>,
    },
    /// The peer has blobs, and does not say how long they are.
    Claimed {
        /// Over which connection.
        connection: Connection,
        /// Which.
        ids: Vec<BlobId>,
    },
    /// Blobs were looked up, as was asked for.
    Found {
        /// For which connection.
        connection: Connection,
        /// Which, and how many bytes each has that is here.
        found: Vec<(BlobId, Option<u64>)>,
    },
    /// The owner wants a blob that is not here.
    Want {
        /// Which of the owner's programs is to hear when it has come, if any.
        connection: Option<Connection>,
        /// Which blob.
        id: BlobId,
    },
    /// The owner does not want a blob any more.
    Unwant {
        /// Which.
        id: BlobId,
    },
    /// The owner wants peers to have a blob.
    Push {
        /// Which.
        id: BlobId,
    },
    /// A blob is here now, wherever it came from. May be said of one that was here before.
    Stored {
        /// Which.
        id: BlobId,
        /// How many bytes it has.
        size: u64,
    },
    /// A blob is not here any more, and is not to come back by itself.
    Removed {
        /// Which.
        id: BlobId,
    },
    /// Bytes of a download have come.
    Progress {
        /// Of which.
        fetch: Fetch,
        /// How many so far.
        received: u64,
    },
    /// A download is over.
    Ended {
        /// Which.
        fetch: Fetch,
        /// How.
        outcome: Outcome,
    },
    /// The deadline has come.
    Tick,
}

/// How a download ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The blob is here, and has so many bytes.
    Stored {
        /// How many.
        size: u64,
    },
    /// What came is another blob, or a part of this one.
    WrongHash,
    /// More came than was announced.
    TooLong,
    /// The peer has nothing, or does not give it.
    Refused,
    /// It could not be written here.
    Failed,
}

/// What must be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Say something to a peer that listens. The first of a connection says all that is wanted, and may be empty. What is said of a
    /// blob later takes the place of what was not sent yet; but that a blob is here is always said.
    Say {
        /// Over which connection.
        connection: Connection,
        /// What.
        words: Vec<(BlobId, Word)>,
    },
    /// Look up which of these are here, and say so with [`Input::Found`]. There is one for each [`Input::Said`] that has wants in
    /// it, if only to say that there is nothing to look up.
    LookUp {
        /// For which connection.
        connection: Connection,
        /// What.
        ids: Vec<BlobId>,
    },
    /// Get a blob from a peer. Tell of [`Input::Progress`] now and then, and of [`Input::Ended`], unless the connection closes.
    Fetch {
        /// The name of the download.
        fetch: Fetch,
        /// Over which connection.
        connection: Connection,
        /// Which blob.
        id: BlobId,
        /// More bytes than this are not to be taken.
        len_max: u64,
    },
    /// End a download. Nothing of it need come back.
    Stop {
        /// Over which connection.
        connection: Connection,
        /// Which.
        fetch: Fetch,
    },
    /// Tell one of the owner's programs what has become of what it wanted.
    Answer {
        /// Which program.
        connection: Connection,
        /// Which blob.
        id: BlobId,
        /// Whether it is here now; if not, too many are wanted already.
        is_here: bool,
    },
    /// What is pushed has changed: keep it for the next start.
    SavePushes,
}
