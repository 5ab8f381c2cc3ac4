//! `ssb-cli heads FEED`: up to where this node has a feed, and up to where its peers have it, as `ebt.peerStatus` tells (ssb-ebt 5.6.7).

use ssb_keys::FeedId;
use ssb_msg::json;
use ssb_msg::json::Value;

use super::call;
use crate::args::Heads;
use crate::config::Settings;
use crate::failure::Failure;
use crate::failure::codes;
use crate::print;

/// Prints the table, or what it is made of.
pub(super) fn run(wish: &Heads, settings: &Settings) -> Result<(), Failure> {
    let args = match &wish.feed {
        None => "[]".to_owned(),
        Some(feed) => {
            let id = FeedId::parse(feed).map_err(|_| {
                Failure::new(format!("Error: {feed} is no id of a feed, such as @8aEQ...=.ed25519"))
                    .code(codes::USAGE)
            })?;
            format!("[\"{id}\"]")
        }
    };
    let mut client = call::open("heads", settings)?;
    let status = call::ask(&mut client, &["ebt", "peerStatus"], &args);
    client.close();
    let status = status?;
    let text = if wish.as_json { json::pretty(&status) + "\n" } else { table(&status) };
    print::out(text.as_bytes())
}

fn table(status: &Value) -> String {
    let id = status.get("id").and_then(Value::as_text).map(|id| id.decode().into_owned()).unwrap_or_default();
    let ours = sequence(status).unwrap_or(0.0);
    let peers = status.get("peers").and_then(Value::as_object);
    let peers = peers.into_iter().flat_map(json::Object::iter);
    let mut peers: Vec<(String, Option<f64>)> =
        peers.map(|(peer, status)| (peer.decode().into_owned(), sequence(status))).collect();
    peers.sort_by(|(one, ones), (other, others)| {
        let by_sequence = others.unwrap_or(-1.0).total_cmp(&ones.unwrap_or(-1.0));
        by_sequence.then_with(|| one.cmp(other))
    });
    let mut rows = vec![["here".to_owned(), number(ours), String::new()]];
    rows.extend(peers.into_iter().map(|(peer, theirs)| match theirs {
        None => [peer, "-".to_owned(), "does not say, or does not replicate it with us".to_owned()],
        Some(theirs) if theirs > ours => [peer, number(theirs), format!("{} more", number(theirs - ours))],
        Some(theirs) if theirs < ours => [peer, number(theirs), format!("{} behind", number(ours - theirs))],
        Some(theirs) => [peer, number(theirs), String::new()],
    }));
    let nobody = if rows.len() == 1 { "no connected peer has said anything of it\n" } else { "" };
    format!("{id}\n{}{nobody}", print::aligned(&rows))
}

/// How far somebody has it. −1 stands for what is not known.
fn sequence(status: &Value) -> Option<f64> {
    match status.get("seq") {
        Some(Value::Number(sequence)) if *sequence >= 0.0 => Some(*sequence),
        _ => None,
    }
}

fn number(number: f64) -> String {
    format!("{number:.0}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        table(&json::parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn ours_comes_first_and_then_who_has_most() {
        let status = r#"{"id":"@f","seq":120,"peers":{
            "@a":{"seq":118},"@b":{"seq":-1},"@c":{"seq":1125},"@d":{"seq":120},"@e":{"seq":1125}}}"#;

        assert_eq!(
            told(status),
            "\
@f
here  120
@c    1125  1005 more
@e    1125  1005 more
@d    120
@a    118   2 behind
@b    -     does not say, or does not replicate it with us
"
        );
    }

    #[test]
    fn a_feed_that_nobody_has_is_told_so() {
        assert_eq!(
            told(r#"{"id":"@f","peers":{}}"#),
            "@f\nhere  0\nno connected peer has said anything of it\n"
        );
    }
}
