//! `friends.hopStream` and `friends.createFriendStream`: how far feeds are, and what changes in that, with the options and items of
//! ssb-friends 4.3.0 over layered-graph 1.2.0. Items put together give what `friends.hops` answers; a feed that nobody near says
//! anything of any more is told of with `null`.

use std::collections::BTreeMap;
use std::time::Duration;

use ssb_gossip::core::Core;
use ssb_gossip::core::watch::Topic;
use ssb_gossip::time::Now;
use ssb_keys::FeedId;

use super::args;
use super::backlog::Backlog;
use crate::followers::Cursor;
use crate::followers::News;
use crate::followers::Then;

/// One stream.
#[derive(Debug)]
pub(crate) struct HopStream {
    shape: Shape,
    is_live: bool,
    /// Whether what there is at first is told.
    tells_old: bool,
    /// What was told, or is going to be.
    seen: BTreeMap<FeedId, i32>,
    /// What is to be told.
    pending: Backlog<(FeedId, Option<i32>)>,
    /// Whether anything was told.
    has_begun: bool,
    has_looked: bool,
}

/// What items look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// An object of feeds and hops.
    Object,
    /// A feed.
    Feed,
    /// A feed with its hops.
    FeedWithHops,
}

/// `friends.hopStream`.
pub(crate) fn hop_stream(args: &[u8]) -> HopStream {
    HopStream::new(args, |_| Shape::Object)
}

/// `friends.createFriendStream`.
pub(crate) fn friend_stream(args: &[u8]) -> HopStream {
    HopStream::new(args, |has_meta| if has_meta { Shape::FeedWithHops } else { Shape::Feed })
}

impl HopStream {
    fn new(args: &[u8], shape: fn(bool) -> Shape) -> Self {
        let options = args::first(args);
        let is = |name: &str, value| options.get(name) == Some(&serde_json::Value::Bool(value));
        let (is_live, is_old) = (is("live", true), !is("old", false));
        Self {
            shape: shape(options.get("meta").is_some_and(args::is_truthy)),
            is_live,
            // Without what comes there is only what is.
            tells_old: is_old || !is_live,
            seen: BTreeMap::new(),
            pending: Backlog::default(),
            has_begun: false,
            has_looked: false,
        }
    }

    fn compare(&mut self, core: &Core) {
        let now: BTreeMap<FeedId, i32> = core.graph().all().collect();
        let is_told = self.tells_old || self.has_looked;
        self.has_looked = true;
        if is_told {
            let new = now.iter().filter(|(feed, hops)| self.seen.get(feed) != Some(hops));
            let gone = self.seen.keys().filter(|feed| !now.contains_key(feed));
            self.pending.extend(new.map(|(feed, hops)| (*feed, Some(*hops))));
            self.pending.extend(gone.map(|feed| (*feed, None)));
        }
        self.seen = now;
    }

    fn items(&mut self, some: Vec<(FeedId, Option<i32>)>) -> Vec<String> {
        let number = |hops: Option<i32>| hops.map_or_else(|| "null".to_owned(), |hops| hops.to_string());
        // JavaScript passes over those who are excluded at first.
        let is_first = self.shape != Shape::Object && !self.has_begun;
        let told = some.into_iter().filter(|(_, hops)| !is_first || hops.is_some_and(|hops| hops >= 0));
        match self.shape {
            Shape::Object => {
                let fields: Vec<String> =
                    told.map(|(feed, hops)| format!("\"{feed}\":{}", number(hops))).collect();
                vec![format!("{{{}}}", fields.join(","))]
            }
            Shape::Feed => told.map(|(feed, _)| format!("\"{feed}\"")).collect(),
            Shape::FeedWithHops => {
                told.map(|(feed, hops)| format!("{{\"id\":\"{feed}\",\"hops\":{}}}", number(hops))).collect()
            }
        }
    }
}

impl Cursor for HopStream {
    fn topic(&self) -> Topic {
        Topic::Hops
    }

    fn pause(&self) -> Duration {
        self.pending.pause()
    }

