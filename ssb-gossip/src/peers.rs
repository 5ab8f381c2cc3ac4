//! The table of known peers: where they are, how it goes with them, and what changed (ssb-gossip 1.1.1).
//!
//! A peer is a key; its first address counts. The table says nothing about whom to dial: it is what a person and her
//! programs see. What of JavaScript's table is different here: a peer with two connections is connected until the last of
//! them ends, and one that is not connected does not disconnect.

mod tenure;

use std::collections::BTreeMap;
use std::collections::VecDeque;

use ssb_keys::FeedId;
use thiserror::Error;

pub use self::tenure::Tenure;
use crate::address::Address;
use crate::connection::ConnectionId;
use crate::connection::Side;
use crate::statistics::Statistics;
use crate::time::UnixMillis;

/// The most peers that are known at once. All of them are one answer of `gossip.peers`, which must be less than 1 MiB.
pub const PEERS_MAX: usize = 512;

/// The most bytes of an address as it was written.
pub const ADDRESS_LEN_MAX: usize = 512;

/// The most bytes of where a peer was learned of.
pub const SOURCE_LEN_MAX: usize = 64;

/// The most bytes of what went wrong.
pub const ERROR_LEN_MAX: usize = 256;

/// All known peers, in the order in which they were learned of.
#[derive(Clone, Debug)]
pub struct Peers {
    me: FeedId,
    /// No key twice, never ours.
    known: Vec<Known>,
    connections: BTreeMap<ConnectionId, Link>,
    /// How often something changed that is worth to be kept.
    revision: u64,
    /// How often anything changed but what pings tell.
    changes: u64,
}

/// A connection, with a peer that is known or a stranger.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Link {
    /// With whom.
    pub peer: FeedId,
    /// Who opened it.
    pub side: Side,
    /// When.
    pub since: UnixMillis,
}

/// What is kept of a peer from one start to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// Where it is.
    pub address: Address,
    /// Where it was learned of.
    pub source: Option<String>,
    /// How many dials have failed since the last that did not.
    pub failures: u32,
    /// Whether it is dialed unasked.
    pub autoconnect: bool,
}

/// Where a peer is, in the words of whoever said so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whereabouts {
    text: String,
    in_parts: bool,
    address: Address,
}

/// A peer that is known.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Known {
    /// Where it is.
    pub place: Whereabouts,
    /// Where it was learned of.
    pub source: Option<String>,
    /// How often it was learned of.
    pub announcers: u32,
    /// What it is doing, if anything.
    pub state: Option<State>,
    /// When that last changed.
    pub state_change: Option<UnixMillis>,
    /// How long connections with it last, in milliseconds. A dial that failed counts as none.
    pub duration: Option<Statistics>,
    /// Why the last dial failed.
    pub error: Option<String>,
    /// Whether we opened the last connection.
    pub client: Option<bool>,
    /// How many dials have failed since the last that did not. `None` if it was never dialed.
    pub failure: Option<u32>,
    /// What pings tell of the last connection that we opened.
    pub ping: Option<Pings>,
    /// How long it is known.
    pub tenure: Tenure,
    /// Whether it is dialed unasked (ssb-conn 6.0.4).
    pub autoconnect: bool,
}

/// What a peer is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is being dialed.
    Connecting,
    /// There is a connection.
    Connected,
    /// The owner wants no connection any more, and there still is one.
    Disconnecting,
}

/// What pings tell, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pings {
    /// How long a timestamp takes there and back.
    pub rtt: Statistics,
    /// How far the peer's clock is ahead of ours.
    pub skew: Statistics,
}

/// Something that listeners hear of.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// What.
    pub kind: ChangeKind,
    /// With whom, as it is now.
    pub peer: Known,
}

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// The peer is new.
    Discover,
    /// There is a connection.
    Connect,
    /// A dial failed.
    ConnectFailure,
    /// A connection ended.
    Disconnect,
    /// The peer is not known any more.
    Remove,
}

/// Why a peer cannot be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NotAdded {
    /// There are [`PEERS_MAX`] already.
    #[error("there are {PEERS_MAX} known peers; remove one first")]
    Full,
    /// Address or source is longer than any that means something.
    #[error("an address has at most {ADDRESS_LEN_MAX} bytes, a source {SOURCE_LEN_MAX}")]
    TooLong,
}

