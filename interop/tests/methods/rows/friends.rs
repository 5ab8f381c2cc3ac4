//! Who follows and blocks whom.

use super::HELP;
use super::NEWER;
use super::Table;
use crate::row::Reads;

pub(super) fn friends(table: &mut Table) {
    let pairs = [
        r#"[{"source":"<me>","dest":"<A>"}]"#,
        r#"[{"source":"<A>","dest":"<B>"}]"#,
        r#"[{"source":"<A>","dest":"<me>"}]"#,
        r#"[{"source":"<N>","dest":"<A>"}]"#,
        r#"[{"source":"<A>"}]"#,
        r#"[{"dest":"<A>"}]"#,
        r#"[{"source":"x","dest":5}]"#,
        "[{}]",
    ];
    table.calls("friends.isFollowing", &pairs);
    table.calls("friends.isBlocking", &pairs);
    table.calls(
        "friends.get",
        &[
            r#"[{"source":"<me>","dest":"<A>"}]"#,
            r#"[{"source":"<A>","dest":"<B>"}]"#,
            r#"[{"source":"<N>"}]"#,
            r#"[{"dest":"<N>"}]"#,
        ],
    );
    table.calls("friends.hops", &["[{}]", r#"[{"max":0}]"#, r#"[{"start":"<N>"}]"#]);
    table.calls("friends.follow", &[r#"["x",{}]"#, r#"["",{}]"#, r#"["<a1.id>",{}]"#]);
    table.calls("friends.block", &[r#"["x",{}]"#, r#"["",{}]"#, r#"["<a1.id>",{}]"#]);
    table.calls("ebt.peerStatus", &["[]", r#"["<me>"]"#, r#"["<A>"]"#, r#"["<N>"]"#]);
    table.calls("replicate.request", &[r#"["x"]"#, r#"["x",false]"#, r#"[{"id":"x"}]"#]);
    for options in ["[]", "[{}]", r#"[{"live":false,"old":false}]"#, "[5]", r#"[{"meta":true}]"#] {
        table.streams("friends.hopStream", &[options]);
        table.streams("friends.createFriendStream", &[options]);
    }
    table.live("friends.hopStream", r#"[{"live":true}]"#, 1);
    table.live("friends.hopStream", r#"[{"live":true,"old":false}]"#, 0);
    table.live("friends.createFriendStream", r#"[{"live":true,"meta":true}]"#, 1);
    table.live("friends.stream", "[]", 1);
    table.live("friends.stream", r#"[{"old":false,"live":false}]"#, 1);
    table.streams("replicate.upto", &["[]", "[{}]", r#"[{"live":false}]"#, "[5]"]);
    table.live("replicate.upto", r#"[{"live":true}]"#, 2);
    let pairs = [
        r#"["<A>","<N>",true]"#,
        r#"["<A>","<N>",false]"#,
        r#"["<A>","<N>"]"#,
        r#"[{"from":"<A>","to":"<N>","blocking":true}]"#,
        r#"[{"from":"<A>","to":"<N>","blocking":false}]"#,
        r#"["x","y",false]"#,
    ];
    table.calls("replicate.block", &pairs);
    table.calls("ebt.block", &pairs);
    table.deviates(
        Reads::Answer,
        HELP,
        "friends.help",
        &[("[]", r#"{"description":"who follows…"#, r#"{"description":"track what…"#)],
    );
    newer(table);
}

/// What ssb-server 16 does not have.
fn newer(table: &mut Table) {
    table.ours_only(Reads::Answer, NEWER, "friends.graph", &[("[]", r#"{"@…":{"@…":1}}"#)]);
    table.ours_only(
        Reads::Stream,
        NEWER,
        "friends.graphStream",
        &[(r#"[{"live":false}]"#, r#"|{"@…":{"@…":1}}| end"#)],
    );
    table.ours_only(
        Reads::Answer,
        NEWER,
        "ebt.clock",
        &[("[]", r#"{"@…":…}"#), (r#"[{"format":"x"}]"#, "!Error: Unknown format: x")],
    );
    table.ours_only(
        Reads::Answer,
        NEWER,
        "replicate.progress",
        &[("[]", r#"{"idle":false,"peers":{"connected":0,"settled":0},"feeds":{"wanted":1,…"#)],
    );
    table.ours_only(Reads::Answer, NEWER, "peers", &[("[]", "[]")]);
    table.ours_only(
        Reads::Answer,
        "`ebt.request`",
        "ebt.request",
        &[(r#"["x"]"#, "false"), (r#"["<N>",false]"#, "false")],
    );
}
