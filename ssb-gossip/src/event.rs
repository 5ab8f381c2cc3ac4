//! What happens to a node, and what it does about it.

use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use ssb_blobs::wants::event::Fetch;
use ssb_blobs::wants::item::Word;
use ssb_keys::BlobId;
use ssb_keys::FeedId;
use ssb_keys::MessageId;
use ssb_keys::published_mark::PublishedMark;
use ssb_msg::content::Contact;
use ssb_msg::content::Relation;
use ssb_muxrpc::RequestId;
use thiserror::Error;

use crate::address::Address;
use crate::connection::ConnectionId;
use crate::connection::Side;
use crate::connection::StreamId;
use crate::ebt::note::Note;
use crate::ebt::serving::Serve;
use crate::history::HistoryQuery;
use crate::lan::beacon::Beacon;
use crate::ooo::Wanted;
use crate::peers::Change;
use crate::peers::Known;
use crate::peers::NotAdded;
use crate::peers::Whereabouts;
use crate::recovery::Locked;
use crate::wish::Wish;

/// A caller that waits for an answer, as the shell numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// Where an item came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// Over which connection.
    pub connection: ConnectionId,
    /// In answer to which question.
    pub stream: StreamId,
}

/// Who brought a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Giver {
    /// A peer, because we asked.
    Peer(Source),
    /// A peer, in its `ebt.replicate` stream.
    Ebt(ConnectionId, FeedId),
    /// The owner, with `add`, who waits for the answer.
    Owner(Ticket),
}

/// Content that is to be published. Never printed: it may be private.
#[derive(Clone, PartialEq, Eq)]
pub enum Draft {
    /// What will be signed, as JSON text: it is for everybody, or was sealed.
    Content(String),
    /// What only these will read: JSON text that is sealed where the message is made, because that depends on its place.
    Private {
        /// What they will read.
        plain: String,
        /// For whom it is.
        recipients: Vec<FeedId>,
    },
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft").finish_non_exhaustive()
    }
}

