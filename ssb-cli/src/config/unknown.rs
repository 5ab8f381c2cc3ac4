//! Settings that mean nothing here: a slip of the keyboard, or what only JavaScript knows, or knows already.

use serde_json::Value;

use super::sources::Origin;
use super::sources::Sources;

/// What to say of each setting that has no effect, strongest source first.
pub(super) fn notices(sources: &Sources) -> Vec<String> {
    let mut notices = Vec::new();
    for (origin, tree) in sources.trees() {
        let mut keys = Vec::new();
        flatten("", tree, &mut keys);
        notices.extend(keys.iter().filter_map(|key| notice(key, origin)));
    }
    notices
}

fn notice(key: &str, origin: &Origin) -> Option<String> {
    let is_within =
        |group: &&str| key == *group || key.strip_prefix(*group).is_some_and(|rest| rest.starts_with('.'));
    if EFFECTIVE.iter().any(is_within) {
        return None;
    }
    if LATER.iter().any(is_within) {
        return Some(format!("{origin}: {key} has no effect in this version"));
    }
    let known = EFFECTIVE.iter().chain(LATER);
    let nearest = known.map(|known| (strsim::damerau_levenshtein(key, known), known)).min();
    Some(match nearest.filter(|(distance, known)| *distance <= known.len() / 3 + 1) {
        Some((_, nearest)) => format!("{origin}: there is no setting {key}; did you mean {nearest}?"),
        None => format!("{origin}: there is no setting {key}"),
    })
}

/// The dotted names of all that is set. What is inside a list has no name.
fn flatten(prefix: &str, value: &Value, keys: &mut Vec<String>) {
    match value {
        Value::Object(group) => {
            for (name, value) in group {
                let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                flatten(&key, value, keys);
            }
        }
        _ => keys.push(prefix.to_owned()),
    }
}

/// Settings that do something. A name stands for all below it.
const EFFECTIVE: &[&str] = &[
    "caps.shs",
    "caps.sign",
    "config",
    "connections.incoming.net",
    "connections.incoming.unix",
    "friends.hops",
    "host",
    "key",
    "logging.level",
    "new-feed",
    "path",
    "port",
    // Variables only: they say what the others are called and where they are.
    "appname",
];

/// Settings that ssb-server 16.0.1 and its plugins read and this version does not.
const LATER: &[&str] = &[
    "blobs",
    "caps.invite",
    "connections",
    "ebt",
    "friends",
    "gossip",
    "invite",
    "keys",
    "local",
    "manifest",
    "master",
    "offline",
    "ooo",
    "party",
    "plugins",
    "pub",
    "replicate",
    "seed",
    "seeds",
    "temp",
    "timeout",
    "timers",
    "verbose",
    "ws",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn of(key: &str) -> Option<String> {
        notice(key, &Origin::Options)
    }

    #[test]
    fn what_has_an_effect_is_not_worth_a_word() {
        for key in ["port", "caps.shs", "friends.hops", "connections.incoming.net"] {
            assert_eq!(of(key), None);
        }
    }

    #[test]
    fn a_slip_is_told_with_what_was_meant() {
        let meant = |key: &str, nearest: &str| {
            assert_eq!(
                of(key),
                Some(format!("{}: there is no setting {key}; did you mean {nearest}?", Origin::Options))
            );
        };
        meant("prot", "port");
        meant("caps.shss", "caps.shs");
        meant("friend.hops", "friends.hops");
        meant("newfeed", "new-feed");
    }

    #[test]
    fn what_only_javascript_knows_is_told_apart_from_what_nobody_knows() {
        assert_eq!(
            of("blobs.max"),
            Some(format!("{}: blobs.max has no effect in this version", Origin::Options))
        );
        assert_eq!(
            of("colour of the sky"),
            Some(format!("{}: there is no setting colour of the sky", Origin::Options))
        );
    }
}
