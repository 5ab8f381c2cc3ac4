//! What the node says of itself: `progress` and `auth`.

use ssb_keys::FeedId;
use ssb_log::Disk;
use ssb_log::Reader;

use super::args;

/// `progress`: how far the indexes are behind the log. Never, because they are written together.
///
/// In ssb-db 20.4.1 the numbers are byte offsets, here they are ordinals.
pub(crate) fn progress(reader: &Reader<Disk>) -> String {
    let at = i64::from(reader.len()) - 1;
    format!("{{\"indexes\":{{\"start\":{at},\"current\":{at},\"target\":{at}}}}}")
}

/// `auth`: what a key may call, in secret-stack's words: everything, or nothing in particular.
pub(crate) fn auth(args: &[u8], me: &FeedId) -> &'static str {
    let id = args::first(args);
    if id.as_str().and_then(|id| FeedId::parse(id).ok()) == Some(*me) {
        "{\"allow\":null,\"deny\":null}"
    } else {
        "false"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;
    use crate::fixture::key;

    #[test]
    fn indexes_are_never_behind() {
        let mut fixture = Fixture::new();
        assert_eq!(progress(&fixture.reader()), r#"{"indexes":{"start":-1,"current":-1,"target":-1}}"#);
        fixture.publish_posts(&key(1), 2, 1);
        assert_eq!(progress(&fixture.reader()), r#"{"indexes":{"start":1,"current":1,"target":1}}"#);
    }

    #[test]
    fn the_owner_may_call_everything() {
        let me = key(1).id();
        assert_eq!(auth(format!("[\"{me}\"]").as_bytes(), &me), r#"{"allow":null,"deny":null}"#);
        for other in ["[]", "[5]", r#"["x"]"#, &format!("[\"{}\"]", key(2).id())] {
            assert_eq!(auth(other.as_bytes(), &me), "false", "{other}");
        }
    }
}