impl From<String> for Draft {
    fn from(content: String) -> Self {
        Self::Content(content)
    }
}

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// Somebody dialed and proved to be `peer`.
    Guest {
        /// Their connection.
        connection: ConnectionId,
        /// Who they are.
        peer: FeedId,
    },
    /// A connection is open.
    Opened {
        /// The connection.
        connection: ConnectionId,
        /// With whom.
        peer: FeedId,
        /// Who opened it.
        side: Side,
    },
    /// A connection is gone, with all its streams.
    Closed {
        /// The connection.
        connection: ConnectionId,
    },
    /// The peer calls `createHistoryStream`.
    HistoryAsked {
        /// Over which connection.
        connection: ConnectionId,
        /// To be named in the answer.
        request: RequestId,
        /// Whose messages it wants.
        feed: FeedId,
    },
    /// Items of streams that we asked for.
    Items {
        /// Over which connection.
        connection: ConnectionId,
        /// The items, in their order.
        items: Vec<(StreamId, Vec<u8>)>,
    },
    /// A stream that we asked for ended.
    StreamEnded {
        /// Over which connection.
        connection: ConnectionId,
        /// Which stream.
        stream: StreamId,
        /// Whether it ended with an error.
        failed: bool,
    },
    /// The peer calls `ebt.replicate`.
    EbtAsked {
        /// Over which connection.
        connection: ConnectionId,
        /// To be named in the answer.
        request: RequestId,
    },
    /// Notes of an `ebt.replicate` stream.
    EbtNotes {
        /// Over which connection.
        connection: ConnectionId,
        /// What is noted of which feeds, in this order.
        notes: Vec<(FeedId, Note)>,
    },
    /// Messages of an `ebt.replicate` stream.
    EbtMessages {
        /// Over which connection.
        connection: ConnectionId,
        /// Whose they say they are, and the messages, in their order.
        messages: Vec<(FeedId, Vec<u8>)>,
    },
    /// A feed cannot be sent on: its next message was deleted here.
    EbtIncomplete {
        /// Over which connection.
        connection: ConnectionId,
        /// Which feed.
        feed: FeedId,
    },
    /// The `ebt.replicate` stream of a connection ended.
    EbtEnded {
        /// Of which connection.
        connection: ConnectionId,
    },
    /// There is an `ooo.stream` with a peer.
    OooOpened {
        /// Of which connection.
        connection: ConnectionId,
    },
    /// The peer wants messages that it knows by their ids.
    OooWanted {
        /// Over which connection.
        connection: ConnectionId,
        /// Which, and what the log knows of them.
        wants: Vec<Wanted>,
    },
    /// The peer says what messages are that it was asked for.
    OooAnswered {
        /// Over which connection.
        connection: ConnectionId,
        /// Which, and the bytes, as received.
        answers: Vec<(MessageId, Vec<u8>)>,
    },
    /// The `ooo.stream` of a connection ended.
    OooEnded {
        /// Of which connection.
        connection: ConnectionId,
    },
    /// The owner wants a message that the log does not have.
    Fetch {
        /// Who waits for the answer.
        ticket: Ticket,
        /// Which.
        id: MessageId,
        /// How long to wait for it, at most [`PATIENCE_MAX`](crate::ooo::PATIENCE_MAX).
        patience: Duration,
    },
    /// Something happened to blobs. Not that a connection opened or closed, that somebody is nearer or farther, or that time has
    /// passed, which the core tells of itself.
    Blobs(ssb_blobs::wants::event::Input),
    /// The log has judged messages, in the order in which it stored them. What is stored is durable.
    Verdicts(Vec<Verdict>),
    /// The owner wants a connection with a peer.
    Dial {
        /// Who waits for the answer.
        ticket: Ticket,
        /// With whom.
        to: Target,
    },
    /// A dial has failed.
    DialFailed {
        /// Who was dialed.
        peer: FeedId,
        /// Why, for a person to read.
        error: String,
    },
    /// The owner knows of a peer.
    AddPeer {
        /// Who waits for the answer.
        ticket: Ticket,
        /// Where it is.
        place: Whereabouts,
        /// Where it was learned of.
        source: Option<String>,
    },
    /// A message of type `pub` says where a peer is.
    Announced {
        /// Where.
        address: Address,
    },
    /// The log keeps a proof that a feed has forked.
    Forked {
        /// Which.
        feed: FeedId,
        /// The sequence of the message that contradicts what the log holds.
        sequence: u32,
    },
    /// A packet of the local network says where a node is.
    Beacon {
        /// Where the packet came from.
        source: Ipv4Addr,
        /// What it says.
        beacon: Beacon,
    },
    /// The owner wants a feed to be replicated, or not, however far it is, until the node stops.
    Request {
        /// Who waits for the answer.
        ticket: Ticket,
        /// Which feed.
        feed: FeedId,
        /// Whether it is to be replicated.
        wanted: bool,
    },
    /// The owner wants a peer to be forgotten.
    RemovePeer {
        /// Who waits for the answer.
        ticket: Ticket,
        /// Which.
        peer: FeedId,
    },
    /// The owner wants the connection with a peer to end. Either side may make another.
    Disconnect {
        /// Who waits for the answer.
        ticket: Ticket,
        /// With whom.
        peer: FeedId,
    },
    /// The owner wants all connections with peers to end.
    Reconnect {
        /// Who waits for the answer.
        ticket: Ticket,
    },
    /// The owner wants something of the connections.
    Wish {
        /// Who waits for the answer.
        ticket: Ticket,
        /// What.
        wish: Wish,
    },
    /// A ping of ours came back.
    Pinged {
        /// Over which connection.
        connection: ConnectionId,
        /// How long it took, in milliseconds.
        rtt: f64,
        /// How many milliseconds the peer's clock is ahead of ours.
        skew: f64,
    },
    /// The owner wants to publish.
    Publish {
        /// Who waits for the answer.
        ticket: Ticket,
        /// What.
        draft: Draft,
    },
    /// The owner has a message, of whatever feed, to be stored if it is valid and comes next.
    Add {
        /// Who waits for the answer.
        ticket: Ticket,
        /// Whose it says it is.
        feed: FeedId,
        /// The bytes, as received.
        raw: Vec<u8>,
    },
    /// The owner wants something gone for good.
    Remove {
        /// Who waits for the answer.
        ticket: Ticket,
        /// What.
        what: Removal,
    },
    /// The owner lets something come back that was gone for good.
    Readmit {
        /// Who waits for the answer.
        ticket: Ticket,
        /// What.
        what: Removal,
    },
    /// The log holds nothing of a feed any more.
    Emptied {
        /// Which.
        feed: FeedId,
        /// Whether it may come back.
        again: Again,
    },
    /// What an author says of a contact is something else now, because a message was removed or came back.
    Related {
        /// Who says it.
        author: FeedId,
        /// Of whom.
        contact: FeedId,
        /// What; `None` if nothing is left.
        relation: Option<Relation>,
    },
    /// The published-mark was saved like this.
    MarkSaved(PublishedMark),
    /// A deadline has come.
    Tick,
}

