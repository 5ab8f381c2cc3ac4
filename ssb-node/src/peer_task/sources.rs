//! The streams that a connection serves: pulled one page at a time, while little waits to be written.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::collections::btree_map::Entry;
use std::task::Context;
use std::task::Poll;

use ssb_gossip::peer::Peer;
use ssb_keys::FeedId;
use ssb_log::Disk;
use ssb_log::Ordinal;
use ssb_log::Reader;
use ssb_log::tail::Follower;
use ssb_muxrpc::Body;
use ssb_muxrpc::RemoteError;
use ssb_muxrpc::RequestId;

use super::changes::Changes;
use crate::pool::Promise;
use crate::rpc::source::PAGE_LEN;
use crate::rpc::source::Page;
use crate::rpc::source::Source;
use crate::rpc::source::Then;
use crate::shared::Shared;

/// All streams of one connection.
pub(super) struct Sources {
    /// Those that have something to give, in the order of their turns.
    ready: VecDeque<(RequestId, Box<dyn Source>)>,
    /// The one that is being pulled.
    reading: Option<Reading>,
    /// Those that wait for the log to grow.
    waiting: BTreeMap<RequestId, (Box<dyn Source>, Then)>,
    /// Those of `waiting` that wait for a feed, and no others.
    by_feed: BTreeMap<FeedId, Vec<RequestId>>,
    follower: Follower,
    seen: Ordinal,
}

struct Reading {
    /// Gone if the peer wants no more of it.
    request: Option<RequestId>,
    page: Promise<(Box<dyn Source>, Page)>,
}

impl Sources {
    pub(super) fn new(reader: &Reader<Disk>) -> Self {
        Self {
            ready: VecDeque::new(),
            reading: None,
            waiting: BTreeMap::new(),
            by_feed: BTreeMap::new(),
            follower: reader.follow(),
            seen: reader.end(),
        }
    }

    /// Serves a new stream.
    pub(super) fn add(&mut self, request: RequestId, source: Box<dyn Source>) {
        self.ready.push_back((request, source));
    }

    /// The peer wants no more of this one.
    pub(super) fn remove(&mut self, request: RequestId) {
        self.ready.retain(|(ready, _)| *ready != request);
        self.forget_waiting(request);
        if let Some(reading) = &mut self.reading
            && reading.request == Some(request)
        {
            reading.request = None;
        }
    }

    /// Moves what can move. Returns whether anything did.
    pub(super) fn poll(
        &mut self,
        context: &mut Context<'_>,
        shared: &Shared,
        reader: &Reader<Disk>,
        peer: &mut Peer,
        changes: &mut Changes,
    ) -> bool {
        let mut moved = self.poll_growth(context, reader);
        moved |= self.poll_reading(context, reader, peer, changes);
        if self.reading.is_none()
            && peer.buffered() < PAGE_LEN
            && let Some((request, mut source)) = self.ready.pop_front()
        {
            let reader = reader.clone();
            let pool = source.pool(shared).clone();
            let page = pool.run(move || {
                let page = source.pull(&reader);
                (source, page)
            });
            self.reading = Some(Reading { request: Some(request), page });
            moved = true;
        }
        moved
    }

    fn poll_reading(
        &mut self,
        context: &mut Context<'_>,
        reader: &Reader<Disk>,
        peer: &mut Peer,
        changes: &mut Changes,
    ) -> bool {
        let Some(reading) = &mut self.reading else { return false };
        let Poll::Ready(read) = reading.page.as_mut().poll(context) else { return false };
        let request = reading.request;
        self.reading = None;
        let Some(request) = request else { return true };
        let Some((source, page)) = read else {
            peer.refuse_call(request, &RemoteError::new("the stream was given up"));
            return true;
        };
        for item in &page.items {
            peer.item(request, Body::Json(item));
        }
        match page.then {
            Then::More => self.ready.push_back((request, source)),
            Then::Live => changes.begin(request),
            Then::End(Ok(())) => peer.end(request),
            Then::End(Err(error)) => {
                changes.remove(request);
                peer.refuse_call(request, &error);
            }
            // What came since the page was read would wake nobody.
            then if is_due(&then, reader) => self.ready.push_back((request, source)),
            then => self.wait(request, source, then),
        }
        true
    }

    fn wait(&mut self, request: RequestId, source: Box<dyn Source>, then: Then) {
        if let Then::FeedGrown { feed, .. } = &then {
            self.by_feed.entry(*feed).or_default().push(request);
        }
        self.waiting.insert(request, (source, then));
    }

    fn forget_waiting(&mut self, request: RequestId) {
        if let Some((_, Then::FeedGrown { feed, .. })) = self.waiting.remove(&request)
            && let Entry::Occupied(mut requests) = self.by_feed.entry(feed)
        {
            requests.get_mut().retain(|waiting| *waiting != request);
            if requests.get().is_empty() {
                requests.remove();
            }
        }
    }

    fn poll_growth(&mut self, context: &mut Context<'_>, reader: &Reader<Disk>) -> bool {
        if self.waiting.is_empty() {
            self.seen = reader.end();
            return false;
        }
        let Poll::Ready(end) = self.follower.poll_past(context, self.seen) else { return false };
        let mut due: Vec<RequestId> = self
            .waiting
            .iter()
            .filter(|(_, (_, then))| matches!(then, Then::Grown { .. }))
            .map(|(request, _)| *request)
            .collect();
        for feed in reader.authors(self.seen..end) {
            if self.by_feed.is_empty() {
                break;
            }
            due.extend(self.by_feed.remove(&feed).unwrap_or_default());
        }
        self.seen = end;
        for request in due {
            if let Some((source, _)) = self.waiting.remove(&request) {
                self.ready.push_back((request, source));
            }
        }
        true
    }
}

fn is_due(then: &Then, reader: &Reader<Disk>) -> bool {
    match then {
        Then::Grown { past } => reader.end() > *past,
        Then::FeedGrown { feed, past } => reader.latest(feed).is_some_and(|latest| latest.sequence > *past),
        Then::More | Then::Live | Then::End(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;
    use crate::fixture::key;
    use ssb_muxrpc::Kind;
    use ssb_muxrpc::Role;
    use ssb_muxrpc::Session;
    use std::sync::Arc;

    struct Nothing;

    impl Source for Nothing {
        fn pull(&mut self, _: &Reader<Disk>) -> Page {
            Page::empty(Then::End(Ok(())))
        }
    }

    #[test]
    fn a_stream_that_is_given_up_while_it_waits_leaves_nothing_behind() {
        let mut session = Session::new(Arc::default(), Role::new(0));
        let mut call = || session.call(&["createHistoryStream"], Kind::Source, "[]").unwrap();
        let (one, two) = (call(), call());
        let mut sources = Sources::new(&Fixture::new().reader());
        let wait = || Then::FeedGrown { feed: key(1).id(), past: 0 };
        sources.wait(one, Box::new(Nothing), wait());
        sources.wait(two, Box::new(Nothing), wait());

        sources.remove(one);
        assert_eq!(sources.by_feed.get(&key(1).id()), Some(&vec![two]));
        sources.remove(two);

        assert!(sources.by_feed.is_empty());
        assert!(sources.waiting.is_empty());
    }
}
