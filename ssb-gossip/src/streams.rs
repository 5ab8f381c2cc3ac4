//! The history streams of one connection, both ways: what stands between its calls and the core.
//!
//! Items are kept until [`poll`](HistoryStreams::poll), so that many go to the core at once; whatever else the core is told
//! goes behind the items that came before it.

use std::collections::BTreeMap;
use std::collections::VecDeque;

use ssb_muxrpc::Kind;
use ssb_muxrpc::RequestId;

use crate::connection::ConnectionId;
use crate::connection::StreamId;
use crate::event::Input;
use crate::history::HistoryQuery;
use crate::history::Served;
use crate::peer::Peer;

/// The most items that go to the core at once.
pub const ITEMS_LEN_MAX: usize = 256;

/// Which call is which stream of the core's.
#[derive(Debug)]
pub struct HistoryStreams {
    connection: ConnectionId,
    /// Those that we asked for.
    asked: BTreeMap<RequestId, StreamId>,
    /// Those that the peer asks for and the core has not allowed yet.
    unserved: BTreeMap<RequestId, Served>,
    items: Vec<(StreamId, Vec<u8>)>,
    outbox: VecDeque<Input>,
}

impl HistoryStreams {
    /// Those of a connection that was just made: none.
    pub const fn new(connection: ConnectionId) -> Self {
        Self {
            connection,
            asked: BTreeMap::new(),
            unserved: BTreeMap::new(),
            items: Vec::new(),
            outbox: VecDeque::new(),
        }
    }

    /// The core asks for a feed.
    pub fn ask(&mut self, stream: StreamId, query: &HistoryQuery, peer: &mut Peer) {
        match peer.call(&["createHistoryStream"], Kind::Source, &query.to_args()) {
            Ok(request) => {
                self.asked.insert(request, stream);
            }
            Err(_) => {
                let connection = self.connection;
                self.tell(Input::StreamEnded { connection, stream, failed: true });
            }
        }
    }

    /// The core wants no more of a stream.
    pub fn stop(&mut self, stream: StreamId, peer: &mut Peer) {
        let request = self.asked.iter().find(|(_, asked)| **asked == stream).map(|(request, _)| *request);
        if let Some(request) = request {
            self.asked.remove(&request);
            peer.end(request);
        }
    }

    /// The core has decided about a call of the peer. Returns what is to be served now.
    pub fn serve(&mut self, request: RequestId, allowed: bool, peer: &mut Peer) -> Option<Served> {
        let served = self.unserved.remove(&request)?;
        if !allowed {
            peer.end(request);
        }
        allowed.then_some(served)
    }

    /// The peer calls `createHistoryStream`: what JavaScript answers with an empty stream is one here, for the rest the
    /// core is asked.
    pub fn called(&mut self, request: RequestId, served: Option<Served>, peer: &mut Peer) {
        match served {
            Some(served) => {
                let feed = served.feed();
                self.unserved.insert(request, served);
                let connection = self.connection;
                self.tell(Input::HistoryAsked { connection, request, feed });
            }
            None => peer.end(request),
        }
    }

    /// An item came. Returns whether it was of a stream that we asked for.
    pub fn item(&mut self, request: RequestId, body: &[u8]) -> bool {
        let stream = self.asked.get(&request);
        if let Some(stream) = stream {
            self.items.push((*stream, body.to_vec()));
        }
        stream.is_some()
    }

    /// The peer ended a stream.
    pub fn ended(&mut self, request: RequestId, failed: bool) {
        if let Some(stream) = self.asked.remove(&request) {
            let connection = self.connection;
            self.tell(Input::StreamEnded { connection, stream, failed });
        }
        self.unserved.remove(&request);
    }

    /// The core is to hear of this, after what came before it.
    pub fn tell(&mut self, input: Input) {
        self.flush();
        self.outbox.push_back(input);
    }

    /// What the core is to hear next.
    pub fn poll(&mut self) -> Option<Input> {
        self.flush();
        self.outbox.pop_front()
    }

