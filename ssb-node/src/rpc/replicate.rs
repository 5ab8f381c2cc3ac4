//! `replicate.changes`, `replicate.progress`, `replicate.block` and `ebt.block`, and what `progress` says of replication, with the
//! shapes of ssb-replicate 1.3.5, ssb-ebt 5.6.7 and epidemic-broadcast-trees 7.0.0. `replicate.progress` is ours.

use std::time::Duration;

use ssb_gossip::core::Core;
use ssb_gossip::core::progress::Progress;
use ssb_gossip::core::watch::Topic;
use ssb_gossip::time::Now;
use ssb_gossip::time::Uptime;
use ssb_gossip::wish::Wish;
use ssb_muxrpc::RemoteError;

use super::args;
use super::friends;
use super::gossip::number;
use crate::followers::Cursor;
use crate::followers::News;
use crate::followers::Then;

/// What `progress` says under `ebt`: of as many messages so many are here. Nothing without peers, as in JavaScript; the numbers there
/// count notes, too, and say little.
pub(crate) fn ebt(core: &Core, now: Now) -> Option<String> {
    let Progress { peers, held, missing, held_at_start, .. } = core.progress(now.uptime);
    let (start, target) = (held_at_start.min(held), held + missing);
    (peers > 0).then(|| format!("{{\"start\":{start},\"current\":{held},\"target\":{target}}}"))
}

/// `replicate.progress`: how far replication is, in numbers.
pub(crate) fn progress(core: &Core, now: Now) -> String {
    let progress = core.progress(now.uptime);
    let Progress { peers, settled, feeds, owed, stuck, held, missing, stored, .. } = progress;
    let Progress { received_len, waiting_len, held_at_start, .. } = progress;
    format!(
        "{{\"idle\":{},\"peers\":{{\"connected\":{peers},\"settled\":{settled}}},\"feeds\":{{\"wanted\":{feeds},\"owed\":{owed},\
         \"stuck\":{stuck}}},\"messages\":{{\"start\":{held_at_start},\"held\":{held},\"missing\":{missing},\"stored\":{stored}}},\
         \"bytes\":{{\"received\":{received_len},\"waiting\":{waiting_len}}}}}",
        progress.is_idle()
    )
}

/// What `replicate.block` and `ebt.block` want: a feed to be kept from a peer, or not any more. `None` where JavaScript notes what means
/// nothing.
pub(crate) fn block(args: &[u8]) -> Option<Wish> {
    let first = args::first(args);
    let (author, peer, withheld) = match first.get("from") {
        Some(from) => (Some(from.clone()), first.get("to").cloned(), first.get("blocking").cloned()),
        None => (Some(first), args::nth_plain(args, 1), args::nth_plain(args, 2)),
    };
    let [author, peer] = [author, peer].map(|feed| feed.as_ref().and_then(friends::parse));
    Some(Wish::Withhold {
        author: author?,
        peer: peer?,
        withheld: withheld.is_some_and(|it| args::is_truthy(&it)),
    })
}

/// The format that `ebt.clock` is asked for: there is one (ssb-ebt 9.1.2).
///
/// # Errors
///
/// JavaScript's text for any other.
pub(crate) fn format(args: &[u8]) -> Result<(), RemoteError> {
    match args::first(args).get("format") {
        None => Ok(()),
        Some(format) if format == "classic" => Ok(()),
        Some(format) => {
            let format = format.as_str().map_or_else(|| format.to_string(), str::to_owned);
            Err(RemoteError::new(format!("Unknown format: {format}")))
        }
    }
}

/// `replicate.changes`: how far replication is, whenever that has changed.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// What was told last, or there was at first.
    told: Option<String>,
    /// How many messages were stored, and when.
    stored: Option<(u64, Uptime)>,
    /// How many messages a second came last.
    rate: f64,
}

/// From one look to the next. JavaScript waits as long after the last message.
const PAUSE: Duration = Duration::from_millis(200);

/// Over how long messages are counted for their rate.
const RATE_OVER: Duration = Duration::from_secs(1);

impl Changes {
    fn measure(&mut self, stored: u64, now: Uptime) {
        let (before, at) = *self.stored.get_or_insert((stored, now));
        let passed = now.since(at);
        if passed >= RATE_OVER {
            let count = u32::try_from(stored.saturating_sub(before)).unwrap_or(u32::MAX);
            self.rate = f64::from(count) / passed.as_secs_f64();
            self.stored = Some((stored, now));
        }
    }
}

impl Cursor for Changes {
    fn topic(&self) -> Topic {
        Topic::Progress
    }