impl Peers {
    /// Nobody is known.
    pub const fn new(me: FeedId) -> Self {
        Self { me, known: Vec::new(), connections: BTreeMap::new(), revision: 0, changes: 0 }
    }

    /// Knows a peer from before. Of more than there is room for, nothing is known.
    pub fn remember(&mut self, peer: Remembered) {
        let Remembered { address, source, failures, autoconnect } = peer;
        let key = address.key();
        let place = Whereabouts::written(&address.to_string(), address);
        let has_room = self.known.len() < PEERS_MAX && place.text.len() <= ADDRESS_LEN_MAX;
        if has_room && key != self.me && self.get(&key).is_none() {
            let mut known = Known::new(place, source.as_deref());
            known.failure = (failures > 0).then_some(failures);
            known.autoconnect = autoconnect;
            self.known.push(known);
        }
    }

    /// How often something changed that is worth to be kept.
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// How often anything changed but what pings tell.
    pub const fn changes(&self) -> u64 {
        self.changes
    }

    /// Learns of a peer, perhaps again. `None` for ourselves.
    ///
    /// # Errors
    ///
    /// [`NotAdded`]; nothing has changed then.
    pub fn add(
        &mut self,
        place: Whereabouts,
        source: Option<&str>,
        now: UnixMillis,
        out: &mut VecDeque<impl From<Change>>,
    ) -> Result<Option<&Known>, NotAdded> {
        let key = place.address.key();
        self.changes += 1;
        if key == self.me {
            return Ok(None);
        }
        if place.text.len() > ADDRESS_LEN_MAX || source.is_some_and(|source| source.len() > SOURCE_LEN_MAX) {
            return Err(NotAdded::TooLong);
        }
        if let Some(at) = self.known.iter().position(|known| known.key() == key) {
            let known = self.known.get_mut(at);
            return Ok(known.map(|known| {
                known.announce(source);
                &*known
            }));
        }
        if self.known.len() >= PEERS_MAX {
            return Err(NotAdded::Full);
        }
        let mut known = Known::new(place, source);
        if self.is_connected(&key) {
            known.change(Some(State::Connected), now);
        }
        self.revision += u64::from(!known.is_staged());
        out.push_back(changed(ChangeKind::Discover, known.clone()));
        self.known.push(known);
        Ok(self.known.last())
    }

    /// Forgets a peer. Connections with it go on.
    pub fn remove(&mut self, key: &FeedId, out: &mut VecDeque<impl From<Change>>) {
        if let Some(at) = self.known.iter().position(|known| known.key() == *key) {
            self.changes += 1;
            let peer = self.known.remove(at);
            self.revision += u64::from(!peer.is_staged());
            out.push_back(changed(ChangeKind::Remove, peer));
        }
    }

    /// A peer is being dialed.
    pub fn dialing(&mut self, key: &FeedId, now: UnixMillis) {
        self.changes += 1;
        if let Some(known) = self.get_mut(key) {
            known.change(Some(State::Connecting), now);
        }
    }

    /// A peer that is known from the local network only is somewhere else there.
    pub fn moved(&mut self, place: Whereabouts) {
        self.changes += 1;
        if let Some(known) = self.get_mut(&place.address.key()) {
            known.place = place;
        }
    }

    /// A dial failed that says nothing of the peer.
    pub fn not_dialed(&mut self, key: &FeedId, now: UnixMillis) {
        self.changes += 1;
        let state = self.is_connected(key).then_some(State::Connected);
        if let Some(known) = self.get_mut(key) {
            known.change(state, now);
        }
    }

    /// A dial failed.
    pub fn failed(
        &mut self,
        key: &FeedId,
        error: &str,
        now: UnixMillis,
        out: &mut VecDeque<impl From<Change>>,
    ) {
        self.changes += 1;
        let state = self.is_connected(key).then_some(State::Connected);
        self.revision += u64::from(self.is_worth_keeping(key));
        let Some(known) = self.get_mut(key) else { return };
        known.error = Some(start_of(error, ERROR_LEN_MAX).to_owned());
        known.failure = Some(known.failure.unwrap_or_default().saturating_add(1));
        known.change(state, now);
        out.push_back(changed(ChangeKind::ConnectFailure, known.clone()));
        known.duration.get_or_insert_default().add(0.0);
    }

