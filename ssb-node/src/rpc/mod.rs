//! The methods: arguments into a library call, results into JSON, and JavaScript's error texts word for word.

pub(crate) mod about_us;
pub(crate) mod add;
pub(crate) mod address;
pub(crate) mod args;
pub(crate) mod backlog;
pub(crate) mod blob_list;
pub(crate) mod blobs;
pub(crate) mod by_type;
pub(crate) mod conn;
pub(crate) mod create;
pub(crate) mod del;
pub(crate) mod feed_stream;
pub(crate) mod feeds;
pub(crate) mod friends;
pub(crate) mod get;
pub(crate) mod gossip;
pub(crate) mod graph_stream;
pub(crate) mod help;
pub(crate) mod history;
pub(crate) mod hop_stream;
pub(crate) mod latest;
pub(crate) mod log_stream;
pub(crate) mod message_stream;
pub(crate) mod ooo;
pub(crate) mod private;
pub(crate) mod publish;
pub(crate) mod questions;
pub(crate) mod raw_log_stream;
pub(crate) mod replicate;
pub(crate) mod sequence_stream;
pub(crate) mod source;
pub(crate) mod stream_options;
pub(crate) mod upto;
pub(crate) mod user_stream;

use ssb_muxrpc::Kind;

/// A method of this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rpc {
    Manifest,
    Whoami,
    Version,
    Progress,
    Help,
    Status,
    Address,
    MultiserverAddress,
    MultiserverParse,
    Auth,
    Publish,
    DbCreate,
    Add,
    Del,
    Undel,
    Get,
    GetLatest,
    LatestSequence,
    GetFeedState,
    GetVectorClock,
    GetAtSequence,
    Latest,
    MessagesByType,
    Links,
    CreateLogStream,
    CreateFeedStream,
    CreateRawLogStream,
    CreateHistoryStream,
    CreateUserStream,
    CreateSequenceStream,
    CreateWriteStream,
    Rebuild,
    QueryRead,
    QueryExplain,
    QueryHelp,
    Links2Read,
    Links2Help,
    BacklinksRead,
    PrivatePublish,
    PrivateUnbox,
    PrivateRead,
    GossipConnect,
    GossipPeers,
    GossipAdd,
    GossipGet,
    GossipRemove,
    GossipDisconnect,
    GossipReconnect,
    GossipChanges,
    GossipHelp,
    GossipPing,
    EbtReplicate,
    FriendsGet,
    FriendsHops,
    FriendsIsFollowing,
    FriendsIsBlocking,
    FriendsFollow,
    FriendsBlock,
    EbtPeerStatus,
    ReplicateRequest,
    Why,
    FriendsHopStream,
    FriendsCreateFriendStream,
    FriendsStream,
    FriendsGraph,
    FriendsGraphStream,
    FriendsHelp,
    ReplicateUpto,
    ReplicateChanges,
    ReplicateBlock,
    ReplicateProgress,
    EbtRequest,
    EbtBlock,
    EbtClock,
    GossipEnable,
    GossipDisable,
    ConnRemember,
    ConnForget,
    ConnDbPeers,
    ConnConnect,
    ConnDisconnect,
    ConnPeers,
    ConnStage,
    ConnUnstage,
    ConnStagedPeers,
    ConnStart,
    ConnStop,
    ConnPing,
    Peers,
    OooGet,
    OooStream,
    OooHelp,
    BlobsAdd,
    BlobsGet,
    BlobsGetSlice,
    BlobsHas,
    BlobsSize,
    BlobsMeta,
    BlobsLs,
    BlobsChanges,
    BlobsRm,
    BlobsWant,
    BlobsPush,
    BlobsCreateWants,
    BlobsPin,
    BlobsUnpin,
    BlobsHelp,
}