/// What of the log the owner means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// One message.
    Message(MessageId),
    /// A whole feed, and whatever there will be of it.
    Feed(FeedId),
}

/// Whether a feed that is gone may come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// It may, from its first message on.
    Allowed,
    /// Nothing of it is taken.
    Refused,
}

/// Whom to dial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Whoever is there. The peer is known from now on.
    At(Whereabouts),
    /// A peer that is known.
    Known(FeedId),
}

/// What must be done.
#[derive(Debug, PartialEq)]
pub enum Output {
    /// Tell a connection something.
    Tell {
        /// Which.
        connection: ConnectionId,
        /// What.
        letter: Letter,
    },
    /// Verify and store messages. Groups are numbered without gaps and are to be stored in that order.
    Ingest(Group),
    /// Make, sign and store the next message of the own feed, and answer the ticket.
    Publish {
        /// Who waits for the answer.
        ticket: Ticket,
        /// What.
        draft: Draft,
    },
    /// Answer the ticket: nothing may be published yet.
    PublishRefused {
        /// Who waits for the answer.
        ticket: Ticket,
        /// Why.
        locked: Locked,
    },
    /// Save the published-mark, then say so with [`Input::MarkSaved`].
    SaveMark(PublishedMark),
    /// Keep the table of peers for the next start.
    SavePeers,
    /// Keep for the next start which blobs are [pushed](ssb_blobs::wants::Wants::pushes).
    SavePushes,
    /// Remove it from the log, answer the ticket, and say [`Input::Emptied`] of a feed.
    Remove {
        /// Who waits for the answer.
        ticket: Ticket,
        /// What.
        what: Removal,
    },
    /// Let it come back, answer the ticket, and say [`Input::Emptied`] of a feed.
    Readmit {
        /// Who waits for the answer.
        ticket: Ticket,
        /// What.
        what: Removal,
    },
    /// Remove from the log what its policy does not keep, and say [`Input::Emptied`] of each feed of which nothing is left.
    Retain {
        /// How many steps each feed within reach is away, the own one among them; all others are out of reach.
        steps: Vec<(FeedId, u8)>,
    },
    /// Answer the ticket: the own feed cannot be removed, as it could not go on without forking.
    NotRemoved {
        /// Who waits for the answer.
        ticket: Ticket,
    },
    /// Dial, and answer the ticket, if there is one.
    Dial {
        /// Who waits for the answer.
        ticket: Option<Ticket>,
        /// Where the peer is.
        address: Address,
    },
    /// Answer the ticket: this is the message, or nobody has said what it is. The log may have it by now.
    Fetched {
        /// Who waits for the answer.
        ticket: Ticket,
        /// The message, as JSON text.
        json: Option<Arc<str>>,
    },
    /// Tell the local network where this node is.
    Beacon,
    /// Answer the ticket: it is done.
    Done {
        /// Who waits for the answer.
        ticket: Ticket,
    },
    /// Answer the ticket: yes or no.
    Said {
        /// Who waits for the answer.
        ticket: Ticket,
        /// Whether it is yes.
        yes: bool,
    },
    /// Answer the ticket: this is the peer now; or it is ourselves, and nothing has changed.
    PeerAdded {
        /// Who waits for the answer.
        ticket: Ticket,
        /// The peer.
        outcome: Result<Option<Box<Known>>, NotAdded>,
    },
    /// Answer the ticket: nothing is known of this peer.
    NotKnown {
        /// Who waits for the answer.
        ticket: Ticket,
        /// Which peer.
        peer: FeedId,
    },
    /// Tell all who listen to changes of the table of peers.
    Changed(Box<Change>),
    /// Answer the ticket: this peer is not dialed.
    DialRefused {
        /// Who waits for the answer.
        ticket: Ticket,
        /// Why.
        reason: DialRefusal,
    },
}

impl From<Change> for Output {
    fn from(change: Change) -> Self {
        Self::Changed(Box::new(change))
    }
}

