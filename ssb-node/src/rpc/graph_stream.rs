//! `friends.stream`, `friends.graphStream` and `friends.graph`: who follows and blocks whom, and what changes in that, with the options
//! and items of ssb-friends 4.3.0 and, for the latter two, 5.1.7. What is no news there is told again; here it is not.

use std::collections::VecDeque;

use ssb_gossip::core::Core;
use ssb_gossip::core::watch::Topic;
use ssb_gossip::graph::Graph;
use ssb_gossip::recent::Edge;
use ssb_gossip::recent::RECENT_MAX;
use ssb_gossip::time::Now;
use ssb_keys::FeedId;
use ssb_msg::content::Relation;
use ssb_muxrpc::RemoteError;

use super::args;
use crate::followers::Cursor;
use crate::followers::News;
use crate::followers::Then;

/// The most edges of one look: about as many as fit a page.
const EDGES_AT_ONCE: usize = 512;

/// One stream.
#[derive(Debug)]
pub(crate) struct GraphStream {
    shape: Shape,
    is_live: bool,
    tells_old: bool,
    /// How many changes of the graph were told, or are going to be. `None` at first.
    seen: Option<u64>,
    /// What there was at first, as far as it is not told yet.
    old: VecDeque<(FeedId, FeedId, Relation)>,
}

/// What items look like.
#[derive(Clone, Copy, Debug)]
enum Shape {
    /// As older programs read it: `true`, `false` and `null`, and a change with `from` and `to`.
    Legacy,
    /// Distances, and a change as a small graph.
    Distances,
}

/// `friends.stream`. It looks at no options.
pub(crate) const fn stream() -> GraphStream {
    GraphStream { shape: Shape::Legacy, is_live: true, tells_old: true, seen: None, old: VecDeque::new() }
}

/// `friends.graphStream`.
pub(crate) fn graph_stream(args: &[u8]) -> GraphStream {
    let options = args::first(args);
    let is = |name: &str, or: bool| options.get(name).map_or(or, args::is_truthy);
    let is_live = is("live", true);
    let tells_old = is("old", false) || !is_live;
    GraphStream { shape: Shape::Distances, is_live, tells_old, seen: None, old: VecDeque::new() }
}

/// What `friends.graph` answers.
pub(crate) fn graph(core: &Core) -> String {
    Shape::Distances.whole(core.graph().edges())
}

impl Cursor for GraphStream {
    fn topic(&self) -> Topic {
        Topic::Graph
    }

    fn look(&mut self, core: &Core, _: Now) -> News {
        let Some(seen) = self.seen else { return self.begin(core.graph()) };
        if !self.old.is_empty() {
            return self.tell_old();
        }
        if !self.is_live {
            return News { items: Vec::new(), then: Then::End(Ok(())) };
        }
        let Some(edges) = core.graph().recent().since(seen) else {
            let error = format!("more than {RECENT_MAX} changes were not read in time");
            return News { items: Vec::new(), then: Then::End(Err(RemoteError::new(error))) };
        };
        let items: Vec<String> = edges.take(EDGES_AT_ONCE).map(|edge| self.shape.change(edge)).collect();
        let told = seen + u64::try_from(items.len()).unwrap_or(u64::MAX);
        self.seen = Some(told);
        let then = if told < core.graph().recent().count() { Then::More } else { Then::Changes };
        News { items, then }
    }
}

impl GraphStream {
    fn begin(&mut self, graph: &Graph) -> News {
        self.seen = Some(graph.recent().count());
        if !self.tells_old {
            return News { items: Vec::new(), then: Then::Changes };
        }
        self.old = graph.edges().collect();
        self.tell_old()
    }

    fn tell_old(&mut self) -> News {
        let count = self.old.len().min(EDGES_AT_ONCE);
        let items = vec![self.shape.whole(self.old.drain(..count))];
        let then = match (self.old.is_empty(), self.is_live) {
            (false, _) => Then::More,
            (true, true) => Then::Changes,
            (true, false) => Then::End(Ok(())),
        };
        News { items, then }
    }
}

impl Shape {
    /// Edges that are in the order of their authors, as an object of objects.
    fn whole(self, edges: impl Iterator<Item = (FeedId, FeedId, Relation)>) -> String {
        let (mut text, mut last) = (String::from("{"), None);
        for (author, contact, relation) in edges {
            match last.replace(author) {
                Some(before) if before == author => text.push(','),
                Some(_) => text.push_str(&format!("}},\"{author}\":{{")),
                None => text.push_str(&format!("\"{author}\":{{")),
            }
            text.push_str(&format!("\"{contact}\":{}", self.value(Some(relation))));
        }
        text.push_str(if last.is_some() { "}}" } else { "}" });
        text
    }

