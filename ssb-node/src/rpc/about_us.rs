//! What the node says of itself: `progress`, `status` and `auth`.

use std::collections::BTreeSet;
use std::time::Duration;

use ssb_gossip::core::Core;
use ssb_gossip::peers::Known;
use ssb_gossip::peers::State;
use ssb_gossip::time::Now;
use ssb_keys::FeedId;
use ssb_log::Disk;
use ssb_log::Reader;

use super::args;
use super::gossip;
use super::ooo;
use super::replicate;

/// `progress`: how far the indexes are behind the log, which is never, because they are written together; and, while peers are
/// connected, how far replication is.
///
/// In ssb-db 20.4.1 the numbers are byte offsets, here they are ordinals.
pub(crate) fn progress(core: &Core, reader: &Reader<Disk>, now: Now) -> String {
    let at = i64::from(reader.end().get()) - 1;
    let ebt = replicate::ebt(core, now).map_or_else(String::new, |ebt| format!(",\"ebt\":{ebt}"));
    let ooo = ooo::progress(core);
    format!("{{\"indexes\":{{\"start\":{at},\"current\":{at},\"target\":{at}}},\"ooo\":{ooo}{ebt}}}")
}

/// `status`: how the node is doing, in the shape of ssb-db 20.4.1 with ssb-gossip 1.1.1 and ssb-ooo 1.3.3. Under `node`
/// stands what JavaScript has no place for.
pub(crate) fn status(core: &Core, reader: &Reader<Disk>, now: Now) -> String {
    let (progress, at) = (progress(core, reader, now), i64::from(reader.end().get()) - 1);
    let plugins: Vec<String> = INDEXES.iter().map(|name| format!("\"{name}\":{at}")).collect();
    let recent = |known: &&Known| {
        known.state == Some(State::Connected)
            || known.state_change.is_some_and(|at| now.wall.0 < at.0 + RECENT.as_secs_f64() * 1000.0)
    };
    let peers = core.peers().all();
    let gossip: Vec<String> = peers
        .iter()
        .filter(recent)
        .map(|known| format!("\"{}\":{}", known.key(), gossip::summary(known)))
        .collect();
    let forks: Vec<String> = core.forks().map(|(feed, sequence)| format!("\"{feed}\":{sequence}")).collect();
    let publishing = core.recovery().check().is_ok();
    format!(
        "{{\"progress\":{progress},\"sync\":{{\"since\":{at},\"plugins\":{{{}}},\"sync\":true}},\"gossip\":{{{}}},\
         \"ooo\":{},\"node\":{{\"version\":\"{}\",\"messages\":{},\"feeds\":{},\"peers\":{},\"connections\":{},\
         \"publishing\":{publishing},\"forks\":{{{}}}}}}}",
        plugins.join(","),
        gossip.join(","),
        ooo::status(core),
        env!("CARGO_PKG_VERSION"),
        reader.len(),
        reader.feeds().len(),
        peers.len(),
        core.connections(),
        forks.join(","),
    )
}

/// `auth`: what a key may call, in secret-stack's words: everything, or nothing in particular.
pub(crate) fn auth(args: &[u8], owners: &BTreeSet<FeedId>) -> &'static str {
    let id = args::first(args);
    if id.as_str().and_then(|id| FeedId::parse(id).ok()).is_some_and(|id| owners.contains(&id)) {
        "{\"allow\":null,\"deny\":null}"
    } else {
        "false"
    }
}

/// The indexes of ssb-db that this node has, too. They are written together with the log.
const INDEXES: [&str; 5] = ["last", "keys", "clock", "time", "feed"];