    /// A connection is open.
    pub fn opened(
        &mut self,
        connection: ConnectionId,
        key: &FeedId,
        side: Side,
        now: UnixMillis,
        out: &mut VecDeque<impl From<Change>>,
    ) {
        self.changes += 1;
        self.connections.insert(connection, Link { peer: *key, side, since: now });
        self.revision += u64::from(self.is_worth_keeping(key));
        let Some(known) = self.get_mut(key) else { return };
        known.client = Some(side == Side::Dialed);
        known.change(Some(State::Connected), now);
        if side == Side::Dialed {
            known.ping = Some(Pings::default());
            known.error = None;
            known.failure = Some(0);
        }
        out.push_back(changed(ChangeKind::Connect, known.clone()));
    }

    /// A ping of ours came back.
    pub fn pinged(&mut self, connection: ConnectionId, rtt: f64, skew: f64) {
        let Some(key) = self.connections.get(&connection).map(|link| link.peer) else { return };
        if let Some(pings) = self.get_mut(&key).and_then(|known| known.ping.as_mut()) {
            pings.rtt.add(rtt);
            pings.skew.add(skew);
        }
    }

    /// The owner wants no connection with a peer any more. `None` if it is not known, else the connections to close.
    pub fn disconnecting(&mut self, key: &FeedId, now: UnixMillis) -> Option<Vec<ConnectionId>> {
        self.get(key)?;
        Some(self.parting(key, now))
    }

    /// The same of anybody, known or not.
    pub fn parting(&mut self, key: &FeedId, now: UnixMillis) -> Vec<ConnectionId> {
        self.changes += 1;
        let with_them = self.connections.iter().filter(|(_, link)| link.peer == *key);
        let connections: Vec<ConnectionId> = with_them.map(|(connection, _)| *connection).collect();
        if !connections.is_empty()
            && let Some(known) = self.get_mut(key)
        {
            known.change(Some(State::Disconnecting), now);
        }
        connections
    }

    /// A connection is gone. Returns with whom it was, if that was the last one.
    pub fn closed(
        &mut self,
        connection: ConnectionId,
        now: UnixMillis,
        out: &mut VecDeque<impl From<Change>>,
    ) -> Option<FeedId> {
        let key = self.connections.remove(&connection)?.peer;
        self.changes += 1;
        let others = self.is_connected(&key);
        if let Some(known) = self.get_mut(&key) {
            let since = known.state_change.map_or(now.0, |since| since.0);
            let state = known.state.filter(|_| others);
            known.change(state, now);
            known.duration.get_or_insert_default().add(now.0 - since);
            out.push_back(changed(ChangeKind::Disconnect, known.clone()));
        }
        (!others).then_some(key)
    }

    /// A peer, if it is known.
    pub fn get(&self, key: &FeedId) -> Option<&Known> {
        self.known.iter().find(|known| known.key() == *key)
    }

    /// All of them.
    pub fn all(&self) -> &[Known] {
        &self.known
    }

    /// All connections with peers, in their order.
    pub fn links(&self) -> impl Iterator<Item = &Link> {
        self.connections.values()
    }

    fn get_mut(&mut self, key: &FeedId) -> Option<&mut Known> {
        self.known.iter_mut().find(|known| known.key() == *key)
    }

    // Who is known only for as long as the node runs is not.
    fn is_worth_keeping(&self, key: &FeedId) -> bool {
        self.get(key).is_some_and(|known| !known.is_staged())
    }

    fn is_connected(&self, key: &FeedId) -> bool {
        self.connections.values().any(|link| link.peer == *key)
    }
}

impl Whereabouts {
    /// An address as it was written.
    pub fn written(text: &str, address: Address) -> Self {
        Self { text: text.to_owned(), in_parts: false, address }
    }

