//! Blobs: who wants which, and who gets them from whom. What is decided, `ssb_blobs::wants` decides; here it hears of
//! connections and of the graph, and is part of the core.
//!
//! Whom the owner blocks has no connection, so gets nothing and is asked for nothing.

pub mod downloads;
pub mod stream;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;

use ssb_blobs::wants::Policy;
use ssb_blobs::wants::Wants;
use ssb_blobs::wants::event::Connection;
use ssb_blobs::wants::event::Input;
use ssb_blobs::wants::event::Standing;
use ssb_keys::BlobId;
use ssb_keys::FeedId;

use crate::connection::ConnectionId;
use crate::event::Letter;
use crate::event::Output;
use crate::scope::Scope;
use crate::time::Uptime;

/// What is wanted, as a part of a core.
#[derive(Debug)]
pub struct Blobs {
    wants: Wants,
    /// Who is at the other end of each connection that takes part.
    open: BTreeMap<ConnectionId, FeedId>,
}

impl Blobs {
    /// That of a node that has just started, and goes on pushing these blobs.
    pub(crate) fn new(policy: Policy, pushes: Vec<BlobId>) -> Self {
        Self { wants: Wants::new(policy, pushes), open: BTreeMap::new() }
    }

    /// A connection with a peer is open: it is asked what it wants and has.
    pub(crate) fn opened(
        &mut self,
        connection: ConnectionId,
        peer: FeedId,
        scope: &Scope,
        now: Uptime,
        out: &mut VecDeque<Output>,
    ) {
        self.open.insert(connection, peer);
        let standing = standing(&peer, scope);
        self.handle(Input::Opened { connection: connection.into(), peer, standing }, now, out);
        out.push_back(Letter::BlobsCall.to(connection));
    }

    /// A program of the owner may listen, too. It has nothing to give, and is asked nothing.
    pub(crate) fn attended(
        &mut self,
        connection: ConnectionId,
        owner: FeedId,
        now: Uptime,
        out: &mut VecDeque<Output>,
    ) {
        let standing = Standing::Stranger;
        self.handle(Input::Opened { connection: connection.into(), peer: owner, standing }, now, out);
    }

    /// A connection is gone, whoever was at the other end.
    pub(crate) fn closed(&mut self, connection: ConnectionId, now: Uptime, out: &mut VecDeque<Output>) {
        let peer = self.leave(connection, now, out);
        // When the newest of several connections with a peer ends, ssb-blobs 1.2.2 and 2.0.1 forget on which stream they speak to
        // it, and answer nothing until they are called again.
        let others = self.open.iter().filter(|(_, other)| Some(**other) == peer);
        out.extend(others.map(|(other, _)| Letter::BlobsCall.to(*other)));
    }

    /// These feeds may be nearer or farther than before, or blocked.
    pub(crate) fn scope_changed(
        &mut self,
        feeds: &BTreeSet<FeedId>,
        scope: &Scope,
        now: Uptime,
        out: &mut VecDeque<Output>,
    ) {
        for peer in feeds {
            self.handle(Input::Moved { peer: *peer, standing: standing(peer, scope) }, now, out);
        }
        let is_blocked = |peer: &FeedId| feeds.contains(peer) && scope.blocks(peer);
        let blocked: Vec<_> = self
            .open
            .iter()
            .filter(|(_, peer)| is_blocked(peer))
            .map(|(connection, _)| *connection)
            .collect();
        // The connection ends soon, and meanwhile nothing goes over it.
        for connection in blocked {
            self.leave(connection, now, out);
        }
    }

    fn leave(&mut self, connection: ConnectionId, now: Uptime, out: &mut VecDeque<Output>) -> Option<FeedId> {
        let peer = self.open.remove(&connection);
        self.handle(Input::Closed { connection: connection.into() }, now, out);
        peer
    }

    /// Something happened.
    pub(crate) fn handle(&mut self, input: Input, now: Uptime, out: &mut VecDeque<Output>) {
        self.wants.handle(input, now.since(Uptime::default()));
        out.extend(std::iter::from_fn(|| self.wants.poll()).map(Output::from));
    }

    /// When to tell of [`Input::Tick`].
    pub(crate) fn deadline(&self) -> Option<Uptime> {
        self.wants.deadline().map(Uptime::new)
    }

    /// The decisions.
    pub const fn wants(&self) -> &Wants {
        &self.wants
    }
}

fn standing(peer: &FeedId, scope: &Scope) -> Standing {
    if scope.wants(peer) { Standing::Near } else { Standing::Stranger }
}

impl From<ConnectionId> for Connection {
    fn from(id: ConnectionId) -> Self {
        Self(id.0)
    }
}

impl From<Connection> for ConnectionId {
    fn from(connection: Connection) -> Self {
        Self(connection.0)
    }
}

impl From<ssb_blobs::wants::event::Output> for Output {
    fn from(output: ssb_blobs::wants::event::Output) -> Self {
        use ssb_blobs::wants::event::Output as Blobs;
        let (connection, letter) = match output {
            Blobs::SavePushes => return Self::SavePushes,
            Blobs::Say { connection, words } => (connection, Letter::BlobsSay(words)),
            Blobs::LookUp { connection, ids } => (connection, Letter::BlobsLookUp(ids)),
            Blobs::Fetch { fetch, connection, id, len_max } => {
                (connection, Letter::BlobFetch { fetch, id, len_max })
            }
            Blobs::Stop { connection, fetch } => (connection, Letter::BlobStop { fetch }),
            Blobs::Answer { connection, id, is_here } => (connection, Letter::BlobAnswer { id, is_here }),
        };
        letter.to(connection.into())
    }
}
