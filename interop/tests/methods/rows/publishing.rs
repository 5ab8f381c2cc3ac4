//! What is published, and what is not.

use super::EXTRA;
use super::Table;
use crate::row::Phase;
use crate::row::Reads;

pub(super) fn refused_calls(table: &mut Table) {
    table.calls("publish", &[&format!("[{{\"type\":\"post\",\"text\":\"{}\"}}]", "x".repeat(8192))]);
    // Nothing of this is stored: that is for the end, because each server signs with its own key.
    table.calls(
        "publish",
        &[
            "[]",
            "[null]",
            "[false]",
            "[0]",
            "[\"\"]",
            "[5]",
            "[true]",
            "[{}]",
            "[[]]",
            "[{\"text\":\"no type\"}]",
            "[{\"type\":5}]",
            "[{\"type\":\"\"}]",
            "[{\"type\":\"ab\"}]",
            "[{\"type\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}]",
            "[\"x\"]",
            "[\"not boxed\"]",
        ],
    );
}

pub(super) fn publishing(table: &mut Table) {
    table.phase = Phase::Publishing;
    table.calls(
        "publish",
        &[
            "[{\"type\":\"post\",\"text\":\"hello\"}]",
            "[{\"type\":\"post\",\"zebra\":1,\"apple\":{\"y\":[],\"x\":{}},\"10\":1,\"9\":2}]",
            "[{\"type\":\"abc\"}]",
            "[{\"type\":\"post\",\"text\":\"🦀 \\u00e9 \\u0000 \\u2028 \\ud83d\"}]",
            "[{\"type\":\"post\",\"numbers\":[0,-0,0.1,1e21,1e-7,123456789012345680000]}]",
            "[{\"type\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}]",
        ],
    );
    table.deviates(
        Reads::Answer,
        "content with `recps`",
        "publish",
        &[
            (
                "[{\"type\":\"post\",\"recps\":[\"<A>\"]}]",
                "!Error: content with recps is a private message…",
                "{\"key\":\"<id>\",…\"content\":\"….box\"…",
            ),
            (
                "[{\"type\":\"post\",\"recps\":\"x\"}]",
                "!Error: content with recps is a private message…",
                "!Error: private message requested, but no boxers…",
            ),
            (
                "[{\"type\":\"post\",\"recps\":[]}]",
                "!Error: content with recps is a private message…",
                "!Error: private message field \"recps\" requires…",
            ),
            (
                "[{\"type\":\"post\",\"recps\":5}]",
                "!Error: content with recps is a private message…",
                "!Error: private message field \"recps\" expects…",
            ),
        ],
    );
    table.ours_only(Reads::Answer, EXTRA, "publish", &[("[{\"type\":\"post\"},5]", "{\"key\":\"<id>\",…")]);
}

pub(super) fn removing(table: &mut Table) {
    let bad = ["[]", "[null]", "[0]", "[\"\"]", "[\"x\"]", "[5]", "[{}]", "[[\"<a1.id>\"]]", "[\"<N.id>\"]"];
    table.calls("del", &bad);
    table.ours_only(
        Reads::Answer,
        "`del` of the own feed",
        "del",
        &[("[\"<me>\"]", "!Error: the own feed cannot be deleted: …")],
    );
    let gone = "`del`";
    table.ours_only(Reads::Answer, gone, "del", &[("[\"<b2.id>\"]", "false")]);
    table.ours_only(
        Reads::Answer,
        gone,
        "undel",
        &[
            ("[\"<a1.id>\"]", "!Error: %….sha256 was not deleted here"),
            ("[\"<b2.id>\"]", "true"),
            ("[\"<N>\"]", "!Error: @….ed25519 was not deleted here"),
            ("[]", "!UsageError: Param 0 is required"),
        ],
    );
    table.ours_only(Reads::Answer, gone, "del", &[("[\"<B>\"]", "[\"%…")]);
    table.ours_only(Reads::Answer, gone, "add", &[("[<b1>]", "!Error: its feed was deleted here; undel…")]);
    table.ours_only(Reads::Answer, gone, "undel", &[("[\"<B>\"]", "true")]);
    table.ours_only(Reads::Answer, gone, "add", &[("[<b1>]", "{\"key\":\"%…")]);
}