impl Rpc {
    /// In the order of the table: a method's place is its number.
    pub(crate) const ALL: [Self; 107] = [
        Self::Manifest,
        Self::Whoami,
        Self::Version,
        Self::Progress,
        Self::Help,
        Self::Status,
        Self::Address,
        Self::MultiserverAddress,
        Self::MultiserverParse,
        Self::Auth,
        Self::Publish,
        Self::DbCreate,
        Self::Add,
        Self::Del,
        Self::Undel,
        Self::Get,
        Self::GetLatest,
        Self::LatestSequence,
        Self::GetFeedState,
        Self::GetVectorClock,
        Self::GetAtSequence,
        Self::Latest,
        Self::MessagesByType,
        Self::Links,
        Self::CreateLogStream,
        Self::CreateFeedStream,
        Self::CreateRawLogStream,
        Self::CreateHistoryStream,
        Self::CreateUserStream,
        Self::CreateSequenceStream,
        Self::CreateWriteStream,
        Self::Rebuild,
        Self::QueryRead,
        Self::QueryExplain,
        Self::QueryHelp,
        Self::Links2Read,
        Self::Links2Help,
        Self::BacklinksRead,
        Self::PrivatePublish,
        Self::PrivateUnbox,
        Self::PrivateRead,
        Self::GossipConnect,
        Self::GossipPeers,
        Self::GossipAdd,
        Self::GossipGet,
        Self::GossipRemove,
        Self::GossipDisconnect,
        Self::GossipReconnect,
        Self::GossipChanges,
        Self::GossipHelp,
        Self::GossipPing,
        Self::EbtReplicate,
        Self::FriendsGet,
        Self::FriendsHops,
        Self::FriendsIsFollowing,
        Self::FriendsIsBlocking,
        Self::FriendsFollow,
        Self::FriendsBlock,
        Self::EbtPeerStatus,
        Self::ReplicateRequest,
        Self::Why,
        Self::FriendsHopStream,
        Self::FriendsCreateFriendStream,
        Self::FriendsStream,
        Self::FriendsGraph,
        Self::FriendsGraphStream,
        Self::FriendsHelp,
        Self::ReplicateUpto,
        Self::ReplicateChanges,
        Self::ReplicateBlock,
        Self::ReplicateProgress,
        Self::EbtRequest,
        Self::EbtBlock,
        Self::EbtClock,
        Self::GossipEnable,
        Self::GossipDisable,
        Self::ConnRemember,
        Self::ConnForget,
        Self::ConnDbPeers,
        Self::ConnConnect,
        Self::ConnDisconnect,
        Self::ConnPeers,
        Self::ConnStage,
        Self::ConnUnstage,
        Self::ConnStagedPeers,
        Self::ConnStart,
        Self::ConnStop,
        Self::ConnPing,
        Self::Peers,
        Self::OooGet,
        Self::OooStream,
        Self::OooHelp,
        Self::BlobsAdd,
        Self::BlobsGet,
        Self::BlobsGetSlice,
        Self::BlobsHas,
        Self::BlobsSize,
        Self::BlobsMeta,
        Self::BlobsLs,
        Self::BlobsChanges,
        Self::BlobsRm,
        Self::BlobsWant,
        Self::BlobsPush,
        Self::BlobsCreateWants,
        Self::BlobsPin,
        Self::BlobsUnpin,
        Self::BlobsHelp,
    ];

    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Manifest => "manifest",
            Self::Whoami => "whoami",
            Self::Version => "version",
            Self::Progress => "progress",
            Self::Help => "help",
            Self::Status => "status",
            Self::Address => "address",
            Self::MultiserverAddress => "multiserver.address",
            Self::MultiserverParse => "multiserver.parse",
            Self::Auth => "auth",
            Self::Publish => "publish",
            Self::DbCreate => "db.create",
            Self::Add => "add",
            Self::Del => "del",
            Self::Undel => "undel",
            Self::Get => "get",
            Self::GetLatest => "getLatest",
            Self::LatestSequence => "latestSequence",
            Self::GetFeedState => "getFeedState",
            Self::GetVectorClock => "getVectorClock",
            Self::GetAtSequence => "getAtSequence",
            Self::Latest => "latest",
            Self::MessagesByType => "messagesByType",
            Self::Links => "links",
            Self::CreateLogStream => "createLogStream",
            Self::CreateFeedStream => "createFeedStream",
            Self::CreateRawLogStream => "createRawLogStream",
            Self::CreateHistoryStream => "createHistoryStream",
            Self::CreateUserStream => "createUserStream",
            Self::CreateSequenceStream => "createSequenceStream",
            Self::CreateWriteStream => "createWriteStream",
            Self::Rebuild => "rebuild",
            Self::QueryRead => "query.read",
            Self::QueryExplain => "query.explain",
            Self::QueryHelp => "query.help",
            Self::Links2Read => "links2.read",
            Self::Links2Help => "links2.help",
            Self::BacklinksRead => "backlinks.read",
            Self::PrivatePublish => "private.publish",
            Self::PrivateUnbox => "private.unbox",
            Self::PrivateRead => "private.read",
            Self::GossipConnect => "gossip.connect",
            Self::GossipPeers => "gossip.peers",
            Self::GossipAdd => "gossip.add",
            Self::GossipGet => "gossip.get",
            Self::GossipRemove => "gossip.remove",
            Self::GossipDisconnect => "gossip.disconnect",
            Self::GossipReconnect => "gossip.reconnect",
            Self::GossipChanges => "gossip.changes",
            Self::GossipHelp => "gossip.help",
            Self::GossipPing => "gossip.ping",
            Self::EbtReplicate => "ebt.replicate",
            Self::FriendsGet => "friends.get",
            Self::FriendsHops => "friends.hops",
            Self::FriendsIsFollowing => "friends.isFollowing",
            Self::FriendsIsBlocking => "friends.isBlocking",
            Self::FriendsFollow => "friends.follow",
            Self::FriendsBlock => "friends.block",
            Self::EbtPeerStatus => "ebt.peerStatus",
            Self::ReplicateRequest => "replicate.request",
            Self::Why => "why",
            Self::FriendsHopStream => "friends.hopStream",
            Self::FriendsCreateFriendStream => "friends.createFriendStream",
            Self::FriendsStream => "friends.stream",
            Self::FriendsGraph => "friends.graph",
            Self::FriendsGraphStream => "friends.graphStream",
            Self::FriendsHelp => "friends.help",
            Self::ReplicateUpto => "replicate.upto",
            Self::ReplicateChanges => "replicate.changes",
            Self::ReplicateBlock => "replicate.block",
            Self::ReplicateProgress => "replicate.progress",
            Self::EbtRequest => "ebt.request",
            Self::EbtBlock => "ebt.block",
            Self::EbtClock => "ebt.clock",
            Self::GossipEnable => "gossip.enable",
            Self::GossipDisable => "gossip.disable",
            Self::ConnRemember => "conn.remember",
            Self::ConnForget => "conn.forget",
            Self::ConnDbPeers => "conn.dbPeers",
            Self::ConnConnect => "conn.connect",
            Self::ConnDisconnect => "conn.disconnect",
            Self::ConnPeers => "conn.peers",
            Self::ConnStage => "conn.stage",
            Self::ConnUnstage => "conn.unstage",
            Self::ConnStagedPeers => "conn.stagedPeers",
            Self::ConnStart => "conn.start",
            Self::ConnStop => "conn.stop",
            Self::ConnPing => "conn.ping",
            Self::Peers => "peers",
            Self::OooGet => "ooo.get",
            Self::OooStream => "ooo.stream",
            Self::OooHelp => "ooo.help",
            Self::BlobsAdd => "blobs.add",
            Self::BlobsGet => "blobs.get",
            Self::BlobsGetSlice => "blobs.getSlice",
            Self::BlobsHas => "blobs.has",
            Self::BlobsSize => "blobs.size",
            Self::BlobsMeta => "blobs.meta",
            Self::BlobsLs => "blobs.ls",
            Self::BlobsChanges => "blobs.changes",
            Self::BlobsRm => "blobs.rm",
            Self::BlobsWant => "blobs.want",
            Self::BlobsPush => "blobs.push",
            Self::BlobsCreateWants => "blobs.createWants",
            Self::BlobsPin => "blobs.pin",
            Self::BlobsUnpin => "blobs.unpin",
            Self::BlobsHelp => "blobs.help",
        }
    }

    pub(crate) const fn kind(self) -> Kind {
        match self {
            Self::Manifest
            | Self::Whoami
            | Self::Version
            | Self::Progress
            | Self::Help
            | Self::Status
            | Self::Address
            | Self::MultiserverAddress
            | Self::MultiserverParse
            | Self::QueryExplain
            | Self::QueryHelp
            | Self::Links2Help
            | Self::PrivateUnbox
            | Self::GossipPeers
            | Self::GossipAdd
            | Self::GossipGet
            | Self::GossipRemove
            | Self::GossipReconnect
            | Self::GossipHelp
            | Self::EbtPeerStatus
            | Self::ReplicateRequest
            | Self::FriendsHelp
            | Self::ReplicateBlock
            | Self::ReplicateProgress
            | Self::EbtRequest
            | Self::EbtBlock
            | Self::GossipEnable
            | Self::GossipDisable
            | Self::ConnRemember
            | Self::ConnForget
            | Self::ConnDbPeers
            | Self::ConnStage
            | Self::ConnUnstage
            | Self::ConnStart
            | Self::ConnStop
            | Self::Peers
            | Self::OooHelp
            | Self::BlobsHelp => Kind::Sync,
            Self::Auth
            | Self::Publish
            | Self::DbCreate
            | Self::PrivatePublish
            | Self::Add
            | Self::Del
            | Self::Undel
            | Self::Get
            | Self::GetLatest
            | Self::LatestSequence
            | Self::GetFeedState
            | Self::GetVectorClock
            | Self::GetAtSequence
            | Self::Rebuild
            | Self::GossipConnect
            | Self::GossipDisconnect
            | Self::FriendsGet
            | Self::FriendsHops
            | Self::FriendsIsFollowing
            | Self::FriendsIsBlocking
            | Self::FriendsFollow
            | Self::FriendsBlock
            | Self::Why
            | Self::FriendsGraph
            | Self::EbtClock
            | Self::ConnConnect
            | Self::ConnDisconnect
            | Self::OooGet
            | Self::BlobsHas
            | Self::BlobsSize
            | Self::BlobsMeta
            | Self::BlobsRm
            | Self::BlobsWant
            | Self::BlobsPush
            | Self::BlobsPin
            | Self::BlobsUnpin => Kind::Async,
            Self::Latest
            | Self::MessagesByType
            | Self::Links
            | Self::CreateLogStream
            | Self::CreateFeedStream
            | Self::CreateRawLogStream
            | Self::CreateHistoryStream
            | Self::CreateUserStream
            | Self::CreateSequenceStream
            | Self::QueryRead
            | Self::Links2Read
            | Self::BacklinksRead
            | Self::PrivateRead
            | Self::GossipChanges
            | Self::FriendsHopStream
            | Self::FriendsCreateFriendStream
            | Self::FriendsStream
            | Self::FriendsGraphStream
            | Self::ReplicateUpto
            | Self::ReplicateChanges
            | Self::ConnPeers
            | Self::ConnStagedPeers
            | Self::BlobsGet
            | Self::BlobsGetSlice
            | Self::BlobsLs
            | Self::BlobsChanges
            | Self::BlobsCreateWants => Kind::Source,
            Self::CreateWriteStream | Self::BlobsAdd => Kind::Sink,
            Self::GossipPing | Self::ConnPing | Self::EbtReplicate | Self::OooStream => Kind::Duplex,
        }
    }

    /// Whether strangers may call it (ssb-server 16.0.1, and `conn.ping` of ssb-conn 6.0.4; what they may call of plugins that are
    /// not here yet is denied like everything else, and `ebt.clock`, which ssb-ebt 9.1.2 answers: it tells of feeds that are none of
    /// their affair).
    pub(crate) const fn is_public(self) -> bool {
        matches!(
            self,
            Self::Manifest
                | Self::CreateHistoryStream
                | Self::GossipPing
                | Self::ConnPing
                | Self::EbtReplicate
                | Self::OooStream
                | Self::BlobsGet
                | Self::BlobsGetSlice
                | Self::BlobsHas
                | Self::BlobsChanges
                | Self::BlobsCreateWants
        )
    }
}