    /// An address that was told as host, port and key.
    pub fn in_parts(address: Address) -> Self {
        Self { text: address.to_string(), in_parts: true, address }
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it was told as host, port and key.
    pub const fn is_in_parts(&self) -> bool {
        self.in_parts
    }

    /// What is dialed.
    pub const fn address(&self) -> &Address {
        &self.address
    }
}

impl Known {
    /// A peer that was just learned of.
    fn new(place: Whereabouts, source: Option<&str>) -> Self {
        Self {
            place,
            source: source.map(str::to_owned),
            announcers: 1,
            state: None,
            state_change: None,
            duration: None,
            error: None,
            client: None,
            failure: None,
            ping: None,
            tenure: Tenure::default(),
            autoconnect: true,
        }
    }

    /// Who it is.
    pub const fn key(&self) -> FeedId {
        self.place.address.key()
    }

    // A friend or a peer of the local network stays one; the latter is not counted again and again.
    fn announce(&mut self, source: Option<&str>) {
        match source {
            Some("friends" | "local") => self.source = source.map(str::to_owned),
            _ if self.source.as_deref() == Some("local") => {}
            _ => self.announcers = self.announcers.saturating_add(1),
        }
    }

    const fn change(&mut self, state: Option<State>, now: UnixMillis) {
        self.state = state;
        self.state_change = Some(now);
    }
}

impl State {
    /// JavaScript's word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Connected => "connected",
            Self::Disconnecting => "disconnecting",
        }
    }
}

impl ChangeKind {
    /// JavaScript's word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Discover => "discover",
            Self::Connect => "connect",
            Self::ConnectFailure => "connect-failure",
            Self::Disconnect => "disconnect",
            Self::Remove => "remove",
        }
    }
}

fn changed<T: From<Change>>(kind: ChangeKind, peer: Known) -> T {
    Change { kind, peer }.into()
}

