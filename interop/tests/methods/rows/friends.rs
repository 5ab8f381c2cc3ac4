//! Who follows and blocks whom.

use super::Table;

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
}
