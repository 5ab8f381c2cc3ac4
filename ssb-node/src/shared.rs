//! What every part of a node may use.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use smol::channel::Sender;
use ssb_gossip::address::Transport;
use ssb_gossip::peer::Timeouts;
use ssb_keys::FeedId;
use ssb_keys::Keypair;
use ssb_keys::network::NetworkKey;
use ssb_log::Disk;
use ssb_log::Reader;
use ssb_muxrpc::Methods;

use crate::addresses::Addresses;
use crate::blobs::Blobs;
use crate::clock::Clock;
use crate::config::Ooo;
use crate::index_thread::Rebuild;
use crate::logging::Logger;
use crate::pool::Pool;

/// Made once at start, and shared.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) me: Keypair,
    pub(crate) network: NetworkKey,
    /// Whose connections have all rights, if they dialed us.
    pub(crate) owners: BTreeSet<FeedId>,
    /// How peers may be dialed.
    pub(crate) outgoing: Vec<Transport>,
    /// Where others reach the node.
    pub(crate) addresses: Addresses,
    pub(crate) timeouts: Timeouts,
    /// From one `gossip.ping` to the next.
    pub(crate) ping_pause: Duration,
    pub(crate) ooo: Ooo,
    pub(crate) methods: Arc<Methods>,
    /// What everybody may see of the log.
    pub(crate) reader: Reader<Disk>,
    /// What the owner may see of it, and nobody else: with what was sealed for them.
    pub(crate) private: Reader<Disk>,
    pub(crate) reads: Pool,
    pub(crate) blobs: Blobs,
    /// Looks up names: whom a look-up keeps waiting, no read of the log does.
    pub(crate) names: Pool,
    /// Whoever wants the indexes made anew.
    pub(crate) rebuilds: Sender<Rebuild>,
    pub(crate) clock: Clock,
    pub(crate) logger: Logger,
}
