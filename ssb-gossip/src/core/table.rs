//! Peers as a person looks at them: those that are known, and strangers who are connected.

use ssb_keys::FeedId;

use super::Core;
use crate::connection::Side;
use crate::peers::Known;
use crate::peers::Link;
use crate::scheduler::kind_of;
use crate::wish::Kind;

/// A peer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row<'a> {
    /// Who it is.
    pub key: FeedId,
    /// What is known of it. `None` of a stranger.
    pub known: Option<&'a Known>,
    /// What kind of peer it is, if it is known.
    pub kind: Option<Kind>,
    /// The connection that was opened first, of those that there are.
    pub link: Option<Link>,
}

impl Row<'_> {
    /// Whether we opened the connection, or the last that there was. `None` if there was none.
    pub fn is_client(&self) -> Option<bool> {
        let last = self.known.and_then(|known| known.client);
        self.link.map(|link| link.side == Side::Dialed).or(last)
    }
}

impl Core {
    /// All peers: those that are known, in the order in which they were learned of, then strangers in that of their keys.
    pub fn table(&self) -> Vec<Row<'_>> {
        let link = |key: &FeedId| self.peers.links().find(|link| link.peer == *key).copied();
        let known = self.peers.all().iter().map(|known| {
            let key = known.key();
            Row { key, known: Some(known), kind: Some(kind_of(known, &self.scope)), link: link(&key) }
        });
        let mut rows: Vec<Row<'_>> = known.collect();
        let mut strangers: Vec<FeedId> = self.peers.links().map(|link| link.peer).collect();
        strangers.retain(|key| self.peers.get(key).is_none());
        strangers.sort_unstable();
        strangers.dedup();
        rows.extend(strangers.into_iter().map(|key| Row { key, known: None, kind: None, link: link(&key) }));
        rows
    }
}
