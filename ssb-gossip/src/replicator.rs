//! Which feeds are asked of whom, the old way: a `createHistoryStream` for each.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;

use ssb_keys::FeedId;

use crate::connection::ConnectionId;
use crate::connection::StreamId;
use crate::event::Letter;
use crate::event::Output;
use crate::event::Refusal;
use crate::event::Source;
use crate::history::HistoryQuery;
use crate::scope::Scope;

/// How often a feed is asked again of one peer whose answer had a gap.
pub const ASKS_MAX: u8 = 3;

/// The most feeds asked of one connection: as many as a peer of ours serves (JavaScript peers know no limit).
pub const STREAMS_MAX: usize = 10_000;

/// What is asked of whom, and how far the log is.
#[derive(Debug, Default)]
pub struct Replicator {
    connections: BTreeMap<ConnectionId, Connection>,
    streams: u64,
}

#[derive(Debug)]
struct Connection {
    peer: FeedId,
    /// Whether it is asked for everything wanted, not only for the own feed.
    active: bool,
    streams: BTreeMap<StreamId, FeedId>,
    /// The live stream of each feed, and how often it was asked. Without one the peer is not asked again.
    feeds: BTreeMap<FeedId, Asked>,
}

impl Connection {
    /// Ends the live stream of a feed, which may be asked for anew then.
    fn stop(&mut self, connection: ConnectionId, feed: &FeedId, out: &mut VecDeque<Output>) {
        if let Some(stream) = self.feeds.remove(feed).and_then(|asked| asked.live) {
            self.streams.remove(&stream);
            out.push_back(Letter::Stop { stream }.to(connection));
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Asked {
    live: Option<StreamId>,
    times: u8,
}

impl Replicator {
    /// A connection with a peer is open.
    pub fn opened(&mut self, connection: ConnectionId, peer: FeedId) {
        let state = Connection { peer, active: false, streams: BTreeMap::new(), feeds: BTreeMap::new() };
        self.connections.insert(connection, state);
    }

    /// A connection is gone.
    pub fn closed(&mut self, connection: ConnectionId) {
        self.connections.remove(&connection);
    }

    /// Asks a peer for a feed, from where the log ends, unless it was asked for it before.
    pub fn ask_live(
        &mut self,
        connection: ConnectionId,
        feed: FeedId,
        scope: &Scope,
        out: &mut VecDeque<Output>,
    ) {
        let Some(state) = self.connections.get(&connection) else { return };
        if !state.feeds.contains_key(&feed) && !scope.bans(&feed) {
            self.ask_again(connection, feed, scope, out);
        }
    }

    /// Asks a peer for the stored part of a feed, to its end. `None` if the connection is gone.
    pub fn ask_stored(
        &mut self,
        connection: ConnectionId,
        feed: FeedId,
        from: u32,
        out: &mut VecDeque<Output>,
    ) -> Option<StreamId> {
        self.ask(connection, HistoryQuery::replicate(feed, from, false), out)
    }

    /// From now on this peer is asked for every feed that is wanted.
    pub fn activate(&mut self, connection: ConnectionId, scope: &Scope, out: &mut VecDeque<Output>) {
        let Some(state) = self.connections.get_mut(&connection) else { return };
        if !std::mem::replace(&mut state.active, true) {
            self.ask_wanted(connection, scope, out);
        }
    }

    /// These feeds may be wanted now, or not any more: asks for those, stops the rest, and parts with who is blocked.
    pub fn scope_changed(&mut self, feeds: &BTreeSet<FeedId>, scope: &Scope, out: &mut VecDeque<Output>) {
        for connection in self.connections() {
            let Some(state) = self.connections.get_mut(&connection) else { continue };
            if scope.blocks(&state.peer) {
                out.push_back(Letter::Close.to(connection));
                continue;
            }
            let is_active = state.active;
            for feed in feeds {
                if !scope.wants(feed) {
                    if let Some(state) = self.connections.get_mut(&connection) {
                        state.stop(connection, feed, out);
                    }
                } else if is_active {
                    self.ask_live(connection, *feed, scope, out);
                }
            }
        }
    }

    /// The log holds nothing of a feed any more: it is asked for again, from its first message on, if it is wanted at all.
    pub fn emptied(&mut self, feed: FeedId, scope: &Scope, out: &mut VecDeque<Output>) {
        for connection in self.connections() {
            let Some(state) = self.connections.get_mut(&connection) else { continue };
            state.stop(connection, &feed, out);
            if state.active && scope.wants(&feed) {
                self.ask_live(connection, feed, scope, out);
            }
        }
    }

    /// A stream ended by itself: the peer is not asked for that feed again.
    pub fn ended(&mut self, connection: ConnectionId, stream: StreamId) {
        let Some(state) = self.connections.get_mut(&connection) else { return };
        if let Some(feed) = state.streams.remove(&stream)
            && let Some(asked) = state.feeds.get_mut(&feed).filter(|asked| asked.live == Some(stream))
        {
            asked.live = None;
        }
    }

    /// A message of a stream was refused. After a gap the peer is asked once more from where the log ends; after
    /// anything else not again.
    pub fn refused(&mut self, source: Source, reason: Refusal, scope: &Scope, out: &mut VecDeque<Output>) {
        let Source { connection, stream } = source;
        let Some(feed) = self.feed_of(connection, stream) else { return };
        self.ended(connection, stream);
        out.push_back(Letter::Stop { stream }.to(connection));
        let asked = self.connections.get(&connection).and_then(|state| state.feeds.get(&feed)).copied();
        if reason == Refusal::Gap && asked.is_some_and(|asked| asked.live.is_none() && asked.times < ASKS_MAX)
        {
            self.ask_again(connection, feed, scope, out);
        }
    }

    /// Whose messages a stream was asked for. `None` if nobody asked for it, or not any more.
    pub fn feed_of(&self, connection: ConnectionId, stream: StreamId) -> Option<FeedId> {
        self.connections.get(&connection)?.streams.get(&stream).copied()
    }

    /// Who is at the other end. `None` for the owner's own programs.
    pub fn peer(&self, connection: ConnectionId) -> Option<FeedId> {
        self.connections.get(&connection).map(|state| state.peer)
    }

    /// All connections with peers.
    pub fn connections(&self) -> Vec<ConnectionId> {
        self.connections.keys().copied().collect()
    }

    fn ask_wanted(&mut self, connection: ConnectionId, scope: &Scope, out: &mut VecDeque<Output>) {
        for feed in scope.wanted() {
            self.ask_live(connection, feed, scope, out);
        }
    }

    fn ask_again(
        &mut self,
        connection: ConnectionId,
        feed: FeedId,
        scope: &Scope,
        out: &mut VecDeque<Output>,
    ) {
        let from = scope.held(&feed).saturating_add(1);
        let Some(stream) = self.ask(connection, HistoryQuery::replicate(feed, from, true), out) else {
            return;
        };
        let Some(state) = self.connections.get_mut(&connection) else { return };
        let asked = state.feeds.entry(feed).or_default();
        asked.live = Some(stream);
        asked.times += 1;
    }

    fn ask(
        &mut self,
        connection: ConnectionId,
        query: HistoryQuery,
        out: &mut VecDeque<Output>,
    ) -> Option<StreamId> {
        let state = self.connections.get_mut(&connection)?;
        if state.streams.len() >= STREAMS_MAX {
            return None;
        }
        let stream = StreamId(self.streams);
        self.streams += 1;
        state.streams.insert(stream, query.feed);
        out.push_back(Letter::Ask { stream, query }.to(connection));
        Some(stream)
    }
}
