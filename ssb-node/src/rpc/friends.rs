//! `friends.*`, `ebt.peerStatus`, `replicate.request` and `why`: who follows and blocks whom, and how far peers have a feed, with the
//! shapes of ssb-friends 4.3.0, ssb-ebt 5.6.7 and ssb-replicate 1.3.5. Where those stumble over an argument with a TypeError of their
//! engine, the argument counts as missing here.

use serde_json::Value;
use ssb_gossip::core::Core;
use ssb_gossip::ebt::Standing;
use ssb_gossip::explain::Explanation;
use ssb_gossip::graph::Graph;
use ssb_keys::FeedId;
use ssb_msg::content::Relation;
use ssb_muxrpc::RemoteError;

use super::args;

/// What `friends.get` tells: all relations, those of a source, with a destination, or the one between two.
pub(crate) fn get(args: &[u8], core: &Core) -> String {
    let graph = core.graph();
    let options = args::first(args);
    let feed = |name: &str| options.get(name).filter(|value| args::is_truthy(value));
    match (feed("source").map(parse), feed("dest").map(parse)) {
        // Of who says nothing of anybody, nothing is told either way.
        (Some(source), Some(dest))
            if source.is_some_and(|source| graph.relations_of(source).next().is_some()) =>
        {
            let relation = source.zip(dest).and_then(|(source, dest)| graph.relation(&source, &dest));
            legacy(relation).to_owned()
        }
        (Some(source), _) => {
            let of = source.into_iter().flat_map(|source| graph.relations_of(source));
            object(of.map(|(contact, relation)| (contact, legacy(Some(relation)).to_owned())))
        }
        (None, Some(dest)) => {
            let to = graph.edges().filter(|(_, contact, _)| Some(*contact) == dest);
            object(to.map(|(author, _, relation)| (author, legacy(Some(relation)).to_owned())))
        }
        (None, None) => {
            let authors = graph.authors().map(|author| (author, graph.relations_of(author)));
            let of = |(author, relations)| {
                let relations: Vec<(FeedId, Relation)> = Iterator::collect(relations);
                let relations = relations
                    .into_iter()
                    .map(|(contact, relation)| (contact, legacy(Some(relation)).to_owned()));
                (author, object(relations))
            };
            object(authors.map(of))
        }
    }
}

/// What `friends.hops` tells: how far feeds are, from whom and up to where is wanted.
pub(crate) fn hops(args: &[u8], core: &Core) -> String {
    let options = args::first(args);
    let graph = core.graph();
    let start = options.get("start").and_then(parse);
    let max = options.get("max").and_then(Value::as_u64).and_then(|max| u8::try_from(max).ok());
    let is_reverse = options.get("reverse").is_some_and(args::is_truthy);
    let all: Vec<(FeedId, i32)> = if start.is_none() && max.is_none() && !is_reverse {
        graph.all().collect()
    } else {
        graph
            .hops_from(start.unwrap_or(graph.start()), max.unwrap_or(graph.hops_max()), is_reverse)
            .into_iter()
            .collect()
    };
    object(all.into_iter().map(|(feed, hops)| (feed, hops.to_string())))
}

/// Whether a feed follows another.
pub(crate) fn is_following(args: &[u8], core: &Core) -> String {
    (relation(args, core.graph()) == Some(Relation::Follow)).to_string()
}

/// Whether a feed blocks another.
pub(crate) fn is_blocking(args: &[u8], core: &Core) -> String {
    (relation(args, core.graph()) == Some(Relation::Block)).to_string()
}

/// The message that `friends.follow` publishes.
///
/// # Errors
///
/// JavaScript's text for what is no feed.
pub(crate) fn follow(args: &[u8]) -> Result<String, RemoteError> {
    contact(args, "following", false)
}

/// The message that `friends.block` publishes.
///
/// # Errors
///
/// JavaScript's text for what is no feed.
pub(crate) fn block(args: &[u8]) -> Result<String, RemoteError> {
    contact(args, "blocking", true)
}

/// What `ebt.peerStatus` tells of a feed, or of the own one.
pub(crate) fn peer_status(args: &[u8], core: &Core) -> String {
    let feed = parse(&args::first(args)).unwrap_or(core.graph().start());
    let peers = core.standings(&feed).into_iter().map(|(peer, standing)| (peer, standing_of(&standing)));
    let held = core.held(&feed);
    let held = if held == 0 { String::new() } else { format!("\"seq\":{held},") };
    format!("{{\"id\":\"{feed}\",{held}\"peers\":{}}}", object(peers))
}

