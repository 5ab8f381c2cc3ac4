//! What every part of a node may use.

use std::collections::BTreeSet;
use std::sync::Arc;

use ssb_gossip::address::Transport;
use ssb_keys::FeedId;
use ssb_keys::Keypair;
use ssb_keys::network::NetworkKey;
use ssb_log::Disk;
use ssb_log::Reader;
use ssb_muxrpc::Methods;

use crate::clock::Clock;
use crate::logging::Logger;
use crate::read_pool::ReadPool;

/// Made once at start, and shared.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) me: Keypair,
    pub(crate) network: NetworkKey,
    /// Whose connections have all rights, if they dialed us.
    pub(crate) owners: BTreeSet<FeedId>,
    /// How peers may be dialed.
    pub(crate) outgoing: Vec<Transport>,
    pub(crate) methods: Arc<Methods>,
    pub(crate) reader: Reader<Disk>,
    pub(crate) reads: ReadPool,
    pub(crate) clock: Clock,
    pub(crate) logger: Logger,
}