/// What a connection is told to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Letter {
    /// Let the guest in.
    Admit,
    /// Turn the guest away, without a byte.
    Refuse,
    /// Say goodbye.
    Close,
    /// Call `gossip.ping`, and tell of each [`Input::Pinged`].
    Ping,
    /// Call `createHistoryStream`; items of it come back under this id.
    Ask {
        /// The stream's id.
        stream: StreamId,
        /// What to ask for.
        query: HistoryQuery,
    },
    /// End a stream that we asked for. Nothing of it need come back.
    Stop {
        /// Which stream.
        stream: StreamId,
    },
    /// Answer a call of `createHistoryStream`: with messages, or with an end at once.
    ServeHistory {
        /// Which call.
        request: RequestId,
        /// Whether the caller may see the feed.
        allowed: bool,
    },
    /// Call `ebt.replicate`.
    EbtCall,
    /// Take this call of `ebt.replicate` for the one of this connection, and end any other.
    EbtAccept {
        /// Which call.
        request: RequestId,
    },
    /// End this call of `ebt.replicate`: there is another.
    EbtRefuse {
        /// Which call.
        request: RequestId,
    },
    /// Send notes.
    EbtNotes(Vec<(FeedId, Note)>),
    /// Send this of these feeds.
    EbtServe(Vec<(FeedId, Serve)>),
    /// Ask for messages, saying how far away whoever wants each is.
    OooAsk(Vec<(MessageId, u8)>),
    /// Send messages of the log that are wanted, if they are still there.
    OooServe(Vec<MessageId>),
    /// Send this message, which is wanted.
    OooTell(MessageId, Arc<str>),
    /// Call `blobs.createWants`, and end the call before, if there is one.
    BlobsCall,
    /// Say which blobs are wanted and which are here.
    BlobsSay(Vec<(BlobId, Word)>),
    /// Look up which of these are here.
    BlobsLookUp(Vec<BlobId>),
    /// Get a blob.
    BlobFetch {
        /// The name of the download.
        fetch: Fetch,
        /// Which blob.
        id: BlobId,
        /// More bytes than this are not to be taken.
        len_max: u64,
    },
    /// End a download.
    BlobStop {
        /// Which.
        fetch: Fetch,
    },
    /// Answer who waits for a blob.
    BlobAnswer {
        /// Which.
        id: BlobId,
        /// Whether it is here now; if not, too many are wanted already.
        is_here: bool,
    },
}

impl Letter {
    /// To a connection.
    pub const fn to(self, connection: ConnectionId) -> Output {
        Output::Tell { connection, letter: self }
    }
}

/// Messages to verify at once.
#[derive(Debug, PartialEq)]
pub struct Group {
    /// Counts from 0 without gaps.
    pub number: u64,
    /// At most [`GROUP_LEN_MAX`](crate::core::GROUP_LEN_MAX).
    pub items: Vec<Ingest>,
}

/// A message to verify and store.
#[derive(Debug, PartialEq)]
pub struct Ingest {
    /// Where it came from. What the owner brought is to be answered when its outcome is known.
    pub giver: Giver,
    /// Whose it must be.
    pub feed: FeedId,
    /// The bytes, as received.
    pub raw: Vec<u8>,
}

/// What the log says of a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Where it came from. `None` for what was published here.
    pub giver: Option<Giver>,
    /// How many bytes it had as received: the core charges by them.
    pub len: usize,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It is durable.
    Stored {
        /// Whose it is.
        feed: FeedId,
        /// Its place in the feed.
        sequence: u32,
        /// Whom it follows or blocks, if that is what it says.
        contact: Option<Contact>,
    },
    /// The log held this very message already.
    Known {
        /// Whose it is.
        feed: FeedId,
        /// How far the log holds the feed.
        held: u32,
    },
    /// It was not stored.
    Refused(Refusal),
}

/// Why a message was not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is no valid message.
    Malformed,
    /// Its signature is not its author's.
    Signature,
    /// It is of another feed than was asked for.
    WrongFeed,
    /// It contradicts what the log holds: the feed has forked.
    Fork,
    /// Messages before it are missing.
    Gap,
    /// The owner wants nothing of its feed.
    Banned,
    /// The log cannot be written any more.
    Storage,
}

/// Why a peer is not dialed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DialRefusal {
    /// The address has our own key.
    #[error("this address has the node's own key")]
    Ourselves,
    /// The owner blocks the peer.
    #[error("this peer is blocked; unblock it first")]
    Blocked,
}