/// What `why` tells of a feed: the text is for people.
pub(crate) fn why(feed: &FeedId, core: &Core) -> String {
    let explanation = core.explain(feed);
    let text = Value::String(explanation.to_string());
    let Explanation { held, reason, connections, peers, .. } = explanation;
    let wanted = reason.is_wanted();
    let peers = object(peers.into_iter().map(|(peer, standing)| (peer, standing_of(&standing))));
    format!(
        "{{\"id\":\"{feed}\",\"held\":{held},\"wanted\":{wanted},\"connections\":{connections},\"peers\":{peers},\"text\":{text}}}"
    )
}

/// The feed that `replicate.request` is about, and whether it is to be replicated. `None` where JavaScript looks away.
pub(crate) fn request(args: &[u8]) -> Option<(FeedId, bool)> {
    let first = args::first(args);
    let (id, wanted) = match first.get("id") {
        Some(id) => (parse(id), first.get("replicate").cloned()),
        None => (parse(&first), args::nth_plain(args, 1)),
    };
    // Only `false` says no.
    Some((id?, wanted != Some(Value::Bool(false))))
}

fn contact(args: &[u8], verb: &str, has_reason: bool) -> Result<String, RemoteError> {
    let first = args::first(args);
    let Some(feed) = parse(&first) else {
        let got = first.as_str().map_or_else(|| first.to_string(), str::to_owned);
        return Err(RemoteError::new(format!("follow requires a feedId, got {got}")));
    };
    let options = args::nth_plain(args, 1).unwrap_or_default();
    let state = options.get("state").map_or_else(|| "true".to_owned(), Value::to_string);
    let reason = options.get("reason").filter(|reason| has_reason && reason.is_string());
    let reason = reason.map_or_else(String::new, |reason| format!(",\"reason\":{reason}"));
    let recipients = options.get("recps").map_or_else(String::new, |recps| format!(",\"recps\":{recps}"));
    Ok(format!("{{\"type\":\"contact\",\"contact\":\"{feed}\",\"{verb}\":{state}{reason}{recipients}}}"))
}

fn relation(args: &[u8], graph: &Graph) -> Option<Relation> {
    let options = args::first(args);
    let feed = |name: &str| options.get(name).and_then(parse);
    graph.relation(&feed("source")?, &feed("dest")?)
}

fn standing_of(standing: &Standing) -> String {
    let Standing { theirs, sends, receives, noted, .. } = standing;
    let seq = theirs.map_or_else(|| "-1".to_owned(), |theirs| theirs.to_string());
    let noted = noted.map_or_else(|| "-1".to_owned(), |noted| noted.to_string());
    format!(
        "{{\"seq\":{seq},\"replicating\":{{\"tx\":{sends},\"rx\":{receives},\"sent\":{seq},\"requested\":{noted}}}}}"
    )
}

// What older programs read: follow, block, neither.
pub(super) const fn legacy(relation: Option<Relation>) -> &'static str {
    match relation {
        Some(Relation::Follow) => "true",
        Some(Relation::Block) => "false",
        Some(Relation::Neutral) | None => "null",
    }
}

pub(super) fn object(fields: impl Iterator<Item = (FeedId, String)>) -> String {
    let fields: Vec<String> = fields.map(|(feed, value)| format!("\"{feed}\":{value}")).collect();
    format!("{{{}}}", fields.join(","))
}