// As much of it as fits.
fn start_of(text: &str, len_max: usize) -> &str {
    let end = (0..=len_max.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or_default()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: FeedId = FeedId::from_bytes([0; 32]);
    const NOW: UnixMillis = UnixMillis(1000.0);

    fn feed(n: usize) -> FeedId {
        let mut bytes = [7; 32];
        bytes[..8].copy_from_slice(&n.to_le_bytes());
        FeedId::from_bytes(bytes)
    }

    fn place(n: usize) -> Whereabouts {
        let address = Address::net("h.example", 1, feed(n)).unwrap();
        Whereabouts::written(&address.to_string(), address)
    }

    /// A table, and what came out of it.
    struct Bench {
        peers: Peers,
        out: VecDeque<Change>,
    }

    impl Bench {
        fn new() -> Self {
            Self { peers: Peers::new(ME), out: VecDeque::new() }
        }

        /// Knows peer 1.
        fn knowing() -> Self {
            let mut bench = Self::new();
            bench.add(1, Some("manual"));
            bench.changes();
            bench
        }

        fn add(&mut self, n: usize, source: Option<&str>) -> Known {
            self.peers.add(place(n), source, NOW, &mut self.out).unwrap().unwrap().clone()
        }

        fn open(&mut self, connection: u64, side: Side, at: f64) {
            self.peers.opened(ConnectionId(connection), &feed(1), side, UnixMillis(at), &mut self.out);
        }

        fn close(&mut self, connection: u64, at: f64) -> Option<FeedId> {
            self.peers.closed(ConnectionId(connection), UnixMillis(at), &mut self.out)
        }

        fn known(&self) -> &Known {
            self.peers.get(&feed(1)).unwrap()
        }

        fn changes(&mut self) -> Vec<ChangeKind> {
            self.out.drain(..).map(|change| change.kind).collect()
        }
    }

    #[test]
    fn a_peer_is_discovered_once_and_keeps_its_first_address() {
        let mut bench = Bench::new();
        let known = bench.add(1, None);
        assert_eq!((known.announcers, known.source, known.state), (1, None, None));
        assert_eq!(bench.changes(), [ChangeKind::Discover]);

        let moved = Address::net("other.example", 2, feed(1)).unwrap();
        let moved = Whereabouts::written("net:other.example:2~shs:..", moved);
        let known = bench.peers.add(moved, Some("manual"), NOW, &mut bench.out).unwrap().unwrap();

        assert_eq!((known.announcers, known.place.text()), (2, place(1).text()));
        assert_eq!(known.source, None, "nobody but friends and the local network outdoes the first source");
        assert_eq!(bench.changes(), []);
    }

    #[test]
    fn friends_and_the_local_network_are_better_sources_and_not_counted() {
        let mut bench = Bench::knowing();

        let friend = bench.add(1, Some("friends"));
        assert_eq!((friend.source.as_deref(), friend.announcers), (Some("friends"), 1));
        let local = bench.add(1, Some("local"));
        assert_eq!((local.source.as_deref(), local.announcers), (Some("local"), 1));

        assert_eq!(bench.add(1, Some("pub")).announcers, 1, "a local peer is not counted again and again");
    }

    #[test]
    fn we_are_no_peer_of_ours() {
        let mut bench = Bench::new();
        let ours = Whereabouts::in_parts(Address::net("h.example", 1, ME).unwrap());

        assert_eq!(bench.peers.add(ours, None, NOW, &mut bench.out), Ok(None));

        assert!(bench.peers.all().is_empty());
        assert_eq!(bench.changes(), []);
    }

    #[test]
    fn the_table_takes_so_many_and_no_more() {
        let mut bench = Bench::new();
        for n in 0..PEERS_MAX {
            bench.add(n, None);
        }

        assert_eq!(bench.peers.add(place(PEERS_MAX), None, NOW, &mut bench.out), Err(NotAdded::Full));
        assert_eq!(bench.add(5, None).announcers, 2, "who is known can be announced");
        bench.peers.remove(&feed(5), &mut bench.out);
        bench.add(PEERS_MAX, None);

        assert_eq!(bench.peers.all().len(), PEERS_MAX);
    }

    #[test]
    fn addresses_and_sources_have_a_longest() {
        let mut bench = Bench::new();
        let mut add = |n: usize, text: usize, source: usize| {
            let address = place(n).address;
            let place = Whereabouts::written(&"x".repeat(text), address);
            bench
                .peers
                .add(place, Some(&"s".repeat(source)), NOW, &mut bench.out)
                .map(|known| known.is_some())
        };

        assert_eq!(add(1, ADDRESS_LEN_MAX, SOURCE_LEN_MAX), Ok(true));
        assert_eq!(add(2, ADDRESS_LEN_MAX + 1, 1), Err(NotAdded::TooLong));
        assert_eq!(add(3, 1, SOURCE_LEN_MAX + 1), Err(NotAdded::TooLong));
    }

    #[test]
    fn a_failed_dial_is_counted_and_says_why() {
        let mut bench = Bench::knowing();
        for _ in 0..2 {
            bench.peers.dialing(&feed(1), NOW);
            assert_eq!(bench.known().state, Some(State::Connecting));
            bench.peers.failed(&feed(1), &"ü".repeat(ERROR_LEN_MAX), UnixMillis(1500.0), &mut bench.out);
        }

        let known = bench.known();
        assert_eq!((known.state, known.failure), (None, Some(2)));
        assert_eq!(known.state_change, Some(UnixMillis(1500.0)));
        assert_eq!(known.error.as_ref().map(String::len), Some(ERROR_LEN_MAX));
        assert_eq!(known.duration, Some(Statistics { count: 2, ..Statistics::default() }));
        assert_eq!(bench.changes(), [ChangeKind::ConnectFailure; 2]);
    }

    #[test]
    fn a_connection_that_we_opened_clears_the_failures() {
        let mut bench = Bench::knowing();
        bench.peers.failed(&feed(1), "no", NOW, &mut bench.out);

        bench.open(1, Side::Dialed, 2000.0);

        let known = bench.known();
        assert_eq!((known.state, known.client, known.failure), (Some(State::Connected), Some(true), Some(0)));
        assert_eq!((&known.error, known.ping), (&None, Some(Pings::default())));
        assert_eq!(bench.changes(), [ChangeKind::ConnectFailure, ChangeKind::Connect]);
    }

    #[test]
    fn a_connection_that_they_opened_says_nothing_about_dials() {
        let mut bench = Bench::knowing();

        bench.open(1, Side::Accepted, 2000.0);

        let known = bench.known();
        assert_eq!((known.state, known.client), (Some(State::Connected), Some(false)));
        assert_eq!((known.failure, known.ping), (None, None));
    }

    #[test]
    fn how_long_a_connection_lasted_is_remembered() {
        let mut bench = Bench::knowing();
        bench.open(1, Side::Dialed, 2000.0);

        assert_eq!(bench.close(1, 2500.0), Some(feed(1)));

        let known = bench.known();
        assert_eq!((known.state, known.state_change), (None, Some(UnixMillis(2500.0))));
        assert_eq!(known.duration.map(|duration| (duration.count, duration.sum)), Some((1, 500.0)));
        assert_eq!(bench.changes(), [ChangeKind::Connect, ChangeKind::Disconnect]);
    }

    #[test]
    fn of_two_connections_the_last_one_counts() {
        let mut bench = Bench::knowing();
        bench.open(1, Side::Dialed, 2000.0);
        bench.open(2, Side::Accepted, 2001.0);

        assert_eq!(bench.close(1, 2500.0), None);
        assert_eq!(bench.known().state, Some(State::Connected));
        bench.peers.failed(&feed(1), "a third one", NOW, &mut bench.out);
        assert_eq!(bench.known().state, Some(State::Connected));
        assert_eq!(bench.close(2, 2600.0), Some(feed(1)));

        assert_eq!(bench.known().state, None);
    }

    #[test]
    fn nobody_hears_of_strangers() {
        let mut bench = Bench::new();

        bench.open(1, Side::Accepted, 2000.0);
        bench.peers.failed(&feed(1), "no", NOW, &mut bench.out);
        bench.peers.pinged(ConnectionId(1), 1.0, 1.0);
        bench.close(1, 2500.0);

        assert_eq!(bench.changes(), []);
    }

    #[test]
    fn a_stranger_who_is_connected_when_we_learn_of_it_is_a_connected_peer() {
        let mut bench = Bench::new();
        bench.open(1, Side::Accepted, 2000.0);

        let known = bench.add(1, None);
        assert_eq!((known.state, known.state_change), (Some(State::Connected), Some(NOW)));
        bench.close(1, 2500.0);

        assert_eq!(bench.known().state, None);
        assert_eq!(bench.changes(), [ChangeKind::Discover, ChangeKind::Disconnect]);
    }

    #[test]
    fn pings_are_summed_up_by_connection() {
        let mut bench = Bench::knowing();
        bench.open(1, Side::Dialed, 2000.0);

        bench.peers.pinged(ConnectionId(1), 4.0, -100.0);
        bench.peers.pinged(ConnectionId(1), 6.0, -100.0);
        bench.peers.pinged(ConnectionId(2), 99.0, 99.0);

        let pings = bench.known().ping.unwrap();
        assert_eq!((pings.rtt.count, pings.rtt.mean), (2, 5.0));
        assert_eq!(pings.skew.mean, -100.0);
    }

    #[test]
    fn only_a_peer_that_is_connected_disconnects() {
        let mut bench = Bench::knowing();
        assert_eq!(bench.peers.disconnecting(&feed(2), NOW), None);
        assert_eq!(bench.peers.disconnecting(&feed(1), NOW), Some(Vec::new()));
        assert_eq!(bench.known().state, None);
        bench.open(1, Side::Dialed, 2000.0);
        bench.open(2, Side::Accepted, 2000.0);

        let connections = bench.peers.disconnecting(&feed(1), NOW);

        assert_eq!(connections, Some(vec![ConnectionId(1), ConnectionId(2)]));
        assert_eq!(bench.known().state, Some(State::Disconnecting));
    }

    #[test]
    fn who_is_removed_is_forgotten_connected_or_not() {
        let mut bench = Bench::knowing();
        bench.open(1, Side::Dialed, 2000.0);

        bench.peers.remove(&feed(1), &mut bench.out);
        bench.peers.remove(&feed(1), &mut bench.out);

        assert!(bench.peers.all().is_empty());
        assert_eq!(bench.changes(), [ChangeKind::Connect, ChangeKind::Remove]);
        assert_eq!(bench.close(1, 2500.0), Some(feed(1)));
        assert_eq!(bench.changes(), []);
    }
}