    /// Whether so many items wait that they should go to the core before any more come.
    pub const fn is_full(&self) -> bool {
        self.items.len() >= ITEMS_LEN_MAX
    }

    fn flush(&mut self) {
        if !self.items.is_empty() {
            let items = std::mem::take(&mut self.items);
            self.outbox.push_back(Input::Items { connection: self.connection, items });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ssb_keys::FeedId;
    use ssb_muxrpc::Methods;
    use ssb_muxrpc::Role;
    use std::sync::Arc;

    const HERE: ConnectionId = ConnectionId(7);
    const FEED: FeedId = FeedId::from_bytes([1; 32]);

    fn peer() -> Peer {
        Peer::local(FEED, &Arc::<Methods>::default(), Role::new(0))
    }

    /// Asks for one stream, whose id is the number of its call.
    fn ask(streams: &mut HistoryStreams, peer: &mut Peer, stream: u64) -> RequestId {
        streams.ask(StreamId(stream), &HistoryQuery::replicate(FEED, 1, true), peer);
        *streams.asked.last_key_value().unwrap().0
    }

    fn told(streams: &mut HistoryStreams) -> Vec<String> {
        std::iter::from_fn(|| streams.poll())
            .map(|input| match input {
                Input::Items { items, .. } => format!("{} items", items.len()),
                Input::StreamEnded { stream, failed, .. } => format!("{stream:?} ended {failed}"),
                Input::HistoryAsked { feed, .. } => format!("asked for {}", feed == FEED),
                other => format!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn the_core_hears_of_items_before_what_came_behind_them() {
        let (mut streams, mut peer) = (HistoryStreams::new(HERE), peer());
        let request = ask(&mut streams, &mut peer, 5);

        assert!(streams.item(request, b"{}"));
        assert!(streams.item(request, b"{}"));
        streams.ended(request, false);
        assert!(!streams.item(request, b"{}"), "it has ended");

        assert_eq!(told(&mut streams), ["2 items", "StreamId(5) ended false"]);
    }

    #[test]
    fn it_is_full_at_its_limit() {
        let (mut streams, mut peer) = (HistoryStreams::new(HERE), peer());
        let request = ask(&mut streams, &mut peer, 5);
        for _ in 1..ITEMS_LEN_MAX {
            streams.item(request, b"{}");
        }

        assert!(!streams.is_full());
        streams.item(request, b"{}");
        assert!(streams.is_full());
        assert_eq!(told(&mut streams), [format!("{ITEMS_LEN_MAX} items")]);
        assert!(!streams.is_full());
    }

    #[test]
    fn what_was_stopped_brings_nothing_more() {
        let (mut streams, mut peer) = (HistoryStreams::new(HERE), peer());
        let request = ask(&mut streams, &mut peer, 5);

        streams.stop(StreamId(5), &mut peer);

        assert!(!streams.item(request, b"{}"));
        streams.ended(request, true);
        assert_eq!(told(&mut streams), Vec::<String>::new());
    }

    #[test]
    fn a_call_is_served_once_and_only_if_the_core_allows_it() {
        let (mut streams, mut peer) = (HistoryStreams::new(HERE), peer());
        let query = HistoryQuery::replicate(FEED, 1, true);
        let [one, two, none] = [1, 2, 3].map(|stream| ask(&mut HistoryStreams::new(HERE), &mut peer, stream));

        let served = || Some(Served::new(query, FEED, 0));
        streams.called(one, served(), &mut peer);
        streams.called(two, served(), &mut peer);
        streams.called(none, None, &mut peer);

        assert_eq!(told(&mut streams), ["asked for true", "asked for true"]);
        let mut is_served = |request, allowed| streams.serve(request, allowed, &mut peer).is_some();
        assert!(is_served(one, true));
        assert!(!is_served(one, true));
        assert!(!is_served(two, false));
        assert!(!is_served(none, true));
    }
}