pub(super) fn parse(value: &Value) -> Option<FeedId> {
    FeedId::parse(value.as_str()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use crate::fixture::key;
    use crate::fixture::tell;
    use ssb_gossip::event::Input;
    use ssb_gossip::event::Outcome;
    use ssb_gossip::event::Verdict;

    /// 1 follows 2 and blocks 3, 2 follows 4 and has followed 1.
    fn core() -> Core {
        let mut core = fixture::core(&[
            (1, Relation::Follow, 2),
            (1, Relation::Block, 3),
            (2, Relation::Follow, 4),
            (2, Relation::Neutral, 1),
        ]);
        let outcome = Outcome::Stored { feed: key(2).id(), sequence: 7, contact: None };
        tell(&mut core, Input::Verdicts(vec![Verdict { giver: None, len: 0, outcome }]));
        core
    }

    fn args(text: &str) -> Vec<u8> {
        let named = |text: String, n: u8| text.replace(&format!("@{n}"), &key(n).id().to_string());
        (1..=5).fold(text.to_owned(), named).into_bytes()
    }

    #[track_caller]
    fn same(answer: &str, expected: &str) {
        let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(json(answer), json(&String::from_utf8(args(expected)).unwrap()));
    }

    #[test]
    fn the_graph_is_told_as_older_programs_read_it() {
        let core = core();
        same(&get(b"[]", &core), r#"{"@1":{"@2":true,"@3":false},"@2":{"@4":true,"@1":null}}"#);
        same(&get(&args(r#"[{"source":"@1"}]"#), &core), r#"{"@2":true,"@3":false}"#);
        same(&get(&args(r#"[{"dest":"@4"}]"#), &core), r#"{"@2":true}"#);
        same(&get(&args(r#"[{"source":"@5"}]"#), &core), "{}");
        for (source, dest, expected) in
            [(1, 2, "true"), (1, 3, "false"), (2, 1, "null"), (2, 3, "null"), (4, 1, "{}")]
        {
            let options = args(&format!(r#"[{{"source":"@{source}","dest":"@{dest}"}}]"#));
            assert_eq!(get(&options, &core), expected);
        }
    }

    #[test]
    fn hops_are_counted_from_anybody() {
        let core = core();
        same(&hops(b"[]", &core), r#"{"@1":0,"@2":1,"@3":-1,"@4":2}"#);
        same(&hops(br#"[{"max":1}]"#, &core), r#"{"@1":0,"@2":1,"@3":-1}"#);
        same(&hops(&args(r#"[{"start":"@2"}]"#), &core), r#"{"@2":0,"@4":1,"@1":-2}"#);
        same(&hops(&args(r#"[{"start":"@4","reverse":true}]"#), &core), r#"{"@4":0,"@2":1,"@1":2}"#);
    }

    #[test]
    fn two_feeds_stand_in_one_relation() {
        let core = core();
        for (source, dest, follows, blocks) in
            [(1, 2, true, false), (1, 3, false, true), (2, 1, false, false)]
        {
            let options = args(&format!(r#"[{{"source":"@{source}","dest":"@{dest}"}}]"#));
            assert_eq!(is_following(&options, &core), follows.to_string());
            assert_eq!(is_blocking(&options, &core), blocks.to_string());
        }
        assert_eq!(is_following(b"[]", &core), "false");
    }

    #[test]
    fn follows_and_blocks_are_messages_of_the_owner() {
        let text = |content: Result<String, RemoteError>| content.map_err(|error| error.message().to_owned());
        let expected = |text: &str| Ok(String::from_utf8(args(text)).unwrap());
        assert_eq!(
            text(follow(&args(r#"["@2"]"#))),
            expected(r#"{"type":"contact","contact":"@2","following":true}"#)
        );
        assert_eq!(
            text(follow(&args(r#"["@2",{"state":false,"reason":"x"}]"#))),
            expected(r#"{"type":"contact","contact":"@2","following":false}"#)
        );
        assert_eq!(
            text(block(&args(r#"["@2",{"reason":"spam","recps":["@1"]}]"#))),
            expected(r#"{"type":"contact","contact":"@2","blocking":true,"reason":"spam","recps":["@1"]}"#)
        );
        assert_eq!(text(follow(br#"["x"]"#)), Err("follow requires a feedId, got x".to_owned()));
    }

    #[test]
    fn a_feed_is_requested_by_its_id_or_by_an_object() {
        let feed = key(2).id();
        for (text, expected) in [
            (r#"["@2"]"#, Some((feed, true))),
            (r#"["@2",false]"#, Some((feed, false))),
            (r#"["@2","false"]"#, Some((feed, true))),
            (r#"[{"id":"@2","replicate":false}]"#, Some((feed, false))),
            (r#"["x"]"#, None),
            ("[]", None),
        ] {
            assert_eq!(request(&args(text)), expected, "{text}");
        }
    }

    #[test]
    fn nobody_has_a_feed_as_long_as_nobody_is_connected() {
        same(&peer_status(&args(r#"["@2"]"#), &core()), r#"{"id":"@2","seq":7,"peers":{}}"#);
        same(&peer_status(b"[]", &core()), r#"{"id":"@1","peers":{}}"#);
    }
}
