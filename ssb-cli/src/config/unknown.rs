//! Settings that mean nothing here: a slip of the keyboard, or what only JavaScript knows, or knows already.

use super::Origin;
use super::tree::Group;

/// What to say of each setting that somebody made and that has no effect. `own` are options of the command itself.
pub(super) fn notices(settings: &Group, own: &[&str]) -> Vec<String> {
    let values = settings.values();
    let is_own = |key: &str, origin: &Origin| *origin == Origin::Option && own.contains(&key);
    let made =
        values.iter().filter(|(key, _, origin)| key != "_" && origin.is_somebody_s() && !is_own(key, origin));
    made.filter_map(|(key, _, origin)| notice(key, origin)).collect()
}

fn notice(key: &str, origin: &Origin) -> Option<String> {
    let is_within =
        |group: &&str| key == *group || key.strip_prefix(*group).is_some_and(|rest| rest.starts_with('.'));
    if EFFECTIVE.iter().any(is_within) {
        return None;
    }
    let name = origin.name(key);
    if WEBSOCKETS.iter().any(is_within) {
        return Some(format!("{name} has no effect in this version: it does not listen for WebSockets yet"));
    }
    if LATER.iter().any(is_within) {
        return Some(format!("{name} has no effect in this version"));
    }
    let known = EFFECTIVE.iter().chain(WEBSOCKETS).chain(LATER);
    let nearest = known.map(|known| (strsim::damerau_levenshtein(key, known), known)).min();
    Some(match nearest.filter(|(distance, known)| *distance <= known.len() / 3 + 1) {
        Some((_, nearest)) => format!("{name}: there is no setting {key}; did you mean {nearest}?"),
        None => format!("{name}: there is no setting {key}"),
    })
}

/// Settings that do something. A name stands for all below it.
const EFFECTIVE: &[&str] = &[
    "blobs.max",
    "blobs.pushy",
    "blobs.quota",
    "blobs.stingy",
    "blobs.sympathy",
    "caps.shs",
    "caps.sign",
    "config",
    "conn.firewall.admit",
    "conn.firewall.rejectBlocked",
    "conn.firewall.rejectUnknown",
    "connections.incoming.net",
    "connections.incoming.unix",
    "connections.outgoing.net",
    "connections.outgoing.onion",
    "friends.blocks",
    "friends.hops",
    "gossip.autoPopulate",
    "gossip.friends",
    "gossip.global",
    "gossip.local",
    "gossip.pub",
    "gossip.seed",
    "host",
    "key",
    "lan.legacy",
    "local",
    "logging.level",
    "master",
    "new-feed",
    "offline",
    "ooo.hook",
    "ooo.timeout",
    "path",
    "port",
    "retention.bytes",
    "retention.days",
    "retention.hops",
    "retention.keep",
    "seed",
    "seeds",
    "serveBlobs",
    "timeout",
    "timers.handshake",
    "timers.inactivity",
    "timers.ping",
    "ws.port",
    // Variables only: they say what the others are called and where they are.
    "appname",
];

/// Settings of the WebSockets that this version does not have.
const WEBSOCKETS: &[&str] = &["connections.incoming.ws", "ws"];

/// Settings that ssb-server 16.0.1 and its plugins read, or have defaults for, and this version does not.
const LATER: &[&str] = &[
    "allowPrivate",
    "appKey",
    "blobs",
    "caps.invite",
    "conn",
    "connections",
    "ebt",
    "external",
    "friends",
    "gossip",
    "http",
    "invite",
    "keys",
    "lan",
    "manifest",
    "party",
    "plugins",
    "pub",
    "replicate",
    "replication",
    "temp",
    "timers",
    "verbose",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn of(key: &str) -> Option<String> {
        notice(key, &Origin::Option)
    }

    #[test]
    fn what_has_an_effect_is_not_worth_a_word() {
        for key in ["port", "caps.shs", "friends.hops", "connections.incoming.net", "master"] {
            assert_eq!(of(key), None);
        }
    }

    #[test]
    fn a_slip_is_told_with_what_was_meant() {
        let meant = |key: &str, nearest: &str| {
            assert_eq!(
                of(key),
                Some(format!("option --{key}: there is no setting {key}; did you mean {nearest}?"))
            );
        };
        meant("prot", "port");
        meant("caps.shss", "caps.shs");
        meant("friend.hops", "friends.hops");
        meant("newfeed", "new-feed");
    }

    #[test]
    fn what_only_javascript_knows_is_told_apart_from_what_nobody_knows() {
        assert_eq!(of("invite.max"), Some("option --invite.max has no effect in this version".to_owned()));
        assert_eq!(
            of("colour of the sky"),
            Some("option --colour of the sky: there is no setting colour of the sky".to_owned())
        );
    }
}