/// How long a peer that is not connected any more is told of (ssb-gossip 1.1.1).
const RECENT: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;
    use crate::fixture::key;
    use ssb_blobs::wants::Policy;
    use ssb_gossip::address::Address;
    use ssb_gossip::connection::ConnectionId;
    use ssb_gossip::connection::Side;
    use ssb_gossip::core::Start;
    use ssb_gossip::event::Input;
    use ssb_gossip::firewall::Firewall;
    use ssb_gossip::graph::Blocks;
    use ssb_gossip::lan::Lan;
    use ssb_gossip::retention::Retention;
    use ssb_gossip::time::UnixMillis;
    use ssb_gossip::time::Uptime;
    use ssb_keys::published_mark::PublishedMark;
    use ssb_msg::Signing;

    #[test]
    fn indexes_are_never_behind() {
        let mut fixture = Fixture::new();
        let progress = |fixture: &Fixture| progress(&core(), &fixture.reader(), at(0.0));
        assert_eq!(
            progress(&fixture),
            r#"{"indexes":{"start":-1,"current":-1,"target":-1},"ooo":{"start":0,"current":0,"target":0}}"#
        );
        fixture.publish_posts(&key(1), 2, 1);
        assert_eq!(
            progress(&fixture),
            r#"{"indexes":{"start":1,"current":1,"target":1},"ooo":{"start":0,"current":0,"target":0}}"#
        );
    }

    #[test]
    fn the_owner_and_whoever_is_master_may_call_everything() {
        let owners = BTreeSet::from([key(1).id(), key(3).id()]);
        for owner in &owners {
            assert_eq!(auth(format!("[\"{owner}\"]").as_bytes(), &owners), r#"{"allow":null,"deny":null}"#);
        }
        for other in ["[]", "[5]", r#"["x"]"#, &format!("[\"{}\"]", key(2).id())] {
            assert_eq!(auth(other.as_bytes(), &owners), "false", "{other}");
        }
    }

    fn core() -> Core {
        Core::new(Start {
            me: key(1).id(),
            signing: Signing::plain(),
            hops: 2,
            blocks: Blocks::Transitive,
            mark: PublishedMark::created(key(1).id()),
            held: Vec::new(),
            contacts: Vec::new(),
            seeds: vec![Address::net("h.example", 1, key(2).id()).unwrap()],
            banned: Vec::new(),
            forks: Vec::new(),
            retention: Retention::Everything,
            stored: Vec::new(),
            pubs: Vec::new(),
            dialing: None,
            lan: Lan::Off,
            firewall: Firewall::default(),
            blobs: Policy::default(),
            pushes: Vec::new(),
        })
    }

    fn at(millis: f64) -> Now {
        Now { uptime: Uptime::default(), wall: UnixMillis(millis) }
    }

    #[test]
    fn status_has_javascript_s_shape_and_one_key_of_ours() {
        let mut fixture = Fixture::new();
        fixture.publish_posts(&key(1), 2, 1);

        let status = status(&core(), &fixture.reader(), at(0.0));

        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            status,
            format!(
                r#"{{"progress":{{"indexes":{{"start":1,"current":1,"target":1}},"ooo":{{"start":0,"current":0,"target":0}}}},"sync":{{"since":1,"plugins":{{"last":1,"keys":1,"clock":1,"time":1,"feed":1}},"sync":true}},"gossip":{{}},"ooo":{{}},"node":{{"version":"{version}","messages":2,"feeds":1,"peers":1,"connections":0,"publishing":true,"forks":{{}}}}}}"#
            )
        );
    }

    #[test]
    fn status_tells_of_peers_that_are_connected_or_just_were() {
        let (mut core, reader, peer) = (core(), Fixture::new().reader(), key(2).id());
        let tells =
            |core: &Core, now| status(core, &reader, at(now)).contains(&format!(r#""gossip":{{"{peer}":{{"#));
        let handle = |core: &mut Core, input, now| {
            core.handle(input, at(now));
            while core.poll().is_some() {}
        };
        let connection = ConnectionId(1);
        assert!(!tells(&core, 0.0));

        handle(&mut core, Input::Opened { connection, peer, side: Side::Accepted }, 1000.0);
        assert!(tells(&core, 60_000.0));
        handle(&mut core, Input::Closed { connection }, 60_000.0);

        assert!(tells(&core, 62_999.0));
        assert!(!tells(&core, 63_000.0));
    }
}