    fn change(self, edge: Edge) -> String {
        let Edge { author, contact, relation } = edge;
        let value = self.value(relation);
        match self {
            Self::Legacy => format!("{{\"from\":\"{author}\",\"to\":\"{contact}\",\"value\":{value}}}"),
            Self::Distances => format!("{{\"{author}\":{{\"{contact}\":{value}}}}}"),
        }
    }

    const fn value(self, relation: Option<Relation>) -> &'static str {
        match (self, relation) {
            (Self::Legacy, _) => super::friends::legacy(relation),
            (Self::Distances, Some(Relation::Follow)) => "1",
            (Self::Distances, Some(Relation::Block)) => "-1",
            (Self::Distances, Some(Relation::Neutral)) => "-2",
            (Self::Distances, None) => "null",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::core;
    use crate::fixture::key;
    use crate::fixture::look_all;
    use crate::fixture::relate;
    use crate::fixture::unnamed;

    fn told(stream: &mut GraphStream, core: &Core) -> Vec<String> {
        look_all(stream, core).0.iter().map(|item| unnamed(item)).collect()
    }

    #[test]
    fn older_programs_get_the_whole_graph_and_then_each_change() {
        let mut core = core(&[(1, Relation::Follow, 2)]);
        let mut stream = stream();
        assert_eq!(told(&mut stream, &core), [r#"{"@1":{"@2":true}}"#]);
        assert_eq!(look_all(&mut stream, &core), (Vec::new(), Then::Changes));

        relate(&mut core, 1, Relation::Block, 2);
        relate(&mut core, 1, Relation::Block, 2);
        relate(&mut core, 3, Relation::Neutral, 1);

        assert_eq!(
            told(&mut stream, &core),
            [r#"{"from":"@1","to":"@2","value":false}"#, r#"{"from":"@3","to":"@1","value":null}"#]
        );
    }

    #[test]
    fn newer_programs_get_distances_and_the_whole_graph_if_they_ask() {
        let mut core = core(&[(1, Relation::Follow, 2), (1, Relation::Block, 3)]);
        let ends = |args: &[u8], core: &Core| look_all(&mut graph_stream(args), core).1 == Then::End(Ok(()));
        assert!(ends(br#"[{"live":false}]"#, &core));
        assert!(!ends(b"[]", &core));
        let whole: serde_json::Value = serde_json::from_str(&unnamed(&graph(&core))).unwrap();
        assert_eq!(whole, serde_json::json!({"@1": {"@2": 1, "@3": -1}}));
        let mut both = graph_stream(br#"[{"old":true}]"#);
        assert_eq!(look_all(&mut both, &core).0, [graph(&core)]);
        let mut stream = graph_stream(b"[]");
        assert_eq!(told(&mut stream, &core), [""; 0]);

        relate(&mut core, 1, Relation::Neutral, 2);

        assert_eq!(told(&mut stream, &core), [r#"{"@1":{"@2":-2}}"#]);
        assert_eq!(told(&mut both, &core), [r#"{"@1":{"@2":-2}}"#]);
    }

    #[test]
    fn nobody_says_anything_of_anybody_at_first() {
        assert_eq!(told(&mut stream(), &core(&[])), ["{}"]);
        assert_eq!(graph(&core(&[])), "{}");
    }

    #[test]
    fn a_large_graph_comes_in_pieces_that_give_the_whole() {
        let mut core = core(&[]);
        for n in 2..=6 {
            for m in 2..=200 {
                relate(&mut core, n, Relation::Follow, m);
            }
        }
        let mut graph = serde_json::Map::new();

        let (items, _) = look_all(&mut stream(), &core);

        for item in &items {
            let piece: serde_json::Map<String, serde_json::Value> = serde_json::from_str(item).unwrap();
            for (author, contacts) in piece {
                let all = graph.entry(author).or_insert_with(|| serde_json::json!({}));
                all.as_object_mut().unwrap().extend(contacts.as_object().unwrap().clone());
            }
        }
        assert_eq!(items.len(), 2);
        assert_eq!(graph[&key(4).id().to_string()].as_object().map(serde_json::Map::len), Some(199));
        assert_eq!(graph.len(), 5);
    }

    #[test]
    fn who_is_too_far_behind_is_told() {
        let mut core = core(&[]);
        let mut stream = stream();
        told(&mut stream, &core);
        for n in 0..=RECENT_MAX {
            relate(&mut core, 1, if n % 2 == 0 { Relation::Follow } else { Relation::Block }, 2);
        }

        let (items, then) = look_all(&mut stream, &core);

        let error = "more than 8192 changes were not read in time";
        assert_eq!((items, then), (Vec::new(), Then::End(Err(RemoteError::new(error)))));
    }
}