    fn look(&mut self, core: &Core, _: Now) -> News {
        if self.pending.is_empty() {
            self.compare(core);
        }
        let some = self.pending.take();
        let is_something = !some.is_empty();
        let items = if is_something { self.items(some) } else { Vec::new() };
        let then = match (self.pending.is_empty(), self.is_live) {
            (false, _) => Then::More,
            (true, true) => Then::Changes,
            (true, false) => Then::End(Ok(())),
        };
        // The first of several pieces is not all there is at first.
        self.has_begun |= is_something && self.pending.is_empty();
        News { items, then }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::core;
    use crate::fixture::look_all;
    use crate::fixture::relate;
    use crate::fixture::tell;
    use crate::fixture::unnamed;
    use ssb_gossip::event::Input;
    use ssb_msg::content::Contact;
    use ssb_msg::content::Relation;

    /// 1 follows 2 and blocks 3.
    fn graph() -> Core {
        core(&[(1, Relation::Follow, 2), (1, Relation::Block, 3)])
    }

    /// Items without the order of their keys.
    fn told(stream: &mut HopStream, core: &Core) -> Vec<serde_json::Value> {
        let (items, _) = look_all(stream, core);
        items.iter().map(|item| serde_json::from_str(&unnamed(item)).unwrap()).collect()
    }

    fn json(text: &str) -> serde_json::Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn what_there_is_comes_first_and_then_what_changes() {
        let mut core = graph();
        let mut stream = hop_stream(br#"[{"live":true}]"#);
        assert_eq!(told(&mut stream, &core), [json(r#"{"@1":0,"@2":1,"@3":-1}"#)]);
        assert_eq!(look_all(&mut stream, &core), (Vec::new(), Then::Changes));

        relate(&mut core, 2, Relation::Follow, 4);
        relate(&mut core, 1, Relation::Follow, 3);
        assert_eq!(told(&mut stream, &core), [json(r#"{"@3":1,"@4":2}"#)]);
        relate(&mut core, 1, Relation::Neutral, 2);

        assert_eq!(told(&mut stream, &core), [json(r#"{"@2":-2,"@4":null}"#)]);
    }

    #[test]
    fn without_live_it_ends_and_without_old_it_begins_with_changes() {
        let mut core = graph();
        for args in [&b"[]"[..], b"[{\"old\":false}]", b"[{\"live\":1}]"] {
            let (items, then) = look_all(&mut hop_stream(args), &core);
            assert_eq!((items.len(), then), (1, Then::End(Ok(()))));
        }
        let mut stream = hop_stream(br#"[{"live":true,"old":false}]"#);
        assert_eq!(told(&mut stream, &core), [] as [serde_json::Value; 0]);

        relate(&mut core, 1, Relation::Follow, 5);

        assert_eq!(told(&mut stream, &core), [json(r#"{"@5":1}"#)]);
    }

    #[test]
    fn friends_are_told_one_by_one_and_who_is_excluded_only_later() {
        let mut core = graph();
        let mut stream = friend_stream(br#"[{"live":true,"meta":true}]"#);
        let mut first = told(&mut stream, &core);
        first.sort_by_key(|item| item["hops"].as_i64());
        assert_eq!(first, [json(r#"{"id":"@1","hops":0}"#), json(r#"{"id":"@2","hops":1}"#)]);
        relate(&mut core, 1, Relation::Block, 2);
        assert_eq!(told(&mut stream, &core), [json(r#"{"id":"@2","hops":-1}"#)]);

        assert_eq!(told(&mut friend_stream(b"[]"), &core), [json(r#""@1""#)]);
    }

    #[test]
    fn many_feeds_come_in_pieces_that_give_the_whole() {
        let mut core = graph();
        let me = core.graph().start();
        for n in 0..3_000_u32 {
            let mut bytes = [9; 32];
            bytes[..4].copy_from_slice(&n.to_le_bytes());
            let contact = Contact { contact: FeedId::from_bytes(bytes), relation: Relation::Follow };
            tell(
                &mut core,
                Input::Related { author: me, contact: contact.contact, relation: Some(contact.relation) },
            );
        }

        let (items, _) = look_all(&mut hop_stream(b"[]"), &core);
        let friends = look_all(&mut friend_stream(b"[]"), &core).0.len();

        let feeds: usize = items.iter().map(|item| json(item).as_object().unwrap().len()).sum();
        assert_eq!((items.len(), feeds, friends), (3, 3_003, 3_002));
    }
}