    fn look(&mut self, core: &Core, now: Now) -> News {
        let Progress { owed, held, missing, stored, feeds, .. } = core.progress(now.uptime);
        self.measure(stored, now.uptime);
        let pending = core.pending().into_iter().map(|(peer, count)| (peer, count.to_string()));
        let text = format!(
            "{{\"id\":\"{}\",\"rate\":{},\"feeds\":{feeds},\"pendingPeers\":{},\"incompleteFeeds\":{owed},\"progress\":{held},\
             \"total\":{}}}",
            core.graph().start(),
            number(self.rate),
            friends::object(pending),
            held + missing,
        );
        let before = self.told.replace(text.clone());
        let items = if before.is_some_and(|before| before != text) { vec![text] } else { Vec::new() };
        News { items, then: Then::Changes }
    }

    fn pause(&self) -> Duration {
        PAUSE
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::NOW;
    use crate::fixture::core;
    use crate::fixture::key;
    use crate::fixture::named;
    use crate::fixture::tell;
    use crate::fixture::unnamed;
    use serde_json::Value;
    use serde_json::json;
    use ssb_gossip::connection::ConnectionId;
    use ssb_gossip::connection::Side;
    use ssb_gossip::ebt::note::Note;
    use ssb_gossip::event::Input;
    use ssb_msg::content::Relation;

    /// 1 follows 2, of which 3 has seven messages.
    fn with_peer() -> Core {
        let mut core = core(&[(1, Relation::Follow, 2)]);
        let connection = ConnectionId(1);
        tell(&mut core, Input::Opened { connection, peer: key(3).id(), side: Side::Dialed });
        let notes = vec![(key(2).id(), Note::Has { sequence: 7, send: false })];
        tell(&mut core, Input::EbtNotes { connection, notes });
        core
    }

    #[test]
    fn progress_is_told_in_numbers() {
        let told: Value = serde_json::from_str(&progress(&with_peer(), NOW)).unwrap();

        let expected = json!({
            "idle": false,
            "peers": {"connected": 1, "settled": 0},
            "feeds": {"wanted": 2, "owed": 1, "stuck": 0},
            "messages": {"start": 0, "held": 0, "missing": 7, "stored": 0},
            "bytes": {"received": 0, "waiting": 0},
        });
        assert_eq!(told, expected);
    }

    #[test]
    fn javascript_s_progress_has_a_part_for_trees_while_somebody_is_connected() {
        assert_eq!(ebt(&core(&[]), NOW), None);
        assert_eq!(ebt(&with_peer(), NOW).as_deref(), Some(r#"{"start":0,"current":0,"target":7}"#));
    }

    #[test]
    fn a_feed_is_kept_from_a_peer_by_words_or_by_an_object() {
        let [author, peer] = [2, 3].map(|n| key(n).id());
        for (text, expected) in [
            (r#"["@2","@3",true]"#, Some(true)),
            (r#"["@2","@3"]"#, Some(false)),
            (r#"["@2","@3",0]"#, Some(false)),
            (r#"[{"from":"@2","to":"@3","blocking":1}]"#, Some(true)),
            (r#"["@2","x",true]"#, None),
            ("[]", None),
        ] {
            let expected = expected.map(|withheld| Wish::Withhold { author, peer, withheld });
            assert_eq!(block(named(text).as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn there_is_one_format() {
        for args in ["[]", "[{}]", r#"[{"format":"classic"}]"#, "[5]"] {
            assert_eq!(format(args.as_bytes()), Ok(()), "{args}");
        }
        let unknown = Err(RemoteError::new("Unknown format: bendybutt-v1"));
        assert_eq!(format(br#"[{"format":"bendybutt-v1"}]"#), unknown);
    }

    #[test]
    fn changes_are_told_when_there_are_any() {
        let (mut stream, quiet) = (Changes::default(), core(&[(1, Relation::Follow, 2)]));
        for _ in 0..2 {
            assert_eq!(stream.look(&quiet, NOW).items, [""; 0]);
        }

        let items = stream.look(&with_peer(), NOW).items;

        let expected = r#"{"id":"@1","rate":0,"feeds":2,"pendingPeers":{"@3":1},"incompleteFeeds":1,"progress":0,"total":7}"#;
        assert_eq!(items.iter().map(|item| unnamed(item)).collect::<Vec<_>>(), [expected]);
    }

    #[test]
    fn the_rate_is_counted_over_a_second() {
        let mut changes = Changes::default();
        for (stored, millis, rate) in
            [(10, 0, 0.0), (50, 900, 0.0), (60, 1000, 50.0), (60, 1500, 50.0), (60, 3000, 0.0)]
        {
            changes.measure(stored, Uptime::new(Duration::from_millis(millis)));
            assert_eq!(changes.rate, rate, "{millis}");
        }
    }
}
